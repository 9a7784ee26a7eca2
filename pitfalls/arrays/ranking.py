"""A ranking: an order of all neurons, and where it came from. Whatever evaluates it sees only the order."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pitfalls.columns import RANKING

Direction = Literal["ttb", "btt"]


@dataclass(frozen=True, eq=False)
class Ranking:
    """An order of all neurons, the most important first (or, bottom to top, the least important).

    Attributes
    ----------
    order : int64 [n_neurons]
        A permutation of the neurons.
    scores : float64 [n_neurons] or None
        The score of neuron ``j`` is ``scores[j]``, in the method's own unit.
    name, direction : str
        What tables call it, and "ttb" (top to bottom) or "btt" (bottom to top).
    ranked : int
        How many leading neurons the method ranked itself; by default all.
    seed : int
    method : str
        The method that made it, whatever it is called; by default its name.

    Raises
    ------
    ValueError
        If ``order`` is not a permutation, there is not one score per neuron, or the direction is unknown.
    """

    order: NDArray[np.int64]
    scores: NDArray[np.float64] | None
    name: str
    direction: str = "ttb"
    ranked: int = -1
    seed: int = 0
    method: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        order = np.asarray(self.order)
        if order.ndim != 1 or not np.array_equal(np.sort(order), np.arange(len(order))):
            raise ValueError(f"order must hold each of 0..{len(order) - 1} once, not {order.tolist()[:8]}...")
        if self.scores is not None and len(self.scores) != len(order):
            raise ValueError(f"there are {len(self.scores)} scores for {len(order)} neurons: give one per neuron")
        check_direction(self.direction)
        object.__setattr__(self, "order", order.astype(np.int64))
        if self.ranked < 0:
            object.__setattr__(self, "ranked", len(order))
        if not self.method:
            object.__setattr__(self, "method", self.name)

    @classmethod
    def of_first(cls, first: ArrayLike, n_neurons: int, name: str) -> Ranking:
        """Put the given neurons first, and the rest behind them in the order of their numbers.

        Up to k = ``ranked``, the number of neurons given, a curve or an intervention is about those neurons alone;
        beyond that, it takes in neurons that nobody ranked.

        Raises
        ------
        ValueError
            If a neuron is given twice or is not a whole number from 0 to n_neurons - 1.

        Examples
        --------
        >>> ranking = Ranking.of_first([4, 1], n_neurons=6, name="mine")
        >>> ranking.order.tolist(), ranking.ranked
        ([4, 1, 0, 2, 3, 5], 2)
        """
        given = np.asarray(first).reshape(-1)
        if given.size and given.dtype.kind not in "iu":
            raise ValueError(f"neurons are whole numbers, not {given.tolist()[:5]}")
        given = given.astype(np.int64)
        wrong = given[(given < 0) | (given >= n_neurons)].tolist()
        if wrong or len(np.unique(given)) < len(given):
            raise ValueError(
                f"neurons are numbered 0 to {n_neurons - 1} and each may be given once; "
                + (f"there are no neurons {wrong[:5]}" if wrong else f"{given.tolist()[:8]}... names one twice")
            )
        rest = np.setdiff1d(np.arange(n_neurons), given)
        return cls(np.concatenate([given, rest]), None, name, ranked=len(given))

    @property
    def key(self) -> dict[str, Any]:
        """The name, direction and seed that tell this ranking apart from others, under their column names in tables."""
        return dict(zip(RANKING, (self.name, self.direction, self.seed), strict=True))

    def reversed(self) -> Ranking:
        """The same neurons in the opposite order, with the other direction.

        For a method that sorts by a score, this is its ranking in that direction; a greedy search has to be run again
        (:func:`~pitfalls.rankings.rank_all`).

        Examples
        --------
        >>> ranking = Ranking(np.array([2, 0, 1]), None, "mine").reversed()
        >>> ranking.order.tolist(), ranking.direction
        ([1, 0, 2], 'btt')
        """
        direction = "btt" if self.direction == "ttb" else "ttb"
        return replace(self, order=self.order[::-1].copy(), direction=direction)

    def __len__(self) -> int:
        """The number of neurons."""
        return len(self.order)


def check_ranking(ranking: Ranking, n_neurons: int) -> None:
    """Refuse anything but a ranking of ``n_neurons`` neurons."""
    if not isinstance(ranking, Ranking):
        raise ValueError(
            "a ranking comes from pf.rank, or for neurons that you chose yourself, from pf.Ranking.of_first; "
            f"this is {ranking!r:.80}"
        )
    if len(ranking) != n_neurons:
        raise ValueError(
            f"the ranking orders {len(ranking)} neurons and the activations have {n_neurons}: "
            "rank these activations, not those of another model"
        )


def check_direction(direction: str) -> None:
    """Refuse a direction other than "ttb" and "btt"."""
    if direction not in ("ttb", "btt"):
        raise ValueError(f'direction must be "ttb" or "btt", not {direction!r}')
