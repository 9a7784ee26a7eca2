"""Several rankings from as few fits as possible: the same numbers, bit by bit."""

from __future__ import annotations

import numpy as np
import pytest
from oracles import splits

from pitfalls.arrays.ranking import Ranking
from pitfalls.rankings import PAPER_RANKINGS, RANKINGS, rank, rank_all
from pitfalls.rankings.base import Ranker
from pitfalls.study.plan import Plan
from pitfalls.study.setting import rankings_of


def same(one: Ranking, other: Ranking) -> bool:
    fields = ("name", "direction", "ranked", "seed")
    return (
        one.order.tobytes() == other.order.tobytes()
        and one.scores.tobytes() == other.scores.tobytes()
        and all(getattr(one, field) == getattr(other, field) for field in fields)
    )


@pytest.mark.parametrize("name", RANKINGS)
def test_both_directions_are_those_of_two_calls(name):
    data = splits(n=100, d=8, n_classes=3, seed=3)
    # Neurons that are alike, so that ties are broken.
    for part in (data.train, data.dev):
        part.X[:, 5] = part.X[:, 2]
    ways = ("btt", "ttb", "btt")
    for max_neurons in (4, None) if name in ("gaussian", "conditional_mi") else (4,):
        found = rank_all(data, [(name, way) for way in ways], seed=1, max_neurons=max_neurons)
        expected = [rank(name, data, way, seed=1, max_neurons=max_neurons) for way in ways]
        assert len(found) == 3 and all(map(same, found, expected))


def test_a_greedy_search_has_a_run_of_its_own_for_each_direction():
    top, bottom = rank_all(splits(seed=3), [("gaussian", "ttb"), ("gaussian", "btt")], max_neurons=4)
    assert not same(bottom, top.reversed())


def test_twice_reversed_is_the_same():
    ranking = rank("linear", splits(), seed=2)
    assert same(ranking.reversed().reversed(), ranking) and ranking.reversed().direction == "btt"
    assert ranking.reversed().order.flags["C_CONTIGUOUS"]


def test_a_plans_rankings_are_the_papers_and_fit_each_method_once(monkeypatch):
    data, plan = splits(n=200, d=12, n_classes=3), Plan(greedy=4, random_draws=2, seed=5, dev_words=60)
    few = type(data)(data.train, data.dev.sample(60, 5), data.test)
    named = [(name, direction) for name, direction in PAPER_RANKINGS if name != "random"]
    expected = [rank(name, few, direction, seed=5, max_neurons=4) for name, direction in named]
    expected += [rank("random", few, seed=seed) for seed in (5, 6)]
    fits, whole = [], Ranker.rank
    monkeypatch.setattr(Ranker, "rank", lambda self, *ask: fits.append(self.name) or whole(self, *ask))
    found = rankings_of(data, plan)
    assert fits.count("linear") == fits.count("probeless") == 1 and fits.count("gaussian") == 2
    assert len(found) == len(expected) and all(map(same, found, expected))
    assert all(np.array_equal(np.sort(one.order), np.arange(12)) for one in found)
