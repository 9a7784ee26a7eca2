"""Figures show the numbers of their table, say them in words, and are the same bytes on every run."""

from __future__ import annotations

import base64
import io
import itertools
import json
import re
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from drawn import by_label, drawn_twice
from matplotlib.colors import to_hex
from oracles import splits
from PIL import Image

import pitfalls as pf
from pitfalls import figures
from pitfalls.figures.style import Plot, look
from pitfalls.probes.curves import CurveJob, curves_of
from pitfalls.rankings.best_subset import best_subsets

RANKINGS = [(name, way) for name in ("linear", "gaussian", "probeless") for way in ("ttb", "btt")]
RANKINGS.append(("random", "ttb"))
OUTCOMES = ("unchanged", "intended", "another", "same", "lost", "wrong_other", "split", "unknown")


def curves(**changes: object) -> pd.DataFrame:
    generator = np.random.default_rng(0)
    rows = [
        {"language": "spa", "attribute": "Gender", "layer": 3, "probe": probe, "ranking": ranking}
        | {"direction": way, "ranking_seed": 0, "task": "real", "split": "test", "seed": 0, "k": k}
        | {"accuracy": generator.random(), "mi_bits": generator.normal(), "nmi": generator.random()}
        for probe, (ranking, way), k in itertools.product(("linear", "gaussian"), RANKINGS, (1, 5, 9))
    ]
    return pd.DataFrame(rows).assign(**changes)


def effects(**changes: object) -> pd.DataFrame:
    generator = np.random.default_rng(1)
    rows = [
        {"language": "spa", "attribute": "Gender", "layer": 3, "split": "test", "ranking": ranking}
        | {"direction": way, "ranking_seed": 0, "kind": "translation", "strength": 8.0, "target": "next"}
        | {"k": k, "outcome": outcome, "count": int(count), "rate": count / 200}
        for (ranking, way), k in itertools.product(RANKINGS, (0, 8, 16))
        for outcome, count in zip(OUTCOMES, generator.multinomial(200, np.ones(8) / 8), strict=True)
    ]
    return pd.DataFrame(rows).assign(**changes)


def test_every_probe_on_every_ranking_is_drawn_from_the_table():
    table = curves()
    plot = figures.accuracy(table)
    assert [axes.get_title() for axes in plot.figure.axes] == ["Linear probe", "Gaussian probe"]
    for axes, probe in zip(plot.figure.axes, ("linear", "gaussian"), strict=True):
        lines = by_label(axes)
        assert len(lines) == len(RANKINGS)
        for ranking, way in RANKINGS:
            suffix = "" if way == "ttb" else ", bottom to top"
            line = lines[f"{probe.capitalize()} by {ranking.capitalize()}{suffix}"]
            rows = table.query("probe == @probe and ranking == @ranking and direction == @way")
            np.testing.assert_allclose(line.get_xydata(), rows[["k", "accuracy"]])
            assert line.get_linestyle() == (":" if way == "btt" else "--" if ranking == "random" else "-")
            assert to_hex(line.get_color()).upper() == look(ranking, [])[0]


def test_error_rate_is_solid_and_clwv_dashed():
    table = effects()
    found = [
        (line.get_linestyle(), tuple(np.round(line.get_ydata(), 9)))
        for line in figures.translation(table).figure.axes[0].get_lines()
    ]
    assert len(found) == 2 * len(RANKINGS)
    for _, rows in table.groupby(["ranking", "direction"]):
        by_k = rows.pivot(index="k", columns="outcome", values="count")
        assert ("-", tuple((1 - by_k["unchanged"] / 200).round(9))) in found
        assert ("--", tuple(((by_k["intended"] + by_k["another"]) / 200).round(9))) in found


def test_colours_and_markers_tell_rankings_apart():
    looks = [look(ranking, ["anova", "lasso"]) for ranking in ("linear", "gaussian", "probeless", "random")]
    looks += [look(ranking, ["anova", "lasso"]) for ranking in ("anova", "lasso")]
    colours, markers = zip(*looks, strict=True)
    assert len(set(colours)) == len(set(markers)) == 6


@pytest.mark.parametrize(("draw", "table"), [(figures.accuracy, curves()), (figures.effects, effects())])
def test_words_and_axes_say_what_the_table_holds_and_pictures_are_the_same_bytes(draw, table):
    plot = drawn_twice(draw, table)
    said = re.findall(r"(-?\d+\.\d{3}) at k", plot.alt)
    assert len(said) >= 2 * len(RANKINGS)
    assert set(said) <= {f"{number:.3f}" for number in plot.table["accuracy" if "accuracy" in plot.table else "rate"]}
    assert "Spanish Gender, layer 3" in plot.alt and "Spanish Gender, layer 3" in plot.caption
    assert all(axes.get_xlabel().startswith("k (number of") for axes in plot.figure.axes)
    assert plot.figure.axes[0].get_ylabel()
    assert b"<dc:date>" not in plot.svg()


