"""What is kept of the studies of real models, and what is read back from them."""

from __future__ import annotations

import json
import zipfile
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest
import test_claims
from test_real_claims import LAYERS, SENTENCES, UNITS, Study, one_language

from pitfalls import figures
from pitfalls.columns import CONFIGURATION, RANKING
from pitfalls.comparison.overlap import expected_overlap
from pitfalls.site import Site
from pitfalls.study.agreement import AgreementPlan
from pitfalls.study.plan import READING
from pitfalls.study.real import publish
from pitfalls.study.real.claims import verdicts
from pitfalls.study.real.plan import ModelPlan, plans
from pitfalls.study.real.publish import neurons, publish_model, sources, stored_models, stored_verdicts
from pitfalls.study.real.read_and_used import accuracies, flip_rates, read_and_used
from pitfalls.study.real.work import VERSION
from pitfalls.study.stored import Result, read_result
from pitfalls.study.sweep import Swept, Task

MACHINE = {"processor": "an abacus", "cores": "2"}
ORIGIN = {
    "hub": "a/model", "revision": "0123456789abcdef", "licence": "Apache-2.0",
    "wheel": {"name": "some-model", "version": "1.2", "sha256": "ff"},
    "files": {"model.safetensors": {"size": 9, "sha256": "fedcba9876543210"}},
}  # fmt: skip
SITES = [Site("residual", layer) for layer in LAYERS]


# --------------------------------------------------------------------------------------- reading and using


def causal():
    """The tables of a small causal model: two layers, two attributes, of which Number agrees."""

    def rate(at, half, ranking, kind, k, seed):
        return k / 40 + seed / 10 + 0.2 * kind.startswith("constant")

    draw, study = np.random.default_rng(0), Study(rate=rate)
    keys = pd.MultiIndex.from_product(
        [["Number", "Tense"], LAYERS, ["linear", "gaussian"], [*READING, "random"], ["ttb", "btt"],
         [1, 2, 4, 16, UNITS], ["real", "control"], ["dev", "test"]],
        names=["attribute", "layer", "probe", "ranking", "direction", "k", "task", "split"],
    ).to_frame(index=False)  # fmt: skip
    curves = keys.assign(language="eng", site="residual", ranking_seed=0, seed=0)
    for column in ("accuracy", "accuracy_se", "accuracy_seen", "accuracy_unseen", "mi_bits", "nmi"):
        curves[column] = draw.random(len(curves))
    return {**study.tables(), "curves": curves}


@pytest.mark.parametrize(("share", "k"), [(1 / 16, 4), (1 / 4, 16), (0.065, 4), (1 / 500, 1)])
def test_both_measures_are_those_of_the_tables_at_one_k(share, k):
    tables = causal()
    found = read_and_used(tables, share, "gaussian")
    assert set(found["k"]) == {k} and set(found["attribute"]) == {"Number"}
    of_probe = found[found["measure"] == "accuracy of a gaussian probe"].set_index(["layer", "ranking"])["value"]
    expected = {
        (row.layer, row.ranking): row.accuracy
        for row in tables["curves"].itertuples()
        if (row.attribute, row.probe, row.task, row.split) == ("Number", "gaussian", "real", "test")
        and row.direction == "ttb"
        and row.k == k
    }
    assert of_probe.to_dict() == expected and len(expected) == len(LAYERS) * 4
    rates, runs = found[found["measure"] == "flip rate"], tables["margins"].to_dict("records")
    before = {run["layer"]: run for run in runs if run["kind"] == "none"}
    slow = {
        (run["layer"], run["ranking"], run["ranking_seed"]): np.mean(
            [(run[str(i)] > 0) != (before[run["layer"]][str(i)] > 0) for i in range(len(SENTENCES))]
        )
        for run in runs
        if run["kind"] == "constant translation" and run["k"] == k
    }
    assert rates.set_index(["layer", "ranking", "ranking_seed"])["value"].to_dict() == pytest.approx(slow)
    plot = figures.depth(found)
    assert set(plot.table["measure"]) == set(found["measure"]) and set(plot.table["draws"]) == {1, 3}


