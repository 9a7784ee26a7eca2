"""What figures over the strength of a translation share: a panel a kind, a line a ranking."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pitfalls.figures.style import appearance, draw_line, in_order, in_words, panels, ranking_name

#: Kind -> the strength's letter, the panel's title and its horizontal axis.
KINDS = {
    "translation": ("β", "Scaled by rank", "β (factor of the first neuron)"),
    "constant translation": ("α", "Constant", "α (factor of all k neurons)"),
}


def check_kinds(table: pd.DataFrame, what: str) -> None:
    """Refuse a table of other kinds.

    Raises
    ------
    ValueError
        Naming them.
    """
    other = sorted(set(table["kind"]) - set(KINDS))
    if other:
        raise ValueError(f"{what} shows the kinds {list(KINDS)}, and the table also has {other}")


def kinds_of(points: pd.DataFrame) -> list[str]:
    """The kinds that a table has, in the order of their panels."""
    return [kind for kind in KINDS if (points["kind"] == kind).any()]


def draw_by_strength(points: pd.DataFrame) -> tuple[Figure, list[Axes], list[str]]:
    """Draw kind, ranking, direction, strength, mean, low and high; the figure, its panels, and each panel in words."""
    shown = kinds_of(points)
    figure, all_axes = panels(len(shown))
    # Wide enough for the legend beside the last panel.
    figure.set_size_inches(2.0 + 4.4 * len(shown), 4.2)
    told = [_draw(axes, points[points["kind"] == kind], kind) for axes, kind in zip(all_axes, shown, strict=True)]
    all_axes[0].set_ylabel("Highest CLWV over k (fraction of words)")
    all_axes[-1].legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure, list(all_axes), told


def _draw(axes: Axes, points: pd.DataFrame, kind: str) -> str:
    """Draw one kind's lines; return them in words."""
    symbol, title, label = KINDS[kind]
    told = []
    for ranking, direction in in_order(zip(points["ranking"], points["direction"], strict=True)):
        line = points[(points["ranking"] == ranking) & (points["direction"] == direction)]
        name = ranking_name(ranking, direction)
        draw_line(axes, line, "strength", label=name, **appearance(ranking, direction, points["ranking"]))
        told.append(f"{name} {in_words(line, 'strength', symbol)}")
    axes.set_title(title)
    axes.set_xlabel(label)
    return f"{title}: {'; '.join(told)}."
