"""Directions that are learned by interchanging them: a planted one is found, and random labels find none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.linalg import subspace_angles
from tiny_worlds import words_of

import pitfalls as pf
from pitfalls.interventions import AlignedInterchange, Interchange, alignment_search
from pitfalls.interventions.alignment import SubspaceReplacement
from pitfalls.interventions.alignment_search import SearchRecipe, search
from pitfalls.interventions.cases import item_cases, own_cases, split_cases
from pitfalls.interventions.kinds import Means
from pitfalls.interventions.margins import log_margins, trial_batches
from pitfalls.interventions.sources import TrainingWords
from pitfalls.language.agreement import generated
from pitfalls.language.corpus import Sentence
from pitfalls.models.rotation import random_rotation

# Only the used neurons tell the values apart, and the head reads them along one direction.
PARAMETERS = pf.PlantedParameters(
    used=6, redundant=0, unused=0, lemma=12, correlated=6, noise=8, fillers=60, lemmas=40,
    train_words=800, dev_words=300, test_words=300,
)  # fmt: skip
SEED = 3


@pytest.fixture(scope="module")
def experiment():
    """The planted network behind a rotation, so that no unit of its own carries the value."""
    world = pf.load_world("planted", planted=PARAMETERS).rotated(SEED)
    return world.experiment("art", "Number", site=pf.Site("rotated", 1))


@pytest.fixture(scope="module")
def cases(experiment):
    return split_cases(experiment, {"train": 80, "dev": 80, "test": 80})


@pytest.fixture(scope="module")
def found(experiment, cases):
    return search(experiment, cases, dims=(1, 2))


def planted_axis() -> np.ndarray:
    """What the head reads the value along, in rotated coordinates."""
    read = pf.load_world("planted", planted=PARAMETERS).model.weights.value.numpy()
    return random_rotation(len(read), SEED).T @ (read[:, 1] - read[:, 0])


def test_a_planted_direction_is_found_and_random_labels_find_none(found):
    table, axis = found.table, planted_axis()[:, None]
    for r in (1, 2):
        real, control = (np.degrees(subspace_angles(one[r].R, axis)).min() for one in (found.real, found.control))
        assert real < 20 and control > 30
    assert (table["real"] > 0.9).all() and (table["control"] < 0.4).all()
    assert table["real_baseline"].max() < 0.1 and abs(table["control_baseline"].iloc[0] - 0.5) < 0.1
    np.testing.assert_allclose(table["difference"], table["real"] - table["control"])
    assert found.real[1].label != found.control[1].label
    for task in ("real", "control"):
        share, before = table[f"{task}_share"], table[f"{task}_baseline"]
        np.testing.assert_allclose(table[task], ((share - before) / (1 - before)).clip(lower=0))
    assert ((table["low"] <= table["difference"]) & (table["difference"] <= table["high"])).all()
    assert table["dims"].tolist() == [1, 2] and table["site"].eq("rotated").all()


def test_the_learned_kind_changes_words_as_the_table_says(experiment, cases, found):
    kind = found.real[1]
    run = experiment.intervene(experiment.rank("random"), kind, [0, 1])
    rate = pf.interventions.clwv(run.counts())["clwv"].tolist()
    assert rate[0] < 0.05 and rate[1] > 0.85
    assert run.counts()["kind"].unique().tolist() == ["aligned 1-d interchange 0"]
    # The margins that are learned from are those of an intervention.
    trials = cases["test"].trials
    expected = log_margins(run.replay, trials)[1]
    assert found.table["real_share"].iloc[0] == pytest.approx((expected < 0).mean())


def test_the_same_seed_gives_the_same_directions(experiment, cases):
    few = {split: replace(one, trials=one.trials[:40], forms=one.forms[:40]) for split, one in cases.items()}
    one, two, other = (search(experiment, few, [2], SearchRecipe(epochs=2, seed=seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.real[2].R, two.real[2].R)
    assert one.table.equals(two.table) and not np.allclose(one.real[2].R, other.real[2].R)


@pytest.mark.parametrize("which", ["mini", "mini_causal"])
def test_margins_with_gradients_are_those_without(which, request):
    made = request.getfixturevalue(which).experiment("eng", "Number", layer=2)
    order, R = made.rank("probeless"), random_rotation(made.data.n_neurons, 1)[:, :3]
    replay = made.intervene(order, AlignedInterchange(R), [3], sentences=1).replay
    found = item_cases(replay, generated("eng", "Number", count=4))
    assert len(found.forms) == len(found.trials)
    expected = log_margins(replay, found.trials)[1]
    change = replay.changes[1]
    W = torch.from_numpy(R).requires_grad_()
    again = SubspaceReplacement(W, change.training, change.aims, 0)
    margins = torch.cat([batch.margins(again) for batch in trial_batches(made.model, made.data.site, found.trials, 3)])
    np.testing.assert_allclose(margins.detach().numpy(), expected, atol=1e-9)
    (gradient,) = torch.autograd.grad(margins.sum(), W)
    # Rotary tables and norms of the causal model are in single precision, so smaller steps show only rounding.
    step = 1e-4 * torch.randn(W.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    with torch.no_grad():
        ends = [
            sum(
                batch.margins(SubspaceReplacement(W + sign * step, change.training, change.aims, 0)).sum()
                for batch in trial_batches(made.model, made.data.site, found.trials, 8)
            )
            for sign in (1, -1)
        ]
    assert float(ends[0] - ends[1]) / 2 == pytest.approx(float((gradient * step).sum()), rel=2e-2)


def test_a_control_that_does_worse_than_nothing_is_no_evidence_for_the_attribute():
    before = {"real": np.zeros(4), "control": np.array([1.0, 1.0, 1.0, 0.0])}
    after = {"real": np.array([1.0, 1.0, 0.0, 0.0]), "control": np.zeros(4)}
    found = alignment_search._scores(before, after, [1, 2, 3, 4])
    assert (found["real"], found["control"], found["difference"]) == (0.5, 0.0, 0.5)
    assert -1 <= found["low"] <= found["high"] <= 1


def test_own_cases_are_words_with_both_forms(mini):
    made = mini.experiment("spa", "Gender", layer=2)
    replay = made.intervene(made.rank("probeless"), Interchange(), [1], sentences=30).replay
    found, lexicon = own_cases(replay, 10, seed=1), mini.lexicon("spa")
    assert len(found) == 20 and [trial.value for trial in found.trials].count(0) == 10
    for trial, form in zip(found.trials, found.forms, strict=True):
        other = made.model.join(trial.wrong.pieces, trial.right.pieces)
        assert made.model.join(trial.right.pieces) == form.lower() or made.model.join(trial.right.pieces) == form
        assert trial.right.ids == trial.wrong.ids and trial.right.slots == trial.wrong.slots
        assert [trial.right.ids[slot] for slot in trial.right.slots] == list(trial.right.pieces)
        pairs = [
            (
                one.lemma == two.lemma,
                one.value("Number") == two.value("Number"),
                one.value("Gender"),
                two.value("Gender"),
            )
            for one in lexicon.lookup(form)
            for two in lexicon.lookup(other)
        ]
        aim = made.data.values[1 - trial.value]
        assert any(same and number and after == aim != before for same, number, before, after in pairs)
    with pytest.raises(ValueError, match="ablation aims at no value"):
        own_cases(made.intervene(made.rank("random"), pf.Ablation(), [1], sentences=3).replay, 3)


def test_a_subspace_takes_the_training_words_part_in_it():
    generator = np.random.default_rng(0)
    training = TrainingWords(
        generator.normal(size=(9, 5)), np.arange(9) % 2, np.arange(9), [Sentence(str(i), ()) for i in range(9)]
    )
    R, states = random_rotation(5, 0)[:, :2], torch.from_numpy(generator.normal(size=(4, 5)))
    words, aims = words_of([0, 1, 1, 0]), np.array([1, 0])
    means = Means(np.zeros((2, 5)), np.zeros(5), training)
    changed = AlignedInterchange(R, seed=2).change(np.arange(5), 2, means, aims).apply(states, words)
    sources = training.X[training.drawn_for(words, aims, 2)]
    basis = np.c_[R, random_rotation(5, 0)[:, 2:]]
    np.testing.assert_allclose((changed.numpy() @ basis)[:, :2], (sources @ basis)[:, :2])
    np.testing.assert_allclose((changed.numpy() @ basis)[:, 2:], (states.numpy() @ basis)[:, 2:])
    nothing = AlignedInterchange(R).change(np.arange(5), 0, means, aims).apply(states, words)
    np.testing.assert_array_equal(nothing, states)
    for wrong, said in (
        (lambda: AlignedInterchange(2 * R), "away from the identity: give"),
        (lambda: AlignedInterchange(R[:, :0]), r"R has shape \(5, 0\)"),
        (lambda: AlignedInterchange(R).change(np.arange(5), 1, means, aims), "a subspace of 2 directions is changed"),
        (lambda: AlignedInterchange(R).change(np.arange(4), 2, means, aims), "R is for 5 units, and the ranking has 4"),
        (lambda: SearchRecipe(epochs=0), "epochs must be a whole number, 1 or more"),
        (lambda: SearchRecipe(learning_rate=float("nan")), "learning_rate must be above 0 and finite, not nan"),
    ):
        with pytest.raises(ValueError, match=said):
            wrong()


def test_what_cannot_be_searched_is_refused(experiment, cases):
    with pytest.raises(ValueError, match="counts are of 'dve': give those of train, dev, test"):
        split_cases(experiment, {"train": 1, "dve": 1})
    with pytest.raises(ValueError, match="no case of train and dev"):
        search(experiment, {"test": cases["test"]})
    with pytest.raises(ValueError, match=r"dims are \[99\], and the site has 32 units"):
        search(experiment, cases, 99)
    three = pf.load_world("planted", planted=pf.PlantedParameters(values=("SG", "PL", "DU"), train_words=9))
    with pytest.raises(ValueError, match="a search is between two values, and Number has DU PL SG"):
        search(three.experiment("art", "Number", layer=1), cases)
