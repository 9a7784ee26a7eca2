"""The paper's figures and tables from a study's tables: every id is there, with the numbers that it stands for."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pandas as pd
import pytest

from pitfalls.interventions.outcomes import OUTCOMES
from pitfalls.interventions.saturation import saturation_table
from pitfalls.study.claims import VERDICTS
from pitfalls.study.effects import long
from pitfalls.study.paper import compared_ks, publish_claims, publish_paper, tables_of

D, TOP = 40, 6
WHERE = [
    (language, attribute, layer)
    for language in ("eng", "rus")
    for attribute in ("Case", "Number", "Tense")
    for layer in (1, 2)
]
RANKINGS = [
    *((name, way, 0) for way in ("ttb", "btt") for name in ("linear", "gaussian", "probeless")),
    ("random", "ttb", 0),
    ("random", "ttb", 1),
]


@pytest.fixture(scope="module")
def study():
    """Plausible noise, in the form that a sweep gives."""
    generator = np.random.default_rng(0)
    curves, orders, effects, areas, dev = [], [], [], [], []
    for (language, attribute, layer), (ranking, direction, seed) in itertools.product(WHERE, RANKINGS):
        keys = {"language": language, "attribute": attribute, "site": "residual", "layer": layer}
        keys |= {"ranking": ranking, "direction": direction, "ranking_seed": seed}
        for probe, task, k in itertools.product(("linear", "gaussian"), ("real", "control"), (1, 10, 20, D)):
            accuracy = generator.uniform(0.5, 1)
            about = {"probe": probe, "task": task, "split": "test", "seed": 0, "k": k}
            curves.append({**keys, **about, "accuracy": accuracy, "mi_bits": 0.1, "nmi": 0.1})
        order = generator.permutation(D)[:TOP]
        orders += [{**keys, "position": i, "neuron": int(neuron)} for i, neuron in enumerate(order)]
        for kind, k in itertools.product(("translation", "ablation"), (0, 10, 20, D)):
            counts = generator.multinomial(50, np.full(len(OUTCOMES), 1 / len(OUTCOMES))) if k else [50] + [0] * 8
            strength = 4.0 if kind == "translation" else np.nan
            about = {"split": "test", "kind": kind, "strength": strength, "target": "next", "k": k}
            effects.append({**keys, **about, **{f"n_{o}": n for o, n in zip(OUTCOMES, counts, strict=True)}})
        areas.append({**keys, "probe": "linear", "probing_area": 0.8, "clwv_area": generator.uniform(0, 0.4)})
        if direction == "ttb" and ranking != "random":
            for strength, k in itertools.product((2.0, 4.0), (10, 20)):
                rate = generator.uniform(0.1, 0.4) if strength == 4 else 0.0
                about = {"kind": "translation", "strength": strength, "k": k, "words": 50}
                dev.append({**keys, **about, "clwv": rate})
    named = {"curves": curves, "orders": orders, "effects": effects, "areas": areas, "dev": dev}
    return {name: pd.DataFrame(rows) for name, rows in named.items()} | {"examples": pd.DataFrame({"word": ["cat"]})}


@pytest.fixture(scope="module")
def tables(study):
    return tables_of(study, D)


@pytest.mark.slow
def test_every_id_is_written_with_its_numbers(tables, tmp_path_factory):
    folder = tmp_path_factory.mktemp("paper")
    publish_paper(tables, folder)
    figures = {path.stem for path in (folder / "figures").glob("*.png")}
    wanted = {f"fig1{letter}-{what}" for letter in "abc" for what in ("accuracy", "selectivity")}
    wanted |= {"fig2", "fig3", "fig4", "fig10", "fig8-k10", f"fig8-k{D}"}
    wanted |= {f"fig{n}-{language}" for n in (5, 6) for language in ("eng", "rus")}
    assert figures == wanted
    for name in figures:
        said = json.loads((folder / "figures" / f"{name}.json").read_text(encoding="utf-8"))
        assert any(character.isdigit() for character in said["alt"])
        assert len(pd.read_csv(folder / "results" / f"{name}.csv"))
    saturation = pd.read_csv(folder / "results" / "tab7.csv")
    pd.testing.assert_frame_equal(saturation, saturation_table(tables["effects"]), check_dtype=False)
    assert len(pd.read_csv(folder / "results" / "tab8.csv")) == len(tables["wilcoxon"])


def test_the_ledger_of_two_models_and_a_twin_is_written_with_its_parts(tables, tmp_path):
    publish_claims({"bert": tables, "xlmr": tables, "bert-untrained": tables}, D, tmp_path)
    claims = pd.read_csv(tmp_path / "results" / "claims.csv", keep_default_na=False).set_index("claim")
    assert set(claims["verdict"]) <= set(VERDICTS)
    # This study lacks what some claims need: rankings that ask, accuracies on unseen forms.
    assert set(claims.index[claims["verdict"] == "not testable"]) >= {"2", "5b", "12"}
    found = pd.read_csv(tmp_path / "results" / "claims_parts.csv")
    (one,) = found[found["claim"] == "1"].to_dict("records")
    assert (one["units"], one["models"]) == (2, 2) and one["low"] <= one["mean"] <= one["high"]
    # The twin has the same tables here, and so the same mean.
    assert claims.loc["1", "untrained"] == f"mean {one['mean']:+.3f}"


def test_strengths_have_the_highest_rate_on_dev(tables, study):
    row = tables["strengths"].query("strength == 4").iloc[0]
    assert row["max_clwv"] == study["dev"].iloc[:4]["clwv"].max() > 0.1
    assert len(tables["strengths"]) == 12 * 3 * 2


def test_tables_follow_from_the_studys_own(tables, study):
    pd.testing.assert_frame_equal(tables["effects"], long(study["effects"]))
    assert len(tables["clusters"]) == len(WHERE)
    overlaps = tables["overlaps"]
    (pair,) = overlaps.query(
        "language == 'eng' and attribute == 'Case' and layer == 1 and rankings == 'linear probeless'"
    ).to_dict("records")
    own = study["orders"].query("language == 'eng' and attribute == 'Case' and layer == 1 and direction == 'ttb'")
    tops = own.groupby("ranking")["neuron"].agg(set)
    assert pair["overlap"] == len(tops["linear"] & tops["probeless"])
    assert set(tables["wilcoxon"]["by"]) == {"all", "layer", "language", "attribute"}


def part(study, **chosen):
    """The rows of some configurations."""
    found = {}
    for name, table in study.items():
        for column, values in chosen.items():
            table = table[table[column].isin(values)] if column in table else table
        found[name] = table.reset_index(drop=True)
    return found


def reasons(tables):
    return dict(zip(tables["left_out"]["table"], tables["left_out"]["reason"], strict=True))


def test_one_kind_of_units_at_a_time(study, tables, monkeypatch):
    monkeypatch.setattr("pitfalls.site.KINDS", ("residual", "mlp"))
    other = {name: table.assign(site="mlp") if "site" in table else table for name, table in study.items()}
    found = tables_of(other, D)
    assert list(found) == list(tables)
    for name, table in found.items():
        said = tables[name].assign(site="mlp") if "site" in table else tables[name]
        pd.testing.assert_frame_equal(table, said)
    both = {name: pd.concat([study[name], other[name]]) for name in study}
    with pytest.raises(ValueError, match="units of several kinds, mlp, residual: select the rows of one of them"):
        tables_of(both, D)


def test_a_whole_study_lacks_nothing(tables):
    assert reasons(tables) == {}
    assert {
        "pairs",
        "shared",
        "seeds",
        "clusters",
        "stability",
        "wilcoxon",
        "permutations",
        "strengths",
    } <= tables.keys()


def test_a_world_of_one_language_has_no_shared_neurons_and_all_the_rest(study, tables):
    small = tables_of(part(study, language=["eng"]), D)
    assert reasons(small) == {"shared": "no attribute has two languages on a layer; languages: eng"}
    assert small.keys() == tables.keys() - {"shared"}


@pytest.mark.slow
def test_one_attribute_on_two_layers_lacks_comparisons_and_says_why(study, tables, tmp_path):
    small = tables_of(part(study, language=["eng"], attribute=["Case"]), D)
    lacking = {"pairs", "shared", "seeds", "clusters", "stability"}
    assert reasons(small).keys() == lacking and small.keys() == tables.keys() - lacking
    assert "there are 2" in reasons(small)["clusters"]
    publish_paper(tables, tmp_path)
    publish_paper(small, tmp_path)
    figures = {path.stem for path in (tmp_path / "figures").glob("*.png")}
    curves = {f"fig1{letter}-{what}" for letter in "ab" for what in ("accuracy", "selectivity")}
    assert figures == curves | {"fig3", "fig5-eng", "fig6-eng", "fig8-k10", f"fig8-k{D}", "fig10"}
    said = json.loads((tmp_path / "figures" / "fig1b-accuracy.json").read_text(encoding="utf-8"))
    assert "layer 2" in said["caption"] and "Case" in said["caption"]
    assert set(pd.read_csv(tmp_path / "results" / "left_out.csv")["table"]) == lacking
    assert not (tmp_path / "results" / "stability.csv").exists()


def test_pairs_are_of_the_layers_that_have_them(study):
    cut = part(study, language=["eng"])
    for name, table in cut.items():
        if "layer" in table:
            cut[name] = table[(table["layer"] == 1) | (table["attribute"] == "Case")].reset_index(drop=True)
    small = tables_of(cut, D)
    assert set(small["pairs"]["layer"]) == {1} and len(small["pairs"]) == 3


@pytest.mark.parametrize(
    ("ks", "compared"), [([1, 10, 50, 150, 768], [10, 50, 150]), ([1, 8, 64, 128], [8, 128]), ([2, 3], [3])]
)
def test_methods_are_compared_at_the_papers_k_or_the_nearest_below(ks, compared):
    assert compared_ks(pd.DataFrame({"k": ks})) == compared
