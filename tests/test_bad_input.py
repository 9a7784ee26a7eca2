"""What is wrong with bad input is said, and where: every message names the thing and the values."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from oracles import splits
from sklearn.base import clone

from pitfalls.arrays.ranking import Ranking
from pitfalls.arrays.splits import Splits
from pitfalls.arrays.words import checked_ks
from pitfalls.probes.classifiers import ConvergedLinearProbe, GaussianProbe, LinearProbe
from pitfalls.probes.control import control_task
from pitfalls.probes.curves import PROBES, CurveJob, curves_of, gaussian_path_curves, probe_curve, probe_curves
from pitfalls.probes.gaussian import fit_gaussians
from pitfalls.rankings import RANKINGS, random_rankings, rank, ranker

ESTIMATED = [LinearProbe(), ConvergedLinearProbe(), GaussianProbe()]
ESTIMATORS = [*ESTIMATED, *[ranker(name, k=2) for name in RANKINGS]]
EVERY_ESTIMATOR = pytest.mark.parametrize("estimator", ESTIMATORS, ids=repr)
EVERY_RANKING = pytest.mark.parametrize("name", RANKINGS)
GIVEN_AS = pytest.mark.parametrize("given_as", [np.asarray, torch.as_tensor], ids=["array", "tensor"])

GOOD = ([[0.0, 1.0], [0.1, 2.0], [2.0, 0.3], [1.7, 0.4]], ["PL", "PL", "SG", "SG"])


# ------------------------------------------------------------------------------------------ values


@EVERY_RANKING
def test_one_value_is_nothing_to_rank_for(name):
    data = Splits.from_arrays(*[([[0.0], [1.0]], ["SG", "SG"])] * 3, attribute="Number")
    with pytest.raises(ValueError, match=r"Number has only \['SG'\]"):
        rank(name, data)


@pytest.mark.parametrize("probe", PROBES)
def test_one_value_is_nothing_to_probe_for(probe):
    data = Splits.from_arrays(*[([[0.0], [1.0]], ["SG", "SG"])] * 3, attribute="Number")
    with pytest.raises(ValueError, match=r"Number has only \['SG'\]"):
        probe_curve(Ranking(np.array([0]), None, "mine"), data, [1], probe)


@EVERY_ESTIMATOR
@GIVEN_AS
def test_one_class_is_named(estimator, given_as):
    with pytest.raises(ValueError, match=r"needs two classes, and y holds only one class: .*'SG'"):
        clone(estimator).fit(given_as(GOOD[0]), ["SG"] * 4)


@pytest.mark.parametrize("split", ["dev", "test"])
def test_a_value_that_a_split_lacks_is_named(split):
    parts = {"train": GOOD, "dev": GOOD, "test": GOOD, split: (GOOD[0], ["SG"] * 4)}
    with pytest.raises(ValueError, match=rf"no word of {split} has the values \['PL'\] of \['PL', 'SG'\]"):
        Splits.from_arrays(**parts)


@pytest.mark.parametrize("split", ["dev", "test"])
def test_a_value_that_train_lacks_is_named_with_the_split_that_has_it(split):
    parts = {"train": GOOD, "dev": GOOD, "test": GOOD, split: (GOOD[0], ["PL", "PL", "SG", "DU"])}
    with pytest.raises(ValueError, match=rf"{split}: labels \['DU'\] are not among the values \['PL', 'SG'\]"):
        Splits.from_arrays(**parts)


@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_an_empty_split_is_named(split):
    parts = {"train": GOOD, "dev": GOOD, "test": GOOD, split: (np.empty((0, 2)), np.array([], dtype=str))}
    with pytest.raises(ValueError, match=rf"{split}"):
        Splits.from_arrays(**parts)


@EVERY_ESTIMATOR
@GIVEN_AS
def test_no_words_are_refused(estimator, given_as):
    with pytest.raises(ValueError, match=r"0 sample"):
        clone(estimator).fit(given_as(np.empty((0, 2))), [])


@EVERY_ESTIMATOR
def test_a_dev_with_other_classes_is_refused(estimator):
    if estimator in ESTIMATED:
        return
    with pytest.raises(ValueError, match=r"dev has the classes \['SG'\] and train \['PL', 'SG'\]"):
        clone(estimator).fit(*GOOD, X_dev=GOOD[0], y_dev=["SG"] * 4)
    with pytest.raises(ValueError, match="y_dev is not given"):
        clone(estimator).fit(*GOOD, X_dev=GOOD[0])
    with pytest.raises(ValueError, match="X_dev is not given"):
        clone(estimator).fit(*GOOD, y_dev=GOOD[1])
    with pytest.raises(ValueError, match=r"3 features.*expecting 2"):
        clone(estimator).fit(*GOOD, X_dev=np.zeros((4, 3)), y_dev=GOOD[1])


# ------------------------------------------------------------------------------- too few of a value


def lonely() -> Splits:
    """DU has one word in train."""
    train = ([*GOOD[0], [3.0, 3.0]], [*GOOD[1], "DU"])
    return Splits.from_arrays(train, train, train)


def test_a_value_of_one_word_is_named_wherever_a_covariance_is_needed():
    data = lonely()
    message = "class 'DU' has 1 of the 5 training words, and a covariance needs 2"
    order = rank("probeless", data)
    path = Ranking(np.array([0, 1]), None, "gaussian")
    for refused in (
        lambda: rank("gaussian", data),
        lambda: ranker("gaussian", k=1).fit(data.train.X, ["PL", "PL", "SG", "SG", "DU"]),
        lambda: probe_curve(order, data, [1], "gaussian"),
        lambda: probe_curves([order], data, [1], ["linear", "gaussian"]),
        lambda: gaussian_path_curves(path, data),
        lambda: GaussianProbe().fit(data.train.X, ["PL", "PL", "SG", "SG", "DU"]),
    ):
        with pytest.raises(ValueError, match=message):
            refused()


def test_a_class_of_one_word_is_named_by_its_index_where_it_has_no_name():
    with pytest.raises(ValueError, match="class 1 has 1 of the 3 training words"):
        fit_gaussians(torch.eye(3), torch.tensor([0, 0, 1]), 2)


def test_a_control_label_of_one_word_is_no_crash():
    # The control labels are the thing that is short here: real ones are not.
    X = np.random.default_rng(0).normal(size=(8, 2))
    part = (X, [0, 1] * 4, ["a"] * 7 + ["b"])
    data = Splits.from_arrays(part, part, part)
    seed = next(s for s in range(50) if len(set(np.random.default_rng(s).integers(2, size=2))) == 2)
    assert np.bincount(control_task(data, seed).train.y).min() == 1
    with pytest.raises(ValueError, match=r"has 1 of the 8 training words"):
        probe_curve(rank("probeless", data), data, [1], "gaussian", task="control", seed=seed)


@pytest.mark.parametrize("name", [name for name in RANKINGS if name != "gaussian"])
def test_other_rankings_manage_a_value_of_one_word(name):
    found = rank(name, lonely())
    assert sorted(found.order.tolist()) == [0, 1] and not np.isnan(found.scores).any()


# ----------------------------------------------------------------------------------- NaN, infinity


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_the_neuron_that_is_not_finite_is_named_with_its_split(split, bad):
    X = np.array(GOOD[0])
    X[[1, 3], 1] = bad
    parts = {"train": GOOD, "dev": GOOD, "test": GOOD, split: (X, GOOD[1])}
    with pytest.raises(ValueError, match=rf"{split}: X has NaN or infinity: neuron 1 in 2 of 4 rows"):
        Splits.from_arrays(**parts)
    parts[split] = (torch.tensor(X), GOOD[1])
    with pytest.raises(ValueError, match=rf"{split}: X has NaN or infinity: neuron 1 in 2 of 4 rows"):
        Splits.from_arrays(**parts)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@EVERY_ESTIMATOR
@GIVEN_AS
def test_the_neuron_that_is_not_finite_is_named(estimator, given_as, bad):
    X = np.array(GOOD[0])
    X[[1, 3], 1] = bad
    message = "X has NaN or infinity: neuron 1 in 2 of 4 rows"
    with pytest.raises(ValueError, match=message):
        clone(estimator).fit(given_as(X), GOOD[1])
    fitted = clone(estimator).fit(given_as(np.array(GOOD[0])), GOOD[1])
    if estimator in ESTIMATED:
        with pytest.raises(ValueError, match=message):
            fitted.predict(given_as(X))
    else:
        with pytest.raises(ValueError, match=message):
            clone(estimator).fit(*GOOD, X_dev=given_as(X), y_dev=GOOD[1])


# ------------------------------------------------------------------------------------------ lengths


@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_lengths_that_differ_are_both_named_with_the_split(split):
    parts = {"train": GOOD, "dev": GOOD, "test": GOOD}
    with pytest.raises(ValueError, match=rf"{split}: y has 3 entries, X 4 rows"):
        Splits.from_arrays(**{**parts, split: (GOOD[0], GOOD[1][1:])})
    with pytest.raises(ValueError, match=rf"{split}: forms has 2 entries, X 4 rows"):
        Splits.from_arrays(**{**parts, split: (*GOOD, ["cat", "cats"])})
    with pytest.raises(ValueError, match="n_neurons differs between the splits"):
        Splits.from_arrays(**{**parts, split: (np.zeros((4, 3)), GOOD[1])})


@pytest.mark.filterwarnings("ignore:invalid value encountered in cast")  # scikit-learn's, when it looks at NaN
@EVERY_ESTIMATOR
@GIVEN_AS
def test_one_label_a_word_is_asked_for(estimator, given_as):
    X = given_as(np.array(GOOD[0]))
    with pytest.raises(ValueError, match=r"4.*3|3.*4"):
        clone(estimator).fit(X, GOOD[1][1:])
    with pytest.raises(ValueError, match="y"):
        clone(estimator).fit(X, [["PL", "SG"]] * 4)
    with pytest.raises(ValueError, match="y"):
        clone(estimator).fit(X, None)
    for no_class in ([0.25, 0.5, 1.25, 2.0], [0.0, 1.0, np.nan, 1.0]):
        with pytest.raises(ValueError, match=r"Unknown label type: continuous|NaN"):
            clone(estimator).fit(X, no_class)


@EVERY_ESTIMATOR
@GIVEN_AS
def test_another_width_than_in_fit_is_named(estimator, given_as):
    fitted = clone(estimator).fit(*GOOD)
    with pytest.raises(ValueError, match=r"X has 3 features, but .* is expecting 2"):
        (fitted.predict if estimator in ESTIMATED else fitted.transform)(given_as(np.zeros((4, 3))))
    with pytest.raises(ValueError, match="2D array"):
        clone(estimator).fit(given_as(np.zeros(4)), GOOD[1])


def test_a_ranking_of_another_width_is_refused():
    data = splits(n=30, d=8)
    short = Ranking(np.arange(3), None, "short")
    for refused in (
        lambda: probe_curve(short, data, [1], "linear"),
        lambda: probe_curves([rank("random", data), short], data, [1]),
        lambda: gaussian_path_curves(Ranking(np.arange(3), None, "gaussian"), data),
    ):
        with pytest.raises(ValueError, match="the ranking orders 3 neurons and the activations have 8"):
            refused()


# -------------------------------------------------------------------------------------------- names


def test_unknown_names_are_answered_with_the_known_ones_and_the_nearest():
    data = splits(n=30, d=4)
    order = rank("random", data)
    with pytest.raises(
        ValueError, match=r"no ranking 'probeles': there are linear, gaussian, .*; did you mean 'probeless'"
    ):
        rank("probeles", data)
    with pytest.raises(ValueError, match=r"did you mean 'conditional_mi'"):
        ranker("conditional-mi")
    for nothing_near in ("xyz", None, 3):
        with pytest.raises(ValueError) as caught:
            ranker(nothing_near)
        assert all(name in str(caught.value) for name in (*RANKINGS, repr(nothing_near)))
        assert "did you mean" not in str(caught.value)
    with pytest.raises(
        ValueError, match=r"one of linear, gaussian, linear_converged, not 'gausian'; did you mean 'gaussian'"
    ):
        probe_curve(order, data, [1], "gausian")
    with pytest.raises(ValueError, match="split must be one of train, dev, test, not 'tset'; did you mean 'test'"):
        curves_of([CurveJob(order)], data, [1], splits=["tset"])
    for task in (True, "Control", None):
        with pytest.raises(ValueError, match=f"task must be one of real, control, not {task!r}"):
            probe_curve(order, data, [1], "linear", task=task)


def test_unknown_options_are_answered_with_the_known_ones():
    data = splits(n=30, d=4)
    with pytest.raises(ValueError, match=r"'lasso' has no option alpha, l3; it has k, direction, seed, l1"):
        rank("lasso", data, l3=0.1, alpha=2)
    with pytest.raises(ValueError, match=r"'linear' has no option value; it has"):
        rank("linear", data, value="PL")
    with pytest.raises(ValueError, match=r"the value 'DU' is none of \['0', '1'\]"):
        rank("probeless", data, value="DU")
    for name in ("mutual_information", "conditional_mi"):
        with pytest.raises(ValueError, match="n_bins must be 2 or more, not 1"):
            rank(name, data, n_bins=1)


@pytest.mark.parametrize("direction", ["up", None, True, ""])
def test_a_direction_that_is_none_is_named(direction):
    data = splits(n=30, d=4)
    message = f'direction must be "ttb" or "btt", not {direction!r}'
    with pytest.raises(ValueError, match=message):
        rank("linear", data, direction)
    with pytest.raises(ValueError, match=message):
        ranker("linear", k=1).set_params(direction=direction).fit(data.train.X, data.train.y)
    with pytest.raises(ValueError, match=message):
        Ranking(np.arange(4), None, "mine", direction)


def test_an_order_that_is_no_permutation_is_shown():
    for order in ([0, 0, 2], [1, 2, 3], [0, 1, 2.5], [[0, 1, 2]]):
        with pytest.raises(ValueError, match="once, not"):
            Ranking(np.array(order), None, "mine")


# -------------------------------------------------------------------------------------- whole numbers

NO_K = [0, -1, 9, 2.5, float("nan"), float("inf"), "3", b"3", None, [1]]


@pytest.mark.parametrize("k", NO_K, ids=repr)
def test_a_k_that_is_no_number_of_neurons_is_shown(k):
    data = splits(n=30, d=8)
    order = rank("random", data)
    with pytest.raises(ValueError) as caught:
        probe_curve(order, data, [1, k], "linear")
    assert "whole number from 1 to the number of neurons, 8" in str(caught.value) and repr([k]) in str(caught.value)
    with pytest.raises(ValueError) as caught:
        ranker("random", k=k).fit(data.train.X, data.train.y)
    assert "whole number from 1 to the number of neurons, 8" in str(caught.value) and repr([k]) in str(caught.value)


@pytest.mark.parametrize("ks", [5, None, 2.5, "123", b"12"], ids=repr)
def test_ks_that_are_no_collection_are_shown(ks):
    data = splits(n=30, d=8)
    with pytest.raises(ValueError) as caught:
        probe_curve(rank("random", data), data, ks, "linear")
    assert f"collection of whole numbers, such as [8], not {ks!r}" in str(caught.value)


def test_whole_numbers_of_any_kind_are_taken():
    for ks in ([2, 1, 2], (1.0, 2), np.array([1, 2]), np.array([2.0, 1.0]), torch.tensor([1, 2]), range(1, 3), {1, 2}):
        assert checked_ks(ks, 5, least=1) == [1, 2]
    assert all(type(k) is int for k in checked_ks(np.array([2.0, 1.0]), 5, least=1))
    assert checked_ks([0], 5, least=0) == [0]
    with pytest.raises(ValueError, match="none was given"):
        checked_ks([], 5, least=1)


@EVERY_RANKING
@pytest.mark.parametrize("max_neurons", [0, -3, 2.5, True, "4", float("nan")], ids=repr)
def test_a_max_neurons_that_is_no_number_is_shown(name, max_neurons):
    data = splits(n=30, d=4)
    message = f"max_neurons must be a whole number, 1 or more, not {max_neurons!r}"
    with pytest.raises(ValueError, match=message):
        rank(name, data, max_neurons=max_neurons)


def test_a_max_neurons_above_the_number_of_neurons_means_all():
    data = splits(n=30, d=4)
    for name in ("gaussian", "conditional_mi"):
        found = rank(name, data, max_neurons=np.int64(99))
        assert found.ranked == 4 and found.order.tolist() == rank(name, data).order.tolist()


def test_nothing_to_do_is_said():
    data = splits(n=30, d=4)
    with pytest.raises(ValueError, match="nothing to do: 0 jobs, 2 probes and 1 splits"):
        curves_of([], data, [1])
    with pytest.raises(ValueError, match="nothing to do: 1 jobs, 0 probes and 1 splits"):
        probe_curves([rank("random", data)], data, [1], probes=[])
    with pytest.raises(ValueError, match="draws must be 1 or more, not 0"):
        random_rankings(data, draws=0)


# ------------------------------------------------------------------------------------ what is not bad


@EVERY_ESTIMATOR
@GIVEN_AS
def test_labels_may_be_strings(estimator, given_as):
    X = given_as(np.array(GOOD[0]))
    for labels in (GOOD[1], np.array(GOOD[1]), np.array(GOOD[1], dtype=object)):
        fitted, numbered = clone(estimator).fit(X, labels), clone(estimator).fit(X, [0, 0, 1, 1])
        if estimator in ESTIMATED:
            assert fitted.classes_.tolist() == ["PL", "SG"]
            assert fitted.predict(X).tolist() == np.array(["PL", "SG"])[numbered.predict(X)].tolist()
        else:
            assert fitted.scores_.tolist() == numbered.scores_.tolist()
