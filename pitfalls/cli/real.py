"""``pitfalls real``: fetch two real language models and study them, with the mini world's causal model beside them."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace

from pitfalls.cli.common import say
from pitfalls.files import check_room, free_space
from pitfalls.study.executors import Processes
from pitfalls.study.real.plan import ModelPlan, plans
from pitfalls.study.real.publish import publish_model
from pitfalls.study.real.work import measure, prepare, tasks_of
from pitfalls.study.sweep import sweep
from pitfalls.worlds.load import vectors_folder


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    executor, kept = Processes(options.jobs), options.output / "build" / "real"
    chosen = _chosen(options.models)
    if options.treebanks:
        # Absolute, because workers may have a different working directory.
        folder = {"treebanks": os.path.abspath(options.treebanks)}
        chosen = {
            name: replace(plan, world={**plan.world, **(folder if plan.world["name"] == "real" else {})})
            for name, plan in chosen.items()
        }
    made = {name: tasks_of(name, plan) for name, plan in chosen.items()}
    _check_disk(sum(tasks.disk for tasks in made.values()))
    # The longest tasks come first, so that no process is left with one at the end.
    measured = sorted(
        (task for tasks in made.values() for task in tasks.measured),
        key=lambda task: task.parameters["agreement"] is None,
    )
    sweep([task for tasks in made.values() for task in tasks.vectors], prepare, kept, executor).check()
    swept = sweep(measured, measure, kept, executor, limit=options.limit)
    say(f"{len(swept.results)} of {len(measured)} tasks are done, {swept.found} of them before (kept in {kept})")
    swept.check()
    if swept.left:
        say(f"{swept.left} are left for later (--limit): nothing is published before all are done")
        return
    for name, tasks in made.items():
        say(f"wrote {publish_model(chosen[name], swept, tasks.measured, options.output)}")


def _check_disk(need: int) -> None:
    """Say how much room word vectors will take in the cache, and stop if there is too little."""
    cache = vectors_folder()
    say(f"word vectors: {need / 1e9:.1f} GB to write into {cache}, where {free_space(cache) / 1e9:.1f} GB are free")
    check_room(cache, need)


def _chosen(names: Sequence[str]) -> Mapping[str, ModelPlan]:
    """The plans of the models named, or of all."""
    every = plans()
    unknown = [name for name in names if name not in every]
    if unknown:
        raise ValueError(f"no model {', '.join(map(repr, unknown))} in the study; there are: {', '.join(every)}")
    return {name: plan for name, plan in every.items() if not names or name in names}
