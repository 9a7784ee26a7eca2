"""Probing curves against one ordinary probe per k."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import oracles
import pandas as pd
import pytest
import torch
from sklearn.metrics import log_loss

from pitfalls.arrays.ranking import Ranking
from pitfalls.arrays.splits import Splits
from pitfalls.columns import CURVE, SPLITS
from pitfalls.probes import curves, linear
from pitfalls.probes.classifiers import ConvergedLinearProbe, GaussianProbe, LinearProbe
from pitfalls.probes.control import control_task
from pitfalls.probes.curves import PROBES, CurveJob, curves_of, gaussian_path_curves, probe_curve, probe_curves
from pitfalls.rankings import rank


def splits(n: int = 150, d: int = 8, n_classes: int = 3, seed: int = 0, n_forms: int = 60) -> Splits:
    return oracles.splits(n, d, n_classes, seed, np.float64, n_forms=n_forms)


def one_probe_per_k(probe: str, ranking: Ranking, data: Splits, k: int, seed: int) -> tuple[float, float]:
    """Accuracy and mutual information (bits) on test of a probe fitted by itself."""
    chosen = ranking.order[:k]
    single = {
        "linear": LinearProbe(seed=seed),
        "linear_converged": ConvergedLinearProbe(),
        "gaussian": GaussianProbe(n_neurons=data.n_neurons),
    }[probe]
    single.fit(data.train.X[:, chosen], data.train.y)
    X, y = data.test.X[:, chosen], data.test.y
    shares = np.bincount(y, minlength=len(data.values)) / len(y)
    entropy = -sum(share * np.log2(share) for share in shares if share)
    cross_entropy = log_loss(y, single.predict_proba(X).astype(float), labels=range(len(data.values)))
    return single.score(X, y), entropy - cross_entropy / np.log(2)


@pytest.mark.parametrize("task", ["real", "control"])
@pytest.mark.parametrize("probe", PROBES)
def test_a_curve_is_one_probe_per_k(probe, task):
    data = splits()
    ranking = rank("random", data, seed=5)
    curve = probe_curve(ranking, data, range(1, 7), probe, task=task, seed=2)
    labelled = data if task == "real" else control_task(data, seed=2)
    for row in curve.itertuples():
        accuracy, information = one_probe_per_k(probe, ranking, labelled, row.k, seed=2)
        assert row.accuracy == pytest.approx(accuracy, abs=1e-12)
        # Probes that stop when they have converged agree within their tolerance.
        assert row.mi_bits == pytest.approx(information, abs=1e-3 if probe == "linear_converged" else 1e-5)
        assert row.nmi == pytest.approx(row.mi_bits / row.entropy_bits)


@pytest.mark.parametrize("probe", PROBES)
def test_scoring_in_blocks_changes_nothing(probe, monkeypatch):
    data = splits()
    ranking = rank("probeless", data)
    whole = probe_curve(ranking, data, [2, 8], probe)
    monkeypatch.setattr(curves, "_HELD", 7)
    in_blocks = probe_curve(ranking, data, [2, 8], probe)
    np.testing.assert_allclose(in_blocks[["accuracy", "mi_bits"]], whole[["accuracy", "mi_bits"]], rtol=1e-6)


@pytest.mark.parametrize("probe", PROBES)
def test_the_curve_sees_only_the_order(probe):
    data = splits()
    derived = rank("gaussian", data)
    bare = Ranking(derived.order, None, "mine")
    measures = ["k", "accuracy", "mi_bits"]
    assert probe_curve(derived, data, [1, 4], probe)[measures].equals(probe_curve(bare, data, [1, 4], probe)[measures])


@pytest.mark.parametrize("probe", ["linear", "gaussian"])
@pytest.mark.parametrize("task", ["real", "control"])
def test_accuracy_on_seen_and_unseen_forms_is_a_slow_count(task, probe):
    data = splits()
    ranking = rank("probeless", data)
    labelled = data if task == "real" else control_task(data, seed=4)
    for row in curves_of([CurveJob(ranking, task, 4)], data, [2, 5], [probe], SPLITS).itertuples():
        columns = ranking.order[: row.k]
        single = LinearProbe(seed=4) if probe == "linear" else GaussianProbe(n_neurons=data.n_neurons)
        single.fit(labelled.train.X[:, columns], labelled.train.y)
        part = getattr(labelled, row.split)
        hits = pd.Series(single.predict(part.X[:, columns]) == part.y)
        seen = pd.Series(part.forms).isin(data.train.forms)
        assert row.n_unseen == (~seen).sum() and (row.n_unseen == 0) == (row.split == "train")
        expected = (hits.mean(), hits[seen].mean(), hits[~seen].mean())
        found = (row.accuracy, row.accuracy_seen, row.accuracy_unseen)
        assert found == pytest.approx(expected, nan_ok=True)  # without words there is no accuracy


@pytest.mark.parametrize(("widths_at_once", "weights_at_once"), [(50, 2**20), (2, 30)])
def test_jobs_and_splits_that_share_a_call_are_those_of_separate_calls(widths_at_once, weights_at_once, monkeypatch):
    monkeypatch.setattr(linear, "_WIDTHS_AT_ONCE", widths_at_once)
    monkeypatch.setattr(linear, "_WEIGHTS_AT_ONCE", weights_at_once)
    data = splits()
    rankings = [rank("probeless", data), rank("random", data, seed=6), rank("gaussian", data, "btt")]
    jobs = [CurveJob(*job) for job in zip(rankings, ("real", "control", "control"), (0, 3, 1), strict=True)]
    table = curves_of(jobs, data, [5, 1, 2, 1], PROBES, ["test", "dev"])
    keys = table[CURVE].itertuples(index=False, name=None)
    assert list(keys) == [
        ("spa", "Gender", "residual", 3, probe, *job.ranking.key.values(), job.task, split, job.seed, k)
        for probe in PROBES
        for job in jobs
        for split in ("test", "dev")
        for k in (1, 2, 5)
    ]
    for (probe, name, split), own in table.groupby(["probe", "ranking", "split"]):
        (job,) = [job for job in jobs if job.ranking.name == name]
        alone = curves_of([job], data, [1, 2, 5], [probe], [split])
        pd.testing.assert_frame_equal(own.reset_index(drop=True), alone)
    again = curves_of(jobs, data, [5, 1, 2, 1], PROBES, ["test", "dev"])
    pd.testing.assert_frame_equal(table, again, check_exact=True)
    crossed = probe_curves(rankings, data, [1], ["linear"], ["real", "control"], [0, 1])
    assert crossed.duplicated(CURVE).sum() == 0 and len(crossed) == 3 * 2 * 2


def test_seeds_and_tasks_change_what_they_should_and_nothing_else():
    data = splits()
    table = probe_curves([rank("probeless", data)], data, [4], PROBES, ["real", "control"], [0, 1])
    of = {key: rows["mi_bits"].item() for key, rows in table.groupby(["probe", "task", "seed"])}
    assert of["linear", "real", 0] != of["linear", "real", 1]  # other initial weights
    assert of["gaussian", "real", 0] == of["gaussian", "real", 1]  # nothing is drawn
    assert of["linear_converged", "real", 0] == pytest.approx(of["linear_converged", "real", 1], abs=1e-9)
    assert len({of[probe, "control", seed] for probe in PROBES for seed in (0, 1)}) == 6


@pytest.mark.parametrize("direction", ["ttb", "btt"])
def test_the_curves_along_a_gaussian_path_are_the_gaussian_probes_and_on_dev_the_scores(direction):
    data = splits()
    ranking = rank("gaussian", data, direction, max_neurons=5)
    table = gaussian_path_curves(ranking, data)
    pd.testing.assert_frame_equal(table, curves_of([CurveJob(ranking)], data, range(1, 6), ["gaussian"], SPLITS))
    np.testing.assert_allclose(table.query("split == 'dev'")["mi_bits"], ranking.scores[ranking.order[:5]])
    assert set(gaussian_path_curves(ranking, data, ks=[2, 8])["k"]) == {2, 8}
    with pytest.raises(ValueError, match="only a ranking by \"gaussian\" has a path, not 'linear': use rank"):
        gaussian_path_curves(rank("linear", data), data)
    # Whatever they are called.
    assert len(gaussian_path_curves(replace(ranking, name="mine"), data)) == len(table)
    with pytest.raises(ValueError, match="not 'gaussian, by hand'"):
        gaussian_path_curves(Ranking(ranking.order, None, "gaussian, by hand"), data)


def test_float32_and_float64_words_give_the_same_curves():
    double = splits()
    single = oracles.remade(double, X=lambda X: X.astype(np.float32))
    ranking = rank("probeless", double)
    one, two = (probe_curves([ranking], data, range(1, 9), PROBES) for data in (single, double))
    np.testing.assert_allclose(one["accuracy"], two["accuracy"], atol=1.01 / 75)
    np.testing.assert_allclose(one["mi_bits"], two["mi_bits"], atol=2e-3)


def test_a_curve_does_not_change_the_words_or_the_generator():
    data = splits()
    before, state = data.train.X.copy(), torch.random.get_rng_state()
    probe_curves([rank("linear", data)], data, [1, 8], PROBES, ["real", "control"])
    assert np.array_equal(before, data.train.X) and torch.equal(state, torch.random.get_rng_state())
