"""The paper's rankings against loops that refit everything."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import ascending, plain_training_loop, refitting_greedy, remade, splits, with_columns
from scipy.stats import chisquare

from pitfalls.arrays.ranking import Ranking
from pitfalls.arrays.splits import Splits
from pitfalls.rankings import gaussian, random_rankings, rank


@given(
    seed=st.integers(0, 10**6),
    n_classes=st.integers(2, 12),
    unbalanced=st.booleans(),
    n_words=st.sampled_from([2, 10, 40]),
    dtype=st.sampled_from([np.float32, np.float64]),
    direction=st.sampled_from(["ttb", "btt"]),
    kind=st.sampled_from(["plain", "copies", "scaled copies", "constants", "constant within a class"]),
)
@settings(max_examples=20, derandomize=True)
def test_greedy_selection_is_that_of_the_refitting_loop_whatever_the_words(
    seed, n_classes, unbalanced, n_words, dtype, direction, kind
):
    shares = np.random.default_rng(seed).dirichlet(np.ones(n_classes)) if unbalanced else None
    data = splits(n_words * n_classes + 5, 6, n_classes, seed, dtype, shares)
    if kind == "copies":
        data = with_columns(data, [0, 1, 2, 2, 1, 0, 4, 4])
    if kind == "scaled copies":
        data = with_columns(data, [0, 1, 2, 2, 1, 0, 4, 4], [1, 1, 1, 4, 0.5, -1, 1, 64])
    if kind == "constants":
        data = with_columns(data, [0, 1, 2, 3, 0], [1, 0, 1, 1, 0])
    if kind == "constant within a class":
        data.train.X[data.train.y == 1, 2] = 0.5
    expected, information = refitting_greedy(data, data.n_neurons, 1.0 if direction == "ttb" else -1.0)
    found = rank("gaussian", data, direction)
    assert (found.order.tolist(), found.ranked) == (expected, data.n_neurons)
    np.testing.assert_allclose(found.scores[found.order], information, rtol=1e-7, atol=1e-9)


def test_a_tie_is_a_tie_also_where_informations_are_large():
    # Three words per class: bottom to top, the information falls to -600,000 bits, and equal ones differ by 1e-10.
    data = splits(n=17, d=6, n_classes=6, seed=6)
    data = with_columns(data, [0, 1, 2, 2, 1, 0, 4, 4], [1, 1, 1, 4, 0.5, -1, 1, 64])
    found = rank("gaussian", data, "btt")
    assert found.scores.min() < -1e5
    order = found.order.tolist()
    assert all(order.index(i) < order.index(j) for i, j in ((0, 5), (1, 4), (2, 3), (6, 7)))


@pytest.mark.parametrize("direction", ["ttb", "btt"])
def test_a_shorter_search_is_that_of_the_refitting_loop(direction):
    data = splits(d=9, n_classes=3)
    sign = 1.0 if direction == "ttb" else -1.0
    chosen, reached = refitting_greedy(data, 4, sign)
    found = rank("gaussian", data, direction, max_neurons=4)
    assert (found.ranked, found.order[:4].tolist()) == (4, chosen)
    np.testing.assert_allclose(found.scores[chosen], reached)
    # The rest: what each neuron alone would have added next, by the same loop on the chosen and that one.
    order = found.order[4:].tolist()
    for j in order:
        others = [*chosen, j]
        with_j, information = refitting_greedy(data, 5, sign, only=others)
        assert with_j == others
        assert found.scores[j] == pytest.approx(information[-1])
    assert ascending(-sign * found.scores[order])


def test_the_search_in_blocks_of_neurons_is_the_same(monkeypatch):
    data = splits(d=9, n_classes=3)
    at_once = rank("gaussian", data)
    monkeypatch.setitem(gaussian._BLOCK, "cpu", 400)
    in_blocks = rank("gaussian", data)
    assert in_blocks.order.tolist() == at_once.order.tolist()
    np.testing.assert_allclose(in_blocks.scores, at_once.scores, rtol=1e-12)


def test_neurons_that_differ_by_rounding_only_are_a_tie():
    # Three times a small whole number is exact, so only the arithmetic rounds differently.
    data = splits(d=5)
    whole = Splits.from_arrays(*[(np.round(part.X * 64), part.y) for part in (data.train, data.dev, data.test)])
    scale = np.array([1, 1, 1, 1, 1, 3, 3, 3, 3, 3.0])
    for columns in (scale, scale[::-1]):
        order = rank("gaussian", with_columns(whole, [0, 1, 2, 3, 4] * 2, columns)).order.tolist()
        assert all(order.index(j) < order.index(j + 5) for j in range(5))


@pytest.mark.parametrize("n_classes", [2, 5])
def test_linear_ranks_by_the_best_epochs_mean_absolute_weights(n_classes):
    # Large activations and labels that are noise: the loss goes up and down, and the best epoch is not the last.
    def noise(labels: np.ndarray) -> np.ndarray:
        return np.random.default_rng(0).permutation(labels)

    data = remade(splits(1280, 10, n_classes, dtype=np.float64), X=lambda X: 10 * X, y=noise)
    X, y = torch.tensor(data.train.X), torch.tensor(data.train.y)
    model, best, losses = plain_training_loop(X, y, n_classes, seed=3)
    assert int(np.argmin(losses)) < 9 and not torch.allclose(best, model.weight)
    scores = sum(row.abs() for row in best).numpy() / n_classes
    found = rank("linear", data, seed=3)
    np.testing.assert_allclose(found.scores, scores)
    assert found.order.tolist() == sorted(range(10), key=lambda j: -scores[j])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_probeless_is_the_sum_over_all_pairs_of_values_or_over_those_of_one(dtype):
    data = splits(n_classes=4, dtype=dtype)
    means = [data.train.X[data.train.y == c].astype(float).mean(0) for c in range(4)]
    for c, value in enumerate(data.values):
        scores = np.array([sum(abs(means[c][j] - other[j]) for other in means) for j in range(10)])
        found = rank("probeless", data, value=value)
        np.testing.assert_allclose(found.scores, scores)
        assert found.order.tolist() == np.argsort(-scores).tolist()
        assert found.name == f"probeless {value}"
    scores = sum(abs(a - b) for a, b in combinations(means, 2))
    np.testing.assert_allclose(rank("probeless", data).scores, scores)


def test_random_rankings_are_the_random_ranking_of_as_many_seeds():
    data = splits()
    drawn = random_rankings(data, draws=4, seed=7)
    assert [one.seed for one in drawn] == [7, 8, 9, 10]
    for one in drawn:
        alone = rank("random", data, seed=one.seed)
        assert (one.order.tolist(), one.scores.tolist()) == (alone.order.tolist(), alone.scores.tolist())
    assert len({tuple(one.order.tolist()) for one in drawn}) == 4


def test_a_ranking_is_found_among_others():
    one, other = random_rankings(splits(n=30, d=4), draws=2)
    assert other in [one, other] and one not in [other] and len({one, other}) == 2


def test_random_orders_are_uniform():
    data = splits(d=3)
    counts = Counter(tuple(one.order.tolist()) for one in random_rankings(data, draws=1200))
    assert len(counts) == 6
    assert chisquare(list(counts.values())).pvalue > 1e-3


def test_a_list_of_some_neurons_is_completed_by_number():
    ranking = Ranking.of_first(np.array([5, 0, 3]), 7, "mine")
    assert ranking.order.tolist() == [5, 0, 3, 1, 2, 4, 6]
    assert (ranking.ranked, ranking.name, len(ranking)) == (3, "mine", 7)
    assert Ranking.of_first([], 3, "none").order.tolist() == [0, 1, 2]


@pytest.mark.parametrize(("first", "message"), [([0, 7], r"no neurons \[7\]"), ([-1], r"\[-1\]"), ([2, 2], "twice")])
def test_a_list_of_other_neurons_or_of_one_twice_is_refused(first, message):
    with pytest.raises(ValueError, match=message):
        Ranking.of_first(first, 7, "mine")
