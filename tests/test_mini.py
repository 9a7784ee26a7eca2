"""The mini world as it is committed: its text, its attributes, its model, and what the model has learnt."""

from __future__ import annotations

import itertools
import json
from dataclasses import asdict

import conllu
import pandas as pd
import pytest

from pitfalls.language.agreement import generated
from pitfalls.language.grammar import LANGUAGES, core, corpora, load_grammar
from pitfalls.models.pretrain import fresh_text
from pitfalls.models.recipes import RECIPES
from pitfalls.study import causal_card, masked_card
from pitfalls.worlds import load, sources
from pitfalls.worlds.names import MINI_MODELS

SPLITS = ("train", "dev", "test")


@pytest.fixture(scope="module")
def folder(root):
    return root / "data" / "mini"


@pytest.fixture(scope="module")
def world():
    return load.load_world("mini")


def texts(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line.removeprefix("# text = ") for line in lines if line.startswith("# text = ")]


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_seed_gives_the_committed_files_byte_for_byte(folder, language):
    for split, content in corpora.conllu(language).items():
        assert (folder / corpora.file_name(language, split)).read_bytes() == content.encode("utf-8")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_seed_gives_the_first_committed_sentences(folder, language):
    first = fresh_text(language, 200, corpora.SEEDS[language], frozenset())
    assert first == texts(folder / corpora.file_name(language, "train"))[:200]


def test_the_manifest_holds_and_notices_a_changed_byte(folder, tmp_path):
    corpora.check(folder)
    copy = tmp_path / "mini"
    copy.mkdir()
    manifest = json.loads((folder / "manifest.json").read_text())
    name = corpora.file_name("tur", "dev")
    (copy / "manifest.json").write_text(json.dumps({name: manifest[name]}))
    data = bytearray((folder / name).read_bytes())
    (copy / name).write_bytes(data)
    corpora.check(copy)
    data[1000] ^= 1
    (copy / name).write_bytes(data)
    with pytest.raises(ValueError, match=rf"{name}: SHA-256 .* the manifest says {manifest[name]['sha256']}"):
        corpora.check(copy)
    (copy / name).unlink()
    with pytest.raises(ValueError, match="no such file"):
        corpora.check(copy)
    with pytest.raises(ValueError, match="run `make mini`"):  # a world notices too, at every load
        sources.GeneratedSource(copy).corpus("tur", "dev")


@pytest.mark.parametrize("language", LANGUAGES)
def test_sizes_and_no_sentence_in_two_splits(folder, language):
    parts = {split: texts(folder / corpora.file_name(language, split)) for split in SPLITS}
    assert {split: len(lines) for split, lines in parts.items()} == {"train": 12_000, "dev": 2_000, "test": 2_000}
    together = [line for lines in parts.values() for line in lines]
    assert len(set(together)) == len(together)


