"""One figure of two tables: both are drawn, on the same axes, and never averaged."""

from __future__ import annotations

import itertools
from functools import partial

import numpy as np
import pandas as pd
import pytest
from drawn import touching
from matplotlib.collections import QuadMesh
from matplotlib.figure import FigureBase, SubFigure
from matplotlib.text import Text
from test_clusters import points as cluster_points
from test_figures import curves
from test_figures import effects as one_effect
from test_figures_effects import PANELS, bars, interventions
from test_figures_interventions import sweep
from test_figures_overlap import NAMES_27, pairs
from test_figures_overlap import bars as overlap_bars
from test_figures_wilcoxon import METHODS, differences

from pitfalls import figures
from pitfalls.figures.style import Plot

ABOUT = {"language": "spa", "attribute": "Gender", "layer": 2}
ROWS = [("linear", "ttb"), ("probeless", "ttb"), ("attribution", "ttb"), ("random", "ttb")]


def measured(seed: int, **columns: list[object]) -> pd.DataFrame:
    """Every combination of the columns, with a number between 0 and 1."""
    rows = pd.DataFrame(list(itertools.product(*columns.values())), columns=list(columns))
    rows = rows.assign(**{name: value for name, value in ABOUT.items() if name not in columns})
    return rows.assign(area=np.random.default_rng(seed).random(len(rows)))


def roles(seed: int) -> pd.DataFrame:
    table = measured(seed, ranking=[name for name, _ in ROWS], measure=["linear probe", "CLWV", "flip rate"])
    return table.assign(direction="ttb", role=np.where(table["measure"] == "linear probe", "encoded", "used"))


def bases(seed: int) -> pd.DataFrame:
    table = measured(seed, ranking=["linear", "probeless"], rotation=[-1, 0, 1], measure=["probing", "CLWV"])
    return table.assign(direction="ttb", basis=np.where(table["rotation"] < 0, "own", "rotated"))


def strengths(seed: int) -> pd.DataFrame:
    kinds = ["translation", "constant translation"]
    table = measured(seed, ranking=["linear", "random", "attribution"], kind=kinds, strength=[2.0, 6.0, 8.0])
    return table.assign(direction="ttb", max_clwv=table["area"] / (1 + seed))


def subsets(seed: int) -> pd.DataFrame:
    table = measured(seed, size=[1, 2], search=["best", "greedy"]).assign(neurons="4 5")
    return table.assign(information=table["area"] * (1 + seed))


def alignment(seed: int) -> pd.DataFrame:
    table = measured(seed, dims=[1, 2, 4]).assign(cases=160, control=0.1 / (1 + seed))
    difference = table["area"] - table["control"]
    return table.assign(real=table["area"], difference=difference, low=difference - 0.1, high=difference + 0.1)


def isolation(seed: int) -> pd.DataFrame:
    names = ["Gender", "Number", "Tense"]
    table = measured(seed, words=["changed", "neighbours"], attribute=names, measured=names).assign(kind="ablation")
    table["attribute"] = [row[1] for row in itertools.product(["changed", "neighbours"], names, names)]
    return table.assign(k=8, count=30, changed=5, unread=1, share=table["area"])


def overlaps(seed: int) -> pd.DataFrame:
    draw, rows = np.random.default_rng(seed), []
    for a, b in itertools.combinations(ROWS, 2):
        sides = {
            f"{column}_{side}": value
            for side, one in (("a", a), ("b", b))
            for column, value in zip(("ranking", "direction", "ranking_seed"), (*one, 0), strict=True)
        }
        rows.append(
            sides | {"n_neurons": 64, "k": 8, "overlap": int(draw.integers(8)), "expected": 1.0, "p_value": 0.1}
        )
    return pd.DataFrame(rows)


def depth(seed: int) -> pd.DataFrame:
    names = ["linear", "gaussian", "probeless", "random"]
    table = measured(seed, ranking=names, layer=[2, 5, 8], measure=["accuracy", "flip rate"])
    return table.assign(direction="ttb", site="residual", value=table["area"] / (1 + seed))


def guesses(seed: int) -> pd.DataFrame:
    result = np.random.default_rng(seed).uniform(0.1, 0.9, 4).round(3)
    table = pd.DataFrame({"id": list("abcd"), "question": ["How many?", "Which share?"] * 2, "result": result})
    return table.assign(low=0.2, high=0.5, inside=(result >= 0.2) & (result <= 0.5))


def effects(seed: int, **changes: object) -> pd.DataFrame:
    """Intervention curves whose counts depend on the seed."""
    table = one_effect(**changes)
    return table.assign(count=np.random.default_rng(seed).integers(1, 40, len(table)))


def probed(seed: int) -> pd.DataFrame:
    table = curves()
    return table.assign(accuracy=np.random.default_rng(seed).random(len(table)) / (1 + seed))


