"""Standard errors of accuracies, and how far one ranking is read better than another: against resampled forms."""

from __future__ import annotations

import numpy as np
import pytest
from oracles import splits

from pitfalls.probes.curves import CurveJob, score
from pitfalls.probes.scores import clustered_mean, leads
from pitfalls.rankings import rank


def test_the_standard_error_is_that_of_resampled_forms():
    generator = np.random.default_rng(0)
    words = generator.integers(1, 30, size=200)
    right = generator.binomial(words[:, None], generator.beta(4, 1, size=(200, 3)))
    mean, error = clustered_mean(right, words)
    drawn = generator.integers(200, size=(4_000, 200))
    resampled = right[drawn].sum(axis=1) / words[drawn].sum(axis=1, keepdims=True)
    np.testing.assert_allclose(mean, right.sum(axis=0) / words.sum())
    np.testing.assert_allclose(error, resampled.std(axis=0), rtol=0.06)
    # As if words were independent, it would be smaller.
    assert (error > 1.3 * np.sqrt(mean * (1 - mean) / words.sum())).all()


def test_forms_of_one_word_each_are_independent_words_and_one_form_says_nothing():
    _, error = clustered_mean([[1], [1], [0], [1]], [1, 1, 1, 1])
    assert error[0] == pytest.approx(np.std([1, 1, 0, 1], ddof=1) / 2)
    assert np.isnan(clustered_mean([[3]], [4])[1]).all()


def test_leads_are_mean_differences_over_the_first_k_with_paired_errors():
    data = splits()
    orders = [rank(name, data) for name in ("probeless", "anova", "random")]
    curves = score([CurveJob(order) for order in orders], data, [1, 2, 4, 8], splits=["dev"])
    table = leads(curves, most=4)
    assert len(table) == 2 * 3 * 2 and set(table["split"]) == {"dev"}
    own = {(c.about["probe"], c.about["ranking"], c.about["direction"]): c for c in curves}
    one, other = own["linear", "probeless", "ttb"], own["linear", "anova", "ttb"]
    row = table[(table["probe"] == "linear") & (table["rival"] == "anova")].iloc[0]
    difference = (one.right - other.right)[:, :3].mean(axis=1)
    assert row["lead"] == pytest.approx((one.table()["accuracy"] - other.table()["accuracy"])[:3].mean())
    assert row["lead_se"] == pytest.approx(clustered_mean(difference[:, None], one.words)[1][0])
    # Paired, it is at most as wide as the two accuracies' own errors together.
    assert row["lead_se"] <= one.table()["accuracy_se"].max() + other.table()["accuracy_se"].max()


def test_a_curve_counts_its_words_by_form():
    data = splits()
    (curve,) = score([CurveJob(rank("probeless", data))], data, [1, 3], ["gaussian"])
    forms = sorted(set(data.test.forms))
    assert curve.words.tolist() == [list(data.test.forms).count(form) for form in forms]
    assert curve.unseen.tolist() == [form not in set(data.train.forms) for form in forms]
    assert (curve.right <= curve.words[:, None]).all()
    np.testing.assert_allclose(curve.table()["accuracy"], curve.right.sum(axis=0) / len(data.test.forms))
