"""Exercise of notebook 12: how many items flip because of these neurons."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pitfalls.course.checking import Answer, Exercise
from pitfalls.course.questions.received import Mistakes, compare
from pitfalls.interventions.agreement import flipped

Margins = Sequence[float]


def _share(before: Margins, after: Margins) -> float:
    return float(flipped(np.asarray(before), np.asarray(after)).mean())


def _flips(before: Margins, after: Margins, at_random: Sequence[Margins]) -> float:
    return _share(before, after) - float(np.mean([_share(before, draw) for draw in at_random]))


def _became_wrong(before: Margins, after: Margins) -> float:
    return float(np.mean([b > 0 >= a for b, a in zip(before, after, strict=True)]))


_MISTAKES: Mistakes = {
    "That is the share of flips alone: a random push of the same size flips some items, too. Subtract "
    "the mean of the draws.": lambda before, after, at_random: _share(before, after),
    "You count the items that are wrong afterwards. Some were wrong before: count the margins that change "
    "their sign.": lambda before, after, at_random: (
        float(np.mean(np.asarray(after) <= 0)) - float(np.mean(np.asarray(at_random) <= 0))
    ),
    "You count only flips from right to wrong. A flip is a change of sign, in either direction.": lambda *given: (
        _became_wrong(given[0], given[1]) - float(np.mean([_became_wrong(given[0], draw) for draw in given[2]]))
    ),
    "That subtracts the luckiest draw. Chance is the mean over the draws.": lambda before, after, at_random: (
        _share(before, after) - max(_share(before, draw) for draw in at_random)
    ),
    "That subtracts the first draw only: take the mean over all draws.": lambda before, after, at_random: (
        _share(before, after) - _share(before, at_random[0])
    ),
}


def _check_flips(answer: Answer) -> None:
    cases = [
        ([2.0, 1.0, -0.5, 3.0], [-1.0, -2.0, 0.5, 1.0], [[2.0, -1.0, -0.5, 3.0], [2.0, 1.0, -0.5, 3.0]]),
        (
            [1.0, -1.0, 2.0, 0.5, 4.0],
            [1.0, -1.0, 1.0, -0.5, -4.0],
            [[1.0, -1.0, 2.0, 0.5, 4.0], [-1.0, 1.0, 2.0, 0.5, 4.0]],
        ),
    ]
    said = "With margins {case[0]} before and {case[1]} after it is {wanted}; yours is {yours}."
    compare(answer, _flips, cases, _MISTAKES, said)


EXERCISES = (
    Exercise("12.1", "flips that are due to these neurons", level=1, minutes=5, check=_check_flips, wrong=_MISTAKES),
)
