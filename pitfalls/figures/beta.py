"""The sweep over a translation's strength: highest CLWV over beta, for all rankings (SOURCES.md, Figures, 10)."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from pitfalls.figures.style import (
    Plot,
    appearance,
    draw_line,
    in_order,
    in_words,
    one_configuration,
    over_draws,
    panels,
    ranking_name,
    settings,
)

_COLUMNS = ("ranking", "direction", "kind", "strength", "k", "outcome", "count")
_CLWV = ("intended", "another")
# Kind -> the strength's letter, the panel's title and its horizontal axis; scaled first, as in the paper.
_KINDS = {
    "translation": ("β", "Scaled by rank", "β (factor of the first neuron)"),
    "constant translation": ("α", "Constant", "α (factor of all k neurons)"),
}
_MEANT = {
    "translation": "β, where the factor falls from β to 0.001 over the ranks",
    "constant translation": "α, where it is the same for all ranks",
}


def beta(sweep: pd.DataFrame) -> Plot:
    """Draw the highest CLWV over all k against the strength of a translation: a line a ranking, a panel a kind.

    The constant translation has a panel of its own where the table holds it. Rankings from bottom to top have hollow
    markers and paler lines. Rows that differ in their seeds only are averaged, with a band from the lowest to the
    highest.

    Parameters
    ----------
    sweep:
        Tables of ``sweep_beta`` (and of ``sweep_alpha``), concatenated; of one language, attribute, layer and split.

    Raises
    ------
    ValueError
        If a column is missing, the rows are of several configurations, or of something else than translations.

    Examples
    --------
    >>> sweep = pd.DataFrame({"language": "spa", "attribute": "Gender", "layer": 3, "ranking": "linear",
    ...     "direction": "ttb", "kind": "translation", "strength": [2.0, 2.0, 8.0, 8.0], "k": 9,
    ...     "outcome": ["unchanged", "intended"] * 2, "count": [9, 1, 6, 4]})
    >>> print(beta(sweep).alt)
    Line chart over the strength of a translation: highest CLWV over k, as a fraction of words, Spanish Gender, layer 3.
    Scaled by rank: Linear 0.100 at β = 2, 0.400 at β = 8.
    """
    what = "a figure of translation strengths"
    about = one_configuration(sweep, _COLUMNS, ("split", "target"), what)
    other = sorted(set(sweep["kind"]) - set(_KINDS))
    if other:
        raise ValueError(f"{what} shows the kinds {list(_KINDS)}, and the table also has {other}")
    points = _highest(sweep)
    shown = [kind for kind in _KINDS if (points["kind"] == kind).any()]
    sentences = []
    with settings():
        figure, all_axes = panels(len(shown))
        # Wide enough for the legend beside the last panel.
        figure.set_size_inches(2.0 + 4.4 * len(shown), 4.2)
        for axes, kind in zip(all_axes, shown, strict=True):
            sentences.append(_draw(axes, points[points["kind"] == kind], kind))
        all_axes[0].set_ylabel("Highest CLWV over k (fraction of words)")
        all_axes[0].set_ylim(-0.02, 1.02)
        all_axes[-1].legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
        split = f", {sweep['split'].iloc[0]} words" if "split" in sweep.columns else ""
        figure.suptitle(f"{about}{split}")
    alt = (
        "Line chart over the strength of a translation: highest CLWV over k, as a fraction of words, "
        f"{about}{split}. {' '.join(sentences)}"
    )
    meant = " and ".join(_MEANT[kind] for kind in shown)
    caption = (
        f"{about}{split}. Highest CLWV (right lemma, another value) over all k, against the strength of the "
        f"translation: {meant}. Hollow markers: bottom to top."
        + (" Bands span the draws." if int(points["draws"].max()) > 1 else "")
    )
    return Plot(figure, alt, caption, points.rename(columns={"mean": "clwv"}))


def _highest(sweep: pd.DataFrame) -> pd.DataFrame:
    """Highest rates over draws: kind, ranking, direction, strength, mean, low, high, draws."""
    point = [column for column in sweep.columns if column not in ("outcome", "count", "rate")]
    counts = sweep.assign(hits=sweep["count"].where(sweep["outcome"].isin(_CLWV), 0))
    sums = counts.groupby(point, dropna=False)[["count", "hits"]].sum().reset_index()
    curve = [column for column in point if column != "k"]
    rates = sums.assign(rate=sums["hits"] / sums["count"]).groupby(curve, dropna=False)["rate"].max().reset_index()
    return over_draws(rates, ["kind", "ranking", "direction", "strength"], "rate")


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