def test_other_measures_and_kinds_can_be_had():
    tables = causal()
    control = accuracies(tables, task="control", column="nmi")
    curves = tables["curves"].query(
        "probe == 'linear' and task == 'control' and split == 'test' and direction == 'ttb'"
    )
    assert control["value"].tolist() == curves["nmi"].tolist() and set(control["attribute"]) == {"Number", "Tense"}
    np.testing.assert_array_equal(control["share"], control["k"] / UNITS)
    ablated = flip_rates(tables, "ablation")
    assert ablated[ablated["ranking"] == "all units"]["share"].tolist() == [1.0] * len(LAYERS)
    assert ablated.columns.tolist() == [*CONFIGURATION, *RANKING, "k", "share", "value"] == control.columns.tolist()


def test_a_share_that_nobody_tried_and_an_encoder_are_named():
    tables = causal()
    with pytest.raises(
        ValueError, match=r"no accuracy of a linear probe at 0\.3 of the .* at \[0\.0156, 0\.0312, .*1\.0"
    ):
        read_and_used(tables, 0.3)
    with pytest.raises(ValueError, match=r"no flip rate at 0\.03125 of the units; .* \[0\.0156, 0\.0625, 0\.25"):
        read_and_used(tables, 1 / 32)
    with pytest.raises(ValueError, match=r"no table margins, only \['curves'\]: give the study of a causal model"):
        read_and_used({"curves": tables["curves"]}, 1 / 16)


# ----------------------------------------------------------------------------------------------- what is kept


def plan_of(world="real", model="smollm2"):
    options = {"name": world, "model": model} | ({"treebanks": "/home/me/ud"} if world == "real" else {})
    return ModelPlan(options, SITES, dict.fromkeys(SITES[:1], AgreementPlan(draws=3)))


def swept(name, tables, machines=(MACHINE, MACHINE)):
    """A sweep of two tasks of a model, a layer each, and of one of another model."""
    shared = {"version": 7, "draw": {"seed": 3}, "plan": {"seed": 4, "betas": [6, 12]}, "identity": "abc"}
    tasks = [Task(f"{name}-layer{layer}", {**shared, "layer": layer}, f"{name} residual") for layer in LAYERS]
    other = Task("other-layer1", shared)
    results = []
    for task, layer, machine in zip([*tasks, other], [*LAYERS, 1], [*machines, MACHINE], strict=True):
        own = {each: one[one["layer"] == layer] if "layer" in one else one for each, one in tables.items()}
        manifest = {"name": task.name, "kind": task.kind, "parameters": task.parameters, "seconds": 1.5 * layer,
                    "machine": machine}  # fmt: skip
        results.append(Result(manifest, own))
    return Swept(results[::-1], [], 0), tasks


@pytest.fixture
def output(tmp_path, monkeypatch):
    monkeypatch.setenv("PITFALLS_OUTPUT", str(tmp_path))
    monkeypatch.setattr(publish, "described", lambda name: {**ORIGIN, "asked_for": name})
    monkeypatch.setattr(publish, "plans", lambda: {"smollm2": plan_of(), "smollm2-untrained": twin(), "causal": mini()})
    return tmp_path


def mini():
    return plan_of("mini", "causal")


def twin():
    return plan_of(model="smollm2-untrained")


def publish_all(output, tables):
    for name, plan in publish.plans().items():
        publish_model(plan, *swept(name, tables), output)


def test_all_tables_are_kept_with_four_decimals_and_without_what_follows_from_others(output):
    tables = causal()
    file = publish_model(plan_of(), *swept("smollm2", tables), output)
    assert file == output / "results" / "study-real-smollm2.zip"
    kept = read_result(file).tables
    assert set(kept) == {*tables, "costs"}
    by = [*CONFIGURATION, "probe", *RANKING, "k", "task", "split"]
    curves = tables["curves"].sort_values(by)
    assert "mi_bits" not in kept["curves"].columns and set(curves) - set(kept["curves"]) == {"mi_bits"}
    for column in ("accuracy", "nmi"):
        found = kept["curves"].sort_values(by)[column].to_numpy()
        assert found.tolist() == curves[column].round(4).tolist() and found.tolist() != curves[column].tolist()
    # Each task has the same items.
    pd.testing.assert_frame_equal(kept["items"], tables["items"])
    margins = kept["margins"].sort_values("layer", kind="stable", ignore_index=True)
    pd.testing.assert_frame_equal(margins, tables["margins"])
    assert kept["costs"].to_dict("list") == {"task": ["smollm2-layer1", "smollm2-layer2"],
                                             "kind": ["smollm2 residual"] * 2, "seconds": [1.5, 3.0]}  # fmt: skip
    with zipfile.ZipFile(file) as archive:
        numbers = archive.read("curves.csv").decode().split("\n")[1].split(",")[-5:]
    assert all(len(number.partition(".")[2]) <= 4 for number in numbers)
    first = file.read_bytes()
    publish_model(plan_of(), *swept("smollm2", tables), output)
    assert file.read_bytes() == first


