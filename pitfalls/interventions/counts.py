"""From what became of each word to how many words became what: the table of ``intervene``."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pitfalls.interventions.outcomes import OUTCOMES, WORD_COLUMNS


def counts(by_word: pd.DataFrame) -> pd.DataFrame:
    """Count the words of each outcome, at every k.

    Parameters
    ----------
    by_word:
        Tables of :func:`~.interventions.outcomes_by_word`, concatenated.

    Returns
    -------
    The table of :func:`~.interventions.intervene` for the same runs, in their order: one row a k and outcome
    (:data:`~.outcomes.OUTCOMES`, also where no word has it), with the keys, k, outcome, count and rate.

    Raises
    ------
    ValueError
        For an outcome that is none.

    Examples
    --------
    >>> words = pd.DataFrame({"ranking": "linear", "k": [0, 0, 8, 8], "sentence": 3, "position": [1, 2, 1, 2],
    ...     "outcome": ["unchanged", "unchanged", "unchanged", "intended"]})
    >>> found = counts(words)
    >>> found[found["count"] > 0].values.tolist()
    [['linear', 0, 'unchanged', 2, 1.0], ['linear', 8, 'unchanged', 1, 0.5], ['linear', 8, 'intended', 1, 0.5]]
    """
    unknown = sorted(set(by_word["outcome"]) - set(OUTCOMES))
    if unknown:
        raise ValueError(f"the outcomes {unknown} are none of {list(OUTCOMES)}")
    keys = [column for column in by_word.columns if column not in WORD_COLUMNS]
    # One of the outcomes is called "split", as is a key.
    columns = {f"words {outcome}": (by_word["outcome"] == outcome).astype("int64") for outcome in OUTCOMES}
    hits = pd.DataFrame(columns)
    # NaN is the strength of an ablation: dropna=False keeps it.
    grouped = by_word[[*keys, "k"]].join(hits).groupby([*keys, "k"], sort=False, dropna=False)
    sums = grouped.sum().reset_index()
    found = sums[list(columns)].to_numpy(dtype=np.int64)
    rows = sums[[*keys, "k"]].loc[sums.index.repeat(len(OUTCOMES))].reset_index(drop=True)
    return rows.assign(
        outcome=list(OUTCOMES) * len(sums),
        count=found.ravel(),
        rate=(found / found.sum(axis=1, keepdims=True)).ravel(),
    )
