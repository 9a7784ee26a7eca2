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

#: All rankings share one `fit`: a search over classes, a trained probe, a score a neuron, scikit-learn's own.
ONE_OF_EACH_KIND = ["gaussian", "linear", "probeless", "random_forest"]

#: Fast versions of what is slow, and values other than the defaults for a round trip.
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
@pytest.mark.parametrize("estimator", [*PROBES, *[ranker(name, k=1) for name in ONE_OF_EACH_KIND]], ids=repr)
def test_probes_and_rankings_follow_scikit_learns_conventions(estimator):
    if "RandomForest" in repr(estimator):
        estimator.set_params(n_estimators=5)
    results = check_estimator(estimator, on_fail=None, on_skip=None)
    failed = [(r["check_name"], r["exception"]) for r in results if r["status"] == "failed"]
    assert results and not failed


@EVERY_RANKING
@DTYPES
def test_fit_and_transform_find_what_rank_finds_from_arrays_and_tensors_and_change_nothing(name, dtype):
    data = splits(n=90, d=6, n_classes=3, dtype=dtype)
    words = data.train.X, data.train.y, data.dev.X, data.dev.y
    for array in words:
        array.setflags(write=False)
    expected = rank(name, data, "btt", seed=4, **OPTIONS.get(name, {}))
    of_tensor = [torch.tensor(array, requires_grad=array.dtype == dtype) for array in words]
    for given in (words, of_tensor):
        fitted = method(name, k=2, direction="btt", seed=4).fit(*given)
        found = fitted.ranking_
        assert found.order.tolist() == expected.order.tolist()
        assert fitted.scores_.tolist() == expected.scores.tolist()
        assert (found.key, found.ranked, fitted.n_features_in_) == (expected.key, expected.ranked, 6)
    # Selection keeps the first k neurons, in the words' order.
    kept = sorted(found.order[:2].tolist())
    assert np.flatnonzero(fitted.get_support()).tolist() == kept
    assert fitted.get_feature_names_out().tolist() == [f"x{j}" for j in kept]
    transformed, as_tensor = fitted.transform(data.train.X), fitted.transform(of_tensor[0])
    assert transformed.dtype == dtype and np.array_equal(transformed, data.train.X[:, kept])
    assert isinstance(as_tensor, torch.Tensor) and np.array_equal(as_tensor.numpy(), transformed)
    assert not as_tensor.requires_grad and of_tensor[0].grad is None
    with pytest.raises(ValueError, match=r"whole number from 1 to the number of neurons, 6; these are not: \[8\]"):
        fitted.set_params(k=8).transform(data.test.X)


def test_gaussian_without_dev_selects_on_train():
    data = splits(n=60, d=6, n_classes=3)
    of_train, same, of_dev = (
        ranker("gaussian", k=2).fit(data.train.X, data.train.y, *dev).scores_.tolist()
        for dev in ((), (data.train.X, data.train.y), (data.dev.X, data.dev.y))
    )
    assert of_train == same != of_dev


def test_columns_of_a_table_keep_their_names():
    data = splits(n=60, d=4)
    table = pd.DataFrame(data.train.X, columns=["a", "b", "c", "d"])
    fitted = ranker("probeless", k=2).set_output(transform="pandas").fit(table, data.train.y)
    names = [table.columns[j] for j in sorted(fitted.ranking_.order[:2])]
    assert fitted.get_feature_names_out().tolist() == names
    assert fitted.transform(table).columns.tolist() == names
    with pytest.raises(ValueError, match="feature names"):
        fitted.transform(table[["b", "a", "c", "d"]])


@pytest.mark.parametrize("name", ONE_OF_EACH_KIND)
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


@EVERY_PROBE
@DTYPES
def test_probes_take_arrays_and_tensors_alike_and_change_nothing(probe, dtype):
    data = splits(n=90, d=5, n_classes=3, dtype=dtype)
    X, y = data.train.X, data.train.y
    X.setflags(write=False)
    of_array = clone(probe).fit(X, y)
    for given in ((torch.tensor(X), torch.tensor(y)), (torch.tensor(X, requires_grad=True), y.tolist())):
        fitted = clone(probe).fit(*given)
        for attribute in [name for name in vars(of_array) if name.endswith("_") and not name.startswith("_")]:
            np.testing.assert_array_equal(getattr(fitted, attribute), getattr(of_array, attribute), err_msg=attribute)
        for new in (data.test.X, torch.tensor(data.test.X, requires_grad=True)):
            assert np.array_equal(fitted.predict_proba(new), of_array.predict_proba(data.test.X))
            assert isinstance(fitted.predict(new), np.ndarray)
    if hasattr(of_array, "coef_"):
        assert of_array.coef_.dtype == dtype


@EVERY_PROBE
def test_tensors_of_other_kinds_are_read_as_numbers(probe):
    data = splits(n=90, d=5, dtype=np.float64)
    whole = np.round(data.train.X * 4)
    expected = clone(probe).fit(whole, data.train.y).predict_proba(whole)
    for tensor in (torch.tensor(whole).long(), torch.tensor(whole).half(), torch.tensor(whole).bfloat16()):
        found = clone(probe).fit(tensor, data.train.y).predict_proba(tensor)
        np.testing.assert_allclose(found, expected)
