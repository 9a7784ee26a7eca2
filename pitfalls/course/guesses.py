"""Predict, then reveal: the reader commits to a guess before a result, and sees at the end how sure to be.

Guesses are kept on the reader's own disk (``$PITFALLS_GUESSES``, default ``~/.cache/pitfalls/guesses.json``), and go
nowhere else.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pandas as pd

from pitfalls.language import treebanks
from pitfalls.study.output import write_whole

_COLUMNS = ["id", "question", "unit", "low", "high", "result", "inside"]


def guess(guess_id: str, question: str, low: float, high: float, unit: str = "") -> None:
    """Keep a guess: an interval that holds the result, the reader thinks, in 8 of 10 such questions.

    Raises
    ------
    ValueError
        The interval is empty, or a bound is no finite number.
    """
    if not (abs(low) < float("inf") and abs(high) < float("inf") and low <= high):
        raise ValueError(f"{guess_id}: {low} to {high} is no interval; give the lower bound first")
    # A guess after the result is none.
    if "result" not in _read().get(guess_id, {}):
        _keep(guess_id, question=question, low=float(low), high=float(high), unit=unit)


def kept(guess_id: str) -> tuple[float, float] | None:
    """The guess that is kept, its lower and upper bound; None where there is none."""
    said = _read().get(guess_id, {})
    return (said["low"], said["high"]) if {"low", "high"} <= said.keys() else None


def reveal(guess_id: str, result: float) -> str:
    """Keep a result, and say it beside the guess; without a guess the result alone.

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
    said = _read().get(guess_id, {})
    if "low" not in said:
        return f"It is {result:.3g}; you made no guess."
    _keep(guess_id, result=float(result))
    where = "inside" if said["low"] <= result <= said["high"] else "outside"
    return f"You guessed {said['low']:.3g} to {said['high']:.3g}; it is {result:.3g}: {where}."


def calibration() -> pd.DataFrame:
    """All guesses whose results are known: id, question, unit, low, high, result, inside; sorted by id."""
    rows: list[dict[str, Any]] = [
        {"id": guess_id, **said, "inside": said["low"] <= said["result"] <= said["high"]}
        for guess_id, said in sorted(_read().items())
        if {"low", "high", "result"} <= said.keys()
    ]
    return pd.DataFrame(rows, columns=_COLUMNS)


def _file() -> Path:
    stated = os.environ.get("PITFALLS_GUESSES")
    return Path(stated) if stated else treebanks.cache_folder() / "guesses.json"


def _read() -> dict[str, dict[str, Any]]:
    """What was guessed so far; nothing where there is no file, or one that was cut off."""
    try:
        found = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _keep(guess_id: str, **said: Any) -> None:
    kept = _read()
    kept[guess_id] = {**kept.get(guess_id, {}), **said}
    _file().parent.mkdir(parents=True, exist_ok=True)
    write_whole(_file(), json.dumps(kept, indent=2, ensure_ascii=False) + "\n")
