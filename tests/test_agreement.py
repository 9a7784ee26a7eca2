"""Agreement of rankings against enumeration over all permutations, SciPy, and direct sums over sets."""

from __future__ import annotations

import dataclasses
import itertools
import math
import re
from collections import Counter
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from drawn import drawn_twice, is_whole
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import hypergeom

from pitfalls import figures
from pitfalls.arrays.ranking import Ranking
from pitfalls.comparison.overlap import (
    chance_of_overlap,
    expected_overlap,
    overlap,
    overlap_interval,
    overlap_p_value,
    overlaps,
    shared_by_depth,
)
from pitfalls.comparison.ranking_agreement import avg_overlap, combined_order, expected_jaccard, neuron_vote
from pitfalls.comparison.rbo import (
    expected_rank_biased_overlap,
    rank_biased_overlap,
)

PS = st.floats(0.05, 0.99)


def ranking(order: object, name: str = "a", **fields: object) -> Ranking:
    return Ranking(np.array(order, dtype=np.int64), None, name, **fields)


def several(least: int = 2, most: int = 4) -> st.SearchStrategy[list[Ranking]]:
    """Rankings of the same neurons, named by letters."""
    return st.integers(1, 12).flatmap(
        lambda n: st.lists(st.permutations(range(n)), min_size=least, max_size=most).map(
            lambda orders: [ranking(order, name) for order, name in zip(orders, "abcdefgh", strict=False)]
        )
    )


def top(one: Ranking, k: int) -> set[int]:
    return set(one.order[:k].tolist())


def jaccard(a: set[int], b: set[int]) -> float:
    return len(a & b) / len(a | b)


def slow_rbo(a: Ranking, b: Ranking, p: float) -> float:
    """Webber et al.'s extrapolated sum as they write it, with sets and exact agreement at the end."""
    n = len(a)
    agreement = [len(top(a, d) & top(b, d)) / d for d in range(1, n + 1)]
    return agreement[-1] * p**n + (1 - p) / p * sum(x * p**d for d, x in enumerate(agreement, start=1))


def random_rankings(n_neurons: int, count: int, seed: int = 0) -> list[Ranking]:
    generator = np.random.default_rng(seed)
    return [ranking(generator.permutation(n_neurons), f"r{i:02d}") for i in range(count)]


@given(rankings=several())
def test_overlap_is_the_size_of_the_intersection_of_sets(rankings):
    shared = [len(set.intersection(*(top(one, k) for one in rankings))) for k in range(1, len(rankings[0]) + 1)]
    assert [overlap(rankings, k) for k in range(1, len(rankings[0]) + 1)] == shared
    assert shared_by_depth(rankings).tolist() == shared


@pytest.mark.parametrize(("n_neurons", "n_rankings"), [(4, 2), (5, 2), (4, 3), (5, 3), (4, 4)])
def test_chance_of_overlap_is_what_enumeration_of_all_permutations_counts(n_neurons, n_rankings):
    for k in range(1, n_neurons + 1):
        # Tuples of permutations, counted by their top sets: the same as all tuples one by one, but quicker.
        weights = Counter(frozenset(order[:k]) for order in itertools.permutations(range(n_neurons)))
        counts = np.zeros(k + 1)
        for sets in itertools.product(weights, repeat=n_rankings):
            counts[len(frozenset.intersection(*sets))] += math.prod(weights[one] for one in sets)
        expected = counts / math.factorial(n_neurons) ** n_rankings
        np.testing.assert_allclose(chance_of_overlap(n_neurons, k, n_rankings), expected, atol=1e-13)


@given(n_neurons=st.integers(1, 60), n_rankings=st.integers(2, 5), data=st.data())
def test_chance_of_overlap_sums_to_one_and_has_the_stated_mean(n_neurons, n_rankings, data):
    k = data.draw(st.integers(1, n_neurons))
    chance = chance_of_overlap(n_neurons, k, n_rankings)
    assert chance.min() >= 0 and chance.sum() == pytest.approx(1)
    mean = n_neurons * Fraction(k, n_neurons) ** n_rankings
    assert chance @ np.arange(k + 1) == pytest.approx(float(mean)) == expected_overlap(n_neurons, k, n_rankings)


def test_the_papers_chance_lines():
    assert f"{expected_overlap(768, 100, 2):.1f}" == "13.0"
    assert f"{expected_overlap(768, 100, 3):.1f}" == "1.7"


