"""Do rankings agree? What their top sets share, beside what chance alone would share.

Three measures, each with its exact expectation under independent, uniformly random rankings: the overlap of the
first k neurons, rank-biased overlap (Webber, Moffat & Zobel 2010), and the two of Fan et al. (2023), AvgOverlap
and NeuronVote. None of them knows how a ranking was made.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import combinations
from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import hypergeom

from pitfalls.arrays.words import checked_ks

if TYPE_CHECKING:
    from pitfalls.rankings import Ranking

#: How many leading neurons of each ranking get votes in Fan et al.'s code.
VOTES = 100

# -------------------------------------------------------------------- overlap of the first k


def shared_by_depth(rankings: Sequence[Ranking]) -> NDArray[np.int64]:
    """How many neurons are among the first d of every ranking, for d = 1..n: [n_neurons] int64.

    Raises
    ------
    ValueError
        For fewer than two rankings, or rankings of different numbers of neurons.

    Examples
    --------
    >>> from pitfalls.neurons.rankings import Ranking
    >>> shared_by_depth([Ranking([0, 1, 2, 3], None, "a"), Ranking([1, 0, 3, 2], None, "b")])
    array([0, 2, 2, 4])
    """
    n_neurons = n_neurons_of(rankings, least=2)
    # A neuron joins the intersection at the depth where the last of the rankings reaches it.
    joins = np.maximum.reduce([_places(ranking.order) for ranking in rankings])
    return np.bincount(joins, minlength=n_neurons).cumsum()


def overlap(rankings: Sequence[Ranking], k: int) -> int:
    """How many neurons are among the first ``k`` of every one of two or more rankings.

    Raises
    ------
    ValueError
        As :func:`shared_by_depth`, and for a ``k`` that is not a whole number from 1 to the number of neurons.

    Examples
    --------
    >>> from pitfalls.neurons.rankings import Ranking
    >>> overlap([Ranking([0, 1, 2, 3], None, "a"), Ranking([3, 1, 0, 2], None, "b")], k=2)
    1
    """
    shared = shared_by_depth(rankings)
    return int(shared[checked_ks([k], len(shared))[0] - 1])


def chance_of_overlap(n_neurons: int, k: int, n_rankings: int = 2) -> NDArray[np.float64]:
    """Exact distribution of :func:`overlap` under independent, uniformly random rankings.

    The sets of two rankings share a hypergeometric number of neurons. With each further ranking, i shared ones
    become Hypergeometric(``n_neurons``, i, ``k``) many: a Markov chain.

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
        As :func:`chance_of_overlap`, and if ``observed`` is not a whole number from 0 to ``k``.

    Examples
    --------
    >>> round(overlap_p_value(2, n_neurons=4, k=2), 3)
    0.167
    """
    chance = chance_of_overlap(n_neurons, k, n_rankings)
    if not isinstance(observed, Integral) or not 0 <= observed <= k:
        raise ValueError(f"an overlap of the first {k} is a whole number from 0 to {k}, not {observed!r}")
    return min(1.0, float(chance[int(observed) :].sum()))


def overlap_interval(n_neurons: int, k: int, n_rankings: int = 2, level: float = 0.95) -> tuple[int, int]:
    """Overlaps that chance explains: the narrowest equal-tailed interval, both ends included.

    Below it, and above it, random rankings fall with at most ``(1 - level) / 2`` each, so it holds at least
    ``level`` of the probability (more than that where the distribution is coarse).

    Raises
    ------
    ValueError
        As :func:`chance_of_overlap`, and for a ``level`` outside 0..1.

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
    """Top-k overlap of every pair of rankings, one row a pair and k.

    Parameters
    ----------
    rankings:
        Two or more of the same neurons; name, direction and seed must tell them apart.
    ks:
        Sizes of the top sets, whole numbers from 1 to the number of neurons; each is reported once, ascending.

    Returns
    -------
    Columns ``ranking_a``, ``direction_a``, ``ranking_seed_a``, the same for ``b``, ``n_neurons``, ``k``, ``overlap``
    (neurons), ``expected`` (by chance) and ``p_value`` (one-sided, :func:`overlap_p_value`; not corrected for
    the number of pairs).

    Raises
    ------
    ValueError
        As :func:`overlap`, and if two rankings have the same name, direction and seed.

    Examples
    --------
    >>> from pitfalls.neurons.rankings import Ranking
    >>> a, b = Ranking([0, 1, 2, 3], None, "a"), Ranking([1, 0, 3, 2], None, "b")
    >>> overlaps([a, b], ks=[1, 2])[["ranking_a", "ranking_b", "k", "overlap", "expected"]]
      ranking_a ranking_b  k  overlap  expected
    0         a         b  1        0      0.25
    1         a         b  2        2      1.00
    """
    n_neurons = n_neurons_of(rankings, least=2)
    _check_distinct(rankings)
    steps = checked_ks(ks, n_neurons)
    # P(overlap >= x) for every x at once, summed from the far, small end.
    tails = {k: chance_of_overlap(n_neurons, k)[::-1].cumsum()[::-1] for k in steps}
    rows = []
    for a, b in combinations(rankings, 2):
        shared = shared_by_depth([a, b])
        names = {f"{name}_a": value for name, value in _key(a).items()}
        names |= {f"{name}_b": value for name, value in _key(b).items()}
        for k in steps:
            found = int(shared[k - 1])
            measures = {"overlap": found, "expected": expected_overlap(n_neurons, k)}
            rows.append(names | {"n_neurons": n_neurons, "k": k} | measures | {"p_value": min(1.0, tails[k][found])})
    return pd.DataFrame(rows)


