"""The figure of strengths: its lines are means over configurations, its bands their quartiles."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pitfalls import figures


def table(seed=0):
    generator = np.random.default_rng(seed)
    rows = [
        {"language": "spa", "attribute": attribute, "layer": layer, "ranking": ranking, "direction": "ttb",
         "ranking_seed": 0, "kind": kind, "strength": strength, "max_clwv": generator.uniform()}
        for attribute in ("Gender", "Number", "Tense") for layer in (1, 2) for ranking in ("linear", "probeless")
        for kind, strength in (("translation", 2.0), ("translation", 8.0), ("constant translation", 1.0))
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_points_are_means_and_bands_quartiles():
    given = table()
    plot = figures.strengths(given)
    for row in plot.table.itertuples():
        own = given.query("kind == @row.kind and ranking == @row.ranking and strength == @row.strength")["max_clwv"]
        assert row.max_clwv == pytest.approx(own.mean()) and row.configurations == 6 == len(own)
        assert (row.low, row.high) == pytest.approx((own.quantile(0.25), own.quantile(0.75)))
        assert f"{own.mean():.3f}" in plot.alt
    scaled, constant = plot.figure.axes
    drawn = {line.get_label(): line.get_ydata() for line in scaled.get_lines()}
    expected = given.query("kind == 'translation' and ranking == 'linear'").groupby("strength")["max_clwv"].mean()
    np.testing.assert_allclose(drawn["Linear"], expected)
    assert (scaled.get_xlabel()[0], constant.get_xlabel()[0]) == ("β", "α")
    assert "means over 6 configurations" in plot.alt and plot.png() == plot.png()


def test_draws_of_a_configuration_count_once():
    one = table()
    twice = pd.concat([one, one.query("attribute == 'Gender'").assign(ranking_seed=1)])
    pd.testing.assert_frame_equal(figures.strengths(one).table, figures.strengths(twice).table)


def test_other_kinds_and_lacking_columns_are_refused():
    with pytest.raises(ValueError, match=r"the table also has \['ablation'\]"):
        figures.strengths(table().assign(kind="ablation"))
    with pytest.raises(ValueError, match="max_clwv"):
        figures.strengths(table().drop(columns="max_clwv"))
