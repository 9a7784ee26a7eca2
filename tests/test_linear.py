"""Linear probes trained side by side, against ordinary training loops, autograd and SciPy."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from oracles import assert_trained, plain_training_loop, shuffled, side_by_side, splits, words
from sklearn.exceptions import ConvergenceWarning

from pitfalls.probes import adam, linear, optimum
from pitfalls.probes.adam import Adam
from pitfalls.probes.blocks import LinearTask
from pitfalls.probes.classifiers import ConvergedLinearProbe, LinearProbe
from pitfalls.probes.control import control_labels
from pitfalls.probes.curves import probe_curve
from pitfalls.probes.linear import fit_linear, train
from pitfalls.probes.optimum import Optimum
from pitfalls.rankings import rank

# With these, only rounding is left.
EXACT = {"tolerance": 1e-10, "max_iter": 50_000}


def several_tasks(y: torch.Tensor, d: int, n_classes: int) -> list[LinearTask]:
    """Three rankings, each with real and control labels and two seeds."""
    forms = [f"form {i % 40}" for i in range(len(y))]
    orders = [torch.tensor(shuffled(d, seed)) for seed in range(3)]
    labels = [y, torch.tensor(control_labels([forms], n_classes, seed=1)[0])]
    return [LinearTask(order, target, seed) for order in orders for target in labels for seed in (0, 5)]


@pytest.mark.parametrize("n_classes", [2, 12])
def test_widths_of_several_blocks_end_where_each_ends_alone(n_classes):
    widths = [width + 1 for width in shuffled(57, seed=1)]
    X, y = words(70, 60, n_classes)
    assert len(widths) > linear._WIDTHS_AT_ONCE
    together = side_by_side(X, [LinearTask(torch.arange(60), y, 7)], n_classes, widths, Adam())
    assert sorted(width for _, width in together) == sorted(widths)
    for width in widths[::4]:
        assert_trained(together[0, width], X[:, :width], y, n_classes, seed=7)


def test_tasks_trained_together_end_where_each_ends_alone(monkeypatch):
    X, y = words(70, 6, 3)
    tasks = several_tasks(y, 6, 3)
    together = side_by_side(X, tasks, 3, [5, 2], Adam())
    for (number, width), found in together.items():
        task = tasks[number]
        assert_trained(found, X[:, task.order[:width]], task.y, 3, task.seed)
    for weights_at_once, n_blocks in ((1, 12), (5 * 3 * 2 * 5, 3)):
        monkeypatch.setattr(linear, "_WEIGHTS_AT_ONCE", weights_at_once)
        blocks = [block for _, block in train(X, tasks, 3, [5, 2], Adam())]
        assert len(blocks) == n_blocks
        assert all((block.coef[:, 2:, :, 0] == 0).all() for block in blocks)  # the probe of width 2 reads no more
        for at, found in side_by_side(X, tasks, 3, [5, 2], Adam()).items():
            torch.testing.assert_close(found.coef, together[at].coef)
            torch.testing.assert_close(found.best_intercept, together[at].best_intercept)


@pytest.mark.parametrize("n_classes", [2, 12])
def test_training_in_float32_follows_the_plain_loop_and_float64(n_classes):
    X, y = words(300, 8, n_classes)
    single, double = (fit_linear(x, y, n_classes, seed=2) for x in (X.float(), X))
    assert single.coef.dtype == torch.float32
    model, _, _ = plain_training_loop(X.float(), y, n_classes, seed=2)
    torch.testing.assert_close(single.coef, model.weight.detach(), rtol=2e-3, atol=2e-4)
    torch.testing.assert_close(single.coef.double(), double.coef, rtol=5e-3, atol=5e-4)
    torch.testing.assert_close(single.losses.double(), double.losses, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("widths_at_once", "picked_at_once"), [(2, 2 * 32 * 6), (50, 1), (50, 2**17)])
def test_a_curve_is_one_plain_training_loop_per_k(widths_at_once, picked_at_once, monkeypatch):
    monkeypatch.setattr(linear, "_WIDTHS_AT_ONCE", widths_at_once)
    monkeypatch.setattr(adam, "_PICKED_AT_ONCE", picked_at_once)
    data = splits(n=130, d=6, n_classes=4, dtype=np.float64)
    ranking = rank("random", data, seed=1)
    curve = probe_curve(ranking, data, range(1, 7), "linear", seed=9)
    for k, accuracy in zip(curve["k"], curve["accuracy"], strict=True):
        columns = ranking.order[:k]
        X, y = torch.tensor(data.train.X[:, columns]), torch.tensor(data.train.y)
        model, _, _ = plain_training_loop(X, y, 4, seed=9)
        found = model(torch.tensor(data.test.X[:, columns])).argmax(1).numpy()
        assert accuracy == pytest.approx((found == data.test.y).mean(), abs=1e-12)


def test_the_best_epochs_weights_are_kept_when_the_loss_goes_up_again():
    # Noise and long steps: the lowest loss is not at the end.
    generator = torch.Generator().manual_seed(1)
    X, y = torch.randn(40, 3, generator=generator).double() * 30, torch.randint(2, (40,), generator=generator)
    weights = fit_linear(X, y, 2, Adam(learning_rate=0.5))
    best = int(weights.losses.argmin())
    assert best < 9
    stopped = fit_linear(X, y, 2, Adam(learning_rate=0.5, epochs=best + 1))
    torch.testing.assert_close(weights.best_coef, stopped.coef)
    torch.testing.assert_close(weights.best_intercept, stopped.intercept)
    assert not torch.allclose(weights.coef, stopped.coef)


def test_zero_weights_have_a_finite_gradient():
    weights = fit_linear(torch.zeros(64, 2, dtype=torch.float64), torch.arange(64) % 2, 2)
    assert torch.isfinite(weights.coef).all()


def loss_of(
    X: torch.Tensor, y: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, recipe: Optimum
) -> torch.Tensor:
    """Mean cross-entropy and penalties, written out again."""
    loss = torch.nn.functional.cross_entropy(X @ weight.T + bias, y)
    loss = loss + recipe.l1 * weight.abs().sum() + recipe.l2 * weight.square().sum().sqrt()
    return loss + recipe.ridge / 2 * weight.square().sum()


def distance_to_optimum(X: torch.Tensor, y: torch.Tensor, W: torch.Tensor, b: torch.Tensor, recipe: Optimum) -> float:
    """How far zero is from the subdifferential, by autograd: largest violation over all weights."""
    weight, bias = W.clone().requires_grad_(), b.clone().requires_grad_()
    loss = torch.nn.functional.cross_entropy(X @ weight.T + bias, y) + recipe.ridge / 2 * weight.square().sum()
    if (W != 0).any():
        loss = loss + recipe.l2 * weight.square().sum().sqrt()
    loss.backward()
    gradient = weight.grad
    # Where a weight is zero, |w| has every slope from -1 to 1.
    violation = torch.where(W == 0, (gradient.abs() - recipe.l1).clamp_min(0), gradient + recipe.l1 * W.sign())
    # Where all are zero, the norm has every slope of length 1 or less.
    at_zero = 0.0 if (W != 0).any() else recipe.l2
    return max(float(violation.norm()) - at_zero, float(bias.grad.norm()))


LOSSES = {
    "the paper's": Optimum(**EXACT),
    "strong": Optimum(0.03, 0.1, **EXACT),
    "lasso": Optimum(0.01, 0.0, **EXACT),
    "norm alone": Optimum(0.0, 0.05, **EXACT),
    "ridge": Optimum(0.0, 0.0, 0.01, **EXACT),
    "all three": Optimum(0.005, 0.01, 0.01, **EXACT),
    "so strong that all weights are zero": Optimum(0.01, 500.0, **EXACT),
}


@pytest.mark.parametrize(("name", "n_classes"), [*((name, 3) for name in LOSSES), ("all three", 2), ("strong", 12)])
def test_zero_is_in_the_subdifferential_at_the_optimum(name, n_classes):
    recipe = LOSSES[name]
    X, y = words(90, 7, n_classes)
    # Sizes and means differ, and one neuron is constant.
    X = X * torch.tensor([1, 1, 100, 0.01, 1, 0, 1.0]) + torch.tensor([0, 0, 0, 0, 50.0, 0.1, 0])
    for width in (2, 7):
        found = fit_linear(X[:, :width], y, n_classes, recipe)
        assert distance_to_optimum(X[:, :width], y, found.coef, found.intercept, recipe) < 1e-6
        expected = float(loss_of(X[:, :width], y, found.coef, found.intercept, recipe))
        assert float(found.losses[-1]) == pytest.approx(expected, rel=1e-9)
    assert (found.coef[:, 5] == 0).all()
    zeros = (found.coef[:, [0, 1, 2, 3, 4, 6]] == 0).double().mean()
    assert {"strong": zeros > 0, "so strong that all weights are zero": zeros == 1, "ridge": zeros == 0}.get(name, True)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_no_training_by_adam_ends_below_the_optimum(dtype):
    X, y = words(200, 8, 12)
    least = fit_linear(X.to(dtype), y, 12, Optimum())
    for recipe in (Adam(), Adam(epochs=60), Adam(learning_rate=0.001, epochs=60, batch_size=200)):
        converged, trained = (
            loss_of(X, y, found.coef.double(), found.intercept.double(), Optimum())
            for found in (least, fit_linear(X, y, 12, recipe, seed=1))
        )
        assert converged <= trained + 1e-6


def test_the_optimum_does_not_depend_on_order_or_company_or_blocks_of_words(monkeypatch):
    X, y = words(80, 5, 3)
    recipe = LOSSES["all three"]
    alone, columns = fit_linear(X, y, 3, recipe), shuffled(5, seed=2)
    rows = shuffled(80, seed=1)
    close = {"rtol": 1e-5, "atol": 1e-6}
    torch.testing.assert_close(fit_linear(X[rows], y[rows], 3, recipe, seed=5).coef, alone.coef, **close)
    torch.testing.assert_close(fit_linear(X[:, columns], y, 3, recipe).coef, alone.coef[:, columns], **close)
    tasks = several_tasks(y, 5, 3)[::5]
    for (number, width), found in side_by_side(X, tasks, 3, [2, 5], recipe).items():
        task = tasks[number]
        single = fit_linear(X[:, task.order[:width]], task.y, 3, recipe)
        torch.testing.assert_close(found.coef, single.coef, **close)
        torch.testing.assert_close(found.intercept, single.intercept, **close)
    monkeypatch.setattr(optimum, "_LOGITS_AT_ONCE", 100)
    torch.testing.assert_close(fit_linear(X, y, 3, recipe).coef, alone.coef)


def test_too_few_steps_are_warned_about_and_enough_are_not():
    X, y = (part.numpy() for part in words(150, 7, 3))
    with pytest.warns(ConvergenceWarning, match="not at their optimum after 3 steps: raise max_iter"):
        assert ConvergedLinearProbe(max_iter=3).fit(X, y).n_iter_ == 3
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert 3 < ConvergedLinearProbe().fit(X, y).n_iter_ < 2000


def test_the_converged_probe_is_the_optimum_and_linear_the_training():
    X, y = words(150, 7, 3)
    probe = ConvergedLinearProbe(0.01, 0.02, 0.03, 1e-10, 50_000).fit(X.numpy(), y.numpy())
    W, b = torch.tensor(probe.coef_), torch.tensor(probe.intercept_)
    assert distance_to_optimum(X, y, W, b, Optimum(0.01, 0.02, 0.03)) < 1e-6
    logits = X.numpy() @ probe.coef_.T + probe.intercept_
    np.testing.assert_allclose(probe.predict_proba(X.numpy()), torch.tensor(logits).softmax(1).numpy())
    state = torch.random.get_rng_state()
    trained = LinearProbe(seed=3).fit(X.numpy(), y.numpy())
    assert torch.equal(state, torch.random.get_rng_state())
    model, best, losses = plain_training_loop(X, y, 3, seed=3)
    np.testing.assert_allclose(trained.coef_, model.weight.detach())
    np.testing.assert_allclose(trained.intercept_, model.bias.detach())
    np.testing.assert_allclose(trained.best_coef_, best)
    np.testing.assert_allclose(trained.losses_, losses)


@given(
    seed=st.integers(0, 10**6),
    shape=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    l1=st.sampled_from([0.0, 0.01, 0.3]),
    l2=st.sampled_from([0.0, 0.01, 0.3, 3.0]),
    decades=st.sampled_from([0, 1, 4]),
)
def test_zero_is_in_the_subdifferential_after_a_proximal_step(seed, shape, l1, l2, decades):
    generator = np.random.default_rng(seed)
    point = generator.normal(size=shape)
    curvature = 10.0 ** generator.uniform(-decades, decades, size=(shape[0], 1))
    step = optimum._proximal(torch.tensor(point)[None, :, :, None], torch.tensor(curvature)[None, :, :, None], l1, l2)
    w, pull = step[0, :, :, 0].numpy(), curvature * point
    if not w.any():
        assert np.linalg.norm((np.abs(pull) - l1).clip(0)) <= l2 * (1 + 1e-9)
        return
    slope = curvature * w - pull + l2 * w / np.linalg.norm(w)
    rounding = 1e-7 * (1 + np.abs(pull))
    # Where a weight is zero, |w| has every slope from -1 to 1.
    assert (np.where(w == 0, np.abs(slope) - l1, np.abs(slope + l1 * np.sign(w))) <= rounding).all()
