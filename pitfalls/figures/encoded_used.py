"""Encoded against used: the area under a ranking's probing curve against the area under its CLWV curve."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.stats import spearmanr

from pitfalls.columns import CONFIGURATION
from pitfalls.figures.points import (
    by_ranking,
    count,
    finite,
    if_draws,
    means_over_draws,
    only,
    require,
    subject,
    unmixed,
)
from pitfalls.figures.style import Plot, appearance, language_name, panels, ranking_name, settings
from pitfalls.site import Site, with_site

_AREAS = ["probing_area", "clwv_area"]
_COLUMNS = (*CONFIGURATION, "ranking", "direction", "probe", *_AREAS)
_WHAT = "a figure of what is encoded and what is used"


def encoded_used(areas: pd.DataFrame) -> Plot:
    """Draw the area under each ranking's CLWV curve (upwards) against that under its probing curve (to the right).

    Each ranking has one point per configuration (language, attribute and site); rankings from bottom to top have hollow
    markers. The farther right a point is, the better a probe reads the attribute from the ranking's first neurons; the
    farther up, the more words change with them. Rows that differ only in their seeds are averaged. The alt text gives
    Spearman's correlation over all points, and the mean of the correlations within configurations; configurations with
    only one ranking, or where one side is constant, have no correlation and are left out of the mean.

    Parameters
    ----------
    areas:
        Columns language, attribute, layer, ranking, direction, probe, probing_area (mean accuracy over k) and
        clwv_area (mean CLWV over k), both as fractions of words; of one probe.

    Raises
    ------
    ValueError
        If a column is missing, an area is not a number, the rows are of several probes or splits, or a configuration
        has several interventions.

    Examples
    --------
    >>> areas = pd.DataFrame({"language": "spa", "attribute": "Gender", "layer": 3, "probe": "linear", "direction":
    ...     "ttb", "ranking": ["linear", "gaussian", "probeless"], "probing_area": [0.9, 0.8, 0.7],
    ...     "clwv_area": [0.2, 0.3, 0.1]})
    >>> print(encoded_used(areas).alt)
    Scatter plot: area under the CLWV curve against area under the Linear probe's curve, Spanish Gender, layer 3: 3
    rankings in 1 configuration, 3 points. Spearman's correlation: 0.500 over all points; 0.500 within configurations,
    the mean over 1. Mean areas under the probe's and the CLWV curve: Linear 0.900 and 0.200; Gaussian 0.800 and 0.300;
    Probeless 0.700 and 0.100.
    """
    areas = with_site(areas)
    _check(areas)
    points = means_over_draws(areas, [*CONFIGURATION, "ranking", "direction", "probe"], _AREAS)
    probe = f"{ranking_name(str(points['probe'].iloc[0]), 'ttb')} probe's"
    n = len(points.drop_duplicates(CONFIGURATION))
    about = _about(points, n)
    correlations = _correlations_in_words(points)
    with settings():
        figure, (axes,) = panels(1, (7.2, 4.6))
        _draw(axes, points)
        axes.set_xlabel(f"Area under the {probe} curve (mean over k, fraction of words)")
        axes.set_title(about if n == 1 else f"{about}: {count(n, 'configuration')}")
    told = [
        f"{ranking_name(ranking, direction)} {own['probing_area'].mean():.3f} and {own['clwv_area'].mean():.3f}"
        for ranking, direction, own in by_ranking(points)
    ]
    size = f"{count(len(told), 'ranking')} in {count(n, 'configuration')}, {count(len(points), 'point')}"
    alt = (
        f"Scatter plot: area under the CLWV curve against area under the {probe} curve, {about}: {size}. "
        f"{correlations} Mean areas under the probe's and the CLWV curve: {'; '.join(told)}."
    )
    caption = (
        f"{about}: {size}. To the right: the {probe} accuracy over k says that the ranking's first neurons encode the "
        "attribute; up: CLWV (right lemma, another value) over k says that the model uses them. Both areas are means "
        f"over k, as fractions of words. Hollow markers: bottom to top. {correlations}"
        + if_draws(points, " Means over draws.")
    )
    return Plot(figure, alt, caption, points)


def _check(areas: pd.DataFrame) -> None:
    require(areas, _COLUMNS, _WHAT)
    only(areas, "probe", _WHAT)
    unmixed(areas, ("split", "kind", "task"), _WHAT)
    grouped: Any = areas.groupby(CONFIGURATION)
    for (language, attribute, *at), part in grouped:
        unmixed(part, ("strength", "target"), f"the configuration {language} {attribute}, {Site(*at)},")
    finite(areas, _AREAS, "; leave these rows out")


def _about(points: pd.DataFrame, n: int) -> str:
    if n == 1:
        return subject(points, _WHAT)
    return ", ".join(language_name(language) for language in points["language"].unique())


def _correlation(points: pd.DataFrame) -> float:
    """Spearman's correlation of the areas; NaN where one side is constant, as it is for a single point."""
    if points[_AREAS].nunique().min() < 2:
        return float("nan")
    return float(spearmanr(points["probing_area"], points["clwv_area"])[0])


def _correlations_in_words(points: pd.DataFrame) -> str:
    """The correlation over all points, and the mean of those within the configurations that have one."""
    over_all = _correlation(points)
    within = [_correlation(part) for _, part in points.groupby(CONFIGURATION)]
    found = [correlation for correlation in within if not np.isnan(correlation)]
    first = "undefined over all points" if np.isnan(over_all) else f"{over_all:.3f} over all points"
    second = "undefined within configurations"
    if found:
        second = f"{np.mean(found):.3f} within configurations, the mean over {len(found)}"
    out = len(within) - len(found)
    left = f", {out} left out (one side constant)" if out else ""
    return f"Spearman's correlation: {first}; {second}{left}."


def _draw(axes: Axes, points: pd.DataFrame) -> None:
    for ranking, direction, own in by_ranking(points):
        look = appearance(ranking, direction, points["ranking"]) | {"markersize": 6.0, "alpha": 0.8}
        x, y = (own[area].to_numpy() for area in _AREAS)
        # Points on the axis are drawn whole, not cut in half.
        axes.plot(x, y, linestyle="none", label=ranking_name(ranking, direction), clip_on=False, zorder=3, **look)
    lowest, highest = points[_AREAS].min(), points[_AREAS].max()
    # A probe is hardly ever below chance, where the figure would be empty: start at the tenth below the lowest point.
    axes.set_xlim(math.floor(10 * lowest["probing_area"]) / 10, max(1.0, highest["probing_area"]))
    top = 1.1 * max(highest["clwv_area"], 0.0)
    axes.set_ylim(min(0.0, 1.1 * lowest["clwv_area"]), top or 1.0)
    axes.set_ylabel("Area under the CLWV curve (mean over k, fraction of words)")
    axes.legend(loc="center left", bbox_to_anchor=(1.02, 0.5))
