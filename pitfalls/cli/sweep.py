"""``pitfalls sweep``: measure everything in all configurations of a world."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path

from pitfalls.cli.common import say, world_options
from pitfalls.files import free_space
from pitfalls.study.costs import estimate, total_hours
from pitfalls.study.everywhere import do_study, preparations, publish_study, study_tasks, wanted_sites
from pitfalls.study.executors import DaskCluster, Processes
from pitfalls.study.plan import Plan
from pitfalls.study.sweep import Task
from pitfalls.worlds.world import World

_USUAL = {"device": "cpu", "dtype": None}


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    world = world_options(options)
    # Leave defaults out: the name of a task's file depends on everything in here.
    world |= {name: getattr(options, name) for name in ("device", "dtype") if getattr(options, name) != _USUAL[name]}
    train, dev, test = options.words
    plan = Plan(test_sentences=options.sentences, train_words=train, dev_words=dev, test_words=test, seed=options.seed)
    kept = options.output / "build" / "sweep"
    resources = {"GPU": 1.0} if options.device.startswith("cuda") else {}
    executor = DaskCluster(options.dask, resources) if options.dask else Processes(options.jobs)
    opened, tasks = study_tasks(world, plan, options.layers, options.languages)
    _say_disk(opened, preparations(opened, tasks, kept, options.limit))
    if options.dry_run:
        _say_costs(tasks, kept, executor.workers())
        return
    swept = do_study(opened, tasks, kept, executor, options.limit)
    say(f"{len(swept.results)} configurations, {swept.found} of them done before (kept in {kept})")
    if swept.left:
        say(f"{swept.left} are left for later (--limit): nothing is published before all are done")
    elif swept.results:
        publish_study(options.world, opened.model.n_neurons, swept.tables(), options.output)
        say(f"wrote {options.output / 'results' / f'study-{options.world}.zip'} and the paper's figures and tables")
    swept.check()


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
