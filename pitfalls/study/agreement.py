"""Agreement in one configuration: what becomes of words that must agree, along every ranking.

The counterpart of :mod:`.effects` for models that read from left to right. The controller's units are changed, and the
margin is that of the word that must agree with it (:mod:`pitfalls.interventions.agreement`). Strengths and k are chosen
on dev items; test items are judged along every ranking, with random ones beside them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from pitfalls.arrays.ranking import Ranking
from pitfalls.columns import CONFIGURATION, RANKING
from pitfalls.interventions.ablation import Ablation
from pitfalls.interventions.agreement import agreement_rates, answers_of_all, flipped, questions
from pitfalls.interventions.interchange import Interchange
from pitfalls.interventions.kinds import Kind
from pitfalls.interventions.translation import ConstantTranslation, Translation
from pitfalls.language.agreement.items import Item, balanced
from pitfalls.worlds.experiment import Experiment

RUN = [*CONFIGURATION, *RANKING, "kind", "strength", "k"]
"""What tells the rows of a table of margins apart; the other columns are items."""

# Margins are kept to a thousandth of a nat.
_DIGITS = 3
_FIXED = {"ranking": "none", "direction": "ttb", "ranking_seed": 0, "kind": "none", "strength": np.nan, "k": 0}


@dataclass(frozen=True)
class AgreementPlan:
    """Which interventions a configuration's agreement items get.

    Attributes
    ----------
    asked:
        The rankings that ask the model, beside those that read activations.
    steps:
        The k of all kinds of intervention, and of the choices on dev, as shares of the units, up to a quarter.
    betas, alphas:
        Strengths that are tried on dev.
    draws, few_draws:
        How many random rankings the constant translation has, and how many all other kinds have.
    effect_items:
        How many training items the ranking "effect" asks about, which runs the model once for each unit.
    """

    asked: Sequence[str] = ("attribution",)
    steps: Sequence[float] = (1 / 64, 1 / 16, 1 / 4)
    betas: Sequence[float] = (6, 12)
    alphas: Sequence[float] = (1, 2, 4)
    draws: int = 10
    few_draws: int = 3
    effect_items: int = 40

    def ks(self, n_units: int) -> list[int]:
        """The k of all kinds.

        >>> AgreementPlan().ks(576)
        [9, 36, 144]
        """
        return sorted({max(1, round(share * n_units)) for share in self.steps})


class Items(NamedTuple):
    """Items to rank on, to choose on and to report on; no sentence is in two of them."""

    train: Sequence[Item]
    dev: Sequence[Item]
    test: Sequence[Item]


@dataclass(frozen=True)
class _Push:
    """One intervention along one ranking."""

    ranking: Ranking
    kind: Kind
    ks: Sequence[int]


def asked_rankings(experiment: Experiment, items: Items, plan: AgreementPlan, seed: int = 0) -> list[Ranking]:
    """The rankings that ask the model about the training items, each under its method's name."""
    few = balanced(items.train, seed)[:: max(1, len(items.train) // plan.effect_items)]
    asked = {"effect": few}
    found = [experiment.rank(name, seed=seed, items=asked.get(name, items.train)) for name in plan.asked]
    # Here nothing but agreement can be asked for, so the labels need not say so.
    return [
        Ranking(one.order, one.scores, name, seed=one.seed, method=one.method)
        for name, one in zip(plan.asked, found, strict=True)
    ]


def agreement_tables(
    experiment: Experiment, rankings: Sequence[Ranking], items: Items, plan: AgreementPlan, seed: int = 0
) -> dict[str, pd.DataFrame]:
    """The tables of agreement in one configuration.

    Parameters
    ----------
    rankings :
        From top to bottom: those that read, those that ask, and ``plan.draws`` random ones.

    Returns
    -------
    strengths:
        One row per ranking (not random), kind, strength and k: flip_rate on dev items, and how many items there are.
    margins:
        On test, one row per run (:data:`RUN`) and one column per item: its margin in nats, with three decimals. The
        first row is the model without intervention.
    damage:
        One row per run on test: damage (the share of margins that change their sign when another controller of the
        sentence is changed), and how many such margins there are.

    Raises
    ------
    ValueError
        As :func:`~pitfalls.interventions.agreement.questions`.
    """
    named = [one for one in rankings if one.name != "random"]
    ks = plan.ks(experiment.data.n_neurons)
    tried: list[Kind] = [*map(Translation, plan.betas), *map(ConstantTranslation, plan.alphas), Interchange()]
    dev = _asked(experiment, [_Push(one, kind, ks) for kind in tried for one in named], items.dev, seed)
    strengths = _flips(dev, "controller", "flip_rate")
    chosen = [_best(strengths, kind.label, type(kind)) for kind in (Translation(), ConstantTranslation(1.0))]
    test = _asked(experiment, _pushes(rankings, chosen, plan, experiment.data.n_neurons), items.test, seed)
    return {"strengths": strengths, "margins": wide(test), "damage": _flips(test, "another controller", "damage")}


def _pushes(rankings: Sequence[Ranking], chosen: Sequence[Kind], plan: AgreementPlan, n_units: int) -> list[_Push]:
    """What is done on test: every kind along all rankings."""
    ks, found = plan.ks(n_units), []
    for kind in (*chosen, Interchange(), Ablation()):
        draws = plan.draws if isinstance(kind, ConstantTranslation) else plan.few_draws
        found += [_Push(one, kind, ks) for one in rankings if one.name != "random" or one.seed < draws]
        # All units at once are the same under every ranking, but for the translation scaled by rank.
        if not isinstance(kind, Translation):
            found.append(_Push(Ranking(np.arange(n_units), None, "all units"), kind, [n_units]))
    return found


def _asked(experiment: Experiment, pushes: Sequence[_Push], items: Sequence[Item], seed: int) -> pd.DataFrame:
    """The margins of all pushes: the table of :func:`~pitfalls.interventions.agreement.margins`."""
    replays = [experiment.intervene(push.ranking, push.kind, push.ks).replay for push in pushes]
    about = questions(replays[0], items, seed)
    return answers_of_all(replays, about)


def _flips(by_item: pd.DataFrame, changed: str, name: str) -> pd.DataFrame:
    """The share of margins of each run that change their sign where one kind of word is changed, as a column."""
    own = by_item[(by_item["changed"] == changed) & (by_item["k"] > 0)]
    grouped = own.assign(**{name: flipped(own["before"], own["margin"])}).groupby(RUN, sort=False, dropna=False)[name]
    return grouped.agg(items="size", **{name: "mean"}).reset_index()


def _best(strengths: pd.DataFrame, label: str, kind: Any) -> Kind:
    """The strength of a kind that flips most on dev, on average over rankings and k; the smaller of equals."""
    own = strengths[strengths["kind"] == label]
    means = own.groupby("strength")["flip_rate"].mean().round(12)
    best: Kind = kind(float(means.index[int(means.to_numpy().argmax())]))
    return best


# -------------------------------------------------------------------- tables of margins


def items_table(items: Items) -> pd.DataFrame:
    """All items without their text: split, item (its number), source, sentence, relation, value and attractors."""
    rows = [
        {
            "split": split,
            "item": number,
            "source": "constructed" if item.sentence.startswith("pairs-") else "natural",
            "sentence": item.sentence,
            "relation": item.relation,
            "value": item.value,
            "attractors": "with" if item.attractors else "without",
        }
        for split, of_split in items._asdict().items()
        for number, item in enumerate(of_split)
    ]
    return pd.DataFrame(rows)


def wide(by_item: pd.DataFrame) -> pd.DataFrame:
    """Margins with one row per run and one column per item; the first row is without intervention."""
    own = by_item[by_item["changed"] == "controller"]
    items = own["item"].drop_duplicates().tolist()
    first = own.drop_duplicates("item")
    rows = [{**first.iloc[0][CONFIGURATION].to_dict(), **_FIXED, **dict(zip(items, first["before"], strict=True))}]
    for keys, run in own[own["k"] > 0].groupby(RUN, sort=False, dropna=False):
        rows.append({**dict(zip(RUN, keys, strict=True)), **dict(zip(run["item"], run["margin"], strict=True))})
    table = pd.DataFrame(rows)
    table[items] = table[items].round(_DIGITS)
    return table.rename(columns={item: str(item) for item in items})


def long(margins: pd.DataFrame, items: pd.DataFrame, split: str = "test") -> pd.DataFrame:
    """The margins of :func:`wide` with one row per run and item, and what :func:`items_table` says of each item.

    The columns are those of :data:`RUN`, item, source, sentence, relation, value, attractors, before and margin.
    """
    about = items[items["split"] == split].drop(columns="split")
    keys = [column for column in margins.columns if not column.isdigit()]
    told = margins.melt(keys, var_name="item", value_name="margin").dropna(subset="margin").astype({"item": "int64"})
    before = told[told["kind"] == "none"].rename(columns={"margin": "before"})
    # Items are numbered anew in each language.
    same = [column for column in ("model", "language", "item") if column in about.columns]
    at = [column for column in ("model", *CONFIGURATION, "item") if column in told.columns]
    runs = told[told["kind"] != "none"].merge(before[[*at, "before"]], on=at, validate="m:1")
    return runs.merge(about, on=same, validate="m:1").assign(changed="controller")


def rates(margins: pd.DataFrame, items: pd.DataFrame, draws: int = 1000, seed: int = 0) -> pd.DataFrame:
    """Accuracy, margin, shift and flip rate of every run on test, with intervals over sentences.

    See :func:`~pitfalls.interventions.agreement.agreement_rates`.
    """
    by_item = long(margins, items)
    keys = [column for column in ("model", *RUN) if column in by_item.columns and column != "k"]
    parts = [
        agreement_rates(run.drop(columns="source"), draws, seed=seed)
        for _, run in by_item.groupby(keys, sort=False, dropna=False)
    ]
    return pd.concat(parts, ignore_index=True)
