"""``pitfalls sweep``: measure everything in all configurations of a world."""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from pitfalls.cli.common import say, world_options
from pitfalls.files import free_space
from pitfalls.study.costs import estimate, total_hours
from pitfalls.study.everywhere import STUDIED, do_studies, preparations, publish_study, study_tasks, wanted_sites
from pitfalls.study.executors import DaskCluster, Processes
from pitfalls.study.output import stored_study, study_of
from pitfalls.study.paper import claim_tables, publish_claims, publish_paper, tables_of
from pitfalls.study.plan import Plan
from pitfalls.study.spot_checks import differences, spread
from pitfalls.study.sweep import Task
from pitfalls.worlds.load import load_world
from pitfalls.worlds.world import World

_USUAL = {"device": "cpu", "dtype": None}


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    resources = {"GPU": 1.0} if options.device.startswith("cuda") else {}
    executor = DaskCluster(options.dask, resources) if options.dask else Processes(options.jobs)
    kept = options.output / "build" / "sweep"
    studies = [_study(options, place, *which) for place, which in enumerate(_worlds(options))]
    opened = [(study.world, study.tasks) for study in studies]
    _say_disk(preparations(opened, kept, options.limit))
    if options.dry_run:
        _say_costs([task for study in studies for task in study.tasks], kept, executor.workers())
        return
    swept = do_studies(opened, kept, executor, options.limit)
    say(f"{len(swept.results)} configurations, {swept.found} of them done before (kept in {kept})")
    tables: list[Mapping[str, pd.DataFrame]] = [swept.tables(study.tasks) for study in studies]
    if swept.left:
        say(f"{swept.left} are left for later (--limit): nothing is published before all are done")
    elif all(tables):
        if options.spot_checks:
            tables = [_as_stored(study, anew) for study, anew in zip(studies, tables, strict=True)]
        _publish(studies, tables, options.output, options.jobs)
    swept.check()


@dataclass(frozen=True, eq=False)
class _Study:
    """One model's configurations: what :func:`load_world` takes, the world that it gives, and the tasks."""

    options: Mapping[str, Any]
    world: World
    tasks: Sequence[Task]

    @property
    def model(self) -> str:
        """What the user calls the model."""
        return str(self.options.get("model") or "")

    @property
    def name(self) -> str:
        """The study's name on disk."""
        return study_of(self.options)


def _worlds(options: argparse.Namespace) -> list[tuple[dict[str, Any], Sequence[int] | None]]:
    """What to load for each study, with its layers; in the mini world, by default, all of :data:`STUDIED`."""
    world = world_options(options)
    # Leave defaults out: the name of a task's file depends on everything in here.
    world |= {name: getattr(options, name) for name in ("device", "dtype") if getattr(options, name) != _USUAL[name]}
    if options.world != "mini" or options.model:
        return [(world, options.layers)]
    return [({**world, "model": model}, options.layers or layers) for model, layers in STUDIED.items()]


def _study(options: argparse.Namespace, place: int, world: Mapping[str, Any], layers: Sequence[int] | None) -> _Study:
    """What to do of one model."""
    train, dev, test = options.words
    plan = Plan(test_sentences=options.sentences, train_words=train, dev_words=dev, test_words=test, seed=options.seed)
    languages = options.languages
    if options.spot_checks and not languages:
        languages = _some_languages(world, options.spot_checks, place)
    opened, tasks = study_tasks(world, plan, layers, languages)
    return _Study(world, opened, spread(tasks, options.spot_checks) if options.spot_checks else tasks)


def _some_languages(world: Mapping[str, Any], count: int, place: int) -> list[str]:
    """As many of a world's languages as there are spot checks, other ones for each study: reading all takes longer."""
    there = load_world(**{**world, "device": "cpu"}).languages
    return [there[(place + i) % len(there)] for i in range(min(count, len(there)))]


def _as_stored(study: _Study, anew: Mapping[str, pd.DataFrame]) -> Mapping[str, pd.DataFrame]:
    """The stored study, if the recomputed configurations are in it as they are now."""
    stored = stored_study(str(study.options["name"]), study.model)
    found = differences(stored, anew)
    if found:
        raise ValueError(
            f"{study.name} is not what this code computes; differing entries, by table and column: {found}. Sweep "
            "again without --spot-checks, and look at what has changed"
        )
    say(f"{study.name}: recomputed as stored")
    return stored


def _publish(studies: Sequence[_Study], tables: Sequence[Mapping[str, pd.DataFrame]], output: Path, jobs: int) -> None:
    """Write all studies, the figures and tables of the first, and the claims of all."""
    by_model: dict[str, Mapping[str, pd.DataFrame]] = {}
    n_neurons = studies[0].world.model.n_neurons
    for study, own in zip(studies, tables, strict=True):
        say(f"wrote {publish_study(study.options, study.world.model.n_neurons, own, output)}")
        by_model[study.model or str(study.options["name"])] = claim_tables(own, study.world.model.n_neurons)
    publish_paper(tables_of(tables[0], n_neurons), output, jobs)
    publish_claims(by_model, n_neurons, output)
    say("wrote the paper's figures and tables, and the claims")


def _say_disk(vectors: Sequence[tuple[World, Task]]) -> None:
    """Say how much room the word vectors will take in the cache, and how much is free there."""
    caches = [world.cache for world, _ in vectors if world.cache is not None]
    if not caches:
        return
    need = sum(world.disk_need([task.parameters["language"]], wanted_sites(task.parameters)) for world, task in vectors)
    free = free_space(caches[0])
    short = "" if need <= free else ": too little; make room, or set PITFALLS_CACHE to a folder on another disk"
    say(f"word vectors: {need / 1e9:.3f} GB to write into {caches[0]}, where {free / 1e9:.2f} GB are free{short}")


def _say_costs(tasks: Sequence[Task], kept: Path, workers: int) -> None:
    """Say what a sweep would do, and how long it would take."""
    table = estimate(tasks, kept, workers)
    say(table.round({"seconds_a_task": 2, "hours": 3}).to_string(index=False))
    hours = total_hours(table, workers)
    todo = f"{table['to_do'].sum()} of {table['tasks'].sum()} configurations are left to do"
    if math.isnan(hours):
        say(f"{todo}; how long one takes is not known: do one with --limit 1")
        return
    say(f"{todo}: {hours:.2f} hours on {workers} worker(s)")
