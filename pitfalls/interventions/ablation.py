"""Ablation: set units to zero, or to their mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pitfalls.interventions.kinds import Change, Means


@dataclass(frozen=True)
class Ablation:
    """Set the first k neurons to zero (SOURCES.md, Interventions [C]), or to their mean over training words.

    An ablation aims at no value: a right lemma with another value counts as "another".

    Examples
    --------
    >>> Ablation().label, Ablation("mean").label
    ('ablation', 'mean ablation')
    """

    value: Literal["zero", "mean"] = "zero"

    def __post_init__(self) -> None:
        if self.value not in ("zero", "mean"):
            raise ValueError(f'value must be "zero" or "mean", not {self.value!r}')

    @property
    def label(self) -> str:
        """Its name in tables."""
        return "ablation" if self.value == "zero" else "mean ablation"

    @property
    def strength(self) -> float:
        """NaN: an ablation has no strength."""
        return float("nan")

    @property
    def target(self) -> None:
        """None: an ablation sends words nowhere."""

    def aims(self, values: Sequence[str]) -> NDArray[np.int64]:
        """All -1: no value is aimed at."""
        return np.full(len(values), -1, dtype=np.int64)

    def change(self, order: NDArray[np.int64], k: int, means: Means, aims: NDArray[np.int64]) -> Change:
        """Set the first ``k`` neurons of ``order`` to zero, or to their mean."""
        keep, offset = np.ones(len(order)), np.zeros_like(means.of_value)
        keep[order[:k]] = 0
        if self.value == "mean":
            offset[:, order[:k]] = means.overall[order[:k]]
        return Change(keep, offset)
