"""Exercises of notebook 04: Probeless by hand, a greedy search, precision@k, and overlap compared with chance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations, permutations

import numpy as np
from numpy.typing import NDArray

from pitfalls.course.checking import Answer, Exercise, expect
from pitfalls.course.questions.received import Mistakes, compare, numbers

Scores = NDArray[np.float64]
Order = NDArray[np.int64]
Mask = NDArray[np.bool_]

# ---------------------------------------------------------------- 04.1: Probeless


def _probeless(means: Scores) -> Scores:
    return np.sum([np.abs(a - b) for a, b in combinations(means, 2)], axis=0)


def _without_absolute_value(means: Scores) -> Scores:
    return np.sum([a - b for a, b in combinations(means, 2)], axis=0)


_SCORES: Mistakes = {
    "Some scores are negative or too small: did you forget the absolute value? A neuron that "
    "is lower for the first value separates the two as well.": _without_absolute_value,
    "Take the absolute value of each pair's difference, before the sum. Otherwise the "
    "pairs cancel each other.": lambda means: np.abs(_without_absolute_value(means)),
    "Did you compare only the first two values? There are more pairs.": lambda means: np.abs(means[0] - means[1]),
    "Each score is twice as large as it should be: every pair of values counts once, not once in each "
    "order.": lambda means: np.sum([np.abs(a - b) for a, b in permutations(means, 2)], axis=0),
    "Did you compare each value only with the next one? All pairs count, including the first and the last "
    "value.": lambda means: np.abs(np.diff(means, axis=0)).sum(axis=0),
}


def _check_probeless(answer: Answer) -> None:
    # Four values, too: with three, comparing neighbours would miss only one pair, and signs could cancel by luck.
    means = np.array([[0.0, 1.0, -2.0, 4.0, 1.5], [3.0, 1.0, 2.0, -1.0, 0.5], [1.0, 1.0, 0.0, 6.0, 2.5]])
    cases = [(means,), (np.vstack([means, [2.0, 1.0, 5.0, 0.5, -3.0]]),)]
    said = "For these means, one row per value,\n{case[0]}\nthe scores are {wanted}; yours are {yours}."
    compare(answer, _probeless, cases, _SCORES, said)


# ---------------------------------------------------------------- 04.2: a greedy search

Information = Callable[[list[int]], float]


def _greedy(information: Information, n_neurons: int, k: int) -> list[int]:
    chosen: list[int] = []
    for _ in range(k):
        left = [neuron for neuron in range(n_neurons) if neuron not in chosen]
        chosen.append(max(left, key=lambda neuron: information([*chosen, neuron])))
    return chosen


def _each_alone(information: Information, n_neurons: int, k: int) -> list[int]:
    return sorted(range(n_neurons), key=lambda neuron: -information([neuron]))[:k]


def _takes_one_again(information: Information, n_neurons: int, k: int) -> list[int]:
    chosen: list[int] = []
    for _ in range(k):
        chosen.append(max(range(n_neurons), key=lambda neuron: information([*chosen, neuron])))
    return chosen


def _beside_the_last(information: Information, n_neurons: int, k: int) -> list[int]:
    chosen: list[int] = []
    for _ in range(k):
        left = [neuron for neuron in range(n_neurons) if neuron not in chosen]
        chosen.append(max(left, key=lambda neuron: information([*chosen[-1:], neuron])))
    return chosen


#: What six neurons know, and how many bits each piece of it is worth. Neuron 1 is a copy of neuron 0.
_KNOWN = ({"a", "b"}, {"a", "b"}, {"c", "d"}, {"b", "e"}, {"a", "e"}, {"f"})
_WORTH = {"a": 0.30, "b": 0.25, "c": 0.11, "d": 0.05, "e": 0.12, "f": 0.02}


def _what_they_know(neurons: Sequence[int]) -> float:
    known: set[str] = set().union(*(_KNOWN[neuron] for neuron in neurons))
    # A tiny cost, so that no two choices are equally good, even when a neuron adds nothing.
    return sum(_WORTH[piece] for piece in sorted(known)) - 1e-6 * sum(set(neurons))


_SEARCHES: Mistakes = {
    "Did you rank by what each neuron knows alone? Neuron 1 knows the same as neuron 0, and adds nothing "
    "to it. Ask for the information of the chosen ones and the candidate together.": _each_alone,
    "The first neuron should be the one that knows most. Did you take the smallest instead of the "
    "largest information?": lambda information, n_neurons, k: _greedy(
        lambda neurons: -information(neurons), n_neurons, k
    ),
    "Did you look only at the neuron chosen last? Judge a candidate together with all the neurons "
    "chosen so far.": _beside_the_last,
}


def _check_greedy(answer: Answer) -> None:
    def search(information: Information, n_neurons: int, k: int) -> NDArray[np.float64]:
        received = numbers(answer(information, n_neurons, k), (k,))
        named = received.astype(int).tolist()
        expect(len(set(named)) == k, f"{named} has a neuron twice: leave out those that you have chosen already.")
        return received

    said = "Of the six neurons of the check the first {case[2]} are {wanted}; yours are {yours}."
    compare(search, _greedy, [(_what_they_know, len(_KNOWN), 5)], _SEARCHES, said)


# ---------------------------------------------------------------- 04.3: precision@k


def _precision(scores: Scores, relevant: Mask, k: int) -> float:
    return float(relevant[np.argsort(-scores)[:k]].mean())


_PRECISIONS: Mistakes = {
    "Did you sort ascending? The first neuron of a ranking has the highest score; these are "
    "the k worst.": lambda scores, relevant, k: float(relevant[np.argsort(scores)[:k]].mean()),
    "This is the share of the relevant neurons that were found (recall). Precision "
    "divides by k.": lambda scores, relevant, k: float(relevant[np.argsort(-scores)[:k]].sum() / relevant.sum()),
    "Did you take the neurons 0 to k - 1? Sort them by their scores first.": lambda scores, relevant, k: float(
        relevant[:k].mean()
    ),
    "Did you take k + 1 neurons? A slice [:k] holds k.": lambda scores, relevant, k: float(
        relevant[np.argsort(-scores)[: k + 1]].mean()
    ),
}


def _check_precision(answer: Answer) -> None:
    scores = np.array([0.3, 0.9, 0.1, 0.7, 0.8, 0.2, 0.6, 0.5, 0.4, 0.0])
    relevant = np.array([False, True, True, True, False, True, True, True, False, False])
    said = (
        f"With scores {scores.tolist()} and relevant neurons {np.flatnonzero(relevant).tolist()}, "
        "precision@{case[2]} is {wanted}; yours is {yours}."
    )
    compare(answer, _precision, [(scores, relevant, k) for k in (3, 5)], _PRECISIONS, said)


# ---------------------------------------------------------------- 04.4: overlap and chance


def _shared(a: Order, b: Order, k: int) -> tuple[float, float]:
    return len(set(a[:k].tolist()) & set(b[:k].tolist())), k * k / len(a)


def _of_the_union(a: Order, b: Order, k: int) -> tuple[float, float]:
    both = _shared(a, b, k)[0]
    return both / (2 * k - both), k * k / len(a)


_OVERLAPS: Mistakes = {
    "Did you count the neurons that have the same position in both? The order within the first k "
    "does not matter.": lambda a, b, k: (
        int((a[:k] == b[:k]).sum()),
        k * k / len(a),
    ),
    "k / d is the chance that one neuron is among the other ranking's first k. There are k neurons that "
    "can be shared.": lambda a, b, k: (_shared(a, b, k)[0], k / len(a)),
    "Two random rankings share some neurons by luck: how many, on average?": lambda a, b, k: (
        _shared(a, b, k)[0],
        0.0,
    ),
    "Did you divide by the union? That is AvgOverlap's measure; here the shared neurons are counted.": _of_the_union,
}


def _check_shared(answer: Answer) -> None:
    a, b = np.arange(12), np.array([0, 3, 7, 2, 1, 9, 11, 4, 10, 8, 5, 6])
    said = (
        f"For the rankings {a.tolist()} and {b.tolist()} the neurons shared among the first {{case[2]}}, in fact and "
        "by chance, are {wanted}; yours are {yours}."
    )
    compare(answer, _shared, [(a, b, k) for k in (4, 5)], _OVERLAPS, said)


EXERCISES = (
    Exercise("04.1", "Probeless with more than two values", level=1, minutes=5, check=_check_probeless, wrong=_SCORES),
    Exercise(
        "04.2",
        "a greedy search",
        level=3,
        minutes=15,
        check=_check_greedy,
        wrong={**_SEARCHES, "has a neuron twice": _takes_one_again},
    ),
    Exercise(
        "04.3", "precision@k against the planted truth", level=2, minutes=10, check=_check_precision, wrong=_PRECISIONS
    ),
    Exercise(
        "04.4",
        "what two rankings share, and what chance alone shares",
        level=2,
        minutes=5,
        check=_check_shared,
        wrong=_OVERLAPS,
    ),
)
