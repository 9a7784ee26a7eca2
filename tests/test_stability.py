"""Stability over seeds and over samples of sentences, against loops and the definition of a bootstrap."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitfalls.arrays.ranking import Ranking
from pitfalls.arrays.splits import Activations, Splits
from pitfalls.columns import configuration_of
from pitfalls.comparison import stability as measures
from pitfalls.comparison.rbo import expected_rank_biased_overlap, rank_biased_overlap
from pitfalls.comparison.stability import nogueira, resample_sentences, stability_over_bootstrap, stability_over_seeds
from pitfalls.rankings import rank


def words(sizes: list[int], seed: int = 0, n_neurons: int = 6, first_id: int = 10) -> Activations:
    """Sentences of these sizes; the first neuron of a vector is the word's own number."""
    generator = np.random.default_rng(seed)
    ids = np.repeat(np.arange(len(sizes)) * 3 + first_id, sizes)
    X = generator.normal(size=(len(ids), n_neurons))
    X[:, 0] = np.arange(len(ids))
    part = Activations.from_arrays(X, np.arange(len(ids)) % 2, [0, 1], [f"form {i}" for i in range(len(ids))])
    return dataclasses.replace(part, sentence_ids=ids, positions=np.concatenate([np.arange(size) for size in sizes]))


def splits(n_sentences: int = 40) -> Splits:
    return Splits(*(words([3] * n_sentences, seed) for seed in range(3)))


def as_rows(part: Activations) -> list[tuple[object, ...]]:
    columns = (part.X.tolist(), part.y.tolist(), part.forms, part.sentence_ids.tolist(), part.positions.tolist())
    return [(tuple(x), *rest) for x, *rest in zip(*columns, strict=True)]


@given(sizes=st.lists(st.integers(1, 4), min_size=1, max_size=12), seed=st.integers(0, 999), shuffled=st.booleans())
def test_whole_sentences_are_drawn_as_often_as_there_are_sentences(sizes, seed, shuffled):
    part = words(sizes)
    if shuffled:
        # A sentence whose words do not stand together is still one sentence.
        part = part.select(np.random.default_rng(seed).permutation(part.n_words))
    drawn = resample_sentences(part, seed)
    before, after = Counter(as_rows(part)), Counter(as_rows(drawn))
    assert set(after) <= set(before)
    times: dict[int, set[int]] = {}
    for row in before:
        times.setdefault(row[3], set()).add(after[row])
    # All words of a sentence occur equally often, and the counts add up to the number of sentences.
    assert all(len(counts) == 1 for counts in times.values())
    assert sum(min(counts) for counts in times.values()) == len(sizes)
    assert (np.diff(drawn.sentence_ids) >= 0).all()  # in the corpus's order
    assert as_rows(drawn) == as_rows(resample_sentences(part, seed))
    assert (drawn.values, configuration_of(drawn)) == (part.values, configuration_of(part))


def test_every_sentence_is_as_likely_as_the_others():
    part = words([1, 5, 2, 1, 3])
    times = np.zeros(5)
    for seed in range(1500):
        ids, counts = np.unique(resample_sentences(part, seed).sentence_ids, return_counts=True)
        index = (ids - 10) // 3
        times[index] += counts / np.array([1, 5, 2, 1, 3])[index]
    np.testing.assert_allclose(times / 1500, 1, atol=0.11)


def random_rankings(n_neurons: int, count: int, seed: int = 0) -> list[Ranking]:
    generator = np.random.default_rng(seed)
    return [Ranking(generator.permutation(n_neurons), None, "a", seed=i) for i in range(count)]


@given(n_neurons=st.integers(2, 9), draws=st.integers(2, 5), seed=st.integers(0, 99), data=st.data())
def test_nogueira_is_the_loop_over_neurons_and_kunchevas_corrected_overlap(n_neurons, draws, seed, data):
    k = data.draw(st.integers(1, n_neurons - 1))
    rankings = random_rankings(n_neurons, draws, seed)
    variances = []
    for neuron in range(n_neurons):
        chosen = [1.0 if neuron in one.order[:k].tolist() else 0.0 for one in rankings]
        variances.append(np.var(chosen, ddof=1))
    share = k / n_neurons
    assert nogueira(rankings, k) == pytest.approx(1 - np.mean(variances) / (share * (1 - share)))
    overlap = measures.stability(rankings, [k])["overlap"][0]
    assert nogueira(rankings, k) == pytest.approx((overlap - share) / (1 - share), abs=1e-12)
    assert math.isnan(nogueira(rankings, n_neurons))  # taking all neurons is no choice


def test_the_table_is_the_loop_over_pairs():
    rankings = random_rankings(12, 5)
    table = measures.stability(rankings, [6, 2], p=0.7).set_index("k")
    assert table.index.tolist() == [2, 6]
    pairs = list(itertools.combinations(rankings, 2))
    rbo = [rank_biased_overlap(a, b, 0.7) for a, b in pairs]
    for k, row in table.iterrows():
        shares = [len(set(a.order[:k]) & set(b.order[:k])) / k for a, b in pairs]
        assert row["overlap"] == pytest.approx(np.mean(shares))
        assert (row["overlap_min"], row["overlap_max"]) == (min(shares), max(shares))
        assert row["overlap_expected"] == k / 12
        assert row["rbo"] == pytest.approx(np.mean(rbo))
        assert (row["rbo_min"], row["rbo_max"], row["draws"]) == (min(rbo), max(rbo), 5)
        assert row["rbo_expected"] == expected_rank_biased_overlap(12, 0.7)


