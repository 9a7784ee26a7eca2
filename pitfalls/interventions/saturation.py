"""Where a curve stops rising, and where it is highest: the numbers of the paper's saturation tables.

After the first few neurons a translation gains little more. The saturation point is where that begins (SOURCES.md,
Saturation point [C]); the highest point says how far it gets at all.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from pitfalls.interventions.rates import clwv

#: A point counts as saturated when neither of the next two is this many times as high [C].
GROWTH = 1.05
#: Such a point is passed over when the last point is more than this above it [C].
LATER_GAIN = 0.1


def saturation_index(values: ArrayLike) -> int:
    """The index at which a curve saturates.

    It is the first i with ``s[i+1] / s[i] < 1.05`` and ``s[i+2] / s[i] < 1.05``, except that an i is passed over when
    ``s[last] - s[i] > 0.1``; if there is none, it is the last index (SOURCES.md, Saturation point [C]).

    The rule looks at the next two *points*, so it depends on the steps of k: the paper's are 10. A point of 0 never
    meets it, whatever follows: its ratios are x / 0 = inf or 0 / 0 = NaN, and neither is below 1.05.

    Parameters
    ----------
    values:
        [n_points], rates (fractions, 0 or more) in the order of k.

    Raises
    ------
    ValueError
        If there is no point, or one is negative or not finite.

    Examples
    --------
    >>> saturation_index([0.0, 0.2, 0.36, 0.37, 0.365, 0.3])
    2
    >>> saturation_index([0.1, 0.1, 0.1, 0.9])  # the flat beginning is passed over
    3
    """
    curve = _checked(values)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        one, two = curve[1:-1] / curve[:-2], curve[2:] / curve[:-2]
    flat = (one < GROWTH) & (two < GROWTH) & ~(curve[-1] - curve[:-2] > LATER_GAIN)
    return int(flat.argmax()) if flat.any() else len(curve) - 1


def _checked(values: ArrayLike) -> NDArray[np.float64]:
    curve = np.asarray(values, dtype=np.float64)
    if curve.ndim != 1 or not len(curve):
        raise ValueError(f"a curve must be a row of one point or more, not an array of shape {curve.shape}")
    wrong = curve[~(np.isfinite(curve) & (curve >= 0))]
    if len(wrong):
        raise ValueError(f"rates must be finite numbers, 0 or more, and {len(wrong)} are not: {wrong[:5].tolist()}")
    return curve


def peaks(effects: pd.DataFrame) -> pd.DataFrame:
    """The highest CLWV of every curve, ``max_clwv``, and the first k that reaches it, ``max_k``.

    One row per curve; see :func:`saturation_table` for what tells curves apart.
    """
    return saturation_table(effects).drop(columns=["saturation_k", "saturation_clwv"])


def saturation_table(effects: pd.DataFrame) -> pd.DataFrame:
    """Where every curve of CLWV over k saturates, and where it is highest.

    Parameters
    ----------
    effects:
        The counts of runs (:meth:`~.run.Run.counts`), concatenated.

    Returns
    -------
    One row per curve, in the order of ``effects``. All columns but k and the outcomes tell curves apart: language,
    attribute, site, layer, split, ranking, direction, ranking_seed, kind, strength, target, and any that were added.
    Then words, saturation_k, saturation_clwv (see :func:`saturation_index`), max_clwv, and max_k, the first k that
    reaches it.

    Examples
    --------
    >>> effects = pd.DataFrame({"ranking": "linear", "kind": "translation", "k": [0, 0, 10, 10, 20, 20, 30, 30],
    ...     "outcome": ["unchanged", "intended"] * 4, "count": [100, 0, 60, 40, 59, 41, 70, 30]})
    >>> print(saturation_table(effects).to_string(index=False))
    ranking        kind  words  saturation_k  saturation_clwv  max_clwv  max_k
     linear translation    100            10              0.4      0.41     20
    """
    points = clwv(effects).sort_values("k", kind="stable")
    keys = [column for column in points.columns if column not in ("k", "hits", "words", "clwv")]
    # NaN is the strength of an ablation: dropna=False keeps it.
    curves = points.groupby(keys, sort=False, dropna=False)
    rows = [{**dict(zip(keys, curve[keys].iloc[0], strict=True)), **_numbers(curve)} for _, curve in curves]
    # Sorting by k reordered the curves: put them back in the order in which they came.
    first_seen = [curve.index.min() for _, curve in curves]
    order = sorted(range(len(rows)), key=lambda i: first_seen[i])
    return pd.DataFrame([rows[i] for i in order], columns=[*keys, *_NUMBERS])


_NUMBERS = ("words", "saturation_k", "saturation_clwv", "max_clwv", "max_k")


def _numbers(curve: pd.DataFrame) -> dict[str, float | int]:
    k, rate = curve["k"].to_numpy(), curve["clwv"].to_numpy()
    flat, top = saturation_index(rate), int(rate.argmax())
    numbers = (curve["words"].iloc[0], k[flat], rate[flat], rate[top], k[top])
    return dict(zip(_NUMBERS, numbers, strict=True))
