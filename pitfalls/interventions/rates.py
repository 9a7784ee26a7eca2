"""Error rate and CLWV: the shares of words that came out different, and as the same lemma with another value."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from pitfalls.interventions.outcomes import CLWV, MEASURES, OUTCOMES


def _summed(effect: pd.DataFrame, outcomes: Sequence[str], count: str, rate: str) -> pd.DataFrame:
    keys = [column for column in effect.columns if column not in MEASURES]
    # NaN strengths must not drop ablations: dropna=False below keeps them as a group.
    counted = effect.assign(**{count: effect["count"].where(effect["outcome"].isin(outcomes), 0)})
    table = counted.groupby(keys, sort=False, dropna=False).agg(**{count: (count, "sum"), "words": ("count", "sum")})
    return table.assign(**{rate: table[count] / table["words"]}).reset_index()


def error_rate(effect: pd.DataFrame) -> pd.DataFrame:
    """The share of words that came out different, one row per run and k: ``changed``, ``words``, ``error_rate``.

    At k = 0 this is what the model gets wrong by itself.
    """
    changed = [outcome for outcome in OUTCOMES if outcome != "unchanged"]
    return _summed(effect, changed, "changed", "error_rate")


def clwv(effect: pd.DataFrame) -> pd.DataFrame:
    """Right lemma, other value ("intended" + "another"), one row per run and k: ``hits``, ``words``, ``clwv``.

    The paper's own count adds "lost" (its analyser could not tell it from another value, SOURCES.md, Traps).
    """
    return _summed(effect, CLWV, "hits", "clwv")


def with_baseline(rates: pd.DataFrame) -> pd.DataFrame:
    """A table of :func:`error_rate` or :func:`clwv` with the column ``baseline``: the same run's rate at k = 0.

    Raises
    ------
    ValueError
        If a run has no row for k = 0.

    Examples
    --------
    >>> effect = pd.DataFrame({"ranking": "linear", "k": [0, 0, 8, 8], "outcome": ["unchanged", "split"] * 2,
    ...     "count": [9, 1, 6, 4]})
    >>> with_baseline(error_rate(effect))[["k", "error_rate", "baseline"]].values.tolist()
    [[0.0, 0.1, 0.1], [8.0, 0.4, 0.1]]
    """
    rate = rates.columns[-1]
    keys = [column for column in rates.columns[:-3] if column != "k"]
    at_0 = rates.loc[rates["k"] == 0, [*keys, rate]].rename(columns={rate: "baseline"})
    # merge takes NaN, the strength of an ablation, as equal to NaN.
    table = rates.merge(at_0, on=keys, how="left", sort=False)
    if table["baseline"].isna().any():
        raise ValueError("a run has no row for k = 0: put 0 among the ks of the intervention")
    return table
