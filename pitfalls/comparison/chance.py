"""What chance alone does: the interval that several draws of a curve cover."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from pitfalls.columns import CURVE, DRAW


def interval(
    curves: pd.DataFrame,
    measure: str = "accuracy",
    level: float = 0.95,
    over: Sequence[str] = tuple(DRAW),
) -> pd.DataFrame:
    """Mean and central interval of a measure over draws, such as ten random rankings or five seeds.

    The interval holds the middle ``level`` of the draws (quantiles, interpolated), so with few draws it is little
    more than their range.

    Parameters
    ----------
    curves : DataFrame
        From :func:`~pitfalls.probes.curves.probe_curves` or
        :func:`~pitfalls.comparison.selectivity.selectivity_curves`.
    over : sequence of str
        The columns that tell draws apart.

    Returns
    -------
    The other columns that identify a row, ``mean``, ``low``, ``high`` and ``draws`` (how many there were).

    Raises
    ------
    ValueError
        For a measure that the table lacks, or a level outside 0 to 1.

    Examples
    --------
    >>> curves = pd.DataFrame({"ranking": "random", "ranking_seed": [0, 1, 2], "k": 1, "accuracy": [0.5, 0.6, 0.7]})
    >>> interval(curves, level=0.5)[["mean", "low", "high", "draws"]].round(3).values.tolist()
    [[0.6, 0.55, 0.65, 3.0]]
    """
    if measure not in curves.columns:
        raise ValueError(f"no column {measure!r}; the table has {list(curves.columns)}")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, both excluded, such as 0.95; it is {level!r}")
    keys = [key for key in CURVE if key in curves.columns and key not in over]
    grouped = curves.groupby(keys, sort=False, dropna=False)[measure]
    edges = grouped.quantile(np.array([(1 - level) / 2, (1 + level) / 2])).unstack()
    edges.columns = pd.Index(["low", "high"])
    return grouped.agg(mean="mean", draws="count").join(edges).reset_index()[[*keys, "mean", "low", "high", "draws"]]
