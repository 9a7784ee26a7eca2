"""Do rankings choose the same neurons? Bars of what two or three rankings share among their first k."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import Normal, Stroke

from pitfalls.figures.points import count, only, require, unmixed
from pitfalls.figures.style import Plot, panels, ranking_name, settings
from pitfalls.site import Site, with_site

_CONFIGURATION = ["attribute", "language", "site", "layer"]
_MEASURES = ["n_rankings", "n_neurons", "k", "overlap", "expected", "low", "high", "p_value"]
_NEEDED = (*_CONFIGURATION, "rankings", *_MEASURES)
_WHAT = "a figure of overlap bars"

# Colours that colour-blind readers can tell apart, none of them a single ranking's; hatches repeat them.
_BARS = (
    ("#56B4E9", "//"),
    ("#E69F00", "\\\\"),
    ("#CC79A7", ".."),
    ("#444444", ""),
    ("#F0E442", "xx"),
    ("#FFFFFF", "--"),
)
_CHANCE_LINES = ((0, (5, 2)), (0, (1, 1.5)), (0, (5, 2, 1, 2)))
_NUMBERS = {2: "two", 3: "three", 4: "four"}


def overlap_bars(overlaps: pd.DataFrame) -> Plot:
    """Draw how many neurons rankings share among their first k: one bar for each set of rankings in a configuration.

    Lines show what random rankings would share on average; the shaded band around a line holds 95 % or more of their
    overlaps. Configurations and bars are drawn in the table's order.

    Parameters
    ----------
    overlaps:
        Columns attribute, language, layer, rankings (names, separated by spaces), n_rankings, n_neurons, k, overlap
        (neurons), expected, low, high (by chance) and p_value; of one k and number of neurons, and of one direction
        where it has that column.

    Raises
    ------
    ValueError
        If a column is missing, a bar appears twice or is missing, or the rows are of several k, numbers of neurons or
        directions.

    Examples
    --------
    >>> overlaps = pd.DataFrame({"attribute": "Number", "language": "fin", "layer": 7, "n_neurons": 768, "k": 100,
    ...     "rankings": ["linear gaussian", "linear probeless"], "n_rankings": 2, "overlap": [31, 15],
    ...     "expected": 13.02, "low": 7, "high": 19, "p_value": [1e-7, 0.31]})
    >>> print(overlap_bars(overlaps).alt)
    Bar chart: how many of their first 100 of 768 neurons rankings share, 1 configuration of layer 7. By chance: two
    rankings 13.0 (7 to 19). Number-fin: Linear, Gaussian 31; Linear, Probeless 15. 1 of 2 bars are above the interval
    of chance, 0 below.
    """
    overlaps = with_site(overlaps)
    require(overlaps, _NEEDED, _WHAT)
    k, n_neurons = int(only(overlaps, "k", _WHAT)), int(only(overlaps, "n_neurons", _WHAT))
    unmixed(overlaps, ["direction"], _WHAT)
    sites = sorted({Site(*at) for at in overlaps[["site", "layer"]].itertuples(index=False, name=None)})
    names = [
        configuration_name(attribute, language, Site(*at) if len(sites) > 1 else None)
        for attribute, language, *at in overlaps[_CONFIGURATION].itertuples(index=False, name=None)
    ]
    points = overlaps.assign(configuration=names)
    configurations, bars = points["configuration"].unique().tolist(), points["rankings"].unique().tolist()
    _check_whole(points, configurations, bars)
    figure = _draw(points, configurations, bars, k, n_neurons)
    chance = "; ".join(
        f"{_number(m)} rankings {expected:.1f} ({low} to {high})" for m, expected, low, high in _chances(points)
    )
    told = [
        f"{name}: {'; '.join(f'{_bar_name(r)} {n}' for r, n in zip(own['rankings'], own['overlap'], strict=True))}."
        for name in configurations
        for own in [points[points["configuration"] == name]]
    ]
    above, below = (points["overlap"] > points["high"]).sum(), (points["overlap"] < points["low"]).sum()
    size = f"{count(len(configurations), 'configuration')} of {_in_words(sites)}"
    alt = (
        f"Bar chart: how many of their first {k} of {n_neurons} neurons rankings share, {size}. By chance: {chance}. "
        f"{' '.join(told)} {above} of {len(points)} bars are above the interval of chance, {below} below."
    )
    caption = (
        f"How many of their first {k} of {n_neurons} neurons rankings share, {size}. Lines: what random rankings share "
        f"on average ({chance}); the shaded band around a line holds 95 % or more of them."
    )
    columns = [*_CONFIGURATION, "rankings", *_MEASURES]
    return Plot(figure, alt, caption, points[["configuration", *columns]].reset_index(drop=True))


def configuration_name(attribute: str, language: str, site: Site | None = None) -> str:
    """What the axes of overlaps call a configuration; the residual stream is named by its layer alone.

    Examples
    --------
    >>> configuration_name("Part of Speech", "fra"), configuration_name("Number", "fin", Site("residual", 7))
    ('POS-fra', 'Number-fin-7')
    """
    name = f"{attribute_name(attribute)}-{language}"
    return name if site is None else f"{name}-{site.layer if site.kind == 'residual' else site.id}"


def _in_words(sites: list[Site]) -> str:
    if len(sites) == 1 or {site.kind for site in sites} != {"residual"}:
        return ", ".join(map(str, sites))
    return f"layers {', '.join(str(site.layer) for site in sites)}"


def attribute_name(attribute: str) -> str:
    """What axes call an attribute: its name in full, except for the long one."""
    return "POS" if attribute == "Part of Speech" else attribute


def _bar_name(rankings: str) -> str:
    return ", ".join(ranking_name(ranking, "ttb") for ranking in rankings.split())


def _number(n_rankings: int) -> str:
    return _NUMBERS.get(n_rankings, str(n_rankings))


def _check_whole(points: pd.DataFrame, configurations: list[str], bars: list[str]) -> None:
    if points.empty:
        raise ValueError(f"{_WHAT} needs one row per bar, and the table has none")
    repeated = points[points.duplicated(["configuration", "rankings"])]
    if len(repeated):
        first = repeated.iloc[0]
        raise ValueError(f"{first['configuration']} has several bars of {first['rankings']!r}: give one row per bar")
    if len(points) < len(configurations) * len(bars):
        held = points.groupby("configuration", sort=False)["rankings"].agg(list)
        name = next(name for name in configurations if len(held[name]) < len(bars))
        lacking = [bar for bar in bars if bar not in held[name]]
        raise ValueError(f"{name} lacks the bars {lacking}, which other configurations have: give every one of them")
    for n_rankings, _, _, _ in _chances(points):
        own = points[points["n_rankings"] == n_rankings]
        for column in ("expected", "low", "high"):
            only(own, column, f"the chance line of {_number(n_rankings)} rankings")


def _chances(points: pd.DataFrame) -> list[tuple[int, float, int, int]]:
    """The number of rankings, expected, low and high of every chance line."""
    first = points.drop_duplicates("n_rankings").sort_values("n_rankings", kind="stable")
    rows = first[["n_rankings", "expected", "low", "high"]].itertuples(index=False, name=None)
    return [(int(n), float(expected), int(low), int(high)) for n, expected, low, high in rows]


def _draw(points: pd.DataFrame, configurations: list[str], bars: list[str], k: int, n_neurons: int) -> Figure:
    with settings():
        width = 1.4 + len(configurations) * max(0.5, 0.17 * len(bars))
        figure, (axes,) = panels(1, (max(6.4, width), 4.4))
        _draw_chance(axes, points, len(configurations))
        place = {name: i for i, name in enumerate(configurations)}
        thick = 0.82 / len(bars)
        for i, bar in enumerate(bars):
            own = points[points["rankings"] == bar]
            color, hatch = _BARS[i % len(_BARS)]
            where = [place[name] + (i - (len(bars) - 1) / 2) * thick for name in own["configuration"]]
            look: dict[str, Any] = {"facecolor": color, "edgecolor": "black", "linewidth": 0.5, "hatch": hatch}
            drawn = axes.bar(where, own["overlap"], thick, label=_bar_name(bar), zorder=2, **look)
            edge = [Stroke(linewidth=1.5, foreground="white"), Normal()]
            axes.bar_label(drawn, fontsize=6, padding=1, path_effects=edge, zorder=4)
        axes.set_xticks(range(len(configurations)), configurations, rotation=40, ha="right", rotation_mode="anchor")
        axes.set_xlim(-0.6, len(configurations) - 0.4)
        axes.set_ylim(0, 1.08 * max(points["overlap"].max(), points["high"].max(), 1))
        axes.grid(visible=False, axis="x")
        axes.set_ylabel(f"Neurons shared among the first {k} of {n_neurons}")
        figure.legend(loc="outside upper center", ncols=3 if len(bars) > 2 else 2)
    return figure


def _draw_chance(axes: Axes, points: pd.DataFrame, n: int) -> None:
    for i, (n_rankings, expected, low, high) in enumerate(_chances(points)):
        style: Any = _CHANCE_LINES[i % len(_CHANCE_LINES)]
        axes.fill_between([-0.6, n - 0.4], low, high, color="#000000", alpha=0.1, linewidth=0, zorder=1)
        label = f"chance, {_number(n_rankings)} rankings: {expected:.1f}"
        # Drawn above the bars, which would hide it where it matters most.
        axes.axhline(expected, color="#000000", linestyle=style, linewidth=1.2, label=label, zorder=3)
