"""The benchmark's code on small data: what it writes, and that both sides agree; never how long anything took."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from pitfalls.models.masked import MaskedLM

pytestmark = pytest.mark.slow

COLUMNS = {
    "work", "oracle", "threads", "seconds", "oracle_seconds", "oracle_is", "ratio", "agreed", "peak_mb", "bytes_gb",
    "gflop", "limit_seconds", "share_of_limit", "wanted",
}  # fmt: skip
INTERVENTIONS = {"slots", "slots_that_differ", "predictions_seconds", "total_mb", "matrix_share"}


@pytest.fixture(scope="module", autouse=True)
def importable(root):
    """The benchmarks are not part of the package: they are run from the checkout's root."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(root))
        yield


@pytest.fixture(scope="module")
def written(importable, tmp_path_factory) -> Path:
    from benchmarks.rankings import main

    folder = tmp_path_factory.mktemp("benchmarks")
    assert main(["--output", str(folder), "--scale", "small", "--threads", "1"]) == 0
    return folder


@pytest.fixture(scope="module")
def interventions(importable, root, tmp_path_factory) -> Path:
    from benchmarks.interventions import main

    folder = tmp_path_factory.mktemp("interventions")
    treebank = root / "data" / "mini" / "eng_mini-ud-test.conllu"
    asked = ["--output", str(folder), "--scale", "small", "--threads", "1", "--treebank", str(treebank)]
    assert main(asked) == 0
    return folder


def test_every_work_agrees_with_its_loop(written):
    table = pd.read_csv(written / "rankings.csv")
    assert set(table.columns) >= COLUMNS
    assert table.agreed.all()
    assert len(table) == 7  # six works, one of them against two loops
    assert not table.isna().any().any()
    assert (table[["seconds", "oracle_seconds", "ratio", "peak_mb", "limit_seconds"]] > 0).all().all()


def test_the_cost_has_four_panels_and_words(written):
    table = pd.read_csv(written / "cost.csv")
    assert set(table.over) == {"words", "neurons", "classes", "k"}
    assert set(table.method) == {"linear", "gaussian", "probeless"}
    assert "power" in json.loads((written / "cost.json").read_text())["alt"]


def test_the_readme_takes_its_tables_from_the_results_there_are(root, written, interventions, tmp_path):
    from benchmarks.readme import with_tables

    before = (root / "benchmarks" / "README.md").read_text(encoding="utf-8")
    shutil.copytree(written, tmp_path / "both")
    shutil.copytree(interventions, tmp_path / "both", dirs_exist_ok=True)
    of_one, of_both = with_tables(before, written), with_tables(before, tmp_path / "both")
    assert "k = 6, 12 neurons, 100 dev words" in of_one and "Translation at layer 2 of 3" not in of_one
    assert "Translation at layer 2 of 3, 5 k, 12 sentences" in of_both
    assert with_tables(of_one, written) == of_one and with_tables(of_both, tmp_path / "both") == of_both
    with pytest.raises(ValueError, match="each of these lines once"):
        with_tables("no tables", written)
    assert with_tables(before, root / "benchmarks" / "results") == before


def test_interventions_predict_what_full_passes_predict(interventions):
    table = pd.read_csv(interventions / "interventions.csv")
    assert set(table.columns) >= COLUMNS - {"bytes_gb"} | INTERVENTIONS
    assert not table.isna().any().any()
    assert [work.split(",")[0] for work in table.work] == ["Translation at layer 2 of 3", "Translation at layer 3 of 3"]
    assert table.agreed.all() and (table.slots_that_differ == 0).all()
    # All slots at three of the k and some at the other two; and interventions change some of them.
    assert (3 * table.target_slots < table.slots).all() and (table.slots < 5 * table.target_slots).all()
    assert (table.target_slots_changed_at_last_k > 10).all()
    assert (table[["seconds", "predictions_seconds", "oracle_seconds", "ratio", "total_mb", "gflop"]] > 0).all().all()
    assert table.matrix_share.between(0, 1, inclusive="neither").all()
    assert (table.gflop < table.gflop_done).all()
    assert table.gflop.is_monotonic_decreasing  # The higher the layer, the less runs again for every k.


