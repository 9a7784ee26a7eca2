"""The tasks of the study, and the work of one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pitfalls.arrays.splits import Splits
from pitfalls.models import real
from pitfalls.models.loading import load_model
from pitfalls.models.sae import Recipe, quality, train_sae
from pitfalls.models.store import CODE_VERSION
from pitfalls.models.vectors import site_vectors
from pitfalls.rankings import random_rankings
from pitfalls.site import Site
from pitfalls.study.agreement import AgreementPlan, Items, agreement_tables, asked_rankings, items_table
from pitfalls.study.configurations import Configuration
from pitfalls.study.plan import Plan
from pitfalls.study.probing import probing_tables
from pitfalls.study.real.items import items_of
from pitfalls.study.real.plan import Draw, ModelPlan
from pitfalls.study.setting import Setting, drawn, rankings_of, world_identity, world_of
from pitfalls.study.sweep import Task
from pitfalls.worlds.experiment import Experiment
from pitfalls.worlds.load import REAL_LANGUAGE, load_world
from pitfalls.worlds.names import UNTRAINED
from pitfalls.worlds.world import World

VERSION = 1
"""The version of what :func:`measure` computes; results of another version are recomputed."""

_BEGINNINGS = 300
"""How many test sentences the lengths of states are taken from."""
SAE_RECIPE = Recipe(latents=2_048, k=32, steps=2_000)
"""How the autoencoder is trained."""


class Tasks(NamedTuple):
    """The tasks that prepare the word vectors of a model, those that measure, and the bytes that vectors will take."""

    vectors: Sequence[Task]
    measured: Sequence[Task]
    disk: int


def tasks_of(name: str, plan: ModelPlan) -> Tasks:
    """The tasks of a model: one per language for its word vectors, and one per configuration.

    Raises
    ------
    ValueError
        The model or its treebank cannot be had.
    """
    whole = load_world(**plan.world)
    world = whole.sampled(plan.draw.sentences, plan.draw.seed) if _is_treebank(plan.world) else whole
    pairs = world.pairs()
    if plan.attributes is not None:
        pairs = pairs[pairs["attribute"].isin(plan.attributes)]
    languages = sorted(set(pairs["language"]))
    shared = {
        "version": VERSION,
        "world": dict(plan.world),
        "draw": asdict(plan.draw),
        "plan": asdict(plan.probing),
        "identity": world_identity(whole, languages),
    }
    pairs_at = [
        (*pair, site) for site in plan.all_sites for pair in pairs[["language", "attribute"]].to_numpy().tolist()
    ]
    measured = [
        _task(name, shared, Configuration(language, attribute, site), plan.agreement_of(attribute, site))
        for language, attribute, site in pairs_at
        if plan.studies(attribute, site)
    ]
    if _first_token(plan.world):
        own = {"layers": [site.layer for site in plan.sites if site.kind == "residual"], "agreement": None}
        measured.append(Task(f"{name}-beginnings", _plain({**shared, **own}), f"{name} beginnings"))
    at = {"version": CODE_VERSION, "sites": [site.columns for site in plan.sites]}
    vectors = [
        Task(f"vectors-{name}-{language}", _plain({**shared, **at, "language": language}), f"vectors of {name}")
        for language in languages
        if plan.sites
    ]
    return Tasks(vectors, measured, world.disk_need(languages, plan.sites) if plan.sites else 0)


def _task(name: str, shared: Mapping[str, Any], one: Configuration, agreement: AgreementPlan | None) -> Task:
    own = {"configuration": one.columns, "agreement": None if agreement is None else asdict(agreement)}
    kind = f"{name} {one.site.kind}" + (" agreement" if agreement else "")
    return Task(f"{name}-{one.id}", _plain({**shared, **own}), kind)


def _first_token(world: Mapping[str, Any]) -> str | None:
    """The token that texts were made to begin with, of a trained real model."""
    own = str(world["model"])
    return real.named(own).begins_with if world["name"] == "real" and not own.endswith(UNTRAINED) else None


def _plain(parameters: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(parameters))
    return found


def _is_treebank(world: Mapping[str, Any]) -> bool:
    return world["name"] != "mini"


def world_at(parameters: Mapping[str, Any], language: str) -> World:
    """The world of a task, with the sentences that are drawn; loaded once per process."""
    return _world_at(*(json.dumps(parameters[name], sort_keys=True) for name in ("world", "draw")), language)


@lru_cache(maxsize=1)
def _world_at(options: str, draw: str, language: str) -> World:
    world, how = world_of(json.loads(options), language), json.loads(draw)
    return world.sampled(how["sentences"], how["seed"]) if _is_treebank(json.loads(options)) else world


@lru_cache(maxsize=1)
def _items(options: str, draw: str, language: str) -> Items:
    return items_of(_world_at(options, draw, language), language, Draw(**json.loads(draw)))


def prepare(parameters: Mapping[str, Any]) -> dict[str, pd.DataFrame]:
    """Read all sentences of a language at all sites, in one pass; see :meth:`.World.prepare`."""
    language = parameters["language"]
    sites = [Site(at["site"], at["layer"]) for at in parameters["sites"]]
    return {"vectors": world_at(parameters, language).prepare([language], sites)}


def measure(parameters: Mapping[str, Any]) -> dict[str, pd.DataFrame]:
    """Do one of :func:`tasks_of`.

    Returns
    -------
    curves, leads and orders (:func:`~pitfalls.study.probing.probing_tables`); where there are items, items
    (:func:`~pitfalls.study.agreement.items_table`) and the tables of
    :func:`~pitfalls.study.agreement.agreement_tables`; and autoencoder (:func:`~pitfalls.models.sae.quality`).

    Raises
    ------
    ValueError
        The task was made by another version of this code.
    """
    if parameters["version"] != VERSION:
        raise ValueError(
            f"the task is of version {parameters['version']} of the study's code, and this is {VERSION}: run "
            "`pitfalls real` again"
        )
    if "configuration" not in parameters:
        return {"beginnings": _beginnings(parameters)}
    one, plan = Configuration.of(parameters["configuration"]), Plan(**parameters["plan"])
    world = world_at(parameters, one.language)
    more: dict[str, pd.DataFrame] = {}
    if one.site.kind == "sae":
        world, more = _with_latents(world, one.site.layer)
    whole = world.activations(one.language, one.attribute, site=one.site)
    data = Splits(train=drawn(whole.train, plan.train_words, plan.seed), dev=whole.dev, test=whole.test)
    experiment = Experiment(world, data)
    if parameters["agreement"] is None:
        return {**probing_tables(Setting(experiment, rankings_of(data, plan), plan)), **more}
    return {**_with_agreement(experiment, plan, parameters), **more}


def again(
    name: str, plan: ModelPlan, attribute: str, site: Site, language: str = REAL_LANGUAGE
) -> dict[str, pd.DataFrame]:
    """Measure one configuration of a model again; the model must be had, and its treebank.

    Raises
    ------
    ValueError
        The plan has no such configuration, or the model or its treebank cannot be had.
    """
    configurations = {
        Configuration.of(task.parameters["configuration"]): task.parameters
        for task in tasks_of(name, plan).measured
        if "configuration" in task.parameters
    }
    one = Configuration(language, attribute, site)
    if one not in configurations:
        there = sorted(
            {other.attribute for other in configurations if (other.language, other.site) == (language, site)}
        )
        known = (
            f"at {site} it has {', '.join(there)}" if there else f"its sites are {', '.join(map(str, plan.all_sites))}"
        )
        raise ValueError(f"the study of {name} has no {language} {attribute} at {site}: {known}")
    return measure(configurations[one])


def _with_agreement(experiment: Experiment, plan: Plan, parameters: Mapping[str, Any]) -> dict[str, pd.DataFrame]:
    language = experiment.data.language
    items = _items(*(json.dumps(parameters[name], sort_keys=True) for name in ("world", "draw")), language)
    asks = AgreementPlan(**parameters["agreement"])
    rankings = rankings_of(experiment.data, plan)
    asked = asked_rankings(experiment, items, asks, plan.seed)
    probing = probing_tables(Setting(experiment, [*rankings, *asked], plan))
    reading = [one for one in rankings if one.direction == "ttb" and one.name != "random"]
    random = random_rankings(experiment.data, asks.draws, plan.seed)
    found = agreement_tables(experiment, [*reading, *asked, *random], items, asks, plan.seed)
    return {**probing, "items": items_table(items).assign(language=language), **found}


def _beginnings(parameters: Mapping[str, Any]) -> pd.DataFrame:
    """How long the states of first words are, and of others, with the token that begins a text and without it.

    Returns
    -------
    One row per layer, beginning (the token, or "") and place ("first", "other"): words, their median norm, and the
    standard deviations of the unit that varies most and of the median unit.
    """
    world = world_at(parameters, REAL_LANGUAGE)
    words = [sentence.forms for sentence in world.sentences(REAL_LANGUAGE, "test")[:_BEGINNINGS]]
    first = np.concatenate([np.arange(len(sentence)) == 0 for sentence in words])
    without = load_model(*real.source_of(str(parameters["world"]["model"])))
    rows = []
    for token, model in (("", without), (_first_token(parameters["world"]), world.model)):
        for site, vectors in site_vectors(model, words, parameters["layers"]).items():
            about = {"layer": site.layer, "begins_with": token}
            rows += [
                {**about, "place": place, **_sizes(vectors[at])} for place, at in (("first", first), ("other", ~first))
            ]
    return pd.DataFrame(rows)


def _sizes(vectors: NDArray[np.floating]) -> dict[str, float]:
    spread = vectors.std(axis=0)
    norm = float(np.median(np.linalg.norm(vectors, axis=1)))
    return {
        "words": len(vectors),
        "norm": norm,
        "largest_sd": float(spread.max()),
        "median_sd": float(np.median(spread)),
    }


def _with_latents(world: World, layer: int) -> tuple[World, dict[str, pd.DataFrame]]:
    """The world with an autoencoder of its training sentences, and how good that is on its test sentences."""
    (language,) = world.languages
    train, test = ([sentence.forms for sentence in world.sentences(language, split)] for split in ("train", "test"))
    sae = train_sae(world.model, train, layer, SAE_RECIPE)
    return world.with_sae(sae), {"autoencoder": quality(sae, world.model, test)}
