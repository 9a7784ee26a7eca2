"""Interventions in every configuration: each table against the plain calls that it stands for."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import pitfalls as pf
from pitfalls.neurons.areas import area
from pitfalls.study.configurations import Configuration, configurations
from pitfalls.study.effects import Plan, long, measure_effects, tasks, wide
from pitfalls.study.everywhere import effects_everywhere, publish_effects, world_identity
from pitfalls.study.output import stored_table

PLAN = Plan(steps=8, betas=(2, 8), alphas=(1, 4), test_sentences=20, dev_sentences=20, train_words=700, greedy=8)
KEYS = ["ranking", "direction", "ranking_seed"]


@pytest.fixture(scope="module")
def planted():
    return pf.load_world("planted")


@pytest.fixture(scope="module")
def parameters(planted):
    (task,) = tasks({"name": "planted"}, [Configuration("art", "Number", 1)], PLAN, "x")
    # What a process gets has gone through JSON.
    return json.loads(json.dumps(task.parameters))


@pytest.fixture(scope="module")
def measured(parameters):
    return measure_effects(parameters)


@pytest.fixture(scope="module")
def data(planted):
    whole = planted.activations("art", "Number", 1)
    return pf.Splits(train=whole.train.sample(700), dev=whole.dev, test=whole.test)


def test_effects_are_those_of_intervene_with_the_beta_chosen_on_dev(measured, planted, data):
    beta = measured["areas"]["beta"].iloc[0]
    probeless = pf.rank("probeless", data)
    sweep = pf.sweep_beta(
        planted, data, [probeless], [8, 16, 32, 64, 128], betas=(2, 8), max_sentences=PLAN.dev_sentences
    )
    own = measured["strengths"].query("ranking == 'probeless' and kind == 'translation'")
    best = pf.clwv(sweep).groupby("strength")["clwv"].max()
    assert own.set_index("strength")["max_clwv"].to_dict() == best.to_dict()
    mean = measured["strengths"].query("kind == 'translation'").groupby("strength")["max_clwv"].mean().round(12)
    assert beta == min(strength for strength, value in mean.items() if value == mean.max())
    found = long(measured["effects"])
    for kind, ks in ((pf.Translation(beta), range(0, 129, 16)), (pf.Ablation(), range(0, 129, 32))):
        expected = pf.intervene(planted, data, probeless, kind, ks, max_sentences=20)
        part = found[(found["ranking"] == "probeless") & (found["direction"] == "ttb") & (found["kind"] == kind.label)]
        pd.testing.assert_frame_equal(part.reset_index(drop=True), expected, check_dtype=False)


def test_areas_are_those_under_the_two_curves(measured, data):
    probeless = pf.rank("probeless", data)
    curve = pf.probe_curve("linear", probeless, data, ks=range(16, 129, 16))
    flips = pf.clwv(long(measured["effects"]).query("kind == 'translation' and k > 0"))
    own = flips.query("ranking == 'probeless' and direction == 'ttb'")
    (row,) = measured["areas"].query("ranking == 'probeless' and direction == 'ttb'").to_dict("records")
    # Probes trained side by side and alone round differently.
    assert row["probing_area"] == pytest.approx(np.trapezoid(curve["accuracy"], curve["k"]) / 112, abs=5e-3)
    assert row["clwv_area"] == pytest.approx(np.trapezoid(own["clwv"], own["k"]) / 112, abs=1e-12)


def test_every_ranking_and_draw_is_there_once(measured):
    assert len(measured["areas"]) == 6 + PLAN.random_draws == len(measured["areas"][KEYS].drop_duplicates())
    at_0 = measured["effects"].query("k == 0 and kind == 'translation'")
    assert at_0["n_unchanged"].nunique() == 1


def test_examples_are_of_the_best_ranking_and_of_the_drawn_sentences(measured, planted):
    shown, flips = measured["examples"], pf.clwv(long(measured["effects"]).query("kind == 'translation'"))
    top = flips.loc[flips["clwv"].idxmax()]
    assert set(shown["k"]) == {top["k"]} and set(shown["ranking"]) == {top["ranking"]}
    assert shown["sentence_id"].nunique() <= PLAN.shown
    assert (shown["word"] != shown["predicted"]).all()


def test_the_same_task_gives_the_same_tables(measured, parameters):
    again = measure_effects(parameters)
    for name, table in measured.items():
        pd.testing.assert_frame_equal(table, again[name])


def test_wide_and_long_are_two_forms_of_the_same(planted, data):
    tables = [
        pf.intervene(planted, data, pf.rank("random", data, seed=seed), kind, [0, 64], max_sentences=9)
        for seed in (1, 0)
        for kind in (pf.Translation(4.0), pf.Ablation())
    ]
    effects = pd.concat(tables, ignore_index=True)
    pd.testing.assert_frame_equal(long(wide(effects)), effects)


def test_configurations_of_the_mini_world_are_its_pairs_on_every_layer():
    world = pf.load_world("mini")
    found = configurations(world)
    assert len(found) == 4 * len(world.pairs()) and len(set(found)) == len(found)
    assert {one.layer for one in found} == {1, 2, 3, 4}
    with pytest.raises(ValueError, match="has the layers 0 to 4, not \\[9\\]"):
        configurations(world, layers=[9])
    with pytest.raises(ValueError, match="not 'fin'"):
        configurations(world, languages=["fin"])


def test_other_text_or_weights_are_another_identity(planted):
    other = pf.load_world("planted", planted=pf.PlantedParameters(seed=5))
    assert world_identity(planted, ["art"]) == world_identity(pf.load_world("planted"), ["art"])
    assert world_identity(planted, ["art"]) != world_identity(other, ["art"])


def test_what_is_published_is_found_again(tmp_path, monkeypatch):
    _, swept = effects_everywhere({"name": "planted"}, tmp_path / "tasks", PLAN, layers=[1])
    publish_effects("planted", swept.tables(), tmp_path)
    monkeypatch.setenv("PITFALLS_OUTPUT", str(tmp_path))
    counts = stored_table("effects-planted-counts")
    pd.testing.assert_frame_equal(counts, swept.tables()["effects"])
    saturation = stored_table("effects-planted-saturation")
    assert set(saturation["kind"]) == {"translation", "ablation"}
    assert (tmp_path / "figures" / "fig5-art.png").is_file() and (tmp_path / "figures" / "fig6-art.json").is_file()
    with pytest.raises(FileNotFoundError, match="make reproduce"):
        stored_table("effects-planted-nothing")


def test_the_tables_that_come_with_the_project_are_of_this_code(root):
    """One configuration of the committed tables, done anew."""
    stored = pd.read_csv(root / "results" / "effects-mini-counts.csv").query(
        "language == 'tur' and attribute == 'Polarity' and layer == 4"
    )
    (task,) = tasks({"name": "mini"}, [Configuration("tur", "Polarity", 4)], Plan(), "x")
    anew = measure_effects(task.parameters)["effects"]
    names = [name for name in anew.columns if name.startswith("n_")]
    assert len(stored) == len(anew)
    moved = np.abs(stored[names].to_numpy() - anew[names].to_numpy()).sum(axis=1)
    # Other processors round differently: a word or two may come out otherwise, not a curve.
    assert (moved <= 0.05 * anew[names].to_numpy().sum(axis=1)).all()


@pytest.mark.parametrize(
    ("k", "values", "mean"), [([3], [0.7], 0.7), ([0, 1], [0, 1], 0.5), ([0, 1, 3], [0, 1, 1], 5 / 6)]
)
def test_an_area_is_a_mean_height(k, values, mean):
    assert area(k, values) == pytest.approx(mean)


@pytest.mark.parametrize(("k", "values"), [([], []), ([1, 1], [0, 1]), ([2, 1], [0, 1]), ([1, 2], [0])])
def test_what_is_no_curve_has_no_area(k, values):
    with pytest.raises(ValueError, match="k "):
        area(k, values)