def in_clusters(seed: int) -> pd.DataFrame:
    table = cluster_points(20)
    return table.assign(score=table["score"] + seed)


# Each figure of notebooks 05 to 12: what draws it, a table for each seed, and the columns of its numbers.
FIGURES = {
    "accuracy": (figures.accuracy, probed, ["accuracy"]),
    "matrix": (partial(figures.matrix, k=5), probed, ["accuracy"]),
    "selectivity": (
        partial(figures.accuracy, measure="selectivity"),
        lambda seed: probed(seed).rename(columns={"accuracy": "selectivity"}),
        ["selectivity"],
    ),
    "ablation": (figures.ablation, partial(effects, kind="ablation", strength=float("nan")), ["rate"]),
    "translation": (figures.translation, effects, ["rate"]),
    "effects": (figures.effects, effects, ["rate"]),
    "effects_grid": (figures.effects_grid, lambda seed: interventions(seed, PANELS[: 4 - seed]), ["rate"]),
    "outcomes": (figures.outcomes, lambda seed: bars(seed=seed), ["share"]),
    "strengths": (figures.strengths, strengths, ["max_clwv"]),
    "beta": (figures.beta, sweep, ["clwv"]),
    "roles": (figures.roles, roles, ["area"]),
    "clusters": (figures.clusters, in_clusters, ["score"]),
    "overlap_bars": (figures.overlap_bars, lambda seed: overlap_bars(seed=seed), ["overlap"]),
    "overlap_map": (figures.overlap_map, lambda seed: pairs(NAMES_27[5:12], seed), ["overlap"]),
    "overlaps": (partial(figures.overlaps, k=8), overlaps, ["overlap"]),
    "wilcoxon": (figures.wilcoxon, partial(differences, methods=METHODS[:10]), ["mean_difference"]),
    "isolation": (figures.isolation, isolation, ["share"]),
    "bases": (figures.bases, bases, ["area"]),
    "subsets": (figures.subsets, subsets, ["information"]),
    "alignment": (figures.alignment, alignment, ["real", "difference"]),
    "calibration": (figures.calibration, guesses, ["result"]),
    "depth": (figures.depth, depth, ["mean"]),
}


@pytest.mark.parametrize("name", FIGURES)
def test_both_tables_are_drawn_told_and_kept_under_their_names_on_the_same_axes(name):
    draw, make, columns = FIGURES[name]
    tables = {"trained": make(0), "untrained": make(1)}
    alone = {model: draw(table) for model, table in tables.items()}
    plot = figures.beside(draw, tables)
    assert plot.alt.startswith("Two figures on the same axes. Trained: ") and " Untrained: " in plot.alt
    assert plot.table.columns[0] == "model" and plot.table["model"].unique().tolist() == list(tables)
    for model, one in alone.items():
        own = plot.table[plot.table["model"] == model]
        for column in columns:
            assert sorted(own[column]) == sorted(one.table[column])
        # Rows of roles are in the first part's order.
        assert one.alt in plot.alt or name == "roles"
    one, other = (sorted(drawn.table[columns[0]]) for drawn in alone.values())
    assert one != other
    assert [head.texts[0].get_text() for head in plot.figure.subfigs[::2]] == ["Trained", "Untrained"]
    one, other = plot.figure.subfigs[1::2]
    same_axes(name, one, other)
    nothing_is_cut_off(plot)
    for part, drawn in zip((one, other), alone.values(), strict=True):
        assert overlapping(part) <= overlapping(drawn.figure)
    assert figures.beside(draw, tables).svg() == plot.svg()


def same_axes(name: str, one: SubFigure, other: SubFigure) -> None:
    """Numbers have the same limits in both parts, and so have colours."""
    limits = {axes.get_title() or i: axes for i, axes in enumerate(one.axes)}
    both = [(axes, limits[axes.get_title() or i]) for i, axes in enumerate(other.axes)]
    assert both
    if name != "clusters":  # whose axes mean nothing
        assert all(here.get_ylim() == there.get_ylim() for here, there in both)
        assert all(here.get_xlim() == there.get_xlim() for here, there in both)
    if name == "roles":  # whose rows are sorted by their numbers
        named, other_named = ([text.get_text() for text in part.axes[0].get_yticklabels()] for part in (one, other))
        assert named == other_named
    colours = [maps(part) for part in (one, other)]
    assert colours[0] == colours[1] and len(colours[0]) <= 1


def maps(part: SubFigure) -> set[tuple[object, ...]]:
    """The range of each heat map's colours, and three of these colours."""
    drawn = [drawn for axes in part.axes for drawn in axes.collections if isinstance(drawn, QuadMesh)]
    return {(*one.get_clim(), *map(str, one.get_cmap()([0.0, 0.5, 1.0]))) for one in drawn}


