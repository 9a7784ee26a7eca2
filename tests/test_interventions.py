"""Kinds of interventions, outcomes and rates; test_intervention_layouts.py has the full forward pass with a hook."""

from __future__ import annotations

import unicodedata
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import tiny_worlds as tiny
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny_worlds import D

from pitfalls.arrays.ranking import Ranking
from pitfalls.interventions import ablation, replay, translation
from pitfalls.interventions.kinds import Means
from pitfalls.interventions.outcomes import classify
from pitfalls.interventions.rates import clwv, error_rate
from pitfalls.interventions.run import _Judge
from pitfalls.language.analysers import LexiconAnalyser
from pitfalls.language.corpus import Sentence, Word
from pitfalls.language.lexicon import Analysis, LemmaOnly, Lexicon
from pitfalls.rankings import rank
from pitfalls.worlds.experiment import Experiment

KINDS = [
    *(ablation.Ablation(value) for value in ("zero", "mean")),
    translation.Translation(8.0),
    translation.ConstantTranslation(4.0),
]
STEP = translation.Translation(2.0)


@pytest.fixture(scope="module")
def world():
    return tiny.world("bert")


@pytest.fixture(scope="module")
def experiment(world):
    return Experiment(world, tiny.data("bert", 1))


@pytest.fixture(scope="module")
def order(experiment):
    return rank("probeless", experiment.data)


def test_no_neurons_and_a_zero_alpha_are_the_models_own_prediction(world, experiment, order):
    own = tiny.slow_pieces("bert", 1, KINDS[0], order.order, 0)
    test = experiment.data.test
    different = sum(
        tiny.spelt("bert", own[s, p]) != world.of_split["test"][s].words[p].form
        for s, p in zip(test.sentence_ids.tolist(), test.positions.tolist(), strict=True)
    )
    tables = [experiment.intervene(order, kind, [0]).counts() for kind in KINDS]
    nothing = experiment.intervene(order, translation.ConstantTranslation(0.0), range(0, D + 1, 4)).counts()
    for _, table in [pair for found in (*tables, nothing) for pair in found.groupby("k")]:
        rate = error_rate(table)
        assert (rate["changed"].item(), rate["words"].item()) == (different, test.n_words)


@given(k=st.integers(0, D), alpha=st.sampled_from([0.5, 1.0, 8.0]), seed=st.integers(0, 1000))
def test_translating_there_and_back_restores_the_state(k, alpha, seed):
    generator = np.random.default_rng(seed)
    means = Means(generator.normal(size=(3, D)), generator.normal(size=D))
    order = generator.permutation(D)
    states = torch.as_tensor(generator.normal(size=(5, D)))
    values = generator.integers(3, size=5)
    kind = translation.ConstantTranslation(alpha)
    aims = kind.aims("abc")
    there = kind.change(order, k, means, aims)
    # Back: the same neurons, from the value aimed at to the one before.
    back = kind.change(order, k, means, np.argsort(aims))
    restored = back.apply(there.apply(states, tiny.words_of(values)), tiny.words_of(aims[values]))
    torch.testing.assert_close(restored, states)


def test_a_whole_translation_by_one_moves_the_mean_onto_the_other_mean(experiment):
    means, kind = Means.of(experiment.data), translation.ConstantTranslation(1.0)
    change = kind.change(np.arange(D), D, means, kind.aims("abc"))
    moved = change.apply(torch.as_tensor(means.of_value), tiny.words_of([0, 1, 2]))
    np.testing.assert_allclose(moved, means.of_value[[1, 2, 0]])


@given(st.lists(st.integers(1, 300), min_size=1, max_size=80))
def test_batches_take_every_sentence_once_with_little_padding(lengths):
    groups = list(replay.groups(lengths))
    batches = [batch for group in groups for batch in group]
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    assert batches == list(replay._batches(lengths))
    for batch in batches:
        real, padded = sum(lengths[i] for i in batch), len(batch) * max(lengths[i] for i in batch)
        assert padded <= replay._BATCH_TOKENS or len(batch) == 1
        # Below _FEW subwords, a batch takes the next sentence whatever its length.
        before = [sum(lengths[i] for i in batch[:n]) for n in range(1, len(batch))]
        assert padded <= replay._PADDED * real or before[-1] < replay._FEW
    for group in groups:
        held = [len(batch) * max(lengths[i] for i in batch) for batch in group]
        assert sum(held[:-1]) < replay._HELD_TOKENS


