"""What all figures share: colours, sizes, words, and :class:`Plot`, a figure with its numbers."""

from __future__ import annotations

import base64
import html
import io
import json
import os
import re
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib.style
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from pitfalls import files
from pitfalls.tables import csv_of

#: One panel, in inches.
PANEL = (5.2, 3.9)

# Okabe and Ito's palette, which colour-blind readers can tell apart; markers say the same once more.
_LOOKS = {
    "linear": ("#0072B2", "o"),
    "gaussian": ("#D55E00", "s"),
    "probeless": ("#009E73", "^"),
    "random": ("#555555", "x"),
}
_OTHER_LOOKS = (
    ("#CC79A7", "D"),
    ("#E69F00", "v"),
    ("#56B4E9", "P"),
    ("#000000", "*"),
    ("#8A7B00", "<"),
    ("#7B3294", ">"),
)
_SETTINGS = {
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.dpi": 100,
    "font.size": 9.0,
    "grid.alpha": 0.3,
    "hatch.linewidth": 0.6,
    "legend.fontsize": 8.0,
    "legend.frameon": False,
    "lines.linewidth": 1.5,
    "lines.markersize": 4.0,
    "savefig.dpi": 200,
    # A fixed salt gives the same identifiers, so the same SVG, on every run.
    "svg.hashsalt": "pitfalls",
    # Labels hold names from data, in which "$" begins no formula.
    "text.parse_math": False,
}
# Matplotlib writes names from data as they are, and XML has no place for these.
_NOT_IN_XML = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_LANGUAGES = {
    "ara": "Arabic",
    "art": "Artificial",
    "bul": "Bulgarian",
    "eng": "English",
    "fin": "Finnish",
    "fra": "French",
    "hin": "Hindi",
    "rus": "Russian",
    "spa": "Spanish",
    "tur": "Turkish",
}
_NAMES = {"lca": "LCA", "anova": "ANOVA F", "conditional_mi": "Conditional MI"}
_ORDER = tuple(_LOOKS)


def _in_few_colours(png: bytes) -> bytes:
    """The same picture in 128 colours: a third of the size, and a notebook holds many."""
    with Image.open(io.BytesIO(png)) as picture:
        few = picture.convert("RGB").quantize(128, dither=Image.Dither.NONE)
    written = io.BytesIO()
    few.save(written, "PNG", optimize=True)
    return written.getvalue()


@dataclass(frozen=True, eq=False, repr=False)
class Plot:
    """A figure with what it says: in words for those who do not see it, and in numbers.

    Attributes
    ----------
    figure:
        The matplotlib figure.
    alt:
        What a reader sees, computed from ``table``.
    caption:
        What is plotted and how to read it.
    table:
        The plotted numbers, one row a point.
    """

    figure: Figure
    alt: str
    caption: str
    table: pd.DataFrame

    def __repr__(self) -> str:
        return f"{self.caption}\n{self.alt}"

    def _repr_html_(self) -> str:
        image = base64.b64encode(_in_few_colours(self.png())).decode("ascii")
        return (
            f'<figure><img alt="{html.escape(self.alt)}" style="max-width: 100%" '
            f'src="data:image/png;base64,{image}"><figcaption>{html.escape(self.caption)}</figcaption></figure>'
        )

    def show(self) -> None:
        """Display figure, alt text and caption in a notebook."""
        from IPython.display import display

        display(self)

    def png(self) -> bytes:
        """The figure as PNG, the same bytes on every call."""
        return self._rendered("png", {"Software": None})

    def svg(self) -> bytes:
        """The figure as SVG with the alt text as its description, the same bytes on every call."""
        written = self._rendered("svg", {"Date": None, "Creator": None, "Description": self.alt})
        return _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}".encode(), written)

    def _rendered(self, form: str, metadata: dict[str, Any]) -> bytes:
        buffer = io.BytesIO()
        with settings():
            self.figure.savefig(buffer, format=form, metadata=metadata)
        return buffer.getvalue()

    def save(self, folder: str | os.PathLike[str], id: str) -> tuple[Path, ...]:
        """Write ``<id>.png``, ``.svg``, ``.csv`` (see :mod:`pitfalls.tables`) and ``.json`` (id, alt, caption).

        None is put in place before all are written; the JSON file is last, so where it is, all are.

        Raises
        ------
        ValueError
            If ``id`` is no plain file name.
        OSError
            A file cannot be written (a full disk, say); the message names it.
        """
        if not id or Path(id).name != id:
            raise ValueError(f"id must be a plain file name without a folder, not {id!r}")
        contents = {Path(folder) / f"{id}.{ending}": content for ending, content in self.contents(id).items()}
        files.write(contents)
        return tuple(reversed(contents))

    def contents(self, id: str) -> dict[str, bytes]:
        """What :meth:`save` writes, by the files' endings; the description first."""
        words = {"id": id, "alt": self.alt, "caption": self.caption}
        return {
            "json": (json.dumps(words, ensure_ascii=False, indent=2) + "\n").encode(),
            "csv": csv_of(self.table).encode(),
            "svg": self.svg(),
            "png": self.png(),
        }


