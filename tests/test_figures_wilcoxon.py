"""The heat map of differences: the table's numbers in their places, marked, and said in words."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pandas as pd
import pytest
from drawn import drawn_twice, is_whole

from pitfalls import figures
from pitfalls.comparison.permutation import blocked_permutations
from pitfalls.figures.style import Plot

RANKINGS = [(name, way) for name in ("linear", "gaussian", "probeless") for way in ("ttb", "btt")] + [("random", "ttb")]
METHODS = [(probe, *ranking) for probe in ("gaussian", "linear") for ranking in RANKINGS]
SIDES = ["probe_a", "ranking_a", "direction_a", "probe_b", "ranking_b", "direction_b"]


def differences(seed: int = 0, methods=METHODS, **changes: object) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    rows = []
    for a, b in itertools.combinations(methods, 2):
        mean, median, p = generator.normal(0, 0.1), generator.normal(0, 0.1), generator.uniform(0, 0.1)
        for sign, pair in ((1, (*a, *b)), (-1, (*b, *a))):
            numbers = {"mean_difference": sign * mean, "median_difference": sign * median, "p_adjusted": p}
            rows.append({"by": "all", "group": "all", "k": 10, "n_pairs": 156, **dict(zip(SIDES, pair, strict=True))})
            rows[-1] |= numbers
    return pd.DataFrame(rows).assign(**changes)


def name(method: tuple[str, str, str]) -> str:
    probe, ranking, way = method
    return f"{probe.capitalize()} by {ranking.capitalize()}" + (", btt" if way == "btt" else "")


def cells(plot: Plot) -> dict[tuple[str, str], str]:
    """What is written, by row and column."""
    axes = plot.figure.axes[0]
    rows = [label.get_text() for label in axes.get_yticklabels()]
    columns = [label.get_text() for label in axes.get_xticklabels()]
    return {
        (rows[int(text.get_position()[1])], columns[int(text.get_position()[0])]): text.get_text()
        for text in axes.texts
    }


@pytest.fixture(scope="module")
def plot():
    return figures.wilcoxon(differences())


def test_every_difference_is_written_in_its_place_with_a_mark_where_it_is_significant():
    matrix = differences()
    plot = figures.wilcoxon(matrix.sample(frac=1, random_state=0))
    written = cells(plot)
    expected = {
        (name(tuple(row[SIDES[:3]])), name(tuple(row[SIDES[3:]]))): f"{100 * row['mean_difference']:+.1f}"
        + ("*" if row["p_adjusted"] < 0.05 else "")
        for _, row in matrix.iterrows()
    }
    assert {where: text for where, text in written.items() if where[0] != where[1]} == expected
    assert len(expected) == 14 * 13 and 0 < sum("*" in text for text in expected.values()) < 14 * 13
    assert not any(text for where, text in written.items() if where[0] == where[1])


def test_methods_stand_by_probe_then_as_in_legends_with_btt_marked(plot):
    labels = [label.get_text() for label in plot.figure.axes[0].get_yticklabels()]
    rankings = ["Linear", "Gaussian", "Probeless", "Random", "Linear, btt", "Gaussian, btt", "Probeless, btt"]
    assert labels == [f"{probe} by {ranking}" for probe in ("Linear", "Gaussian") for ranking in rankings]


def test_colours_are_white_at_zero_and_as_far_from_it_either_way(plot):
    mesh = plot.figure.axes[0].collections[0]
    low, high = mesh.get_clim()
    assert -low == high == pytest.approx(100 * differences()["mean_difference"].abs().max())
    assert np.allclose(mesh.cmap(mesh.norm(0.0)), mesh.cmap(0.5)) and min(mesh.cmap(mesh.norm(0.0))) > 0.95
    # Ahead is purple (more blue than red), behind is orange.
    ahead, behind = mesh.cmap(mesh.norm(high)), mesh.cmap(mesh.norm(low))
    assert ahead[2] > ahead[0] and behind[0] > behind[2]
    shown = mesh.get_array().reshape(14, 14)
    assert np.ma.getmaskarray(shown).nonzero()[0].tolist() == list(range(14))


def test_the_alt_text_says_the_strongest_and_how_many(plot):
    matrix, alt = differences(), plot.alt
    best = matrix.loc[matrix["mean_difference"].idxmax()]
    a, b = name(tuple(best[SIDES[:3]])), name(tuple(best[SIDES[3:]]))
    sure = "p < 0.05" if best["p_adjusted"] < 0.05 else "p not below 0.05"
    assert f"Largest: {a} over {b}, {100 * best['mean_difference']:+.1f} ({sure})." in alt
    assert f"{(matrix['p_adjusted'] < 0.05).sum() // 2} of 91 pairs differ (adjusted p < 0.05)" in alt
    ahead = {name(m): 0 for m in METHODS}
    surely = dict(ahead)
    for _, row in matrix[matrix["mean_difference"] > 0].iterrows():
        ahead[name(tuple(row[SIDES[:3]]))] += 1
        surely[name(tuple(row[SIDES[:3]]))] += row["p_adjusted"] < 0.05
    for what, extreme in (("Ahead of the most others", max), ("Ahead of the fewest", min)):
        found = re.search(rf"{what}: (.*?), of (\d+) \((\d+) significantly\)", alt)
        assert found and ahead[found[1]] == int(found[2]) == extreme(ahead.values())
        assert surely[found[1]] == int(found[3])
    assert "14 methods" in alt and "first 10 neurons; overall, 156 configurations" in alt


def test_another_difference_and_level_are_drawn_and_said():
    matrix = differences()
    plot = figures.wilcoxon(matrix, "median_difference", alpha=0.01)
    assert plot.table[SIDES].equals(matrix[SIDES])
    assert plot.table["median_difference"].equals(matrix["median_difference"])
    assert plot.table["significant"].tolist() == (matrix["p_adjusted"] < 0.01).tolist()
    assert "Median difference" in plot.caption and "< 0.01" in plot.caption and "< 0.01" in plot.alt
    row = matrix.iloc[0]
    where = name(tuple(row[SIDES[:3]])), name(tuple(row[SIDES[3:]]))
    assert cells(plot)[where].rstrip("*") == f"{100 * row['median_difference']:+.1f}"


def test_group_and_test_are_said():
    few = METHODS[:3]
    assert "layer 7, 52 configurations" in figures.wilcoxon(differences(0, few, by="layer", group=7, n_pairs=52)).alt
    spanish = figures.wilcoxon(differences(0, few, by="language", group="spa"))
    assert "Spanish, 156" in spanish.alt and "Spanish" in spanish.figure.axes[0].get_title()
    assert "Gender, 156" in figures.wilcoxon(differences(0, few, by="attribute", group="Gender")).alt
    uneven = differences(0, few)
    uneven.loc[0, "n_pairs"] = 150
    assert "150 to 156 configurations per pair" in figures.wilcoxon(uneven).alt
    assert "signed-rank" in figures.wilcoxon(uneven).caption
    blocked = figures.wilcoxon(differences(0, few, least_p=0.125, n_blocks=4).drop(columns="median_difference"))
    assert "whole languages (4 or more), so p is at least 0.125" in blocked.caption
    assert "signed-rank" not in blocked.caption


def test_the_tables_of_the_study_can_be_drawn():
    from pitfalls.comparison.wilcoxon import wilcoxon_matrix

    generator = np.random.default_rng(0)
    rows = [
        {"language": language, "attribute": "Number", "layer": 2, "probe": probe, "ranking": ranking}
        | {"direction": way, "k": 10, "accuracy": generator.random()}
        for language in ("eng", "spa", "rus")
        for probe, ranking, way in METHODS[:5]
    ]
    for test in (wilcoxon_matrix, blocked_permutations):
        found = test(pd.DataFrame(rows), [10])
        assert figures.wilcoxon(found).table["mean_difference"].tolist() == found["mean_difference"].tolist()


def test_equal_methods_are_drawn_white():
    plot = figures.wilcoxon(differences(mean_difference=0.0, p_adjusted=1.0))
    assert "0 of 91 pairs differ" in plot.alt and "+0.0 (p not below 0.05)" in plot.alt
    assert plot.figure.axes[0].collections[0].get_clim() == (-0.1, 0.1)


def test_pictures_are_whole_and_the_same_bytes_on_every_run(plot):
    drawn_twice(figures.wilcoxon, differences(methods=METHODS[:4]))
    assert is_whole(plot)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (differences().drop(columns="p_adjusted"), "needs the columns .*p_adjusted"),
        (pd.concat([differences(), differences(k=50)]), "one k, and the table has 2"),
        (pd.concat([differences(by="layer", group=2), differences(by="layer", group=7)]), "one group, and the"),
        (differences().iloc[1:], "every ordered pair of its 14 methods once, 182 rows, and the table has 181 rows"),
        (pd.concat([differences().iloc[1:], differences().iloc[1:2]]), "182 rows of 181 pairs"),
        (differences().iloc[:0], "one by, and the table has 0"),
    ],
)
def test_no_whole_matrix_no_figure(matrix, message):
    with pytest.raises(ValueError, match=message):
        figures.wilcoxon(matrix)
