"""A sweep stacks the tables of its interventions, and the chosen strength is the best on dev words, found by hand."""

from __future__ import annotations

import itertools
from statistics import mean

import numpy as np
import pandas as pd
import pytest

import pitfalls as pf
from pitfalls.interventions import strength
from pitfalls.interventions.strength import ALPHAS, BETAS, choose_beta, scaled_against_constant
from pitfalls.worlds.blueprint import PlantedParameters
from pitfalls.worlds.experiment import Experiment
from pitfalls.worlds.load import load_world

CURVES = [("linear", "ttb", 0), ("linear", "btt", 0), ("random", "ttb", 0), ("random", "ttb", 1)]
KS = (0, 10, 20)
RANKING = ["ranking", "direction", "ranking_seed"]


@pytest.fixture(scope="module")
def world():
    return load_world("planted", planted=PlantedParameters(lemmas=40, train_words=400, dev_words=100, test_words=100))


def sweep(seed: int = 0, kind: str = "translation", strengths=(2.0, 4.0, 8.0), **changes) -> pd.DataFrame:
    """A made-up sweep with few different counts, so that there are ties."""
    generator = np.random.default_rng(seed)
    rows = [
        {"language": language, "attribute": "Gender", "layer": 2, "split": "dev", "ranking": ranking}
        | {"direction": way, "ranking_seed": draw, "kind": kind, "strength": strength, "target": "next", "k": k}
        | {"outcome": outcome, "count": count}
        for language, (ranking, way, draw), strength, k in itertools.product(("spa", "rus"), CURVES, strengths, KS)
        for hits in [int(generator.integers(4))]
        for outcome, count in (("unchanged", 10 - hits), ("another", hits))
    ]
    return pd.DataFrame(rows).assign(**changes)


def highest(table: pd.DataFrame, **selected) -> float:
    """The highest CLWV over k of the selected curve."""
    for column, value in selected.items():
        table = table[table[column] == value]
    return max(int(n) for n in table[table["outcome"] == "another"]["count"]) / 10


def test_the_papers_strengths_are_the_defaults():
    assert BETAS == (2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)
    assert ALPHAS == (1, 2, 4, 6, 8)


@pytest.mark.parametrize("kind", [pf.Translation, pf.ConstantTranslation], ids=["beta", "alpha"])
def test_a_sweep_is_its_interventions_on_dev(world, kind):
    data = world.activations("art", "Number", 1)
    rankings = [pf.rank("probeless", data), pf.rank("random", data, seed=3)]
    found = strength.run_all(Experiment(world, data), rankings, [kind(2), kind(4.5)], iter([0, 5, 20]))
    expected = [
        Experiment(world, data).intervene(r, kind(s), [0, 5, 20], split="dev").counts()
        for r in rankings
        for s in (2, 4.5)
    ]
    pd.testing.assert_frame_equal(found, pd.concat(expected, ignore_index=True))


@pytest.mark.parametrize("seed", range(3))
def test_the_choice_is_the_highest_written_out_with_ties_to_the_smaller(seed):
    table, betas = sweep(seed), (2.0, 4.0, 8.0)
    chosen = choose_beta(table.sample(frac=1, random_state=seed))
    assert len(chosen) == 2 * len(CURVES)
    for row in chosen.to_dict("records"):
        own = {"language": row["language"]}
        curve = own | {key: row[key] for key in RANKING}
        of_beta = {beta: highest(table, strength=beta, **curve) for beta in betas}
        assert row["clwv"] == max(of_beta.values())
        assert row["beta"] == min(beta for beta in betas if of_beta[beta] == row["clwv"])
        overall = {
            beta: mean(
                mean(
                    highest(table, strength=beta, ranking=ranking, direction=way, ranking_seed=draw, **own)
                    for draw in draws
                )
                for ranking, way, draws in (("linear", "ttb", [0]), ("linear", "btt", [0]), ("random", "ttb", [0, 1]))
            )
            for beta in betas
        }
        assert row["overall_clwv"] == pytest.approx(max(overall.values()))
        best = [beta for beta in betas if overall[beta] == pytest.approx(row["overall_clwv"])]
        assert row["overall_beta"] == best[0]
        hits = table[(table["strength"] == row["beta"]) & (table["outcome"] == "another")]
        for key, value in curve.items():
            hits = hits[hits[key] == value]
        assert row["k"] == min(k for k, n in zip(hits["k"], hits["count"], strict=True) if n / 10 == row["clwv"])


def test_there_are_ties_to_break():
    """Without them, the test above would say nothing about ties."""
    table = sweep(0)
    highest_of = table[table["outcome"] == "another"].groupby(["language", *RANKING, "strength"])["count"].max()
    best = highest_of.groupby(["language", *RANKING])
    assert (best.apply(lambda of_beta: (of_beta == of_beta.max()).sum()) > 1).any()


def test_rankings_keep_their_order():
    found = choose_beta(sweep())
    expected = sweep()[["language", *RANKING]].drop_duplicates(ignore_index=True)
    pd.testing.assert_frame_equal(found[["language", *RANKING]], expected)


def test_scaled_against_constant_puts_both_bests_side_by_side():
    scaled, constant = sweep(1), sweep(2, "constant translation", (1.0, 6.0))
    found = scaled_against_constant(pd.concat([constant, scaled]))
    assert len(found) == 2 * len(CURVES)
    for row in found.to_dict("records"):
        curve = {key: row[key] for key in ("language", *RANKING)}
        assert row["scaled_clwv"] == max(highest(scaled, strength=s, **curve) for s in (2.0, 4.0, 8.0))
        assert row["constant_clwv"] == max(highest(constant, strength=s, **curve) for s in (1.0, 6.0))
        assert row["scaled_clwv"] == highest(scaled, strength=row["beta"], **curve)
        assert row["constant_clwv"] == highest(constant, strength=row["alpha"], **curve)
        assert row["gain"] == row["scaled_clwv"] - row["constant_clwv"]


def test_test_words_are_refused():
    for table in (sweep(split="test"), pd.concat([sweep(), sweep(split="test")])):
        with pytest.raises(ValueError, match=r"dev words only, and these are of \[.*'test'\]"):
            choose_beta(table)
        with pytest.raises(ValueError, match="dev words only"):
            scaled_against_constant(table)


def test_what_cannot_be_chosen_from_is_refused(world):
    with pytest.raises(ValueError, match=r"takes the kinds \['translation'\], and the table has \['ablation'\]"):
        choose_beta(sweep(kind="ablation"))
    lacking = sweep().query("not (ranking == 'random' and strength == 4)")
    with pytest.raises(ValueError, match=r"'random', 'ttb', .* lacks \[4\.0\]"):
        choose_beta(lacking)
    with pytest.raises(ValueError, match="one over alpha"):
        scaled_against_constant(sweep())
    with pytest.raises(ValueError, match="0 rankings and 1 strengths"):
        strength.run_all(world.experiment("art", "Number", 1), [], [pf.Translation()], [0])
