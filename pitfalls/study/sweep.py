"""Many independent tasks in parallel; each finished one is a durable file: nothing is lost, nothing is done twice.

A task's file is named after everything that decides its result, including the version of its code. If the file is there
and its manifest says the same, the task is done. Whatever stopped a sweep, running it again does the tasks that have no
such file.

Two sweeps on one folder share the work: the process that does a task holds a lock. If the process dies, the system
releases the lock. The other sweep does other tasks, and waits at its end for those that are still being done. Where a
file system has no locks (some network disks), both may do a task; its file is renamed into place, so it is whole either
way.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from filelock import Timeout
from tqdm import tqdm

from pitfalls import files
from pitfalls.study import machine
from pitfalls.study.executors import HERE, Executor, Outcome, SweepStoppedError
from pitfalls.study.stored import DamagedResultError, Result, packed, read_result

Work = Callable[[Mapping[str, Any]], Mapping[str, pd.DataFrame]]

_AT_ONCE, _FOR_EVER = 0.0, -1.0


@dataclass(frozen=True)
class Task:
    """A name for people, and the parameters (plain JSON) that decide the result.

    Attributes
    ----------
    parameters:
        Among them the version of the code that does the task; raise it with every change that alters its results.
    kind:
        Tasks of one kind take about the same time. By default the name up to its first hyphen.

    Examples
    --------
    >>> Task("effects-eng_number_layer2", {"version": 1}).kind
    'effects'
    """

    name: str
    parameters: Mapping[str, Any]
    kind: str = ""

    def __post_init__(self) -> None:
        if not self.kind:
            object.__setattr__(self, "kind", self.name.split("-")[0])

    def file(self, folder: Path) -> Path:
        """Where its result is once it is done."""
        return folder / f"{self.name}-{hashlib.sha256(_text(self.parameters).encode()).hexdigest()[:12]}.zip"

    def result(self, folder: Path) -> Result:
        """Read its result.

        Raises
        ------
        FileNotFoundError
            It is not done.
        DamagedResultError
            Its file is damaged, or holds another task's result.
        OSError
            The file cannot be read.
        """
        file = self.file(folder)
        result = read_result(file)
        name, parameters = result.manifest.get("name"), result.manifest.get("parameters")
        if name != self.name or _text(parameters) != _text(self.parameters):
            raise DamagedResultError(
                f"{file} holds the result of another task ({name!r}): delete it, and run the same command again"
            )
        return result


def _text(parameters: Any) -> str:
    return json.dumps(parameters, sort_keys=True)


@dataclass(frozen=True)
class Failure:
    """A task that could not be done, and why."""

    task: Task
    reason: str


@dataclass(frozen=True)
class Swept:
    """What a sweep found: the results of the tasks that were done, in the tasks' order, and the failures.

    Attributes
    ----------
    found:
        How many had been done before.
    left:
        How many were left for another time, because of a limit.
    """

    results: Sequence[Result]
    failures: Sequence[Failure]
    found: int
    left: int = 0

    def tables(self, tasks: Sequence[Task] | None = None) -> dict[str, pd.DataFrame]:
        """The tables of the results of some tasks, by default all, by name, each concatenated."""
        wanted = None if tasks is None else {task.name for task in tasks}
        results = [one for one in self.results if wanted is None or one.manifest["name"] in wanted]
        names = dict.fromkeys(name for result in results for name in result.tables)
        return {name: _joined([result.tables[name] for result in results if name in result.tables]) for name in names}

    def check(self) -> None:
        """Raise a ValueError that lists all failures, if there are any."""
        if self.failures:
            told = "; ".join(f"{failure.task.name}: {failure.reason}" for failure in self.failures)
            raise ValueError(f"{len(self.failures)} tasks failed ({told}); run the same command to do them again")


def _joined(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The tables concatenated, without empty ones, whose columns have no type."""
    return pd.concat([table for table in tables if len(table)] or tables[:1], ignore_index=True)


