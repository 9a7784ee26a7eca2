"""Statistics over configurations: against loops over pairs, signs and draws, and against SciPy."""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from pitfalls.columns import METHOD, sides
from pitfalls.comparison.paired_interval import paired_interval
from pitfalls.comparison.pairs import Method
from pitfalls.comparison.permutation import blocked_permutations
from pitfalls.comparison.wilcoxon import wilcoxon_matrix

METHODS = [Method("gaussian", "gaussian"), Method("gaussian", "random"), Method("linear", "gaussian", "btt")]
METHODS += [Method("linear", "probeless")]
A, B = METHODS[0], METHODS[3]
# Languages with one to four attributes, each on some layers: blocks of unequal sizes.
PLACES = [
    (language, attribute, layer)
    for language, attributes in {"eng": "NT", "spa": "NGTV", "rus": "N", "tur": "NCT"}.items()
    for attribute in attributes
    for layer in (2, 7)
]
SIDES = sides(METHOD)


def table(accuracy: np.ndarray, places=PLACES, methods=METHODS, k: int = 10, **more: object) -> pd.DataFrame:
    """Curves with these accuracies, [n_places, n_methods]."""
    rows = [
        {"language": language, "attribute": attribute, "layer": layer, **method._asdict(), "ranking_seed": 0}
        | {"task": "real", "split": "test", "seed": 0, "k": k, "accuracy": accuracy[i, j], "mi_bits": 0.0}
        for i, (language, attribute, layer) in enumerate(places)
        for j, method in enumerate(methods)
    ]
    return pd.DataFrame(rows).assign(**more)


def drawn(seed: int = 0, places=PLACES, methods=METHODS, **more: object) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    lead = generator.normal(0, 0.05, len(methods))
    return table(generator.uniform(0.3, 0.6, (len(places), len(methods))) + lead, places, methods, **more)


def many(n_languages: int) -> list[tuple[str, str, int]]:
    return [(f"l{i:02}", attribute, layer) for i in range(n_languages) for attribute in "NT" for layer in (2, 7, 12)]


def paired(curves: pd.DataFrame, a, b, k: int) -> dict[tuple[str, str, int], float]:
    """Accuracy of a minus b in every configuration that has both, row by row."""
    sums: dict[tuple[object, ...], list[float]] = {}
    for row in curves.to_dict("records"):
        if row["k"] == k:
            key = (row["language"], row["attribute"], row["layer"], row["probe"], row["ranking"], row["direction"])
            sums.setdefault(key, []).append(row["accuracy"])
    means = {key: sum(values) / len(values) for key, values in sums.items()}
    places = dict.fromkeys(key[:3] for key in means)
    return {p: means[(*p, *a)] - means[(*p, *b)] for p in places if (*p, *a) in means and (*p, *b) in means}


def row_of(found: pd.DataFrame, a, b, **keys: object) -> pd.Series:
    for column, value in [*zip(SIDES, [*a, *b], strict=True), *keys.items()]:
        found = found[found[column] == value]
    assert len(found) == 1
    return found.iloc[0]


def signs_by_hand(differences: list[float], blocks: list[object]) -> float:
    """Exact two-sided p of the mean, all flips of whole blocks written out."""
    names = list(dict.fromkeys(blocks))
    observed, hits, flips = abs(sum(differences)), 0, 0
    for signs in itertools.product([1, -1], repeat=len(names)):
        sign = dict(zip(names, signs, strict=True))
        total = sum(sign[block] * d for block, d in zip(blocks, differences, strict=True))
        hits, flips = hits + (abs(total) >= observed - 1e-9), flips + 1
    return hits / flips


def ranks_by_hand(differences: list[float]) -> float:
    """Exact two-sided p of the signed-rank statistic, all signs written out; ties and zeros allowed."""
    nonzero = [d for d in differences if d]
    sizes = [abs(d) for d in nonzero]
    ranks = [sum(s < size for s in sizes) + (sum(s == size for s in sizes) + 1) / 2 for size in sizes]
    observed = min(sum(r for r, d in zip(ranks, nonzero, strict=True) if (d > 0) is way) for way in (True, False))
    below = sum(
        sum(itertools.compress(ranks, chosen)) <= observed for chosen in itertools.product([0, 1], repeat=len(ranks))
    )
    return min(1.0, 2 * below / 2 ** len(ranks))


# -------------------------------------------------------------------- Wilcoxon


