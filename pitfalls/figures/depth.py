"""Measures over the layers of a model: what is read at each depth, and what the model uses there."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pitfalls.figures.points import (
    by_ranking,
    draw_line,
    finite,
    has_columns,
    if_draws,
    in_words,
    only,
    over_draws,
    unmixed,
)
from pitfalls.figures.style import Plot, appearance, blank, language_name, ranking_name, settings

_COLUMNS = ("language", "attribute", "site", "ranking", "direction", "layer", "measure", "value")
_WHAT = "a figure of depth"


def depth(values: pd.DataFrame) -> Plot:
    """Draw measures over layers: a row of panels per measure, a column per model, and a line per ranking.

    The panels of a row share their axis. A band spans the draws of a ranking.

    Parameters
    ----------
    values :
        One row per layer, ranking, draw and measure, of one attribute and kind of site: language, attribute, site,
        layer, ranking, direction, measure (what the axis says) and value; and model, where there are several, each of
        which has every measure.

    Raises
    ------
    ValueError
        If a column is missing, a value is not finite, the rows are of several attributes, languages or kinds of sites,
        or of several k of one model, a model lacks a measure, or a draw appears twice.

    Examples
    --------
    >>> values = pd.DataFrame({"language": "eng", "attribute": "Number", "site": "residual", "layer": [2, 8] * 2,
    ...     "ranking": "probeless", "direction": "ttb", "measure": ["accuracy"] * 2 + ["flip rate"] * 2,
    ...     "value": [0.9, 1.0, 0.7, 0.1]})
    >>> print(depth(values).alt)
    Line charts over layers: English Number, residual. Accuracy: Probeless 0.900 at layer = 2, 1.000 at layer = 8.
    Flip rate: Probeless 0.700 at layer = 2, 0.100 at layer = 8.
    """
    about = _checked(values)
    by_model = "model" in values.columns
    table = values if by_model else values.assign(model="")
    measures, models = (list(dict.fromkeys(table[column])) for column in ("measure", "model"))
    points = over_draws(table, ["model", "measure", "ranking", "direction", "layer"], "value")
    shown = set(points["ranking"])
    size = (1.2 + 4.0 * len(models), 0.9 + 2.5 * len(measures))
    with settings():
        figure = blank(size)
        grid = figure.subplots(len(measures), len(models), sharey="row", squeeze=False)
        for row, measure in zip(grid, measures, strict=True):
            for axes, model in zip(row, models, strict=True):
                _draw(axes, points[(points["measure"] == measure) & (points["model"] == model)], shown)
            row[0].set_ylabel(_capital(measure))
        for top, bottom, model in zip(grid[0], grid[-1], models, strict=True):
            top.set_title(model)
            bottom.set_xlabel("Layer")
        _legend(figure, points)
        figure.suptitle(about)
    told = " ".join(_told(points, measure, model) for model in models for measure in measures)
    caption = (
        f"{about}: {' and '.join(measures)} at each layer (0: the embeddings), one line per ranking."
        + (f" From left to right: {', '.join(models)}." if by_model else "")
        + if_draws(points, " Bands span the draws.")
    )
    return Plot(
        figure,
        f"Line charts over layers: {about}. {told}",
        caption,
        points if by_model else points.drop(columns="model"),
    )


def _checked(values: pd.DataFrame) -> str:
    """What the figure is about."""
    has_columns(values, _COLUMNS, _WHAT)
    finite(values, ["value"], "; leave these rows out")
    language, attribute, site = (only(values, column, _WHAT) for column in _COLUMNS[:3])
    models = values.groupby("model", sort=False) if "model" in values.columns else [("", values)]
    every = set(values["measure"])
    for model, own in models:
        # Models of different widths have different k.
        unmixed(own, ["k"], _WHAT)
        if lacking := sorted(every - set(own["measure"])):
            raise ValueError(
                f"{_WHAT} shows every measure of each model, and {model} has {sorted(set(own['measure']))} without "
                f"{lacking}: leave out what a model lacks"
            )
    return f"{language_name(language)} {attribute}, {site}"


def _draw(axes: Axes, points: pd.DataFrame, rankings: set[str]) -> None:
    for ranking, direction, part in by_ranking(points):
        look = appearance(ranking, direction, rankings)
        draw_line(axes, part, "layer", label=ranking_name(ranking, direction), **look)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _legend(figure: Figure, points: pd.DataFrame) -> None:
    """One entry for each ranking of any panel."""
    handles = {
        label: handle for axes in figure.axes for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    names = [ranking_name(ranking, direction) for ranking, direction, _ in by_ranking(points)]
    figure.legend([handles[name] for name in names], names, loc="outside lower center", ncols=min(4, len(names)))


def _told(points: pd.DataFrame, measure: str, model: str) -> str:
    own = points[(points["measure"] == measure) & (points["model"] == model)]
    lines = [f"{ranking_name(*pair)} {in_words(part, 'layer', 'layer')}" for *pair, part in by_ranking(own)]
    where = f"{model}, {measure}" if model else _capital(measure)
    return f"{where}: {'; '.join(lines)}."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
