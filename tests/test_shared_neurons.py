"""Overlaps over configurations: against Python sets, and against rankings drawn at random."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy.stats import hypergeom

from pitfalls.study.configurations import PAPER_PAIRS
from pitfalls.study.paper import OVERLAP_PAIRS
from pitfalls.study.shared_neurons import pair_overlaps, ranking_overlaps, shared_across_languages

NAMES = ["linear", "gaussian", "probeless"]
PAIRS = [("eng", "Number"), ("spa", "Number"), ("tur", "Number"), ("spa", "Gender"), ("rus", "Gender"), ("rus", "Case")]
KEYS = ["language", "attribute", "layer", "ranking", "direction", "ranking_seed"]


def table(pairs=PAIRS, layers=(2, 3), names=NAMES, n_neurons=40, length=None, seed=0, **changes) -> pd.DataFrame:
    """Random orders; all rows shuffled."""
    generator = np.random.default_rng(seed)
    rows = [
        {"language": language, "attribute": attribute, "layer": layer, "ranking": name, "direction": "ttb"}
        | {"ranking_seed": 0, "position": position, "neuron": neuron}
        for (language, attribute), layer, name in itertools.product(pairs, layers, names)
        for position, neuron in enumerate(generator.permutation(n_neurons)[:length].tolist())
    ]
    return pd.DataFrame(rows).assign(**changes).sample(frac=1, random_state=seed)


def tops(orders: pd.DataFrame, top: int) -> dict[tuple[object, ...], set[int]]:
    """The first neurons of every order, row by row."""
    found: dict[tuple[object, ...], set[int]] = {}
    for row in orders.to_dict("records"):
        if row["position"] < top:
            found.setdefault(tuple(row[key] for key in KEYS), set()).add(row["neuron"])
    return found


def test_rankings_of_a_configuration_share_what_their_sets_share():
    orders = table()
    sets = tops(orders, 12)
    found = ranking_overlaps(orders, 12, 40)
    assert len(found) == len(PAIRS) * 2 * 4
    for row in found.to_dict("records"):
        names = row["rankings"].split()
        key = row["language"], row["attribute"], row["layer"]
        shared = set.intersection(*(sets[(*key, name, "ttb", 0)] for name in names))
        assert row["overlap"] == len(shared) and row["n_rankings"] == len(names)
        assert (row["n_neurons"], row["k"]) == (40, 12)
        assert row["expected"] == pytest.approx(40 * (12 / 40) ** len(names))
    own = found[found["n_rankings"] == 2]
    np.testing.assert_allclose(own["p_value"], hypergeom.sf(own["overlap"] - 1, 40, 12, 12))
    combined = found.groupby(["language", "attribute", "layer"])["rankings"].agg(list).tolist()
    expected = [" ".join(c) for c in [*itertools.combinations(NAMES, 2), NAMES]]
    assert all(names == expected for names in combined)


def test_three_random_rankings_share_as_much_as_is_expected_and_stay_in_the_interval():
    found = ranking_overlaps(table(layers=range(30), n_neurons=30), 15, 30)
    for _, own in found.groupby("rankings"):
        expected, error = own["expected"].iloc[0], own["overlap"].std() / len(own) ** 0.5
        assert abs(own["overlap"].mean() - expected) < 4 * error
        assert own["overlap"].between(own["low"], own["high"]).mean() > 0.93
        assert (own["p_value"] <= 0.05).mean() < 0.09


def test_the_papers_chance_lines():
    found = ranking_overlaps(table(PAIRS[:1], (7,), n_neurons=768), 100, 768)
    assert found["expected"].round(1).tolist() == [13.0, 13.0, 13.0, 1.7]


def test_only_the_rankings_and_direction_that_are_asked_for_are_compared():
    orders = table()
    more = pd.concat([orders, table(names=["random", "linear"], seed=3, direction="btt"), table(names=["lca"], seed=4)])
    pd.testing.assert_frame_equal(ranking_overlaps(more, 12, 40), ranking_overlaps(orders, 12, 40))
    two = ranking_overlaps(more, 12, 40, rankings=["lca", "linear"])
    assert two["rankings"].unique().tolist() == ["lca linear"]


def test_every_pair_of_configurations_shares_what_its_sets_share():
    orders = table(names=["linear", "probeless"])
    sets = tops(orders, 10)
    found = pair_overlaps(orders, 10, 40)
    assert len(found) == 2 * 2 * 15
    assert found.duplicated(["layer", "ranking", "attribute_a", "language_a", "attribute_b", "language_b"]).sum() == 0
    for row in found.to_dict("records"):
        method = row["layer"], row["ranking"], row["direction"], row["ranking_seed"]
        a, b = (row["language_a"], row["attribute_a"]), (row["language_b"], row["attribute_b"])
        assert a[::-1] < b[::-1]
        shared = sets[(*a, *method)] & sets[(*b, *method)]
        assert row["overlap"] == len(shared) and row["expected"] == pytest.approx(2.5)
        assert row["p_value"] == pytest.approx(hypergeom.sf(len(shared) - 1, 40, 10, 10))


def test_planted_neurons_are_found_in_all_languages_of_their_attribute():
    orders = table(layers=(3,), names=["probeless"])
    planted = {"Number": [5, 7, 11], "Gender": [0, 39]}
    for attribute, neurons in planted.items():
        for language in {language for language, name in PAIRS if name == attribute}:
            own = (orders["language"] == language) & (orders["attribute"] == attribute)
            order = orders[own].sort_values("position")["neuron"].tolist()
            moved = neurons + [neuron for neuron in order if neuron not in neurons]
            orders.loc[own, "neuron"] = orders.loc[own, "position"].map(dict(enumerate(moved)))
    sets = tops(orders, 6)
    found = shared_across_languages(orders, 6, 40).set_index("attribute")
    assert found.index.tolist() == ["Gender", "Number"]
    assert found["languages"].tolist() == ["rus spa", "eng spa tur"]
    for attribute, neurons in planted.items():
        own = [chosen for key, chosen in sets.items() if key[1] == attribute]
        shared = [int(neuron) for neuron in found.loc[attribute, "neurons"].split()]
        assert shared == sorted(set.intersection(*own)) and set(neurons) <= set(shared)
        assert found.loc[attribute, "overlap"] == len(shared)
        assert found.loc[attribute, "expected"] == pytest.approx(40 * (6 / 40) ** len(own))
    assert found.loc["Number", "p_value"] < 0.001


@pytest.mark.parametrize("measure", [ranking_overlaps, pair_overlaps, shared_across_languages])
def test_neither_the_order_of_rows_nor_what_is_beyond_the_top_changes_anything(measure):
    orders = table()
    before = orders.copy()
    found = measure(orders, 12, 40)
    pd.testing.assert_frame_equal(orders, before)
    pd.testing.assert_frame_equal(measure(table(length=None).sort_values(KEYS[::-1]), 12, 40), found)
    cut = orders[orders["position"] < 12]
    pd.testing.assert_frame_equal(measure(cut, 12, 40), found)


@pytest.mark.parametrize("measure", [ranking_overlaps, pair_overlaps, shared_across_languages])
def test_orders_that_cannot_be_compared_say_why(measure):
    orders = table()
    for given, top, n_neurons, said in (
        (orders.drop(columns="neuron"), 12, 40, r"needs the columns \['neuron'\]"),
        (orders.iloc[:0], 12, 40, "no rows"),
        (orders, 41, 40, "whole number from 1 to the number of neurons, 40"),
        (table(length=10), 12, 40, r"eng Number, layer 2, gaussian ttb: .* first 12 positions.*10 rows for 10"),
        (pd.concat([orders, orders]), 12, 40, r"24 rows for 12"),
        (orders, 12, 20, r"layer \d, \w+ ttb: neurons are numbered 0 to 19"),
        (orders.assign(neuron=3), 12, 40, "names one twice"),
        (orders.assign(neuron=orders["neuron"] + 0.5), 12, 40, "neuron must hold whole numbers, not float64"),
    ):
        with pytest.raises(ValueError, match=said):
            measure(given, top, n_neurons)


def test_what_is_missing_is_named():
    orders = table()
    lacking = orders[(orders["ranking"] != "gaussian") | (orders["language"] != "tur")]
    with pytest.raises(ValueError, match=r"tur Number, layer 2, .*linear 1, gaussian 0, probeless 1"):
        ranking_overlaps(lacking, 12, 40)
    with pytest.raises(ValueError, match="linear 2, gaussian 2"):
        ranking_overlaps(pd.concat([orders, orders.assign(ranking_seed=1)]), 12, 40)
    with pytest.raises(ValueError, match="no row of linear, gaussian, probeless with direction 'btt'"):
        ranking_overlaps(orders, 12, 40, direction="btt")
    with pytest.raises(ValueError, match="two or more different rankings"):
        ranking_overlaps(orders, 12, 40, rankings=["linear"])
    with pytest.raises(ValueError, match="one configuration, spa Gender: pairs need two"):
        pair_overlaps(table(PAIRS[3:4]), 12, 40)
    with pytest.raises(ValueError, match=r"no attribute has two languages .*'rus Gender', 'rus Case'"):
        shared_across_languages(table(PAIRS[4:]).sort_values("attribute", ascending=False), 12, 40)


def test_the_papers_configurations_are_among_its_pairs():
    assert len(OVERLAP_PAIRS) == 8
    assert all(language in PAPER_PAIRS[attribute] for language, attribute in OVERLAP_PAIRS)