# -------------------------------------------------------------------- rank-biased overlap


def rank_biased_overlap(a: Ranking, b: Ranking, p: float = 0.9) -> float:
    """Similarity of two whole orders, 0 to 1, in which the first ranks weigh the most; 1 for the same order.

    At every depth d, the share of the first d neurons that the two have in common, averaged with weights that fall
    as p^(d - 1). It is RBO_ext of Webber, Moffat & Zobel (2010, ACM TOIS 28(4), eq. 30, to which eq. 32 comes down
    for lists of one length): beyond the last depth, n, where two orders of the same n neurons agree wholly, they
    go on agreeing.

    Parameters
    ----------
    p:
        Between 0 and 1; the closer to 1, the deeper it looks. :func:`rank_biased_weight` says how deep.

    Raises
    ------
    ValueError
        For a ``p`` outside of it, or rankings of different numbers of neurons.

    Examples
    --------
    >>> from pitfalls.neurons.rankings import Ranking
    >>> round(rank_biased_overlap(Ranking([0, 1, 2], None, "a"), Ranking([1, 0, 2], None, "b"), p=0.5), 3)
    0.5
    """
    return rank_biased_overlap_of(shared_by_depth([a, b]), p)


def rank_biased_overlap_of(shared: ArrayLike, p: float) -> float:
    """Rank-biased overlap of the numbers of neurons shared at depths 1..n (:func:`shared_by_depth`)."""
    _check_p(p)
    shared = np.asarray(shared, dtype=np.float64)
    depth = np.arange(1, len(shared) + 1)
    # Summing what is not shared, instead of what is, makes equal orders exactly 1.
    missing = float(((1 - shared / depth) * p ** (depth - 1.0)).sum())
    return max(0.0, 1 - (1 - p) * missing)


def expected_rank_biased_overlap(n_neurons: int, p: float = 0.9) -> float:
    """Mean of :func:`rank_biased_overlap` over random orders: at depth d they share d^2 / n neurons.

    Examples
    --------
    >>> round(expected_rank_biased_overlap(768, p=0.9), 3)
    0.013
    """
    if not isinstance(n_neurons, Integral) or n_neurons < 1:
        raise ValueError(f"n_neurons must be a whole number, 1 or more, not {n_neurons!r}")
    return rank_biased_overlap_of(np.arange(1, int(n_neurons) + 1) ** 2 / n_neurons, p)


def rank_biased_weight(p: float, depth: int) -> float:
    """Share of rank-biased overlap's weight on the first ``depth`` ranks (Webber et al. 2010, eq. 21).

    Use it to choose p: a study of the first 10 neurons wants most of the weight there.

    Raises
    ------
    ValueError
        For a ``p`` outside 0..1 or a ``depth`` that is not a whole number, 1 or more.

    Examples
    --------
    >>> round(rank_biased_weight(0.9, depth=10), 2), round(rank_biased_weight(0.98, depth=100), 2)
    (0.86, 0.96)
    """
    _check_p(p)
    if not isinstance(depth, Integral) or depth < 1:
        raise ValueError(f"depth must be a whole number, 1 or more, not {depth!r}")
    deeper = -math.log1p(-p) - math.fsum(p**i / i for i in range(1, depth))
    return 1 - p ** (depth - 1) + (1 - p) / p * depth * deeper


# -------------------------------------------------------------------- agreement with other methods


def expected_jaccard(n_neurons: int, k: int) -> float:
    """Mean Jaccard index (shared over all) of two random sets of ``k`` of ``n_neurons``.

    Examples
    --------
    >>> round(expected_jaccard(n_neurons=4, k=2), 3)
    0.389
    """
    chance = chance_of_overlap(n_neurons, k)
    return float((_jaccard(np.arange(k + 1), k) * chance).sum())