def test_two_rankings_share_a_hypergeometric_number():
    for n, k in ((64, 10), (768, 100), (30, 29)):
        law = hypergeom(n, k, k)
        np.testing.assert_allclose(chance_of_overlap(n, k), law.pmf(np.arange(k + 1)), rtol=1e-9)
        for observed in (0, 1, k // 2, k):
            assert overlap_p_value(observed, n, k) == pytest.approx(law.sf(observed - 1), rel=1e-9, abs=1e-300)


@given(n_neurons=st.integers(1, 40), n_rankings=st.integers(2, 4), level=st.floats(0.05, 0.99), data=st.data())
def test_the_interval_is_the_narrowest_with_small_tails(n_neurons, n_rankings, level, data):
    k = data.draw(st.integers(1, n_neurons))
    low, high = overlap_interval(n_neurons, k, n_rankings, level)
    chance, tail = chance_of_overlap(n_neurons, k, n_rankings), (1 - level) / 2
    assert 0 <= low <= high <= k
    assert chance[:low].sum() <= tail + 1e-12 and chance[high + 1 :].sum() <= tail + 1e-12
    assert chance[: low + 1].sum() > tail - 1e-12 and chance[high:].sum() > tail - 1e-12


def test_the_table_has_every_pair_and_k_once():
    rankings = random_rankings(30, 4)
    table = overlaps(rankings, [10, 3, 3])
    assert len(table) == 6 * 2
    named = {one.name: one for one in rankings}
    assert set(zip(table["ranking_a"], table["ranking_b"], strict=True)) == set(itertools.combinations(named, 2))
    for row in table.itertuples():
        shared = len(top(named[row.ranking_a], row.k) & top(named[row.ranking_b], row.k))
        assert row.overlap == shared
        assert row.expected == pytest.approx(row.k**2 / 30)
        assert row.p_value == pytest.approx(hypergeom(30, row.k, row.k).sf(shared - 1))


@given(rankings=several(2, 2), p=PS, data=st.data())
def test_rank_biased_overlap_is_the_direct_sum_symmetric_blind_to_labels_and_1_for_one_order_only(rankings, p, data):
    a, b = rankings
    found = rank_biased_overlap(a, b, p)
    assert found == pytest.approx(slow_rbo(a, b, p), abs=1e-12)
    assert rank_biased_overlap(b, a, p) == found and 0 <= found <= 1
    assert rank_biased_overlap(a, a, p) == 1 and (found == 1) == np.array_equal(a.order, b.order)
    labels = np.array(data.draw(st.permutations(range(len(a)))))
    assert rank_biased_overlap(ranking(labels[a.order]), ranking(labels[b.order]), p) == found


@pytest.mark.parametrize("n_neurons", [1, 2, 4, 5])
@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_expected_rank_biased_overlap_is_the_mean_over_all_permutations(n_neurons, p):
    first = ranking(range(n_neurons))
    mean = np.mean([slow_rbo(first, ranking(order), p) for order in itertools.permutations(range(n_neurons))])
    assert expected_rank_biased_overlap(n_neurons, p) == pytest.approx(mean, abs=1e-12)


def slow_combined(voters: list[Ranking], votes: int) -> list[int]:
    points: dict[int, int] = {}
    for voter in voters:
        for place, neuron in enumerate(voter.order.tolist()):
            points[neuron] = points.get(neuron, 0) + max(0, votes - place)
    return sorted(points, key=lambda neuron: (-points[neuron], neuron))


@given(voters=several(1, 5), data=st.data())
def test_combined_order_is_the_slow_count_of_points(voters, data):
    votes = data.draw(st.integers(1, len(voters[0])))
    assert combined_order(voters, votes).tolist() == slow_combined(voters, votes)


def test_a_voter_names_a_hundred_neurons_unless_told_otherwise():
    voters = random_rankings(130, 3)
    assert combined_order(voters).tolist() == slow_combined(voters, 100) != slow_combined(voters, 130)


@given(rankings=several(2, 5), data=st.data())
@settings(max_examples=40)
def test_fan_et_als_measures_are_the_slow_ones(rankings, data):
    n = len(rankings[0])
    votes = data.draw(st.integers(1, n))
    ks = sorted(data.draw(st.sets(st.integers(1, votes), min_size=1, max_size=3)))
    voted = neuron_vote(rankings, ks, votes=votes).set_index(["ranking", "k"])
    averaged = avg_overlap(rankings, ks).set_index(["ranking", "k"])
    assert len(voted) == len(averaged) == len(rankings) * len(ks)
    for one, k in itertools.product(rankings, ks):
        others = [other for other in rankings if other is not one]
        elected = set(slow_combined(others, votes)[:k])
        assert voted.loc[(one.name, k), "neuron_vote"] == pytest.approx(jaccard(top(one, k), elected))
        mean = np.mean([jaccard(top(one, k), top(other, k)) for other in others])
        assert averaged.loc[(one.name, k), "avg_overlap"] == pytest.approx(mean)
    assert set(voted["voters"]) == set(averaged["voters"]) == {len(rankings) - 1}


def test_voters_may_be_named_and_then_include_the_ranking_itself():
    rankings = random_rankings(20, 4)
    a, k = rankings[0], 5
    table = avg_overlap(rankings, [k], voters=rankings).iloc[0]
    assert table["avg_overlap"] == pytest.approx(np.mean([jaccard(top(a, k), top(b, k)) for b in rankings]))
    assert table["expected"] == pytest.approx((1 + 3 * expected_jaccard(20, k)) / 4)
    voted = neuron_vote(rankings, [k], voters=rankings[1:])
    everyone = neuron_vote(rankings, [k], voters=rankings).iloc[0]
    assert everyone["neuron_vote"] == pytest.approx(jaccard(top(a, k), set(slow_combined(rankings, 20)[:k])))
    # What chance gives is known only for the ranking that has no vote.
    assert voted["expected"].isna().tolist() == [False, True, True, True]
    assert voted["expected"][0] == expected_jaccard(20, k)


@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_chance_of_fan_et_als_measures_is_the_mean_over_all_permutations(k):
    voters = [ranking([0, 1, 2, 3, 4], "v"), ranking([2, 4, 0, 1, 3], "w")]
    drawn = [ranking(order, str(i)) for i, order in enumerate(itertools.permutations(range(5)))]
    for measure, column in ((avg_overlap, "avg_overlap"), (neuron_vote, "neuron_vote")):
        table = measure(drawn, [k], voters=voters)
        assert len(table) == 120
        np.testing.assert_allclose(table["expected"], table[column].mean(), rtol=1e-12)


A, B = ranking([0, 1, 2]), ranking([2, 1, 0], "b")
SHORT = ranking([0, 1, 2, 3], "b")
TWO_LENGTHS = r"'a' \(ttb, seed 0\) orders 3 neurons and 'b' \(ttb, seed 0\) 4"
SAME_KEY = [ranking([0, 1, 2], seed=3), ranking([2, 1, 0], seed=3)]


@pytest.mark.parametrize(
    ("compare", "message"),
    [
        *(
            (compare, TWO_LENGTHS)
            for compare in (
                lambda: overlap([A, SHORT], 1),
                lambda: overlaps([A, SHORT], [1]),
                lambda: rank_biased_overlap(A, SHORT),
                lambda: avg_overlap([A, SHORT], [1]),
                lambda: neuron_vote([A], [1], voters=[SHORT]),
                lambda: combined_order([A, SHORT]),
            )
        ),
        (lambda: overlap([A], 1), "needs 2 or more rankings to compare, not 1"),
        (lambda: overlaps([A], [1]), "needs 2 or more rankings to compare, not 1"),
        (lambda: avg_overlap([A], [1]), "needs 2 or more rankings to compare, not 1"),
        (lambda: neuron_vote([A], [1], voters=[]), "needs 1 or more rankings to compare, not 0"),
        (lambda: chance_of_overlap(5, 2, 1), "rankings that overlap must be a whole number, 2 or more, not 1"),
        (lambda: chance_of_overlap(5.0, 2), r"n_neurons must be a whole number, 1 or more, not 5\.0"),
        *(
            (lambda measure=measure: measure(SAME_KEY, [1]), r"two rankings are called 'a' \(ttb, seed 3\)")
            for measure in (overlaps, avg_overlap, neuron_vote)
        ),
        (lambda: neuron_vote([A, B], [1, 3], votes=2), "each voter names only 2 neurons: give votes=3"),
        (lambda: neuron_vote([A, B], [1], votes=4), r"every number of votes must be .* from 1 to .*, 3; these are not"),
        (lambda: overlap_p_value(3, n_neurons=5, k=2), "from 0 to 2, not 3"),
        (lambda: overlap_p_value(True, n_neurons=5, k=2), "an overlap must be a whole number, 0 or more, not True"),
        (lambda: overlap_interval(10, 3, level=95), r"such as 0\.95, not 95"),
        (lambda: overlaps([A, B], []), "none was given"),
        *((lambda p=p: rank_biased_overlap(A, A, p), f"0 and 1, both excluded.*{p!r}") for p in (0.0, 2, math.nan)),
        (lambda: expected_rank_biased_overlap(3, 1.0), "p must lie between 0 and 1, both excluded.*1.0"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_the_values(compare, message):
    with pytest.raises(ValueError, match=message):
        compare()


@pytest.mark.parametrize("k", [0, 4, 2.5, None])
def test_a_k_that_is_no_size_of_a_top_set_is_refused(k):
    message = re.escape(f"from 1 to the number of neurons, 3; these are not: [{k!r}]")
    for measure in (
        lambda: overlap([A, B], k),
        lambda: overlaps([A, B], [1, k]),
        lambda: chance_of_overlap(3, k),
        lambda: expected_overlap(3, k),
        lambda: avg_overlap([A, B], [k]),
        lambda: neuron_vote([A, B], [k]),
    ):
        with pytest.raises(ValueError, match=message):
            measure()
    assert overlap([A, B], np.int64(2)) == 1


def test_rankings_that_differ_in_name_direction_or_seed_are_told_apart():
    for change in ({"name": "b"}, {"direction": "btt"}, {"seed": 4}):
        assert len(overlaps([SAME_KEY[0], dataclasses.replace(SAME_KEY[1], **change)], [1])) == 1


def drawn_table(**changes: object) -> pd.DataFrame:
    generator = np.random.default_rng(5)
    kinds = [("linear", "ttb", 0), ("linear", "ttb", 1), ("random", "ttb", 0), ("gaussian", "btt", 0)]
    rankings = [ranking(generator.permutation(40), name, direction=way, seed=seed) for name, way, seed in kinds]
    return overlaps(rankings, [5, 12]).assign(**changes)


def test_the_heat_map_shows_the_tables_counts_symmetrically_and_is_white_at_chance():
    table = drawn_table()
    plot = figures.overlaps(table, 12)
    axes = plot.figure.axes[0]
    names = [label.get_text() for label in axes.get_xticklabels()]
    assert names == ["Linear, seed 0", "Linear, seed 1", "Random", "Gaussian, bottom to top"]
    assert names == [label.get_text() for label in axes.get_yticklabels()]
    written = {tuple(np.floor(text.get_position()).astype(int)): int(text.get_text()) for text in axes.texts}
    assert len(written) == 4 * 3
    rows = table[table["k"] == 12]
    places = {("linear", 0): 0, ("linear", 1): 1, ("random", 0): 2, ("gaussian", 0): 3}
    for row in rows.itertuples():
        a, b = places[row.ranking_a, row.ranking_seed_a], places[row.ranking_b, row.ranking_seed_b]
        assert written[a, b] == written[b, a] == row.overlap
    mesh = axes.collections[0]
    below, chance, above = (float(mesh.norm(12**2 / 40 + more)) for more in (-3, 0, 3))
    assert min(mesh.cmap(chance)[:3]) > 0.93 and above - chance == pytest.approx(chance - below)
    assert plot.table["overlap"].tolist() == rows["overlap"].tolist()
    np.testing.assert_allclose(plot.table["share"], rows["overlap"] / 12)


def test_the_heat_maps_words_are_computed_from_its_numbers():
    table = drawn_table(language="spa", attribute="Gender", layer=3)
    table.loc[table["k"] == 12, "overlap"] = [5, 1, 6, 11, 3, 2]
    table.loc[table["k"] == 12, "p_value"] = [0.01, 0.9, 0.04, 0.001, 0.3, 0.6]
    plot = figures.overlaps(table, 12)
    assert "Spanish Gender, layer 3: 4 rankings by 4: how many of their first 12 of 40 neurons" in plot.alt
    assert "3.6 by chance" in plot.alt and "3.6" in plot.caption
    assert "Most: Linear, seed 1 and Random, 11. Fewest: Linear, seed 0 and Random, 1. 3 of 6 pairs" in plot.alt
    assert "median 4.0" in plot.alt


def test_the_heat_map_of_many_long_names_is_whole_and_has_one_size_and_the_same_bytes():
    wordy = [
        dataclasses.replace(one, name="a method", direction="btt", seed=i)
        for i, one in enumerate(random_rankings(64, 20))
    ]
    large = figures.overlaps(overlaps(wordy, [10]), 10)
    small = drawn_twice(lambda table: figures.overlaps(table, 10), overlaps(wordy[:2], [10]))
    assert is_whole(large) and tuple(large.figure.get_size_inches()) == tuple(small.figure.get_size_inches())


def test_the_heat_map_refuses_what_it_cannot_show():
    table = drawn_table()
    with pytest.raises(ValueError, match=r"no k = 7, only \[5, 12\]"):
        figures.overlaps(table, 7)
    with pytest.raises(ValueError, match=r"needs the columns \['overlap'\]"):
        figures.overlaps(table.drop(columns="overlap"), 5)
    with pytest.raises(ValueError, match="12 rows for 6 pairs"):
        figures.overlaps(pd.concat([table, table]), 5)
    with pytest.raises(ValueError, match="choose a smaller k"):
        figures.overlaps(overlaps(random_rankings(6, 2), [6]), 6)
    with pytest.raises(ValueError, match="one layer, and the table has 6"):
        figures.overlaps(table.assign(language="spa", attribute="Gender", layer=range(len(table))), 5)
