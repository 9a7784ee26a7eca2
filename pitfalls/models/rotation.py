"""A language model with rotated sites: the residual stream in another orthonormal basis.

Is a neuron special, or would any direction do? A rotated unit is a coordinate of the same states in a random basis, so
whatever depends on all units together stays as it was, and what is said about single units may not.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pitfalls.models.computed import WithComputedUnits
from pitfalls.models.interface import LanguageModel, Pooling
from pitfalls.numbers import whole
from pitfalls.site import Site


def random_rotation(n: int, seed: int = 0) -> NDArray[np.float64]:
    """An orthogonal matrix Q [n, n], every one equally likely: the QR decomposition of Gaussian numbers.

    R's diagonal is made positive, without which Q would not be uniform (Mezzadri 2007). Rotated states are ``h @ Q``.

    Examples
    --------
    >>> Q = random_rotation(4, seed=1)
    >>> np.allclose(Q @ Q.T, np.eye(4))
    True
    """
    drawn = np.random.default_rng([whole(seed, "a seed"), 12]).standard_normal((n, n))
    Q, R = np.linalg.qr(drawn)
    return np.asarray(Q * np.sign(np.diagonal(R)))


def with_rotation(model: LanguageModel, seed: int = 0) -> LanguageModel:
    """The same model, in which ``Site("rotated", layer)`` is the residual stream there in a random basis.

    All layers have the same basis. A model that is rotated already gets the new basis in place of the old one.

    Parameters
    ----------
    seed:
        For the basis (:func:`random_rotation`).

    Raises
    ------
    ValueError
        The seed is not a whole number, 0 or more.

    Examples
    --------
    >>> from pitfalls.worlds.load import load_world
    >>> own = load_world("planted").model
    >>> model, batch, site = with_rotation(own, seed=1), own.encode([["a", "b"]]), Site("rotated", 0)
    >>> states = model.hidden(batch, site)
    >>> torch.allclose(states @ torch.from_numpy(random_rotation(128, seed=1)).T, own.hidden(batch, 0))
    True
    >>> torch.equal(model.resume(batch, site, states), own.hidden(batch, 1))
    True
    """
    own = model._model if isinstance(model, _Rotated) else model
    return cast(LanguageModel, _Rotated(own, seed))


def turned(model: LanguageModel) -> tuple[LanguageModel, int] | None:
    """The model that was rotated, and the seed of its basis; None if it was not."""
    return (model._model, model._seed) if isinstance(model, _Rotated) else None


class _Rotated(WithComputedUnits):
    """See :func:`with_rotation`."""

    kind, units = "rotated", "rotated states"

    def __init__(self, model: LanguageModel, seed: int) -> None:
        super().__init__(model)
        # As an int of Python: the fingerprint writes it as JSON.
        self._seed = whole(seed, "a seed")
        # A model in half precision is rotated in single precision.
        dtype = torch.float64 if model.dtype == torch.float64 else torch.float32
        self._basis = torch.from_numpy(random_rotation(model.n_neurons, self._seed)).to(model.device, dtype)

    def fingerprint(self) -> str:
        """SHA-256 over the model and the seed of its basis."""
        return hashlib.sha256(json.dumps([self._model.fingerprint(), "rotated", self._seed]).encode()).hexdigest()

    def pooled(self, pooling: Pooling) -> LanguageModel:
        """The same model and basis, with another vector of a word."""
        return with_rotation(cast(Any, self._model).pooled(pooling), self._seed)

    def _width(self, site: Site) -> int:
        return self._model.n_units(site.layer)

    def _computed(self, site: Site, states: Tensor) -> Tensor:
        return states.to(self._basis) @ self._basis

    def _written(self, site: Site, difference: Tensor) -> Tensor:
        return difference @ self._basis.mT
