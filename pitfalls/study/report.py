"""One page that stands alone: the claims, then every figure and table with its title and what its numbers say."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from pitfalls import files
from pitfalls.extras import extra
from pitfalls.study import machine
from pitfalls.study.output import Published, place, published, published_tables
from pitfalls.tables import read_csv

with extra("course"):
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from PIL import Image

    from pitfalls.study import findings

ROWS_SHOWN = 30
"""The page cuts longer tables, and names the file that holds the rest."""
_COLOURS = 64


@dataclass(frozen=True)
class Executed:
    """A notebook that was run: its name and how long it took, in seconds."""

    name: str
    seconds: float


@dataclass
class Entry:
    """A figure or table as the page shows it.

    Attributes
    ----------
    part:
        The heading under which it stands.
    numbers:
        The table; the page shows its first rows.
    picture, size:
        The picture as a data URL, and its width and height in pixels.
    same_as:
        The entry with the same picture, further up the page.
    """

    said: Published
    part: str
    numbers: pd.DataFrame
    picture: str = ""
    size: tuple[int, int] = (0, 0)
    same_as: Entry | None = None

    def __post_init__(self) -> None:
        kind = findings.kind_of(self.numbers)
        self.title = findings.title(kind, self.said.id, self.said.caption)
        self.finding = findings.finding(kind, self.numbers)


def write_report(
    folder: Path, world: str, notebooks: Sequence[Executed] = (), costs: pd.DataFrame | None = None
) -> Path:
    """Write ``report.html`` from the figures and results of an output folder; the page stands alone.

    The claims come first, then the paper's figures and tables by theme, then those of each notebook.

    Parameters
    ----------
    costs : how long a sweep's tasks took, as :func:`~pitfalls.study.costs.unit_costs` gives it

    Raises
    ------
    ValueError
        The folder holds no figure, or a file that cannot be read; the message names it.
    """
    figures = published(folder)
    if not figures:
        raise ValueError(f"{folder / 'figures'} holds no figure to report: run `make reproduce` first")
    entries = [_entry(folder, one, notebooks) for one in (*figures, *published_tables(folder))]
    claims = next((entry for entry in entries if entry.said.id == "claims"), None)
    others = sorted((entry for entry in entries if entry is not claims), key=_position)
    _add_pictures(folder, others)
    environment = Environment(
        loader=PackageLoader("pitfalls.study"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    page = environment.get_template("report.html.jinja").render(
        world=world,
        claims=claims,
        parts={
            part: [entry for entry in others if entry.part == part] for part in dict.fromkeys(e.part for e in others)
        },
        costs=costs,
        notebooks=notebooks,
        machine=machine.describe(),
        rows_shown=ROWS_SHOWN,
        cell=_cell,
    )
    target = folder / "report.html"
    files.write_text(target, page)
    return target


def _entry(folder: Path, said: Published, notebooks: Sequence[Executed]) -> Entry:
    numbers = read_csv(folder / said.table)
    return Entry(said, _part(said.id, numbers, notebooks), numbers)


def _part(published_id: str, numbers: pd.DataFrame, notebooks: Sequence[Executed]) -> str:
    """The heading of an entry: a notebook for ids such as ``01_accuracy``, else the theme of its table."""
    number = re.match(r"(\d\d)_", published_id)
    if number is None:
        kind = findings.kind_of(numbers)
        return kind.part if kind else "Others"
    names = {notebook.name[:2]: notebook.name[3:].replace("_", " ") for notebook in notebooks}
    return f"Notebook {number[1]}" + (f": {names[number[1]]}" if number[1] in names else "")


def _position(entry: Entry) -> tuple[object, ...]:
    parts = findings.PARTS
    return parts.index(entry.part) if entry.part in parts else len(parts), place(entry.said.id)


def _add_pictures(folder: Path, entries: Sequence[Entry]) -> None:
    """Give every figure its picture, or the entry further up that has the same one."""
    seen: dict[bytes, Entry] = {}
    for entry in entries:
        if not entry.said.alt:
            continue
        png = (folder / entry.said.png).read_bytes()
        first = seen.setdefault(png, entry)
        if first is entry:
            entry.picture, entry.size = _compressed(png)
        else:
            entry.same_as = first


def _compressed(png: bytes) -> tuple[str, tuple[int, int]]:
    """The picture in few colours (a fifth of the bytes) as a data URL, and its width and height in pixels."""
    with Image.open(io.BytesIO(png)) as picture:
        few = picture.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE).convert("RGB")
    written = io.BytesIO()
    few.save(written, "WEBP", lossless=True, quality=60, method=3)
    return f"data:image/webp;base64,{base64.b64encode(written.getvalue()).decode()}", few.size


def _cell(value: Any) -> str:
    return "" if pd.isna(value) else f"{value:.4g}" if isinstance(value, float) else str(value)
