"""The exercises of notebook 03: the mean over subwords, how far a neuron separates, how much of it is the form."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pitfalls.course.checking import Answer, Exercise, expect
from pitfalls.course.questions.received import Mistakes, compare

Matrix = NDArray[np.floating[Any]]

# -- 03.1: the mean over a word's subwords -------------------------------------------------------------------

# [CLS] and [SEP] at the ends, then padding; word 1 has three subwords. The numbers at special tokens are large.
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


def _picked(pick: int, states: Matrix, word_ids: NDArray[np.int64]) -> Matrix:
    return np.array([states[word_ids == word][pick] for word in range(int(word_ids.max()) + 1)])


def _summed(states: Matrix, word_ids: NDArray[np.int64]) -> Matrix:
    return np.array([states[word_ids == word].sum(axis=0) for word in range(int(word_ids.max()) + 1)])


def _with_specials(states: Matrix, word_ids: NDArray[np.int64]) -> Matrix:
    return np.array([states[word_ids == word].mean(axis=0) for word in np.unique(word_ids)])


def _with_padding(states: Matrix, word_ids: NDArray[np.int64]) -> Matrix:
    # This is what indexing by -1 does: everything that is not a word is added to the last row.
    sums = np.zeros((int(word_ids.max()) + 1, states.shape[1]))
    counts = np.zeros(len(sums))
    np.add.at(sums, word_ids, states)
    np.add.at(counts, word_ids, 1)
    means: Matrix = sums / counts[:, None]
    return means


_VECTORS: Mistakes = {
    "Word 1 has the vector of its first subword alone: take the mean of all three.": partial(_picked, 0),
    "Word 1 has the vector of its last subword alone: take the mean of all three.": partial(_picked, -1),
    "That is the sum over the subwords; long words would get long vectors.": _summed,
    "The last word's vector is off: is the padding counted as a part of it?": _with_padding,
}
_A_VECTOR_TOO_MANY = "Four vectors for three words: -1 is not a word but a special token or padding. Leave it out."


def _check_vectors(answer: Answer) -> None:
    def vectors(states: Matrix, word_ids: NDArray[np.int64]) -> Any:
        received = answer(states, word_ids)
        expect(np.shape(received) != (4, 2), _A_VECTOR_TOO_MANY)
        return received

    said = "Each word is the mean of its subwords, and word 1 has three, rows 2 to 4: {wanted}; yours are {yours}."
    compare(vectors, word_vectors, [(_STATES, _WORD_IDS)], _VECTORS, said)


# -- 03.2: how far a neuron separates two values -------------------------------------------------------------


def separation(X: Matrix, y: NDArray[np.int64]) -> Matrix:
    """How far the means of the values 0 and 1 lie apart on each neuron, in its standard deviations: [n_neurons].

    >>> separation(np.array([[0.0], [0.0], [2.0], [2.0]]), np.array([0, 0, 1, 1])).tolist()
    [2.0]
    """
    apart: Matrix = np.abs(X[y == 0].mean(axis=0) - X[y == 1].mean(axis=0)) / X.std(axis=0)
    return apart


def _example() -> tuple[Matrix, NDArray[np.int64]]:
    """Neuron 0 separates on a small scale, 1 less clearly on a large one, 2 with value 1 above; classes are unequal."""
    rng = np.random.default_rng(3)
    y = np.array([0] * 60 + [1] * 20, dtype=np.int64)
    X = rng.normal(size=(80, 4)) * np.array([0.1, 10.0, 1.0, 1.0])
    X[y == 0, 0] += 0.3
    X[y == 0, 1] += 9.0
    X[y == 1, 2] += 2.0
    return X, y


def _no_scale(X: Matrix, y: NDArray[np.int64]) -> Matrix:
    return np.abs(_signed(X, y))


def _signed(X: Matrix, y: NDArray[np.int64]) -> Matrix:
    apart: Matrix = X[y == 0].mean(axis=0) - X[y == 1].mean(axis=0)
    return apart


_SEPARATIONS: Mistakes = {
    "Neuron 1 comes first only because its numbers are ten times larger. Did you forget the standard "
    "deviation?": _no_scale,
    "A neuron that is lower on value 0 separates as well: did you forget the absolute value?": lambda X, y: (
        _signed(X, y) / X.std(axis=0)
    ),
    "One standard deviation over all neurons leaves their scales as they were: each needs its own "
    "(axis=0).": lambda X, y: _no_scale(X, y) / X.std(),
    "That is the variance: it needs a square root.": lambda X, y: _no_scale(X, y) / X.var(axis=0),
}


def _check_separation(answer: Answer) -> None:
    said = "The separations of the neurons are {wanted}; yours are {yours}."
    # Wide enough for a standard deviation that divides by n - 1.
    compare(answer, separation, [_example()], _SEPARATIONS, said, rtol=0.02)


# -- 03.3: how much of a neuron is the word form, within a value ----------------------------------------------


def form_share(X: Matrix, forms: Sequence[str], y: Sequence[int] | NDArray[np.int64]) -> Matrix:
    """The share of each neuron's variance within a value that lies between word forms: [n_neurons], 0 to 1.

    A neuron that is the value has nothing to share. With one value for all words it is the share of the whole variance.

    >>> form_share(np.array([[0.0, 0.0], [0.0, 2.0], [4.0, 0.0], [4.0, 2.0]]), ["a", "a", "b", "b"], [0] * 4).tolist()
    [1.0, 0.0]
    """
    value_means = _means(X, [str(value) for value in y])
    form_means = _means(X, [f"{form} {value}" for form, value in zip(forms, y, strict=True)])
    share: Matrix = ((form_means - value_means) ** 2).sum(axis=0) / ((X - value_means) ** 2).sum(axis=0)
    return share


def _means(X: Matrix, groups: Sequence[str]) -> Matrix:
    """For every word the mean of its group: [n_words, n_neurons]."""
    _, group, counts = np.unique(np.asarray(groups), return_inverse=True, return_counts=True)
    sums = np.zeros((len(counts), X.shape[1]))
    np.add.at(sums, group.reshape(-1), X)
    means: Matrix = (sums / counts[:, None])[group.reshape(-1)]
    return means


def _forms_example() -> tuple[Matrix, list[str], NDArray[np.int64]]:
    """Neuron 0 is the form, 1 is noise, 2 is half of each, 3 the value with a little noise; form "a" is frequent."""
    rng = np.random.default_rng(5)
    forms = ["a"] * 40 + ["b"] * 6 + ["c"] * 4 + ["d"] * 10
    own = {"a": 0.0, "b": 3.0, "c": -5.0, "d": 1.0}
    code, y = np.array([own[form] for form in forms]), np.array([int(form in "cd") for form in forms], dtype=np.int64)
    noise = rng.normal(size=(60, 3))
    return np.stack([code, noise[:, 0], code + 2 * noise[:, 1], y + 0.1 * noise[:, 2]], axis=1), forms, y


def _of_all_values(X: Matrix, forms: Sequence[str], y: NDArray[np.int64]) -> Matrix:
    return form_share(X, forms, np.zeros_like(y))


def _between(X: Matrix, forms: Sequence[str], y: NDArray[np.int64]) -> Matrix:
    between: Matrix = (_means(X, forms) - _means(X, [str(value) for value in y])).var(axis=0)
    return between


def _once_each(X: Matrix, forms: Sequence[str], y: NDArray[np.int64]) -> Matrix:
    rest = X - _means(X, [str(value) for value in y])
    at = np.asarray(forms)
    share: Matrix = np.array([rest[at == form].mean(axis=0) for form in sorted(set(forms))]).var(axis=0)
    return share / rest.var(axis=0)


_SHARES: Mistakes = {
    "Neuron 3 is the value and little else, but gets nearly 1: the form decides the value. Compare words of the same "
    "value only.": _of_all_values,
    "Neuron 0 is the same wherever a form occurs, but gets 0: that is the share *within* forms; take 1 minus "
    "it.": lambda X, forms, y: 1 - form_share(X, forms, y),
    "Form a (40 times) weighs as much as form c (4 times): give every *word* the mean of its form, then take "
    "the variance.": _once_each,
    "That is a ratio of standard deviations, but the task asks for variances.": lambda X, forms, y: np.sqrt(
        form_share(X, forms, y)
    ),
    "That is the variance between forms; divide by the neuron's whole variance within a value.": _between,
}


def _check_form_share(answer: Answer) -> None:
    said = "The neurons' shares are {wanted}; yours are {yours}."
    compare(answer, form_share, [_forms_example()], _SHARES, said, rtol=1e-3)


EXERCISES = (
    Exercise(
        "03.1",
        "a word's vector",
        level=2,
        minutes=10,
        check=_check_vectors,
        wrong={**_VECTORS, _A_VECTOR_TOO_MANY: _with_specials},
    ),
    Exercise("03.2", "how far a neuron separates", level=1, minutes=5, check=_check_separation, wrong=_SEPARATIONS),
    Exercise(
        "03.3",
        "how much of a neuron is the word form, within a value",
        level=3,
        minutes=15,
        check=_check_form_share,
        wrong=_SHARES,
    ),
)
