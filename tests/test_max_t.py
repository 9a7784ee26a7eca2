"""The permutation test of neurons against slow loops, scikit-learn's F, and its own promise."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from oracles import splits
from scipy.stats import f_oneway
from sklearn.metrics import mutual_info_score

import pitfalls as pf
from pitfalls.arrays.splits import Splits
from pitfalls.comparison.max_t import neuron_null


def slow_statistic(name: str, x: np.ndarray, y: np.ndarray) -> float:
    parts = [x[y == value] for value in sorted(set(y.tolist()))]
    if name == "anova":
        return float(f_oneway(*parts).statistic)
    if name == "probeless":
        return sum(abs(a.mean() - b.mean()) for a, b in combinations(parts, 2)) / x.std()
    edges = np.sort(x)[[len(x) * i // 20 for i in range(1, 20)]]
    return mutual_info_score(y, np.searchsorted(edges, x, side="right")) / np.log(2)


@pytest.mark.parametrize("name", ["anova", "probeless", "mutual_information"])
@pytest.mark.parametrize(("n_classes", "dtype"), [(2, np.float32), (3, np.float64)])
def test_p_values_are_those_of_a_slow_loop(name: str, n_classes: int, dtype: type) -> None:
    data = splits(n=90, d=6, n_classes=n_classes, dtype=dtype, n_forms=40)
    found = neuron_null(data, name, draws=40, seed=5)
    part = data.train
    cells = sorted({(form, int(value)) for form, value in zip(part.forms, part.y, strict=True)})
    means = np.array(
        [
            np.mean(
                [x for x, f, v in zip(part.X.astype(float), part.forms, part.y, strict=True) if (f, v) == cell], axis=0
            )
            for cell in cells
        ]
    )
    y = np.array([value for _, value in cells])
    observed = [slow_statistic(name, means[:, j], y) for j in range(6)]
    np.testing.assert_allclose(found["statistic"], observed, rtol=1e-9)
    generator = np.random.default_rng(5)
    alone, among_all = np.zeros(6), np.zeros(6)
    for _ in range(40):
        shuffled = generator.permuted(y[None], axis=1)[0]
        drawn = [slow_statistic(name, means[:, j], shuffled) for j in range(6)]
        alone += [drawn[j] >= observed[j] - 1e-9 for j in range(6)]
        among_all += [max(drawn) >= observed[j] - 1e-9 for j in range(6)]
    np.testing.assert_allclose(found["p"], (1 + alone) / 41)
    np.testing.assert_allclose(found["p_adjusted"], (1 + among_all) / 41)
    assert set(found["observations"]) == {len(cells)} and found["test"].eq(name).all()


def clustered(seed: int, shift: float = 0.0, n_forms: int = 30) -> Splits:
    """Forms of two to twelve tokens that share most of their vector; neuron 2 is shifted by the value."""
    draw = np.random.default_rng(seed)
    forms = np.repeat(np.arange(n_forms), draw.integers(2, 13, size=n_forms))
    y = forms % 2
    X = draw.normal(size=(n_forms, 8))[forms] + 0.2 * draw.normal(size=(len(forms), 8))
    X[:, 2] += shift * y
    part = (X, y, [f"form {form}" for form in forms])
    return Splits.from_arrays(train=part, dev=part, test=part)


def test_under_the_null_the_smallest_adjusted_p_is_small_as_often_as_it_says() -> None:
    """And without the forms, ten times as often."""
    n, by_form, by_token = 200, 0, 0
    for seed in range(n):
        data = clustered(seed)
        by_form += neuron_null(data, draws=99)["p_adjusted"].min() <= 0.05
        if seed < 40:
            nameless = Splits.from_arrays(**{name: (data.train.X, data.train.y) for name in ("train", "dev", "test")})
            by_token += neuron_null(nameless, draws=99)["p_adjusted"].min() <= 0.05
    # 200 draws of .05: 10, with a standard deviation of 3.1.
    assert 2 <= by_form <= 19
    assert by_token > 20


@pytest.mark.parametrize("name", ["anova", "probeless", "mutual_information"])
def test_a_planted_neuron_is_found_and_no_scale_hides_it(name: str) -> None:
    data = clustered(1, shift=4.0, n_forms=120)
    scaled = Splits.from_arrays(
        **{s: (data.train.X * np.logspace(-3, 3, 8), data.train.y, data.train.forms) for s in ("train", "dev", "test")}
    )
    found = neuron_null(scaled, name, draws=199)
    assert found.loc[2, "p_adjusted"] == found.loc[2, "p"] == 1 / 200
    assert (found["p_adjusted"] >= found["p"]).all() and found.drop(index=2)["p_adjusted"].min() > 0.05
    np.testing.assert_allclose(found["statistic"], neuron_null(data, name, draws=1)["statistic"], rtol=1e-9)


def test_a_constant_neuron_separates_nothing() -> None:
    part = (np.c_[np.full(8, 3.0), np.arange(8.0)], [0, 1] * 4)
    data = Splits.from_arrays(train=part, dev=part, test=part)
    for name in ("anova", "probeless", "mutual_information"):
        row = neuron_null(data, name, draws=19).iloc[0]
        assert (row["statistic"], row["p"]) == (0, 1)


def test_shuffles_that_separate_the_values_wholly_count_where_the_labels_do_so_too() -> None:
    """Of 2 + 2 observations, every third shuffle does, whatever the rounding of a variance of 0."""
    part = (np.c_[[0.1, 0.1, 0.7, 0.7], [0.0, 2.0, 3.0, 0.5]], ["PL", "PL", "SG", "SG"])
    for name in ("anova", "probeless"):
        row = neuron_null(Splits.from_arrays(train=part, dev=part, test=part), name, draws=999).iloc[0]
        assert row["statistic"] == (np.inf if name == "anova" else 2)
        assert 0.28 < row["p"] <= row["p_adjusted"] < 0.39


def test_the_same_seed_gives_the_same_p_values_whatever_is_counted_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    data = clustered(3)
    found = neuron_null(data, draws=50, seed=2)
    monkeypatch.setattr("pitfalls.comparison.max_t._AT_ONCE", 7)
    assert neuron_null(data, draws=50, seed=2)["p_adjusted"].tolist() == found["p_adjusted"].tolist()
    assert neuron_null(data, draws=50, seed=3)["p_adjusted"].tolist() != found["p_adjusted"].tolist()


def test_what_cannot_be_tested_is_said() -> None:
    data = clustered(0)
    lonely = (np.zeros((3, 2)), [0, 0, 1], ["a", "b", "c"])
    for asks, said in (
        (lambda: neuron_null(data, "t"), "no statistic 't': there are anova, mutual_information, probeless"),
        (lambda: neuron_null(data, draws=0), "draws must be a whole number, 1 or more, not 0"),
        (lambda: neuron_null(data, draws=1, seed=None), "a seed must be a whole number, 0 or more, not None"),
        (lambda: neuron_null(data, split="tset"), 'split must be "train", "dev" or "test"'),
        (
            lambda: neuron_null(Splits.from_arrays(lonely, lonely, lonely)),
            "has 1 word forms, and a test needs 2 of each",
        ),
    ):
        with pytest.raises(ValueError, match=said):
            asks()
    assert pf.comparison.neuron_null is neuron_null
