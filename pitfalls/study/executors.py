"""Where the tasks of a sweep are done: in this process, in several on this machine, or on a Dask cluster.

A worker may die, by a signal or for lack of memory. Its task is then done again; a task whose workers keep dying is
reported as a failure.
"""

# joblib's own Dask backend (1.6) waits forever for a task whose worker died, so Dask's futures are used instead.

from __future__ import annotations

import os
import threading
import time
import warnings
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, MutableMapping, Sequence
from concurrent.futures import CancelledError
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import joblib

from pitfalls import files
from pitfalls.extras import extra

if TYPE_CHECKING:
    from pitfalls.study.sweep import Task

#: How often a task whose process dies is started: twice alongside others, the last time alone.
_ATTEMPTS = 3
#: Seconds after which a worker checks again whether its parent is alive.
_CHECKED_EVERY = 1.0
#: Seconds that a network file system may take to show one machine what another has written.
_SEEN_WITHIN = 10.0


class SweepStoppedError(OSError):
    """Something that every task needs has failed: the disk of the results, or the cluster."""


@dataclass(frozen=True)
class Outcome:
    """How a task ended: it is done, it failed for a reason, or another live process is doing it."""

    task: str
    failure: str = ""
    taken: bool = False


Do = Callable[["Task"], Outcome]
Outcomes = Generator[Outcome, None, None]


# ------------------------------------------------------------------------------------- this machine


@dataclass(frozen=True)
class Processes:
    """``n`` processes on this machine (joblib's); with ``n=1`` this process itself.

    A process that dies takes the others with it, and all their tasks are done again. A task that is lost twice is done
    alone at the end, so a task that kills its process is reported and the others still get done. If this process dies,
    the others end within a second or two.

    Raises
    ------
    ValueError
        Fewer than one process.
    """

    n: int = 1

    def __post_init__(self) -> None:
        if self.n < 1:
            raise ValueError(f"{self.n} processes: give 1 or more")

    def workers(self) -> int:
        """The number of processes."""
        return self.n

    def outcomes(self, do: Do, tasks: Sequence[Task], folder: Path) -> Outcomes:
        """Call ``do``, which writes into ``folder``, with every task; yield the outcomes in any order.

        Closing the generator ends the work. An exception of ``do`` ends it too, and is raised here.
        """
        if self.n == 1:
            yield from map(do, tasks)
            return
        lost: Counter[str] = Counter()
        waiting = deque(tasks)
        suspects: list[Task] = []
        while waiting:
            under_way: dict[str, Task] = {}
            try:
                with closing(_side_by_side(self.n, do, waiting, under_way)) as outcomes:
                    yield from outcomes
            except BrokenProcessPool:
                for task in list(under_way.values()):
                    lost[task.name] += 1
                    (waiting if lost[task.name] < _ATTEMPTS - 1 else suspects).append(task)
        for task in suspects:
            yield _alone(do, task)


HERE = Processes(1)
"""One task after the other, in this process."""


def _side_by_side(n: int, do: Do, waiting: deque[Task], under_way: MutableMapping[str, Task]) -> Outcomes:
    """Do the waiting tasks; ``under_way`` holds those that have begun and have no outcome yet."""

    def begun() -> Iterator[Any]:
        while waiting:
            task = waiting.popleft()
            under_way[task.name] = task
            yield joblib.delayed(do)(task)

    outcomes = _parallel(n, begun())
    try:
        for outcome in outcomes:
            del under_way[outcome.task]
            yield outcome
    finally:
        with warnings.catch_warnings():
            # joblib warns that results are lost, which is what closing is for.
            warnings.simplefilter("ignore", UserWarning)
            outcomes.close()


def _alone(do: Do, task: Task) -> Outcome:
    """Do a task alone, in a process that it may kill."""
    try:
        # With n_jobs=1 joblib would do it in this process.
        (outcome,) = _parallel(2, [joblib.delayed(do)(task)])
    except BrokenProcessPool as error:
        return Outcome(task.name, f"worker lost, {_ATTEMPTS} times: {str(error).strip().splitlines()[0]}")
    return outcome


def _parallel(n: int, calls: Iterable[Any]) -> Outcomes:
    outcomes: Outcomes = joblib.Parallel(
        n_jobs=n,
        return_as="generator_unordered",
        # No more tasks than processes are handed out, so that few are suspects when one dies.
        pre_dispatch=n,
        batch_size=1,
        initializer=_end_with_parent,
        initargs=(os.getpid(),),
    )(calls)
    return outcomes


