"""What figures over the strength of a translation share: one panel per kind, one line per ranking."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pitfalls.figures.points import by_ranking, draw_line, in_words
from pitfalls.figures.style import appearance, panels, ranking_name

#: Kind -> the letter of its strength, its panel's title, and the label of the horizontal axis.
KINDS = {
    "translation": ("β", "Scaled by rank", "β (factor of the first neuron)"),
    "constant translation": ("α", "Constant", "α (factor of all k neurons)"),
}


def check_kinds(table: pd.DataFrame, what: str) -> None:
    """Refuse a table of other kinds.

    Raises
    ------
    ValueError
        If there are some; the message names them.
    """
    other = sorted(set(table["kind"]) - set(KINDS))
    if other:
        raise ValueError(f"{what} shows the kinds {list(KINDS)}, and the table also has {other}")


def kinds_of(points: pd.DataFrame) -> list[str]:
    """The kinds in a table, in the order of their panels."""
    return [kind for kind in KINDS if (points["kind"] == kind).any()]


def draw_by_strength(points: pd.DataFrame) -> tuple[Figure, list[Axes], list[str]]:
    """Draw kind, ranking, direction, strength, mean, low and high; the figure, its panels, and each panel in words."""
    shown = kinds_of(points)
    # Wide enough for the legend beside the last panel.
    figure, all_axes = panels(len(shown), (2.0 + 4.4 * len(shown), 4.2))
    told = [_draw(axes, points[points["kind"] == kind], kind) for axes, kind in zip(all_axes, shown, strict=True)]
    all_axes[0].set_ylabel("Highest CLWV over k (fraction of words)")
    all_axes[-1].legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure, list(all_axes), told


def _draw(axes: Axes, points: pd.DataFrame, kind: str) -> str:
    """Draw one kind's lines and return them in words."""
    symbol, title, label = KINDS[kind]
    told = []
    for ranking, direction, line in by_ranking(points):
        name = ranking_name(ranking, direction)
        draw_line(axes, line, "strength", label=name, **appearance(ranking, direction, points["ranking"]))
        told.append(f"{name} {in_words(line, 'strength', symbol)}")
    axes.set_title(title)
    axes.set_xlabel(label)
    return f"{title}: {'; '.join(told)}."