def test_the_manifest_says_what_was_measured_where_and_with_which_seeds(output):
    other = {**MACHINE, "cores": "64"}
    file = publish_model(plan_of(), *swept("smollm2", causal(), [MACHINE, other]), output)
    told = read_result(file).manifest
    assert told["world"] == {"name": "real", "model": "smollm2"} and "/home/me" not in json.dumps(told)
    assert told["model"] == {**ORIGIN, "asked_for": "smollm2"}
    assert told["machines"] == [MACHINE, other]
    assert told["plan"]["seed"] == 4 and told["draw"] == {"seed": 3}
    assert told["version"] == 7 and told["identity"] == "abc"
    assert list(told["agreement"]) == [str(SITES[0])] and told["agreement"][str(SITES[0])]["draws"] == 3
    of_mini = read_result(publish_model(mini(), *swept("causal", causal()), output)).manifest
    assert of_mini["model"] == {} and of_mini["machines"] == [MACHINE]


def test_a_study_with_a_task_that_is_not_done_is_not_published(output):
    made, tasks = swept("smollm2", causal())
    with pytest.raises(ValueError, match="1 of 2 tasks are not done, the first of them smollm2-layer2"):
        publish_model(plan_of(), replace(made, results=made.results[:1] + made.results[2:]), tasks, output)
    assert not (output / "results").exists()


def test_what_is_kept_is_read_back_by_name(output):
    publish_all(output, causal())
    found = stored_models()
    assert list(found) == ["smollm2", "smollm2-untrained", "causal"]
    assert {neurons(tables) for tables in found.values()} == {UNITS}
    assert found["causal"]["costs"]["task"].tolist() == ["causal-layer1", "causal-layer2"]
    assert sources().to_dict("records") == [
        {"model": "smollm2", "hub": "a/model", "revision": "0123456789ab", "wheel": "some-model 1.2",
         "weights": "fedcba987654", "licence": "Apache-2.0"}
    ]  # fmt: skip


@pytest.mark.parametrize("read", [stored_models, sources, stored_verdicts])
def test_a_study_that_is_missing_is_named_with_the_command_that_makes_it(read, output, monkeypatch):
    publish_all(output, causal())
    monkeypatch.setattr(publish, "MINI_MODELS", ())
    monkeypatch.setattr(publish, "plans", lambda: {"smollm2": plan_of(), "nobody": plan_of(model="nobody")})
    with pytest.raises(FileNotFoundError, match=r"no study-real-nobody\.zip: .*study-real-smollm2\.zip.*make real"):
        read()


def test_the_plans_are_those_of_models_that_have_a_place():
    files = {publish.study_of(plan.world) for plan in plans().values()}
    assert len(files) == len(plans()) and "study-mini-causal" in files and "study-real-minilm" in files


# ------------------------------------------------------------------------------------------------ verdicts


def orders():
    """The first 17 of 128 neurons; Linear and Probeless share five, and on other sites everything."""
    draw, rows = np.random.default_rng(0), []
    for attribute in one_language()["curves"]["attribute"].unique():
        first = draw.permutation(128)
        own = {"linear": first[:17], "gaussian": first[20:37], "probeless": [*first[:5], *first[50:62]]}
        for site, ranking in ((site, ranking) for site in ("residual", "mlp") for ranking in READING):
            neurons = own[ranking] if site == "residual" else [*first[:17], *range(200, 203)]
            rows += [
                {"language": "eng", "attribute": attribute, "site": site, "layer": 2, "ranking": ranking,
                 "direction": "ttb", "ranking_seed": 0, "position": position, "neuron": int(neuron)}
                for position, neuron in enumerate(neurons)
            ]  # fmt: skip
    return pd.DataFrame(rows)