def by_seed(data: Splits, seed: int) -> Ranking:
    return rank("random", data, seed=seed)


def by_means(data: Splits, seed: int) -> Ranking:
    return rank("probeless", data, seed=seed)


def test_over_seeds_a_method_without_chance_is_wholly_stable_and_random_is_at_chance():
    data = Splits(*(words([3] * 40, seed, n_neurons=60) for seed in range(3)))
    table = stability_over_seeds(by_means, data, [3, 20], range(4))
    assert (table[["overlap", "overlap_min", "nogueira", "rbo"]] == 1).all(axis=None)
    table = stability_over_seeds(by_seed, data, [20], range(60))
    assert table["overlap"][0] == pytest.approx(table["overlap_expected"][0], abs=0.03)
    assert table["nogueira"][0] == pytest.approx(0, abs=0.03)
    assert table["rbo"][0] == pytest.approx(table["rbo_expected"][0], abs=0.05)


def test_over_seeds_the_rankings_compared_are_those_of_the_seeds():
    data = splits()
    table = stability_over_seeds(by_seed, data, [2], [7, 3])
    a, b = (rank("random", data, seed=seed) for seed in (7, 3))
    assert table["overlap"][0] == len(set(a.order[:2]) & set(b.order[:2])) / 2
    assert table[["language", "attribute", "layer", "over", "ranking"]].values.tolist() == [
        ["und", "attribute", 0, "seeds", "random"]
    ]


def test_the_bootstrap_draws_train_and_dev_by_sentence_and_leaves_test_alone():
    data, seen = splits(), []

    def watch(sample: Splits, seed: int) -> Ranking:
        seen.append((sample, seed))
        return by_means(sample, seed)

    table = stability_over_bootstrap(watch, data, [2], 4, seed=1)
    assert table[["over", "draws"]].values.tolist() == [["sentences", 4]]
    assert len({seed for _, seed in seen}) == 4
    for sample, _ in seen:
        assert sample.test is data.test
        for part, whole in ((sample.train, data.train), (sample.dev, data.dev)):
            assert part.n_words == whole.n_words and set(as_rows(part)) < set(as_rows(whole))
        assert sample.train.sentence_ids.tolist() != sample.dev.sentence_ids.tolist()
    assert len({tuple(sample.train.sentence_ids.tolist()) for sample, _ in seen}) == 4
    before, seen[:] = list(seen), []
    stability_over_bootstrap(watch, data, [2], 6, seed=1)
    assert [as_rows(s.train) for s, _ in seen[:4]] == [as_rows(s.train) for s, _ in before]
    assert [seed for _, seed in seen[:4]] == [seed for _, seed in before]


def rare(n: int) -> tuple[Activations, Activations]:
    """Twelve one-word sentences, and the same with ``n`` words of the second value."""
    part = words([1] * 12)
    y = np.zeros(12, dtype=np.int64)
    y[[3, 8][:n]] = 1
    return part, dataclasses.replace(part, y=y)


def test_a_sample_without_two_different_words_of_every_value_is_drawn_again():
    part, train = rare(2)

    def watch(sample: Splits, seed: int) -> Ranking:
        assert len(set(sample.train.sentence_ids[sample.train.y == 1].tolist())) == 2
        return by_means(sample, seed)

    assert stability_over_bootstrap(watch, Splits(train, part, part), [2], 10)["draws"][0] == 10


def test_a_value_that_cannot_be_resampled_is_named():
    part, train = rare(1)
    with pytest.raises(ValueError, match="the rarest value, '1', has 1 words in 1 of 12 sentences; leave it out"):
        stability_over_bootstrap(by_means, Splits(train, part, part), [2], 2)


def test_bad_draws_seeds_and_methods_are_refused():
    data = splits()
    for draws in (1, 2.0):
        with pytest.raises(ValueError, match=f"draws must be a whole number, 2 or more.*{draws}"):
            stability_over_bootstrap(by_means, data, [2], draws)
    for seeds in ([1], [2, 2]):
        with pytest.raises(ValueError, match="two or more different seeds"):
            stability_over_seeds(by_means, data, [2], seeds)
    with pytest.raises(ValueError, match=r"1 to the number of neurons, 6; these are not: \[7\]"):
        stability_over_seeds(lambda *_: pytest.fail("ranked before its ks were looked at"), data, [7], [0, 1])
    with pytest.raises(ValueError, match=r"\('probeless', 'ttb'\), \('random', 'ttb'\)"):
        measures.stability([by_means(data, 0), by_seed(data, 0)], [2])
    with pytest.raises(ValueError, match="2 or more rankings to compare, not 1"):
        measures.stability([by_means(data, 0)], [2])
    with pytest.raises(ValueError, match="p must lie between 0 and 1"):
        stability_over_seeds(by_seed, data, [2], [0, 1], p=1)
