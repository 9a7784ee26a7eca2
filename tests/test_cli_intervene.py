"""``pitfalls intervene``: every kind, what it prints and writes, stopped and run again, and users' mistakes."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import unicodedata
from functools import cache, partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tqdm import tqdm
from transformers import AutoModel, AutoTokenizer

from pitfalls import rankings
from pitfalls.cli import main
from pitfalls.interventions.outcomes import OUTCOMES
from pitfalls.worlds.load import mini_folder

MODEL = mini_folder() / "bert"
SENTENCES = {"dev": 120, "test": 130}


@pytest.fixture(scope="module")
def treebank(tmp_path_factory):
    """The first sentences of the mini world's Spanish, as separate files."""
    folder = tmp_path_factory.mktemp("treebank")
    for split, n in SENTENCES.items():
        blocks = (mini_folder() / f"spa_mini-ud-{split}.conllu").read_text(encoding="utf-8").split("\n\n")[:n]
        (folder / f"spa_cut-ud-{split}.conllu").write_text("\n\n".join(blocks) + "\n\n", encoding="utf-8")
    return folder


@pytest.fixture(autouse=True, scope="module")
def own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PITFALLS_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def arguments(treebank, out, *more, model=MODEL, attribute="Number", layer=3):
    files = [str(treebank / f"spa_cut-ud-{split}.conllu") for split in SENTENCES]
    given = ["intervene", "--model", str(model), "--treebank", *files, "--language", "spa", "--attribute", attribute]
    small = ["--min-forms", "1", "--max-k", "8", "--step", "8", "--examples", "2"]
    return [*given, "--layer", str(layer), *small, "--output", str(out), *more]


@pytest.fixture(scope="module")
def done(treebank, tmp_path_factory):
    """A run with given options, once: its folder and what it said."""

    @cache
    def run(*options):
        folder = tmp_path_factory.mktemp("done")
        with contextlib.redirect_stdout(io.StringIO()) as said:
            assert main(arguments(treebank, folder, *options)) == 0
        return folder, said.getvalue()

    return run


@pytest.mark.parametrize(
    ("options", "kind", "strength"),
    [
        (["--kind", "translation", "--beta", "4"], "translation", 4.0),
        pytest.param(
            ["--kind", "constant", "--alpha", "2", "--target", "PL"],
            "constant translation",
            2.0,
            marks=pytest.mark.slow,
        ),
        pytest.param(["--kind", "interchange", "--seed", "2"], "interchange 2", np.nan, marks=pytest.mark.slow),
        pytest.param(["--kind", "ablation"], "ablation", np.nan, marks=pytest.mark.slow),
        pytest.param(["--kind", "resample-ablation"], "resample ablation 0", np.nan, marks=pytest.mark.slow),
        pytest.param(["--kind", "mean-ablation", "--random", "3"], "mean ablation", np.nan, marks=pytest.mark.slow),
    ],
    ids=lambda value: value[1] if isinstance(value, list) else "",
)
def test_every_kind_writes_figure_intervals_and_examples(done, options, kind, strength):
    folder, said = done(*options)
    name = f"{options[1]}_spa_number_layer3"
    written = {f"{name}{table}.csv" for table in ("", "_intervals", "_examples")}
    assert {path.name for path in (folder / "results").iterdir()} == written
    assert (folder / "figures" / f"{name}.png").stat().st_size > 10_000
    intervals = pd.read_csv(folder / "results" / f"{name}_intervals.csv")
    assert set(intervals["kind"]) == {kind}
    np.testing.assert_equal(intervals["strength"].unique(), [strength])
    assert (intervals["low"] <= intervals["mean"]).all() and (intervals["mean"] <= intervals["high"]).all()
    draws = int(options[-1]) if "--random" in options else 1
    of_random = intervals[intervals["ranking"] == "random"]
    first = int(options[-1]) if "--seed" in options else 0
    assert set(of_random["ranking_seed"]) == set(range(first, first + draws))
    assert len(intervals) == (6 + draws) * 2 * 2  # two measures at k = 0 and 8
    assert set(intervals["target"]) == (
        {"PL"} if "--target" in options else {"none"} if "ablation" in kind else {"next"}
    )
    for row in intervals.to_dict("records"):
        assert f"{row['mean']:.3f} [{row['low']:.3f}, {row['high']:.3f}]" in said
    assert "0 (no intervention)" in said and "error rate on test, with 95" in said and "CLWV on test, with 95" in said
    for path in (f"figures/{name}.png", f"results/{name}.csv", f"results/{name}_intervals.csv"):
        assert f"wrote {folder / path}" in said


