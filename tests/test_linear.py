"""Linear probes trained side by side, against ordinary training loops, autograd and SciPy."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import plain_training_loop, shuffled, splits
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning

from pitfalls.probes import linear
from pitfalls.probes.classifiers import ConvergedLinearProbe, LinearProbe
from pitfalls.probes.control import control_labels
from pitfalls.probes.curves import probe_curve, probe_curves
from pitfalls.probes.linear import Adam, LinearTask, Optimum, descend, train, whole
from pitfalls.rankings import rank

# So exact that what is left is rounding.
EXACT = {"tolerance": 1e-10, "max_iter": 50_000}


def words(
    n: int = 130, d: int = 9, n_classes: int = 3, seed: int = 0, dtype: type = np.float64
) -> tuple[torch.Tensor, torch.Tensor]:
    part = splits(n=n, d=d, n_classes=n_classes, seed=seed, dtype=dtype).train
    return torch.tensor(part.X), torch.tensor(part.y)


def several_tasks(y: torch.Tensor, d: int, n_classes: int) -> list[LinearTask]:
    """Three rankings, each with real and control labels and two seeds."""
    forms = [f"form {i % 40}" for i in range(len(y))]
    orders = [torch.tensor(shuffled(d, seed)) for seed in range(3)]
    labels = [y, torch.tensor(control_labels([forms], n_classes, seed=1)[0])]
    return [LinearTask(order, target, seed) for order in orders for target in labels for seed in (0, 5)]


# ------------------------------------------------------------------------------ the paper's training


@pytest.mark.parametrize("n_classes", [2, 12])
def test_widths_of_several_blocks_end_where_each_ends_alone(n_classes):
    widths = shuffled(57, seed=1)
    widths = [width + 1 for width in widths]
    X, y = words(70, 60, n_classes)
    assert len(widths) > linear._WIDTHS_AT_ONCE
    assert len(list(train(X, [LinearTask(torch.arange(60), y)], n_classes, widths, Adam()))) > 1
    together = descend(X, y, n_classes, widths, seed=7)
    for i in range(0, len(widths), 4):
        width = widths[i]
        model, best, losses = plain_training_loop(X[:, :width], y, n_classes, seed=7)
        torch.testing.assert_close(together.coef[i, :, :width], model.weight.detach())
        torch.testing.assert_close(together.intercept[i], model.bias.detach())
        torch.testing.assert_close(together.best_coef[i, :, :width], best)
        torch.testing.assert_close(together.losses[:, i], torch.tensor(losses, dtype=torch.float64))
        assert (together.coef[i, :, width:] == 0).all()


@pytest.mark.parametrize(("weights_at_once", "n_blocks"), [(1, 12), (5 * 3 * 2 * 5, 3), (2**20, 1)])
def test_tasks_trained_together_end_where_each_ends_alone(weights_at_once, n_blocks, monkeypatch):
    monkeypatch.setattr(linear, "_WEIGHTS_AT_ONCE", weights_at_once)
    X, y = words(100, 6, 3)
    tasks, widths = several_tasks(y, 6, 3), [5, 2]
    blocks = list(train(X, tasks, 3, widths, Adam()))
    assert len(blocks) == n_blocks
    for task, found in zip(tasks, whole(widths, iter(blocks)), strict=True):
        for i, width in enumerate(widths):
            model, best, losses = plain_training_loop(X[:, task.order[:width]], task.y, 3, task.seed)
            torch.testing.assert_close(found.coef[i, :, :width], model.weight.detach())
            torch.testing.assert_close(found.intercept[i], model.bias.detach())
            torch.testing.assert_close(found.best_coef[i, :, :width], best)
            torch.testing.assert_close(found.losses[:, i], torch.tensor(losses, dtype=torch.float64))


@pytest.mark.parametrize("n_classes", [2, 12])
def test_training_in_float32_follows_the_plain_loop_and_float64(n_classes):
    X, y = words(300, 8, n_classes)
    single = descend(X.float(), y, n_classes, [3, 8], seed=2)
    double = descend(X, y, n_classes, [3, 8], seed=2)
    assert single.coef.dtype == torch.float32
    for i, width in enumerate((3, 8)):
        model, _, _ = plain_training_loop(X[:, :width].float(), y, n_classes, seed=2)
        torch.testing.assert_close(single.coef[i, :, :width], model.weight.detach(), rtol=2e-3, atol=2e-4)
    torch.testing.assert_close(single.coef.double(), double.coef, rtol=5e-3, atol=5e-4)
    torch.testing.assert_close(single.losses.double(), double.losses, rtol=1e-4, atol=1e-4)


def test_curves_trained_together_equal_each_alone(monkeypatch):
    monkeypatch.setattr(linear, "_WEIGHTS_AT_ONCE", 200)
    monkeypatch.setattr(linear, "_WIDTHS_AT_ONCE", 3)
    data = splits(n=130, d=8, n_classes=3, dtype=np.float64, n_forms=40)
    rankings = [rank("probeless", data), rank("random", data, seed=4), rank("gaussian", data, "btt")]
    together = probe_curves(
        rankings, data, range(1, 9), ["linear", "gaussian"], ["real", "control"], seeds=[0, 3], splits=["dev", "test"]
    )
    keys = ["probe", "ranking", "direction", "ranking_seed", "task", "split", "seed"]
    assert len(together) == 2 * 3 * 2 * 2 * 2 * 8
    for key, rows in together.groupby(keys, sort=False):
        probe, name, _, _, task, split, seed = key
        (ranking,) = [one for one in rankings if one.name == name]
        alone = probe_curve(ranking, data, range(1, 9), probe, task, seed, split)
        assert rows["k"].tolist() == alone["k"].tolist()
        np.testing.assert_allclose(rows["accuracy"], alone["accuracy"], atol=1.01 / 65)
        np.testing.assert_allclose(rows["mi_bits"], alone["mi_bits"], atol=1e-8)


@pytest.mark.parametrize(("widths_at_once", "picked_at_once"), [(2, 2 * 32 * 6), (50, 1), (50, 2**17)])
def test_a_curve_is_one_plain_training_loop_per_k(widths_at_once, picked_at_once, monkeypatch):
    monkeypatch.setattr(linear, "_WIDTHS_AT_ONCE", widths_at_once)
    monkeypatch.setattr(linear, "_PICKED_AT_ONCE", picked_at_once)
    data = splits(n=130, d=6, n_classes=4, dtype=np.float64)
    ranking = rank("random", data, seed=1)
    curve = probe_curve(ranking, data, range(1, 7), "linear", seed=9)
    for k, accuracy in zip(curve["k"], curve["accuracy"], strict=True):
        columns = ranking.order[:k]
        X, y = torch.tensor(data.train.X[:, columns]), torch.tensor(data.train.y)
        model, _, _ = plain_training_loop(X, y, 4, seed=9)
        found = model(torch.tensor(data.test.X[:, columns])).argmax(1).numpy()
        assert accuracy == pytest.approx((found == data.test.y).mean(), abs=1e-12)


# -------------------------------------------------------------------------------------- the optimum


def objective(
    X: torch.Tensor, y: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, recipe: Optimum | Adam
) -> torch.Tensor:
    """Mean cross-entropy and penalties, written once more."""
    loss = torch.nn.functional.cross_entropy(X @ weight.T + bias, y)
    loss = loss + recipe.l1 * weight.abs().sum() + recipe.l2 * weight.square().sum().sqrt()
    return loss + getattr(recipe, "ridge", 0.0) / 2 * weight.square().sum()


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
    "so strong that all weights are zero": Optimum(0.01, 5.0, **EXACT),
}


@pytest.mark.parametrize("n_classes", [2, 3, 12])
@pytest.mark.parametrize("recipe", LOSSES.values(), ids=LOSSES.keys())
def test_zero_is_in_the_subdifferential_at_the_optimum(recipe, n_classes):
    X, y = words(150, 7, n_classes)
    X = X * torch.tensor([1, 1, 100, 0.01, 1, 1, 1.0]) + torch.tensor(
        [0, 0, 0, 0, 50.0, 0, 0]
    )  # sizes and means differ
    weights = descend(X, y, n_classes, [2, 7], recipe=recipe)
    for i, width in enumerate((2, 7)):
        W, b = weights.coef[i, :, :width], weights.intercept[i]
        assert distance_to_optimum(X[:, :width], y, W, b, recipe) < 1e-6
        expected = float(objective(X[:, :width], y, W, b, recipe))
        assert float(weights.losses[-1, i]) == pytest.approx(expected, rel=1e-9)
        assert (weights.coef[i, :, width:] == 0).all()


def test_penalties_make_exact_zeros():
    X, y = words(150, 7, 3)
    assert (descend(X, y, 3, [7], recipe=LOSSES["strong"]).coef == 0).double().mean() > 0.2
    assert (descend(X, y, 3, [7], recipe=LOSSES["so strong that all weights are zero"]).coef == 0).all()
    assert (descend(X, y, 3, [7], recipe=LOSSES["ridge"]).coef != 0).all()


def test_a_constant_neuron_has_no_weight_at_the_optimum():
    X, y = words(150, 7, 3)
    X[:, 3] = 0.1
    found = descend(X, y, 3, [7], recipe=Optimum(**EXACT))
    assert (found.coef[:, :, 3] == 0).all()
    assert distance_to_optimum(X, y, found.coef[0], found.intercept[0], Optimum()) < 1e-6


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("n_classes", [2, 12])
def test_no_training_by_adam_ends_below_the_optimum(n_classes, dtype):
    X, y = words(200, 8, n_classes)
    widths = [1, 4, 8]
    least = descend(X.to(dtype), y, n_classes, widths, recipe=Optimum())
    for recipe in (Adam(), Adam(epochs=60), Adam(learning_rate=0.001, epochs=60, batch_size=200)):
        adam = descend(X, y, n_classes, widths, seed=1, recipe=recipe)
        for i, width in enumerate(widths):
            converged, trained = (
                objective(X[:, :width], y, found.coef[i, :, :width].double(), found.intercept[i].double(), Optimum())
                for found in (least, adam)
            )
            assert converged <= trained + 1e-6


def test_the_optimum_does_not_depend_on_the_order_of_words_or_columns_or_on_company():
    X, y = words(150, 7, 3)
    alone = descend(X, y, 3, [7], recipe=Optimum(**EXACT))
    rows, columns = shuffled(150, seed=1), shuffled(7, seed=2)
    other_rows = descend(X[rows], y[rows], 3, [7], seed=5, recipe=Optimum(**EXACT))
    torch.testing.assert_close(other_rows.coef, alone.coef, rtol=1e-5, atol=1e-6)
    other_columns = descend(X[:, columns], y, 3, [7], recipe=Optimum(**EXACT))
    torch.testing.assert_close(other_columns.coef, alone.coef[:, :, columns], rtol=1e-5, atol=1e-6)
    tasks = several_tasks(y, 7, 3)[::5]
    for task, found in zip(tasks, whole([2, 7], train(X, tasks, 3, [2, 7], Optimum(**EXACT))), strict=True):
        single = descend(X[:, task.order], task.y, 3, [2, 7], recipe=Optimum(**EXACT))
        torch.testing.assert_close(found.coef, single.coef, rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(found.intercept, single.intercept, rtol=1e-5, atol=1e-6)


def test_the_optimum_in_blocks_of_words_is_the_same(monkeypatch):
    X, y = words(150, 7, 3)
    at_once = descend(X, y, 3, [3, 7], recipe=Optimum(**EXACT))
    monkeypatch.setattr(linear, "_LOGITS_AT_ONCE", 100)
    torch.testing.assert_close(descend(X, y, 3, [3, 7], recipe=Optimum(**EXACT)).coef, at_once.coef)


def test_too_few_steps_are_warned_about_and_enough_are_not():
    X, y = words(150, 7, 3)
    with pytest.warns(ConvergenceWarning, match="not at their optimum after 3 steps: raise max_iter"):
        probe = ConvergedLinearProbe(max_iter=3).fit(X.numpy(), y.numpy())
    assert probe.n_iter_ == 3
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        probe = ConvergedLinearProbe().fit(X.numpy(), y.numpy())
    assert 3 < probe.n_iter_ < 2000


def test_the_converged_probe_is_the_optimum_and_linear_the_training():
    X, y = words(150, 7, 3)
    probe = ConvergedLinearProbe(0.01, 0.02, 0.03, 1e-10, 50_000).fit(X.numpy(), y.numpy())
    W, b = torch.tensor(probe.coef_), torch.tensor(probe.intercept_)
    assert distance_to_optimum(X, y, W, b, Optimum(0.01, 0.02, 0.03)) < 1e-6
    logits = X.numpy() @ probe.coef_.T + probe.intercept_
    np.testing.assert_allclose(probe.predict_proba(X.numpy()), torch.tensor(logits).softmax(1).numpy())
    trained = LinearProbe(seed=3).fit(X.numpy(), y.numpy())
    model, best, losses = plain_training_loop(X, y, 3, seed=3)
    np.testing.assert_allclose(trained.coef_, model.weight.detach())
    np.testing.assert_allclose(trained.intercept_, model.bias.detach())
    np.testing.assert_allclose(trained.best_coef_, best)
    np.testing.assert_allclose(trained.losses_, losses)


def proximal(point: np.ndarray, curvature: np.ndarray, l1: float, l2: float) -> np.ndarray:
    """``linear._proximal`` of one task and width: ``point`` [n_columns, n_classes], ``curvature`` [n_columns]."""
    found = linear._proximal(
        torch.tensor(point)[None, :, :, None], torch.tensor(curvature)[None, :, None, None], l1, l2
    )
    return found[0, :, :, 0].numpy()


def proximal_loss(w: np.ndarray, point: np.ndarray, curvature: np.ndarray, l1: float, l2: float) -> float:
    quadratic = (curvature[:, None] / 2 * (w - point) ** 2).sum()
    return float(quadratic + l1 * np.abs(w).sum() + l2 * np.sqrt((w**2).sum()))


def scipys_proximal(point: np.ndarray, curvature: np.ndarray, l1: float, l2: float) -> float:
    """The least loss that SciPy finds, weights split into positive and negative parts so that it is smooth."""

    def loss(parts: np.ndarray) -> float:
        positive, negative = parts.reshape(2, *point.shape)
        w = positive - negative
        quadratic = (curvature[:, None] / 2 * (w - point) ** 2).sum()
        return float(quadratic + l1 * (positive + negative).sum() + l2 * np.sqrt((w**2).sum()))

    starts: Sequence[np.ndarray] = (point, 0.3 * point, np.full_like(point, 1e-3))
    tries = [
        minimize(loss, np.stack([s.clip(0), -s.clip(max=0)]).ravel(), bounds=[(0, None)] * (2 * point.size))
        for s in starts
    ]
    return min([found.fun for found in tries] + [loss(np.zeros(2 * point.size))])


@given(
    seed=st.integers(0, 10**6),
    shape=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    l1=st.sampled_from([0.0, 0.01, 0.3]),
    l2=st.sampled_from([0.0, 0.01, 0.3, 3.0]),
    decades=st.sampled_from([0, 1, 4]),
)
@settings(max_examples=40, deadline=None)
def test_the_proximal_step_is_a_minimum(seed, shape, l1, l2, decades):
    generator = np.random.default_rng(seed)
    point = generator.normal(size=shape)
    curvature = 10.0 ** generator.uniform(-decades, decades, size=shape[0])
    w = proximal(point, curvature, l1, l2)
    reached = proximal_loss(w, point, curvature, l1, l2)
    if decades <= 1:
        assert reached == pytest.approx(scipys_proximal(point, curvature, l1, l2), rel=1e-4, abs=1e-5)
    # A convex loss has no other minima: nothing close by is lower.
    for size in (1e-2, 1e-4):
        for step in generator.normal(size=(50, *shape)) * size:
            assert proximal_loss(w + step, point, curvature, l1, l2) >= reached * (1 - 1e-12) - 1e-13
        assert proximal_loss((1 - size) * w, point, curvature, l1, l2) >= reached * (1 - 1e-12) - 1e-13
        assert proximal_loss((1 + size) * w, point, curvature, l1, l2) >= reached * (1 - 1e-12) - 1e-13
    kept = w == 0
    if (w != 0).any():  # and the slopes are zero, where there are slopes
        slope = curvature[:, None] * (w - point) + l2 * w / np.sqrt((w**2).sum())
        scale = 1e-7 * (1 + np.abs(curvature[:, None] * point))
        assert (np.abs(slope + l1 * np.sign(w))[~kept] <= np.broadcast_to(scale, w.shape)[~kept]).all()
        assert (np.abs(slope)[kept] <= (l1 + np.broadcast_to(scale, w.shape))[kept]).all()
