"""Interventions in every configuration: each table against the plain calls that it stands for."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import pitfalls as pf
from pitfalls.comparison.areas import area
from pitfalls.probes.curves import CurveJob, curves_of
from pitfalls.site import Site
from pitfalls.study import measures
from pitfalls.study.configurations import Configuration, configurations
from pitfalls.study.effects import best_on_dev, long, strengths, wide
from pitfalls.study.everywhere import STUDIED, do_studies, publish_study, study_tasks
from pitfalls.study.measures import VERSION, measure, tasks
from pitfalls.study.output import stored_study, study_id
from pitfalls.study.paper import claim_tables, publish_claims
from pitfalls.study.plan import ASKED, READING, Plan
from pitfalls.study.setting import world_identity
from pitfalls.study.stored import read_result
from pitfalls.worlds.experiment import Experiment

PLAN = Plan(
    steps=(0, 1 / 8, 1 / 4, 1 / 2, 1), dev_steps=(1 / 8, 1 / 4), betas=(2, 8), alphas=(1, 4), test_sentences=20,
    dev_sentences=20, train_words=700, greedy=8, asked_sentences=40,
)  # fmt: skip
KEYS = ["ranking", "direction", "ranking_seed"]


@pytest.fixture(scope="module")
def parameters(planted):
    (task,) = tasks({"name": "planted"}, [Configuration("art", "Number", Site("residual", 1))], PLAN, "x")
    # What a process gets has gone through JSON.
    return json.loads(json.dumps(task.parameters))


@pytest.fixture(scope="module")
def measured(parameters):
    return measure(parameters)


@pytest.fixture(scope="module")
def data(planted):
    whole = planted.activations("art", "Number", 1)
    return pf.Splits(train=whole.train.sample(700), dev=whole.dev, test=whole.test)


def own(table, name):
    """One ranking's rows, top to bottom."""
    return table[(table["ranking"] == name) & (table["direction"] == "ttb")].reset_index(drop=True)


def translated(measured):
    """The translations with the beta that all rankings share."""
    table = long(measured["effects"])
    return table[(table["kind"] == "translation") & (table["strength"] == measured["areas"]["beta"].iloc[0])]


def test_dev_has_the_rates_of_every_strength_and_the_beta_is_the_best_of_all_rankings(measured, planted, data):
    kinds = [
        *map(pf.Translation, PLAN.betas),
        *map(pf.ConstantTranslation, PLAN.alphas),
        pf.interventions.Interchange(),
    ]
    sample = pf.Sample("dev", PLAN.dev_sentences)
    sweep = pf.interventions.run_all(Experiment(planted, data), [pf.rank("probeless", data)], kinds, [16, 32], sample)
    expected = pf.interventions.clwv(sweep)
    found = own(measured["dev"], "probeless")
    # By kind in the study, and the interchange's strength is missing.
    keys = ["kind", "strength", "k"]
    columns = [*keys, "words", "clwv"]
    pd.testing.assert_frame_equal(
        found[columns].sort_values(keys, ignore_index=True), expected[columns].sort_values(keys, ignore_index=True)
    )
    assert set(measured["dev"]["ranking"]) == {*READING, *ASKED}
    peaks = strengths(measured["dev"]).query("kind == 'translation'")
    mean = peaks.groupby("strength")["max_clwv"].mean().round(12)
    assert (measured["areas"]["beta"] == min(mean.index[mean == mean.max()])).all()


def test_effects_are_those_of_intervene_with_the_strengths_chosen_on_dev(measured, planted, data):
    beta = measured["areas"]["beta"].iloc[0]
    found = own(long(measured["effects"]), "probeless")
    on_dev = own(measured["dev"], "probeless")
    best = {kind: best_on_dev(part)["strength"].iloc[0] for kind, part in on_dev.groupby("kind")}
    runs = [
        (pf.Translation(beta), [0, 16, 32, 64, 128]),
        (pf.Ablation(), [0, 32, 128]),
        (pf.interventions.Interchange(), [16, 32]),
        (pf.ConstantTranslation(best["constant translation"]), [16, 32]),
    ]
    if best["translation"] != beta:
        runs.append((pf.Translation(best["translation"]), [16, 32]))
    experiment, order = Experiment(planted, data), pf.rank("probeless", data)
    counts = [experiment.intervene(order, kind, ks, sentences=20).counts() for kind, ks in runs]
    expected = pd.concat(counts, ignore_index=True)
    keys = ["kind", "strength", "k", "outcome"]
    pd.testing.assert_frame_equal(
        found.sort_values(keys, ignore_index=True), expected.sort_values(keys, ignore_index=True), check_dtype=False
    )


