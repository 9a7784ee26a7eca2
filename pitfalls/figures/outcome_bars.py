"""What became of the words: shares of the nine outcomes, one stacked bar per row."""

from __future__ import annotations

import textwrap
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pitfalls.columns import CONFIGURATION
from pitfalls.figures.effect_curves import kind_in_words
from pitfalls.figures.points import require
from pitfalls.figures.style import Plot, language_name, panels, ranking_name, settings
from pitfalls.site import Site, with_site

# Outcome -> the legend's words, colour and hatching, in the order of the bars: unchanged, then the right lemma, then
# the wrong one, then what is not a known word. Shades of Okabe and Ito's colours; hatching repeats what they say.
_LOOKS = {
    "unchanged": ("unchanged", "#DDDDDD", ""),
    "intended": ("right lemma, intended value", "#009E73", "oo"),
    "another": ("right lemma, another value", "#56B4E9", "////"),
    "same": ("right lemma, same value", "#F0E442", "...."),
    "lost": ("attribute lost", "#E69F00", "\\\\\\\\"),
    "wrong_intended": ("wrong lemma, intended value", "#D55E00", "+++"),
    "wrong_other": ("wrong lemma, other value", "#F2A477", "xxxx"),
    "split": ("split differently", "#CC79A7", "||||"),
    "unknown": ("unknown to the analyser", "#8C8C8C", "----"),
}
_KEYS = (*CONFIGURATION, "split", "ranking", "direction", "kind", "strength", "target", "k")
_SEEDS = ("ranking_seed", "seed")
# Shares of this size or more are written into the bar; the numbers of smaller ones would not fit.
_WRITTEN_FROM = 0.04
_WHAT = "a figure of outcomes"


def outcomes(table: pd.DataFrame) -> Plot:
    """Draw the share of each outcome among the words, one stacked bar per label, with its number of words on the right.

    Shares of 0.04 and more are written into the bar. Rows that differ only in their seeds are averaged.

    Parameters
    ----------
    table:
        Columns what (the bar's label; bars stand in order of appearance), outcome and count (words). A bar has a single
        value in every other key of ``Run.counts`` that the table has (language, attribute, site, layer, ..., k); keys
        with a single value in the whole table go into the title.

    Raises
    ------
    ValueError
        If a column is missing, there are no rows, a bar has no words, an outcome is unknown, a count is not a number of
        words, or a bar mixes several configurations.

    Examples
    --------
    >>> table = pd.DataFrame({"what": ["Linear"] * 2 + ["Random"] * 2, "outcome": ["unchanged", "intended"] * 2,
    ...     "count": [150, 50, 200, 0]})
    >>> print(outcomes(table).alt)
    Stacked bar chart: shares of outcomes among changed words. Linear (n = 200): unchanged 0.750; right lemma, intended
    value 0.250. Random (n = 200): unchanged 1.000.
    """
    table = with_site(table)
    _check(table)
    shares = _shares(table)
    about = _about(table)
    several = int(shares["draws"].max()) > 1
    alt = (
        f"Stacked bar chart: shares of outcomes among changed words{f', {about}' if about else ''}. "
        f"{' '.join(_in_words(bar, name) for name, bar in shares.groupby('what', sort=False))}"
    )
    caption = (
        f"{f'{about}. ' if about else ''}What became of the words: shares of the nine outcomes, which exclude each "
        f"other and sum to 1. n: number of words{' of a draw; shares are means over draws' if several else ''}. Shares "
        f"below {_WRITTEN_FROM} are not written."
    )
    return Plot(_draw(shares, about), alt, caption, shares)


def _check(table: pd.DataFrame) -> None:
    require(table, ("what", "outcome", "count"), _WHAT)
    if table.empty:
        raise ValueError(f"{_WHAT} needs rows, and the table has none; were all of them filtered out?")
    other = sorted(set(table["outcome"].astype(str)) - set(_LOOKS))
    if other:
        raise ValueError(f"{_WHAT} knows the outcomes {list(_LOOKS)}, and the table also has {other}")
    wrong = table.loc[~(table["count"] >= 0), "count"].tolist()
    if wrong:
        raise ValueError(f"count must be a number of words, 0 or more, and {len(wrong)} are not: {wrong[:6]}")
    if table["what"].isna().any():
        raise ValueError(f"every row needs a label in 'what', and {int(table['what'].isna().sum())} have none")
    for name, bar in table.groupby("what", sort=False):
        for key in _KEYS:
            found = bar[key].drop_duplicates().tolist() if key in bar.columns else []
            if len(found) > 1:
                raise ValueError(
                    f"the bar {name!r} must be of one {key}, and the table has {len(found)}: {found[:6]}; select the "
                    "rows of one, or give each its own label in the column 'what'"
                )
        twice = bar.loc[bar.duplicated(["outcome", *_seeds(bar)]), "outcome"].tolist()
        if twice:
            raise ValueError(
                f"the bar {name!r} has several counts of {twice[0]!r}; sum them, or give each its own label in 'what'"
            )


