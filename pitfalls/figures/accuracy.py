"""Probing curves: a measure over k, every probe crossed with every ranking (SOURCES.md, Figure 1)."""

from __future__ import annotations

from typing import Literal

import pandas as pd
from matplotlib.axes import Axes

from pitfalls.figures.points import by_ranking, draw_line, if_draws, in_words, one_configuration, over_draws
from pitfalls.figures.style import Plot, look, panels, ranking_name, settings

_AXIS = {
    "accuracy": "Accuracy (fraction of words)",
    "mi_bits": "Mutual information (bits)",
    "nmi": "Mutual information / entropy",
    "selectivity": "Selectivity (accuracy - control accuracy)",
}
_KEYS = ["probe", "ranking", "direction", "k"]


def accuracy(curves: pd.DataFrame, measure: Literal["accuracy", "mi_bits", "nmi", "selectivity"] = "accuracy") -> Plot:
    """Draw ``measure`` over k, one panel per probe, one colour per ranking; ttb is solid, random dashed, btt dotted.

    In the legend, "Linear by Gaussian" is the Linear probe on neurons ranked by Gaussian. Rows that differ only in
    their seeds are averaged, with a band from the lowest to the highest draw.

    Parameters
    ----------
    curves:
        Tables of ``probe_curve`` (or, for "selectivity", of ``selectivity``), concatenated; of one language,
        attribute and layer, and of one task and split.

    Raises
    ------
    ValueError
        If ``measure`` is unknown, a column is missing, or the rows are of several configurations.

    Examples
    --------
    >>> curves = pd.DataFrame({"language": "spa", "attribute": "Gender", "layer": 3, "probe": "linear",
    ...     "ranking": "probeless", "direction": "ttb", "k": [1, 2], "accuracy": [0.6, 0.9]})
    >>> print(accuracy(curves).alt)
    Line chart over k, the number of neurons: Accuracy (fraction of words), Spanish Gender, layer 3. Linear
    probe: by Probeless 0.600 at k = 1, 0.900 at k = 2.
    """
    if measure not in _AXIS:
        raise ValueError(f"measure must be one of {list(_AXIS)}, not {measure!r}")
    about = one_configuration(curves, (*_KEYS, measure), ("task", "split"), "a figure of probing curves")
    points = over_draws(curves, _KEYS, measure)
    # Linear first, as in the paper.
    probes = sorted(points["probe"].unique(), reverse=True)
    sentences = []
    with settings():
        figure, all_axes = panels(len(probes))
        for axes, probe in zip(all_axes, probes, strict=True):
            lines = _draw_panel(axes, points[points["probe"] == probe], probe)
            sentences.append(f"{ranking_name(probe, 'ttb')} probe: {'; '.join(lines)}.")
        all_axes[0].set_ylabel(_AXIS[measure])
        figure.suptitle(about)
    alt = f"Line chart over k, the number of neurons: {_AXIS[measure]}, {about}. {' '.join(sentences)}"
    on_control = "task" in curves.columns and curves["task"].iloc[0] == "control"
    caption = (
        f"{about}: {_AXIS[measure]} of each probe on the first k neurons of each ranking"
        f"{', on the control task' if on_control else ''}. "
        '"A by B" is probe A on the ranking B; solid: top to bottom, dashed: random, dotted: bottom to top.'
        + if_draws(points, " Bands span the draws.")
    )
    return Plot(figure, alt, caption, points.rename(columns={"mean": measure}))


def _draw_panel(axes: Axes, points: pd.DataFrame, probe: str) -> list[str]:
    """Draw one probe's curves and return each in words."""
    lines = []
    for ranking, direction, line in by_ranking(points):
        color, marker = look(ranking, points["ranking"])
        name = ranking_name(ranking, direction)
        draw_line(
            axes,
            line,
            color=color,
            marker=marker,
            markerfacecolor=color if direction == "ttb" else "white",
            linestyle=":" if direction == "btt" else "--" if ranking == "random" else "-",
            label=f"{ranking_name(probe, 'ttb')} by {name}",
        )
        lines.append(f"by {name} {in_words(line)}")
    axes.set_xlabel("k (number of neurons, in the ranking's order)")
    axes.set_title(f"{ranking_name(probe, 'ttb')} probe")
    axes.legend(loc="best")
    return lines
