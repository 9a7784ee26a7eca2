"""What all figures share: colours, sizes, names, and :class:`Plot`, a figure with its numbers."""

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
from typing import Any, Literal, cast

import matplotlib.style
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from pitfalls import files
from pitfalls.figures.parts import all_rankings, placed
from pitfalls.tables import csv_of

#: One panel, in inches.
PANEL = (5.2, 3.9)

# Okabe and Ito's palette, whose colours colour-blind readers can tell apart; markers repeat what colours say.
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
    # Labels hold names from data, where "$" does not start a formula.
    "text.parse_math": False,
}
_HASH = re.compile(rb'(?<= id=")[a-z][0-9a-f]{10}(?=")')
# Matplotlib writes names from data as they are, but XML allows none of these characters.
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
# The rankings of best_subsets, by the size of the subset: a ceiling for all others.
_CEILINGS = {"best 1": "Best neuron", "best 2": "Best pair", "best 3": "Best triple"}
_NAMES = {"lca": "LCA", "anova": "ANOVA F", "conditional_mi": "Conditional MI", **_CEILINGS}
_ORDER = tuple(_LOOKS)


def _in_few_colours(png: bytes) -> bytes:
    """The same picture in 128 colours, at a third of the size: a notebook holds many pictures."""
    with Image.open(io.BytesIO(png)) as picture:
        few = picture.convert("RGB").quantize(128, dither=Image.Dither.NONE)
    written = io.BytesIO()
    few.save(written, "PNG", optimize=True)
    return written.getvalue()


@dataclass(frozen=True, eq=False, repr=False)
class Plot:
    """A figure and what it says: in words for readers who cannot see it, and in numbers.

    Attributes
    ----------
    figure:
        The matplotlib figure.
    alt:
        What a reader sees, in words, computed from ``table``.
    caption:
        What is plotted and how to read it.
    table:
        The plotted numbers, one row per point.
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
        return _numbered(_NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}".encode(), written))

    def _rendered(self, form: str, metadata: dict[str, Any]) -> bytes:
        buffer = io.BytesIO()
        with settings():
            self.figure.savefig(buffer, format=form, metadata=metadata)
        return buffer.getvalue()

    def save(self, folder: str | os.PathLike[str], id: str) -> tuple[Path, ...]:
        """Write ``<id>.png``, ``.svg``, ``.csv`` (see :mod:`pitfalls.tables`) and ``.json`` (id, alt, caption).

        No file is put in place before all are written. The JSON file comes last: where it exists, all do.

        Raises
        ------
        ValueError
            If ``id`` is not a plain file name.
        OSError
            If a file cannot be written (the disk is full, say); the message names it.
        """
        if not id or Path(id).name != id:
            raise ValueError(f"id must be a plain file name without a folder, not {id!r}")
        contents = {Path(folder) / f"{id}.{ending}": content for ending, content in self.contents(id).items()}
        files.write(contents)
        return tuple(reversed(contents))

    def contents(self, id: str) -> dict[str, bytes]:
        """What :meth:`save` writes, by file ending; the description comes first."""
        words = {"id": id, "alt": self.alt, "caption": self.caption}
        return {
            "json": (json.dumps(words, ensure_ascii=False, indent=2) + "\n").encode(),
            "csv": csv_of(self.table).encode(),
            "svg": self.svg(),
            "png": self.png(),
        }


def _numbered(svg: bytes) -> bytes:
    """Number matplotlib's ids: they are hashes of exact positions, whose last digits depend on the processor."""
    for number, name in enumerate(dict.fromkeys(_HASH.findall(svg)), 1):
        svg = svg.replace(name, b"shape_%d" % number)
    return svg


def settings() -> AbstractContextManager[None]:
    """Matplotlib with this project's settings, whatever the user's own are."""
    styles: Any = ["default", _SETTINGS]
    return matplotlib.style.context(styles)


def blank(size: tuple[float, float], layout: Literal["constrained"] | None = "constrained") -> Figure:
    """An empty figure of a fixed size in inches, outside pyplot's global state; or a part's place in another figure."""
    if (place := placed(size, layout)) is not None:
        # It has all methods of a figure that draw something.
        return cast(Figure, place)
    figure = Figure(figsize=size, layout=layout)
    FigureCanvasAgg(figure)
    return figure


def panels(n: int, size: tuple[float, float] | None = None) -> tuple[Figure, Sequence[Axes]]:
    """A figure of ``n`` panels side by side, of a fixed size in inches."""
    figure = blank(size or (PANEL[0] * n, PANEL[1]))
    return figure, figure.subplots(1, n, sharey=True, squeeze=False)[0]


def look(ranking: str, rankings: Iterable[str]) -> tuple[str, str]:
    """The colour and marker of ``ranking`` in a figure that shows ``rankings``.

    Examples
    --------
    >>> look("probeless", ["linear", "probeless"])
    ('#009E73', '^')
    """
    rankings = all_rankings(rankings)
    if ranking in _LOOKS:
        return _LOOKS[ranking]
    others = sorted(rankings - _LOOKS.keys())
    return _OTHER_LOOKS[others.index(ranking) % len(_OTHER_LOOKS)]


def in_order(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """(ranking, direction) pairs as legends list them: best subsets, top to bottom, random, bottom to top.

    Examples
    --------
    >>> in_order([("linear", "btt"), ("random", "ttb"), ("linear", "ttb"), ("best 2", "ttb")])
    [('best 2', 'ttb'), ('linear', 'ttb'), ('random', 'ttb'), ('linear', 'btt')]
    """

    def place(pair: tuple[str, str]) -> tuple[object, ...]:
        ranking, direction = pair
        known = _ORDER.index(ranking) if ranking in _ORDER else len(_ORDER)
        return direction != "ttb", ranking not in _CEILINGS, ranking == "random", known, ranking

    return sorted(set(pairs), key=place)


def ranking_name(ranking: str, direction: str) -> str:
    """What a legend calls a ranking.

    Examples
    --------
    >>> ranking_name("linear_converged", "ttb"), ranking_name("lca", "btt"), ranking_name("best 2", "ttb")
    ('Linear converged', 'LCA, bottom to top', 'Best pair')
    """
    name = _NAMES.get(ranking) or (ranking[:1].upper() + ranking[1:]).replace("_", " ")
    return name if direction == "ttb" else f"{name}, bottom to top"


def language_name(language: str) -> str:
    """What a title calls a language.

    Examples
    --------
    >>> language_name("spa"), language_name("deu")
    ('Spanish', 'deu')
    """
    return _LANGUAGES.get(language, language)


def appearance(ranking: str, direction: str, rankings: Iterable[str]) -> dict[str, Any]:
    """How a ranking's line looks; from bottom to top it is paler and its markers are hollow.

    Examples
    --------
    >>> appearance("linear", "btt", ["linear"])
    {'color': '#0072B2', 'marker': 'o', 'markerfacecolor': 'white', 'alpha': 0.55}
    """
    color, marker = look(ranking, rankings)
    if direction == "btt":
        return {"color": color, "marker": marker, "markerfacecolor": "white", "alpha": 0.55}
    return {"color": color, "marker": marker, "markerfacecolor": color, "alpha": 1.0}
