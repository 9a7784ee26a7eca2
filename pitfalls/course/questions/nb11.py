"""Exercises of notebook 11: the accuracy of somebody who knows nothing, and your own words in three parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pitfalls.columns import SPLITS
from pitfalls.course.checking import Answer, Exercise, WrongAnswer, expect
from pitfalls.course.questions.received import Mistakes, compare

# ---------------------------------------------------------------- 11.1: who knows nothing


def _majority(train_y: Sequence[str], test_y: Sequence[str]) -> float:
    values = sorted(set(train_y))
    guess = max(values, key=list(train_y).count)
    return list(test_y).count(guess) / len(test_y)


def _drawn_as_in_train(train_y: Sequence[str], test_y: Sequence[str]) -> float:
    shares = {value: list(train_y).count(value) / len(train_y) for value in set(train_y)}
    return sum(shares.get(value, 0.0) for value in test_y) / len(test_y)


_GUESSES: Mistakes = {
    "You guess the value that is most frequent in *test*. Somebody who is judged on test has not "
    "seen it: take the most frequent value of train.": lambda train_y, test_y: _majority(test_y, test_y),
    "That is how often the value occurs in train. How often is this guess right on test?": lambda train_y, test_y: (
        _majority(train_y, train_y)
    ),
    "A coin is a weak opponent: where one value is frequent, always saying it "
    "beats the coin.": lambda train_y, test_y: 1 / len(set(train_y)),
    "That is somebody who says each value as often as train has it. Always saying the most "
    "frequent one is the stronger opponent.": _drawn_as_in_train,
}


def _check_majority(answer: Answer) -> None:
    cases = [
        (["SG"] * 7 + ["PL"] * 3, ["SG"] * 3 + ["PL"] * 2),
        (["NOM"] * 2 + ["ACC"] * 5 + ["DAT"] * 3, ["NOM"] * 9 + ["ACC"] * 6 + ["DAT"] * 5),
    ]
    said = "With {case[0]} in train and {case[1]} in test it is {wanted}; yours is {yours}."
    compare(answer, _majority, cases, _GUESSES, said)


# ---------------------------------------------------------------- 11.2: three parts


def _split_by_form(forms: Sequence[str], seed: int) -> list[str]:
    distinct = sorted(set(forms))
    order = np.random.default_rng(seed).permutation(len(distinct))
    names = np.array(SPLITS)[np.searchsorted([0.6, 0.8], order / len(distinct), side="right")]
    of_form = dict(zip(distinct, names.tolist(), strict=True))
    return [of_form[form] for form in forms]


def _rows_at_random(forms: Sequence[str], seed: int) -> list[str]:
    drawn = np.random.default_rng(seed).choice(SPLITS, size=len(forms), p=[0.6, 0.2, 0.2])
    return [str(name) for name in drawn]


def _by_the_alphabet(forms: Sequence[str], seed: int) -> list[str]:
    distinct = sorted(set(forms))
    return [SPLITS[int(np.searchsorted([0.6, 0.8], distinct.index(f) / len(distinct), side="right"))] for f in forms]


def _three_equal_parts(forms: Sequence[str], seed: int) -> list[str]:
    distinct = sorted(set(forms))
    order = np.random.default_rng(seed).permutation(len(distinct))
    of_form = {form: SPLITS[place % 3] for form, place in zip(distinct, order.tolist(), strict=True)}
    return [of_form[form] for form in forms]


def _named(answer: Answer, forms: Sequence[str], seed: int) -> list[str]:
    received: Any = answer(list(forms), seed)
    expect(received is not None, "Your function returns None. Did you forget the `return`?")
    try:
        names = [str(name) for name in received]
    except TypeError:
        raise WrongAnswer(f"The task asks for one name per word, but your function returns {received!r}.") from None
    expect(
        len(names) == len(forms),
        f"There are {len(forms)} words, and you give {len(names)} names. A form that appears several times needs its "
        "name each time.",
    )
    others = sorted(set(names) - set(SPLITS))
    expect(not others, f"The names are train, dev and test; you also use {others[:3]}.")
    return names


def _check_split(answer: Answer) -> None:
    # 100 forms; only the first are frequent, as in any text.
    forms = [f"form{i:02d}" for i in range(100) for _ in range(1 + 60 // (i + 1))]
    np.random.default_rng(11).shuffle(forms)
    names = _named(answer, forms, 0)
    parts = {split: {form for form, name in zip(forms, names, strict=True) if name == split} for split in SPLITS}
    torn = sorted(parts["train"] & (parts["dev"] | parts["test"]) | parts["dev"] & parts["test"])
    expect(
        not torn,
        f"{torn[0] if torn else ''!r} and {len(torn) - 1} other forms are in two parts, so a probe could know test "
        "words by heart: draw forms, not rows.",
    )
    sizes = {split: len(found) for split, found in parts.items()}
    expect(
        all(abs(sizes[split] - share) <= 15 for split, share in zip(SPLITS, (60, 20, 20), strict=True)),
        f"Of 100 forms about 60 should go to train, 20 to dev and 20 to test; yours are {sizes}.",
    )
    expect(
        names == _named(answer, forms, 0),
        "Two calls with the same seed give different parts: nobody could repeat your result. Draw with "
        "`np.random.default_rng(seed)`, from forms in a fixed order.",
    )
    expect(
        names != _named(answer, forms, 1),
        "Another seed gives the same parts. Neighbours in the alphabet look alike, so a part may hold words of only "
        "one kind: shuffle the forms with the seed.",
    )


_SPLITS: Mistakes = {
    "draw forms, not rows": _rows_at_random,
    "Another seed gives the same parts": _by_the_alphabet,
    "nobody could repeat": lambda forms, seed: _split_by_form(forms, int(np.random.default_rng().integers(2**32))),
    "needs its name each time": lambda forms, seed: _split_by_form(sorted(set(forms)), seed),
    "about 60 should go to train": _three_equal_parts,
}

EXERCISES = (
    Exercise(
        "11.1", "the accuracy of somebody who knows nothing", level=1, minutes=5, check=_check_majority, wrong=_GUESSES
    ),
    Exercise("11.2", "three parts with no word in common", level=2, minutes=15, check=_check_split, wrong=_SPLITS),
)
