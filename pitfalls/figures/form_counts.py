"""The value filter: how many words and how many distinct forms the values of attributes have."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import LogFormatter

from pitfalls.figures.points import count, require
from pitfalls.figures.style import Plot, language_name, panels, settings

_COLUMNS = ("language", "attribute", "value", "split", "forms", "words")
# Okabe and Ito's blue and vermillion; filled circles and hollow squares tell them apart without colour.
_LOOKS: dict[bool, tuple[str, dict[str, Any]]] = {
    True: ("kept", {"color": "#0072B2", "marker": "o", "markerfacecolor": "#0072B2"}),
    False: ("dropped", {"color": "#D55E00", "marker": "s", "markerfacecolor": "white"}),
}


def forms(counts: pd.DataFrame, min_forms: int) -> Plot:
    """Draw the number of distinct forms of each value against its number of words, each in the split with fewest.

    Parameters
    ----------
    counts:
        Tables of :func:`pitfalls.language.values.form_counts` (``value``, ``split``, ``forms``, ``words``) with the
        columns ``language`` and ``attribute`` added. Values that a split lacks are left out: 0 has no logarithm.
    min_forms:
        The filter's threshold in distinct forms per split, drawn as a line.

    Raises
    ------
    ValueError
        If a column is missing, no value occurs in all splits, or the threshold is less than 1.

    Examples
    --------
    >>> counts = pd.DataFrame({"language": "eng", "attribute": "Gender", "value": ["FEM", "FEM", "MASC", "MASC"],
    ...     "split": ["train", "test"] * 2, "forms": [2, 2, 30, 9], "words": [300, 70, 90, 50]})
    >>> print(forms(counts, min_forms=5).alt)
    Scatter plot of 2 values of attributes: 1 has 5 distinct forms in every split and is kept, 1 is dropped. Of those
    dropped, the one with the most words is English Gender FEM: 70 words, 2 forms. Of those kept, the one with the
    fewest words is English Gender MASC: 50 words, 9 forms.
    """
    what = "a figure of the value filter"
    require(counts, _COLUMNS, what)
    if min_forms < 1:
        raise ValueError(f"min_forms is {min_forms}: give 1 or more, the filter's threshold in distinct forms")
    fewest = counts.groupby(["language", "attribute", "value"], sort=True)[["words", "forms"]].min().reset_index()
    points = fewest[fewest["forms"] > 0].reset_index(drop=True)
    if points.empty:
        raise ValueError(f"{what} needs a value that occurs in every split; the table has none in {len(counts)} rows")
    points["kept"] = points["forms"] >= min_forms
    with settings():
        figure, (axes,) = panels(1)
        _draw(axes, points, min_forms)
    caption = (
        f"Every value of every attribute: its words and its distinct word forms, each in the split that has fewest. "
        f"Dashed: the {min_forms} forms that the filter asks for; filled circles are kept, hollow squares dropped."
    )
    return Plot(figure, _in_words(points, min_forms), caption, points)


def _draw(axes: Axes, points: pd.DataFrame, min_forms: int) -> None:
    for kept, (name, look) in _LOOKS.items():
        part = points[points["kept"] == kept]
        if len(part):
            axes.plot(part["words"].to_numpy(), part["forms"].to_numpy(), linestyle="none", label=name, **look)
    axes.axhline(min_forms, color="#555555", linestyle="--", linewidth=1.0, label=f"{min_forms} forms")
    axes.set(xscale="log", yscale="log", xlabel="words, in the split with fewest")
    axes.set_ylabel("distinct forms, in the split with fewest")
    for axis in (axes.xaxis, axes.yaxis):
        # Matplotlib's own formatter for such an axis writes powers as formulas, which these figures switch off.
        axis.set_major_formatter(LogFormatter())
        axis.set_minor_formatter(LogFormatter())
    axes.legend()


def _in_words(points: pd.DataFrame, min_forms: int) -> str:
    kept, dropped = points[points["kept"]], points[~points["kept"]]
    many = "has" if len(kept) == 1 else "have"
    told = [
        f"Scatter plot of {len(points)} values of attributes: {len(kept)} {many} {min_forms} distinct forms in every "
        f"split and {_is(kept)} kept, {len(dropped)} {_is(dropped)} dropped."
    ]
    if len(dropped):
        told.append(f"Of those dropped, the one with the most words is {_one(dropped, dropped['words'].idxmax())}.")
    if len(kept):
        told.append(f"Of those kept, the one with the fewest words is {_one(kept, kept['words'].idxmin())}.")
    return " ".join(told)


def _is(part: pd.DataFrame) -> str:
    return "is" if len(part) == 1 else "are"


def _one(points: pd.DataFrame, row: Any) -> str:
    one = points.loc[row]
    name = f"{language_name(str(one['language']))} {one['attribute']} {one['value']}"
    return f"{name}: {count(one['words'], 'word')}, {count(one['forms'], 'form')}"