def test_only_sentences_with_target_words_are_run(world, experiment, order, monkeypatch):
    data, seen = experiment.data, []
    encode = world.model.encode
    monkeypatch.setattr(world.model, "encode", lambda sentences: seen.extend(sentences) or encode(sentences))
    experiment.intervene(order, STEP, [0, 3]).counts()
    assert len(seen) == len(set(data.test.sentence_ids.tolist())) < len(world.of_split["test"])


def test_the_intervention_sees_only_the_order(experiment):
    derived = rank("gaussian", experiment.data)
    bare = Ranking(derived.order, None, "mine")
    one, two = (experiment.intervene(each, STEP, [2, 8]).counts()["count"] for each in (derived, bare))
    assert one.equals(two)


def test_the_scaled_factor_falls_evenly_in_its_logarithm_from_beta_to_a_thousandth():
    alpha = translation.Translation(beta=8).coefficients(768)
    assert alpha[0] == 8
    assert alpha[-1] == pytest.approx(0.001)
    np.testing.assert_allclose(np.diff(np.log(alpha)), np.log(0.001 / 8) / 767)
    assert translation.Translation(beta=8).coefficients(1).tolist() == [8]


PL, SG, DU = ({"Number": number} for number in ("PL", "SG", "DU"))


@pytest.mark.parametrize(
    ("readings", "outcome"),
    [
        ([], "unknown"),
        ([("cat", PL)], "intended"),
        ([("cat", SG)], "same"),
        ([("cat", DU)], "another"),
        ([("cat", {})], "lost"),
        ([("dog", PL)], "wrong_intended"),
        ([("dog", SG)], "wrong_other"),
        ([("cat", SG), ("cat", PL)], "intended"),
        ([("cat", DU), ("cat", SG)], "same"),
        ([("cat", {}), ("cat", DU)], "another"),
        ([("cat", {}), ("dog", PL)], "lost"),
        ([("dog", SG), ("cow", PL)], "wrong_intended"),
        # A lemmatiser convicts a lemma and never a value.
        ([("cat", None)], "unknown"),
        ([("dog", None)], "wrong_other"),
        ([("cat", None), ("cat", PL)], "intended"),
        ([("cat", None), ("cat", {})], "lost"),
        ([("cat", None), ("dog", PL)], "unknown"),
        ([("dog", None), ("cat", {})], "lost"),
    ],
)
def test_the_outcome_of_a_form_follows_its_readings(readings, outcome):
    found = [LemmaOnly(lemma) if of is None else Analysis.of(lemma, of) for lemma, of in readings]
    assert classify(found, "Number", "cat", "SG", "PL") == outcome
    assert classify(found[::-1], "Number", "cat", "SG", "PL") == outcome


def test_an_ablation_intends_no_value():
    plural = [Analysis.of("cat", PL)]
    assert classify(plural, "Number", "cat", "SG", None) == "another"
    assert classify(plural, "Number", "dog", "SG", None) == "wrong_other"


def test_a_named_target_leaves_words_that_have_it_alone(experiment, order):
    run = experiment.intervene(order, translation.Translation(target="PL"), [0, D])
    expected = int((experiment.data.test.y != experiment.data.values.index("PL")).sum())
    assert (run.counts().groupby("k")["count"].sum() == expected).all()
    assert set(run.counts()["target"]) == {"PL"}
    shown = run.examples(n=99)
    assert set(shown["intended"]) == {"PL"} and "PL" not in set(shown["value"])


def test_fewer_sentences_can_be_drawn(experiment, order):
    few = [experiment.intervene(order, STEP, [0], sentences=3, seed=seed).counts() for seed in (1, 1)]
    assert few[0].equals(few[1])
    assert 0 < few[0]["count"].sum() < experiment.data.test.n_words


