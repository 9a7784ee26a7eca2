"""Alignment search beside its control: what learned directions gain for an attribute, and for random labels."""

from __future__ import annotations

from typing import Any

import pandas as pd

from pitfalls.figures.points import finite, one_configuration
from pitfalls.figures.style import Plot, panels, settings

_WHAT = "a figure of alignment search"
_COLUMNS = ("dims", "cases", "real", "control", "difference", "low", "high")
# Okabe and Ito's blue, and grey for the control; a hollow marker repeats it.
_LOOKS: dict[str, tuple[str, dict[str, Any]]] = {
    "real": ("the attribute", {"color": "#0072B2", "marker": "o"}),
    "control": ("random labels", {"color": "#555555", "marker": "o", "markerfacecolor": "white", "linestyle": "--"}),
}


def alignment(found: pd.DataFrame) -> Plot:
    """Draw the scores of both searches over the number of directions, and beside them their difference.

    Parameters
    ----------
    found:
        The table of :func:`~pitfalls.interventions.alignment_search.search`; of one language, attribute and site.

    Raises
    ------
    ValueError
        If a column is missing, a value is not a number, a number of directions is there twice, or the rows are of
        several configurations.

    Examples
    --------
    >>> found = pd.DataFrame({"language": "spa", "attribute": "Gender", "layer": 2, "dims": [1, 4], "cases": 160,
    ...     "real": [0.1, 0.6], "control": [0.2, 0.2], "difference": [-0.1, 0.4], "low": [-0.2, 0.3],
    ...     "high": [0.0, 0.5]})
    >>> print(alignment(found).alt)
    Two line charts over the number of directions, Spanish Gender, layer 2, 160 cases. Score for the attribute and for
    random labels, and their difference: 1 direction 0.10 and 0.20, -0.10 [-0.20, 0.00]; 4 directions 0.60 and 0.20,
    +0.40 [+0.30, +0.50].
    """
    about = one_configuration(found, _COLUMNS, ("cases",), _WHAT)
    finite(found, _COLUMNS)
    if found["dims"].duplicated().any():
        twice = sorted(set(found.loc[found["dims"].duplicated(), "dims"].tolist()))
        raise ValueError(f"{_WHAT} shows one search per number of directions, and the table has several of {twice}")
    points = found.sort_values("dims", kind="stable", ignore_index=True)
    at = range(len(points))
    with settings():
        figure, (scores, differences) = panels(2, (8.4, 3.6))
        for column, (name, look) in _LOOKS.items():
            scores.plot(at, points[column], label=name, **look)
        errors = [points["difference"] - points["low"], points["high"] - points["difference"]]
        differences.errorbar(at, points["difference"], yerr=errors, color="#000000", marker="D", capsize=3)
        differences.axhline(0.0, color="#555555", linewidth=0.8)
        for axes, title in ((scores, "Both searches"), (differences, "Difference")):
            axes.set_xticks(at, [str(dims) for dims in points["dims"]])
            axes.set(xlabel="Directions", title=title)
        scores.set_ylabel("Score (part of what could be gained)")
        scores.legend()
        figure.suptitle(about)
    told = "; ".join(_in_words(row) for row in points.to_dict("records"))
    alt = (
        f"Two line charts over the number of directions, {about}, {points['cases'].iloc[0]} cases. Score for the "
        f"attribute and for random labels, and their difference: {told}."
    )
    caption = (
        f"{about}: what an interchange along learned directions gains in test cases, as a part of what could be "
        "gained. Left: directions learned for the attribute (filled), and for labels drawn at random for each word "
        "form (hollow). Right: the difference, which alone speaks for the attribute; bars: 95 %, resampling sentences."
    )
    return Plot(figure, alt, caption, points)


def _in_words(row: dict[str, float]) -> str:
    number = f"{row['dims']} direction{'' if row['dims'] == 1 else 's'}"
    interval = ", ".join(f"{row[end]:+.2f}" if round(row[end], 2) else "0.00" for end in ("low", "high"))
    return f"{number} {row['real']:.2f} and {row['control']:.2f}, {row['difference']:+.2f} [{interval}]"
