"""The Gaussian probe against SciPy and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from oracles import words
from scipy.stats import multivariate_normal
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis

from pitfalls.probes import classifiers
from pitfalls.probes.classifiers import GaussianProbe
from pitfalls.probes.gaussian import VARIANCE_FLOOR, entropy_bits, fit_gaussians, gaussian_log_joint


def slow_gaussian(X: np.ndarray, y: np.ndarray, d: int) -> list[multivariate_normal]:
    """The formula of SOURCES.md, class by class, with NumPy's covariance."""
    normals = []
    for c in range(int(y.max()) + 1):
        own = X[y == c]
        scatter = (own - own.mean(0)).T @ (own - own.mean(0))
        prior = np.diag(np.diag(np.atleast_2d(np.cov(own, rowvar=False))))
        nu = d + 2 + len(own)
        normals.append(multivariate_normal(own.mean(0), (prior + scatter) / (nu + d + 2)))
    return normals


@pytest.mark.parametrize("n_classes", [2, 4])
def test_gaussian_joint_is_scipys_for_every_number_of_columns_asked(n_classes):
    X, y = words(200, 6, n_classes)
    widths = [1, 2, 6]
    joint = gaussian_log_joint(fit_gaussians(X, y, n_classes, n_neurons=20), X, widths)
    prior = np.bincount(y) / len(y)
    for i, k in enumerate(widths):
        normals = slow_gaussian(X[:, :k].numpy(), y.numpy(), d=20)
        expected = np.stack([normals[c].logpdf(X[:, :k]) + np.log(prior[c]) for c in range(n_classes)], axis=1)
        np.testing.assert_allclose(joint[:, :, i], expected)


def quadratic_discriminant(X: np.ndarray, y: np.ndarray) -> QuadraticDiscriminantAnalysis:
    """scikit-learn's classifier with the covariances of SOURCES.md in place of its own estimates."""
    normals = slow_gaussian(X, y, d=X.shape[1])
    model = QuadraticDiscriminantAnalysis()
    model.classes_, model.n_features_in_ = np.unique(y), X.shape[1]
    model.priors_ = np.bincount(y) / len(y)
    model.means_ = np.stack([normal.mean for normal in normals])
    pairs = [np.linalg.eigh(normal.cov_object.covariance) for normal in normals]
    model.scalings_, model.rotations_ = [values for values, _ in pairs], [vectors for _, vectors in pairs]
    return model


@pytest.mark.parametrize(  # also fewer words in a class than neurons, and more than two classes
    ("n_words", "n_classes", "dtype"), [(30, 12, np.float64), (300, 3, np.float32), (300, 2, np.float64)]
)
def test_gaussian_probe_is_quadratic_discriminant_analysis_with_that_covariance(n_words, n_classes, dtype):
    shares = [0.7] + [0.3 / (n_classes - 1)] * (n_classes - 1)
    X, y = (part.numpy() for part in words(n_words, 7, n_classes, shares=shares))
    X = X.astype(dtype)
    model = quadratic_discriminant(X.astype(float), y)
    probe = GaussianProbe().fit(X, y)
    new = words(200, 7, n_classes, seed=1)[0].numpy().astype(dtype)
    np.testing.assert_allclose(probe.predict_log_proba(new), model.predict_log_proba(new.astype(float)), atol=1e-7)
    assert probe.predict(new).tolist() == model.predict(new.astype(float)).tolist()


def test_predicting_in_blocks_of_words_changes_nothing(monkeypatch):
    X, y = (part.numpy() for part in words(100, 5, 3))
    probe = GaussianProbe().fit(X, y)
    at_once = probe.predict_log_proba(X)
    monkeypatch.setattr(classifiers, "_HELD", 100)
    np.testing.assert_allclose(probe.predict_log_proba(X), at_once, rtol=1e-12)


def test_gaussian_probe_of_some_neurons_is_the_marginal_of_all():
    X, y = words(100, 8, 2)
    of_all = fit_gaussians(X, y, 2)
    some = [5, 2, 7]
    probe = GaussianProbe(n_neurons=8).fit(X[:, some].numpy(), y.numpy())
    np.testing.assert_allclose(probe.covariances_, of_all.covariances[:, some][:, :, some])


def test_a_neuron_constant_everywhere_says_nothing():
    X, y = words(100, 4, 2)
    with_constant = torch.cat([X[:, :2], torch.full((100, 1), 0.1, dtype=torch.float64), X[:, 2:]], dim=1)
    without = torch.log_softmax(gaussian_log_joint(fit_gaussians(X, y, 2, n_neurons=5), X, range(1, 5)), dim=1)
    gaussians = fit_gaussians(with_constant, y, 2)
    with_constant[:, 2] = 5.0  # also where the words scored have another value
    guarded = torch.log_softmax(gaussian_log_joint(gaussians, with_constant, range(1, 6)), dim=1)
    torch.testing.assert_close(guarded[:, :, [0, 1, 3, 4]], without)
    torch.testing.assert_close(guarded[:, :, 2], guarded[:, :, 1])


def test_a_neuron_constant_within_a_class_keeps_a_floor_of_variance():
    X, y = words(100, 3, 2)
    X[y == 0, 1] = 4.0
    gaussians = fit_gaussians(X, y, 2)
    floor = VARIANCE_FLOOR * float(X[:, 1].var(correction=0))
    assert float(gaussians.covariances[0, 1, 1]) == pytest.approx(floor)
    assert torch.isfinite(gaussian_log_joint(gaussians, X, [1, 3])).all()


def test_entropy_is_in_bits():
    assert entropy_bits(torch.tensor([0, 1, 2, 3])) == pytest.approx(2)
    assert entropy_bits(torch.tensor([2, 2])) == 0
