"""Predict, then reveal: the reader commits to a guess before seeing a result, and learns over time how sure to be.

Guesses stay on the reader's own disk (``$PITFALLS_GUESSES``, default ``~/.cache/pitfalls/guesses.json``). Notebooks
that run at the same time share the file.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from pitfalls import files
from pitfalls.language import treebanks

_COLUMNS = ["id", "question", "unit", "low", "high", "result", "inside"]
_KEPT = {"question": str, "unit": str, "low": float, "high": float}


def guess(guess_id: str, question: str, low: float, high: float, unit: str = "") -> None:
    """Keep a guess: an interval that the reader expects to hold the result in 8 of 10 such questions.

    Once its result has been revealed, a guess no longer changes.

    Raises
    ------
    ValueError
        If the interval is empty or a bound is not finite.
    OSError
        If the file cannot be written.
    """
    if not (abs(low) < float("inf") and abs(high) < float("inf") and low <= high):
        raise ValueError(f"{guess_id}: {low} to {high} is not an interval; give two finite bounds, the lower first")
    with _changing() as entries:
        if "result" not in entries.get(guess_id, {}):
            entries[guess_id] = {"question": question, "low": float(low), "high": float(high), "unit": unit}


def kept(guess_id: str) -> tuple[float, float] | None:
    """The lower and upper bounds of a guess, or None if none has been kept."""
    said = _read().get(guess_id)
    return None if said is None else (said["low"], said["high"])


def reveal(guess_id: str, result: float) -> str:
    """State a result, beside the guess if there is one; the result is then kept with the guess.

    Examples
    --------
    >>> import os, tempfile
    >>> os.environ["PITFALLS_GUESSES"] = os.path.join(tempfile.mkdtemp(), "guesses.json")
    >>> guess("05-a", "How accurate?", 0.2, 0.5)
    >>> reveal("05-a", 0.75)
    'You guessed 0.2 to 0.5; it is 0.75: outside.'
    >>> reveal("05-b", 0.75)
    'It is 0.75; you made no guess.'
    >>> del os.environ["PITFALLS_GUESSES"]
    """
    said = _read().get(guess_id)
    if said is None:
        return f"It is {result:.3g}; you made no guess."
    with _changing() as entries:
        entries[guess_id] = {**said, "result": float(result)}
    where = "inside" if said["low"] <= result <= said["high"] else "outside"
    return f"You guessed {said['low']:.3g} to {said['high']:.3g}; it is {result:.3g}: {where}."


def calibration() -> pd.DataFrame:
    """All guesses whose results are known: id, question, unit, low, high, result, inside; sorted by id."""
    rows: list[dict[str, Any]] = [
        {"id": guess_id, **said, "inside": said["low"] <= said["result"] <= said["high"]}
        for guess_id, said in sorted(_read().items())
        if "result" in said
    ]
    return pd.DataFrame(rows, columns=_COLUMNS)


def _file() -> Path:
    stated = os.environ.get("PITFALLS_GUESSES")
    return Path(stated) if stated else treebanks.cache_folder() / "guesses.json"


def _read() -> dict[str, dict[str, Any]]:
    """All guesses so far, with a warning where the file, or something in it, cannot be read."""
    try:
        entries, damage = _entries(_file())
    except OSError as error:
        entries, damage = {}, str(error)
    if damage:
        warnings.warn(f"{_file()}: guesses that cannot be read are left out ({damage})", stacklevel=3)
    return entries


def _entries(file: Path) -> tuple[dict[str, dict[str, Any]], str]:
    """The guesses in a file and what is wrong with it; both are empty where there is no file.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    try:
        found = json.loads(file.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return {}, ""
    except (ValueError, RecursionError) as error:
        return {}, f"{type(error).__name__}: {error}"
    if not isinstance(found, dict):
        return {}, f"a {type(found).__name__} instead of guesses by id"
    entries = {guess_id: said for guess_id, said in found.items() if _is_guess(said)}
    others = [guess_id for guess_id in found if guess_id not in entries]
    return entries, f"not guesses: {', '.join(others):.200}" if others else ""


def _is_guess(said: object) -> bool:
    """Whether this is what :func:`guess` and :func:`reveal` write."""
    if not isinstance(said, dict):
        return False
    kinds = {**_KEPT, "result": float} if "result" in said else _KEPT
    return said.keys() == kinds.keys() and all(_is_a(kind, said[name]) for name, kind in kinds.items())


def _is_a(kind: type, value: object) -> bool:
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= sys.float_info.max
    return isinstance(value, kind)


@contextmanager
def _changing() -> Iterator[dict[str, dict[str, Any]]]:
    """Yield the guesses to be changed, then write them; other threads and processes wait meanwhile.

    A damaged file is first put aside under another name, with a warning.
    """
    file = _file()
    with files.locked(file.with_name(f"{file.name}.lock")):
        entries, damage = _entries(file)
        if damage:
            aside = _put_aside(file)
            warnings.warn(f"{file} is damaged ({damage}): it is kept as {aside}", stacklevel=4)
        yield entries
        files.write_text(file, json.dumps(entries, indent=2) + "\n")


def _put_aside(file: Path) -> Path:
    """Rename a file to the first of ``NAME.damaged-1``, ``NAME.damaged-2``, … that is free; return the new path."""
    names = (file.with_name(f"{file.name}.damaged-{n}") for n in itertools.count(1))
    aside = next(name for name in names if not os.path.lexists(name))
    os.replace(file, aside)
    return aside
