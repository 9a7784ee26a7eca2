"""Which method is ahead of which: a heat map of their differences over all configurations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pitfalls.figures.heat_map import heat_map, square
from pitfalls.figures.matrix import probe_place
from pitfalls.figures.points import only, require
from pitfalls.figures.style import Plot, in_order, language_name, panels, ranking_name, settings

Difference = Literal["mean_difference", "median_difference"]

_SIDES = [f"{column}_{side}" for side in "ab" for column in ("probe", "ranking", "direction")]
_WHAT = "a heat map of differences"

# (probe, ranking, direction)
_Method = tuple[str, str, str]


def wilcoxon(matrix: pd.DataFrame, difference: Difference = "mean_difference", alpha: float = 0.05) -> Plot:
    """Draw how far each method (rows) is ahead of every other (columns): purple ahead, orange behind.

    A method is a probe by a ranking, as in the paper's legends: "Linear by Gaussian" is the linear probe on the
    Gaussian ranking; "btt" is bottom to top. A cell holds the difference in accuracy in percentage points, with a *
    where it is significant after adjusting for all pairs.

    Parameters
    ----------
    matrix:
        Rows of one group and k from ``wilcoxon_matrix``, or from ``blocked_permutations``, which has means only.
        Columns by, group, k, probe_a, ranking_a, direction_a, the same for b, n_pairs, p_adjusted, and the difference.
    difference:
        The column to draw.
    alpha:
        An adjusted p-value below it is significant.

    Raises
    ------
    ValueError
        If a column is missing, the table is empty, it holds several groups or k, or it does not have every ordered pair
        of its methods once.

    Examples
    --------
    >>> a = {"probe_a": "linear", "ranking_a": "gaussian", "direction_a": "ttb"}
    >>> b = {"probe_b": "gaussian", "ranking_b": "random", "direction_b": "ttb"}
    >>> other = {"probe_a": "gaussian", "ranking_a": "random", "direction_a": "ttb"}
    >>> other |= {"probe_b": "linear", "ranking_b": "gaussian", "direction_b": "ttb"}
    >>> rest = {"by": "layer", "group": 2, "k": 10, "n_pairs": 52, "p_adjusted": 0.01}
    >>> matrix = pd.DataFrame([a | b | rest, other | rest]).assign(mean_difference=[0.25, -0.25])
    >>> print(wilcoxon(matrix).alt)
    Heat map, 2 methods (probe by ranking) by 2: mean difference in accuracy, row minus column, in percentage points,
    with the first 10 neurons; layer 2, 52 configurations. 1 of 1 pairs differ (adjusted p < 0.05). Largest: Linear by
    Gaussian over Gaussian by Random, +25.0 (p < 0.05). Ahead of the most others: Linear by Gaussian, of 1 (1
    significantly). Ahead of the fewest: Gaussian by Random, of 0 (0 significantly).
    """
    require(matrix, ("by", "group", "k", *_SIDES, "n_pairs", "p_adjusted", difference), _WHAT)
    by, group, k = (only(matrix, column, _WHAT) for column in ("by", "group", "k"))
    methods = _methods(matrix)
    points, significant = _square(matrix, methods, difference, alpha)
    names = [_name(method) for method in methods]
    about = f"{_group_in_words(by, group)}, {_n_configurations(matrix)}"
    what = f"{difference.replace('_', ' ')} in accuracy, row minus column, in percentage points"
    alt = (
        f"Heat map, {len(names)} methods (probe by ranking) by {len(names)}: {what}, with the first {k} neurons; "
        f"{about}. {_in_words(points, significant, names, alpha)}"
    )
    caption = (
        f"{what[0].upper()}{what[1:]}, between each pair of methods (a probe by the ranking whose first {k} neurons it "
        f"reads); {about}. Purple: the row is ahead; orange: the column is; white: equal; grey: not compared. "
        f"{_test(matrix)} btt: bottom to top. * adjusted p < {alpha:g} (Benjamini-Hochberg over all pairs)."
    )
    title = f"First {k} neurons; {about}"
    columns = ["by", "group", "k", *_SIDES, "n_pairs", difference, "p_adjusted"]
    table = matrix[columns].assign(significant=matrix["p_adjusted"] < alpha).reset_index(drop=True)
    return Plot(_draw(points, significant, names, what, title), alt, caption, table)


def _methods(matrix: pd.DataFrame) -> list[_Method]:
    """All methods of the table: by probe, then in the order in which legends list rankings."""
    rows = [(str(row[0]), str(row[1]), str(row[2])) for row in matrix[_SIDES[:3]].itertuples(index=False, name=None)]
    places = {ranking: place for place, ranking in enumerate(in_order(row[1:] for row in rows))}
    return sorted(dict.fromkeys(rows), key=lambda method: (*probe_place(method[0]), places[method[1:]]))


def _square(
    matrix: pd.DataFrame, methods: Sequence[_Method], difference: str, alpha: float
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Percentage points, NaN on the diagonal, and significance, both [n_methods, n_methods]."""
    n = len(methods)
    pairs = [(row[:3], row[3:]) for row in matrix[_SIDES].itertuples(index=False, name=None)]
    if len({*pairs}) < len(pairs) or len(pairs) != n * (n - 1) or any(b not in methods for _, b in pairs):
        raise ValueError(
            f"{_WHAT} needs every ordered pair of its {n} methods once, {n * (n - 1)} rows, and the table has "
            f"{len(pairs)} rows of {len({*pairs})} pairs: give one whole matrix"
        )
    points = square(methods, dict(zip(pairs, 100 * matrix[difference], strict=True)))
    return points, square(methods, dict(zip(pairs, matrix["p_adjusted"], strict=True))) < alpha