def test_the_last_digits_of_a_position_change_no_byte_of_an_svg():
    plot = figures.accuracy(curves())
    plot.figure.canvas.draw()
    plot.figure.set_layout_engine("none")
    before = plot.svg()
    for axes in plot.figure.axes:
        (x, y), (width, height) = axes.get_position().min, axes.get_position().size
        axes.set_position((x, y, width * (1 + 1e-14), height))
    assert plot.svg() == before
    parts = set(re.findall(rb' id="([^"]+)"', before))
    assert set(re.findall(rb'(?:url\(#|href="#)([^")]+)', before)) <= parts and b"shape_1" in parts


@pytest.mark.parametrize("name", [r"$\frac$", "a$b$c", "<&-->", "a\x08b"])
@pytest.mark.filterwarnings("ignore:Glyph")
def test_a_name_from_data_is_no_formula_and_no_markup(name):
    plot = figures.effects(effects(attribute=name, language=name))
    assert plot.png()
    assert ElementTree.fromstring(plot.svg()).tag.endswith("svg")


def test_draws_are_averaged_with_a_band():
    table = pd.concat([curves(), curves(ranking_seed=1, accuracy=0.9)])
    plot = figures.accuracy(table)
    row = plot.table.iloc[0]
    pair = table.query("probe == @row.probe and ranking == @row.ranking and direction == @row.direction")
    values = pair[pair["k"] == row["k"]]["accuracy"]
    assert (row["accuracy"], row["low"], row["high"]) == (values.mean(), values.min(), values.max())
    assert row["draws"] == 2
    assert len(plot.figure.axes[0].collections) == len(RANKINGS)
    assert not figures.accuracy(curves()).figure.axes[0].collections


def test_saving_writes_picture_numbers_and_words(tmp_path):
    plot = figures.translation(effects())
    paths = plot.save(tmp_path / "new", "spa-gender")
    assert [path.name for path in paths] == [f"spa-gender.{ending}" for ending in ("png", "svg", "csv", "json")]
    pd.testing.assert_frame_equal(pd.read_csv(paths[2]), plot.table)
    words = json.loads(paths[3].read_text(encoding="utf-8"))
    assert words == {"id": "spa-gender", "alt": plot.alt, "caption": plot.caption}
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == sorted(path.name for path in paths)


def test_in_a_notebook_the_image_has_its_alt_text_is_smaller_and_looks_the_same():
    plot = figures.accuracy(curves())
    shown = plot._repr_html_()
    assert f'alt="{plot.alt}"'.replace("'", "&#x27;") in shown and "<figcaption>" in shown
    embedded = base64.b64decode(re.search(r"base64,([^\"]+)", shown)[1])
    assert len(embedded) < len(plot.png()) / 2
    whole, few = (np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), float) for png in (plot.png(), embedded))
    assert whole.shape == few.shape
    assert np.abs(whole - few).mean() < 1 and np.quantile(np.abs(whole - few), 0.999) < 30


def test_ablations_have_no_strength_and_are_drawn():
    plot = figures.ablation(effects(kind="ablation", strength=float("nan"), target="none"))
    assert "ablation" in plot.caption and "nan" not in plot.caption
    assert len(plot.table) == 2 * len(RANKINGS) * 3


def test_neuron_shares_are_numpys_histogram_and_sum_to_one():
    generator = np.random.default_rng(2)
    table = pd.DataFrame({"value": ["a", "b"] * 300, "activation": generator.normal(size=600)})
    plot = drawn_twice(lambda given: figures.neuron(given, "neuron 3"), table)
    edges = np.histogram_bin_edges(table["activation"], bins=40)
    for value, part in plot.table.groupby("value"):
        own = table[table["value"] == value]["activation"]
        assert np.allclose(part["share"], np.histogram(own, bins=edges)[0] / len(own))
        assert part["share"].sum() == pytest.approx(1)
    highest = plot.figure.axes[0].collections[0].get_paths()[0].vertices[:, 1].max()
    assert highest == pytest.approx(plot.table[plot.table["value"] == "a"]["share"].max())


