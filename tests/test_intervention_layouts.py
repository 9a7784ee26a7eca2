"""Interventions and damage in both layouts against a full forward pass with a hook; and what they refuse."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tiny_worlds as tiny
import torch

import pitfalls as pf
from pitfalls.arrays.splits import Splits
from pitfalls.interventions import ablation, replay, translation
from pitfalls.interventions.damage import _same
from pitfalls.interventions.outcomes import OUTCOMES
from pitfalls.interventions.run import Run
from pitfalls.language.corpus import Sentence, Word
from pitfalls.models.forward import MissingHeadError
from pitfalls.models.interface import TooLongError
from pitfalls.models.masked import MaskedLM
from pitfalls.site import as_site
from pitfalls.worlds.experiment import Experiment

KINDS = [ablation.Ablation(), translation.Translation(8.0), translation.Translation(50.0)]
KS = [0, 3, tiny.D]


@pytest.fixture(params=["bert", "xlmr"])
def layout(request):
    return request.param


@pytest.fixture(params=[(1, 1), (1024, 20), (1024, 4096)], ids=["one by one", "small", "batched"])
def batch_tokens(request, monkeypatch):
    at_once, few = request.param
    monkeypatch.setattr(replay, "_BATCH_TOKENS", at_once)
    monkeypatch.setattr(replay, "_FEW", few)


def ranked(layout, layer):
    return pf.rank("random", tiny.data(layout, layer), seed=layer)


def experiment(layout, layer):
    return Experiment(tiny.world(layout), tiny.data(layout, layer))


@pytest.mark.parametrize("layer", range(tiny.LAYERS + 1))
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_every_word_comes_out_as_in_a_full_forward_pass_with_a_hook(layout, layer, kind, batch_tokens):
    world, data, ranking = tiny.world(layout), tiny.data(layout, layer), ranked(layout, layer)
    table = Experiment(world, data).intervene(ranking, kind, KS).outcomes
    sentences = world.of_split["test"]
    slow = {k: tiny.slow_pieces(layout, layer, kind, ranking.order, k) for k in KS}
    assert len(table) == len(KS) * data.test.n_words
    for row in table.itertuples():
        word, pieces = sentences[row.sentence].words[row.position], slow[row.k][row.sentence, row.position]
        assert row.word == word.form
        assert row.outcome == tiny.slow_outcome(layout, kind, pieces, word)
        assert row.baseline == tiny.slow_outcome(layout, kind, slow[0][row.sentence, row.position], word)
        assert row.predicted == (tiny.spelt(layout, pieces) or " ".join(pieces))


@pytest.mark.parametrize("layer", range(tiny.LAYERS + 1))
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_damage_is_that_of_a_full_forward_pass_with_a_hook(layout, layer, kind, batch_tokens):
    world, data, ranking = tiny.world(layout), tiny.data(layout, layer), ranked(layout, layer)
    table = Experiment(world, data).intervene(ranking, kind, KS).damage().set_index("k")
    changed = set(zip(data.test.sentence_ids.tolist(), data.test.positions.tolist(), strict=True))
    ran = {sentence for sentence, _ in changed}
    own = tiny.slow_pieces(layout, layer, kind, ranking.order, 0)
    others = [place for place in own if place[0] in ran and place not in changed]
    for k in KS:
        slow = tiny.slow_pieces(layout, layer, kind, ranking.order, k)
        damaged = sum(slow[place] != own[place] for place in others)
        assert (table["others"][k], table["damaged"][k]) == (len(others), damaged)
        assert table["damage"][k] == damaged / len(others)


def test_the_layouts_are_a_real_trial(layout):
    """Without this, the oracles might agree only because there is one outcome and no damage."""
    seen, damaged = set(), 0
    for layer in range(tiny.LAYERS + 1):
        for kind in KINDS:
            run = experiment(layout, layer).intervene(ranked(layout, layer), kind, KS)
            seen |= set(run.outcomes["outcome"])
            damaged += run.damage()["damaged"].sum()
    assert set(OUTCOMES) - {"same", "lost"} <= seen
    assert damaged > 50
    test = tiny.world(layout).of_split["test"]
    lengths = tiny.world(layout).model.lengths([sentence.forms for sentence in test])
    assert max(lengths) == tiny.LIMIT == tiny.world(layout).model.max_tokens
    counts = [sum(bool(word.attributes) for word in sentence.words) for sentence in test]
    assert 0 in counts and [1] in [[len(s.words)] for s in test]
    tokens = tiny.world(layout).model.encode([["stbxa", "stba"]]).word_ids[0].tolist()
    assert (tokens.count(0), tokens.count(1)) == (3, 2)


@pytest.mark.parametrize("ks", [[0, 5], [5], [tiny.D, 2]], ids=str)
def test_counts_are_of_the_words(layout, ks):
    run = experiment(layout, 1).intervene(ranked(layout, 1), translation.Translation(), ks)
    words, effect = run.outcomes, run.counts()
    assert effect["k"].drop_duplicates().tolist() == sorted(ks)
    counted = words.groupby("k")["outcome"].value_counts()
    assert [counted.get((row.k, row.outcome), 0) for row in effect.itertuples()] == effect["count"].tolist()
    keys = [column for column in effect.columns if column not in ("outcome", "count", "rate")]
    assert words[keys].drop_duplicates().reset_index(drop=True).equals(effect[keys].drop_duplicates(ignore_index=True))


def test_the_baseline_is_the_outcome_at_0_whether_or_not_it_was_asked_for(layout):
    at_0, later = (
        experiment(layout, 1).intervene(ranked(layout, 1), ablation.Ablation(), ks).outcomes for ks in ([0], [4, 9])
    )
    assert (at_0["baseline"] == at_0["outcome"]).all()
    assert later["baseline"].tolist() == at_0["outcome"].tolist() * 2


def test_words_that_have_the_target_are_left_alone_and_can_be_damaged(layout):
    data = tiny.data(layout, 1)
    of_all, of_plural = (
        experiment(layout, 1).intervene(ranked(layout, 1), translation.Translation(target=target), [tiny.D])
        for target in (None, "PL")
    )
    aimed, everything, changed = of_plural.damage(), of_all.damage(), of_plural.outcomes
    lengths = {i: len(s.words) for i, s in enumerate(tiny.world(layout).of_split["test"])}
    words = sum(lengths[i] for i in changed["sentence"].unique())
    assert aimed["others"].item() == words - len(changed)
    assert len(changed) == (data.test.y != data.values.index("PL")).sum() < data.test.n_words
    assert aimed["others"].item() != everything["others"].item()


@pytest.mark.parametrize("layer", [0, 1])
@pytest.mark.parametrize(
    "kind", [ablation.Ablation(), ablation.Ablation("mean"), translation.Translation(50.0)], ids=lambda kind: kind.label
)
def test_no_word_of_the_planted_world_reads_the_words_that_are_changed(layer, kind):
    """Words take in only their neighbouring fillers, and fillers are never changed."""
    world = pf.load_world("planted")
    data = world.activations("art", "Number", layer)
    table = Experiment(world, data).intervene(pf.rank("probeless", data), kind, [0, 20, data.n_neurons]).damage()
    assert (table["damaged"] == 0).all() and (table["others"] > 1500).all()


def test_words_beside_a_changed_filler_of_the_planted_world_are_damaged():
    """The zero above is due to the world, not the function: changed fillers do damage the words beside them."""
    world = pf.load_world("planted")
    data = world.activations("art", "Number", 0)
    # The first filler of every sentence, labelled with the value of the word after it.
    fillers = replace(data.test, positions=data.test.positions - 1)
    words = world.sentences("art", "test")
    forms = tuple(words[s].words[p].form for s, p in zip(fillers.sentence_ids, fillers.positions, strict=True))
    table = (
        Experiment(world, replace(data, test=replace(fillers, forms=forms)))
        .intervene(pf.rank("probeless", data), translation.Translation(50.0), [128], sentences=30)
        .damage()
    )
    assert table["damaged"].item() > 0


def test_the_model_is_left_as_it_was(layout):
    world = tiny.world(layout)
    before = {name: weight.clone() for name, weight in world.model.model.state_dict().items()}
    Experiment(world, tiny.data(layout, 1)).intervene(ranked(layout, 1), translation.Translation(), KS).damage()
    assert len(experiment(layout, 1).intervene(ranked(layout, 1), ablation.Ablation(), KS).outcomes)
    after = world.model.model.state_dict()
    assert all(torch.equal(weight, after[name]) for name, weight in before.items())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in world.model.model.modules())
    assert not world.model.model.training


# ------------------------------------------------------------------------------------------ bad input

TABLES = [Run.counts, lambda run: run.outcomes, Run.damage]


@pytest.fixture(params=TABLES, ids=["counts", "outcomes", "damage"])
def run(request):
    """Run an intervention and return one of its tables."""

    def table(world, data, *given):
        return request.param(Experiment(world, data).intervene(*given))

    return table


def with_test(layout, sentences, layer=1):
    """The tiny world with other test sentences, and its splits."""
    world = tiny.world(layout)
    world = tiny.TinyWorld(world.model, {**world.of_split, "test": tuple(sentences)})
    test = tiny.activations(world.model, world.of_split["test"], layer)
    return world, replace(tiny.data(layout, layer), test=test)


def test_a_layer_that_the_model_lacks(run, layout):
    parts = {s: replace(getattr(tiny.data(layout, 2), s), site=as_site(3)) for s in ("train", "dev", "test")}
    with pytest.raises(ValueError, match=r"no layer 3 in tiny .* it has layers 0 \(embeddings\) to 2"):
        run(tiny.world(layout), Splits(**parts), ranked(layout, 2), ablation.Ablation(), [0])


def test_a_model_without_a_head(run, layout):
    lm = tiny.world(layout).model
    world = tiny.TinyWorld(
        MaskedLM(lm.model, lm.tokenizer, name="headless", has_head=False), tiny.world(layout).of_split
    )
    with pytest.raises(MissingHeadError, match=r"headless.*can be probed, not intervened on"):
        run(world, tiny.data(layout, 1), ranked(layout, 1), ablation.Ablation(), [0])


def test_no_test_word_has_another_value_than_the_target(run, layout):
    data = tiny.data(layout, 1)
    chosen = data.test.y == data.values.index("PL")
    test = replace(
        data.test,
        X=data.test.X[chosen],
        y=data.test.y[chosen],
        forms=tuple(np.array(data.test.forms)[chosen]),
        sentence_ids=data.test.sentence_ids[chosen],
        positions=data.test.positions[chosen],
    )
    with pytest.raises(ValueError, match=r"no word of test has the values \['DU', 'SG'\]"):
        replace(data, test=test)
    only = Splits.__new__(Splits)  # what Splits refuses, made without its constructor
    for name, part in (("train", data.train), ("dev", data.dev), ("test", test)):
        object.__setattr__(only, name, part)
    with pytest.raises(ValueError, match="no word to change: eng Number has"):
        run(tiny.world(layout), only, ranked(layout, 1), translation.Translation(target="PL"), [0])


def test_values_seen_in_test_but_not_in_training_are_refused(layout):
    data = tiny.data(layout, 1)
    chosen = np.flatnonzero(data.train.y != 0)
    train = replace(
        data.train,
        X=data.train.X[chosen],
        y=data.train.y[chosen],
        forms=tuple(data.train.forms[i] for i in chosen),
        sentence_ids=data.train.sentence_ids[chosen],
        positions=data.train.positions[chosen],
    )
    with pytest.raises(ValueError, match=r"no word of train has the values \['DU'\]"):
        replace(data, train=train)


def test_a_script_that_the_tokenizer_does_not_know(run, layout):
    foreign = [Sentence(str(v), (Word("the", "the", {}), Word("жжж", "ж", {"Number": v}))) for v in tiny.VALUES]
    world, data = with_test(layout, foreign)
    with pytest.raises(ValueError, match=r"unknown tokens in all 3 words to change \(100 %\)"):
        run(world, data, ranked(layout, 1), ablation.Ablation(), [0])


def test_some_unknown_words_are_counted_like_others(layout):
    nouns = [Sentence(v, (Word("the", "the", {}), tiny.noun("stb", e))) for e, v in tiny.NUMBERS.items()]
    foreign = [Sentence("u", (Word("жжж", "ж", {"Number": "SG"}), Word("the", "the", {})))]
    world, data = with_test(layout, [*nouns, *foreign])
    table = Experiment(world, data).intervene(ranked(layout, 1), ablation.Ablation(), KS).counts()
    assert (table.groupby("k")["count"].sum() == 4).all() and set(table["outcome"]) == set(OUTCOMES)


def test_a_sentence_beyond_the_length_limit(run, layout):
    long = Sentence("long", (*[Word("the", "the", {})] * (tiny.LIMIT - 4), tiny.noun("stbx", "o")))
    world = tiny.world(layout)
    changed = tiny.TinyWorld(world.model, {**world.of_split, "test": (long, *world.of_split["test"])})
    data = tiny.data(layout, 1)
    # Words of the long sentence cannot have vectors, so its last one is given another's.
    test = replace(data.test, sentence_ids=data.test.sentence_ids + 1)
    test = replace(
        test,
        sentence_ids=np.r_[0, test.sentence_ids[1:]],
        positions=np.r_[tiny.LIMIT - 4, test.positions[1:]],
        forms=("stbxo", *test.forms[1:]),
    )
    with pytest.raises(TooLongError, match=f"{tiny.LIMIT + 1} subwords"):
        run(changed, replace(data, test=test), ranked(layout, 1), ablation.Ablation(), [0])


@pytest.mark.parametrize("beta", [0, -1.0, float("nan")])
def test_a_beta_of_0_or_below(beta):
    with pytest.raises(ValueError, match="beta must be above 0"):
        translation.Translation(beta=beta)


def test_damage_needs_a_word_that_is_left_alone(layout):
    world, data = with_test(layout, [Sentence(v, (tiny.noun("stb", e),)) for e, v in tiny.NUMBERS.items()])
    with pytest.raises(ValueError, match="all 3 words of these sentences are changed"):
        Experiment(world, data).intervene(ranked(layout, 1), ablation.Ablation(), [0]).damage()


class Speller:
    """Joins tokens to words by a table; the rest are no words."""

    def join(self, pieces, like=None):
        return {(1, 2): "ab", (3, 4): "ab", (5, 6): "cd"}.get(tuple(pieces))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ((1, 2), (1, 2), True),
        ((1, 2), (3, 4), True),
        ((1, 2), (5, 6), False),
        ((7, 7), (7, 7), True),
        ((7, 7), (8, 8), False),
        ((7, 7), (1, 2), False),
        ((1, 2), (7, 7), False),
    ],
)
def test_a_word_is_damaged_when_its_form_changes_however_it_is_cut(one, other, same):
    assert _same(Speller(), (0, 0), one, other) is same


def test_what_the_model_gets_wrong_by_itself_is_no_damage(layout):
    strange = Word("жжж", "ж", {})
    world, data = with_test(layout, [Sentence(v, (strange, tiny.noun("stb", e))) for e, v in tiny.NUMBERS.items()])
    encoded = world.model.encode([sentence.forms for sentence in world.of_split["test"]])
    slots = encoded.word_ids == 0
    assert (world.model.predict(world.model.hidden(encoded, tiny.LAYERS), slots) != encoded.input_ids[slots]).any()
    table = Experiment(world, data).intervene(ranked(layout, 1), ablation.Ablation(), [0]).damage()
    assert (table["others"].item(), table["damaged"].item()) == (3, 0)
