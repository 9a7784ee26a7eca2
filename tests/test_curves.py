"""Probing curves against one ordinary probe per k."""

from __future__ import annotations

import numpy as np
import oracles
import pandas as pd
import pytest
import torch
from sklearn.metrics import log_loss

from pitfalls.arrays.ranking import Ranking
from pitfalls.arrays.splits import Splits
from pitfalls.probes import curves
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
        # Probes that stop when they have converged do so within their tolerance.
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


def test_a_perfect_probe_has_all_the_information_in_bits():
    X = np.repeat([[0.0], [100.0], [200.0], [300.0]], 30, axis=0) + np.random.default_rng(0).normal(size=(120, 1))
    part = (X, np.repeat([0, 1, 2, 3], 30))
    data = Splits.from_arrays(part, part, part)
    curve = probe_curve(rank("random", data), data, [1], "gaussian")
    assert curve["entropy_bits"].item() == pytest.approx(2)
    assert curve["mi_bits"].item() == pytest.approx(2, abs=1e-6)
    assert curve["nmi"].item() == pytest.approx(1, abs=1e-6)


def test_rows_are_tidy_and_the_split_can_be_chosen():
    data = splits()
    curve = probe_curve(rank("gaussian", data, "btt"), data, [3, 1, 3], "gaussian", split="dev")
    assert curve["k"].tolist() == [1, 3]
    row = curve.iloc[0]
    assert (row["language"], row["attribute"], row["layer"]) == ("spa", "Gender", 3)
    assert (row["probe"], row["ranking"], row["direction"]) == ("gaussian", "gaussian", "btt")
    assert (row["task"], row["split"]) == ("real", "dev")


def test_the_greedy_rankings_scores_are_its_curve_on_dev():
    data = splits()
    ranking = rank("gaussian", data)
    curve = probe_curve(ranking, data, range(1, 9), "gaussian", split="dev")
    np.testing.assert_allclose(curve["mi_bits"], ranking.scores[ranking.order])


SPLITS = ["train", "dev", "test"]
MEASURES = ["k", "accuracy", "accuracy_seen", "accuracy_unseen", "n_unseen", "entropy_bits", "mi_bits", "nmi"]


@pytest.mark.parametrize("probe", PROBES)
@pytest.mark.parametrize("task", ["real", "control"])
def test_splits_scored_from_one_training_equal_separate_calls(task, probe):
    data = splits()
    ranking = rank("probeless", data)
    together = probe_curves([ranking], data, [1, 3, 8], [probe], [task], [2], SPLITS)
    assert together["split"].tolist() == [split for split in SPLITS for _ in range(3)]
    for split in SPLITS:
        alone = probe_curve(ranking, data, [1, 3, 8], probe, task, seed=2, split=split)
        pd.testing.assert_frame_equal(together[together["split"] == split].reset_index(drop=True), alone)


@pytest.mark.parametrize("probe", ["linear", "gaussian"])
@pytest.mark.parametrize("task", ["real", "control"])
def test_accuracy_on_seen_and_unseen_forms_is_a_slow_count(task, probe):
    data = splits()
    ranking = rank("probeless", data)
    labelled = data if task == "real" else control_task(data, seed=4)
    for row in probe_curves([ranking], data, [2, 5], [probe], [task], [4], SPLITS).itertuples():
        columns = ranking.order[: row.k]
        single = LinearProbe(seed=4) if probe == "linear" else GaussianProbe(n_neurons=data.n_neurons)
        single.fit(labelled.train.X[:, columns], labelled.train.y)
        part = getattr(labelled, row.split)
        hits: dict[bool, list[bool]] = {True: [], False: []}
        for form, found, y in zip(part.forms, single.predict(part.X[:, columns]), part.y, strict=True):
            hits[form in data.train.forms].append(bool(found == y))
        assert row.n_unseen == len(hits[False])
        assert (row.n_unseen == 0) == (row.split == "train")
        assert row.accuracy == pytest.approx(np.mean(hits[True] + hits[False]))
        assert row.accuracy_seen == pytest.approx(np.mean(hits[True]))
        if row.split == "train":
            assert np.isnan(row.accuracy_unseen)
        else:
            assert row.accuracy_unseen == pytest.approx(np.mean(hits[False]))


