"""Grids of interventions and bars of outcomes: the tables' numbers, drawn and said in words."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pandas as pd
import pytest
from drawn import drawn_twice, is_whole, touching
from matplotlib.colors import to_hex

from pitfalls import figures
from pitfalls.figures.style import Plot, look, ranking_name
from pitfalls.interventions.outcomes import OUTCOMES

WAYS = [("linear", "ttb"), ("lca", "ttb"), ("random", "ttb"), ("linear", "btt"), ("lca", "btt")]
PANELS = [("Gender", 2), ("Gender", 3), ("Number", 2), ("Tense", 3)]
STRENGTHS = dict(zip(PANELS, (4.0, 8.0, 2.5, 4.0), strict=True))
SHARES = {
    "unchanged": "unchanged",
    "intended": "right lemma, intended value",
    "another": "right lemma, another value",
    "same": "right lemma, same value",
    "lost": "attribute lost",
    "wrong_intended": "wrong lemma, intended value",
    "wrong_other": "wrong lemma, other value",
    "split": "split differently",
    "unknown": "unknown to the analyser",
}


def interventions(seed: int = 0, panels=PANELS, **changes: object) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    rows = [
        {"language": "spa", "attribute": attribute, "layer": layer, "split": "test", "ranking": ranking}
        | {"direction": way, "ranking_seed": seed, "kind": "translation", "strength": STRENGTHS[attribute, layer]}
        | {"target": "next", "k": k, "outcome": outcome, "count": int(count), "rate": count / 200}
        for (attribute, layer), (ranking, way), k in itertools.product(panels, WAYS, (16, 0, 8))
        for outcome, count in zip(OUTCOMES, generator.multinomial(200, np.ones(9) / 9), strict=True)
    ]
    return pd.DataFrame(rows).assign(**changes)


def slowly(table: pd.DataFrame) -> dict[tuple[object, ...], float]:
    """The rate of every attribute, layer, measure, ranking, direction and k of one draw, counted row by row."""
    rates = {}
    for (*panel, ranking, way, k), rows in table.groupby(["attribute", "layer", "ranking", "direction", "k"]):
        counts = dict.fromkeys(OUTCOMES, 0)
        for outcome, count in zip(rows["outcome"], rows["count"], strict=True):
            counts[outcome] += count
        words = sum(counts.values())
        rates[(*panel, "CLWV", ranking, way, k)] = (counts["intended"] + counts["another"]) / words
        rates[(*panel, "error rate", ranking, way, k)] = (words - counts["unchanged"]) / words
    return rates


def shown(plot: Plot) -> dict[str, object]:
    """The panels that are not blank, by title."""
    return {axes.get_title(): axes for axes in plot.figure.axes if axes.axison}


def test_a_grid_has_one_row_per_attribute_and_one_column_per_layer_with_the_curves_of_each():
    table = interventions()
    plot = figures.effects_grid(table.sample(frac=1, random_state=1))
    titles = [f"{a}, layer {layer}, β = {STRENGTHS[a, layer]:g}" for a, layer in PANELS]
    assert list(shown(plot)) == titles and len(plot.figure.axes) == 6
    expected = slowly(table)
    for (attribute, layer), title in zip(PANELS, titles, strict=True):
        place = shown(plot)[title].get_subplotspec()
        assert place.rowspan.start == ["Gender", "Number", "Tense"].index(attribute)
        assert place.colspan.start == [2, 3].index(layer)
        drawn = {
            (to_hex(line.get_color()).upper(), line.get_linestyle(), line.get_markerfacecolor() == "white"): line
            for line in shown(plot)[title].get_lines()
        }
        assert len(drawn) == 2 * len(WAYS)
        for (ranking, way), (measure, style) in itertools.product(WAYS, (("CLWV", "--"), ("error rate", "-"))):
            color, marker = look(ranking, ["lca"])
            line = drawn[color, style, way == "btt"]
            rates = [(k, expected[attribute, layer, measure, ranking, way, k]) for k in (0, 8, 16)]
            np.testing.assert_allclose(line.get_xydata(), rates)
            assert line.get_marker() == marker
    rows = plot.table[["attribute", "layer", "measure", "ranking", "direction", "k", "rate"]]
    assert {tuple(row[:-1]): row[-1] for row in rows.itertuples(index=False)} == pytest.approx(expected)
    strengths = plot.table.drop_duplicates(["attribute", "layer"]).set_index(["attribute", "layer"])["strength"]
    assert strengths.to_dict() == STRENGTHS


def test_a_grid_says_the_highest_rates_of_each_panel_and_what_is_blank():
    table = interventions()
    alt = figures.effects_grid(table).alt
    expected = slowly(table)
    for attribute, layer in PANELS:
        said = alt.split(f"{attribute}, layer {layer}, β = {STRENGTHS[attribute, layer]:g} (200 words): ")[1]
        for measure in ("CLWV", "error rate"):
            found = re.search(rf"highest {measure} (\d\.\d{{3}}) by ([^.]*?) at k = (\d+)", said)
            own = {key[3:]: rate for key, rate in expected.items() if key[:3] == (attribute, layer, measure)}
            assert found and found[1] == f"{max(own.values()):.3f}"
            ways = {ranking_name(*way): way for way in WAYS}
            assert own[(*ways[found[2]], int(found[3]))] == max(own.values())
    assert "3 attributes by 2 layers" in alt and "Spanish: translation." in alt
    assert alt.endswith("Left blank, as the table lacks them: Number, layer 3; Tense, layer 2.")
    assert "blank" not in figures.effects_grid(interventions(panels=PANELS[:2])).alt


def test_a_ranking_looks_the_same_in_all_panels_and_as_in_the_legend():
    one, two = interventions(panels=PANELS[:1]), interventions(panels=PANELS[1:2])
    # Alone, the second panel would give LCA the look that ANOVA has in the first.
    plot = figures.effects_grid(pd.concat([one.replace({"ranking": {"linear": "anova"}}), two]))
    listed = {line.get_label(): (line.get_color(), line.get_marker()) for line in plot.figure.legends[0].get_lines()}
    assert listed["ANOVA F"] == look("anova", ["anova", "lca"]) and listed["LCA"] == look("lca", ["anova", "lca"])
    for axes, names in zip(shown(plot).values(), (["ANOVA F", "LCA"], ["Linear", "LCA"]), strict=True):
        drawn = {(line.get_color(), line.get_marker()) for line in axes.get_lines()}
        assert drawn == {listed[name] for name in [*names, "Random"]}


def test_a_grid_numbers_the_outer_panels_even_beside_blank_ones():
    plot = figures.effects_grid(interventions(panels=PANELS[1:]))
    plot.figure.canvas.draw()
    below, beside = set(), set()
    for title, axes in shown(plot).items():
        if any(label.get_visible() and label.get_text() for label in axes.get_xticklabels()):
            below.add(title.split(", β")[0])
        if any(label.get_visible() and label.get_text() for label in axes.get_yticklabels()):
            beside.add(title.split(", β")[0])
    assert below == {"Number, layer 2", "Tense, layer 3"}
    assert beside == {"Gender, layer 3", "Number, layer 2", "Tense, layer 3"}


def test_a_strength_that_all_panels_share_is_said_once():
    plot = figures.effects_grid(interventions(strength=4.0))
    assert "Gender, layer 2" in shown(plot) and plot.figure.get_suptitle() == "Spanish: translation, β = 4"
    plot = figures.effects_grid(interventions(kind="ablation", strength=float("nan"), target="none"))
    assert "Gender, layer 2" in shown(plot) and plot.figure.get_suptitle() == "Spanish: ablation"
    assert len(plot.table) == len(PANELS) * len(WAYS) * 2 * 3


def test_a_grid_without_a_change_says_so_and_among_equals_names_the_first():
    still = interventions(panels=PANELS[:1]).assign(count=lambda t: (t["outcome"] == "unchanged") * 9)
    assert "(9 words): CLWV 0.000 throughout, error rate 0.000 throughout." in figures.effects_grid(still).alt
    equal = still.assign(outcome=still["outcome"].replace({"unchanged": "intended", "intended": "unchanged"}))
    assert "highest CLWV 1.000 by Linear at k = 0," in figures.effects_grid(equal).alt


@pytest.mark.slow
def test_the_largest_grid_is_whole_and_its_titles_do_not_touch():
    names = ("Animacy", "Aspect", "Case", "Definiteness", "Gender", "Mood", "Number", "Person", "Tense")
    one = interventions(panels=PANELS[:1]).assign(strength=8.5)
    grid = [one.assign(attribute=a, layer=i, strength=8.5 + i) for a, i in itertools.product(names, range(8, 13))]
    plot = figures.effects_grid(pd.concat(grid))
    assert is_whole(plot) and len(shown(plot)) == 45
    assert not touching(axes.title for axes in shown(plot).values())
    sizes = [axes.get_window_extent().transformed(plot.figure.dpi_scale_trans.inverted()) for axes in plot.figure.axes]
    assert min(size.width for size in sizes) > 1.4 and min(size.height for size in sizes) > 1.0


def bars(seed: int = 0, **changes: object) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    shares = np.array([0.3, 0.2, 0.1, 0.03, 0.02, 0.2, 0.02, 0.13, 0.0])
    rows = [
        {"what": what, "ranking_seed": seed, "outcome": outcome, "count": int(count)}
        for what, words in (("Probeless", 320), ("Linear", 150), ("A label so long that it has to be broken", 1))
        for outcome, count in zip(OUTCOMES, generator.multinomial(words, shares), strict=True)
    ]
    return pd.DataFrame(rows).assign(**changes)


def rectangles(plot: Plot) -> dict[str, list[object]]:
    """The bars' parts by their legend's words, from the first row to the last."""
    return {container.get_label(): list(container) for container in plot.figure.axes[0].containers}


def test_outcomes_are_stacked_from_0_to_1_in_the_order_of_the_table_and_differ_in_colour_and_hatching():
    table = bars()
    plot = figures.outcomes(table)
    drawn = rectangles(plot)
    assert list(drawn) == [SHARES[outcome] for outcome in OUTCOMES]
    names = ["Probeless", "Linear", "A label so long that it has to be broken"]
    labels = [label.get_text().replace("\n", " ") for label in plot.figure.axes[0].get_yticklabels()]
    assert labels == names
    for row, name in enumerate(names):
        own = table[table["what"] == name]
        counts = dict(zip(own["outcome"], own["count"], strict=True))
        words = sum(counts.values())
        end = 0.0
        for outcome in OUTCOMES:
            part, share = drawn[SHARES[outcome]][row], counts[outcome] / words
            assert (part.get_x(), part.get_width()) == pytest.approx((end, share))
            end += share
        assert end == pytest.approx(1)
        own = plot.table[plot.table["what"] == name]
        assert own["outcome"].tolist() == list(OUTCOMES) and own["share"].sum() == pytest.approx(1)
        assert set(own["words"]) == {words}
        told = "; ".join(f"{SHARES[o]} {n / words:.3f}" for o, n in counts.items() if n)
        assert f"{name} (n = {words}): {told}." in plot.alt
    first = [own[0] for own in drawn.values()]
    assert len({part.get_facecolor() for part in first}) == len({part.get_hatch() for part in first}) == 9
    heights = [drawn["unchanged"][row].get_y() for row in range(3)]
    low, high = plot.figure.axes[0].get_ylim()
    assert heights == sorted(heights) and low > high


def test_shares_from_4_percent_on_are_written_and_the_words_at_the_right():
    plot = figures.outcomes(bars())
    texts = [text.get_text() for text in plot.figure.axes[0].texts]
    expected = [f"{share:.2f}" for share in plot.table["share"] if share >= 0.04]
    assert sorted(text for text in texts if not text.startswith("n")) == sorted(expected)
    assert [text for text in texts if text.startswith("n")] == ["n = 320", "n = 150", "n = 1"]
    assert is_whole(plot) and not touching(plot.figure.axes[0].texts)


def test_numbers_of_the_narrowest_written_parts_do_not_touch():
    table = pd.DataFrame({"what": "a", "outcome": OUTCOMES, "count": [4] * 8 + [68]})
    plot = figures.outcomes(pd.concat([table, table.assign(what="label of as many letters as", count=1)]))
    plot.figure.canvas.draw()
    texts = plot.figure.axes[0].texts
    assert len(texts) == 20 and not touching(texts)


def test_draws_of_outcomes_are_averaged():
    one, two = bars(0), bars(1)
    plot = figures.outcomes(pd.concat([one, two]))
    shares = [table["count"] / table.groupby("what")["count"].transform("sum") for table in (one, two)]
    np.testing.assert_allclose(plot.table["share"], sum(shares) / 2)
    assert (plot.table["draws"] == 2).all()
    assert plot.table.groupby("what", sort=False)["words"].first().tolist() == [320, 150, 1]
    assert "means over draws" in plot.caption and "draws" not in figures.outcomes(one).caption


def test_what_all_bars_have_in_common_is_the_title():
    table = interventions(panels=PANELS[:1])
    table = table.assign(what=table["ranking"] + " " + table["direction"] + " " + table["k"].astype(str))
    plot = figures.outcomes(table)
    assert plot.figure.get_suptitle() == "Spanish Gender, layer 2, translation, β = 4"
    assert plot.figure.get_suptitle() in plot.alt and plot.figure.get_suptitle() in plot.caption
    one = table[(table["ranking"] == "lca") & (table["direction"] == "btt") & (table["k"] == 8)]
    title = figures.outcomes(one).figure.get_suptitle()
    assert title.endswith("layer 2, LCA, bottom to top, translation, β = 4, k = 8")
    several = pd.concat([one, one.assign(attribute="Number", layer=3, what="Number")])
    assert figures.outcomes(several).figure.get_suptitle().startswith("Spanish, LCA, bottom to top")


def both(make, **other: object) -> pd.DataFrame:
    """Two tables in one, the second with another value of a column."""
    return pd.concat([make(), make(**other)])


@pytest.mark.parametrize(
    ("draw", "table", "said"),
    [
        (figures.effects_grid, interventions().drop(columns="count"), r"needs the columns \['count'\]"),
        (figures.effects_grid, interventions().drop(columns="layer"), r"needs the columns \['site', 'layer'\]"),
        *(
            (figures.effects_grid, both(interventions, **{column: other}), f"one {column}, and the table has 2")
            for column, other in (("language", "eng"), ("kind", "ablation"), ("split", "dev"), ("target", "none"))
        ),
        (
            figures.effects_grid,
            both(interventions, strength=1.5),
            "panel of Gender, layer 2, shows one strength, and the table has 2",
        ),
        (figures.effects_grid, interventions().iloc[:0], "the table has 0"),
        (figures.outcomes, bars().drop(columns="what"), r"needs the columns \['what'\]"),
        (figures.outcomes, bars().iloc[:0], "the table has none"),
        (figures.outcomes, bars().replace({"outcome": {"lost": "broken"}}), r"also has \['broken'\]"),
        (figures.outcomes, pd.concat([bars(), bars()[:1].assign(what="x", count=-1)]), "0 or more, and 1 are not"),
        (figures.outcomes, pd.concat([bars(), bars()[:9].assign(what="x", count=0)]), r"bars \['x'\] have no words"),
        (figures.outcomes, pd.concat([bars(k=1), bars(k=2)]), "'Probeless' must be of one k, and the table has 2"),
        (figures.outcomes, both(bars), "several counts of 'unchanged'"),
        (figures.outcomes, bars(what=None), "27 have none"),
    ],
)
def test_what_cannot_be_drawn_says_why(draw, table, said):
    with pytest.raises(ValueError, match=said):
        draw(table)


@pytest.mark.parametrize(
    ("draw", "table"),
    [
        (figures.effects_grid, interventions(panels=PANELS[:2])),
        (figures.outcomes, bars()),
    ],
)
def test_the_same_table_gives_the_same_bytes_and_is_whole(draw, table):
    assert is_whole(drawn_twice(draw, table))
