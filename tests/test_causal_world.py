"""Word vectors of causal models, and worlds of them: what is pooled, what is cached, and what a user types."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from architectures import CAUSAL, WIDTH, gpt2_bytes
from test_causal import T5, causal, saved
from tiny_worlds import conllu

import pitfalls as pf
from pitfalls.cli import main
from pitfalls.models.causal import CausalLM
from pitfalls.models.interface import Encoded, vector_slots
from pitfalls.models.masked import MaskedLM
from pitfalls.models.vectors import site_vectors, word_vectors
from pitfalls.site import Site
from pitfalls.study.experiments import Agreements
from pitfalls.worlds.load import load_world, mini_folder, world_from_files

SENTENCES = [["the", "cats"], ["a", "dog", "walks", "the", "cat", "home", "again"], [], ["x", "", "cat"]]
SITES = [Site("residual", 2), Site("mlp", 3), Site("heads", 1), Site("residual", 4)]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PITFALLS_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def gpt2() -> CausalLM:
    return causal("gpt2")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A causal model that a user has saved."""
    return saved(CAUSAL["llama"].make(), gpt2_bytes(), tmp_path_factory.mktemp("models") / "llama")


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"en_toy-ud-{split}.conllu" for split in ("train", "dev", "test")]
    for offset, path in enumerate(paths):
        path.write_text(conllu(20, offset), encoding="utf-8")
    return paths


# ------------------------------------------------------------------------------------------ word vectors


def slow_vectors(lm: CausalLM, site: Site, pooling: str) -> np.ndarray:
    """One sentence at a time, one word after the other."""
    rows = []
    for sentence in SENTENCES:
        encoded = lm.encode([sentence])
        states = lm.hidden(encoded, site)[0]
        for word in range(len(sentence)):
            own = [states[i] for i, of in enumerate(encoded.word_ids[0].tolist()) if of == word]
            rows.append(own[-1] if pooling == "last" else sum(own) / len(own))
    return torch.stack(rows).numpy()


@pytest.mark.parametrize("name", ["gpt2", "gemma 3"])
def test_a_word_s_vector_is_the_state_of_its_last_subword_unless_the_mean_is_asked_for(name: str) -> None:
    lm = causal(name)
    assert lm.pooling == "last" and lm.causal
    for model in (lm, lm.pooled("mean").pooled("last"), lm.pooled("mean")):
        found = site_vectors(model, SENTENCES, SITES, batch_tokens=16)
        for site, vectors in found.items():
            assert vectors.shape == (12, lm.n_units(site))
            np.testing.assert_allclose(vectors, slow_vectors(lm, site, model.pooling), rtol=1e-4, atol=1e-4)
    assert lm.pooling == "last"  # the others are copies
    with pytest.raises(ValueError, match=r'the "mean" over its subwords or that of its "last" one, not \'first\''):
        lm.pooled("first")  # type: ignore[arg-type]


def test_masked_models_keep_the_paper_s_mean() -> None:
    lm = MaskedLM.load(mini_folder() / "bert")
    assert lm.pooling == "mean" and not lm.causal
    assert lm.pooled("mean").fingerprint() == lm.fingerprint() != lm.pooled("last").fingerprint()
    batch = lm.encode([["cats", "sleeping"]])
    assert torch.equal(vector_slots(batch, "mean"), batch.word_ids >= 0)
    half = MaskedLM.load(mini_folder() / "bert", dtype=torch.bfloat16)
    states, of_word = half.hidden(batch, 2)[0].float(), batch.word_ids[0]
    expected = torch.stack([states[of_word == word].mean(0) for word in range(2)])  # in single precision
    np.testing.assert_allclose(word_vectors(half, [["cats", "sleeping"]], 2), expected, rtol=1e-5, atol=1e-6)


def test_the_last_subword_of_each_word() -> None:
    words = torch.tensor([[-1, 0, 0, 1, 2, 2, -1], [0, 1, 1, 1, -1, -1, -1], [0] * 7])
    last = vector_slots(Encoded(words, words, words), "last")
    assert [row.nonzero().flatten().tolist() for row in last] == [[2, 3, 5], [0, 3], [6]]


def test_vectors_of_both_kinds_lie_side_by_side_in_the_cache(gpt2: CausalLM, tmp_path: Path) -> None:
    mean = gpt2.pooled("mean")
    assert mean.fingerprint() != gpt2.fingerprint()
    for _ in range(2):
        for model in (gpt2, mean):
            found = word_vectors(model, SENTENCES, 2, cache=tmp_path)
            np.testing.assert_array_equal(found, word_vectors(model, SENTENCES, 2))
    assert len(list(tmp_path.glob("*.npy"))) == 2


# ------------------------------------------------------------------------------------------ worlds


