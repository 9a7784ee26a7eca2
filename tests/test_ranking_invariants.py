"""What must not change a ranking, tested on every ranking that must not change."""

from __future__ import annotations

import warnings
from collections.abc import Callable

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
#: Not so for bins, which are closed on one side.
SIGN_FREE = ("gaussian", "probeless", "average_precision", "anova", "mean_selectivity")
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
@settings(max_examples=3)
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
@settings(max_examples=4)
@pytest.mark.parametrize("name", EXACT + CONVERGED)
def test_permuting_neurons_permutes_the_ranking(name, seed, n_classes):
    data = splits(n=80, d=6, n_classes=n_classes, seed=seed, dtype=np.float64)
    columns = np.array(shuffled(6, seed))
    whole, permuted = rank(name, data), rank(name, with_columns(data, columns))
    tolerance = 1e-3 * whole.scores.max() if name in CONVERGED else 1e-9
    np.testing.assert_allclose(permuted.scores, whole.scores[columns], atol=tolerance)
    if name in EXACT and len(set(whole.scores.round(9))) == 6:  # a tie goes to the lower index, whichever neuron has it
        assert columns[permuted.order].tolist() == whole.order.tolist()


def scaled(data: Splits, seed: int) -> Splits:
    # Powers of two are exact: what changes is the size and nothing else.
    return with_columns(data, range(6), 2.0 ** np.random.default_rng(seed).integers(-8, 8, size=6))


def renamed(data: Splits, seed: int) -> Splits:
    # Names in another alphabetical order: the classes' indexes are permuted.
    names = [f"value {c}" for c in shuffled(len(data.values), seed)]
    return remade(data, y=lambda labels: np.array([names[data.values.index(label)] for label in labels.tolist()]))


def select(data: Splits, rows: Callable[[int], object]) -> Splits:
    return Splits(*(part.select(rows(part.n_words)) for part in (getattr(data, split) for split in SPLITS)))


HARMLESS = {
    "scaled": (SCALE_FREE, scaled),
    "turned round": (SIGN_FREE, lambda data, _: with_columns(data, range(6), [1, -1, 1, -1, 1, -1])),
    "all words three times": (OF_FREQUENCIES, lambda data, _: select(data, lambda n: np.tile(np.arange(n), 3))),
    "words in another order": (EXACT, lambda data, seed: select(data, lambda n: shuffled(n, seed))),
    "values renamed": (EXACT, renamed),
}


@given(seed=SEEDS, n_classes=CLASSES, dtype=st.sampled_from([np.float32, np.float64]))
@settings(max_examples=5)
@pytest.mark.parametrize(("change", "name"), [(change, name) for change in HARMLESS for name in HARMLESS[change][0]])
def test_what_changes_nothing(change, name, seed, n_classes, dtype):
    data = splits(n=40, d=6, n_classes=n_classes, seed=seed, dtype=dtype)
    assert_same(rank(name, HARMLESS[change][1](data, seed)), rank(name, data))


@pytest.mark.parametrize("name", [name for name in RANKINGS if name != "gaussian"])
def test_only_gaussian_looks_at_dev(name):
    data = splits(n=24, d=5)
    other_dev = Splits(data.train, data.test, data.dev)
    options = {"n_estimators": 5} if name == "random_forest" else {}
    assert_same(rank(name, other_dev, **options), rank(name, data, **options), rtol=0)
    assert not np.allclose(rank("gaussian", data).scores, rank("gaussian", other_dev).scores)
