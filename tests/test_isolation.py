"""Isolation against a plain pass with a hook on ten sentences of the mini world, attribute by attribute."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import tiny_worlds as tiny
import torch
from drawn import drawn_twice, is_whole

import pitfalls as pf
from pitfalls.interventions import isolation_matrix, isolation_scores
from pitfalls.interventions.isolation import _Reader
from pitfalls.interventions.replay import Targets
from pitfalls.interventions.run import Run
from pitfalls.interventions.translation import ConstantTranslation
from pitfalls.language.analysers import LexiconAnalyser
from pitfalls.language.corpus import Word
from pitfalls.language.lexicon import Lexicon
from pitfalls.worlds.experiment import Experiment

LAYER, KS = 2, [0, 40, 128]


def run_of(mini, attribute: str, kind) -> Run:
    experiment = mini.experiment("spa", attribute, layer=LAYER)
    return experiment.intervene(experiment.rank("probeless"), kind, KS, sentences=10, seed=5)


@pytest.fixture(scope="module")
def gender(mini) -> Run:
    return run_of(mini, "Gender", ConstantTranslation(2.0))


# ------------------------------------------------------------------------------------------ the oracle


def slow_forms(mini, run: Run, order: np.ndarray, k: int) -> dict[tuple[int, int], str | None]:
    """The form predicted for each word of the sentences; None where the pieces are not one word."""
    model, tokenizer, part = mini.model.model, mini.model.tokenizer, run.replay.part
    train = mini.experiment("spa", part.attribute, layer=LAYER).data.train
    means = np.stack([train.X[train.y == value].mean(0) for value in range(2)])
    found = {}
    for s in np.unique(run.replay.targets.sentences).tolist():
        sentence = run.replay.sentences[s]
        encoded = tokenizer([list(sentence.forms)], is_split_into_words=True, return_tensors="pt")
        owner = encoded.word_ids(0)

        def change(_, args, owner=owner, sentence=sentence):
            states = args[0].clone()
            for slot, word in enumerate(owner):
                value = None if word is None else sentence.words[word].attributes.get(part.attribute)
                if value in part.values:
                    own = part.values.index(value)
                    push = 2 * (means[1 - own] - means[own])
                    for neuron in order[:k].tolist():
                        states[0, slot, neuron] += push[neuron]
            return (states, *args[1:])

        handle = model.get_submodule(f"bert.encoder.layer.{LAYER}").register_forward_pre_hook(change)
        with torch.no_grad():
            best = model(**encoded).logits[0].argmax(-1)
        handle.remove()
        for position in range(len(sentence.words)):
            pieces = tokenizer.convert_ids_to_tokens([int(best[i]) for i, w in enumerate(owner) if w == position])
            found[s, position] = tiny.spelt("bert", pieces)
    return found


def slow_counts(mini, run: Run, k: int) -> dict[tuple[str, str], Counter]:
    """Every word's attributes, judged by the lexicon: (kind of words, attribute) -> how many kept, changed, unread."""
    lexicon, part, counts = mini.lexicon("spa"), run.replay.part, {}
    order = mini.experiment("spa", part.attribute, layer=LAYER).rank("probeless").order
    for (s, position), form in slow_forms(mini, run, order, k).items():
        word = run.replay.sentences[s].words[position]
        which = "changed" if word.attributes.get(part.attribute) in part.values else "neighbours"
        readings = [] if form is None else list(lexicon.lookup(form))
        if any(reading.lemma == word.lemma for reading in readings):
            readings = [reading for reading in readings if reading.lemma == word.lemma]
        for name, value in word.attributes.items():
            values = {reading.value(name) for reading in readings}
            other = part.values[1 - part.values.index(value)] if name == part.attribute and value in part.values else ""
            fate = "kept" if value in values and other not in values else "changed" if values else "unread"
            if form is not None and form.lower() == word.form.lower():
                fate = "kept"
            counts.setdefault((which, name), Counter())[fate] += 1
    return counts


def test_isolation_is_that_of_whole_passes_on_ten_sentences(mini, gender):
    table = gender.isolation()
    assert gender.replay.targets.sentences.max() > 0 and len(np.unique(gender.replay.targets.sentences)) == 10
    before = slow_counts(mini, gender, 0)
    for k in KS:
        slow = slow_counts(mini, gender, k)
        here = table[table["k"] == k]
        assert set(zip(here["words"], here["measured"], strict=True)) == set(slow)
        for row in here.itertuples():
            own = slow[row.words, row.measured]
            assert (row.count, row.changed, row.unread) == (sum(own.values()), own["changed"], own["unread"])
            assert row.share == row.changed / row.count
            at_0 = before[row.words, row.measured]
            assert (row.baseline, row.baseline_unread) == (at_0["changed"] / row.count, at_0["unread"] / row.count)
    own = table[(table["measured"] == "Gender") & (table["words"] == "changed")].set_index("k")
    assert own.loc[0, "aimed"] == 0 < own.loc[128, "aimed"] <= own.loc[128, "changed"]
    assert (table.loc[table["measured"] != "Gender", "aimed"] == 0).all()


