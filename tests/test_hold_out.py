"""Forms taken out of train and dev, so that test has unseen words."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pitfalls.arrays.splits import Splits
from pitfalls.probes.control import hold_out_forms
from pitfalls.probes.curves import probe_curve
from pitfalls.rankings import rank


def splits(seed: int = 0, n: int = 200, n_forms: int = 40) -> Splits:
    generator = np.random.default_rng(seed)

    def part() -> tuple[np.ndarray, np.ndarray, list[str]]:
        # Every form at least once in every split, so that only holding out makes one unseen.
        forms = np.concatenate([np.arange(n_forms), generator.integers(n_forms, size=n - n_forms)])
        return generator.normal(size=(n, 3)), forms % 2, [f"form {i}" for i in forms]

    return Splits.from_arrays(part(), part(), part())


@given(seed=st.integers(0, 10**6), share=st.floats(0.05, 0.6))
@settings(max_examples=15, deadline=None)
def test_the_stated_share_of_test_forms_is_unseen_and_nothing_else_changes(seed, share):
    data = splits()
    held = hold_out_forms(data, share, seed)
    assert held.test is data.test
    forms, left = set(data.test.forms), set(held.train.forms)
    unseen = forms - left
    assert len(unseen) == max(1, round(share * len(forms)))
    for before, after in ((data.train, held.train), (data.dev, held.dev)):
        kept = [i for i, form in enumerate(before.forms) if form not in unseen]
        assert after.forms == tuple(before.forms[i] for i in kept)
        assert np.array_equal(after.X, before.X[kept]) and np.array_equal(after.y, before.y[kept])
        assert np.array_equal(after.sentence_ids, before.sentence_ids[kept])
        assert np.array_equal(after.positions, before.positions[kept])


def test_curves_count_the_held_out_words_as_unseen():
    held = hold_out_forms(splits(), 0.3)
    curve = probe_curve(rank("random", held), held, [2], "gaussian")
    assert curve["n_unseen"].item() == sum(form not in set(held.train.forms) for form in held.test.forms)


def test_what_cannot_be_held_out_is_said():
    for share in (0, 1, -0.5, float("nan")):
        with pytest.raises(ValueError, match=f"share must lie between 0 and 1.*it is {share}"):
            hold_out_forms(splits(), share)
    part = ([[0.0], [1.0]] * 2, ["PL", "SG"] * 2, ["cats", "cat"] * 2)
    with pytest.raises(ValueError, match="no word of train has the values"):
        hold_out_forms(Splits.from_arrays(part, part, part), 0.5)


def test_a_form_is_held_out_in_all_its_spellings():
    part = ([[0.0], [1.0]] * 20, ["SG", "PL"] * 20)
    words = [f"{letter}\u0301" for letter in "abcdefghijklmnopqrst"] * 2
    composed = [unicodedata.normalize("NFC", word) for word in words]
    held = hold_out_forms(Splits.from_arrays((*part, words), (*part, composed), (*part, words)), share=0.5, seed=0)
    assert held.train.n_words == held.dev.n_words == 20
    assert held.train.forms == held.dev.forms
