"""Word vectors of a study: made once per language for all layers before the configurations, or else lazily."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from tiny_worlds import conllu

from pitfalls.cli import main
from pitfalls.columns import SPLITS
from pitfalls.models import vectors
from pitfalls.models.masked import MaskedLM
from pitfalls.study import everywhere, setting
from pitfalls.study.everywhere import do_studies, preparations, prepare_vectors, study_tasks
from pitfalls.study.executors import HERE, Processes
from pitfalls.study.plan import Plan
from pitfalls.study.stored import read_result
from pitfalls.study.sweep import Swept
from pitfalls.worlds import sources
from pitfalls.worlds.load import load_world, mini_folder, vectors_folder

SIZES = {"test_sentences": 4, "dev_sentences": 4, "train_words": 60, "dev_words": 40}
STEPS = {"steps": (0, 1 / 2, 1), "dev_steps": (1 / 4, 1)}
PLAN = Plan(betas=(4,), alphas=(1,), greedy=2, asked_sentences=4, random_draws=1, shown=1, **STEPS, **SIZES)
LAYERS = [1, 2]


def study(options, folder, layers, executor=HERE):
    return do_studies([study_tasks(options, PLAN, layers)], folder, executor)


@pytest.fixture(autouse=True)
def fresh(tmp_path, monkeypatch):
    monkeypatch.setenv("PITFALLS_CACHE", str(tmp_path / "cache"))
    setting._WORLD.clear()
    yield
    setting._WORLD.clear()


@pytest.fixture
def options(tmp_path):
    """A paper world of two languages, with 88 and 104 words, on the mini world's model."""
    folder = tmp_path / "treebanks"
    folder.mkdir()
    # Different sentences in each: equal ones would share one file of vectors.
    for prefix, sizes in (("en_ewt", (20, 12, 12)), ("tr_imst", (24, 14, 14))):
        for offset, (split, n) in enumerate(zip(SPLITS, sizes, strict=True)):
            (folder / f"{prefix}-ud-{split}.conllu").write_text(conllu(n, offset), encoding="utf-8")
    world = {"name": "paper", "model": str(mini_folder() / "bert"), "treebanks": str(folder)}
    return {**world, "languages": ["eng", "tur"], "min_forms": 2}


@pytest.fixture
def passes(monkeypatch):
    """The layers of each call of the model that makes word vectors."""
    noted, whole = [], vectors._fill

    def fill(arrays, *others):
        noted.append([site.layer for site in arrays])
        whole(arrays, *others)

    monkeypatch.setattr(vectors, "_fill", fill)
    return noted


# ------------------------------------------------------------------------------------------ one world


def test_a_pass_a_split_fills_all_layers_and_activations_find_them(options, passes, monkeypatch):
    world = load_world(**options)
    per_layer = 2 * (20 + 12 + 12) * world.model.n_neurons * 4
    assert world.disk_need(["eng"], [2, 1]) == 2 * per_layer
    assert world.disk_need(["eng", "tur"], [1]) == (88 + 104) * world.model.n_neurons * 4
    told = world.prepare(["eng"], [2, 1, 1])
    assert passes == [[1, 2]] * 3
    assert told[["language", "split", "sites", "words"]].values.tolist() == [
        ["eng", "train", "layer 1, layer 2", 40],
        ["eng", "dev", "layer 1, layer 2", 24],
        ["eng", "test", "layer 1, layer 2", 24],
    ]
    written = sum(file.stat().st_size - 128 for file in vectors_folder().glob("*.npy"))
    assert round(told["megabytes"].sum() * 1e6) == written == 2 * per_layer
    assert world.disk_need(["eng"], [1, 2]) == 0 and world.disk_need(["eng"], [1, 2, 3]) == per_layer
    found = world.activations("eng", "Number", 2)
    assert len(passes) == 3
    monkeypatch.setattr(world, "cache", None)
    assert np.array_equal(found.test.X, world.activations("eng", "Number", 2).test.X)


def test_a_world_without_a_cache_has_nothing_to_prepare():
    world = load_world("planted")
    told = world.prepare(["art"], [1])
    assert told.empty and list(told) == ["language", "split", "sites", "words", "megabytes"]
    assert world.disk_need(["art"], [1]) == 0
    _, chosen = study_tasks({"name": "planted"}, PLAN)
    assert preparations([(world, chosen)], vectors_folder()) == []


