"""The command line, as a user types it: on real treebanks, and with users' mistakes."""

from __future__ import annotations

import pandas as pd
import pytest

from pitfalls.cli import main
from pitfalls.interventions.outcomes import OUTCOMES
from pitfalls.worlds.load import mini_folder

MODEL = str(mini_folder() / "bert")
BANKS = {"eng": "en_ewt", "tur": "tr_imst"}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PITFALLS_CACHE", str(tmp_path / "cache"))


def files(shared, language):
    return [str(shared / "data" / "ud" / f"{BANKS[language]}-ud-{split}.conllu") for split in ("dev", "test")]


def arguments(command, treebank, out, attribute="Number", layer=3):
    given = [command, "--model", MODEL, "--treebank", *treebank, "--attribute", attribute, "--layer", str(layer)]
    return [*given, "--min-forms", "20", "--output", str(out)]


@pytest.mark.parametrize(
    ("language", "attribute"), [pytest.param("eng", "Number", marks=pytest.mark.slow), ("tur", "Case")]
)
def test_probe_writes_figure_and_table(shared, tmp_path, capsys, language, attribute):
    given = arguments("probe", files(shared, language), tmp_path, attribute)
    assert main([*given, "--max-k", "6"]) == 0
    name = f"probe_{language}_{attribute.lower()}_layer3"
    assert (tmp_path / "figures" / f"{name}.png").stat().st_size > 10_000
    assert (tmp_path / "figures" / f"{name}.svg").exists()
    table = pd.read_csv(tmp_path / "results" / f"{name}.csv")
    assert set(table["k"]) == set(range(1, 7))
    assert len(table) == 2 * 7 * 6
    assert table["accuracy"].between(0, 1).all()
    said = capsys.readouterr().out
    assert "words with" in said and f"wrote {tmp_path / 'results' / name}.csv" in said


@pytest.mark.slow
def test_intervene_accounts_for_every_word_of_a_real_treebank(shared, tmp_path, capsys):
    given = arguments("intervene", files(shared, "tur"), tmp_path, "Case")
    assert main([*given, "--max-k", "4", "--step", "4", "--examples", "2"]) == 0
    name = "translation_tur_case_layer3"
    said = capsys.readouterr().out
    assert "CLWV on test, with 95 % intervals over sentences, at k =" in said
    words = int(said.split("test: ")[1].split(" words")[0])
    table = pd.read_csv(tmp_path / "results" / f"{name}.csv")
    assert (table["words"] == words).all()
    examples = pd.read_csv(tmp_path / "results" / f"{name}_examples.csv")
    assert len(examples) and set(examples["outcome"]) <= set(OUTCOMES)
    for row in examples.to_dict("records"):
        assert f"{row['word']} -> {row['predicted']} ({row['outcome']})" in said


def test_errors_are_sentences_not_tracebacks(shared, tmp_path, capsys, monkeypatch):
    bank = files(shared, "eng")
    # Before the weights are read, which may take minutes.
    monkeypatch.setattr("pitfalls.models.checkpoint.load", None)
    for given, message in (
        (arguments("probe", [*bank[:1], "nowhere-test.conllu"], tmp_path), "nowhere-test.conllu"),
        (arguments("probe", bank[:1], tmp_path), "no test file"),
        (arguments("probe", bank, tmp_path, layer=9), "it has layers 0 (embeddings) to 4"),
        ([*arguments("probe", bank, tmp_path), "--site", "mpl"], "a site's kind is one of residual, mlp, heads"),
    ):
        assert main(given) == 2
        said = capsys.readouterr().err
        last = said.splitlines()[-1]  # after the progress bars
        assert message in last and last.startswith("pitfalls ") and "Traceback" not in said
    assert not list(tmp_path.glob("figures/*"))


def test_a_language_without_rules_is_said_in_one_line(tmp_path, capsys):
    row = "1\tkatter\tkatt\tNOUN\t_\tNumber=Plur\t0\troot\t_\t_\n\n"
    bank = [tmp_path / f"sv_toy-{split}.conllu" for split in ("dev", "test")]
    for path in bank:
        path.write_text(row * 5, encoding="utf-8")
    given = [*arguments("probe", map(str, bank), tmp_path), "--language", "swe", "--conversion", "converter"]
    assert main(given) == 2  # one value only
    said = capsys.readouterr().err
    assert said.count("pitfalls probe: there are no UniMorph rules for language 'swe'") == 1
    assert "Number of swe: 0 value(s)" in said.splitlines()[-1]


def test_unknown_attribute_lists_the_known_ones(capsys):
    with pytest.raises(SystemExit):
        main(arguments("probe", ["x"], ".", attribute="Numbr"))
    assert "Part of Speech" in capsys.readouterr().err
