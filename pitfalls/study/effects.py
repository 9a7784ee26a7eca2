"""Interventions in one configuration: the numbers behind the paper's figures 5, 6, 7, 9 and 10.

Strengths and k are chosen on dev; test words are translated, interchanged and ablated along every ranking; and some
sentences are picked as examples.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from pitfalls.arrays.ranking import Ranking
from pitfalls.columns import CONFIGURATION, RANKING
from pitfalls.comparison.areas import areas
from pitfalls.interventions.ablation import Ablation
from pitfalls.interventions.interchange import Interchange
from pitfalls.interventions.kinds import Kind
from pitfalls.interventions.outcomes import OUTCOMES
from pitfalls.interventions.rates import clwv
from pitfalls.interventions.replay import Sample
from pitfalls.interventions.run import Run, intervene
from pitfalls.interventions.saturation import peaks
from pitfalls.interventions.strength import choose_beta, run_all
from pitfalls.interventions.translation import ConstantTranslation, Translation
from pitfalls.study.plan import Plan
from pitfalls.study.setting import Setting
from pitfalls.worlds.experiment import Experiment

# One outcome is called "split", and so is a key.
_COUNTS = [f"n_{outcome}" for outcome in OUTCOMES]
_DEV = [*CONFIGURATION, *RANKING, "kind", "strength", "k", "words", "clwv"]


def effect_tables(setting: Setting, curves: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The tables of interventions in one configuration, whose probing curves are given.

    Returns
    -------
    dev:
        One row per ranking (top to bottom, not random), kind, strength and k: words and CLWV on dev, where strengths
        and k are chosen.
    effects:
        On test, one row per ranking, kind, strength and k, with one column per outcome for its number of words (see
        :func:`wide`): ablation, and translation with the beta that dev chose for all rankings together, along all of
        them; interchange, and translations with the strengths that dev chose for each, along those of ``dev``.
    areas:
        One row per ranking: the area under the linear probe's accuracy (probing_area) and under CLWV (clwv_area), over
        the same k, and the chosen beta.
    examples:
        Sentences before and after the translation at the ranking and k with the highest CLWV.
    """
    experiment, rankings, plan = setting.experiment, setting.rankings, setting.plan
    swept = [ranking for ranking in rankings if ranking.direction == "ttb" and ranking.name != "random"]
    ks, dev_ks = plan.ks(setting.data.n_neurons), plan.dev_ks(setting.data.n_neurons)
    sample = Sample("test", plan.test_sentences, plan.seed)
    dev, beta = _on_dev(experiment, swept, plan, dev_ks)
    runs = [intervene(experiment, ranking, Translation(beta), ks, sample) for ranking in rankings]
    translated = pd.concat([run.counts() for run in runs], ignore_index=True)
    # Ablation separates the rankings little, so half the steps show as much.
    found = [translated, run_all(experiment, rankings, [Ablation()], ks[::2], sample)]
    found.append(run_all(experiment, swept, [Interchange()], dev_ks, sample))
    for ranking in swept:
        if own := _own_strengths(dev, ranking, plan.quarter(setting.data.n_neurons), beta):
            found.append(run_all(experiment, [ranking], own, dev_ks, sample))
    return {
        "dev": dev,
        "effects": wide(pd.concat(found, ignore_index=True)),
        "areas": _areas(curves, translated).assign(beta=beta),
        "examples": _examples(runs, rankings, translated, beta, plan),
    }


def _on_dev(
    experiment: Experiment, swept: Sequence[Ranking], plan: Plan, ks: Sequence[int]
) -> tuple[pd.DataFrame, float]:
    """CLWV on dev with every strength, and the beta chosen for all rankings together."""
    sample = Sample("dev", plan.dev_sentences, plan.seed)
    scaled = run_all(experiment, swept, [Translation(beta) for beta in plan.betas], ks, sample)
    others: list[Kind] = [*(ConstantTranslation(alpha) for alpha in plan.alphas), Interchange()]
    found = pd.concat([scaled, run_all(experiment, swept, others, ks, sample)], ignore_index=True)
    return clwv(found)[_DEV], float(choose_beta(scaled)["overall_beta"].iloc[0])


def _own_strengths(dev: pd.DataFrame, ranking: Ranking, most: int, beta: float) -> list[Kind]:
    """The translations that are best on dev for this ranking, at k up to the most; without the one of all rankings."""
    own = dev[(dev["ranking"] == ranking.name) & dev["k"].between(1, most)]
    chosen: list[Kind] = []
    for name, kind in (("translation", Translation), ("constant translation", ConstantTranslation)):
        strength = best_on_dev(own[own["kind"] == name])["strength"].iloc[0]
        if (name, strength) != ("translation", beta):
            chosen.append(kind(float(strength)))
    return chosen