def test_accuracy_on_seen_forms_is_missing_where_every_form_is_new():
    data = oracles.splits(n=60, d=4)  # every word a form of its own
    curve = probe_curve(rank("probeless", data), data, [2], "gaussian")
    assert (curve["n_unseen"] == 30).all()
    assert curve["accuracy_seen"].isna().all()
    assert curve["accuracy_unseen"].tolist() == curve["accuracy"].tolist()


def test_the_table_has_a_row_for_every_combination_in_order():
    data = splits()
    rankings = [rank("probeless", data), rank("random", data, seed=6)]
    table = probe_curves(rankings, data, [2, 1], ["gaussian", "linear"], ["real", "control"], [0, 1], ["test", "dev"])
    found = list(table[["probe", "ranking", "task", "seed", "split", "k"]].itertuples(index=False, name=None))
    expected = [
        (probe, ranking.name, task, seed, split, k)
        for probe in ("gaussian", "linear")
        for ranking in rankings
        for task in ("real", "control")
        for seed in (0, 1)
        for split in ("test", "dev")
        for k in (1, 2)
    ]
    assert found == expected
    assert table[table["ranking"] == "random"]["ranking_seed"].eq(6).all()


def test_seeds_and_tasks_change_what_they_should_and_nothing_else():
    data = splits()
    table = probe_curves([rank("probeless", data)], data, [4], PROBES, ["real", "control"], [0, 1], ["dev"])
    of = {key: rows["mi_bits"].item() for key, rows in table.groupby(["probe", "task", "seed"])}
    assert of["linear", "real", 0] != of["linear", "real", 1]  # other first weights
    assert of["gaussian", "real", 0] == of["gaussian", "real", 1]  # nothing is drawn
    assert of["linear_converged", "real", 0] == pytest.approx(of["linear_converged", "real", 1], abs=1e-9)
    assert len({of[probe, "control", seed] for probe in PROBES for seed in (0, 1)}) == 6


def test_the_same_call_twice_gives_the_same_table():
    data = splits()
    first, second = (
        probe_curves([rank("linear", data), rank("gaussian", data)], data, range(1, 9), PROBES, ["real", "control"])
        for _ in range(2)
    )
    pd.testing.assert_frame_equal(first, second, check_exact=True)


def test_jobs_of_different_seeds_and_labels_can_share_a_call():
    data = splits()
    jobs = [
        CurveJob(rank("random", data, seed=s), task, s) for s, task in ((0, "real"), (3, "control"), (1, "control"))
    ]
    together = curves_of(jobs, data, [1, 5], ["linear", "gaussian"])
    for job in jobs:
        for probe in ("linear", "gaussian"):
            alone = probe_curve(job.ranking, data, [1, 5], probe, job.task, job.seed)
            own = together[(together["probe"] == probe) & (together["seed"] == job.seed)].reset_index(drop=True)
            pd.testing.assert_frame_equal(own, alone)


@pytest.mark.parametrize("direction", ["ttb", "btt"])
def test_the_curves_along_a_gaussian_path_are_the_gaussian_probes_and_on_dev_the_scores(direction):
    data = splits()
    ranking = rank("gaussian", data, direction, max_neurons=5)
    table = gaussian_path_curves(ranking, data)
    assert sorted(set(table["k"])) == [1, 2, 3, 4, 5]  # as far as the search went
    on_dev = table[table["split"] == "dev"]
    np.testing.assert_allclose(on_dev["mi_bits"], ranking.scores[ranking.order[:5]])
    for split in SPLITS:
        alone = probe_curve(ranking, data, range(1, 6), "gaussian", split=split)
        pd.testing.assert_frame_equal(table[table["split"] == split].reset_index(drop=True), alone)
    assert set(gaussian_path_curves(ranking, data, ks=[2, 8])["k"]) == {2, 8}


def test_only_a_gaussian_ranking_has_a_gaussian_path():
    data = splits()
    for name in ("linear", "probeless", "random"):
        with pytest.raises(ValueError, match=f"greedy Gaussian search is wanted, and this ranking is '{name}'"):
            gaussian_path_curves(rank(name, data), data)


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
