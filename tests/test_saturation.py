"""The saturation point against the rule written out, and the table against every curve by itself."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitfalls.interventions.outcomes import OUTCOMES
from pitfalls.interventions.saturation import peaks, saturation_index, saturation_table

# Few different numbers, so that flat stretches, zeros and ties do occur.
RATES = st.sampled_from([0.0, 0.01, 0.1, 0.104, 0.11, 0.2, 0.21, 0.3, 0.5]) | st.floats(0, 1)


def slowly(s: list[float]) -> int:
    """The rule as SOURCES.md states it, point by point; a zero has no ratio."""
    for i in range(len(s)):
        if i + 2 >= len(s):
            break
        if s[i] == 0:
            continue
        if s[i + 1] / s[i] < 1.05 and s[i + 2] / s[i] < 1.05:
            if s[-1] - s[i] > 0.1:
                continue
            return i
    return len(s) - 1


@given(st.lists(RATES, min_size=1, max_size=12))
def test_the_point_is_that_of_the_rule_written_out(values):
    assert saturation_index(values) == slowly(values)


@pytest.mark.parametrize(
    ("values", "index"),
    [
        ([0.3, 0.2], 1),  # no point has two after it
        ([1.0, 1.05, 1.0], 2),  # 1.05 times as high is growth
        ([0.2, 0.2, 0.4, 0.4, 0.4], 2),  # the second next counts too
        ([0.0, 0.0, 0.0, 0.0], 3),  # no word ever: zeros are no saturation
        ([0.25, 0.25, 0.25, 0.375], 3),  # 0.125 is still to come
        ([0.25, 0.25, 0.25, 0.3125], 0),  # 0.0625 is not worth waiting for
    ],
)
def test_curves_whose_point_can_be_told_by_hand(values, index):
    assert saturation_index(values) == index


@pytest.mark.parametrize(
    ("values", "message"),
    [([], "one point or more"), ([[0.1]], "shape"), ([0.1, -0.1], r"\[-0\.1\]"), ([0.1, float("nan")], "nan")],
)
def test_what_is_no_curve_of_rates_is_refused(values, message):
    with pytest.raises(ValueError, match=message):
        saturation_index(values)


def effects(seed: int = 0) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    curves = itertools.product((2, 7), ("linear", "random"), (0, 1), (("translation", 8.0), ("ablation", np.nan)))
    rows = [
        {"language": "spa", "attribute": "Gender", "layer": layer, "split": "test", "ranking": ranking}
        | {"direction": "ttb", "ranking_seed": seed, "kind": kind, "strength": strength, "target": "next"}
        | {"k": k, "outcome": outcome, "count": int(count), "rate": count / 90}
        for (layer, ranking, seed, (kind, strength)), k in itertools.product(curves, (0, 10, 20, 30, 40, 50))
        for outcome, count in zip(OUTCOMES, generator.multinomial(90, np.ones(9) / 9), strict=True)
    ]
    return pd.DataFrame(rows)


def test_every_row_has_its_curves_point_and_its_first_maximum():
    table = effects()
    found = saturation_table(table)
    assert len(found) == 16
    for row in found.to_dict("records"):
        same = np.ones(len(table), dtype=bool)
        for key in ("layer", "ranking", "ranking_seed", "kind"):
            same &= (table[key] == row[key]).to_numpy()
        hits = table[same & table["outcome"].isin(["intended", "another"])].groupby("k")["count"].sum()
        rates = [hits[k] / 90 for k in sorted(hits.index)]
        at = slowly(rates)
        assert (row["saturation_k"], row["saturation_clwv"]) == (10 * at, rates[at])
        assert (row["max_k"], row["max_clwv"]) == (10 * rates.index(max(rates)), max(rates))
        assert row["words"] == 90


def test_curves_keep_their_order_whatever_that_of_the_rows_and_ablations_stay():
    table = effects().query("k > 0 or layer == 7")
    keys = ["layer", "ranking", "ranking_seed", "kind", "strength"]
    found = saturation_table(table)
    pd.testing.assert_frame_equal(found[keys], table[keys].drop_duplicates(ignore_index=True))
    shuffled = saturation_table(table.sample(frac=1, random_state=3)).sort_values(keys, ignore_index=True)
    pd.testing.assert_frame_equal(shuffled, found.sort_values(keys, ignore_index=True))


def test_peaks_are_the_tables_maxima():
    table = effects()
    columns = [column for column in saturation_table(table) if not column.startswith("saturation")]
    pd.testing.assert_frame_equal(peaks(table), saturation_table(table)[columns])
