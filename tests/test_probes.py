"""The probes against plain PyTorch, SciPy and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from sklearn.utils.estimator_checks import check_estimator
from torch.utils.data import DataLoader, TensorDataset

from pitfalls.neurons.probes import (
    VARIANCE_FLOOR,
    GaussianProbe,
    LinearProbe,
    descend,
    entropy_bits,
    fit_gaussians,
    gaussian_log_joint,
    linear_log_proba,
)


def words(n: int, d: int, n_classes: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Correlated neurons, the first ones shifted by the class."""
    generator = torch.Generator().manual_seed(seed)
    y = torch.randint(n_classes, (n,), generator=generator)
    X = torch.randn(n, d, generator=generator, dtype=torch.float64)
    X[:, : d // 2] += y[:, None] * torch.linspace(1, 0.2, d // 2, dtype=torch.float64)
    return X @ (torch.eye(d) + 0.3 * torch.randn(d, d, generator=generator)).double(), y


def plain_training_loop(
    X: torch.Tensor, y: torch.Tensor, n_classes: int, seed: int
) -> tuple[torch.nn.Linear, torch.Tensor, list[float]]:
    """The paper's recipe, written the obvious way: last model, best epoch's weights, losses."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = torch.nn.Linear(X.shape[1], n_classes).to(X.dtype)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    losses: list[float] = []
    best = torch.empty(0)
    for _ in range(10):
        total = 0.0
        for words_, labels in DataLoader(TensorDataset(X, y), batch_size=32, shuffle=False):
            optimizer.zero_grad()
            weight = model.weight
            loss = torch.nn.functional.cross_entropy(model(words_), labels)
            loss = loss + 0.001 * weight.abs().sum() + 0.01 * weight.square().sum().sqrt()
            loss.backward()
            optimizer.step()
            total += loss.item()
        if not losses or total < min(losses):
            best = model.weight.detach().clone()
        losses.append(total)
    return model, best, losses


@pytest.mark.parametrize("n_classes", [2, 5, 12])
def test_all_widths_together_end_where_each_ends_alone(n_classes):
    X, y = words(130, 9, n_classes)  # 130: the last batch is a short one
    widths = [1, 4, 9]
    together = descend(X, y, n_classes, widths, seed=7)
    for i, width in enumerate(widths):
        model, best, losses = plain_training_loop(X[:, :width], y, n_classes, seed=7)
        torch.testing.assert_close(together.coef[i, :, :width], model.weight.detach())
        torch.testing.assert_close(together.intercept[i], model.bias.detach())
        torch.testing.assert_close(together.best_coef[i, :, :width], best)
        torch.testing.assert_close(together.losses[:, i], torch.tensor(losses, dtype=torch.float64))
        assert (together.coef[i, :, width:] == 0).all()


def test_the_best_epochs_weights_are_kept_when_the_loss_goes_up_again():
    # Noise and long steps: the lowest loss is not at the end.
    generator = torch.Generator().manual_seed(1)
    X, y = torch.randn(40, 3, generator=generator).double() * 30, torch.randint(2, (40,), generator=generator)
    weights = descend(X, y, 2, [3], learning_rate=0.5)
    best = int(weights.losses[:, 0].argmin())
    assert best < 9
    stopped = descend(X, y, 2, [3], learning_rate=0.5, epochs=best + 1)
    torch.testing.assert_close(weights.best_coef, stopped.coef)
    torch.testing.assert_close(weights.best_intercept, stopped.intercept)
    assert not torch.allclose(weights.coef, stopped.coef)


def test_linear_probe_in_float32_scores_like_the_plain_loop_in_float32():
    X, y = words(600, 12, 3)
    model, _, _ = plain_training_loop(X.float(), y, 3, seed=1)
    expected = (model(X.float()).argmax(1) == y).double().mean()
    probe = LinearProbe(seed=1).fit(X.float().numpy(), y.numpy())
    assert probe.coef_.dtype == np.float32
    assert probe.score(X.float().numpy(), y.numpy()) == pytest.approx(float(expected), abs=2e-3)


def test_a_linear_probe_leaves_the_global_generator_alone():
    X, y = words(40, 3, 2)
    state = torch.random.get_rng_state()
    LinearProbe().fit(X.numpy(), y.numpy())
    assert torch.equal(state, torch.random.get_rng_state())


def test_zero_weights_have_a_finite_gradient():
    weights = descend(torch.zeros(64, 2, dtype=torch.float64), torch.arange(64) % 2, 2, [1, 2])
    assert torch.isfinite(weights.coef).all()


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
def test_gaussian_joint_is_scipys_for_every_number_of_columns(n_classes):
    X, y = words(200, 6, n_classes)
    joint = gaussian_log_joint(fit_gaussians(X, y, n_classes, n_neurons=20), X)
    prior = np.bincount(y) / len(y)
    for k in (1, 2, 6):
        normals = slow_gaussian(X[:, :k].numpy(), y.numpy(), d=20)
        expected = np.stack([normals[c].logpdf(X[:, :k]) + np.log(prior[c]) for c in range(n_classes)], axis=1)
        np.testing.assert_allclose(joint[:, k - 1], expected)


def test_gaussian_probe_of_some_neurons_is_the_marginal_of_all():
    X, y = words(100, 8, 2)
    of_all = fit_gaussians(X, y, 2)
    some = [5, 2, 7]
    probe = GaussianProbe(n_neurons=8).fit(X[:, some].numpy(), y.numpy())
    np.testing.assert_allclose(probe.covariances_, of_all.covariances[:, some][:, :, some])


def test_gaussian_probe_manages_fewer_words_than_neurons():
    X, y = words(20, 60, 2)
    proba = GaussianProbe().fit(X.numpy(), y.numpy()).predict_proba(X.numpy())
    assert np.isfinite(proba).all()
    np.testing.assert_allclose(proba.sum(1), 1)


def test_a_neuron_constant_everywhere_says_nothing():
    X, y = words(100, 4, 2)
    with_constant = torch.cat([X[:, :2], torch.full((100, 1), 0.1, dtype=torch.float64), X[:, 2:]], dim=1)
    without = torch.log_softmax(gaussian_log_joint(fit_gaussians(X, y, 2, n_neurons=5), X), dim=2)
    gaussians = fit_gaussians(with_constant, y, 2)
    with_constant[:, 2] = 5.0  # also where the words scored have another value
    guarded = torch.log_softmax(gaussian_log_joint(gaussians, with_constant), dim=2)
    torch.testing.assert_close(guarded[:, [0, 1, 3, 4]], without)
    torch.testing.assert_close(guarded[:, 2], guarded[:, 1])


def test_a_neuron_constant_within_a_class_keeps_a_floor_of_variance():
    X, y = words(100, 3, 2)
    X[y == 0, 1] = 4.0
    gaussians = fit_gaussians(X, y, 2)
    floor = VARIANCE_FLOOR * float(X[:, 1].var(correction=0))
    assert float(gaussians.covariances[0, 1, 1]) == pytest.approx(floor)
    assert torch.isfinite(gaussian_log_joint(gaussians, X)).all()


def test_duplicated_neurons_leave_the_covariance_definite():
    X, y = words(100, 3, 2)
    assert torch.isfinite(gaussian_log_joint(fit_gaussians(X.repeat(1, 4), y, 2), X.repeat(1, 4))).all()


def test_scaling_a_neuron_leaves_the_gaussian_posterior_unchanged():
    X, y = words(100, 5, 3)
    scaled = X * torch.tensor([1e-3, 1.0, 50.0, 1e4, 1.0])
    posteriors = [torch.log_softmax(gaussian_log_joint(fit_gaussians(x, y, 3), x), dim=2) for x in (X, scaled)]
    torch.testing.assert_close(*posteriors)


def test_a_class_of_one_word_is_an_error_that_says_so():
    with pytest.raises(ValueError, match="class 1 has 1 of the 3 training words"):
        fit_gaussians(torch.eye(3), torch.tensor([0, 0, 1]), 2)


def test_labels_may_be_strings_and_come_back():
    X, y = words(200, 4, 2)
    names = np.array(["PL", "SG"])[y]
    for probe in (LinearProbe(), GaussianProbe()):
        fitted = probe.fit(X.numpy(), names)
        assert set(fitted.predict(X.numpy())) <= {"PL", "SG"}
        assert fitted.score(X.numpy(), names) > 0.6


def test_linear_log_proba_normalises():
    X, _ = words(5, 3, 2)
    log_proba = linear_log_proba(X, torch.ones(2, 4, 3, dtype=torch.float64), torch.ones(2, 4).double())
    torch.testing.assert_close(log_proba.exp().sum(2), torch.ones(5, 2, dtype=torch.float64))


def test_entropy_is_in_bits():
    assert entropy_bits(torch.tensor([0, 1, 2, 3])) == pytest.approx(2)
    assert entropy_bits(torch.tensor([2, 2])) == 0


@pytest.mark.parametrize("probe", [LinearProbe(), GaussianProbe()], ids=["linear", "gaussian"])
def test_probes_follow_scikit_learns_conventions(probe):
    results = check_estimator(probe, on_fail=None, on_skip=None)
    failed = [(r["check_name"], r["exception"]) for r in results if r["status"] == "failed"]
    assert not failed
