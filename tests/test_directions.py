"""Controls go as far as the translation, but elsewhere; after erasure nothing linear is left on training words."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from tiny_worlds import words_of

import pitfalls as pf
from pitfalls.interventions.controls import OtherAttribute, RandomDirection
from pitfalls.interventions.erasure import LeaceErasure
from pitfalls.interventions.kinds import Means
from pitfalls.interventions.rates import clwv, error_rate
from pitfalls.interventions.translation import Translation
from pitfalls.worlds.experiment import Experiment
from pitfalls.worlds.load import truth

D = 9
OTHER = Means(np.random.default_rng(7).normal(size=(2, D)), np.zeros(D))


@pytest.fixture(scope="module")
def data(planted):
    return planted.activations("art", "Number", 1)


@pytest.fixture(scope="module")
def erasure(data):
    return LeaceErasure.of(data)


def first(world, block: str) -> tuple[pf.Ranking, int]:
    """A ranking with a planted block in front, and the block's size."""
    known = truth(world)
    front = known.blocks[block]
    rest = np.setdiff1d(np.arange(known.n_neurons), front)
    return pf.Ranking(np.r_[front, rest], None, block), len(front)


def setting(seed: int, n_values: int) -> tuple[Means, np.ndarray]:
    generator = np.random.default_rng(seed)
    return Means(generator.normal(size=(n_values, D)), np.zeros(D)), generator.permutation(D)


def controls(beta: float, seed: int = 0, target: str | None = None) -> list:
    return [RandomDirection(beta, seed, target), OtherAttribute(OTHER, "Gender", beta, target)]


@given(
    seed=st.integers(0, 1000),
    k=st.integers(0, D),
    n_values=st.integers(2, 4),
    beta=st.floats(0.01, 20),
    target=st.sampled_from([None, "a", "b"]),
)
@settings(max_examples=50)
def test_a_control_goes_as_far_as_the_translation_in_the_same_neurons(seed, k, n_values, beta, target):
    means, order = setting(seed, n_values)
    translation, values = Translation(beta, target), "abcd"[:n_values]
    aims = translation.aims(values)
    expected = translation.change(order, k, means, aims)
    for kind in controls(beta, seed, target):
        assert (kind.aims(values) == aims).all()
        found = kind.change(order, k, means, aims)
        assert (found.keep == 1).all()
        assert (found.offset[:, order[k:]] == 0).all()
        for ours, theirs in zip(found.offset, expected.offset, strict=True):
            assert sum(x * x for x in ours) ** 0.5 == pytest.approx(sum(x * x for x in theirs) ** 0.5, rel=1e-12)


def test_a_random_direction_depends_on_its_seed():
    means, order = setting(0, 3)
    aims = Translation().aims("abc")

    def offset(seed: int) -> np.ndarray:
        return RandomDirection(8.0, seed).change(order, 5, means, aims).offset

    np.testing.assert_array_equal(offset(1), offset(1))
    assert not np.isclose(offset(1)[:, order[:5]], offset(2)[:, order[:5]]).any()
    assert RandomDirection(8.0, 1).label != RandomDirection(8.0, 2).label


def test_a_random_directions_coefficients_are_the_translations():
    """Divided by them, the offsets of all rankings and all k lie along one vector."""
    means, aims = setting(0, 3)[0], Translation().aims("abc")
    kind, seen = RandomDirection(2.0, 5), []
    for seed, k in ((0, D), (1, D), (2, 4)):
        order = np.random.default_rng(seed).permutation(D)
        ranks = np.argsort(order)
        along = kind.change(order, k, means, aims).offset / Translation(2.0).coefficients(D)[ranks]
        seen.append((along, order[:k]))
    for along, chosen in seen:
        for value in range(3):
            one, whole = along[value, chosen], seen[0][0][value, chosen]
            assert one @ whole == pytest.approx(np.linalg.norm(one) * np.linalg.norm(whole))


def test_the_way_back_of_a_random_direction_is_the_opposite_vector():
    means, order = setting(4, 2)
    offset = RandomDirection().change(order, 6, means, np.array([1, 0])).offset
    np.testing.assert_allclose(offset[0], -offset[1])


def test_another_attribute_is_the_translation_of_that_attribute_but_for_its_length():
    means, order = setting(5, 3)
    found = OtherAttribute(OTHER, "Gender", 4.0).change(order, 6, means, Translation().aims("abc")).offset
    theirs = Translation(4.0).change(order, 6, OTHER, np.array([1, 0])).offset
    for value, other in ((0, 0), (1, 1), (2, 0)):  # the third value starts again from the other's first
        factor = np.linalg.norm(found[value]) / np.linalg.norm(theirs[other])
        np.testing.assert_allclose(found[value], factor * theirs[other])


def test_the_attribute_itself_as_the_other_is_the_translation(planted, data):
    """The engine takes the controls, and a control that goes where the translation goes has the same effect."""
    kind = OtherAttribute.of(data, beta=3.0)
    np.testing.assert_array_equal(kind.means.of_value, Means.of(data).of_value)
    assert (kind.label, kind.strength) == ("other attribute Number", 3.0)
    ranking, k = first(planted, "used")
    one = Experiment(planted, data).intervene(ranking, OtherAttribute.of(data, 2.0), [0, 3, k]).counts()
    two = Experiment(planted, data).intervene(ranking, Translation(2.0), [0, 3, k]).counts()
    assert one["count"].equals(two["count"])


