"""Exercises: what is asked, how an answer is checked, and which wrong answers the check must catch.

The exercises of notebook 05 are ``EXERCISES`` in ``nb05``, a module of :mod:`pitfalls.course.questions`, and so on. In
the notebook, a cell holds the answer and, as its last line, the check::

    def gap(accuracy):
        ### BEGIN SOLUTION
        ...
        ### END SOLUTION

    course.check("05.1", gap)

In the student's version, ``raise NotImplementedError`` replaces the lines between the marks.
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

#: How many seconds the check of an answer may take; the reference solutions take less than one.
TIME_LIMIT = 60.0

_PACKAGE = Path(__file__).resolve().parent


class WrongAnswer(AssertionError):  # noqa: N818 - the reader sees this name, and the package did not fail
    """An answer that is not right; its text is a hint.

    A notebook shows only the hint, because the traceback leads through the reference solution.
    """

    def _render_traceback_(self) -> list[str]:
        return [f"{type(self).__name__}: {self}"]


@dataclass(frozen=True)
class Exercise:
    """One exercise.

    Attributes
    ----------
    id:
        Notebook and number, such as ``"05.1"``.
    title:
        A few words.
    level:
        1 (recall), 2 (apply) or 3 (think further).
    minutes:
        How long it takes a student who has read the notebook.
    check:
        Called with an answer; raises :class:`WrongAnswer` with a hint, and lets ``NotImplementedError`` pass.
    wrong:
        Two or more plausible wrong answers, keyed by words from the hint that each one gets.
    """

    id: str
    title: str
    level: int
    minutes: int
    check: Callable[[Answer], None]
    wrong: Mapping[str, Answer] = field(repr=False)

    def __post_init__(self) -> None:
        if self.level not in (1, 2, 3):
            raise ValueError(f"exercise {self.id} has level {self.level}: give 1, 2 or 3")
        if len(self.wrong) < 2:
            raise ValueError(f"exercise {self.id} has {len(self.wrong)} wrong answer(s): give two with different hints")

    @property
    def stars(self) -> str:
        """The level as it is printed.

        >>> Exercise("00.0", "", 2, 5, print, {"one": len, "other": max}).stars
        '★★☆'
        """
        return "★" * self.level + "☆" * (3 - self.level)


@cache
def exercises() -> Mapping[str, Exercise]:
    """All exercises of the course by id, sorted.

    Raises
    ------
    ValueError
        If two have the same id, or one is in another notebook's module.
    """
    from pitfalls.course import questions

    found: dict[str, Exercise] = {}
    for module in sorted(pkgutil.iter_modules(questions.__path__), key=lambda one: one.name):
        if not module.name.startswith("nb"):
            continue
        for exercise in importlib.import_module(f"{questions.__name__}.{module.name}").EXERCISES:
            if exercise.id in found or not exercise.id.startswith(f"{module.name[2:]}."):
                raise ValueError(f"{module.name}.py has {exercise.id}: an id begins with its notebook and is unique")
            found[exercise.id] = exercise
    return dict(sorted(found.items()))


def check(exercise_id: str, answer: Answer) -> None:
    """Check an answer to an exercise, and say so if it is right.

    The check ends after :data:`TIME_LIMIT` seconds, so that an endless loop blocks neither notebook nor grader;
    :func:`time_limit` says where that is not possible.

    Raises
    ------
    WrongAnswer
        If the answer is wrong or takes too long; its text is a hint.
    NotImplementedError
        If it is still the stub.
    ValueError
        If there is no such exercise.
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
        # Shows what happened in the answer, but not the check around it.
        raise error.with_traceback(_of_the_answer(error.__traceback__)) from None
    print(f"{exercise_id} is right.")  # the notebook's cell has no other output


class _OutOfTimeError(BaseException):
    """Stops an answer; it is not an ``Exception``, because an answer may catch those."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Stop the code inside after this many seconds; an answer that takes longer is wrong.

    This works in the main thread, where scripts and notebooks run; in other threads there is no limit. A single long
    call into NumPy or torch is stopped only when it returns, and so is ``time.sleep`` on Windows, which has no alarm
    signal. Nothing inside the process can stop an endless loop that catches ``BaseException``: a grader needs its own
    limit.

    Raises
    ------
    WrongAnswer
        If the time is up.

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
            "work that is repeated needlessly"
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
        # Once more, because it may have rung just before the line above.
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if left:
            # Restore an alarm that was set earlier.
            signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - began), 1e-3), interval)


@contextmanager
def _interruption(seconds: float) -> Iterator[None]:
    """The same with the signal that Ctrl+C sends, for systems without alarms."""
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
    """The part of a traceback that begins outside the course's own code."""
    while traceback is not None and _PACKAGE in Path(traceback.tb_frame.f_code.co_filename).parents:
        traceback = traceback.tb_next
    return traceback


def expect(condition: bool, hint: str) -> None:
    """Give a hint if a condition does not hold.

    Raises
    ------
    WrongAnswer
        If it does not hold.

    Examples
    --------
    >>> expect(2 > 1, "Two is more than one.")
    """
    if not condition:
        raise WrongAnswer(hint)
