"""One heat map for all figures that draw a matrix, in colours that colour-blind readers can tell apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from numpy.typing import NDArray

from pitfalls.figures.parts import colour_range

# Cells without a number.
_GREY = "#BBBBBB"

_Name = TypeVar("_Name")


def square(names: Sequence[_Name], cells: Mapping[tuple[_Name, _Name], float]) -> NDArray[np.float64]:
    """A matrix [n, n] of the cells between ``names``; NaN where there is none.

    Examples
    --------
    >>> square("ab", {("a", "b"): 1.5}).tolist()
    [[nan, 1.5], [nan, nan]]
    """
    return np.array([[cells.get((row, column), np.nan) for column in names] for row in names], dtype=float)


def heat_map(
    axes: Axes, values: NDArray[np.float64], texts: Sequence[Sequence[str]] | bool, label: str, **options: Any
) -> None:
    """Draw ``values`` [n_rows, n_columns] with a text in every cell.

    With a ``center`` the colours are white there, purple above and orange below; without one they run from blue to
    yellow. Cells with NaN are grey and empty.

    Parameters
    ----------
    texts:
        What is written into the cells; False for nothing.
    label:
        The label of the colour bar.
    **options:
        Further options of ``seaborn.heatmap``, such as ``yticklabels``, the names of the rows.
    """
    empty = np.isnan(values)
    low, high = options.pop("vmin", np.nanmin(values)), options.pop("vmax", np.nanmax(values))
    options["vmin"], options["vmax"] = colour_range(low, high)
    sns.heatmap(
        values,
        mask=empty,
        cmap="PuOr" if "center" in options else "cividis",
        annot=texts,
        fmt="",
        cbar_kws={"label": label} | options.pop("cbar_kws", {}),
        ax=axes,
        **options,
    )
    axes.grid(visible=False)
    if empty.any():
        axes.set_facecolor(_GREY)
    axes.tick_params(axis="x", rotation=90 if "center" in options else 0)
    axes.tick_params(axis="y", rotation=0)
