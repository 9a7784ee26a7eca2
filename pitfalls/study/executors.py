"""Where the tasks of a sweep are done: in this process, in several on this machine, or on a Dask cluster.

An executor does tasks in any order and tells of each what became of it. It outlives the workers: a task whose worker
was lost, to a signal or to the system's want of memory, is done again, and told as a failure when that was in vain.
"""

from __future__ import annotations

import math
import os
import threading
import time
import uuid
import warnings
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import joblib

from pitfalls import files
from pitfalls.extras import extra

if TYPE_CHECKING:
    from pitfalls.study.sweep import Task

#: Seconds that a network's file system may take to show one machine what another has written.
_SEEN_WITHIN = 10.0
#: Seconds between two times that a worker asks whether its parent lives.
_ASKED_EVERY = 1.0


class State(Enum):
    """What became of a task."""

    DONE = "its file is there"
    FAILED = "it cannot be done"
    TAKEN = "another live process is doing it"
    STOPPED = "no other task can be done either"


@dataclass(frozen=True)
class Outcome:
    """What became of a task, and why."""

    state: State
    reason: str = ""


Do = Callable[["Task"], Outcome]
Outcomes = Generator[tuple["Task", Outcome], None, None]


class Executor(Protocol):
    """Does tasks."""

    def workers(self) -> int:
        """How many tasks are done at once."""
        ...

    def outcomes(self, do: Do, tasks: Sequence[Task], folder: Path) -> Outcomes:
        """Call ``do`` with every task and give each with its outcome, as they come.

        Closing the generator ends the work: nothing more is begun.

        Parameters
        ----------
        folder : into which ``do`` writes
        """
        ...


@dataclass(frozen=True)
class Serial:
    """One task after the other, in this process."""

    def workers(self) -> int:
        """One."""
        return 1

    def outcomes(self, do: Do, tasks: Sequence[Task], folder: Path) -> Outcomes:
        """See :class:`Executor`."""
        for task in tasks:
            yield task, do(task)


@dataclass(frozen=True)
class Processes:
    """Several processes on this machine (joblib's).

    A process that dies takes the others with it; what they were doing is done again. A task that was under way at all
    but one of its ``attempts`` is done alone at the end: if its process dies again, the task is what kills it. If this
    process dies, they end within a second or two, and with them the locks of their tasks.

    >>> Processes(2).workers()
    2
    >>> Processes(1)
    Traceback (most recent call last):
    ...
    ValueError: 1 process(es) at 3 attempts: several processes, and at least one attempt; for one process take Serial()
    """

    n: int
    attempts: int = 3

    def __post_init__(self) -> None:
        if self.n < 2 or self.attempts < 1:
            raise ValueError(
                f"{self.n} process(es) at {self.attempts} attempts: several processes, and at least one attempt; "
                "for one process take Serial()"
            )

    def workers(self) -> int:
        """The number of processes."""
        return self.n

    def outcomes(self, do: Do, tasks: Sequence[Task], folder: Path) -> Outcomes:
        """See :class:`Executor`."""
        losses: Counter[int] = Counter()
        waiting = deque(range(len(tasks)))
        suspects: list[tuple[int, str]] = []
        while waiting:
            under_way: set[int] = set()
            try:
                with closing(self._side_by_side(do, tasks, waiting, under_way)) as done:
                    yield from done
            except BrokenProcessPool as error:
                lost = sorted(under_way)
                losses.update(lost)
                waiting.extend(i for i in lost if losses[i] < self.attempts - 1)
                suspects += [(i, _first_line(error)) for i in lost if losses[i] >= self.attempts - 1]
        for i, reason in suspects:
            yield tasks[i], self._alone(do, tasks[i], self.attempts - losses[i], reason)

    def _side_by_side(self, do: Do, tasks: Sequence[Task], waiting: deque[int], under_way: set[int]) -> Outcomes:
        """Do the waiting tasks; those that were begun and have no outcome yet are in ``under_way``."""

        def begun() -> Iterator[Any]:
            while waiting:
                i = waiting.popleft()
                under_way.add(i)
                yield joblib.delayed(_numbered)(i, do, tasks[i])

        with _closing_quietly(_parallel(self.n, begun())) as done:
            for i, outcome in done:
                under_way.discard(i)
                yield tasks[i], outcome

    def _alone(self, do: Do, task: Task, attempts: int, reason: str) -> Outcome:
        """Do a task with no other beside it, in a process of its own: not in this one, which it might kill."""
        for _ in range(attempts):
            try:
                ((_, outcome),) = _parallel(2, [joblib.delayed(_numbered)(0, do, task)])
            except BrokenProcessPool as error:
                reason = _first_line(error)
            else:
                return outcome
        return Outcome(State.FAILED, f"worker lost, {self.attempts} times: {reason}")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _parallel(n: int, calls: Any) -> Generator[tuple[int, Outcome], None, None]:
    # No more tasks than processes are handed out ahead, so that few are suspected when one dies.
    parallel = joblib.Parallel(
        n_jobs=n,
        return_as="generator_unordered",
        pre_dispatch=n,
        batch_size=1,
        initializer=_end_with_parent,
        initargs=(os.getpid(),),
    )
    done: Generator[tuple[int, Outcome], None, None] = parallel(calls)
    return done


