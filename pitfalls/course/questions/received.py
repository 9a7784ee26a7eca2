"""What a student's function gave back: read as numbers, compared, and explained by the mistake that gives the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pitfalls.course.checking import WrongAnswer, expect


def numbers(received: Any, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """An answer as an array of the shape that was asked for.

    Raises
    ------
    WrongAnswer
        It is None, no array of numbers, or has another shape.

    Examples
    --------
    >>> numbers((1, 2), (2,)).tolist()
    [1.0, 2.0]
    """
    expect(received is not None, "Your function gives back None. Is there a `return`?")
    try:
        found = np.asarray(received, dtype=np.float64)
    except (TypeError, ValueError):
        raise WrongAnswer(f"Numbers were asked for, and your function gives back {received!r}.") from None
    expect(
        found.shape == shape, f"The answer should have the shape {shape}; yours has {found.shape}. Compare the task."
    )
    return found


def explain(received: NDArray[Any], right: ArrayLike, mistakes: Mapping[str, ArrayLike], otherwise: str) -> None:
    """Let a right answer pass, and give a wrong one the hint of the mistake that leads to it.

    Parameters
    ----------
    mistakes:
        What each mistake gives on the same input, by its hint.
    otherwise:
        Said of an answer that no known mistake gives.

    Raises
    ------
    WrongAnswer
        It is not right.

    Examples
    --------
    >>> explain(np.array([3.0]), [3.0], {"Did you subtract?": [-1.0]}, "2 + 1 is asked for.")
    """
    if _same(received, right):
        return
    for hint, result in mistakes.items():
        expect(not _same(received, result), hint)
    raise WrongAnswer(otherwise)


def _same(one: ArrayLike, other: ArrayLike) -> bool:
    # Students' sums may run in another order; the inputs of the checks keep mistakes much farther apart.
    return np.shape(one) == np.shape(other) and np.allclose(one, other, rtol=1e-9, atol=1e-9)
