"""What must not change a ranking, for every ranking that it must not change."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import NAMES, remade, shuffled, splits, with_columns
from sklearn.exceptions import ConvergenceWarning

from pitfalls.arrays.ranking import Ranking
from pitfalls.arrays.splits import Splits
from pitfalls.rankings import RANKINGS, ranker
from pitfalls.rankings import rank as rank_strictly
from pitfalls.rankings.base import Scorer

SEEDS = st.integers(0, 10**6)
CLASSES = st.integers(2, 4)

#: Fitted by iteration, or with neurons drawn at random: sums in another order end close by.
CONVERGED = ("linear_converged", "lca", "lasso", "ridge")
#: A neuron's place among the others draws something.
DRAWN = ("linear", "random", "random_forest")
EXACT = tuple(sorted(set(RANKINGS) - set(CONVERGED) - set(DRAWN)))
SCALE_FREE = ("gaussian", "mutual_information", "average_precision", "anova", "mean_selectivity", "conditional_mi")
#: A number that means and frequencies alone decide.
OF_FREQUENCIES = ("probeless", "mean_selectivity", "average_precision")


def rank(name: str, data: Splits, direction: str = "ttb", seed: int = 0, **options: object) -> Ranking:
    # Whether so few words converge is not the question here.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return rank_strictly(name, data, direction, seed, **options)


def assert_same(found: Ranking, expected: Ranking, **tolerance: float) -> None:
    assert found.order.tolist() == expected.order.tolist()
    np.testing.assert_allclose(found.scores, expected.scores, **(tolerance or {"rtol": 1e-9, "atol": 1e-11}))


@given(seed=SEEDS, d=st.integers(1, 6), n_classes=CLASSES)
@settings(max_examples=5, deadline=None)
@pytest.mark.parametrize("name", RANKINGS)
def test_every_ranking_is_a_permutation_and_repeats_itself(name, seed, d, n_classes):
    data = splits(n=24, d=d, n_classes=n_classes, seed=seed)
    options = {"n_estimators": 5} if name == "random_forest" else {}
    for direction in ("ttb", "btt"):
        first, second = (rank(name, data, direction, seed, **options) for _ in range(2))
        assert sorted(first.order.tolist()) == list(range(d))
        assert first.order.dtype == np.int64 and first.scores.dtype == np.float64
        assert_same(second, first, rtol=0)
        assert (first.name, first.direction, first.seed, first.ranked) == (name, direction, seed, d)


@given(seed=SEEDS, n_classes=CLASSES)
@settings(max_examples=5, deadline=None)
@pytest.mark.parametrize("name", [name for name in RANKINGS if issubclass(type(ranker(name)), Scorer)])
def test_bottom_to_top_of_a_score_is_the_reversal(name, seed, n_classes):
    data = splits(n=24, d=5, n_classes=n_classes, seed=seed)
    options = {"n_estimators": 5} if name == "random_forest" else {}
    best, worst = (rank(name, data, direction, seed, **options) for direction in ("ttb", "btt"))
    assert best.order.tolist() == worst.order[::-1].tolist()
    assert best.scores.tolist() == worst.scores.tolist()
    # By falling score, ties by index.
    assert best.order.tolist() == sorted(range(5), key=lambda j: (-best.scores[j], j))


@given(seed=SEEDS, n_classes=CLASSES)
@settings(max_examples=10, deadline=None)
@pytest.mark.parametrize("name", EXACT)
def test_permuting_neurons_permutes_the_ranking(name, seed, n_classes):
    data = splits(n=40, d=6, n_classes=n_classes, seed=seed)
    columns = np.array(shuffled(6, seed))
    whole, permuted = rank(name, data), rank(name, with_columns(data, columns))
    np.testing.assert_allclose(permuted.scores, whole.scores[columns], rtol=1e-9, atol=1e-11)
    if len(set(whole.scores.round(9))) == 6:  # a tie goes to the lower index, whichever neuron has it
        assert columns[permuted.order].tolist() == whole.order.tolist()


@given(seed=SEEDS, n_classes=st.integers(2, 3))
@settings(max_examples=4, deadline=None)
@pytest.mark.parametrize("name", CONVERGED)
def test_permuting_neurons_permutes_the_weights_of_a_converged_probe(name, seed, n_classes):
    data = splits(n=80, d=5, n_classes=n_classes, seed=seed, dtype=np.float64)
    columns = np.array(shuffled(5, seed))
    whole, permuted = rank_strictly(name, data), rank_strictly(name, with_columns(data, columns))
    np.testing.assert_allclose(permuted.scores, whole.scores[columns], atol=1e-3 * whole.scores.max())


@given(seed=SEEDS, n_classes=CLASSES, dtype=st.sampled_from([np.float32, np.float64]))
@settings(max_examples=10, deadline=None)
@pytest.mark.parametrize("name", SCALE_FREE)
def test_scaling_neurons_changes_nothing(name, seed, n_classes, dtype):
    data = splits(n=40, d=6, n_classes=n_classes, seed=seed, dtype=dtype)
    # Powers of two are exact: what changes is the size and nothing else.
    scale = 2.0 ** np.random.default_rng(seed).integers(-8, 8, size=6)
    assert_same(rank(name, with_columns(data, range(6), scale)), rank(name, data))


@given(seed=SEEDS, n_classes=CLASSES)
@settings(max_examples=10, deadline=None)
@pytest.mark.parametrize("name", ["gaussian", "probeless", "average_precision", "anova", "mean_selectivity"])
def test_turning_a_neuron_round_changes_nothing(name, seed, n_classes):
    # Not so for bins, which are closed on one side.
    data = splits(n=40, d=6, n_classes=n_classes, seed=seed)
    signs = np.where(np.arange(6) % 2, -1.0, 1.0)
    assert_same(rank(name, with_columns(data, range(6), signs)), rank(name, data))


@given(seed=SEEDS, n_classes=CLASSES, times=st.integers(2, 3))
@settings(max_examples=10, deadline=None)
@pytest.mark.parametrize("name", OF_FREQUENCIES)
def test_repeating_all_words_changes_nothing(name, seed, n_classes, times):
    data = splits(n=40, d=6, n_classes=n_classes, seed=seed)
    repeated = Splits.from_arrays(
        *[(np.tile(part.X, (times, 1)), np.tile(part.y, times)) for part in (getattr(data, split) for split in NAMES)]
    )
    assert_same(rank(name, repeated), rank(name, data))


@given(seed=SEEDS, n_classes=CLASSES)
@settings(max_examples=10, deadline=None)
@pytest.mark.parametrize("name", EXACT)
def test_renaming_values_changes_nothing(name, seed, n_classes):
    data = splits(n=40, d=6, n_classes=n_classes, seed=seed)
    # Names in another alphabetical order: the classes' indexes are permuted.
    names = dict(
        zip(data.values, np.array([f"value {c}" for c in range(n_classes)])[shuffled(n_classes, seed)], strict=True)
    )
    renamed = remade(data, y=lambda labels: np.array([names[label] for label in labels.tolist()]))
    assert_same(rank(name, renamed), rank(name, data))


@given(seed=SEEDS, n_classes=CLASSES)
@settings(max_examples=5, deadline=None)
@pytest.mark.parametrize("name", EXACT)
def test_the_order_of_the_words_changes_nothing(name, seed, n_classes):
    data = splits(n=40, d=6, n_classes=n_classes, seed=seed)
    shuffled_words = Splits.from_arrays(
        *[
            (part.X[rows], part.y[rows])
            for part, rows in ((getattr(data, split), shuffled(len(getattr(data, split).y), seed)) for split in NAMES)
        ]
    )
    assert_same(rank(name, shuffled_words), rank(name, data))


@given(seed=SEEDS)
@settings(max_examples=5, deadline=None)
@pytest.mark.parametrize("name", [name for name in RANKINGS if name != "gaussian"])
def test_only_gaussian_looks_at_dev(name, seed):
    data = splits(n=24, d=5, seed=seed)
    other_dev = Splits(data.train, data.test, data.dev)
    options = {"n_estimators": 5} if name == "random_forest" else {}
    assert_same(rank(name, other_dev, **options), rank(name, data, **options), rtol=0)


def test_gaussian_looks_at_dev():
    data = splits(n=60, d=8)
    assert not np.allclose(
        rank("gaussian", data).scores, rank("gaussian", Splits(data.train, data.test, data.dev)).scores
    )