def avg_overlap(
    rankings: Sequence[Ranking], ks: Iterable[int], voters: Sequence[Ranking] | None = None
) -> pd.DataFrame:
    """AvgOverlap: the mean Jaccard index of a ranking's first k with the first k of each voter.

    From the code of Fan, Dalvi, Durrani & Sajjad (2023, NeurIPS, arXiv 2301.12608). There the evaluated method
    is one of the voters where it is on their list, and so agrees with itself; here the voters are by default
    the *other* rankings. ``voters=rankings`` gives theirs.

    Parameters
    ----------
    rankings:
        The rankings to evaluate; name, direction and seed must tell them apart.
    ks:
        Sizes of the top sets.
    voters:
        The rankings to compare each of them with, itself included where it is among them.

    Returns
    -------
    One row a ranking and k: ``ranking``, ``direction``, ``ranking_seed``, ``n_neurons``, ``k``, ``voters`` (how
    many), ``avg_overlap`` (0 to 1), ``expected`` (exact, were the ranking a random one).

    Raises
    ------
    ValueError
        As :func:`overlaps`, and for an empty list of voters.

    Examples
    --------
    >>> from pitfalls.neurons.rankings import Ranking
    >>> orders = {"a": [0, 1, 2, 3], "b": [1, 0, 2, 3], "c": [3, 0, 1, 2]}
    >>> table = avg_overlap([Ranking(order, None, name) for name, order in orders.items()], ks=[2])
    >>> table[["ranking", "avg_overlap", "expected"]].round(3)
      ranking  avg_overlap  expected
    0       a        0.667     0.389
    1       b        0.667     0.389
    2       c        0.333     0.389
    """
    rows = []
    for ranking, others, steps in _electorates(rankings, ks, voters):
        shared = np.array([shared_by_depth([ranking, other]) for other in others])
        itself = sum(_key(other) == _key(ranking) for other in others)
        for k in steps:
            score = float(_jaccard(shared[:, k - 1], k).mean())
            expected = (itself + (len(others) - itself) * expected_jaccard(len(ranking), k)) / len(others)
            rows.append(_row(ranking, k, others) | {"avg_overlap": score, "expected": expected})
    return pd.DataFrame(rows)


def combined_order(voters: Sequence[Ranking], votes: int | None = None) -> NDArray[np.int64]:
    """Borda's vote: all neurons, [n_neurons] int64, by the points that the voters give them.

    Each voter gives its first ``votes`` neurons ``votes``, ..., 2, 1 points and the others none; of neurons with
    equal points, the one of the lower index comes first.

    Parameters
    ----------
    votes:
        By default 100, as in Fan et al.'s code, or the number of neurons where there are fewer.

    Raises
    ------
    ValueError
        For no voters, rankings of different numbers of neurons, or a number of votes outside 1..n.

    Examples
    --------
    >>> from pitfalls.neurons.rankings import Ranking
    >>> combined_order([Ranking([0, 1, 2, 3], None, "a"), Ranking([3, 0, 2, 1], None, "b")], votes=2)
    array([0, 3, 1, 2])
    """
    n_neurons = n_neurons_of(voters, least=1)
    votes = min(VOTES, n_neurons) if votes is None else checked_ks([votes], n_neurons, what="number of votes")[0]
    points = np.zeros(n_neurons, dtype=np.int64)
    for voter in voters:
        points[voter.order[:votes]] += np.arange(votes, 0, -1)
    return np.argsort(-points, kind="stable")


def neuron_vote(
    rankings: Sequence[Ranking],
    ks: Iterable[int],
    voters: Sequence[Ranking] | None = None,
    votes: int | None = None,
) -> pd.DataFrame:
    """NeuronVote: the Jaccard index of a ranking's first k with the first k that the voters elect.

    From the code of Fan, Dalvi, Durrani & Sajjad (2023, NeurIPS, arXiv 2301.12608). There the evaluated method
    votes too where it is on their list of voters, and ties go to no stated neuron; here the voters are by default
    the *other* rankings (``voters=rankings`` gives theirs), and ties go to the lower index.

    Parameters
    ----------
    rankings:
        The rankings to evaluate; name, direction and seed must tell them apart.
    ks:
        Sizes of the top sets, at most ``votes``.
    voters:
        The rankings that vote, the evaluated one included where it is among them.
    votes:
        How many leading neurons each voter gives points (:func:`combined_order`).

    Returns
    -------
    One row a ranking and k: ``ranking``, ``direction``, ``ranking_seed``, ``n_neurons``, ``k``, ``voters`` (how
    many), ``neuron_vote`` (0 to 1), ``expected`` (exact, were the ranking a random one; missing where the ranking
    itself votes, as what it elects is not independent of it).

    Raises
    ------
    ValueError
        As :func:`overlaps`, for an empty list of voters, and for a ``k`` above ``votes``.

    Examples
    --------
    >>> from pitfalls.neurons.rankings import Ranking
    >>> orders = {"a": [0, 1, 2, 3], "b": [1, 0, 2, 3], "c": [3, 0, 1, 2]}
    >>> table = neuron_vote([Ranking(order, None, name) for name, order in orders.items()], ks=[2])
    >>> table[["ranking", "neuron_vote", "expected"]].round(3)
      ranking  neuron_vote  expected
    0       a        1.000     0.389
    1       b        1.000     0.389
    2       c        0.333     0.389
    """
    rows = []
    for ranking, others, steps in _electorates(rankings, ks, voters):
        elected = combined_order(others, votes)
        most = min(VOTES, len(ranking)) if votes is None else votes
        if steps[-1] > most:
            raise ValueError(
                f"the first {steps[-1]} cannot be elected when each voter names only {most} neurons: "
                f"give votes={steps[-1]} or more, or smaller ks"
            )
        votes_itself = any(_key(other) == _key(ranking) for other in others)
        for k in steps:
            score = float(_jaccard(len(np.intersect1d(ranking.order[:k], elected[:k])), k))
            expected = math.nan if votes_itself else expected_jaccard(len(ranking), k)
            rows.append(_row(ranking, k, others) | {"neuron_vote": score, "expected": expected})
    return pd.DataFrame(rows)