def test_what_cannot_be_prepared_is_named(options):
    world = load_world(**options)
    for languages, layers, message in (
        (["fra"], [1], "has eng, tur, not 'fra'"),
        (["eng"], [1, 5], "layer 5 in .* has layers 0 .embeddings. to 4"),
        (["eng"], [], "no layer: give at least one of 0 to 4"),
    ):
        for ask in (world.prepare, world.disk_need):
            with pytest.raises(ValueError, match=message):
                ask(languages, layers)


# ------------------------------------------------------------------------------------------- the study


@pytest.mark.slow
def test_a_study_makes_each_languages_vectors_once_before_its_configurations(options, passes, tmp_path):
    folder = tmp_path / "tasks"
    swept = study(options, folder, LAYERS)
    assert not swept.failures and len(swept.results) == 2 * len(load_world(**options).pairs())
    assert passes == [LAYERS] * 6
    made = {file.name.split("-")[1]: read_result(file) for file in folder.glob("vectors-*.zip")}
    assert set(made) == {"eng", "tur"}
    expected = load_world(**options).prepare(["tur"], LAYERS)
    pd.testing.assert_frame_equal(made["tur"].tables["vectors"], expected)
    assert set(swept.tables()) == {"curves", "leads", "orders", "dev", "effects", "areas", "examples"}
    # All is done: there is nothing to prepare, even where the cache is gone.
    shutil.rmtree(vectors_folder())
    again = study(options, folder, LAYERS)
    assert again.found == len(swept.results) and len(passes) == 6
    # Without a cache, a configuration is computed anew, layer by layer, although its language was prepared once.
    _, chosen = study_tasks(options, PLAN, LAYERS)
    chosen[0].file(folder).unlink()
    anew = study(options, folder, LAYERS)
    assert not anew.failures and passes[6:] == [[chosen[0].parameters["configuration"]["layer"]]] * 3
    for name, table in swept.tables().items():
        pd.testing.assert_frame_equal(anew.tables()[name], table)


@pytest.mark.slow
def test_several_workers_give_the_same_tables(options, tmp_path):
    one = study(options, tmp_path / "one", [1])
    shutil.rmtree(vectors_folder())
    two = study(options, tmp_path / "two", [1], Processes(2))
    assert not one.failures and not two.failures
    for name, table in one.tables().items():
        pd.testing.assert_frame_equal(two.tables()[name], table)


def test_only_languages_with_something_to_do_are_prepared_and_a_limit_counts_configurations(options, tmp_path, passes):
    folder = tmp_path / "tasks"
    world, chosen = study_tasks(options, PLAN, LAYERS)
    assert [task.name for _, task in preparations([(world, chosen)], folder)] == [
        "vectors-eng-study-paper",
        "vectors-tur-study-paper",
    ]
    ((_, only),) = preparations([(world, chosen)], folder, limit=1)
    assert only.name == "vectors-eng-study-paper" and [at["layer"] for at in only.parameters["sites"]] == LAYERS
    assert only.parameters == json.loads(json.dumps(only.parameters))
    swept = do_studies([(world, chosen)], folder, limit=1)
    assert (len(swept.results), swept.left) == (1, len(chosen) - 1)
    assert passes == [LAYERS] * 3
    # The same task as in a whole study, so that a resumed study finds it.
    assert (world, only) in preparations([(world, chosen)], folder) and only.file(folder).exists()
    with pytest.raises(ValueError, match="limit is -1"):
        do_studies([(world, chosen)], folder, limit=-1)
    assert len(passes) == 3


@pytest.mark.slow
def test_the_studies_of_two_models_are_done_in_one_sweep_and_told_apart(tmp_path, passes):
    studies = []
    for model in ("bert", "xlmr"):
        world, chosen = study_tasks({"name": "mini", "model": model}, PLAN, [1], ["tur"])
        studies.append((world, chosen[:1]))
    swept = do_studies(studies, tmp_path / "tasks")
    assert not swept.failures and len(swept.results) == 2 and passes == [[1]] * 6
    one, other = (swept.tables(chosen)["curves"] for _, chosen in studies)
    assert len(one) == len(other) > 0 and not one["accuracy"].equals(other["accuracy"])
    alone = do_studies(studies[1:], tmp_path / "alone")
    pd.testing.assert_frame_equal(other, alone.tables()["curves"])
    # A limit counts over all studies: both tasks are to be done again, and the first needs one model's vectors.
    for _, (task,) in studies:
        task.file(tmp_path / "tasks").unlink()
    ((world, _),) = preparations(studies, tmp_path / "tasks", limit=1)
    assert world.model.name == studies[0][0].model.name


