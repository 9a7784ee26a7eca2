"""The exercises of notebook 03: the mean over subwords, how far a neuron separates, how much of it is the form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pitfalls.course.checking import Answer, Exercise, expect
from pitfalls.course.questions.received import numbers

Matrix = NDArray[np.floating[Any]]

# -- 03.1: the mean over a word's subwords -------------------------------------------------------------------

# [CLS] and [SEP] at the ends, then padding; word 1 has three subwords. What stands at the special tokens is large.
_WORD_IDS = np.array([-1, 0, 1, 1, 1, 2, -1, -1, -1])
_STATES = np.array(
    [[50.0, 70.0], [1.0, 2.0], [3.0, 0.0], [9.0, 3.0], [0.0, 6.0], [5.0, 4.0], [80.0, 90.0], [60.0, 60.0], [60.0, 60.0]]
)


def word_vectors(states: Matrix, word_ids: NDArray[np.int64]) -> Matrix:
    """The mean of each word's subwords: [n_words, n_neurons].

    >>> word_vectors(np.array([[9.0], [1.0], [3.0], [5.0]]), np.array([-1, 0, 0, 1])).tolist()
    [[2.0], [5.0]]
    """
    return np.array([states[word_ids == word].mean(axis=0) for word in range(int(word_ids.max()) + 1)])


def _check_vectors(answer: Answer) -> None:
    received, wanted = answer(_STATES.copy(), _WORD_IDS.copy()), word_vectors(_STATES, _WORD_IDS)
    n_words, n_neurons = wanted.shape
    expect(
        np.shape(received) != (n_words + 1, n_neurons),
        "Four vectors for three words: -1 is no word but a special token or padding. Leave it out.",
    )
    got = numbers(received, wanted.shape)
    for what, pick in (("first", 0), ("last", -1)):
        taken = np.array([_STATES[word == _WORD_IDS][pick] for word in range(n_words)])
        expect(
            not np.allclose(got, taken),
            f"Word 1 has the vector of its {what} subword alone: take the mean of all three.",
        )
    expect(
        not np.allclose(got[1], wanted[1] * 3), "That is the sum over the subwords; long words would get long vectors."
    )
    expect(
        np.allclose(got[:2], wanted[:2]),
        f"Word 1 is the mean of subwords 2, 3, 4: {wanted[1].tolist()}; yours {got[1].tolist()}.",
    )
    expect(np.allclose(got, wanted), "The last word's vector is off: is the padding counted as a part of it?")


def _picked(states: Matrix, word_ids: NDArray[np.int64], pick: int) -> Matrix:
    return np.array([states[word_ids == word][pick] for word in range(int(word_ids.max()) + 1)])


def _summed(states: Matrix, word_ids: NDArray[np.int64]) -> Matrix:
    return np.array([states[word_ids == word].sum(axis=0) for word in range(int(word_ids.max()) + 1)])


def _with_specials(states: Matrix, word_ids: NDArray[np.int64]) -> Matrix:
    return np.array([states[word_ids == word].mean(axis=0) for word in np.unique(word_ids)])


def _with_padding(states: Matrix, word_ids: NDArray[np.int64]) -> Matrix:
    # What indexing by -1 does: the last row takes up all that is no word.
    sums = np.zeros((int(word_ids.max()) + 1, states.shape[1]))
    counts = np.zeros(len(sums))
    np.add.at(sums, word_ids, states)
    np.add.at(counts, word_ids, 1)
    means: Matrix = sums / counts[:, None]
    return means


# -- 03.2: how far a neuron separates two values -------------------------------------------------------------


def separation(X: Matrix, y: NDArray[np.int64]) -> Matrix:
    """How far the means of the values 0 and 1 lie apart on each neuron, in its standard deviations: [n_neurons].

    >>> separation(np.array([[0.0], [0.0], [2.0], [2.0]]), np.array([0, 0, 1, 1])).tolist()
    [2.0]
    """
    apart: Matrix = np.abs(X[y == 0].mean(axis=0) - X[y == 1].mean(axis=0)) / X.std(axis=0)
    return apart


def _example() -> tuple[Matrix, NDArray[np.int64]]:
    """Neuron 0 separates on a small scale, 1 on a large one and less clearly; 2 with value 1 above; unequal classes."""
    rng = np.random.default_rng(3)
    y = np.array([0] * 60 + [1] * 20, dtype=np.int64)
    X = rng.normal(size=(80, 4)) * np.array([0.1, 10.0, 1.0, 1.0])
    X[y == 0, 0] += 0.3
    X[y == 0, 1] += 9.0
    X[y == 1, 2] += 2.0
    return X, y


def _check_separation(answer: Answer) -> None:
    X, y = _example()
    received, wanted = answer(X.copy(), y.copy()), separation(X, y)
    means = X[y == 0].mean(axis=0) - X[y == 1].mean(axis=0)
    got = numbers(received, wanted.shape)
    expect(
        not np.allclose(got, np.abs(means)) and not np.allclose(got, means),
        "Neuron 1 comes first only because its numbers are ten times larger. Did you forget the standard deviation?",
    )
    expect(
        not np.allclose(got, means / X.std(axis=0)),
        "A neuron that is lower on value 0 separates as well: did you forget the absolute value?",
    )
    expect(
        not np.allclose(got, np.abs(means) / X.std()),
        "One standard deviation over all neurons leaves their scales as they were: each needs its own (axis=0).",
    )
    expect(not np.allclose(got, np.abs(means) / X.var(axis=0)), "That is the variance: it needs a square root.")
    expect(
        np.allclose(got, wanted, rtol=0.02), f"Expected {wanted.round(2).tolist()}; yours is {got.round(2).tolist()}."
    )


def _means_apart(X: Matrix, y: NDArray[np.int64]) -> Matrix:
    apart: Matrix = X[y == 0].mean(axis=0) - X[y == 1].mean(axis=0)
    return apart


# -- 03.3: how much of a neuron is the word form -------------------------------------------------------------


def form_share(X: Matrix, forms: Sequence[str]) -> Matrix:
    """The share of each neuron's variance that lies between word forms: [n_neurons], 0 to 1.

    >>> form_share(np.array([[0.0, 0.0], [0.0, 2.0], [4.0, 0.0], [4.0, 2.0]]), ["a", "a", "b", "b"]).tolist()
    [1.0, 0.0]
    """
    _, form, counts = np.unique(np.asarray(forms), return_inverse=True, return_counts=True)
    sums = np.zeros((len(counts), X.shape[1]))
    np.add.at(sums, form, X)
    means = (sums / counts[:, None])[form]
    share: Matrix = ((means - X.mean(axis=0)) ** 2).sum(axis=0) / ((X - X.mean(axis=0)) ** 2).sum(axis=0)
    return share


def _forms_example() -> tuple[Matrix, list[str]]:
    """Neuron 0 is the form, 1 is noise, 2 is half of each; form "a" is frequent and the others are not."""
    rng = np.random.default_rng(5)
    forms = ["a"] * 40 + ["b"] * 6 + ["c"] * 4
    own = {"a": 0.0, "b": 3.0, "c": -5.0}
    code = np.array([own[form] for form in forms])
    X = np.stack([code, rng.normal(size=50), code + 2 * rng.normal(size=50)], axis=1)
    return X, forms


def _check_form_share(answer: Answer) -> None:
    X, forms = _forms_example()
    received, wanted = answer(X.copy(), list(forms)), form_share(X, forms)
    got = numbers(received, wanted.shape)
    expect(
        not np.allclose(got, 1 - wanted),
        "Neuron 0 is the same wherever a form occurs, and gets 0: that is the share *within* forms; take 1 minus it.",
    )
    expect(
        not np.allclose(got, _once_each(X, forms)),
        "Form a, 40 times, weighs as much as c, 4 times: give every *word* the mean of its form, then the variance.",
    )
    expect(not np.allclose(got, np.sqrt(wanted)), "That is a ratio of standard deviations: variances are asked for.")
    expect(
        not np.allclose(got, _between(X, forms)),
        "That is the variance between forms; divide by the neuron's whole variance.",
    )
    expect(
        np.allclose(got, wanted, rtol=1e-3), f"Expected {wanted.round(2).tolist()}; yours is {got.round(2).tolist()}."
    )


def _form_means(X: Matrix, forms: Sequence[str]) -> dict[str, Matrix]:
    at = np.asarray(forms)
    return {form: X[at == form].mean(axis=0) for form in sorted(set(forms))}


def _between(X: Matrix, forms: Sequence[str]) -> Matrix:
    means = _form_means(X, forms)
    between: Matrix = np.array([means[form] for form in forms]).var(axis=0)
    return between


def _once_each(X: Matrix, forms: Sequence[str]) -> Matrix:
    share: Matrix = np.array(list(_form_means(X, forms).values())).var(axis=0) / X.var(axis=0)
    return share


EXERCISES = (
    Exercise(
        id="03.1",
        title="a word's vector",
        level=2,
        minutes=10,
        check=_check_vectors,
        wrong={
            "first subword": (lambda states, word_ids: _picked(states, word_ids, 0), "its first subword alone"),
            "last subword": (lambda states, word_ids: _picked(states, word_ids, -1), "its last subword alone"),
            "a sum": (_summed, "the sum over the subwords"),
            "special tokens": (_with_specials, "Four vectors for three words"),
            "padding": (_with_padding, "padding counted"),
        },
    ),
    Exercise(
        id="03.2",
        title="how far a neuron separates",
        level=1,
        minutes=5,
        check=_check_separation,
        wrong={
            "no standard deviation": (lambda X, y: np.abs(_means_apart(X, y)), "forget the standard deviation"),
            "no absolute value": (lambda X, y: _means_apart(X, y) / X.std(axis=0), "forget the absolute value"),
            "one scale for all": (lambda X, y: np.abs(_means_apart(X, y)) / X.std(), "each needs its own"),
            "variance": (lambda X, y: np.abs(_means_apart(X, y)) / X.var(axis=0), "square root"),
        },
    ),
    Exercise(
        id="03.3",
        title="how much of a neuron is the word form",
        level=3,
        minutes=15,
        check=_check_form_share,
        wrong={
            "within": (lambda X, forms: 1 - form_share(X, forms), "share *within* forms"),
            "every form once": (_once_each, "weighs as much as"),
            "no denominator": (_between, "divide by the neuron's whole variance"),
            "standard deviations": (lambda X, forms: np.sqrt(form_share(X, forms)), "ratio of standard deviations"),
        },
    ),
)
