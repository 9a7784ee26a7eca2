"""Tables as CSV files that people may open in a spreadsheet program.

A spreadsheet takes a cell such as ``=1+1`` for a formula, quoted or not, and a treebank can hold such a word. The word
is written with an apostrophe before it, so that the program shows it as text, and :func:`read_csv` takes the apostrophe
away again. Single signs such as ``-`` stay as they are. Numbers are written with six significant digits: the last few
of sixteen differ between processors, and nobody reads them.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pandas as pd

_FORMULA = re.compile(r"'*[=+\-@\t\r].", re.DOTALL)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)


def csv_of(table: pd.DataFrame, float_format: str | None = None) -> str:
    r"""A table as CSV without its index: lines end in ``\n``, numbers have six digits or follow ``float_format``.

    Examples
    --------
    >>> print(csv_of(pd.DataFrame({"word": ["=1+1", "-", "-0.5"], "value": [-0.5, 1, 2 / 3]})), end="")
    word,value
    '=1+1,-0.5
    -,1.0
    -0.5,0.666667
    """
    written = _changed(table, _as_text)
    if float_format is None:
        for i, kind in enumerate(table.dtypes):
            if kind.kind == "f":
                written.isetitem(i, table.iloc[:, i].map(_six_digits).to_numpy())
    # Before Python 3.13, csv leaves a carriage return unquoted, and readers take it for the end of a line.
    quoting: Literal[0, 2] = csv.QUOTE_NONNUMERIC if _has_returns(written) else csv.QUOTE_MINIMAL
    return written.to_csv(index=False, lineterminator="\n", float_format=float_format, quoting=quoting)


def _has_returns(table: pd.DataFrame) -> bool:
    text = [table.iloc[:, i] for i, kind in enumerate(table.dtypes) if kind.kind not in "iufcb"]
    return any(isinstance(cell, str) and "\r" in cell for column in text for cell in column)


def _six_digits(number: float) -> float:
    return float(f"{number:.6g}")


def read_csv(path: Path) -> pd.DataFrame:
    """Read what :func:`csv_of` wrote: words such as "NA" stay words, and an empty cell is a missing value.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        It is not a table; the message names the file.
    """
    try:
        table = pd.read_csv(path, keep_default_na=False, na_values=[""])
    except ValueError as error:
        raise ValueError(f"{path} is not a table ({error}): delete it, and write it again") from error
    return _changed(table, _as_it_was)


def _as_text(cell: Any) -> Any:
    if isinstance(cell, str) and _FORMULA.match(cell) and not _NUMBER.fullmatch(cell):
        return "'" + cell
    return cell


def _as_it_was(cell: Any) -> Any:
    if isinstance(cell, str) and cell.startswith("'") and _FORMULA.match(cell):
        return cell[1:]
    return cell


def _changed(table: pd.DataFrame, change: Callable[[Any], Any]) -> pd.DataFrame:
    """The table with ``change`` applied to every cell that is not in a column of numbers."""
    changed = table.copy()
    for i, kind in enumerate(table.dtypes):
        if kind.kind not in "iufcb":
            changed.isetitem(i, table.iloc[:, i].map(change))
    return changed
