"""The neuron basis beside random ones: how much of a ranking's success is due to neurons."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from pitfalls.figures.points import one_configuration, over_draws, require
from pitfalls.figures.style import Plot, in_order, panels, ranking_name, settings

_COLUMNS = ("ranking", "direction", "basis", "measure", "area")
_MEASURES = {"probing": "Area under probing accuracy", "CLWV": "Area under CLWV"}
_WHAT = "a figure of bases"


def bases(areas: pd.DataFrame) -> Plot:
    """Draw, for every ranking, the areas of probing and CLWV in the model's own basis beside those in random bases.

    A filled circle is the own basis; a hollow square is the mean over random bases, and its line spans them.

    Parameters
    ----------
    areas:
        From ``study.bases.basis_areas``, one configuration.

    Raises
    ------
    ValueError
        If a column is missing, a basis or measure is unknown, or the rows are of several configurations.

    Examples
    --------
    >>> areas = pd.DataFrame({"language": "spa", "attribute": "Gender", "layer": 2, "ranking": "linear",
    ...     "direction": "ttb", "basis": ["own", "rotated", "rotated"], "rotation": [-1, 0, 1], "measure": "CLWV",
    ...     "area": [0.3, 0.1, 0.2]})
    >>> print(bases(areas).alt)
    Dot plot: areas over k in the model's own basis and in random ones, Spanish Gender, layer 2. Area under CLWV:
    Linear 0.300, in 2 random bases 0.150 (0.100 to 0.200).
    """
    about = one_configuration(areas, _COLUMNS, (), _WHAT)
    _check(areas)
    points = over_draws(areas, ["measure", "ranking", "direction", "basis"], "area").rename(columns={"mean": "area"})
    pairs = in_order(zip(points["ranking"], points["direction"], strict=True))
    shown = [measure for measure in _MEASURES if measure in set(points["measure"])]
    with settings():
        figure, all_axes = panels(len(shown), (1.5 + 3.4 * len(shown), 1.7 + 0.36 * len(pairs)))
        for axes, measure in zip(all_axes, shown, strict=True):
            _draw(axes, points[points["measure"] == measure], pairs)
            axes.set_xlabel(f"{_MEASURES[measure]} over k")
        all_axes[0].set_yticks(range(len(pairs)), [ranking_name(*pair) for pair in pairs])
        all_axes[0].set_ylim(len(pairs) - 0.5, -0.5)
        handles, labels = all_axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(handles))
        figure.suptitle(about)
    told = " ".join(_in_words(points[points["measure"] == measure], measure, pairs) for measure in shown)
    alt = f"Dot plot: areas over k in the model's own basis and in random ones, {about}. {told}"
    caption = (
        f"{about}: mean height over k of probing accuracy and of CLWV, for rankings of neurons (filled circles: the "
        "model's own basis) and of the units of random rotations of the same states (hollow squares: the mean; lines "
        "span the rotations)."
    )
    return Plot(figure, alt, caption, points)


def _check(areas: pd.DataFrame) -> None:
    require(areas, _COLUMNS, _WHAT)
    for column, known in (("basis", ["own", "rotated"]), ("measure", list(_MEASURES))):
        other = sorted(set(areas[column]) - set(known))
        if other:
            raise ValueError(f"{_WHAT} needs {column} to be one of {known}; the table also has {other}")


def _draw(axes: Axes, points: pd.DataFrame, pairs: list[tuple[str, str]]) -> None:
    for basis, name, color, marker, face, shift in (
        ("own", "neurons (own basis)", "#0072B2", "o", "#0072B2", -0.12),
        ("rotated", "random bases", "#D55E00", "s", "white", 0.12),
    ):
        part = points[points["basis"] == basis]
        rows = [pairs.index(pair) + shift for pair in zip(part["ranking"], part["direction"], strict=True)]
        axes.hlines(rows, part["low"], part["high"], color=color, linewidth=1.5)
        axes.plot(
            part["area"].to_numpy(), rows, linestyle="none", label=name, color=color, marker=marker,
            markerfacecolor=face, clip_on=False, zorder=3,
        )  # fmt: skip
    axes.set_xlim(0, 1.02)


def _in_words(points: pd.DataFrame, measure: str, pairs: list[tuple[str, str]]) -> str:
    rows = {(row["ranking"], row["direction"], row["basis"]): row for row in points.to_dict("records")}
    told = []
    for pair in pairs:
        own, row, parts = rows.get((*pair, "own")), rows.get((*pair, "rotated")), []
        if own:
            parts.append(f"{own['area']:.3f}")
        if row:
            among = "basis" if row["draws"] == 1 else "bases"
            parts.append(f"in {row['draws']} random {among} {row['area']:.3f} ({row['low']:.3f} to {row['high']:.3f})")
        told.append(f"{ranking_name(*pair)} {', '.join(parts)}")
    return f"{_MEASURES[measure]}: {'; '.join(told)}."
