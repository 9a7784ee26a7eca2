"""Do rankings agree? How many of their first k neurons they share, and how many they would share by chance.

:mod:`~pitfalls.comparison.rbo` compares whole orders, :mod:`~pitfalls.comparison.ranking_agreement` one ranking with
many. None of these measures knows how a ranking was made.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import hypergeom

from pitfalls.arrays.ranking import Ranking
from pitfalls.arrays.words import checked_ks
from pitfalls.columns import RANKING, sides
from pitfalls.numbers import whole


def shared_by_depth(rankings: Sequence[Ranking]) -> NDArray[np.int64]:
    """How many neurons are among the first d of every ranking, for d = 1..n: [n_neurons] int64.

    Raises
    ------
    ValueError
        For fewer than two rankings, or rankings of different numbers of neurons.

    Examples
    --------
    >>> shared_by_depth([Ranking([0, 1, 2, 3], None, "a"), Ranking([1, 0, 3, 2], None, "b")])
    array([0, 2, 2, 4])
    """
    n_neurons = n_neurons_of(rankings, least=2)
    # A neuron joins the intersection at the depth where the last of the rankings reaches it.
    joins = np.maximum.reduce([np.argsort(ranking.order, kind="stable") for ranking in rankings])
    return np.bincount(joins, minlength=n_neurons).cumsum()


def overlap(rankings: Sequence[Ranking], k: int) -> int:
    """How many neurons are among the first ``k`` of each of two or more rankings.

    Raises
    ------
    ValueError
        As in :func:`shared_by_depth`, and for a ``k`` that is not a whole number from 1 to the number of neurons.

    Examples
    --------
    >>> overlap([Ranking([0, 1, 2, 3], None, "a"), Ranking([3, 1, 0, 2], None, "b")], k=2)
    1
    """
    shared = shared_by_depth(rankings)
    return int(shared[checked_ks([k], len(shared))[0] - 1])


def chance_of_overlap(n_neurons: int, k: int, n_rankings: int = 2) -> NDArray[np.float64]:
    """Exact distribution of :func:`overlap` under independent, uniformly random rankings.

    Two rankings share a hypergeometric number of neurons. Of i shared neurons, each further ranking keeps a number
    distributed as Hypergeometric(``n_neurons``, i, ``k``): a Markov chain.

    Returns
    -------
    [k + 1] float64, the probability that 0, 1, ..., k neurons are shared.

    Raises
    ------
    ValueError
        For a ``k`` that is not a whole number from 1 to ``n_neurons``, and for fewer than two rankings.

    Examples
    --------
    >>> chance_of_overlap(n_neurons=4, k=2).round(3)
    array([0.167, 0.667, 0.167])
    """
    k = _checked_chance(n_neurons, k, n_rankings)
    sizes = np.arange(k + 1)
    chance = np.asarray(hypergeom.pmf(sizes, n_neurons, k, k))
    if n_rankings > 2:
        step = hypergeom.pmf(sizes[None, :], n_neurons, sizes[:, None], k)
        for _ in range(n_rankings - 2):
            chance = chance @ step
    return chance


def expected_overlap(n_neurons: int, k: int, n_rankings: int = 2) -> float:
    """Mean of :func:`chance_of_overlap`, n (k / n)^m: each of n neurons is in all m sets with chance (k / n)^m.

    Examples
    --------
    >>> [round(expected_overlap(768, 100, n_rankings), 1) for n_rankings in (2, 3)]
    [13.0, 1.7]
    """
    k = _checked_chance(n_neurons, k, n_rankings)
    return float(n_neurons * (k / n_neurons) ** n_rankings)


def overlap_p_value(observed: int, n_neurons: int, k: int, n_rankings: int = 2) -> float:
    """Probability that random rankings share ``observed`` neurons or more (one-sided, exact).

    Raises
    ------
    ValueError
        As in :func:`chance_of_overlap`, and if ``observed`` is not a whole number from 0 to ``k``.

    Examples
    --------
    >>> round(overlap_p_value(2, n_neurons=4, k=2), 3)
    0.167
    """
    chance = chance_of_overlap(n_neurons, k, n_rankings)
    found = whole(observed, "an overlap")
    if found > k:
        raise ValueError(f"the first {k} neurons can share from 0 to {k}, not {found}: give the k of this overlap")
    return min(1.0, float(chance[found:].sum()))


def overlap_interval(n_neurons: int, k: int, n_rankings: int = 2, level: float = 0.95) -> tuple[int, int]:
    """Overlaps that chance explains: the narrowest equal-tailed interval, both ends included.

    Random rankings fall below it, and above it, with a probability of at most ``(1 - level) / 2`` each, so it holds at
    least ``level`` of them (more if the distribution is coarse).

    Raises
    ------
    ValueError
        As in :func:`chance_of_overlap`, and for a ``level`` outside 0..1.

    Examples
    --------
    >>> overlap_interval(768, 100)
    (7, 19)
    """
    chance = chance_of_overlap(n_neurons, k, n_rankings)
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, such as 0.95, not {level!r}")
    tail = (1 - level) / 2
    low = int((chance.cumsum() > tail).argmax())
    high = len(chance) - 1 - int((chance[::-1].cumsum() > tail).argmax())
    return low, high


def overlaps(rankings: Sequence[Ranking], ks: Iterable[int]) -> pd.DataFrame:
    """Top-k overlap of every pair of rankings.

    Parameters
    ----------
    rankings : sequence of Ranking
        Two or more, of the same neurons; name, direction and seed must tell them apart.
    ks : iterable of int
        Sizes of the top sets, whole numbers from 1 to the number of neurons; each is reported once, ascending.

    Returns
    -------
    One row per pair and k: ``ranking_a``, ``direction_a``, ``ranking_seed_a``, the same for ``b``, ``n_neurons``,
    ``k``, ``overlap`` (neurons), ``expected`` (by chance) and ``p_value`` (one-sided, :func:`overlap_p_value`; not
    corrected for the number of pairs).

    Raises
    ------
    ValueError
        As in :func:`overlap`, and if two rankings have the same name, direction and seed.

    Examples
    --------
    >>> a, b = Ranking([0, 1, 2, 3], None, "a"), Ranking([1, 0, 3, 2], None, "b")
    >>> overlaps([a, b], ks=[1, 2])[["ranking_a", "ranking_b", "k", "overlap", "expected"]]
      ranking_a ranking_b  k  overlap  expected
    0         a         b  1        0      0.25
    1         a         b  2        2      1.00
    """
    n_neurons = n_neurons_of(rankings, least=2)
    check_distinct(rankings)
    steps = checked_ks(ks, n_neurons)
    # P(overlap >= x) for every x at once, summed from the far, small end.
    tails = {k: chance_of_overlap(n_neurons, k)[::-1].cumsum()[::-1] for k in steps}
    rows = []
    for a, b in combinations(rankings, 2):
        shared = shared_by_depth([a, b])
        names = dict(zip(sides(RANKING), [*a.key.values(), *b.key.values()], strict=True))
        for k in steps:
            found = int(shared[k - 1])
            measures = {"overlap": found, "expected": expected_overlap(n_neurons, k)}
            rows.append(names | {"n_neurons": n_neurons, "k": k} | measures | {"p_value": min(1.0, tails[k][found])})
    return pd.DataFrame(rows)


def _checked_chance(n_neurons: int, k: int, n_rankings: int) -> int:
    whole(n_rankings, "the number of rankings that overlap", 2)
    return checked_ks([k], whole(n_neurons, "n_neurons", 1))[0]


def n_neurons_of(rankings: Sequence[Ranking], *, least: int) -> int:
    """The number of neurons that all rankings order.

    Raises
    ------
    ValueError
        For fewer than ``least`` rankings, or rankings of different numbers of neurons.
    """
    if len(rankings) < least:
        raise ValueError(f"agreement needs {least} or more rankings to compare, not {len(rankings)}")
    first = rankings[0]
    for other in rankings[1:]:
        if len(other) != len(first):
            raise ValueError(
                f"{_called(first)} orders {len(first)} neurons and {_called(other)} {len(other)}: "
                "compare rankings of the same activations"
            )
    return len(first)


def check_distinct(rankings: Sequence[Ranking]) -> None:
    """Refuse two rankings of the same name, direction and seed."""
    seen: set[str] = set()
    for ranking in rankings:
        if _called(ranking) in seen:
            raise ValueError(
                f"two rankings are called {_called(ranking)}, so a table could not tell them apart: "
                "rename one with dataclasses.replace(ranking, name=...)"
            )
        seen.add(_called(ranking))


def _called(ranking: Ranking) -> str:
    return f"{ranking.name!r} ({ranking.direction}, seed {ranking.seed})"
