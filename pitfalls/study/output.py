"""Where results go: ``figures/`` (PNG, SVG, alt text and caption) and ``results/`` (the plotted numbers, CSV)."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from pitfalls.figures import Plot

_NAME = re.compile(r"[a-z0-9]+([-_][a-z0-9]+)*")


def output_folder() -> Path:
    """Where ``figures/`` and ``results/`` are written: ``$PITFALLS_OUTPUT``, the checkout, or this folder.

    A notebook runs in ``notebooks/``; its output belongs beside that folder.
    """
    stated = os.environ.get("PITFALLS_OUTPUT")
    if stated:
        return Path(stated)
    here = Path.cwd()
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


def publish_table(table: pd.DataFrame, name: str, folder: Path | None = None) -> pd.DataFrame:
    """Write a tidy table to ``results/NAME.csv`` and give it back to be shown."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no table id: use lower-case letters, digits, - and _, as in 01_counts")
    target = (folder or output_folder()) / "results" / f"{name}.csv"
    target.parent.mkdir(parents=True, exist_ok=True)
    write_whole(target, table.to_csv(index=False, lineterminator="\n"))
    return table


def stored_table(name: str) -> pd.DataFrame:
    """A table of ``results/`` that an earlier command wrote: of the output folder, or else the one in the repository.

    Raises
    ------
    FileNotFoundError
        There is none.
    """
    own = Path(__file__).resolve().parent.parent.parent
    places = [folder / "results" / f"{name}.csv" for folder in dict.fromkeys((output_folder(), own))]
    for place in places:
        if place.is_file():
            # Words such as "NA" stay words; an empty cell is what the table had no number for.
            return pd.read_csv(place, keep_default_na=False, na_values=[""])
    raise FileNotFoundError(
        f"no table {name}: looked for {' and '.join(map(str, places))}; `make reproduce` writes those of all "
        "configurations (`pitfalls effects --help`)"
    )


def write_whole(target: Path, text: str) -> None:
    """Write a text file beside its place and rename it: nobody ever finds half of it under its name."""
    # A name of its own for each process: two may write the same file.
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    part.write_bytes(text.encode("utf-8"))
    os.replace(part, target)


def published(folder: Path) -> list[Published]:
    """The figures of an output folder, by id."""
    found = []
    for description in sorted((folder / "figures").glob("*.json")):
        name = description.stem
        said = json.loads(description.read_text(encoding="utf-8"))
        files = (
            Path("figures") / f"{name}.png",
            Path("figures") / f"{name}.svg",
            Path("results") / f"{name}.csv",
        )
        found.append(Published(name, said["alt"], said["caption"], *files))
    return found
