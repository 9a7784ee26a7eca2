"""Translation: move units towards another value's mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pitfalls.interventions.kinds import Change, Means, aims_at
from pitfalls.numbers import is_number


class _Shift:
    """What both translations share: neurons move along the difference of two values' means."""

    target: str | None

    def coefficients(self, n_neurons: int) -> NDArray[np.float64]:
        """The factor alpha of every rank, [n_neurons]."""
        raise NotImplementedError

    def aims(self, values: Sequence[str]) -> NDArray[np.int64]:
        """The value after each (after the last, the first), or ``target`` for all."""
        return aims_at(values, self.target)

    def change(self, order: NDArray[np.int64], k: int, means: Means, aims: NDArray[np.int64]) -> Change:
        """Add alpha times the difference of means, in the first ``k`` neurons of ``order``."""
        offset = np.zeros_like(means.of_value)
        chosen = order[:k]
        difference = means.of_value[aims] - means.of_value
        offset[:, chosen] = self.coefficients(len(order))[:k] * difference[:, chosen]
        return Change(np.ones(len(order)), offset)


@dataclass(frozen=True)
class Translation(_Shift):
    """Move towards another value's mean, further for neurons that rank higher (SOURCES.md, Interventions [C]).

    ``h <- h + alpha * (q(z') - q(z))`` in the first k neurons. The factor falls over *all* d ranks, evenly in its
    logarithm, from beta to 0.001: ``alpha_r = beta * (1 / (1000 beta)) ** (r / (d - 1))``. The paper shows beta = 8,
    chosen on dev [P].

    Examples
    --------
    >>> Translation(beta=8).coefficients(3).round(4).tolist()
    [8.0, 0.0894, 0.001]
    """

    beta: float = 8.0
    target: str | None = None

    def __post_init__(self) -> None:
        if not is_number(self.beta) or not 0 < self.beta < float("inf"):
            raise ValueError(f"beta must be above 0 and finite, not {self.beta!r}; the paper sweeps 2 to 12")

    @property
    def label(self) -> str:
        """Its name in tables."""
        return "translation"

    @property
    def strength(self) -> float:
        """The beta."""
        return float(self.beta)

    def coefficients(self, n_neurons: int) -> NDArray[np.float64]:
        """The factor alpha of every rank, [n_neurons]."""
        ranks = np.arange(n_neurons) / max(n_neurons - 1, 1)
        return self.beta * (1 / (1000 * self.beta)) ** ranks


@dataclass(frozen=True)
class ConstantTranslation(_Shift):
    """Move towards another value's mean by the same factor in all k neurons (the unscaled variant [C]).

    With alpha = 1 and k = d, the mean of a value lands on the mean of the value aimed at; alpha = 0 changes nothing.

    Examples
    --------
    >>> ConstantTranslation(alpha=1).coefficients(3)
    array([1., 1., 1.])
    """

    alpha: float = 1.0
    target: str | None = None

    def __post_init__(self) -> None:
        if not is_number(self.alpha) or not np.isfinite(self.alpha):
            raise ValueError(f"alpha must be a finite number, not {self.alpha!r}")

    @property
    def label(self) -> str:
        """Its name in tables."""
        return "constant translation"

    @property
    def strength(self) -> float:
        """The alpha."""
        return float(self.alpha)

    def coefficients(self, n_neurons: int) -> NDArray[np.float64]:
        """The factor alpha of every rank, [n_neurons]."""
        return np.full(n_neurons, float(self.alpha))
