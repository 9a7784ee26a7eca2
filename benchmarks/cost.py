"""What the fast forms cost over words, neurons, classes and k: the numbers, and the figure."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

from benchmarks.data import Size, read, write
from benchmarks.limits import seconds_of
from pitfalls.arrays.splits import Splits
from pitfalls.figures.style import Plot, look, ranking_name, settings
from pitfalls.probes.curves import probe_curve
from pitfalls.rankings import rank


@dataclasses.dataclass(frozen=True)
class Setting:
    """One point: words (in train and in dev alike), neurons, classes, and k."""

    words: int
    neurons: int
    classes: int
    k: int


_BASE = {"full": Setting(4_096, 256, 2, 32), "small": Setting(64, 16, 2, 4)}
_OVER: dict[str, dict[str, tuple[int, ...]]] = {
    "full": {
        "words": (1_024, 2_048, 4_096, 8_192, 16_384),
        "neurons": (64, 128, 256, 512, 1024),
        "classes": (2, 4, 8, 16),
        "k": (8, 16, 32, 64, 128, 256),
    },
    "small": {"words": (64, 128), "neurons": (8, 16), "classes": (2, 4), "k": (4, 8)},
}
_AXES = {"words": "words", "neurons": "neurons", "classes": "classes", "k": "k (neurons chosen or read)"}
_METHODS = {
    "linear": "probes of 1 to k neurons of one order",
    "gaussian": "search for k neurons",
    "probeless": "the ranking",
}


def measured(scale: str) -> Iterator[dict[str, Any]]:
    """One row per panel (``over``), method and point: the setting and the median seconds of three runs."""
    for over, values in _OVER[scale].items():
        for value in values:
            setting = dataclasses.replace(_BASE[scale], **{over: value})
            for method, seconds in _seconds(setting):
                yield {"over": over, "method": method, **dataclasses.asdict(setting), "seconds": seconds}


def _seconds(setting: Setting) -> Iterator[tuple[str, float]]:
    size = Size(setting.words, setting.words, 200, setting.neurons, setting.classes)
    with tempfile.TemporaryDirectory() as folder:
        write(size, Path(folder))
        data = read(Path(folder))
    for method in _METHODS:
        _do(method, data, 1)
        yield method, seconds_of(lambda method=method: _do(method, data, setting.k), runs=3)


def _do(method: str, data: Splits, k: int) -> None:
    if method == "linear":
        probe_curve(rank("random", data), data, range(1, k + 1), "linear")
    else:
        rank(method, data, max_neurons=k)


def figure(table: pd.DataFrame, threads: int = 1) -> Plot:
    """Four panels; in each, one quantity grows while the others stay fixed."""
    with settings():
        drawn = Figure(figsize=(8.4, 6.4), layout="constrained")
        FigureCanvasAgg(drawn)
        for axes, over in zip(drawn.subplots(2, 2, sharey=True).flat, _AXES, strict=True):
            rows = table[table.over == over]
            for method, points in rows.groupby("method", sort=False):
                colour, marker = look(str(method), _METHODS)
                name = f"{ranking_name(str(method), 'ttb')}: {_METHODS[str(method)]}"
                axes.plot(points[over], points.seconds, color=colour, marker=marker, label=name)
            axes.set_xscale("log", base=2)
            axes.set_yscale("log")
            axes.xaxis.set_major_locator(LogLocator(2))
            axes.xaxis.set_major_formatter(ScalarFormatter())
            axes.xaxis.set_minor_formatter(NullFormatter())
            axes.set_xlabel(_AXES[over])
            axes.set_title(_fixed(rows, over), fontsize=8)
        for axes in drawn.axes[::2]:
            axes.set_ylabel(f"seconds ({threads} thread{'s' * (threads > 1)})")
        drawn.legend(*drawn.axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    caption = (
        "Cost of the fast forms. In each panel one quantity grows and the others stay fixed (see its title); "
        "both axes are logarithmic, so a straight line is a power."
    )
    return Plot(drawn, _in_words(table), caption, table)


def _fixed(rows: pd.DataFrame, over: str) -> str:
    return ", ".join(
        f"{rows[name].iloc[0]:,} {name}" if name != "k" else f"k = {rows.k.iloc[0]}" for name in _AXES if name != over
    )


def _in_words(table: pd.DataFrame) -> str:
    said = []
    for over in _AXES:
        lines = []
        for method, points in table[table.over == over].groupby("method", sort=False):
            x, seconds = points[over].to_numpy(), points.seconds.to_numpy()
            power = np.polyfit(np.log(x), np.log(seconds), 1)[0]
            lines.append(f"{method} {seconds[0]:.2g} to {seconds[-1]:.2g} s (power {power:.1f})")
        said.append(f"From {x[0]:,} to {x[-1]:,} {over}: {'; '.join(lines)}.")
    return "Seconds in four panels. " + " ".join(said)
