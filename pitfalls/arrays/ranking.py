"""A ranking: an order of all units, and how it came about. Whoever evaluates it sees the order only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Direction = Literal["ttb", "btt"]


@dataclass(frozen=True)
class Ranking:
    """An order of all neurons, the most important first (or, bottom-to-top, the least).

    Attributes
    ----------
    order:
        [n_neurons] int64, a permutation of the neurons.
    scores:
        [n_neurons] float64, the score of neuron ``j`` at ``scores[j]``, in the method's own unit; or None.
    name, direction:
        The method, and "ttb" (top to bottom) or "btt" (bottom to top).
    ranked:
        How many leading neurons the method ranked itself; the rest were put behind them as the method says.
    seed:
        The seed it was drawn with.

    Raises
    ------
    ValueError
        If ``order`` is not a permutation.
    """

    order: NDArray[np.int64]
    scores: NDArray[np.float64] | None
    name: str
    direction: str = "ttb"
    ranked: int = -1
    seed: int = 0

    def __post_init__(self) -> None:
        order = np.asarray(self.order)
        if order.ndim != 1 or not np.array_equal(np.sort(order), np.arange(len(order))):
            raise ValueError(f"order must hold each of 0..{len(order) - 1} once, not {order.tolist()[:8]}...")
        if self.direction not in ("ttb", "btt"):
            raise ValueError(f'direction must be "ttb" or "btt", not {self.direction!r}')
        object.__setattr__(self, "order", order.astype(np.int64))
        if self.ranked < 0:
            object.__setattr__(self, "ranked", len(order))

    @classmethod
    def of_first(cls, first: ArrayLike, n_neurons: int, name: str) -> Ranking:
        """Complete a list of some neurons: those given come first, the rest behind them by their numbers.

        Up to k = ``ranked`` (the number of those given) a curve or an intervention is about the list; beyond, it is
        about neurons that nobody ranked.

        Raises
        ------
        ValueError
            If a neuron is given twice or is none of 0 to n_neurons - 1.

        Examples
        --------
        >>> ranking = Ranking.of_first([4, 1], n_neurons=6, name="mine")
        >>> ranking.order.tolist(), ranking.ranked
        ([4, 1, 0, 2, 3, 5], 2)
        """
        given = np.asarray(first, dtype=np.int64).reshape(-1)
        wrong = given[(given < 0) | (given >= n_neurons)].tolist()
        if wrong or len(np.unique(given)) < len(given):
            raise ValueError(
                f"neurons are numbered 0 to {n_neurons - 1} and may come once; "
                + (f"these are none: {wrong[:5]}" if wrong else f"{given.tolist()[:8]}... names one twice")
            )
        rest = np.setdiff1d(np.arange(n_neurons), given)
        return cls(np.concatenate([given, rest]), None, name, ranked=len(given))

    def reversed(self) -> Ranking:
        """The same neurons from the other end, under the other direction.

        For methods that sort by a score this is what they give for that direction; a greedy search has a run of its
        own for it (:func:`~pitfalls.rankings.rank_both` knows which is which).

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
