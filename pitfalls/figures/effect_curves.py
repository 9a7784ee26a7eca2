"""Intervention curves: error rate and CLWV over k, for all rankings (SOURCES.md, Figures 5 and 6)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from pitfalls.figures.points import (
    by_ranking,
    draw_line,
    drawn_once,
    if_draws,
    in_words,
    one_configuration,
    only,
    over_draws,
)
from pitfalls.figures.style import Plot, appearance, in_order, panels, ranking_name, settings

#: What a table of ``Run.counts`` needs for its curves.
COLUMNS = ("ranking", "direction", "kind", "strength", "k", "outcome", "count")
#: Measure -> line style.
MEASURES = {"error rate": "-", "CLWV": "--"}
_CLWV = ("intended", "another")


def translation(effects_table: pd.DataFrame) -> Plot:
    """Draw what a translation (scaled or constant) does to the words; see :func:`effects`.

    Raises
    ------
    ValueError
        If the table is not of one kind of translation.
    """
    return _of_kind(effects_table, ("translation", "constant translation"), "translation")


def ablation(effects_table: pd.DataFrame) -> Plot:
    """Draw what an ablation (to zero or to the mean) does to the words; see :func:`effects`.

    Raises
    ------
    ValueError
        If the table is not of one kind of ablation.
    """
    return _of_kind(effects_table, ("ablation", "mean ablation"), "ablation")


def _of_kind(table: pd.DataFrame, kinds: tuple[str, ...], name: str) -> Plot:
    kind = only(table, "kind", f"a figure of {name}")
    if kind not in kinds:
        raise ValueError(f"a figure of {name} shows one of {list(kinds)}, and this table is of {kind!r}")
    return effects(table)


def effects(effects_table: pd.DataFrame) -> Plot:
    """Draw error rate (solid) and CLWV (dashed) over k, as fractions of all predictions, one colour per ranking.

    The error rate counts words that came out different; CLWV counts those with the right lemma and another value
    (outcomes "intended" and "another"). Rankings from bottom to top have hollow markers and paler lines. Rows
    that differ only in their seeds are averaged, with a band from the lowest to the highest draw.

    Parameters
    ----------
    effects_table:
        Tables of ``Run.counts``, concatenated; of one language, attribute, layer, kind and strength.

    Raises
    ------
    ValueError
        If a column is missing or the rows are of several configurations.

    Examples
    --------
    >>> table = pd.DataFrame({"language": "spa", "attribute": "Gender", "layer": 3, "ranking": "linear",
    ...     "direction": "ttb", "kind": "translation", "strength": 8.0, "k": [0, 0, 9, 9],
    ...     "outcome": ["unchanged", "intended"] * 2, "count": [10, 0, 6, 4]})
    >>> effects(table).table[["measure", "k", "rate"]].values.tolist()
    [['CLWV', 0, 0.0], ['CLWV', 9, 0.4], ['error rate', 0, 0.0], ['error rate', 9, 0.4]]
    """
    what = "a figure of interventions"
    about = one_configuration(effects_table, COLUMNS, ("split", "target"), what)
    kind, strength = only(effects_table, "kind", what), only(effects_table, "strength", what)
    points = rates(effects_table)
    title = f"{about}: {kind_in_words(kind, strength)}"
    with settings():
        figure, (axes,) = panels(1, (7.2, 4.6))
        draw_curves(axes, points, points["ranking"])
        axes.set_xlabel("k (number of changed neurons, in the ranking's order)")
        axes.set_ylabel("Fraction of all predictions")
        axes.legend(handles=legend_handles(points), loc="center left", bbox_to_anchor=(1.0, 0.5))
        axes.set_title(title)
    words = int(points["words"].max())
    told = " ".join(_in_words(points))
    alt = f"Line chart over k, the number of changed neurons: fraction of {words} words. {title}. {told}"
    caption = (
        f"{title}. Error rate (solid: the word came out different) and CLWV (dashed: right lemma, another "
        f"value) as fractions of {words} predicted words, over the number k of changed neurons; hollow "
        "markers: bottom to top." + if_draws(points, " Bands span the draws.")
    )
    return Plot(figure, alt, caption, points.rename(columns={"mean": "rate"}))


def strength_in_words(kind: str, strength: float) -> str:
    """The strength of an intervention with its letter; an empty string where the kind has none.

    Examples
    --------
    >>> strength_in_words("translation", 4.0), strength_in_words("ablation", float("nan"))
    ('β = 4', '')
    """
    if pd.isna(strength):
        return ""
    return f"{'β' if kind == 'translation' else 'α'} = {strength:g}"


def kind_in_words(kind: str, strength: float) -> str:
    """A kind of intervention with its strength, where it has one.

    Examples
    --------
    >>> kind_in_words("constant translation", 2.5), kind_in_words("ablation", float("nan"))
    ('constant translation, α = 2.5', 'ablation')
    """
    return ", ".join(part for part in (kind, strength_in_words(kind, strength)) if part)


def rates(table: pd.DataFrame) -> pd.DataFrame:
    """Rates over draws: measure, ranking, direction, k, mean, low, high, draws, words.

    Parameters
    ----------
    table:
        Tables of ``Run.counts``, concatenated; of one configuration.
    """
    draw = [column for column in table.columns if column not in ("outcome", "count", "rate")]
    drawn_once(table, [*draw, "outcome"])
    counts = table.assign(
        changed=table["count"].where(table["outcome"] != "unchanged", 0),
        hits=table["count"].where(table["outcome"].isin(_CLWV), 0),
    )
    sums = counts.groupby(draw, dropna=False)[["count", "changed", "hits"]].sum().reset_index()
    measured = []
    for measure, numerator in (("CLWV", "hits"), ("error rate", "changed")):
        rated = sums.assign(measure=measure, rate=sums[numerator] / sums["count"])
        measured.append(over_draws(rated, ["measure", "ranking", "direction", "k"], "rate"))
    words = sums.groupby(["ranking", "direction", "k"])["count"].max().rename("words").reset_index()
    return pd.concat(measured, ignore_index=True).merge(words, on=["ranking", "direction", "k"])


def draw_curves(axes: Axes, points: pd.DataFrame, rankings: Iterable[str], **look_of_lines: Any) -> None:
    """Draw error rate and CLWV of all rankings over k.

    Parameters
    ----------
    points:
        A table of :func:`rates`.
    rankings:
        All rankings that the figure shows in any panel, so that each looks the same in all of them.
    **look_of_lines:
        Properties of all lines, such as their width.
    """
    shown = sorted(set(rankings))
    for ranking, direction, line in by_ranking(points):
        look = appearance(ranking, direction, shown) | look_of_lines
        for measure, style in MEASURES.items():
            draw_line(axes, line[line["measure"] == measure], linestyle=style, **look)
    axes.set_ylim(-0.02, 1.02)


def legend_handles(points: pd.DataFrame) -> list[Line2D]:
    """What a legend lists: the look of every ranking in ``points``, then the line style of every measure."""
    pairs = in_order(zip(points["ranking"], points["direction"], strict=True))
    looks = [(ranking_name(*pair), appearance(*pair, points["ranking"])) for pair in pairs]
    styles: list[tuple[str, dict[str, Any]]] = [
        (measure, {"color": "black", "linestyle": style}) for measure, style in MEASURES.items()
    ]
    return [Line2D([], [], label=name, **look) for name, look in looks + styles]


def _in_words(points: pd.DataFrame) -> list[str]:
    """Each ranking's curves in words."""
    sentences = []
    for ranking, direction, line in by_ranking(points):
        told = "; ".join(f"{measure} {in_words(line[line['measure'] == measure])}" for measure in MEASURES)
        sentences.append(f"{ranking_name(ranking, direction)}: {told}.")
    return sentences