@pytest.mark.parametrize(("kind", "units"), [("mlp", 512), pytest.param("heads", 128, marks=pytest.mark.slow)])
def test_the_units_may_be_neurons_or_heads(done, kind, units):
    folder, said = done("--site", kind)
    intervals = pd.read_csv(folder / "results" / f"translation_spa_number_{kind}3_intervals.csv")
    assert set(intervals["site"]) == {kind} and set(intervals["layer"]) == {3}
    assert f"units: {units}; {kind} 3" in said
    rates = intervals[intervals["measure"] == "error rate"].groupby("k")["mean"].max()
    assert rates[8] > 0


def test_the_text_shows_which_words_came_out_different(done):
    folder, said = done("--kind", "translation", "--beta", "4")
    shown = pd.read_csv(folder / "results" / "translation_spa_number_layer3_examples.csv", keep_default_na=False)
    assert len(shown) and set(shown["outcome"]) <= set(OUTCOMES)
    for (before, after), rows in shown.groupby(["before", "after"]):
        assert f"before: {before}" in said
        (marked,) = [line for line in said.splitlines() if line.replace("*", "") == f"after:  {after}"]
        assert re.findall(r"\*(.*?)\*", marked) == rows.sort_values("position")["predicted"].tolist()
        for row in rows.to_dict("records"):
            assert f"        {row['word']} -> {row['predicted']} ({row['outcome']})" in said


@pytest.mark.slow
def test_values_that_the_filter_leaves_out_are_named(treebank, tmp_path, capsys):
    """A test word with a value that no training word has."""
    for split in SENTENCES:
        text = (treebank / f"spa_cut-ud-{split}.conllu").read_text(encoding="utf-8")
        changed = text.replace("Number=Plur", "Number=Dual", 3) if split == "test" else text
        (tmp_path / f"spa_cut-ud-{split}.conllu").write_text(changed, encoding="utf-8")
    assert main(arguments(tmp_path, tmp_path / "out", "--examples", "0")) == 0
    said = capsys.readouterr().out
    assert "values of test words that are left out" in said and "fewer than 1 forms with them: DU" in said
    assert "values: PL SG" in said


def results(folder):
    return {path.name: path.read_bytes() for path in sorted((folder / "results").iterdir())}


