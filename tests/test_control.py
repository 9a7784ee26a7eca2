"""Control tasks and selectivity."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitfalls.model.activations import Splits
from pitfalls.neurons.control import control_labels, control_task, selectivity
from pitfalls.neurons.curves import probe_curve
from pitfalls.neurons.rankings import rank

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


def test_too_few_forms_for_the_labels_is_an_error():
    part = ([[0.0], [1.0], [2.0]], ["a", "b", "c"], ["same", "same", "same"])
    with pytest.raises(ValueError, match="only 1 different forms"):
        control_task(Splits.from_arrays(part, part, part))


def test_selectivity_is_the_difference_row_by_row():
    data = splits()
    order = rank("probeless", data)
    curves = {
        (probe, task): probe_curve(probe, order, data, [1, 3, 6], task=task, seed=4)
        for probe in ("linear", "gaussian")
        for task in ("real", "control")
    }
    real, control = (
        pd.concat([curves[probe, task] for probe in ("linear", "gaussian")]) for task in ("real", "control")
    )
    table = selectivity(real, control.sample(frac=1, random_state=0))
    assert len(table) == 6
    for row in table.itertuples():
        a, b = (curves[row.probe, task].set_index("k").loc[row.k, "accuracy"] for task in ("real", "control"))
        assert (row.accuracy, row.control_accuracy, row.selectivity) == (a, b, a - b)


def test_selectivity_refuses_curves_that_do_not_belong_together():
    data = splits()
    order = rank("probeless", data)
    real = probe_curve("gaussian", order, data, [1, 2])
    with pytest.raises(ValueError, match=r"expected a curve of the control task"):
        selectivity(real, real)
    with pytest.raises(ValueError, match="1 rows have no partner"):
        selectivity(real, probe_curve("gaussian", order, data, [1], task="control"))
