"""Intervals of rates against resampling written out and SciPy's bootstrap; baselines beside rates."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from pitfalls.interventions.intervals import rate_intervals
from pitfalls.interventions.outcomes import OUTCOMES
from pitfalls.interventions.rates import clwv, error_rate, with_baseline


def words(seed=0, n_sentences=12, ks=(4, 9), **keys):
    """Words of sentences of unlike lengths; those of one sentence tend to come out alike."""
    generator = np.random.default_rng(seed)
    rows = []
    for sentence in generator.choice(100, size=n_sentences, replace=False).tolist():
        bad = generator.random()
        for position in range(generator.integers(1, 6)):
            baseline = "unknown" if generator.random() < 0.1 else "unchanged"
            for k in ks:
                outcome = OUTCOMES[generator.integers(1, len(OUTCOMES))] if generator.random() < bad else "unchanged"
                where = {"sentence": sentence, "position": position, "word": "w", "predicted": "v"}
                rows.append({"ranking": "linear", **keys, "k": k, **where, "outcome": outcome, "baseline": baseline})
    return pd.DataFrame(rows)


def hits(outcomes, measure):
    return (outcomes != "unchanged") if measure == "error rate" else outcomes.isin(["intended", "another"])


def resampled(table, draws, seed):
    """Rates of drawn tables by measure and k: every sentence's rows, as often as the sentence is drawn."""
    ids = sorted(table["sentence"].unique())
    generator = np.random.default_rng(seed)
    rates = {(measure, k): [] for measure in ("error rate", "CLWV") for k in (4, 9)}
    for times in generator.multinomial(len(ids), [1 / len(ids)] * len(ids), size=draws):
        drawn = [s for s, n in zip(ids, times, strict=True) for _ in range(n)]
        rows = pd.concat([table[table["sentence"] == s] for s in drawn])
        for (measure, k), found in rates.items():
            found.append(hits(rows[rows["k"] == k]["outcome"], measure).mean())
    return rates


def test_intervals_are_those_of_sentences_drawn_one_by_one():
    table = words()
    rates = resampled(table, draws=60, seed=3)
    for level in (0.5, 0.95):
        found = rate_intervals(table, draws=60, level=level, seed=3)
        assert list(zip(found["measure"], found["k"], strict=True)) == list(rates)
        for row in found.itertuples():
            edges = np.quantile(rates[row.measure, row.k], [(1 - level) / 2, (1 + level) / 2])
            np.testing.assert_allclose([row.low, row.high], edges)
            at_k = table[table["k"] == row.k]
            assert row.mean == pytest.approx(hits(at_k["outcome"], row.measure).mean())
            assert row.baseline == pytest.approx(hits(at_k["baseline"], row.measure).mean())
            assert (row.sentences, row.words) == (12, len(at_k))


def test_intervals_are_scipys_up_to_the_draws():
    table = words(n_sentences=40, ks=(4,))
    found = rate_intervals(table, draws=20_000).set_index("measure")
    for measure in ("error rate", "CLWV"):
        by_sentence = table.assign(hit=hits(table["outcome"], measure)).groupby("sentence")["hit"]
        bootstrap = stats.bootstrap(
            (by_sentence.sum().to_numpy(), by_sentence.count().to_numpy()),
            lambda hit, n, axis: hit.sum(axis) / n.sum(axis),
            paired=True,
            vectorized=True,
            n_resamples=20_000,
            method="percentile",
            rng=np.random.default_rng(1),
        )
        interval = bootstrap.confidence_interval
        np.testing.assert_allclose(found.loc[measure, ["low", "high"]].astype(float), interval, atol=0.006)


def test_words_that_fall_together_make_the_interval_wider():
    together = words(n_sentences=60, ks=(4,))
    apart = together.assign(sentence=np.arange(len(together)))
    widths = [(t["high"] - t["low"]).iloc[0] for t in map(rate_intervals, (together, apart))]
    assert widths[0] > 1.2 * widths[1]


def test_every_run_has_its_own_rows_and_nan_is_a_strength():
    one, two = words(0, strength=np.nan, kind="ablation"), words(1, strength=8.0, kind="translation")
    both = rate_intervals(pd.concat([one, two]), draws=20)
    alone = pd.concat([rate_intervals(one, draws=20), rate_intervals(two, draws=20)], ignore_index=True)
    pd.testing.assert_frame_equal(both, alone)
    assert both["strength"].isna().sum() == 4


def test_the_seed_decides_the_draws_and_the_order_of_rows_does_not():
    table = words(n_sentences=30)
    first = rate_intervals(table, seed=1)
    pd.testing.assert_frame_equal(first, rate_intervals(table.sample(frac=1, random_state=0), seed=1))
    assert not first.equals(rate_intervals(table, seed=2))


def test_what_cannot_be_resampled_says_why():
    table = words()
    for given, options, said in (
        (table, {"draws": 0}, r"draws must be 1 or more and level .* they are 0 and 0\.95"),
        (table, {"level": 1.0}, r"they are 1000 and 1\.0"),
        (table[table["sentence"] == table["sentence"].iloc[0]], {}, "1 sentences cannot be resampled"),
        (pd.concat([table, table]), {}, "occurs twice at k = 4"),
    ):
        with pytest.raises(ValueError, match=said):
            rate_intervals(given, **options)


def effect(seed, ks, **keys):
    generator = np.random.default_rng(seed)
    rows = [{**keys, "k": k, "outcome": o, "count": generator.integers(20)} for k in ks for o in OUTCOMES]
    return pd.DataFrame(rows)


PAIRS = [("linear", np.nan), ("linear", 8.0), ("random", np.nan), ("random", 8.0)]


@pytest.mark.parametrize(("rates", "column"), [(error_rate, "error_rate"), (clwv, "clwv")])
def test_the_baseline_is_the_rate_of_the_same_run_at_0(rates, column):
    runs = [effect(i, [5, 0, 9], ranking=r, strength=s) for i, (r, s) in enumerate(PAIRS)]
    plain = rates(pd.concat(runs))
    table = with_baseline(plain)
    pd.testing.assert_frame_equal(table.drop(columns="baseline"), plain)
    own = [rates(run[run["k"] == 0])[column].item() for run in runs]
    assert table["baseline"].tolist() == [rate for rate in own for _ in range(3)]
    assert len(set(own)) == len(PAIRS)


def test_a_run_without_0_has_no_baseline():
    tables = [effect(0, [0, 3], ranking="linear"), effect(1, [3], ranking="random")]
    with pytest.raises(ValueError, match="put 0 among the ks"):
        with_baseline(clwv(pd.concat(tables)))
