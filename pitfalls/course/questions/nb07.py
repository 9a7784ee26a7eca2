"""Exercises of notebook 07: ablation of states, chance as a yardstick, and the mean in place of the zero."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pitfalls.course.checking import Answer, Exercise, expect
from pitfalls.course.questions.received import Mistakes, compare

States = NDArray[np.float64]
Order = NDArray[np.int64]
Rows = NDArray[np.bool_]

# ---------------------------------------------------------------- 07.1: ablate the first k


def _ablate(states: States, changed: Rows, order: Order, k: int) -> States:
    after = states.copy()
    after[np.ix_(changed, order[:k])] = 0
    return after


def _in_place(states: States, changed: Rows, order: Order, k: int) -> States:
    states[np.ix_(changed, order[:k])] = 0
    return states


_ABLATIONS: Mistakes = {
    "Those are the last k of the ranking. The first k are `order[:k]`.": lambda states, changed, order, k: _ablate(
        states, changed, order[::-1], k
    ),
    "Those are neurons 0 to k - 1 of the layer. The ranking says which come first: `order[:k]` "
    "are their columns.": lambda states, changed, order, k: _ablate(states, changed, np.arange(len(order)), k),
    "You changed every word. Words without the attribute are left alone: look "
    "at `changed`.": lambda states, changed, order, k: _ablate(states, np.ones_like(changed), order, k),
    "You took out everything but the first k. Set only the first k to zero.": lambda states, changed, order, k: _ablate(
        states, changed, order[k:], len(order)
    ),
}


def _check_ablate(answer: Answer) -> None:
    generator = np.random.default_rng(7)
    states = generator.normal(size=(5, 8)) + 3
    changed, order = np.array([True, False, True, True, False]), np.array([5, 2, 7, 0, 3, 6, 1, 4])
    # k = 0 and k = d are where an off-by-one and an empty slice such as [-0:] show.
    cases = [(states, changed, order, k) for k in (3, 0, len(order))]
    said = f"With k = {{case[3]}} and the ranking {order.tolist()} the states are\n{{wanted}}\nand yours are\n{{yours}}"
    compare(answer, _ablate, cases, _ABLATIONS, said)
    given = states.copy()
    answer(given, changed.copy(), order.copy(), 3)
    expect(
        not np.array_equal(given, _ablate(states, changed, order, 3)),
        "The result is right, but you changed the array that you were given: the next k would start from damaged "
        "states. Work on a copy.",
    )


# ---------------------------------------------------------------- 07.2: more harm than chance?


def _p_value(harm: float, random_harms: States) -> float:
    return float((1 + (random_harms >= harm).sum()) / (1 + len(random_harms)))


_P_VALUES: Mistakes = {
    "Your p can be 0, but a few draws cannot show that chance never does it. Count the ranking "
    "itself as one more draw, above and below the line.": lambda harm, random_harms: float(
        (random_harms >= harm).mean()
    ),
    "You added 1 below the line only. The ranking itself does at least as much harm as itself: "
    "add 1 above the line, too.": lambda harm, random_harms: float(
        (random_harms >= harm).sum() / (1 + len(random_harms))
    ),
    "A draw that does exactly as much harm counts against the ranking: at least as "
    "much, not more.": lambda harm, random_harms: float((1 + (random_harms > harm).sum()) / (1 + len(random_harms))),
    "That is the share of draws that do no more harm. The question is how often chance does at least as "
    "much harm.": lambda harm, random_harms: float((1 + (random_harms <= harm).sum()) / (1 + len(random_harms))),
}


def _check_p_value(answer: Answer) -> None:
    draws = np.array([0.25, 0.125, 0.375, 0.25, 0.5, 0.0625, 0.1875, 0.25, 0.3125])
    said = f"For the error rate {{case[0]}} and random ones of {draws.tolist()} p is {{wanted}}; yours is {{yours}}."
    compare(answer, _p_value, [(harm, draws) for harm in (0.25, 0.75, 0.0625)], _P_VALUES, said)


# ---------------------------------------------------------------- 07.3: the mean in place of the zero


def _mean_ablate(train: States, test: States, order: Order, k: int) -> States:
    after = test.copy()
    after[:, order[:k]] = train.mean(axis=0)[order[:k]]
    return after


def _means_in_wrong_places(train: States, test: States, order: Order, k: int) -> States:
    after = test.copy()
    after[:, order[:k]] = train.mean(axis=0)[:k]
    return after


def _mean_of_the_word(train: States, test: States, order: Order, k: int) -> States:
    after = test.copy()
    after[:, order[:k]] = test.mean(axis=1, keepdims=True)
    return after


_MEAN_ABLATIONS: Mistakes = {
    "Those are the means of the test words. The words that a model is judged on must not shape the "
    "intervention: take the means from train.": lambda train, test, order, k: _mean_ablate(test, test, order, k),
    "That is one mean of all numbers. Each neuron has its own mean, over the "
    "words: `axis=0`.": lambda train, test, order, k: _mean_ablate(np.full_like(train, train.mean()), test, order, k),
    "The right means in the wrong places: neuron `order[0]` gets the mean of neuron "
    "`order[0]`, not that of neuron 0.": _means_in_wrong_places,
    "That is the mean of a word over its neurons. The task is the mean of a neuron over "
    "the training words.": _mean_of_the_word,
    "That is the other ablation: you set the neurons to zero.": lambda train, test, order, k: _mean_ablate(
        np.zeros_like(train), test, order, k
    ),
}


def _check_mean_ablate(answer: Answer) -> None:
    generator = np.random.default_rng(3)
    offsets = np.arange(6) * 2.0
    # The test words lie elsewhere, as words of other sentences do, so that their means differ.
    train, test = generator.normal(size=(40, 6)) + offsets, generator.normal(size=(7, 6)) + offsets + 1
    order = np.array([4, 1, 5, 0, 3, 2])
    said = (
        f"With k = {{case[3]}} and the ranking {order.tolist()}, the columns of the first k neurons should hold their "
        "training means, the same in every row, and all other columns should be as they were."
    )
    compare(answer, _mean_ablate, [(train, test, order, k) for k in (2, 4)], _MEAN_ABLATIONS, said)


EXERCISES = (
    Exercise(
        "07.1",
        "take out the first k",
        level=1,
        minutes=5,
        check=_check_ablate,
        wrong={**_ABLATIONS, "Work on a copy": _in_place},
    ),
    Exercise("07.2", "more harm than chance?", level=2, minutes=10, check=_check_p_value, wrong=_P_VALUES),
    Exercise(
        "07.3", "the mean in place of the zero", level=2, minutes=5, check=_check_mean_ablate, wrong=_MEAN_ABLATIONS
    ),
)