@pytest.fixture(scope="module")
def replay(importable, root, tmp_path_factory):
    from benchmarks import mbert
    from benchmarks.replays import Replay

    folder = tmp_path_factory.mktemp("replay")
    mbert.prepare(mbert.SHAPES["small"], root / "data" / "mini" / "eng_mini-ud-test.conllu", folder)
    return Replay(mbert.SHAPES["small"], folder, 2)


def test_other_tokens_are_told_from_the_full_passes(replay):
    """The comparison above would notice one wrong token, or a pass with another k."""
    fast, every = replay.fast(), range(replay.shape.sentences)
    right = torch.tensor([piece for ids in fast.predicted[2] for piece in ids])
    assert replay.loop.run(16, right, every).behind.abs().max() == 0
    wrong = right.clone()
    wrong[7] = (wrong[7] + 1) % replay.shape.vocabulary
    behind = replay.loop.run(16, wrong, every).behind
    assert behind.nonzero().ravel().tolist() == [7] and behind[7] > 0
    assert (replay.loop.run(8, right, every).behind > 0).any()


def test_sentence_by_sentence_as_many_multiply_adds_are_done_as_needed(replay, monkeypatch):
    """Without padding the formula is exact."""
    monkeypatch.setattr("pitfalls.interventions.replay._BATCH_TOKENS", 1)
    fast = replay.fast()
    assert fast.matrices.multiply_adds == replay.need(sum(len(ids) for ids in fast.predicted[0]))


def test_matrix_work_is_counted_as_torch_counts_it(importable, root):
    from torch.utils.flop_counter import FlopCounterMode

    from benchmarks.devices import device
    from benchmarks.replays import MatrixWork
    from pitfalls.worlds.load import mini_folder

    lm = MaskedLM.load(mini_folder() / "bert")
    encoded = lm.encode([["the", "cats", "sleep"], ["dogs"]])

    def passed() -> None:
        lm.predict(lm.resume(encoded, 1, lm.hidden(encoded, 1)), encoded.word_ids >= 0)

    with MatrixWork(device("cpu")) as ours:
        passed()
    with FlopCounterMode(display=False) as theirs:
        passed()
    batch, length = encoded.input_ids.shape
    # torch cannot count attention on CPUs: two products of [length, length] per head, together as wide as a state.
    attention = lm.n_layers * 2 * batch * length**2 * lm.n_neurons
    assert 2 * ours.multiply_adds == theirs.get_total_flops() + 2 * attention
    assert ours.seconds > 0


def test_without_the_treebank_interventions_are_skipped_and_nothing_is_written(
    importable, tmp_path, monkeypatch, capsys
):
    from benchmarks import interventions

    monkeypatch.setattr("benchmarks.treebank.TREEBANK", tmp_path / "none.conllu")
    output = tmp_path / "results"
    assert interventions.main(["--output", str(output)]) == 0
    assert not output.exists()
    said = capsys.readouterr().err
    assert "interventions are not measured" in said and "none.conllu" in said and "--treebank FILE" in said
    with pytest.raises(SystemExit) as exit_:
        interventions.main(["--output", str(output), "--treebank", str(tmp_path / "other.conllu")])
    assert exit_.value.code == 2 and "no treebank" in capsys.readouterr().err


@pytest.fixture(scope="module")
def prepared(importable, root, tmp_path_factory) -> Path:
    """Both models of :mod:`benchmarks.jobs`, small."""
    from benchmarks.jobs import SIZES, prepare

    folder = tmp_path_factory.mktemp("models")
    prepare(SIZES["small"], root / "data" / "mini" / "eng_mini-ud-test.conllu", folder)
    return folder


MODELS = {
    "work", "oracle", "threads", "seconds", "cpu_seconds", "oracle_seconds", "oracle_cpu_seconds", "oracle_is", "ratio",
    "cpu_ratio", "compared", "difference", "agreed", "peak_mb", "words_per_second", "oracle_words_per_second",
}  # fmt: skip


