"""Probing curves against one ordinary probe per k."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import log_loss

from pitfalls.model.activations import Splits
from pitfalls.neurons import curves
from pitfalls.neurons.control import control_task
from pitfalls.neurons.curves import probe_curve, probes
from pitfalls.neurons.probes import GaussianProbe, LinearProbe
from pitfalls.neurons.rankings import Ranking, rank


def splits(n: int = 150, d: int = 8, n_classes: int = 3, seed: int = 0) -> Splits:
    generator = np.random.default_rng(seed)

    def part(size: int) -> tuple[np.ndarray, np.ndarray, list[str]]:
        y = generator.integers(n_classes, size=size)
        X = generator.normal(size=(size, d)) + y[:, None] * np.linspace(1, 0, d)
        return X, y, [f"form {i % 50}" for i in range(size)]

    return Splits.from_arrays(part(n), part(n), part(n), language="spa", attribute="Gender", layer=3)


def one_probe_per_k(probe: str, ranking: Ranking, data: Splits, k: int, seed: int) -> tuple[float, float]:
    """Accuracy and mutual information (bits) on test of a probe fitted by itself."""
    chosen = ranking.order[:k]
    single = LinearProbe(seed=seed) if probe == "linear" else GaussianProbe(n_neurons=data.n_neurons)
    single.fit(data.train.X[:, chosen], data.train.y)
    X, y = data.test.X[:, chosen], data.test.y
    shares = np.bincount(y, minlength=len(data.values)) / len(y)
    entropy = -sum(share * np.log2(share) for share in shares if share)
    cross_entropy = log_loss(y, single.predict_proba(X).astype(float), labels=range(len(data.values)))
    return single.score(X, y), entropy - cross_entropy / np.log(2)


@pytest.mark.parametrize("task", ["real", "control"])
@pytest.mark.parametrize("probe", ["linear", "gaussian"])
def test_a_curve_is_one_probe_per_k(probe, task):
    data = splits()
    ranking = rank("random", data, seed=5)
    curve = probe_curve(probe, ranking, data, range(1, 7), task=task, seed=2)
    labelled = data if task == "real" else control_task(data, seed=2)
    for row in curve.itertuples():
        accuracy, information = one_probe_per_k(probe, ranking, labelled, row.k, seed=2)
        assert row.accuracy == pytest.approx(accuracy, abs=1 / 140)
        assert row.mi_bits == pytest.approx(information, abs=1e-5)
        assert row.nmi == pytest.approx(row.mi_bits / row.entropy_bits)


@pytest.mark.parametrize("probe", probes())
def test_scoring_in_blocks_changes_nothing(probe, monkeypatch):
    data = splits()
    ranking = rank("probeless", data)
    whole = probe_curve(probe, ranking, data, [2, 8])
    monkeypatch.setattr(curves, "_HELD", 7)
    in_blocks = probe_curve(probe, ranking, data, [2, 8])
    np.testing.assert_allclose(in_blocks[["accuracy", "mi_bits"]], whole[["accuracy", "mi_bits"]], rtol=1e-6)


@pytest.mark.parametrize("probe", probes())
def test_the_curve_sees_only_the_order(probe):
    data = splits()
    derived = rank("gaussian", data)
    bare = Ranking(derived.order, None, "mine")
    measures = ["k", "accuracy", "mi_bits"]
    assert probe_curve(probe, derived, data, [1, 4])[measures].equals(probe_curve(probe, bare, data, [1, 4])[measures])


def test_a_perfect_probe_has_all_the_information_in_bits():
    X = np.repeat([[0.0], [100.0], [200.0], [300.0]], 30, axis=0) + np.random.default_rng(0).normal(size=(120, 1))
    part = (X, np.repeat([0, 1, 2, 3], 30))
    data = Splits.from_arrays(part, part, part)
    curve = probe_curve("gaussian", rank("random", data), data, [1])
    assert curve["entropy_bits"].item() == pytest.approx(2)
    assert curve["mi_bits"].item() == pytest.approx(2, abs=1e-6)
    assert curve["nmi"].item() == pytest.approx(1, abs=1e-6)


def test_rows_are_tidy_and_the_split_can_be_chosen():
    data = splits()
    curve = probe_curve("gaussian", rank("gaussian", data, "btt"), data, [3, 1, 3], split="dev")
    assert curve["k"].tolist() == [1, 3]
    row = curve.iloc[0]
    assert (row["language"], row["attribute"], row["layer"]) == ("spa", "Gender", 3)
    assert (row["probe"], row["ranking"], row["direction"]) == ("gaussian", "gaussian", "btt")
    assert (row["task"], row["split"]) == ("real", "dev")


def test_the_greedy_rankings_scores_are_its_curve_on_dev():
    data = splits()
    ranking = rank("gaussian", data)
    curve = probe_curve("gaussian", ranking, data, range(1, 9), split="dev")
    np.testing.assert_allclose(curve["mi_bits"], ranking.scores[ranking.order])


def test_errors_say_what_to_do():
    data = splits()
    ranking = rank("random", data)
    with pytest.raises(ValueError, match="did you mean 'gaussian'"):
        probe_curve("gausian", ranking, data, [1])
    for ks in ([0], [9], [1.5], []):
        with pytest.raises(ValueError, match="whole number from 1 to the number of neurons, 8"):
            probe_curve("linear", ranking, data, ks)
    with pytest.raises(ValueError, match="orders 3 neurons and the activations have 8"):
        probe_curve("linear", Ranking(np.arange(3), None, "short"), data, [1])
    with pytest.raises(ValueError, match="task must be"):
        probe_curve("linear", ranking, data, [1], task=True)
