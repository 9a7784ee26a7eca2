"""The study of real models: its plans, its items, its tasks, and the command, on small models and treebanks."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from pitfalls.cli import main
from pitfalls.cli import real as command
from pitfalls.columns import ASKING, SPLITS
from pitfalls.language.agreement import Item, from_treebank, minimal_pairs
from pitfalls.language.corpus import read_conllu
from pitfalls.language.grammar import corpora
from pitfalls.language.unimorph import ATTRIBUTES
from pitfalls.models import real
from pitfalls.models.sae import Recipe
from pitfalls.site import Site
from pitfalls.study import setting
from pitfalls.study.agreement import AgreementPlan, Items, rates
from pitfalls.study.output import stored_study, study_of
from pitfalls.study.plan import Plan
from pitfalls.study.real import work
from pitfalls.study.real.items import items_of
from pitfalls.study.real.plan import AGREES, Draw, ModelPlan, plans
from pitfalls.study.real.work import again, measure, prepare, tasks_of
from pitfalls.study.stored import read_result
from pitfalls.worlds import load
from pitfalls.worlds.load import load_world, mini_folder
from pitfalls.worlds.names import MINI_MODELS, REAL_MODELS
from pitfalls.worlds.sources import TreebankSource
from pitfalls.worlds.world import World

SIZES = {"train": 240, "dev": 60, "test": 60}
ROOM = 10**6  # more items than there are


# ------------------------------------------------------------------------------------------ plans

# The layers of each model, whether it reads from left to right, and the units of its residual stream.
MODELS = {"smollm2": (30, True, 576), "minilm": (6, False, 384), "causal": (4, True, 128)}


@pytest.mark.parametrize("name", plans())
def test_a_plan_is_of_sites_that_there_are(name: str) -> None:
    plan, (layers, causal, width) = plans()[name], MODELS[name.removesuffix("-untrained")]
    world = {"name": "mini" if name == "causal" else "real", "model": name}
    assert plan.world == world and name.removesuffix("-untrained") in (*MINI_MODELS, *REAL_MODELS)
    for site in plan.all_sites:
        assert {"residual": 0, "mlp": 1, "sae": 0}[site.kind] <= site.layer <= layers
    assert len(set(plan.all_sites)) == len(plan.all_sites) > 0 and set(plan.sites) <= set(plan.all_sites)
    assert all(site.kind != "sae" for site in plan.sites)  # an autoencoder is trained where it is studied
    assert plan.attributes is None or AGREES in plan.attributes
    assert {pair for pair in plan.left_out} <= {(name, site) for name in ATTRIBUTES for site in plan.sites}
    assert not plan.agreement or causal  # an encoder without a head predicts no word
    for site, own in plan.agreement.items():
        assert site.layer < layers  # above the last, nothing reads other words
        assert set(own.asked) <= set(ASKING) and own.few_draws <= own.draws
        assert own.ks(width) == sorted(set(own.ks(width))) and own.ks(width)[-1] <= width / 4
        assert plan.studies(AGREES, site) and plan.agreement_of("Tense", site) is None
    for attribute, site in plan.left_out:
        assert not plan.studies(attribute, site) and plan.studies("Tense", site)
    assert not any(plan.studies("Tense", site) for site in plan.all_sites if site not in plan.sites)


@pytest.mark.parametrize("name", plans())
def test_a_plan_draws_from_every_split(name: str) -> None:
    draw = plans()[name].draw
    assert list(draw.sentences) == list(draw.items) == list(draw.pairs) == list(SPLITS)
    for split in SPLITS:
        pairs = minimal_pairs(split, draw.pairs[split], draw.seed)
        assert len(pairs) == draw.pairs[split] and all(len(item.prefix) <= draw.longest for item in pairs)


class Named(World):
    """A world that has pairs, and nothing to read."""

    def pairs(self, languages: Sequence[str] | None = None) -> pd.DataFrame:
        rows = [["eng", name] for name in ("Number", "Part of Speech", "Tense")]
        return pd.DataFrame(rows, columns=["language", "attribute"])

    def sampled(self, sentences: Any, seed: int = 0) -> World:
        return self

    def disk_need(self, languages: Sequence[str], sites: Sequence[Site | int]) -> int:
        return 7


def test_every_task_of_the_plans_has_a_name_and_parameters_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "load_world", lambda **options: Named("named", None, None, 1))  # type: ignore[arg-type]
    monkeypatch.setattr(work, "world_identity", lambda world, languages: "identity")
    made = {name: tasks_of(name, plan) for name, plan in plans().items()}
    every = [task for tasks in made.values() for task in (*tasks.vectors, *tasks.measured)]
    assert {tasks.disk for tasks in made.values()} == {7}
    assert len({task.name for task in every}) == len(every)
    assert len({json.dumps(task.parameters, sort_keys=True) for task in every}) == len(every)
    assert len({study_of(plan.world) for plan in plans().values()}) == len(plans())
    for name, plan in plans().items():
        vectors, measured, _ = made[name]
        ((of_task),) = [[Site(at["site"], at["layer"]) for at in task.parameters["sites"]] for task in vectors]
        assert of_task == list(plan.sites)
        found = {
            (one["configuration"]["attribute"], Site(one["configuration"]["site"], one["configuration"]["layer"])): one
            for one in (task.parameters for task in measured if "configuration" in task.parameters)
        }
        asked = ("Number", "Part of Speech", "Tense") if plan.attributes is None else plan.attributes
        assert set(found) == {(a, site) for a in asked for site in plan.all_sites if plan.studies(a, site)}
        with_items = {key for key, one in found.items() if one["agreement"] is not None}
        assert with_items == {(AGREES, site) for site in plan.agreement}
        for (_, site), one in found.items():
            if one["agreement"] is not None:
                assert AgreementPlan(**one["agreement"]).ks(576) == plan.agreement[site].ks(576)
            assert Plan(**one["plan"]).probing_ks(128) == plan.probing.probing_ks(128)


# ------------------------------------------------------------------------------------------ a treebank


@pytest.fixture(scope="module")
def treebank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sentences of the mini grammar under English EWT's names; some of dev are in train, too, and some twice."""
    folder = tmp_path_factory.mktemp("ewt")
    blocks = {split: text.split("\n\n") for split, text in corpora.conllu("eng", SIZES).items()}
    blocks["train"] = [*blocks["dev"][:12], *blocks["train"], *blocks["train"][:120]]
    for split, own in blocks.items():
        lines = "\n\n".join(block for block in own if block.strip())
        (folder / f"en_ewt-ud-{split}.conllu").write_text(f"{lines}\n\n", encoding="utf-8")
    return folder


