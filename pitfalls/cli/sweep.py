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
from pitfalls.study.everywhere import STUDIED, do_study, preparations, publish_study, study_tasks, wanted_sites
from pitfalls.study.executors import DaskCluster, Executor, Processes
from pitfalls.study.output import stored_study, study_id
from pitfalls.study.paper import claim_tables, publish_claims, publish_paper, tables_of
from pitfalls.study.plan import Plan
from pitfalls.study.spot_checks import differences, spread
from pitfalls.study.sweep import Swept, Task
from pitfalls.worlds.load import load_world
from pitfalls.worlds.world import World

_USUAL = {"device": "cpu", "dtype": None}


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    resources = {"GPU": 1.0} if options.device.startswith("cuda") else {}
    executor = DaskCluster(options.dask, resources) if options.dask else Processes(options.jobs)
    studies: list[_Study] = []
    for place, (world, layers) in enumerate(_worlds(options)):
        languages = _some_languages(world, options.spot_checks, place) if options.spot_checks else None
        study = _swept(options, world, layers, options.languages or languages, executor)
        if study is not None:
            studies.append(study)
    if not options.dry_run and all(study.tables for study in studies):
        _publish(options, studies)
    for study in studies:
        study.swept.check()


@dataclass(frozen=True, eq=False)
class _Study:
    """What was swept of one model; ``tables`` are empty if configurations are left, or all failed."""

    name: str
    world: Mapping[str, Any]
    n_neurons: int
    swept: Swept
    tables: Mapping[str, pd.DataFrame]


def _worlds(options: argparse.Namespace) -> list[tuple[dict[str, Any], Sequence[int] | None]]:
    """What to load for each study, with its layers; in the mini world, by default, all of :data:`STUDIED`."""
    world = world_options(options)
    # Leave defaults out: the name of a task's file depends on everything in here.
    world |= {name: getattr(options, name) for name in ("device", "dtype") if getattr(options, name) != _USUAL[name]}
    if options.world != "mini" or options.model:
        return [(world, options.layers)]
    return [({**world, "model": model}, options.layers or layers) for model, layers in STUDIED.items()]


def _some_languages(world: Mapping[str, Any], count: int, place: int) -> list[str]:
    """As many of a world's languages as there are spot checks, other ones for each study: reading all takes longer."""
    there = load_world(**{**world, "device": "cpu"}).languages
    return [there[(place + i) % len(there)] for i in range(min(count, len(there)))]


def _swept(
    options: argparse.Namespace,
    world: Mapping[str, Any],
    layers: Sequence[int] | None,
    languages: Sequence[str] | None,
    executor: Executor,
) -> _Study | None:
    """Sweep one model's configurations; None for a dry run."""
    train, dev, test = options.words
    plan = Plan(test_sentences=options.sentences, train_words=train, dev_words=dev, test_words=test, seed=options.seed)
    kept = options.output / "build" / "sweep"
    opened, tasks = study_tasks(world, plan, layers, languages)
    if options.spot_checks:
        tasks = spread(tasks, options.spot_checks)
    _say_disk(opened, preparations(opened, tasks, kept, options.limit))
    if options.dry_run:
        _say_costs(tasks, kept, executor.workers())
        return None
    swept = do_study(opened, tasks, kept, executor, options.limit)
    name = study_id(options.world, world.get("model") or "")
    say(f"{name}: {len(swept.results)} configurations, {swept.found} of them done before (kept in {kept})")
    if swept.left:
        say(f"{swept.left} are left for later (--limit): nothing is published before all are done")
    tables: Mapping[str, pd.DataFrame] = {} if swept.left or not swept.results else swept.tables()
    if options.spot_checks and tables:
        tables = _as_stored(name, world, tables)
    return _Study(name, world, opened.model.n_neurons, swept, tables)


def _as_stored(name: str, world: Mapping[str, Any], anew: Mapping[str, pd.DataFrame]) -> Mapping[str, pd.DataFrame]:
    """The stored study, if the recomputed configurations are in it as they are now."""
    stored = stored_study(str(world["name"]), str(world.get("model") or ""))
    found = differences(stored, anew)
    if found:
        raise ValueError(
            f"{name} is not what this code computes; differing entries, by table and column: {found}. Sweep again "
            "without --spot-checks, and look at what has changed"
        )
    say(f"{name}: recomputed as stored")
    return stored


def _publish(options: argparse.Namespace, studies: Sequence[_Study]) -> None:
    """Write all studies, the figures and tables of the first, and the claims of all."""
    by_model: dict[str, Mapping[str, pd.DataFrame]] = {}
    for study in studies:
        say(f"wrote {publish_study(study.world, study.n_neurons, study.tables, options.output)}")
        by_model[str(study.world.get("model") or options.world)] = claim_tables(study.tables, study.n_neurons)
    first = studies[0]
    publish_paper(tables_of(first.tables, first.n_neurons), options.output)
    publish_claims(by_model, first.n_neurons, options.output)
    say("wrote the paper's figures and tables, and the claims")


def _say_disk(world: World, vectors: Sequence[Task]) -> None:
    """Say how much room the word vectors will take in the cache, and how much is free there."""
    if world.cache is None:
        return
    need = sum(world.disk_need([task.parameters["language"]], wanted_sites(task.parameters)) for task in vectors)
    free = free_space(world.cache)
    short = "" if need <= free else ": too little; make room, or set PITFALLS_CACHE to a folder on another disk"
    say(f"word vectors: {need / 1e9:.3f} GB to write into {world.cache}, where {free / 1e9:.2f} GB are free{short}")


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
