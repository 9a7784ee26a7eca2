"""The rankings beyond the paper's against SciPy, scikit-learn and plain loops."""

from __future__ import annotations

import warnings
from collections import Counter

import numpy as np
import pytest
import sklearn
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from oracles import remade, shuffled, splits, with_columns
from scipy.stats import f_oneway
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, mutual_info_score
from sklearn.preprocessing import StandardScaler

from pitfalls.arrays.splits import Splits
from pitfalls.probes.classifiers import ConvergedLinearProbe
from pitfalls.rankings import lca, rank


def with_ties(data: Splits) -> Splits:
    """Few different activations, so that many words share one."""
    return remade(data, X=lambda X: np.round(X * 2) / 2)


@pytest.mark.parametrize(("ties", "n_classes", "dtype"), [(False, 2, np.float32), (True, 5, np.float64)])
def test_average_precision_is_scikit_learns_for_the_better_sign(ties, n_classes, dtype):
    shares = [0.6] + [0.4 / (n_classes - 1)] * (n_classes - 1)
    data = splits(n=150, d=40, n_classes=n_classes, dtype=dtype, shares=shares)
    data = with_ties(data) if ties else data
    X, y = data.train.X, data.train.y
    of_signs = np.array(
        [
            [[average_precision_score(y == c, sign * X[:, j]) for sign in (1, -1)] for c in range(n_classes)]
            for j in range(40)
        ]
    )
    np.testing.assert_allclose(rank("average_precision", data).scores, of_signs.max(2).mean(1))