@pytest.mark.parametrize("language", LANGUAGES)
def test_files_are_valid_conllu_trees(folder, language):
    with (folder / corpora.file_name(language, "dev")).open(encoding="utf-8") as file:
        for sentence in itertools.islice(conllu.parse_incr(file), 400):
            assert [word["id"] for word in sentence] == list(range(1, len(sentence) + 1))
            assert sum(word["head"] == 0 for word in sentence) == 1
            for word in sentence:
                seen, head = set(), word["id"]
                while head:  # every word reaches the root: there is no cycle
                    assert head not in seen
                    seen.add(head)
                    head = sentence[head - 1]["head"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_lemmas_are_as_many_as_the_course_promises(language):
    forms = list(load_grammar(language).paradigms())
    for upos, least in (("NOUN", 150), ("VERB", 80), ("ADJ", 60)):
        assert len({form.lemma for form in forms if form.upos == upos}) >= least


@pytest.mark.slow
def test_pairs_and_attributes_are_as_many_as_the_course_promises(world):
    pairs = world.pairs()
    assert len(pairs) >= 20
    assert pairs["attribute"].nunique() >= 9


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_are_written_as_their_stem_and_ending(world, language):
    forms = {form.text: form for form in load_grammar(language).paradigms()}
    tokenize = world.model.tokenizer.tokenize
    cut = [
        tokenize(text) == [form.stem, *(["##" + form.ending] if form.ending else [])] for text, form in forms.items()
    ]
    assert sum(cut) / len(cut) >= 0.95


@pytest.mark.parametrize(("model", "megabytes"), [(name, 8) for name in MINI_MODELS])
def test_weights_and_tokenizer_are_small_and_safe(folder, model, megabytes):
    files = [path for path in (folder / model).rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= megabytes * 10**6
    assert {path.suffix for path in files} == {".safetensors", ".json", ".md", ".csv"}


def test_the_committed_measures_reach_what_is_required(folder):
    """The card's numbers; that they are the model's own is checked below on a sample."""
    measures = pd.read_csv(folder / "bert" / "measures.csv", keep_default_na=False)
    for name, least in masked_card.REQUIRED.items():
        values = measures[measures["measure"] == name]
        assert (values["required"] == least).all()
        if name == "clwv":  # by the best ranking, for Number and for Gender
            assert (values.groupby("attribute")["value"].max() >= least).all()
            assert set(values["attribute"]) == {"Number", "Gender"}
        elif name == "readability":  # every attribute in some language; the card names the pair that misses
            assert len(values) == 27
            assert (values.groupby("attribute")["value"].max() >= least).all()
            low = values[values["value"] < least]
            assert list(zip(low["language"], low["attribute"], strict=True)) == [("rus", "Number")]
            assert (low["value"] >= 0.89).all()
        else:
            assert len(values) and (values["value"] >= least).all()


@pytest.mark.parametrize("model", [name for name in MINI_MODELS if name not in ("bert", "causal")])
def test_other_seeds_and_layouts_have_learnt_it_too(folder, model):
    measures = pd.read_csv(folder / model / "measures.csv", keep_default_na=False)
    least = masked_card.REQUIRED
    assert (measures.query("measure == 'identity'")["value"] >= 0.99).all()
    assert (measures.query("measure == 'agreement'")["value"] >= least["agreement"]).all()
    for name in ("readability", "clwv"):
        highest = measures[measures["measure"] == name].groupby("attribute")["value"].max()
        assert len(highest) >= 2 and (highest >= least[name]).all()


def test_the_causal_models_committed_measures_reach_what_is_required(folder, world):
    measures = pd.read_csv(folder / "causal" / "measures.csv", keep_default_na=False)
    agreement = measures[(measures["measure"] == "agreement") & measures["where"].str.contains(" with attractors")]
    asked = agreement[agreement["required"] != ""]
    assert sorted(zip(asked["language"], asked["attribute"], strict=True)) == sorted(causal_card.MUST_AGREE)
    assert set(agreement["language"]) == set(world.languages)
    assert (asked["value"] >= causal_card.REQUIRED["agreement"]).all()
    readable = measures[measures["measure"] == "readability"]
    assert (readable.groupby("attribute")["value"].max() >= causal_card.REQUIRED["readability"]).all()
    by_layer = measures[measures["measure"] == "readability of a layer"]
    assert len(readable) == 27 and len(by_layer) == 27 * 5
    flips = measures[measures["measure"] == "flip rate"]
    assert len(flips) == len(agreement) == 6 and flips["value"].between(0, 1).all()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_model_copies_what_it_sees(world, language):
    assert masked_card.identity(world, language, sentences=100)["value"].item() >= 0.99


@pytest.mark.parametrize(
    ("language", "feature"), [("eng", "Number"), pytest.param("rus", "Gender", marks=pytest.mark.slow)]
)
def test_the_model_agrees_over_an_attractor(world, language, feature):
    assert masked_card.agreement_rate(world, language, feature)["value"].item() >= 0.95


@pytest.mark.parametrize(
    ("language", "attribute"), [("eng", "Number"), pytest.param("spa", "Gender", marks=pytest.mark.slow)]
)
def test_the_causal_model_agrees_over_an_attractor(mini_causal, language, attribute):
    items = generated(language, attribute, 30, seed=5)
    table = causal_card.agreement(mini_causal.experiment(language, attribute, 1), items, 0.95)
    assert table["value"].min() >= 0.9  # of 60 items; the card has more


@pytest.mark.parametrize("model", MINI_MODELS)
def test_the_recipe_that_is_committed_is_the_projects_own(folder, model):
    recipe = json.loads((folder / model / "recipe.json").read_text())
    assert recipe == json.loads(json.dumps(asdict(RECIPES[model])))


@pytest.mark.parametrize("model", [name for name in MINI_MODELS if name != "xlmr"])
def test_all_models_but_the_xlmr_have_the_same_tokenizer(folder, model):
    for name in ("tokenizer.json", "tokenizer_config.json"):
        assert (folder / model / name).read_bytes() == (folder / "bert" / name).read_bytes()


def test_the_pretraining_text_is_not_the_test_text(folder):
    recipe = json.loads((folder / "bert" / "recipe.json").read_text())
    held_out = frozenset(texts(folder / corpora.file_name("eng", "test")))
    assert not held_out & set(fresh_text("eng", 1_000, recipe["text_seed"], held_out))


def test_a_fresh_sentence_of_the_grammar_is_read_back_whole(world):
    tokens = next(core.sentences(load_grammar("tur"), 99))
    (encoded,) = [world.model.encode([[token.form.text for token in tokens]])]
    assert int(encoded.word_ids.max()) + 1 == len(tokens)
