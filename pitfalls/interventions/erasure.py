"""Erasure (LEACE): remove what a linear probe could read, and aim at nothing.

It is the opposite extreme of a translation: after it, no linear probe finds the attribute in these neurons.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from pitfalls.arrays.splits import Splits
from pitfalls.arrays.words import labelled_words
from pitfalls.extras import extra
from pitfalls.interventions.kinds import Means
from pitfalls.interventions.sources import ChangedWords

with extra("models"):
    from concept_erasure import LeaceEraser


@dataclass(frozen=True, eq=False)
class AffineChange:
    """An affine map of some neurons, the same for all values; it takes the place of a :class:`~.kinds.Change`.

    ``h <- h - ((h - bias) @ right.T) @ left.T`` on ``neurons``, computed in double precision.

    Attributes
    ----------
    neurons:
        [k] int64, the ones that are read and changed.
    left, right:
        float64 [k, r] and [r, k], of a low rank r.
    bias:
        [k] float64.
    """

    neurons: NDArray[np.int64]
    left: torch.Tensor
    right: torch.Tensor
    bias: torch.Tensor

    def apply(self, states: torch.Tensor, words: ChangedWords) -> torch.Tensor:
        """Changed copies of ``states`` [n, n_neurons]; which ``words`` they belong to makes no difference."""
        left, right, bias = (part.to(states.device) for part in (self.left, self.right, self.bias))
        chosen = torch.as_tensor(self.neurons, device=states.device)
        read = states[:, chosen].double()
        changed = states.clone()
        changed[:, chosen] = (read - ((read - bias) @ right.mT) @ left.mT).to(states)
        return changed


@dataclass(frozen=True, eq=False)
class LeaceErasure:
    """Erase the attribute from the first k neurons: least-squares concept erasure (LEACE, Belrose et al. 2023).

    Of all affine maps after which no linear probe on these neurons does better than a constant on the training words,
    this is the one that moves the words least. It is fitted anew for each k, on those k neurons, and may mix them; the
    other neurons are left alone, and may still carry the attribute. Like an ablation, it aims at no value, so a right
    lemma with another value counts as "another".

    Attributes
    ----------
    X:
        [n_words, n_neurons] float64, the training words.
    Z:
        [n_words, n_values] float64, 1 at the word's value.
    """

    X: torch.Tensor
    Z: torch.Tensor

    @classmethod
    def of(cls, data: Splits) -> LeaceErasure:
        """Erase the attribute of ``data``, as its training words show it."""
        words = labelled_words(data, "train")
        return cls(words.X.double(), torch.nn.functional.one_hot(words.y, words.n_classes).double())

    @property
    def label(self) -> str:
        """Its name in tables."""
        return "erasure"

    @property
    def strength(self) -> float:
        """NaN: an erasure has no strength."""
        return float("nan")

    @property
    def target(self) -> None:
        """None: an erasure sends words nowhere."""

    def aims(self, values: Sequence[str]) -> NDArray[np.int64]:
        """All -1: no value is aimed at."""
        return np.full(len(values), -1, dtype=np.int64)

    def change(self, order: NDArray[np.int64], k: int, means: Means, aims: NDArray[np.int64]) -> AffineChange:
        """Erase from the first ``k`` neurons of ``order``; ``means`` and ``aims`` are not needed."""
        if len(order) != self.X.shape[1]:
            raise ValueError(f"the erasure has {self.X.shape[1]} neurons, and the ranking {len(order)}: use one site")
        chosen = np.sort(order[:k])
        if k == 0:
            nothing = torch.zeros(0, dtype=torch.float64)
            return AffineChange(chosen, nothing[:, None], nothing[None, :], nothing)
        # Without shrinkage the map is exactly the least-squares one for these words. Without truncation, rare values,
        # whose singular values are small, are erased too. Erasing in the covariance's own metric cannot increase its
        # trace, so the constraint on the trace is not needed.
        eraser = LeaceEraser.fit(self.X[:, chosen], self.Z, shrinkage=False, svd_tol=1e-9, constrain_cov_trace=False)
        return AffineChange(chosen, eraser.proj_left, eraser.proj_right, eraser.bias)
