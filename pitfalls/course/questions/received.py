"""What a student's function returns: read as numbers, compared, and explained by the mistake that returns the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pitfalls.course.checking import Answer, WrongAnswer, expect

#: Hints, each with the mistake that it explains.
Mistakes = Mapping[str, Answer]


def numbers(received: Any, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """An answer as an array of the wanted shape.

    Raises
    ------
    WrongAnswer
        If it is None, is not an array of numbers, or has another shape.

    Examples
    --------
    >>> numbers((1, 2), (2,)).tolist()
    [1.0, 2.0]
    """
    expect(received is not None, "Your function returns None. Did you forget the `return`?")
    try:
        found = np.asarray(received, dtype=np.float64)
    except (TypeError, ValueError):
        raise WrongAnswer(f"The task asks for numbers, but your function returns {received!r}.") from None
    expect(found.shape == shape, f"The answer should have the shape {shape}; yours has {found.shape}. Check the task.")
    return found


def compare(
    answer: Answer,
    right: Answer,
    cases: Sequence[tuple[Any, ...]],
    mistakes: Mistakes,
    otherwise: str,
    rtol: float = 1e-9,
) -> None:
    """Accept an answer that returns the same numbers as ``right`` in all cases; give any other answer a hint.

    Parameters
    ----------
    cases:
        Arguments; each function gets its own copy of them.
    mistakes:
        Wrong answers by their hints; an answer that returns the same as one of them in all cases gets its hint.
    otherwise:
        The hint for all other answers, with ``{case}``, ``{wanted}`` and ``{yours}`` of the first case they get wrong.
    rtol:
        How far numbers may lie from the right ones, as a share of the latter. Sums may be taken in another order; with
        the checks' inputs, mistakes lie much farther off.

    Raises
    ------
    WrongAnswer
        If the answer is wrong.

    Examples
    --------
    >>> compare(lambda a, b: a * b, lambda a, b: a + b, [(2, 2), (2, 1)], {}, "It is {wanted}; yours is {yours}.")
    Traceback (most recent call last):
        ...
    pitfalls.course.checking.WrongAnswer: It is 3.0; yours is 2.0.
    """
    wanted = [np.asarray(right(*deepcopy(case)), dtype=np.float64) for case in cases]
    yours = [numbers(answer(*deepcopy(case)), one.shape) for case, one in zip(cases, wanted, strict=True)]
    missed = [i for i in range(len(cases)) if not np.allclose(yours[i], wanted[i], rtol=rtol, atol=1e-9)]
    if missed:
        for hint, mistake in mistakes.items():
            expect(not all(_same(mistake(*deepcopy(case)), one) for case, one in zip(cases, yours, strict=True)), hint)
        first = missed[0]
        said = {"wanted": wanted[first].round(4).tolist(), "yours": yours[first].round(4).tolist()}
        raise WrongAnswer(otherwise.format(case=cases[first], **said))


def _same(one: Any, other: Any) -> bool:
    return np.shape(one) == np.shape(other) and np.allclose(one, other, rtol=1e-9, atol=1e-9)
