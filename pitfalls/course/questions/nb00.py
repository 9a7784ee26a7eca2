"""The exercise of notebook 00: how exercises work."""

from __future__ import annotations

from collections.abc import Sequence
from math import isclose

from pitfalls.course.checking import Answer, Exercise, expect
from pitfalls.course.questions.received import numbers

_PREDICTED = ["PL", "PL", "SG", "SG", "PL"]
_TRUE = ["PL", "SG", "SG", "SG", "SG"]


def accuracy(predicted: Sequence[str], true: Sequence[str]) -> float:
    """The share of the words whose predicted value is the true one.

    >>> accuracy(["PL", "PL", "SG", "SG", "PL"], ["PL", "SG", "SG", "SG", "SG"])
    0.6
    """
    return sum(p == t for p, t in zip(predicted, true, strict=True)) / len(true)


def _check_accuracy(answer: Answer) -> None:
    got = float(numbers(answer(list(_PREDICTED), list(_TRUE)), ()))
    expect(
        not isclose(got, 3),
        f"3 of {len(_TRUE)} words are right, and you returned the 3: divide by how many there are.",
    )
    expect(not isclose(got, 0.4), "0.4 is the share of words that are wrong: count those where the two agree.")
    expect(not isclose(got, 60), "That is a percentage; a share lies between 0 and 1.")
    expect(isclose(got, 0.6), f"3 of 5 words are right, a share of 0.6; yours is {got}.")
    longer, wanted = float(numbers(answer(["SG"] * 4, ["SG"] * 3 + ["PL"]), ())), 0.75
    expect(isclose(longer, wanted), f"For 4 words, 3 of them right, you say {longer}: does a number stand in the code?")


EXERCISES = (
    Exercise(
        id="00.1",
        title="an accuracy by hand",
        level=1,
        minutes=3,
        check=_check_accuracy,
        wrong={
            "a count": (lambda p, t: sum(a == b for a, b in zip(p, t, strict=True)), "divide by how many"),
            "the errors": (lambda p, t: 1 - accuracy(p, t), "words that are wrong"),
            "a percentage": (lambda p, t: 100 * accuracy(p, t), "percentage"),
            "five words": (lambda p, t: sum(a == b for a, b in zip(p, t, strict=True)) / 5, "number stand in the code"),
        },
    ),
)