@pytest.mark.slow
def test_vectors_that_cannot_be_made_are_told_and_stop_nothing(options, tmp_path, monkeypatch):
    def fails(parameters):
        if parameters["language"] == "eng":
            raise ZeroDivisionError("on purpose")
        return prepare_vectors(parameters)

    monkeypatch.setattr(everywhere, "prepare_vectors", fails)
    swept = study(options, tmp_path / "tasks", [1])
    assert [(failure.task.name, failure.reason) for failure in swept.failures] == [
        ("vectors-eng-study-paper", "ZeroDivisionError: on purpose")
    ]
    assert set(swept.tables()["areas"]["language"]) == {"eng", "tur"}


def test_a_full_disk_stops_the_study_and_says_what_it_needs(options, tmp_path, monkeypatch):
    monkeypatch.delattr("os.posix_fallocate", raising=False)
    monkeypatch.setattr(vectors, "free_space", lambda folder: 10)
    with pytest.raises(
        OSError, match=r"after 0 of 2 tasks: .*of layer 1, layer 2 need 0\.0 MB, .* has 0\.0 MB free.* PITFALLS_CACHE"
    ):
        study(options, tmp_path / "tasks", LAYERS)
    assert not list(vectors_folder().glob("*.npy"))


# ---------------------------------------------------------------------------------------- the command


def test_the_command_says_what_vectors_take_before_it_begins(options, tmp_path, capsys, monkeypatch):
    command = ["sweep", "--world", "paper", "--model", options["model"], "--treebanks", options["treebanks"]]
    command += ["--languages", "eng", "--layers", "1", "2", "--jobs", "1", "--output", str(tmp_path), "--dry-run"]
    # 88 words x 128 neurons x 4 bytes x 2 layers are 0.09 MB; reported as if each byte were 100,000.
    whole = everywhere.World.disk_need
    monkeypatch.setattr(everywhere.World, "disk_need", lambda *ask: 100_000 * whole(*ask))
    n = load_world(**options).model.n_neurons
    monkeypatch.setattr("pitfalls.cli.sweep.free_space", lambda folder: 2e12)
    monkeypatch.setattr("pitfalls.study.everywhere.load_world", lambda **asked: load_world(**asked, min_forms=2))
    assert main(command) == 0
    said = capsys.readouterr().out
    need = f"word vectors: {88 * n * 4 * 2 / 1e4:.3f} GB to write into {vectors_folder()}, where 2000.00 GB are free\n"
    assert need in said and said.index(need) < said.index("configurations are left to do")
    assert not list(tmp_path.rglob("*.zip")) and not vectors_folder().exists()
    monkeypatch.setattr("pitfalls.cli.sweep.free_space", lambda folder: 1000)
    assert main(command) == 0
    assert "are free: too little; make room, or set PITFALLS_CACHE" in capsys.readouterr().out
    asked = []

    def begun(studies, *_):
        ((_, chosen),) = studies
        asked.append((capsys.readouterr().out, chosen[0].parameters["world"]))
        return Swept([], [], 0)

    monkeypatch.setattr("pitfalls.cli.sweep.do_studies", begun)
    assert main(command[:-1]) == main([*command[:-1], "--dtype", "bfloat16"]) == 0
    (said, plain), (_, half) = asked
    assert said.startswith("word vectors: ") and set(plain) == {"name", "model", "treebanks"}
    assert half == {**plain, "dtype": "bfloat16"}


