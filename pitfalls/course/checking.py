"""Exercises: what is asked, how an answer is checked, and which wrong answers the check must catch.

The exercises of a notebook stand in a module of :mod:`pitfalls.course.questions` of its number (``nb05`` for notebook
05), which holds ``EXERCISES``. In the notebook a cell holds the answer and, as its last line, the check::

    def gap(accuracy):
        ### BEGIN SOLUTION
        ...
        ### END SOLUTION

    course.check("05.1", gap)

In the student's version the lines between the marks are ``raise NotImplementedError``.
"""

from __future__ import annotations

import _thread
import importlib
import pkgutil
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any

Answer = Callable[..., Any]


#: Seconds that an answer may take to be checked; the reference solutions take less than one.
TIME_LIMIT = 60.0

_PACKAGE = Path(__file__).resolve().parent


class WrongAnswer(AssertionError):  # noqa: N818 - it is what the reader is told, and no error of the package
    """An answer that is not right; its text is a hint.

    In a notebook only the hint is shown: the way there leads through the reference solution.
    """

    def _render_traceback_(self) -> list[str]:
        return [f"{type(self).__name__}: {self}"]


@dataclass(frozen=True)
class Exercise:
    """One exercise.

    Attributes
    ----------
    id:
        Of notebook and number, such as ``"05.1"``.
    title:
        A few words.
    level:
        1 (recall), 2 (apply) or 3 (think further).
    minutes:
        That a student who has read the notebook takes.
    check:
        Called with an answer; raises :class:`WrongAnswer` with a hint, and lets ``NotImplementedError`` pass.
    wrong:
        Plausible wrong answers by name, each with words that stand in the hint that it gets: two or more, with
        different hints.
    """

    id: str
    title: str
    level: int
    minutes: int
    check: Callable[[Answer], None]
    wrong: Mapping[str, tuple[Answer, str]] = field(repr=False)

    def __post_init__(self) -> None:
        if self.level not in (1, 2, 3):
            raise ValueError(f"exercise {self.id} has level {self.level}: give 1, 2 or 3")
        if len({hint for _, hint in self.wrong.values()}) < 2:
            raise ValueError(f"exercise {self.id} has {len(self.wrong)} wrong answer(s): give two with different hints")

    @property
    def stars(self) -> str:
        """The level as it is printed.

        >>> Exercise("00.0", "", 2, 5, print, {"a": (len, "one"), "b": (max, "other")}).stars
        '★★☆'
        """
        return "★" * self.level + "☆" * (3 - self.level)


@cache
def exercises() -> Mapping[str, Exercise]:
    """All exercises of the course by their ids, sorted.

    Raises
    ------
    ValueError
        Two have one id, or one stands in another notebook's module.
    """
    from pitfalls.course import questions

    found: dict[str, Exercise] = {}
    for module in sorted(pkgutil.iter_modules(questions.__path__), key=lambda one: one.name):
        if not module.name.startswith("nb"):
            continue
        for exercise in importlib.import_module(f"{questions.__name__}.{module.name}").EXERCISES:
            if exercise.id in found or not exercise.id.startswith(f"{module.name[2:]}."):
                raise ValueError(f"{module.name}.py has {exercise.id}: ids are of their notebook, and each comes once")
            found[exercise.id] = exercise
    return dict(sorted(found.items()))


def check(exercise_id: str, answer: Answer) -> None:
    """Check an answer to an exercise, and say that it is right.

    The check ends after :data:`TIME_LIMIT` seconds, so that a loop without an end stops neither notebook nor grader;
    :func:`time_limit` says where that is not possible.

    Raises
    ------
    WrongAnswer
        It is not, or it takes too long; with a hint.
    NotImplementedError
        It is still the stub.
    ValueError
        There is no such exercise.
    """
    known = exercises()
    if exercise_id not in known:
        raise ValueError(f"no exercise {exercise_id!r}; there are: {', '.join(known)}")
    try:
        with time_limit(TIME_LIMIT):
            known[exercise_id].check(answer)
    except WrongAnswer:
        raise
    except Exception as error:
        # What happened in the answer, without the way there.
        raise error.with_traceback(_of_the_answer(error.__traceback__)) from None
    print(f"{exercise_id} is right.")  # the notebook's cell has no other output


class _OutOfTimeError(BaseException):
    """Ends an answer; no ``Exception``, which an answer may catch."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """End what runs inside after so many seconds, as a wrong answer.

    This works in the main thread, where scripts and notebooks run their cells. On Windows, which has no alarm signal,
    what waits in the operating system (``time.sleep``) ends only when it returns by itself; so does, everywhere, a
    single long call into NumPy or torch. In other threads there is no limit. An answer that catches
    ``BaseException`` in a loop without an end cannot be stopped from inside: a grader needs a limit of its own.

    Raises
    ------
    WrongAnswer
        The time is over.

    Examples
    --------
    >>> with time_limit(0.05):
    ...     while True:
    ...         pass
    Traceback (most recent call last):
        ...
    pitfalls.course.checking.WrongAnswer: the answer still ran after 0.05 seconds and was stopped: ...
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    try:
        with _alarm(seconds) if hasattr(signal, "setitimer") else _interruption(seconds):
            yield
    except _OutOfTimeError:
        raise WrongAnswer(
            f"the answer still ran after {seconds:g} seconds and was stopped: look for a loop that never ends, or for "
            "work that is done again and again"
        ) from None


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    def ring(*_: Any) -> None:
        raise _OutOfTimeError

    began = time.monotonic()
    handler = signal.signal(signal.SIGALRM, ring)
    # It rings again: the first ring may be lost in a bare "except".
    left, interval = signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    finally:
        # Once more, for a ring just before the line above.
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if left:
            # Somebody else's alarm goes on.
            signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - began), 1e-3), interval)


@contextmanager
def _interruption(seconds: float) -> Iterator[None]:
    """The same by what the interrupt key does, for systems without alarms."""
    over = threading.Event()

    def interrupted(number: int, frame: Any) -> None:
        if over.is_set():
            raise _OutOfTimeError
        if callable(handler):
            handler(number, frame)

    def ring() -> None:
        over.set()
        _thread.interrupt_main()

    handler = signal.signal(signal.SIGINT, interrupted)
    timer = threading.Timer(seconds, ring)
    timer.daemon = True
    timer.start()
    try:
        try:
            yield
        finally:
            timer.cancel()
            timer.join()
    finally:
        signal.signal(signal.SIGINT, handler)


def _of_the_answer(traceback: TracebackType | None) -> TracebackType | None:
    """The part of a traceback that begins outside of the course's own code."""
    while traceback is not None and _PACKAGE in Path(traceback.tb_frame.f_code.co_filename).parents:
        traceback = traceback.tb_next
    return traceback


def expect(condition: bool, hint: str) -> None:
    """For checks: a hint where a condition does not hold.

    Raises
    ------
    WrongAnswer
        It does not hold.

    Examples
    --------
    >>> expect(2 > 1, "never said")
    """
    if not condition:
        raise WrongAnswer(hint)
