"""Rankings against the truth: precision@k and areas against slow loops, and the figure of them."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pitfalls as pf
from pitfalls import figures
from pitfalls.arrays.ranking import Ranking
from pitfalls.comparison.truth import precision_at, ranking_areas, score_rankings
from pitfalls.worlds.blueprint import PlantedParameters, plant

TRUTH = plant(PlantedParameters())


def shuffled(seed, name="random", direction="ttb"):
    return Ranking(np.random.default_rng(seed).permutation(128), None, name, direction, seed=seed)


@given(st.integers(0, 10_000), st.integers(1, 12), st.floats(0, 1))
def test_precision_is_a_slow_count(seed, d, share):
    generator = np.random.default_rng(seed)
    order, relevant = generator.permutation(d), generator.random(d) < share
    slow = [sum(bool(relevant[neuron]) for neuron in order[:k]) / k for k in range(1, d + 1)]
    assert precision_at(order, relevant).tolist() == slow


def test_scores_and_areas_are_slow_loops_over_the_blocks():
    rankings = [shuffled(3), shuffled(4, "other", "btt")]
    table = score_rankings(rankings, TRUTH)
    assert table.groupby(["ranking", "against"])["k"].apply(list).tolist() == [list(range(1, 129))] * 4
    assert table[["language", "attribute", "layer", "ranking_seed"]].drop_duplicates().values.tolist() == [
        ["art", "Number", 1, seed] for seed in (3, 4)
    ]
    scores = table.set_index(["ranking", "against", "k"])["precision"]
    areas = ranking_areas(rankings, TRUTH).set_index(["ranking", "against"])
    sets = {
        "encoded": {int(n) for block in ("used", "redundant", "unused") for n in TRUTH.blocks[block]},
        "used": {int(n) for n in TRUTH.blocks["used"]},
    }
    for ranking in rankings:
        for against, neurons in sets.items():
            slow = [len(neurons & set(ranking.order[:k].tolist())) / k for k in range(1, 129)]
            for k in (1, 7, 128):
                assert scores[ranking.name, against, k] == pytest.approx(slow[k - 1])
            row = areas.loc[(ranking.name, against)]
            assert row["area"] == pytest.approx(np.mean(slow[: len(neurons)]))
            assert (row["relevant"], row["chance"]) == (len(neurons), len(neurons) / 128)
    assert areas["direction"].tolist() == ["ttb", "ttb", "btt", "btt"]


def test_a_random_ranking_reaches_chance_on_average():
    areas = ranking_areas([shuffled(seed) for seed in range(500)], TRUTH)
    for _, part in areas.groupby("against"):
        standard_error = part["area"].std() / np.sqrt(len(part))
        assert abs(part["area"].mean() - part["chance"].iloc[0]) < 4 * standard_error
        assert standard_error < 0.01


def test_a_good_ranking_of_what_is_encoded_can_be_worse_than_chance_at_what_is_used():
    """The lesson of the world: its most telling neurons are those that nothing reads."""
    world = pf.load_world("planted", planted=pf.PlantedParameters(unused_strength=2.5))
    data = world.activations("art", "Number", 1)
    found = [pf.rank(name, data) for name in ("linear", "probeless")]
    areas = ranking_areas(found, pf.truth(world)).set_index(["ranking", "against"])
    for ranking in found:
        assert areas.loc[(ranking.name, "encoded"), "area"] > 0.95
        assert areas.loc[(ranking.name, "used"), "area"] < areas.loc[(ranking.name, "used"), "chance"]


def test_what_cannot_be_scored_is_named():
    for asks, said in (
        (lambda: ranking_areas([Ranking(np.arange(5), None, "short")], TRUTH), "short orders 5 neurons .* has 128"),
        (lambda: score_rankings([], TRUTH), "no ranking to score"),
        (lambda: score_rankings([shuffled(0)], TRUTH, ks=[5, 129]), r"number of neurons, 128; these are not: \[129\]"),
        (lambda: precision_at([0, 1, 2], [1, 0, 1]), r"relevant is int64 of shape \(3,\)"),
    ):
        with pytest.raises(ValueError, match=said):
            asks()


def areas(n_methods=3, **changes):
    names = ["linear", "gaussian", "probeless", *(f"method {i}" for i in range(n_methods - 3))]
    both = [shuffled(10 * i + j, name, way) for i, name in enumerate(names) for j, way in enumerate(("ttb", "btt"))]
    return ranking_areas([*both, shuffled(7)], TRUTH).assign(**changes)


def drawn(plot, panel, label):
    (line,) = [line for line in plot.figure.axes[panel].get_lines() if line.get_label() == label]
    return line


def test_every_area_is_drawn_in_its_panel_row_and_direction():
    table = areas(15)
    plot = figures.truth(table)
    assert [axes.get_title() for axes in plot.figure.axes] == ["Encoded", "Used by the model"]
    rows = [label.get_text().lower() for label in plot.figure.axes[0].get_yticklabels()]
    assert len(rows) == 16
    for panel, against in enumerate(("encoded", "used")):
        for label, direction in (("top to bottom", "ttb"), ("bottom to top", "btt")):
            points = {rows[round(y)]: x for x, y in drawn(plot, panel, label).get_xydata()}
            own = table[(table["against"] == against) & (table["direction"] == direction)].set_index("ranking")["area"]
            assert points == pytest.approx(own.to_dict())
        chance = drawn(plot, panel, "random, expected").get_xdata()
        assert set(chance) == set(table[table["against"] == against]["chance"])


def test_rankings_that_find_the_used_neurons_stand_above():
    table = areas(9)
    rows = [label.get_text().lower() for label in figures.truth(table).figure.axes[0].get_yticklabels()]
    used = table.query("against == 'used' and direction == 'ttb'").set_index("ranking")["area"]
    assert [used[row] for row in rows] == sorted(used, reverse=True)
    table.loc[table["against"] == "used", "area"] = 0.0
    rows = [label.get_text().lower() for label in figures.truth(table).figure.axes[0].get_yticklabels()]
    encoded = table.query("against == 'encoded' and direction == 'ttb'").set_index("ranking")["area"]
    assert [encoded[row] for row in rows] == sorted(encoded, reverse=True)


def test_draws_are_averaged_with_a_line_between_the_extremes():
    table = pd.concat([areas(), areas(ranking_seed=99, area=0.125)])
    plot = figures.truth(table)
    row = plot.table.iloc[0]
    own = table.query("ranking == @row.ranking and direction == @row.direction and against == @row.against")["area"]
    assert (row["area"], row["low"], row["high"], row["draws"]) == (own.mean(), own.min(), own.max(), 2)
    spans = [segment for lines in plot.figure.axes[0].collections for segment in lines.get_segments()]
    assert any(segment[:, 0].tolist() == [row["low"], row["high"]] for segment in spans)
    assert "span the draws" in plot.caption and "span the draws" not in figures.truth(areas()).caption


def test_alt_text_says_all_numbers_of_the_table_and_no_other():
    plot = figures.truth(areas(5))
    said = re.findall(r"\d\.\d{3}", plot.alt)
    expected = [f"{x:.3f}" for x in plot.table["area"]] + [f"{36 / 128:.3f}", f"{12 / 128:.3f}"]
    assert sorted(said) == sorted(expected)
    assert "Artificial Number, layer 1" in plot.alt and "Artificial Number, layer 1" in plot.caption


def test_one_set_alone_is_one_panel_and_directions_differ_in_colour_and_in_marker():
    plot = figures.truth(areas().query("against == 'encoded'"))
    assert [axes.get_title() for axes in plot.figure.axes] == ["Encoded"]
    ttb, btt = (drawn(plot, 0, label) for label in ("top to bottom", "bottom to top"))
    assert ttb.get_color() != btt.get_color() and ttb.get_marker() != btt.get_marker()


def test_tables_that_it_cannot_show_are_refused():
    for table, said in (
        (areas().drop(columns="area"), r"needs the columns \['area'\]"),
        (areas(against="read"), r"against to be one of \['encoded', 'used'\]; the table also has \['read'\]"),
        (pd.concat([areas(), areas(attribute="Case")]), "one attribute, and the table has 2"),
        (pd.concat([areas(), areas(chance=0.5)]), "one chance, and the table has 2"),
        (areas().iloc[:0], "and the table has 0"),
    ):
        with pytest.raises(ValueError, match=said):
            figures.truth(table)