def test_models_find_what_a_hook_and_nnsight_find(prepared):
    from benchmarks.jobs import SIZES, jobs
    from benchmarks.whole_passes import has_nnsight

    found = {name: list(job(prepared)) for name, job in jobs(SIZES["small"]).items()}
    assert list(found) == [
        "mbert layer2", "mbert layer3", "mbert mlp2", "mbert heads2", "smollm2 layer2", "smollm2 layer3",
        "mbert reading", "smollm2 reading",
    ]  # fmt: skip
    for name, rows in found.items():
        assert all(set(row) == MODELS and row["agreed"] and row["ratio"] > 0 for row in rows)
        # At a layer nnsight, too, in two orders; and reading in two.
        assert len(rows) == (2 if "reading" in name else 3 if "layer" in name and has_nnsight() else 1)
        assert len({row["oracle"] for row in rows}) == len(rows)
    # Sentences with several controllers are among the items, so that another one is changed, too.
    told = re.search(r", (\d+) items, (\d+) changed words", found["smollm2 layer2"][0]["work"])
    assert 4 <= int(told[1]) < int(told[2])


def test_margins_of_another_k_are_told_from_the_whole_passes(prepared):
    """The comparison above would notice another k, another word, and the wrong form."""
    from benchmarks import smollm2
    from benchmarks.agreement_passes import AgreementPasses, asked
    from benchmarks.jobs import BETA, SAME, SIZES
    from benchmarks.whole_passes import Hooked
    from pitfalls.interventions.translation import Translation
    from pitfalls.worlds.experiment import Experiment

    shape = SIZES["small"].smollm2
    world, data, items = smollm2.read(shape, prepared / "smollm2", 2)
    experiment = Experiment(world, data)
    order = experiment.rank("probeless")
    table = experiment.intervene(order, Translation(BETA), shape.ks).margins(items)
    texts = asked(world.model.tokenizer, items, table[table.k == 0], data.values)
    loop = AgreementPasses(Hooked(world.model.model, data.site), texts, data.test, order.order, BETA)
    right, least = table[table.k == 24].margin.to_numpy(), SAME * table.margin.abs().max()
    assert np.abs(loop.margins(24) - right).max() < least
    np.testing.assert_allclose(loop.margins(24, loop.by_length()), right, atol=least)
    for wrong in (loop.margins(0), np.roll(loop.margins(24), 1), -loop.margins(24)):
        assert np.abs(wrong - right).max() > 10 * least


def test_the_models_command_writes_what_the_readme_shows(importable, root, tmp_path, capsys, monkeypatch):
    from benchmarks import models
    from benchmarks.readme import with_tables

    asked = ["--output", str(tmp_path), "--scale", "small", "--threads", "1", "--only", "mbert mlp2"]
    treebank = root / "data" / "mini" / "eng_mini-ud-test.conllu"
    monkeypatch.setattr(models, "has_nnsight", lambda: False)
    assert models.main([*asked, "--treebank", str(treebank)]) == 0
    assert "nnsight is not installed" in capsys.readouterr().err
    table = pd.read_csv(tmp_path / "models.csv")
    assert set(table.columns) == MODELS | {"load"} and table.agreed.all()
    # The other tables are the committed ones.
    stored = root / "benchmarks" / "results"
    shutil.copytree(stored, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("models.*"))
    text = with_tables((root / "benchmarks" / "README.md").read_text(encoding="utf-8"), tmp_path)
    assert "| Translation at mlp 2 of 3, 5 k, 12 sentences" in text and "nnsight not installed." in text
    assert with_tables(text, tmp_path) == text
    with pytest.raises(SystemExit):
        models.main([*asked[:-1], "mbert heads1"])
    assert "no job 'mbert heads1': the scale small has mbert layer2" in capsys.readouterr().err
    monkeypatch.setattr("benchmarks.treebank.TREEBANK", tmp_path / "none.conllu")
    (tmp_path / "models.csv").unlink()
    assert models.main(asked) == 0
    assert "models are not measured" in capsys.readouterr().err and not (tmp_path / "models.csv").exists()


@pytest.fixture(scope="module")
def english(root, tmp_path_factory) -> Path:
    """The mini world's English under the names of English EWT."""
    folder = tmp_path_factory.mktemp("english")
    for split in ("train", "dev", "test"):
        (folder / f"en_ewt-ud-{split}.conllu").symlink_to(root / "data" / "mini" / f"eng_mini-ud-{split}.conllu")
    return folder


REAL = MODELS - {"words_per_second", "oracle_words_per_second"} | {"stage", "oracle_peak_mb"}