def test_verdicts_come_from_what_is_kept_of_the_mini_world_and_of_the_others(output, monkeypatch):
    whole = test_claims.Study("bert").tables()
    asked = []
    monkeypatch.setattr(publish, "MINI_MODELS", ("bert", "causal"))
    monkeypatch.setattr(publish, "claim_tables", lambda tables, n: asked.append((tables, n)) or whole)
    curves = one_language()["curves"].assign(mi_bits=0.1, layer=1)
    layers = [curves, curves.assign(layer=2)]
    study = {"curves": pd.concat(layers), "orders": pd.concat([orders().assign(layer=1), orders()])}
    monkeypatch.setattr(publish, "plans", lambda: {"minilm": plan_of(model="minilm"), "causal": mini()})
    publish_all(output, study)
    publish_model(plan_of("mini", "bert"), *swept("bert", {"curves": curves}), output)
    found = stored_verdicts()
    assert found["model"].unique().tolist() == ["bert", "minilm", "causal"]
    ((tables, n),) = asked
    assert n == 128 and set(tables) == {"curves", "costs"}
    ours = pd.DataFrame(
        [{"language": "eng", "attribute": attribute, "site": "residual", "layer": layer, "n_rankings": 2, "k": 17,
          "overlap": overlap, "expected": expected_overlap(128, 17, 2)}
         for attribute in orders()["attribute"].unique() for layer in LAYERS for overlap in (0, 5, 0)]
    )  # fmt: skip
    kept = read_result(output / "results" / "study-real-minilm.zip").tables
    expected = verdicts({"bert": whole, "minilm": {**kept, "overlaps": ours}}, {"bert": 128, "minilm": 128})
    own = found[found["model"] != "causal"].reset_index(drop=True)
    pd.testing.assert_frame_equal(own, expected)
    assert own[own["model"] == "minilm"].set_index("claim").loc["10a", "mean"] == pytest.approx(
        (5 / 3 - expected_overlap(128, 17, 2)) / 17
    )


# ------------------------------------------------------------------------------------------------ what comes with us


@pytest.fixture(scope="module")
def kept(root):
    """The files of the repository itself, whatever output folder is set."""
    return {
        name: read_result(root / "results" / f"{publish.study_of(plan.world)}.zip") for name, plan in plans().items()
    }


@pytest.mark.parametrize("name", plans())
def test_the_stored_study_is_the_one_that_is_planned(kept, name):
    plan, study = plans()[name], kept[name]
    said = {key: json.loads(json.dumps(asdict(value))) for key, value in (("plan", plan.probing), ("draw", plan.draw))}
    assert {key: study.manifest[key] for key in said} == said and study.manifest["version"] == VERSION

    def sites(table):
        return {Site(*pair) for pair in table[["site", "layer"]].drop_duplicates().itertuples(index=False, name=None)}

    curves = study.tables["curves"]
    assert sites(curves) == set(plan.all_sites)
    for attribute, own in curves.groupby("attribute"):
        assert sites(own) == {site for site in plan.all_sites if plan.studies(attribute, site)}
    assert ("margins" in study.tables) == bool(plan.agreement)
    if plan.agreement:
        assert sites(study.tables["margins"]) == set(plan.agreement)
        asked = study.tables["margins"].groupby(["site", "layer"])["ranking"].agg(set)
        for site, own in plan.agreement.items():
            assert set(own.asked) <= asked[site.kind, site.layer]


def test_stored_studies_are_small_and_hold_no_text(kept, root):
    files = [root / "results" / f"{publish.study_of(plan.world)}.zip" for plan in plans().values()]
    assert sum(file.stat().st_size for file in files) <= 5e6
    for study in kept.values():
        for table in study.tables.values():
            assert not {"form", "word", "lemma", "right", "wrong", "text"} & set(table.columns)
            texts = [text for column in table for text in set(table[column]) if isinstance(text, str)]
            assert max((len(text.split()) for text in texts), default=0) <= 3  # "gaussian among probeless"
