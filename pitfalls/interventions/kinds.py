"""Kinds of intervention: what is done to the first k neurons of a ranking in the state of a word.

Every kind here is the same step, ``h <- keep * h + offset[value]`` (:class:`Change`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from pitfalls.arrays.words import class_means, labelled_words

if TYPE_CHECKING:
    from pitfalls.models.vectors import Splits


@dataclass(frozen=True)
class Means:
    """Where training words lie on average: ``of_value`` [n_values, n_neurons], ``overall`` [n_neurons]."""

    of_value: NDArray[np.float64]
    overall: NDArray[np.float64]

    @classmethod
    def of(cls, data: Splits) -> Means:
        """The mean vectors q(z) of the training words (SOURCES.md, Probeless), and the mean of all of them."""
        words = labelled_words(data, "train")
        of_value = class_means(words.X, words.y, words.n_classes)
        shares = torch.bincount(words.y, minlength=words.n_classes).double() / len(words.y)
        return cls(of_value.numpy(), (shares @ of_value).numpy())


@dataclass(frozen=True)
class Change:
    """What an intervention does to a state: ``h <- keep * h + offset[value of the word]``.

    Attributes
    ----------
    keep:
        [n_neurons].
    offset:
        [n_values, n_neurons].
    """

    keep: NDArray[np.float64]
    offset: NDArray[np.float64]

    def apply(self, states: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        """Changed copies of ``states`` [n, n_neurons] of subwords of words with ``values`` [n]."""
        keep = torch.as_tensor(self.keep).to(states)
        offset = torch.as_tensor(self.offset).to(states)
        return states * keep + offset[values]


class StateChange(Protocol):
    """Anything that changes states; :class:`Change` is the diagonal one."""

    def apply(self, states: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        """Changed copies of ``states`` [n, n_neurons] of subwords of words with ``values`` [n]."""


class Kind(Protocol):
    """A kind of intervention, with its strength as a number for tables (NaN where it has none)."""

    @property
    def label(self) -> str:
        """Its name in tables."""

    @property
    def strength(self) -> float:
        """Its beta or alpha."""

    def aims(self, n_values: int, target: int | None) -> NDArray[np.int64]:
        """The value that each value is sent to, [n_values]; -1 where none is aimed at."""

    def change(self, order: NDArray[np.int64], k: int, means: Means, aims: NDArray[np.int64]) -> StateChange:
        """What happens to a state when the first ``k`` neurons of ``order`` are changed."""


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

    def aims(self, n_values: int, target: int | None) -> NDArray[np.int64]:
        """All -1: no value is aimed at."""
        if target is not None:
            raise ValueError("an ablation aims at no value: leave target out, or use Translation")
        return np.full(n_values, -1, dtype=np.int64)

    def change(self, order: NDArray[np.int64], k: int, means: Means, aims: NDArray[np.int64]) -> Change:
        """Keep all neurons but the first ``k`` of ``order``."""
        keep, offset = np.ones(len(order)), np.zeros_like(means.of_value)
        keep[order[:k]] = 0
        if self.value == "mean":
            offset[:, order[:k]] = means.overall[order[:k]]
        return Change(keep, offset)


class _Shift:
    """What both translations share: neurons move along the difference of two values' means."""

    def coefficients(self, n_neurons: int) -> NDArray[np.float64]:
        """The factor alpha of every rank, [n_neurons]."""
        raise NotImplementedError

    def aims(self, n_values: int, target: int | None) -> NDArray[np.int64]:
        """The next value of each, the first after the last; or ``target`` for all."""
        if target is None:
            return (np.arange(n_values, dtype=np.int64) + 1) % n_values
        return np.full(n_values, target, dtype=np.int64)

    def change(self, order: NDArray[np.int64], k: int, means: Means, aims: NDArray[np.int64]) -> Change:
        """Add alpha times the difference of means, in the first ``k`` neurons of ``order``."""
        offset = np.zeros_like(means.of_value)
        chosen = order[:k]
        difference = means.of_value[aims] - means.of_value
        offset[:, chosen] = self.coefficients(len(order))[:k] * difference[:, chosen]
        return Change(np.ones(len(order)), offset)


@dataclass(frozen=True)
class Translation(_Shift):
    """Move towards another value's mean, the more the higher the rank (SOURCES.md, Interventions [C]).

    ``h <- h + alpha * (q(z') - q(z))`` in the first k neurons. The factor falls over *all* d ranks,
    evenly in its logarithm, from beta to 0.001: ``alpha_r = beta * (1 / (1000 beta)) ** (r / (d - 1))``.
    The paper shows beta = 8, chosen on dev [P].

    Examples
    --------
    >>> Translation(beta=8).coefficients(3).round(4).tolist()
    [8.0, 0.0894, 0.001]
    """

    beta: float = 8.0

    def __post_init__(self) -> None:
        if not 0 < self.beta < float("inf"):
            raise ValueError(f"beta must be above 0 and finite, not {self.beta}; the paper sweeps 2 to 12")

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

    With alpha = 1 and k = d the mean of a value lands on the mean of the other; alpha = 0 changes nothing.

    Examples
    --------
    >>> ConstantTranslation(alpha=1).coefficients(3)
    array([1., 1., 1.])
    """

    alpha: float = 1.0

    def __post_init__(self) -> None:
        if not np.isfinite(self.alpha):
            raise ValueError(f"alpha must be a finite number, not {self.alpha}")

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