@pytest.mark.parametrize(
    ("activation", "share"), [(np.repeat(np.arange(50.0), 2), "share 100 %"), ([0.0, 9.0] * 50, "share 0 %")]
)
def test_neuron_alt_says_how_much_the_values_overlap(activation, share):
    assert share in figures.neuron(pd.DataFrame({"value": ["a", "b"] * 50, "activation": activation}), "n").alt


def cells(plot: Plot) -> dict[tuple[str, str], str]:
    """What is written in each cell of a heat map, by the labels of its row and column."""
    axes = plot.figure.axes[0]
    rows = [label.get_text() for label in axes.get_yticklabels()]
    columns = [label.get_text().replace("\n", " ") for label in axes.get_xticklabels()]
    texts = [text.get_text() for text in axes.texts]
    return dict(zip(itertools.product(rows, columns), texts, strict=True))


def test_the_matrix_shows_every_pair_at_its_k_and_frames_a_probe_on_its_own_ranking():
    table = pd.concat([curves(), curves(probe="linear_converged", accuracy=0.25)]).drop_duplicates(
        ["probe", "ranking", "direction", "k"]
    )
    plot = figures.matrix(table, 5)
    shown = cells(plot)
    assert len(shown) == 3 * len(RANKINGS)
    for row in table[table["k"] == 5].itertuples():
        name = row.ranking.capitalize() + ("" if row.direction == "ttb" else ", bottom to top")
        probe = row.probe.capitalize().replace("_", " ")
        assert shown[name, f"{probe} probe"] == f"{row.accuracy:.3f}"
        assert f"{row.accuracy:.3f}" in plot.alt
    columns = [label.get_text() for label in plot.figure.axes[0].get_xticklabels()]
    assert columns == ["Linear\nprobe", "Linear\nconverged probe", "Gaussian\nprobe"]
    framed = {(int(patch.get_x()), int(patch.get_y())) for patch in plot.figure.axes[0].patches}
    ways = [RANKINGS[i] for i in (0, 2, 4)] + [("random", "ttb")] + [RANKINGS[i] for i in (1, 3, 5)]
    places = (("linear", 0), ("gaussian", 2))
    assert framed == {(place, ways.index((probe, way))) for probe, place in places for way in ("ttb", "btt")}


def test_the_upper_row_of_a_matrix_is_the_best_subset_and_no_probe_made_it():
    data = splits(n=80, d=6)
    others = [pf.Ranking.of_first([4], 6, name) for name in ("probeless", "anova", "linear", "random")]
    for best, name in zip(best_subsets(data), ("Best neuron", "Best pair", "Best triple"), strict=True):
        k = len(best.neurons)
        curves = curves_of([CurveJob(ranking) for ranking in (*others, best.ranking)], data, [k], splits=["dev"])
        plot = figures.matrix(curves, k)
        axes = plot.figure.axes[0]
        rows = [label.get_text() for label in axes.get_yticklabels()]
        assert rows == [name, "Linear", "Probeless", "ANOVA F", "Random"]
        assert [int(frame.get_y()) for frame in axes.patches] == [1]
        assert plot.alt.index(f"{name}: Linear probe") < plot.alt.index("Linear: Linear probe")


def test_the_matrix_writes_half_the_range_behind_the_mean_of_draws():
    table = pd.concat([curves(accuracy=0.5), curves(accuracy=0.7, seed=1)])
    assert set(cells(figures.matrix(table, 1)).values()) == {"0.600 ±0.100"}


@pytest.mark.parametrize(
    ("draw", "table", "said"),
    [
        (figures.accuracy, pd.concat([curves(), curves(attribute="Number")]), "one attribute, and the table has 2"),
        (figures.accuracy, pd.concat([curves(), curves(task="control")]), "one task, and the table has 2"),
        (figures.accuracy, curves().drop(columns="accuracy"), r"needs the columns \['accuracy'\]"),
        (figures.translation, pd.concat([effects(), effects(strength=4.0)]), "one strength, and the table has 2"),
        (figures.ablation, effects(), "this table is of 'translation'"),
        (lambda table: figures.neuron(table, "n"), pd.DataFrame({"activation": [1.0]}), r"missing: \['value'\]"),
        (lambda table: figures.matrix(table, 4), curves(), r"no row has k = 4; the table has k = \[1, 5, 9\]"),
        (lambda table: figures.accuracy(table).save("folder", "a/b"), curves(), "plain file name"),
    ],
)
def test_what_cannot_be_drawn_says_why(draw, table, said):
    with pytest.raises(ValueError, match=said):
        draw(table)
