"""Rankings against the truth: the areas of ``ranking_areas``, encoded and used side by side."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from pitfalls.figures.parts import same_order
from pitfalls.figures.points import if_draws, only, over_draws, require, subject
from pitfalls.figures.style import Plot, panels, ranking_name, settings

_COLUMNS = ("ranking", "direction", "against", "area", "chance")
_SETS = {"encoded": "Encoded", "used": "Used by the model"}
# Okabe and Ito's blue and vermillion; a filled circle and a hollow square tell them apart without colour.
_DIRECTIONS: dict[str, tuple[str, dict[str, Any], float]] = {
    "ttb": ("top to bottom", {"color": "#0072B2", "marker": "o", "markerfacecolor": "#0072B2"}, -0.14),
    "btt": ("bottom to top", {"color": "#D55E00", "marker": "s", "markerfacecolor": "white"}, 0.14),
}


def truth(areas: pd.DataFrame) -> Plot:
    """Draw the area under precision@k of every ranking, against what is encoded and against what is used.

    There is one row per ranking, with those that find the used neurons best on top, and one panel per set. A perfect
    ranking has an area of 1, and the dashed line is what a random one reaches on average. Rows that differ only in
    their seeds are averaged, with a line from the lowest to the highest draw.

    Parameters
    ----------
    areas:
        Tables of ``ranking_areas``, concatenated; of one language, attribute and layer.

    Raises
    ------
    ValueError
        If a column is missing, a set is neither "encoded" nor "used", a direction is neither "ttb" nor "btt", or the
        rows are of several configurations.

    Examples
    --------
    >>> areas = pd.DataFrame({"language": "art", "attribute": "Number", "layer": 1, "ranking": "linear",
    ...     "direction": "ttb", "against": ["encoded", "used"], "area": [0.9, 0.1], "chance": [0.3, 0.1]})
    >>> print(truth(areas).alt)
    Dot plot: area under precision@k of rankings against the truth, Artificial Number, layer 1. Encoded, chance 0.300:
    Linear 0.900. Used by the model, chance 0.100: Linear 0.100.
    """
    what = "a figure of rankings against the truth"
    _check(areas, what)
    about = subject(areas, what)
    chances = {against: float(only(part, "chance", what)) for against, part in areas.groupby("against")}
    points = over_draws(areas, ["against", "ranking", "direction"], "area").rename(columns={"mean": "area"})
    points["chance"] = points["against"].map(chances)
    rankings = _in_order(points)
    shown = [against for against in _SETS if against in chances]
    with settings():
        figure, all_axes = panels(len(shown), (1.5 + 3.6 * len(shown), 1.6 + 0.3 * len(rankings)))
        for axes, against in zip(all_axes, shown, strict=True):
            _draw(axes, points[points["against"] == against], rankings)
            axes.axvline(chances[against], color="#555555", linestyle="--", linewidth=1.0, label="random, expected")
            axes.set_title(_SETS[against])
        all_axes[0].set_yticks(range(len(rankings)), [ranking_name(name, "ttb") for name in rankings])
        all_axes[0].set_ylim(len(rankings) - 0.5, -0.5)
        handles, labels = all_axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(handles))
        figure.suptitle(about)
    told = " ".join(_in_words(points[points["against"] == against], rankings) for against in shown)
    alt = f"Dot plot: area under precision@k of rankings against the truth, {about}. {told}"
    caption = (
        f"{about}: mean share of relevant neurons among the first k, for k up to the number of relevant neurons (1: "
        "all come first), against the neurons that encode the attribute and against those that the model reads it "
        "from. Filled circles: top to bottom, hollow squares: bottom to top; dashed: a random ranking's expectation."
        + if_draws(points, " Lines span the draws.")
    )
    return Plot(figure, alt, caption, points)


def _check(areas: pd.DataFrame, what: str) -> None:
    require(areas, _COLUMNS, what)
    for column, known in (("against", list(_SETS)), ("direction", list(_DIRECTIONS))):
        other = sorted(set(areas[column]) - set(known))
        if other:
            raise ValueError(f"{what} needs {column} to be one of {known}; the table also has {other}")


def _in_order(points: pd.DataFrame) -> list[str]:
    """Rankings by their ttb area against "used", the best first; then by that against "encoded", then by name."""
    top = points[points["direction"] == "ttb"].set_index(["against", "ranking"])["area"].to_dict()

    def place(ranking: str) -> tuple[float, float, str]:
        return -top.get(("used", ranking), -1.0), -top.get(("encoded", ranking), -1.0), ranking

    return same_order(sorted(set(points["ranking"]), key=place))


def _draw(axes: Axes, points: pd.DataFrame, rankings: list[str]) -> None:
    for direction, (name, look, shift) in _DIRECTIONS.items():
        part = points[points["direction"] == direction]
        if not len(part):
            continue
        apart = shift if points["direction"].nunique() > 1 else 0.0
        rows = [rankings.index(ranking) + apart for ranking in part["ranking"]]
        axes.hlines(rows, part["low"], part["high"], color=look["color"], linewidth=1.5)
        axes.plot(part["area"].to_numpy(), rows, linestyle="none", label=name, clip_on=False, zorder=3, **look)
    axes.set_xlim(0, 1.02)
    axes.set_xlabel("Area under precision@k")


def _in_words(points: pd.DataFrame, rankings: list[str]) -> str:
    against, chance = points["against"].iloc[0], points["chance"].iloc[0]
    area = points.set_index(["ranking", "direction"])["area"].to_dict()
    told = [
        f"{ranking_name(ranking, direction)} {area[ranking, direction]:.3f}"
        for ranking in rankings
        for direction in _DIRECTIONS
        if (ranking, direction) in area
    ]
    return f"{_SETS[against]}, chance {chance:.3f}: {'; '.join(told)}."
