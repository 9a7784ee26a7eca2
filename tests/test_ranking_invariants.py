"""What must not change a ranking, tested on every ranking that must not change."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import remade, shuffled, splits, with_columns
from sklearn.exceptions import ConvergenceWarning

from pitfalls.arrays.ranking import Ranking
from pitfalls.arrays.splits import Splits
from pitfalls.columns import SPLITS
from pitfalls.rankings import RANKINGS, ranker
from pitfalls.rankings import rank as rank_strictly
from pitfalls.rankings.base import Scorer

SEEDS = st.integers(0, 10**6)
CLASSES = st.integers(2, 4)

#: Fitted iteratively: sums in another order give nearly the same result.
CONVERGED = ("linear_converged", "lca", "lasso", "ridge")
#: They draw at random for each neuron's place.
DRAWN = ("linear", "random", "random_forest")
EXACT = tuple(sorted(set(RANKINGS) - set(CONVERGED) - set(DRAWN)))
SCALE_FREE = ("gaussian", "mutual_information", "average_precision", "anova", "mean_selectivity", "conditional_mi")
#: Their scores depend only on means and frequencies.
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
def test_every_ranking_is_a_permutation_that_repeats_itself_and_a_score_is_reversed(name, seed, d, n_classes):
    data = splits(n=24, d=d, n_classes=n_classes, seed=seed)
    options = {"n_estimators": 5} if name == "random_forest" else {}
    best, again, worst = (rank(name, data, direction, seed, **options) for direction in ("ttb", "ttb", "btt"))
    assert_same(again, best, rtol=0)
    for found, direction in ((best, "ttb"), (worst, "btt")):
        assert sorted(found.order.tolist()) == list(range(d))
        assert found.order.dtype == np.int64 and found.scores.dtype == np.float64
        assert (found.name, found.direction, found.seed, found.ranked) == (name, direction, seed, d)
    if isinstance(ranker(name), Scorer):
        assert best.order.tolist() == worst.order[::-1].tolist()
        assert best.scores.tolist() == worst.scores.tolist()
        # By falling score, ties by index.
        assert best.order.tolist() == sorted(range(d), key=lambda j: (-best.scores[j], j))


@given(seed=SEEDS, n_classes=CLASSES)
@settings(max_examples=6, deadline=None)
@pytest.mark.parametrize("name", EXACT + CONVERGED)
def test_permuting_neurons_permutes_the_ranking(name, seed, n_classes):
    data = splits(n=80, d=6, n_classes=n_classes, seed=seed, dtype=np.float64)
    columns = np.array(shuffled(6, seed))
    whole, permuted = rank(name, data), rank(name, with_columns(data, columns))
    tolerance = 1e-3 * whole.scores.max() if name in CONVERGED else 1e-9
    np.testing.assert_allclose(permuted.scores, whole.scores[columns], atol=tolerance)
    if name in EXACT and len(set(whole.scores.round(9))) == 6:  # a tie goes to the lower index, whichever neuron has it
        assert columns[permuted.order].tolist() == whole.order.tolist()


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
    parts = (getattr(data, split) for split in SPLITS)
    repeated = Splits(*(part.select(np.tile(np.arange(part.n_words), times)) for part in parts))
    assert_same(rank(name, repeated), rank(name, data))


@given(seed=SEEDS, n_classes=CLASSES)
@settings(max_examples=10, deadline=None)
@pytest.mark.parametrize("name", EXACT)
def test_renaming_values_changes_nothing(name, seed, n_classes):
    data = splits(n=40, d=6, n_classes=n_classes, seed=seed)
    # Names in another alphabetical order: the classes' indexes are permuted.
    names = dict(zip(data.values, [f"value {c}" for c in shuffled(n_classes, seed)], strict=True))
    renamed = remade(data, y=lambda labels: np.array([names[label] for label in labels.tolist()]))
    assert_same(rank(name, renamed), rank(name, data))


@given(seed=SEEDS, n_classes=CLASSES)
@settings(max_examples=5, deadline=None)
@pytest.mark.parametrize("name", EXACT)
def test_the_order_of_the_words_changes_nothing(name, seed, n_classes):
    data = splits(n=40, d=6, n_classes=n_classes, seed=seed)
    parts = (getattr(data, split) for split in SPLITS)
    shuffled_words = Splits(*(part.select(shuffled(part.n_words, seed)) for part in parts))
    assert_same(rank(name, shuffled_words), rank(name, data))


@given(seed=SEEDS)
@settings(max_examples=5, deadline=None)
@pytest.mark.parametrize("name", [name for name in RANKINGS if name != "gaussian"])
def test_only_gaussian_looks_at_dev(name, seed):
    data = splits(n=24, d=5, seed=seed)
    other_dev = Splits(data.train, data.test, data.dev)
    options = {"n_estimators": 5} if name == "random_forest" else {}
    assert_same(rank(name, other_dev, **options), rank(name, data, **options), rtol=0)
    assert not np.allclose(rank("gaussian", data).scores, rank("gaussian", other_dev).scores)
