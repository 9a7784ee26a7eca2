"""One number per curve: the area under it, so that many rankings and configurations can be compared at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.integrate import trapezoid


def area(k: ArrayLike, values: ArrayLike) -> float:
    """Mean height of a curve over k: its area (trapezoids) divided by the range of k, or the value of a single point.

    ``k`` [n_points] ascends; ``values`` are [n_points].

    Raises
    ------
    ValueError
        If there is no point, the lengths differ, or k does not ascend.

    Examples
    --------
    >>> area([0, 10, 30], [0.0, 1.0, 1.0]).__round__(3)
    0.833
    """
    ks, heights = np.asarray(k, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if ks.shape != heights.shape or ks.ndim != 1 or not len(ks):
        raise ValueError(
            f"k has shape {ks.shape} and the values {heights.shape}: give one value per k, and at least one"
        )
    if (np.diff(ks) <= 0).any():
        raise ValueError(f"k must ascend without repetition, but it is {ks.tolist()[:8]}")
    if len(ks) == 1:
        return float(heights[0])
    # Curves of the same area may differ in the last bit of their sums, and must stay tied.
    return round(float(trapezoid(heights, ks) / (ks[-1] - ks[0])), 12)


def areas(curves: pd.DataFrame, column: str, keys: Sequence[str]) -> pd.DataFrame:
    """The area under ``column`` over k as ``<column>_area``, one row per curve; ``keys`` tell curves apart.

    Examples
    --------
    >>> curves = pd.DataFrame({"ranking": ["a", "a", "b", "b"], "k": [1, 2, 1, 2], "accuracy": [0.5, 1.0, 0.5, 0.5]})
    >>> areas(curves, "accuracy", ["ranking"]).values.tolist()
    [['a', 0.75], ['b', 0.5]]
    """
    rows = []
    for key, curve in curves.groupby(list(keys), sort=False, dropna=False):
        ordered = curve.sort_values("k", kind="stable")
        rows.append((*key, area(ordered["k"], ordered[column])))
    return pd.DataFrame(rows, columns=[*keys, f"{column}_area"])