@pytest.mark.parametrize(("ties", "n_bins"), [(False, 2), (True, 7), (False, 20), (True, 200)])
def test_mutual_information_is_that_of_scikit_learn_on_numpys_bins(ties, n_bins):
    data = splits(n=150, d=40, n_classes=4)
    data = with_ties(data) if ties else data
    X, y = data.train.X, data.train.y
    expected = []
    for j in range(40):
        cuts = np.unique(np.sort(X[:, j])[[150 * i // n_bins for i in range(1, n_bins)]])
        expected.append(mutual_info_score(y, np.digitize(X[:, j], cuts)) / np.log(2))
    found = rank("mutual_information", data, n_bins=n_bins)
    np.testing.assert_allclose(found.scores, expected, atol=1e-11)


@pytest.mark.parametrize(("n_classes", "dtype"), [(2, np.float32), (5, np.float64)])
def test_anova_is_scipys_f_of_every_neuron(n_classes, dtype):
    data = splits(n=150, d=40, n_classes=n_classes, dtype=dtype)
    X, y = data.train.X.astype(float), data.train.y
    expected = [f_oneway(*[X[y == c, j] for c in range(n_classes)]).statistic for j in range(40)]
    np.testing.assert_allclose(rank("anova", data).scores, expected)
    # Wherever the neurons lie.
    away = remade(data, X=lambda X: X + X.dtype.type(1e6)) if dtype == np.float64 else data
    np.testing.assert_allclose(rank("anova", away).scores, expected, rtol=1e-6)


@pytest.mark.parametrize(("low_high", "dtype"), [((0.1, 0.7), np.float32), ((1 / 3, -0.9), np.float64)])
def test_a_neuron_that_is_the_value_itself_is_first_for_anova_and_a_constant_one_last(low_high, dtype):
    data = splits(n=101, d=3, n_classes=2, dtype=dtype)
    for part in (data.train, data.dev, data.test):
        part.X[:, 1] = np.where(part.y == 0, *low_high)
        part.X[:, 0] = 0.1
    found = rank("anova", data)
    assert found.scores[1] == np.inf and found.scores[0] == 0
    assert found.order.tolist() == [1, 2, 0]


@pytest.mark.parametrize(("n_classes", "dtype"), [(2, np.float64), (5, np.float32)])
def test_mean_selectivity_is_the_mean_of_one_value_against_the_rest(n_classes, dtype):
    data = with_columns(splits(n=150, d=6, n_classes=n_classes, dtype=dtype), range(6), [1, 1, 1, 1, 1, 0])
    X, y = data.train.X.astype(float), data.train.y
    expected = []
    for j in range(6):
        distances = [abs(X[y == c, j].mean() - X[y != c, j].mean()) for c in range(n_classes)]
        expected.append(np.mean(distances) / np.ptp(X[:, j]) if np.ptp(X[:, j]) else 0.0)
    np.testing.assert_allclose(rank("mean_selectivity", data).scores, expected)


def scikit_learns_weights(data: Splits, l1: float, l2: float) -> np.ndarray:
    """Absolute weights of multinomial logistic regression with penalty l1 * sum |w| + l2 / 2 * sum w**2."""
    lowest = 1 / (len(data.train.y) * (l1 + l2))
    # scikit-learn 1.8 made ``penalty`` follow from ``l1_ratio``.
    before = tuple(int(part) for part in sklearn.__version__.split(".")[:2]) < (1, 8)
    model = LogisticRegression(
        C=lowest, l1_ratio=l1 / (l1 + l2), solver="saga", tol=1e-9, max_iter=50_000, random_state=0,
        **({"penalty": "elasticnet"} if before else {}),
    )  # fmt: skip
    return abs(model.fit(data.train.X, data.train.y).coef_)


def standardised(n_classes: int) -> Splits:
    data = splits(n=150, d=6, n_classes=n_classes, dtype=np.float64)
    return remade(data, X=StandardScaler().fit(data.train.X).transform)


@pytest.mark.parametrize("n_classes", [3, 5])
def test_lasso_and_ridge_rank_by_scikit_learns_weights(n_classes):
    data = standardised(n_classes)
    lasso = scikit_learns_weights(data, l1=0.02, l2=0.0).mean(0)
    np.testing.assert_allclose(rank("lasso", data, l1=0.02).scores, lasso, rtol=1e-3, atol=1e-4)
    ridge = scikit_learns_weights(data, l1=0.0, l2=0.05).mean(0)
    np.testing.assert_allclose(rank("ridge", data, l2=0.05).scores, ridge, rtol=1e-3, atol=1e-4)
    assert rank("ridge", data, l2=0.05).order.tolist() == np.argsort(-ridge).tolist()
    # scikit-learn has one weight vector w for two classes; ours are w / 2 and -w / 2, whose squares sum to half.
    two = standardised(2)
    expected = scikit_learns_weights(two, l1=0.0, l2=0.05)[0] / 2
    np.testing.assert_allclose(rank("ridge", two, l2=0.1).scores, expected, rtol=1e-3, atol=1e-4)


def percentage_sweep(weights: np.ndarray, steps: int) -> np.ndarray:
    """Raise the share of weight mass step by step: the share at which each neuron is first taken by a class."""
    taken_at = np.full(weights.shape[1], np.nan)
    for step in range(1, steps + 1):
        for row in weights:
            mass, taken = 0.0, []
            for j in sorted(range(len(row)), key=lambda j: -row[j]):
                if mass >= row.sum() * step / steps or row[j] == 0:
                    break
                taken.append(j)
                mass += row[j]
            for j in taken:
                if np.isnan(taken_at[j]):
                    taken_at[j] = step / steps
    return np.where(np.isnan(taken_at), 1.0, taken_at)


@given(
    weights=hnp.arrays(
        float, st.tuples(st.integers(1, 4), st.integers(1, 6)), elements=st.sampled_from([0.0, 0.1, 0.4, 1.0, 1.7, 3.0])
    )
)
def test_weight_mass_is_the_limit_of_a_percentage_sweep(weights):
    steps = 97
    found, swept = lca.weight_mass_scores(weights), 1 - percentage_sweep(weights, steps)
    # The sweep finds a neuron at the first step above its place.
    assert (found >= swept - 1e-9).all() and (found <= swept + 1 / steps + 1e-9).all()
    assert (found[(weights == 0).all(0)] == 0).all()


def test_a_neuron_of_no_weight_is_never_taken_whatever_the_sums_round_to():
    generator = np.random.default_rng(0)
    for _ in range(50):
        weights = generator.random((2, 30))
        weights[:, [3, 17]] = 0
        scores = lca.weight_mass_scores(weights)
        assert (scores[[3, 17]] == 0).all() and (np.delete(scores, [3, 17]) > 0).all()


def test_lca_ranks_by_the_weight_mass_of_an_elastic_net():
    data = standardised(3)
    expected = 1 - percentage_sweep(scikit_learns_weights(data, l1=0.01, l2=0.02), 1000)
    found = rank("lca", data, l1=0.01, l2=0.02)
    np.testing.assert_allclose(found.scores, expected, atol=2e-3)
    assert found.scores[found.order[0]] == 1


def test_linear_converged_ranks_by_the_converged_probes_weights():
    data = splits(n=150, d=6, n_classes=3)
    probe = ConvergedLinearProbe(l1=0.002, l2=0.03).fit(data.train.X, data.train.y)
    found = rank("linear_converged", data, l1=0.002, l2=0.03)
    np.testing.assert_allclose(found.scores, abs(probe.coef_).mean(0), rtol=1e-5)
    assert found.order.tolist() == np.argsort(-abs(probe.coef_).mean(0), kind="stable").tolist()


def test_random_forest_has_scikit_learns_importances_and_repeats_itself():
    data = splits(n=150, d=6, n_classes=3)
    forest = RandomForestClassifier(n_estimators=20, max_samples=40, random_state=5).fit(data.train.X, data.train.y)
    found, again, other = (
        rank("random_forest", data, seed=seed, n_estimators=20, max_samples=40) for seed in (5, 5, 6)
    )
    assert found.scores.tolist() == forest.feature_importances_.tolist() == again.scores.tolist()
    assert found.order.tolist() == np.argsort(-forest.feature_importances_, kind="stable").tolist()
    assert other.scores.tolist() != found.scores.tolist()


def information_given(y: list[int], j: list[int], k: list[int]) -> float:
    """I(y; j | k) in bits, from the definition: sum of p(y, j, k) log p(k) p(y, j, k) / p(y, k) p(j, k)."""
    n = len(y)
    yjk, yk, jk, of_k = Counter(zip(y, j, k)), Counter(zip(y, k)), Counter(zip(j, k)), Counter(k)  # noqa: B905
    return sum(count / n * np.log2(of_k[c] * count / (yk[a, c] * jk[b, c])) for (a, b, c), count in yjk.items())


def plain_cmim(data: Splits, n_bins: int, steps: int) -> tuple[list[int], np.ndarray]:
    """Conditional mutual information maximisation without any shortcut."""
    X, y = data.train.X, data.train.y.tolist()
    n, d = X.shape
    codes = []
    for j in range(d):
        cuts = np.unique(np.sort(X[:, j])[[n * i // n_bins for i in range(1, n_bins)]])
        codes.append(np.digitize(X[:, j], cuts).tolist())
    chosen: list[int] = []
    scores = np.zeros(d)

    def score(j: int) -> float:
        if not chosen:
            return information_given(y, codes[j], [0] * n)
        alone = information_given(y, codes[j], [0] * n)
        return min([alone] + [information_given(y, codes[j], codes[k]) for k in chosen])

    for _ in range(steps):
        found = {j: score(j) for j in range(d) if j not in chosen}
        best = max(found.values())
        j = min(j for j in found if found[j] >= best - 1e-9)
        scores[j] = found[j]
        chosen.append(j)
    rest = [j for j in range(d) if j not in chosen]
    for j in rest:
        scores[j] = score(j)
    return chosen + sorted(rest, key=lambda j: (-round(scores[j], 9), j)), scores


@given(
    seed=st.integers(0, 10**6),
    n_classes=st.integers(2, 4),
    n_bins=st.sampled_from([2, 4, 8]),
    steps=st.sampled_from([1, 4, 12]),
    kind=st.sampled_from(["plain", "ties", "copies"]),
)
@settings(max_examples=15)
def test_conditional_mi_is_the_plain_double_loop(seed, n_classes, n_bins, steps, kind):
    data = splits(n=40, d=12 if kind != "copies" else 6, n_classes=n_classes, seed=seed)
    data = with_ties(data) if kind != "plain" else data
    if kind == "copies":
        data = with_columns(data, shuffled(6, seed) + list(range(6)), [1] * 6 + [4] * 6)
    order, scores = plain_cmim(data, n_bins, steps)
    found = rank("conditional_mi", data, max_neurons=steps, n_bins=n_bins)
    np.testing.assert_allclose(found.scores, scores, atol=1e-9)
    assert (found.order.tolist(), found.ranked) == (order, steps)


def test_constant_neurons_are_last_for_every_method_that_can_know():
    data = with_columns(splits(n=100, d=4, n_classes=3), [0, 0, 1, 2, 3], [1, 0, 1, 1, 1])
    names = (
        "probeless", "linear_converged", "lca", "lasso", "ridge", "mean_selectivity", "mutual_information", "anova",
        "random_forest", "conditional_mi",
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in names:
            found = rank(name, data)
            assert (found.order[-1], found.scores[1]) == (1, 0), name
