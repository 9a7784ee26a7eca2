"""Interventions in one configuration: the numbers behind the paper's figures 5, 6, 7, 9 and 10.

The translation's strength is chosen on dev; test words are translated and ablated along every ranking; and sentences
are picked to show.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from pitfalls.arrays.ranking import Ranking
from pitfalls.arrays.splits import Splits
from pitfalls.columns import CONFIGURATION, RANKING
from pitfalls.comparison.areas import areas
from pitfalls.interventions.ablation import Ablation
from pitfalls.interventions.kinds import Kind
from pitfalls.interventions.outcomes import OUTCOMES, clwv
from pitfalls.interventions.run import examples, intervene
from pitfalls.interventions.saturation import peaks
from pitfalls.interventions.strength import choose_beta, sweep_alpha, sweep_beta
from pitfalls.interventions.translation import Translation
from pitfalls.study.plan import Plan
from pitfalls.study.setting import Setting
from pitfalls.worlds.world import World

# One of the outcomes is called "split", as is a key.
_COUNTS = [f"n_{outcome}" for outcome in OUTCOMES]


def effect_tables(setting: Setting, curves: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The tables of interventions in one configuration, whose probing curves are given.

    Returns
    -------
    effects:
        A row a ranking, kind and k, with the number of words of each outcome in a column of its own (see
        :func:`long`), for the translation with the chosen beta, and for ablation.
    strengths:
        A row a ranking and strength: the highest CLWV over k on dev, of scaled and of constant translations.
    areas:
        A row a ranking: the area under the linear probe's accuracy (probing_area) and under CLWV (clwv_area), over
        the same k, and the chosen beta.
    examples:
        Sentences before and after the translation at the ranking and k with the highest CLWV.
    """
    world, data, rankings, plan = setting.world, setting.data, setting.rankings, setting.plan
    strengths, beta = _strengths(world, data, rankings, plan)
    translation, ks = Translation(beta), plan.ks(data.n_neurons)
    translated = _intervened(world, data, rankings, translation, ks, plan)
    # Ablation separates the rankings little, so half the steps show as much.
    ablated = _intervened(world, data, rankings, Ablation(), plan.ks(data.n_neurons, max(plan.steps // 2, 1)), plan)
    return {
        "effects": wide(pd.concat([translated, ablated], ignore_index=True)),
        "strengths": strengths,
        "areas": _areas(curves, translated).assign(beta=beta),
        "examples": _examples(world, data, rankings, translated, translation, plan),
    }


def _intervened(
    world: World, data: Splits, rankings: Sequence[Ranking], kind: Kind, ks: Sequence[int], plan: Plan
) -> pd.DataFrame:
    tables = [
        intervene(world, data, ranking, kind, ks, seed=plan.seed, max_sentences=plan.test_sentences)
        for ranking in rankings
    ]
    return pd.concat(tables, ignore_index=True)


def _strengths(world: World, data: Splits, rankings: Sequence[Ranking], plan: Plan) -> tuple[pd.DataFrame, float]:
    """The highest CLWV of every ranking (top to bottom) and strength on dev, and the beta chosen for all of them."""
    swept = [ranking for ranking in rankings if ranking.direction == "ttb" and ranking.name != "random"]
    # Where curves rise most: the highest point is seldom beyond half of the neurons.
    ks = sorted({max(1, data.n_neurons * i // 16) for i in (1, 2, 4, 8, 16)})
    options: dict[str, Any] = {"max_sentences": plan.dev_sentences, "seed": plan.seed}
    scaled = sweep_beta(world, data, swept, ks, plan.betas, **options)
    constant = sweep_alpha(world, data, swept, ks, plan.alphas, **options)
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
    world: World, data: Splits, rankings: Sequence[Ranking], translated: pd.DataFrame, kind: Kind, plan: Plan
) -> pd.DataFrame:
    highest = peaks(translated)
    best = highest.iloc[int(highest["max_clwv"].to_numpy().argmax())].to_dict()
    (ranking,) = (r for r in rankings if [r.name, r.direction, r.seed] == [best[key] for key in RANKING])
    shown = examples(
        world, data, ranking, kind, int(best["max_k"]), plan.shown, plan.seed, max_sentences=plan.test_sentences
    )
    keys: dict[str, Any] = {str(key): best[key] for key in [*CONFIGURATION, *RANKING]}
    keys |= {"beta": kind.strength, "k": best["max_k"]}
    return shown.assign(**keys)[[*keys, *shown.columns]]


def wide(effects: pd.DataFrame) -> pd.DataFrame:
    """A table of ``intervene`` with a column an outcome (``n_unchanged``, ...), without rates: a ninth of the rows.

    Examples
    --------
    >>> effects = pd.DataFrame({"k": [0] * 9 + [8] * 9, "outcome": OUTCOMES * 2, "count": [5] + [0] * 8 + [1] * 9})
    >>> wide(effects)[["k", "n_unchanged", "n_split"]].values.tolist()
    [[0, 5, 0], [8, 1, 1]]
    """
    keys = [column for column in effects.columns if column not in ("outcome", "count", "rate")]
    counts = effects.assign(outcome="n_" + effects["outcome"]).pivot(index=keys, columns="outcome", values="count")
    table = counts[_COUNTS].reset_index().rename_axis(columns=None)
    # pivot sorts: back into the order in which the rows came.
    return effects[keys].drop_duplicates().merge(table, on=keys, validate="1:1").reset_index(drop=True)


def long(counts: pd.DataFrame) -> pd.DataFrame:
    """A table of :func:`wide` as ``intervene`` gives it: a row an outcome, with count and rate.

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
