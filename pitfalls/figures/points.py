"""From a table to the points of a figure: checks, means over draws, lines, and words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from pitfalls.columns import CONFIGURATION, DRAW
from pitfalls.figures.style import in_order, language_name
from pitfalls.site import Site, with_site

# The numbers of random draws, which are averaged.
_DRAWS = [*DRAW, "rotation"]
_BESIDE = 'draw the tables of several models with pf.figures.beside, as in beside(figure, {"trained": one, ...})'


def require(table: pd.DataFrame, needed: Iterable[str], what: str) -> None:
    """Refuse a table that lacks one of the ``needed`` columns, or is of several models.

    Raises
    ------
    ValueError
        If a column is missing, or a column ``model`` has several values.
    """
    has_columns(table, needed, what)
    of_one_model(table, what)


def has_columns(table: pd.DataFrame, needed: Iterable[str], what: str) -> None:
    """Refuse a table that lacks one of the ``needed`` columns.

    Raises
    ------
    ValueError
        If a column is missing.
    """
    missing = [column for column in needed if column not in table.columns]
    if missing:
        raise ValueError(f"{what} needs the columns {missing}; the table has {list(table.columns)}")


def of_one_model(table: pd.DataFrame, what: str) -> None:
    """Refuse a table of several models.

    Raises
    ------
    ValueError
        If a column ``model`` has several values.
    """
    models = table["model"].drop_duplicates().tolist() if "model" in table.columns else []
    if len(models) > 1:
        raise ValueError(f"{what} shows one model, and the table has {len(models)}: {models[:6]}; {_BESIDE}")


def only(table: pd.DataFrame, column: str, what: str) -> Any:
    """The one value of a column that a figure must not mix.

    Raises
    ------
    ValueError
        If the table lacks the column, has no rows, or holds several values there.
    """
    if column not in table.columns:
        raise ValueError(f"{what} needs a column {column!r}; the table has {list(table.columns)}")
    found = table[column].drop_duplicates().tolist()
    if len(found) != 1:
        raise ValueError(
            f"{what} shows one {column}, and the table has {len(found)}: {found[:6]}; select the rows of one"
        )
    return found[0]


def unmixed(table: pd.DataFrame, columns: Iterable[str], what: str) -> None:
    """Refuse a table that holds several values in one of the ``columns`` that it has.

    Raises
    ------
    ValueError
        If there are several values, or no rows.
    """
    for column in columns:
        if column in table.columns:
            only(table, column, what)


def finite(table: pd.DataFrame, columns: Iterable[str], advice: str = "") -> None:
    """Refuse a table with NaN or infinity in one of the ``columns``.

    Raises
    ------
    ValueError
        If there is one; the message ends with the advice.
    """
    for column in columns:
        wrong = table.loc[~np.isfinite(table[column].astype(float)), column].tolist()
        if wrong:
            raise ValueError(f"{column} must be a number, and {len(wrong)} rows have {wrong[:6]}{advice}")


def subject(table: pd.DataFrame, what: str) -> str:
    """What a figure is about, such as "Spanish Gender, layer 3"; the table must be of one configuration."""
    table = with_site(table)
    language, attribute, kind, layer = (only(table, column, what) for column in CONFIGURATION)
    return f"{language_name(language)} {attribute}, {Site(kind, layer)}"


def one_configuration(table: pd.DataFrame, needed: Iterable[str], single: Iterable[str], what: str) -> str:
    """The :func:`subject` of a table that has the ``needed`` columns and mixes nothing in the ``single`` ones.

    Raises
    ------
    ValueError
        If a column is missing, or the rows are of several configurations.
    """
    require(table, needed, what)
    about = subject(table, what)
    unmixed(table, single, what)
    return about


def drawn_once(table: pd.DataFrame, keys: Iterable[str]) -> None:
    """Refuse a table with two rows that agree in the ``keys`` and in their seeds, as those of two models do.

    Raises
    ------
    ValueError
        If there are two such rows.
    """
    same = list(dict.fromkeys([*keys, *(column for column in _DRAWS if column in table.columns)]))
    twice = table[table.duplicated(same)]
    if len(twice):
        first = ", ".join(f"{column} {value}" for column, value in twice.iloc[0][same].items())
        raise ValueError(
            f"{len(twice)} rows repeat a draw that the table already has; the first: {first}. Only rows with different "
            f"seeds are averaged: give each draw once, and {_BESIDE}"
        )


def over_draws(table: pd.DataFrame, keys: list[str], value: str) -> pd.DataFrame:
    """``mean``, ``low``, ``high`` of ``value``, and ``draws``, over rows that differ only in their seeds.

    Raises
    ------
    ValueError
        If a draw appears twice.
    """
    drawn_once(table, keys)
    grouped = table.groupby(keys, sort=True)[value]
    return grouped.agg(mean="mean", low="min", high="max", draws="count").reset_index()


def if_draws(points: pd.DataFrame, words: str) -> str:
    """The words if a point stands for several draws, or else an empty text."""
    return words if int(points["draws"].max()) > 1 else ""


def by_ranking(points: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Every ranking and direction with its rows, in the order of the legend."""
    for ranking, direction in in_order(zip(points["ranking"], points["direction"], strict=True)):
        yield ranking, direction, points[(points["ranking"] == ranking) & (points["direction"] == direction)]


def draw_line(axes: Axes, points: pd.DataFrame, x: str = "k", **look_of_line: Any) -> None:
    """One curve over ``x``, with a band from the lowest to the highest draw where there are several."""
    where = points[x].to_numpy()
    every = max(1, len(where) // 8)
    axes.plot(where, points["mean"].to_numpy(), markevery=every, **look_of_line)
    if int(points["draws"].max()) > 1:
        low, high = points["low"].to_numpy(), points["high"].to_numpy()
        axes.fill_between(where, low, high, color=look_of_line["color"], alpha=0.15, linewidth=0)


def in_words(points: pd.DataFrame, x: str = "k", symbol: str = "k") -> str:
    """A curve over ``x``, called ``symbol``, in words: where it starts, its highest point, and where it ends.

    Examples
    --------
    >>> in_words(pd.DataFrame({"k": [1, 2, 3], "mean": [0.5, 0.9, 0.8]}))
    '0.500 at k = 1, highest 0.900 at k = 2, 0.800 at k = 3'
    """
    where, mean = points[x].to_numpy(), points["mean"].to_numpy()
    return ", ".join(start_top_end([f"{m:.3f} at {symbol} = {at:g}" for m, at in zip(mean, where, strict=True)], mean))


def start_top_end(told: list[str], values: Any) -> list[str]:
    """The words for the start of a curve, for its highest point and for its end; each point appears once.

    Examples
    --------
    >>> start_top_end(["a", "b", "c"], [1, 3, 2]), start_top_end(["a", "b"], [1, 3])
    (['a', 'highest b', 'c'], ['a', 'b'])
    """
    top, last = int(np.argmax(values)), len(told) - 1
    middle = [f"highest {told[top]}"] if 0 < top < last else []
    return [told[0], *middle, *([told[last]] if last else [])]


def count(n: int, what: str) -> str:
    """A number and what it counts, in the plural where needed.

    Examples
    --------
    >>> count(1, "pair"), count(0, "pair")
    ('1 pair', '0 pairs')
    """
    return f"{n} {what}" if n == 1 else f"{n} {what}s"