@pytest.mark.parametrize("by", [None, "language", "layer"])
def test_every_row_is_what_scipy_says_of_its_pairs(by):
    curves = pd.concat([drawn(seed=k, k=k) for k in (10, 50)])
    found = wilcoxon_matrix(curves, ks=[50, 10, 10], by=by)
    groups = sorted(curves[by].unique()) if by else ["all"]
    expected = [(group, k, a, b) for group in groups for k in (10, 50) for a, b in itertools.permutations(METHODS, 2)]
    keys = [(row.group, row.k, tuple(row[SIDES][:3]), tuple(row[SIDES][3:])) for _, row in found.iterrows()]
    assert keys == expected and set(found["by"]) == {by or "all"}
    for (group, k, a, b), (_, row) in zip(expected, found.iterrows(), strict=True):
        own = curves if by is None else curves[curves[by] == group]
        d = np.array(list(paired(own, a, b, k).values()))
        test = scipy.stats.wilcoxon(d, zero_method="wilcox", correction=False, method="exact")
        assert row["p_value"] == pytest.approx(test.pvalue, rel=1e-12)
        assert row["statistic"] == test.statistic
        assert (row["wins"], row["losses"], row["n_ties"]) == ((d > 0).sum(), (d < 0).sum(), 0)
        assert row["n_pairs"] == row["n_configurations"] == len(d)
        assert row["mean_difference"] == pytest.approx(d.mean())
        assert row["median_difference"] == pytest.approx(np.median(d))
        ranks = scipy.stats.rankdata(abs(d))
        assert row["rank_biserial"] == pytest.approx((ranks * np.sign(d)).sum() / ranks.sum())


def test_up_to_fifty_pairs_the_test_is_exact_as_scipys_is():
    for places in (many(9)[:50], many(10)):
        curves = drawn(3, places)
        found = wilcoxon_matrix(curves, ks=[10])
        for a, b in itertools.combinations(METHODS, 2):
            test = scipy.stats.wilcoxon(list(paired(curves, a, b, 10).values()))
            row = row_of(found, a, b)
            assert (row["statistic"], row["p_value"]) == (test.statistic, pytest.approx(test.pvalue, rel=1e-12))


@given(st.lists(st.integers(-4, 4), min_size=1, max_size=10))
@settings(max_examples=20)
def test_with_ties_and_zeros_p_is_that_of_all_signs(tenths):
    # In tenths, 0.3 - 0.2 and 0.2 - 0.1 are tied, and in floating point they are not.
    second = np.arange(len(tenths)) % 3 / 10 + 0.4
    accuracy = np.stack([np.array([round(s + t / 10, 1) for s, t in zip(second, tenths, strict=True)]), second], axis=1)
    places = [("eng", f"A{i}", 2) for i in range(len(tenths))]
    row = row_of(wilcoxon_matrix(table(accuracy, places, [A, B]), ks=[10]), A, B)
    assert row["p_value"] == pytest.approx(ranks_by_hand(tenths), rel=1e-12)
    assert row["n_ties"] == tenths.count(0) and row["n_pairs"] == len(tenths)
    assert (row["wins"], row["losses"]) == (sum(t > 0 for t in tenths), sum(t < 0 for t in tenths))
    assert row["median_difference"] == pytest.approx(np.median(tenths) / 10)


def test_methods_that_are_equal_everywhere_differ_by_nothing():
    row = row_of(wilcoxon_matrix(table(np.full((20, 4), 0.7)), ks=[10]), A, B)
    assert row["p_value"] == row["p_adjusted"] == 1 and np.isnan(row["statistic"]) and row["rank_biserial"] == 0
    assert (row["wins"], row["losses"], row["n_ties"], row["n_pairs"]) == (0, 0, 20, 20)
    # Zero has no sign: -0.0 would be printed as such.
    assert not np.signbit(wilcoxon_matrix(table(np.full((20, 4), 0.7)), ks=[10])["mean_difference"]).any()
    nearly = table(np.full((20, 2), [0.3, 0.1 + 0.2]), methods=[A, B])
    assert not np.signbit(wilcoxon_matrix(nearly, ks=[10])[["mean_difference", "median_difference"]]).any(axis=None)
    assert row_of(wilcoxon_matrix(nearly, ks=[10]), A, B)["n_ties"] == 20