def _end_with_parent(parent: int) -> None:
    """Start a thread that ends this worker once its parent has died, even if it was killed.

    Otherwise loky's workers finish their task and wait for minutes. (Linux's ``PR_SET_PDEATHSIG`` would end them with
    the *thread* that started them. On Windows, where the number of a dead parent stays, they do wait.)
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_ASKED_EVERY)
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="ends with the parent").start()


def _numbered(i: int, do: Do, task: Task) -> tuple[int, Outcome]:
    return i, do(task)


@contextmanager
def _closing_quietly(done: Generator[tuple[int, Outcome], None, None]) -> Iterator[Iterator[tuple[int, Outcome]]]:
    """End the processes at the end; joblib warns that their results are lost, which is what is wanted."""
    try:
        yield done
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            done.close()


@dataclass(frozen=True)
class DaskCluster:
    """The workers of a running Dask cluster, which all see the folder of the results.

    A lost worker's tasks are given to others by the scheduler; a task that took more workers with it than the
    scheduler allows (``distributed.scheduler.allowed-failures``) is a failure.

    Attributes
    ----------
    address:
        Of the scheduler, such as ``tcp://10.0.0.1:8786``.
    resources:
        What every task needs besides its own ``resources``, such as ``{"GPU": 1}`` for workers that were started by
        ``dask worker ADDRESS --nthreads 1 --resources GPU=1``.
    timeout:
        Seconds to wait for the scheduler, and for its first worker.
    """

    address: str
    resources: Mapping[str, float] = field(default_factory=dict)
    timeout: float = 30.0

    def workers(self) -> int:
        """How many tasks that need ``resources`` the cluster does at once.

        Raises
        ------
        ImportError, ConnectionError, ValueError
            As :meth:`outcomes`.
        """
        with self._client() as client:
            offers = client.run(_offer)
        self._check_resources(offers, self.resources)
        return sum(_places(offer, self.resources) for offer in offers.values())

    def outcomes(self, do: Do, tasks: Sequence[Task], folder: Path) -> Outcomes:
        """See :class:`Executor`.

        Raises
        ------
        ImportError
            Dask is not installed here, or pitfalls is not on a worker.
        ConnectionError
            No scheduler answers, or it has no worker.
        ValueError
            A worker does not see the folder, or no worker has what a task needs.
        """
        with self._client() as client:
            _check_folder(client, folder)
            offers = client.run(_offer)
            needs = [{**self.resources, **task.resources} for task in tasks]
            for need in needs:
                self._check_resources(offers, need)
            yield from _submitted(client, do, tasks, needs, folder)

    @contextmanager
    def _client(self) -> Iterator[Any]:
        distributed = _distributed()
        try:
            client = distributed.Client(self.address, timeout=self.timeout, set_as_default=False)
        except (OSError, TimeoutError) as error:
            raise ConnectionError(
                f"no Dask scheduler answers at {self.address} ({error}): start one by `dask scheduler`, and workers "
                "by `dask worker ADDRESS --nthreads 1`"
            ) from error
        with client:
            try:
                client.wait_for_workers(1, timeout=self.timeout)
            except TimeoutError as error:
                raise ConnectionError(
                    f"the Dask scheduler at {self.address} has no worker: start some by "
                    f"`dask worker {self.address} --nthreads 1`"
                ) from error
            yield client

    def _check_resources(self, offers: Mapping[str, _Offer], need: Mapping[str, float]) -> None:
        if any(_places(offer, need) for offer in offers.values()):
            return
        wanted = " ".join(f"{name}={amount:g}" for name, amount in need.items())
        raise ValueError(
            f"no worker of {self.address} offers {wanted}, so the tasks would wait for ever: start one by "
            f'`dask worker {self.address} --nthreads 1 --resources "{wanted}"`'
        )


def _distributed() -> Any:
    with extra("dask"):
        from dask import distributed
    return distributed


@dataclass(frozen=True)
class _Offer:
    threads: int
    resources: Mapping[str, float]


def _offer(dask_worker: Any) -> _Offer:
    """What a worker has; runs there."""
    return _Offer(dask_worker.state.nthreads, dict(dask_worker.state.total_resources))


def _places(offer: _Offer, need: Mapping[str, float]) -> int:
    """How many tasks a worker does at once.

    >>> _places(_Offer(4, {"GPU": 2}), {"GPU": 1}), _places(_Offer(4, {}), {}), _places(_Offer(4, {}), {"GPU": 1})
    (2, 4, 0)
    """
    limits = [math.floor(offer.resources.get(name, 0) / amount) for name, amount in need.items() if amount > 0]
    return min([offer.threads, *limits])


def _check_folder(client: Any, folder: Path) -> None:
    """Refuse workers that do not see what is written here: their results would lie somewhere else."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with files.temporary(folder) as token:
            seen = client.run(_sees, token.name)
    except ImportError as error:
        raise ImportError(f"a worker cannot import pitfalls ({error}): install the same version on all") from error
    blind = sorted(worker for worker, sees in seen.items() if not sees)
    if blind:
        raise ValueError(
            f"{len(blind)} of {len(seen)} Dask workers do not see {folder} ({', '.join(blind[:3])}): results would be "
            "lost. Take a folder that all machines have under the same path (--output)"
        )


