"""Seeds, numbers of sentences and ks: whole numbers are taken whatever their type, and nothing else is."""

from __future__ import annotations

import numpy as np
import pytest
from oracles import splits

import pitfalls as pf
from pitfalls.interventions.intervals import rate_intervals
from pitfalls.whole import whole

NO_SEEDS = [None, 1.5, 2.0, "1", True, float("nan"), -1]


@pytest.fixture(scope="module")
def experiment():
    return pf.load_world("planted").experiment("art", "Number", layer=1)


@pytest.mark.parametrize("seed", NO_SEEDS, ids=repr)
def test_a_seed_is_a_whole_number_for_whatever_draws(experiment, seed):
    order, data = pf.rank("probeless", experiment.data), experiment.data
    outcomes = experiment.intervene(order, pf.Translation(), [1], sentences=3).outcomes
    for draws in (
        lambda: pf.rank("random", data, seed=seed),
        lambda: pf.rank("probeless", data, seed=seed),
        lambda: pf.control_task(data, seed),
        lambda: pf.probes.hold_out_forms(data, 0.5, seed),
        lambda: pf.probe_curve(order, data, [1], seed=seed),
        lambda: pf.Sample(sentences=3, seed=seed),
        lambda: rate_intervals(outcomes, draws=2, seed=seed),
    ):
        with pytest.raises(ValueError, match=r"a seed must be a whole number, 0 or more, not "):
            draws()


def test_numpys_whole_numbers_are_as_good_as_pythons():
    data, seed = splits(), np.int64(3)
    assert type(whole(seed, "a seed")) is int
    assert pf.rank("random", data, seed=seed).order.tolist() == pf.rank("random", data, seed=3).order.tolist()
    for order in (pf.rank("linear", data, seed=seed), pf.rank("probeless", data)):
        mine, theirs = (pf.probe_curve(order, data, [2], seed=one) for one in (seed, 3))
        assert mine["accuracy"].tolist() == theirs["accuracy"].tolist()


@pytest.mark.parametrize("sentences", [0, -1, 1.5, 2.0, True, "3", [3]], ids=repr)
def test_a_sample_has_a_whole_number_of_sentences(sentences):
    with pytest.raises(ValueError, match=r"sentences must be a whole number, 1 or more, not "):
        pf.Sample(sentences=sentences)


@pytest.mark.parametrize("ks", [[], range(0), 5, None, "12", b"12", [True], [1.5], [-1], [10**6]], ids=repr)
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
