"""A world with fewer sentences: the same world, but for the sentences that were not drawn."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_worlds import few_sentences

import pitfalls as pf
from pitfalls.columns import SPLITS
from pitfalls.interventions.interchange import Interchange
from pitfalls.language.agreement import generated
from pitfalls.language.corpus import Corpus, Sentence, Word
from pitfalls.models.interface import LanguageModel
from pitfalls.study.setting import world_identity
from pitfalls.worlds.sources import FileSource, SampledSource
from pitfalls.worlds.world import World

N, DRAWN, LAYER = 60, 25, 2
FEW = {"train": DRAWN, "dev": 20}


@dataclass(frozen=True)
class Case:
    """A world, the same one sampled, and one that never had more than the sentences drawn."""

    whole: World
    few: World
    plain: World


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> FileSource:
    return few_sentences(tmp_path_factory.mktemp("sampled"), N)


def cases(model: LanguageModel, source: FileSource) -> Case:
    whole = World("small", model, source, min_forms=12)
    few = whole.sampled(FEW, seed=3)
    drawn = {split: Corpus("eng", tuple(few.sentences("eng", split)), split) for split in SPLITS}
    judge = few.analyser("eng")
    return Case(whole, few, World("small", model, FileSource(drawn), min_forms=1).judged_by(judge))


@pytest.fixture(scope="module", params=["mini", "mini_causal"])
def case(request: pytest.FixtureRequest, source: FileSource) -> Case:
    return cases(request.getfixturevalue(request.param).model, source)


def test_some_sentences_of_the_splits_named_and_all_of_the_others(case: Case) -> None:
    whole, few = case.whole, case.few
    assert [len(few.sentences("eng", split)) for split in SPLITS] == [DRAWN, 20, N]
    assert few.sentences("eng", "test") == whole.sentences("eng", "test")
    numbers = [whole.sentences("eng", "train").index(sentence) for sentence in few.sentences("eng", "train")]
    assert numbers == sorted(set(numbers)) and numbers != list(range(DRAWN))
    assert len(whole.sentences("eng", "train")) == N
    again, other = (whole.sampled(FEW, seed).sentences("eng", "train") for seed in (3, 4))
    assert again == few.sentences("eng", "train") != other
    assert whole.sampled({"train": N + 1}).sentences("eng", "train") == whole.sentences("eng", "train")


@given(st.integers(1, 12), st.integers(1, 15), st.integers(0, 5))
def test_as_many_as_wanted_in_their_order_and_none_twice(there: int, wanted: int, seed: int) -> None:
    sentences = tuple(Sentence(str(i), (Word("a", "a", {}),)) for i in range(there))
    toy: Any = SimpleNamespace(corpus=lambda language, split: Corpus(language, sentences, split))
    ids = [int(one.id) for one in SampledSource(toy, {"dev": wanted}, seed).corpus("eng", "dev").sentences]
    assert len(ids) == min(there, wanted) and ids == sorted(set(ids)) and set(ids) <= set(range(there))


def test_every_sentence_may_be_drawn() -> None:
    sentences = tuple(Sentence(str(i), (Word("a", "a", {}),)) for i in range(6))
    toy: Any = SimpleNamespace(corpus=lambda language, split: Corpus(language, sentences, split))
    drawn = [SampledSource(toy, {"dev": 2}, seed).corpus("eng", "dev").sentences for seed in range(40)]
    assert {one.id for found in drawn for one in found} == set("012345")


def test_values_and_lexicon_are_those_of_the_whole_text(case: Case) -> None:
    whole, few = case.whole, case.whole.sampled({"train": 3})
    assert whole.values("eng", "Number") == few.values("eng", "Number") == ("PL", "SG")
    pd.testing.assert_frame_equal(few.pairs(), whole.pairs())
    # These three sentences alone would not pass the filter.
    three = FileSource({split: few.corpus("eng", split) for split in SPLITS})
    assert replace(few, source=three, _corpora={}, _lexicons={}, _whole=None).values("eng", "Number") == ()
    assert few.lexicon("eng").analyses == whole.lexicon("eng").analyses
    left_out = set(whole.sentences("eng", "train")) - set(few.sentences("eng", "train"))
    forms = {form for sentence in left_out for form in sentence.forms}
    assert all(few.analyser("eng").analyse(form) == whole.analyser("eng").analyse(form) for form in forms)
    assert few.analyser("eng").analyse(min(forms))


def test_words_and_vectors_are_those_of_the_same_sentences_in_the_whole_world(case: Case) -> None:
    whole, few, plain = (one.activations("eng", "Number", LAYER) for one in (case.whole, case.few, case.plain))
    numbers = [case.whole.sentences("eng", "train").index(one) for one in case.few.sentences("eng", "train")]
    rows = np.flatnonzero(np.isin(whole.train.sentence_ids, numbers))
    # In other batches, whose padding differs, sums are rounded differently.
    np.testing.assert_allclose(few.train.X, np.asarray(whole.train.X)[rows], rtol=1e-9, atol=1e-11)
    np.testing.assert_array_equal(few.train.y, np.asarray(whole.train.y)[rows])
    assert few.train.forms == tuple(whole.train.forms[row] for row in rows)
    assert [numbers[i] for i in few.train.sentence_ids] == whole.train.sentence_ids[rows].tolist()
    for split in SPLITS:
        own, other = getattr(few, split), getattr(plain, split)
        np.testing.assert_array_equal(own.X, other.X)
        assert (own.forms, own.values) == (other.forms, other.values)


def test_an_experiment_is_that_of_the_same_sentences(case: Case) -> None:
    found = []
    for world in (case.few, case.plain):
        experiment = world.experiment("eng", "Number", LAYER)
        run = experiment.intervene(experiment.rank("probeless"), Interchange(), ks=[32, 128], sentences=8)
        asked = experiment.intervene(experiment.rank("probeless"), pf.Translation(beta=8), ks=[32, 128], sentences=8)
        tables = [experiment.probe(experiment.rank("probeless"), ks=[1, 8], probes=["gaussian"])]
        tables += [run.margins(generated("eng", "Number", 2)), asked.agreement(generated("eng", "Number", 3), draws=9)]
        found.append(tables if case.whole.model.causal else [*tables, run.outcomes, asked.rates(draws=9)])
    for own, other in zip(*found, strict=True):
        pd.testing.assert_frame_equal(own, other, check_exact=True)


def test_vectors_are_prepared_of_the_sentences_drawn(case: Case, tmp_path) -> None:
    few = replace(case.few, cache=tmp_path)
    words = [sum(len(one.words) for one in case.few.sentences("eng", split)) for split in SPLITS]
    assert few.prepare(["eng"], [LAYER])["words"].tolist() == words
    assert few.disk_need(["eng"], [LAYER]) == 0 < replace(case.whole, cache=tmp_path).disk_need(["eng"], [LAYER])


def test_its_identity_is_that_of_its_sentences(case: Case) -> None:
    same = case.whole.sampled(FEW, seed=3)
    worlds = (case.whole, case.few, case.whole.sampled(FEW, seed=4), replace(case.plain, min_forms=12))
    whole, few, other, plain = (world_identity(world, ["eng"]) for world in worlds)
    assert few == world_identity(same, ["eng"]) == plain and len({whole, few, other}) == 3


def test_what_is_made_of_a_sampled_world_is_sampled(case: Case) -> None:
    few = case.few
    for other in (few.untrained(), few.rotated(), few.judged_by(few.analyser("eng"))):
        assert other.sentences("eng", "train") == few.sentences("eng", "train")
        assert other.values("eng", "Number") == ("PL", "SG")
        with pytest.raises(ValueError, match="this world is sampled already: draw from the world that it was drawn fr"):
            other.sampled({"train": 3})


@pytest.mark.parametrize(
    ("sentences", "seed", "said"),
    [
        ({"valid": 3}, 0, "a corpus has the splits train, dev, test, not 'valid'"),
        ({"train": 3, "dev": 0}, 0, "the sentences of dev must be a whole number, 1 or more, not 0"),
        ({"train": 2.5}, 0, r"the sentences of train must be a whole number, 1 or more, not 2\.5"),
        ({"train": True}, 0, "the sentences of train must be a whole number, 1 or more, not True"),
        ({"train": 3}, -1, "a seed must be a whole number, 0 or more, not -1"),
    ],
)
def test_what_cannot_be_drawn(planted: World, sentences: dict[str, int], seed: int, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        planted.sampled(sentences, seed)
