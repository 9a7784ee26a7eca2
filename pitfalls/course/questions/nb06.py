"""Exercises of notebook 06: control labels, selectivity at the same k, and what a perfect memory would reach."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pitfalls.course.checking import Answer, Exercise, WrongAnswer, expect
from pitfalls.course.questions.received import Mistakes, compare, numbers
from pitfalls.probes.control import control_labels

Forms = Sequence[str]
Labels = NDArray[np.int64]
Pair = tuple[Labels, Labels]

# ---------------------------------------------------------------- 06.1: one label per word form


def _labels_by_form(train: Forms, test: Forms, n_values: int, seed: int) -> Pair:
    train_labels, test_labels = control_labels([train, test], n_values, seed)
    return train_labels, test_labels


def _a_label_a_word(train: Forms, test: Forms, n_values: int, seed: int) -> Pair:
    generator = np.random.default_rng(seed)
    return generator.integers(n_values, size=len(train)), generator.integers(n_values, size=len(test))


def _test_anew(train: Forms, test: Forms, n_values: int, seed: int) -> Pair:
    return control_labels([train], n_values, seed)[0], control_labels([test], n_values, seed + 1)[0]


def _unseen_is_0(train: Forms, test: Forms, n_values: int, seed: int) -> Pair:
    labels = control_labels([train], n_values, seed)[0]
    known = dict(zip(train, labels.tolist(), strict=True))
    return labels, np.array([known.get(form, 0) for form in test])


def _without_a_seed(train: Forms, test: Forms, n_values: int, seed: int) -> Pair:
    return _labels_by_form(train, test, n_values, int(np.random.default_rng().integers(2**31)))


def _drawn_for_both_at_once(train: Forms, test: Forms, n_values: int, seed: int) -> Pair:
    labels = control_labels([[*train, *test]], n_values, seed)[0]
    return labels[: len(train)], labels[len(train) :]


def _check_labels(answer: Answer) -> None:
    n_values = 3
    # Sorted, the forms of train and test alternate, so that a draw over both at once shows.
    seen, unseen = [f"form{i:03}" for i in range(0, 800, 2)], [f"form{i:03}" for i in range(1, 800, 2)]
    train, test = seen + seen[:100], seen[:50] + unseen
    pair = _labels_of(answer, train, test, n_values, seed=7)
    labels = dict(zip(train, pair[0].tolist(), strict=True))
    expect(
        [labels[form] for form in train] == pair[0].tolist(),
        "A word form has different labels in train. Did you draw a label for each word? Draw one for each form.",
    )
    again = [labels[form] for form in test[:50]]
    expect(
        again == pair[1][:50].tolist(),
        "A form that train knows has another label in test. Did you draw anew for test? Look the label up first.",
    )
    _expect_even(pair[0], n_values, "train")
    _expect_even(pair[1][50:], n_values, "the forms of test that train lacks")
    second = _labels_of(answer, train, test, n_values, seed=7)
    expect(
        all(np.array_equal(a, b) for a, b in zip(pair, second, strict=True)),
        "Two calls with the same seed give different labels. Does your generator get the seed?",
    )
    other = _labels_of(answer, train, test, n_values, seed=8)
    expect(not np.array_equal(pair[0], other[0]), "Two seeds give the same labels. Does your answer use the seed?")
    alone = _labels_of(answer, train, test[:50], n_values, seed=7)
    expect(
        np.array_equal(pair[0], alone[0]),
        "The labels of train change when test holds other words: draw for the forms of train first, then for those "
        "that only test has.",
    )


def _labels_of(answer: Answer, train: Forms, test: Forms, n_values: int, seed: int) -> Pair:
    received = answer(list(train), list(test), n_values, seed)
    if not isinstance(received, tuple | list) or len(received) != 2:
        raise WrongAnswer("Return two arrays: the labels of train and those of test.")
    pair = numbers(received[0], (len(train),)), numbers(received[1], (len(test),))
    for labels in pair:
        expect(
            bool(np.isin(labels, np.arange(n_values)).all()),
            f"Labels are whole numbers from 0 to n_values - 1 = {n_values - 1}; yours go from {labels.min():g} to "
            f"{labels.max():g}.",
        )
    return pair[0].astype(np.int64), pair[1].astype(np.int64)


def _expect_even(labels: Labels, n_values: int, where: str) -> None:
    """Require labels to be about equally frequent: within six standard deviations, which no honest draw exceeds."""
    n, share = len(labels), 1 / n_values
    # Forms that occur twice make the counts of train more uneven than single draws would, but by less than that.
    slack = 6 * (n * share * (1 - share)) ** 0.5
    counts = np.bincount(labels, minlength=n_values)
    expect(
        bool((np.abs(counts - n * share) < slack).all()),
        f"In {where} the labels occur {counts.tolist()} times: every form should draw each label with the same chance, "
        "a new form too.",
    )


# ---------------------------------------------------------------- 06.2: selectivity


def _selectivity_at(curves: pd.DataFrame) -> pd.Series[float]:
    by_task = curves.pivot(index="k", columns="task", values="accuracy").dropna()
    return by_task["real"] - by_task["control"]


def _by_place(curves: pd.DataFrame) -> pd.Series[float]:
    real, control = curves[curves["task"] == "real"], curves[curves["task"] == "control"]
    return pd.Series(real["accuracy"].to_numpy() - control["accuracy"].to_numpy(), index=real["k"]).sort_index()


def _best_control(curves: pd.DataFrame) -> pd.Series[float]:
    real = curves[curves["task"] == "real"].set_index("k")["accuracy"].sort_index()
    return real.loc[_selectivity_at(curves).index] - curves.loc[curves["task"] == "control", "accuracy"].max()


def _above_chance(curves: pd.DataFrame) -> pd.Series[float]:
    real = curves[curves["task"] == "real"].set_index("k")["accuracy"].sort_index()
    return real.loc[_selectivity_at(curves).index] - 0.5


def _absent_is_0(curves: pd.DataFrame) -> pd.Series[float]:
    by_task = curves.pivot(index="k", columns="task", values="accuracy").fillna(0.0)
    return by_task["real"] - by_task["control"]


_SELECTIVITIES: Mistakes = {
    "The sign is the other way round: the real task's accuracy minus the control task's.": lambda curves: (
        -_selectivity_at(curves)
    ),
    "Did you subtract the best control accuracy of all k? Real and control are compared at the same k.": _best_control,
    "Did you subtract chance? The control task shows how much the probe can memorise, and that is more "
    "than chance.": _above_chance,
}


def _values(function: Answer) -> Answer:
    """The numbers of the Series that a function returns, by k."""
    return lambda curves: function(curves).sort_index().to_numpy()


def _check_selectivity(answer: Answer) -> None:
    ks = [8, 1, 32, 2, 16]
    real = pd.DataFrame({"task": "real", "k": ks, "accuracy": [0.90, 0.70, 0.97, 0.78, 0.94]})
    control = pd.DataFrame({"task": "control", "k": [2, 32, 16, 1, 64], "accuracy": [0.55, 0.88, 0.74, 0.52, 0.93]})
    curves = pd.concat([real, control], ignore_index=True).sample(frac=1, random_state=0).reset_index(drop=True)
    received = answer(curves.copy())
    if not isinstance(received, pd.Series):
        raise WrongAnswer(
            f"The task asks for a Series with k as its index; your function returns {type(received).__name__}."
        )
    received = received.sort_index()
    expect(
        not _is(received, _by_place(curves)),
        "Did you subtract row from row? The two tasks have their rows in different orders: subtract at the same k.",
    )
    yours, shared = received.dropna().index.tolist(), _selectivity_at(curves).index.tolist()
    expect(
        set(yours) <= set(shared),
        f"Your answer has the ks {yours}, but the two tasks share only {shared}. Is a missing accuracy taken for 0?",
    )
    expect(received.index.tolist() == shared, f"Give the ks that both tasks have, {shared}, and no others.")
    mistakes = {hint: _values(mistake) for hint, mistake in _SELECTIVITIES.items()}
    said = f"At the ks {shared} selectivity is {{wanted}}; yours is {{yours}}."
    compare(_values(answer), _values(_selectivity_at), [(curves,)], mistakes, said)


def _is(one: pd.Series[float], other: pd.Series[float]) -> bool:
    return one.index.tolist() == other.index.tolist() and bool(np.allclose(one, other))


# ---------------------------------------------------------------- 06.3: a perfect memory


def _perfect_memory(train: Forms, test: Forms, n_values: int) -> float:
    seen = np.isin(list(test), list(set(train))).mean()
    return float(seen + (1 - seen) / n_values)


_MEMORIES: Mistakes = {
    "Did you count each form once? Accuracy counts words, and 'gato' "
    "occurs five times.": lambda train, test, n_values: _perfect_memory(train, sorted(set(test)), n_values),
    "Nobody can know the label of an unseen form, but a guess is right now and then: how often, "
    "with n_values labels?": lambda train, test, n_values: float(np.isin(list(test), list(set(train))).mean()),
    "Did you count unseen words as right, too? 'luna' does not occur in train, so its label cannot be "
    "remembered.": lambda train, test, n_values: 1.0,
    "This is chance alone. But most test words have a form that train knows, and its label can be "
    "remembered.": lambda train, test, n_values: 1 / n_values,
    "Is chance always one half in your answer? It is 1 / n_values.": lambda train, test, n_values: _perfect_memory(
        train, test, 2
    ),
}


def _check_perfect_memory(answer: Answer) -> None:
    train = ["gato", "gata", "perro", "casa", "gato", "mesa"]
    test = ["gato"] * 5 + ["gata", "luna", "luna", "sol", "mesa"]
    said = (
        "With the training words {case[0]}, the test words {case[1]} and {case[2]} labels a perfect memory reaches "
        "{wanted}; yours is {yours}."
    )
    compare(answer, _perfect_memory, [(train, test, n_values) for n_values in (2, 4)], _MEMORIES, said)


_LABELS: Mistakes = {
    "a label for each word": _a_label_a_word,
    "draw anew for test": _test_anew,
    "a new form too": _unseen_is_0,
    "the same seed give different labels": _without_a_seed,
    "Two seeds give the same": lambda train, test, n_values, seed: _labels_by_form(train, test, n_values, 0),
    "change when test holds other words": _drawn_for_both_at_once,
}
_SERIES: Mistakes = {
    **_SELECTIVITIES,
    "row from row": _by_place,
    "taken for 0": _absent_is_0,
}

EXERCISES = (
    Exercise("06.1", "one label per word form", level=2, minutes=15, check=_check_labels, wrong=_LABELS),
    Exercise("06.2", "selectivity at the same k", level=1, minutes=5, check=_check_selectivity, wrong=_SERIES),
    Exercise(
        "06.3", "what a perfect memory would reach", level=3, minutes=10, check=_check_perfect_memory, wrong=_MEMORIES
    ),
)
