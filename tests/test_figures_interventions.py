"""Figures of strengths show the numbers of their tables, and say them in words."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pandas as pd
import pytest
from drawn import by_label, drawn_twice
from matplotlib.colors import to_hex

from pitfalls import figures
from pitfalls.figures.style import look, ranking_name

WAYS = [("linear", "ttb"), ("probeless", "ttb"), ("linear", "btt"), ("random", "ttb")]


def sweep(seed: int = 0, kind: str = "translation", strengths=(2.0, 4.5, 8.0), **changes: object) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    rows = [
        {"language": "spa", "attribute": "Gender", "layer": 3, "split": "dev", "ranking": ranking, "direction": way}
        | {"ranking_seed": 0, "kind": kind, "strength": strength, "target": "next", "k": k}
        | {"outcome": outcome, "count": int(count), "rate": count / 200}
        for (ranking, way), strength, k in itertools.product(WAYS, strengths, (0, 10, 20))
        for outcome, count in zip(
            ("unchanged", "intended", "another", "lost"), generator.multinomial(200, np.ones(4) / 4), strict=True
        )
    ]
    return pd.DataFrame(rows).assign(**changes)


def highest(table: pd.DataFrame, ranking: str, way: str, strength: float) -> float:
    rows = table.query("ranking == @ranking and direction == @way and strength == @strength")
    hits = rows[rows["outcome"].isin(["intended", "another"])]
    return max(hits.groupby("k")["count"].sum()) / 200


def test_a_sweep_is_drawn_as_the_highest_clwv_over_k():
    scaled, constant = sweep(), sweep(1, "constant translation", (1.0, 6.0))
    plot = figures.beta(pd.concat([constant, scaled]))
    assert [axes.get_title() for axes in plot.figure.axes] == ["Scaled by rank", "Constant"]
    for axes, table, strengths in zip(plot.figure.axes, (scaled, constant), ((2.0, 4.5, 8.0), (1.0, 6.0)), strict=True):
        lines = by_label(axes)
        assert len(lines) == len(WAYS)
        for ranking, way in WAYS:
            line = lines[ranking_name(ranking, way)]
            expected = [(strength, highest(table, ranking, way, strength)) for strength in strengths]
            np.testing.assert_allclose(line.get_xydata(), expected)
            assert to_hex(line.get_color()).upper() == look(ranking, [])[0]
            assert (line.get_markerfacecolor() == "white") == (way == "btt")
            for strength, rate in (expected[0], expected[-1]):
                assert f"{rate:.3f} at {'β' if table is scaled else 'α'} = {strength:g}" in plot.alt


def test_draws_of_a_sweep_are_averaged_with_a_band():
    one, two = sweep(0), sweep(1, ranking_seed=1)
    plot = figures.beta(pd.concat([one, two]))
    row = plot.table.iloc[0]
    rates = [highest(table, row["ranking"], row["direction"], row["strength"]) for table in (one, two)]
    assert (row["low"], row["high"], row["draws"]) == (min(rates), max(rates), 2)
    assert row["clwv"] == pytest.approx(sum(rates) / 2)
    assert len(plot.figure.axes[0].collections) == len(WAYS)
    assert "Bands" in plot.caption and "Bands" not in figures.beta(one).caption


def by_configuration() -> pd.DataFrame:
    generator = np.random.default_rng(0)
    rows = [
        {"language": "spa", "attribute": attribute, "layer": layer, "ranking": ranking, "direction": "ttb"}
        | {"ranking_seed": 0, "kind": kind, "strength": strength, "max_clwv": generator.uniform()}
        for attribute, layer, ranking, (kind, strength) in itertools.product(
            ("Gender", "Number", "Tense"),
            (1, 2),
            ("linear", "probeless"),
            (("translation", 2.0), ("translation", 8.0), ("constant translation", 1.0)),
        )
    ]
    return pd.DataFrame(rows)


def test_strengths_are_means_over_configurations_and_bands_quartiles():
    given = by_configuration()
    plot = drawn_twice(figures.strengths, given)
    for row in plot.table.itertuples():
        own = given.query("kind == @row.kind and ranking == @row.ranking and strength == @row.strength")["max_clwv"]
        assert row.max_clwv == pytest.approx(own.mean()) and row.configurations == 6 == len(own)
        assert (row.low, row.high) == pytest.approx((own.quantile(0.25), own.quantile(0.75)))
        assert f"{own.mean():.3f}" in plot.alt
    scaled, constant = plot.figure.axes
    expected = given.query("kind == 'translation' and ranking == 'linear'").groupby("strength")["max_clwv"].mean()
    np.testing.assert_allclose(by_label(scaled)["Linear"].get_ydata(), expected)
    assert (scaled.get_xlabel()[0], constant.get_xlabel()[0]) == ("β", "α")
    assert "means over 6 configurations" in plot.alt


def test_draws_of_a_configuration_count_once():
    one = by_configuration()
    twice = pd.concat([one, one.query("attribute == 'Gender'").assign(ranking_seed=1)])
    pd.testing.assert_frame_equal(figures.strengths(one).table, figures.strengths(twice).table)


@pytest.mark.parametrize(
    ("draw", "table", "said"),
    [
        (figures.beta, pd.concat([sweep(), sweep(kind="ablation")]), r"also has \['ablation'\]"),
        (figures.beta, pd.concat([sweep(), sweep(split="test")]), "one split, and the table has 2"),
        (figures.beta, sweep().drop(columns="strength"), r"needs the columns \['strength'\]"),
        (figures.strengths, by_configuration().drop(columns="max_clwv"), "max_clwv"),
    ],
)
def test_what_cannot_be_drawn_says_why(draw, table, said):
    with pytest.raises(ValueError, match=said):
        draw(table)


def test_words_say_numbers_of_the_table_and_pictures_are_the_same_bytes():
    plot = drawn_twice(figures.beta, sweep())
    assert all(axes.get_xlabel() for axes in plot.figure.axes) and plot.figure.axes[0].get_ylabel()
    said = re.findall(r"\d\.\d{3}", plot.alt)
    assert len(said) >= 2 * len(WAYS) and set(said) <= {f"{rate:.3f}" for rate in plot.table["clwv"]}
