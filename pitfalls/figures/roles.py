"""Both roles of rankings: what their first neurons encode, and what the model uses of them, side by side."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from pitfalls.columns import ASKING
from pitfalls.figures.parts import same_order
from pitfalls.figures.points import finite, if_draws, over_draws, require, subject
from pitfalls.figures.style import Plot, panels, ranking_name, settings

_COLUMNS = ("ranking", "direction", "role", "measure", "area")
_ROLES = {"encoded": "Encoded: accuracy of a probe", "used": "Used: words that change"}
_GROUPS = {True: "asks the model", False: "reads activations"}
# Okabe and Ito's colours; markers repeat what colours say.
_LOOKS = {
    "linear probe": ("#0072B2", "o"),
    "gaussian probe": ("#D55E00", "s"),
    "CLWV": ("#009E73", "^"),
    "flip rate": ("#CC79A7", "D"),
}
_WHAT = "a figure of both roles"


def roles(areas: pd.DataFrame) -> Plot:
    """Draw the areas of every ranking in both roles, rankings that ask the model above those that read activations.

    There is one row per ranking and one panel per role; within both groups, rankings whose neurons the model uses most
    are on top. Rows that differ only in their seeds are averaged, with a line from the lowest to the highest draw.

    Parameters
    ----------
    areas:
        Tables of :func:`~pitfalls.comparison.roles.role_areas`, concatenated; of one language, attribute and site.

    Raises
    ------
    ValueError
        If a column is missing, a role or measure is unknown, an area is not a number, or the rows are of several
        configurations.

    Examples
    --------
    >>> areas = pd.DataFrame({"language": "spa", "attribute": "Gender", "layer": 2, "direction": "ttb", "ranking":
    ...     ["linear", "linear", "effect", "effect"], "role": ["encoded", "used"] * 2, "measure": ["linear probe",
    ...     "CLWV"] * 2, "area": [0.9, 0.1, 0.8, 0.2]})
    >>> print(roles(areas).alt)
    Dot plot: areas under the curves of both roles, Spanish Gender, layer 2. Encoded (linear probe): Effect 0.800;
    Linear 0.900. Used (CLWV): Effect 0.200; Linear 0.100. Effect asks the model; Linear reads activations.
    """
    _check(areas)
    about = subject(areas, _WHAT)
    points = over_draws(areas, ["role", "measure", "ranking", "direction"], "area").rename(columns={"mean": "area"})
    rows = _in_order(points)
    shown = [role for role in _ROLES if role in set(points["role"])]
    with settings():
        figure, all_axes = panels(len(shown), (1.5 + 3.6 * len(shown), 1.8 + 0.36 * len(rows)))
        for axes, role in zip(all_axes, shown, strict=True):
            _draw(axes, points[points["role"] == role], rows)
            axes.set_title(_ROLES[role])
        all_axes[0].set_yticks(range(len(rows)), [ranking_name(*row) for row in rows])
        all_axes[0].set_ylim(len(rows) - 0.5, -0.5)
        handles = [handle for axes in all_axes for handle in axes.get_legend_handles_labels()[0]]
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
        figure.suptitle(about)
    told = " ".join(_in_words(points[points["role"] == role], rows) for role in shown)
    alt = f"Dot plot: areas under the curves of both roles, {about}. {told} {_groups_in_words(rows)}"
    caption = (
        f"{about}: means over k of what a probe reads from a ranking's first k neurons (encoded), and of the share of "
        "words or items that change with them (used). Filled markers, above the line: rankings that ask the model; "
        "hollow markers: rankings that read activations." + if_draws(points, " Lines span the draws.")
    )
    return Plot(figure, alt, caption, points)


def _check(areas: pd.DataFrame) -> None:
    require(areas, _COLUMNS, _WHAT)
    for column, known in (("role", list(_ROLES)), ("measure", list(_LOOKS))):
        other = sorted(set(areas[column]) - set(known))
        if other:
            raise ValueError(f"{_WHAT} needs {column} to be one of {known}; the table also has {other}")
    finite(areas, ["area"], "; leave these rows out")


def _asks(ranking: str) -> bool:
    # Its label says after the method what else was asked for.
    return ranking.split()[0] in ASKING


def _in_order(points: pd.DataFrame) -> list[tuple[str, str]]:
    """Rankings and directions: those that ask first, then by the mean area of what is used, then by name."""
    used = points[points["role"] == "used"].groupby(["ranking", "direction"])["area"].mean().to_dict()

    def place(row: tuple[str, str]) -> tuple[bool, float, tuple[str, str]]:
        return not _asks(row[0]), -used.get(row, -1.0), row

    return same_order(sorted(set(zip(points["ranking"], points["direction"], strict=True)), key=place))


def _draw(axes: Axes, points: pd.DataFrame, rows: list[tuple[str, str]]) -> None:
    measures = [measure for measure in _LOOKS if measure in set(points["measure"])]
    for i, measure in enumerate(measures):
        color, marker = _LOOKS[measure]
        apart = 0.24 * (i - (len(measures) - 1) / 2)
        for asks in _GROUPS:
            part = points[(points["measure"] == measure) & (points["ranking"].map(_asks) == asks)]
            at = [rows.index(row) + apart for row in zip(part["ranking"], part["direction"], strict=True)]
            look: dict[str, Any] = {"color": color, "marker": marker, "markerfacecolor": color if asks else "white"}
            axes.hlines(at, part["low"], part["high"], color=color, linewidth=1.5)
            axes.plot(part["area"].to_numpy(), at, linestyle="none", clip_on=False, zorder=3, **look)
        # One entry for both groups.
        axes.plot([], [], linestyle="none", label=measure, color=color, marker=marker)
    n_asking = sum(_asks(ranking) for ranking, _ in rows)
    if 0 < n_asking < len(rows):
        axes.axhline(n_asking - 0.5, color="#555555", linewidth=0.8)
        for asks, place, side in ((True, 4, "bottom"), (False, -4, "top")):
            axes.annotate(
                _GROUPS[asks],
                (0.01, n_asking - 0.5),
                xytext=(0, place),
                textcoords="offset points",
                va=side,
                xycoords=("axes fraction", "data"),
                fontsize=7.0,
                color="#555555",
            )
    low, high = float(points["low"].min()), float(points["high"].max())
    # Probes are hardly ever below chance, and few words change: each panel shows its own range, in tenths.
    axes.set_xlim(
        0.0 if points["role"].iloc[0] == "used" else math.floor(10 * low) / 10, math.ceil(10 * high) / 10 or 1
    )
    axes.set_xlabel("Area (mean over k)")


def _in_words(points: pd.DataFrame, rows: list[tuple[str, str]]) -> str:
    told = []
    for measure in (measure for measure in _LOOKS if measure in set(points["measure"])):
        area = points[points["measure"] == measure].set_index(["ranking", "direction"])["area"].to_dict()
        of = [f"{ranking_name(*row)} {area[row]:.3f}" for row in rows if row in area]
        told.append(f"{str(points['role'].iloc[0]).capitalize()} ({measure}): {'; '.join(of)}.")
    return " ".join(told)


def _groups_in_words(rows: list[tuple[str, str]]) -> str:
    told = []
    for asks, says in _GROUPS.items():
        names = [ranking_name(*row) for row in rows if _asks(row[0]) == asks]
        if names:
            # "Effect and Mask ask the model", and "Effect asks the model".
            verb = says if len(names) == 1 else says.replace("asks", "ask").replace("reads", "read")
            told.append(f"{', '.join(names)} {verb}")
    return "; ".join(told) + "."