def test_every_stage_of_a_real_model_finds_what_the_plain_way_finds(importable, english, tmp_path):
    from benchmarks.real_jobs import STAGES
    from benchmarks.real_text import prepare

    (tmp_path / "wheels.json").write_text("null")
    prepare("small", english, tmp_path)
    found = {name: list(stage("small", tmp_path)) for name, stage in STAGES.items()}
    rows = [row for some in found.values() for row in some]
    assert [row["stage"] for row in rows] == [
        "loading", "reading", "reading", "ranking", "probing", "interventions", "attribution", "effect",
    ]  # fmt: skip
    assert all(set(row) == REAL and row["agreed"] and row["ratio"] > 0 for row in rows)


def test_margins_under_another_change_are_told_from_the_plain_ones(importable, english, tmp_path):
    """The comparison above would notice another kind, k, order or unit, and each kind changes something."""
    from benchmarks.real_changes import KINDS, NATS, _means
    from benchmarks.real_passes import PlainMargins, plain_change
    from benchmarks.real_text import items_of, prepare, world_of
    from benchmarks.whole_passes import Hooked

    prepare("small", english, tmp_path)
    world, items = world_of("small", tmp_path), items_of("small", "test")
    experiment = world.experiment("eng", "Number", layer=1)
    passes = PlainMargins(Hooked(world.model.model, experiment.data.site), world.model.tokenizer, items)
    means, order = _means(experiment, items), np.arange(experiment.data.n_neurons)
    changes = [plain_change(kind, order, k, means) for kind in KINDS for k in (8, 32)]
    changes += [lambda states, _: states, plain_change(KINDS[0], order[::-1].copy(), 8, means)]
    found = [passes.under(change).numpy() for change in changes]
    apart = [np.abs(one - other).max() for i, one in enumerate(found) for other in found[:i]]
    assert min(apart) > NATS


def test_the_real_command_writes_what_the_readme_shows(importable, root, english, tmp_path, capsys, monkeypatch):
    from benchmarks import real
    from benchmarks.readme import with_tables

    asked = ["--output", str(tmp_path / "results"), "--treebanks", str(english)]
    monkeypatch.setenv("PITFALLS_CACHE", str(tmp_path))
    assert real.main(asked) == 0
    assert "first run `pitfalls fetch smollm2`" in capsys.readouterr().err and not (tmp_path / "results").exists()
    assert real.main([*asked, "--scale", "small", "--only", "probing"]) == 0
    table = pd.read_csv(tmp_path / "results" / "real.csv")
    assert set(table.columns) == REAL | {"load"} and table.stage.tolist() == ["ranking", "probing"]
    stored = root / "benchmarks" / "results"
    shutil.copytree(stored, tmp_path / "results", dirs_exist_ok=True, ignore=shutil.ignore_patterns("real.*"))
    text = with_tables((root / "benchmarks" / "README.md").read_text(encoding="utf-8"), tmp_path / "results")
    assert "of Number at layer 1, " in text and with_tables(text, tmp_path / "results") == text
    with pytest.raises(SystemExit):
        real.main([*asked[:-1], str(tmp_path)])
    assert "no en_ewt-ud-train.conllu in " in capsys.readouterr().err


@pytest.fixture
def tiny(root, tmp_path) -> list[str]:
    """Arguments of a tiny paper world on the mini world's English."""
    for split in ("train", "dev", "test"):
        (tmp_path / f"en_ewt-ud-{split}.conllu").symlink_to(root / "data" / "mini" / f"eng_mini-ud-{split}.conllu")
    return ["--output", str(tmp_path), "--folder", str(tmp_path), "--treebanks", str(tmp_path), "--scale", "tiny"]


