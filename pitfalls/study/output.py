"""Where results go: ``figures/`` (PNG, SVG, alt text and caption) and ``results/`` (the plotted numbers, CSV)."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import pandas as pd

from pitfalls import files
from pitfalls.study.stored import Result, read_result
from pitfalls.tables import csv_of, read_csv
from pitfalls.worlds.names import MINI_MODELS, REAL_MODELS

if TYPE_CHECKING:
    from pitfalls.figures.style import Plot

_NAME = re.compile(r"[a-z0-9]+([-_][a-z0-9]+)*")
_NUMBERS = re.compile(r"([0-9]+)")
_ENDINGS = (".png", ".svg", ".csv", ".json")


def output_folder() -> Path:
    """Where ``figures/`` and ``results/`` are written: ``$PITFALLS_OUTPUT``, the checkout, or the current folder.

    A notebook runs in ``notebooks/``, a student's in ``notebooks/student/``; output belongs beside ``notebooks/``.
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
    """A figure or table that was written: its id, its caption, and its alt text, which a table lacks."""

    id: str
    caption: str
    alt: str = ""

    @property
    def table(self) -> Path:
        """The file of its numbers, relative to the output folder."""
        return Path("results") / f"{self.id}.csv"

    @property
    def png(self) -> Path:
        """The file of its picture, relative to the output folder."""
        return Path("figures") / f"{self.id}.png"


@overload
def publish(shown: Plot, figure_id: str, folder: Path | None = None) -> Plot: ...


@overload
def publish(shown: pd.DataFrame, figure_id: str, folder: Path | None = None) -> pd.DataFrame: ...


def publish(shown: Plot | pd.DataFrame, figure_id: str, folder: Path | None = None) -> Plot | pd.DataFrame:
    """Write a figure and its numbers, or a table, under a stable id, and give it back to be shown.

    No file is put in place before all are written; the description (``figures/ID.json``) comes last. The numbers are
    written as :mod:`pitfalls.tables` says.

    Parameters
    ----------
    shown : what a function of :mod:`pitfalls.figures` returns; or a table (:func:`publish_table`)
    figure_id : lower-case letters, digits, ``-`` and ``_``, such as ``01_accuracy``
    folder : the output folder (default :func:`output_folder`)

    Raises
    ------
    ValueError
        The id is not of that form.
    OSError
        A file cannot be written (a full disk, say); the message names it.
    """
    if isinstance(shown, pd.DataFrame):
        return publish_table(shown, figure_id, folder)
    _check_id(figure_id)
    root = Path(folder or output_folder())
    contents = shown.contents(figure_id)
    places = {ending: root / ("results" if ending == "csv" else "figures") for ending in contents}
    files.write({places[ending] / f"{figure_id}.{ending}": content for ending, content in contents.items()})
    return shown


def publish_table(
    table: pd.DataFrame, name: str, folder: Path | None = None, caption: str | None = None
) -> pd.DataFrame:
    """Write a tidy table to ``results/NAME.csv``, as :mod:`pitfalls.tables` says, and give it back to be shown.

    With a caption, which goes into ``results/NAME.json``, the table appears in the report.
    """
    _check_id(name)
    target = Path(folder or output_folder()) / "results" / f"{name}.csv"
    described = {} if caption is None else {"json": json.dumps({"caption": caption}, indent=2) + "\n"}
    texts = {**described, "csv": csv_of(table)}
    files.write({target.with_suffix(f".{ending}"): text.encode("utf-8") for ending, text in texts.items()})
    return table