def nothing_is_cut_off(plot: Plot) -> None:
    plot.figure.canvas.draw()
    for part in plot.figure.subfigs:
        box, place = part.get_tightbbox(), part.bbox
        assert box.x0 > place.x0 - 2 and box.y0 > place.y0 - 2 and box.x1 < place.x1 + 2 and box.y1 < place.y1 + 2


def overlapping(part: FigureBase) -> int:
    """How many pairs of titles, labels, legends and written numbers overlap; ticks may lie outside what is shown."""
    part.canvas.draw()
    axis = [axis for axes in part.axes for axis in (axes.xaxis, axes.yaxis)]
    ticks = {label for one in axis for label in one.get_ticklabels(which="both")}
    texts = [text for text in part.findobj(Text) if text.get_text() and text.get_visible()]
    return touching(text for text in texts if text not in ticks and (text.axes is None or text.axes.axison))


def test_names_and_sentences_that_differ_are_told_apart_and_others_stand_once():
    strong = figures.beside(figures.translation, {"bert": effects(0), "xlmr": effects(0, strength=4.0)})
    assert strong.caption.startswith("Bert: Spanish Gender, layer 3: translation, β = 8. Xlmr: ")
    assert strong.caption.count("hollow markers") == 1
    same = figures.beside(figures.translation, {"bert": effects(0), "xlmr": effects(0), "twin": effects(0)})
    assert same.caption.startswith("Bert, xlmr and twin, on the same axes. ") and "Three figures" in same.alt


def test_a_ranking_that_one_part_lacks_changes_no_colour_in_the_other():
    """Alone, LCA would have the first of the other colours; beside Lasso, which has none, it has the same."""
    one, two = (effects(0).replace({"ranking": {"linear": name}}) for name in ("lca", "anova"))
    plot = figures.beside(figures.effects, {"one": pd.concat([one, two[two["ranking"] == "anova"]]), "two": one})
    looks = [
        {handle.get_label(): handle.get_color() for handle in part.axes[0].get_legend().legend_handles}
        for part in plot.figure.subfigs[1::2]
    ]
    assert looks[0]["LCA"] == looks[1]["LCA"] != looks[0]["ANOVA F"]


def test_what_is_beside_something_is_drawn_as_ever_afterwards():
    before = figures.matrix(probed(0), 5).png()
    figures.beside(partial(figures.matrix, k=5), {"one": probed(0), "two": probed(1)})
    assert figures.matrix(probed(0), 5).png() == before
    with pytest.raises(ValueError, match="the table 'two' cannot be drawn: no row has k = 5"):
        figures.beside(partial(figures.matrix, k=5), {"one": probed(1), "two": probed(1).query("k < 5")})
    assert figures.matrix(probed(0), 5).png() == before


def test_what_cannot_be_drawn_beside_says_why():
    with pytest.raises(ValueError, match=r"two tables or more, and there are 1: \['one'\]"):
        figures.beside(figures.accuracy, {"one": probed(0)})
    made = figures.accuracy(probed(0))
    with pytest.raises(ValueError, match="it made 0 of 2 tables"):
        figures.beside(lambda table: made, {"one": probed(0), "two": probed(1)})


# The figures of roles and of depth have panels for each model (test_figures_roles.py, test_figures_depth.py).
@pytest.mark.parametrize("name", [*sorted(FIGURES.keys() - {"roles", "depth"}), "truth", "neuron", "forms"])
def test_tables_of_several_models_are_refused(name):
    draw, make, _ = FIGURES.get(name, (getattr(figures, name, None), probed, []))
    draw = {"neuron": partial(figures.neuron, name="n"), "forms": partial(figures.forms, min_forms=1)}.get(name, draw)
    needed = ["against", "chance", "value", "activation", "split", "forms", "words"]
    tables = [make(seed).assign(model=model) for seed, model in enumerate(("bert", "bert-untrained"))]
    if name not in FIGURES:
        tables = [table.rename(columns={"accuracy": "area"}).assign(**dict.fromkeys(needed, 1)) for table in tables]
    with pytest.raises(ValueError, match=r"one model, and the table has 2: \['bert', 'bert-untrained'\]; .*beside"):
        draw(pd.concat(tables))


AVERAGED = ["accuracy", "matrix", "selectivity", "ablation", "translation", "effects", "effects_grid", "strengths"]


@pytest.mark.parametrize("name", [*AVERAGED, "beta", "roles", "bases", "depth"])
def test_the_same_draw_twice_is_not_averaged(name):
    draw, make, _ = FIGURES[name]
    one, other = make(0), make(1)
    for column in ("ranking_seed", "seed"):
        if column in one:
            other[column] = one[column].iloc[0]
    with pytest.raises(ValueError, match=r"rows repeat a draw that the table already has; .*pf\.figures\.beside"):
        draw(pd.concat([one, other], ignore_index=True))
