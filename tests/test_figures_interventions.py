"""Figures of strengths and of trade-offs show the numbers of their tables, and say them in words."""

from __future__ import annotations

import itertools
import re

import matplotlib
import numpy as np
import pandas as pd
import pytest
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
        drawn = {line.get_label(): line for line in axes.get_lines()}
        assert len(drawn) == len(WAYS)
        for ranking, way in WAYS:
            line = drawn[ranking_name(ranking, way)]
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


def test_a_sweep_that_cannot_be_drawn_says_why():
    with pytest.raises(ValueError, match=r"also has \['ablation'\]"):
        figures.beta(pd.concat([sweep(), sweep(kind="ablation")]))
    with pytest.raises(ValueError, match="one split, and the table has 2"):
        figures.beta(pd.concat([sweep(), sweep(split="test")]))
    with pytest.raises(ValueError, match=r"needs the columns \['strength'\]"):
        figures.beta(sweep().drop(columns="strength"))


def paths(seed: int = 0, **changes: object) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    rows = [
        {"language": "spa", "attribute": "Gender", "layer": 3, "ranking": ranking, "direction": way, "ranking_seed": 0}
        | {"k": k, "clwv": generator.random() / 2, "damage": generator.random() / 2}
        for (ranking, way), k in itertools.product(WAYS, (20, 0, 10))
    ]
    return pd.DataFrame(rows).assign(**changes)


def test_a_trade_off_is_a_path_over_k_with_the_best_k_beside_it():
    table = paths()
    plot = figures.tradeoff(table)
    (axes,) = plot.figure.axes
    drawn = {line.get_label(): line for line in axes.get_lines()}
    assert len(drawn) == len(axes.texts) == len(WAYS)
    for (ranking, way), text in zip(WAYS[:2] + WAYS[3:] + WAYS[2:3], axes.texts, strict=True):
        rows = table.query("ranking == @ranking and direction == @way").sort_values("k")
        np.testing.assert_allclose(drawn[ranking_name(ranking, way)].get_xydata(), rows[["damage", "clwv"]])
        best = rows.loc[rows["clwv"].idxmax()]
        assert (text.get_text(), text.xy) == (f"{best['k']:g}", (best["damage"], best["clwv"]))
        assert f"CLWV {best['clwv']:.3f} and damage {best['damage']:.3f} at k = {best['k']:g}" in plot.alt


def test_draws_of_a_trade_off_are_averaged():
    one, two = paths(0), paths(1, ranking_seed=1)
    row = figures.tradeoff(pd.concat([one, two])).table.iloc[0]
    keys = ["ranking", "direction", "k"]
    same = [table[(table[keys] == row[keys]).all(axis=1)] for table in (one, two)]
    for measure in ("clwv", "damage"):
        values = [rows[measure].item() for rows in same]
        assert row[measure] == pytest.approx(sum(values) / 2)
    assert row["draws"] == 2


def test_a_trade_off_that_cannot_be_drawn_says_why():
    with pytest.raises(ValueError, match=r"needs the columns \['damage'\]"):
        figures.tradeoff(paths().drop(columns="damage"))
    with pytest.raises(ValueError, match="one strength, and the table has 2"):
        figures.tradeoff(pd.concat([paths(strength=4.0), paths(strength=8.0)]))


@pytest.mark.parametrize("draw", [lambda: figures.beta(sweep()), lambda: figures.tradeoff(paths())])
def test_the_same_table_gives_the_same_bytes_and_size_whatever_the_users_settings(draw):
    first = draw()
    with matplotlib.rc_context({"font.size": 30, "lines.linewidth": 9, "svg.hashsalt": "another"}):
        second = draw()
        assert second.png() == first.png() and second.svg() == first.svg()
    assert tuple(second.figure.get_size_inches()) == tuple(first.figure.get_size_inches())
    assert all(axes.get_xlabel() for axes in first.figure.axes) and first.figure.axes[0].get_ylabel()
    said = re.findall(r"\d\.\d{3}", first.alt)
    measures = first.table[[column for column in ("clwv", "damage") if column in first.table]]
    assert len(said) >= 2 * len(WAYS) and set(said) <= {f"{rate:.3f}" for rate in measures.to_numpy().ravel()}
    assert "Spanish Gender, layer 3" in first.alt and "Spanish Gender, layer 3" in first.caption
