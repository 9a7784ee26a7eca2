"""Exercises of notebook 01: how much one neuron tells, and the two rates of an intervention."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pitfalls.course.checking import Answer, Exercise
from pitfalls.course.questions.received import explain, numbers

Words = NDArray[np.float64]
Labels = NDArray[np.int64]

# ---------------------------------------------------------------- 01.1: one neuron


def _accuracy_of_one_neuron(train_x: Words, train_y: Labels, test_x: Words, test_y: Labels) -> float:
    means = np.array([train_x[train_y == value].mean() for value in (0, 1)])
    nearest = np.abs(test_x[:, None] - means).argmin(axis=1)
    return float((nearest == test_y).mean())


def _means_of_test(train_x: Words, train_y: Labels, test_x: Words, test_y: Labels) -> float:
    return _accuracy_of_one_neuron(test_x, test_y, test_x, test_y)


def _judged_on_train(train_x: Words, train_y: Labels, test_x: Words, test_y: Labels) -> float:
    return _accuracy_of_one_neuron(train_x, train_y, train_x, train_y)


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
    # The test words lie a little higher: so their means are others than those of train.
    train_x = 2.0 * train_y + generator.normal(size=360)
    test_x = 2.0 * test_y + 0.6 + generator.normal(size=200)
    return [(train_x, train_y, test_x, test_y), (-train_x, train_y, -test_x, test_y)]


def _check_one_neuron(answer: Answer) -> None:
    for words in _neurons():
        received = numbers(answer(*(part.copy() for part in words)), ())
        explain(
            received,
            _accuracy_of_one_neuron(*words),
            {
                "Did the test words help to make the means? A probe must not see them before it is judged: take both "
                "means from train.": _means_of_test(*words),
                "This is the accuracy on the training words. What counts is how it does on words that it has not "
                "seen.": _judged_on_train(*words),
                "Did you cut at the mean of all words? Where one value has more words, that mean lies close to it. "
                "The cut lies halfway between the two values' means.": _cut_at_mean_of_all(*words),
                "For this neuron value 0 has the higher mean. Does your answer take for granted that value 1 lies "
                "above the cut?": _one_is_above(*words),
            },
            f"On a neuron of the check the accuracy is {_accuracy_of_one_neuron(*words):.3f}; yours is "
            f"{float(received):.3f}. Each test word gets the value whose training mean is nearer.",
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


def _check_rates(answer: Answer) -> None:
    counts = {
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
    outcomes = [outcome for outcome, count in counts.items() for _ in range(count)]
    received = numbers(answer(list(outcomes)), (2,))
    error, clwv = _rates(outcomes)
    explain(
        received,
        (error, clwv),
        {
            "Both rates are shares of all words, the unchanged ones included. Did you divide CLWV by the words that "
            "changed?": _share_of_changed(outcomes),
            "Every word that came out different is an error, also one that changed as intended. Did you leave those "
            "out of the error rate?": _intended_is_no_error(outcomes),
            "'wrong_intended' is a word of another lemma that has the value aimed at. The CL of CLWV stands for "
            "correct lemma.": _any_lemma(outcomes),
            "With three values a word can come out with the third one. That is a wrong value too: did you forget "
            "'another'?": _intended_only(outcomes),
            "These are the two rates in the other order: the error rate comes first.": (clwv, error),
        },
        f"For a list of the check the rates are {error:.3f} and {clwv:.3f}; yours are {received[0]:.3f} and "
        f"{received[1]:.3f}. The list has {counts}.",
    )


EXERCISES = (
    Exercise(
        "01.1",
        "how much does one neuron tell?",
        level=2,
        minutes=10,
        check=_check_one_neuron,
        wrong={
            "the means are those of test": (_means_of_test, "Did the test words help"),
            "judged on train": (_judged_on_train, "accuracy on the training words"),
            "cut at the mean of all words": (_cut_at_mean_of_all, "mean of all words"),
            "value 1 lies above": (_one_is_above, "value 0 has the higher mean"),
        },
    ),
    Exercise(
        "01.2",
        "error rate and CLWV from a list of outcomes",
        level=1,
        minutes=5,
        check=_check_rates,
        wrong={
            "share of the changed words": (_share_of_changed, "shares of all words"),
            "an intended change is no error": (_intended_is_no_error, "also one that changed as intended"),
            "any lemma counts": (_any_lemma, "correct lemma"),
            "only the intended value counts": (_intended_only, "forget 'another'"),
        },
    ),
)
