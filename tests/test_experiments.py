"""One intervention under all rankings: the tables of the plain calls, kept in files never taken for another's."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest
import tiny_worlds as tiny
import torch

from pitfalls.arrays.ranking import Ranking
from pitfalls.arrays.splits import Splits
from pitfalls.columns import SPLITS
from pitfalls.interventions.ablation import Ablation
from pitfalls.interventions.outcomes import counts
from pitfalls.interventions.replay import Sample, prepare
from pitfalls.interventions.translation import ConstantTranslation, Translation
from pitfalls.language.agreement import Item
from pitfalls.language.analysers import LexiconAnalyser
from pitfalls.language.corpus import Sentence, Word
from pitfalls.language.lexicon import Analysis, Lexicon
from pitfalls.rankings import PAPER_RANKINGS, rank
from pitfalls.site import Site
from pitfalls.study import experiments
from pitfalls.study.experiments import Agreements, Interventions, ranking_of
from pitfalls.study.sweep import sweep
from pitfalls.worlds.experiment import Experiment

KS = [0, 3, tiny.D]


@dataclass(frozen=True)
class World(tiny.TinyWorld):
    """A tiny world with a value filter, and with its own analyser if need be."""

    min_forms: int = 1
    judge: LexiconAnalyser | None = None

    def analyser(self, language):
        return self.judge or super().analyser(language)


def world(layout="bert", **others):
    plain = tiny.world(layout)
    return World(**{"model": plain.model, "of_split": plain.of_split, **others})


def plan(layout="bert", **others):
    subject = Experiment(others.pop("world", world(layout)), others.pop("data", tiny.data(layout, 1)))
    return Interventions(subject, **{"kind": Translation(beta=8), "ks": KS, "max_neurons": 4, **others})


@pytest.fixture
def small_parts(monkeypatch):
    monkeypatch.setattr(experiments, "_SENTENCES_A_PART", 4)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("layout", ["bert", "xlmr"])
@pytest.mark.parametrize(
    "kind",
    [Translation(8), Translation(4, "PL"), ConstantTranslation(alpha=2), Ablation(), Ablation("mean")],
    ids=repr,
)
def test_the_tables_are_those_of_a_plain_run(tmp_path, layout, kind):
    asked = plan(layout, kind=kind)
    (task,) = (task for task in asked.tasks(seed=3) if task.name == "probeless-btt-3")
    for found in (0, 1):
        swept = sweep([task], asked.work, tmp_path)
        assert (swept.found, swept.failures) == (found, [])
        ranking = rank("probeless", asked.experiment.data, "btt", 3)
        run, tables = asked.experiment.intervene(ranking, kind, KS), swept.tables()
        pd.testing.assert_frame_equal(tables["effects"], run.counts(), check_exact=True)
        pd.testing.assert_frame_equal(tables["intervals"], run.rates(), check_exact=True)


@pytest.mark.parametrize(("name", "direction"), PAPER_RANKINGS)
def test_a_ranking_comes_back_from_its_file(tmp_path, name, direction):
    asked = plan(ks=[0])
    (task,) = (task for task in asked.tasks(seed=5) if task.name == f"{name}-{direction}-5")
    found = ranking_of(sweep([task], asked.work, tmp_path).results[0])
    plain = rank(name, asked.experiment.data, direction, 5, max_neurons=4)
    assert (found.name, found.direction, found.seed) == (plain.name, plain.direction, plain.seed)
    np.testing.assert_array_equal(found.order, plain.order)


def test_as_many_random_rankings_as_asked_for():
    found = [task.parameters for task in plan().tasks(seed=5, random_draws=3)]
    assert [(one["ranking"], one["direction"]) for one in found] == [*PAPER_RANKINGS, *[("random", "ttb")] * 2]
    assert [one["seed"] for one in found if one["ranking"] == "random"] == [5, 6, 7]


def others():
    """What differs from `plan` in one respect each, by name."""
    usual = plan()
    data, sentences = usual.experiment.data, usual.experiment.world.of_split
    known = usual.experiment.world.lexicon("eng").analyses
    more = Lexicon("eng", {**known, "stcxo": (Analysis.of("stcx", {"Number": "PL"}),)})
    relemmatised = tuple(
        replace(s, words=tuple(replace(w, lemma=w.lemma.upper()) for w in s.words)) for s in sentences["test"]
    )
    moved = replace(data.train, X=data.train.X + np.float32(1e-3))
    with torch.random.fork_rng():
        torch.manual_seed(1)
        model = tiny.bert()
    return {
        "beta": {"kind": Translation(beta=7.999)},
        "kind": {"kind": ConstantTranslation(alpha=8)},
        "k": {"ks": [0, 4, tiny.D]},
        "target": {"kind": Translation(beta=8, target="PL")},
        "max_neurons": {"max_neurons": 5},
        "vectors": {"data": replace(data, train=moved)},
        "fewer words": {"data": replace(data, dev=data.dev.sample(9, seed=0))},
        "site": {"data": Splits(**{name: replace(getattr(data, name), site=Site("residual", 2)) for name in SPLITS})},
        "model": {"world": world(model=model)},
        "lemmas": {"world": world(of_split={**sentences, "test": relemmatised})},
        "judge": {"world": world(judge=LexiconAnalyser(more, "another"))},
    }


def item(controller):
    """An agreement item with one of two controllers."""
    given = {"language": "eng", "attribute": "Number", "relation": "verb", "words": ("stba", "stca", "walks")}
    forms = {"place": 2, "wrong": "walk", "lemma": "walk", "value": "SG", "wrong_value": "PL"}
    return Item(**given, **forms, controller=controller)


def files_of(asked, folder, seed=0):
    return [task.file(folder) for task in asked.tasks(seed)]


def test_whatever_decides_the_tables_decides_the_files(tmp_path, monkeypatch):
    usual = files_of(plan(), tmp_path)
    assert usual == files_of(plan(), tmp_path) and len(set(usual)) == 7
    found = {name: files_of(plan(**other), tmp_path) for name, other in others().items()}
    found["seed"] = files_of(plan(), tmp_path, seed=1)
    for controller in (0, 1):
        found[f"items {controller}"] = files_of(Agreements(**vars(plan()), items=[item(controller)]), tmp_path)
    monkeypatch.setattr(experiments, "VERSION", 2)
    found["version"] = files_of(plan(), tmp_path)
    monkeypatch.setattr(experiments.metadata, "version", lambda name: "0.0")
    found["libraries"] = files_of(plan(), tmp_path)
    every = [*usual, *(file for files in found.values() for file in files)]
    assert len(set(every)) == len(every), found


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_parts_hold_every_word_once_and_no_sentence_twice(size):
    asked = plan()
    run = prepare(asked.experiment, asked.experiment.rank("probeless"), asked.kind, KS, Sample())
    found = run.parts(size)
    sentences = [set(part.targets.sentences.tolist()) for part in found]
    assert all(len(own) <= size for own in sentences) and len(sentences) == -(-len(set.union(*sentences)) // size)
    assert sum(map(len, sentences)) == len(set.union(*sentences))
    for name in ("sentences", "positions", "values"):
        joined = np.concatenate([getattr(part.targets, name) for part in found])
        np.testing.assert_array_equal(joined, getattr(run.targets, name))
    with pytest.raises(ValueError, match="1 sentence or more, not 0"):
        run.parts(0)


def with_foreign(words_known):
    """A world whose first test sentences are unknown to the tokenizer, followed by some that it knows."""
    foreign = [Sentence(value, (Word("жжж", "ж", {"Number": value}),)) for value in tiny.VALUES]
    known = [Sentence("k", (tiny.noun("stb", "a"),))] * words_known
    made = world(of_split={**tiny.world("bert").of_split, "test": (*foreign, *known)})
    test = tiny.activations(made.model, made.of_split["test"], 1)
    return {"world": made, "data": replace(tiny.data("bert", 1), test=test)}


def test_a_part_of_unknown_words_is_no_error_if_another_part_has_known_ones(monkeypatch):
    monkeypatch.setattr(experiments, "_SENTENCES_A_PART", 1)
    asked = plan(**with_foreign(1))
    order = Ranking(np.arange(tiny.D), None, "none")
    plain = asked.experiment.intervene(order, asked.kind, KS)
    pd.testing.assert_frame_equal(counts(asked._words(order)), plain.counts())
    with pytest.raises(ValueError, match=r"unknown tokens in all 3 words to change \(100 %\)"):
        plan(**with_foreign(0))._words(order)


def test_counts_refuse_what_is_no_outcome():
    with pytest.raises(ValueError, match=r"the outcomes \['lots'\] are not among"):
        counts(pd.DataFrame({"k": [0], "outcome": ["lots"]}))


def test_a_rehearsal_finds_what_cannot_work():
    plan().rehearse()
    plan(**with_foreign(1)).rehearse()
    with pytest.raises(ValueError, match="the target 'X' is not one of the values"):
        plan(kind=Translation(target="X")).rehearse()
    with pytest.raises(ValueError, match="unknown tokens in all 3 words"):
        plan(**with_foreign(0)).rehearse()
    with pytest.raises(ValueError, match="no item: make some"):
        Agreements(**vars(plan())).rehearse()
