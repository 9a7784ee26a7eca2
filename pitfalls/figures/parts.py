"""What the parts of one figure agree on: where each is drawn, its colours, and the order of its rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from matplotlib.figure import SubFigure

_Row = TypeVar("_Row")


@dataclass
class Parts:
    """What drawing functions note when each part is drawn alone, and obey when all are drawn into one figure.

    Attributes
    ----------
    place:
        Where the next part is drawn; None while each is drawn alone.
    sizes:
        The size of each part in inches.
    layouts:
        The layout of each part, in matplotlib's words.
    colours:
        The lowest and highest number of all heat maps.
    rankings:
        The rankings of all parts, which colours tell apart.
    rows:
        The rows of all parts, those of the first part in its order, then others.
    """

    place: SubFigure | None = None
    sizes: list[tuple[float, float]] = field(default_factory=list)
    layouts: list[Any] = field(default_factory=list)
    colours: tuple[float, float] = (float("inf"), float("-inf"))
    rankings: set[str] = field(default_factory=set)
    rows: dict[Any, None] = field(default_factory=dict)

    def at(self, place: SubFigure) -> Parts:
        """The same, with the place of the next part."""
        return replace(self, place=place)


_CURRENT: ContextVar[Parts | None] = ContextVar("parts", default=None)


@contextmanager
def drawing(parts: Parts) -> Iterator[Parts]:
    """Within it, a figure that is drawn is one of several parts."""
    token = _CURRENT.set(parts)
    try:
        yield parts
    finally:
        _CURRENT.reset(token)


def placed(size: tuple[float, float], layout: Any) -> SubFigure | None:
    """Where a figure of this size is drawn, if it is a part; None if it is drawn alone."""
    if (parts := _CURRENT.get()) is None:
        return None
    if parts.place is None:
        parts.sizes.append(size)
        parts.layouts.append(layout)
    return parts.place


def colour_range(low: float, high: float) -> tuple[float, float]:
    """The lowest and highest number that the colours of a heat map tell apart, in all parts together.

    Examples
    --------
    >>> with drawing(Parts()):
    ...     colour_range(1.0, 2.0), colour_range(0.0, 1.0)
    ((1.0, 2.0), (0.0, 2.0))
    """
    if (parts := _CURRENT.get()) is None:
        return low, high
    parts.colours = (min(low, parts.colours[0]), max(high, parts.colours[1]))
    return parts.colours


def all_rankings(rankings: Iterable[str]) -> set[str]:
    """These rankings and those of the other parts: a ranking has one colour in all of them."""
    if (parts := _CURRENT.get()) is None:
        return set(rankings)
    parts.rankings |= set(rankings)
    return parts.rankings


def same_order(rows: Iterable[_Row]) -> list[_Row]:
    """The rows in the order of the first part, then others in their own.

    Examples
    --------
    >>> with drawing(Parts()):
    ...     same_order("ab"), same_order("cba")
    (['a', 'b'], ['a', 'b', 'c'])
    """
    rows = list(rows)
    if (parts := _CURRENT.get()) is None:
        return rows
    parts.rows |= dict.fromkeys(rows)
    return [row for row in parts.rows if row in rows]