def test_it_agrees_with_outcomes_and_damage(gender):
    """A word that is unchanged keeps everything, and one with the right lemma and the value aimed at is aimed."""
    own = gender.isolation().query("measured == 'Gender' and words == 'changed'").set_index("k")
    for k, words in gender.outcomes.groupby("k"):
        counts = words["outcome"].value_counts()
        assert own.loc[k, "count"] == len(words)
        wrong = counts.get("wrong_intended", 0)
        assert counts.get("intended", 0) <= own.loc[k, "aimed"] == counts.get("intended", 0) + wrong
        assert own.loc[k, "unread"] == counts.get("split", 0) + counts.get("unknown", 0)
    damaged = gender.damage().set_index("k")["damaged"]
    changed = gender.isolation().query("words == 'neighbours'").groupby("k")[["changed", "unread"]].max().sum(axis=1)
    assert (changed <= damaged + 1).all()


def test_scores_are_of_the_changed_words_and_other_attributes(gender):
    scores = isolation_scores(gender.isolation()).set_index("k")
    table = gender.isolation()
    for k in KS:
        here = table[(table["k"] == k) & (table["words"] == "changed")].set_index("measured")
        rest = here.drop(index="Gender")
        kept = (rest["count"] - rest["changed"] - rest["unread"]).sum() / rest["count"].sum()
        assert scores.loc[k, "cause"] == here.loc["Gender", "aimed"] / here.loc["Gender", "count"]
        assert scores.loc[k, "isolation"] == pytest.approx(kept)
        assert scores.loc[k, "score"] == pytest.approx((scores.loc[k, "cause"] + kept) / 2)
    assert scores.loc[0, "isolation"] > 0.95 and scores.loc[128, "cause"] > scores.loc[0, "cause"]


def test_readings_with_the_words_own_lemma_come_before_others():
    forms = [("b", "a", {"Gender": "FEM", "Number": "SG"}), ("b", "x", {"Gender": "MASC", "Number": "PL"})]
    lexicon = Lexicon.from_forms("spa", [*forms, ("c", "x", {"Number": "PL"})])
    spelt = {(1,): "a", (2,): "b", (3,): "c", (4,): "d"}
    model = SimpleNamespace(join=lambda pieces, like=None, form=None: spelt.get(tuple(pieces)))
    replay = SimpleNamespace(
        subject=SimpleNamespace(model=model, analyser=lambda: LexiconAnalyser(lexicon, "toy")),
        part=SimpleNamespace(attribute="Gender", values=("FEM", "MASC")),
        aims=[1, 0],
    )
    reader = _Reader(replay, [Word("a", "a", {"Gender": "MASC", "Number": "PL"})])
    found = [tuple(reader.fates(0, (1,), (piece,)).values()) for piece in (1, 2, 3, 4, 5)]
    assert found == [("kept",) * 2, ("aimed", "other"), ("other", "kept"), ("unread",) * 2, ("unread",) * 2]


def test_where_none_is_aimed_at_any_other_value_is_the_cause(mini):
    run = run_of(mini, "Gender", pf.Ablation())
    table = run.isolation().query("measured == 'Gender' and words == 'changed'").set_index("k")
    assert (table["aimed"] == 0).all()
    scores = isolation_scores(run.isolation()).set_index("k")
    np.testing.assert_allclose(scores["cause"], table["changed"] / table["count"])


def test_runs_stack_to_a_matrix_and_a_figure(mini, gender):
    number = run_of(mini, "Number", ConstantTranslation(2.0))
    table = isolation_matrix([gender, number])
    assert table["k"].eq(128).all() and set(table["attribute"]) == {"Gender", "Number"}
    pd.testing.assert_frame_equal(
        isolation_matrix(gender, k=40), gender.isolation().query("k == 40").reset_index(drop=True)
    )
    plot = drawn_twice(pf.figures.isolation, table)
    assert len(plot.table) == len(table)
    cell = table[(table["words"] == "changed") & (table["attribute"] == "Gender") & (table["measured"] == "Number")]
    assert f"Number {cell['share'].item():.2f} of {cell['count'].item()}" in plot.alt
    assert len(plot.figure.axes) == 3 and is_whole(plot)
    for runs, said in (
        ([], "no run was given: give a list"),
        ([gender, gender], "change Gender, Gender: give runs of one language, one for each"),
    ):
        with pytest.raises(ValueError, match=said):
            isolation_matrix(runs)
    with pytest.raises(ValueError, match="not all have k = 3"):
        isolation_matrix([gender], k=3)
    with pytest.raises(ValueError, match="shows one k for each attribute"):
        pf.figures.isolation(gender.isolation())


def test_sentences_without_neighbours_have_no_rows_for_them():
    data = tiny.data("bert", 1)
    made = Experiment(tiny.world("bert"), data)
    run = made.intervene(pf.rank("random", data), pf.Translation(50.0), [0, tiny.D])
    # The last sentence is a single noun.
    last = run.replay.targets.sentences == run.replay.targets.sentences.max()
    targets = run.replay.targets
    alone = Targets(targets.sentences[last], targets.positions[last], targets.values[last])
    run = Run(replace(run.replay, targets=alone), run.ks)
    assert run.isolation()["words"].unique().tolist() == ["changed"]
    assert isolation_scores(run.isolation())["isolation"].isna().all()