def file_of(folder: Path, split: str) -> Path:
    return folder / f"en_ewt-ud-{split}.conllu"


@pytest.fixture(scope="module")
def world(treebank: Path) -> World:
    """A world that is never asked for vectors."""
    model: Any = SimpleNamespace(lengths=lambda sentences: [0] * len(sentences), max_tokens=9)
    return World("real", model, TreebankSource(treebank, ("eng",)), 20).sampled({"train": 120})


def draw(count: int, **others: Any) -> Draw:
    few = {"items": dict.fromkeys(SPLITS, (count, count)), "pairs": dict.fromkeys(SPLITS, 8)}
    return Draw(**{"longest": 9, **few, **others})


def natural(items: Sequence[Item]) -> list[Item]:
    return [item for item in items if not item.sentence.startswith("pairs-")]


@pytest.fixture(scope="module")
def every(world: World) -> Items:
    """All that the treebank has."""
    return items_of(world, "eng", draw(ROOM))


def test_no_text_is_in_two_splits(every: Items, world: World) -> None:
    texts = [{item.words for item in items} for items in every]
    assert not texts[0] & texts[1] and not texts[0] & texts[2] and not texts[1] & texts[2]
    # Though there are sentences with several items, and sentences that two splits have.
    left_out = Counter(item.words for item in natural(every.test))
    assert max(left_out.values()) > 1
    own = {sentence.forms for sentence in world.sentences("eng", "train")}
    assert own & {sentence.forms for sentence in world.sentences("eng", "dev")}