def best_on_dev(dev: pd.DataFrame) -> pd.DataFrame:
    """The rows in the order in which they would be chosen: by CLWV, then the smaller strength, then the smaller k.

    >>> dev = pd.DataFrame({"strength": [8.0, 2.0, 2.0], "k": [8, 16, 8], "clwv": [0.5, 0.5, 0.4]})
    >>> best_on_dev(dev).iloc[0].to_dict()
    {'strength': 2.0, 'k': 16.0, 'clwv': 0.5}
    """
    return dev.sort_values(["clwv", "strength", "k"], ascending=[False, True, True], kind="stable")


def strengths(dev: pd.DataFrame) -> pd.DataFrame:
    """The highest CLWV on dev by ranking, kind of translation and strength, over all k: max_clwv, and its max_k."""
    moved = dev[dev["strength"].notna()]
    keys = [*CONFIGURATION, *RANKING, "kind", "strength"]
    best = best_on_dev(moved).drop_duplicates(keys).sort_index()
    named = best.rename(columns={"clwv": "max_clwv", "k": "max_k"})
    return named[[*keys, "words", "max_clwv", "max_k"]].reset_index(drop=True)


def _areas(curves: pd.DataFrame, translated: pd.DataFrame) -> pd.DataFrame:
    """Both areas of each ranking, over the k that both curves have."""
    keys = [*CONFIGURATION, *RANKING]
    flips = clwv(translated)
    both = sorted(set(flips["k"]) & set(curves["k"]))
    real = (curves["task"] == "real") & (curves["split"] == "test")
    linear = curves[real & (curves["probe"] == "linear") & curves["k"].isin(both)]
    probing = areas(linear, "accuracy", keys).rename(columns={"accuracy_area": "probing_area"})
    moved = areas(flips[flips["k"].isin(both)], "clwv", keys)
    return probing.assign(probe="linear").merge(moved, on=keys, validate="1:1")


def _examples(
    runs: Sequence[Run], rankings: Sequence[Ranking], translated: pd.DataFrame, beta: float, plan: Plan
) -> pd.DataFrame:
    highest = peaks(translated)
    best = highest.iloc[int(highest["max_clwv"].to_numpy().argmax())].to_dict()
    named = [[ranking.name, ranking.direction, ranking.seed] for ranking in rankings]
    run = runs[named.index([best[key] for key in RANKING])]
    shown = run.examples(plan.shown, int(best["max_k"]), plan.seed)
    keys: dict[str, Any] = {str(key): best[key] for key in [*CONFIGURATION, *RANKING]}
    keys |= {"beta": beta, "k": best["max_k"]}
    return shown.assign(**keys)[[*keys, *shown.columns]]


def wide(effects: pd.DataFrame) -> pd.DataFrame:
    """A table of ``Run.counts`` with one column per outcome (``n_unchanged``, ...): a ninth of the rows.

    Examples
    --------
    >>> effects = pd.DataFrame({"k": [0] * 9 + [8] * 9, "outcome": OUTCOMES * 2, "count": [5] + [0] * 8 + [1] * 9})
    >>> wide(effects)[["k", "n_unchanged", "n_split"]].values.tolist()
    [[0, 5, 0], [8, 1, 1]]
    """
    keys = [column for column in effects.columns if column not in ("outcome", "count", "rate")]
    counts = effects.assign(outcome="n_" + effects["outcome"]).pivot(index=keys, columns="outcome", values="count")
    table = counts[_COUNTS].reset_index().rename_axis(columns=None)
    # pivot sorts, so put the rows back into their original order.
    return effects[keys].drop_duplicates().merge(table, on=keys, validate="1:1").reset_index(drop=True)


def long(counts: pd.DataFrame) -> pd.DataFrame:
    """A table of :func:`wide` as ``Run.counts`` gives it: one row per outcome, with count and rate.

    Examples
    --------
    >>> counts = pd.DataFrame({"k": [8], **dict.fromkeys(_COUNTS, 0)}).assign(n_unchanged=3, n_split=1)
    >>> long(counts).query("count > 0")[["k", "outcome", "count", "rate"]].values.tolist()
    [[8, 'unchanged', 3, 0.75], [8, 'split', 1, 0.25]]
    """
    keys = [column for column in counts.columns if column not in _COUNTS]
    rows = counts.loc[counts.index.repeat(len(OUTCOMES)), keys].reset_index(drop=True)
    numbers = counts[_COUNTS].to_numpy()
    shares = numbers / numbers.sum(axis=1, keepdims=True)
    return rows.assign(outcome=list(OUTCOMES) * len(counts), count=numbers.ravel(), rate=shares.ravel())
