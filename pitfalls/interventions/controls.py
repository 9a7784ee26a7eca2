"""Controls that the paper lacks: a push as long as the translation's, in another direction.

A translation along the first k neurons may change words for two reasons: where it goes, and how far. A push of the
same size in a random direction, or towards another attribute, tells them apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pitfalls.arrays.splits import Splits
from pitfalls.interventions.kinds import Change, Means, aims_at
from pitfalls.interventions.translation import Translation


class _AsFarAsTranslation:
    """What both controls share: a push of the same Euclidean length as a translation's, in another direction."""

    beta: float
    target: str | None

    def __post_init__(self) -> None:
        Translation(self.beta)  # refuses a bad beta

    @property
    def strength(self) -> float:
        """The beta."""
        return float(self.beta)

    def aims(self, values: Sequence[str]) -> NDArray[np.int64]:
        """The aims of the translation that it is compared with: the next value of each, or ``target`` for all."""
        return aims_at(values, self.target)

    def directions(self, aims: NDArray[np.int64], n_neurons: int) -> NDArray[np.float64]:
        """What takes the place of the differences of means, [n_values, n_neurons]."""
        raise NotImplementedError

    def change(self, order: NDArray[np.int64], k: int, means: Means, aims: NDArray[np.int64]) -> Change:
        """Push the first ``k`` neurons of ``order`` as far as the translation would, value by value."""
        translation = Translation(self.beta)
        along = translation.change(order, k, means, aims)
        turned, chosen = np.zeros_like(along.offset), order[:k]
        turned[:, chosen] = translation.coefficients(len(order))[:k] * self.directions(aims, len(order))[:, chosen]
        return Change(along.keep, _with_lengths(turned, np.linalg.norm(along.offset, axis=1)))


def _with_lengths(vectors: NDArray[np.float64], lengths: NDArray[np.float64]) -> NDArray[np.float64]:
    """The rows of ``vectors`` [n, d], stretched to ``lengths`` [n]; a row of length 0 is all zeros."""
    # Divided by the largest entry first, because the squares of tiny entries would vanish.
    own = np.abs(vectors).max(axis=1, keepdims=True)
    unable = (own[:, 0] == 0) & (lengths > 0)
    if unable.any():
        raise ValueError(
            f"the other direction is 0 in all changed neurons for value {int(unable.argmax())}, so no push along it is "
            "as long as the translation's: take another attribute, or more neurons"
        )
    unit = vectors / np.where(own > 0, own, 1)
    norms = np.linalg.norm(unit, axis=1)
    return np.asarray(unit * (lengths / np.where(norms > 0, norms, 1))[:, None])


@dataclass(frozen=True)
class RandomDirection(_AsFarAsTranslation):
    """Push as far as :class:`~.translation.Translation` with this beta, but in a random direction.

    For every pair of values, a vector with independent standard normal entries takes the place of the difference of
    their means; it is multiplied by the same coefficients and stretched to the same length in the first k neurons.
    The way back is the opposite vector, as it is for means. A vector belongs to the neurons, not to their ranks: all
    rankings and all k go along the same one.

    One draw says little where k is small: in k neurons, the cosine between a random direction and any given one is
    about 1 / sqrt(k), with either sign. Take several seeds.

    Examples
    --------
    >>> means, aims = Means(np.array([[0.0, 0.0], [3.0, 4.0]]), np.zeros(2)), np.array([1, 0])
    >>> for kind in (Translation(beta=2), RandomDirection(beta=2)):
    ...     np.linalg.norm(kind.change(np.arange(2), 2, means, aims).offset, axis=1).round(4)
    array([6., 6.])
    array([6., 6.])
    """

    beta: float = 8.0
    seed: int = 0
    target: str | None = None

    @property
    def label(self) -> str:
        """Its name in tables: the seed is part of it, so that draws stay apart."""
        return f"random direction {self.seed}"

    def directions(self, aims: NDArray[np.int64], n_neurons: int) -> NDArray[np.float64]:
        """A random vector for every pair (value, value aimed at), [n_values, n_neurons]."""
        rows = np.zeros((len(aims), n_neurons))
        for value, aim in enumerate(aims.tolist()):
            pair = (min(value, aim), max(value, aim))
            drawn = np.random.default_rng([self.seed, *pair]).standard_normal(n_neurons)
            rows[value] = drawn if value < aim else -drawn
        return rows


@dataclass(frozen=True, eq=False)
class OtherAttribute(_AsFarAsTranslation):
    """Push as far as :class:`~.translation.Translation` with this beta, but towards the means of *another* attribute.

    The model encodes this direction, but for something else: Gender where the intervention is on Number. Words with
    value i are pushed along the other attribute's difference ``q(i + 1) - q(i)``, cyclically, whatever their own value
    of that attribute. The push is multiplied by the same coefficients and stretched to the length of the translation,
    so that the two differ only in direction; the other attribute's means may lie nearer or farther apart.

    Attributes
    ----------
    means:
        Those of the other attribute, in the same layer of the same model and language.
    attribute:
        Its name, for tables.

    Examples
    --------
    >>> gender = Means(np.array([[0.0, 0.0], [0.0, 2.0]]), np.zeros(2))
    >>> number = Means(np.array([[0.0, 0.0], [3.0, 0.0]]), np.zeros(2))
    >>> kind = OtherAttribute(gender, "Gender", beta=1.0)
    >>> kind.label, kind.change(np.arange(2), 2, number, np.array([1, 0])).offset.tolist()
    ('other attribute Gender', [[0.0, 3.0], [0.0, -3.0]])
    """

    means: Means
    attribute: str
    beta: float = 8.0
    target: str | None = None

    @classmethod
    def of(cls, other: Splits, beta: float = 8.0, target: str | None = None) -> OtherAttribute:
        """Take the means from the training words of the other attribute."""
        return cls(Means.of(other), other.attribute, beta, target)

    @property
    def label(self) -> str:
        """Its name in tables, with the other attribute's."""
        return f"other attribute {self.attribute}"

    def directions(self, aims: NDArray[np.int64], n_neurons: int) -> NDArray[np.float64]:
        """For value i, the other attribute's i-th difference to its next value, [n_values, n_neurons]."""
        q = self.means.of_value
        if q.shape[1] != n_neurons:
            raise ValueError(
                f"the means of {self.attribute} have {q.shape[1]} neurons, and the ranking has {n_neurons}: both must "
                "come from one layer of one model"
            )
        return (np.roll(q, -1, axis=0) - q)[np.arange(len(aims)) % len(q)]