def _shares(table: pd.DataFrame) -> pd.DataFrame:
    """One row per bar and outcome, in the order of drawing: what, outcome, share, words, draws."""
    draw = ["what", *_seeds(table)]
    counts = table.groupby([*draw, "outcome"])["count"].sum().unstack("outcome", fill_value=0)
    counts = counts.reindex(columns=list(_LOOKS), fill_value=0)
    words = counts.sum(axis=1)
    empty = words[words == 0].reset_index()["what"].tolist()
    if empty:
        raise ValueError(f"the bars {empty[:6]} have no words: all their counts are 0; leave them out")
    names = table["what"].drop_duplicates()
    means = counts.div(words, axis=0).groupby("what").mean().loc[names]
    shares = means.stack().rename("share").reset_index()
    of_bar = words.groupby("what")
    return shares.assign(words=shares["what"].map(of_bar.max()), draws=shares["what"].map(of_bar.size()))


def _seeds(table: pd.DataFrame) -> list[str]:
    return [column for column in _SEEDS if column in table.columns]


def _about(table: pd.DataFrame) -> str:
    """What all bars have in common."""
    one = {key: table[key].iloc[0] for key in _KEYS if key in table.columns and table[key].nunique(dropna=False) == 1}
    subject = [language_name(str(one["language"]))] if "language" in one else []
    subject += [str(one["attribute"])] if "attribute" in one else []
    parts = [" ".join(subject)] if subject else []
    if "layer" in one:
        parts.append(str(Site(one["site"], one["layer"])) if "site" in one else f"layer {one['layer']}")
    if "ranking" in one:
        parts.append(ranking_name(str(one["ranking"]), str(one.get("direction", "ttb"))))
    if "kind" in one:
        parts.append(kind_in_words(str(one["kind"]), float(one.get("strength", float("nan")))))
    if "k" in one:
        parts.append(f"k = {one['k']:g}")
    return ", ".join(parts)


def _in_words(bar: pd.DataFrame, name: object) -> str:
    """A bar in words, without outcomes that did not occur."""
    told = "; ".join(
        f"{_LOOKS[outcome][0]} {share:.3f}"
        for outcome, share in zip(bar["outcome"], bar["share"], strict=True)
        if share > 0
    )
    return f"{name} (n = {int(bar['words'].iloc[0])}): {told}."


def _draw(shares: pd.DataFrame, about: str) -> Figure:
    names = list(dict.fromkeys(shares["what"]))
    labels = [textwrap.fill(str(name), 28) for name in names]
    # A bar must be as tall as its label.
    heights = [max(0.4, 0.16 * (1 + label.count("\n")) + 0.1) for label in labels]
    with settings():
        figure, (axes,) = panels(1, (8.4, 1.75 + sum(heights)))
        places = [sum(heights[:row]) + heights[row] / 2 for row in range(len(names))]
        _stack(axes, shares, names, places)
        axes.set_yticks(places, labels)
        axes.set_ylim(sum(heights), 0)
        axes.set_xlim(0, 1)
        axes.set_xlabel("Share of words")
        axes.grid(False)
        handles, legend = axes.get_legend_handles_labels()
        figure.legend(handles, legend, loc="outside lower center", ncols=3, handlelength=2.5, handleheight=1.1)
        figure.suptitle(textwrap.fill(about, 90) if about else "What became of the words", fontsize=10)
    return figure


def _stack(axes: Axes, shares: pd.DataFrame, names: list[object], places: list[float]) -> None:
    """Draw the bars, one outcome after the other, and write their numbers."""
    ends = dict.fromkeys(names, 0.0)
    for outcome, (label, color, hatch) in _LOOKS.items():
        rows = shares[shares["outcome"] == outcome].set_index("what")
        widths = [float(rows.loc[name, "share"]) for name in names]
        look: dict[str, Any] = {"color": color, "hatch": hatch, "edgecolor": "#333333", "linewidth": 0.5}
        axes.barh(places, widths, left=[ends[name] for name in names], height=0.3, label=label, **look)
        for name, place, width in zip(names, places, widths, strict=True):
            if width >= _WRITTEN_FROM:
                box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 0.8}
                middle = ends[name] + width / 2
                axes.text(middle, place, f"{width:.2f}", ha="center", va="center", fontsize=6.5, bbox=box)
            ends[name] += width
    for name, place in zip(names, places, strict=True):
        words = int(shares.loc[shares["what"] == name, "words"].iloc[0])
        axes.text(1.012, place, f"n = {words}", va="center_baseline", fontsize=8)
