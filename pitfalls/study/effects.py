"""Interventions in every configuration of a world: the numbers behind the paper's figures 5, 6, 7, 9 and 10.

A configuration is one task of a :mod:`~pitfalls.study.sweep`: it ranks the neurons, chooses the translation's strength
on dev, translates and ablates test words, measures how well a linear probe reads the same neurons, and picks sentences
to show.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import pandas as pd

from pitfalls.model.activations import Splits
from pitfalls.neurons.areas import areas
from pitfalls.neurons.beta import choose_beta, sweep_alpha, sweep_beta
from pitfalls.neurons.curves import probe_curves
from pitfalls.neurons.interventions import Ablation, Kind, Translation, examples, intervene
from pitfalls.neurons.outcomes import OUTCOMES, clwv
from pitfalls.neurons.rankings import PAPER_RANKINGS, Ranking, random_rankings, rank
from pitfalls.neurons.saturation import peaks
from pitfalls.study.configurations import Configuration
from pitfalls.study.sweep import Task
from pitfalls.study.worlds import World, load_world

_RANKING = ["ranking", "direction", "ranking_seed"]
_CONFIGURATION = ["language", "attribute", "layer"]
# One of the outcomes is called "split", as is a key.
_COUNTS = [f"n_{outcome}" for outcome in OUTCOMES]


@dataclass(frozen=True)
class Plan:
    """How much of each thing a configuration gets; every number is the same in all configurations.

    Attributes
    ----------
    steps:
        k goes from 0 to the number of neurons in so many even steps.
    betas, alphas:
        Strengths that are tried on dev.
    test_sentences, dev_sentences:
        Sentences with a word to change that are drawn, the same for every ranking; the paper takes all.
    train_words, dev_words:
        Words that rankings, means and probes see at most, drawn.
    greedy:
        Neurons that the Gaussian ranking chooses before it completes its order.
    random_draws:
        Random rankings, whose seeds count from ``seed``.
    shown:
        Sentences to show before and after.
    """

    steps: int = 16
    betas: Sequence[float] = (2, 4, 6, 8, 12)
    alphas: Sequence[float] = (1, 2, 4, 8)
    test_sentences: int = 40
    dev_sentences: int = 30
    train_words: int = 10_000
    dev_words: int = 2_000
    greedy: int = 48
    random_draws: int = 2
    shown: int = 3
    seed: int = 0

    def ks(self, n_neurons: int, steps: int | None = None) -> list[int]:
        """0 to ``n_neurons`` in even steps.

        >>> Plan(steps=4).ks(128)
        [0, 32, 64, 96, 128]
        """
        n = min(steps or self.steps, n_neurons)
        return sorted({round(i * n_neurons / n) for i in range(n + 1)})


def tasks(world: Mapping[str, Any], which: Sequence[Configuration], plan: Plan, identity: str) -> list[Task]:
    """A task a configuration.

    Parameters
    ----------
    world : what :func:`~pitfalls.study.worlds.load_world` takes, as plain JSON
    identity : of model and text, so that other weights under the same name are other tasks
    """
    shared = {"world": dict(world), "plan": json.loads(json.dumps(asdict(plan))), "identity": identity}
    return [Task(f"effects-{one.id}", {**shared, "configuration": asdict(one)}) for one in which]


def measure_effects(parameters: Mapping[str, Any]) -> dict[str, pd.DataFrame]:
    """Do one task of :func:`tasks`.

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
    one = Configuration(**parameters["configuration"])
    plan = Plan(**parameters["plan"])
    world = _world(json.dumps(parameters["world"], sort_keys=True))
    data = _sampled(world.activations(one.language, one.attribute, one.layer), plan)
    rankings = _rankings(data, plan)
    strengths, beta = _strengths(world, data, rankings, plan)
    translation, ks = Translation(beta), plan.ks(data.n_neurons)
    translated = _intervened(world, data, rankings, translation, ks, plan)
    # Ablation separates the rankings little, so half the steps show as much.
    ablated = _intervened(world, data, rankings, Ablation(), plan.ks(data.n_neurons, max(plan.steps // 2, 1)), plan)
    return {
        "effects": wide(pd.concat([translated, ablated], ignore_index=True)),
        "strengths": strengths,
        "areas": _areas(data, rankings, translated, ks, plan).assign(beta=beta),
        "examples": _examples(world, data, rankings, translated, translation, plan),
    }


@lru_cache(maxsize=1)
def _world(options: str) -> World:
    # A process does many configurations of one world: it is read once.
    return load_world(**json.loads(options))


def _sampled(data: Splits, plan: Plan) -> Splits:
    train, dev = data.train.sample(plan.train_words, plan.seed), data.dev
    return Splits(train=train, dev=dev, test=data.test)


def _rankings(data: Splits, plan: Plan) -> list[Ranking]:
    # Selection on dev costs most with many values; the words that are translated on dev are drawn elsewhere.
    few = Splits(train=data.train, dev=data.dev.sample(plan.dev_words, plan.seed), test=data.test)
    ours = [
        rank(name, few, direction=direction, seed=plan.seed, max_neurons=min(plan.greedy, data.n_neurons))
        for name, direction in PAPER_RANKINGS
        if name != "random"
    ]
    return [*ours, *random_rankings(few, plan.random_draws, plan.seed)]


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
    columns = [*_CONFIGURATION, *_RANKING, "kind", "strength", "words", "max_clwv", "max_k"]
    return highest[columns], float(choose_beta(scaled)["overall_beta"].iloc[0])


def _areas(
    data: Splits, rankings: Sequence[Ranking], translated: pd.DataFrame, ks: Sequence[int], plan: Plan
) -> pd.DataFrame:
    keys = [*_CONFIGURATION, *_RANKING]
    curves = probe_curves(rankings, data, [k for k in ks if k > 0], probes=["linear"], seeds=[plan.seed])
    probing = areas(curves, "accuracy", keys).rename(columns={"accuracy_area": "probing_area"})
    flips = clwv(translated)
    return probing.assign(probe="linear").merge(areas(flips[flips["k"] > 0], "clwv", keys), on=keys, validate="1:1")


def _examples(
    world: World, data: Splits, rankings: Sequence[Ranking], translated: pd.DataFrame, kind: Kind, plan: Plan
) -> pd.DataFrame:
    highest = peaks(translated)
    best = highest.iloc[int(highest["max_clwv"].to_numpy().argmax())].to_dict()
    (ranking,) = (r for r in rankings if [r.name, r.direction, r.seed] == [best[key] for key in _RANKING])
    shown = examples(
        world, data, ranking, kind, int(best["max_k"]), plan.shown, plan.seed, max_sentences=plan.test_sentences
    )
    keys: dict[str, Any] = {str(key): best[key] for key in [*_CONFIGURATION, *_RANKING]}
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
