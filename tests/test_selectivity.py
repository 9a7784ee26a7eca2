"""Selectivity against rankings, control tasks and curves put together by hand."""

from __future__ import annotations

import itertools

import numpy as np
import oracles
import pandas as pd
import pytest

from pitfalls.arrays.splits import Splits
from pitfalls.comparison.selectivity import selectivity, selectivity_curves
from pitfalls.probes.control import control_task
from pitfalls.probes.curves import probe_curve
from pitfalls.rankings import PAPER_RANKINGS, rank

PROBES = ("linear", "gaussian")


def splits() -> Splits:
    return oracles.splits(n=100, d=5, n_classes=3, dtype=np.float64, n_forms=60)


def test_selectivity_is_the_difference_row_by_row():
    data = splits()
    order = rank("probeless", data)
    curves = {
        (probe, task): probe_curve(order, data, [1, 3, 5], probe, task=task, seed=4)
        for probe in PROBES
        for task in ("real", "control")
    }
    real, control = (pd.concat([curves[probe, task] for probe in PROBES]) for task in ("real", "control"))
    table = selectivity(real, control.sample(frac=1, random_state=0))
    assert len(table) == 6
    for row in table.itertuples():
        a, b = (curves[row.probe, task].set_index("k").loc[row.k, "accuracy"] for task in ("real", "control"))
        assert (row.accuracy, row.control_accuracy, row.selectivity) == (a, b, a - b)


def test_rows_belong_together_only_when_everything_agrees():
    data = splits()
    order = rank("probeless", data)
    real, control = (probe_curve(order, data, [2], "gaussian", task=task) for task in ("real", "control"))
    assert len(selectivity(real, control)) == 1
    for column in ("language", "layer", "probe", "ranking", "direction", "ranking_seed", "split", "k"):
        other = control.assign(**{column: 5 if control[column].dtype == int else "other"})
        with pytest.raises(ValueError, match=r"2 rows have no partner in the other table; the first is \{'language'"):
            selectivity(real, other)


def test_selectivity_refuses_curves_of_the_same_task():
    data = splits()
    curve = probe_curve(rank("probeless", data), data, [1], "gaussian", task="control")
    with pytest.raises(ValueError, match=r"expected a curve of the real task, and this one is of \['control'\]"):
        selectivity(curve, curve)
    with pytest.raises(ValueError, match=r"expected a curve of the control task, and this one is of \['real'\]"):
        selectivity(curve.assign(task="real"), curve.assign(task="real"))


def test_selectivity_curves_are_the_combination_made_by_hand():
    data = splits()
    made = {"real": {}, "kept": {}, "anew": {}}
    for seed, (name, direction) in itertools.product((0, 3), PAPER_RANKINGS):
        own, anew = (rank(name, words, direction, seed, max_neurons=4) for words in (data, control_task(data, seed)))
        for probe, (key, order, task) in itertools.product(
            PROBES, [("real", own, "real"), ("kept", own, "control"), ("anew", anew, "control")]
        ):
            curve = probe_curve(order, data, [1, 4], probe, task=task, seed=seed)
            made[key] |= {(probe, name, direction, seed, k): a for k, a in zip((1, 4), curve["accuracy"], strict=True)}
    tables = {
        way: selectivity_curves(data, [1, 4], probes=PROBES, control_ranking=way, seeds=[0, 3])
        for way in ("anew", "kept", "authors")
    }
    for way, table in tables.items():
        assert len(table) == len(PAPER_RANKINGS) * 2 * len(PROBES) * 2
        for row in table.itertuples():
            at = row.probe, row.ranking, row.direction, row.seed, row.k
            keeps = {"anew": False, "kept": True, "authors": row.ranking == "probeless"}[way]
            a, b = made["real"][at], made["kept" if keeps else "anew"][at]
            assert (row.accuracy, row.control_accuracy) == (pytest.approx(a, abs=1e-12), pytest.approx(b, abs=1e-12))
            assert row.selectivity == pytest.approx(a - b, abs=1e-12)
    # Or the three ways could not be told apart.
    assert len({tuple(table["control_accuracy"]) for table in tables.values()}) == 3


def test_bad_arguments_are_named():
    data = splits()
    for ks, more, said in (
        ([1], {"control_ranking": "new"}, 'control_ranking must be "anew", "kept" or "authors", not \'new\''),
        ([7], {}, "every k must be a whole number from 1 to the number of neurons, 5"),
        ([1], {"seeds": []}, "nothing to do: 0 jobs"),
    ):
        with pytest.raises(ValueError, match=said):
            selectivity_curves(data, ks, **more)
    assert selectivity_curves(data, [2.0], [("gaussian", "ttb")], ["gaussian"])["k"].tolist() == [2]
