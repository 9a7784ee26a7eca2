"""Intervention curves of many attributes and layers: error rate and CLWV over k, in one small panel each."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pitfalls.columns import CONFIGURATION
from pitfalls.figures.effect_curves import (
    COLUMNS,
    draw_curves,
    kind_in_words,
    legend_handles,
    rates,
    strength_in_words,
)
from pitfalls.figures.points import count, if_draws, only, require, unmixed
from pitfalls.figures.style import Plot, blank, in_order, language_name, ranking_name, settings
from pitfalls.site import Site, with_site

#: One small panel, in inches.
SMALL_PANEL = (2.1, 1.6)
_LEGEND_WIDTH, _LEGEND_LINE = 1.7, 0.17
_FONTS = {"size": 7.0, "title": 7.5, "figure": 9.0}
_WHAT = "a grid of intervention curves"

# (attribute, site)
_Panel = tuple[str, Site]


def effects_grid(effects: pd.DataFrame) -> Plot:
    """Draw error rate (solid) and CLWV (dashed) over k in small panels, one row per attribute, one column per site.

    Each panel shows what :func:`~pitfalls.figures.effect_curves.effects` draws for its configuration. Where panels
    differ in strength, each title gives its own. Where the table lacks a combination, its place stays blank. Rows that
    differ only in their seeds are averaged, with a band from the lowest to the highest draw.

    Parameters
    ----------
    effects:
        Tables of ``Run.counts``, concatenated; of one language, kind, split and target, and of one strength for each
        attribute and site.

    Raises
    ------
    ValueError
        If a column is missing, the rows mix languages, kinds, splits or targets, or a panel has several strengths.

    Examples
    --------
    >>> effects = pd.DataFrame({"language": "spa", "attribute": "Gender", "layer": [2] * 4 + [3] * 4, "ranking":
    ...     "linear", "direction": "ttb", "kind": "translation", "strength": [4.0] * 4 + [8.0] * 4,
    ...     "k": [0, 0, 9, 9] * 2, "outcome": ["unchanged", "intended"] * 4, "count": [10, 0, 7, 3, 10, 0, 5, 5]})
    >>> print(effects_grid(effects).alt)
    Grid of line charts over k, the number of changed neurons, 1 attribute by 2 layers: error rate and CLWV as
    fractions of all predictions. Spanish: translation. Gender, layer 2, β = 4 (10 words): highest CLWV 0.300 by
    Linear at k = 9, highest error rate 0.300 by Linear at k = 9. Gender, layer 3, β = 8 (10 words): highest CLWV
    0.500 by Linear at k = 9, highest error rate 0.500 by Linear at k = 9.
    """
    effects = with_site(effects)
    require(effects, (*CONFIGURATION, *COLUMNS), _WHAT)
    language, kind = only(effects, "language", _WHAT), only(effects, "kind", _WHAT)
    unmixed(effects, ("split", "target"), _WHAT)
    grouped: Any = effects.groupby(["attribute", "site", "layer"])
    parts: dict[_Panel, pd.DataFrame] = {(attribute, Site(*at)): part for (attribute, *at), part in grouped}
    strengths = {
        (attribute, site): float(only(part, "strength", f"the panel of {attribute}, {site},"))
        for (attribute, site), part in parts.items()
    }
    points = {panel: rates(part) for panel, part in parts.items()}
    every = pd.concat(
        [points[panel].assign(attribute=panel[0], **panel[1].columns, strength=strengths[panel]) for panel in points],
        ignore_index=True,
    )
    same = every["strength"].nunique(dropna=False) == 1
    about = f"{language_name(language)}: {kind_in_words(kind, every['strength'].iloc[0]) if same else kind}"
    titles = {panel: f"{panel[0]}, {panel[1]}" for panel in parts}
    if not same:
        titles = {panel: f"{title}, {strength_in_words(kind, strengths[panel])}" for panel, title in titles.items()}
    figure, missing = _draw(points, titles, every, about)
    told = [f"{titles[panel]} ({_n_words(points[panel])}): {_in_words(points[panel])}." for panel in parts]
    if missing:
        told.append(f"Left blank, as the table lacks them: {'; '.join(f'{name}, {site}' for name, site in missing)}.")
    sites = {site for _, site in points}
    what = "layer" if {site.kind for site in sites} == {"residual"} else "site"
    size = f"{count(every['attribute'].nunique(), 'attribute')} by {count(len(sites), what)}"
    alt = (
        f"Grid of line charts over k, the number of changed neurons, {size}: error rate and CLWV as fractions of all "
        f"predictions. {about}. {' '.join(told)}"
    )
    caption = (
        f"{about}. One row per attribute, one column per {what}: error rate (solid: the word came out different) and "
        f"CLWV (dashed: right lemma, another value) as fractions of the predicted words ({_n_words(every)} per panel), "
        "over the number k of changed neurons; hollow markers: bottom to top."
        + if_draws(every, " Bands span the draws.")
        + (" Blank: not in the table." if missing else "")
    )
    first = ["attribute", "site", "layer", "strength"]
    table = every[first + [column for column in every.columns if column not in first]]
    return Plot(figure, alt, caption, table.rename(columns={"mean": "rate"}))


def _n_words(points: pd.DataFrame) -> str:
    fewest, most = int(points["words"].min()), int(points["words"].max())
    return f"{most} words" if fewest == most else f"{fewest} to {most} words"


def _draw(
    points: dict[_Panel, pd.DataFrame], titles: dict[_Panel, str], every: pd.DataFrame, about: str
) -> tuple[Figure, list[_Panel]]:
    """The figure, and the panels that stay blank."""
    attributes, sites = sorted({name for name, _ in points}), sorted({site for _, site in points})
    with settings():
        handles = legend_handles(every)
        height = max(SMALL_PANEL[1] * len(attributes), _LEGEND_LINE * len(handles)) + 0.7
        figure = blank((SMALL_PANEL[0] * len(sites) + _LEGEND_WIDTH, height))
        grid = figure.subplots(len(attributes), len(sites), sharex=True, sharey=True, squeeze=False)
        missing = []
        for row, name in enumerate(attributes):
            for column, site in enumerate(sites):
                axes, panel = grid[row][column], (name, site)
                if panel not in points:
                    axes.set_axis_off()
                    missing.append(panel)
                    continue
                draw_curves(axes, points[panel], every["ranking"], linewidth=0.9, markersize=2.5)
                axes.set_title(titles[panel], fontsize=_FONTS["title"])
                axes.tick_params(labelsize=_FONTS["size"])
        _label_the_outer(grid)
        figure.supxlabel("k (number of changed neurons, in the ranking's order)", fontsize=_FONTS["figure"])
        figure.supylabel("Fraction of all predictions", fontsize=_FONTS["figure"])
        figure.suptitle(about, fontsize=_FONTS["figure"] + 1)
        figure.legend(handles=handles, loc="outside right center", fontsize=_FONTS["size"])
    return figure, missing


def _label_the_outer(grid: NDArray[np.object_]) -> None:
    """Write tick labels at the lowest panel of every column and the first of every row, skipping blank ones."""
    lowest: dict[int, Axes] = {}
    for line in grid:
        shown: list[tuple[int, Any]] = [(column, axes) for column, axes in enumerate(line) if axes.axison]
        lowest.update(shown)
        shown[0][1].tick_params(labelleft=True)
    for axes in lowest.values():
        axes.tick_params(labelbottom=True)


def _in_words(points: pd.DataFrame) -> str:
    """The highest CLWV and the highest error rate of a panel, each with its ranking and k."""
    return ", ".join(_highest(points, measure) for measure in ("CLWV", "error rate"))


def _highest(points: pd.DataFrame, measure: str) -> str:
    rows = points[points["measure"] == measure]
    if rows["mean"].max() == 0:
        return f"{measure} 0.000 throughout"
    # Among equals, take the first in the legend, then the smallest k.
    places = {pair: place for place, pair in enumerate(in_order(zip(rows["ranking"], rows["direction"], strict=True)))}
    place = [places[pair] for pair in zip(rows["ranking"], rows["direction"], strict=True)]
    best = rows.assign(place=place).sort_values(["mean", "place", "k"], ascending=[False, True, True]).iloc[0]
    name = ranking_name(best["ranking"], best["direction"])
    return f"highest {measure} {best['mean']:.3f} by {name} at k = {best['k']:g}"
