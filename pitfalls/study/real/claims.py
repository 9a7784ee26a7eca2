"""What the study says about the paper's claims, model by model, beside the mini world's models.

For models that are probed, the claims are those of :mod:`~pitfalls.study.claims`, with one change: there is a single
language, so its attributes take the place of languages. For a causal model, a *flip* of agreement takes the place of
CLWV: the margin between the two forms has changed its sign. The unit is then a sentence (or the four constructed items
that share their nouns), so the interval says how sure a number is for this model, and nothing of other models; with
several languages (the mini world), the unit is a language.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pandas as pd

from pitfalls.columns import RANKING
from pitfalls.interventions.agreement import flipped
from pitfalls.study.agreement import long
from pitfalls.study.claims import CLAIMS, Claim, parts
from pitfalls.study.effects import best_on_dev
from pitfalls.study.evidence import LEAST, WHERE, Studies, Tables, misread, picked, spreads
from pitfalls.study.plan import ASKED, READING

PROBED = ("1", "4", "5a", "5b", "9", "10a")
"""The claims that probing decides."""

# A model that prefers more wrong forms than this without any change shows nothing; one that guesses prefers half.
_OFTEN_WRONG = 0.25
_ITEM = [*WHERE, "item", "cluster"]


def by_attribute(tables: Tables) -> dict[str, pd.DataFrame]:
    """Tables of one language, in which each attribute stands in the place of a language.

    Only the residual stream counts, because the layers of other kinds of sites cannot be averaged with it.

    >>> table = pd.DataFrame({"language": "eng", "attribute": ["Number"], "site": "residual"})
    >>> by_attribute({"curves": table})["curves"]["language"].tolist()
    ['Number']
    """
    about = {name: table for name, table in tables.items() if {"attribute", "site"} <= set(table.columns)}
    residual = {name: table[table["site"] == "residual"] for name, table in about.items()}
    return {name: table.assign(language=table["attribute"]) for name, table in residual.items()}


# ------------------------------------------------------------------------- agreement


def flips(studies: Studies) -> pd.DataFrame:
    """Every run and item of the residual stream.

    Returns
    -------
    The table of :func:`~pitfalls.study.agreement.long` with flip (1 if the margin has changed its sign, or else 0) and
    cluster: the sentence, or, of constructed items, the four that share their nouns.
    """
    margins = studies["margins"]
    table = long(margins[margins["site"] == "residual"], studies["items"])
    return table.assign(flip=flipped(table["before"], table["margin"]), cluster=table["sentence"].map(_cluster))


# Every claim about use starts from this table, which takes longer than all the rest. Nothing may change it.
_flips = lru_cache(maxsize=1)(flips)


def _cluster(sentence: str) -> str:
    """What a sentence shares with others that are not independent of it.

    >>> _cluster("pairs-test-0-17"), _cluster("weblog-1")
    ('pairs-test-0 4', 'weblog-1')
    """
    if not sentence.startswith("pairs-"):
        return sentence
    rest, _, number = sentence.rpartition("-")
    return f"{rest} {int(number) // 4}"


def _of_kind(studies: Studies, kind: str) -> pd.DataFrame:
    """The flips of one kind of intervention.

    Raises
    ------
    LookupError
        There are none, or a model gets too much wrong before any change, as an untrained one does.
    """
    table = _flips(studies)
    wrong = (table["before"] <= 0).groupby(table["model"]).mean()
    if (wrong > _OFTEN_WRONG).any():
        raise LookupError(f"{wrong.idxmax()} prefers {wrong.max():.0%} of the wrong forms before any change")
    of_kind = table[table["kind"] == kind]
    if not len(of_kind):
        raise LookupError(f"no {kind} in these tables")
    return of_kind


class _Chosen(NamedTuple):
    """What becomes of the rankings at the k that dev chose for each of them; one column per ranking.

    Attributes
    ----------
    dev : flip rates on dev, one row per configuration
    test : flips on test, one row per configuration and item
    random : the same of random rankings (their mean), at the k of each column
    """

    dev: pd.DataFrame
    test: pd.DataFrame
    random: pd.DataFrame


def _chosen(studies: Studies, kind: str, rankings: Sequence[str] = READING) -> _Chosen:
    """The flips of some rankings under one kind of intervention; its strength is the one that was run on test.

    Raises
    ------
    LookupError
        As :func:`_of_kind`, or a ranking is missing.
    ValueError
        What is chosen on dev was not run on test.
    """
    of_kind = _of_kind(studies, kind)
    strength = of_kind[[*WHERE, "kind", "strength"]].drop_duplicates()
    dev = studies["strengths"].merge(strength, on=[*WHERE, "kind", "strength"]).rename(columns={"flip_rate": "clwv"})
    dev = dev[dev["ranking"].isin(rankings) & (dev["k"] <= studies.quarter)]
    best = best_on_dev(dev).drop_duplicates([*WHERE, "ranking"])[[*WHERE, "ranking", "k", "clwv"]]
    test = of_kind.merge(best[[*WHERE, "ranking", "k"]], on=[*WHERE, "ranking", "k"])
    random = of_kind[of_kind["ranking"] == "random"].groupby([*_ITEM, "k"], as_index=False)["flip"].mean()
    by_chance = random.merge(best[[*WHERE, "ranking", "k"]], on=[*WHERE, "k"])
    found = _Chosen(
        best.set_index([*WHERE, "ranking"])["clwv"].unstack("ranking")[list(rankings)],
        *(part.set_index([*_ITEM, "ranking"])["flip"].unstack("ranking")[list(rankings)] for part in (test, by_chance)),
    )
    lacking = found.test.columns[found.test.isna().any()].tolist()
    if lacking:
        raise ValueError(
            f"{kind} along {lacking[0]} was not run in every configuration, on test at the k that dev chose: measure "
            "the model again"
        )
    return found


def _spread_out(of_configuration: np.ndarray, dev: pd.DataFrame, test: pd.DataFrame) -> np.ndarray:
    """One number of each configuration (a row of ``dev``), repeated for its items (the rows of ``test``)."""
    where = test.index.droplevel(["item", "cluster"])
    return pd.Series(of_configuration, dev.index).loc[where].to_numpy()


def _by_unit(values: pd.Series) -> pd.Series:
    """The mean over layers: of each sentence, or, with several languages, of each language."""
    unit = "language" if values.index.unique("language").size > 1 else "cluster"
    return values.groupby(level=[unit, "model"]).mean()


def encoded_not_used(probe: str) -> Callable[[Studies], pd.Series]:
    """Claim 2, as :func:`~pitfalls.study.evidence.encoded_not_used`, with flips."""

    def more(studies: Studies) -> pd.Series:
        dev, test, _ = _chosen(studies, "translation")
        best, moving, clear = misread(dev, studies["leads"], probe)
        gain = picked(test, _spread_out(moving, dev, test)) - picked(test, _spread_out(best, dev, test))
        moves = (dev.max(axis=1) > LEAST).to_numpy()
        return _by_unit(gain.where(_spread_out(clear, dev, test), 0.0)[_spread_out(moves, dev, test)])

    return more


def controls_output(studies: Studies) -> pd.Series:
    """Claim 3, as :func:`~pitfalls.study.evidence.controls_output`, with flips."""
    dev, test, random = _chosen(studies, "translation")
    best = _spread_out(dev.to_numpy().argmax(axis=1), dev, test)
    return _by_unit(picked(test, best) - picked(random.loc[test.index], best))


def probeless_moves_most(kind: str) -> Callable[[Studies], pd.Series]:
    """Claim 6, as :func:`~pitfalls.study.evidence.probeless_moves_most`, with flips."""

    def ahead(studies: Studies) -> pd.Series:
        dev, test, _ = _chosen(studies, kind)
        return _by_unit(test["probeless"] - _best_of(dev, test, ("linear", "gaussian")))

    return ahead


def asking_moves_more(studies: Studies) -> pd.Series:
    """Claim 12, as :func:`~pitfalls.study.evidence.asking_moves_more`, with flips."""
    dev, test, _ = _chosen(studies, "translation", (*READING, *ASKED))
    return _by_unit(_best_of(dev, test, ASKED) - _best_of(dev, test, READING))


def constant_beats_scaled(studies: Studies) -> pd.Series:
    """Claim 11, as :func:`~pitfalls.study.evidence.constant_beats_scaled`, with flips."""
    constant, scaled = (_chosen(studies, kind)[1].mean(axis=1) for kind in ("constant translation", "translation"))
    return _by_unit(constant - scaled)


def _best_of(dev: pd.DataFrame, test: pd.DataFrame, among: Sequence[str]) -> pd.Series:
    """The flips on test of the ranking that flips most on dev."""
    return picked(test[list(among)], _spread_out(dev[list(among)].to_numpy().argmax(axis=1), dev, test))


def separation(kind: str) -> Callable[[Studies], pd.Series]:
    """Claim 7, as :func:`~pitfalls.study.evidence.separation`, with flips; the unit is a layer, or a language."""

    def times(studies: Studies) -> pd.Series:
        runs = _of_kind(studies, kind).groupby([*WHERE, *RANKING, "strength", "k"], as_index=False, dropna=False)
        own, chance = spreads(runs.agg(flip=("flip", "mean")), "flip", studies.quarter)
        unit = "layer" if own.index.unique("language").size == 1 else "language"
        by = [one.groupby(level=[unit, "model"]).mean() for one in (own, chance)]
        return by[0] / by[1].replace(0, np.nan)

    return times


_EVIDENCE: Mapping[str, Sequence[Callable[[Studies], pd.Series]]] = {
    "2": [encoded_not_used("linear"), encoded_not_used("gaussian")],
    "3": [controls_output],
    "6": [probeless_moves_most("translation"), probeless_moves_most("interchange 0")],
    "7": [separation("ablation"), separation("translation")],
    "11": [constant_beats_scaled],
    "12": [asking_moves_more],
}


def _with_flips(claim: Claim) -> Claim:
    """A claim about words, as one about agreement: the same parts and limits, with flips in the place of CLWV."""
    found = [
        replace(part, what=part.what.replace("CLWV", "flip rate"), values=values)
        for part, values in zip(claim.parts, _EVIDENCE[claim.number], strict=True)
    ]
    read = [name for name in claim.tables if name == "leads"]
    text = claim.text.replace("CLWV", "flip rate")
    return replace(claim, text=text, tables=[*read, "strengths", "margins", "items"], parts=found)


AGREEMENT_CLAIMS: Sequence[Claim] = [_with_flips(claim) for claim in CLAIMS if claim.number in _EVIDENCE]
"""The claims about what models use, for agreement."""
PROBED_CLAIMS: Sequence[Claim] = [claim for claim in CLAIMS if claim.number in PROBED]
"""The claims about what probes read."""


def verdicts(by_model: Mapping[str, Tables], n_neurons: Mapping[str, int]) -> pd.DataFrame:
    """The evidence for every part of every claim from each model by itself.

    Parameters
    ----------
    by_model : of each model, the tables of its study; with ``margins``, it is causal
    n_neurons : of each model's residual stream

    Returns
    -------
    The table of :func:`~pitfalls.study.claims.parts`, with a first column model, and unit: what the interval is over.

    Raises
    ------
    ValueError
        There is no study.
    """
    if not by_model:
        raise ValueError("no study: give the tables of at least one model")
    rows = []
    for model, tables in by_model.items():
        for claims, own in _asked(tables):
            found = parts({model: own}, n_neurons[model], claims)
            found.insert(0, "model", model)
            rows.append(found.assign(unit=found["claim"].map({claim.number: claim.unit for claim in claims})))
    return pd.concat(rows, ignore_index=True)


def _asked(tables: Tables) -> list[tuple[Sequence[Claim], Tables]]:
    """Which claims a study's tables can be asked about, with their units, and in which form."""
    if "effects" in tables:
        return [(CLAIMS, tables)]
    of_use = AGREEMENT_CLAIMS if "margins" in tables else []
    if tables["curves"]["language"].nunique() > 1:
        return [(claims, tables) for claims in (PROBED_CLAIMS, of_use) if claims]
    read = [replace(one, unit="attribute") if one.unit == "language" else one for one in PROBED_CLAIMS]
    used = [replace(one, unit="layer" if one.number == "7" else "sentence") for one in of_use]
    return [(read, by_attribute(tables)), *([(used, tables)] if used else [])]
