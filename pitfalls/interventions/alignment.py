"""Interchange in a subspace: a few directions, not neurons, take the values that they have in another word.

Which directions, :mod:`~pitfalls.interventions.alignment_search` learns (distributed alignment search, Geiger et al.
2024).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from pitfalls.interventions.interchange import training_words
from pitfalls.interventions.kinds import Means, aims_at
from pitfalls.interventions.sources import ChangedWords, TrainingWords
from pitfalls.numbers import whole

# How far a rotation's columns may be from orthonormal.
_ORTHONORMAL = 1e-6


@dataclass(frozen=True, eq=False)
class SubspaceReplacement:
    """``h <- h + (source - h) @ R @ R.T``, for a training word's vector ``source``; see :class:`AlignedInterchange`.

    Attributes
    ----------
    R:
        float64 [n_units, r], with orthonormal columns; gradients flow through it.
    training, aims, seed:
        As in :class:`~.interchange.Replacement`.
    """

    R: torch.Tensor
    training: TrainingWords
    aims: NDArray[np.int64]
    seed: int

    def apply(self, states: torch.Tensor, words: ChangedWords) -> torch.Tensor:
        """Changed copies of ``states`` [n, n_units] of the subwords of ``words``."""
        rows = self.training.drawn_for(words, self.aims, self.seed)
        sources = torch.as_tensor(self.training.X[rows]).to(states.device, torch.float64)
        R = self.R.to(states.device)
        return (states.double() + ((sources - states.double()) @ R) @ R.mT).to(states)


@dataclass(frozen=True, eq=False)
class AlignedInterchange:
    """Give a subspace the values that it has in a training word with the value aimed at (Geiger et al. 2024).

    Every unit may have a part in it, so no ranking matters here: k is the number of directions r, or 0 for no
    intervention, and any order of the units will do. Training words are drawn as in an
    :class:`~.interchange.Interchange`.

    Attributes
    ----------
    R:
        float64 [n_units, r], orthonormal columns that span the subspace.
    target, seed:
        As for an :class:`~.interchange.Interchange`.
    name:
        Where the directions come from: a search calls those for random labels "control".

    Raises
    ------
    ValueError
        The columns are not orthonormal, or there is none.

    Examples
    --------
    >>> kind = AlignedInterchange(np.eye(3)[:, :2])
    >>> kind.label, kind.dims
    ('aligned 2-d interchange 0', 2)
    """

    R: NDArray[np.float64]
    target: str | None = None
    seed: int = 0
    name: str = "aligned"

    def __post_init__(self) -> None:
        R = np.asarray(self.R, dtype=np.float64)
        far = np.abs(R.T @ R - np.eye(R.shape[1])).max() if R.ndim == 2 and R.size else np.inf
        if not far <= _ORTHONORMAL:
            raise ValueError(
                f"R has shape {R.shape}, and R.T @ R is {far:.2g} away from the identity: give [n_units, r] with "
                "orthonormal columns, such as numpy.linalg.qr(R).Q"
            )
        object.__setattr__(self, "R", R)
        object.__setattr__(self, "seed", whole(self.seed, "a seed"))

    @property
    def dims(self) -> int:
        """The number of directions r."""
        return int(self.R.shape[1])

    @property
    def label(self) -> str:
        """Its name in tables, with the number of directions and the seed, so that draws stay apart."""
        return f"{self.name} {self.dims}-d interchange {self.seed}"

    @property
    def strength(self) -> float:
        """NaN: values are taken as they are."""
        return float("nan")

    def aims(self, values: Sequence[str]) -> NDArray[np.int64]:
        """The value after each (after the last, the first), or ``target`` for all."""
        return aims_at(values, self.target)

    def change(self, order: NDArray[np.int64], k: int, means: Means, aims: NDArray[np.int64]) -> SubspaceReplacement:
        """Replace all r directions, or none for k = 0; ``order`` makes no difference."""
        if len(order) != len(self.R):
            raise ValueError(f"R is for {len(self.R)} units, and the ranking has {len(order)}: use one site")
        if k not in (0, self.dims):
            raise ValueError(
                f"k = {k}: a subspace of {self.dims} directions is changed whole, or not at all; give ks [{self.dims}]"
            )
        return SubspaceReplacement(torch.from_numpy(self.R[:, :k]), training_words(means), aims, self.seed)
