"""Bad input: every message says what is wrong and where, and names the values."""

from __future__ import annotations

import itertools
import re

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

# All rankings share one `fit`.
ESTIMATED = [LinearProbe(), ConvergedLinearProbe(), GaussianProbe()]
RANKER = ranker("probeless", k=2)
EVERY_ESTIMATOR = pytest.mark.parametrize("estimator", [*ESTIMATED, RANKER], ids=repr)
GIVEN_AS = pytest.mark.parametrize("given_as", [np.asarray, torch.as_tensor], ids=["array", "tensor"])

X = np.array([[0.0, 1.0], [0.1, 2.0], [2.0, 0.3], [1.7, 0.4]])
Y = ["PL", "PL", "SG", "SG"]


def broken(bad: float):
    found = X.copy()
    found[[1, 3], 1] = bad
    return found


NOT_FINITE = "X has NaN or infinity: neuron 1 in 2 of 4 rows"


BAD_FITS = [
    (X, ["SG"] * 4, r"needs two classes, and y holds only one class: .*'SG'"),
    (np.empty((0, 2)), [], "0 sample"),
    (broken(-np.inf), Y, NOT_FINITE),
    (X, Y[1:], r"4.*3|3.*4"),
    (X, [0.25, 0.5, 1.25, 2.0], "Unknown label type: continuous"),
    (X, [0.0, 1.0, np.nan, 1.0], "Unknown label type: continuous|NaN"),
]


@pytest.mark.filterwarnings("ignore:invalid value encountered in cast")  # from scikit-learn, when it meets NaN
@EVERY_ESTIMATOR
@GIVEN_AS
def test_what_is_wrong_with_words_is_named(estimator, given_as):
    for words, labels, message in BAD_FITS:
        with pytest.raises(ValueError, match=message):
            clone(estimator).fit(given_as(words), labels)
    fitted = clone(estimator).fit(given_as(X), Y)
    use = fitted.predict if estimator in ESTIMATED else fitted.transform
    with pytest.raises(ValueError, match=r"X has 3 features, but .* is expecting 2"):
        use(given_as(np.zeros((4, 3))))
    if estimator in ESTIMATED:
        with pytest.raises(ValueError, match=NOT_FINITE):
            use(given_as(broken(np.nan)))


@GIVEN_AS
def test_what_is_wrong_with_the_dev_words_of_a_ranking_is_named(given_as):
    for dev, message in (
        ({"X_dev": X, "y_dev": ["SG"] * 4}, r"dev has the classes \['SG'\] and train \['PL', 'SG'\]"),
        ({"X_dev": X}, "y_dev is not given"),
        ({"y_dev": Y}, "X_dev is not given"),
        ({"X_dev": given_as(np.zeros((4, 3))), "y_dev": Y}, r"3 features.*expecting 2"),
        ({"X_dev": given_as(broken(np.nan)), "y_dev": Y}, NOT_FINITE),
    ):
        with pytest.raises(ValueError, match=message):
            clone(RANKER).fit(X, Y, **dev)


def test_one_value_is_nothing_to_rank_or_to_probe_for():
    data = Splits.from_arrays(*[([[0.0], [1.0]], ["SG", "SG"])] * 3, attribute="Number")
    for name in ("probeless", "gaussian"):
        with pytest.raises(ValueError, match=r"Number has only \['SG'\]"):
            rank(name, data)
    for probe in PROBES:
        with pytest.raises(ValueError, match=r"Number has only \['SG'\]"):
            probe_curve(Ranking(np.array([0]), None, "mine"), data, [1], probe)


# DU has one word in train.
LONELY = Splits.from_arrays(*[([*X.tolist(), [3.0, 3.0]], [*Y, "DU"])] * 3)


def test_a_value_of_one_word_is_named_wherever_a_covariance_is_needed():
    data = LONELY
    message = "class 'DU' has 1 of the 5 training words, and a covariance needs 2"
    order = rank("probeless", data)
    path = Ranking(np.array([0, 1]), None, "gaussian")
    for refused in (
        lambda: rank("gaussian", data),
        lambda: ranker("gaussian", k=1).fit(data.train.X, [*Y, "DU"]),
        lambda: probe_curve(order, data, [1], "gaussian"),
        lambda: probe_curves([order], data, [1], ["linear", "gaussian"]),
        lambda: gaussian_path_curves(path, data),
        lambda: GaussianProbe().fit(data.train.X, [*Y, "DU"]),
    ):
        with pytest.raises(ValueError, match=message):
            refused()
    with pytest.raises(ValueError, match="class 1 has 1 of the 3 training words"):
        fit_gaussians(torch.eye(3), torch.tensor([0, 0, 1]), 2)


