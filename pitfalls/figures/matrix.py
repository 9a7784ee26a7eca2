"""The probe × ranking matrix: the same rankings, graded by every probe, at one number of neurons."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from pitfalls.figures.heat_map import heat_map
from pitfalls.figures.points import if_draws, one_configuration, over_draws
from pitfalls.figures.style import Plot, in_order, panels, ranking_name, settings

_NEEDED = ("probe", "ranking", "direction", "k", "accuracy")
# The linear preset and its converged version side by side, then the other probe.
_PROBES = ("linear", "linear_converged", "gaussian")


def matrix(curves: pd.DataFrame, k: int) -> Plot:
    """Draw the accuracy of every probe (columns) on the first ``k`` neurons of every ranking (rows).

    A frame marks a probe that grades the ranking it made itself. Rows that differ only in their seeds are averaged, and
    half their range is written after the mean. A best subset (:func:`~pitfalls.rankings.best_subset.best_subsets`) has
    the upper row.

    Parameters
    ----------
    curves:
        Tables of ``probe_curves``, concatenated; of one language, attribute and layer, and of one task and split.
    k:
        How many neurons the probes read; the table must have this k.

    Raises
    ------
    ValueError
        If a column is missing, ``k`` is not in the table, or the rows are of several configurations.

    Examples
    --------
    >>> curves = pd.DataFrame({"language": "spa", "attribute": "Gender", "layer": 3, "direction": "ttb", "k": 8,
    ...     "probe": ["linear", "gaussian"] * 2, "ranking": ["linear"] * 2 + ["gaussian"] * 2,
    ...     "accuracy": [0.9, 0.8, 0.7, 0.95]})
    >>> print(matrix(curves, 8).alt)
    Heat map: accuracy (fraction of words) with the first 8 neurons, Spanish Gender, layer 3. Linear: Linear probe
    0.900 (its own), Gaussian probe 0.800. Gaussian: Linear probe 0.700, Gaussian probe 0.950 (its own).
    """
    about = one_configuration(curves, _NEEDED, ("task", "split"), "a probe × ranking matrix")
    at_k = curves[curves["k"] == k]
    if at_k.empty:
        raise ValueError(f"no row has k = {k}; the table has k = {sorted(curves['k'].unique().tolist())[:20]}")
    points = over_draws(at_k, ["probe", "ranking", "direction"], "accuracy").rename(columns={"mean": "accuracy"})
    pairs = in_order(zip(points["ranking"], points["direction"], strict=True))
    probes = sorted(points["probe"].unique(), key=probe_place)
    rows = points.set_index(["ranking", "direction", "probe"])
    with settings():
        figure, (axes,) = panels(1, (2.6 + 1.3 * len(probes), 1.4 + 0.34 * len(pairs)))
        _draw(axes, rows, pairs, probes)
        axes.set_title(f"{about}: first {k} neurons")
    alt = f"Heat map: accuracy (fraction of words) with the first {k} neurons, {about}. " + " ".join(
        _in_words(rows, pair, probes) for pair in pairs
    )
    caption = (
        f"{about}: accuracy (fraction of words) of each probe on the first {k} neurons of each ranking. Along a row "
        "only the probe changes, down a column only the ranking; a frame marks a probe on the ranking it made itself."
        + if_draws(points, " After ±: half the range over draws.")
    )
    return Plot(figure, alt, caption, points.assign(k=k))


def probe_place(probe: str) -> tuple[int, str]:
    """What to sort probes by."""
    return _PROBES.index(probe) if probe in _PROBES else len(_PROBES), probe


def _cell(rows: pd.DataFrame, pair: tuple[str, str], probe: str) -> pd.Series[Any]:
    return rows.loc[[(*pair, probe)]].iloc[0]


def _written(row: pd.Series[Any]) -> str:
    spread = (row["high"] - row["low"]) / 2
    return f"{row['accuracy']:.3f}" + (f" ±{spread:.3f}" if row["draws"] > 1 else "")


def _draw(axes: Axes, rows: pd.DataFrame, pairs: list[tuple[str, str]], probes: list[str]) -> None:
    cells = [[_cell(rows, pair, probe) for probe in probes] for pair in pairs]
    heat_map(
        axes,
        np.array([[cell["accuracy"] for cell in line] for line in cells]),
        [[_written(cell) for cell in line] for line in cells],
        "Accuracy (fraction of words)",
        linewidths=0.5,
        xticklabels=[f"{ranking_name(probe, 'ttb')} probe".replace(" ", "\n", 1) for probe in probes],
        yticklabels=[ranking_name(*pair) for pair in pairs],
    )
    for i, (ranking, _) in enumerate(pairs):
        if ranking in probes:
            place = (probes.index(ranking) + 0.03, i + 0.06)
            axes.add_patch(Rectangle(place, 0.94, 0.88, fill=False, edgecolor="#D55E00", linewidth=2))


def _in_words(rows: pd.DataFrame, pair: tuple[str, str], probes: list[str]) -> str:
    told = [
        f"{ranking_name(probe, 'ttb')} probe {_written(_cell(rows, pair, probe))}"
        f"{' (its own)' if pair[0] == probe else ''}"
        for probe in probes
    ]
    return f"{ranking_name(*pair)}: {', '.join(told)}."