def test_error_rate_and_clwv_are_over_all_target_words(experiment, order):
    table = pd.concat([experiment.intervene(order, kind, [0, 8]).counts() for kind in KINDS])
    rates = clwv(table).set_index(["kind", "strength", "k"])
    assert len(rates) == len(error_rate(table)) == len(KINDS) * 2
    for row in error_rate(table).itertuples():
        counts = table[(table["k"] == row.k) & (table["kind"] == row.kind)].set_index("outcome")["count"]
        assert row.words == counts.sum() == experiment.data.test.n_words
        assert row.changed == counts.sum() - counts["unchanged"]
        assert row.error_rate == row.changed / row.words
        found = rates.loc[(row.kind, row.strength, row.k)]
        assert found["hits"] == counts["intended"] + counts["another"]
        assert found["clwv"] == found["hits"] / row.words


def test_examples_are_the_sentences_before_and_after(world, experiment, order):
    run = experiment.intervene(order, STEP, [D])
    shown, counts = run.examples(n=99), run.counts().set_index("outcome")["count"]
    changed = counts[(counts > 0) & (counts.index != "unchanged")]
    assert shown["outcome"].value_counts().to_dict() == changed.to_dict()
    whole = shown[shown.groupby("sentence_id")["outcome"].transform(lambda o: (o != "split").all())]
    assert len(whole)
    for row in whole.itertuples():
        before, after = row.before.split(), row.after.split()
        assert before == list(world.of_split["test"][int(row.sentence_id)].forms)
        assert (before[row.position], after[row.position]) == (row.word, row.predicted)
    split = shown[shown["outcome"] == "split"]
    assert len(split)
    vocabulary = world.model.tokenizer.get_vocab()
    for row in split.itertuples():
        pieces = [vocabulary[piece] for piece in row.predicted.split()]
        (own,) = world.model.encode([[row.word]]).word_ids.tolist()
        assert len(pieces) == own.count(0) and world.model.join(pieces) is None
    assert run.examples(n=2, seed=3)["sentence_id"].nunique() == 2


def test_errors_say_what_to_do(world, experiment, order):
    zero = ablation.Ablation()
    swapped = tiny.TinyWorld(world.model, world.of_split | {"test": world.of_split["dev"]})
    for asks, said in (
        (lambda: experiment.intervene(order, zero, [D + 1]), "whole number from 0 to the number of neurons, 16"),
        (lambda: experiment.intervene(Ranking(np.arange(3), None, "short"), zero, [0]), "orders 3 neurons .* have 16"),
        (lambda: experiment.intervene(order, translation.Translation(target="TRI"), [0]), r"target 'TRI' .*'DU', 'PL'"),
        (lambda: translation.Translation(beta=0), "beta must be above 0 and finite, not 0"),
        (lambda: ablation.Ablation("median"), 'value must be "zero" or "mean"'),
        (lambda: Experiment(swapped, experiment.data), "use the world and split"),
    ):
        with pytest.raises(ValueError, match=said):
            asks()


def test_a_tokenizer_that_decomposes_changes_no_outcome():
    """A prediction is compared with the original and looked up as composed, however the tokenizer spells it."""
    # The tokenizer writes the original, (1,), without its accent.
    words = {(1,): "arbol", (2,): "árboles", (3,): "árbol"}
    lexicon = Lexicon.from_forms("spa", [(f, "árbol", {"Number": n}) for f, n in [("árbol", "SG"), ("árboles", "PL")]])
    judged = []
    for spelling in ("NFC", "NFD"):
        spelt = {pieces: unicodedata.normalize(spelling, word) for pieces, word in words.items()}
        model = SimpleNamespace(join=lambda pieces, like=None, form=None, spelt=spelt: spelt[tuple(pieces)])
        run = SimpleNamespace(
            subject=SimpleNamespace(model=model, analyser=lambda: LexiconAnalyser(lexicon, "toy")),
            part=SimpleNamespace(language="spa", attribute="Number", values=("PL", "SG")),
            targets=SimpleNamespace(sentences=[0], positions=[0], values=[1]),
            sentences=[Sentence("1", (Word("árbol", "árbol", {"Number": "SG"}),))],
            aims=[1, 0],
        )
        judged.append([_Judge(run)(0, (1,), predicted) for predicted in words])
    assert judged[0] == judged[1]
    assert [form for _, form in judged[0]] == ["árbol", "árboles", "árbol"]
    assert judged[0][0] == judged[0][2] == ("unchanged", "árbol")
