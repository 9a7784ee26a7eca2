"""An intervention that is stopped in any way goes on where it was: no word lost, none twice, no damage trusted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tiny_worlds as tiny
import torch

from pitfalls.arrays.ranking import Ranking
from pitfalls.interventions.ablation import Ablation
from pitfalls.interventions.controls import RandomDirection
from pitfalls.interventions.counts import counts
from pitfalls.interventions.erasure import LeaceErasure
from pitfalls.interventions.intervals import rate_intervals
from pitfalls.interventions.kinds import Change
from pitfalls.interventions.replay import prepare
from pitfalls.interventions.run import intervene, outcomes_by_word
from pitfalls.interventions.translation import ConstantTranslation, Translation
from pitfalls.language.analysers import LexiconAnalyser
from pitfalls.language.corpus import Sentence, Word
from pitfalls.language.lexicon import Lexicon
from pitfalls.rankings import PAPER_RANKINGS, rank
from pitfalls.study import experiments, stored
from pitfalls.study import unfinished as module
from pitfalls.study.digests import digest
from pitfalls.study.unfinished import finish, resumed_outcomes, resumed_ranking, unfinished

KS = [0, 3, tiny.D]
A_PART = 4
# What the subprocesses run: the same as `given`, each part slowed down so that there is time to kill it.
SCRIPT = """
import sys, time
from pathlib import Path
import test_unfinished as here
from pitfalls.study import unfinished as module
quick = module.judged_words
def slow(*given):
    time.sleep(float(sys.argv[2]))
    return quick(*given)
