"""The figure of measures over layers: what is drawn, told and kept is what the table says."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pandas as pd
import pytest
from drawn import by_label, drawn_twice, is_whole
from matplotlib.colors import to_hex

from pitfalls import figures
from pitfalls.figures.style import look, ranking_name

ABOUT = {"language": "eng", "attribute": "Number", "site": "residual", "ranking_seed": 0}
MEASURES = ("accuracy of a linear probe", "flip rate")
WAYS = [("linear", "ttb"), ("probeless", "ttb"), ("linear", "btt"), ("random", "ttb")]
LAYERS = [2, 5, 8, 12]


def values(seed: int = 0, ways=WAYS, measures=MEASURES, layers=LAYERS, **changes: object) -> pd.DataFrame:
    drawn = np.random.default_rng(seed)
    rows = [
        {**ABOUT, "ranking": ranking, "direction": direction, "measure": measure, "layer": layer, "k": 36,
         "value": drawn.random()}
        for (ranking, direction), measure, layer in itertools.product(ways, measures, layers)
    ]  # fmt: skip
    # The order of the rows means nothing.
    return pd.DataFrame(rows).sample(frac=1, random_state=seed).assign(**changes)


def two_models() -> pd.DataFrame:
    """The second has other layers, and a ranking that the first lacks."""
    other = [*WAYS, ("attribution", "ttb")]
    return pd.concat([values(model="smollm2"), values(1, other, layers=[1, 2, 3], k=8, model="causal")])


def test_every_point_of_the_table_is_drawn_in_its_panel_and_told() -> None:
    table = two_models()
    plot = drawn_twice(figures.depth, table)
    models, measures = table["model"].unique(), table["measure"].unique()
    grid = np.array(plot.figure.axes).reshape(len(measures), len(models))
    assert [axes.get_title() for axes in grid[0]] == list(models)
    assert [axes.get_ylabel().lower() for axes in grid[:, 0]] == list(measures)
    points = set()
    for (row, measure), (column, model) in itertools.product(enumerate(measures), enumerate(models)):
        own = table[(table["measure"] == measure) & (table["model"] == model)]
        lines = by_label(grid[row, column])
        ways = own.groupby(["ranking", "direction"])
        assert set(lines) == {ranking_name(*way) for way, _ in ways}
        for way, line in ways:
            line = line.sort_values("layer")
            drawn = lines[ranking_name(*way)].get_xydata()
            np.testing.assert_allclose(drawn, line[["layer", "value"]])
            points |= {(model, measure, *way, layer, value) for layer, value in drawn.tolist()}
            first, last = line.iloc[0], line.iloc[-1]
            told = re.escape(ranking_name(*way))
            start, end = (f"{point['value']:.3f} at layer = {point['layer']}" for point in (first, last))
            said = plot.alt.split(f"{model}, {measure}: ")[1]
            assert re.search(rf"(^|; ){told} {start}(, highest {line['value'].max():.3f} at layer = \d+)?, {end}", said)
    kept = plot.table[["model", "measure", "ranking", "direction", "layer", "mean"]]
    assert set(kept.itertuples(index=False, name=None)) == points and len(kept) == len(table) == len(points)
    # All models share the axis of a measure.
    assert all(one.get_ylim() == other.get_ylim() for one, other in grid)
    assert plot.figure.get_suptitle() == "English Number, residual"
    assert "English Number, residual" in plot.alt and "From left to right: " + ", ".join(models) in plot.caption
    assert all(measure in plot.caption for measure in measures) and is_whole(plot)


def test_rankings_differ_in_colour_and_marker_and_all_stand_in_the_legend() -> None:
    """Even one that is in a single panel, such as a ranking that is used but not read."""
    table = pd.concat([values(), values(2, [("attribution", "ttb")], MEASURES[1:])])
    plot = figures.depth(table)
    (legend,) = plot.figure.legends
    names = [text.get_text() for text in legend.get_texts()]
    assert names == ["Linear", "Probeless", "Attribution", "Random", "Linear, bottom to top"]
    looks = {}
    for name, handle in zip(names, legend.get_lines(), strict=True):
        looks[name] = (to_hex(handle.get_color()).upper(), handle.get_marker(), to_hex(handle.get_markerfacecolor()))
    rankings = set(table["ranking"])
    for ranking in rankings:
        assert looks[ranking_name(ranking, "ttb")][:2] == look(ranking, rankings)
    assert len(set(looks.values())) == len(names) and looks["Linear, bottom to top"][2] == "#ffffff"
    for axes in plot.figure.axes:
        for name, line in by_label(axes).items():
            assert (to_hex(line.get_color()).upper(), line.get_marker()) == looks[name][:2]


def test_one_model_needs_no_name() -> None:
    plot = figures.depth(values())
    assert "model" not in plot.table.columns and "left to right" not in plot.caption
    assert plot.alt.startswith("Line charts over layers: English Number, residual. Accuracy of a linear probe: Linear ")
    assert [axes.get_title() for axes in plot.figure.axes] == ["", ""]
    named = figures.depth(values(model="smollm2"))
    assert [axes.get_title() for axes in named.figure.axes] == ["smollm2", ""]
    assert named.table["mean"].tolist() == plot.table["mean"].tolist()


def test_draws_are_averaged_and_their_band_is_drawn() -> None:
    ways = [("random", "ttb")]
    draws = [values(seed, ways, ranking_seed=seed) for seed in range(3)]
    plot = drawn_twice(figures.depth, pd.concat([*draws, values(9, WAYS[:1])]))
    own = plot.table[plot.table["ranking"] == "random"].set_index(["measure", "layer"])
    together = pd.concat(draws).groupby(["measure", "layer"])["value"]
    for column, expected in (("mean", together.mean()), ("low", together.min()), ("high", together.max())):
        np.testing.assert_allclose(own[column], expected[own.index])
    assert set(own["draws"]) == {3} and "Bands span the draws." in plot.caption
    for axes, measure in zip(plot.figure.axes, plot.table["measure"].unique(), strict=False):
        measure = axes.get_ylabel()[:1].lower() + axes.get_ylabel()[1:]
        (band,) = axes.collections
        for layer, low, high in zip(LAYERS, own.loc[measure]["low"], own.loc[measure]["high"], strict=True):
            corners = band.get_paths()[0].vertices
            assert {low, high} == set(corners[corners[:, 0] == layer][:, 1])
    assert "Bands" not in figures.depth(values()).caption and not figures.depth(values()).figure.axes[0].collections


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (values().drop(columns="layer"), r"needs the columns \['layer'\]; the table has \['language', "),
        (values().replace({"value": {values()["value"].max(): np.nan}}), "1 rows have .nan.; leave these rows out"),
        (
            pd.concat([values(), values(attribute="Tense")]),
            r"one attribute, and the table has 2: \['Number', 'Tense'\]",
        ),
        (pd.concat([values(), values(language="rus")]), r"one language, and the table has 2: \['eng', 'rus'\]"),
        (pd.concat([values(), values(site="mlp")]), r"one site, and the table has 2: \['residual', 'mlp'\]"),
        (pd.concat([values(), values(k=9)]), r"one k, and the table has 2: \[36, 9\]"),
        (values().iloc[:0], "the table has 0"),
        (pd.concat([values(), values().iloc[:2]]), "2 rows repeat a draw that the table already has"),
        (
            pd.concat([values(model="smollm2"), values(model="minilm", measures=MEASURES[:1])]),
            r"minilm has \['accuracy of a linear probe'\] without \['flip rate'\]: leave out",
        ),
    ],
)
def test_what_cannot_be_drawn_says_why(table: pd.DataFrame, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        figures.depth(table)
