"""Worlds: one interface over the embedded default, the paper's treebanks, and anybody's files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_worlds import conllu

from pitfalls.arrays.ranking import Ranking
from pitfalls.interventions.translation import Translation
from pitfalls.language.analysers import SimplemmaAnalyser
from pitfalls.language.lexicon import LemmaOnly
from pitfalls.language.unimorph import AUTHORS, CONVERTER, OURS, Conversion
from pitfalls.language.unimorph_rules import Rule
from pitfalls.models.vectors import word_vectors
from pitfalls.study.configurations import paper_comparison, paper_texts
from pitfalls.worlds import load
from pitfalls.worlds.experiment import Experiment
from pitfalls.worlds.load import divide, load_world, mini_folder, world_from_files


@pytest.fixture
def files(tmp_path):
    paths = {}
    for offset, split in enumerate(("train", "dev", "test")):
        paths[split] = tmp_path / f"en_toy-ud-{split}.conllu"
        paths[split].write_text(conllu(20, offset), encoding="utf-8")
    return paths


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PITFALLS_CACHE", str(tmp_path / "cache"))


MODEL = mini_folder() / "bert"


def test_a_world_from_files_has_the_models_hidden_states(files):
    world = world_from_files(MODEL, list(files.values()), min_forms=4)
    assert world.languages == ("eng",)
    assert world.values("eng", "Number") == ("PL", "SG")
    data = world.activations("eng", "Number", layer=2)
    assert data.train.X.shape == (40, world.model.n_neurons)
    assert [data.train.values[y] for y in data.train.y[:4]] == ["SG", "PL", "SG", "PL"]
    encoded = world.model.encode([world.sentences("eng", "dev")[5].forms])
    wanted = world.model.hidden(encoded, 2)[0][encoded.word_ids[0] == 1].mean(0).numpy()
    (row,) = np.flatnonzero((data.dev.sentence_ids == 5) & (data.dev.positions == 1))
    assert np.allclose(data.dev.X[row], wanted, atol=1e-5)


def test_without_training_file_dev_is_divided(files):
    world = world_from_files(MODEL, [files["dev"], files["test"]], min_forms=1)
    train, dev = world.corpus("eng", "train"), world.corpus("eng", "dev")
    assert (len(train), len(dev)) == (16, 4)
    assert not {s.id for s in train.sentences} & {s.id for s in dev.sentences}
    whole = load.read_conllu(files["dev"], "eng")
    assert {s.id for s in (*train.sentences, *dev.sentences)} == {s.id for s in whole.sentences}
    assert divide(whole)[0].name == "en_toy-ud-dev (4 of 5)"


def test_a_sentence_over_the_models_length_is_dropped_and_counted(files):
    long = "".join(f"{i}\tcats\tcat\tNOUN\t_\tNumber=Plur\t{i - 1}\tdep\t_\t_\n" for i in range(1, 90))
    files["dev"].write_text(files["dev"].read_text() + "# sent_id = long\n# text = cats\n" + long + "\n")
    world = world_from_files(MODEL, list(files.values()), min_forms=1)
    assert len(world.sentences("eng", "dev")) == 20
    assert [sentence.id for sentence in world.dropped("eng", "dev").sentences] == ["long"]
    assert len(world.dropped("eng", "train")) == 0


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["train", "dev"], "no test file"),
        (["train"], "no dev and no test file"),
        (["dev", "dev", "test"], "two files for dev"),
    ],
)
def test_files_that_do_not_make_a_treebank(files, names, message):
    with pytest.raises(ValueError, match=message):
        world_from_files(MODEL, [files[name] for name in names])


def test_names_that_say_no_split_or_language(files, tmp_path):
    odd = tmp_path / "en_toy.conllu"
    odd.write_text(conllu(2))
    with pytest.raises(ValueError, match="must contain one of train, dev and test"):
        world_from_files(MODEL, [odd])
    unknown = {split: tmp_path / f"xx_toy-ud-{split}.conllu" for split in files}
    for split, path in unknown.items():
        path.write_text(files[split].read_text())
    with pytest.raises(ValueError, match=r"cannot tell its language from 'xx_toy'; give it with --language"):
        world_from_files(MODEL, list(unknown.values()))
    assert world_from_files(MODEL, list(unknown.values()), "eng").languages == ("eng",)


def test_questions_that_have_no_answer(files):
    world = world_from_files(MODEL, list(files.values()), min_forms=5)
    for asks, said in (
        (lambda: world.activations("eng", "Number", layer=1), r"Number of eng: 0 value\(s\) have 5 distinct"),
        (lambda: world.activations("eng", "Number", layer=5), r"layer 5 in .* has layers 0 \(embeddings\) to 4"),
        (lambda: world.activations("eng", "number", layer=1), "no attribute 'number'; there are: Number, Part of"),
        (lambda: world.corpus("fra", "dev"), "world has eng, not 'fra'"),
        (lambda: world.corpus("eng", "valid"), "not 'valid'"),
    ):
        with pytest.raises(ValueError, match=said):
            asks()


def test_a_treebanks_words_are_judged_by_its_lexicon_and_then_simplemma(files):
    world = world_from_files(MODEL, list(files.values()), min_forms=2)
    judge = world.analyser("eng")
    assert judge.name == "treebank, then simplemma"
    assert judge.analyse("cats") == frozenset(world.lexicon("eng").lookup("cats"))
    assert judge.analyse("mice") == {LemmaOnly("mouse")}
    assert not judge.analyse("mices")


def test_a_world_judged_by_others_is_another_world_with_the_same_rest(files):
    class Deaf:
        language, name = "eng", "deaf"

        def analyse(self, form):
            return frozenset()

    world = world_from_files(MODEL, list(files.values()), min_forms=2)
    other = world.judged_by(Deaf())
    assert (other.analyser("eng").name, world.analyser("eng").name) == ("deaf", "treebank, then simplemma")
    assert other.corpus("eng", "test") is world.corpus("eng", "test")
    data = world.activations("eng", "Number", 2)
    order = Ranking(np.arange(world.model.n_neurons), None, "given")
    found, heard = (moved(w, data, order) for w in (other, world))
    # A word that came out as another form is known to the one and unknown to the other.
    assert set(found["outcome"]) <= {"unchanged", "split", "unknown"}
    assert set(heard["outcome"]) & {"intended", "same", "lost", "wrong_intended", "wrong_other"}
    with pytest.raises(ValueError, match="not 'spa'"):
        world.judged_by(SimplemmaAnalyser("spa"))
    with pytest.raises(ValueError, match="2 analysers of eng: join them with FirstOf"):
        world.judged_by(Deaf(), SimplemmaAnalyser("eng"))


def moved(world, data, order):
    return Experiment(world, data).intervene(order, Translation(beta=8.0), [world.model.n_neurons]).outcomes


TENSES = {"aba": "Imp", "ó": "Past", "a": "Pres"}


def spanish(folder, n):
    """A treebank of n forms of each of three tenses."""
    paths = [folder / f"es_gsd-ud-{split}.conllu" for split in ("train", "dev", "test")]
    rows = [
        f"1\tv{'x' * i}{ending}\tv\tVERB\t_\tMood=Ind|Tense={tense}|VerbForm=Fin\t0\troot\t_\t_\n\n"
        for ending, tense in TENSES.items()
        for i in range(n)
    ]
    for path in paths:
        path.write_text("".join(rows), encoding="utf-8")
    return paths


def forms(world, attribute):
    counted = [word.attributes.get(attribute) for s in world.sentences("spa", "test") for word in s.words]
    return {value: counted.count(value) for value in set(counted)}


def test_the_conversion_is_chosen_by_name_or_given_itself(tmp_path):
    paths = spanish(tmp_path, 3)
    tenses = {"authors": {"PST": 3, "PRS": 3, None: 3}, "converter": {"PST": 6, "PRS": 3}, "ours": {"PST": 6, "PRS": 3}}
    for name, expected in tenses.items():
        assert forms(world_from_files(MODEL, paths, conversion=name, min_forms=2), "Tense") == expected
    assert forms(world_from_files(MODEL, paths, min_forms=2), "Aspect") == {"PFV": 3, "IPFV": 3, None: 3}  # ours
    mine = Conversion("mine", {"spa": (Rule("all is future", drop="PST PRS", add="FUT"),)})
    assert forms(world_from_files(MODEL, paths, conversion=mine, min_forms=2), "Tense") == {"FUT": 9}
    with pytest.raises(ValueError, match=r"no conversion 'AUTHORS'; there are: authors, converter, ours"):
        world_from_files(MODEL, paths, conversion="AUTHORS")


def test_the_paper_world_is_the_authors_run_unless_told_otherwise(tmp_path, monkeypatch):
    spanish(tmp_path, 3)
    given = {"model": MODEL, "treebanks": tmp_path, "languages": ["spa"]}
    assert forms(load_world("paper", **given), "Tense") == {"PST": 3, "PRS": 3, None: 3}
    assert forms(load_world("paper", **given, conversion="converter"), "Tense") == {"PST": 6, "PRS": 3}
    assert forms(load_world("paper", **given, conversion=OURS), "Tense") == {"PST": 6, "PRS": 3}
    with pytest.raises(ValueError, match="the mini world is fixed"):
        load_world("mini", conversion="ours")
    monkeypatch.setenv("PITFALLS_WORLD", "paper")
    monkeypatch.setenv("PITFALLS_CONVERSION", "converter")
    assert forms(load_world(**given), "Tense") == {"PST": 6, "PRS": 3}


def test_the_papers_pairs_are_explained_by_the_authors_run(tmp_path):
    spanish(tmp_path, 100)
    by_default = paper_comparison(paper_texts(tmp_path)).set_index("attribute")
    assert by_default.loc["Tense", ["paper", "here"]].tolist() == ["yes", "yes"]
    assert by_default.loc["Tense", "why"] == "PRS 100 in train, PST 100 in train"
    # The aspect of the preterite comes from the rules that the authors' run lacked.
    assert "Aspect" not in by_default.index
    ruled = paper_comparison(paper_texts(tmp_path, conversion="converter")).set_index("attribute")
    assert ruled.loc["Tense", "why"] == "PST 200 in train, PRS 100 in train"
    assert ruled.loc["Aspect", ["paper", "here"]].tolist() == ["perhaps", "yes"]
    assert paper_texts(tmp_path).conversion is AUTHORS and paper_texts(conversion=CONVERTER).conversion is CONVERTER


def test_another_language_has_the_common_table_and_one_warning(files):
    with pytest.warns(UserWarning, match=r"no UniMorph rules for language 'nld'.*common table") as said:
        world = world_from_files(MODEL, list(files.values()), "nld", min_forms=4)
    assert len([one for one in said if "UniMorph" in str(one.message)]) == 1 and said[0].filename == __file__
    assert world.values("nld", "Number") == ("PL", "SG")
    assert world.analyser("nld").name == "treebank"
    with pytest.raises(ValueError, match=r"'nl' is not an ISO 639-3 language code: give its three letters"):
        world_from_files(MODEL, list(files.values()), "nl")


def test_load_world_by_name_and_by_switch(monkeypatch, tmp_path):
    assert load_world("mini").name == "mini"
    assert load_world().name == "mini"
    monkeypatch.setenv("PITFALLS_WORLD", "paper")
    monkeypatch.setenv("PITFALLS_MODEL", str(MODEL))
    monkeypatch.setenv("PITFALLS_TREEBANKS", str(tmp_path))
    world = load_world()
    assert (world.name, world.min_forms, len(world.languages)) == ("paper", 100, 9)
    with pytest.raises(ValueError, match=r"no world 'mars'; there are: mini, paper"):
        load_world("mars")
    with pytest.raises(ValueError, match="no treebank of deu"):
        load_world("paper", model=MODEL, languages=["deu"])


def test_the_mini_world_has_other_models(mini, mini_causal, monkeypatch):
    masked = load_world("mini", model="bert")
    assert masked.model.fingerprint() == mini.model.fingerprint() != mini_causal.model.fingerprint()
    assert (mini.model.kind.name, mini_causal.model.kind.name) == ("a masked LM", "a causal LM")
    assert mini_causal.name == masked.name == "mini"
    assert mini_causal.languages == mini.languages and mini_causal.min_forms == mini.min_forms
    assert mini_causal.model.pooling == "last"
    assert mini_causal.model.hidden(mini_causal.model.encode([["cats"]]), 1).dtype == torch.float64
    monkeypatch.setenv("PITFALLS_WORLD", "mini")
    for name, causal in (("causal", True), ("bert", False), ("", False), ("causal-untrained", True)):
        monkeypatch.setenv("PITFALLS_MODEL", name)
        assert load_world().model.causal is causal
    for other in ("gpt2", MODEL):
        monkeypatch.setenv("PITFALLS_MODEL", str(other))
        for arguments in ({}, {"name": "mini", "model": other}):
            with pytest.raises(ValueError, match=r"is fixed, except for its model \(bert, .*; for another"):
                load_world(**arguments)
    for name in ("planted", "planted-covariance"):
        with pytest.raises(ValueError, match=rf"the {name} world is fixed; for another model"):
            load_world(name, model="causal")


@pytest.mark.parametrize("name", ["mini", "mini_causal"])
def test_an_untrained_twin_is_the_same_model_with_other_weights(name, request):
    world = request.getfixturevalue(name)
    drawn_before = torch.get_rng_state()
    twin, other = world.untrained(), world.untrained(seed=1)
    assert torch.equal(torch.get_rng_state(), drawn_before)
    prints = [one.model.fingerprint() for one in (world, twin, other)]
    assert len(set(prints)) == 3 and prints[1] == world.untrained(seed=0).model.fingerprint()
    named = load_world("mini", model=f"{world.model.name}-untrained")
    assert named.model.fingerprint() == prints[1] and named.model.name == f"{world.model.name}, untrained 0"
    assert twin.model.pooling == world.model.pooling and twin.model.tokenizer is world.model.tokenizer
    assert twin.model.model.config.to_diff_dict() == world.model.model.config.to_diff_dict()
    own, fresh = (one.model.model.requires_grad_(False) for one in (world, twin))
    own, fresh = dict(own.named_parameters()), dict(fresh.named_parameters())
    assert {n: (w.shape, w.dtype) for n, w in own.items()} == {n: (w.shape, w.dtype) for n, w in fresh.items()}
    drawn = [weight for weight in fresh.values() if weight.std() > 0]
    # Biases are 0 and norms 1; the rest is drawn, with the spread that the configuration says.
    assert sum(weight.numel() for weight in drawn) > 0.99 * sum(weight.numel() for weight in fresh.values())
    for weight in drawn:
        assert float(weight.std()) == pytest.approx(twin.model.model.config.initializer_range, rel=0.05)
    with pytest.raises(ValueError, match="a seed must be"):
        world.untrained(seed=-1)


def test_a_planted_model_has_no_untrained_twin():
    with pytest.raises(ValueError, match="planted was written by hand, not trained"):
        load_world("planted").untrained()


def test_vectors_of_the_mini_worlds_models_are_kept_apart(mini, mini_causal, tmp_path):
    """In one cache, each model finds its own."""
    words = [["the", "cats", "sleep", "."], ["the", "dog", "sleeps", "."]]
    for _ in range(2):
        for world in (mini, mini_causal):
            kept, fresh = word_vectors(world.model, words, 1, cache=tmp_path), word_vectors(world.model, words, 1)
            np.testing.assert_array_equal(kept, fresh)
    assert len(list(tmp_path.glob("*.npy"))) == 2


def test_the_paper_world_reads_a_folder_of_treebanks(shared, tmp_path):
    world = load_world("paper", model=MODEL, treebanks=shared / "data" / "ud", languages=["tur"], min_forms=20)
    file = shared / "data" / "ud" / "tr_imst-ud-test.conllu"
    sentences = file.read_text(encoding="utf-8").count("# sent_id")
    assert len(world.corpus("tur", "test")) + len(world.dropped("tur", "test")) == sentences


def test_mini_folder_is_the_checkouts(root):
    assert mini_folder() == Path(root) / "data" / "mini"
