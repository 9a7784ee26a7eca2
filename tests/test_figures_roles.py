"""The figures of both roles, and of best subsets: what is drawn and told is what the tables say."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from oracles import splits

import pitfalls as pf
from pitfalls import figures
from pitfalls.comparison.roles import role_areas

ABOUT = {"language": "spa", "attribute": "Gender", "site": "residual", "layer": 2}
RANKINGS = ["linear", "probeless", "random", "attribution", "mask agreement"]
KS = [0, 1, 4, 64]


def tables() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Probing curves, counts of outcomes and rates of agreement of some rankings."""
    draw = np.random.default_rng(0)
    curves, outcomes, rates = [], [], []
    for ranking in RANKINGS:
        keys = {**ABOUT, "ranking": ranking, "direction": "ttb", "ranking_seed": 0}
        for k in KS:
            of = {**keys, "k": k}
            curves += [{**of, "probe": probe, "accuracy": draw.random()} for probe in ("linear", "gaussian")]
            hits = int(draw.integers(100))
            run = {"split": "test", "kind": "translation", "strength": 8.0, "target": "next"}
            outcomes += [{**of, **run, "outcome": "intended", "count": hits}]
            outcomes += [{**of, **run, "outcome": "unchanged", "count": 100 - hits}]
            for attractors in ("all", "with"):
                for measure in ("flip rate", "shift"):
                    more = {"attractors": attractors, "measure": measure, "mean": draw.random()}
                    rates.append({**of, **run, **more})
    return pd.DataFrame(curves).query("k > 0"), pd.DataFrame(outcomes), pd.DataFrame(rates)


def both() -> pd.DataFrame:
    curves, outcomes, rates = tables()
    found = pd.concat([role_areas(curves, used, most=32) for used in (outcomes, rates)])
    return found.drop_duplicates()


def test_areas_are_means_over_the_first_neurons() -> None:
    curves, outcomes, rates = tables()
    found = both().set_index(["ranking", "measure"])
    assert len(found) == len(RANKINGS) * 4
    for (ranking, measure), row in found.iterrows():
        if measure == "CLWV":
            part = outcomes[(outcomes["ranking"] == ranking) & (outcomes["outcome"] == "intended")]
            value = part.set_index("k")["count"] / 100
        elif measure == "flip rate":
            part = rates[(rates["ranking"] == ranking) & (rates["measure"] == measure) & (rates["attractors"] == "all")]
            value = part.set_index("k")["mean"]
        else:
            part = curves[(curves["ranking"] == ranking) & (curves["probe"] == measure.split()[0])]
            value = part.set_index("k")["accuracy"]
        assert row["area"] == pytest.approx((value[1] + value[4]) / 2)
        assert row["role"] == ("encoded" if "probe" in measure else "used")
    for change, said in (
        (lambda: role_areas(curves, outcomes.query("k != 4"), 32), r"have \[1, 4\], and what is used has \[1\]"),
        (
            lambda: role_areas(curves, outcomes.query("ranking != 'linear'"), 32),
            "there is no row in what is used of language spa, .* ranking linear, .*, k 1",
        ),
        (lambda: role_areas(curves, outcomes.drop(columns="count"), 32), r"give run\.counts\(\), or run\.agreement"),
        (lambda: role_areas(curves, outcomes, 0), r"the same k for both roles, from 1 to 0"),
        (lambda: role_areas(curves, pd.concat([rates, rates.assign(strength=2.0)]), 32), "one kind of intervention"),
    ):
        with pytest.raises(ValueError, match=said):
            change()


def test_every_area_is_drawn_in_its_panel_and_row() -> None:
    table = both()
    plot = figures.roles(table)
    encoded, used = plot.figure.axes
    rows = [label.get_text() for label in encoded.get_yticklabels()]
    assert set(rows[:2]) == {"Attribution", "Mask agreement"} and len(rows) == len(RANKINGS)
    drawn = set()
    for axes in (encoded, used):
        for line in axes.get_lines():
            asks = line.get_markerfacecolor() == line.get_color()
            for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True):
                # The line between the groups and the entries of the legend have no marker and no point.
                if line.get_marker() not in ("None", None, ""):
                    drawn.add((axes is used, rows[round(float(y))], round(float(x), 9), asks))
    expected = {
        (row.role == "used", row.ranking.capitalize(), round(row.area, 9), row.ranking in RANKINGS[3:])
        for row in table.itertuples()
    }
    assert drawn == expected
    areas = table[table["role"] == "used"].groupby("ranking")["area"].mean()
    for group in (rows[:2], rows[2:]):
        values = [areas[name[0].lower() + name[1:]] for name in group]
        assert values == sorted(values, reverse=True)
    said = re.findall(r"\d\.\d{3}", plot.alt)
    assert sorted(said) == sorted(f"{x:.3f}" for x in plot.table["area"])
    assert "Mask agreement ask the model" in plot.alt and plot.svg() == figures.roles(table).svg()


