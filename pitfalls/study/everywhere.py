"""All configurations of a world at once: run what is missing, and publish the figures and tables of the paper.

All tables of a model go into one file of ``results``, which notebooks read with
:func:`~pitfalls.study.output.stored_study`; :mod:`~pitfalls.study.paper` writes the paper's figures and tables.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from pitfalls.models.store import CODE_VERSION
from pitfalls.site import Site, as_sites
from pitfalls.study.configurations import Configuration, configurations
from pitfalls.study.executors import HERE, Executor
from pitfalls.study.measures import measure, tasks
from pitfalls.study.output import study_of
from pitfalls.study.plan import Plan
from pitfalls.study.setting import world_identity, world_of
from pitfalls.study.stored import Result, write_result
from pitfalls.study.sweep import Swept, Task, is_done, sweep
from pitfalls.worlds.load import load_world
from pitfalls.worlds.names import UNTRAINED
from pitfalls.worlds.world import World

#: The mini world's models that are studied, with their layers: all above the embeddings, or for the untrained twin, of
#: which most results are nothing, the middle one.
STUDIED: Mapping[str, Sequence[int] | None] = {
    "bert": None,
    "bert-2": None,
    "bert-3": None,
    "xlmr": None,
    f"bert{UNTRAINED}": (2,),
}

#: A world, and its tasks.
Study = tuple[World, Sequence[Task]]


def study_tasks(
    options: Mapping[str, Any],
    plan: Plan | None = None,
    sites: Sequence[Site | int] | None = None,
    languages: Sequence[str] | None = None,
) -> tuple[World, list[Task]]:
    """The world, and one task per configuration; nothing is run.

    A task's kind names what decides how long it takes: world, model, site and sentences.

    Parameters
    ----------
    options : what :func:`~pitfalls.worlds.load.load_world` takes, as plain JSON
    sites, languages : by default those of :func:`~pitfalls.study.configurations.configurations`

    Raises
    ------
    ValueError
        No such world, site or language, or the world's model is causal.
    """
    chosen = plan or Plan()
    # The tasks are the same on every device, and this process may lack the device of the workers.
    world = load_world(**{**options, "device": "cpu"})
    if world.model.causal:
        raise ValueError(
            f"the study counts what becomes of the changed words, which {world.model.name} has predicted before it "
            "reads them: take a masked model, or change a causal one with `pitfalls intervene`, which asks the words "
            "that must agree"
        )
    which = configurations(world, sites, languages)
    identity = world_identity(world, sorted({one.language for one in which}))
    computed = " in ".join([options.get("device", "cpu"), *([options["dtype"]] if "dtype" in options else [])])
    where = f"{world.name} on {computed}, {Path(world.model.name).name}"
    kinds = [f"study {where}, {one.site}, {chosen.test_sentences} sentences" for one in which]
    made = tasks(options, which, chosen, identity)
    return world, [replace(task, kind=kind) for task, kind in zip(made, kinds, strict=True)]


def do_studies(studies: Sequence[Study], folder: Path, executor: Executor = HERE, limit: int | None = None) -> Swept:
    """Do the tasks of one or several studies: first the word vectors that they need, then the tasks themselves.

    If word vectors cannot be made, the other tasks still run, as they may not need them; the failure is reported.

    Parameters
    ----------
    studies : each from :func:`study_tasks`
    folder : where the result files are
    executor : see :mod:`~pitfalls.study.executors`; each of its processes loads the worlds for itself
    limit : do at most this many configurations
    """
    wanted = [task for _, task in preparations(studies, folder, limit)]
    vectors = sweep(wanted, prepare_vectors, folder, executor)
    chosen = [task for _, tasks_of_one in studies for task in tasks_of_one]
    swept = sweep(chosen, measure, folder, executor, limit=limit)
    return replace(swept, failures=[*vectors.failures, *swept.failures])


def preparations(studies: Sequence[Study], folder: Path, limit: int | None = None) -> list[tuple[World, Task]]:
    """One task ``vectors-LANG-STUDY`` per language with a configuration still to do, for :func:`prepare_vectors`.

    Each makes the word vectors of one language at all sites of a study in one pass; they are done in parallel. The
    vectors are kept in the cache (``$PITFALLS_CACHE``): if workers are on several machines it must be a folder that all
    of them see, or each machine makes what it lacks when a configuration needs it.

    Parameters
    ----------
    studies : each from :func:`study_tasks`; a world without a cache (a planted one) needs no preparation
    folder : where the result files are
    limit : do at most this many configurations

    Returns
    -------
    Each task with its world.
    """
    missing = [task.name for _, chosen in studies for task in chosen if not is_done(task, folder)]
    todo = set(missing if limit is None else missing[: max(limit, 0)])
    cached = [(world, chosen) for world, chosen in studies if world.cache is not None]
    return [(world, task) for world, chosen in cached for task in _of_languages(chosen, todo)]


def _of_languages(chosen: Sequence[Task], todo: Collection[str]) -> list[Task]:
    """The tasks of :func:`preparations` for one study, of whose tasks those with some names are to be done."""
    sites: dict[str, list[Site]] = {}
    needed: dict[str, Mapping[str, Any]] = {}
    for task in chosen:
        one = Configuration.of(task.parameters["configuration"])
        sites.setdefault(one.language, []).append(one.site)
        if task.name in todo:
            needed[one.language] = task.parameters
    return [
        Task(
            f"vectors-{language}-{study_of(parameters['world'])}",
            {
                "version": CODE_VERSION,
                "world": parameters["world"],
                "language": language,
                "sites": [site.columns for site in as_sites(sites[language])],
                "identity": parameters["identity"],
            },
        )
        for language, parameters in needed.items()
    ]


def prepare_vectors(parameters: Mapping[str, Any]) -> dict[str, pd.DataFrame]:
    """Do one task of :func:`preparations`: see :meth:`~pitfalls.worlds.world.World.prepare`."""
    world = world_of(parameters["world"], parameters["language"])
    return {"vectors": world.prepare([parameters["language"]], wanted_sites(parameters))}


def wanted_sites(parameters: Mapping[str, Any]) -> list[Site]:
    """The sites of a task of :func:`preparations`."""
    return [Site(at["site"], at["layer"]) for at in parameters["sites"]]


def publish_study(options: Mapping[str, Any], n_neurons: int, tables: Mapping[str, pd.DataFrame], output: Path) -> Path:
    """Write the tables of one study of :func:`do_studies`; return the file.

    Parameters
    ----------
    options : what :func:`~pitfalls.worlds.load.load_world` took
    """
    file = output / "results" / f"{study_of(options)}.zip"
    write_result(file, Result({"world": options["name"], "n_neurons": n_neurons}, tables))
    return file
