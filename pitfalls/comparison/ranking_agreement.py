"""Agreement of rankings: how well a ranking's first neurons match those of other methods (Fan et al. 2023)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from pitfalls.arrays.ranking import Ranking
from pitfalls.arrays.words import checked_ks
from pitfalls.comparison.overlap import chance_of_overlap, check_distinct, n_neurons_of, shared_by_depth

#: How many leading neurons of each ranking get votes in Fan et al.'s code.
VOTES = 100


def expected_jaccard(n_neurons: int, k: int) -> float:
    """Mean Jaccard index (shared neurons over all neurons in either set) of two random sets of ``k``.

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

    In the code of Fan, Dalvi, Durrani & Sajjad (2023, NeurIPS, arXiv 2301.12608) a method can be among its own voters,
    and agree with itself. Here the default voters are the *other* rankings; ``voters=rankings`` follows that code.

    Parameters
    ----------
    rankings : sequence of Ranking
        The rankings to evaluate; name, direction and seed must tell them apart.
    ks : iterable of int
        Sizes of the top sets.
    voters : sequence of Ranking, optional
        The rankings to compare each of them with.

    Returns
    -------
    One row per ranking and k: ``ranking``, ``direction``, ``ranking_seed``, ``n_neurons``, ``k``, ``voters`` (how
    many), ``avg_overlap`` (0 to 1), ``expected`` (exact, if the ranking were random).

    Raises
    ------
    ValueError
        As in :func:`~pitfalls.comparison.overlap.overlaps`, and for an empty list of voters.

    Examples
    --------
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
        itself = sum(other.key == ranking.key for other in others)
        for k in steps:
            score = float(_jaccard(shared[:, k - 1], k).mean())
            expected = (itself + (len(others) - itself) * expected_jaccard(len(ranking), k)) / len(others)
            rows.append(_row(ranking, k, others) | {"avg_overlap": score, "expected": expected})
    return pd.DataFrame(rows)


def combined_order(voters: Sequence[Ranking], votes: int | None = None) -> NDArray[np.int64]:
    """Borda count: all neurons, [n_neurons] int64, sorted by the points that the voters give them.

    Each voter gives its first ``votes`` neurons ``votes``, ..., 2, 1 points and the others none; of neurons with
    equal points, the one with the lower index comes first.

    ``votes`` is by default 100, as in Fan et al.'s code, or the number of neurons if there are fewer.

    Raises
    ------
    ValueError
        For no voters, rankings of different numbers of neurons, or a number of votes outside 1..n.

    Examples
    --------
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

    In the code of Fan, Dalvi, Durrani & Sajjad (2023, NeurIPS, arXiv 2301.12608) a method can be among its own voters,
    and it is not stated which neuron wins a tie. Here the default voters are the *other* rankings
    (``voters=rankings`` follows that code), and ties go to the lower index.

    Parameters
    ----------
    rankings : sequence of Ranking
        The rankings to evaluate; name, direction and seed must tell them apart.
    ks : iterable of int
        Sizes of the top sets, at most ``votes``.
    voters : sequence of Ranking, optional
        The rankings that vote.
    votes : int, optional
        How many leading neurons each voter gives points (:func:`combined_order`).

    Returns
    -------
    One row per ranking and k: ``ranking``, ``direction``, ``ranking_seed``, ``n_neurons``, ``k``, ``voters`` (how
    many), ``neuron_vote`` (0 to 1), ``expected`` (exact, if the ranking were random; missing if the ranking itself
    votes, because the result then depends on it).

    Raises
    ------
    ValueError
        As in :func:`~pitfalls.comparison.overlap.overlaps`, for an empty list of voters, and a ``k`` above ``votes``.

    Examples
    --------
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
        votes_itself = any(other.key == ranking.key for other in others)
        for k in steps:
            score = float(_jaccard(len(np.intersect1d(ranking.order[:k], elected[:k])), k))
            expected = math.nan if votes_itself else expected_jaccard(len(ranking), k)
            rows.append(_row(ranking, k, others) | {"neuron_vote": score, "expected": expected})
    return pd.DataFrame(rows)


def _jaccard(shared: ArrayLike, k: int) -> NDArray[np.float64]:
    """Shared neurons over all neurons in either of two sets of ``k``."""
    shared = np.asarray(shared, dtype=np.float64)
    return shared / (2 * k - shared)


def _electorates(
    rankings: Sequence[Ranking], ks: Iterable[int], voters: Sequence[Ranking] | None
) -> list[tuple[Ranking, list[Ranking], list[int]]]:
    """Each ranking, the rankings it is compared with, and the ks."""
    check_distinct(rankings)
    n_neurons = n_neurons_of(rankings, least=2 if voters is None else 1)
    steps = checked_ks(ks, n_neurons)
    if voters is None:
        return [(ranking, [*rankings[:i], *rankings[i + 1 :]], steps) for i, ranking in enumerate(rankings)]
    n_neurons_of(voters, least=1)
    n_neurons_of([rankings[0], voters[0]], least=2)
    check_distinct(voters)
    return [(ranking, list(voters), steps) for ranking in rankings]


def _row(ranking: Ranking, k: int, voters: Sequence[Ranking]) -> dict[str, object]:
    return {**ranking.key, "n_neurons": len(ranking), "k": k, "voters": len(voters)}