def sweep(
    tasks: Sequence[Task],
    work: Work,
    folder: Path,
    executor: Executor = HERE,
    *,
    limit: int | None = None,
) -> Swept:
    """Do the tasks that are not done yet, and collect all results.

    A task that fails does not stop the others; it is among the failures, and the next sweep does it again. The sweep
    waits for tasks that another sweep on the same folder is doing.

    Parameters
    ----------
    work : a module-level function, called with a task's parameters; it returns tables by name
    folder : where the result files are
    executor : see :mod:`~pitfalls.study.executors`; by default this process
    limit : do at most this many tasks, in their order; by default all

    Raises
    ------
    ValueError
        Two tasks have the same name, or the limit is below 1.
    OSError
        Nothing can be written into the folder (a full disk, say), so no other result could be kept either. Finished
        tasks are kept, and the same sweep goes on from there.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> tasks = [Task(f"square-{n}", {"n": n, "version": 1}) for n in (2, 3)]
    >>> def square(parameters):
    ...     return {"squares": pd.DataFrame({"square": [parameters["n"] ** 2]})}
    >>> with TemporaryDirectory() as place:
    ...     first, again = (sweep(tasks, square, Path(place)) for _ in range(2))
    >>> first.found, again.found, again.tables()["squares"]["square"].tolist()
    (0, 2, [4, 9])
    """
    if limit is not None and limit < 1:
        raise ValueError(f"limit is {limit}: give the number of tasks to do, 1 or more, or no limit")
    if len({task.name for task in tasks}) < len(tasks):
        raise ValueError("two tasks have the same name: give each its own")
    # Workers may have a different working directory.
    folder = Path(folder).absolute()
    files.remove_leftovers(folder)
    missing = []
    for task in tasks:
        if is_done(task, folder):
            _drop_lock(task, folder)  # Left by a process that died after writing the result.
        else:
            missing.append(task)
    found, todo = len(tasks) - len(missing), missing[:limit]
    # Show the mean rate, because workers' outcomes come in bursts.
    with tqdm(total=found + len(todo), initial=found, desc="sweep", unit="task", smoothing=0) as bar:
        try:
            failures = _failures(todo, partial(_do, work=work, folder=folder), executor, folder, bar)
        except SweepStoppedError as error:
            # Not taken from the bar, which does not count while it is switched off.
            done = sum(is_done(task, folder) for task in tasks)
            raise OSError(
                f"the sweep stopped after {done} of {found + len(todo)} tasks: {error}. All finished tasks are kept in "
                f"{folder}: fix that, and run the same command again"
            ) from error
    left = {task.name for task in missing[len(todo) :]}
    return _collected([task for task in tasks if task.name not in left], folder, failures, found, len(left))


def is_done(task: Task, folder: Path) -> bool:
    """Whether a task's result file is there, undamaged, and not another task's.

    A file that cannot be read (another user's, say) counts: doing the task again would replace somebody's result.
    Reading it raises the error.
    """
    try:
        task.result(folder)
    except (FileNotFoundError, NotADirectoryError, DamagedResultError):
        return False
    except OSError:
        return True
    return True


def _failures(
    todo: Sequence[Task], do: Callable[..., Outcome], executor: Executor, folder: Path, bar: tqdm
) -> dict[str, str]:
    """Do the tasks, leaving to the end those that another process is doing; return the reasons for failures by name."""
    failures = {}
    for patience in (_AT_ONCE, _FOR_EVER):
        if not todo:
            break
        taken = set()
        with closing(executor.outcomes(partial(do, patience=patience), todo, folder)) as outcomes:
            for outcome in outcomes:
                if outcome.taken:
                    taken.add(outcome.task)
                    continue
                if outcome.failure:
                    failures[outcome.task] = outcome.failure
                bar.update()
        todo = [task for task in todo if task.name in taken]
    return failures


def _collected(tasks: Sequence[Task], folder: Path, failures: Mapping[str, str], found: int, left: int) -> Swept:
    """The results in the folder, in the order of the tasks."""
    results, failed = [], []
    for task in tasks:
        if task.name in failures:
            failed.append(Failure(task, failures[task.name]))
            continue
        try:
            results.append(task.result(folder))
        except (OSError, DamagedResultError) as error:
            failed.append(Failure(task, f"its result cannot be read: {error}"))
    return Swept(results, failed, found, left)


# ----------------------------------------------------------------------------------------- one task


def _do(task: Task, work: Work, folder: Path, patience: float) -> Outcome:
    """Do one task and write its file, unless another process is doing it or has done it; runs on a worker.

    Parameters
    ----------
    patience : seconds to wait for a process that is doing it; -1 for as long as it lives

    Raises
    ------
    SweepStoppedError
        Its file cannot be written, or the disk is full.
    """
    try:
        with files.locked(_lock(task, folder), patience):
            failure = "" if is_done(task, folder) else _failure(task, work, folder)
            if not failure:
                _drop_lock(task, folder)
            return Outcome(task.name, failure)
    except Timeout:
        return Outcome(task.name, taken=True)
    except OSError as error:
        raise SweepStoppedError(f"the result of {task.name} cannot be written: {error}") from error


def _lock(task: Task, folder: Path) -> Path:
    return Path(f"{task.file(folder)}.lock")


def _drop_lock(task: Task, folder: Path) -> None:
    """Remove the lock file of a task that is done: another process that waits for the lock finds the task done."""
    with contextlib.suppress(OSError):
        _lock(task, folder).unlink()


def _failure(task: Task, work: Work, folder: Path) -> str:
    """Do a task and write its file; return the reason if that failed, else an empty text."""
    begin = time.perf_counter()
    try:
        tables = work(task.parameters)
        manifest = {
            "name": task.name,
            "kind": task.kind,
            "parameters": dict(task.parameters),
            "seconds": round(time.perf_counter() - begin, 3),
            "machine": machine.describe(),
        }
        content = packed(Result(manifest, tables))
    except Exception as error:  # No error of one task may stop the others; it is reported at the end.
        if isinstance(error, OSError) and error.errno in files.FULL:
            raise
        return f"{type(error).__name__}: {error}"
    files.write({task.file(folder): content})
    return ""
