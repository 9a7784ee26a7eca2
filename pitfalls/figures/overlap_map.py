"""Do different attributes and languages use the same neurons? A heat map of what their first k have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pitfalls.figures.heat_map import heat_map, square
from pitfalls.figures.overlap_bars import attribute_name, configuration_name
from pitfalls.figures.points import count, require, unmixed
from pitfalls.figures.style import Plot, blank, ranking_name, settings
from pitfalls.site import Site, with_site

_SIDES = [f"{name}_{side}" for side in "ab" for name in ("attribute", "language")]
_ONE = ("site", "layer", "ranking", "direction", "n_neurons", "k", "expected", "low", "high")
_NEEDED = (*_SIDES, *_ONE, "overlap", "p_value")
_WHAT = "a map of overlaps"

# Inches per row, with and without numbers, and the most rows that get numbers; larger maps show only colours.
_CELL, _SMALL_CELL, _WRITTEN = 0.27, 0.17, 30

# (attribute, language)
_Name = tuple[str, str]


def overlap_map(overlaps: pd.DataFrame) -> Plot:
    """Draw what each pair of configurations (attribute, language) shares: white at chance, purple above, orange below.

    Rows and columns are sorted by attribute, then by language, with lines between the attributes. Numbers are written
    into the cells of up to 30 rows.

    Parameters
    ----------
    overlaps:
        Columns attribute_a, language_a, attribute_b, language_b, site, layer, ranking, direction, n_neurons, k, overlap
        (neurons), expected, low, high (by chance) and p_value; one row per pair, of one layer, ranking, direction and
        k (and ranking_seed, where it has that column).

    Raises
    ------
    ValueError
        If a column is missing, a pair appears twice or is of one configuration with itself, or the rows are of several
        layers, rankings, directions, seeds or k.

    Examples
    --------
    >>> overlaps = pd.DataFrame({"attribute_a": ["Case", "Case", "Tense"], "language_a": ["fin", "fin", "fin"],
    ...     "attribute_b": ["Case", "Tense", "Case"], "language_b": ["tur", "fin", "tur"], "layer": 7, "ranking":
    ...     "probeless", "direction": "ttb", "n_neurons": 768, "k": 100, "overlap": [40, 20, 13], "expected": 13.02,
    ...     "low": 7, "high": 19, "p_value": [1e-12, 0.03, 0.56]})
    >>> print(overlap_map(overlaps).alt)
    Heat map, Probeless, layer 7: how many of the first 100 of 768 neurons any two of 3 configurations (attribute
    and language) share; 13.0 by chance (7 to 19). From 13 (Case-tur, Tense-fin) to 40 (Case-fin, Case-tur). Mean of
    the same attribute in two languages: 40.0 (1 pair); of two attributes in the same language: 20.0 (1 pair); of two
    attributes in two languages: 13.0 (1 pair). 2 of 3 pairs are above the interval of chance, 0 below.
    """
    rows = _rows(overlaps)
    k, n_neurons, layer = (int(rows[column].iloc[0]) for column in ("k", "n_neurons", "layer"))
    site = Site(rows["site"].iloc[0], layer)
    chance, low, high = float(rows["expected"].iloc[0]), int(rows["low"].iloc[0]), int(rows["high"].iloc[0])
    about = f"{ranking_name(str(rows['ranking'].iloc[0]), str(rows['direction'].iloc[0]))}, {site}"
    names = sorted({name for pair in _pairs(rows) for name in pair})
    cells = dict(zip(_pairs(rows), rows["overlap"], strict=True))
    shared = square(names, cells | {(b, a): overlap for (a, b), overlap in cells.items()})
    what = (
        f"how many of the first {k} of {n_neurons} neurons any two of {len(names)} configurations (attribute and "
        "language) share"
    )
    above, below = int((rows["overlap"] > high).sum()), int((rows["overlap"] < low).sum())
    missing = len(names) * (len(names) - 1) // 2 - len(rows)
    beyond = f"{above} of {count(len(rows), 'pair')} are above the interval of chance, {below} below."
    alt = (
        f"Heat map, {about}: {what}; {chance:.1f} by chance ({low} to {high}). {_range(rows)} {_means(rows)} {beyond}"
        + (f" {count(missing, 'pair')} not in the table." if missing else "")
    )
    caption = (
        f"{about}: {what}. White is what random rankings share on average ({chance:.1f}; {low} to {high} with 95 % or "
        "more), purple is more, orange less; lines separate the attributes; grey: no configuration is compared with "
        f"itself{', and pairs that are not in the table' * bool(missing)}. {beyond}"
    )
    figure = _draw(shared, names, chance, k, f"{about}: overlap of the first {k} of {n_neurons}")
    return Plot(figure, alt, caption, rows.reset_index(drop=True))


def _rows(overlaps: pd.DataFrame) -> pd.DataFrame:
    """The pairs, one row each, with the share of the first k that they have in common."""
    overlaps = with_site(overlaps)
    require(overlaps, _NEEDED, _WHAT)
    unmixed(overlaps, (*_ONE, "ranking_seed"), _WHAT)
    pairs = _pairs(overlaps)
    alone = [configuration_name(*a) for a, b in pairs if a == b]
    if alone:
        raise ValueError(f"a configuration is not compared with itself; the table compares {alone[:6]}: drop them")
    distinct = len({frozenset(pair) for pair in pairs})
    if distinct < len(pairs):
        raise ValueError(f"{len(pairs)} rows for {distinct} pairs of configurations: give one row per pair")
    return overlaps.assign(share=overlaps["overlap"] / overlaps["k"])


def _pairs(rows: pd.DataFrame) -> list[tuple[_Name, _Name]]:
    pairs = rows[_SIDES].itertuples(index=False, name=None)
    return [((str(a), str(b)), (str(c), str(d))) for a, b, c, d in pairs]


def _range(rows: pd.DataFrame) -> str:
    pairs, shared = _pairs(rows), rows["overlap"].to_numpy()

    def said(index: int) -> str:
        return f"{shared[index]} ({', '.join(configuration_name(*name) for name in sorted(pairs[index]))})"

    return f"From {said(int(shared.argmin()))} to {said(int(shared.argmax()))}."


def _means(rows: pd.DataFrame) -> str:
    """Mean overlaps of pairs that have the attribute, the language, or neither in common."""
    same_attribute = rows["attribute_a"] == rows["attribute_b"]
    same_language = rows["language_a"] == rows["language_b"]
    kinds = {
        "the same attribute in two languages": same_attribute,
        "two attributes in the same language": same_language,
        "two attributes in two languages": ~same_attribute & ~same_language,
    }
    told = []
    for kind, chosen in kinds.items():
        own = rows.loc[chosen, "overlap"]
        told.append(f"{kind}: {own.mean():.1f} ({count(len(own), 'pair')})" if len(own) else f"{kind}: no pair")
    return f"Mean of {'; of '.join(told)}."


def _draw(shared: NDArray[np.float64], names: list[_Name], chance: float, k: int, title: str) -> Figure:
    n = len(names)
    written = n <= _WRITTEN
    size = 7.0 if written else 6.0
    side = max((_CELL if written else _SMALL_CELL) * n, 2.6)
    # Inches for the languages and, outside them, the longest name of an attribute.
    margin = _outside(size) / 72 + 0.0095 * (size + 1) * max(len(attribute_name(name)) for name, _ in names) + 0.1
    width, height = margin + side + 1.2, margin + side + 0.4
    languages = [language for _, language in names]
    with settings():
        figure = blank((width, height), layout=None)
        axes = figure.add_axes((margin / width, margin / height, side / width, side / height))
        bar = figure.add_axes(
            ((margin + side + 0.25) / width, (margin + side * 0.1) / height, 0.2 / width, side * 0.8 / height)
        )
        heat_map(
            axes,
            shared,
            [[f"{overlap:.0f}" for overlap in line] for line in shared] if written else False,
            f"neurons shared (white: {chance:.1f}, chance)",
            # Centred, not stretched: one neuron more and one less than chance are equally far from white.
            center=chance,
            vmin=0,
            vmax=max(float(np.nanmax(shared)), min(2 * chance, k)),
            annot_kws={"fontsize": 6.5},
            linewidths=0.3 if written else 0.1,
            xticklabels=languages,
            yticklabels=languages,
            cbar_ax=bar,
        )
        axes.tick_params(labelsize=size, length=0, pad=2)
        _group(axes, [attribute for attribute, _ in names], size)
        axes.set_title(title, fontsize=9)
    return figure


def _outside(size: float) -> float:
    """How many points the three letters of a language take beside the axes."""
    return 3.2 * size


def _group(axes: Axes, attributes: Sequence[str], size: float) -> None:
    """Draw lines between the attributes, extended beyond the axes, and write each attribute's name outside."""
    starts = [i for i, name in enumerate(attributes) if i == 0 or attributes[i - 1] != name]
    beside_rows, below_columns = axes.get_yaxis_transform(), axes.get_xaxis_transform()
    far = -_outside(size)
    mark: dict[str, Any] = {"textcoords": "offset points", "annotation_clip": False}
    line: dict[str, Any] = {"arrowprops": {"arrowstyle": "-", "linewidth": 0.5, "shrinkA": 0, "shrinkB": 0}}
    for start in (*starts, len(attributes)):
        axes.axhline(start, color="black", linewidth=0.8, zorder=4)
        axes.axvline(start, color="black", linewidth=0.8, zorder=4)
        axes.annotate("", (0, start), xytext=(far, 0), xycoords=beside_rows, **mark, **line)
        axes.annotate("", (start, 0), xytext=(0, far), xycoords=below_columns, **mark, **line)
    mark["fontsize"] = size + 1
    for start, end in zip(starts, [*starts[1:], len(attributes)], strict=True):
        name, middle = attribute_name(attributes[start]), (start + end) / 2
        axes.annotate(name, (0, middle), xytext=(far - 2, 0), xycoords=beside_rows, ha="right", va="center", **mark)
        axes.annotate(
            name, (middle, 0), xytext=(0, far - 2), xycoords=below_columns, ha="center", va="top", rotation=90, **mark
        )
