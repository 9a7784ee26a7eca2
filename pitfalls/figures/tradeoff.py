"""What a translation costs: CLWV against damage, with one path over k per ranking."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from pitfalls.figures.points import by_ranking, if_draws, means_over_draws, one_configuration, start_top_end
from pitfalls.figures.style import Plot, appearance, panels, ranking_name, settings

_COLUMNS = ("ranking", "direction", "k", "clwv", "damage")
_SINGLE = ("split", "kind", "strength", "target")


def tradeoff(table: pd.DataFrame) -> Plot:
    """Draw CLWV (upwards) against damage (to the right), with one path per ranking, which starts at its smallest k.

    Up and to the left is better: the intended change without broken words. The number beside each path is the k of its
    highest CLWV. Rankings from bottom to top have hollow markers and paler lines. Rows that differ only in their seeds
    are averaged.

    Parameters
    ----------
    table:
        Columns ranking, direction, k, clwv and damage (both fractions of words), and language, attribute and layer;
        of one configuration.

    Raises
    ------
    ValueError
        If a column is missing or the rows are of several configurations.

    Examples
    --------
    >>> table = pd.DataFrame({"language": "spa", "attribute": "Gender", "layer": 3, "ranking": "linear",
    ...     "direction": "ttb", "k": [0, 10, 20], "clwv": [0.0, 0.4, 0.3], "damage": [0.01, 0.1, 0.35]})
    >>> print(tradeoff(table).alt)
    Line chart of CLWV against damage, as fractions of words, Spanish Gender, layer 3. Linear: CLWV 0.000 and damage
    0.010 at k = 0, highest CLWV 0.400 and damage 0.100 at k = 10, CLWV 0.300 and damage 0.350 at k = 20.
    """
    about = one_configuration(table, _COLUMNS, _SINGLE, "a figure of CLWV against damage")
    points = means_over_draws(table, ["ranking", "direction", "k"], ["clwv", "damage"])
    with settings():
        figure, (axes,) = panels(1, (7.2, 4.6))
        sentences = _draw(axes, points)
        axes.set_title(about)
    alt = f"Line chart of CLWV against damage, as fractions of words, {about}. {' '.join(sentences)}"
    caption = (
        f"{about}. CLWV (right lemma, another value) against damage, both as fractions of words; each path goes over "
        "the number k of changed neurons, and the number beside it is the k of its highest CLWV. Up and to the left is "
        "better; the two axes are scaled differently. Hollow markers: bottom to top."
        + if_draws(points, " Means over draws.")
    )
    return Plot(figure, alt, caption, points)


def _draw(axes: Axes, points: pd.DataFrame) -> list[str]:
    """Draw all paths and return each in words."""
    sentences = []
    for ranking, direction, path in by_ranking(points):
        name, line = ranking_name(ranking, direction), appearance(ranking, direction, points["ranking"])
        axes.plot(path["damage"].to_numpy(), path["clwv"].to_numpy(), label=name, **line)
        top = path.iloc[int(path["clwv"].to_numpy().argmax())]
        at = (top["damage"], top["clwv"])
        axes.annotate(f"{top['k']:g}", at, xytext=(4, 4), textcoords="offset points", color=line["color"], fontsize=8)
        sentences.append(f"{name}: {_in_words(path)}.")
    axes.set_xlabel("Damage (fraction of words)")
    axes.set_ylabel("CLWV (fraction of words)")
    # Damage is often a hundredth of CLWV: on the same scale all paths would be one vertical line.
    width = 1.1 * float(points["damage"].max()) or 0.01
    axes.set_xlim(-0.02 * width, width)
    axes.set_ylim(-0.02, 1.02)
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return sentences


def _in_words(path: pd.DataFrame) -> str:
    """A path in words: where it starts, its highest CLWV, and where it ends."""
    told = [
        f"CLWV {clwv:.3f} and damage {damage:.3f} at k = {k:g}"
        for k, clwv, damage in zip(path["k"], path["clwv"], path["damage"], strict=True)
    ]
    return ", ".join(start_top_end(told, path["clwv"]))
