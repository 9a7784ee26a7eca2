"""The neuron basis beside random ones: a small study of two bases, and its figure."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from drawn import drawn_twice, is_whole

import pitfalls as pf
from pitfalls.comparison.areas import area
from pitfalls.interventions import clwv
from pitfalls.study.bases import basis_areas


@pytest.fixture(scope="module")
def experiments(planted):
    site = pf.Site("rotated", 1)
    turned = [planted.rotated(seed).experiment("art", "Number", site=site) for seed in (0, 1)]
    return [planted.experiment("art", "Number", layer=1), *turned]


@pytest.fixture(scope="module")
def table(experiments):
    return basis_areas(experiments, ["probeless", "random"], ks=[2, 12, 36], kind=pf.Translation(2), sentences=30)


def test_areas_are_those_of_curves_basis_by_basis(experiments, table):
    assert len(table) == 3 * 2 * 2 and table["rotation"].unique().tolist() == [-1, 0, 1]
    for number, one in zip((-1, 0, 1), experiments, strict=True):
        order = one.rank("probeless")
        run = one.intervene(order, pf.Translation(2), [2, 12, 36], sentences=30)
        curve = pf.probe_curve(order, one.data, [2, 12, 36])
        here = table[(table["rotation"] == number) & (table["ranking"] == "probeless")].set_index("measure")["area"]
        assert here["CLWV"] == area([2, 12, 36], clwv(run.counts())["clwv"])
        assert here["probing"] == area([2, 12, 36], curve["accuracy"])


def test_the_figure_has_the_tables_numbers(table):
    plot = drawn_twice(pf.figures.bases, table)
    assert is_whole(plot)
    found = plot.table.set_index(["measure", "ranking", "basis"])
    turned = table[(table["measure"] == "CLWV") & (table["ranking"] == "probeless") & (table["basis"] == "rotated")]
    cell = found.loc[("CLWV", "probeless", "rotated")]
    assert cell["area"] == pytest.approx(turned["area"].mean()) and cell["draws"] == 2
    assert (cell["low"], cell["high"]) == (turned["area"].min(), turned["area"].max())
    assert f"in 2 random bases {cell['area']:.3f} ({cell['low']:.3f} to {cell['high']:.3f})" in plot.alt
    left, right = plot.figure.axes
    drawn = [line.get_xdata().tolist() for line in (*left.lines, *right.lines)]
    expected = [
        found.loc[(measure, slice(None), basis)].reindex(["probeless", "random"], level=0)["area"].tolist()
        for measure in ("probing", "CLWV")
        for basis in ("own", "rotated")
    ]
    np.testing.assert_allclose(drawn, expected)
    own = pf.figures.bases(table[table["basis"] == "own"])
    assert "random bases" not in own.alt.split("Artificial")[1]


def test_what_is_no_comparison_is_refused(experiments, table, planted):
    for given in (experiments[:1], experiments[1:], [experiments[0], *experiments]):
        with pytest.raises(ValueError, match=r"give one at a layer, and others at the same layer"):
            basis_areas(given)
    with pytest.raises(ValueError, match="3 experiments have 2 random bases: give each world its own seed"):
        basis_areas([*experiments, experiments[1]])
    with pytest.raises(ValueError, match="basis to be one of"):
        pf.figures.bases(table.assign(basis="other"))
    with pytest.raises(ValueError, match="shows one layer"):
        pf.figures.bases(pd.concat([table, table.assign(layer=2)]))
