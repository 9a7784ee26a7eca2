"""``pitfalls sweep`` and ``pitfalls configs``: what they say and write."""

from __future__ import annotations

import re

import pandas as pd
import pytest

from pitfalls.cli import main
from pitfalls.study.output import stored_study
from pitfalls.study.stored import Result, read_result, write_result

SWEEP = ["sweep", "--world", "planted", "--layers", "0", "1", "--sentences", "4", "--jobs", "1"]


@pytest.mark.slow
def test_a_dry_run_does_nothing_and_says_what_is_known_of_the_cost(tmp_path, capsys, monkeypatch):
    out = ["--output", str(tmp_path)]
    assert main([*SWEEP, *out, "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "2 of 2 configurations are left to do; how long one takes is not known: do one with --limit 1" in said
    assert "word vectors" not in said  # the planted world keeps none
    assert not list(tmp_path.rglob("*.zip"))
    assert main([*SWEEP, *out, "--limit", "1"]) == 0
    assert "1 are left for later (--limit): nothing is published" in capsys.readouterr().out
    assert len(list((tmp_path / "build").rglob("*.zip"))) == 1 and not (tmp_path / "results").exists()
    assert main([*SWEEP, *out, "--dry-run"]) == 0
    hours = re.search(r"1 of 2 configurations are left to do: ([\d.]+) hours on 1 worker", capsys.readouterr().out)
    assert float(hours[1]) < 1
    assert main([*SWEEP, *out]) == 0
    assert "2 configurations, 1 of them done before" in capsys.readouterr().out
    monkeypatch.setenv("PITFALLS_OUTPUT", str(tmp_path))
    assert sorted(set(stored_study("planted")["areas"]["layer"])) == [0, 1]


@pytest.mark.slow
def test_a_spot_check_compares_some_configurations_with_the_stored_study(tmp_path, capsys, monkeypatch):
    whole, again = (["--output", str(tmp_path / name)] for name in ("whole", "again"))
    assert main([*SWEEP, *whole]) == 0
    monkeypatch.setenv("PITFALLS_OUTPUT", str(tmp_path / "whole"))
    assert main([*SWEEP, *again, "--spot-checks", "1"]) == 0
    assert "study-planted: recomputed as stored" in capsys.readouterr().out
    # One was computed, and the whole study is published.
    assert len(list((tmp_path / "again" / "build").rglob("*.zip"))) == 1
    files = [tmp_path / name / "results" / "study-planted.zip" for name in ("whole", "again")]
    assert files[0].read_bytes() == files[1].read_bytes()
    stored = read_result(files[0])
    curves = stored.tables["curves"]
    changed = curves.assign(accuracy=curves["accuracy"] + 1e-3)
    write_result(files[0], Result(stored.manifest, {**stored.tables, "curves": changed}))
    assert main([*SWEEP, *again, "--spot-checks", "1"]) == 2
    assert re.search(r"not what this code computes; differing .*'curves': \{'accuracy': \d+\}", capsys.readouterr().err)
    assert files[1].is_file()


@pytest.mark.slow
def test_configurations_are_listed_with_their_sizes(tmp_path, capsys):
    assert main(["configs", "--world", "mini", "--languages", "spa", "--output", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "28 configurations: 7 pairs on 4 layers" in said
    table = pd.read_csv(tmp_path / "results" / "configs-mini.csv")
    assert len(table) == 28 and set(table["language"]) == {"spa"}
    assert (table.filter(like="words") > 0).all(axis=None)


def test_the_papers_configurations_by_another_conversion(tmp_path, capsys):
    rows = "".join(
        f"1\tv{'x' * i}\tv\tVERB\t_\tMood={mood}|VerbForm=Fin\t0\troot\t_\t_\n\n"
        for mood in ("Ind", "Imp")
        for i in range(100)
    )
    for split in ("train", "dev", "test"):
        (tmp_path / f"en_ewt-ud-{split}.conllu").write_text(rows, encoding="utf-8")
    command = ["configs", "--world", "paper", "--treebanks", str(tmp_path)]
    assert main(command) == main([*command, "--conversion", "authors"]) == 0
    said = capsys.readouterr().out
    assert said.count("3 configurations: 1 pairs") == said.count("eng Mood: in the paper perhaps, here yes") == 2
    assert said.count("conversion: authors") == 2
    # The converter's English has no indicative.
    assert main([*command, "--conversion", "converter"]) == 0
    said = capsys.readouterr().out
    assert "0 configurations: 0 pairs" in said and "conversion: converter" in said
    with pytest.raises(SystemExit):
        main([*command, "--conversion", "mine"])
    assert "'authors', 'converter', 'ours'" in capsys.readouterr().err.replace("authors, converter, ours", "")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["sweep", "--world", "mini", "--conversion", "authors"], "the mini world is fixed"),
        (["sweep", "--world", "mini", "--model", "gpt2"], "fixed, except for its model (bert, bert-2, bert-3, xlmr,"),
        (["sweep", "--world", "mini", "--model", "causal"], "take a masked model, or change a causal one with"),
        (["configs", "--world", "mini", "--languages", "fin"], "no language fin; there are: eng, rus, spa, tur"),
        (["configs", "--world", "mini", "--layers", "9"], "has layers 0 (embeddings) to 4"),
        (["sweep", "--world", "mini", "--dtype", "float16"], "the mini world computes in float64, not float16"),
        (["sweep", "--world", "planted", "--dask", "tcp://127.0.0.1:1"], "127.0.0.1:1"),
    ],
)
def test_bad_input_is_said_in_one_line(command, message, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("pitfalls.cli.sweep.DaskCluster", _hasty)
    assert main([*command, "--output", str(tmp_path)]) == 2
    assert message in capsys.readouterr().err


def _hasty(address, resources):
    """A cluster that the sweep waits for only one second."""
    from pitfalls.study.executors import DaskCluster

    return DaskCluster(address, resources, timeout=1)
