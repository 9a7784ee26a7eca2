"""The exercises of notebook 02: contractions, the value filter, the majority baseline, control labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pitfalls.course.checking import Answer, Exercise, WrongAnswer, expect
from pitfalls.course.questions.received import Mistakes, compare, numbers

Words = Sequence[tuple[str, str]]
"""(form, value) of every word of a split that carries the attribute."""

# -- 02.1: one attribute, one component ----------------------------------------------------------------------

_DEL = [{"Part of Speech": "ADP"}, {"Part of Speech": "DET", "Gender": "MASC", "Number": "SG"}]
_DAMELO = [
    {"Mood": "IMP", "Number": "SG", "Person": "2"},
    {"Number": "SG", "Person": "1"},
    {"Gender": "MASC", "Number": "SG", "Person": "3"},
]


def contraction(components: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """The attributes that exactly one component carries.

    >>> contraction([{"Part of Speech": "ADP"}, {"Part of Speech": "DET", "Number": "SG"}])
    {'Number': 'SG'}
    """
    carriers = Counter(name for component in components for name in component)
    return {n: value for component in components for n, value in component.items() if carriers[n] == 1}


def _check_contraction(answer: Answer) -> None:
    for form, components in (("del", _DEL), ("dámelo", _DAMELO)):
        got, wanted = answer([dict(one) for one in components]), contraction(components)
        expect(isinstance(got, dict), f"The task asks for a dictionary; this is {type(got).__name__}.")
        missing = sorted(wanted.keys() - got.keys())
        expect(not missing, f"{form} loses {missing}, which one of its components carries alone.")
        extra = sorted(got.keys() - wanted.keys())
        agree = [name for name in extra if len({one[name] for one in components if name in one}) == 1]
        both = "with the same value in all of them" if agree else "with different values"
        expect(
            not extra,
            f"{form} keeps {agree or extra}, which several components carry ({both}): nobody can say whose it is.",
        )
        expect(got == wanted, f"{form} gets {got}; expected {wanted}.")
    alone = answer([{"Number": "PL"}])
    expect(alone == {"Number": "PL"}, f"A word with one component keeps all its attributes; yours gets {alone}.")


def _if_agreed(components: Sequence[Mapping[str, str]]) -> dict[str, str]:
    names = {name for one in components for name in one}
    values = {name: {one[name] for one in components if name in one} for name in sorted(names)}
    return {name: found.pop() for name, found in values.items() if len(found) == 1}


def _of_every_one(components: Sequence[Mapping[str, str]]) -> dict[str, str]:
    return {n: v for n, v in components[0].items() if all(one.get(n) == v for one in components)}


# -- 02.2: the value filter ----------------------------------------------------------------------------------


def kept(words: Mapping[str, Words], min_forms: int) -> list[str]:
    """The values with ``min_forms`` distinct forms in every split, sorted.

    >>> kept({"train": [("cat", "SG"), ("dog", "SG"), ("cats", "PL"), ("cats", "PL")]}, min_forms=2)
    ['SG']
    """
    values = sorted({value for split in words.values() for _, value in split})
    return [v for v in values if min(_forms(split, v) for split in words.values()) >= min_forms]


def _forms(split: Words, value: str) -> int:
    return len({form for form, its_value in split if its_value == value})


def _split(**forms: int) -> list[tuple[str, str]]:
    """The given number of forms of each value, each form twice."""
    return [(f"{value.lower()}{i % n}", value) for value, n in forms.items() for i in range(2 * n)]


# PAUC: few forms, each often. TRI: enough only in train. DU: enough except in dev. GRPL: none in test. SG: just enough.
_WORDS = {
    "train": [*_split(PL=6, SG=4, TRI=9, DU=9, GRPL=5), *[("we", "PAUC")] * 30],
    "dev": [*_split(PL=5, SG=4, TRI=2, DU=3, GRPL=5), *[("we", "PAUC")] * 30],
    "test": [*_split(PL=5, SG=4, TRI=3, DU=6), *[("we", "PAUC")] * 30],
}


def _check_kept(answer: Answer) -> None:
    got = _as_values(answer({split: list(words) for split, words in _WORDS.items()}, 4))
    expect("PAUC" not in got, "PAUC has 30 words and 1 form: count distinct forms. Did you count words?")
    expect("TRI" not in got, "TRI has 9 forms in train, but 2 in dev: every split must have enough, not only train.")
    expect("GRPL" not in got, "GRPL has no word in test, and 0 forms is less than 4: it must go, too.")
    expect("DU" not in got, "DU has enough forms in train and test, but 3 in dev: the split with the fewest decides.")
    expect("SG" in got, "SG has exactly 4 forms in each split: `min_forms` is enough. Is there a > for a >=?")
    expect(got == ["PL", "SG"], f"Expected ['PL', 'SG'], sorted; yours is {got}.")
    few = _as_values(answer({"train": [("cat", "SG"), ("cats", "PL")]}, 1))
    expect(few == ["PL", "SG"], f"With one split and min_forms = 1 all its values stay; yours: {few}.")


def _as_values(received: object) -> list[str]:
    if not isinstance(received, list | tuple):
        raise WrongAnswer(f"The task asks for a sorted list of values; this is {type(received).__name__}.")
    return [str(value) for value in received]


def _by_words(words: Mapping[str, Words], min_forms: int) -> list[str]:
    counts = {split: Counter(value for _, value in found) for split, found in words.items()}
    values = sorted({value for found in counts.values() for value in found})
    return [v for v in values if min(found[v] for found in counts.values()) >= min_forms]


def _where_it_occurs(words: Mapping[str, Words], min_forms: int) -> list[str]:
    values = sorted({value for split in words.values() for _, value in split})
    counts = {value: [_forms(split, value) for split in words.values()] for value in values}
    return [value for value in values if min(n for n in counts[value] if n) >= min_forms]


def _on_average(words: Mapping[str, Words], min_forms: int) -> list[str]:
    values = sorted({value for split in words.values() for _, value in split})
    counts = {value: [_forms(split, value) for split in words.values()] for value in values}
    return [value for value in values if min(counts[value]) > 0 and np.median(counts[value]) >= min_forms]


# -- 02.3: the majority baseline -----------------------------------------------------------------------------


def majority(train: Sequence[str], test: Sequence[str]) -> float:
    """The accuracy on test of always answering the most frequent value of train.

    >>> majority(["SG", "SG", "PL"], ["PL", "PL", "SG", "PL"])
    0.25
    """
    always = max(sorted(set(train)), key=list(train).count)
    return sum(value == always for value in test) / len(test)


_TRAIN_VALUES = ["SG"] * 6 + ["PL"] * 3 + ["DU"]
_TEST_VALUES = ["SG"] * 2 + ["PL"] * 5 + ["DU"]


_MAJORITIES: Mistakes = {
    "PL is the most frequent value of test, but an answer must not look at test: take the most frequent "
    "value of train.": lambda train, test: majority(test, test),
    "0.6 is the share of SG in train; how often is the answer SG right in test?": lambda train, test: majority(
        train, train
    ),
    "1/3 is what a blind guess gets; always saying the most frequent value is something else.": lambda train, test: (
        1 / len(set(train))
    ),
}


def _check_majority(answer: Answer) -> None:
    said = "SG is the most frequent value of train, and 2 of 8 test words are SG: {wanted}; yours is {yours}."
    compare(answer, majority, [(_TRAIN_VALUES, _TEST_VALUES)], _MAJORITIES, said)
    said = "Where test has no word with train's most frequent value, it is {wanted}; yours is {yours}."
    compare(answer, majority, [(["SG", "SG", "PL"], ["PL", "PL"])], {}, said)


# -- 02.4: one label per form --------------------------------------------------------------------------------


def control_labels(
    splits: Sequence[Sequence[str]], n_classes: int, rng: np.random.Generator
) -> list[NDArray[np.int64]]:
    """One random label per form, the same in all splits: for each split an array of 0 to ``n_classes`` - 1.

    >>> train, test = control_labels([["cat", "sat", "cat"], ["cat"]], 2, np.random.default_rng(0))
    >>> bool(train[0] == train[2] == test[0])
    True
    """
    labels: dict[str, int] = {}
    for split in splits:
        for form in split:
            labels.setdefault(form, int(rng.integers(n_classes)))
    return [np.array([labels[form] for form in split], dtype=np.int64) for split in splits]


_SPLITS = ([f"w{i % 600}" for i in range(1500)], [f"w{i}" for i in range(300, 900)])


def _drawn(answer: Answer, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    received = answer([list(split) for split in _SPLITS], 3, np.random.default_rng(seed))
    if not isinstance(received, list | tuple) or len(received) != len(_SPLITS):
        raise WrongAnswer("The task asks for a list with one array per split, here two.")
    train, test = (numbers(part, (len(split),)) for part, split in zip(received, _SPLITS, strict=True))
    return train, test


def _check_control(answer: Answer) -> None:
    train, test = _drawn(answer, seed=7)
    expect(
        np.array_equal(train[:600], train[600:1200]),
        "A form has two labels within one split. Did you toss once per word? Toss once per form, and remember it.",
    )
    expect(
        np.array_equal(train[300:600], test[:300]),
        "A form has one label in train and another in test: the list of labels must outlive the split.",
    )
    found = sorted(set(np.concatenate([train, test]).tolist()))
    expect(found == [0, 1, 2], f"Labels are 0, 1 and 2 for three classes; yours are {found}.")
    by_form = np.concatenate([train[:600], test[300:]])
    shares = np.array([np.mean(by_form == label) for label in found])
    expect(
        bool((np.abs(shares - 1 / 3) < 0.08).all()),
        f"The labels of the forms are not equally frequent: {shares.round(2)}.",
    )
    others = _drawn(answer, seed=8)
    expect(
        not np.array_equal(others[0], train),
        "Another generator gives the same labels: draw them from the `rng` that you are given.",
    )
    again = _drawn(answer, seed=7)
    expect(
        np.array_equal(again[0], train),
        "The same generator gives different labels: draw from nothing but `rng`, or nobody can repeat it.",
    )


def _in_turn(splits: Sequence[Sequence[str]], n: int, rng: np.random.Generator) -> list[NDArray[np.int64]]:
    forms = sorted({form for split in splits for form in split})
    return [np.array([forms.index(form) % n for form in split]) for split in splits]


_CONTRACTIONS: Mistakes = {
    "with the same value in all of them": _if_agreed,
    "with different values": lambda components: {name: value for one in components for name, value in one.items()},
    "carries alone": _of_every_one,
}
_FILTERS: Mistakes = {
    "Did you count words?": _by_words,
    "not only train": lambda words, min_forms: kept({"train": words["train"]}, min_forms),
    "a > for a >=": lambda words, min_forms: kept(words, min_forms + 1),
    "no word in test": _where_it_occurs,
    "the split with the fewest decides": _on_average,
}
_CONTROLS: Mistakes = {
    "Toss once per form": lambda splits, n, rng: [rng.integers(n, size=len(split)) for split in splits],
    "outlive the split": lambda splits, n, rng: [control_labels([split], n, rng)[0] for split in splits],
    "draw them from the `rng`": _in_turn,
    "0, 1 and 2 for three classes": lambda splits, n, rng: control_labels(splits, n + 1, rng),
    "nobody can repeat it": lambda splits, n, rng: control_labels(splits, n, np.random.default_rng()),
}

EXERCISES = (
    Exercise("02.1", "what a contraction keeps", level=1, minutes=5, check=_check_contraction, wrong=_CONTRACTIONS),
    Exercise("02.2", "the value filter", level=2, minutes=10, check=_check_kept, wrong=_FILTERS),
    Exercise("02.3", "the majority baseline", level=1, minutes=5, check=_check_majority, wrong=_MAJORITIES),
    Exercise("02.4", "one coin per form", level=2, minutes=10, check=_check_control, wrong=_CONTROLS),
)
