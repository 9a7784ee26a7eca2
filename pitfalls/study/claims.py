"""The claims of the paper, each as a small function over result tables: evidence, control, verdict.

A verdict follows from the tables and from limits that are stated here; none is written by hand. The claims and their
tags are those of SOURCES.md ("Claims"); the limits are ours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from pitfalls.columns import CONFIGURATION
from pitfalls.interventions.rates import error_rate
from pitfalls.site import with_site

Verdict = Literal["holds", "holds in part", "fails", "not testable"]
Tables = Mapping[str, pd.DataFrame]

_THREE = ("linear", "gaussian", "probeless")
#: Accuracies or rates that differ by less count as equal.
MARGIN = 0.005


@dataclass(frozen=True)
class Finding:
    """What the tables of a world say about a claim."""

    evidence: str
    control: str
    verdict: Verdict


@dataclass(frozen=True)
class Claim:
    """A claim, its tag (SOURCES.md), and how it is tested."""

    number: int
    tag: str
    text: str
    test: Callable[[Tables], Finding]


def _accuracies(tables: Tables, task: str = "real") -> pd.DataFrame:
    """Accuracies, one row per configuration and k, one column per (probe, ranking, direction); draws averaged."""
    curves = tables["curves"]
    own = curves[curves["task"] == task]
    return own.pivot_table(index=[*CONFIGURATION, "k"], columns=["probe", "ranking", "direction"], values="accuracy")


def _graded(share: float, enough: float) -> Verdict:
    """Holds at ``enough`` or more, and in part at anything above 0."""
    return "holds" if share >= enough else "holds in part" if share > 0 else "fails"


def _confounded(tables: Tables) -> Finding:
    at = _accuracies(tables)
    linear, gaussian = ("linear", "ttb"), ("gaussian", "ttb")
    own = at["linear"][linear] - at["gaussian"][gaussian]
    fixed = [at[probe][linear] - at[probe][gaussian] for probe in ("linear", "gaussian")]
    # A mean over the two fixed probes, not a loss with either of them, because the control compares one pair too.
    share = float(np.mean([_contradicts(own, by).to_numpy() for by in fixed]))
    between = float(_contradicts(*fixed).mean())
    return Finding(
        f"at {share:.0%} of {len(at)} (configuration, k) the ranking that wins with its own probe loses with a fixed "
        "one, on average over two fixed probes",
        f"the two fixed probes contradict each other at {between:.0%}",
        _graded(share, 0.05),
    )


def _contradicts(one: pd.Series, other: pd.Series) -> pd.Series:
    return (one.abs() > MARGIN) & (other.abs() > MARGIN) & (one * other < 0)


def _encoded_not_used(tables: Tables) -> Finding:
    areas = tables["areas"]
    three = areas[areas["ranking"].isin(_THREE) & (areas["direction"] == "ttb")]
    reads = three.pivot_table(index=CONFIGURATION, columns="ranking", values="probing_area")
    moves = three.pivot_table(index=CONFIGURATION, columns="ranking", values="clwv_area")
    happens = moves.max(axis=1) > 0.01
    reads, moves = reads[happens], moves[happens]
    if not len(moves):
        return Finding("no ranking flips words in any configuration", "", "not testable")
    of_readable = np.array([moves.iloc[i][name] for i, name in enumerate(reads.idxmax(axis=1))])
    falls_short = of_readable < 0.8 * moves.max(axis=1).to_numpy()
    same = float((reads.idxmax(axis=1) == moves.idxmax(axis=1)).mean())
    share = float(falls_short.mean())
    return Finding(
        f"in {share:.0%} of {len(moves)} configurations the most readable ranking flips less than 80 % of what the "
        "best does",
        f"the same ranking wins both in {same:.0%}; three at random would in 33 %",
        _graded(share, 0.25),
    )


def _peaks(tables: Tables) -> pd.DataFrame:
    """Highest CLWV of the translation, one row per configuration, one column per (ranking, direction)."""
    saturation = tables["saturation"]
    own = saturation[saturation["kind"] == "translation"]
    return own.pivot_table(index=CONFIGURATION, columns=["ranking", "direction"], values="max_clwv")


def _controls_output(tables: Tables) -> Finding:
    peaks = _peaks(tables)
    best = peaks[[(name, "ttb") for name in _THREE]].max(axis=1)
    random = peaks["random", "ttb"]
    share = float((best - random > 0.05).mean())
    return Finding(
        f"in {share:.0%} of {len(peaks)} configurations a ranking's highest CLWV is more than .05 above a random one's",
        f"highest CLWV of random rankings: {random.mean():.3f} on average, of the best ranking {best.mean():.3f}",
        _graded(share, 0.5),
    )


def _bad_ranking_wins(tables: Tables) -> Finding:
    at = _accuracies(tables)
    crossed = _gain_of_bad(at, [("linear", "gaussian"), ("gaussian", "linear")])
    itself = _gain_of_bad(at, [("linear", "linear"), ("gaussian", "gaussian")])
    share, own = float((crossed > MARGIN).mean()), float((itself > MARGIN).mean())
    return Finding(
        f"at {share:.0%} of {len(at)} (configuration, k) a probe with a random or bottom-to-top ranking beats the "
        "other's own",
        f"a probe with such a ranking beats itself on its own ranking at {own:.0%}",
        _graded(share, 0.05),
    )


def _gain_of_bad(at: pd.DataFrame, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float64]:
    """By how much a probe on the best of the bad rankings beats its rival on the rival's own ranking, per row."""
    bad = [("random", "ttb"), *((name, "btt") for name in _THREE)]
    gains = [at[probe][bad].to_numpy().max(axis=1) - at[rival][(rival, "ttb")].to_numpy() for probe, rival in pairs]
    return np.asarray(np.max(gains, axis=0), dtype=np.float64)


