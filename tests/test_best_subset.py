"""The best subsets against SciPy's densities of every subset, and beside the greedy search."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import remade, splits
from scipy.stats import multivariate_normal

import pitfalls as pf
from pitfalls.arrays.splits import Splits
from pitfalls.comparison.subsets import greedy_gap
from pitfalls.rankings import best_subset
from pitfalls.rankings.best_subset import best_subsets


def brute_force(data: Splits, size: int) -> dict[tuple[int, ...], float]:
    """The information of every subset: the posterior of SciPy's densities on dev, with covariances of all neurons."""
    X, y = data.train.X.astype(float), data.train.y
    dev, labels = data.dev.X.astype(float), data.dev.y
    d, classes = X.shape[1], range(len(data.values))
    fitted = []
    for c in classes:
        own = X[y == c]
        scatter = (own - own.mean(0)).T @ (own - own.mean(0))
        covariance = (np.diag(own.var(0, ddof=1)) + scatter) / (2 * d + 4 + len(own))
        fitted.append((np.log(len(own) / len(y)), own.mean(0), covariance))
    shares = np.bincount(labels) / len(labels)
    entropy = -(shares * np.log2(shares)).sum()
    found = {}
    for subset in combinations(range(d), size):
        at = list(subset)
        joint = np.stack(
            [
                prior + multivariate_normal(mean[at], covariance[np.ix_(at, at)]).logpdf(dev[:, at])
                for prior, mean, covariance in fitted
            ]
        )
        posterior = joint - np.logaddexp.reduce(joint, axis=0)
        found[subset] = entropy + posterior[labels, np.arange(len(labels))].mean() / np.log(2)
    return found


@pytest.mark.parametrize(
    ("n_classes", "d", "dtype", "at_once"), [(2, 20, np.float64, 1024), (3, 8, np.float32, 7), (2, 5, np.float32, 16)]
)
def test_they_are_the_best_of_all(
    n_classes: int, d: int, dtype: type, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(best_subset, "_WORDS", at_once)
    data = splits(n=100, d=d, n_classes=n_classes, dtype=dtype, seed=d)
    found = best_subsets(data)
    for size, one in enumerate(found, 1):
        slow = brute_force(data, size)
        assert one.neurons == max(slow, key=lambda subset: slow[subset])
        assert one.information == pytest.approx(slow[one.neurons], abs=1e-9)
        assert (one.ranking.ranked, one.ranking.name) == (size, f"best {size}")
        assert tuple(one.ranking.order[:size]) == one.neurons
        # Not only the best one.
        totals = best_subset._totals(data, [size], "cpu")[size]
        np.testing.assert_allclose(totals, list(slow.values()), atol=1e-9)
    alone = [best_subsets(data, [size])[0] for size in (1, 2, 3)]
    assert [(one.neurons, one.information) for one in alone] == [(one.neurons, one.information) for one in found]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.integers(3, 6))
def test_no_greedy_search_does_better_and_the_first_neuron_is_the_same(seed: int, d: int) -> None:
    data = splits(n=60, d=d, seed=seed)
    table = greedy_gap(data).set_index(["size", "search"])["information"].unstack()
    assert (table["best"] >= table["greedy"] - 1e-9).all()
    assert table.loc[1, "best"] == pytest.approx(table.loc[1, "greedy"], abs=1e-9)


def xor(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Neurons 1 and 2 tell the class together and neither does alone; 0 and 3 say a little each."""
    draw = np.random.default_rng(seed)
    y = np.arange(400) % 2
    X = draw.normal(size=(400, 4))
    X[:, 2] = np.where(y == 1, X[:, 1], -X[:, 1]) + 0.3 * X[:, 2]
    X[:, [0, 3]] += 0.6 * y[:, None]
    return X, y


def test_a_pair_that_works_together_is_found_where_the_greedy_search_misses_it() -> None:
    data = Splits.from_arrays(train=xor(0), dev=xor(1), test=xor(2))
    one, two, _ = best_subsets(data)
    assert one.neurons[0] in (0, 3) and two.neurons == (1, 2)
    greedy = pf.rank("gaussian", data)
    assert set(greedy.order[:2].tolist()) != {1, 2}
    table = greedy_gap(data, sizes=[2]).set_index("search")
    assert table.loc["best", "neurons"] == "1 2" and table.loc["greedy", "information"] < two.information - 0.3
    curve = pf.probe_curve(two.ranking, data, ks=[2], probe="gaussian")
    assert curve["accuracy"].iloc[0] > pf.probe_curve(greedy, data, ks=[2], probe="gaussian")["accuracy"].iloc[0]


def test_a_tie_goes_to_the_lower_indices() -> None:
    data = splits(n=60, d=3)
    copies = remade(data, X=lambda X: X[:, [0, 0, 1, 1]])
    assert best_subsets(copies, [1])[0].neurons in ((0,), (2,))
    assert best_subsets(copies, [2])[0].neurons == (0, 2)


def test_what_is_too_much_is_refused() -> None:
    data = splits(n=20, d=4)
    wide = remade(data, X=lambda X: np.tile(X, 40))
    for asks, said in (
        (lambda: best_subsets(data, [4]), r"sizes are \[4\], and a subset has 1, 2 or 3 neurons"),
        (lambda: best_subsets(data, ["a", 1]), r"sizes are \['a', 1\], .* give a list such as \[1, 2\]"),
        (lambda: best_subsets(wide, [3]), "all subsets of 3 are tried of 3 to 128 neurons, and there are 160"),
        (lambda: best_subsets(remade(data, X=lambda X: X[:, :2]), [3]), "of 3 to 128 neurons, and there are 2"),
    ):
        with pytest.raises(ValueError, match=said):
            asks()
