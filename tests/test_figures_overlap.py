"""Bars and maps of overlaps show the numbers of their tables, and say them in words."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pandas as pd
import pytest
from drawn import by_label, drawn_twice, is_whole, touching

from pitfalls import figures

BARS = ["linear gaussian", "linear probeless", "gaussian probeless", "linear gaussian probeless"]
LABELS = ["Linear, Gaussian", "Linear, Probeless", "Gaussian, Probeless", "Linear, Gaussian, Probeless"]
LANGUAGES = ["ara", "bul", "eng", "fin", "fra", "hin", "rus", "spa", "tur"]
# 27 and 52 configurations, some attributes with one language only.
NAMES_27 = [(attribute, language) for attribute in ("Case", "Number", "Part of Speech") for language in LANGUAGES]
NAMES_52 = [*NAMES_27, *[(f"Attribute {i}", "rus") for i in range(7)], *[(a, x) for a in "AZ" for x in LANGUAGES]]


def bars(names=(("Number", "fin"), ("Part of Speech", "fra"), ("Aspect", "rus")), seed=0, **changes) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    rows = []
    for (attribute, language), bar in itertools.product(names, BARS):
        three = bar == BARS[-1]
        chance = {"expected": 1.7, "low": 0, "high": 5} if three else {"expected": 13.02, "low": 7, "high": 19}
        about = {"language": language, "attribute": attribute, "layer": 7, "direction": "ttb", "rankings": bar}
        counts = {"n_rankings": 3 if three else 2, "n_neurons": 768, "k": 100, "p_value": 0.5}
        rows.append(about | counts | chance | {"overlap": int(generator.integers(0, 60))})
    return pd.DataFrame(rows).assign(**changes)


def pairs(names=NAMES_27, seed=0, **changes) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    rows = [
        {"attribute_a": a, "language_a": b, "attribute_b": c, "language_b": d, "layer": 7, "ranking": "probeless"}
        | {"direction": "ttb", "ranking_seed": 0, "n_neurons": 768, "k": 100, "overlap": int(generator.integers(3, 60))}
        | {"expected": 13.02, "low": 7, "high": 19, "p_value": 0.5}
        for (a, b), (c, d) in itertools.combinations(names, 2)
    ]
    return pd.DataFrame(rows).assign(**changes)


def test_every_bar_is_as_high_as_its_row_and_stands_with_its_configuration():
    table = bars()
    plot = figures.overlap_bars(table.sample(frac=1, random_state=2).sort_values("language", kind="stable"))
    (axes,) = plot.figure.axes
    assert [text.get_text() for text in axes.get_xticklabels()] == ["Number-fin", "POS-fra", "Aspect-rus"]
    drawn = {container.get_label(): container.patches for container in axes.containers}
    assert sorted(drawn) == sorted(LABELS)
    for bar, label in zip(BARS, LABELS, strict=True):
        heights = table.set_index(["language", "rankings"])["overlap"]
        for place, language in enumerate(["fin", "fra", "rus"]):
            (patch,) = (p for p in drawn[label] if place - 0.5 < p.get_x() + p.get_width() / 2 < place + 0.5)
            assert patch.get_height() == heights[language, bar]
    edges = sorted((p.get_x(), p.get_x() + p.get_width()) for patches in drawn.values() for p in patches)
    assert all(right <= left + 1e-9 for (_, right), (left, _) in itertools.pairwise(edges))
    written = sorted(int(text.get_text()) for text in axes.texts)
    assert written == sorted(table["overlap"]) and is_whole(plot)


def test_bars_differ_in_colour_and_in_hatching_and_chance_has_a_line_and_a_shade():
    (axes,) = figures.overlap_bars(bars()).figure.axes
    first = [container.patches[0] for container in axes.containers]
    assert len({patch.get_facecolor() for patch in first}) == len({patch.get_hatch() for patch in first}) == 4
    lines = by_label(axes)
    assert {label: set(line.get_ydata()) for label, line in lines.items()} == {
        "chance, two rankings: 13.0": {13.02},
        "chance, three rankings: 1.7": {1.7},
    }
    assert len({str(line._dash_pattern) for line in lines.values()}) == 2
    shades = [shade.get_datalim(axes.transData) for shade in axes.collections]
    assert [(box.y0, box.y1) for box in shades] == [(7, 19), (0, 5)]


def test_bars_say_all_numbers_and_how_many_are_beyond_chance():
    table = bars()
    plot = figures.overlap_bars(table)
    for name, language in (("Number-fin", "fin"), ("POS-fra", "fra"), ("Aspect-rus", "rus")):
        counts = table.loc[table["language"] == language, "overlap"]
        said = "; ".join(f"{label} {count}" for label, count in zip(LABELS, counts, strict=True))
        assert f"{name}: {said}." in plot.alt
    above = sum(row.overlap > row.high for row in table.itertuples())
    below = sum(row.overlap < row.low for row in table.itertuples())
    assert f"{above} of 12 bars are above the interval of chance, {below} below." in plot.alt and above and below
    assert "two rankings 13.0 (7 to 19); three rankings 1.7 (0 to 5)" in plot.alt
    several = figures.overlap_bars(pd.concat([table, table.assign(layer=12)]))
    assert "6 configurations of layers 7, 12" in several.alt and "Number-fin-12: " in several.alt


@pytest.mark.parametrize("names", [NAMES_27, NAMES_52])
def test_a_map_has_the_overlap_of_every_pair_twice_a_blank_diagonal_and_named_groups(names):
    table = pairs(names)
    plot = figures.overlap_map(table.sample(frac=1, random_state=1))
    axes = plot.figure.axes[0]
    n, ordered = len(names), sorted(names)
    (mesh,) = [collection for collection in axes.collections if hasattr(collection, "get_coordinates")]
    cells = np.ma.filled(mesh.get_array().astype(float), np.nan).reshape(n, n)
    expected = np.full((n, n), np.nan)
    for row in table.itertuples():
        a = ordered.index((row.attribute_a, row.language_a))
        b = ordered.index((row.attribute_b, row.language_b))
        expected[a, b] = expected[b, a] = row.overlap
    np.testing.assert_array_equal(cells, expected)
    for labels in (axes.get_xticklabels(), axes.get_yticklabels()):
        assert [text.get_text() for text in labels] == [language for _, language in ordered]
    red, green, blue, _ = mesh.cmap(mesh.norm(13.02))
    assert min(red, green, blue) > 0.95
    assert axes.get_facecolor()[:3] == pytest.approx([0xBB / 255] * 3)
    written = [text.get_text() for text in axes.texts if text.get_text().isdigit()]
    assert len(written) == (n * (n - 1) if n <= 30 else 0)
    # Groups have borders, and names that do not touch.
    borders = [i for i in range(len(ordered) + 1) if i in (0, len(ordered)) or ordered[i - 1][0] != ordered[i][0]]
    for places in ([line.get_ydata() for line in axes.get_lines()], [line.get_xdata() for line in axes.get_lines()]):
        assert sorted(place[0] for place in places if len(set(place)) == 1) == borders
    assert is_whole(plot)
    said = ["POS" if name == "Part of Speech" else name for name, _ in itertools.groupby(ordered, key=lambda n: n[0])]
    names_drawn = [text for text in axes.texts if text.get_text() and not text.get_text().isdigit()]
    assert [text.get_text() for text in names_drawn] == [name for name in said for _ in range(2)]
    assert not touching([*names_drawn, *axes.get_xticklabels(), *axes.get_yticklabels()])


def test_a_map_says_its_range_its_means_by_kind_and_how_many_are_beyond_chance():
    table = pairs()
    alt = figures.overlap_map(table).alt
    attribute, language = table["attribute_a"] == table["attribute_b"], table["language_a"] == table["language_b"]
    kinds = {
        "the same attribute in two": attribute,
        "two attributes in the same": ~attribute & language,
        "two attributes in two": ~attribute & ~language,
    }
    for kind, chosen in kinds.items():
        found = table.loc[chosen, "overlap"]
        assert re.search(rf"{kind} languages?: {sum(found) / len(found):.1f} \({len(found)} pairs\)", alt)
    assert f"From {table['overlap'].min()} (" in alt and f" to {table['overlap'].max()} (" in alt
    above, below = (table["overlap"] > 19).sum(), (table["overlap"] < 7).sum()
    assert f"{above} of {len(table)} pairs are above the interval of chance, {below} below." in alt and below
    assert "Probeless, layer 7" in alt and "not in the table" not in alt
    assert figures.overlap_map(table.iloc[3:]).alt.endswith("3 pairs not in the table.")


FEW = pairs(NAMES_27[:4])
SIDES = [("attribute_a", "attribute_b"), ("language_a", "language_b")]
BACK = FEW.rename(columns={**{a: b for a, b in SIDES}, **{b: a for a, b in SIDES}})
WITH_ITSELF = FEW.assign(attribute_b=FEW["attribute_a"], language_b=FEW["language_a"])
OTHER_CHANCE = pd.concat([bars(), bars([("Case", "tur")], expected=1.7)])
ONE_ONLY = {"layer": 2, "ranking": "linear", "direction": "btt", "ranking_seed": 1, "k": 50}


@pytest.mark.parametrize(
    ("draw", "table", "said"),
    [
        (figures.overlap_bars, bars().drop(columns="low"), r"needs the columns \['low'\]"),
        (figures.overlap_bars, pd.concat([bars(), bars(k=50)]), "one k, and the table has 2"),
        (figures.overlap_bars, pd.concat([bars(), bars(direction="btt")]), "one direction, and the table has 2"),
        (figures.overlap_bars, pd.concat([bars(), bars()]), "Number-fin has several bars of 'linear gaussian'"),
        (figures.overlap_bars, bars().iloc[1:], r"Number-fin lacks the bars \['linear gaussian'\]"),
        (figures.overlap_bars, OTHER_CHANCE, "chance line of two rankings shows one expected, and the table has 2"),
        (figures.overlap_map, FEW.drop(columns="attribute_a"), r"needs the columns \['attribute_a'\]"),
        *(
            (figures.overlap_map, pd.concat([FEW, FEW.assign(**{column: other})]), f"one {column}, and the table has 2")
            for column, other in ONE_ONLY.items()
        ),
        (figures.overlap_map, pd.concat([FEW, BACK]), "12 rows for 6 pairs"),
        (figures.overlap_map, WITH_ITSELF, r"not compared with itself; the table compares \['Case-ara'"),
        (figures.overlap_map, FEW.iloc[:0], "the table has 0"),
    ],
)
def test_what_cannot_be_drawn_says_why(draw, table, said):
    with pytest.raises(ValueError, match=said):
        draw(table)


@pytest.mark.parametrize(("draw", "table"), [(figures.overlap_bars, bars()), (figures.overlap_map, FEW)])
def test_the_same_table_gives_the_same_bytes_whatever_the_users_settings(draw, table):
    drawn_twice(draw, table)
