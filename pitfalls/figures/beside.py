"""One figure of several tables: the same figure for each, such as for a trained model and its untrained twin."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.gridspec import GridSpec, SubplotSpec
from matplotlib.ticker import FixedLocator

from pitfalls.figures.parts import Parts, drawing
from pitfalls.figures.style import Plot, blank, settings

# Inches of the line above a part that holds its name, and of the widest row of parts; wider parts stand one under the
# other.
_HEAD, _WIDEST = 0.32, 15.0
_SENTENCE_ENDS = re.compile(r"(?<=\.) (?=\S)")


def beside(draw: Callable[[pd.DataFrame], Plot], tables: Mapping[str, pd.DataFrame]) -> Plot:
    """Draw the same figure for each of several tables, beside each other, or one under the other if they are wide.

    All parts have the same axes and colours: the same range of numbers, and for each ranking the same colour. Where the
    rows or columns of the parts have different names, each keeps its own, and so do points whose axes mean nothing
    (those of :func:`~pitfalls.figures.cluster_map.clusters`).

    Parameters
    ----------
    draw:
        A function of ``pitfalls.figures``, or ``functools.partial`` of one that needs more than a table.
    tables:
        What the parts are called, such as "trained" and "untrained", and the table of each.

    Returns
    -------
    A plot whose table has the tables of all parts, told apart by its first column, ``model``.

    Raises
    ------
    ValueError
        If there are fewer than two tables, one of them cannot be drawn, or ``draw`` makes no figure of this package.

    Examples
    --------
    >>> from pitfalls.figures import accuracy
    >>> curves = pd.DataFrame({"language": "spa", "attribute": "Gender", "layer": 3, "probe": "linear",
    ...     "ranking": "probeless", "direction": "ttb", "k": [1, 2], "accuracy": [0.6, 0.9]})
    >>> plot = beside(accuracy, {"trained": curves, "untrained": curves.assign(accuracy=0.5)})
    >>> print(plot.alt)
    Two figures on the same axes. Trained: Line chart over k, the number of neurons: Accuracy (fraction of words),
    Spanish Gender, layer 3. Linear probe: by Probeless 0.600 at k = 1, 0.900 at k = 2. Untrained: Line chart over k,
    the number of neurons: Accuracy (fraction of words), Spanish Gender, layer 3. Linear probe: by Probeless 0.500 at
    k = 1, 0.500 at k = 2.
    >>> plot.table.groupby("model")["accuracy"].max().to_dict()
    {'trained': 0.9, 'untrained': 0.5}
    """
    names = list(tables)
    if len(names) < 2:
        raise ValueError(f"beside draws two tables or more, and there are {len(names)}: {names}; name and give each")
    noted = Parts()
    with drawing(noted):
        for name, table in tables.items():
            _drawn(draw, name, table)
    if len(noted.sizes) != len(names):
        raise ValueError(
            f"draw must be a function of pitfalls.figures, which makes one figure of each table; it made "
            f"{len(noted.sizes)} of {len(names)} tables"
        )
    with settings():
        figure, places = _places(names, noted)
        plots = []
        for (name, table), place in zip(tables.items(), places, strict=True):
            with drawing(noted.at(place)):
                plots.append(_drawn(draw, name, table))
        _share_axes(places)
        _keep_layout(figure)
    alt = " ".join(f"{_capital(name)}: {plot.alt}" for name, plot in zip(names, plots, strict=True))
    number = {2: "Two", 3: "Three", 4: "Four"}.get(len(names), str(len(names)))
    table = pd.concat([_of_model(name, plot.table) for name, plot in zip(names, plots, strict=True)], ignore_index=True)
    caption = _joined(names, [plot.caption for plot in plots])
    return Plot(figure, f"{number} figures on the same axes. {alt}", caption, table)


def _drawn(draw: Callable[[pd.DataFrame], Plot], name: str, table: pd.DataFrame) -> Plot:
    try:
        return draw(table)
    except ValueError as error:
        raise ValueError(f"the table {name!r} cannot be drawn: {error}") from error


def _of_model(name: str, table: pd.DataFrame) -> pd.DataFrame:
    rest = table.drop(columns="model", errors="ignore")
    rest.insert(0, "model", name)
    return rest


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]


def _places(names: Sequence[str], noted: Parts) -> tuple[Figure, list[SubFigure]]:
    """An empty figure with the names of its parts, and where each is drawn, in its own size."""
    widths, heights = ([size[i] for size in noted.sizes] for i in (0, 1))
    in_a_row = sum(widths) <= _WIDEST
    size = (sum(widths), _HEAD + max(heights)) if in_a_row else (max(widths), sum(heights) + _HEAD * len(names))
    figure = blank(size, layout=noted.layouts[0])
    places = []
    for name, (head, part) in zip(names, (_row if in_a_row else _column)(figure, widths, heights), strict=True):
        figure.add_subfigure(head).text(0.5, 0.4, _capital(name), ha="center", va="center", fontsize=11, weight="bold")
        places.append(figure.add_subfigure(part))
    return figure, places


# The places of a name and of its part.
_Pair = tuple[SubplotSpec, SubplotSpec]


def _row(figure: Figure, widths: Sequence[float], heights: Sequence[float]) -> list[_Pair]:
    """Places side by side, each as high as its part."""
    edges = sorted(set(heights))
    grid = _grid(figure, widths, [_HEAD, *np.diff([0.0, *edges])])
    return [(grid[0, i], grid[1 : edges.index(height) + 2, i]) for i, height in enumerate(heights)]


def _column(figure: Figure, widths: Sequence[float], heights: Sequence[float]) -> list[_Pair]:
    """Places one under the other, each as wide as its part."""
    edges = sorted(set(widths))
    ends = [edges.index(width) + 1 for width in widths]
    grid = _grid(figure, [*np.diff([0.0, *edges])], [inches for height in heights for inches in (_HEAD, height)])
    return [(grid[2 * i, :end], grid[2 * i + 1, :end]) for i, end in enumerate(ends)]


def _grid(figure: Figure, widths: Sequence[float], heights: Sequence[float]) -> GridSpec:
    sizes = {"width_ratios": list(widths), "height_ratios": list(heights)}
    return GridSpec(len(heights), len(widths), figure, left=0, right=1, bottom=0, top=1, wspace=0, hspace=0, **sizes)


def _share_axes(places: Sequence[SubFigure]) -> None:
    """Give panels that belong together the same limits on every axis that they can share."""
    for together in _together([_panels(place) for place in places]):
        for axis in "xy":
            if _comparable(together, axis):
                limits = np.array([getattr(axes, f"get_{axis}lim")() for axes in together])
                low, high = limits.min(axis=0), limits.max(axis=0)
                # An axis that runs downwards keeps its direction.
                first, last = (low[0], high[1]) if limits[0, 0] <= limits[0, 1] else (high[0], low[1])
                for axes in together:
                    getattr(axes, f"set_{axis}lim")(first, last)


def _together(of_parts: list[list[Axes]]) -> list[list[Axes]]:
    """The panels in the same place of each part; or those of the same title, where the parts differ in panels."""
    if len({len(panels) for panels in of_parts}) == 1:
        return [list(panels) for panels in zip(*of_parts, strict=True)]
    named: dict[tuple[str, str], list[Axes]] = {}
    for axes in (axes for panels in of_parts for axes in panels):
        named.setdefault((axes.get_title(), axes.get_xlabel()), []).append(axes)
    return list(named.values())


def _keep_layout(figure: Figure) -> None:
    """Lay the figure out, and let it stay so: with parts, matplotlib would move everything a bit on each drawing."""
    if figure.get_layout_engine() is None:
        return
    # The second time starts from the places of the first.
    for _ in range(2):
        figure.draw_without_rendering()
    figure.set_layout_engine("none")
    # The solver's last digits are not the same on every run.
    for place in figure.subfigs:
        place.bbox_relative.set_points(place.bbox_relative.get_points().round(4))
        for axes in place.axes:
            left, bottom, width, height = (round(float(side), 4) for side in axes.get_position().bounds)
            axes.set_position((left, bottom, width, height))
        for text in place.texts:
            x, y = text.get_position()
            text.set_position((round(float(x), 4), round(float(y), 4)))


def _panels(place: SubFigure) -> list[Axes]:
    """The panels of a part, without the bars that explain its colours."""
    maps = [drawn for axes in place.axes for drawn in axes.collections]
    bars = [drawn.colorbar.ax for drawn in maps if drawn.colorbar is not None]
    return [axes for axes in place.axes if axes not in bars and axes.axison]


def _comparable(together: Sequence[Axes], axis: str) -> bool:
    """Whether panels show the same on an axis: numbers, or rows and columns of the same names."""
    if not any(isinstance(getattr(axes, f"{axis}axis").get_major_locator(), FixedLocator) for axes in together):
        return True
    named = {tuple(text.get_text() for text in getattr(axes, f"get_{axis}ticklabels")()) for axes in together}
    return len(named) == 1 and () not in named


def _joined(names: Sequence[str], captions: Sequence[str]) -> str:
    """The captions of all parts, where each sentence that all of them have stands once: at the start, or at the end.

    Examples
    --------
    >>> _joined(["one", "two"], ["Gender, k = 2. Error rate.", "Gender, k = 3. Error rate."])
    'One: Gender, k = 2. Two: Gender, k = 3. Error rate.'
    >>> _joined(["one", "two"], ["Gender. Error rate.", "Gender. Error rate."])
    'One and two, on the same axes. Gender. Error rate.'
    """
    told = [_SENTENCE_ENDS.split(caption) for caption in captions]
    common = [sentence for sentence in told[0] if all(sentence in others for others in told)]
    own = [" ".join(sentence for sentence in sentences if sentence not in common) for sentences in told]
    if not any(own):
        return f"{_capital(', '.join(names[:-1]))} and {names[-1]}, on the same axes. {' '.join(common)}"
    start = next(i for i, sentence in enumerate([*told[0], ""]) if sentence not in common)
    apart = [f"{_capital(name)}: {sentences}" for name, sentences in zip(names, own, strict=True) if sentences]
    return " ".join([*common[:start], *apart, *common[start:]])