def _end_with_parent(parent: int) -> None:
    """Start a thread that ends this worker once its parent has died, even if it was killed.

    Without it, loky's workers finish their task and wait for minutes. (On Windows they still do, because a dead
    parent's process ID stays.)
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_CHECKED_EVERY)
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="ends with the parent").start()


# ------------------------------------------------------------------------------------ Dask clusters


@dataclass(frozen=True)
class DaskCluster:
    """The workers of a running Dask cluster, all of which see the folder of the results.

    The scheduler gives a dead worker's tasks to others. A task that kills more workers than the scheduler allows
    (``distributed.scheduler.allowed-failures``) is a failure.

    Attributes
    ----------
    address:
        The scheduler's, such as ``tcp://10.0.0.1:8786``.
    resources:
        What every task needs, such as ``{"GPU": 1}`` for workers that were started by
        ``dask worker ADDRESS --nthreads 1 --resources GPU=1``.
    timeout:
        Seconds to wait for the scheduler, and for its first worker.
    """

    address: str
    resources: Mapping[str, float] = field(default_factory=dict)
    timeout: float = 30.0

    def workers(self) -> int:
        """How many tasks the cluster does at once.

        Raises
        ------
        ImportError
            Dask is not installed here.
        ConnectionError
            No scheduler answers, or it has no worker.
        ValueError
            No worker has what a task needs.
        """
        with self._client() as client:
            return self._places(client)

    def outcomes(self, do: Do, tasks: Sequence[Task], folder: Path) -> Outcomes:
        """As :meth:`Processes.outcomes`.

        Raises
        ------
        ImportError, ConnectionError
            As :meth:`workers`.
        ValueError
            As :meth:`workers`, or a worker does not see the folder.
        SweepStoppedError
            The scheduler ended.
        """
        with self._client() as client:
            self._places(client)
            _check_folder(client, folder)
            needs = dict(self.resources) or None
            names = {client.submit(do, task, resources=needs, pure=False): task.name for task in tasks}
            try:
                # The loop is passed, because this client is not the default one.
                for future in _distributed().as_completed(list(names), loop=client.loop):
                    yield _told(future, names[future])
            finally:
                client.cancel(list(names))

    @contextmanager
    def _client(self) -> Iterator[Any]:
        distributed = _distributed()
        with ExitStack() as stack:
            try:
                client = stack.enter_context(
                    distributed.Client(self.address, timeout=self.timeout, set_as_default=False)
                )
                client.wait_for_workers(1, timeout=self.timeout)
            except (OSError, TimeoutError) as error:
                raise ConnectionError(
                    f"no Dask scheduler with a worker answers at {self.address} within {self.timeout:g} s ({error}): "
                    "start one with `dask scheduler`, and workers with `dask worker ADDRESS --nthreads 1`"
                ) from error
            yield client

    def _places(self, client: Any) -> int:
        """How many tasks the workers can do at once, given the resources that each task needs."""
        found = 0
        for threads, offered in client.run(_offer).values():
            found += min([threads, *(int(offered.get(name, 0) // need) for name, need in self.resources.items())])
        if not found:
            wanted = " ".join(f"{name}={need:g}" for name, need in self.resources.items())
            raise ValueError(
                f"no worker of {self.address} offers {wanted}, so the tasks would wait forever: start one with "
                f'`dask worker {self.address} --nthreads 1 --resources "{wanted}"`'
            )
        return found


Executor = Processes | DaskCluster


def _distributed() -> Any:
    with extra("dask"):
        from dask import distributed
    return distributed


def _offer(dask_worker: Any) -> tuple[int, dict[str, float]]:
    """The threads and resources of a worker; runs there."""
    return dask_worker.state.nthreads, dict(dask_worker.state.total_resources)


def _told(future: Any, task: str) -> Outcome:
    try:
        outcome: Outcome = future.result()
    except _distributed().KilledWorker as error:
        return Outcome(task, f"worker lost: {type(error).__name__}: {error}")
    except CancelledError as error:
        raise SweepStoppedError(f"the Dask scheduler dropped {task} ({future.status}): it may have ended") from error
    return outcome


def _check_folder(client: Any, folder: Path) -> None:
    """Refuse workers that do not see what is written here: their results would end up elsewhere."""
    folder.mkdir(parents=True, exist_ok=True)
    with files.temporary(folder) as token:
        seen = client.run(_sees, token.name)
    blind = sorted(worker for worker, sees in seen.items() if not sees)
    if blind:
        raise ValueError(
            f"{len(blind)} of {len(seen)} Dask workers do not see {folder} ({', '.join(blind[:3])}): results would be "
            "lost. Use a folder that all machines have under the same path (--output)"
        )


def _sees(token: str) -> bool:
    """Whether a file is there, or appears soon; runs on a worker."""
    until = time.monotonic() + _SEEN_WITHIN
    while not Path(token).exists():
        if time.monotonic() > until:
            return False
        time.sleep(0.2)
    return True
