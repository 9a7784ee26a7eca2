"""One page with every figure: alt text, caption, numbers, and the machine and versions it ran on."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from pitfalls import files
from pitfalls.extras import extra
from pitfalls.study import machine
from pitfalls.study.output import Published, PublishedTable, place, published, published_tables
from pitfalls.tables import read_csv

with extra("course"):
    from jinja2 import Environment, PackageLoader, StrictUndefined

ROWS_SHOWN = 400
"""Longer tables are cut in the page, which says so and names the file."""


@dataclass(frozen=True)
class Executed:
    """A notebook that was run: its name and how long it took, in seconds."""

    name: str
    seconds: float


def write_report(
    folder: Path, world: str, notebooks: Sequence[Executed] = (), costs: pd.DataFrame | None = None
) -> Path:
    """Write ``report.html`` from the figures and results of an output folder; the page stands alone.

    The claims come first, then the paper's figures and tables in its order, then those of the notebooks.

    Parameters
    ----------
    costs : what a sweep's tasks took, as :func:`~pitfalls.study.costs.unit_costs` gives it

    Raises
    ------
    ValueError
        The folder holds no figure, or a file that cannot be read, which is named.
    """
    figures = published(folder)
    if not figures:
        raise ValueError(f"{folder / 'figures'} holds no figure to report: run `make reproduce` first")
    tables = [_table(folder, table) for table in published_tables(folder)]
    environment = Environment(
        loader=PackageLoader("pitfalls.study"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    page = environment.get_template("report.html.jinja").render(
        world=world,
        claims=[table for table in tables if table["id"] == "claims"],
        items=sorted(
            [*(_figure(folder, figure) for figure in figures), *(table for table in tables if table["id"] != "claims")],
            key=lambda item: place(str(item["id"])),
        ),
        costs=None if costs is None else _rows(costs, len(costs)),
        notebooks=notebooks,
        machine=machine.describe(),
    )
    target = folder / "report.html"
    files.write_text(target, page)
    return target


def _figure(folder: Path, figure: Published) -> Mapping[str, object]:
    return {
        "id": figure.id,
        "caption": figure.caption,
        "csv": figure.table.as_posix(),
        "alt": figure.alt,
        "png": base64.b64encode((folder / figure.png).read_bytes()).decode(),
        "svg": figure.svg.as_posix(),
        **_rows(read_csv(folder / figure.table), ROWS_SHOWN),
    }


def _table(folder: Path, table: PublishedTable) -> Mapping[str, object]:
    return {
        "id": table.id,
        "caption": table.caption,
        "csv": table.table.as_posix(),
        "png": "",
        **_rows(read_csv(folder / table.table), ROWS_SHOWN),
    }


def _rows(table: pd.DataFrame, at_most: int) -> Mapping[str, object]:
    shown = table.head(at_most)
    return {
        "columns": list(shown.columns),
        "rows": [[_cell(value) for value in row] for row in shown.itertuples(index=False)],
        "cut": len(table) - len(shown),
    }


def _cell(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