def _gaussian_memorises(tables: Tables) -> Finding:
    real, control = _accuracies(tables), _accuracies(tables, "control")
    last = real.index.get_level_values("k").max()
    selectivity = (real - control).xs(last, level="k")
    own = [(probe, probe, "ttb") for probe in ("linear", "gaussian")]
    difference = selectivity[own[0]] - selectivity[own[1]]
    share = float((difference > MARGIN).mean())
    p = float(stats.wilcoxon(difference, alternative="greater").pvalue) if difference.abs().max() > 0 else 1.0
    apart = real.xs(last, level="k")
    accuracy = float((apart[own[0]] - apart[own[1]]).mean())
    holds = float(difference.median()) > MARGIN and p < 0.05
    return Finding(
        f"at k = {last} Gaussian is less selective than Linear in {share:.0%} of {len(difference)} configurations "
        f"(median difference {difference.median():.3f}, Wilcoxon p = {p:.2g})",
        f"their accuracies on the attribute differ by {accuracy:+.3f} on average",
        "holds" if holds else "holds in part" if share > 0.5 else "fails",
    )


def _probeless_moves_most(tables: Tables) -> Finding:
    saturation = tables["saturation"]
    own = saturation[
        (saturation["kind"] == "translation") & (saturation["direction"] == "ttb") & saturation["ranking"].isin(_THREE)
    ]
    clwvs = own.pivot_table(index=CONFIGURATION, columns="ranking", values="max_clwv")
    ks = own.pivot_table(index=CONFIGURATION, columns="ranking", values="saturation_k")
    moved = clwvs.max(axis=1) > 0.05
    clwvs, ks = clwvs[moved], ks[moved]
    if not len(clwvs):
        return Finding("no ranking has a CLWV above .05", "", "not testable")
    # A tie is nobody's win.
    wins = int((clwvs["probeless"] > clwvs[["linear", "gaussian"]].max(axis=1)).sum())
    # Among the rankings that get nearly as high as the best, does Probeless saturate first?
    near = clwvs.ge(0.95 * clwvs.max(axis=1), axis=0)
    fewest = int(((ks["probeless"] <= ks.where(near).min(axis=1)) & near["probeless"]).sum())
    p = float(stats.binomtest(wins, len(clwvs), 1 / 3, alternative="greater").pvalue)
    share = wins / len(clwvs)
    return Finding(
        f"Probeless has the highest CLWV in {wins} of {len(clwvs)} configurations ({share:.0%}), and the fewest "
        f"neurons among the best in {fewest}",
        f"by chance it would in a third (binomial p = {p:.2g})",
        "holds" if share > 0.5 and p < 0.05 else "holds in part" if p < 0.05 else "fails",
    )


#: Expected range of n standard normal draws, which makes ranges of seven and of two comparable (control charts' d2).
_RANGE_OF = {2: 1.128, 3: 1.693, 4: 2.059, 5: 2.326, 6: 2.534, 7: 2.704}


def _ablation_separates_poorly(tables: Tables) -> Finding:
    rates = error_rate(tables["effects"])
    last = rates["k"].max()
    inside = rates[(rates["k"] > 0) & (rates["k"] < last)]
    ratios = {}
    for kind in ("ablation", "translation"):
        own = inside[inside["kind"] == kind]
        at = [*CONFIGURATION, "k"]
        paper = own[(own["ranking"] != "random") | (own["ranking_seed"] == own["ranking_seed"].min())]
        random = own[own["ranking"] == "random"]
        draws, rankings = int(random["ranking_seed"].nunique()), paper.groupby(at)["error_rate"].size().max()
        if draws not in _RANGE_OF or rankings not in _RANGE_OF:
            return Finding(f"a spread needs 2 to 7 rankings and draws, not {rankings} and {draws}", "", "not testable")
        spread = paper.groupby(at)["error_rate"].agg(np.ptp).mean() / _RANGE_OF[rankings]
        chance = random.groupby(at)["error_rate"].agg(np.ptp).mean() / _RANGE_OF[draws]
        ratios[kind] = float(spread / chance) if chance > 0 else float("inf")
    poor, good = ratios["ablation"] < 2, ratios["translation"] > 3
    return Finding(
        f"rankings lie {ratios['ablation']:.1f} times as far apart as random ones under ablation (error rate), "
        f"{ratios['translation']:.1f} times under translation",
        "below 2 is poor and above 3 good; ranges are scaled by their expectation for as many normal draws",
        "holds" if poor and good else "holds in part" if poor or good else "fails",
    )