def test_only_the_translation_gives_the_other_value_and_only_in_the_used_neurons(planted, data):
    """At a beta that is just enough. In 12 neurons, a random direction has a cosine of 0.3 or so with any other."""
    ranking, k = first(planted, "used")
    beta = 1.5
    rates = clwv(Experiment(planted, data).intervene(ranking, Translation(beta), [0, k]).counts())["clwv"].tolist()
    assert rates[0] < 0.01 and rates[1] > 0.98
    drawn = [
        clwv(Experiment(planted, data).intervene(ranking, RandomDirection(beta, seed), [k]).counts())["clwv"].item()
        for seed in range(15)
    ]
    assert np.median(drawn) < rates[0] + 0.02 and np.mean(drawn) < 0.15
    ranking, k = first(planted, "unused")
    for kind in (Translation(8.0), RandomDirection(8.0, 1)):
        table = error_rate(Experiment(planted, data).intervene(ranking, kind, [0, k]).counts())
        assert table["changed"].nunique() == 1


def test_directions_that_cannot_be_matched_are_refused():
    for make in (RandomDirection, lambda beta: OtherAttribute(OTHER, "Gender", beta)):
        with pytest.raises(ValueError, match="beta must be above 0 and finite, not 0"):
            make(0)
    means, order = setting(6, 2)
    aims = np.array([1, 0])
    dead = Means(np.zeros((2, D)), np.zeros(D))
    with pytest.raises(ValueError, match="0 in all changed neurons for value 0"):
        OtherAttribute(dead, "Gender").change(order, 3, means, aims)
    with pytest.raises(ValueError, match=f"have {D} neurons, and the ranking has 4"):
        narrow = Means(means.of_value[:, :4], np.zeros(4))
        OtherAttribute(OTHER, "Gender").change(np.arange(4), 3, narrow, aims)


def erased(erasure: LeaceErasure, data: pf.Splits, order: np.ndarray, k: int) -> torch.Tensor:
    change = erasure.change(order, k, Means.of(data), erasure.aims(data.values))
    return change.apply(torch.as_tensor(data.train.X).double(), words_of(data.train.y))


@pytest.mark.parametrize("k", [1, 12, 40, 128])
def test_after_erasure_a_fresh_logistic_regression_is_at_chance_on_the_training_words(planted, data, erasure, k):
    ranking, _ = first(planted, "used")
    chosen, y = ranking.order[:k], data.train.y
    majority = np.bincount(y).max() / len(y)
    before = LogisticRegression(C=1e6, max_iter=2000).fit(data.train.X[:, chosen], y)
    assert before.score(data.train.X[:, chosen], y) > majority + 0.05
    X = erased(erasure, data, ranking.order, k)[:, chosen].numpy()
    after = LogisticRegression(C=1e6, max_iter=2000).fit(X, y)
    assert after.score(X, y) < majority + 0.01
    assert np.abs(after.predict_proba(X)[:, 0] - np.mean(y == 0)).max() < 0.01


def test_erasure_is_the_formula_of_leace_on_the_training_words(planted, data, erasure):
    """Theorem 4.3 of Belrose et al. (2023) in NumPy: whiten, project the cross-covariance away, and whiten back."""
    order, k = first(planted, "used")[0].order, 20
    X, Z = data.train.X[:, order[:k]].astype(float), np.eye(2)[data.train.y]
    centred = X - X.mean(0)
    eigenvalues, vectors = np.linalg.eigh(centred.T @ centred / len(X))
    whiten, back = (vectors * eigenvalues**power @ vectors.T for power in (-0.5, 0.5))
    axis = np.linalg.svd(whiten @ centred.T @ (Z - Z.mean(0)))[0][:, 0]
    expected = X - centred @ (back @ np.outer(axis, axis) @ whiten).T
    np.testing.assert_allclose(erased(erasure, data, order, k)[:, order[:k]], expected, atol=1e-8)
    assert (erasure.aims(["DU", "PL", "SG"]) == -1).all() and np.isnan(erasure.strength)
    with pytest.raises(ValueError, match="the erasure has 128 neurons, and the ranking 4"):
        erasure.change(np.arange(4), 2, OTHER, np.array([-1, -1]))


def test_erasure_touches_the_first_neurons_only_and_none_of_none(planted, data, erasure):
    order = first(planted, "unused")[0].order
    X = torch.as_tensor(data.train.X)
    for k in (0, 5):
        change = erasure.change(order, k, Means.of(data), erasure.aims(data.values))
        changed = change.apply(X, words_of(data.train.y))
        assert changed.dtype == X.dtype
        assert torch.equal(changed[:, order[k:]], X[:, order[k:]])
        assert torch.equal(changed, X) == (k == 0)


def test_erasing_what_is_not_read_changes_no_word_and_erasing_what_is_loses_the_value(planted, data, erasure):
    ranking, k = first(planted, "unused")
    assert error_rate(Experiment(planted, data).intervene(ranking, erasure, [0, k]).counts())["changed"].nunique() == 1
    ranking, k = first(planted, "used")
    rate = clwv(Experiment(planted, data).intervene(ranking, erasure, [k]).counts())["clwv"].item()
    assert rate == pytest.approx(0.5, abs=0.1)  # a coin toss between two values
