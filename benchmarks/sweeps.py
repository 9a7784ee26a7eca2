"""Run a sweep of the study in a fresh process: ``python -m benchmarks.sweeps WORKERS THREADS SCALE FOLDER``.

Started by :mod:`benchmarks.scaling`, which has written the tasks into FOLDER; prints JSON. Results and word vectors go
into an empty folder, so that the sweep finds nothing that another run has made.
"""

from __future__ import annotations

import hashlib
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.measure import load_average
from pitfalls.study.executors import Processes
from pitfalls.study.measures import measure
from pitfalls.study.sweep import Swept, Task, sweep


def write_tasks(tasks: Sequence[Task], folder: Path) -> None:
    """Write tasks for :func:`read_tasks` in another process."""
    (folder / "tasks.json").write_text(json.dumps([asdict(task) for task in tasks]), encoding="utf-8")


def read_tasks(folder: Path) -> list[Task]:
    """What :func:`write_tasks` wrote."""
    return [Task(**one) for one in json.loads((folder / "tasks.json").read_text(encoding="utf-8"))]


def measured(tasks: Sequence[Task], workers: int) -> dict[str, Any]:
    """The row of one sweep over ``workers`` processes.

    Raises
    ------
    RuntimeError
        A task failed.
    """
    load = load_average()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PITFALLS_CACHE"] = folder
        # Use the system's clock, because it dates the files too.
        begin = time.time()
        swept = sweep(tasks, measure, Path(folder) / "results", Processes(workers))
        seconds = time.time() - begin
        written = {task.name: task.file(Path(folder) / "results") for task in tasks}
        ends = {name: file.stat().st_mtime - begin for name, file in written.items() if file.exists()}
    if swept.failures:
        raise RuntimeError(f"{len(swept.failures)} of {len(tasks)} tasks failed: {swept.failures[0].reason}")
    taken = {result.manifest["name"]: float(result.manifest["seconds"]) for result in swept.results}
    return {"workers": workers, **rates_of(seconds, ends, taken), "load": load, "tables": fingerprint(swept)}


def rates_of(seconds: float, ends: Mapping[str, float], taken: Mapping[str, float]) -> dict[str, float]:
    """How fast a sweep was, with and without the start of its workers.

    Parameters
    ----------
    seconds : from the sweep's start to its end
    ends : when each task ended, in seconds after the start, by name
    taken : how many seconds each task took, by name

    Returns
    -------
    ``startup_seconds`` is the time until the first task begins (a worker's start and its imports; loading the world is
    part of its first task). The steady rate leaves that time out.

    Examples
    --------
    >>> found = rates_of(62.0, {"a": 32.0, "b": 62.0}, {"a": 30.0, "b": 30.0})
    >>> found["startup_seconds"], found["tasks_per_minute"], found["steady_tasks_per_minute"]
    (2.0, 1.935483870967742, 2.0)
    """
    startup = max(0.0, min(ends[name] - taken[name] for name in ends))
    return {
        "tasks": len(ends),
        "seconds": seconds,
        "startup_seconds": startup,
        "first_to_last_seconds": max(ends.values()) - min(ends.values()),
        "task_seconds": statistics.median(taken.values()),
        "tasks_per_minute": 60 * len(ends) / seconds,
        "steady_tasks_per_minute": 60 * len(ends) / (seconds - startup),
    }


def fingerprint(swept: Swept) -> str:
    """SHA-256 over all tables: two sweeps with the same tables have the same fingerprint."""
    tables: Mapping[str, pd.DataFrame] = swept.tables()
    digest = hashlib.sha256()
    for name in sorted(tables):
        digest.update(f"{name}\n{tables[name].to_csv(index=False)}".encode())
    return digest.hexdigest()


def main() -> None:
    """What the fresh process does; the environment sets how many threads it and its workers have."""
    workers, folder = int(sys.argv[1]), Path(sys.argv[4])
    print(json.dumps([measured(read_tasks(folder), workers)]))


if __name__ == "__main__":
    main()
