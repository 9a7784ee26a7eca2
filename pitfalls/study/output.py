"""Where results go: ``figures/`` (PNG, SVG, alt text and caption) and ``results/`` (the plotted numbers, CSV)."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pandas as pd

from pitfalls.study.stored import read_result

if TYPE_CHECKING:
    from pitfalls.figures import Plot

_NAME = re.compile(r"[a-z0-9]+([-_][a-z0-9]+)*")
_NUMBERS = re.compile(r"([0-9]+)")
_ENDINGS = (".png", ".svg", ".csv", ".json")


def output_folder() -> Path:
    """Where ``figures/`` and ``results/`` are written: ``$PITFALLS_OUTPUT``, the checkout, or this folder.

    A notebook runs in ``notebooks/``, a student's in ``notebooks/student/``; its output belongs beside that folder.
    """
    stated = os.environ.get("PITFALLS_OUTPUT")
    if stated:
        return Path(stated)
    here = Path.cwd()
    if here.name == "student" and here.parent.name == "notebooks":
        return here.parent.parent
    return here.parent if here.name == "notebooks" else here


@dataclass(frozen=True)
class Published:
    """A figure that was written: its id, alt text, caption, and the files (relative to the output folder)."""

    id: str
    alt: str
    caption: str
    png: Path
    svg: Path
    table: Path


@dataclass(frozen=True)
class PublishedTable:
    """A table that was written: its id, caption, and file (relative to the output folder)."""

    id: str
    caption: str
    table: Path


def publish(plot: Plot, figure_id: str, folder: Path | None = None) -> Plot:
    """Write a figure and its numbers under a stable id, and give the plot back to be shown.

    Each file is written beside and renamed, the description (``figures/ID.json``) last.

    Parameters
    ----------
    plot : what a function of :mod:`pitfalls.figures` returns
    figure_id : lower-case letters, digits, ``-`` and ``_``, such as ``01_accuracy``
    folder : the output folder (default :func:`output_folder`)

    Raises
    ------
    ValueError
        The id is of another form.
    """
    if not _NAME.fullmatch(figure_id):
        raise ValueError(f"{figure_id!r} is no figure id: use lower-case letters, digits, - and _, as in 01_accuracy")
    root = folder or output_folder()
    targets = {
        ".png": root / "figures" / f"{figure_id}.png",
        ".svg": root / "figures" / f"{figure_id}.svg",
        ".csv": root / "results" / f"{figure_id}.csv",
        ".json": root / "figures" / f"{figure_id}.json",
    }
    for target in targets.values():
        target.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=root / "figures", prefix=".writing-") as beside:
        plot.save(Path(beside), figure_id)
        for ending, target in targets.items():
            os.replace(Path(beside) / f"{figure_id}{ending}", target)
    return plot


def publish_table(
    table: pd.DataFrame, name: str, folder: Path | None = None, caption: str | None = None
) -> pd.DataFrame:
    """Write a tidy table to ``results/NAME.csv`` and give it back to be shown.

    With a caption, which goes to ``results/NAME.json``, it is a table of the report.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no table id: use lower-case letters, digits, - and _, as in 01_counts")
    target = (folder or output_folder()) / "results" / f"{name}.csv"
    target.parent.mkdir(parents=True, exist_ok=True)
    write_whole(target, table.to_csv(index=False, lineterminator="\n"))
    if caption is not None:
        write_whole(target.with_suffix(".json"), json.dumps({"caption": caption}, indent=2) + "\n")
    return table


def withdraw(folder: Path, ids: re.Pattern[str], keep: Collection[str]) -> None:
    """Delete published figures and tables whose ids match, but for those to keep: what an earlier run left behind."""
    for part in ("figures", "results"):
        for file in sorted((folder / part).glob("*")):
            if file.suffix in _ENDINGS and ids.fullmatch(file.stem) and file.stem not in keep:
                file.unlink()


def stored_table(name: str) -> pd.DataFrame:
    """A table of ``results/`` that an earlier command wrote: of the output folder, or else the repository's.

    Where the package was installed without the repository, the results of all configurations come with it.

    Raises
    ------
    FileNotFoundError
        There is none.
    """
    # Words such as "NA" stay words; an empty cell is what the table had no number for.
    return pd.read_csv(_stored(f"{name}.csv"), keep_default_na=False, na_values=[""])


def stored_study(world: str) -> Mapping[str, pd.DataFrame]:
    """The tables of all configurations of a world, as ``pitfalls sweep`` wrote them; found as by :func:`stored_table`.

    Returns
    -------
    By name: curves, orders, effects, strengths, areas, examples (see :func:`~pitfalls.study.measures.measure`).

    Raises
    ------
    FileNotFoundError
        There are none.
    DamagedResultError
        The file cannot be read whole.
    """
    return read_result(_stored(f"study-{world}.zip")).tables


def _stored(name: str) -> Path:
    package = Path(__file__).resolve().parent.parent
    folders = (output_folder() / "results", package.parent / "results", package / "_results")
    places = [folder / name for folder in dict.fromkeys(folders)]
    for place in places:
        if place.is_file():
            return place
    raise FileNotFoundError(
        f"no {name}: looked for {' and '.join(map(str, places))}; `make reproduce` writes the results of all "
        "configurations (`pitfalls sweep --help`)"
    )


def write_whole(target: Path, text: str) -> None:
    """Write a text file beside its place and rename it: nobody ever finds half of it under its name."""
    # A name of its own for each process: two may write the same file.
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    part.write_bytes(text.encode("utf-8"))
    os.replace(part, target)


def published(folder: Path) -> list[Published]:
    """The figures of an output folder: the paper's in its order, then the others by id."""
    found = []
    for description in sorted((folder / "figures").glob("*.json"), key=lambda file: place(file.stem)):
        name = description.stem
        said = json.loads(description.read_text(encoding="utf-8"))
        files = (
            Path("figures") / f"{name}.png",
            Path("figures") / f"{name}.svg",
            Path("results") / f"{name}.csv",
        )
        found.append(Published(name, said["alt"], said["caption"], *files))
    return found


def published_tables(folder: Path) -> list[PublishedTable]:
    """The tables of an output folder that have a caption: the paper's in its order, then the others by id."""
    descriptions = sorted((folder / "results").glob("*.json"), key=lambda file: place(file.stem))
    return [
        PublishedTable(
            description.stem,
            json.loads(description.read_text(encoding="utf-8"))["caption"],
            Path("results") / f"{description.stem}.csv",
        )
        for description in descriptions
    ]


def place(published_id: str) -> list[tuple[int, int, str]]:
    """What to sort ids by: ``fig2``, ``tab7``, ``fig10``, and after the paper's all others."""
    of_paper = re.fullmatch(r"(?:fig|tab)([0-9].*)", published_id)
    parts = [
        (1, int(part), "") if part.isdigit() else (2, 0, part)
        for part in _NUMBERS.split(of_paper[1] if of_paper else published_id)
    ]
    return [(0, 0, "") if of_paper else (9, 0, ""), *parts, (0, 0, published_id)]
