"""Control tasks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pitfalls.arrays.splits import Splits
from pitfalls.probes.control import control_labels, control_task

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