@pytest.mark.slow
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "kill -9"])
def test_stopped_and_run_again_it_says_what_was_done_and_ends_the_same(treebank, done, tmp_path, capsys, stop):
    whole, _ = done()
    given = arguments(treebank, tmp_path / "stopped")
    script = "import sys; from pitfalls.cli import main; sys.exit(main(sys.argv[1:]))"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    process = subprocess.Popen(
        [sys.executable, "-c", script, *given], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    kept = tmp_path / "stopped" / "build" / "intervene" / "translation_spa_number_layer3"
    for _ in range(6000):
        if list(kept.glob("*.zip")) or process.poll() is not None:
            break
        time.sleep(0.02)
    process.send_signal(stop)
    _, errors = process.communicate()
    found = {path: path.stat().st_mtime_ns for path in kept.glob("*.zip")}
    assert found and not (tmp_path / "stopped" / "results").exists()
    if stop == signal.SIGINT:
        assert process.returncode == 130
        assert b"interrupted; run the same command to go on" in errors and b"Traceback" not in errors
    capsys.readouterr()
    assert main(given) == 0
    said = capsys.readouterr().out
    assert f"{len(found)} of 7 rankings were done before, in {kept}; going on" in said
    assert results(tmp_path / "stopped") == results(whole)
    assert {path: path.stat().st_mtime_ns for path in found} == found
    assert len(list(kept.iterdir())) == 7


@pytest.mark.slow
def test_a_full_disk_is_said_and_loses_nothing(treebank, done, tmp_path, capsys, monkeypatch):
    done("--kind", "ablation")  # so that the word vectors are in the cache and only results are synchronised
    sync, calls = os.fsync, []

    def full(handle):
        calls.append(handle)
        # Each file is synchronised, and then its folder.
        if len(calls) > 6:
            raise OSError(28, "No space left on device")
        sync(handle)

    with monkeypatch.context() as patch:
        patch.setattr("pitfalls.files.os.fsync", full)
        patch.setattr("pitfalls.study.sweep.tqdm", partial(tqdm, disable=True))
        assert main(arguments(treebank, tmp_path)) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("pitfalls intervene: ")]
    assert "after 3 of 7 tasks" in line and "No space left on device" in line and "run the same command again" in line
    assert not (tmp_path / "results").exists()
    assert main(arguments(treebank, tmp_path)) == 0
    assert "3 of 7 rankings were done before" in capsys.readouterr().out


@pytest.mark.slow
def test_a_ranking_that_fails_stops_no_other_and_is_told(treebank, tmp_path, capsys, monkeypatch):
    def rank(name, *given, **more):
        if name == "linear":
            raise ZeroDivisionError("on purpose")
        return whole(name, *given, **more)

    whole = rankings.rank
    with monkeypatch.context() as patch:
        patch.setattr(rankings, "rank", rank)
        assert main(arguments(treebank, tmp_path)) == 2
    assert "2 tasks failed (linear-ttb-0: ZeroDivisionError: on purpose; linear-btt-0: " in capsys.readouterr().err
    assert not (tmp_path / "results").exists()
    assert main(arguments(treebank, tmp_path)) == 0
    assert "5 of 7 rankings were done before" in capsys.readouterr().out


@pytest.fixture(scope="module")
def headless(tmp_path_factory):
    """The mini world's BERT without its language-model head."""
    folder = tmp_path_factory.mktemp("headless") / "headless"
    AutoModel.from_pretrained(MODEL).save_pretrained(folder)
    AutoTokenizer.from_pretrained(MODEL).save_pretrained(folder)
    return folder