def test_the_other_order_swaps_wins_and_losses_and_the_signs():
    found = wilcoxon_matrix(drawn(), ks=[10])
    for a, b in itertools.combinations(METHODS, 2):
        one, other = row_of(found, a, b), row_of(found, b, a)
        same = ["p_value", "p_adjusted", "statistic", "n_ties", "n_pairs"]
        assert one[same].tolist() == other[same].tolist()
        assert (one["wins"], one["losses"]) == (other["losses"], other["wins"])
        for column in ("mean_difference", "median_difference", "rank_biserial"):
            assert one[column] == -other[column] != 0


@pytest.mark.parametrize("test", [wilcoxon_matrix, blocked_permutations])
def test_p_is_adjusted_over_the_pairs_of_one_group_and_k(test):
    curves = pd.concat([drawn(seed=k, k=k) for k in (10, 50)])
    found = test(curves, ks=[10, 50], by="layer")
    families = [family for _, family in found.groupby(["group", "k"])]
    assert len(families) == 4
    for family in families:
        pairs = [row_of(family, a, b) for a, b in itertools.combinations(METHODS, 2)]
        expected = scipy.stats.false_discovery_control([row["p_value"] for row in pairs])
        assert [row["p_adjusted"] for row in pairs] == pytest.approx(expected.tolist())


# -------------------------------------------------------------------- what is compared


