"""How certain the error rate and CLWV are: intervals from resampled sentences.

Words of one sentence are changed together and come out together, so they are not independent trials: whole sentences
are resampled with replacement (a cluster bootstrap), and a draw's rate is the ratio of its sums.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pitfalls.interventions.outcomes import CLWV, OUTCOMES, WORD_COLUMNS
from pitfalls.numbers import whole

_MEASURES = {"error rate": tuple(outcome for outcome in OUTCOMES if outcome != "unchanged"), "CLWV": CLWV}


def rate_intervals(by_word: pd.DataFrame, draws: int = 1000, level: float = 0.95, seed: int = 0) -> pd.DataFrame:
    """Error rate and CLWV at every k, with an interval over resampled sentences.

    All runs over the same number of sentences share their draws, so curves over k and rankings can be compared draw
    by draw. An interval covers only the uncertainty from sampling sentences, not that from other seeds, and a rate of
    exactly 0 or 1 has an interval of width 0.

    Parameters
    ----------
    by_word:
        The ``outcomes`` of runs (:class:`~.run.Run`), concatenated.
    draws:
        How many times to resample the sentences; each draw takes as many as there are, with replacement.
    level:
        The interval holds this share of the draws, in the middle (quantiles, interpolated).

    Returns
    -------
    One row per run, measure and k: the keys, measure ("error rate" or "CLWV"), k, mean (the rate over all words, not
    over draws), low, high, baseline (the rate of the same words at k = 0), sentences and words (their numbers).

    Raises
    ------
    ValueError
        If draws is below 1, level is not between 0 and 1, a run has fewer than two sentences, or a word occurs twice.

    Examples
    --------
    >>> words = pd.DataFrame({"ranking": "linear", "k": 8, "sentence": [0, 0, 1], "position": [1, 4, 2],
    ...     "outcome": ["unchanged", "intended", "unchanged"], "baseline": "unchanged"})
    >>> rate_intervals(words)[["measure", "k", "mean", "low", "high"]].round(2).values.tolist()
    [['error rate', 8, 0.33, 0.0, 0.5], ['CLWV', 8, 0.33, 0.0, 0.5]]
    """
    if draws < 1 or not 0 < level < 1:
        raise ValueError(
            f"draws must be 1 or more and level between 0 and 1, both excluded; they are {draws!r} and {level!r}"
        )
    keys = [column for column in by_word.columns if column not in WORD_COLUMNS]
    twice = by_word[by_word.duplicated([*keys, "k", "sentence", "position"])]
    if len(twice):
        word = twice.iloc[0]
        raise ValueError(
            f"word {word['position']} of sentence {word['sentence']} occurs twice at k = {word['k']}: add a column "
            "that tells the runs apart"
        )
    # NaN is the strength of an ablation: dropna=False keeps it.
    runs = [run for _, run in by_word.groupby(keys, sort=False, dropna=False)] if keys else [by_word]
    tables = [_of_run(run, keys, _weights(run["sentence"].nunique(), draws, seed), level) for run in runs]
    return pd.concat(tables, ignore_index=True)


def _weights(n_sentences: int, draws: int, seed: int) -> NDArray[np.float64]:
    """How often each sentence is drawn, [draws, n_sentences]."""
    if n_sentences < 2:
        raise ValueError(f"{n_sentences} sentences cannot be resampled: give two or more")
    generator = np.random.default_rng(whole(seed, "a seed"))
    drawn = generator.multinomial(n_sentences, np.full(n_sentences, 1 / n_sentences), size=draws)
    return np.asarray(drawn, dtype=np.float64)


def _of_run(run: pd.DataFrame, keys: list[str], weights: NDArray[np.float64], level: float) -> pd.DataFrame:
    ids, sentence = np.unique(run["sentence"], return_inverse=True)
    ks, step = np.unique(run["k"], return_inverse=True)

    def summed(column: str, outcomes: Sequence[str]) -> NDArray[np.float64]:
        """Words with these outcomes, [n_sentences, n_ks]."""
        found = run[column].isin(list(outcomes)).to_numpy(dtype=np.float64)
        sums = np.bincount(sentence * len(ks) + step, found, len(ids) * len(ks))
        return np.asarray(sums.reshape(len(ids), len(ks)), dtype=np.float64)

    words = summed("outcome", OUTCOMES)
    n = words.sum(axis=0)
    tables = []
    for measure, outcomes in _MEASURES.items():
        hits = summed("outcome", outcomes)
        low, high = np.quantile(weights @ hits / (weights @ words), [(1 - level) / 2, (1 + level) / 2], axis=0)
        found = {"mean": hits.sum(axis=0) / n, "low": low, "high": high}
        baseline = summed("baseline", outcomes).sum(axis=0) / n
        columns = {"measure": measure, "k": ks, **found, "baseline": baseline, "sentences": len(ids)}
        tables.append(pd.DataFrame({**run[keys].iloc[0].to_dict(), **columns, "words": n.astype(np.int64)}))
    return pd.concat(tables, ignore_index=True)
