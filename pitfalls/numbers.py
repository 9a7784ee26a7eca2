"""Numbers that users give: seeds, layers, how many sentences to draw, strengths."""

from __future__ import annotations

import operator
from numbers import Real
from typing import Any


def whole(value: Any, what: str, least: int = 0) -> int:
    """Return ``value`` as an int; ``what`` is what the message calls it.

    Raises
    ------
    ValueError
        If it is not a whole number (1.0, True and "1" are not), or is below ``least``.

    Examples
    --------
    >>> whole(3, "a seed")
    3
    >>> whole(1.5, "a seed")
    Traceback (most recent call last):
    ...
    ValueError: a seed must be a whole number, 0 or more, not 1.5
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool) or number < least:
        raise ValueError(f"{what} must be a whole number, {least} or more, not {value!r}")
    return number


def is_number(value: Any) -> bool:
    """Whether ``value`` is a real number and not a truth value.

    >>> is_number(2), is_number(0.5), is_number(True), is_number("4")
    (True, True, False, False)
    """
    return isinstance(value, Real) and not isinstance(value, bool)
