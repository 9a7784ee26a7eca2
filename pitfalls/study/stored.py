"""The results of one task in one durable file: its tables, and what they were computed from.

A file is a zip archive of CSV tables, ``columns.json`` (what each column holds) and ``manifest.json``. It is written
beside its place and renamed, so whoever finds it finds all of it; the archive's own checksums reveal a damaged one.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from pitfalls import files

_MANIFEST, _COLUMNS = "manifest.json", "columns.json"
_KINDS = ("text", "int64", "float64", "bool")
# The earliest date of a zip archive: the same tables give the same bytes.
_DATE = (1980, 1, 1, 0, 0, 0)
#: The most bytes that a result may take once it is unpacked, and the most files; the mini world's study: 8 MB, 8 files.
_MOST_BYTES, _MOST_FILES = 2**31, 1_000


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
        As :func:`packed`.
    """
    files.write({path: packed(result)})


def packed(result: Result) -> bytes:
    """The bytes of a result's file.

    Raises
    ------
    ValueError
        A column holds something other than text, whole numbers, numbers or truth values.
    """
    texts = {f"{name}.csv": table.to_csv(index=False, lineterminator="\n") for name, table in result.tables.items()}
    kinds = {name: {str(c): _kind(table[c]) for c in table.columns} for name, table in result.tables.items()}
    for name, said in ((_COLUMNS, kinds), (_MANIFEST, dict(result.manifest))):
        texts[name] = json.dumps(said, ensure_ascii=False, indent=1)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in texts.items():
            entry = zipfile.ZipInfo(name, _DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, text.encode("utf-8"))
    return content.getvalue()


def read_result(path: Path) -> Result:
    """Read a result whole, its tables as they were, to the last bit and with the same types.

    Raises
    ------
    FileNotFoundError
        There is none.
    OSError
        The file cannot be read: it is another user's, or the disk fails. That says nothing about what it holds.
    DamagedResultError
        The file is cut off or altered, or it takes more than 2 GiB once it is unpacked.
    """
    try:
        content = path.read_bytes()
    except PermissionError as error:
        told = f"{error.strerror} (ask its owner to let you read it, or use another folder)"
        raise PermissionError(error.errno, told, str(path)) from error
    try:
        texts = _unpacked(content)
        manifest, kinds = json.loads(texts[_MANIFEST]), json.loads(texts[_COLUMNS])
        if not isinstance(manifest, dict) or not isinstance(kinds, dict):
            raise ValueError(f"{_MANIFEST} or {_COLUMNS} is not an object of names and values")
        tables = {name: _table(texts[f"{name}.csv"], columns) for name, columns in kinds.items()}
    except MemoryError:
        raise
    except Exception as error:  # The libraries raise many kinds of errors on altered bytes.
        said = f"{type(error).__name__}: {error!s:.300}"
        raise DamagedResultError(f"{path} is damaged ({said}): delete it, and run the same command again") from error
    return Result(manifest, tables)


def _unpacked(content: bytes) -> dict[str, str]:
    """The texts of an archive by name; never more bytes than it declares, nor more than the limit."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = archive.infolist()
        total = sum(entry.file_size for entry in entries)
        if len(entries) > _MOST_FILES or total > _MOST_BYTES:
            raise ValueError(
                f"{len(entries):,} files of {total:,} bytes; a result has at most {_MOST_FILES:,} of {_MOST_BYTES:,}"
            )
        if any(entry.compress_type != zipfile.ZIP_DEFLATED for entry in entries):
            raise ValueError("a file in it is not compressed with Deflate")
        texts = {}
        for entry in entries:
            with archive.open(entry) as file:
                # One byte more than it declares, so that the checksum of an empty file is compared too.
                texts[entry.filename] = file.read(entry.file_size + 1).decode("utf-8")
        return texts


def _kind(column: pd.Series) -> str:
    kinds = {"i": "int64", "f": "float64", "b": "bool"}
    if column.dtype.kind in kinds:
        return kinds[column.dtype.kind]
    wrong = [value for value in column if not isinstance(value, str)]
    if wrong:
        raise ValueError(f"the column {column.name!r} holds {wrong[0]!r}: give text, numbers or truth values")
    return "text"


def _table(text: str, kinds: Mapping[str, str]) -> pd.DataFrame:
    # Everything is read as text first: pandas would take the word "NA" for a gap, and round some numbers.
    table = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False, lineterminator="\n")
    if list(table.columns) != list(kinds):
        raise ValueError(f"the columns are {list(table.columns)}, and {_COLUMNS} says {list(kinds)}")
    return pd.DataFrame({column: _typed(table[column], kind) for column, kind in kinds.items()})


def _typed(column: pd.Series, kind: str) -> pd.Series:
    if kind not in _KINDS:
        raise ValueError(f"the kind of {column.name!r} is {kind!r}, and must be one of {', '.join(_KINDS)}")
    if kind == "text":
        return column
    if kind == "bool":
        wrong = column[~column.isin(["True", "False"])]
        if len(wrong):
            raise ValueError(f"{column.name!r} holds {wrong.iloc[0]!r}: a truth value is True or False")
        return column == "True"
    return column.where(column != "", "nan").astype(kind)
