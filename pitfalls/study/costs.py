"""What a sweep costs, from what its finished tasks took: an estimate before it is run, and of larger ones.

Every result file says how many seconds its task took and of which kind it is. A kind's unit cost is the median of
those, on whatever machines they were measured.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from pitfalls.study.stored import DamagedResultError, read_result
from pitfalls.study.sweep import Task, is_done

_COLUMNS = ["kind", "tasks", "found", "to_do", "seconds_a_task", "source", "hours"]


def unit_costs(folder: Path, code: str | None = None) -> pd.DataFrame:
    """What the finished tasks of a folder took, by kind.

    Parameters
    ----------
    code : only what this version of the code did (:func:`~pitfalls.study.sweep.code_fingerprint`); by default files of
        other versions count too: that they took about as long is the best guess there is

    Returns
    -------
    kind, measured (the number of tasks), seconds (their median), sorted by kind.
    """
    found = [manifest for file in sorted(folder.glob("*.zip")) if (manifest := _manifest(file))]
    if code is not None:
        found = [manifest for manifest in found if manifest.get("code") == code]
    taken = pd.DataFrame(found, columns=["kind", "seconds"]).astype({"seconds": float})
    costs = taken.groupby("kind", sort=True)["seconds"].agg(["size", "median"])
    return costs.rename(columns={"size": "measured", "median": "seconds"}).reset_index()


def _manifest(file: Path) -> Mapping[str, object] | None:
    try:
        manifest = read_result(file).manifest
    except (OSError, DamagedResultError):
        return None
    return manifest if {"kind", "seconds"} <= manifest.keys() else None


def estimate(tasks: Sequence[Task], folder: Path, workers: int) -> pd.DataFrame:
    """What is still to do, and how long it takes.

    Returns
    -------
    A row a kind, in the order of the tasks: tasks, found, to_do, seconds_a_task, source, and the hours on that many
    workers. The source is ``measured``; or ``assumed``, the mean of the kinds that are measured; or ``not measured``
    where none is, and seconds and hours are NaN.

    Raises
    ------
    ValueError
        Fewer than one worker.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> tasks = [Task(f"nap-{n}", {"n": n}) for n in range(6)]
    >>> with TemporaryDirectory() as folder:
    ...     estimate(tasks, Path(folder), 2)[["kind", "tasks", "found", "to_do", "source"]].values.tolist()
    [['nap', 6, 0, 6, 'not measured']]
    """
    _check_workers(workers)
    measured = _measured(tasks, folder)
    assumed = sum(measured.values()) / len(measured) if measured else math.nan
    rows = []
    for kind in dict.fromkeys(task.kind for task in tasks):
        own = [task for task in tasks if task.kind == kind]
        found = sum(is_done(task, folder) for task in own)
        to_do, seconds = len(own) - found, measured.get(kind, assumed)
        source = "measured" if kind in measured else "assumed" if measured else "not measured"
        rows.append([kind, len(own), found, to_do, seconds, source, hours([seconds] * to_do, workers)])
    return pd.DataFrame(rows, columns=_COLUMNS)


def _measured(tasks: Iterable[Task], folder: Path) -> dict[str, float]:
    costs = unit_costs(folder)
    kinds = {task.kind for task in tasks}
    return {kind: seconds for kind, seconds in zip(costs["kind"], costs["seconds"], strict=True) if kind in kinds}


def with_costs(tasks: Sequence[Task], folder: Path) -> list[Task]:
    """The same tasks with their measured cost; without it where their kind is not measured.

    >>> with_costs([Task("nap-1", {})], Path("nowhere"))[0].cost is None
    True
    """
    measured = _measured(tasks, folder)
    return [replace(task, cost=measured.get(task.kind)) for task in tasks]


def total_hours(estimated: pd.DataFrame, workers: int) -> float:
    """The hours that all kinds of :func:`estimate` take together on some workers; NaN where one is not measured.

    >>> table = pd.DataFrame({"kind": ["a", "b"], "to_do": [3, 1], "seconds_a_task": [1200.0, 3600.0]})
    >>> round(total_hours(table, 1), 6), round(total_hours(table, 2), 6)
    (2.0, 1.333333)
    """
    rows = zip(estimated["to_do"], estimated["seconds_a_task"], strict=True)
    return hours([seconds for to_do, seconds in rows for _ in range(to_do)], workers)


def hours(seconds: Sequence[float], workers: int) -> float:
    """How long some workers take for tasks of so many seconds, each task whole, in the given order.

    >>> hours([3600, 3600, 3600], 2)
    2.0
    """
    _check_workers(workers)
    if any(math.isnan(each) for each in seconds):
        return math.nan
    free = [0.0] * workers
    for each in seconds:
        # Whoever is free first takes the next.
        heapq.heapreplace(free, free[0] + each)
    return max(free) / 3600


def projection(unit_seconds: Sequence[float], n_configurations: int, workers: Sequence[int]) -> pd.DataFrame:
    """What many configurations cost on more workers, each as fast as the measured one.

    Parameters
    ----------
    unit_seconds : of a task of each kind (a layer, say); the configurations are of all kinds in equal numbers
    n_configurations : how many, such as the paper's 156
    workers : numbers of workers, such as 1 and 8 GPUs

    Returns
    -------
    A row a number of workers: workers, configurations, hours.

    Raises
    ------
    ValueError
        No unit cost, one that is not above 0, no configuration, or fewer than one worker.

    Examples
    --------
    >>> projection([1200, 600], 156, [1, 8]).values.tolist()
    [[1.0, 156.0, 39.0], [8.0, 156.0, 5.0]]
    """
    if not unit_seconds or not all(seconds > 0 for seconds in unit_seconds):
        raise ValueError(f"unit costs are {list(unit_seconds)}: give the seconds of a task of each kind, above 0")
    if n_configurations < 1:
        raise ValueError(f"{n_configurations} configurations: give 1 or more")
    seconds = [unit_seconds[i % len(unit_seconds)] for i in range(n_configurations)]
    rows = [(n, n_configurations, hours(seconds, n)) for n in workers]
    return pd.DataFrame(rows, columns=["workers", "configurations", "hours"])


def _check_workers(workers: int) -> None:
    if workers < 1:
        raise ValueError(f"{workers} workers: give 1 or more")
