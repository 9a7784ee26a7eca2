"""Probes and rankings as scikit-learn estimators, on arrays and tensors alike."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from oracles import splits
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator

from pitfalls.probes.classifiers import ConvergedLinearProbe, GaussianProbe, LinearProbe
from pitfalls.rankings import RANKINGS, rank, ranker
from pitfalls.rankings.base import Ranker

PROBES = [LinearProbe(), ConvergedLinearProbe(), GaussianProbe()]
EVERY_PROBE = pytest.mark.parametrize("probe", PROBES, ids=repr)
EVERY_RANKING = pytest.mark.parametrize("name", RANKINGS)
DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])

#: Fast versions of what is slow, and other values than the defaults for a round trip.
OPTIONS: dict[str, dict[str, object]] = {
    "probeless": {"value": "1"},
    "gaussian": {"max_neurons": 3},
    "linear_converged": {"l1": 0.01, "l2": 0.1},
    "lca": {"l1": 0.01, "l2": 0.1},
    "lasso": {"l1": 0.01},
    "ridge": {"l2": 0.1},
    "mutual_information": {"n_bins": 5},
    "random_forest": {"n_estimators": 5, "max_samples": 50},
    "conditional_mi": {"n_bins": 4, "max_neurons": 3},
}


def method(name: str, **more: object) -> Ranker:
    return ranker(name, **OPTIONS.get(name, {}), **more)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("estimator", [*PROBES, *[ranker(name, k=1) for name in RANKINGS]], ids=repr)
def test_probes_and_rankings_follow_scikit_learns_conventions(estimator):
    if "RandomForest" in repr(estimator):
        estimator.set_params(n_estimators=5)
    results = check_estimator(estimator, on_fail=None, on_skip=None)
    failed = [(r["check_name"], r["exception"]) for r in results if r["status"] == "failed"]
    assert results and not failed


# ------------------------------------------------------------------------------------- parameters


@EVERY_RANKING
def test_parameters_survive_clone_get_and_set(name):
    given = {"k": 3, "direction": "btt", "seed": 9, **OPTIONS.get(name, {})}
    made = ranker(name, **given)
    parameters = made.get_params()
    assert {key: parameters[key] for key in given} == given
    copy = clone(made)
    assert copy is not made and type(copy) is type(made) and copy.get_params() == parameters
    assert ranker(name).set_params(**parameters).get_params() == parameters
    data = splits(n=60, d=5)
    made.fit(data.train.X, data.train.y)
    assert made.get_params() == parameters
    assert not hasattr(clone(made), "ranking_")


@EVERY_RANKING
def test_fit_finds_what_rank_finds(name):
    data = splits(n=60, d=6, n_classes=3)
    for direction in ("ttb", "btt"):
        expected = rank(name, data, direction, seed=4, **OPTIONS.get(name, {}))
        fitted = method(name, k=2, direction=direction, seed=4)
        fitted.fit(data.train.X, data.train.y, X_dev=data.dev.X, y_dev=data.dev.y)
        assert fitted.ranking_.order.tolist() == expected.order.tolist()
        assert fitted.scores_.tolist() == expected.scores.tolist()
        assert (fitted.ranking_.name, fitted.ranking_.direction, fitted.ranking_.seed, fitted.ranking_.ranked) == (
            expected.name, expected.direction, 4, expected.ranked,
        )  # fmt: skip


def test_gaussian_selects_on_dev_where_there_is_one_and_on_train_otherwise():
    data = splits(n=60, d=6, n_classes=3)
    on_train = ranker("gaussian", k=2).fit(data.train.X, data.train.y)
    same = ranker("gaussian", k=2).fit(data.train.X, data.train.y, data.train.X, data.train.y)
    on_dev = ranker("gaussian", k=2).fit(data.train.X, data.train.y, data.dev.X, data.dev.y)
    assert on_train.scores_.tolist() == same.scores_.tolist()
    assert on_dev.scores_.tolist() == rank("gaussian", data).scores.tolist() != on_train.scores_.tolist()


# -------------------------------------------------------------------------------------- selection


@EVERY_RANKING
@DTYPES
def test_transform_keeps_the_first_k_neurons_in_the_words_order(name, dtype):
    data = splits(n=60, d=7, n_classes=2, dtype=dtype)
    fitted = method(name, k=3, direction="btt", seed=2).fit(data.train.X, data.train.y)
    kept = sorted(fitted.ranking_.order[:3].tolist())
    assert np.flatnonzero(fitted.get_support()).tolist() == kept
    found = fitted.transform(data.test.X)
    assert found.dtype == dtype and np.array_equal(found, data.test.X[:, kept])
    as_tensor = fitted.transform(torch.tensor(data.test.X))
    assert isinstance(as_tensor, torch.Tensor) and np.array_equal(as_tensor.numpy(), found)
    assert fitted.get_feature_names_out().tolist() == [f"x{j}" for j in kept]
    assert np.array_equal(method(name, k=3, direction="btt", seed=2).fit_transform(data.train.X, data.train.y),
                          data.train.X[:, kept])  # fmt: skip


def test_k_may_be_changed_after_fit_and_be_a_whole_float():
    data = splits(n=60, d=7)
    fitted = ranker("probeless", k=3.0).fit(data.train.X, data.train.y)
    assert fitted.transform(data.test.X).shape == (30, 3)
    assert fitted.set_params(k=5).transform(data.test.X).shape == (30, 5)
    with pytest.raises(ValueError, match=r"whole number from 1 to the number of neurons, 7; these are not: \[8\]"):
        fitted.set_params(k=8).transform(data.test.X)


def test_columns_of_a_table_keep_their_names():
    data = splits(n=60, d=4)
    table = pd.DataFrame(data.train.X, columns=["a", "b", "c", "d"])
    fitted = ranker("probeless", k=2).set_output(transform="pandas").fit(table, data.train.y)
    names = [table.columns[j] for j in sorted(fitted.ranking_.order[:2])]
    assert fitted.get_feature_names_out().tolist() == names
    assert fitted.transform(table).columns.tolist() == names
    with pytest.raises(ValueError, match="feature names"):
        fitted.transform(table[["b", "a", "c", "d"]])


@EVERY_RANKING
def test_rankings_select_in_a_pipeline_and_in_a_grid_search_over_k(name):
    data = splits(n=90, d=6, n_classes=2)
    X, labels = data.train.X, np.array(["PL", "SG"])[data.train.y]
    options = {"value": "SG"} if name == "probeless" else OPTIONS.get(name, {})
    for probe in (LinearProbe(seed=1), LogisticRegression()):
        pipeline = make_pipeline(ranker(name, k=3, **options), probe).fit(X, labels)
        kept = np.sort(pipeline[0].ranking_.order[:3])
        assert pipeline.predict(data.test.X).tolist() == clone(probe).fit(X[:, kept], labels).predict(
            data.test.X[:, kept]
        ).tolist()  # fmt: skip
    search = GridSearchCV(pipeline, {f"{type(pipeline[0]).__name__.lower()}__k": [1, 4]}, cv=2, error_score="raise")
    search.fit(X, labels)
    best = search.best_params_.popitem()[1]
    assert search.best_estimator_[0].transform(X).shape == (90, best)
    assert len(set(search.cv_results_["mean_test_score"])) == 2


# ------------------------------------------------------------------------------ arrays and tensors


@EVERY_PROBE
@DTYPES
def test_probes_take_arrays_and_tensors_alike(probe, dtype):
    data = splits(n=90, d=5, n_classes=3, dtype=dtype)
    of_array = clone(probe).fit(data.train.X, data.train.y)
    of_tensor = clone(probe).fit(torch.tensor(data.train.X), torch.tensor(data.train.y))
    mixed = clone(probe).fit(torch.tensor(data.train.X), data.train.y.tolist())
    for fitted in (of_tensor, mixed):
        for attribute in [name for name in vars(of_array) if name.endswith("_") and not name.startswith("_")]:
            np.testing.assert_array_equal(getattr(fitted, attribute), getattr(of_array, attribute), err_msg=attribute)
        for X in (data.test.X, torch.tensor(data.test.X)):
            assert np.array_equal(fitted.predict_proba(X), of_array.predict_proba(data.test.X))
            assert isinstance(fitted.predict(X), np.ndarray)
    if hasattr(of_array, "coef_"):
        assert of_array.coef_.dtype == dtype


@EVERY_RANKING
@DTYPES
def test_rankings_take_arrays_and_tensors_alike(name, dtype):
    data = splits(n=90, d=5, n_classes=3, dtype=dtype)
    of_array = method(name, k=2).fit(data.train.X, data.train.y, data.dev.X, data.dev.y)
    of_tensor = method(name, k=2).fit(
        torch.tensor(data.train.X), torch.tensor(data.train.y), torch.tensor(data.dev.X), torch.tensor(data.dev.y)
    )
    assert of_tensor.ranking_.order.tolist() == of_array.ranking_.order.tolist()
    assert of_tensor.scores_.tolist() == of_array.scores_.tolist()
    assert of_tensor.n_features_in_ == 5


@EVERY_RANKING
def test_float32_and_float64_words_give_the_same_ranking(name):
    data = splits(n=200, d=6, n_classes=3)
    single = method(name, k=2).fit(data.train.X, data.train.y)
    double = method(name, k=2).fit(data.train.X.astype(np.float64), data.train.y)
    np.testing.assert_allclose(single.scores_, double.scores_, rtol=5e-3, atol=1e-3 * double.scores_.max())
    assert single.ranking_.order.tolist() == double.ranking_.order.tolist()


@EVERY_PROBE
def test_tensors_of_other_kinds_are_read_as_numbers(probe):
    data = splits(n=90, d=5, dtype=np.float64)
    whole = np.round(data.train.X * 4)
    expected = clone(probe).fit(whole, data.train.y).predict_proba(whole)
    for tensor in (torch.tensor(whole).long(), torch.tensor(whole).half(), torch.tensor(whole).bfloat16()):
        found = clone(probe).fit(tensor, data.train.y).predict_proba(tensor)
        np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize("estimator", [*PROBES, *[method(name, k=2) for name in RANKINGS]], ids=repr)
def test_activations_that_still_have_a_gradient_are_read_too(estimator):
    data = splits(n=90, d=5)
    X = torch.tensor(data.train.X, requires_grad=True)
    plain, with_gradient = (clone(estimator).fit(words, data.train.y) for words in (X.detach(), X))
    if isinstance(estimator, Ranker):
        assert with_gradient.ranking_.order.tolist() == plain.ranking_.order.tolist()
        assert not with_gradient.transform(X).requires_grad
    else:
        assert np.array_equal(with_gradient.predict_proba(X), plain.predict_proba(X.detach()))
    assert X.grad is None


@pytest.mark.parametrize("estimator", [*PROBES, *[method(name, k=2) for name in RANKINGS]], ids=repr)
def test_what_is_given_is_not_changed(estimator):
    data = splits(n=60, d=5)
    X = data.train.X.copy()
    X.setflags(write=False)
    tensor = torch.tensor(X)
    clone(estimator).fit(X, data.train.y)
    clone(estimator).fit(tensor, data.train.y)
    assert np.array_equal(tensor.numpy(), X)
