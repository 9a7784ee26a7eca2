"""The highest CLWV by the strength of a translation: for one configuration (SOURCES.md, Figure 10), or for many."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pitfalls.columns import CONFIGURATION
from pitfalls.figures.points import (
    by_ranking,
    draw_line,
    drawn_once,
    if_draws,
    in_words,
    one_configuration,
    over_draws,
    require,
)
from pitfalls.figures.style import Plot, appearance, panels, ranking_name, settings
from pitfalls.site import with_site

_LINE = ["kind", "ranking", "direction"]
_CLWV = ("intended", "another")
# Kind -> the letter of its strength, its panel's title, the label of the horizontal axis, and what the caption says.
_KINDS = {
    "translation": (
        "β",
        "Scaled by rank",
        "β (factor of the first neuron)",
        "β, where the factor falls from β to 0.001 over the ranks",
    ),
    "constant translation": (
        "α",
        "Constant",
        "α (factor of all k neurons)",
        "α, where it is the same for all ranks",
    ),
}


def beta(sweep: pd.DataFrame) -> Plot:
    """Draw the highest CLWV over all k against the strength of a translation, with one line per ranking.

    Each kind of translation in the table, scaled by rank or constant, has its own panel. Rankings from bottom to top
    have hollow markers and paler lines. Rows that differ only in their seeds are averaged, with a band from the lowest
    to the highest draw.

    Parameters
    ----------
    sweep:
        Tables of ``interventions.run_all``, concatenated; of one language, attribute, layer and split.

    Raises
    ------
    ValueError
        If a column is missing, or the rows are of several configurations or of anything but translations.

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
    about = one_configuration(sweep, (*_LINE, "strength", "k", "outcome", "count"), ("split", "target"), what)
    _check_kinds(sweep, what)
    points = _highest(sweep)
    with settings():
        figure, all_axes, told = _draw(points)
        all_axes[0].set_ylim(-0.02, 1.02)
        split = f", {sweep['split'].iloc[0]} words" if "split" in sweep.columns else ""
        figure.suptitle(f"{about}{split}")
    alt = (
        "Line chart over the strength of a translation: highest CLWV over k, as a fraction of words, "
        f"{about}{split}. {told}"
    )
    meant = " and ".join(_KINDS[kind][3] for kind in _kinds_of(points))
    caption = (
        f"{about}{split}. Highest CLWV (right lemma, another value) over all k, against the strength of the "
        f"translation: {meant}. Hollow markers: bottom to top." + if_draws(points, " Bands span the draws.")
    )
    return Plot(figure, alt, caption, points.rename(columns={"mean": "clwv"}))


def _highest(sweep: pd.DataFrame) -> pd.DataFrame:
    """Highest rates over draws: kind, ranking, direction, strength, mean, low, high, draws."""
    point = [column for column in sweep.columns if column not in ("outcome", "count", "rate")]
    drawn_once(sweep, [*point, "outcome"])
    counts = sweep.assign(hits=sweep["count"].where(sweep["outcome"].isin(_CLWV), 0))
    sums = counts.groupby(point, dropna=False)[["count", "hits"]].sum().reset_index()
    curve = [column for column in point if column != "k"]
    rates = sums.assign(rate=sums["hits"] / sums["count"]).groupby(curve, dropna=False)["rate"].max().reset_index()
    return over_draws(rates, [*_LINE, "strength"], "rate")


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
        If a column is missing, there are no rows, or some are of another kind.

    Examples
    --------
    >>> table = pd.DataFrame({"language": "spa", "attribute": ["Gender", "Tense"] * 2, "layer": 3, "ranking": "linear",
    ...     "direction": "ttb", "kind": "translation", "strength": [2.0, 2.0, 8.0, 8.0],
    ...     "max_clwv": [0.1, 0.3, 0.4, 0.6]})
    >>> print(strengths(table).alt)
    Line chart over the strength of a translation, means over 2 configurations: highest CLWV over k, as a fraction of
    words. Scaled by rank: Linear 0.200 at β = 2, 0.500 at β = 8.
    """
    what = "a figure of strengths over configurations"
    table = with_site(table)
    require(table, (*CONFIGURATION, *_LINE, "strength", "max_clwv"), what)
    _check_kinds(table, what)
    n = len(table[CONFIGURATION].drop_duplicates())
    points = _over_configurations(table)
    with settings():
        figure, all_axes, told = _draw(points)
        all_axes[0].set_ylim(bottom=-0.01)
        figure.suptitle(f"{n} configurations")
    about = f"means over {n} configurations"
    alt = f"Line chart over the strength of a translation, {about}: highest CLWV over k, as a fraction of words. {told}"
    caption = (
        f"Highest CLWV (right lemma, another value) over all k, against the strength of the translation: {about}; "
        "bands hold the middle half of them."
    )
    return Plot(figure, alt, caption, points.rename(columns={"mean": "max_clwv", "draws": "configurations"}))


def _over_configurations(table: pd.DataFrame) -> pd.DataFrame:
    """Kind, ranking, direction, strength, mean, low and high (quartiles), draws (configurations)."""
    keys = [*_LINE, "strength"]
    drawn_once(table, [*keys, *CONFIGURATION])
    # Draws of one configuration count once.
    single = table.groupby([*keys, *CONFIGURATION], sort=True)["max_clwv"].mean().reset_index()
    rates = single.groupby(keys, sort=True)["max_clwv"]
    found = pd.DataFrame({"mean": rates.mean(), "low": rates.quantile(0.25), "high": rates.quantile(0.75)})
    return found.assign(draws=rates.size()).reset_index()


def _check_kinds(table: pd.DataFrame, what: str) -> None:
    other = sorted(set(table["kind"]) - set(_KINDS))
    if other:
        raise ValueError(f"{what} shows the kinds {list(_KINDS)}, and the table also has {other}")


def _kinds_of(points: pd.DataFrame) -> list[str]:
    """The kinds in a table, in the order of their panels."""
    return [kind for kind in _KINDS if (points["kind"] == kind).any()]


def _draw(points: pd.DataFrame) -> tuple[Figure, list[Axes], str]:
    """Draw the points of each kind; return the figure, its panels, and all lines in words."""
    shown = _kinds_of(points)
    # Wide enough for the legend beside the last panel.
    figure, all_axes = panels(len(shown), (2.0 + 4.4 * len(shown), 4.2))
    told = [_draw_kind(axes, points[points["kind"] == kind], kind) for axes, kind in zip(all_axes, shown, strict=True)]
    all_axes[0].set_ylabel("Highest CLWV over k (fraction of words)")
    all_axes[-1].legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure, list(all_axes), " ".join(told)


def _draw_kind(axes: Axes, points: pd.DataFrame, kind: str) -> str:
    """Draw one kind's lines and return them in words."""
    symbol, title, label, _ = _KINDS[kind]
    told = []
    for ranking, direction, line in by_ranking(points):
        name = ranking_name(ranking, direction)
        draw_line(axes, line, "strength", label=name, **appearance(ranking, direction, points["ranking"]))
        told.append(f"{name} {in_words(line, 'strength', symbol)}")
    axes.set_title(title)
    axes.set_xlabel(label)
    return f"{title}: {'; '.join(told)}."