def test_areas_are_those_under_the_two_curves(measured, data):
    probeless = pf.rank("probeless", data)
    curve = pf.probe_curve(probeless, data, ks=[16, 32, 64, 128], probe="linear")
    flips = pf.interventions.clwv(own(translated(measured), "probeless")).query("k > 0")
    (row,) = measured["areas"].query("ranking == 'probeless' and direction == 'ttb'").to_dict("records")
    # Probes trained side by side and alone round differently.
    assert row["probing_area"] == pytest.approx(np.trapezoid(curve["accuracy"], curve["k"]) / 112, abs=5e-3)
    assert row["clwv_area"] == pytest.approx(np.trapezoid(flips["clwv"], flips["k"]) / 112, abs=1e-12)


def test_curves_are_those_of_the_probes_on_real_and_on_control_labels(measured, data):
    ks = PLAN.probing_ks(data.n_neurons)
    few = replace(data, dev=data.dev.sample(PLAN.dev_words), test=data.test.sample(PLAN.test_words))
    for task, ranked in (("real", few), ("control", pf.control_task(few, seed=0))):
        ranking = pf.rank("gaussian", ranked, max_neurons=max(PLAN.greedy, PLAN.top(data.n_neurons)))
        for probe in ("linear", "gaussian"):
            for split in ("dev", "test") if task == "real" else ("test",):
                expected = curves_of([CurveJob(ranking, task)], few, ks, [probe], [split])
                found = own(measured["curves"], "gaussian").query(
                    "probe == @probe and task == @task and split == @split"
                )
                assert found["k"].tolist() == ks
                for name in ("accuracy", "accuracy_unseen"):
                    np.testing.assert_allclose(found[name], expected[name], atol=5e-3, equal_nan=True)
                np.testing.assert_allclose(found["accuracy_se"], expected["accuracy_se"], atol=1e-3)
                np.testing.assert_allclose(found["mi_bits"], expected["mi_bits"], atol=2e-2)


def test_a_lead_is_a_difference_of_mean_accuracies_on_dev_up_to_a_quarter(measured):
    curves = measured["curves"].query("task == 'real' and split == 'dev' and probe == 'gaussian' and k <= 32")
    heights = {name: own(curves, name)["accuracy"].mean() for name in (*READING, *ASKED)}
    found = measured["leads"].query("probe == 'gaussian'")
    assert len(found) == 4 * 3 and len(measured["leads"]) == 2 * 4 * 3
    for row in found.itertuples():
        assert row.lead == pytest.approx(heights[row.ranking] - heights[row.rival], abs=1e-8)
        assert 0 < row.lead_se < 0.1


def test_orders_are_the_first_neurons_of_every_ranking(measured, data):
    orders, top = measured["orders"], PLAN.top(data.n_neurons)
    assert len(orders) == top * (6 + PLAN.random_draws + len(ASKED))
    few = replace(data, dev=data.dev.sample(PLAN.dev_words))
    for name in ("linear", "probeless"):
        found = orders.query("ranking == @name and direction == 'btt'")
        assert found["neuron"].tolist() == pf.rank(name, few, direction="btt").order[:top].tolist()
        assert found["position"].tolist() == list(range(top))


def test_every_ranking_and_draw_is_there_once(measured):
    n_rankings = 6 + PLAN.random_draws + len(ASKED)
    assert len(measured["areas"]) == n_rankings == len(measured["areas"][KEYS].drop_duplicates())
    at_0 = measured["effects"].query("k == 0 and kind == 'translation'")
    assert at_0["n_unchanged"].nunique() == 1


def test_examples_are_of_the_best_ranking_and_of_the_drawn_sentences(measured, planted):
    shown, flips = measured["examples"], pf.interventions.clwv(translated(measured))
    top = flips.loc[flips["clwv"].idxmax()]
    assert set(shown["k"]) == {top["k"]} and set(shown["ranking"]) == {top["ranking"]}
    assert shown["sentence_id"].nunique() <= PLAN.shown
    assert (shown["word"] != shown["predicted"]).all()


def test_the_same_task_gives_the_same_tables(measured, parameters):
    again = measure(parameters)
    for name, table in measured.items():
        pd.testing.assert_frame_equal(table, again[name])


def test_wide_and_long_are_two_forms_of_the_same(planted, data):
    tables = [
        Experiment(planted, data).intervene(pf.rank("random", data, seed=seed), kind, [0, 64], sentences=9).counts()
        for seed in (1, 0)
        for kind in (pf.Translation(4.0), pf.Ablation())
    ]
    effects = pd.concat(tables, ignore_index=True)
    pd.testing.assert_frame_equal(long(wide(effects)), effects)


