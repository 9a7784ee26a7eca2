"""Seeds, numbers of sentences and ks: whole numbers are taken whatever their type, and nothing else is."""

from __future__ import annotations

import numpy as np
import pytest
from oracles import splits

import pitfalls as pf
from pitfalls.interventions.intervals import rate_intervals
from pitfalls.numbers import whole

NO_SEEDS = [None, 2.0, "1", True, -1]


@pytest.fixture(scope="module")
def experiment():
    return pf.load_world("planted").experiment("art", "Number", layer=1)


def test_a_seed_is_a_whole_number_for_whatever_draws(experiment):
    order, data = pf.rank("probeless", experiment.data), experiment.data
    outcomes = experiment.intervene(order, pf.Translation(), [1], sentences=3).outcomes
    for draws in (
        lambda seed: pf.rank("random", data, seed=seed),
        lambda seed: pf.rank("probeless", data, seed=seed),
        lambda seed: pf.control_task(data, seed),
        lambda seed: pf.probes.hold_out_forms(data, 0.5, seed),
        lambda seed: pf.probe_curve(order, data, [1], seed=seed),
        lambda seed: pf.Sample(sentences=3, seed=seed),
        lambda seed: rate_intervals(outcomes, draws=2, seed=seed),
    ):
        for seed in NO_SEEDS:
            with pytest.raises(ValueError, match=r"a seed must be a whole number, 0 or more, not "):
                draws(seed)


def test_numpys_whole_numbers_are_as_good_as_pythons():
    data, seed = splits(), np.int64(3)
    assert type(whole(seed, "a seed")) is int
    assert pf.rank("random", data, seed=seed).order.tolist() == pf.rank("random", data, seed=3).order.tolist()
    for order in (pf.rank("linear", data, seed=seed), pf.rank("probeless", data)):
        mine, theirs = (pf.probe_curve(order, data, [2], seed=one) for one in (seed, 3))
        assert mine["accuracy"].tolist() == theirs["accuracy"].tolist()


@pytest.mark.parametrize("sentences", [0, 1.5, True, "3"], ids=repr)
def test_a_sample_has_a_whole_number_of_sentences(sentences):
    with pytest.raises(ValueError, match=r"sentences must be a whole number, 1 or more, not "):
        pf.Sample(sentences=sentences)


@pytest.mark.parametrize("ks", [[], 5, None, "12", b"12", [True], [1.5], [-1], [10**6]], ids=repr)
def test_an_intervention_asks_for_ks_as_a_curve_does(experiment, ks):
    order = experiment.rank("probeless")
    for asks in (lambda: experiment.intervene(order, pf.Translation(), ks), lambda: experiment.probe(order, ks)):
        with pytest.raises(ValueError, match=r"ks must be a collection of whole numbers|every k must be a whole"):
            asks()


def test_a_run_has_its_ks_as_whole_numbers(experiment):
    order = experiment.rank("probeless")
    run = experiment.intervene(order, pf.Translation(), np.array([2.0, 1.0, 2.0]), sentences=3)
    assert [(type(k), k) for k in run.ks] == [(int, 1), (int, 2)]
    assert run.outcomes["k"].dtype == np.int64


@pytest.mark.parametrize("strength", ["4", None, True, [4], float("nan")], ids=repr)
def test_a_strength_is_a_number(strength):
    for kind, name in ((pf.Translation, "beta"), (pf.ConstantTranslation, "alpha")):
        with pytest.raises(ValueError, match=f"{name} must be .*, not "):
            kind(strength)


def test_what_is_given_in_the_wrong_place_is_named(experiment):
    order, data = experiment.rank("probeless"), experiment.data
    for wrong in ("probeless", order.order, None):
        for asks in (
            lambda wrong=wrong: experiment.intervene(wrong, pf.Translation(), [1]),
            lambda wrong=wrong: pf.probe_curve(wrong, data, [1]),
        ):
            with pytest.raises(ValueError, match=r"a ranking comes from pf.rank, or .* pf.Ranking.of_first; this is "):
                asks()
    for wrong in (pf.Translation, "translation", None):
        with pytest.raises(ValueError, match=r"an object such as pf.Translation\(beta=4\), not "):
            experiment.intervene(order, wrong, [1])
    for wrong in (experiment, data.train, None):
        with pytest.raises(ValueError, match=r"words come as Splits, such as experiment.data or .*, not \w+$"):
            pf.rank("probeless", wrong)
        with pytest.raises(ValueError, match="words come as Splits"):
            pf.probe_curve(order, wrong, [1])
    with pytest.raises(ValueError, match=r"probes must be a list, such as \['linear'\], not 'linear'"):
        experiment.probe(order, [1], "linear")
    with pytest.raises(ValueError, match=r"neurons are whole numbers, not \[1.7, 2.2\]"):
        pf.Ranking.of_first([1.7, 2.2], 4, "mine")
    with pytest.raises(ValueError, match="2 scores for 3 neurons"):
        pf.Ranking(np.arange(3), np.ones(2), "mine")
    with pytest.raises(ValueError, match="the number of examples must be a whole number, 0 or more, not -1"):
        experiment.intervene(order, pf.Translation(), [1], sentences=3).examples(-1)
