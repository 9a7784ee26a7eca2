"""The strength of a translation over many configurations: highest CLWV by strength, a line a ranking."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from pitfalls.figures.style import (
    Plot,
    appearance,
    draw_line,
    in_order,
    in_words,
    panels,
    ranking_name,
    require,
    settings,
)

_NEEDED = ("language", "attribute", "layer", "ranking", "direction", "kind", "strength", "max_clwv")
_CONFIGURATION = ["language", "attribute", "layer"]
_WHAT = "a figure of strengths over configurations"
# Kind -> the strength's letter, the panel's title and its horizontal axis.
_KINDS = {
    "translation": ("β", "Scaled by rank", "β (factor of the first neuron)"),
    "constant translation": ("α", "Constant", "α (factor of all k neurons)"),
}


def strengths(table: pd.DataFrame) -> Plot:
    """Draw the highest CLWV over k against the strength: means over configurations; bands hold their middle half.

    Parameters
    ----------
    table:
        Columns language, attribute, layer, ranking, direction, kind ("translation", "constant translation"), strength
        and max_clwv (fraction of words), such as the table ``strengths`` of a study.

    Raises
    ------
    ValueError
        If a column is missing, there are no rows, or another kind.

    Examples
    --------
    >>> table = pd.DataFrame({"language": "spa", "attribute": ["Gender", "Tense"] * 2, "layer": 3, "ranking": "linear",
    ...     "direction": "ttb", "kind": "translation", "strength": [2.0, 2.0, 8.0, 8.0],
    ...     "max_clwv": [0.1, 0.3, 0.4, 0.6]})
    >>> print(strengths(table).alt)
    Line chart over the strength of a translation, means over 2 configurations: highest CLWV over k, as a fraction of
    words. Scaled by rank: Linear 0.200 at β = 2, 0.500 at β = 8.
    """
    require(table, _NEEDED, _WHAT)
    other = sorted(set(table["kind"]) - set(_KINDS))
    if other:
        raise ValueError(f"{_WHAT} shows the kinds {list(_KINDS)}, and the table also has {other}")
    n = len(table[_CONFIGURATION].drop_duplicates())
    points = _over_configurations(table)
    shown = [kind for kind in _KINDS if (points["kind"] == kind).any()]
    told = []
    with settings():
        figure, all_axes = panels(len(shown))
        figure.set_size_inches(2.0 + 4.4 * len(shown), 4.2)
        for axes, kind in zip(all_axes, shown, strict=True):
            told.append(_draw(axes, points[points["kind"] == kind], kind))
        all_axes[0].set_ylabel("Highest CLWV over k (fraction of words)")
        all_axes[0].set_ylim(bottom=-0.01)
        all_axes[-1].legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
        figure.suptitle(f"{n} configurations")
    about = f"means over {n} configurations"
    alt = (
        f"Line chart over the strength of a translation, {about}: highest CLWV over k, as a fraction of words. "
        f"{' '.join(told)}"
    )
    caption = (
        f"Highest CLWV (right lemma, another value) over all k, against the strength of the translation: {about}; "
        "bands hold the middle half of them."
    )
    return Plot(figure, alt, caption, points.rename(columns={"mean": "max_clwv", "draws": "configurations"}))


def _over_configurations(table: pd.DataFrame) -> pd.DataFrame:
    """Kind, ranking, direction, strength, mean, low and high (quartiles), draws (configurations)."""
    keys = ["kind", "ranking", "direction", "strength"]
    # Draws of one configuration count once.
    single = table.groupby([*keys, *_CONFIGURATION], sort=True)["max_clwv"].mean().reset_index()
    rates = single.groupby(keys, sort=True)["max_clwv"]
    found = pd.DataFrame({"mean": rates.mean(), "low": rates.quantile(0.25), "high": rates.quantile(0.75)})
    return found.assign(draws=rates.size()).reset_index()


def _draw(axes: Axes, points: pd.DataFrame, kind: str) -> str:
    """Draw one kind's lines; return them in words."""
    symbol, title, label = _KINDS[kind]
    told = []
    for ranking, direction in in_order(zip(points["ranking"], points["direction"], strict=True)):
        line = points[(points["ranking"] == ranking) & (points["direction"] == direction)]
        name = ranking_name(ranking, direction)
        draw_line(axes, line, "strength", label=name, **appearance(ranking, direction, points["ranking"]))
        told.append(f"{name} {in_words(line, 'strength', symbol)}")
    axes.set_title(title)
    axes.set_xlabel(label)
    return f"{title}: {'; '.join(told)}."
