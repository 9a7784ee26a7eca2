"""Kinds of intervention: what is done to the first k neurons of a ranking in the state of a word.

Ablations and translations are the same step, ``h <- keep * h + offset[value]`` (:class:`Change`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray

from pitfalls.arrays.splits import Splits
from pitfalls.arrays.words import class_means, labelled_words
from pitfalls.interventions.sources import ChangedWords, TrainingWords


@dataclass(frozen=True)
class Means:
    """Where training words lie on average: ``of_value`` [n_values, n_neurons], ``overall`` [n_neurons].

    An intervention gets the training words themselves, too (``words``), from which an interchange draws.
    """

    of_value: NDArray[np.float64]
    overall: NDArray[np.float64]
    words: TrainingWords | None = None

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

    def apply(self, states: torch.Tensor, words: ChangedWords) -> torch.Tensor:
        """Changed copies of ``states`` [n, n_neurons] of the subwords of ``words``."""
        keep = torch.as_tensor(self.keep).to(states)
        offset = torch.as_tensor(self.offset).to(states)
        return states * keep + offset[words.values]


class StateChange(Protocol):
    """Anything that changes states; :class:`Change` is the diagonal one."""

    def apply(self, states: torch.Tensor, words: ChangedWords) -> torch.Tensor:
        """Changed copies of ``states`` [n, n_neurons] of the subwords of ``words``."""


@runtime_checkable
class Kind(Protocol):
    """A kind of intervention, with its strength as a number for tables (NaN where it has none)."""

    @property
    def label(self) -> str:
        """Its name in tables."""

    @property
    def strength(self) -> float:
        """Its beta or alpha."""

    @property
    def target(self) -> str | None:
        """The value that all words are sent to; None where each value has its own aim, or none is aimed at."""

    def aims(self, values: Sequence[str]) -> NDArray[np.int64]:
        """The value that each of ``values`` is sent to, [n_values]; -1 where none is aimed at."""

    def change(self, order: NDArray[np.int64], k: int, means: Means, aims: NDArray[np.int64]) -> StateChange:
        """What happens to a state when the first ``k`` neurons of ``order`` are changed."""


def aims_at(values: Sequence[str], target: str | None) -> NDArray[np.int64]:
    """The value after each of ``values`` (after the last, the first), or ``target`` for all: [n_values].

    Raises
    ------
    ValueError
        If the target is not one of the values.

    Examples
    --------
    >>> aims_at(["DU", "PL", "SG"], None).tolist(), aims_at(["DU", "PL", "SG"], "PL").tolist()
    ([1, 2, 0], [1, 1, 1])
    """
    if target is None:
        return (np.arange(len(values), dtype=np.int64) + 1) % len(values)
    if target not in values:
        raise ValueError(f"the target {target!r} is not one of the values {list(values)}")
    return np.full(len(values), list(values).index(target), dtype=np.int64)