def foreign(treebank, folder):
    """The treebank in a script that the mini world's tokenizer does not know."""
    letters = str.maketrans({letter: chr(0x10A0 + i) for i, letter in enumerate("abcdefghijklmnopqrstuvwxyzáéíóúñü")})
    for split in SENTENCES:
        lines = (treebank / f"spa_cut-ud-{split}.conllu").read_text(encoding="utf-8").splitlines()
        cells = [line.split("\t") for line in lines if not line.startswith("#")]
        text = "\n".join("\t".join([*c[:1], c[1].translate(letters), *c[2:]]) if len(c) > 1 else "" for c in cells)
        (folder / f"spa_cut-ud-{split}.conllu").write_text(text + "\n\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--beta", "nan"], "beta must be above 0 and finite, not nan"),
        (["--kind", "constant", "--alpha", "inf"], "alpha must be a finite number, not inf"),
        (["--target", "DU"], "the target 'DU' is not one of the values ['PL', 'SG']"),
        (["--kind", "ablation", "--target", "PL"], "an ablation has no target value: leave out --target"),
        (["--layer", "9"], "it has layers 0 (embeddings) to 4"),
        (["--attribute", "Case"], "1 value(s) have 1 distinct word forms in train, dev and test; two are needed"),
        (["--min-forms", "5000"], "0 value(s) have 5000 distinct word forms"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_is_one_line(treebank, tmp_path, capsys, options, message):
    assert main([*arguments(treebank, tmp_path), *options]) == 2
    said = capsys.readouterr().err
    (line,) = [line for line in said.splitlines() if line.startswith("pitfalls intervene: ")]
    assert message in line and "Traceback" not in said
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("case", ["model without a head", "unknown script"])
def test_what_cannot_work_is_said_before_anything_is_ranked(treebank, headless, tmp_path, capsys, case):
    if case == "unknown script":
        (tmp_path / "bank").mkdir()
        given, said = arguments(foreign(treebank, tmp_path / "bank"), tmp_path / "out"), "unknown tokens in all"
    else:
        given, said = arguments(treebank, tmp_path / "out", model=headless), "can be probed, not intervened on"
    assert main(given) == 2
    caught = capsys.readouterr()
    *warned, line = [line for line in caught.err.splitlines() if line.startswith("pitfalls intervene: ")]
    assert said in line and not (tmp_path / "out").exists()
    # Most words are unknown: that is said first, and of every run.
    share = re.search(
        r"unknown to the tokenizer, in part or whole: \d+ of the \d+ words of test \(([\d.]+)%\)", caught.out
    )
    if case == "unknown script":
        assert f"bert does not know {share[1]}% of the words of test, such as" in warned[0] and float(share[1]) > 50
    else:
        assert share[1] == "0.0" and not warned


def test_a_tokenizer_without_accents_is_told_with_what_the_judge_makes_of_it(treebank, tmp_path, capsys):
    folder = tmp_path / "model"
    shutil.copytree(MODEL, folder)
    state = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    state["normalizer"]["strip_accents"] = True
    (folder / "tokenizer.json").write_text(json.dumps(state), encoding="utf-8")
    settings = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    (folder / "tokenizer_config.json").write_text(json.dumps({**settings, "strip_accents": True}), encoding="utf-8")
    # It is said before anything is ranked, so a target that stops the run spares the rankings.
    assert main(arguments(treebank, tmp_path / "out", "--target", "DU", model=folder)) == 2
    said = re.search(
        r"the tokenizer spells ([\d.]+)% of these words differently, such as (\w+) as (\w+); treebank, then simplemma "
        r"knows ([\d.]+)% in the tokenizer's spelling",
        capsys.readouterr().out,
    )
    assert said[2] != said[3] and unicodedata.normalize("NFD", said[2]).startswith(said[3][0])
    assert 0 < float(said[1]) < 100 and float(said[4]) < 100


@pytest.mark.parametrize("options", [["--random", "0"], ["--kind", "erasure"], ["--beta", "much"], ["--step", "0"]])
def test_bad_options_are_refused_by_the_parser(treebank, tmp_path, capsys, options):
    with pytest.raises(SystemExit) as caught:
        main([*arguments(treebank, tmp_path), *options])
    assert caught.value.code == 2 and options[0] in capsys.readouterr().err


def test_the_judge_is_named_with_what_it_knows_and_the_damage_is_told(done):
    _, said = done("--kind", "ablation")
    # All splits are in the lexicon, the test words too.
    assert (
        "judged by treebank, then simplemma, which knows 100.0% of the test words with Number, 100.0% with their "
        "attributes" in said
    )
    damaged, others, share = re.search(r"k = 8: (\d+) of the (\d+) words .* \(([\d.]+)%\)", said).groups()
    assert float(share) == pytest.approx(100 * int(damaged) / int(others), abs=0.05)
    assert int(others) > 100


def test_spacy_can_be_asked_for_and_its_absence_is_said(treebank, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "spacy", None)
    assert main(arguments(treebank, tmp_path, "--spacy", "es_core_news_sm")) == 2
    assert "pip install 'pitfalls[spacy]'" in capsys.readouterr().err
