"""The Gaussian search among the neurons that another ranking puts first, and what it says of its memory."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import refitting_greedy, splits, with_columns

from pitfalls.arrays.ranking import Ranking
from pitfalls.probes.curves import gaussian_path_curves
from pitfalls.rankings import gaussian, rank, rank_all


@given(
    seed=st.integers(0, 10**6),
    direction=st.sampled_from(["ttb", "btt"]),
    n=st.integers(1, 7),
    steps=st.integers(1, 9),
    ties=st.booleans(),
)
@settings(max_examples=15, derandomize=True)
def test_the_search_among_some_neurons_is_the_refitting_loop_on_these(seed, direction, n, steps, ties):
    data = splits(n=90, d=7, n_classes=3, seed=seed)
    if ties:
        data = with_columns(data, [0, 1, 2, 2, 1, 0, 4])
    first = np.random.default_rng(seed).permutation(7)
    among = Ranking(first, None, "mine", direction, ranked=n)
    sign = 1.0 if direction == "ttb" else -1.0
    chosen, reached = refitting_greedy(data, min(n, steps), sign, only=first[:n].tolist())
    found = rank("gaussian", data, direction, max_neurons=steps, among=among)
    assert found.order[: len(chosen)].tolist() == chosen
    assert sorted(found.order[:n].tolist()) == sorted(first[:n].tolist())
    assert found.order[n:].tolist() == first[n:].tolist()
    assert (found.ranked, found.name) == (len(chosen), "gaussian among mine")
    np.testing.assert_allclose(found.scores[chosen], reached, rtol=1e-7, atol=1e-9)
    assert np.isnan(found.scores[first[n:]]).all() and np.isfinite(found.scores[first[:n]]).all()


def test_among_all_neurons_it_is_the_search_itself_and_a_probe_reaches_what_it_says():
    data = splits(d=8, n_classes=3)
    plain = rank("gaussian", data)
    among = rank("gaussian", data, among=rank("probeless", data))
    assert among.order.tolist() == plain.order.tolist()
    np.testing.assert_array_equal(among.scores, plain.scores)
    few = rank("gaussian", data, among=Ranking.of_first([6, 1, 3], 8, "mine"))
    curves = gaussian_path_curves(few, data).query("split == 'dev'")
    np.testing.assert_allclose(curves["mi_bits"], few.scores[few.order[:3]], rtol=1e-6)


def test_too_many_neurons_need_a_preselection_and_the_memory_is_stated(monkeypatch):
    monkeypatch.setattr(gaussian, "MAX_CANDIDATES", 6)
    monkeypatch.setattr("pitfalls.rankings.MAX_CANDIDATES", 6)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (whole,) = rank_all(splits(d=6), [("gaussian", "ttb")])
    assert whole.name == "gaussian"
    data = splits(d=7, n_classes=3)
    said = r"of 6 at most, and there are 7: give among=rank\(\"probeless\", data\) .* \(in about 0.0 GB of memory; all"
    with pytest.raises(ValueError, match=said):
        rank("gaussian", data)
    order = rank("probeless", data)
    found = rank("gaussian", data, among=order)
    assert found.order[-1] == order.order[-1] and found.ranked == 6
    with pytest.warns(UserWarning, match=r"there are 7 neurons: the Gaussian search takes the 6 .* Probeless \(btt\)"):
        (_, bottom) = rank_all(data, [("probeless", "ttb"), ("gaussian", "btt")])
    expected = rank("gaussian", data, "btt", among=rank("probeless", data, "btt"))
    assert bottom.order.tolist() == expected.order.tolist() and bottom.name == "gaussian among probeless"


def test_a_search_of_many_latents_takes_the_first_1024():
    generator = np.random.default_rng(0)
    n = 3000
    data = splits(n=60, d=12)
    wide = with_columns(data, generator.integers(12, size=n), generator.uniform(0.5, 2, size=n))
    with pytest.raises(ValueError, match=r"of 1,024 at most, and there are 3,000"):
        rank("gaussian", wide)
    order = rank("anova", wide)
    found = rank("gaussian", wide, max_neurons=3, among=order)
    assert set(found.order[:1024]) == set(order.order[:1024])
    assert found.order[1024:].tolist() == order.order[1024:].tolist()


def test_the_memory_that_is_stated_is_that_of_the_searchs_arrays(monkeypatch):
    data, held = splits(n=200, d=30, n_classes=3), []
    whole = gaussian._Search.__init__

    def noted(self, *given):
        whole(self, *given)
        held.append(sum(array.numel() * 8 for array in (self.covariances, self.residuals, self.factor)))

    monkeypatch.setattr(gaussian._Search, "__init__", noted)
    rank("gaussian", data, max_neurons=10)
    assert held == [gaussian._bytes(3, 30, len(data.dev.y), 10)]
    monkeypatch.setattr(gaussian, "_MUCH", held[0] - 1)
    with pytest.warns(UserWarning, match=r"the Gaussian search takes about 0.0 GB of memory"):
        rank("gaussian", data, max_neurons=10)
    monkeypatch.setattr(gaussian, "_MUCH", held[0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rank("gaussian", data, max_neurons=10)


@pytest.mark.parametrize(
    ("among", "said"),
    [
        (Ranking(np.arange(9), None, "mine"), "orders 9 neurons and the activations have 10"),
        (Ranking(np.arange(10), None, "mine", "btt"), "the search goes ttb, and the ranking 'mine' .* goes btt: give"),
        (Ranking(np.arange(10), None, "mine", ranked=0), "'mine' ranked none of its neurons itself"),
        ("probeless", "a ranking comes from pf.rank"),
    ],
)
def test_what_cannot_be_searched_among_is_refused(among, said):
    with pytest.raises(ValueError, match=re.compile(said)):
        rank("gaussian", splits(), among=among)