@pytest.mark.slow
def test_configurations_of_the_mini_world_are_its_pairs_on_every_layer(mini):
    found = configurations(mini)
    assert len(found) == 4 * len(mini.pairs()) and len(set(found)) == len(found)
    assert {one.site.layer for one in found} == {1, 2, 3, 4}
    with pytest.raises(ValueError, match=r"has layers 0 \(embeddings\) to 4"):
        configurations(mini, sites=[9])
    with pytest.raises(ValueError, match="not 'fin'"):
        configurations(mini, languages=["fin"])


def test_other_text_or_weights_are_another_identity(planted):
    other = pf.load_world("planted", planted=pf.PlantedParameters(seed=5))
    assert world_identity(planted, ["art"]) == world_identity(pf.load_world("planted"), ["art"])
    assert world_identity(planted, ["art"]) != world_identity(other, ["art"])


@pytest.mark.slow
def test_what_is_published_is_found_again(tmp_path, monkeypatch):
    world, chosen = study_tasks({"name": "planted"}, PLAN, sites=[1])
    swept = do_studies([(world, chosen)], tmp_path / "tasks")
    publish_study({"name": "planted"}, world.model.n_neurons, swept.tables(), tmp_path)
    monkeypatch.setenv("PITFALLS_OUTPUT", str(tmp_path))
    found = stored_study("planted")
    assert set(found) == {"curves", "leads", "orders", "dev", "effects", "areas", "examples"}
    for name, table in swept.tables().items():
        pd.testing.assert_frame_equal(found[name], table)
    with pytest.raises(FileNotFoundError, match=r"study-nothing\.zip.* are: .*study-mini-bert\.zip.*make reproduce"):
        stored_study("nothing")


#: By version of the study's code, the start of each stored study's SHA-256.
STORED = {
    3: {
        "bert": "877c899adb1bad43",
        "bert-2": "3e30f589e9777939",
        "bert-3": "a6ef2ddb206e7ef6",
        "xlmr": "425c26ffc20a8b13",
        "bert-untrained": "2cd0c75bc4bb745a",
    }
}


@pytest.mark.parametrize("model", STUDIED)
def test_a_study_of_other_tables_has_another_version(model, root):
    """A change to what the study computes needs other files results/study-mini-*.zip, and another version."""
    found = hashlib.sha256((root / "results" / f"{study_id('mini', model)}.zip").read_bytes()).hexdigest()[:16]
    assert STORED.get(VERSION, {}).get(model) == found, (
        f"{study_id('mini', model)}.zip is not that of version {VERSION} of the study's code: if the code computes "
        f"something else, raise measures.VERSION and sweep again; then put here how its SHA-256 starts: {found}"
    )


def test_another_version_is_another_task_and_is_refused_by_this_code(parameters, tmp_path, monkeypatch):
    which = [Configuration("art", "Number", Site("residual", 1))]
    (now,) = tasks({"name": "planted"}, which, PLAN, "x")
    monkeypatch.setattr(measures, "VERSION", VERSION + 1)
    (later,) = tasks({"name": "planted"}, which, PLAN, "x")
    assert now.file(tmp_path) != later.file(tmp_path)
    with pytest.raises(ValueError, match=f"of version {VERSION} .*, and this machine has {VERSION + 1}: install"):
        measure(now.parameters)


def test_the_verdicts_that_come_with_the_project_follow_from_its_tables(root, tmp_path):
    stored = {model: read_result(root / "results" / f"{study_id('mini', model)}.zip") for model in STUDIED}
    n_neurons = stored["bert"].manifest["n_neurons"]
    publish_claims({model: claim_tables(one.tables, n_neurons) for model, one in stored.items()}, n_neurons, tmp_path)
    for name in ("claims.csv", "claims_parts.csv"):
        assert (tmp_path / "results" / name).read_text() == (root / "results" / name).read_text()


@pytest.mark.parametrize(
    ("k", "values", "mean"), [([3], [0.7], 0.7), ([0, 1], [0, 1], 0.5), ([0, 1, 3], [0, 1, 1], 5 / 6)]
)
def test_an_area_is_a_mean_height(k, values, mean):
    assert area(k, values) == pytest.approx(mean)


@pytest.mark.parametrize(("k", "values"), [([], []), ([1, 1], [0, 1]), ([2, 1], [0, 1]), ([1, 2], [0])])
def test_what_is_no_curve_has_no_area(k, values):
    with pytest.raises(ValueError, match="k "):
        area(k, values)