def test_the_paper_world_goes_from_files_to_figures(importable, tiny, tmp_path):
    from benchmarks import paper_world
    from benchmarks.readme import paper_world_table

    # The other layout is that of the next test.
    assert paper_world.main([*tiny, "--layout", "xlmr"]) == 0
    table = pd.read_csv(tmp_path / "paper_world.csv", keep_default_na=False, dtype={"layer": str})
    assert (table[["calls", "seconds", "peak_mb"]] > 0).all().all()
    for layer in ("1", "2"):
        stages = " ".join(table[table.layer == layer].stage)
        rankings = ("ranking gaussian, both", "ranking linear, both")
        asked = (
            "ask the model",
            "curves",
            "translation and the like, dev",
            "constant",
            "interchange",
            "ablation",
            "examples",
        )
        for part in (*rankings, *asked):
            assert part in stages
    # Layers share one pass; nothing is made twice.
    assert len(list((tmp_path / "xlmr-tiny" / "activations").glob("*.npy"))) == 6
    drawn = tmp_path / "xlmr-tiny" / "figures" / "figures"
    assert {"fig5-eng.svg", "fig6-eng.svg", "fig1b-selectivity.svg"} <= {file.name for file in drawn.iterdir()}
    assert "| word vectors of layers 1, 2 in one pass |  | 1 |" in paper_world_table(tmp_path)


def test_other_devices_and_precisions_have_files_and_tables_of_their_own(importable, tiny, tmp_path, monkeypatch):
    from benchmarks import paper_world
    from benchmarks.readme import paper_world_table

    assert paper_world.main([*tiny, "--layers", "1"]) == 0
    # A device with its own memory, like a GPU.
    waited: list[int] = []
    monkeypatch.setattr(paper_world.device("cpu").__class__, "wait", lambda _: waited.append(1))
    monkeypatch.setattr(paper_world.device("cpu").__class__, "peak", lambda _: {"gpu_peak_mb": 1234.0})
    assert paper_world.main([*tiny, "--layers", "2", "--dtype", "bfloat16"]) == 0
    table = pd.read_csv(tmp_path / "paper_world-cpu-bfloat16.csv", keep_default_na=False, dtype={"layer": str})
    assert len(waited) == table.calls.sum() and (table.gpu_peak_mb == 1234).all()
    assert set(table.layer) == {"", "2"}
    own = tmp_path / "mbert-tiny" / "cpu-bfloat16"
    assert len(list((own / "activations").glob("*.npy"))) == 3 and (own / "study.zip").is_file()
    assert not (own / "model").exists()
    said = json.loads((tmp_path / "paper_world-cpu-bfloat16.json").read_text())
    assert (said["dtype"], said["layers"], said["scale"]) == ("bfloat16", [2], "tiny")
    first, second = paper_world_table(tmp_path).split("Measured on")[1:]
    assert "float32; scale: tiny" in first and "GPU" not in first
    assert "bfloat16; scale: tiny" in second and "| peak on the GPU, MB |" in second and "| 1,234 |" in second


def test_a_device_that_is_not_there_is_refused(importable, tmp_path, monkeypatch, capsys):
    from benchmarks import interventions, paper_world

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for benchmark in (
        lambda: paper_world.main(["--output", str(tmp_path), "--folder", str(tmp_path), "--device", "cuda"]),
        lambda: interventions.main(["--output", str(tmp_path), "--device", "cuda:1"]),
    ):
        with pytest.raises(SystemExit):
            benchmark()
        assert "sees no GPU here" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.fixture
def stages(tmp_path) -> Path:
    """What a run of the paper world left when it was cut off on its last layer."""
    rows = [("word vectors of layers 2, 7, 12 in one pass", "", 9.0), ("load the model", "", 5.0)]
    rows += [(stage, "12", 100.0) for stage in ("probing curves", "translation", "examples")]
    rows += [(stage, "7", 200.0) for stage in ("probing curves", "translation", "examples")]
    rows += [("probing curves", "2", 1000.0)]
    file = tmp_path / "paper_world.csv"
    pd.DataFrame(rows, columns=["stage", "layer", "seconds"]).to_csv(file, index=False)
    plan = {"steps": 8, "test_sentences": 8}
    file.with_suffix(".json").write_text(json.dumps({"processor": "An abacus", "threads": "2", "plan": plan}))
    return file


def test_a_study_scale_gives_a_configuration_what_the_study_does(importable):
    from benchmarks.paper_world import SCALES
    from pitfalls.study.plan import Plan

    assert SCALES["study"].plan == Plan()
    assert (SCALES["study"].neurons, SCALES["study"].sentences) == (768, None)


