"""The exercise of notebook 10: where a curve saturates, as the paper's table counts it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pitfalls.course.checking import Answer, Exercise, expect
from pitfalls.course.questions.received import Mistakes, compare
from pitfalls.interventions.saturation import saturation_index

# ---------------------------------------------------------------- 10.1: the saturation point


def _first(curve: Sequence[float], growth: float, later: float, points: int) -> int:
    for i in range(len(curve) - 2):
        flat = all(curve[i + step] / curve[i] < growth for step in range(1, points + 1))
        if flat and curve[-1] - curve[i] <= later:
            return i
    return len(curve) - 1


def _differences(curve: Sequence[float]) -> int:
    for i in range(len(curve) - 2):
        if max(curve[i + 1], curve[i + 2]) - curve[i] < 0.05 and curve[-1] - curve[i] <= 0.1:
            return i
    return len(curve) - 1


def _later_gain_in_percent(curve: Sequence[float]) -> int:
    for i in range(len(curve) - 2):
        if max(curve[i + 1], curve[i + 2]) / curve[i] < 1.05 and curve[-1] / curve[i] <= 1.1:
            return i
    return len(curve) - 1


def _nothing_at_the_end(curve: Sequence[float]) -> int | None:
    found = _first(curve, 1.05, 0.1, points=2)
    return None if found == len(curve) - 1 else found


_CURVES = (
    [0.02, 0.2, 0.36, 0.37, 0.365, 0.3],
    [0.1, 0.1, 0.1, 0.9],
    [0.3, 0.5, 0.51, 0.6, 0.62, 0.61, 0.6],
    [0.02, 0.03, 0.04, 0.06, 0.07, 0.07, 0.07],
    [0.1, 0.2, 0.3, 0.4, 0.5],
    [0.3, 0.31, 0.3, 0.35, 0.36, 0.36],
)


_MISTAKES: Mistakes = {
    "You looked at the next point only. Neither of the next *two* may be 1.05 times as high or more: "
    "one small step is not the end of a curve.": lambda curve: _first(curve, 1.05, 0.1, points=1),
    "A flat beginning is not saturation: a point is passed over when the last one is more than 0.1 "
    "above it.": lambda curve: _first(curve, 1.05, float("inf"), points=2),
    "You compared differences. The growth is a ratio: s[i + 1] / s[i].": _differences,
    "That is where the curve is highest. The table has both, and they are not the same.": lambda curve: int(
        np.argmax(curve)
    ),
    "The two limits are of different kinds: 1.05 is a ratio, and the 0.1 of the last point is "
    "a difference.": _later_gain_in_percent,
}


def _check_saturation(answer: Answer) -> None:
    def index(curve: Sequence[float]) -> float:
        found = answer(list(curve))
        expect(
            found is not None or saturation_index(curve) < len(curve) - 1,
            f"In {curve} no point fits, and your function returns None. Such a curve is said to saturate at its "
            "last point.",
        )
        return found

    said = "The curve {case[0]} saturates at index {wanted:g}, counted from 0; you say {yours:g}."
    compare(index, saturation_index, [(curve,) for curve in _CURVES], _MISTAKES, said)


EXERCISES = (
    Exercise(
        "10.1",
        "where does a curve saturate?",
        level=2,
        minutes=10,
        check=_check_saturation,
        wrong={**_MISTAKES, "no point fits": _nothing_at_the_end},
    ),
)
