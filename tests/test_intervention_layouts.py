"""Interventions and damage in both layouts against a full forward pass with a hook; and what they refuse."""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
import tiny_worlds as tiny
import torch

import pitfalls as pf
from pitfalls.arrays.splits import Splits
from pitfalls.interventions import ablation, interchange, replay, translation
from pitfalls.interventions.damage import _same
from pitfalls.interventions.outcomes import OUTCOMES
from pitfalls.language.corpus import Sentence, Word
from pitfalls.models.forward import MissingHeadError
from pitfalls.models.interface import TooLongError
from pitfalls.models.masked import MaskedLM
from pitfalls.site import as_site
from pitfalls.worlds.experiment import Experiment

KINDS = [
    *(ablation.Ablation(value) for value in ("zero", "mean")),
    *(translation.Translation(beta) for beta in (8.0, 50.0)),
    translation.ConstantTranslation(4.0),
    interchange.Interchange(seed=1),
    interchange.ResampleAblation(),
]
KS = [0, 3, tiny.D]


@pytest.fixture(params=["bert", "xlmr"])
def layout(request):
    return request.param


def ranked(layout, layer):
    return pf.rank("random", tiny.data(layout, layer), seed=layer)


def experiment(layout, layer):
    return Experiment(tiny.world(layout), tiny.data(layout, layer))


@cache
def run_of(layout, layer, kind):
    return experiment(layout, layer).intervene(ranked(layout, layer), kind, KS)


@pytest.mark.parametrize("layer", range(tiny.LAYERS + 1))
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_words_and_damage_are_those_of_a_full_forward_pass_with_a_hook(layout, layer, kind):
    world, data, ranking = tiny.world(layout), tiny.data(layout, layer), ranked(layout, layer)
    run = run_of(layout, layer, kind)
    slow = {k: tiny.slow_pieces(layout, layer, kind, ranking.order, k) for k in KS}
    assert len(run.outcomes) == len(KS) * data.test.n_words
    for row in run.outcomes.itertuples():
        place = row.sentence, row.position
        word, pieces = world.of_split["test"][row.sentence].words[row.position], slow[row.k][place]
        assert row.word == word.form
        assert row.outcome == tiny.slow_outcome(layout, kind, pieces, word)
        assert row.baseline == tiny.slow_outcome(layout, kind, slow[0][place], word)
        assert row.predicted == (tiny.spelt(layout, pieces) or " ".join(pieces))
    changed = set(zip(data.test.sentence_ids.tolist(), data.test.positions.tolist(), strict=True))
    ran = {sentence for sentence, _ in changed}
    others = [place for place in slow[0] if place[0] in ran and place not in changed]
    for row in run.damage().itertuples():
        damaged = sum(slow[row.k][place] != slow[0][place] for place in others)
        assert (row.others, row.damaged, row.damage) == (len(others), damaged, damaged / len(others))


@pytest.mark.parametrize(
    "limits", [{"_BATCH_TOKENS": 1}, {"_FEW": 1, "_HELD_TOKENS": 30}, {"_HELD_TOKENS": 1}], ids=str
)
def test_the_batches_make_no_difference(layout, monkeypatch, limits):
    kinds = translation.Translation(50.0), interchange.Interchange()
    together = [experiment(layout, 1).intervene(ranked(layout, 1), kind, KS) for kind in kinds]
    known = [(run.outcomes, run.damage()) for run in together]
    for name, value in limits.items():
        monkeypatch.setattr(replay, name, value)
    for (outcomes, damage), kind in zip(known, kinds, strict=True):
        apart = experiment(layout, 1).intervene(ranked(layout, 1), kind, KS)
        pd.testing.assert_frame_equal(outcomes, apart.outcomes)
        pd.testing.assert_frame_equal(damage, apart.damage())


def test_the_layouts_are_a_real_trial(layout):
    """Without this, the oracles might agree only because there is one outcome and no damage."""
    seen, damaged = set(), 0
    for layer, kind in itertools.product(range(tiny.LAYERS + 1), KINDS):
        run = run_of(layout, layer, kind)
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


def test_counts_are_of_the_words_and_the_baseline_is_at_0_whether_or_not_it_was_asked_for():
    run = experiment("bert", 1).intervene(ranked("bert", 1), ablation.Ablation(), [tiny.D, 2])
    words, effect = run.outcomes, run.counts()
    assert effect["k"].drop_duplicates().tolist() == [2, tiny.D]
    assert all(tuple(of_k) == OUTCOMES for _, of_k in effect.groupby("k")["outcome"])
    counted = words.groupby("k")["outcome"].value_counts()
    assert [counted.get((row.k, row.outcome), 0) for row in effect.itertuples()] == effect["count"].tolist()
    np.testing.assert_allclose(effect["rate"], effect["count"] / (len(words) / 2))
    keys = [column for column in effect.columns if column not in ("outcome", "count", "rate")]
    assert words[keys].drop_duplicates().reset_index(drop=True).equals(effect[keys].drop_duplicates(ignore_index=True))
    at_0 = experiment("bert", 1).intervene(ranked("bert", 1), ablation.Ablation(), [0]).outcomes
    assert words["baseline"].tolist() == at_0["outcome"].tolist() * 2


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


