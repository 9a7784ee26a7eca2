"""Many independent tasks in parallel; each finished one is a durable file: nothing is lost, nothing done twice.

A task is named by everything that decides its result, the package's own source included; a file under that name which
says the same of itself is the task done. Whoever runs the same sweep again, after whatever stopped it, goes on with the
tasks that have no such file.

Two sweeps on one folder share the work: the process that does a task holds a lock. If the process dies, the system
releases the lock. The other sweep does something else, and waits at its end for what is still being done. Where a file
system has no locks (some network disks), both may do a task; its file is renamed into place, so it is whole either way.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

import pandas as pd
from filelock import Timeout
from tqdm import tqdm

from pitfalls import files
from pitfalls.study import machine
from pitfalls.study.executors import Executor, Outcome, Processes, Serial, State
from pitfalls.study.stored import DamagedResultError, Result, read_result, write_result

#: What does not decide a result: what is made of it, how it is drawn, told, or taught, and where it is computed.
_NOT_DECISIVE = (
    "figures",
    "course",
    "cli",
    "extras.py",
    "files.py",
    "tables.py",
    "study/report.py",
    "study/templates",
    "study/executors.py",
    "study/costs.py",
    "comparison/wilcoxon.py",
    "study/claims.py",
    "study/clusters.py",
    "study/overlap.py",
    "study/paper.py",
    "study/reproduce.py",
    "study/readme.py",
    "study/card.py",
)

Work = Callable[[Mapping[str, Any]], Mapping[str, pd.DataFrame]]

_AT_ONCE, _FOR_EVER = 0.0, -1.0


@dataclass(frozen=True)
class Task:
    """A name for people, and the parameters, plain JSON, that with the code decide the result.

    Attributes
    ----------
    kind:
        Tasks of one kind cost about the same; by default the name up to its first hyphen.
    cost:
        Seconds that it probably takes; it weighs in the progress, where all tasks have one.
    resources:
        What a Dask worker must have, such as ``{"GPU": 1}``.

    >>> Task("effects-eng_number_layer2", {}).kind
    'effects'
    """

    name: str
    parameters: Mapping[str, Any]
    kind: str = ""
    cost: float | None = None
    resources: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.kind:
            object.__setattr__(self, "kind", self.name.split("-")[0])

    def file(self, folder: Path) -> Path:
        """Where its result lies once it is done."""
        decisive = _decisive(self.parameters, code_fingerprint())
        return folder / f"{self.name}-{hashlib.sha256(decisive.encode()).hexdigest()[:12]}.zip"

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
        name, parameters, code = (result.manifest.get(key) for key in ("name", "parameters", "code"))
        if name != self.name or _decisive(parameters, code) != _decisive(self.parameters, code_fingerprint()):
            raise DamagedResultError(
                f"{file} holds the result of another task or of other code ({name!r}): delete it, and run the same "
                "command again"
            )
        return result


def _decisive(parameters: Any, code: Any) -> str:
    return json.dumps({"parameters": parameters, "code": code}, sort_keys=True)


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
    left: int = 0
    """How many were left for another time, because of a limit."""

    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables of all results under their names, one below the other."""
        names = dict.fromkeys(name for result in self.results for name in result.tables)
        return {
            name: _joined([result.tables[name] for result in self.results if name in result.tables]) for name in names
        }


