"""Best subsets against the greedy search: how much a better search could still gain."""

from __future__ import annotations

from typing import Any

import pandas as pd

from pitfalls.figures.points import finite, one_configuration
from pitfalls.figures.style import Plot, panels, settings

_WHAT = "a figure of best subsets"
# Okabe and Ito's black and vermillion, and two markers.
_SEARCHES: dict[str, tuple[str, dict[str, Any]]] = {
    "best": ("best of all subsets", {"color": "#000000", "marker": "D", "markerfacecolor": "white", "markersize": 8.0}),
    "greedy": ("greedy search", {"color": "#D55E00", "marker": "s", "markersize": 4.0}),
}


def subsets(gap: pd.DataFrame) -> Plot:
    """Draw the information of the best subset of each size, and of as many neurons of the greedy search.

    Where the small filled square lies within the hollow diamond, the greedy search has found the best subset.

    Parameters
    ----------
    gap:
        A table of :func:`~pitfalls.comparison.subsets.greedy_gap`; of one language, attribute and site.

    Raises
    ------
    ValueError
        If a column is missing, a search is unknown, a value is not a number, or the rows are of several configurations.

    Examples
    --------
    >>> gap = pd.DataFrame({"language": "spa", "attribute": "Gender", "layer": 2, "size": [1, 1, 2, 2], "search":
    ...     ["best", "greedy"] * 2, "neurons": ["4", "4", "5 6", "4 5"], "information": [0.3, 0.3, 0.6, 0.5]})
    >>> print(subsets(gap).alt)
    Dot plot: information about the value, Spanish Gender, layer 2. 1 neuron: best 0.300 bits (4), greedy 0.300 (4). 2
    neurons: best 0.600 bits (5 6), greedy 0.500 (4 5).
    """
    about = one_configuration(gap, ("size", "search", "neurons", "information"), (), _WHAT)
    unknown = sorted(set(gap["search"]) - set(_SEARCHES))
    if unknown:
        raise ValueError(f"{_WHAT} needs search to be one of {list(_SEARCHES)}; the table also has {unknown}")
    finite(gap, ["information"])
    points = gap[["size", "search", "neurons", "information"]].sort_values(["size", "search"]).reset_index(drop=True)
    with settings():
        figure, (axes,) = panels(1)
        for search, (name, look) in _SEARCHES.items():
            part = points[points["search"] == search]
            axes.plot(part["size"], part["information"], label=name, linewidth=0.8, clip_on=False, zorder=3, **look)
        axes.set_xticks(sorted(set(points["size"])))
        axes.set(xlabel="Neurons", ylabel="Information about the value (bits, on dev)", title=about)
        axes.set_ylim(bottom=min(0.0, float(points["information"].min())))
        axes.legend()
    told = " ".join(_in_words(int(str(size)), part) for size, part in points.groupby("size"))
    caption = (
        f"{about}: the mutual information of the value and a subset of neurons, under one Gaussian per value, fitted "
        "on train and measured on dev. Diamonds: the best of all subsets of that size; squares: the first neurons of "
        "the greedy search, which chooses one at a time."
    )
    return Plot(figure, f"Dot plot: information about the value, {about}. {told}", caption, points)


def _in_words(size: int, part: pd.DataFrame) -> str:
    """One size of both searches in words."""
    told: list[str] = []
    for search in (search for search in _SEARCHES if search in set(part["search"])):
        row = part[part["search"] == search].iloc[0]
        unit = " bits" if not told else ""
        told.append(f"{search} {row['information']:.3f}{unit} ({row['neurons']})")
    return f"{size} neuron{'' if size == 1 else 's'}: {', '.join(told)}."
