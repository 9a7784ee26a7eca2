"""The benchmark's code on small data: what it writes, and that both sides agree; never how long anything took."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
import torch

from pitfalls.model.masked_lm import MaskedLM

COLUMNS = {
    "work",
    "oracle",
    "threads",
    "seconds",
    "oracle_seconds",
    "oracle_is",
    "ratio",
    "agreed",
    "peak_mb",
    "bytes_gb",
    "gflop",
    "limit_seconds",
    "share_of_limit",
    "wanted",
}
INTERVENTIONS = {"slots", "slots_that_differ", "predictions_seconds", "total_mb", "matrix_share"}


@pytest.fixture(scope="module", autouse=True)
def importable(root):
    """The benchmarks are no part of the package: they are run from the checkout's root."""
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
    assert len(table) == 5  # four works, one of them against two loops
    assert not table.isna().any().any()
    assert (table[["seconds", "oracle_seconds", "ratio", "peak_mb", "limit_seconds"]] > 0).all().all()


def test_the_cost_has_four_panels_and_words(written):
    table = pd.read_csv(written / "cost.csv")
    assert set(table.over) == {"words", "neurons", "classes", "k"}
    assert set(table.method) == {"linear", "gaussian", "probeless"}
    assert "power" in json.loads((written / "cost.json").read_text())["alt"]


def test_the_readme_takes_its_tables_from_the_results(root, written):
    from benchmarks.readme import with_tables

    text = with_tables((root / "benchmarks" / "README.md").read_text(encoding="utf-8"), written)
    assert "k = 6, 12 neurons, 100 dev words" in text
    assert with_tables(text, written) == text
    with pytest.raises(ValueError, match="each of these lines once"):
        with_tables("no tables", written)


def test_interventions_predict_what_full_passes_predict(interventions):
    table = pd.read_csv(interventions / "interventions.csv")
    assert set(table.columns) >= COLUMNS - {"bytes_gb"} | INTERVENTIONS
    assert not table.isna().any().any()
    assert [work.split(",")[0] for work in table.work] == ["Translation at layer 2 of 3", "Translation at layer 3 of 3"]
    assert table.agreed.all() and (table.slots_that_differ == 0).all()
    # All slots at three k and some at the other two; and something happens at them.
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
    """The comparison above would see one wrong token, and a pass with another k."""
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
    monkeypatch.setattr("pitfalls.neurons.replay._BATCH_TOKENS", 1)
    fast = replay.fast()
    assert fast.matrices.multiply_adds == replay.need(sum(len(ids) for ids in fast.predicted[0]))


def test_matrix_work_is_counted_as_torch_counts_it(importable, root):
    from torch.utils.flop_counter import FlopCounterMode

    from benchmarks.replays import MatrixWork
    from pitfalls.study.worlds import mini_folder

    lm = MaskedLM.load(mini_folder() / "model")
    encoded = lm.encode([["the", "cats", "sleep"], ["dogs"]])

    def passed() -> None:
        lm.predict(lm.resume(encoded, 1, lm.hidden(encoded, 1)), encoded.word_ids >= 0)

    with MatrixWork() as ours:
        passed()
    with FlopCounterMode(display=False) as theirs:
        passed()
    batch, length = encoded.input_ids.shape
    # torch knows no count for attention on CPUs: two products of [length, length] a head, together as wide as a state.
    attention = lm.n_layers * 2 * batch * length**2 * lm.n_neurons
    assert 2 * ours.multiply_adds == theirs.get_total_flops() + 2 * attention
    assert ours.seconds > 0


def test_without_the_treebank_interventions_are_skipped_and_nothing_is_written(
    importable, tmp_path, monkeypatch, capsys
):
    from benchmarks import interventions

    monkeypatch.setattr(interventions, "TREEBANK", tmp_path / "none.conllu")
    output = tmp_path / "results"
    assert interventions.main(["--output", str(output)]) == 0
    assert not output.exists()
    said = capsys.readouterr().err
    assert "interventions are not measured" in said and "none.conllu" in said and "--treebank FILE" in said
    with pytest.raises(SystemExit) as exit_:
        interventions.main(["--output", str(output), "--treebank", str(tmp_path / "other.conllu")])
    assert exit_.value.code == 2 and "no treebank" in capsys.readouterr().err


def test_the_readme_takes_the_tables_of_interventions_where_there_are_results(root, written, interventions, tmp_path):
    from benchmarks.readme import with_tables

    before = (root / "benchmarks" / "README.md").read_text(encoding="utf-8")
    shutil.copytree(written, tmp_path / "both")
    shutil.copytree(interventions, tmp_path / "both", dirs_exist_ok=True)
    text = with_tables(before, tmp_path / "both")
    assert "Translation at layer 2 of 3, 5 k, 12 sentences" in text
    assert "Translation at layer 2 of 3" not in with_tables(before, written)
    assert with_tables(text, tmp_path / "both") == text


def test_the_committed_readme_is_that_of_the_committed_results(root):
    from benchmarks.readme import with_tables

    folder = root / "benchmarks"
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert with_tables(text, folder / "results") == text
