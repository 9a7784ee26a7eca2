"""Agreement in one configuration of the study, and many replays at once, against one run after the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_agreement_runs import ITEMS
from tiny_worlds import few_sentences

from pitfalls.arrays.ranking import Ranking
from pitfalls.columns import CONFIGURATION
from pitfalls.interventions.ablation import Ablation
from pitfalls.interventions.agreement import answers_of_all, margins, questions
from pitfalls.interventions.interchange import Interchange, ResampleAblation
from pitfalls.interventions.kinds import Kind
from pitfalls.interventions.margins import log_margins
from pitfalls.interventions.translation import ConstantTranslation, Translation
from pitfalls.language.agreement import generated
from pitfalls.rankings import random_rankings
from pitfalls.study import agreement
from pitfalls.study.agreement import (
    RUN,
    AgreementPlan,
    Items,
    agreement_tables,
    asked_rankings,
    items_table,
    long,
    rates,
    wide,
)
from pitfalls.worlds.experiment import Experiment
from pitfalls.worlds.world import World

PLAN = AgreementPlan(steps=(1 / 16, 1 / 4), betas=(2, 12), alphas=(1, 4), draws=2, few_draws=1, effect_items=4)
KS = [8, 32]
# Two are of one sentence, so that one's controller is another's other.
OWN = [replace(one, sentence=f"toy-{max(0, i - 1)}") for i, one in enumerate(ITEMS)]


def drawn(count: int, seed: int) -> list:
    return list(generated("eng", "Number", count, seed))


@pytest.fixture(scope="module", params=["mini_causal", "mini"])
def experiment(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    """In double precision."""
    source = few_sentences(tmp_path_factory.mktemp("agreement"), 40)
    model = request.getfixturevalue(request.param).model
    return World("small", model, source, min_forms=4).experiment("eng", "Number", 2)


# ------------------------------------------------------------------------------------------ many replays at once


def test_many_replays_at_once_are_each_by_itself(experiment: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    orders = [experiment.rank("probeless"), *random_rankings(experiment.data, 1)]
    kinds: list[Kind] = [Translation(8), ConstantTranslation(2), Interchange(), Ablation(), ResampleAblation()]
    pairs = [(order, kind) for kind in kinds for order in orders]
    ks = [[3], [0, 40], [3, 128]]
    replays = [experiment.intervene(*pair, ks[i % 3]).replay for i, pair in enumerate(pairs)]
    items = [*OWN, *drawn(1, 3)]
    about = questions(replays[0], items)
    calls: list[str] = []
    for name in ("hidden", "resume"):
        plain = getattr(experiment.model, name)
        monkeypatch.setattr(experiment.model, name, counted(plain, name, calls))
    found = answers_of_all(replays, about)
    below, above = calls.count("hidden"), calls.count("resume")
    expected = []
    for replay in replays:
        calls.clear()
        alone = log_margins(replay, about.trials)
        assert calls.count("hidden") == below  # as often for all as for one
        assert calls.count("resume") == below * len(replay.ks)
        expected.append(alone)
    # Once without intervention, for all.
    assert above == below * (1 + sum(len(replay.ks) - 1 for replay in replays))
    np.testing.assert_allclose(found["margin"], np.concatenate([one.ravel() for one in expected]), rtol=0, atol=1e-12)
    for replay, alone in zip(replays, expected, strict=True):
        keys = {name: value for name, value in replay.keys.items() if name in RUN and value == value}
        rows = found[(found[list(keys)] == pd.Series(keys)).all(axis=1)]
        assert sorted(set(rows["k"])) == sorted(replay.ks)
        for at, k in enumerate(replay.ks):
            own = rows[rows["k"] == k]
            np.testing.assert_allclose(own["margin"], alone[at], rtol=0, atol=1e-12)
            np.testing.assert_allclose(own["before"], alone[0], rtol=0, atol=1e-12)
    both = found.query("changed == 'another controller'")
    assert set(both["item"]) == {0, 1} and (both["margin"] - both["before"]).abs().max() > 0.05
    one = answers_of_all(replays[2:3], about)
    pd.testing.assert_frame_equal(
        one[one["k"] > 0].reset_index(drop=True), margins(replays[2], replays[2].ks[1:], items)
    )


def counted(plain, name: str, calls: list[str]):
    def call(*given, **named):
        calls.append(name)
        return plain(*given, **named)

    return call


def test_replays_that_share_nothing_are_refused(experiment: Experiment) -> None:
    order = experiment.rank("probeless")
    below = experiment.world.experiment("eng", "Number", 1)
    first = experiment.intervene(order, Ablation(), KS).replay
    about = questions(first, OWN)
    other = below.intervene(order, Ablation(), KS).replay
    with pytest.raises(ValueError, match=r"one replay is at layer 2 of .*, another at layer 1 of .*: ask the replays"):
        answers_of_all([first, other], about)
    targeted = experiment.intervene(order, Translation(4, "PL"), KS).replay
    with pytest.raises(ValueError, match=r"has the value SG, and the translation with the target 'PL' does not aim at"):
        answers_of_all([first, targeted], about)


# ------------------------------------------------------------------------------------------ the tables


@dataclass(frozen=True)
class Case:
    """The tables of one configuration, and what they are made of."""

    experiment: Experiment
    rankings: list[Ranking]
    items: Items
    tables: dict[str, pd.DataFrame]


@pytest.fixture(scope="module")
def case(mini_causal: World, tmp_path_factory: pytest.TempPathFactory) -> Case:
    source = few_sentences(tmp_path_factory.mktemp("tables"), 40)
    found = World("small", mini_causal.model, source, min_forms=4).experiment("eng", "Number", 2)
    items = Items(drawn(1, 1), drawn(2, 2), [*OWN, *drawn(1, 3)])
    asked = asked_rankings(found, items, PLAN)
    rankings = [found.rank("probeless"), *asked, *random_rankings(found.data, PLAN.draws)]
    return Case(found, rankings, items, agreement_tables(found, rankings, items, PLAN))


def slow(case: Case, ranking: Ranking, kind: Kind, ks: list[int], split: str) -> pd.DataFrame:
    return case.experiment.intervene(ranking, kind, ks).margins(getattr(case.items, split))


def flips(rows: pd.DataFrame) -> float:
    return float(np.mean([(b > 0) != (m > 0) for b, m in zip(rows["before"], rows["margin"], strict=True)]))


def run_of(ranking: Ranking, kind: Kind, k: int) -> tuple:
    strength = float(np.nan_to_num(kind.strength, nan=-1))
    return (ranking.name, ranking.direction, ranking.seed, kind.label, strength, k)


def runs_in(table: pd.DataFrame) -> list[tuple]:
    own = table[[name for name in RUN if name not in CONFIGURATION]].fillna(-1.0)
    return list(own.itertuples(index=False, name=None))


def test_strengths_are_the_flip_rates_of_dev_items(case: Case) -> None:
    tried = [Translation(2), Translation(12), ConstantTranslation(1), ConstantTranslation(4), Interchange()]
    expected = {}
    for kind in tried:
        for ranking in case.rankings[:2]:
            rows = slow(case, ranking, kind, KS, "dev")
            for k in KS:
                own = rows[(rows["k"] == k) & (rows["changed"] == "controller")]
                expected[run_of(ranking, kind, k)] = (len(own), flips(own))
    table = case.tables["strengths"]
    found = dict(zip(runs_in(table), zip(table["items"], table["flip_rate"], strict=True), strict=True))
    assert found == expected and len(found) == len(table)
    assert len({rate for _, rate in found.values()}) > 2  # or it would not matter which is chosen


def chosen(case: Case, label: str) -> float:
    own = case.tables["strengths"].query("kind == @label")
    rate = {strength: round(float(rows["flip_rate"].mean()), 12) for strength, rows in own.groupby("strength")}
    return min(strength for strength in rate if rate[strength] == max(rate.values()))


def pushes(case: Case) -> Iterator[tuple[Ranking, Kind, list[int]]]:
    """What is done on test, in order."""
    probeless, attribution, first, second = case.rankings
    everything = Ranking(np.arange(128), None, "all units")
    constant = ConstantTranslation(chosen(case, "constant translation"))
    for kind in (Translation(chosen(case, "translation")), constant, Interchange(), Ablation()):
        for ranking in (probeless, attribution, first, *([second] if kind is constant else [])):
            yield ranking, kind, KS
        if not isinstance(kind, Translation):
            yield everything, kind, [128]


def test_margins_and_damage_are_those_of_one_run_after_the_other(case: Case) -> None:
    table, damage = case.tables["margins"], case.tables["damage"]
    names, expected, harm = [], [], []
    for ranking, kind, ks in pushes(case):
        rows = slow(case, ranking, kind, ks, "test")
        for k in ks:
            own = rows[(rows["k"] == k) & (rows["changed"] == "controller")].set_index("item")
            others = rows[(rows["k"] == k) & (rows["changed"] == "another controller")]
            names.append(run_of(ranking, kind, k))
            expected.append(own["margin"])
            harm.append((len(others), flips(others)))
    assert runs_in(table) == [("none", "ttb", 0, "none", -1.0, 0), *names] and runs_in(damage) == names
    items = [str(item) for item in expected[0].index]
    assert table.columns.tolist() == [*RUN, *items] and len(items) == len(case.items.test)
    wanted = np.stack([own["before"], *expected])
    np.testing.assert_allclose(table[items], wanted, rtol=0, atol=0.5e-3 + 1e-9)
    np.testing.assert_array_equal(table[items], table[items].round(3))
    assert list(zip(damage["items"], damage["damage"], strict=True)) == harm
    assert set(damage["items"]) == {2}
    assert (table[CONFIGURATION] == ["eng", "Number", "residual", 2]).all(axis=None)


def test_damage_is_the_share_of_flips_where_another_controller_was_changed() -> None:
    run = {"language": "eng", "attribute": "Number", "site": "residual", "layer": 2, "ranking": "linear"}
    run |= {"direction": "ttb", "ranking_seed": 0, "kind": "ablation", "strength": np.nan}
    rows = [
        {**run, "k": k, "changed": changed, "before": before, "margin": margin}
        for k, margins_at in ((0, (1, 1, -1)), (8, (-1, 2, 0.5)), (32, (0, 1, -3)))
        for changed, flip in (("another controller", 1), ("controller", -1))
        for before, margin in zip((1, 1, -1), np.multiply(flip, margins_at), strict=True)
    ]
    found = agreement._flips(pd.DataFrame(rows), "another controller", "damage")
    assert found[["k", "items"]].values.tolist() == [[8, 3], [32, 3]]
    assert found["damage"].tolist() == pytest.approx([2 / 3, 1 / 3])  # a margin of 0 is not above 0


def test_test_items_do_not_decide_the_strengths(case: Case) -> None:
    other = Items(case.items.train, case.items.dev, drawn(1, 5))
    found = agreement_tables(case.experiment, case.rankings, other, PLAN)
    pd.testing.assert_frame_equal(found["strengths"], case.tables["strengths"], check_exact=True)
    assert runs_in(found["margins"]) == runs_in(case.tables["margins"])
    assert len(found["damage"]) == 0  # no sentence has two items


RATES = st.lists(st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=3, max_size=3), min_size=1, max_size=4)


@given(RATES, st.permutations([1.0, 4.0, 2.0]))
def test_the_smaller_of_equally_good_strengths_is_chosen(flipped: list[list[float]], order: list[float]) -> None:
    rows = [
        {"kind": kind, "strength": strength, "flip_rate": rate if kind == "constant translation" else 2.0}
        for kind in ("constant translation", "translation")
        for of_run in flipped
        for strength, rate in sorted(zip((1.0, 2.0, 4.0), of_run, strict=True), key=lambda one: order.index(one[0]))
    ]
    best = agreement._best(pd.DataFrame(rows), "constant translation", ConstantTranslation)
    mean = dict(zip((1.0, 2.0, 4.0), np.mean(flipped, axis=0), strict=True))
    assert best == ConstantTranslation(min(s for s in mean if mean[s] == max(mean.values())))


def test_asked_rankings_are_named_after_their_method_and_ask_training_items(case: Case) -> None:
    items = Items(drawn(3, 1), [], [])
    plan = replace(PLAN, asked=("attribution", "effect"))
    attribution, effect = asked_rankings(case.experiment, items, plan, seed=2)
    assert [(one.name, one.direction, one.seed) for one in (attribution, effect)] == [
        ("attribution", "ttb", 2),
        ("effect", "ttb", 2),
    ]
    own = case.experiment.rank("attribution", items=items.train, seed=2)
    np.testing.assert_array_equal(attribution.order, own.order)
    few = case.experiment.rank("effect", items=items.train[::3], seed=2)  # 4 of 12
    np.testing.assert_array_equal(effect.order, few.order)


# ------------------------------------------------------------------------------------------ wide and long


def test_wide_and_long_hold_the_same_margins(case: Case) -> None:
    replays = [case.experiment.intervene(case.rankings[0], kind, KS).replay for kind in (Ablation(), Interchange())]
    found = answers_of_all(replays, questions(replays[0], case.items.test))
    table = items_table(case.items)
    back = long(wide(found), table)
    own = found[(found["changed"] == "controller") & (found["k"] > 0)]
    both = [frame.sort_values([*RUN, "item"]).reset_index(drop=True) for frame in (back, own)]
    shared = [*RUN, "item", "sentence", "relation", "value", "attractors", "changed"]
    pd.testing.assert_frame_equal(both[0][shared], both[1][shared], check_dtype=False)
    for name in ("before", "margin"):
        np.testing.assert_array_equal(both[0][name], both[1][name].round(3))
    assert set(back.columns) == {*shared, "source", "before", "margin"}
    pd.testing.assert_frame_equal(wide(back), wide(found), check_dtype=False)


def test_rates_are_those_of_the_runs(case: Case) -> None:
    table, ranking, beta = case.tables["margins"], case.rankings[0], chosen(case, "translation")
    found = rates(table, items_table(case.items), draws=30, seed=4)
    keys = (found["ranking"] == ranking.name) & (found["kind"] == "translation")
    run = case.experiment.intervene(ranking, Translation(beta), KS)
    own = run.agreement(case.items.test, draws=30, seed=4).query("measure != 'damage'").reset_index(drop=True)
    same = [*RUN, "attractors", "measure", "sentences", "items", "mean", "low", "high", "baseline"]
    pd.testing.assert_frame_equal(found[keys][same].reset_index(drop=True), own[same], rtol=0, atol=1e-3)
    assert len(found.drop_duplicates(RUN)) == len(table) - 1


def test_rates_of_several_languages_and_models_are_those_of_each(case: Case) -> None:
    """In the published tables: the items of each language are numbered from 0, and columns tell models apart."""
    items, table = items_table(case.items), case.tables["margins"].head(5)
    values = [column for column in table.columns if column.isdigit()]
    other = table.assign(language="spa", **{name: -table[name] for name in values[::-1]}).drop(columns=values[-1])
    fewer = items[(items["split"] != "test") | (items["item"] < len(values) - 1)].assign(language="spa", value="MASC")
    tables = [frame.assign(model=model) for model in ("a", "b") for frame in (table, other)]
    found = rates(pd.concat(tables), pd.concat([items.assign(language="eng"), fewer]), draws=9)
    for language, own, about in (("eng", table, items), ("spa", other, fewer.drop(columns="language"))):
        alone = rates(own, about, draws=9)
        for model in ("a", "b"):
            rows = found[(found["language"] == language) & (found["model"] == model)].drop(columns="model")
            pd.testing.assert_frame_equal(rows.reset_index(drop=True)[alone.columns], alone)


def test_the_table_of_items_tells_all_but_their_text(case: Case) -> None:
    table = items_table(case.items)
    assert table.columns.tolist() == ["split", "item", "source", "sentence", "relation", "value", "attractors"]
    for split, rows in table.groupby("split"):
        of_split = getattr(case.items, str(split))
        assert rows["item"].tolist() == list(range(len(of_split)))
        assert rows["value"].tolist() == [item.value for item in of_split]
        assert (rows["attractors"] == "with").tolist() == [bool(item.attractors) for item in of_split]
    words = {word for items in case.items for item in items for word in (*item.words, item.wrong, item.lemma)}
    assert not words & {text for column in table.columns for cell in table[column] for text in str(cell).split()}
