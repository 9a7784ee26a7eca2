"""Many independent tasks in parallel; each finished one is a durable file: nothing is lost, nothing done twice.

A task is named by everything that decides its result, the package's own source included; a file under that name is the
task done. Whoever runs the same sweep again, after whatever stopped it, goes on with the tasks that have no file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import joblib
import pandas as pd
from tqdm import tqdm

from pitfalls.study import machine
from pitfalls.study.stored import DamagedResultError, Result, read_result, write_result

#: What does not decide a result: how it is drawn, told, or taught.
_NOT_DECISIVE = ("figures", "course", "cli.py", "study/report.py", "study/templates")

Work = Callable[[Mapping[str, Any]], Mapping[str, pd.DataFrame]]


@dataclass(frozen=True)
class Task:
    """A name for people, and the parameters, plain JSON, that with the code decide the result."""

    name: str
    parameters: Mapping[str, Any]

    def file(self, folder: Path) -> Path:
        """Where its result lies once it is done."""
        decisive = json.dumps({"parameters": self.parameters, "code": code_fingerprint()}, sort_keys=True)
        return folder / f"{self.name}-{hashlib.sha256(decisive.encode()).hexdigest()[:12]}.zip"


@dataclass(frozen=True)
class Failure:
    """A task that could not be done, and why."""

    task: Task
    reason: str


@dataclass(frozen=True)
class Swept:
    """What a sweep found: the results of the tasks that were done, in the tasks' order, and the failures."""

    results: Sequence[Result]
    failures: Sequence[Failure]
    found: int
    """How many had been done before."""

    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables of all results under their names, one below the other."""
        names = dict.fromkeys(name for result in self.results for name in result.tables)
        return {
            name: pd.concat([r.tables[name] for r in self.results if name in r.tables], ignore_index=True)
            for name in names
        }


def sweep(tasks: Sequence[Task], work: Work, folder: Path, jobs: int = 1) -> Swept:
    """Do the tasks that are not done yet, in ``jobs`` processes, and collect all results.

    A task that fails does not stop the others; it is told at the end, and done again by the next sweep.

    Parameters
    ----------
    work : a function of a module, called with a task's parameters; it gives tables by name
    folder : of the result files

    Raises
    ------
    ValueError
        Two tasks have the same name.
    """
    files = [task.file(folder) for task in tasks]
    if len(set(files)) < len(files):
        raise ValueError("two tasks have the same name and parameters: each task may come once")
    todo = [task for task, file in zip(tasks, files, strict=True) if not _is_done(file)]
    failures = [
        outcome
        for outcome in tqdm(_outcomes(todo, work, folder, jobs), total=len(todo), desc="sweep", unit="task")
        if outcome is not None
    ]
    failed = {failure.task.name for failure in failures}
    results = [read_result(file) for task, file in zip(tasks, files, strict=True) if task.name not in failed]
    # In the order of the tasks, whichever process was the first.
    failures.sort(key=lambda failure: tasks.index(failure.task))
    return Swept(results, failures, len(tasks) - len(todo))


def _outcomes(todo: Sequence[Task], work: Work, folder: Path, jobs: int) -> Iterator[Failure | None]:
    if jobs == 1 or len(todo) < 2:
        return (_do(task, work, folder) for task in todo)
    parallel = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered")
    outcomes: Iterator[Failure | None] = parallel(joblib.delayed(_do)(task, work, folder) for task in todo)
    return outcomes


def _is_done(file: Path) -> bool:
    try:
        read_result(file)
    except (FileNotFoundError, DamagedResultError):
        return False
    return True


def _do(task: Task, work: Work, folder: Path) -> Failure | None:
    """Do one task and write its file; the failure, if it is one."""
    try:
        tables = work(task.parameters)
        manifest = {"name": task.name, "parameters": dict(task.parameters), "machine": machine.describe()}
        write_result(task.file(folder), Result(manifest, tables))
    except Exception as error:  # Whatever one task meets must not stop the others; it is told.
        return Failure(task, f"{type(error).__name__}: {error}")
    return None


@cache
def code_fingerprint() -> str:
    """SHA-256 over the package's source, but for what only draws, tells or teaches."""
    root = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        place = path.relative_to(root).as_posix()
        if path.suffix in (".py", ".tsv", ".json") and "_mini" not in place and not place.startswith(_NOT_DECISIVE):
            digest.update(f"{place}\n".encode() + path.read_bytes() + b"\n")
    return digest.hexdigest()
