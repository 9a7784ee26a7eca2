"""Attribute × attribute: what was changed, and which attributes of the words came out with another value."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from pitfalls.figures.heat_map import heat_map
from pitfalls.figures.points import only, require
from pitfalls.figures.style import Plot, language_name, panels, settings

_COLUMNS = ("attribute", "measured", "words", "count", "changed", "unread", "share")
_TITLES = {"changed": "Changed words", "neighbours": "Their neighbours"}
_WHAT = "a figure of isolation"
# Of fewer words than this, a share is written in parentheses.
_FEW = 20


def isolation(matrix: pd.DataFrame) -> Plot:
    """Draw the share of words whose value of an attribute changed (columns), for each attribute aimed at (rows).

    A frame marks the attribute that was aimed at; anywhere else, a light cell is damage. One panel is of the changed
    words, the other of the other words of their sentences. Forms that cannot be read are not counted as changed; the
    table has their number.

    Parameters
    ----------
    matrix:
        From ``interventions.isolation_matrix``: one language, kind, and k for each attribute.

    Raises
    ------
    ValueError
        If a column is missing, or the rows are of several languages, kinds, or k of one attribute.

    Examples
    --------
    >>> matrix = pd.DataFrame({"language": "spa", "attribute": "Gender", "kind": "ablation", "k": 8, "words": "changed",
    ...     "measured": ["Gender", "Number"], "count": [10, 8], "changed": [5, 1], "unread": [0, 2],
    ...     "share": [0.5, 0.125]})
    >>> print(isolation(matrix).alt)
    Heat map: share of words whose value of an attribute changed, Spanish, ablation. Changed words: Gender changed:
    Gender 0.50 of 10, Number 0.12 of 8 (2 unread).
    """
    require(matrix, _COLUMNS, _WHAT)
    language, kind = only(matrix, "language", _WHAT), only(matrix, "kind", _WHAT)
    cells = matrix.set_index(["words", "attribute", "measured"])
    if not cells.index.is_unique:
        raise ValueError(f"{_WHAT} shows one k for each attribute that was changed; select the rows of one")
    rows = sorted(set(matrix["attribute"]))
    columns = [*rows, *sorted(set(matrix["measured"]) - set(rows))]
    shown = [words for words in _TITLES if words in set(matrix["words"])]
    with settings():
        figure, all_axes = panels(len(shown), (1.4 + (0.6 + 0.52 * len(columns)) * len(shown), 2.4 + 0.34 * len(rows)))
        for axes, words in zip(all_axes, shown, strict=True):
            _draw(axes, matrix[matrix["words"] == words], rows, columns, words == shown[-1])
            axes.set_title(_TITLES[words])
        all_axes[0].set_ylabel("attribute aimed at")
        figure.suptitle(f"{language_name(language)}: {kind}")
    told = " ".join(f"{_TITLES[words]}: {_in_words(matrix[matrix['words'] == words], rows)}" for words in shown)
    alt = f"Heat map: share of words whose value of an attribute changed, {language_name(language)}, {kind}. {told}"
    caption = (
        f"{language_name(language)}, {kind}: share of the words carrying an attribute (columns) whose value of it is "
        "another one, or gone, after each attribute (rows) was changed; a frame marks the attribute aimed at. Grey: no "
        f"word carries it; in parentheses: fewer than {_FEW} words. Forms that cannot be read do not count as changed."
    )
    kept = [name for name in (*_COLUMNS, "k", "aimed", "baseline") if name in matrix]
    return Plot(figure, alt, caption, matrix[["language", "kind", *kept]].reset_index(drop=True))


def _draw(axes: Axes, part: pd.DataFrame, rows: list[str], columns: list[str], cbar: bool) -> None:
    cells = {(cell["attribute"], cell["measured"]): cell for cell in part.to_dict("records")}
    share = {at: cell["share"] for at, cell in cells.items()}
    written = {at: f"{share[at]:.2f}" if cell["count"] >= _FEW else f"({share[at]:.2f})" for at, cell in cells.items()}
    values = np.array([[share.get((row, column), np.nan) for column in columns] for row in rows], dtype=float)
    texts = [[written.get((row, column), "") for column in columns] for row in rows]
    heat_map(
        axes, values, texts, "Share of words", linewidths=0.5, vmin=0, vmax=1, xticklabels=columns, yticklabels=rows,
        annot_kws={"size": 7}, cbar=cbar,
    )  # fmt: skip
    axes.tick_params(axis="x", rotation=90)
    for i, row in enumerate(rows):
        place = (columns.index(row) + 0.04, i + 0.06)
        axes.add_patch(Rectangle(place, 0.92, 0.88, fill=False, edgecolor="#D55E00", linewidth=2))


def _in_words(part: pd.DataFrame, rows: list[str]) -> str:
    told = []
    for row in rows:
        cells = [
            f"{cell['measured']} {cell['share']:.2f} of {cell['count']}"
            + (f" ({cell['unread']} unread)" if cell["unread"] else "")
            for cell in part[part["attribute"] == row].to_dict("records")
        ]
        told.append(f"{row} changed: {', '.join(cells)}")
    return "; ".join(told) + "."
