"""Exercises of notebook 08: how the step of a translation falls, where it leads, and on which words it is chosen."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pitfalls.course.checking import Answer, Exercise, expect
from pitfalls.course.questions.received import Mistakes, compare

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

# ---------------------------------------------------------------- 08.1: the factor of each rank


def _coefficients(beta: float, d: int) -> Floats:
    return np.asarray(np.geomspace(beta, 0.001, d))


_FACTORS: Mistakes = {
    "Yours falls by the same amount at each rank. Evenly in the logarithm means: by the same factor.": lambda beta, d: (
        np.linspace(beta, 0.001, d)
    ),
    "Yours starts at beta and does not quite get to 0.001. The ranks run from 0 to d - 1: by what must "
    "r be divided to give 1 for the last one?": lambda beta, d: np.asarray(
        beta * (1 / (1000 * beta)) ** (np.arange(d) / d)
    ),
    "The last factor should be 0.001 itself, whatever beta is; yours is beta / 1000.": lambda beta, d: np.asarray(
        np.geomspace(beta, beta / 1000, d)
    ),
    "Yours rises. The first neuron of the ranking is pushed hardest.": lambda beta, d: _coefficients(beta, d)[::-1],
    "Your first factor is below beta. The first rank is 0, not 1.": lambda beta, d: np.asarray(
        beta * (1 / (1000 * beta)) ** (np.arange(1, d + 1) / d)
    ),
}


def _check_coefficients(answer: Answer) -> None:
    said = (
        "With beta = {case[0]:g} and d = {case[1]} the factors go from beta to 0.001, each lower than the "
        "one before it by the same factor: {wanted}. Yours are {yours}."
    )
    compare(answer, _coefficients, [(8.0, 5), (4.0, 128)], _FACTORS, said)


# ---------------------------------------------------------------- 08.2: one translation


def _move(states: Floats, y: Whole, q: Floats, aims: Whole, order: Whole, alpha: Floats, k: int) -> Floats:
    """The step towards ``aims`` [n_values]."""
    after, first = states.copy(), order[:k]
    after[:, first] += alpha[:k] * (q[aims] - q)[y][:, first]
    return after


def _translate(states: Floats, y: Whole, q: Floats, order: Whole, alpha: Floats, k: int) -> Floats:
    return _move(states, y, q, np.roll(np.arange(len(q)), -1), order, alpha, k)


def _previous_value(states: Floats, y: Whole, q: Floats, order: Whole, alpha: Floats, k: int) -> Floats:
    return _move(states, y, q, np.roll(np.arange(len(q)), 1), order, alpha, k)


def _last_stays(states: Floats, y: Whole, q: Floats, order: Whole, alpha: Floats, k: int) -> Floats:
    return _move(states, y, q, np.minimum(np.arange(len(q)) + 1, len(q) - 1), order, alpha, k)


def _from_the_word_itself(states: Floats, y: Whole, q: Floats, order: Whole, alpha: Floats, k: int) -> Floats:
    after, first = states.copy(), order[:k]
    after[:, first] += alpha[:k] * (q[(y + 1) % len(q)] - states)[:, first]
    return after


def _translate_in_place(states: Floats, y: Whole, q: Floats, order: Whole, alpha: Floats, k: int) -> Floats:
    states[:] = _translate(states, y, q, order, alpha, k)
    return states


_TRANSLATIONS: Mistakes = {
    "Your words go to the value before theirs. z' is the next one, z + 1. (With two values you would "
    "not have noticed.)": _previous_value,
    "The words of the last value stay where they are. The next value is taken in a cycle: after the last "
    "comes the first.": _last_stays,
    "Your words move away from the next value. The difference is q(z') - q(z), with "
    "the aim first.": lambda states, y, q, order, alpha, k: 2 * states - _translate(states, y, q, order, alpha, k),
    "The factor belongs to the rank: `alpha[0]` is for neuron `order[0]`. Did you take `alpha` by "
    "the neuron's number?": lambda states, y, q, order, alpha, k: _translate(states, y, q, order, alpha[order], k),
    "You subtract the word itself. All words of a value move by the same step, from the mean of "
    "their own value to that of the next: q(z') - q(z).": _from_the_word_itself,
    "You moved all neurons. Only the first k of the ranking are moved.": lambda states, y, q, order, alpha, k: (
        _translate(states, y, q, order, alpha, len(order))
    ),
}


def _check_translate(answer: Answer) -> None:
    generator = np.random.default_rng(8)
    # Three values: with two, the next and the previous would be the same.
    q, order = generator.normal(size=(3, 6)) * 2, np.array([3, 0, 5, 1, 4, 2])
    y, alpha = np.array([2, 0, 1, 1, 2, 0, 0]), _coefficients(4.0, 6)
    states = q[y] + generator.normal(size=(7, 6))
    case = (states, y, q, order, alpha, 3)
    said = f"With k = 3 and the ranking {order.tolist()} words should move to\n{{wanted}}\nand yours move to\n{{yours}}"
    compare(answer, _translate, [case], _TRANSLATIONS, said)
    given, *others = deepcopy(case)
    answer(given, *others)
    expect(
        not np.array_equal(given, _translate(*case)),
        "The result is right, but you changed the array that you were given: the next k would start from words that "
        "have moved already. Work on a copy.",
    )


# ---------------------------------------------------------------- 08.3: choose on dev, report on test


def _best(curves: pd.DataFrame) -> tuple[float, int]:
    row = curves.iloc[int(curves["clwv"].to_numpy().argmax())]
    return float(row["beta"]), int(row["k"])


def _at(curves: pd.DataFrame, split: str, beta: float, k: int) -> float:
    here = (curves["split"] == split) & (curves["beta"] == beta) & (curves["k"] == k)
    return float(curves.loc[here, "clwv"].iloc[0])


def _report(curves: pd.DataFrame) -> tuple[float, int, float]:
    beta, k = _best(curves[curves["split"] == "dev"])
    return beta, k, _at(curves, "test", beta, k)


def _chosen_on_test(curves: pd.DataFrame) -> tuple[float, int, float]:
    beta, k = _best(curves[curves["split"] == "test"])
    return beta, k, _at(curves, "test", beta, k)


def _reported_on_dev(curves: pd.DataFrame) -> tuple[float, int, float]:
    beta, k = _best(curves[curves["split"] == "dev"])
    return beta, k, _at(curves, "dev", beta, k)


def _k_of_test(curves: pd.DataFrame) -> tuple[float, int, float]:
    beta, _ = _best(curves[curves["split"] == "dev"])
    _, k = _best(curves[(curves["split"] == "test") & (curves["beta"] == beta)])
    return beta, k, _at(curves, "test", beta, k)


def _chosen_on_both(curves: pd.DataFrame) -> tuple[float, int, float]:
    beta, k = _best(curves.groupby(["beta", "k"])[["clwv"]].mean().reset_index())
    return beta, k, _at(curves, "test", beta, k)


def _curves() -> pd.DataFrame:
    """A table in which each way of choosing gives a different answer."""
    betas, ks = [2.0, 4.0, 8.0], [8, 16, 32]
    dev = [[0.05, 0.12, 0.20], [0.14, 0.41, 0.33], [0.30, 0.38, 0.11]]
    test = [[0.04, 0.10, 0.47], [0.11, 0.29, 0.36], [0.28, 0.33, 0.15]]
    rows = [
        (split, beta, k, clwv)
        for split, table in (("test", test), ("dev", dev))
        for beta, of_beta in zip(betas, table, strict=True)
        for k, clwv in zip(ks, of_beta, strict=True)
    ]
    return pd.DataFrame(rows, columns=["split", "beta", "k", "clwv"])


_REPORTS: Mistakes = {
    "You chose on the test words. A strength that was picked there flatters whatever it was picked "
    "for: choose beta and k on dev.": _chosen_on_test,
    "You were right to choose on dev. But the CLWV that you report is that of dev, where it was the "
    "highest of many: report the same beta and k on test.": _reported_on_dev,
    "The beta is dev's, but the k is the best one of test. k is a choice as well: take it from dev.": _k_of_test,
    "You chose on the mean of both splits, so the test words had half a say in the choice that they "
    "judge: choose on dev alone.": _chosen_on_both,
}


def _check_report(answer: Answer) -> None:
    said = "For the table of the check, beta, k and CLWV are {wanted}, in this order; yours are {yours}."
    compare(answer, _report, [(_curves(),)], _REPORTS, said)


EXERCISES = (
    Exercise("08.1", "a step that falls with the rank", level=2, minutes=10, check=_check_coefficients, wrong=_FACTORS),
    Exercise(
        "08.2",
        "one translation by hand",
        level=3,
        minutes=15,
        check=_check_translate,
        wrong={**_TRANSLATIONS, "Work on a copy": _translate_in_place},
    ),
    Exercise("08.3", "choose on dev, report on test", level=2, minutes=10, check=_check_report, wrong=_REPORTS),
)
