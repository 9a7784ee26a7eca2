"""Rank-biased overlap: how alike two whole orders are, with most weight on the first ranks."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from pitfalls.arrays.ranking import Ranking
from pitfalls.comparison.overlap import shared_by_depth
from pitfalls.numbers import whole


def rank_biased_overlap(a: Ranking, b: Ranking, p: float = 0.9) -> float:
    """Similarity of two whole orders, 0 to 1, in which the first ranks weigh the most; 1 for the same order.

    It averages, over all depths d, the share of the first d neurons that the two have in common, with weights that fall
    as p^(d - 1). This is RBO_ext of Webber, Moffat & Zobel (2010, ACM TOIS 28(4), eq. 30, to which eq. 32 reduces for
    lists of equal length): beyond the last depth, n, the two share everything.

    Parameters
    ----------
    p : float
        Between 0 and 1; the closer to 1, the deeper it looks.

    Raises
    ------
    ValueError
        For a ``p`` outside 0 to 1, or rankings of different numbers of neurons.

    Examples
    --------
    >>> from pitfalls.arrays.ranking import Ranking
    >>> round(rank_biased_overlap(Ranking([0, 1, 2], None, "a"), Ranking([1, 0, 2], None, "b"), p=0.5), 3)
    0.5
    """
    return rank_biased_overlap_of(shared_by_depth([a, b]), p)


def rank_biased_overlap_of(shared: ArrayLike, p: float) -> float:
    """Rank-biased overlap of the numbers of neurons shared at depths 1..n (:func:`shared_by_depth`)."""
    _check_p(p)
    shared = np.asarray(shared, dtype=np.float64)
    depth = np.arange(1, len(shared) + 1)
    # Summing what is not shared, rather than what is, makes equal orders exactly 1.
    missing = float(((1 - shared / depth) * p ** (depth - 1.0)).sum())
    return max(0.0, 1 - (1 - p) * missing)


def expected_rank_biased_overlap(n_neurons: int, p: float = 0.9) -> float:
    """Mean of :func:`rank_biased_overlap` over random orders, which share d^2 / n neurons at depth d on average.

    Examples
    --------
    >>> round(expected_rank_biased_overlap(768, p=0.9), 3)
    0.013
    """
    depths = np.arange(1, whole(n_neurons, "n_neurons", 1) + 1)
    return rank_biased_overlap_of(depths**2 / len(depths), p)


def _check_p(p: float) -> None:
    if not 0 < p < 1:
        raise ValueError(f"p must lie between 0 and 1, both excluded, such as 0.9; it is {p!r}")
