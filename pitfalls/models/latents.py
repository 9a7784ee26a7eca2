"""A language model with sparse autoencoders: their latents are units that are read and written like any others.

Writing latents z' where the model has z adds ``decode(z') - decode(z)`` to the residual stream
(:mod:`~pitfalls.models.computed`). So what the autoencoder does not explain stays as it is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor

from pitfalls.models.computed import WithComputedUnits
from pitfalls.models.interface import LanguageModel, Pooling
from pitfalls.models.rotation import turned, with_rotation
from pitfalls.models.sae import SparseAutoencoder
from pitfalls.site import Site


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
    rotation = turned(model)
    if rotation is not None:
        # The basis comes last, whatever came first: autoencoders that are given before and after it find each other.
        beneath, seed = rotation
        return with_rotation(with_saes(beneath, saes), seed)
    own = model._model if isinstance(model, _WithLatents) else model
    given = [*(model._saes.values() if isinstance(model, _WithLatents) else ()), *saes]
    return cast(LanguageModel, _WithLatents(own, given))


class _WithLatents(WithComputedUnits):
    """See :func:`with_saes`."""

    kind, units = "sae", "latents"

    def __init__(self, model: LanguageModel, saes: Sequence[SparseAutoencoder]) -> None:
        super().__init__(model)
        self._saes: dict[int, SparseAutoencoder] = {}
        for sae in saes:
            sae.check(model)
            if sae.origin.layer in self._saes:
                raise ValueError(f"two autoencoders for layer {sae.origin.layer} of {model.name}: give one of them")
            self._saes[sae.origin.layer] = sae
        # For a model in half precision, latents are computed in single precision.
        dtype = torch.float64 if model.dtype == torch.float64 else torch.float32
        device = cast(Any, model).device
        self._ready = {layer: sae.to(device, dtype) for layer, sae in self._saes.items()}

    def fingerprint(self) -> str:
        """SHA-256 over the model and its autoencoders."""
        told = [self._model.fingerprint(), *(self._saes[layer].fingerprint() for layer in sorted(self._saes))]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()

    def pooled(self, pooling: Pooling) -> LanguageModel:
        """The same model and autoencoders, with another vector of a word."""
        return with_saes(cast(Any, self._model).pooled(pooling), list(self._saes.values()))

    def _width(self, site: Site) -> int:
        return self._sae(site).n_latents

    def _computed(self, site: Site, states: Tensor) -> Tensor:
        sae = self._sae(site)
        return sae.encode(states.to(sae.W_enc))

    def _written(self, site: Site, difference: Tensor) -> Tensor:
        return difference @ self._sae(site).W_dec

    def _packed(self, units: Tensor) -> Tensor:
        return units.to_sparse()

    def _sae(self, site: Site) -> SparseAutoencoder:
        if site.layer not in self._ready:
            there = ", ".join(f"sae {layer}" for layer in sorted(self._ready))
            raise ValueError(f"no {site} in {self._model.name}: it has {there}; give another with world.with_sae(…)")
        return self._ready[site.layer]
