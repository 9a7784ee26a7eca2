"""Results of one task as one durable file: its tables, and what they were computed from.

A file is a zip archive of CSV tables, ``columns.json`` (what each column holds) and ``manifest.json``. It is written
beside its place and renamed, so whoever finds it finds all of it; the archive's own checksums tell a damaged one.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import pandas as pd

_MANIFEST, _COLUMNS = "manifest.json", "columns.json"
# The earliest date of a zip archive: the same tables give the same bytes.
_DATE = (1980, 1, 1, 0, 0, 0)


class DamagedResultError(ValueError):
    """A result file that cannot be read whole."""


@dataclass(frozen=True, eq=False)
class Result:
    """Tables by name, and the manifest: parameters, versions, seeds, whatever is plain JSON."""

    manifest: Mapping[str, Any]
    tables: Mapping[str, pd.DataFrame]


def write_result(path: Path, result: Result) -> None:
    """Write a result in one step; an older one of the same name is replaced.

    Raises
    ------
    OSError
        The disk is full or the folder cannot be written; nothing is left behind.
    ValueError
        A column holds something else than text, whole numbers, numbers or truth values.
    """
    texts = {f"{name}.csv": table.to_csv(index=False, lineterminator="\n") for name, table in result.tables.items()}
    kinds = {name: {str(c): _kind(table[c]) for c in table.columns} for name, table in result.tables.items()}
    for name, said in ((_COLUMNS, kinds), (_MANIFEST, dict(result.manifest))):
        texts[name] = json.dumps(said, ensure_ascii=False, indent=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", suffix=".part", delete=False)  # noqa: SIM115
    try:
        with handle:
            with zipfile.ZipFile(handle, "w") as archive:
                for name, text in texts.items():
                    entry = zipfile.ZipInfo(name, _DATE)
                    entry.compress_type = zipfile.ZIP_DEFLATED
                    archive.writestr(entry, text.encode("utf-8"))
            # A rename may reach the disk before the content does; after a power cut the file would be empty.
            handle.flush()
            os.fsync(handle.fileno())
        os.replace(handle.name, path)
    except BaseException:
        Path(handle.name).unlink(missing_ok=True)
        raise


def read_result(path: Path) -> Result:
    """Read a result whole, its tables as they were, to the last bit and with the same types.

    Raises
    ------
    FileNotFoundError
        There is none.
    DamagedResultError
        The file is cut off or altered.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            texts = {name: archive.read(name).decode("utf-8") for name in archive.namelist()}
        manifest, kinds = json.loads(texts[_MANIFEST]), json.loads(texts[_COLUMNS])
        tables = {name: _table(texts[f"{name}.csv"], columns) for name, columns in kinds.items()}
    except FileNotFoundError:
        raise
    except (zipfile.BadZipFile, zlib.error, KeyError, EOFError, OSError, ValueError, RuntimeError) as error:
        # RuntimeError: altered bytes may ask for a password, or for a compression that there is not.
        raise DamagedResultError(f"{path} is damaged ({error}): delete it, and run the same command again") from error
    return Result(manifest, tables)


def _kind(column: pd.Series) -> str:
    kinds = {"i": "int64", "f": "float64", "b": "bool"}
    if column.dtype.kind in kinds:
        return kinds[column.dtype.kind]
    wrong = [value for value in column if not isinstance(value, str)]
    if wrong:
        raise ValueError(f"the column {column.name!r} holds {wrong[0]!r}: give text, numbers or truth values")
    return "text"


def _table(text: str, kinds: Mapping[str, str]) -> pd.DataFrame:
    # Everything as text first: pandas would take the word "NA" for nothing, and round some numbers.
    table = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)
    return pd.DataFrame({column: _typed(table[column], kind) for column, kind in kinds.items()})


def _typed(column: pd.Series, kind: str) -> pd.Series:
    if kind == "text":
        return column
    if kind == "bool":
        return column == "True"
    return column.where(column != "", "nan").astype(kind)
