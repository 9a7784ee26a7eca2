"""Interchanges: who draws which training word; test_intervention_layouts.py has the full forward pass with a hook."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import tiny_worlds as tiny
import torch
from hypothesis import given
from hypothesis import strategies as st

import pitfalls as pf
from pitfalls.interventions import Interchange, ResampleAblation
from pitfalls.interventions.agreement import questions
from pitfalls.interventions.kinds import Means
from pitfalls.interventions.run import judged_words
from pitfalls.interventions.sources import ChangedWords, TrainingWords, sentence_key
from pitfalls.language.agreement import generated
from pitfalls.language.corpus import Sentence, Word
from pitfalls.worlds.experiment import Experiment


def sentence(*forms: str) -> Sentence:
    return Sentence(" ".join(forms), tuple(Word(form, form, {}) for form in forms))


TEXTS = tuple(sentence(f"a{i}", "b") for i in range(40))
# Three values in turn; every fourth sentence has two words.
TRAINING = TrainingWords(
    np.arange(50.0)[:, None] * np.ones(3), np.arange(50) % 3, np.r_[np.arange(40), np.arange(0, 40, 4)], TEXTS
)
AIMS = np.array([1, 2, 0])


def words(sentences: list[int], positions: list[int], values: list[int]) -> ChangedWords:
    return ChangedWords(torch.tensor(values), np.array(sentences), np.array(positions))


@given(st.integers(0, 2**62), st.integers(0, 99), st.integers(0, 2), st.integers(0, 5), st.permutations(range(4)))
def test_a_draw_belongs_to_the_word_and_has_the_value_aimed_at(key, position, value, seed, order):
    one = words([key], [position], [value])
    (row,) = TRAINING.drawn_for(one, AIMS, seed)
    assert TRAINING.y[row] == AIMS[value]
    several = words([key, key + 1, key, 3], [position, position, position + 1, 0], [value] * 4)
    rows = TRAINING.drawn_for(several.at(torch.tensor(order)), AIMS, seed)
    assert rows[list(order).index(0)] == row


def test_draws_are_even_over_words_and_differ_between_words_and_seeds():
    n = 3400
    many = words([7] * n, list(range(n)), [0] * n)
    for aims, rows in ((AIMS, np.flatnonzero(TRAINING.y == 1)), (np.full(3, -1), np.arange(50))):
        drawn = TRAINING.drawn_for(many, aims, 0)
        counts = np.bincount(drawn, minlength=50)
        assert (counts[rows] > 0).all() and counts.sum() == counts[rows].sum()
        expected = n / len(rows)
        # Chi-squared with 16 or 49 degrees of freedom.
        assert ((counts[rows] - expected) ** 2 / expected).sum() < 100
        assert (TRAINING.drawn_for(many, aims, 1) != drawn).mean() > 0.9


def test_no_word_draws_from_its_own_sentence():
    for i, text in enumerate(TEXTS):
        own = words([sentence_key(text.forms)] * 60, list(range(60)), [0, 1, 2] * 20)
        assert not (TRAINING.sentence_ids[TRAINING.drawn_for(own, AIMS, 0)] == i).any()
        assert not (TRAINING.sentence_ids[TRAINING.drawn_for(own, np.full(3, -1), 0)] == i).any()
    alone = replace(TRAINING, y=np.array([0, 1]), X=np.zeros((2, 3)), sentence_ids=np.array([0, 1]))
    own = words([sentence_key(TEXTS[1].forms)], [0], [0])
    with pytest.raises(ValueError, match=r"of 2 training words, 1 have the value .* none of them"):
        alone.drawn_for(own, AIMS, 0)
    with pytest.raises(ValueError, match="of 2 training words, 0 have"):
        alone.drawn_for(own, np.array([2, 2, 0]), 0)


def test_texts_are_told_apart_however_they_are_cut():
    assert len({sentence_key(forms) for forms in (("ab", "c"), ("a", "bc"), ("abc",), ("ab", "c", ""))}) == 4


def experiment(layer: int = 1) -> Experiment:
    return Experiment(tiny.world("bert"), tiny.data("bert", layer))


@pytest.mark.parametrize("kind", [Interchange(seed=4), ResampleAblation(4), Interchange("PL")], ids=str)
def test_neither_parts_nor_ks_nor_other_words_make_a_difference(kind):
    order = pf.rank("random", experiment().data)
    whole = experiment().intervene(order, kind, [3, 9, tiny.D])
    alone = [experiment().intervene(order, kind, [k]).outcomes for k in (3, 9, tiny.D)]
    pd.testing.assert_frame_equal(whole.outcomes, pd.concat(alone, ignore_index=True))
    few = experiment().intervene(order, kind, [3, 9, tiny.D], sentences=4).outcomes
    found = whole.outcomes.merge(few, on=["k", "sentence", "position"], suffixes=("", "_few"))
    assert len(found) == len(few) and found["predicted"].equals(found["predicted_few"])
    parts = [judged_words(part, whole.ks) for part in whole.replay.parts(3)]
    joined = pd.concat(parts).sort_values(["k", "sentence", "position"], ignore_index=True)
    pd.testing.assert_frame_equal(joined, whole.outcomes)
    assert (whole.outcomes["kind"] == kind.label).all()
    target = "none" if isinstance(kind, ResampleAblation) else kind.target or "next"
    assert (whole.outcomes["target"] == target).all()


def test_the_units_are_those_of_one_training_word_at_all_subwords_and_ks():
    data, order = tiny.data("bert", 1), np.random.default_rng(0).permutation(tiny.D)
    training = TrainingWords.of(data.train, tiny.world("bert").of_split["train"])
    means = Means(np.zeros((3, tiny.D)), np.zeros(tiny.D), training)
    own = words([1, 1, 2], [5, 5, 0], [0, 0, 2])
    rows = training.drawn_for(own, AIMS, 3)
    assert rows[0] == rows[1]
    for dtype in (torch.float32, torch.float64):
        states = torch.randn(3, tiny.D, dtype=dtype, generator=torch.Generator().manual_seed(0))
        for k in (0, 5, tiny.D):
            changed = Interchange(seed=3).change(order, k, means, AIMS).apply(states, own)
            expected = states.numpy().copy()
            expected[:, order[:k]] = data.train.X[rows][:, order[:k]]
            assert changed.dtype == dtype and np.array_equal(changed.numpy(), expected)
    with pytest.raises(ValueError, match="came without their training words"):
        Interchange().change(order, 2, Means(np.zeros((3, tiny.D)), np.zeros(tiny.D)), AIMS)
    with pytest.raises(ValueError, match="a seed must be a whole number"):
        ResampleAblation(seed=-1)


@pytest.mark.parametrize("which", ["mini", "mini_causal"])
def test_margins_are_those_of_one_item_at_a_time(which, request):
    made = request.getfixturevalue(which).experiment("eng", "Number", layer=2)
    model, data, items = made.model, made.data, generated("eng", "Number", count=3)
    order, k, kind = made.rank("probeless"), 40, Interchange(seed=5)
    run = made.intervene(order, kind, [k], sentences=1)
    found = run.margins(items)
    chosen = order.order[:k].copy()
    trials = questions(run.replay, items).trials
    assert len(trials) == len(found)
    values = data.values
    for trial, row in zip(trials, found.itertuples(), strict=True):
        one = items[row.item]
        assert trial.sentence == sentence_key(one.words)
        source = run.replay.changes[-1].training.drawn_for(
            words([trial.sentence], [trial.position], [trial.value]), np.array([1, 0]), 5
        )[0]
        assert values[data.train.y[source]] != values[trial.value]
        margin = 0.0
        for form, sign in ((trial.right, 1), (trial.wrong, -1)):
            ids, at = torch.tensor([form.ids]), torch.tensor([form.word_ids])
            batch = type(model.encode([["a"]]))(ids, torch.ones_like(ids), at)
            states = model.hidden(batch, 2)
            slots = (at[0] == trial.position).nonzero()[:, 0]
            slots = slots[-1:] if model.pooling == "last" else slots
            states[0, slots[:, None], chosen[None]] = torch.tensor(data.train.X[source][chosen])
            log_p = model.head(model.resume(batch, 2, states)[0]).double().log_softmax(-1)
            for slot, piece in zip(form.slots, form.pieces, strict=True):
                ends = log_p[slot, torch.as_tensor(model.end_ids)].logsumexp(0)
                margin += sign * float(ends if piece < 0 else log_p[slot, piece])
        assert row.margin == pytest.approx(margin, abs=1e-9)
