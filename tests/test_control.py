"""Control tasks, and forms held out so that test has unseen words."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pitfalls.arrays.splits import Splits
from pitfalls.probes.control import control_labels, control_task, hold_out_forms
from pitfalls.probes.curves import probe_curve
from pitfalls.rankings import rank

FORMS = st.lists(st.sampled_from([f"w{i}" for i in range(30)]), max_size=60)


def splits(n: int = 200, seed: int = 0) -> Splits:
    generator = np.random.default_rng(seed)

    def part(first_form: int) -> tuple[np.ndarray, np.ndarray, list[str]]:
        forms = [f"form {first_form + i}" for i in generator.integers(40, size=n)]
        return generator.normal(size=(n, 6)), np.arange(n) % 3, forms

    return Splits.from_arrays(train=part(0), dev=part(0), test=part(20))


@given(train=FORMS, test=FORMS, seed=st.integers(0, 99), n_classes=st.integers(2, 12))
def test_a_form_has_one_label_wherever_it_occurs(train, test, seed, n_classes):
    labels = control_labels([train, test], n_classes, seed)
    of_form: dict[str, set[int]] = {}
    for forms, ys in zip((train, test), labels, strict=True):
        assert len(forms) == len(ys)
        for form, y in zip(forms, ys.tolist(), strict=True):
            of_form.setdefault(form, set()).add(y)
    assert all(len(ys) == 1 and 0 <= min(ys) < n_classes for ys in of_form.values())


@given(train=FORMS, test=FORMS, other=FORMS)
def test_training_labels_do_not_depend_on_order_or_on_other_splits(train, test, other):
    one, _ = control_labels([train, test], 4, seed=5)
    two, _ = control_labels([train[::-1], other], 4, seed=5)
    assert one.tolist() == two[::-1].tolist()


def test_canonically_equal_forms_have_one_label():
    labels = control_labels([[f"{letter}\u0301" for letter in "aeiou" * 9], ["á", "é", "í", "ó", "ú"]], 50, seed=0)
    assert labels[0][:5].tolist() == labels[1].tolist()
    with pytest.raises(ValueError, match=r"forms\[1\] is None"):
        control_labels([["cat", None]], 2)


def test_labels_are_uniform():
    labels = control_labels([[f"w{i}" for i in range(30_000)]], 3, seed=0)[0]
    np.testing.assert_allclose(np.bincount(labels) / 30_000, 1 / 3, atol=0.01)


def test_only_the_labels_change():
    data = splits()
    control = control_task(data, seed=1)
    assert len(control.values) == len(data.values)
    for name in ("train", "dev", "test"):
        before, after = getattr(data, name), getattr(control, name)
        assert np.array_equal(before.X, after.X) and before.forms == after.forms
        assert not np.array_equal(before.y, after.y)
    assert not np.array_equal(control.train.y, control_task(data, seed=2).train.y)


@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_too_few_forms_for_the_labels_is_an_error_that_names_the_split(split):
    X, y = np.zeros((40, 1)), ["a", "b"] * 20
    parts = {name: (X, y, [f"word {i}" for i in range(40)]) for name in ("train", "dev", "test")}
    parts[split] = (X, y, ["same"] * 40)
    data = Splits.from_arrays(**parts)
    with pytest.raises(
        ValueError, match=rf"no word of {split} drew .* of 2: there are only 1 different forms in {split}"
    ):
        control_task(data)


@given(seed=st.integers(0, 50), n_classes=st.integers(2, 11))
@settings(max_examples=20, deadline=None)
def test_control_values_are_in_the_order_of_their_labels(seed, n_classes):
    part = (np.zeros((300, 1)), np.arange(300) % n_classes, [f"word {i}" for i in range(300)])
    control = control_task(Splits.from_arrays(part, part, part), seed)
    assert list(control.values) == sorted(control.values)
    assert [int(value.split()[1]) for value in control.values] == list(range(n_classes))
    drawn = control_labels([control.train.forms], n_classes, seed)[0]
    assert control.train.y.tolist() == control.dev.y.tolist() == control.test.y.tolist() == drawn.tolist()


def shared_forms(seed: int = 0, n: int = 200, n_forms: int = 40) -> Splits:
    generator = np.random.default_rng(seed)

    def part() -> tuple[np.ndarray, np.ndarray, list[str]]:
        # Every form at least once in every split, so that only holding out makes one unseen.
        forms = np.concatenate([np.arange(n_forms), generator.integers(n_forms, size=n - n_forms)])
        return generator.normal(size=(n, 3)), forms % 2, [f"form {i}" for i in forms]

    return Splits.from_arrays(part(), part(), part())


@given(seed=st.integers(0, 10**6), share=st.floats(0.05, 0.6))
@settings(max_examples=15, deadline=None)
def test_the_stated_share_of_test_forms_is_unseen_and_nothing_else_changes(seed, share):
    data = shared_forms()
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
    held = hold_out_forms(shared_forms(), 0.3)
    curve = probe_curve(rank("random", held), held, [2], "gaussian")
    assert curve["n_unseen"].item() == sum(form not in set(held.train.forms) for form in held.test.forms)


def test_what_cannot_be_held_out_is_said():
    for share in (0, 1, -0.5, float("nan")):
        with pytest.raises(ValueError, match=f"share must lie between 0 and 1.*it is {share}"):
            hold_out_forms(shared_forms(), share)
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
