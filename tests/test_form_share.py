"""How much of a neuron is the word form, within a value: the reference of an exercise, against slow loops."""

from __future__ import annotations

import numpy as np
import pytest

from pitfalls.course.questions.nb03 import form_share


def slow_share(x: np.ndarray, forms: list[str], y: np.ndarray) -> float:
    between = within = 0.0
    for i in range(len(x)):
        same_value = [x[j] for j in range(len(x)) if y[j] == y[i]]
        same_form = [x[j] for j in range(len(x)) if y[j] == y[i] and forms[j] == forms[i]]
        between += (np.mean(same_form) - np.mean(same_value)) ** 2
        within += (x[i] - np.mean(same_value)) ** 2
    return between / within


@pytest.mark.parametrize("n_values", [1, 2, 3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_share_is_that_of_a_slow_loop_whatever_values_a_form_has(n_values: int, dtype: type) -> None:
    draw = np.random.default_rng(n_values)
    forms = [f"form {i}" for i in draw.integers(7, size=60)]
    X, y = draw.normal(size=(60, 4)).astype(dtype) + 5, draw.integers(n_values, size=60)
    expected = [slow_share(X[:, j].astype(np.float64), forms, y) for j in range(4)]
    np.testing.assert_allclose(form_share(X, forms, y), expected, rtol=1e-4 if dtype is np.float32 else 1e-9)


def test_a_neuron_that_is_the_value_has_no_share_of_the_form_beyond_chance() -> None:
    """Over all values the same neuron looks like nothing but the form."""
    draw = np.random.default_rng(0)
    form = np.repeat(np.arange(40), 25)
    y, forms = form % 2, [f"form {i}" for i in form]
    X = (y + 0.1 * draw.normal(size=len(y)))[:, None]
    assert form_share(X, forms, np.zeros_like(y))[0] > 0.95
    assert form_share(X, forms, y)[0] < 0.1  # 38 free means of 998 free words: 0.04
