"""One page with every figure: alt text, caption, numbers, and the machine and versions it ran on."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from pitfalls.study import machine
from pitfalls.study.output import Published, published, write_whole

ROWS_SHOWN = 400
"""Longer tables are cut in the page, which says so and names the file."""


@dataclass(frozen=True)
class Executed:
    """A notebook that was run: its name and how long it took, in seconds."""

    name: str
    seconds: float


def write_report(folder: Path, world: str, notebooks: Sequence[Executed] = ()) -> Path:
    """Write ``report.html`` from the figures and results of an output folder; the page stands alone.

    Raises
    ------
    ValueError
        The folder holds no figure.
    """
    figures = published(folder)
    if not figures:
        raise ValueError(f"{folder / 'figures'} holds no figure to report: run `make reproduce` first")
    environment = Environment(
        loader=PackageLoader("pitfalls.study"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    page = environment.get_template("report.html.jinja").render(
        world=world,
        figures=[_figure(folder, figure) for figure in figures],
        notebooks=notebooks,
        machine=machine.describe(),
    )
    target = folder / "report.html"
    write_whole(target, page)
    return target


def _figure(folder: Path, figure: Published) -> Mapping[str, object]:
    table = pd.read_csv(folder / figure.table)
    shown = table.head(ROWS_SHOWN)
    return {
        "id": figure.id,
        "alt": figure.alt,
        "caption": figure.caption,
        "png": base64.b64encode((folder / figure.png).read_bytes()).decode(),
        "csv": figure.table.as_posix(),
        "svg": figure.svg.as_posix(),
        "columns": list(shown.columns),
        "rows": [[_cell(value) for value in row] for row in shown.itertuples(index=False)],
        "cut": len(table) - len(shown),
    }


def _cell(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
