"""Units that are computed from the residual stream: read and written like any others.

Writing units z' where the model has z adds what z' - z stands for to the residual stream. So what the units do not
explain stays as it is, and units that are not changed change nothing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from pitfalls.models.interface import Encoded, LanguageModel
from pitfalls.site import Site, as_site, as_sites


class WithComputedUnits(ABC):
    """A language model with one kind of computed units; whatever has nothing to do with them is the model's own.

    Attributes
    ----------
    kind:
        The kind of their sites.
    units:
        What errors call them.
    """

    kind: ClassVar[str]
    units: ClassVar[str]

    def __init__(self, model: LanguageModel) -> None:
        self._model = model
        self._kept: WeakKeyDictionary[Encoded, tuple[int, Tensor, Tensor, Tensor]] = WeakKeyDictionary()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._model, name)

    @abstractmethod
    def _width(self, site: Site) -> int:
        """The number of units; raises ValueError where there are none at the site's layer."""

    @abstractmethod
    def _computed(self, site: Site, states: Tensor) -> Tensor:
        """The units [b, t, n] of states [b, t, d] of the residual stream."""

    @abstractmethod
    def _written(self, site: Site, difference: Tensor) -> Tensor:
        """What a difference in the units [n, n_units] adds to the residual stream [n, d]."""

    def _packed(self, units: Tensor) -> Tensor:
        """The units as they are kept for a later :meth:`resume`."""
        return units

    def n_units(self, site: Site | int) -> int:
        """Number of units of a site."""
        found = as_site(site)
        return self._width(found) if found.kind == self.kind else self._model.n_units(found)

    def hidden(self, encoded: Encoded, site: Site | int) -> Tensor:
        """States of one site, a copy; computed units are kept for a later :meth:`resume`."""
        found = as_site(site)
        if found.kind != self.kind:
            return self._model.hidden(encoded, found)
        kept = self._own(encoded, found)[1]
        return kept.to_dense() if kept.is_sparse else kept.clone()

    def read(self, encoded: Encoded, sites: Sequence[Site | int]) -> Mapping[Site, Tensor]:
        """States of several sites from one pass."""
        wanted = as_sites(sites)
        below = {site: Site("residual", site.layer) if site.kind == self.kind else site for site in wanted}
        for site in wanted:
            self.n_units(site)  # says which sites there are
        states = self._model.read(encoded, as_sites(below.values()))
        return {
            site: self._computed(site, states[below[site]]) if site.kind == self.kind else states[site]
            for site in wanted
        }

    def resume(self, encoded: Encoded, site: Site | int, states: Tensor) -> Tensor:
        """Run what comes after a site on ``states``; for computed units, only the difference is written."""
        found = as_site(site)
        if found.kind != self.kind:
            return self._model.resume(encoded, found, states)
        own, units = self._own(encoded, found)
        if states.shape != units.shape:
            raise ValueError(
                f"{self.units} of shape {tuple(states.shape)} for a batch of {tuple(units.shape)}: give one per subword"
            )
        difference = states.to(units) - units.to_dense()
        # Most words are left alone: no arithmetic there, so not even rounding. Gradients are needed at all of them.
        rows = (difference != 0).any(-1) | states.requires_grad
        changed = own.clone()
        changed[rows] += self._written(found, difference[rows]).to(own)
        return self._model.resume(encoded, found.layer, changed)

    def _own(self, encoded: Encoded, site: Site) -> tuple[Tensor, Tensor]:
        """The states of the residual stream and their units; kept as long as the batch exists."""
        kept = self._kept.get(encoded)
        # The batch may have been changed in place since (a word masked, for instance).
        text = torch.stack([encoded.input_ids, encoded.attention_mask])
        if kept is None or kept[0] != site.layer or not torch.equal(kept[1], text):
            self._width(site)  # says which sites there are
            own = self._model.hidden(encoded, site.layer)
            self._kept[encoded] = kept = site.layer, text, own, self._packed(self._computed(site, own))
        return kept[2:]
