"""Intervals over languages and models: against resampling, and how often they are wrong."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from pitfalls.comparison.crossed_interval import crossed_interval


def drawn(generator, shape, of_rows, of_columns, of_both):
    rows, columns = of_rows * generator.standard_normal((shape[0], 1)), of_columns * generator.standard_normal(shape[1])
    return pd.DataFrame(rows + columns + of_both * generator.standard_normal(shape))


def test_the_variance_is_that_of_resampled_rows_and_columns():
    """Up to the divisor n - 1, and what is left over, which counts twice."""
    generator = np.random.default_rng(0)
    values = drawn(generator, (12, 9), 1.0, 0.5, 0.1).to_numpy()
    rows, columns = (generator.integers(n, size=(20_000, n)) for n in values.shape)
    resampled = values[rows[:, :, None], columns[:, None, :]].mean(axis=(1, 2)).std()
    found = crossed_interval(pd.DataFrame(values))
    own = [margin.var(ddof=1) / len(margin) for margin in (values.mean(axis=1), values.mean(axis=0))]
    freedom = sum(own) ** 2 / (own[0] ** 2 / 11 + own[1] ** 2 / 8)
    assert found.mean == pytest.approx(values.mean())
    assert (found.high - found.mean) / stats.t.ppf(0.975, freedom) == pytest.approx(resampled, rel=0.08)
    assert found.high - found.mean == pytest.approx(found.mean - found.low)


@pytest.mark.parametrize("shape", [(4, 4), (4, 2), (8, 4), (4, 1)])
@pytest.mark.parametrize("spread", [(1, 1, 0.1), (1, 0.3, 0.5), (0.1, 0.1, 1), (1, 0, 0.3)])
def test_it_is_wrong_in_one_case_of_twenty_at_most(shape, spread):
    if shape[1] == 1 and spread[1] == 1:
        pytest.skip("one model says nothing of others")
    generator = np.random.default_rng(1)
    found = [crossed_interval(drawn(generator, shape, *spread)) for _ in range(600)]
    # One-sided, as verdicts are: 2.5 % wanted. Of 600, 5 % is 3.9 standard errors away.
    assert np.mean([interval.low > 0 for interval in found]) < 0.05
    assert np.mean([interval.high < 0 for interval in found]) < 0.05


def test_one_row_or_column_is_an_interval_over_the_other():
    values = pd.DataFrame({"bert": [0.2, 0.3, 0.1]})
    expected = stats.t.interval(0.9, 2, 0.2, values["bert"].std() / 3**0.5)
    assert crossed_interval(values, 0.9)[1:] == pytest.approx(expected)
    assert crossed_interval(values.T, 0.9)[1:] == pytest.approx(expected)
    assert np.isnan(crossed_interval(values.iloc[:1])[1:]).all()
    assert crossed_interval(values * 0 + 0.5) == (0.5, 0.5, 0.5)


def test_gaps_and_bad_levels_are_refused():
    values = pd.DataFrame({"bert": [0.2, np.nan]})
    with pytest.raises(ValueError, match="1 of 2 values are missing"):
        crossed_interval(values)
    with pytest.raises(ValueError, match="0 of 0 values are missing"):
        crossed_interval(values.iloc[:0])
    with pytest.raises(ValueError, match="level must lie"):
        crossed_interval(values, 95)