def test_a_control_label_of_one_word_is_no_crash():
    # Only the control labels have too few words of a value here; the real ones have enough.
    part = (np.random.default_rng(0).normal(size=(8, 2)), [0, 1] * 4, ["a"] * 7 + ["b"])
    data = Splits.from_arrays(part, part, part)
    seed = next(s for s in range(50) if len(set(np.random.default_rng(s).integers(2, size=2))) == 2)
    assert np.bincount(control_task(data, seed).train.y).min() == 1
    with pytest.raises(ValueError, match=r"has 1 of the 8 training words"):
        probe_curve(rank("probeless", data), data, [1], "gaussian", task="control", seed=seed)


@pytest.mark.parametrize("name", [name for name in RANKINGS if name != "gaussian"])
def test_other_rankings_manage_a_value_of_one_word(name):
    found = rank(name, LONELY)
    assert sorted(found.order.tolist()) == [0, 1] and not np.isnan(found.scores).any()


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


def test_unknown_names_are_answered_with_the_known_ones_and_the_nearest():
    data = splits(n=30, d=4)
    order = rank("random", data)
    with pytest.raises(
        ValueError, match=r"no ranking 'probeles': there are linear, gaussian, .*; did you mean 'probeless'"
    ):
        rank("probeles", data)
    with pytest.raises(ValueError, match=r"did you mean 'conditional_mi'"):
        ranker("conditional-mi")
    with pytest.raises(ValueError, match=r"no ranking \['linear'\]: .*; did you mean 'linear'"):
        ranker(["linear"])
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
    with pytest.raises(ValueError, match="task must be one of real, control, not 'Control'"):
        probe_curve(order, data, [1], "linear", task="Control")


def test_unknown_options_are_answered_with_the_known_ones():
    data = splits(n=30, d=4)
    with pytest.raises(ValueError, match=r"'lasso' has no option alpha, l3; it has k, direction, seed, l1"):
        rank("lasso", data, l3=0.1, alpha=2)
    with pytest.raises(ValueError, match=r"'linear' has no option value; it has"):
        rank("linear", data, value="PL")
    with pytest.raises(ValueError, match=r"the value 'DU' is not one of \['0', '1'\]"):
        rank("probeless", data, value="DU")
    for name in ("mutual_information", "conditional_mi"):
        with pytest.raises(ValueError, match="n_bins must be 2 or more, not 1"):
            rank(name, data, n_bins=1)


def test_an_unknown_direction_is_named():
    data = splits(n=30, d=4)
    for direction in ("up", None):
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


def test_a_k_that_is_no_number_of_neurons_is_shown():
    data = splits(n=30, d=8)
    order = rank("random", data)
    for k in (0, 9, 2.5, float("nan"), float("inf"), "3", None, [1]):
        message = f"whole number from 1 to the number of neurons, 8.*{re.escape(repr([k]))}"
        with pytest.raises(ValueError, match=message):
            probe_curve(order, data, [1, k], "linear")
        with pytest.raises(ValueError, match=message):
            ranker("random", k=k).fit(data.train.X, data.train.y)
    for ks in (5, None, "123"):
        message = rf"collection of whole numbers, such as \[8\], not {ks!r}"
        with pytest.raises(ValueError, match=message):
            probe_curve(order, data, ks, "linear")


def test_whole_numbers_of_any_kind_are_taken():
    for ks in ([2, 1, 2], (1.0, 2), np.array([1, 2]), np.array([2.0, 1.0]), torch.tensor([1, 2]), range(1, 3), {1, 2}):
        assert checked_ks(ks, 5, least=1) == [1, 2]
    assert all(type(k) is int for k in checked_ks(np.array([2.0, 1.0]), 5, least=1))
    assert checked_ks([0], 5, least=0) == [0]
    with pytest.raises(ValueError, match="none was given"):
        checked_ks([], 5, least=1)


def test_a_max_neurons_that_is_no_number_is_shown_and_one_above_the_number_of_neurons_means_all():
    data = splits(n=30, d=4)
    for name, max_neurons in itertools.product(("probeless", "gaussian"), (0, 2.5, True, "4", float("nan"))):
        with pytest.raises(ValueError, match=f"max_neurons must be a whole number, 1 or more, not {max_neurons!r}"):
            rank(name, data, max_neurons=max_neurons)
    for name in ("gaussian", "conditional_mi"):
        found = rank(name, data, max_neurons=np.int64(99))
        assert found.ranked == 4 and found.order.tolist() == rank(name, data).order.tolist()


def test_nothing_to_do_is_said():
    data = splits(n=30, d=4)
    with pytest.raises(ValueError, match="nothing to do: 0 jobs, 2 probes and 1 splits"):
        curves_of([], data, [1])
    with pytest.raises(ValueError, match="nothing to do: 1 jobs, 0 probes and 1 splits"):
        probe_curves([rank("random", data)], data, [1], probes=[])
    for draws in (0, 1.5):
        with pytest.raises(ValueError, match=f"draws must be a whole number, 1 or more, not {draws}"):
            random_rankings(data, draws=draws)
