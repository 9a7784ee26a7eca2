"""A language model with sparse autoencoders: their latents are units that are read and written like any others.

Writing latents z' where the model has z adds ``decode(z') - decode(z)`` to the residual stream. So what the autoencoder
does not explain stays as it is, and latents that are not changed change nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, cast
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from pitfalls.models.interface import Encoded, LanguageModel, Pooling
from pitfalls.models.sae import SparseAutoencoder
from pitfalls.site import Site, as_site, as_sites


def with_saes(model: LanguageModel, saes: Sequence[SparseAutoencoder]) -> LanguageModel:
    """The same model, in which ``Site("sae", layer)`` are the latents of an autoencoder at that layer.

    Raises
    ------
    ValueError
        None is given, one is not this model's (:meth:`.SparseAutoencoder.check`), or a layer has two.

    Examples
    --------
    >>> from pitfalls.models.sae import Origin, TopK
    >>> from pitfalls.worlds.load import load_world
    >>> own = load_world("planted").model
    >>> eye, zero = torch.eye(128).double(), torch.zeros(128).double()
    >>> sae = SparseAutoencoder(eye, zero, eye, zero, TopK(64), Origin(0))
    >>> model = with_saes(own, [sae])
    >>> batch = model.encode([["a", "b"]])
    >>> z = model.hidden(batch, Site("sae", 0))
    >>> torch.equal(model.resume(batch, Site("sae", 0), z), own.hidden(batch, 1))
    True
    """
    if not saes:
        raise ValueError("no autoencoder was given: train one with pitfalls.models.sae.train_sae, or read one")
    own = model._model if isinstance(model, _WithLatents) else model
    given = [*(model._saes.values() if isinstance(model, _WithLatents) else ()), *saes]
    return cast(LanguageModel, _WithLatents(own, given))


class _WithLatents:
    """See :func:`with_saes`; whatever has nothing to do with latents is the model's own."""

    def __init__(self, model: LanguageModel, saes: Sequence[SparseAutoencoder]) -> None:
        self._model, self._saes = model, dict[int, SparseAutoencoder]()
        for sae in saes:
            sae.check(model)
            if sae.origin.layer in self._saes:
                raise ValueError(f"two autoencoders for layer {sae.origin.layer} of {model.name}: give one of them")
            self._saes[sae.origin.layer] = sae
        # For a model in half precision, latents are computed in single precision.
        dtype = torch.float64 if model.dtype == torch.float64 else torch.float32
        device = cast(Any, model).device
        self._ready = {layer: sae.to(device, dtype) for layer, sae in self._saes.items()}
        self._kept: WeakKeyDictionary[Encoded, tuple[int, Tensor, Tensor, Tensor]] = WeakKeyDictionary()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._model, name)

    def fingerprint(self) -> str:
        """SHA-256 over the model and its autoencoders."""
        told = [self._model.fingerprint(), *(self._saes[layer].fingerprint() for layer in sorted(self._saes))]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()

    def pooled(self, pooling: Pooling) -> LanguageModel:
        """The same model and autoencoders, with another vector of a word."""
        return with_saes(cast(Any, self._model).pooled(pooling), list(self._saes.values()))

    def n_units(self, site: Site | int) -> int:
        """Number of units of a site."""
        found = as_site(site)
        return self._sae(found).n_latents if found.kind == "sae" else self._model.n_units(found)

    def hidden(self, encoded: Encoded, site: Site | int) -> Tensor:
        """States of one site, a copy; latents are kept for a later :meth:`resume`."""
        found = as_site(site)
        if found.kind != "sae":
            return self._model.hidden(encoded, found)
        return self._own(encoded, found)[1].to_dense()

    def read(self, encoded: Encoded, sites: Sequence[Site | int]) -> Mapping[Site, Tensor]:
        """States of several sites from one pass."""
        wanted = as_sites(sites)
        saes = {site: self._sae(site) for site in wanted if site.kind == "sae"}
        below = {site: Site("residual", site.layer) if site in saes else site for site in wanted}
        states = self._model.read(encoded, as_sites(below.values()))
        return {site: _latents(saes[site], states[below[site]]) if site in saes else states[site] for site in wanted}

    def resume(self, encoded: Encoded, site: Site | int, states: Tensor) -> Tensor:
        """Run what comes after a site on ``states``; for latents, only the difference is written."""
        found = as_site(site)
        if found.kind != "sae":
            return self._model.resume(encoded, found, states)
        sae, (own, latents) = self._sae(found), self._own(encoded, found)
        if states.shape != latents.shape:
            raise ValueError(
                f"latents of shape {tuple(states.shape)} for a batch of {tuple(latents.shape)}: give one per subword"
            )
        difference = states.to(latents) - latents.to_dense()
        # Most words are left alone: no arithmetic there, so not even rounding. Gradients are needed at all of them.
        rows = (difference != 0).any(-1) | states.requires_grad
        changed = own.clone()
        changed[rows] += (difference[rows] @ sae.W_dec).to(own)
        return self._model.resume(encoded, found.layer, changed)

    def _own(self, encoded: Encoded, site: Site) -> tuple[Tensor, Tensor]:
        """The states of the residual stream and their latents (sparse); kept as long as the batch exists."""
        sae, kept = self._sae(site), self._kept.get(encoded)
        # The batch may have been changed in place since (a word masked, for instance).
        text = torch.stack([encoded.input_ids, encoded.attention_mask])
        if kept is None or kept[0] != site.layer or not torch.equal(kept[1], text):
            own = self._model.hidden(encoded, site.layer)
            self._kept[encoded] = kept = site.layer, text, own, _latents(sae, own).to_sparse()
        return kept[2:]

    def _sae(self, site: Site) -> SparseAutoencoder:
        if site.layer not in self._ready:
            there = ", ".join(f"sae {layer}" for layer in sorted(self._ready))
            raise ValueError(f"no {site} in {self._model.name}: it has {there}; give another with world.with_sae(…)")
        return self._ready[site.layer]


def _latents(sae: SparseAutoencoder, states: Tensor) -> Tensor:
    return sae.encode(states.to(sae.W_enc))