@pytest.mark.parametrize("test", [wilcoxon_matrix, blocked_permutations])
def test_seeds_are_averaged_first_and_rows_may_come_in_any_order_and_with_other_columns(test):
    draws = [drawn(seed) for seed in range(3)]
    curves = pd.concat([draw.assign(ranking_seed=i // 2, seed=i % 2) for i, draw in enumerate(draws)])
    mean = draws[0].assign(accuracy=np.mean([draw["accuracy"] for draw in draws], axis=0))
    shuffled = curves.sample(frac=1, random_state=0).drop(columns=["task", "split", "mi_bits"])
    expected = test(mean.drop(columns=["seed", "ranking_seed"]), [10], "layer")
    for found in (test(curves, [10], "layer"), test(shuffled, [10], "layer")):
        pd.testing.assert_frame_equal(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("test", [wilcoxon_matrix, blocked_permutations])
def test_a_missing_method_is_named_and_its_pairs_are_fewer(test):
    curves = drawn()
    lacks = (curves[["language", "attribute"]] == ["spa", "G"]).all(axis=1)
    lacks |= (curves[["language", "attribute"]] == ["rus", "N"]).all(axis=1)
    lacks &= (curves[["probe", "ranking"]] == ["linear", "probeless"]).all(axis=1)
    with pytest.warns(
        UserWarning,
        match=r"of 20 configurations at k = 10, 16 have all methods; missing: linear by "
        r"probeless \(ttb\) in 4 \(rus N layer 2, rus N layer 7, spa G layer 2, ...\)",
    ) as caught:
        found = test(curves[~lacks], ks=[10])
    assert caught[0].filename == __file__
    for a, b in itertools.combinations(METHODS, 2):
        row, has = row_of(found, a, b), 16 if B in (a, b) else 20
        assert (row["n_pairs"], row["n_configurations"]) == (has, 20)
        d = paired(curves[~lacks], a, b, 10)
        assert len(d) == has and row["mean_difference"] == pytest.approx(np.mean(list(d.values())))
        if test is blocked_permutations:
            # Russian has no pair left, and so is no block.
            assert (row["n_blocks"], row["least_p"]) == ((3, 0.25) if B in (a, b) else (4, 0.125))
            assert row["p_value"] == signs_by_hand(list(d.values()), [place[0] for place in d])
    with (
        pytest.warns(UserWarning),
        pytest.raises(
            ValueError, match=r"linear by probeless \(ttb\) have no configuration of language 'rus' in common at k = 10"
        ),
    ):
        test(curves[~lacks], ks=[10], by="language")


def test_a_whole_table_warns_of_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        wilcoxon_matrix(drawn(), ks=[10], by="attribute")
        blocked_permutations(drawn(), ks=[10], by="layer")
        paired_interval(drawn(), 10, (A, B), draws=10)


@pytest.mark.parametrize("test", [wilcoxon_matrix, blocked_permutations])
@pytest.mark.parametrize(
    ("curves", "more", "message"),
    [
        (drawn().drop(columns="layer"), {}, r"need the columns \['site', 'layer'\]; the table has"),
        (drawn(), {"ks": [10, 50]}, r"ks must be among the table's k, 10; of \[10, 50\] it lacks \[50\]"),
        (drawn(), {"ks": []}, r"ks must be among the table's k, 10; of \[\] it lacks \[\]"),
        (pd.concat([drawn(), drawn().assign(task="control")]), {}, r"of one task, and the table has \['real', 'contr"),
        (pd.concat([drawn(), drawn().assign(split="dev")]), {}, "of one split"),
        (pd.concat([drawn(), drawn(1)]), {}, "a method twice, with the same k and seeds.*'eng'.*one model"),
        (drawn().assign(accuracy=np.nan), {}, "80 rows have no value in some column; the first is .*'eng'"),
        (drawn().assign(direction=None), {}, "80 rows have no value"),
        (drawn(methods=METHODS[:1]), {}, r"needs two methods, and the table has \['gaussian by gaussian \(ttb\)'\]"),
        (
            pd.concat([drawn().assign(site=kind) for kind in ("residual", "mlp")]),
            {"by": "layer"},
            "units of several kinds, mlp, residual: select the rows of one of them",
        ),
        (drawn(), {"by": "seed"}, "by must be None or one of language, site, layer, attribute, not 'seed'"),
    ],
)
def test_bad_tables_are_refused(test, curves, more, message):
    with pytest.raises(ValueError, match=message):
        test(curves, **{"ks": [10]} | more)


def test_bad_methods_and_numbers_are_refused():
    curves = drawn()
    for methods, k, draws, message in (
        ((A, ("linear", "linear")), 10, 9, r"table has no linear by linear \(ttb\), only gaussian by gaussian"),
        ((A, tuple(A)), 10, 9, r"both methods are gaussian by gaussian \(ttb\): give two different ones"),
        ((A, B), 10, 0, "draws must be a whole number, 1 or more, not 0"),
        ((A, B), 11, 9, "table's k, 10"),
    ):
        with pytest.raises(ValueError, match=message):
            paired_interval(curves, k, methods, draws=draws)
    one_apart = curves[(curves["probe"] == "linear") == (curves["language"] == "eng")]
    with pytest.warns(UserWarning), pytest.raises(ValueError, match="no configuration in common at k = 10"):
        paired_interval(one_apart, 10, (A, B))
    with pytest.raises(ValueError, match=r"draws must be a whole number, 1 or more, not 2\.5"):
        blocked_permutations(curves, [10], draws=2.5)


# -------------------------------------------------------------------- permutation


@pytest.mark.parametrize("by", [None, "attribute", "language"])
def test_p_is_the_share_of_flips_of_whole_languages(by):
    curves = drawn(5)
    found = blocked_permutations(curves, ks=[10], by=by)
    for _, row in found.iterrows():
        own = curves if by is None else curves[curves[by] == row["group"]]
        d = paired(own, row[SIDES[:3]], row[SIDES[3:]], 10)
        languages = [place[0] for place in d]
        assert row["p_value"] == signs_by_hand(list(d.values()), languages)
        n = len(set(languages))
        assert (row["n_blocks"], row["flips"], row["exact"]) == (n, 2**n, True)
        assert row["least_p"] == 2 / 2**n <= row["p_value"] <= row["p_adjusted"]
        assert row["mean_difference"] == pytest.approx(np.mean(list(d.values())))
    assert found[["by", "group", "k", *SIDES]].equals(wilcoxon_matrix(curves, [10], by)[["by", "group", "k", *SIDES]])


def test_of_one_configuration_a_language_it_is_scipys_permutation_test():
    places = [(f"l{i}", "N", 2) for i in range(9)]
    curves = drawn(6, places)
    found = blocked_permutations(curves, ks=[10])
    for a, b in itertools.combinations(METHODS, 2):
        d = list(paired(curves, a, b, 10).values())
        test = scipy.stats.permutation_test((d,), np.mean, permutation_type="samples", n_resamples=np.inf)
        assert row_of(found, a, b)["p_value"] == pytest.approx(test.pvalue)


def test_many_languages_are_drawn_and_come_close_to_all_flips():
    places = [(f"l{i:02}", attribute, 2) for i in range(12) for attribute in "NT"]
    curves = drawn(2, places)
    exact, sampled = (blocked_permutations(curves, [10], draws=draws) for draws in (4096, 4095))
    assert exact["exact"].all() and not sampled["exact"].any()
    assert set(exact["flips"]) == {4096} and set(sampled["flips"]) == {4095}
    assert (sampled["least_p"] == 2 / 2**12).all()
    error = (exact["p_value"] - sampled["p_value"]).abs()
    assert (error < 4 * np.sqrt(exact["p_value"] / 4095) + 1 / 4095).all() and error.max() > 0
    hits = sampled["p_value"] * 4096
    np.testing.assert_allclose(hits, hits.round(), atol=1e-6)
    few = blocked_permutations(curves, [10], draws=99, seed=1)
    assert (few["least_p"] == 1 / 100).all() and (few["p_value"] >= few["least_p"]).all()
    pd.testing.assert_frame_equal(few, blocked_permutations(curves, [10], draws=99, seed=1))
    assert not few.equals(blocked_permutations(curves, [10], draws=99, seed=2))


@given(st.lists(st.lists(st.integers(-9, 9), min_size=1, max_size=3), min_size=1, max_size=6), st.randoms())
@settings(max_examples=30)
def test_p_does_not_change_with_the_order_of_methods_or_the_names_of_languages(blocks, random):
    names = [f"l{i}" for i in range(len(blocks))]
    random.shuffle(names)
    places = [(name, f"A{i}", 2) for name, block in zip(names, blocks, strict=True) for i in range(len(block))]
    d = np.array([d for block in blocks for d in block])
    accuracy = np.stack([0.5 + d / 100, np.full(len(d), 0.5)], axis=1)
    curves = table(accuracy, places, [A, B])
    found = blocked_permutations(curves, [10])
    one, other = row_of(found, A, B), row_of(found, B, A)
    assert one["p_value"] == other["p_value"] == signs_by_hand(d.tolist(), [place[0] for place in places])
    assert one["mean_difference"] == -other["mean_difference"] == pytest.approx(d.mean() / 100)


# -------------------------------------------------------------------- intervals


def cluster_draws(d: dict[tuple[str, str, int], float]) -> np.ndarray:
    """The mean difference of all n^n draws of n languages."""
    languages = list(dict.fromkeys(place[0] for place in d))
    own = {language: [x for place, x in d.items() if place[0] == language] for language in languages}
    every = itertools.product(languages, repeat=len(languages))
    return np.array([np.mean([x for language in chosen for x in own[language]]) for chosen in every])


def test_an_interval_over_languages_is_that_of_all_draws():
    curves = drawn(11)
    found = paired_interval(curves, 10, (A, B), level=0.8, draws=40_000)
    assert found["over"].tolist() == ["languages"]
    row = found.iloc[0]
    means = cluster_draws(paired(curves, A, B, 10))
    assert len(means) == 256
    # Few different draws make steps in the quantiles: the share below each end is what must be right.
    for end, share in (("low", 0.1), ("high", 0.9)):
        assert (means < row[end] - 1e-9).mean() - 0.01 <= share <= (means <= row[end] + 1e-9).mean() + 0.01
    assert row["mean_difference"] == pytest.approx(np.mean(list(paired(curves, A, B, 10).values())))
    assert (row["n_pairs"], row["n_languages"], row["n_seeds_a"], row["n_seeds_b"]) == (20, 4, 1, 1)
    assert (row["level"], row["draws"], row["k"]) == (0.8, 40_000, 10)


def test_of_one_configuration_a_language_it_is_scipys_percentile_bootstrap():
    places = [(f"l{i:02}", "N", 2) for i in range(15)]
    curves = drawn(12, places)
    row = paired_interval(curves, 10, (A, B), level=0.9, draws=20_000).iloc[0]
    d = list(paired(curves, A, B, 10).values())
    found = scipy.stats.bootstrap(
        (d,), np.mean, confidence_level=0.9, n_resamples=20_000, method="percentile", rng=np.random.default_rng(0)
    ).confidence_interval
    width = found.high - found.low
    assert abs(row["low"] - found.low) < 0.03 * width and abs(row["high"] - found.high) < 0.03 * width


def test_seeds_are_drawn_for_all_configurations_at_once():
    generator = np.random.default_rng(13)
    # B is random: three rankings, two initial weights; A has neither.
    offsets = generator.normal(0, 0.05, (3, 2))
    base = drawn(14, methods=[A, B])
    random_rows = base[base["probe"] == B.probe]
    seeded = [
        random_rows.assign(ranking_seed=r, seed=s, accuracy=random_rows["accuracy"] + offsets[r, s])
        for r, s in itertools.product(range(3), range(2))
    ]
    curves = pd.concat([base[base["probe"] == A.probe], *seeded])
    found = paired_interval(curves, 10, (A, B), level=0.9, draws=30_000)
    assert found["over"].tolist() == ["languages", "seeds", "languages and seeds"]
    assert set(found["n_seeds_a"]) == {1} and set(found["n_seeds_b"]) == {6}
    centre = np.mean(list(paired(curves, A, B, 10).values()))
    assert found["mean_difference"].tolist() == pytest.approx([centre] * 3)
    three, two = itertools.product(range(3), repeat=3), list(itertools.product(range(2), repeat=2))
    means = np.array([offsets[np.ix_(rankings, weights)].mean() for rankings in three for weights in two])
    of_seeds = centre + offsets.mean() - means
    seeds = found.iloc[1]
    for end, share in (("low", 0.05), ("high", 0.95)):
        assert (of_seeds < seeds[end] - 1e-9).mean() - 0.01 <= share <= (of_seeds <= seeds[end] + 1e-9).mean() + 0.01
    # Independent uncertainties add up.
    spread = found["high"] - found["low"]
    assert max(spread[:2]) < spread[2] < spread[0] + spread[1]


def test_what_both_methods_owe_to_the_same_seed_is_no_doubt_about_their_difference():
    base = drawn(15, methods=[A, B])
    luck = [0.0, 0.3, -0.2, 0.1]
    curves = pd.concat([base.assign(seed=s, accuracy=base["accuracy"] + x) for s, x in enumerate(luck)])
    shared = paired_interval(curves, 10, (A, B), draws=500).iloc[1]
    assert shared["high"] - shared["low"] < 1e-9
    assert shared["low"] == pytest.approx(shared["mean_difference"])
    # With separate seeds, luck makes the difference uncertain.
    own = curves.assign(seed=curves["seed"] + 10 * (curves["probe"] == A.probe))
    apart = paired_interval(own, 10, (A, B), draws=500).iloc[1]
    assert apart["high"] - apart["low"] > 0.1 and apart["mean_difference"] == pytest.approx(shared["mean_difference"])


def test_an_interval_mirrors_with_its_methods_and_comes_again_from_its_seed():
    curves = pd.concat([drawn(16), drawn(17).assign(seed=1)])
    one, again, other = (paired_interval(curves, 10, pair, draws=400) for pair in ((A, B), (A, B), (B, A)))
    pd.testing.assert_frame_equal(one, again)
    np.testing.assert_allclose(one["low"], -other["high"])
    np.testing.assert_allclose(one["mean_difference"], -other["mean_difference"])
    assert not one.equals(paired_interval(curves, 10, (A, B), draws=400, seed=1))
    wide, narrow = (paired_interval(curves, 10, (A, B), level=level, draws=400) for level in (0.99, 0.5))
    # With two seeds there are three different draws, so that ends may coincide.
    assert (wide["low"] <= narrow["low"]).all() and (narrow["high"] <= wide["high"]).all()
    assert wide["low"][0] < narrow["low"][0] and narrow["high"][0] < wide["high"][0]


def test_an_interval_takes_the_configurations_that_have_both():
    curves = drawn(18)
    lacks = (curves["language"] == "rus") & (curves["probe"] == "linear")
    with pytest.warns(UserWarning, match="missing: linear by probeless"):
        row = paired_interval(curves[~lacks], 10, (A, B), draws=300).iloc[0]
    assert (row["n_pairs"], row["n_languages"]) == (18, 3)
    expected = paired_interval(curves[curves["language"] != "rus"], 10, (A, B), draws=300).iloc[0]
    assert row[["low", "high", "mean_difference"]].tolist() == expected[["low", "high", "mean_difference"]].tolist()


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(ValueError, match="all pairs are in one language"):
        paired_interval(drawn(places=PLACES[:4]), 10, (A, B))
    with pytest.raises(ValueError, match=r"level must lie between 0 and 1, both excluded.* it is 95"):
        paired_interval(drawn(), 10, (A, B), level=95)
    uneven = pd.concat([drawn(), drawn(places=PLACES[:3]).assign(seed=1)])
    with pytest.raises(ValueError, match=r"gaussian by gaussian \(ttb\) does not have the same seeds in all .*rus N"):
        paired_interval(uneven, 10, (A, B))