def _sees(token: str) -> bool:
    """Whether a file is there, or comes soon; runs on a worker."""
    until = time.monotonic() + _SEEN_WITHIN
    while not Path(token).exists():
        if time.monotonic() > until:
            return False
        time.sleep(0.2)
    return True


def _submitted(
    client: Any, do: Do, tasks: Sequence[Task], needs: Sequence[Mapping[str, float]], folder: Path
) -> Outcomes:
    # A key of this sweep: under the task's name alone the scheduler might remember how it ended for another.
    run = uuid.uuid4().hex[:8]
    futures = {}
    for task, need in zip(tasks, needs, strict=True):
        key = f"{task.file(folder).name}-{run}"
        futures[key] = task, client.submit(do, task, key=key, resources=dict(need) or None, pure=False)
    try:
        # The loop is named, because the client is nobody's default.
        for future in _distributed().as_completed([future for _, future in futures.values()], loop=client.loop):
            task, _ = futures[future.key]
            yield task, _told(future)
    finally:
        client.cancel([future for _, future in futures.values()])


def _told(future: Any) -> Outcome:
    if future.status == "finished":
        outcome: Outcome = future.result()
        return outcome
    if future.status == "error":
        error = future.exception()
        lost = "worker lost: " if isinstance(error, _distributed().KilledWorker) else ""
        return Outcome(State.FAILED, f"{lost}{type(error).__name__}: {error}")
    return Outcome(State.STOPPED, f"the Dask scheduler gave a task up ({future.status}): it may have ended")