def _check_id(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not an id: use lower-case letters, digits, - and _, as in 01_accuracy")


def withdraw(folder: Path, ids: re.Pattern[str], keep: Collection[str]) -> None:
    """Delete what an earlier run published: figures and tables whose ids match, except those to keep."""
    for part in ("figures", "results"):
        for file in sorted((folder / part).glob("*")):
            if file.suffix in _ENDINGS and ids.fullmatch(file.stem) and file.stem not in keep:
                file.unlink()


def stored_table(name: str) -> pd.DataFrame:
    """A table of ``results/`` that an earlier command wrote: from the output folder, or else from the repository.

    Where the package was installed without the repository, the results of all configurations come with it.

    Raises
    ------
    FileNotFoundError
        There is none.
    """
    return read_csv(_stored(f"{name}.csv"))


def stored_study(world: str, model: str = "") -> Mapping[str, pd.DataFrame]:
    """The tables of all configurations of a world's model, as ``pitfalls sweep`` wrote them; see :func:`stored_table`.

    Parameters
    ----------
    model : of the mini or the real world, by default its first; other worlds have one study per output folder

    Returns
    -------
    By name: curves, leads, orders, dev, effects, areas, examples (see :func:`~pitfalls.study.measures.measure`).

    Raises
    ------
    FileNotFoundError
        There are none.
    DamagedResultError
        The file cannot be read whole.
    """
    return stored_result(world, model).tables


def stored_result(world: str, model: str = "") -> Result:
    """The tables of :func:`stored_study` with the manifest that says where they come from; the same errors."""
    return read_result(_stored(f"{study_id(world, model)}.zip"))


def study_id(world: str, model: str = "") -> str:
    """The name of the file that holds a study.

    >>> study_id("mini"), study_id("mini", "xlmr"), study_id("paper", "xlm-roberta-base"), study_id("real")
    ('study-mini-bert', 'study-mini-xlmr', 'study-paper', 'study-real-smollm2')
    >>> study_id("real", "sentence-transformers/all-MiniLM-L6-v2")
    'study-real-sentence-transformers-all-minilm-l6-v2'
    """
    first = {"mini": MINI_MODELS[0], "real": REAL_MODELS[0]}
    if world not in first:
        return f"study-{world}"
    # A name on the Hub has a slash, and some file systems do not tell capitals from small letters.
    own = re.sub("[^a-z0-9]+", "-", (model or first[world]).lower())
    return f"study-{world}-{own}"


def study_of(options: Mapping[str, Any]) -> str:
    """The :func:`study_id` of a world, from what :func:`~pitfalls.worlds.load.load_world` takes.

    >>> study_of({"name": "mini", "model": "xlmr"}), study_of({"name": "planted"})
    ('study-mini-xlmr', 'study-planted')
    """
    return study_id(str(options["name"]), str(options.get("model") or ""))


def _stored(name: str) -> Path:
    package = Path(__file__).resolve().parent.parent
    folders = (output_folder() / "results", package.parent / "results", package / "_results")
    places = [folder / name for folder in dict.fromkeys(folders)]
    for place in places:
        if place.is_file():
            return place
    there = sorted({file.name for place in places for file in place.parent.glob(f"*{place.suffix}")})
    raise FileNotFoundError(
        f"no {name}: looked for {' and '.join(map(str, places))}, where there are: {', '.join(there) or 'none'}; `make "
        "reproduce` writes the results of all configurations (`pitfalls sweep --help`), and `make real` those of real "
        "models"
    )


def published(folder: Path) -> list[Published]:
    """The figures of an output folder: the paper's in its order, then the others by id.

    Raises
    ------
    ValueError
        A description cannot be read; the message names its file.
    """
    return [Published(file.stem, **_described(file, "caption", "alt")) for file in _descriptions(folder / "figures")]


def published_tables(folder: Path) -> list[Published]:
    """The tables of an output folder that have a caption, in the order of :func:`published`, with the same errors."""
    return [Published(file.stem, **_described(file, "caption")) for file in _descriptions(folder / "results")]


def _descriptions(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.json"), key=lambda file: place(file.stem))


def _described(file: Path, *names: str) -> dict[str, str]:
    """The texts of a description under ``names``.

    Raises
    ------
    ValueError
        It is cut off or altered; the message names it.
    """
    try:
        said = json.loads(file.read_bytes())
        found = {name: said[name] for name in names}
        if not all(isinstance(text, str) for text in found.values()):
            raise TypeError(f"{' or '.join(names)} is not text")
        return found
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise ValueError(f"{file} is not a description ({error!r}): delete it, and publish it again") from error


def place(published_id: str) -> tuple[object, ...]:
    """What to sort ids by: ``fig2``, ``tab7``, ``fig10``, and all others after the paper's."""
    of_paper = re.fullmatch(r"(?:fig|tab)([0-9].*)", published_id)
    parts = _NUMBERS.split(of_paper[1] if of_paper else published_id)
    return (
        of_paper is None,
        [(not part.isdigit(), int(part) if part.isdigit() else part) for part in parts],
        published_id,
    )
