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

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any

Answer = Callable[..., Any]


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

    Raises
    ------
    WrongAnswer
        It is not; with a hint.
    NotImplementedError
        It is still the stub.
    ValueError
        There is no such exercise.
    """
    known = exercises()
    if exercise_id not in known:
        raise ValueError(f"no exercise {exercise_id!r}; there are: {', '.join(known)}")
    try:
        known[exercise_id].check(answer)
    except WrongAnswer:
        raise
    except Exception as error:
        # What happened in the answer, without the way there.
        raise error.with_traceback(_of_the_answer(error.__traceback__)) from None
    print(f"{exercise_id} is right.")  # the notebook's cell has no other output


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