def test_no_word_of_the_planted_world_reads_the_words_that_are_changed():
    """Words take in only their neighbouring fillers, and fillers are never changed."""
    experiment = pf.load_world("planted").experiment("art", "Number", layer=0)
    order = experiment.rank("probeless")
    table = experiment.intervene(order, translation.Translation(50.0), [20, len(order)]).damage()
    assert (table["damaged"] == 0).all() and (table["others"] > 1500).all()


def test_the_model_is_left_as_it_was(layout):
    world = tiny.world(layout)
    before = {name: weight.clone() for name, weight in world.model.model.state_dict().items()}
    Experiment(world, tiny.data(layout, 1)).intervene(ranked(layout, 1), translation.Translation(), KS).damage()
    assert len(experiment(layout, 1).intervene(ranked(layout, 1), ablation.Ablation(), KS).outcomes)
    after = world.model.model.state_dict()
    assert all(torch.equal(weight, after[name]) for name, weight in before.items())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in world.model.model.modules())
    assert not world.model.model.training


def run(world, data, *given):
    return Experiment(world, data).intervene(*given).outcomes


def with_test(layout, sentences, layer=1):
    """The tiny world with other test sentences, and its splits."""
    world = tiny.world(layout)
    world = tiny.TinyWorld(world.model, {**world.of_split, "test": tuple(sentences)})
    test = tiny.activations(world.model, world.of_split["test"], layer)
    return world, replace(tiny.data(layout, layer), test=test)


def test_a_layer_that_the_model_lacks(layout):
    parts = {s: replace(getattr(tiny.data(layout, 2), s), site=as_site(3)) for s in ("train", "dev", "test")}
    with pytest.raises(ValueError, match=r"no layer 3 in tiny .* it has layers 0 \(embeddings\) to 2"):
        run(tiny.world(layout), Splits(**parts), ranked(layout, 2), ablation.Ablation(), [0])


def test_a_model_without_a_head(layout):
    lm = tiny.world(layout).model
    world = tiny.TinyWorld(
        MaskedLM(lm.model, lm.tokenizer, name="headless", has_head=False), tiny.world(layout).of_split
    )
    with pytest.raises(MissingHeadError, match=r"headless.*can be probed, not intervened on"):
        run(world, tiny.data(layout, 1), ranked(layout, 1), ablation.Ablation(), [0])


def test_no_test_word_has_another_value_than_the_target(layout):
    data = tiny.data(layout, 1)
    test = data.test.select(np.flatnonzero(data.test.y == data.values.index("PL")))
    with pytest.raises(ValueError, match=r"no word of test has the values \['DU', 'SG'\]"):
        replace(data, test=test)
    only = Splits.__new__(Splits)  # what Splits refuses, made without its constructor
    for name, part in (("train", data.train), ("dev", data.dev), ("test", test)):
        object.__setattr__(only, name, part)
    with pytest.raises(ValueError, match="no word to change: eng Number has"):
        run(tiny.world(layout), only, ranked(layout, 1), translation.Translation(target="PL"), [0])


def test_a_script_that_the_tokenizer_does_not_know(layout):
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


def test_a_sentence_beyond_the_length_limit(layout):
    long = Sentence("long", (*[Word("the", "the", {})] * (tiny.LIMIT - 4), tiny.noun("stbx", "o")))
    world = tiny.world(layout)
    changed = tiny.TinyWorld(world.model, {**world.of_split, "test": (long, *world.of_split["test"])})
    data = tiny.data(layout, 1)
    # Words of the long sentence cannot have vectors, so its last one is given another's.
    ids, places = np.r_[0, data.test.sentence_ids[1:] + 1], np.r_[tiny.LIMIT - 4, data.test.positions[1:]]
    test = replace(data.test, sentence_ids=ids, positions=places, forms=("stbxo", *data.test.forms[1:]))
    with pytest.raises(TooLongError, match=f"{tiny.LIMIT + 1} subwords"):
        run(changed, replace(data, test=test), ranked(layout, 1), ablation.Ablation(), [0])


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
        *(((1, 2), other, same) for other, same in (((1, 2), True), ((3, 4), True), ((5, 6), False), ((7, 7), False))),
        *(((7, 7), other, same) for other, same in (((7, 7), True), ((8, 8), False), ((1, 2), False))),
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
