"""Clusters of configurations: one labelled point each, near those whose probing curves have the same shape."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pitfalls.columns import CONFIGURATION
from pitfalls.figures.points import count, finite, require
from pitfalls.figures.style import Plot, blank, settings
from pitfalls.site import with_site

_NEEDED = (*CONFIGURATION, "cluster", "x", "y", "score")
_WHAT = "a figure of clusters"

# G>L in the Gaussian's colour, L>G in Linear's; markers repeat what colours say.
_LOOKS = {"Standard": ("#555555", "^"), "G>L": ("#D55E00", "s"), "L>G": ("#0072B2", "o")}
_OTHER_LOOKS = (("#009E73", "D"), ("#CC79A7", "v"), ("#8A7B00", "P"), ("#56B4E9", "X"), ("#000000", "*"))
_SHORT = {
    "Animacy": "Anim",
    "Aspect": "Asp",
    "Case": "Case",
    "Definiteness": "Def",
    "Gender": "Gen",
    "Mood": "Mood",
    "Number": "Num",
    "Part of Speech": "POS",
    "Person": "Pers",
    "Polarity": "Pol",
    "Possession": "Poss",
    "Tense": "Tns",
    "Voice": "Voi",
}

_SIZE = (9.6, 7.6)
# (left, bottom, width, height) of the axes; fixed, because the labels' places depend on it.
_AXES = (0.03, 0.04, 0.94, 0.86)
_FONT = 5.5
# Where a label may stand, as (horizontal, vertical) side of the point, in order of preference ...
_PLACES = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))
# ... and how far from it, in points; beyond the first a thin line leads there.
_DISTANCES = (3.5, 9.0, 16.0, 24.0, 34.0, 46.0)


def clusters(table: pd.DataFrame) -> Plot:
    """Draw one labelled point per configuration, in its cluster's colour and marker; a ring marks the seeds.

    Labels are attribute (abbreviated), language, layer. In the table's order, each label goes to the first place beside
    its point where it covers no point and no other label, or else where it covers least. With 156 points almost all are
    free, but labels of points in the same spot may still touch.

    Parameters
    ----------
    table:
        Columns language, attribute, layer, cluster, x, y, score (of the pattern: above 0 the Gaussian probe's curves
        are above the Linear probe's), and perhaps is_seed; one row per configuration.

    Raises
    ------
    ValueError
        If a column is missing, there are no rows, a configuration appears twice, or an x, y or score is not a number.

    Examples
    --------
    >>> table = pd.DataFrame({"language": ["rus", "spa", "rus", "tur"], "attribute": ["Case", "Mood", "Case", "Case"],
    ...     "layer": [1, 2, 2, 1], "cluster": ["G>L", "L>G", "G>L", "L>G"], "x": [0.0, 1, 2, 3], "y": [0.0, 2, 1, 3],
    ...     "score": [1.0, -1.5, 2.0, -0.5]})
    >>> print(clusters(table).alt)
    Scatter plot: 4 configurations in 2 clusters, near each other where the probing curves have the same shape. G>L: 2
    (mean score 1.50): Case 2. L>G: 2 (mean score -1.00): Case 1, Mood 1.
    """
    table = with_site(table)
    require(table, _NEEDED, _WHAT)
    _check(table)
    points = table.assign(label=[_label(*row) for row in table[CONFIGURATION].itertuples(index=False, name=None)])
    names = _ordered(points["cluster"].unique().tolist())
    size = f"{count(len(points), 'configuration')} in {count(len(names), 'cluster')}"
    told = [_in_words(name, points[points["cluster"] == name]) for name in names]
    alt = (
        f"Scatter plot: {size}, near each other where the probing curves have the same shape. {' '.join(told)}"
        f"{_seeds_in_words(points)}"
    )
    used = [f"{short} {name}" for name, short in _SHORT.items() if short != name and name in set(points["attribute"])]
    caption = (
        f"{size}, K-means on the shape of the probing curves; t-SNE places the points, so only which points are close "
        "together means something. Score: above 0 the Gaussian probe's curves are above the Linear probe's, below 0 it "
        "is the other way round. "
        f"Labels: attribute, language, layer{' (' + ', '.join(used) + ')' if used else ''}."
        + (" A ring marks the configurations that K-means started from." if "is_seed" in points.columns else "")
    )
    return Plot(_draw(points, names, size), alt, caption, points.reset_index(drop=True))


def _check(table: pd.DataFrame) -> None:
    if table.empty:
        raise ValueError(f"{_WHAT} needs one row per configuration, and the table has none")
    repeated = table[table.duplicated(CONFIGURATION)]
    if len(repeated):
        raise ValueError(f"{_label(*repeated.iloc[0][CONFIGURATION])} has several rows: give one row per configuration")
    finite(table, ("x", "y", "score"))


def _label(language: Any, attribute: Any, kind: Any, layer: Any) -> str:
    """What a point is called; a site outside the residual stream is named by its kind too.

    >>> _label("bul", "Definiteness", "residual", 7), _label("deu", "Evidentiality", "residual", 7)
    ('Def-bul-7', 'Evid-deu-7')
    """
    where = layer if kind == "residual" else f"{kind}{layer}"
    return f"{_SHORT.get(attribute, attribute[:4])}-{language}-{where}"


def _ordered(names: list[str]) -> list[str]:
    known = list(_LOOKS)
    return sorted(names, key=lambda name: (known.index(name) if name in known else len(known), name))


def _look(name: str, names: list[str]) -> tuple[str, str]:
    if name in _LOOKS:
        return _LOOKS[name]
    others = [other for other in names if other not in _LOOKS]
    return _OTHER_LOOKS[others.index(name) % len(_OTHER_LOOKS)]


def _in_words(name: str, own: pd.DataFrame) -> str:
    """A cluster's size, its mean score, and how many members each attribute has, the most frequent first."""
    sizes = sorted(own["attribute"].value_counts().items(), key=lambda item: (-item[1], str(item[0])))
    members = ", ".join(f"{attribute} {size}" for attribute, size in sizes)
    return f"{name}: {len(own)} (mean score {own['score'].mean():.2f}): {members}."


def _seeds_in_words(points: pd.DataFrame) -> str:
    if "is_seed" not in points.columns or not points["is_seed"].any():
        return ""
    return f" Seeds: {', '.join(points.loc[points['is_seed'], 'label'])}."


def _draw(points: pd.DataFrame, names: list[str], size: str) -> Figure:
    with settings():
        figure = blank(_SIZE, layout=None)
        axes = figure.add_axes(_AXES)
        for name in names:
            own = points[points["cluster"] == name]
            color, marker = _look(name, names)
            label = f"{name} ({len(own)})"
            axes.plot(own["x"], own["y"], marker, color=color, markersize=4, linestyle="none", label=label, zorder=3)
        if "is_seed" in points.columns:
            own = points[points["is_seed"]]
            ring: dict[str, Any] = {"markerfacecolor": "none", "markeredgecolor": "black", "markersize": 9.0}
            axes.plot(own["x"], own["y"], "o", linestyle="none", label="seed", zorder=2, **ring)
        # Leave room for the labels of the outermost points.
        axes.margins(0.08)
        # Matplotlib would set the limits only when it draws, but the labels' places depend on them.
        axes.autoscale_view()
        axes.set_xticks([])
        axes.set_yticks([])
        axes.grid(visible=False)
        figure.suptitle(size, fontsize=10, y=0.985)
        figure.legend(loc="upper center", bbox_to_anchor=(0.5, 0.96), ncols=len(names) + 1)
        _write_labels(axes, points, {name: _look(name, names)[0] for name in names})
    return figure


def _write_labels(axes: Axes, points: pd.DataFrame, colors: dict[str, str]) -> None:
    to_points = 72 / axes.figure.dpi
    # From here on everything is in points, so that it is the same at any resolution.
    at = np.asarray(axes.transData.transform(points[["x", "y"]].to_numpy(dtype=float))) * to_points
    frame = np.asarray(axes.get_window_extent().extents) * to_points
    # A box is (left, bottom, right, top).
    taken = [np.concatenate([place - 2.2, place + 2.2]) for place in at]
    for place, data, label, name in zip(
        at, points[["x", "y"]].to_numpy(dtype=float), points["label"], points["cluster"], strict=True
    ):
        # On average the font's letters are no wider than this.
        extent = np.array([0.62 * _FONT * len(label), 1.2 * _FONT])
        box, far = _free_place(place, extent, np.array(taken), frame)
        taken.append(box)
        center = (box[:2] + box[2:]) / 2 - place
        arrow = {"arrowstyle": "-", "linewidth": 0.3, "color": colors[name], "shrinkA": 0, "shrinkB": 1.5}
        axes.annotate(
            label,
            tuple(data),
            xytext=tuple(center),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=_FONT,
            color=colors[name],
            arrowprops=arrow if far else None,
            bbox={"boxstyle": "square,pad=0", "alpha": 0.0},
            zorder=4,
        )


def _free_place(
    place: NDArray[np.float64], extent: NDArray[np.float64], taken: NDArray[np.float64], frame: NDArray[np.float64]
) -> tuple[NDArray[np.float64], bool]:
    """The first box beside a point that covers nothing, or else the one that covers least; and whether it is far."""
    best, least, is_far = np.zeros(4), np.inf, False
    for distance in _DISTANCES:
        for side in _PLACES:
            center = place + np.array(side) * (extent / 2 + distance * (0.7 if all(side) else 1.0))
            box = np.concatenate([center - extent / 2, center + extent / 2])
            if (box[:2] < frame[:2]).any() or (box[2:] > frame[2:]).any():
                continue
            sides = np.minimum(box[2:], taken[:, 2:]) - np.maximum(box[:2], taken[:, :2])
            covered = float(np.prod(np.clip(sides, 0, None), axis=1).sum())
            if covered < least:
                best, least, is_far = box, covered, distance > _DISTANCES[0]
            if covered == 0:
                return best, is_far
    return best, is_far