@pytest.mark.slow
def test_a_treebank_of_ones_own_is_read_in_another_precision(options, tmp_path, capsys):
    treebank = [f"{options['treebanks']}/en_ewt-ud-{split}.conllu" for split in SPLITS]
    command = ["intervene", "--model", options["model"], "--treebank", *treebank, "--attribute", "Number"]
    command += ["--layer", "2", "--min-forms", "2", "--max-k", "8", "--step", "8", "--examples", "0"]
    for dtype in ("float32", "bfloat16"):
        assert main([*command, "--dtype", dtype, "--output", str(tmp_path / dtype)]) == 0
    assert "wrote" in capsys.readouterr().out
    # The model's name is in no table, so the cache says that there were two.
    assert len(list(vectors_folder().glob("*.npy"))) == 2 * 3


# ----------------------------------------------------------------------------------------- precisions


def test_a_precision_is_another_model_with_close_vectors_of_its_own(options):
    whole = load_world(**options)
    assert load_world(**options, dtype="float32").model.fingerprint() == whole.model.fingerprint()
    one = whole.activations("eng", "Number", 4).test
    # bfloat16 has 8 bits of precision, float16 eleven.
    for dtype, near in (("bfloat16", 0.05), ("float16", 0.01)):
        half = load_world(**options, dtype=dtype)
        assert half.model.fingerprint() != whole.model.fingerprint()
        other = half.activations("eng", "Number", 4).test
        assert other.X.dtype == np.float32
        assert 0 < np.abs(one.X - other.X).max() < near * np.abs(one.X).max()
    assert len(list(vectors_folder().glob("*.npy"))) == 3 * 3


@pytest.mark.slow
def test_a_study_in_another_precision_is_other_tasks(options, tmp_path):
    folder = tmp_path / "tasks"
    _, chosen = study_tasks(options, PLAN, [1])
    world, halves = study_tasks({**options, "dtype": "bfloat16"}, PLAN, [1])
    assert not {task.file(folder) for task in chosen} & {task.file(folder) for task in halves}
    assert halves[0].kind == "study paper on cpu in bfloat16, bert, layer 1, 4 sentences"
    assert chosen[0].kind == "study paper on cpu, bert, layer 1, 4 sentences"
    assert "dtype" not in chosen[0].parameters["world"]
    swept = do_studies([(world, halves)], folder, limit=1)
    assert not swept.failures and len(swept.tables()["effects"])


def test_precisions_that_there_are_not(options):
    with pytest.raises(ValueError, match="no dtype 'float8'; there are: float64, float32, float16, bfloat16"):
        load_world(**options, dtype="float8")
    for name in ("mini", "planted"):
        with pytest.raises(ValueError, match=f"the {name} world computes in float64, not bfloat16"):
            load_world(name, dtype="bfloat16")


def test_a_precision_that_the_device_cannot_compute_in_is_refused(options, monkeypatch):
    def cannot(self):
        raise RuntimeError("\"addmm_impl_cpu_\" not implemented for 'Half'")

    monkeypatch.setattr(MaskedLM, "_try_out", cannot)
    with pytest.raises(
        ValueError, match=r"cannot compute in float16 on cpu: take float32, bfloat16, .*addmm_impl_cpu_"
    ):
        load_world(**options, dtype="float16")
    # In float32, precision is not the matter: torch's own words are passed on.
    with pytest.raises(ValueError, match=r"does not read text as .*RuntimeError: .*not implemented"):
        load_world(**options)


# ------------------------------------------------------------------------------------------- treebanks


def test_a_lexicon_is_of_the_whole_treebank_and_reads_it_once(options, monkeypatch):
    read = []
    whole = sources.treebanks.load
    monkeypatch.setattr(sources.treebanks, "load", lambda *ask, **more: read.append(ask) or whole(*ask, **more))
    world = load_world(**options)
    world.values("eng", "Number")
    assert len(read) == 3
    lexicon = world.lexicon("eng")
    assert len(read) == 3
    fresh = load_world(**options).source
    assert lexicon == fresh.lexicon("eng")
    # Only the language read last is kept, and sources are equal whatever they keep.
    world.values("tur", "Number")
    assert {language for language, _ in world.source._read} == {"tur"}
    assert world.source == fresh and hash(world.source) == hash(fresh)


def test_a_process_holds_the_text_of_one_language(options):
    one = setting.world_of(options, "eng")
    assert setting.world_of(dict(options), "eng") is one
    other = setting.world_of(options, "tur")
    assert other is not one and setting.world_of(options, "tur") is other
    assert len(setting._WORLD) == 1
