"""The exercise of notebook 00: how exercises work."""

from __future__ import annotations

from collections.abc import Sequence

from pitfalls.course.checking import Answer, Exercise
from pitfalls.course.questions.received import Mistakes, compare

_PREDICTED = ["PL", "PL", "SG", "SG", "PL"]
_TRUE = ["PL", "SG", "SG", "SG", "SG"]


def accuracy(predicted: Sequence[str], true: Sequence[str]) -> float:
    """The share of the words whose predicted value is the true one.

    >>> accuracy(["PL", "PL", "SG", "SG", "PL"], ["PL", "SG", "SG", "SG", "SG"])
    0.6
    """
    return sum(p == t for p, t in zip(predicted, true, strict=True)) / len(true)


def _a_count(predicted: Sequence[str], true: Sequence[str]) -> float:
    return sum(p == t for p, t in zip(predicted, true, strict=True))


_MISTAKES: Mistakes = {
    f"3 of {len(_TRUE)} words are right, and you returned 3: divide by the number of words.": _a_count,
    "0.4 is the share of words that are wrong: count those for which the two agree.": lambda predicted, true: (
        1 - accuracy(predicted, true)
    ),
    "That is a percentage; a share lies between 0 and 1.": lambda predicted, true: 100 * accuracy(predicted, true),
}


def _check_accuracy(answer: Answer) -> None:
    said = "3 of 5 words are right, a share of {wanted}; yours is {yours}."
    compare(answer, accuracy, [(_PREDICTED, _TRUE)], _MISTAKES, said)
    said = "For 4 words, 3 of them right, you say {yours}: is there a fixed number in your code?"
    compare(answer, accuracy, [(["SG"] * 4, ["SG"] * 3 + ["PL"])], {}, said)


EXERCISES = (
    Exercise(
        "00.1",
        "an accuracy by hand",
        level=1,
        minutes=3,
        check=_check_accuracy,
        wrong={**_MISTAKES, "a fixed number in your code": lambda predicted, true: _a_count(predicted, true) / 5},
    ),
)