def test_a_world_of_a_causal_model(folder: Path, files: list[Path]) -> None:
    world = world_from_files(folder, files, min_forms=4)
    assert isinstance(world.model, CausalLM)
    experiment = world.experiment("eng", "Number", layer=2)
    sentence = world.sentences("eng", "dev")[5].forms
    encoded = world.model.encode([sentence])
    end = encoded.word_ids[0].tolist().index(1) - 1  # the last subword of the first word
    (row,) = np.flatnonzero((experiment.data.dev.sentence_ids == 5) & (experiment.data.dev.positions == 0))
    np.testing.assert_allclose(experiment.data.dev.X[row], world.model.hidden(encoded, 2)[0, end], atol=1e-5)
    order = experiment.rank("probeless")
    assert set(experiment.probe(order, ks=[1, WIDTH])["k"]) == {1, WIDTH}
    mean = world_from_files(folder, files, min_forms=4, pooling="mean").activations("eng", "Number", layer=2)
    of_word = encoded.word_ids[0] == 0
    assert of_word.sum() > 1
    wanted = world.model.hidden(encoded, 2)[0, of_word].mean(0)
    np.testing.assert_allclose(mean.dev.X[row], wanted, atol=1e-5)


def test_the_changed_word_itself_is_not_asked_of_a_causal_model(folder: Path, files: list[Path]) -> None:
    experiment = world_from_files(folder, files, min_forms=4).experiment("eng", "Number", layer=2)
    run = experiment.intervene(experiment.rank("probeless"), pf.Ablation(), ks=[2], sentences=3)
    for ask in (lambda: run.outcomes, run.counts, run.rates):
        with pytest.raises(ValueError, match=r"llama reads from left to right: .* run\.agreement\(items\)"):
            ask()


def test_a_paper_world_takes_a_causal_model_and_a_pooling(folder: Path, files: list[Path]) -> None:
    world = load_world("paper", model=folder, treebanks=files[0].parent, languages=["eng"], pooling="mean")
    assert isinstance(world.model, CausalLM) and world.model.pooling == "mean"
    assert load_world("paper", model=folder, languages=["eng"]).model.pooling == "last"
    with pytest.raises(ValueError, match="the mini world is fixed"):
        load_world("mini", pooling="last")
    with pytest.raises(ValueError, match="not 'max'"):
        load_world("paper", model=folder, pooling="max")


def test_interventions_on_last_subwords_change_these_alone(files: list[Path]) -> None:
    """In a masked model, whose own words can be read; against states changed by hand."""
    world = world_from_files(mini_folder() / "bert", files, min_forms=4, pooling="last")
    assert isinstance(world.model, MaskedLM)
    experiment = world.experiment("eng", "Number", layer=2)
    run = experiment.intervene(experiment.rank("probeless"), pf.Ablation(), ks=[experiment.data.n_neurons], sentences=3)
    lm, table = world.model, run.outcomes
    for sentence in table["sentence"].unique():
        words = world.sentences("eng", "test")[sentence].forms
        encoded = lm.encode([words])
        states = lm.hidden(encoded, 2)
        ids = encoded.word_ids[0].tolist()
        for position in table[table["sentence"] == sentence]["position"]:
            states[0, len(ids) - 1 - ids[::-1].index(position)] = 0
        best = lm.predict(lm.resume(encoded, 2, states), encoded.word_ids >= 0)
        of_word = encoded.word_ids[encoded.word_ids >= 0]
        for row in table[table["sentence"] == sentence].itertuples():
            pieces, own = best[of_word == row.position], encoded.input_ids[0, encoded.word_ids[0] == row.position]
            form = lm.join(pieces, own, row.word) or " ".join(lm.pieces(pieces))
            assert row.predicted == form or (row.outcome == "unchanged" and row.predicted == row.word)
    assert any(len(lm.pieces(lm.encode([[word]]).input_ids[0])) > 3 for word in table["word"])


# ------------------------------------------------------------------------------------------ the command line


def command(name: str, model: Path, files: list[Path], out: Path) -> list[str]:
    given = [name, "--model", str(model), "--treebank", *map(str, files), "--attribute", "Number", "--layer", "2"]
    return [*given, "--min-forms", "4", "--max-k", "3", "--output", str(out)]


def test_probe_takes_a_causal_model(folder: Path, files: list[Path], tmp_path: Path, capsys: Any) -> None:
    assert main(command("probe", folder, files, tmp_path)) == 0
    assert "0 of the 40 words of test (0.0%)" in capsys.readouterr().out
    table = pd.read_csv(tmp_path / "results" / "probe_eng_number_layer2.csv")
    assert len(table) == 2 * 7 * 3 and table["accuracy"].between(0, 1).all()