def test_unit_costs_are_those_of_whole_layers(importable, stages):
    from dataclasses import asdict

    from benchmarks.scaling import costs_file, projected, unit_costs
    from pitfalls.study.plan import Plan

    found = unit_costs(stages)
    assert (found.seconds, found.vectors_seconds) == ({7: 600.0, 12: 300.0}, 9.0)
    assert (found.where, found.plan.split(" (")[0]) == ("An abacus, 2 threads", "another plan than the study's")
    hours = projected(found)
    assert hours.workers.tolist() == [1, 8] and (hours.configurations == 156).all()
    assert hours.hours[0] == pytest.approx(78 * 900 / 3600)
    assert hours.hours[0] / 8 <= hours.hours[1] <= hours.hours[0] / 8 + 600 / 3600
    assert hours.unit_costs[0] == "layer 7: 600 s; layer 12: 300 s"

    assert costs_file(stages.parent) == stages
    on_gpu = stages.with_name("paper_world-cuda-float32.csv")
    shutil.copy(stages, on_gpu)
    about = {"processor": "An abacus", "GPU": "A loom", "threads": "2", "plan": asdict(Plan())}
    on_gpu.with_suffix(".json").write_text(json.dumps(about))
    assert costs_file(stages.parent) == on_gpu
    assert (unit_costs(on_gpu).where, unit_costs(on_gpu).plan.split(" (")[0]) == ("A loom", "the study's plan")

    table = pd.read_csv(stages, keep_default_na=False)
    table[table.stage != "examples"].to_csv(stages, index=False)
    with pytest.raises(ValueError, match="no layer was measured to its end"):
        unit_costs(stages)


def test_tasks_are_spread_over_languages_and_layers(importable):
    from benchmarks.scaling import spread
    from pitfalls.study.sweep import Task

    tasks = [
        Task(f"{language}-{attribute}-{layer}", {"configuration": {"language": language, "layer": layer}})
        for language, attributes in (("eng", ("Number",)), ("rus", ("Case", "Number")))
        for attribute in attributes
        for layer in (1, 2)
    ]
    names = [task.name for task in spread(tasks, 6)]
    assert names == ["eng-Number-1", "rus-Case-2", "eng-Number-2", "rus-Case-1", "rus-Number-2", "rus-Number-1"]
    with pytest.raises(ValueError, match="1 to 6"):
        spread(tasks, 7)


def test_the_start_of_workers_is_told_from_their_rate(importable):
    from benchmarks.sweeps import rates_of

    # Two workers, ready after 10 seconds, take 20 seconds per task.
    ends = {"a": 30.0, "b": 31.0, "c": 50.0, "d": 51.0}
    found = rates_of(52.0, ends, {"a": 20.0, "b": 20.0, "c": 20.0, "d": 20.0})
    assert found["tasks_per_minute"] == pytest.approx(60 * 4 / 52)
    assert (found["startup_seconds"], found["first_to_last_seconds"], found["task_seconds"]) == (10, 21, 20)
    assert found["steady_tasks_per_minute"] == pytest.approx(60 * 4 / 42)


def test_a_sweep_over_two_workers_finds_what_one_finds(importable, root, stages, written):
    from benchmarks.readme import with_tables
    from benchmarks.scaling import main

    output = stages.parent
    assert main(["--output", str(output), "--scale", "small", "--tasks", "2"]) == 0
    table = pd.read_csv(output / "scaling.csv")
    rates, hours = table[table.panel == "rate"], table[table.panel == "hours"]
    assert rates.workers.tolist() == [1, 2] and (rates.tasks == 2).all() and rates.same_tables.all()
    # The table has six digits.
    assert rates.ideal_tasks_per_minute.tolist() == pytest.approx(
        [rates.tasks_per_minute[0] * n for n in (1, 2)], rel=1e-5
    )
    assert rates.share_of_ideal.iloc[0] == 1 and hours.workers.tolist() == [1, 8]
    said = json.loads((output / "scaling.json").read_text())
    assert said["alt"].startswith("Two panels.") and {"processor", "torch", "load at the start"} <= said.keys()
    assert {"scaling.png", "scaling.svg"} <= {file.name for file in output.iterdir()}
    shutil.copytree(written, output, dirs_exist_ok=True)
    # Its stages are not enough for the README's table: they lack columns.
    stages.unlink()
    text = with_tables((root / "benchmarks" / "README.md").read_text(encoding="utf-8"), output)
    assert "layer 7: 600 s; layer 12: 300 s | An abacus, 2 threads |" in text
    assert with_tables(text, output) == text