def _name(method: _Method) -> str:
    probe, ranking, direction = method
    return f"{ranking_name(probe, 'ttb')} by {ranking_name(ranking, 'ttb')}{', btt' if direction == 'btt' else ''}"


def _group_in_words(by: str, group: Any) -> str:
    if by == "all":
        return "overall"
    return f"layer {group}" if by == "layer" else language_name(group) if by == "language" else str(group)


def _n_configurations(matrix: pd.DataFrame) -> str:
    fewest, most = int(matrix["n_pairs"].min()), int(matrix["n_pairs"].max())
    return f"{most} configurations" if fewest == most else f"{fewest} to {most} configurations per pair"


def _test(matrix: pd.DataFrame) -> str:
    """Which test the p-values come from."""
    if "least_p" not in matrix.columns:
        return "Test: Wilcoxon's signed-rank, which treats configurations as independent."
    return (
        f"Test: signs flipped for whole languages ({int(matrix['n_blocks'].min())} or more), so p is at "
        f"least {matrix['least_p'].max():.3g}."
    )


def _in_words(points: NDArray[np.float64], significant: NDArray[np.bool_], names: Sequence[str], alpha: float) -> str:
    n = len(names)
    row, column = divmod(int(np.nanargmax(points)), n)
    strength = f"p < {alpha:g}" if significant[row, column] else f"p not below {alpha:g}"
    # The NaNs of the diagonal count as ahead of nothing.
    ahead, surely = (points > 0).sum(axis=1), ((points > 0) & significant).sum(axis=1)
    # Among equals, take the first.
    most = max(range(n), key=lambda index: (ahead[index], surely[index]))
    fewest = min(range(n), key=lambda index: (ahead[index], surely[index]))

    def said(index: int) -> str:
        return f"{names[index]}, of {ahead[index]} ({surely[index]} significantly)"

    return (
        f"{int(significant.sum()) // 2} of {n * (n - 1) // 2} pairs differ (adjusted p < {alpha:g}). Largest: "
        f"{names[row]} over {names[column]}, {points[row, column]:+.1f} ({strength}). Ahead of the most others: "
        f"{said(most)}. Ahead of the fewest: {said(fewest)}."
    )


def _draw(
    points: NDArray[np.float64], significant: NDArray[np.bool_], names: Sequence[str], what: str, title: str
) -> Figure:
    n = len(names)
    # Equal differences in either direction are equally far from white.
    limit = max(float(np.nanmax(np.abs(points))), 0.1)
    written = [
        ["" if np.isnan(value) else f"{value:+.1f}{'*' if sure else ''}" for value, sure in zip(*line, strict=True)]
        for line in zip(points, significant, strict=True)
    ]
    with settings():
        figure, (axes,) = panels(1, (4.2 + 0.52 * n, 3.0 + 0.36 * n))
        heat_map(
            axes,
            points,
            written,
            what[0].upper() + what[1:],
            center=0,
            vmin=-limit,
            vmax=limit,
            annot_kws={"fontsize": 7},
            linewidths=0.5,
            xticklabels=names,
            yticklabels=names,
        )
        axes.set_title(f"{title}: row minus column")
    return figure