def _joined(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """One table below the other; those without rows do not say what their columns hold."""
    return pd.concat([table for table in tables if len(table)] or tables[:1], ignore_index=True)


def sweep(
    tasks: Sequence[Task],
    work: Work,
    folder: Path,
    executor: Executor | int = 1,
    *,
    jobs: int | None = None,
    limit: int | None = None,
) -> Swept:
    """Do the tasks that are not done yet, and collect all results.

    A task that fails does not stop the others; it is told at the end, and done again by the next sweep. A task that
    another sweep on the same folder is doing is waited for.

    Parameters
    ----------
    work : a function of a module, called with a task's parameters; it gives tables by name
    folder : of the result files
    executor : see :mod:`~pitfalls.study.executors`; a number is one of processes on this machine
    jobs : the same number by its old name
    limit : do at most so many tasks, in their order; by default all

    Raises
    ------
    ValueError
        Two tasks have the same name and parameters, or a number is below 1.
    OSError
        Nothing can be written into the folder (a full disk, say), so no other task could be kept either. What is
        done is kept, and the same sweep goes on from there.
    """
    chosen = _executor(executor if jobs is None else jobs)
    if limit is not None and limit < 1:
        raise ValueError(f"limit is {limit}: give the number of tasks to do, 1 or more, or no limit")
    # Workers may have another working directory.
    folder = Path(folder).absolute()
    if len({task.file(folder) for task in tasks}) < len(tasks):
        raise ValueError("two tasks have the same name and parameters: each task may come once")
    files.remove_leftovers(folder)
    missing = [task for task in tasks if not is_done(task, folder)]
    todo = missing[:limit]
    with _Progress(todo, len(tasks) - len(missing)) as progress:
        failures = _done(todo, work, folder, chosen, progress)
    left = {task.file(folder) for task in missing[len(todo) :]}
    return _collected(tasks, folder, failures, left, len(tasks) - len(missing))


def _executor(given: Executor | int) -> Executor:
    if not isinstance(given, int):
        return given
    return Serial() if given == 1 else Processes(given)


def is_done(task: Task, folder: Path) -> bool:
    """Whether a task's result file is there, whole and its own.

    One that cannot be read (another user's, say) counts: doing the task again would replace what somebody has done.
    Whoever needs its content gets the error.
    """
    try:
        task.result(folder)
    except (FileNotFoundError, NotADirectoryError, DamagedResultError):
        return False
    except OSError:
        return True
    return True


def _collected(tasks: Sequence[Task], folder: Path, failures: Mapping[Path, str], left: set[Path], found: int) -> Swept:
    """What lies in the folder, in the order of the tasks, whichever worker was the first."""
    results, failed = [], []
    for task in tasks:
        file = task.file(folder)
        if file in left:
            continue
        if file in failures:
            failed.append(Failure(task, failures[file]))
            continue
        try:
            results.append(task.result(folder))
        except (OSError, DamagedResultError) as error:
            failed.append(Failure(task, f"its result cannot be read: {error}"))
    return Swept(results, failed, found, len(left))


# ------------------------------------------------------------------------------------- all the tasks


def _done(todo: Sequence[Task], work: Work, folder: Path, executor: Executor, progress: _Progress) -> dict[Path, str]:
    """Do tasks, at last those that another process was doing when their turn came; the failures' reasons by file."""
    failures: dict[Path, str] = {}
    for patience in (_AT_ONCE, _FOR_EVER):
        do = partial(_do, work=work, folder=folder, patience=patience, code=code_fingerprint())
        taken = []
        with closing(executor.outcomes(do, todo, folder)) as outcomes:
            for task, outcome in outcomes:
                if outcome.state is State.TAKEN:
                    taken.append(task)
                    continue
                if outcome.state is State.STOPPED:
                    raise _stopped(folder, outcome.reason, progress)
                if outcome.state is State.FAILED:
                    failures[task.file(folder)] = outcome.reason
                progress.count(task)
        if not taken:
            break
        todo = taken
    return failures


def _stopped(folder: Path, reason: str, progress: _Progress) -> OSError:
    return OSError(
        f"the sweep stopped after {progress.passed} of {progress.total} tasks: {reason}. All that were done are kept "
        f"in {folder}: mend that, and run the same again"
    )


class _Progress:
    """A bar of tasks, those found included; where all costs are known, a task that costs more moves it further."""

    def __init__(self, todo: Sequence[Task], found: int) -> None:
        costs = [task.cost for task in todo if task.cost is not None and task.cost > 0]
        self._mean = sum(costs) / len(costs) if costs and len(costs) == len(todo) else None
        self.passed, self.total = found, found + len(todo)
        # Tasks found are no work of today: they would make the rate too high. The mean rate, because workers'
        # outcomes come in bursts.
        self._bar = tqdm(total=self.total, initial=found, desc="sweep", unit="task", smoothing=0, bar_format=_BAR)

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.close()

    def count(self, task: Task) -> None:
        """A task is behind us, done or failed."""
        self.passed += 1
        self._bar.update(1 if self._mean is None or task.cost is None else task.cost / self._mean)
        self._bar.set_postfix_str(f"{self.passed} of {self.total} tasks", refresh=False)


_BAR = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}, {remaining} left{postfix}"


# ----------------------------------------------------------------------------------------- one task


def _do(task: Task, work: Work, folder: Path, patience: float, code: str) -> Outcome:
    """Do one task and write its file, unless another process is doing it or has done it; runs on a worker.

    Parameters
    ----------
    patience : seconds to wait for a process that is doing it; -1 for as long as it lives
    code : the fingerprint of the code that was asked for
    """
    if code_fingerprint() != code:
        # Its file would have another name, and nobody would find it.
        return Outcome(
            State.STOPPED,
            f"a worker on {platform.node()} has another version of pitfalls than the one that began the sweep: install "
            "the same on all machines, and edit none of it meanwhile",
        )
    lock = Path(f"{task.file(folder)}.lock")
    try:
        with files.locked(lock, patience):
            outcome = Outcome(State.DONE) if is_done(task, folder) else _measured(task, work, folder)
            if outcome.state is State.DONE:
                # Whoever waits for this lock finds the task done, so it need not be there any more.
                with contextlib.suppress(OSError):
                    lock.unlink()
            return outcome
    except Timeout:
        return Outcome(State.TAKEN)
    except OSError as error:
        return Outcome(State.STOPPED, f"the result of {task.name} cannot be written: {error}")


def _measured(task: Task, work: Work, folder: Path) -> Outcome:
    """Do a task and write its file.

    Raises
    ------
    OSError
        The file cannot be written, or the disk is full.
    """
    begin = time.perf_counter()
    try:
        tables = work(task.parameters)
    except Exception as error:  # Whatever one task meets must not stop the others; it is told.
        if isinstance(error, OSError) and error.errno in files.FULL:
            raise
        return Outcome(State.FAILED, f"{type(error).__name__}: {error}")
    manifest = {
        "name": task.name,
        "kind": task.kind,
        "parameters": dict(task.parameters),
        "code": code_fingerprint(),
        "seconds": round(time.perf_counter() - begin, 3),
        "machine": machine.describe(),
    }
    try:
        write_result(task.file(folder), Result(manifest, tables))
    except OSError:
        raise
    except Exception as error:
        return Outcome(State.FAILED, f"{type(error).__name__}: {error}")
    return Outcome(State.DONE)


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
