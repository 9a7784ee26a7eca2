"""The interval over draws, against NumPy on each group."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pitfalls.arrays.splits import Splits
from pitfalls.comparison.chance import interval
from pitfalls.probes.curves import probe_curves
from pitfalls.rankings import random_rankings


@pytest.fixture(scope="module")
def curves():
    generator = np.random.default_rng(0)
    part = (generator.normal(size=(60, 6)), np.arange(60) % 2)
    data = Splits.from_arrays(part, part, part)
    return probe_curves(random_rankings(data, draws=5), data, [1, 3], probes=["gaussian"], seeds=[0, 1])


@pytest.mark.parametrize("measure", ["accuracy", "mi_bits"])
@pytest.mark.parametrize("level", [0.5, 0.8])
def test_the_interval_is_mean_and_quantiles_over_the_draws(curves, measure, level):
    table = interval(curves, measure, level)
    assert table["k"].tolist() == [1, 3]
    for row in table.itertuples():
        values = curves.loc[curves["k"] == row.k, measure].to_numpy()
        assert row.draws == len(values) == 10
        assert row.mean == pytest.approx(values.mean())
        assert (row.low, row.high) == pytest.approx(tuple(np.quantile(values, [(1 - level) / 2, (1 + level) / 2])))


def test_only_what_is_named_counts_as_a_draw(curves):
    table = interval(curves, over=["ranking_seed"])
    assert table[["seed", "k"]].values.tolist() == [[0, 1], [0, 3], [1, 1], [1, 3]]
    assert (table["draws"] == 5).all()


def test_other_things_than_draws_are_kept_apart(curves):
    both = pd.concat([curves, curves.assign(task="control", accuracy=0.0)])
    table = interval(both).set_index(["task", "k"])
    assert (table.loc["control", "mean"] == 0).all()
    assert (table.loc["real", "mean"] > 0.3).all()


def test_what_cannot_be_answered_is_said(curves):
    with pytest.raises(ValueError, match="no column 'acuracy'; the table has"):
        interval(curves, "acuracy")
    for level in (0, 1, 1.5):
        with pytest.raises(ValueError, match=rf"such as 0\.95; it is {level}"):
            interval(curves, level=level)