def settings() -> AbstractContextManager[None]:
    """Matplotlib with this project's settings, whatever the user's own are."""
    styles: Any = ["default", _SETTINGS]
    return matplotlib.style.context(styles)


def panels(n: int) -> tuple[Figure, Sequence[Axes]]:
    """A figure of ``n`` panels side by side, of fixed size, outside of pyplot's global state."""
    figure = Figure(figsize=(PANEL[0] * n, PANEL[1]), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(1, n, sharey=True, squeeze=False)[0]


def look(ranking: str, rankings: Iterable[str]) -> tuple[str, str]:
    """Colour and marker of ``ranking`` in a figure that shows ``rankings``.

    Examples
    --------
    >>> look("probeless", ["linear", "probeless"])
    ('#009E73', '^')
    """
    if ranking in _LOOKS:
        return _LOOKS[ranking]
    others = sorted(set(rankings) - _LOOKS.keys())
    return _OTHER_LOOKS[others.index(ranking) % len(_OTHER_LOOKS)]


def in_order(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """(ranking, direction) pairs as legends list them: top to bottom, random, bottom to top.

    Examples
    --------
    >>> in_order([("linear", "btt"), ("random", "ttb"), ("linear", "ttb")])
    [('linear', 'ttb'), ('random', 'ttb'), ('linear', 'btt')]
    """

    def place(pair: tuple[str, str]) -> tuple[object, ...]:
        ranking, direction = pair
        known = _ORDER.index(ranking) if ranking in _ORDER else len(_ORDER)
        return direction != "ttb", ranking == "random", known, ranking

    return sorted(set(pairs), key=place)


def ranking_name(ranking: str, direction: str) -> str:
    """How a legend calls a ranking.

    Examples
    --------
    >>> ranking_name("linear_converged", "ttb"), ranking_name("lca", "btt")
    ('Linear converged', 'LCA, bottom to top')
    """
    name = _NAMES.get(ranking) or (ranking[:1].upper() + ranking[1:]).replace("_", " ")
    return name if direction == "ttb" else f"{name}, bottom to top"


def only(table: pd.DataFrame, column: str, what: str) -> Any:
    """The one value of a column that a figure must not mix.

    Raises
    ------
    ValueError
        If the table lacks the column, has no rows, or holds several values there.
    """
    if column not in table.columns:
        raise ValueError(f"{what} needs a column {column!r}; the table has {list(table.columns)}")
    found = table[column].drop_duplicates().tolist()
    if len(found) != 1:
        raise ValueError(
            f"{what} shows one {column}, and the table has {len(found)}: {found[:6]}; select the rows of one"
        )
    return found[0]


def language_name(language: str) -> str:
    """What a title calls a language.

    Examples
    --------
    >>> language_name("spa"), language_name("deu")
    ('Spanish', 'deu')
    """
    return _LANGUAGES.get(language, language)


def require(table: pd.DataFrame, needed: Iterable[str], what: str) -> None:
    """Refuse a table that lacks one of the ``needed`` columns.

    Raises
    ------
    ValueError
        If a column is missing.
    """
    missing = [column for column in needed if column not in table.columns]
    if missing:
        raise ValueError(f"{what} needs the columns {missing}; the table has {list(table.columns)}")


def subject(table: pd.DataFrame, what: str) -> str:
    """What a figure is about, such as "Spanish Gender, layer 3"; the table must be of one configuration."""
    language, attribute, layer = (only(table, column, what) for column in ("language", "attribute", "layer"))
    return f"{language_name(language)} {attribute}, layer {layer}"


def one_configuration(table: pd.DataFrame, needed: Iterable[str], single: Iterable[str], what: str) -> str:
    """The :func:`subject` of a table that has the ``needed`` columns, and one value in each of ``single`` it has.

    Raises
    ------
    ValueError
        If a column is missing, or the rows are of several configurations.
    """
    require(table, needed, what)
    about = subject(table, what)
    for column in single:
        if column in table.columns:
            only(table, column, what)
    return about


def over_draws(table: pd.DataFrame, keys: list[str], value: str) -> pd.DataFrame:
    """``mean``, ``low``, ``high`` of ``value``, and ``draws``, over rows that differ in their seeds only."""
    grouped = table.groupby(keys, sort=True)[value]
    return grouped.agg(mean="mean", low="min", high="max", draws="count").reset_index()


def appearance(ranking: str, direction: str, rankings: Iterable[str]) -> dict[str, Any]:
    """How the line of a ranking looks; from bottom to top it is paler, and its markers are hollow.

    Examples
    --------
    >>> appearance("linear", "btt", ["linear"])
    {'color': '#0072B2', 'marker': 'o', 'markerfacecolor': 'white', 'alpha': 0.55}
    """
    color, marker = look(ranking, rankings)
    if direction == "btt":
        return {"color": color, "marker": marker, "markerfacecolor": "white", "alpha": 0.55}
    return {"color": color, "marker": marker, "markerfacecolor": color, "alpha": 1.0}


def draw_line(axes: Axes, points: pd.DataFrame, x: str = "k", **look_of_line: Any) -> None:
    """One curve over ``x``, with a band from the lowest to the highest draw where there are several."""
    where = points[x].to_numpy()
    every = max(1, len(where) // 8)
    axes.plot(where, points["mean"].to_numpy(), markevery=every, **look_of_line)
    if int(points["draws"].max()) > 1:
        low, high = points["low"].to_numpy(), points["high"].to_numpy()
        axes.fill_between(where, low, high, color=look_of_line["color"], alpha=0.15, linewidth=0)


def in_words(points: pd.DataFrame, x: str = "k", symbol: str = "k") -> str:
    """A curve over ``x``, called ``symbol``, in words: where it starts, its highest point, and where it ends.

    Examples
    --------
    >>> in_words(pd.DataFrame({"k": [1, 2, 3], "mean": [0.5, 0.9, 0.8]}))
    '0.500 at k = 1, highest 0.900 at k = 2, 0.800 at k = 3'
    """
    where, mean = points[x].to_numpy(), points["mean"].to_numpy()
    top, last = int(mean.argmax()), len(mean) - 1
    parts = [f"{mean[0]:.3f} at {symbol} = {where[0]:g}"]
    if 0 < top < last:
        parts.append(f"highest {mean[top]:.3f} at {symbol} = {where[top]:g}")
    if last > 0:
        parts.append(f"{mean[last]:.3f} at {symbol} = {where[last]:g}")
    return ", ".join(parts)