def test_items_with_attractors_come_from_training_sentences_that_were_left_out(
    every: Items, world: World, treebank: Path
) -> None:
    drawn = {sentence.forms for sentence in world.sentences("eng", "train")}
    assert natural(every.train) and all(item.words in drawn for item in natural(every.train))
    further = {}
    for split in ("dev", "test"):
        own = {sentence.forms for sentence in world.sentences("eng", split)}
        others = [item for item in natural(getattr(every, split)) if item.words not in own]
        assert others and all(item.attractors and item.words not in drawn for item in others)
        further[split] = len(others)
    assert further["dev"] < further["test"]
    there = {sentence.forms for sentence in read_conllu(file_of(treebank, "train"), "eng").sentences}
    assert {item.words for item in natural(every.test)} <= there | {
        sentence.forms for sentence in world.sentences("eng", "test")
    }


@pytest.mark.parametrize("longest", [4, 9])
def test_items_are_balanced_causal_and_early_enough(world: World, treebank: Path, longest: int) -> None:
    found = items_of(world, "eng", draw(3, longest=longest))
    paths = [file_of(treebank, split) for split in SPLITS]
    known = {(item.words, item.place, item.wrong) for item in from_treebank(paths, "eng", "Number")}
    for split, items in zip(SPLITS, found, strict=True):
        own = natural(items)
        assert tuple(items[len(own) :]) == minimal_pairs(split, 8, 0)
        cells = Counter((item.value, bool(item.attractors)) for item in own)
        assert all(cells["PL", misled] == cells["SG", misled] <= 3 for misled in (False, True))
        assert cells["PL", False] == 3 and all(item.causal and 0 < len(item.prefix) <= longest for item in own)
        assert all((item.words, item.place, item.wrong) in known for item in own)


def test_the_seed_decides_the_items(world: World) -> None:
    first, again, other = (items_of(world, "eng", draw(3, seed=seed)) for seed in (0, 0, 1))
    assert first == again and all(own != another for own, another in zip(first, other, strict=True))


# ------------------------------------------------------------------------------------------ the work and the command

BERT = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")
ASKS = AgreementPlan(steps=(1 / 4,), betas=(2, 12), alphas=(1, 4), draws=2, few_draws=1)
PROBING = Plan(
    train_words=200, dev_words=80, test_words=80, random_draws=1, greedy=4, steps=(1 / 4,), dev_steps=(1 / 4,)
)


def tiny_plans() -> dict[str, ModelPlan]:
    given: dict[str, Any] = {"attributes": ("Number",), "probing": PROBING}
    few = draw(4, sentences={"train": 120, "dev": 40, "test": 60})
    at = Site("residual", 2)
    return {
        "minilm": ModelPlan({"name": "real", "model": "minilm", "min_forms": 20}, [at], draw=few, **given),
        "causal": ModelPlan({"name": "mini", "model": "causal"}, [at], {at: ASKS}, draw=few, **given),
    }


