"""Rankings against loops that refit everything."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.distributions import MultivariateNormal

from pitfalls.model.activations import Splits
from pitfalls.neurons.probes import LinearProbe, entropy_bits
from pitfalls.neurons.rankings import PAPER_RANKINGS, TIE_BITS, Ranking, rank, rankings


def splits(n: int = 120, d: int = 10, n_classes: int = 2, seed: int = 0, dtype: type = np.float32) -> Splits:
    """Correlated neurons, the first ones shifted by the class."""
    generator = np.random.default_rng(seed)
    mixing = np.eye(d) + 0.3 * generator.normal(size=(d, d))

    def part(size: int) -> tuple[np.ndarray, np.ndarray]:
        y = np.arange(size) % n_classes
        X = generator.normal(size=(size, d))
        X[:, : d // 2] += y[:, None] * np.linspace(1, 0.2, d // 2)
        return (X @ mixing).astype(dtype), y

    return Splits.from_arrays(train=part(n), dev=part(n // 2), test=part(n // 2))


def with_columns(data: Splits, columns: list[int], scale: np.ndarray | float = 1.0) -> Splits:
    """The same words with other neurons: chosen, repeated, permuted, scaled."""
    parts = {
        name: (getattr(data, name).X[:, columns] * scale, getattr(data, name).y) for name in ("train", "dev", "test")
    }
    return Splits.from_arrays(**parts)


def refitting_greedy(data: Splits, steps: int, sign: float) -> tuple[list[int], list[float]]:
    """Greedy selection the obvious way: for every candidate, fit MultivariateNormal on all chosen neurons."""
    X, y = torch.tensor(data.train.X).double(), torch.tensor(data.train.y)
    dev, labels = torch.tensor(data.dev.X).double(), torch.tensor(data.dev.y)
    d, n_classes = X.shape[1], len(data.values)
    means, covariances = [], []
    for c in range(n_classes):
        own = X[y == c]
        deviations = own - own.mean(0)
        prior = torch.diag(own.var(0))
        covariances.append((prior + deviations.T @ deviations) / (2 * d + 4 + len(own)))
        means.append(own.mean(0))
    log_prior = (torch.bincount(y).double() / len(y)).log()
    chosen: list[int] = []
    reached: list[float] = []
    for _ in range(steps):
        scores = {}
        for j in sorted(set(range(d)) - set(chosen)):
            some = [*chosen, j]
            joint = torch.stack(
                [
                    MultivariateNormal(means[c][some], covariances[c][some][:, some]).log_prob(dev[:, some])
                    + log_prior[c]
                    for c in range(n_classes)
                ],
                dim=1,
            )
            own_log_proba = torch.log_softmax(joint, dim=1)[torch.arange(len(labels)), labels]
            scores[j] = entropy_bits(labels) + float(own_log_proba.mean()) / np.log(2)
        best = max(sign * score for score in scores.values())
        j = min(j for j, score in scores.items() if sign * score >= best - TIE_BITS)
        chosen.append(j)
        reached.append(scores[j])
    return chosen, reached


@pytest.mark.parametrize("direction", ["ttb", "btt"])
@pytest.mark.parametrize("n_classes", [2, 3, 7])
def test_greedy_selection_is_that_of_the_refitting_loop(direction, n_classes):
    data = splits(n_classes=n_classes)
    expected, information = refitting_greedy(data, 10, 1.0 if direction == "ttb" else -1.0)
    found = rank("gaussian", data, direction)
    assert found.order.tolist() == expected
    np.testing.assert_allclose(found.scores[found.order], information, rtol=1e-9)
    assert found.ranked == 10


def test_bottom_to_top_gaussian_is_a_run_of_its_own():
    data = splits()
    assert rank("gaussian", data, "btt").order.tolist() != rank("gaussian", data).order[::-1].tolist()


def test_a_shorter_search_is_completed_by_what_each_neuron_would_add_next():
    data = splits()
    full, short = rank("gaussian", data), rank("gaussian", data, max_neurons=4)
    assert short.ranked == 4
    assert short.order[:5].tolist() == full.order[:5].tolist()
    rest = short.order[4:]
    assert np.array_equal(short.scores[rest], np.sort(short.scores[rest])[::-1])
    least_first = rank("gaussian", data, "btt", max_neurons=4)
    assert np.array_equal(least_first.scores[least_first.order[4:]], np.sort(least_first.scores[least_first.order[4:]]))


def test_greedy_selection_with_fewer_words_than_neurons_and_duplicates():
    data = with_columns(splits(n=16, d=8), list(range(8)) * 3)
    expected, _ = refitting_greedy(data, 24, 1.0)
    assert rank("gaussian", data).order.tolist() == expected


def test_of_equal_neurons_the_lower_index_comes_first():
    data = with_columns(splits(d=4), [0, 1, 2, 3, 0, 1, 2, 3])
    for name, direction in PAPER_RANKINGS[:3]:
        order = rank(name, data, direction).order.tolist()
        if name != "linear":  # the linear probe starts equal neurons from different weights
            assert all(order.index(j) < order.index(j + 4) for j in range(4)), name


def test_neurons_that_differ_by_rounding_only_are_a_tie():
    # Three times a small whole number is exact, so only the arithmetic rounds differently.
    data = splits(d=5)
    whole = Splits.from_arrays(*[(np.round(part.X * 64), part.y) for part in (data.train, data.dev, data.test)])
    scale = np.array([1, 1, 1, 1, 1, 3, 3, 3, 3, 3.0])
    for columns in (scale, scale[::-1]):
        order = rank("gaussian", with_columns(whole, [0, 1, 2, 3, 4] * 2, columns)).order.tolist()
        assert all(order.index(j) < order.index(j + 5) for j in range(5))


def test_constant_neurons_are_never_worth_choosing_first_and_do_no_harm():
    data = splits(d=6)
    silent = with_columns(data, [0, 1, 2, 3, 4, 5, 0], np.array([1, 1, 1, 1, 1, 1, 0.0]))
    found = rank("gaussian", silent)
    assert found.scores[6] == pytest.approx(found.scores[found.order[list(found.order).index(6) - 1]])
    assert rank("probeless", silent).order[-1] == 6


def test_linear_ranks_by_the_best_epochs_mean_absolute_weights():
    data = splits()
    probe = LinearProbe(seed=3).fit(data.train.X, data.train.y)
    scores = sum(abs(row) for row in probe.best_coef_) / len(probe.best_coef_)
    found = rank("linear", data, seed=3)
    np.testing.assert_allclose(found.scores, scores, rtol=1e-6)
    assert found.order.tolist() == sorted(range(10), key=lambda j: -scores[j])


def test_probeless_is_the_sum_over_pairs_of_values():
    data = splits(n_classes=4)
    means = [data.train.X[data.train.y == c].astype(float).mean(0) for c in range(4)]
    scores = np.array([sum(abs(a[j] - b[j]) for a, b in combinations(means, 2)) for j in range(10)])
    found = rank("probeless", data)
    np.testing.assert_allclose(found.scores, scores)
    assert found.order.tolist() == np.argsort(-scores).tolist()


@pytest.mark.parametrize("name", ["linear", "probeless", "random"])
def test_bottom_to_top_of_a_score_is_the_reversal(name):
    data = splits()
    assert rank(name, data, "btt", seed=2).order.tolist() == rank(name, data, seed=2).order[::-1].tolist()


@given(seed=st.integers(0, 10**6), d=st.integers(1, 7), n_classes=st.integers(2, 4))
@settings(max_examples=10, deadline=None)
def test_every_ranking_is_a_permutation_and_repeats_itself(seed, d, n_classes):
    data = splits(n=24, d=d, n_classes=n_classes, seed=seed)
    for name, direction in PAPER_RANKINGS:
        first, second = (rank(name, data, direction, seed=seed) for _ in range(2))
        assert sorted(first.order.tolist()) == list(range(d))
        assert first.order.tolist() == second.order.tolist()
        assert first.scores.shape == (d,)


@given(seed=st.integers(0, 10**6))
@settings(max_examples=10, deadline=None)
def test_permuting_neurons_permutes_the_ranking(seed):
    data = splits(n=40, d=6, seed=seed)
    columns = np.random.default_rng(seed).permutation(6)
    for name in ("gaussian", "probeless"):
        permuted = rank(name, with_columns(data, columns.tolist()))
        assert columns[permuted.order].tolist() == rank(name, data).order.tolist()


@given(seed=st.integers(0, 10**6))
@settings(max_examples=10, deadline=None)
def test_scaling_neurons_leaves_the_gaussian_ranking_unchanged(seed):
    data = splits(n=40, d=6, seed=seed)
    scale = 2.0 ** np.random.default_rng(seed).integers(-8, 8, size=6)
    assert rank("gaussian", with_columns(data, list(range(6)), scale)).order.tolist() == (
        rank("gaussian", data).order.tolist()
    )


def test_random_depends_on_its_seed():
    data = splits()
    assert rank("random", data, seed=1).order.tolist() != rank("random", data, seed=2).order.tolist()
    assert rank("random", data, seed=1).seed == 1


def test_errors_say_what_to_do():
    data = splits()
    with pytest.raises(ValueError, match="did you mean 'probeless'"):
        rank("probeles", data)
    with pytest.raises(ValueError, match="direction must be"):
        rank("linear", data, "up")
    with pytest.raises(ValueError, match="max_neurons must be 1 or more, not 0"):
        rank("gaussian", data, max_neurons=0)
    with pytest.raises(ValueError, match="once"):
        Ranking(np.array([0, 0, 2]), None, "mine")
    one_value = Splits.from_arrays(*[([[0.0], [1.0]], ["SG", "SG"])] * 3)
    for name in ("linear", "gaussian", "probeless"):
        with pytest.raises(ValueError, match=r"only \['SG'\]"):
            rank(name, one_value)


def test_the_names_are_listed():
    assert set(rankings()) == {name for name, _ in PAPER_RANKINGS}
