"""Rankings that ask the model: against finite differences, whole passes with a hook, and what is planted."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from test_agreement_runs import item
from test_sae import drawn
from tiny_worlds import conllu

import pitfalls as pf
from pitfalls.arrays.ranking import Ranking
from pitfalls.columns import ASKING
from pitfalls.interventions import counterparts
from pitfalls.interventions.agreement import controller_trials
from pitfalls.interventions.counterparts import LEFT_OUT, word_trials
from pitfalls.interventions.gates import gated
from pitfalls.interventions.kinds import Change, Means
from pitfalls.interventions.margins import Trial, log_margins
from pitfalls.interventions.replay import Replay, Sample, prepare
from pitfalls.models.sae import Origin, SparseAutoencoder, TopK
from pitfalls.rankings import rank
from pitfalls.rankings.of_model import ask
from pitfalls.site import Site
from pitfalls.worlds.experiment import Experiment
from pitfalls.worlds.load import mini_folder, world_from_files
from pitfalls.worlds.world import World

# Forms of as many pieces as each other and not, in a causal model and in a masked one.
ITEMS = [
    item("the cats that a dog sees walk home", 1, 6, "walks", "PL", [4]),
    item("a dog near the cats walks", 1, 5, "walk", "SG", [4]),
    item("the dogs do it", 1, 2, "does", "PL"),
    item("the dog sees it", 1, 2, "see", "SG"),
]
# Where a hook on the plain BERT finds the units of each site; it changes what these modules are given.
HOOKS = {
    "residual": "encoder.layer.2",
    "mlp": "encoder.layer.1.output.dense",
    "heads": "encoder.layer.1.attention.output.dense",
}


def written(folder: Path) -> list[Path]:
    files = [folder / f"en_toy-ud-{split}.conllu" for split in ("train", "dev", "test")]
    for offset, path in enumerate(files):
        path.write_text(conllu(12, offset), encoding="utf-8")
    return files


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, World]:
    """The mini models, masked and causal, with a few sentences."""
    folder = tmp_path_factory.mktemp("asking")
    files = written(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PITFALLS_CACHE", str(folder / "cache"))
        made = partial(world_from_files, files=files, min_forms=4, dtype="float64")
        found = {"masked": made(mini_folder() / "bert"), "causal": made(mini_folder() / "causal")}
    masked = found["masked"]
    d = masked.model.n_neurons
    weights = (drawn(d, 24), drawn(24), drawn(24, d) / 5, drawn(d))
    origin = Origin(2, masked.model.name, masked.model.states_fingerprint())
    found["sparse"] = masked.with_sae(SparseAutoencoder(*weights, TopK(12), origin))
    return found


def asked(worlds: dict[str, World], kind: str, site: Site, by_items: bool) -> tuple[Experiment, Replay, list[Trial]]:
    """An experiment, a replay that changes nothing, and the trials of some of its words, or of the items."""
    experiment = worlds[kind].experiment("eng", "Number", site=site)
    nothing = Ranking(np.arange(experiment.data.n_neurons), None, "none")
    replay = prepare(experiment, nothing, pf.ConstantTranslation(1), [0], Sample("train", 3, 1))
    trials = [trial for _, trial in controller_trials(replay, ITEMS)] if by_items else word_trials(replay).trials
    return experiment, replay, list(trials)


@contextmanager
def quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield


CASES = [
    ("masked", Site("residual", 2), False),
    ("masked", Site("mlp", 2), False),
    ("masked", Site("heads", 2), True),
    ("masked", Site("residual", 4), False),
    ("sparse", Site("sae", 2), False),
    ("sparse", Site("sae", 2), True),
    ("causal", Site("residual", 2), True),
    ("causal", Site("mlp", 1), True),
]
every_case = pytest.mark.parametrize(("kind", "site", "by_items"), CASES, ids=[f"{k} {s} {i}" for k, s, i in CASES])


@every_case
def test_margins_of_gates_are_those_of_a_replay_and_have_their_gradients(
    worlds: dict[str, World], kind: str, site: Site, by_items: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment, replay, trials = asked(worlds, kind, site, by_items)
    monkeypatch.setattr("pitfalls.interventions.replay._BATCH_TOKENS", 8)
    d, draw = experiment.data.n_neurons, np.random.default_rng(0)
    gates = draw.random(d)
    means = Means.of(experiment.data).of_value
    units = [0, d // 2, d - 1, int(np.abs(means[0] - means[1]).argmax())]
    # The norms of a Llama are computed in single precision, whatever the model's own.
    step, close = (1e-2, 1e-3) if kind == "causal" else (1e-5, 1e-6)
    tried = [gates, *(gates + sign * step * np.eye(d)[unit] for unit in units for sign in (1, -1))]
    changes = [Change(np.ones(d), one * (means[replay.aims] - means)) for one in tried]
    slow = log_margins(replace(replay, ks=range(len(tried)), changes=changes), trials)
    numbers, margins, gradient = [], [], torch.zeros(d, dtype=torch.float64)
    parts = list(gated(replay, trials))
    for part in parts:
        numbers += part.trials.tolist()
        margins += part.margins(torch.tensor(gates)).tolist()
        gradient += part.gradient(torch.tensor(gates))
    assert sorted(numbers) == list(range(len(trials))) and len(parts) > 1
    np.testing.assert_allclose(margins, slow[0, numbers], rtol=1e-9, atol=1e-9)
    finite = (slow[1::2] - slow[2::2]).sum(1) / (2 * step)
    np.testing.assert_allclose(gradient[units], finite, rtol=10 * close, atol=close)
    assert gradient.abs().max() > 0.01


@pytest.mark.parametrize(("kind", "site", "by_items"), [CASES[4], CASES[6], ("masked", Site("residual", 2), True)])
def test_effect_is_a_replay_for_each_unit(worlds: dict[str, World], kind: str, site: Site, by_items: bool) -> None:
    experiment, replay, trials = asked(worlds, kind, site, by_items)
    items = ITEMS if by_items else None
    with quiet():
        found = experiment.rank("effect", items=items, sentences=3, seed=1)
    d = experiment.data.n_neurons
    units = found.order[[0, 1, d // 2, d - 1]]
    means = Means.of(experiment.data).of_value
    moved = [
        Change(np.ones(d), np.eye(d)[unit] * share * (means[replay.aims] - means)) for unit in units for share in (0, 1)
    ]
    slow = log_margins(replace(replay, ks=range(len(moved)), changes=moved), trials).mean(1)
    np.testing.assert_allclose(found.scores[units], slow[0::2] - slow[1::2], rtol=1e-9, atol=1e-9)
    assert (np.diff(found.scores[found.order]) <= 1e-9 * np.abs(found.scores).max()).all()
    assert (found.name, found.method) == ("effect agreement" if by_items else "effect", "effect")


@pytest.mark.parametrize("kind", HOOKS)
def test_effect_and_attribution_are_those_of_whole_passes_with_a_hook(worlds: dict[str, World], kind: str) -> None:
    experiment = worlds["masked"].experiment("eng", "Number", site=Site(kind, 2))
    # A pass for each of 512 neurons takes long, and is the same pass.
    names = ["attribution"] if kind == "mlp" else ["attribution", "effect"]
    with quiet():
        found = {name: experiment.rank(name, sentences=2, seed=3) for name in names}
    lm, train = experiment.model, experiment.data.train
    ids = np.unique(train.sentence_ids)
    chosen = np.random.default_rng(3).choice(ids, size=2, replace=False)
    means = {v: train.X[train.y == i].mean(0) for i, v in enumerate(train.values)}
    other = {"PL": "SG", "SG": "PL"}

    def margins(unit: int, alpha: float) -> list[float]:
        found = []
        for sentence in (experiment.sentences("train")[i] for i in chosen):
            encoded = lm.tokenizer([list(sentence.forms)], is_split_into_words=True, return_tensors="pt")
            words = encoded.word_ids(0)

            def change(_: Any, args: Any, words: Any = words, sentence: Any = sentence) -> Any:
                states = args[0].clone()
                for slot, word in enumerate(words):
                    if word is not None:
                        value = sentence.words[word].attributes["Number"]
                        states[0, slot, unit] += alpha * (means[other[value]][unit] - means[value][unit])
                return (states, *args[1:])

            handle = lm.model.base_model.get_submodule(HOOKS[kind]).register_forward_pre_hook(change)
            with torch.no_grad():
                log_p = lm.model(**encoded).logits[0].log_softmax(-1)
            handle.remove()
            for position, word in enumerate(sentence.words):
                form = word.form[:-1] if word.form.endswith("s") else word.form + "s"
                own = [slot for slot, at in enumerate(words) if at == position]
                pieces = lm.tokenizer(form, add_special_tokens=False)["input_ids"]
                if len(pieces) == len(own):
                    right = log_p[own, encoded["input_ids"][0, own]].sum()
                    found.append(float(right - log_p[own, pieces].sum()))
        return found

    before = np.mean(margins(0, 0.0))
    assert margins(0, 0.0)
    for unit in (*found["attribution"].order[[0, -1]].tolist(), 5):
        slope = (np.mean(margins(unit, 1e-4)) - np.mean(margins(unit, -1e-4))) / 2e-4
        assert found["attribution"].scores[unit] == pytest.approx(-slope, rel=1e-5, abs=1e-7)
        if "effect" in found:
            fall = before - np.mean(margins(unit, 1.0))
            assert found["effect"].scores[unit] == pytest.approx(fall, rel=1e-6, abs=1e-9)


# ------------------------------------------------------------------------------------------ what they find


def test_they_find_what_is_used_where_others_find_what_is_encoded(planted: World) -> None:
    experiment = planted.experiment("art", "Number", layer=1)
    orders = [experiment.rank(name, sentences=60) for name in ASKING]
    orders += [experiment.rank(name) for name in ("linear", "probeless")]
    areas = pf.comparison.ranking_areas(orders, pf.truth(planted)).set_index(["ranking", "against"])["area"]
    for name in ASKING:
        assert areas[name, "used"] >= 0.9 > areas[name, "encoded"]
    for name in ("linear", "probeless"):
        assert areas[name, "encoded"] >= 0.9 and areas[name, "used"] < 0.2
    # The head is linear in the used neurons, so the first order is all there is.
    np.testing.assert_allclose(orders[0].scores, orders[1].scores, atol=1e-9)
    assert orders[0].order.tolist() == orders[1].order.tolist()


def test_a_mask_is_open_at_few_units_and_has_few_ties(worlds: dict[str, World]) -> None:
    experiment = worlds["masked"].experiment("eng", "Number", layer=2)
    with quiet():
        mask, closer = experiment.rank("mask", "btt", sentences=2), experiment.rank("mask", sentences=2, penalty=10)
    n_open, n_fewer = (int((order.scores > 0.5).sum()) for order in (mask, closer))
    assert 0 < n_open < 64 and n_fewer < n_open and (mask.name, closer.name) == ("mask", "mask penalty 10")
    # The gates alone are learned.
    assert all(weight.grad is None for weight in experiment.model.model.parameters())
    assert mask.scores.min() > 0 and mask.scores.max() < 1 and len(np.unique(mask.scores.round(9))) > 120
    assert (np.diff(mask.scores[mask.order]) >= -1e-9).all() and mask.direction == "btt"


# ------------------------------------------------------------------------------------------ which words


def test_a_counterpart_differs_in_the_value_alone(worlds: dict[str, World]) -> None:
    experiment, _, trials = asked(worlds, "masked", Site("residual", 2), False)
    lm, values = experiment.model, experiment.data.values
    assert trials
    for trial in trials:
        right, wrong = (lm.join(form.pieces) for form in (trial.right, trial.wrong))
        assert {right, wrong} == {right.rstrip("s"), right.rstrip("s") + "s"} and right != wrong
        assert values[trial.value] == ("PL" if right.endswith("s") else "SG")
        # All words of the sentence are changed together, as in an intervention.
        assert (trial.position, trial.value) in trial.also and len(trial.also) == 2
    aimed = prepare(
        experiment, Ranking(np.arange(128), None, "none"), pf.ConstantTranslation(1, "PL"), [0], Sample("train")
    )
    assert {trial.value for trial in word_trials(aimed).trials} == {values.index("SG")}


def test_words_without_a_counterpart_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PITFALLS_CACHE", str(tmp_path / "cache"))
    more = "".join(
        f"# sent_id = more-{i}\n1\t{form}\t{lemma}\tNOUN\t_\tNumber={value}\t0\troot\t_\t_\n\n"
        for i, (form, lemma, value) in enumerate(
            [
                ("Cat", "cat", "Sing"),
                ("dust", "dust", "Sing"),
                ("sheep", "sheep", "Sing"),
                ("sheep", "sheep", "Plur"),
                ("走", "走", "Sing"),
                ("歩", "走", "Plur"),
                ("child", "child", "Sing"),
                ("childrenandgrandchildren", "child", "Plur"),
            ]
        )
    )
    files = written(tmp_path)
    files[0].write_text(conllu(12) + more, encoding="utf-8")
    world = world_from_files(mini_folder() / "bert", files, min_forms=4)
    experiment = world.experiment("eng", "Number", layer=2)
    replay = prepare(experiment, Ranking(np.arange(128), None, "none"), pf.ConstantTranslation(1), [0], Sample("train"))
    found = word_trials(replay)
    missing, same, length, unknown = (found.left_out.get(reason, 0) for reason in LEFT_OUT)
    assert (missing, same, unknown) == (1, 2, 2) and length >= 2
    assert len(found.trials) + sum(found.left_out.values()) == len(experiment.data.train.y)
    capital = [trial for trial in found.trials if len(trial.also) == 1]
    assert experiment.model.join(capital[0].wrong.pieces).lower() == "cats" if capital else length > 2
    with pytest.warns(UserWarning, match=r"attribution: of 32 words, \d+ have a counterpart; 1: the lexicon has no"):
        experiment.rank("attribution")


def test_a_word_is_left_out_if_the_tokenizer_lacks_either_form() -> None:
    pieces = {"cats": (7, 1), "dogs": (7, 2)}
    assert counterparts._why_not((5, 6), "cat", "cats", pieces, unknown=1) == LEFT_OUT[3]
    assert counterparts._why_not((1, 6), "dog", "dogs", pieces, unknown=1) == LEFT_OUT[3]
    assert counterparts._why_not((5, 6), "dog", "dogs", pieces, unknown=1) == ""


def test_items_of_the_sentences_that_judge_are_refused(worlds: dict[str, World]) -> None:
    causal = worlds["causal"].experiment("eng", "Number", layer=2)
    for split in ("dev", "test"):
        item = replace(ITEMS[0], words=tuple(causal.sentences(split)[0].forms), controller=0, place=1, attractors=())
        with pytest.raises(ValueError, match=rf"1 of {len(ITEMS) + 1} items are of {split} sentences, such as '"):
            causal.rank("attribution", items=[*ITEMS, item])


def test_what_cannot_be_asked_is_said(worlds: dict[str, World]) -> None:
    causal = worlds["causal"].experiment("eng", "Number", layer=2)
    masked = worlds["masked"].experiment("eng", "Number", layer=2)
    for asks, said in (
        (lambda: causal.rank("effect"), r"predicts a word before it reads it, .* Give items=, of train sentences"),
        (
            lambda: rank("attribution", masked.data),
            r"'attribution' asks the model, and .* experiment\.rank\('attribution'\)",
        ),
        (lambda: rank("atribution", masked.data), r"attribution, effect, mask; did you mean 'attribution'\?"),
        (lambda: masked.rank("effect", penalty=2), r"'effect' has no option penalty; it has direction, seed, items"),
        (lambda: masked.rank("probeless", items=ITEMS), "'probeless' has no option items"),
        (lambda: masked.rank("mask", penalty=0), "penalty must be above 0 and finite, not 0"),
        (lambda: masked.rank("mask", sentences=0), "sentences must be a whole number, 1 or more, not 0"),
        (lambda: masked.rank("mask", "top"), 'direction must be "ttb" or "btt"'),
        (lambda: masked.rank("effect", target="DU"), "the target 'DU' is not one of the values"),
        (lambda: masked.rank("effect", items=[]), "no item: make some with"),
    ):
        with pytest.raises(ValueError, match=said):
            asks()
    with quiet():
        assert ask(masked, "attribution", sentences=1, target="PL").name == "attribution PL"