@pytest.fixture
def small(treebank: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A mini world of this treebank alone, a MiniLM that is the mini world's BERT, and tiny plans; results go here."""
    folder, manifest = tmp_path / "mini", {}
    folder.mkdir()
    for name in ("bert", "causal"):
        (folder / name).symlink_to(mini_folder() / name, target_is_directory=True)
    for split in SPLITS:
        content = file_of(treebank, split).read_bytes()
        name = corpora.file_name("eng", split)
        (folder / name).write_bytes(content)
        manifest[name] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")

    def taken(wheel: object, members: object, place: Path) -> None:
        for name in BERT:
            (place / name).write_bytes((mini_folder() / "bert" / name).read_bytes())

    monkeypatch.setattr(real, "take", taken)
    monkeypatch.setattr(load, "mini_folder", lambda: folder)
    monkeypatch.setattr("pitfalls.language.grammar.LANGUAGES", ("eng",))
    monkeypatch.setattr(command, "plans", tiny_plans)
    monkeypatch.setenv("PITFALLS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PITFALLS_OUTPUT", str(tmp_path / "out"))
    monkeypatch.setattr(setting, "_WORLD", {})
    yield tmp_path / "out"
    work._world_at.cache_clear()
    work._items.cache_clear()


def ran(treebank: Path, out: Path, *more: str) -> int:
    return main(["real", "--treebanks", str(treebank), "--jobs", "1", "--output", str(out), *more])


def interrupted(parameters: Any) -> dict[str, pd.DataFrame]:
    raise KeyboardInterrupt


@pytest.mark.slow
def test_the_command_goes_on_where_it_stopped_and_publishes_all_tables(
    small: Path, treebank: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ran(treebank, small, "--limit", "1") == 0
    kept = small / "build" / "real"
    told, _, rest = capsys.readouterr().out.partition("\n")
    assert re.fullmatch(r"word vectors: \d+\.\d GB to write into .+, where [\d.]+ GB are free", told)
    assert rest == (
        f"1 of 2 tasks are done, 0 of them before (kept in {kept})\n"
        "1 are left for later (--limit): nothing is published before all are done\n"
    )
    # The longest task comes first.
    assert [path.name[:7] for path in sorted(kept.glob("*number*.zip"))] == ["causal-"] and not (
        small / "results"
    ).exists()
    with monkeypatch.context() as stopped:
        stopped.setattr(command, "measure", interrupted)
        assert ran(treebank, small) == 130
    # The progress bars come before it.
    assert capsys.readouterr().err.endswith("pitfalls real: interrupted; run the same command to go on\n")
    written = [small / "results" / f"study-{name}.zip" for name in ("real-minilm", "mini-causal")]
    assert ran(treebank, small) == 0
    _, _, rest = capsys.readouterr().out.partition("\n")
    assert rest == f"2 of 2 tasks are done, 1 of them before (kept in {kept})\n" + "".join(
        f"wrote {file}\n" for file in written
    )
    before = [file.read_bytes() for file in written]
    monkeypatch.setattr(command, "measure", interrupted)  # nothing is done again
    assert ran(treebank, small) == 0
    assert "2 of 2 tasks are done, 2 of them before" in capsys.readouterr().out
    assert before == [file.read_bytes() for file in written]
    _check_tables(stored_study("mini", "causal"), stored_study("real", "minilm"))
    _check_text([*stored_study("mini", "causal").values(), *stored_study("real", "minilm").values()], treebank)
    _check_manifests(*(read_result(file).manifest for file in written))


def _check_tables(causal: dict[str, pd.DataFrame], minilm: dict[str, pd.DataFrame]) -> None:
    assert set(minilm) == {"curves", "leads", "orders", "costs"}
    assert set(causal) == {*minilm, "items", "strengths", "margins", "damage"}
    assert set(causal["curves"]["ranking"]) == set(minilm["curves"]["ranking"]) | {"attribution"}
    assert causal["costs"]["task"].tolist() == ["causal-eng_number_layer2"]
    assert (causal["costs"]["seconds"] > 0).all()
    items, margins = causal["items"], causal["margins"]
    assert Counter(items["split"]) == dict.fromkeys(SPLITS, 8) and set(items["language"]) == {"eng"}
    found = rates(margins, items, draws=5)
    assert found.groupby("attractors")["items"].unique().map(list).to_dict() == {
        "all": [8],
        "with": [4],
        "without": [4],
    }
    # What is in the model without intervention: it nearly always agrees.
    whole = found.query("measure == 'accuracy' and attractors == 'all'")
    assert (whole["baseline"] > 0.8).all() and whole["mean"].min() < 0.5


def _check_text(tables: Sequence[pd.DataFrame], treebank: Path) -> None:
    """No table has a noun, verb or the like of the treebank."""
    words = {
        word.form
        for split in SPLITS
        for sentence in read_conllu(file_of(treebank, split), "eng").sentences
        for word in sentence.words
        if "Number" in word.attributes
    }
    cells = {str(cell) for table in tables for column in table for cell in table[column] if isinstance(cell, str)}
    said = {part for text in (*cells, *(str(column) for table in tables for column in table)) for part in text.split()}
    assert len(words) > 300 and not words & said
    assert all(re.fullmatch(r"eng-\d+-\d+", text) for table in tables for text in table.get("sentence", ()))


def _check_manifests(minilm: dict[str, Any], causal: dict[str, Any]) -> None:
    assert (
        set(minilm)
        == set(causal)
        == {*("world", "model", "machines", "version", "draw", "plan", "identity", "agreement")}
    )
    assert minilm["world"] == {"name": "real", "model": "minilm", "min_forms": 20}  # without the folder's name
    assert causal["world"] == {"name": "mini", "model": "causal"} and causal["model"] == {}
    described = real.described("minilm")
    assert minilm["model"] == described and set(described["files"]) == set(BERT)
    assert all(re.fullmatch("[0-9a-f]{64}", file["sha256"]) for file in minilm["model"]["files"].values())
    assert minilm["draw"]["sentences"] == {"train": 120, "dev": 40, "test": 60} and causal["plan"]["greedy"] == 4
    assert minilm["identity"] != causal["identity"] and all(machine["torch"] for machine in minilm["machines"])


def test_a_model_that_is_not_in_the_study_is_refused(
    small: Path, treebank: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ran(treebank, small, "causal", "gpt2") == 2
    assert capsys.readouterr().err == "pitfalls real: no model 'gpt2' in the study; there are: minilm, causal\n"
    assert not small.exists()


def test_a_folder_without_the_treebank_is_said(small: Path, tmp_path: Path, capsys) -> None:
    assert ran(tmp_path / "none", small, "minilm") == 2
    assert f"no en_ewt-ud-train.conllu in {tmp_path / 'none'}" in capsys.readouterr().err
    assert not small.exists()


@pytest.mark.slow
def test_tasks_are_of_the_sentences_drawn_and_of_what_decides_them(
    small: Path, treebank: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = tiny_plans()["minilm"]
    plan = ModelPlan({**plan.world, "treebanks": str(treebank)}, plan.sites, draw=plan.draw, probing=PROBING)
    (vectors,), measured, _ = tasks_of("minilm", plan)
    attributes = [task.parameters["configuration"]["attribute"] for task in measured]
    assert "Number" in attributes and len(attributes) == len(load_world(**plan.world).pairs()) > 1
    assert vectors.parameters["identity"] == measured[0].parameters["identity"]
    table = prepare(vectors.parameters)["vectors"]
    world = load_world(**plan.world).sampled(plan.draw.sentences)
    words = [sum(len(one.words) for one in world.sentences("eng", split)) for split in SPLITS]
    assert table["words"].tolist() == words and set(table["sites"]) == {"layer 2"}
    shorter = tmp_path / "shorter"
    shorter.mkdir()
    for split in SPLITS:
        blocks = file_of(treebank, split).read_text(encoding="utf-8").split("\n\n")
        file_of(shorter, split).write_text("\n\n".join([*blocks[1:], ""]), encoding="utf-8")
    # The identity is that of all sentences.
    (other,), *_ = tasks_of("minilm", ModelPlan({**plan.world, "treebanks": str(shorter)}, plan.sites, draw=plan.draw))
    assert other.parameters["identity"] != vectors.parameters["identity"]
    with pytest.raises(ValueError, match=r"of version 0 of the study's code, and this is 1: run `pitfalls real` again"):
        measure({**measured[0].parameters, "version": 0})


@pytest.mark.slow
def test_an_autoencoder_is_trained_for_its_site(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "SAE_RECIPE", Recipe(latents=64, k=8, steps=20))
    at = Site("sae", 2)
    plan = ModelPlan({"name": "mini", "model": "causal"}, [], {at: ASKS}, attributes=("Number",), probing=PROBING,
                     draw=draw(4))  # fmt: skip
    (task,) = tasks_of("causal", plan).measured
    found = measure(task.parameters)
    assert set(found) == {"curves", "leads", "orders", "items", "strengths", "margins", "damage", "autoencoder"}
    assert set(found["margins"]["site"]) == {"sae"} and found["margins"]["k"].max() == 64
    assert len(found["autoencoder"]) >= 1


def test_one_configuration_can_be_measured_again(small: Path, treebank: Path) -> None:
    plan = tiny_plans()["minilm"]
    plan = replace(plan, world={**plan.world, "treebanks": str(treebank)})
    (site,), (task,) = plan.sites, tasks_of("minilm", plan).measured
    found, wanted = again("minilm", plan, "Number", site), measure(task.parameters)
    assert found.keys() == wanted.keys() >= {"curves", "leads", "orders"}
    for name, table in wanted.items():
        pd.testing.assert_frame_equal(found[name], table)
    with pytest.raises(ValueError, match=r"the study of minilm has no eng Tense at layer 2: at layer 2 it has Number$"):
        again("minilm", plan, "Tense", site)
    with pytest.raises(ValueError, match=r"no eng Number at mlp 2: its sites are layer 2$"):
        again("minilm", plan, "Number", Site("mlp", 2))
