"""Interventions in one configuration: the numbers behind the paper's figures 5, 6, 7, 9 and 10.

The translation's strength is chosen on dev; test words are translated and ablated along every ranking; and some
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


def effect_tables(setting: Setting, curves: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The tables of interventions in one configuration, whose probing curves are given.

    Returns
    -------
    effects:
        One row per ranking, kind (ablation, and the translation with the chosen beta) and k, with one column per
        outcome for its number of words (see :func:`wide`).
    strengths:
        One row per ranking (top to bottom, not random), kind of translation and strength: the highest CLWV on dev.
    areas:
        One row per ranking: the area under the linear probe's accuracy (probing_area) and under CLWV (clwv_area), over
        the same k, and the chosen beta.
    examples:
        Sentences before and after the translation at the ranking and k with the highest CLWV.
    """
    experiment, rankings, plan = setting.experiment, setting.rankings, setting.plan
    strengths, beta = _strengths(experiment, rankings, plan)
    translation, ks = Translation(beta), plan.ks(setting.data.n_neurons)
    sample = Sample("test", plan.test_sentences, plan.seed)
    runs = [intervene(experiment, ranking, translation, ks, sample) for ranking in rankings]
    translated = pd.concat([run.counts() for run in runs], ignore_index=True)
    # Ablation separates the rankings little, so half the steps show as much.
    fewer = plan.ks(setting.data.n_neurons, max(plan.steps // 2, 1))
    ablated = run_all(experiment, rankings, [Ablation()], fewer, sample)
    return {
        "effects": wide(pd.concat([translated, ablated], ignore_index=True)),
        "strengths": strengths,
        "areas": _areas(curves, translated).assign(beta=beta),
        "examples": _examples(runs, rankings, translated, beta, plan),
    }


def _strengths(experiment: Experiment, rankings: Sequence[Ranking], plan: Plan) -> tuple[pd.DataFrame, float]:
    """The highest CLWV on dev by ranking (top to bottom, not random) and strength, and the beta chosen for all."""
    swept = [ranking for ranking in rankings if ranking.direction == "ttb" and ranking.name != "random"]
    # Where curves rise most: the highest point is seldom beyond half of the neurons.
    n_neurons = experiment.data.n_neurons
    ks = sorted({max(1, n_neurons * i // 16) for i in (1, 2, 4, 8, 16)})
    sample = Sample("dev", plan.dev_sentences, plan.seed)
    scaled = run_all(experiment, swept, [Translation(beta) for beta in plan.betas], ks, sample)
    constant = run_all(experiment, swept, [ConstantTranslation(alpha) for alpha in plan.alphas], ks, sample)
    highest = peaks(pd.concat([scaled, constant], ignore_index=True))
    columns = [*CONFIGURATION, *RANKING, "kind", "strength", "words", "max_clwv", "max_k"]
    return highest[columns], float(choose_beta(scaled)["overall_beta"].iloc[0])


def _areas(curves: pd.DataFrame, translated: pd.DataFrame) -> pd.DataFrame:
    """Both areas of each ranking, over the k that both curves have."""
    keys = [*CONFIGURATION, *RANKING]
    flips = clwv(translated)
    both = sorted(set(flips["k"]) & set(curves["k"]))
    linear = curves[(curves["probe"] == "linear") & (curves["task"] == "real") & curves["k"].isin(both)]
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
