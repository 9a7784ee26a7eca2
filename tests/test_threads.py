"""One thread or two: the same selection, and the same curves to the last word."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest
import torch

from pitfalls.arrays.splits import Splits
from pitfalls.probes.curves import PROBES, probe_curves
from pitfalls.rankings import RANKINGS, rank


@contextmanager
def threads(n: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        assert torch.get_num_threads() == n
        yield
    finally:
        torch.set_num_threads(before)


@pytest.fixture(scope="module")
def data() -> Splits:
    # Large enough that torch divides the work, which it does above 32,768 numbers: here 1,100 words of 32 neurons.
    generator = np.random.default_rng(0)

    def part(n: int, first_form: int) -> tuple[np.ndarray, np.ndarray, list[str]]:
        y = np.arange(n) % 3
        X = generator.normal(size=(n, 32)) + 0.5 * y[:, None] * np.linspace(1, 0, 32)
        return X, y, [f"form {first_form + i}" for i in generator.integers(200, size=n)]

    return Splits.from_arrays(part(1100, 0), part(550, 100), part(550, 100))


@pytest.mark.parametrize(("name", "direction"), [*((name, "ttb") for name in RANKINGS), ("gaussian", "btt")])
def test_rankings_are_the_same_with_one_thread_and_two(name, direction, data):
    options = {"n_estimators": 3} if name == "random_forest" else {}
    found = []
    for n in (1, 2):
        with threads(n):
            found.append(rank(name, data, direction, seed=1, **options))
    one, two = found
    assert one.order.tolist() == two.order.tolist()
    # Sums in another order round differently in the last of sixteen digits; ten epochs or hundreds of steps amplify it.
    np.testing.assert_allclose(one.scores, two.scores, rtol=1e-6, atol=1e-9)


def test_curves_are_the_same_with_one_thread_and_two(data):
    orders = [rank(name, data) for name in ("gaussian", "linear")]
    tables = []
    for n in (1, 2, 2):
        with threads(n):
            tables.append(probe_curves(orders, data, [5, 32], PROBES, ["real", "control"]))
    one, two, again = tables
    pd.testing.assert_frame_equal(two, again, check_exact=True)
    measures = ["accuracy", "accuracy_seen", "accuracy_unseen", "mi_bits", "nmi"]
    pd.testing.assert_frame_equal(one.drop(columns=measures), two.drop(columns=measures))
    # In float64 a word's class does not depend on the last digits.
    np.testing.assert_array_equal(one["accuracy"], two["accuracy"])
    np.testing.assert_allclose(one["mi_bits"], two["mi_bits"], rtol=1e-6, atol=1e-6)
