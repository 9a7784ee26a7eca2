"""The reader's calibration: their intervals next to the results, and how many intervals contain the result."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.stats import binom

from pitfalls.figures.points import require
from pitfalls.figures.style import Plot, panels, settings

_NEEDED = ("id", "question", "low", "high", "result", "inside")
_WHAT = "a figure of calibration"
_WISHED = 0.8
# How far a result may lie outside, in widths of its own interval, before it is drawn at the edge.
_EDGE = 1.5
# Colour, marker and word: each tells the two apart without the others.
_INSIDE, _OUTSIDE = ("#0072B2", "o", "inside"), ("#D55E00", "X", "outside")


def calibration(table: pd.DataFrame) -> Plot:
    """Draw every guess as a bar of the same length, and mark where the result fell.

    Guesses are about different things, so each has its own unit: its interval is drawn from 0 to 1. A result that lies
    more than one and a half interval widths outside is drawn at the edge.

    Parameters
    ----------
    table:
        Columns id, question, low, high, result and inside (bool), and perhaps unit; one row per guess, or no rows.
        ``pitfalls.course.calibration()`` gives such a table.

    Raises
    ------
    ValueError
        If a column is missing, an interval has its higher bound first, or ``inside`` contradicts the numbers.

    Examples
    --------
    >>> table = pd.DataFrame({"id": ["a", "b"], "question": ["How accurate?", "How many?"], "low": [0.2, 5.0],
    ...     "high": [0.5, 9.0], "result": [0.75, 6.0], "inside": [False, True]})
    >>> print(calibration(table).alt)
    Your guesses: 1 of 2 results lie inside (50 %; wished for: 80 %). How accurate? 0.2 to 0.5, result 0.75, outside.
    How many? 5 to 9, result 6, inside.
    """
    require(table, _NEEDED, _WHAT)
    if table.empty:
        return _nothing_yet(table)
    _check(table)
    points = table.assign(
        place=[_place(*numbers) for numbers in table[["low", "high", "result"]].to_numpy(dtype=float)],
        said=[_said(row) for _, row in table.iterrows()],
    )
    n, hits = len(points), int(points["inside"].sum())
    share = f"{hits} of {n} results lie inside ({100 * hits / n:.0f} %; wished for: {100 * _WISHED:.0f} %)"
    with settings():
        figure, (axes,) = panels(1, (9.0, 1.6 + 0.36 * n))
        _draw(axes, points)
        axes.set_title(f"{hits} of {n} inside: {100 * hits / n:.0f} %, wished for {100 * _WISHED:.0f} %")
    rows = " ".join(f"{_ended(str(row.question))} {row.said}." for row in points.itertuples())
    caption = f"Your guesses and the results, each guess from 0 to 1 in its own unit. {_verdict(hits, n)}"
    return Plot(figure, f"Your guesses: {share}. {rows}", caption, points.drop(columns="said"))


def _ended(question: str) -> str:
    """A question with the punctuation that it needs before its answer.

    Examples
    --------
    >>> _ended("How many?"), _ended("Share of words")
    ('How many?', 'Share of words:')
    """
    return question if question.endswith(("?", ":", ".")) else f"{question}:"


def _nothing_yet(table: pd.DataFrame) -> Plot:
    """The figure without any guesses."""
    words = "No guess has met its result yet, so there is nothing to say about your calibration."
    with settings():
        figure, (axes,) = panels(1, (9.0, 1.2))
        axes.axis("off")
        axes.text(0.5, 0.5, words, ha="center", va="center", transform=axes.transAxes)
    how = "Guesses are made before a result, with the slider or with course.guess, and are kept on your own computer."
    return Plot(figure, words, how, table)


def _check(table: pd.DataFrame) -> None:
    low, high, result = (table[column].to_numpy(dtype=float) for column in ("low", "high", "result"))
    for wrong, what in (
        (~(low <= high), "is not an interval: give the lower bound first"),
        (((low <= result) & (result <= high)) != table["inside"].to_numpy(dtype=bool), "has the wrong inside"),
    ):
        if wrong.any():
            row = table.iloc[int(wrong.argmax())]
            raise ValueError(
                f"the guess {row['id']!r}, {row['low']:g} to {row['high']:g} with the result {row['result']:g} and "
                f"inside = {bool(row['inside'])}, {what}"
            )


def _place(low: float, high: float, result: float) -> float:
    """Where the result lies if the interval runs from 0 to 1, clipped at the edges; 0.5 if a one-point guess is right.

    Examples
    --------
    >>> _place(2.0, 4.0, 3.0), _place(2.0, 4.0, 99.0), _place(2.0, 2.0, 2.0), _place(2.0, 2.0, 1.0)
    (0.5, 2.5, 0.5, -1.5)
    """
    if low == high == result:
        return 0.5
    place = (result - low) / (high - low) if high > low else np.copysign(np.inf, result - low)
    return float(np.clip(place, -_EDGE, 1 + _EDGE))


def _said(row: pd.Series) -> str:
    unit = f" {row['unit']}" if row.get("unit") else ""
    where = _INSIDE[2] if row["inside"] else _OUTSIDE[2]
    return f"{row['low']:.3g} to {row['high']:.3g}{unit}, result {row['result']:.3g}, {where}"


def _verdict(hits: int, n: int) -> str:
    """What this number of hits says, compared with the middle 95 % of readers whose intervals are right.

    Examples
    --------
    >>> _verdict(3, 10)
    'At least 95 % of readers whose intervals are right in 80 % of cases have 5 to 10 of 10 inside; 3 is fewer: yours
    are too narrow.'
    """
    least, most = (int(bound) for bound in binom.interval(0.95, n, _WISHED))
    said = "as many as can be expected"
    if hits < least:
        said = "fewer: yours are too narrow"
    elif hits > most:
        said = "more: yours could be narrower"
    right = f"whose intervals are right in {100 * _WISHED:.0f} % of cases"
    return f"At least 95 % of readers {right} have {least} to {most} of {n} inside; {hits} is {said}."


def _draw(axes: Axes, points: pd.DataFrame) -> None:
    n = len(points)
    heights = np.arange(n)[::-1]  # the first guess on top
    axes.hlines(heights, 0, 1, color="#999999", linewidth=7, label="your interval")
    for (colour, marker, word), chosen in (
        (_INSIDE, points["inside"].to_numpy(dtype=bool)),
        (_OUTSIDE, ~points["inside"].to_numpy(dtype=bool)),
    ):
        if chosen.any():
            axes.plot(points["place"][chosen], heights[chosen], marker, color=colour, markersize=7, label=word)
    for height, said in zip(heights, points["said"], strict=True):
        axes.text(1 + _EDGE + 0.15, height, said, va="center", fontsize=8)
    axes.set(
        yticks=heights,
        yticklabels=[_short(question) for question in points["question"]],
        xticks=[0, 1],
        xticklabels=["lower\nbound", "upper\nbound"],
        xlim=(-_EDGE - 0.1, 1 + _EDGE + 0.1),
        ylim=(-0.7, n - 0.3),
    )
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.9 / (1.6 + 0.36 * n)), ncols=3)


def _short(question: str, most: int = 44) -> str:
    """A question, cut so that it fits beside its bar.

    Examples
    --------
    >>> _short("How many of the words come out with the other number?")
    'How many of the words come out with the oth…'
    """
    return question if len(question) <= most else question[: most - 1] + "…"
