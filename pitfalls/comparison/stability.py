"""Stability: how far a method's rankings agree with each other over seeds, and over samples of sentences.

A method whose rankings do not agree with each other cannot give evidence about single neurons, whatever its accuracy.
Each measure comes with the value that random rankings would have.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pitfalls.arrays.ranking import Ranking
from pitfalls.arrays.splits import Activations, Splits
from pitfalls.arrays.words import checked_ks
from pitfalls.columns import configuration_of
from pitfalls.comparison.overlap import n_neurons_of, shared_by_depth
from pitfalls.comparison.rbo import expected_rank_biased_overlap, rank_biased_overlap_of
from pitfalls.numbers import whole

# Any way to rank: (data, seed) -> Ranking.
Make = Callable[[Splits, int], Ranking]

# A value missing from this many samples in a row is too rare for a bootstrap.
_TRIES = 100


def stability(rankings: Sequence[Ranking], ks: Iterable[int], p: float = 0.9) -> pd.DataFrame:
    """Agreement of several rankings by one method, over all their pairs.

    Returns
    -------
    One row per k: ``ranking``, ``direction``, ``n_neurons``, ``k``, ``draws`` (rankings); ``overlap``, ``overlap_min``,
    ``overlap_max`` (mean, lowest and highest over pairs, of the share of the first k that two rankings have in
    common) and ``overlap_expected`` (by chance, k / n); ``nogueira`` (:func:`nogueira`); and, the same at every
    k, ``rbo``, ``rbo_min``, ``rbo_max``, ``rbo_expected`` (rank-biased overlap) and its ``rbo_p``.

    Raises
    ------
    ValueError
        For fewer than two rankings, rankings of different methods, directions or numbers of neurons, and a bad k or p.

    Examples
    --------
    >>> orders = [0, 1, 2, 3], [1, 0, 2, 3], [1, 2, 0, 3]
    >>> table = stability([Ranking(order, None, "a") for order in orders], ks=[2])
    >>> table[["overlap", "overlap_expected", "nogueira"]].round(3)
       overlap  overlap_expected  nogueira
    0    0.667               0.5     0.333
    """
    n_neurons = n_neurons_of(rankings, least=2)
    kinds = sorted({(ranking.name, ranking.direction) for ranking in rankings})
    if len(kinds) > 1:
        raise ValueError(f"stability needs one method and direction, and these are {kinds}: take them one by one")
    pairs = np.array([shared_by_depth(pair) for pair in combinations(rankings, 2)])
    rbo = [rank_biased_overlap_of(pair, p) for pair in pairs]
    rows = []
    for k in checked_ks(ks, n_neurons):
        shares = pairs[:, k - 1] / k
        rows.append(
            {
                "ranking": kinds[0][0],
                "direction": kinds[0][1],
                "n_neurons": n_neurons,
                "k": k,
                "draws": len(rankings),
                "overlap": float(shares.mean()),
                "overlap_min": float(shares.min()),
                "overlap_max": float(shares.max()),
                "overlap_expected": k / n_neurons,
                "nogueira": nogueira(rankings, k),
                "rbo": float(np.mean(rbo)),
                "rbo_min": min(rbo),
                "rbo_max": max(rbo),
                "rbo_expected": expected_rank_biased_overlap(n_neurons, p),
                "rbo_p": p,
            }
        )
    return pd.DataFrame(rows)


def nogueira(rankings: Sequence[Ranking], k: int) -> float:
    """Stability of the first ``k`` corrected for chance: 1 for the same sets, 0 expected at random.

    One minus the mean, over neurons, of the unbiased variance of being selected, divided by its value at random
    (Nogueira, Sechidis & Brown 2018, JMLR 18(174)). NaN if k is all neurons, which leaves no choice.

    Examples
    --------
    >>> nogueira([Ranking([0, 1, 2], None, "a"), Ranking([0, 2, 1], None, "a")], k=1)
    1.0
    """
    n_neurons = n_neurons_of(rankings, least=2)
    k = checked_ks([k], n_neurons)[0]
    if k == n_neurons:
        return math.nan
    draws = len(rankings)
    selected = np.bincount(np.concatenate([ranking.order[:k] for ranking in rankings]), minlength=n_neurons) / draws
    variance = draws / (draws - 1) * selected * (1 - selected)
    return float(1 - variance.mean() / (k / n_neurons * (1 - k / n_neurons)))


def stability_over_seeds(
    make: Make, data: Splits, ks: Iterable[int], seeds: Iterable[int], p: float = 0.9
) -> pd.DataFrame:
    """How far a method's rankings of the same data agree when only the seed differs.

    Parameters
    ----------
    make : callable
        ``make(data, seed)`` returns a ranking, such as ``lambda data, seed: pf.rank("linear", data, seed=seed)``.
    ks : iterable of int
        Sizes of the top sets.
    seeds : iterable of int
        Two or more different ones; every pair of their rankings is compared.
    p : float
        Of rank-biased overlap.

    Returns
    -------
    Columns ``language``, ``attribute``, ``site``, ``layer``, ``over`` ("seeds") and those of :func:`stability`.

    Raises
    ------
    ValueError
        For fewer than two seeds, a repeated one, and as in :func:`stability`.

    Examples
    --------
    >>> from pitfalls.rankings import rank
    >>> part = ([[0.0, 1.0], [0.1, -1.0]], ["PL", "SG"])
    >>> data = Splits.from_arrays(train=part, dev=part, test=part)
    >>> table = stability_over_seeds(lambda data, seed: rank("probeless", data, seed=seed), data, [1], range(3))
    >>> table[["draws", "overlap", "overlap_expected"]].to_dict("records")
    [{'draws': 3, 'overlap': 1.0, 'overlap_expected': 0.5}]
    """
    chosen = list(seeds)
    if len(set(chosen)) != len(chosen) or len(chosen) < 2:
        raise ValueError(f"give two or more different seeds, such as range(5), not {chosen}")
    steps = checked_ks(ks, data.n_neurons)
    return _about(data, "seeds", stability([make(data, seed) for seed in chosen], steps, p))


def stability_over_bootstrap(
    make: Make, data: Splits, ks: Iterable[int], draws: int, p: float = 0.9, seed: int = 0
) -> pd.DataFrame:
    """How far a method's rankings agree when the sentences are resampled with replacement.

    Train and dev are each resampled by :func:`resample_sentences`; test stays as it is. A sample in which some value
    has fewer than two different words in train, or none in dev, is drawn again. In bare arrays (``Splits.from_arrays``)
    every row is a sentence of its own: there, this is a bootstrap over words, which ignores that words share sentences.

    Parameters
    ----------
    make : callable
        ``make(data, seed)`` returns a ranking. It gets a different seed in every draw; to vary only the sentences,
        ignore the seed, as in ``lambda data, seed: pf.rank("linear", data, seed=0)``.
    ks : iterable of int
        Sizes of the top sets.
    draws : int
        How many samples, two or more. A larger number begins with the same samples.
    p : float
        Of rank-biased overlap.
    seed : int
        For the samples and for the seeds that ``make`` gets.

    Returns
    -------
    Columns ``language``, ``attribute``, ``site``, ``layer``, ``over`` ("sentences") and those of :func:`stability`.

    Raises
    ------
    ValueError
        For fewer than two draws, a value too rare to resample, and as in :func:`stability`.

    Examples
    --------
    >>> from pitfalls.rankings import rank
    >>> part = ([[0.0, 1.0], [0.1, -1.0]] * 5, ["PL", "SG"] * 5)
    >>> data = Splits.from_arrays(train=part, dev=part, test=part)
    >>> table = stability_over_bootstrap(lambda data, seed: rank("probeless", data, seed=seed), data, [1], 4)
    >>> table[["over", "draws", "overlap"]].to_dict("records")
    [{'over': 'sentences', 'draws': 4, 'overlap': 1.0}]
    """
    number = whole(draws, "draws", 2)
    steps, rankings = checked_ks(ks, data.n_neurons), []
    for draw in np.random.SeedSequence(whole(seed, "a seed")).spawn(number):
        of_sentences, of_method = (int(state) for state in draw.generate_state(2))
        rankings.append(make(_resampled(data, of_sentences), of_method))
    return _about(data, "sentences", stability(rankings, steps, p))


def resample_sentences(part: Activations, seed: int) -> Activations:
    """Draw as many sentences as ``part`` has, with replacement; each comes with all its words, as often as drawn.

    Sentences without a word in ``part`` are left out. Sentence ids stay those of the corpus, so they repeat.

    Examples
    --------
    >>> part = Activations.from_arrays([[1.0], [2.0], [3.0]], ["SG", "PL", "SG"])
    >>> resample_sentences(part, seed=0).sentence_ids
    array([1, 1, 2])
    """
    rows_of = np.argsort(part.sentence_ids, kind="stable")
    ids, starts, sizes = np.unique(part.sentence_ids[rows_of], return_index=True, return_counts=True)
    # They stay in the corpus's order: Linear's batches are not shuffled, and a new order is not a new sample.
    drawn = np.sort(np.random.default_rng(seed).integers(len(ids), size=len(ids)))
    rows = [rows_of[starts[i] : starts[i] + sizes[i]] for i in drawn]
    return part.select(np.concatenate(rows))


def _resampled(data: Splits, seed: int) -> Splits:
    """Resample train and dev until train has two different words of every value and dev has one."""
    generator = np.random.default_rng(seed)
    for _ in range(_TRIES):
        of_train, of_dev = (int(number) for number in generator.integers(2**32, size=2))
        train, dev = resample_sentences(data.train, of_train), resample_sentences(data.dev, of_dev)
        # A word and its copies have no spread, so they count as one.
        if _different_words(train).min() >= 2 and _different_words(dev).min() >= 1:
            return replace(data, train=train, dev=dev)
    words = _different_words(data.train)
    rarest = int(words.argmin())
    sentences = len(np.unique(data.train.sentence_ids[data.train.y == rarest]))
    raise ValueError(
        f"none of {_TRIES} samples held, for every value, two different words in train and one in dev: the rarest "
        f"value, {data.values[rarest]!r}, has {words[rarest]} words in {sentences} of "
        f"{len(np.unique(data.train.sentence_ids))} sentences; leave it out, or take more sentences"
    )


def _different_words(part: Activations) -> NDArray[np.int64]:
    """Words of each value, [n_values] int64; copies of a word count once."""
    words = np.unique(np.stack([part.y, part.sentence_ids, part.positions]), axis=1)
    return np.bincount(words[0], minlength=len(part.values))


def _about(data: Splits, over: str, table: pd.DataFrame) -> pd.DataFrame:
    about = configuration_of(data) | {"over": over}
    return table.assign(**about)[[*about, *table.columns]]