def agreeing(n: int, offset: int) -> str:
    """Sentences in which a verb agrees with the noun before it, and one in which the noun follows."""
    forms = [
        ("cat", "walks"),
        ("cats", "walk"),
        ("dog", "sleeps"),
        ("dogs", "sleep"),
        ("owl", "walks"),
        ("owls", "walk"),
    ]
    blocks = []
    for i in range(n):
        noun, verb = forms[(i + offset) % 6]
        number = "Plur" if noun.endswith("s") else "Sing"
        blocks.append(
            f"# sent_id = {offset}-{i}\n1\tthe\tthe\tDET\t_\t_\t2\tdet\t_\t_\n"
            f"2\t{noun}\t{noun.rstrip('s')}\tNOUN\t_\tNumber={number}\t3\tnsubj\t_\t_\n"
            f"3\t{verb}\t{verb.rstrip('s')}\tVERB\t_\t"
            f"Mood=Ind|Number={number}|Person=3|Tense=Pres|VerbForm=Fin\t0\troot\t_\t_\n\n"
        )
    blocks.append(
        "1\twalks\twalk\tVERB\t_\tMood=Ind|Number=Sing|Person=3|Tense=Pres|VerbForm=Fin\t0\troot\t_\t_\n"
        "2\tcat\tcat\tNOUN\t_\tNumber=Sing\t1\tnsubj\t_\t_\n\n"
    )
    return "".join(blocks)


def test_intervene_reports_agreement_for_a_causal_model(
    folder: Path, files: list[Path], tmp_path: Path, capsys: Any, monkeypatch: Any
) -> None:
    for offset, path in enumerate(files):
        path.write_text(agreeing(24, offset), encoding="utf-8")
    given = [*command("intervene", folder, files, tmp_path), "--min-forms", "3", "--kind", "constant"]
    tokenised, fillings = [], CausalLM.fillings
    monkeypatch.setattr(CausalLM, "fillings", lambda lm, blanks: tokenised.append(len(blanks)) or fillings(lm, blanks))
    assert main([*given, "--step", "3", "--random", "2"]) == 0
    assert tokenised == [48]  # once for all rankings: 24 items of two forms
    said = capsys.readouterr().out
    assert "outcome: agreement, because llama reads from left to right" in said
    assert "24 words of test must agree with one before them, 0 with attractors between" in said
    table = pd.read_csv(tmp_path / "results" / "constant_eng_number_layer2_agreement.csv")
    assert set(table["k"]) == {0, 3} and set(table["measure"]) == {"accuracy", "margin", "shift", "flip rate"}
    assert len(table) == 8 * 2 * 4 * 2  # rankings, ks, measures, all and those without attractors
    at_0 = table[table["k"] == 0]
    assert np.allclose(at_0["mean"], at_0["baseline"]) and (table["items"] == 24).all()


def test_intervene_goes_on_where_it_stopped(
    folder: Path, files: list[Path], tmp_path: Path, capsys: Any, monkeypatch: Any
) -> None:
    for offset, path in enumerate(files):
        path.write_text(agreeing(24, offset), encoding="utf-8")
    given = [*command("intervene", folder, files, tmp_path), "--min-forms", "3", "--kind", "constant", "--step", "3"]
    work = Agreements.work

    def stops(plan: Agreements, parameters: Mapping[str, Any]) -> Any:
        if parameters["ranking"] == "gaussian":
            raise KeyboardInterrupt
        return work(plan, parameters)

    monkeypatch.setattr(Agreements, "work", stops)
    assert main(given) == 130
    monkeypatch.setattr(Agreements, "work", work)
    capsys.readouterr()
    assert main(given) == 0
    assert "1 of 7 rankings were done before" in capsys.readouterr().out
    told = pd.read_csv(tmp_path / "results" / "constant_eng_number_layer2_agreement.csv")
    assert main([*given, "--output", str(tmp_path / "at once")]) == 0
    at_once = pd.read_csv(tmp_path / "at once" / "results" / "constant_eng_number_layer2_agreement.csv")
    pd.testing.assert_frame_equal(told, at_once)


def test_intervene_says_early_what_it_cannot_report(
    folder: Path, files: list[Path], tmp_path: Path, capsys: Any
) -> None:
    assert main(command("intervene", folder, files, tmp_path)) == 2
    assert "none of its 0 places that agree in Number" in capsys.readouterr().err.splitlines()[-1]
    assert not list(tmp_path.glob("results/*")) and not list(tmp_path.glob("build/*"))


def test_probe_takes_the_encoder_of_a_t5(files: list[Path], tmp_path: Path, capsys: Any) -> None:
    import transformers as hf
    from architectures import sentencepiece

    torch.manual_seed(0)
    model = saved(hf.T5ForConditionalGeneration(hf.T5Config(**T5)), sentencepiece(), tmp_path / "t5")
    assert main(command("probe", model, files, tmp_path)) == 0
    assert (tmp_path / "results" / "probe_eng_number_layer2.csv").exists()