def _carries_over(tables: Tables) -> Finding:
    return Finding("this world has one model", "", "not testable")


def _three_patterns(tables: Tables) -> Finding:
    at = _accuracies(tables)
    own = at["gaussian"][("gaussian", "ttb")] - at["linear"][("linear", "ttb")]
    mean = own.groupby(level=CONFIGURATION).mean()
    counts = {
        "Standard": int((mean.abs() <= 0.02).sum()),
        "G>L": int((mean > 0.02).sum()),
        "L>G": int((mean < -0.02).sum()),
    }
    there = sum(n > 0 for n in counts.values())
    return Finding(
        "; ".join(f"{name} in {n}" for name, n in counts.items()) + f" of {len(mean)} configurations",
        "Gaussian by Gaussian minus Linear by Linear, mean over k; patterns begin at .02",
        "holds" if there == 3 else "holds in part" if there == 2 else "fails",
    )


def _partial_overlap(tables: Tables) -> Finding:
    overlaps = tables["overlaps"]
    pairs = overlaps[overlaps["n_rankings"] == 2]
    above = float((pairs["overlap"] > pairs["high"]).mean())
    shares = pairs["overlap"] / pairs["k"]
    partial = float((shares < 0.9).mean())
    shared = tables["shared"]
    same = int((shared["overlap"] > shared["high"]).sum())
    # A 95 % interval is exceeded now and then by chance: test whether it is exceeded more often.
    p = float(stats.binomtest(same, len(shared), 0.05, alternative="greater").pvalue) if len(shared) else 1.0
    holds = above > 0.5 and partial > 0.5 and p < 0.05
    return Finding(
        f"{above:.0%} of {len(pairs)} pairs of rankings share more than chance allows, {shares.mean():.0%} of their "
        f"first neurons on average; in {same} of {len(shared)} cases an attribute's languages share more than chance "
        f"(binomial p = {p:.2g})",
        f"by chance they would share {(pairs['expected'] / pairs['k']).mean():.0%} (exact, intervals of 95 %)",
        "holds" if holds else "holds in part" if above > 0.05 else "fails",
    )


#: The claims of SOURCES.md ("Claims"), in the order of their numbers.
CLAIMS = (
    Claim(1, "P", "grading a ranking with the probe that made it confounds the two", _confounded),
    Claim(2, "P", "what is encoded is not always used", _encoded_not_used),
    Claim(3, "P", "neurons control the output to some extent", _controls_output),
    Claim(4, "I", "a probe with a random or bottom-to-top ranking can beat another with its own", _bad_ranking_wins),
    Claim(5, "I", "Gaussian memorises: it is less selective than Linear", _gaussian_memorises),
    Claim(6, "I", "Probeless has the highest CLWV, or needs the fewest neurons for it", _probeless_moves_most),
    Claim(7, "I", "ablation separates the rankings poorly, translation well", _ablation_separates_poorly),
    Claim(8, "P", "most findings carry over to XLM-R", _carries_over),
    Claim(9, "C", "three patterns of curves occur: Standard, G>L, L>G", _three_patterns),
    Claim(10, "I", "overlap between rankings is partial and above chance, also across languages", _partial_overlap),
)


def ledger(tables: Tables) -> pd.DataFrame:
    """What the tables say about every claim.

    Parameters
    ----------
    tables:
        The tables of a study: "curves" (probing), "effects" (counts by outcome, long), "saturation", "areas",
        "overlaps" (pairs and triples of rankings) and "shared" (an attribute's neurons across languages).

    Returns
    -------
    One row per claim: claim (its number), tag, text, verdict ("holds", "holds in part", "fails", "not testable"),
    evidence, control.

    Raises
    ------
    ValueError
        A table is missing.
    """
    needed = ("curves", "effects", "saturation", "areas", "overlaps", "shared")
    missing = [name for name in needed if name not in tables]
    if missing:
        raise ValueError(f"the claims need the tables {missing} too; you gave {sorted(tables)}")
    tables = {name: with_site(table) for name, table in tables.items()}
    found = [(claim, claim.test(tables)) for claim in CLAIMS]
    rows = [(claim.number, claim.tag, claim.text, one.verdict, one.evidence, one.control) for claim, one in found]
    return pd.DataFrame(rows, columns=["claim", "tag", "text", "verdict", "evidence", "control"])


def carried_over(one: pd.DataFrame, other: pd.DataFrame) -> Finding:
    """Test claim 8: whether the verdicts of one model's ledger recur in the other's."""
    both = one.merge(other, on="claim", suffixes=("", "_other"))
    both = both[(both["verdict"] != "not testable") & (both["verdict_other"] != "not testable")]
    if not len(both):
        return Finding("no claim could be tested with both models", "", "not testable")
    same = both["verdict"] == both["verdict_other"]
    return Finding(
        f"{same.sum()} of {len(both)} verdicts are the same for both models",
        "a verdict is one of three",
        _graded(float(same.mean()), 0.8),
    )
