"""An interval for a mean over languages and models, when there are few of both."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats


class Interval(NamedTuple):
    """A mean and its interval; ``low`` and ``high`` are NaN where a single row and column say nothing of others."""

    mean: float
    low: float
    high: float


def crossed_interval(values: pd.DataFrame, level: float = 0.95) -> Interval:
    """The mean of a table with one row per language and one column per model, and its interval over both.

    Resampling rows, and independently of them columns, gives a mean the variance of the row means over the number of
    rows plus that of the column means over the number of columns (the pigeonhole bootstrap, Owen 2007, in closed form,
    each variance with n - 1). It is a little too wide, because what is left over counts twice. As three or four rows
    say little of the variance either, the interval takes Student's t, with the degrees of freedom of Welch and
    Satterthwaite. With a single model it is over languages alone, and the other way round.

    Parameters
    ----------
    values : [n_rows, n_columns], without gaps
        Rows and columns must be what one wants to generalise over: the configurations of a language are averaged first.
    level : above 0 and below 1

    Raises
    ------
    ValueError
        A value is missing or not finite, the table is empty, or the level is bad.

    Examples
    --------
    >>> values = pd.DataFrame({"bert": [0.2, 0.3, 0.1], "xlmr": [0.3, 0.4, 0.2]}, index=["eng", "rus", "spa"])
    >>> [round(number, 2) for number in crossed_interval(values.iloc[:, :1])]
    [0.2, -0.05, 0.45]
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, both excluded, such as 0.95; it is {level!r}")
    numbers = values.to_numpy(dtype=np.float64)
    if not numbers.size or not np.isfinite(numbers).all():
        missing = int((~np.isfinite(numbers)).sum())
        raise ValueError(f"{missing} of {numbers.size} values are missing: leave out their rows")
    mean = float(numbers.mean())
    margins = [numbers.mean(axis=1), numbers.mean(axis=0)]
    several = [margin for margin in margins if len(margin) > 1]
    if not several:
        return Interval(mean, np.nan, np.nan)
    variances = np.array([margin.var(ddof=1) / len(margin) for margin in several])
    variance = float(variances.sum())
    if variance == 0:
        return Interval(mean, mean, mean)
    freedom = variance**2 / sum(own**2 / (len(margin) - 1) for own, margin in zip(variances, several, strict=True))
    half = float(stats.t.ppf((1 + level) / 2, freedom)) * variance**0.5
    return Interval(mean, mean - half, mean + half)
