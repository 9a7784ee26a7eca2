"""Choices by a maximum have a margin: rounding moves none of them, and a tie goes to the lower index."""

from __future__ import annotations

import ast

import numpy as np
import oracles
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pitfalls.arrays.ties import TIE, descending, first_best, settled
from pitfalls.rankings import RANKINGS, rank

#: Whole numbers: far more than a margin apart, or equal.
SCORES = st.lists(st.integers(-50, 50), min_size=1, max_size=30)


def rounded_differently(values, seed):
    """As another processor might have computed them."""
    noise = np.random.default_rng(seed).uniform(-1, 1, len(values))
    return torch.tensor(np.array(values) * (1 + 1e-13 * noise) + 1e-13 * noise, dtype=torch.float64)


@given(scores=SCORES, seed=st.integers(0, 9))
def test_rounding_moves_no_place_and_no_choice(scores, seed):
    expected = sorted(range(len(scores)), key=lambda i: (-scores[i], i))
    for found in (torch.tensor(scores, dtype=torch.float64), rounded_differently(scores, seed)):
        assert descending(found).tolist() == expected
        assert int(first_best(found)) == expected[0]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_what_is_further_apart_than_the_margin_keeps_its_order(dtype):
    apart = torch.tensor([1.0, 1.0 + 1e-6, 1.0 - 1e-6], dtype=dtype)
    assert descending(apart).tolist() == [1, 0, 2]
    assert int(first_best(apart)) == 1


def test_infinite_and_constant_scores_are_ordered_too():
    scores = torch.tensor([1.0, torch.inf, -torch.inf, torch.inf, 0.0], dtype=torch.float64)
    assert descending(scores).tolist() == [1, 3, 0, 4, 2]
    assert descending(torch.zeros(3)).tolist() == [0, 1, 2]
    assert descending(torch.zeros(0)).tolist() == []
    tiny = torch.tensor([0.0, 1e-320, -1e-320], dtype=torch.float64)
    assert settled(tiny).isfinite().all() and descending(tiny).tolist() == [0, 1, 2]


def test_the_margin_is_a_share_of_each_row_s_largest():
    values = torch.tensor([[1e6, 1e6 + 1e-4, 1.0], [1e-6, 1e-6 + 1e-4, 1.0]], dtype=torch.float64)
    by_row = settled(values, dim=1)
    assert by_row[0, 0] == by_row[0, 1] and by_row[1, 0] != by_row[1, 1]
    np.testing.assert_allclose(by_row, values, rtol=0, atol=1e6 * TIE)


def test_tables_are_sorted_stably(root):
    """By one column, pandas sorts with NumPy's quicksort, which breaks ties differently on different processors."""
    unstable = [
        f"{path}: line {call.lineno}"
        for folder in ("pitfalls", "notebooks/src", "benchmarks")
        for path in sorted((root / folder).rglob("*.py"))
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "sort_values"
        # By several columns, pandas sorts stably.
        if call.args and isinstance(call.args[0], ast.Constant)
        if "kind" not in {keyword.arg for keyword in call.keywords}
    ]
    assert not unstable, f"sort_values without kind='stable': {unstable}"


@pytest.mark.parametrize("name", sorted(set(RANKINGS) - {"random"}))
def test_copies_of_a_neuron_keep_the_order_of_their_numbers(name):
    """Neurons 5 and 6 copy neuron 3 up to rounding: a method that ties exact copies ties these, too."""
    data = oracles.splits(d=5, seed=3)

    def with_copies(noise):
        generator = np.random.default_rng(1)
        return oracles.remade(
            data,
            X=lambda X: np.concatenate(
                [X, X[:, [3, 3]] * (1 + noise * generator.uniform(-1, 1, (len(X), 2)))], axis=1
            ).astype(np.float64),
        )

    exact, rounded = (rank(name, with_copies(noise)) for noise in (0.0, 1e-13))
    assert exact.order.tolist() == rounded.order.tolist()
