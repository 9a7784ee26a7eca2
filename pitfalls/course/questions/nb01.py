"""Exercises of notebook 01: how much one neuron tells, and the two rates of an intervention."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pitfalls.course.checking import Answer, Exercise
from pitfalls.course.questions.received import Mistakes, compare

Words = NDArray[np.float64]
Labels = NDArray[np.int64]

# ---------------------------------------------------------------- 01.1: one neuron


def _accuracy_of_one_neuron(train_x: Words, train_y: Labels, test_x: Words, test_y: Labels) -> float:
    means = np.array([train_x[train_y == value].mean() for value in (0, 1)])
    nearest = np.abs(test_x[:, None] - means).argmin(axis=1)
    return float((nearest == test_y).mean())


def _cut_at_mean_of_all(train_x: Words, train_y: Labels, test_x: Words, test_y: Labels) -> float:
    higher = int(train_x[train_y == 1].mean() > train_x[train_y == 0].mean())
    return float((np.where(test_x > train_x.mean(), higher, 1 - higher) == test_y).mean())


def _one_is_above(train_x: Words, train_y: Labels, test_x: Words, test_y: Labels) -> float:
    cut = (train_x[train_y == 0].mean() + train_x[train_y == 1].mean()) / 2
    return float(((test_x > cut) == test_y).mean())


def _neurons() -> list[tuple[Words, Labels, Words, Labels]]:
    """A neuron that is higher for value 1, and one that is higher for value 0."""
    generator = np.random.default_rng(1)
    train_y, test_y = np.repeat([0, 1], [300, 60]), np.repeat([0, 1], [50, 150])
    # The test words lie a little higher, so that their means differ from those of train.
    train_x = 2.0 * train_y + generator.normal(size=360)
    test_x = 2.0 * test_y + 0.6 + generator.normal(size=200)
    return [(train_x, train_y, test_x, test_y), (-train_x, train_y, -test_x, test_y)]


_MEANS: Mistakes = {
    "Did you use the test words for the means? A probe must not see them before it is judged: take "
    "both means from train.": lambda train_x, train_y, test_x, test_y: _accuracy_of_one_neuron(
        test_x, test_y, test_x, test_y
    ),
    "This is the accuracy on the training words. What counts is how it does on words that it has not "
    "seen.": lambda train_x, train_y, test_x, test_y: _accuracy_of_one_neuron(train_x, train_y, train_x, train_y),
    "Did you cut at the mean of all words? Where one value has more words, that mean lies close "
    "to it. The cut lies halfway between the two values' means.": _cut_at_mean_of_all,
    "For this neuron value 0 has the higher mean. Does your answer take for granted that value 1 lies "
    "above the cut?": _one_is_above,
}


def _check_one_neuron(answer: Answer) -> None:
    compare(
        answer,
        _accuracy_of_one_neuron,
        _neurons(),
        _MEANS,
        "On a neuron of the check the accuracy is {wanted}; yours is {yours}. Each test word gets the value whose "
        "training mean is nearer.",
    )


# ---------------------------------------------------------------- 01.2: error rate and CLWV


def _rates(outcomes: Sequence[str]) -> tuple[float, float]:
    words = len(outcomes)
    changed = sum(outcome != "unchanged" for outcome in outcomes)
    return changed / words, sum(outcome in ("intended", "another") for outcome in outcomes) / words


def _share_of_changed(outcomes: Sequence[str]) -> tuple[float, float]:
    error, clwv = _rates(outcomes)
    return error, clwv / error


def _intended_is_no_error(outcomes: Sequence[str]) -> tuple[float, float]:
    error, clwv = _rates(outcomes)
    return error - clwv, clwv


def _any_lemma(outcomes: Sequence[str]) -> tuple[float, float]:
    error, clwv = _rates(outcomes)
    return error, clwv + sum(outcome == "wrong_intended" for outcome in outcomes) / len(outcomes)


def _intended_only(outcomes: Sequence[str]) -> tuple[float, float]:
    return _rates(outcomes)[0], sum(outcome == "intended" for outcome in outcomes) / len(outcomes)


def _other_order(outcomes: Sequence[str]) -> tuple[float, float]:
    error, clwv = _rates(outcomes)
    return clwv, error


_RATES: Mistakes = {
    "Both rates are shares of all words, including the unchanged ones. Did you divide CLWV by the "
    "words that changed?": _share_of_changed,
    "Every word that came out different is an error, even one that changed as intended. Did you "
    "leave those out of the error rate?": _intended_is_no_error,
    "'wrong_intended' is a word of another lemma that has the intended value. The CL of CLWV stands for "
    "correct lemma.": _any_lemma,
    "With three values a word can come out with the third one. That is a wrong value too: did you "
    "forget 'another'?": _intended_only,
    "These are the two rates in the other order: the error rate comes first.": _other_order,
}
_COUNTS = {
    "unchanged": 27,
    "intended": 12,
    "another": 3,
    "same": 2,
    "lost": 1,
    "wrong_intended": 7,
    "wrong_other": 5,
    "split": 4,
    "unknown": 3,
}


def _check_rates(answer: Answer) -> None:
    outcomes = [outcome for outcome, count in _COUNTS.items() for _ in range(count)]
    said = f"For a list with {', '.join(f'{count} {outcome}' for outcome, count in _COUNTS.items())} the rates are "
    compare(answer, _rates, [(outcomes,)], _RATES, said + "{wanted}; yours are {yours}.")


EXERCISES = (
    Exercise("01.1", "how much does one neuron tell?", level=2, minutes=10, check=_check_one_neuron, wrong=_MEANS),
    Exercise(
        "01.2", "error rate and CLWV from a list of outcomes", level=1, minutes=5, check=_check_rates, wrong=_RATES
    ),
)