def test_each_model_has_its_own_row_of_panels() -> None:
    table = both().query("measure != 'gaussian probe'")
    other = table.assign(model="xlmr", area=(1 - table["area"]) / 2)
    plot = figures.roles(pd.concat([table.assign(model="bert"), other]))
    models = {"bert": table, "xlmr": other}
    grid = np.array(plot.figure.axes).reshape(2, 2)
    assert [axes.get_ylabel() for axes in grid[:, 0]] == list(models)
    for line, part in zip(grid, models.values(), strict=True):
        rows = [label.get_text().lower() for label in line[0].get_yticklabels()]
        for axes, role in zip(line, ("encoded", "used"), strict=True):
            drawn = {
                (rows[round(float(y))], round(float(x), 9))
                for found in axes.get_lines()
                if found.get_marker() not in ("None", None, "")
                for x, y in zip(found.get_xdata(), found.get_ydata(), strict=True)
            }
            own = part[part["role"] == role]
            assert drawn == set(zip(own["ranking"], own["area"].round(9), strict=True))
        used = part[part["role"] == "used"].groupby("ranking")["area"].mean()
        for group in (rows[:2], rows[2:]):
            assert group == sorted(group, key=lambda name: -used[name])
    # What is used can be compared by eye: all models share its axis.
    assert grid[0, 1].get_xlim() == grid[1, 1].get_xlim()
    assert plot.alt.index("bert: Encoded") < plot.alt.index("xlmr: Encoded") and "bert, xlmr" in plot.caption
    said = re.findall(r"\d\.\d{3}", plot.alt)
    assert sorted(said) == sorted(f"{x:.3f}" for x in plot.table["area"])
    lacking = pd.concat([table.assign(model="bert"), other.query("measure != 'CLWV'")])
    with pytest.raises(ValueError, match=r"bert has \['CLWV', .*\], and xlmr has \['flip rate', 'linear probe'\]"):
        figures.roles(lacking)


def test_draws_are_averaged_and_other_tables_refused() -> None:
    table = both()
    plot = figures.roles(pd.concat([table, table.assign(ranking_seed=1, area=0.5)]))
    assert set(plot.table["draws"]) == {2} and "span the draws" in plot.caption
    for wrong, said in (
        (table.drop(columns="role"), r"needs the columns \['role'\]"),
        (table.assign(measure="tree probe"), r"measure to be one of .* also has \['tree probe'\]"),
        (table.assign(area=np.nan), "area must be a number"),
        (pd.concat([table, table.assign(layer=3)]), "one layer, and the table has 2"),
    ):
        with pytest.raises(ValueError, match=said):
            figures.roles(wrong)


def test_best_subsets_are_drawn_beside_the_greedy_search() -> None:
    table = pf.comparison.greedy_gap(splits(n=80, d=6), sizes=[1, 2])
    plot = figures.subsets(table)
    (axes,) = plot.figure.axes
    for line, search in zip(axes.get_lines(), ("best", "greedy"), strict=True):
        own = table[table["search"] == search]
        np.testing.assert_allclose(line.get_ydata(), own["information"])
        assert line.get_xdata().tolist() == [1, 2]
    for row in table.itertuples():
        assert f"{row.search} {row.information:.3f}" in plot.alt and f"({row.neurons})" in plot.alt
    with pytest.raises(ValueError, match=r"search to be one of \['best', 'greedy'\]; the table also has \['none'\]"):
        figures.subsets(table.assign(search="none"))


def searched() -> pd.DataFrame:
    drawn = np.random.default_rng(5).random((4, 2))
    table = pd.DataFrame({"language": "spa", "attribute": "Gender", "site": "residual", "layer": 2,
                          "dims": [8, 1, 4, 2], "cases": 160, "real": drawn[:, 0], "control": drawn[:, 1]})  # fmt: skip
    difference = table["real"] - table["control"]
    return table.assign(difference=difference, low=difference - 0.1, high=difference + 0.2)


def test_alignment_search_is_drawn_beside_its_control() -> None:
    table = searched()
    plot = figures.alignment(table)
    own = table.sort_values("dims")
    scores, differences = plot.figure.axes
    assert [text.get_text() for text in scores.get_xticklabels()] == ["1", "2", "4", "8"]
    for line, column in zip(scores.get_lines(), ("real", "control"), strict=True):
        np.testing.assert_allclose(line.get_ydata(), own[column])
    (bars,) = differences.containers
    np.testing.assert_allclose(bars.lines[0].get_ydata(orig=False), own["difference"])
    ends = np.array([segment[:, 1] for segment in bars.lines[2][0].get_segments()])
    np.testing.assert_allclose(ends, own[["low", "high"]])
    for row in table.itertuples():
        assert f"{row.real:.2f} and {row.control:.2f}, {row.difference:+.2f}" in plot.alt
    pd.testing.assert_frame_equal(plot.table, own.reset_index(drop=True))
    for wrong, said in (
        (table.drop(columns="control"), r"needs the columns \['control'\]"),
        (table.assign(real=np.nan), "real must be a number"),
        (pd.concat([table, table]), r"several of \[1, 2, 4, 8\]"),
        (pd.concat([table, table.assign(layer=3)]), "one layer, and the table has 2"),
    ):
        with pytest.raises(ValueError, match=said):
            figures.alignment(wrong)
