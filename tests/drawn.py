"""What the tests of figures share: checks that a figure is whole, and the same every time it is drawn."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from pitfalls.figures.style import Plot


def small_plot(rows: int = 3, alt: str = 'A line falls from 3 to 1 & <says> "so".') -> Plot:
    """A plot of three points, with all that is published with one."""
    figure = Figure(figsize=(2, 2))
    figure.subplots().plot(range(rows))
    return Plot(figure, alt, "A caption.", pd.DataFrame({"k": range(rows), "value": [0.123456789] * rows}))


def is_whole(plot: Plot) -> bool:
    """Whether everything drawn lies inside the figure."""
    plot.figure.canvas.draw()
    box, (width, height) = plot.figure.get_tightbbox(), plot.figure.get_size_inches()
    return box.x0 > -0.02 and box.y0 > -0.02 and box.x1 < width + 0.02 and box.y1 < height + 0.02


def touching(texts: Iterable[Text]) -> int:
    """How many pairs of texts in a drawn figure overlap, not counting the lines from labels to their points."""
    boxes = [Text.get_window_extent(text) for text in texts]
    return sum(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))


def by_label(axes: Axes) -> dict[str, object]:
    """The lines of a panel by their labels."""
    return {line.get_label(): line for line in axes.get_lines()}


def drawn_twice(draw: Callable[[pd.DataFrame], Plot], table: pd.DataFrame) -> Plot:
    """Draw a table; other user settings must give the same bytes and size, and leave the table as it is."""
    before = table.copy()
    first = draw(table)
    size = tuple(first.figure.get_size_inches())
    other = {"font.size": 30, "lines.linewidth": 9, "hatch.linewidth": 4, "figure.dpi": 50, "svg.hashsalt": "other"}
    with matplotlib.rc_context(other):
        second = draw(table)
        assert second.png() == first.png() and second.svg() == first.svg()
    assert tuple(second.figure.get_size_inches()) == tuple(first.figure.get_size_inches()) == size
    pd.testing.assert_frame_equal(table, before)
    return first