module.judged_words = slow
print("ready", flush=True)
table = module.resumed_outcomes(*here.given(), folder=Path(sys.argv[1]), sentences_a_part=here.A_PART)
table.to_csv(sys.argv[3], index=False)
"""


def given(layout="bert", kind=None, ks=KS, seed=0):
    data = tiny.data(layout, 1)
    order = Ranking(np.random.default_rng(seed).permutation(tiny.D), None, "drawn", seed=seed)
    return tiny.world(layout), data, order, kind or Translation(beta=8), ks


def resumed(folder, *arguments, **options):
    return resumed_outcomes(*(arguments or given()), folder=folder, sentences_a_part=A_PART, **options)


def start(folder, seconds_a_part=0.0, table="/dev/null"):
    environment = {**os.environ, "PYTHONPATH": f"{Path(__file__).parent.parent}:{Path(__file__).parent}"}
    command = [sys.executable, "-c", SCRIPT, str(folder), str(seconds_a_part), str(table)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def parts(folder):
    return sorted(folder.glob("*/part-*.zip"))


def times(folder):
    return {path: path.stat().st_mtime_ns for path in parts(folder)}


def until(condition, process):
    for _ in range(6000):
        if condition():
            return
        assert process.poll() is None, "it ended before it could be stopped"
        time.sleep(0.02)
    raise AssertionError("nothing happened for two minutes")


# ------------------------------------------------------------------------------------- the same table


@pytest.mark.parametrize("layout", ["bert", "xlmr"])
@pytest.mark.parametrize(
    ("kind", "target"),
    [
        (Translation(beta=8), None),
        (Translation(beta=4), "PL"),
        (ConstantTranslation(alpha=2), None),
        (Ablation(), None),
        (Ablation("mean"), None),
        (RandomDirection(beta=8), None),
    ],
    ids=lambda value: getattr(value, "label", value),
)
def test_the_table_is_that_of_outcomes_by_word(tmp_path, layout, kind, target):
    plain = outcomes_by_word(*given(layout, kind), target=target)
    for size in (1, 4, 1000):
        for _ in ("made", "read"):
            found = resumed_outcomes(*given(layout, kind), folder=tmp_path, target=target, sentences_a_part=size)
            pd.testing.assert_frame_equal(found, plain, check_exact=True)


def test_kinds_that_hold_tensors_are_told_apart(tmp_path):
    for layer in (0, 1):
        data = tiny.data("bert", layer)
        world, _, order, _, ks = given()
        plain = outcomes_by_word(world, data, order, LeaceErasure.of(data), ks)
        pd.testing.assert_frame_equal(resumed(tmp_path, world, data, order, LeaceErasure.of(data), ks), plain)
    world, data, order, _, ks = given()
    resumed(tmp_path, world, data, order, LeaceErasure.of(tiny.data("bert", 0)), ks)
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("kind", [Translation(beta=8), Ablation()], ids=["translation", "ablation"])
def test_counts_of_the_words_are_the_table_of_intervene(tmp_path, kind):
    both = [given(kind=kind, seed=seed) for seed in (1, 0)]
    tables = [(resumed(tmp_path, *arguments), intervene(*arguments)) for arguments in both]
    words, counted = (pd.concat(found, ignore_index=True) for found in zip(*tables, strict=True))
    assert (counted["count"] == 0).any()  # outcomes that no word has are counted too
    pd.testing.assert_frame_equal(counts(words), counted, check_exact=True)


def test_counts_refuse_what_is_no_outcome():
    with pytest.raises(ValueError, match=r"the outcomes \['lots'\] are none of"):
        counts(pd.DataFrame({"k": [0], "outcome": ["lots"]}))


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_parts_hold_every_word_once_and_no_sentence_twice(size):
    world, data, order, kind, ks = given()
    run = prepare(world, data, order, kind, ks)
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
    """A world whose first test sentence has a word that the tokenizer does not know, and one that it does or not."""
    foreign = [Sentence(value, (Word("жжж", "ж", {"Number": value}),)) for value in tiny.VALUES]
    known = [Sentence("k", (tiny.noun("stb", "a"),))] * words_known
    old, _, order, kind, ks = given()
    world = tiny.TinyWorld(old.model, {**old.of_split, "test": (*foreign, *known)})
    test = tiny.activations(world.model, world.of_split["test"], 1)
    return world, replace(tiny.data("bert", 1), test=test), order, kind, ks


def test_a_part_of_unknown_words_is_no_error_if_another_part_has_known_ones(tmp_path):
    found = resumed_outcomes(*with_foreign(1), folder=tmp_path, sentences_a_part=1)
    pd.testing.assert_frame_equal(found, outcomes_by_word(*with_foreign(1)))
    with pytest.raises(ValueError, match=r"unknown tokens in all 3 words to change \(100 %\)"):
        resumed_outcomes(*with_foreign(0), folder=tmp_path, sentences_a_part=1)


# ---------------------------------------------------------------------------------- killed, and again


def test_killed_without_warning_it_goes_on_where_it_was(tmp_path):
    whole = resumed(tmp_path / "whole")
    folder = tmp_path / "killed"
    process = start(folder, seconds_a_part=0.5)
    try:
        until(lambda: len(parts(folder)) >= 2, process)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    before = times(folder)
    assert 2 <= len(before) < len(parts(tmp_path / "whole"))
    run = unfinished(*given(), folder=folder, sentences_a_part=A_PART)
    assert run.finished() == len(before)  # the same key in another process
    done = []
    with pytest.MonkeyPatch.context() as patch:
        quick = module.judged_words
        patch.setattr(module, "judged_words", lambda part, ks: done.append(part) or quick(part, ks))
        found = run.outcomes()
    assert len(done) == len(run.parts) - len(before)
    assert {path: times(folder)[path] for path in before} == before
    pd.testing.assert_frame_equal(found, whole, check_exact=True)
    assert not found.duplicated(["k", "sentence", "position"]).any()
    assert found.groupby("k").size().tolist() == [len(prepare(*given()).targets)] * len(KS)
    rate_intervals(found)  # which refuses a word that comes twice


def test_two_processes_at_once_give_the_same_table(tmp_path):
    tables = [tmp_path / "a.csv", tmp_path / "b.csv"]
    processes = [start(tmp_path / "runs", 0.05, table) for table in tables]
    for process in processes:
        process.communicate()
        assert process.returncode == 0
    assert tables[0].read_bytes() == tables[1].read_bytes()
    pd.testing.assert_frame_equal(resumed(tmp_path / "runs"), outcomes_by_word(*given()), check_exact=True)
    left = [path.name for path in (tmp_path / "runs").glob("*/*") if path.name.startswith(".")]
    assert not left


def test_a_folder_removed_by_a_faster_process_is_made_again(tmp_path, monkeypatch):
    run, write, removed = unfinished(*given(), folder=tmp_path, sentences_a_part=A_PART), module.write_result, []

    def after_removal(path, result):
        if path.name == "part-0002.zip" and not removed:
            removed.append(path)
            finish([run], tmp_path / "none")
            raise FileNotFoundError(2, "No such file or directory")
        write(path, result)

    monkeypatch.setattr(module, "write_result", after_removal)
    pd.testing.assert_frame_equal(run.outcomes(), outcomes_by_word(*given()))
    assert removed and run.finished() == len(run.parts) - 2


# ------------------------------------------------------------------------------------------- damage


def test_what_a_kill_leaves_of_a_part_is_neither_read_nor_in_the_way(tmp_path):
    whole = resumed(tmp_path)
    for path in parts(tmp_path):
        (path.parent / f".{path.name}.abc.part").write_bytes(path.read_bytes()[:100])
    parts(tmp_path)[1].unlink()
    pd.testing.assert_frame_equal(resumed(tmp_path), whole)


def cut(content):
    return content[: len(content) // 2]


def altered(content):
    return content[:200] + bytes([content[200] ^ 0x55]) + content[201:]


@pytest.mark.parametrize("damage", [cut, altered, lambda _: b"", lambda _: b"no archive"], ids=["cut", "bit", "0", "x"])
def test_a_damaged_part_is_done_again_and_no_other(tmp_path, damage):
    whole = resumed(tmp_path)
    before, hurt = times(tmp_path), parts(tmp_path)[1]
    sound = hurt.read_bytes()
    hurt.write_bytes(damage(sound))
    pd.testing.assert_frame_equal(resumed(tmp_path), whole)
    assert hurt.read_bytes() == sound
    assert {path for path, when in times(tmp_path).items() if before[path] != when} == {hurt}


def test_no_altered_byte_changes_an_outcome(tmp_path):
    run = unfinished(*given(ks=[0]), folder=tmp_path, sentences_a_part=2)
    run.outcomes()
    path = parts(tmp_path)[0]
    sound, table = path.read_bytes(), run._read(0)
    for place in range(0, len(sound), 3):
        path.write_bytes(sound[:place] + bytes([sound[place] ^ 0xFF]) + sound[place + 1 :])
        found = run._read(0)
        assert found is None or found.equals(table)


def test_a_part_of_another_run_is_not_taken(tmp_path):
    whole = resumed(tmp_path)
    first, second, *_ = parts(tmp_path)
    first.write_bytes(second.read_bytes())
    pd.testing.assert_frame_equal(resumed(tmp_path), whole)
    resumed(tmp_path / "other", *given(seed=1))
    parts(tmp_path)[0].write_bytes(parts(tmp_path / "other")[0].read_bytes())
    pd.testing.assert_frame_equal(resumed(tmp_path), whole)


def test_a_table_that_was_altered_and_packed_again_is_not_taken(tmp_path):
    whole = resumed(tmp_path)
    path = parts(tmp_path)[0]
    result = stored.read_result(path)
    forged = result.tables["table"].assign(outcome="intended")
    stored.write_result(path, stored.Result(result.manifest, {"table": forged}))
    pd.testing.assert_frame_equal(resumed(tmp_path), whole)


@pytest.mark.parametrize(
    "word",
    ["NA", "null", "nan", "None", "", "1", "1.0", "a,b", 'say "x"', "two\nlines", "\r", "a\rb", " ", "\u2028", "ı"],
)
def test_words_come_back_as_they_were_or_not_at_all(tmp_path, word):
    table = pd.DataFrame({"k": [0, 1], "strength": [np.nan, 8.0], "word": [word, "x"], "outcome": ["split", word]})
    module._keep(tmp_path / "a.zip", "key", table)
    found = module._found(tmp_path / "a.zip", "key")
    assert module._found(tmp_path / "a.zip", "another key") is None
    if "\r" not in word or found is not None:
        pd.testing.assert_frame_equal(found, table)


def test_a_full_disk_leaves_the_parts_before_it_and_no_half_file(tmp_path, monkeypatch):
    whole, sync, calls = resumed(tmp_path / "whole"), os.fsync, []

    def full(handle):
        calls.append(handle)
        # A file is synchronised and then its folder: the manifest, a part, the manifest again, a part, and so on.
        if len(calls) > 10:
            raise OSError(28, "No space left on device")
        sync(handle)

    with monkeypatch.context() as patch:
        patch.setattr("pitfalls.files.os.fsync", full)
        with pytest.raises(OSError, match=r"No space left .*part-0002\.zip'; 2 of \d parts are done"):
            resumed(tmp_path / "full")
    (folder,) = (tmp_path / "full").iterdir()
    assert sorted(path.name for path in folder.iterdir()) == ["manifest.json", "part-0000.zip", "part-0001.zip"]
    before = times(tmp_path / "full")
    pd.testing.assert_frame_equal(resumed(tmp_path / "full"), whole)
    assert {path: times(tmp_path / "full")[path] for path in before} == before


# --------------------------------------------------------------------------------- what decides the key


@dataclass(frozen=True)
class Judged:
    """A world with another analyser."""

    world: tiny.TinyWorld
    judge: LexiconAnalyser

    @property
    def model(self):
        return self.world.model

    def sentences(self, language, split):
        return self.world.sentences(language, split)

    def analyser(self, language):
        return self.judge


def others():
    """What differs from `given` in one thing each, by name."""
    world, data, order, kind, ks = given()
    lexicon = world.lexicon("eng")
    more = lexicon | Lexicon.from_forms("eng", [("stcxo", "stcx", {"Number": "PL"})])
    relemmatised = tuple(
        replace(s, words=tuple(replace(w, lemma=w.lemma.upper()) for w in s.words)) for s in world.of_split["test"]
    )
    train = replace(data.train, X=data.train.X + np.float32(1e-3) * data.train.y[:, None].astype(np.float32))
    with torch.random.fork_rng():
        torch.manual_seed(1)
        model = tiny.bert()
    return {
        "beta": (world, data, order, Translation(beta=7.999), ks),
        "kind": (world, data, order, ConstantTranslation(alpha=8), ks),
        "k": (world, data, order, kind, [0, 4, tiny.D]),
        "fewer k": (world, data, order, kind, [0, 3]),
        "order": (world, data, replace(order, order=order.order[::-1].copy()), kind, ks),
        "seed": (world, data, replace(order, seed=7), kind, ks),
        "name": (world, data, replace(order, name="other"), kind, ks),
        "direction": (world, data, replace(order, direction="btt"), kind, ks),
        "means": (world, replace(data, train=train), order, kind, ks),
        "model": (tiny.TinyWorld(model, world.of_split), data, order, kind, ks),
        "lexicon": (Judged(world, LexiconAnalyser(more, "tiny")), data, order, kind, ks),
        "lemmas": (tiny.TinyWorld(world.model, {**world.of_split, "test": relemmatised}), data, order, kind, ks),
        "layer": (world, tiny.data("bert", 2), order, kind, ks),
    }


def test_whatever_decides_the_outcomes_decides_the_folder(tmp_path, monkeypatch):
    same = {unfinished(*given(), folder=tmp_path, sentences_a_part=A_PART).folder for _ in range(2)}
    assert len(same) == 1
    found = {
        name: unfinished(*arguments, folder=tmp_path, sentences_a_part=A_PART) for name, arguments in others().items()
    }
    found["target"] = unfinished(*given(), folder=tmp_path, sentences_a_part=A_PART, target="PL")
    found["split"] = unfinished(*given(), folder=tmp_path, sentences_a_part=A_PART, split="dev")
    found["size"] = unfinished(*given(), folder=tmp_path, sentences_a_part=A_PART + 1)
    monkeypatch.setattr(module, "code_fingerprint", lambda: "other code")
    found["code"] = unfinished(*given(), folder=tmp_path, sentences_a_part=A_PART)
    folders = {name: run.folder for name, run in found.items()}
    assert len({*folders.values(), *same}) == len(folders) + 1, folders
    assert not list(tmp_path.iterdir())  # nothing is written before it is done


class Elsewhere(Translation):
    """Named as a translation, with other aims: what is "intended" differs even where nothing is changed."""

    def aims(self, n_values, target):
        return np.roll(super().aims(n_values, target), -1)


def test_what_counts_as_intended_decides_the_folder(tmp_path):
    found = [unfinished(*given(kind=kind, ks=[0]), folder=tmp_path).folder for kind in (Translation(), Elsewhere())]
    assert found[0] != found[1]


def test_the_manifest_says_in_words_what_the_folder_holds(tmp_path):
    resumed(tmp_path, *given(kind=Ablation()))
    (text,) = (path.read_text(encoding="utf-8") for path in tmp_path.glob("*/manifest.json"))
    said = json.loads(text)
    assert (said["kind"], said["strength"], said["attribute"], said["ks"]) == ("ablation", None, "Number", KS)
    assert said["sentences_a_part"] == A_PART and said["environment"]["torch"] == str(torch.__version__)


class Opaque(Translation):
    """A kind whose changes cannot be looked into."""

    def change(self, order, k, means, aims):
        class Hidden:
            def apply(self, states, values):
                return states

        return Hidden()


def test_a_kind_that_cannot_be_described_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"what decides .*Hidden.* cannot be told"):
        resumed(tmp_path, *given(kind=Opaque()))
    assert not list(tmp_path.iterdir())


def test_digests_tell_values_apart():
    values = [
        None, True, 1, 1.0, "1", float("nan"), -0.0, 0.0, (), [[]], [1, 2], [[1], 2], ["ab", "c"], ["a", "bc"],
        {"a": 1}, np.array([1, 2]), np.array([1, 2], dtype=np.int32), np.array([[1], [2]]), np.array([1.0, 2.0]),
        Change(np.ones(2), np.zeros((1, 2))), Change(np.ones(2), np.ones((1, 2))), Ablation(), Ablation("mean"),
    ]  # fmt: skip
    assert len({digest(value) for value in values}) == len(values)
    assert digest(np.float64(2)) == digest(2.0) and digest(torch.arange(3)) == digest(np.arange(3))
    assert digest(np.arange(6).reshape(2, 3).T) == digest(np.arange(6).reshape(2, 3).T.copy())
    for refused in (object(), np.array(["a"], dtype=object), {1, 2}, len):
        with pytest.raises(ValueError, match="cannot be told"):
            digest(refused)


# ----------------------------------------------------------------------------------------- rankings


@pytest.mark.parametrize(("name", "direction"), PAPER_RANKINGS)
def test_a_ranking_is_found_once(tmp_path, monkeypatch, name, direction):
    data = tiny.data("bert", 1)
    plain = rank(name, data, direction, 3, max_neurons=4)
    first = resumed_ranking(name, data, tmp_path, direction, 3, max_neurons=4)
    monkeypatch.setattr(module, "rank", None)
    second = resumed_ranking(name, data, tmp_path, direction, 3, max_neurons=4)
    for found in (first, second):
        assert (found.name, found.direction, found.ranked, found.seed) == (
            plain.name, plain.direction, plain.ranked, plain.seed,
        )  # fmt: skip
        np.testing.assert_array_equal(found.order, plain.order)
        if plain.scores is None:
            assert found.scores is None
        else:
            np.testing.assert_array_equal(found.scores, plain.scores)


def test_another_question_is_another_ranking(tmp_path):
    data = tiny.data("bert", 1)
    dev = replace(data.dev, X=data.dev.X + np.float32(1))
    resumed_ranking("probeless", data, tmp_path)
    for other in (
        {"seed": 1},
        {"direction": "btt"},
        {"max_neurons": 3},
        {"data": replace(data, dev=dev)},
        {"data": tiny.data("bert", 2)},
        {"name": "random"},
    ):
        before = len(list(tmp_path.iterdir()))
        resumed_ranking(**{"name": "probeless", "data": data, "folder": tmp_path, **other})
        assert len(list(tmp_path.iterdir())) == before + 1, other


def test_so_many_random_rankings_as_asked_for(tmp_path):
    data = tiny.data("bert", 1)
    found = experiments.resumed_rankings(data, tmp_path, seed=5, max_neurons=3, random_draws=3)
    assert [(r.name, r.direction) for r in found] == [*PAPER_RANKINGS, ("random", "ttb"), ("random", "ttb")]
    assert [r.seed for r in found if r.name == "random"] == [5, 6, 7]


# ------------------------------------------------------------------------------------- when all is done


def test_finishing_removes_what_no_other_run_needs(tmp_path):
    kept = tmp_path / "unfinished" / "id"
    resumed_ranking("probeless", tiny.data("bert", 1), kept)
    one, two = (unfinished(*given(seed=seed), folder=kept, sentences_a_part=A_PART) for seed in (0, 1))
    for run in (one, two):
        run.outcomes()
    finish([one], kept)
    assert not one.folder.exists() and two.finished() == len(two.parts)
    assert len(list(kept.glob("probeless*"))) == 1  # two may need it
    finish([two], kept)
    assert not (tmp_path / "unfinished").exists()
    finish([two], kept)  # what is gone is gone


def test_counts_and_intervals_of_all_runs(tmp_path):
    runs = [unfinished(*given(seed=seed), folder=tmp_path, sentences_a_part=A_PART) for seed in (0, 1)]
    effects, intervals = experiments.effects_and_intervals(runs)
    words = pd.concat([outcomes_by_word(*given(seed=seed)) for seed in (0, 1)], ignore_index=True)
    pd.testing.assert_frame_equal(effects, counts(words))
    pd.testing.assert_frame_equal(intervals, rate_intervals(words))


def test_a_rehearsal_finds_what_cannot_work():
    world, data, *_ = given()
    experiments.rehearse(world, data, Translation())
    with pytest.raises(ValueError, match="the target 'X' is none of the values"):
        experiments.rehearse(world, data, Translation(), target="X")
    foreign, foreign_data, *_ = with_foreign(0)
    with pytest.raises(ValueError, match="unknown tokens in all 3 words"):
        experiments.rehearse(foreign, foreign_data, Translation())
    experiments.rehearse(*with_foreign(1)[:2], Translation())