# -------------------------------------------------------------------- what they have in common


def _checked_chance(n_neurons: int, k: int, n_rankings: int) -> int:
    if not isinstance(n_rankings, Integral) or n_rankings < 2:
        raise ValueError(f"an overlap is of two or more rankings, not of {n_rankings!r}")
    if not isinstance(n_neurons, Integral):
        raise ValueError(f"n_neurons must be a whole number, not {n_neurons!r}")
    return checked_ks([k], n_neurons)[0]


def _check_p(p: float) -> None:
    if not 0 < p < 1:
        raise ValueError(f"p must lie between 0 and 1, both excluded, such as 0.9; it is {p!r}")


def n_neurons_of(rankings: Sequence[Ranking], *, least: int) -> int:
    """The number of neurons that all rankings order.

    Raises
    ------
    ValueError
        For fewer than ``least`` rankings, or rankings of different numbers of neurons.
    """
    if len(rankings) < least:
        raise ValueError(f"agreement needs {least} or more rankings to compare, and {len(rankings)} came")
    first = rankings[0]
    for other in rankings[1:]:
        if len(other) != len(first):
            raise ValueError(
                f"{_called(first)} orders {len(first)} neurons and {_called(other)} {len(other)}: "
                "compare rankings of the same activations"
            )
    return len(first)


def _check_distinct(rankings: Sequence[Ranking]) -> None:
    seen: set[str] = set()
    for ranking in rankings:
        if _called(ranking) in seen:
            raise ValueError(
                f"two rankings are called {_called(ranking)}, so a table could not tell them apart: "
                "give one another name, dataclasses.replace(ranking, name=...)"
            )
        seen.add(_called(ranking))


def _key(ranking: Ranking) -> dict[str, str | int]:
    """What tells a ranking from others, under the names that all tables use."""
    return {"ranking": ranking.name, "direction": ranking.direction, "ranking_seed": ranking.seed}


def _called(ranking: Ranking) -> str:
    return f"{ranking.name!r} ({ranking.direction}, seed {ranking.seed})"


def _places(order: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each neuron stands in an order, 0 for the first: [n_neurons] int64."""
    places = np.empty(len(order), dtype=np.int64)
    places[order] = np.arange(len(order))
    return places


def _jaccard(shared: ArrayLike, k: int) -> NDArray[np.float64]:
    """Shared over all neurons, of two sets of ``k`` each."""
    shared = np.asarray(shared, dtype=np.float64)
    return shared / (2 * k - shared)


def _electorates(
    rankings: Sequence[Ranking], ks: Iterable[int], voters: Sequence[Ranking] | None
) -> list[tuple[Ranking, list[Ranking], list[int]]]:
    """Each ranking with those that it is compared with, and the ks."""
    _check_distinct(rankings)
    n_neurons = n_neurons_of(rankings, least=2 if voters is None else 1)
    steps = checked_ks(ks, n_neurons)
    if voters is None:
        return [(ranking, [*rankings[:i], *rankings[i + 1 :]], steps) for i, ranking in enumerate(rankings)]
    n_neurons_of(voters, least=1)
    n_neurons_of([rankings[0], voters[0]], least=2)
    _check_distinct(voters)
    return [(ranking, list(voters), steps) for ranking in rankings]


def _row(ranking: Ranking, k: int, voters: Sequence[Ranking]) -> dict[str, object]:
    return {**_key(ranking), "n_neurons": len(ranking), "k": k, "voters": len(voters)}
