"""Interventions in every configuration: each table against the plain calls that it stands for."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pandas as pd
import pytest

import pitfalls as pf
from pitfalls.comparison.areas import area
from pitfalls.site import Site
from pitfalls.study import measures
from pitfalls.study.claims import ledger
from pitfalls.study.configurations import Configuration, configurations
from pitfalls.study.effects import long, wide
from pitfalls.study.everywhere import do_study, publish_study, study_tasks
from pitfalls.study.measures import VERSION, measure, tasks
from pitfalls.study.output import stored_study
from pitfalls.study.plan import Plan
from pitfalls.study.setting import world_identity
from pitfalls.study.shared_neurons import ranking_overlaps, shared_across_languages
from pitfalls.study.stored import read_result
from pitfalls.worlds.experiment import Experiment

PLAN = Plan(steps=8, betas=(2, 8), alphas=(1, 4), test_sentences=20, dev_sentences=20, train_words=700, greedy=8)
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


def test_effects_are_those_of_intervene_with_the_beta_chosen_on_dev(measured, planted, data):
    beta = measured["areas"]["beta"].iloc[0]
    probeless = pf.rank("probeless", data)
    kinds, sample = [pf.Translation(2), pf.Translation(8)], pf.Sample("dev", PLAN.dev_sentences)
    sweep = pf.interventions.run_all(Experiment(planted, data), [probeless], kinds, [8, 16, 32, 64, 128], sample)
    own = measured["strengths"].query("ranking == 'probeless' and kind == 'translation'")
    best = pf.interventions.clwv(sweep).groupby("strength")["clwv"].max()
    assert own.set_index("strength")["max_clwv"].to_dict() == pytest.approx(best.to_dict())
    mean = measured["strengths"].query("kind == 'translation'").groupby("strength")["max_clwv"].mean().round(12)
    assert beta == min(strength for strength, value in mean.items() if value == mean.max())
    found = long(measured["effects"])
    for kind, ks in ((pf.Translation(beta), range(0, 129, 16)), (pf.Ablation(), range(0, 129, 32))):
        expected = Experiment(planted, data).intervene(probeless, kind, ks, sentences=20).counts()
        part = found[(found["ranking"] == "probeless") & (found["direction"] == "ttb") & (found["kind"] == kind.label)]
        pd.testing.assert_frame_equal(part.reset_index(drop=True), expected, check_dtype=False)


def test_areas_are_those_under_the_two_curves(measured, data):
    probeless = pf.rank("probeless", data)
    curve = pf.probe_curve(probeless, data, ks=range(16, 129, 16), probe="linear")
    flips = pf.interventions.clwv(long(measured["effects"]).query("kind == 'translation' and k > 0"))
    own = flips.query("ranking == 'probeless' and direction == 'ttb'")
    (row,) = measured["areas"].query("ranking == 'probeless' and direction == 'ttb'").to_dict("records")
    # Probes trained side by side and alone round differently.
    assert row["probing_area"] == pytest.approx(np.trapezoid(curve["accuracy"], curve["k"]) / 112, abs=5e-3)
    assert row["clwv_area"] == pytest.approx(np.trapezoid(own["clwv"], own["k"]) / 112, abs=1e-12)


def test_curves_are_those_of_the_probes_on_real_and_on_control_labels(measured, data):
    ks = PLAN.probing_ks(data.n_neurons)
    few = pf.Splits(train=data.train, dev=data.dev.sample(PLAN.dev_words), test=data.test)
    control = pf.control_task(data, seed=0)
    few_control = pf.Splits(train=control.train, dev=control.dev.sample(PLAN.dev_words), test=control.test)
    for task, ranked in (("real", few), ("control", few_control)):
        ranking = pf.rank("gaussian", ranked, max_neurons=max(PLAN.greedy, PLAN.top(data.n_neurons)))
        for probe in ("linear", "gaussian"):
            expected = pf.probe_curves([ranking], data, ks=ks, probes=[probe], tasks=[task])
            found = measured["curves"].query(
                "ranking == 'gaussian' and direction == 'ttb' and probe == @probe and task == @task"
            )
            assert found["k"].tolist() == ks
            np.testing.assert_allclose(found["accuracy"], expected["accuracy"], atol=5e-3)
            np.testing.assert_allclose(found["mi_bits"], expected["mi_bits"], atol=2e-2)


def test_orders_are_the_first_neurons_of_every_ranking(measured, data):
    orders, top = measured["orders"], PLAN.top(data.n_neurons)
    assert len(orders) == top * (6 + PLAN.random_draws)
    few = pf.Splits(train=data.train, dev=data.dev.sample(PLAN.dev_words), test=data.test)
    for name in ("linear", "probeless"):
        own = orders.query("ranking == @name and direction == 'btt'")
        assert own["neuron"].tolist() == pf.rank(name, few, direction="btt").order[:top].tolist()
        assert own["position"].tolist() == list(range(top))


def test_every_ranking_and_draw_is_there_once(measured):
    assert len(measured["areas"]) == 6 + PLAN.random_draws == len(measured["areas"][KEYS].drop_duplicates())
    at_0 = measured["effects"].query("k == 0 and kind == 'translation'")
    assert at_0["n_unchanged"].nunique() == 1


def test_examples_are_of_the_best_ranking_and_of_the_drawn_sentences(measured, planted):
    shown, flips = measured["examples"], pf.interventions.clwv(long(measured["effects"]).query("kind == 'translation'"))
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
    swept = do_study(world, chosen, tmp_path / "tasks")
    publish_study("planted", world.model.n_neurons, swept.tables(), tmp_path)
    monkeypatch.setenv("PITFALLS_OUTPUT", str(tmp_path))
    found = stored_study("planted")
    assert set(found) == {"curves", "orders", "effects", "strengths", "areas", "examples"}
    for name, table in swept.tables().items():
        pd.testing.assert_frame_equal(found[name], table)
    with pytest.raises(FileNotFoundError, match=r"study-nothing\.zip.* there are: .*study-mini\.zip.*make reproduce"):
        stored_study("nothing")


#: By version of the study's code, the SHA-256 of the tables that come with the project.
STORED = {2: "f6d6bf02a30d43d5621e6ff1a114521af5d2645905c7186345e494c9275e69fe"}


def test_a_study_of_other_tables_has_another_version(root):
    """A change to what the study computes needs another results/study-mini.zip, and another version."""
    found = hashlib.sha256((root / "results" / "study-mini.zip").read_bytes()).hexdigest()
    assert STORED.get(VERSION) == found, (
        f"results/study-mini.zip is not that of version {VERSION} of the study's code: if the code computes something "
        f"else, raise measures.VERSION; then put the file's SHA-256 here, {found}"
    )


def test_another_version_is_another_task_and_is_refused_by_this_code(parameters, tmp_path, monkeypatch):
    which = [Configuration("art", "Number", Site("residual", 1))]
    (now,) = tasks({"name": "planted"}, which, PLAN, "x")
    monkeypatch.setattr(measures, "VERSION", VERSION + 1)
    (later,) = tasks({"name": "planted"}, which, PLAN, "x")
    assert now.file(tmp_path) != later.file(tmp_path)
    with pytest.raises(ValueError, match=f"of version {VERSION} .*, and this machine has {VERSION + 1}: install"):
        measure(now.parameters)


def test_the_verdicts_that_come_with_the_project_follow_from_its_tables(root):
    stored = read_result(root / "results" / "study-mini.zip")
    orders, effects = stored.tables["orders"], long(stored.tables["effects"])
    top, n_neurons = int(orders["position"].max()) + 1, stored.manifest["n_neurons"]
    probeless = orders.query("ranking == 'probeless' and direction == 'ttb'")
    tables = {
        **stored.tables,
        "effects": effects,
        "saturation": pf.interventions.saturation_table(effects),
        "overlaps": ranking_overlaps(orders, top, n_neurons),
        "shared": shared_across_languages(probeless, top, n_neurons),
    }
    told = pd.read_csv(root / "results" / "claims.csv", keep_default_na=False)
    pd.testing.assert_frame_equal(ledger(tables), told, check_dtype=False)


@pytest.mark.parametrize(
    ("k", "values", "mean"), [([3], [0.7], 0.7), ([0, 1], [0, 1], 0.5), ([0, 1, 3], [0, 1, 1], 5 / 6)]
)
def test_an_area_is_a_mean_height(k, values, mean):
    assert area(k, values) == pytest.approx(mean)


@pytest.mark.parametrize(("k", "values"), [([], []), ([1, 1], [0, 1]), ([2, 1], [0, 1]), ([1, 2], [0])])
def test_what_is_no_curve_has_no_area(k, values):
    with pytest.raises(ValueError, match="k "):
        area(k, values)
