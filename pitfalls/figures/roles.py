"""Both roles of rankings: what their first neurons encode, and what the model uses of them, side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pitfalls.columns import ASKING
from pitfalls.figures.parts import same_order
from pitfalls.figures.points import finite, has_columns, if_draws, over_draws, subject
from pitfalls.figures.style import Plot, blank, ranking_name, settings

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
    are on top. With a column ``model``, every model has its own row of panels, and its own order of rankings. Rows that
    differ only in their seeds are averaged, with a line from the lowest to the highest draw.

    Parameters
    ----------
    areas:
        Tables of :func:`~pitfalls.comparison.roles.role_areas`, concatenated; of one language, attribute and site.
        Those of several models need a column ``model`` that tells them apart.

    Raises
    ------
    ValueError
        If a column is missing, a role or measure is unknown, an area is not a number, the rows are of several
        configurations, or a model lacks a measure that another has.

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
    by_model = [column for column in ["model"] if column in areas.columns]
    keys = [*by_model, "role", "measure", "ranking", "direction"]
    points = over_draws(areas, keys, "area").rename(columns={"mean": "area"})
    parts = _by_model(points, areas)
    shown = [role for role in _ROLES if role in set(points["role"])]
    rows = [_in_order(part) for part in parts.values()]
    with settings():
        figure, grid = _panels(rows, len(shown))
        for (model, part), order, line in zip(parts.items(), rows, grid, strict=True):
            for axes, role in zip(line, shown, strict=True):
                _draw(axes, part[part["role"] == role], order)
                axes.set_xlim(*_limits(points[points["role"] == role]))
            line[0].set_yticks(range(len(order)), [ranking_name(*row) for row in order])
            line[0].set_ylim(len(order) - 0.5, -0.5)
            line[0].set_ylabel(model)
        for top, bottom, role in zip(grid[0], grid[-1], shown, strict=True):
            top.set_title(_ROLES[role])
            bottom.set_xlabel("Area (mean over k)")
        handles = [handle for axes in grid[0] for handle in axes.get_legend_handles_labels()[0]]
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
        figure.suptitle(about)
    told = " ".join(
        (f"{model}: " if model else "") + " ".join(_in_words(part[part["role"] == role], order) for role in shown)
        for (model, part), order in zip(parts.items(), rows, strict=True)
    )
    alt = f"Dot plot: areas under the curves of both roles, {about}. {told} {_groups_in_words(rows)}"
    caption = (
        f"{about}: means over k of what a probe reads from a ranking's first k neurons (encoded), and of the share of "
        "words or items that change with them (used). Filled markers, above the line: rankings that ask the model; "
        "hollow markers: rankings that read activations."
        + (f" From top to bottom, the models {', '.join(parts)}." if by_model else "")
        + if_draws(points, " Lines span the draws.")
    )
    return Plot(figure, alt, caption, points)


def _by_model(points: pd.DataFrame, areas: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The points of each model, in the order of the table; without models, all of them under an empty name."""
    if "model" not in areas.columns:
        return {"": points}
    parts = {str(model): points[points["model"] == model] for model in dict.fromkeys(areas["model"])}
    measures = {model: sorted(set(part["measure"])) for model, part in parts.items()}
    first, *others = measures
    for model in others:
        if measures[model] != measures[first]:
            raise ValueError(
                f"{_WHAT} compares models by the same measures: {first} has {measures[first]}, and {model} has "
                f"{measures[model]}; leave out those that one lacks"
            )
    return parts


def _panels(rows: Sequence[Sequence[tuple[str, str]]], n_roles: int) -> tuple[Figure, NDArray[Any]]:
    """One row of panels per model, as high as it has rankings, and one column per role: Axes, [n_models, n_roles]."""
    heights = [0.4 + 0.36 * len(order) for order in rows]
    figure = blank((1.5 + 3.6 * n_roles, 1.4 + sum(heights)))
    return figure, figure.subplots(len(rows), n_roles, sharey="row", squeeze=False, height_ratios=heights)


def _limits(points: pd.DataFrame) -> tuple[float, float]:
    """The range of a role's panels, in tenths, the same for all models."""
    low, high = float(points["low"].min()), float(points["high"].max())
    # Probes are hardly ever below chance, and few words change: each role shows its own range.
    from_zero = points["role"].iloc[0] == "used"
    return 0.0 if from_zero else math.floor(10 * low) / 10, math.ceil(10 * high) / 10 or 1


def _check(areas: pd.DataFrame) -> None:
    # Several models are welcome: each has a row of panels.
    has_columns(areas, _COLUMNS, _WHAT)
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


def _in_words(points: pd.DataFrame, rows: list[tuple[str, str]]) -> str:
    told = []
    for measure in (measure for measure in _LOOKS if measure in set(points["measure"])):
        area = points[points["measure"] == measure].set_index(["ranking", "direction"])["area"].to_dict()
        of = [f"{ranking_name(*row)} {area[row]:.3f}" for row in rows if row in area]
        told.append(f"{str(points['role'].iloc[0]).capitalize()} ({measure}): {'; '.join(of)}.")
    return " ".join(told)


def _groups_in_words(rows: Sequence[Sequence[tuple[str, str]]]) -> str:
    everybody = dict.fromkeys(row for order in rows for row in order)
    told = []
    for asks, says in _GROUPS.items():
        names = [ranking_name(*row) for row in everybody if _asks(row[0]) == asks]
        if names:
            # "Effect and Mask ask the model", and "Effect asks the model".
            verb = says if len(names) == 1 else says.replace("asks", "ask").replace("reads", "read")
            told.append(f"{', '.join(names)} {verb}")
    return "; ".join(told) + "."
