"""Every ranking and every probe on hostile numbers: finite scores and a permutation, or a clear error."""

from __future__ import annotations

import warnings
from functools import partial

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from pitfalls.arrays.splits import Splits
from pitfalls.probes.classifiers import ConvergedLinearProbe, GaussianProbe, LinearProbe
from pitfalls.probes.curves import probe_curves
from pitfalls.probes.optimum import Optimum
from pitfalls.rankings import RANKINGS, penalised, rank
from pitfalls.rankings.random_forest import _of_spread_one

# Neuron 1 carries the value best.
N_WORDS, N_NEURONS = 40, 6
ALL_SCALES = ["1e-44", "1e12", "1e25", "1e37"]
UNHELPFUL = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def words(seed: int, n_words: int = N_WORDS, n_neurons: int = N_NEURONS, n_classes: int = 2) -> tuple[np.ndarray, ...]:
    y = np.arange(n_words) % n_classes
    X = np.random.default_rng(seed).normal(size=(n_words, n_neurons))
    X[:, 1] += 2 * y
    return X, y


def constant_column(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    X[:, 2] = 3
    return X


def constant_class(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    X[y == 0] = 1
    return X


HOSTILE = {
    "constant column": constant_column,
    "all constant": lambda X, y: np.full_like(X, 2),
    "zeros": lambda X, y: np.zeros_like(X),
    "constant class": constant_class,
    "duplicates": lambda X, y: X[:, [0, 1, 1, 1, 3, 3]],
    "of all sizes": lambda X, y: X * 10.0 ** np.array([12, 0, -12, 6, -6, 3]),
    "far from zero": lambda X, y: X + 1e6,
    **{scale: lambda X, y, scale=scale: X * float(scale) for scale in ALL_SCALES},
}
FEW = {
    "fewer words than neurons": {"n_words": 4, "n_neurons": 12},
    "two words each": {"n_words": 6, "n_classes": 3},
}


def hostile(case: str, dtype: type) -> Splits:
    made = [words(seed, **FEW.get(case, {})) for seed in range(3)]
    change = HOSTILE.get(case, lambda X, y: X)
    return Splits.from_arrays(*[(change(X, y).astype(dtype), y) for X, y in made])


@UNHELPFUL
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", [*HOSTILE, *FEW])
def test_every_ranking_and_probe_has_finite_numbers(case, dtype, monkeypatch):
    # Numbers that are not finite would appear in the first steps.
    monkeypatch.setattr(penalised, "Optimum", partial(Optimum, max_iter=50))
    data = hostile(case, dtype)
    for name in RANKINGS:
        # No case has a neuron that is constant within each value: ANOVA's F would be infinite by definition.
        found = rank(name, data, n_estimators=10) if name == "random_forest" else rank(name, data)
        assert sorted(found.order.tolist()) == list(range(data.n_neurons)), name
        assert np.isfinite(found.scores).all(), name
    for probe in (LinearProbe(), ConvergedLinearProbe(max_iter=50), GaussianProbe()):
        log_proba = probe.fit(data.train.X, data.train.y).predict_log_proba(data.test.X)
        assert not np.isnan(log_proba).any(), probe
    curve = probe_curves([rank("random", data)], data, [1, 3], ["linear", "gaussian"])
    assert curve["accuracy"].between(0, 1).all()


@UNHELPFUL
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", ["1e12", "1e25"])
def test_the_converged_probe_finds_the_neuron_at_every_scale(scale, dtype):
    train = hostile(scale, dtype).train
    probe = ConvergedLinearProbe(max_iter=100).fit(train.X, train.y)
    assert np.abs(probe.coef_).mean(0).argmax() == 1
    assert (probe.predict(train.X) == train.y).mean() > 0.8


def test_double_precision_and_float32_find_one_optimum_of_large_neurons():
    # Large enough for the search in double precision, small enough for the one in float32.
    X, y = words(0)
    X[:, 2] *= 2**22
    in_float32 = ConvergedLinearProbe().fit(X.astype(np.float32), y)
    in_double = ConvergedLinearProbe().fit(X, y)
    np.testing.assert_allclose(in_float32.coef_, in_double.coef_, atol=1e-4)


def test_where_no_neuron_varies_the_bias_is_the_prior():
    y = np.array([0] * 30 + [1] * 10)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        probe = ConvergedLinearProbe().fit(np.ones((40, 3)), y)
    assert not probe.coef_.any()
    np.testing.assert_allclose(probe.predict_proba(np.ones((1, 3)))[0], [0.75, 0.25], atol=1e-3)


@pytest.mark.parametrize(("scale", "said"), [(1e100, "too large"), (1e300, "too large"), (1e-100, "too little")])
def test_numbers_that_cannot_be_squared_are_named(scale, said):
    X, y = words(0)
    X[:, 3] *= scale
    with pytest.raises(ValueError, match=rf"neuron 3 .*{said} to compute with: (divide|multiply) X"):
        GaussianProbe().fit(X, y)
    for probe in (LinearProbe(), ConvergedLinearProbe()):
        with pytest.raises(ValueError, match=rf"neuron 3 .*{said}"):
            clone(probe).fit(X, y)
    data = Splits.from_arrays(*[(X, y)] * 3)
    for name in RANKINGS:
        with pytest.raises(ValueError, match=rf"neuron 3 .*{said}"):
            rank(name, data)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_forest_sees_neurons_of_every_size_alike(dtype):
    X, y = words(0)
    X = X.astype(np.float32)
    powers = 2.0 ** np.array([40, -40, 3, -90, 0, 90])
    plain, scaled = (
        rank("random_forest", Splits.from_arrays(*[(torch.tensor(found, dtype=dtype), y)] * 3), n_estimators=10)
        for found in (X, X * powers)
    )
    assert scaled.scores.max() > 0
    np.testing.assert_allclose(scaled.scores, plain.scores, rtol=1e-12)
    ranges = np.ptp(_of_spread_one(torch.tensor(X * powers)).numpy(), axis=0)
    assert ((ranges >= 1) & (ranges <= 2)).all()
