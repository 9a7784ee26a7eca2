"""Sweeps of the study over more workers: ``python -m benchmarks.scaling --output benchmarks/results``.

Writes ``scaling.csv``, ``scaling.png``, ``scaling.svg`` and ``scaling.json`` (what the figure says, and the machine).
The same tasks of the mini world are run over 1 and 2 workers, each time in a new process and new folders. The hours of
the paper's 156 configurations are projected from the stages of :mod:`benchmarks.paper_world`: those of a GPU if
``paper_world-cuda-float32.csv`` is in the output folder, else those of the CPU.
"""

from __future__ import annotations

import argparse
import heapq
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from benchmarks.measure import in_a_fresh_process, load_average, say
from benchmarks.sweeps import write_tasks
from pitfalls.figures.style import Plot, look, settings
from pitfalls.files import write_text
from pitfalls.study.everywhere import study_tasks
from pitfalls.study.machine import describe
from pitfalls.study.plan import Plan
from pitfalls.study.sweep import Task

PAPER_CONFIGURATIONS, PROJECTED = 156, (1, 8)
_TINY = Plan(
    steps=(0, 1 / 2, 1), dev_steps=(1 / 4,), betas=(4,), alphas=(2,), test_sentences=4, dev_sentences=3,
    asked_sentences=10, random_draws=1, greedy=4, train_words=300,
)  # fmt: skip


@dataclass(frozen=True)
class Scale:
    """The world that is swept, the layers (None for the study's own), and how much a configuration gets."""

    world: str
    layers: tuple[int, ...] | None
    plan: Plan


SCALES = {"full": Scale("mini", None, Plan()), "small": Scale("planted", (0, 1), _TINY)}
#: The last stage of a layer: if a layer has it, it was measured to its end.
_LAST = "examples"


# ------------------------------------------------------------------------------------------ sweeps


def spread(tasks: Sequence[Task], n: int) -> list[Task]:
    """``n`` tasks spread over languages and layers: one per language, each on a different layer, and so on.

    Raises
    ------
    ValueError
        If ``n`` is below 1 or above the number of tasks.
    """
    if not 1 <= n <= len(tasks):
        raise ValueError(f"the number of tasks must be 1 to {len(tasks)}, not {n}")
    left: dict[tuple[str, int], list[Task]] = {}
    for task in tasks:
        one = task.parameters["configuration"]
        left.setdefault((one["language"], one["layer"]), []).append(task)
    languages, layers = (sorted(set(names)) for names in zip(*left, strict=True))
    shifts = range(len(layers))
    places = [(one, layers[(i + shift) % len(layers)]) for shift in shifts for i, one in enumerate(languages)]
    # In rounds, because some languages have fewer attributes than others.
    rounds = range(max(map(len, left.values())))
    return [left[place][turn] for turn in rounds for place in places if turn < len(left.get(place, ()))][:n]


def swept(scale: str, n: int, workers: Sequence[int]) -> pd.DataFrame:
    """One row per number of workers, all with the same tasks and one thread per process."""
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        chosen = SCALES[scale]
        _, tasks = study_tasks({"name": chosen.world}, chosen.plan, chosen.layers)
        write_tasks(spread(tasks, n), Path(folder))
        for count in workers:
            rows += in_a_fresh_process(str(count), 1, scale, Path(folder), module="benchmarks.sweeps")
            say(f"{count} worker(s): {rows[-1]['seconds']:.0f} s, {rows[-1]['tasks_per_minute']:.2f} tasks per minute")
    return with_ideal(pd.DataFrame(rows)).assign(world=SCALES[scale].world)


def with_ideal(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with the ideal rate: that of as many workers, each as fast as a worker of the first row.

    Examples
    --------
    >>> rows = pd.DataFrame({"workers": [1, 2], "tasks_per_minute": [3.0, 4.5], "tables": ["x", "x"]})
    >>> with_ideal(rows)[["ideal_tasks_per_minute", "share_of_ideal", "same_tables"]].values.tolist()
    [[3.0, 1.0, True], [6.0, 0.75, True]]
    """
    ideal = rows["workers"] * (rows["tasks_per_minute"] / rows["workers"]).iloc[0]
    return rows.drop(columns="tables").assign(
        ideal_tasks_per_minute=ideal,
        share_of_ideal=rows["tasks_per_minute"] / ideal,
        same_tables=rows["tables"] == rows["tables"].iloc[0],
    )


# ---------------------------------------------------------------------------------------- projection


@dataclass(frozen=True)
class UnitCosts:
    """How long a configuration took on each layer, and on what machine and plan.

    Attributes
    ----------
    seconds:
        By layer, for the layers that were measured to their end.
    vectors_seconds:
        For the word vectors of a language, which all its configurations share.
    where, plan:
        The device in words, and how much of each thing a configuration got.
    """

    seconds: Mapping[int, float]
    vectors_seconds: float
    where: str
    plan: str


def costs_file(folder: Path) -> Path:
    """The file with the stages of a GPU if there is one, else that of the CPU."""
    on_gpu = folder / "paper_world-cuda-float32.csv"
    return on_gpu if on_gpu.is_file() else folder / "paper_world.csv"


def unit_costs(file: Path) -> UnitCosts:
    """Read the costs from what :mod:`benchmarks.paper_world` wrote, and from the JSON file beside it.

    Raises
    ------
    ValueError
        No layer was measured to its end.
    """
    stages = pd.read_csv(file, keep_default_na=False)
    about = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
    of_layers = stages[stages["layer"] != ""].astype({"layer": int})
    whole = of_layers[of_layers["stage"] == _LAST]["layer"].tolist()
    if not whole:
        raise ValueError(f"{file}: no layer was measured to its end, so no unit cost is known")
    seconds = of_layers.groupby("layer")["seconds"].sum()
    vectors = stages[stages["stage"].str.startswith("word vectors")]["seconds"].sum()
    return UnitCosts({layer: float(seconds[layer]) for layer in sorted(whole)}, float(vectors), *_in_words(about))


def _in_words(about: Mapping[str, Any]) -> tuple[str, str]:
    """The machine and the plan, in words."""
    where = about["GPU"] if "GPU" in about else f"{about['processor']}, {about['threads']} threads"
    plan = about["plan"]
    full = json.loads(json.dumps(asdict(Plan())))
    what = "the study's plan" if plan == full else "another plan than the study's"
    return where, f"{what} ({plan['test_sentences']} test sentences)"


def projected(costs: UnitCosts) -> pd.DataFrame:
    """One row per number of workers: hours for the paper's configurations on that many machines like the measured one.

    The configurations are spread evenly over the measured layers.
    """
    units = list(costs.seconds.values())
    seconds = [units[i % len(units)] for i in range(PAPER_CONFIGURATIONS)]
    rows = [(workers, PAPER_CONFIGURATIONS, hours_of(seconds, workers)) for workers in PROJECTED]
    said = "; ".join(f"layer {layer}: {each:.4g} s" for layer, each in costs.seconds.items())
    table = pd.DataFrame(rows, columns=["workers", "configurations", "hours"])
    return table.assign(unit_costs=said, measured_on=costs.where, plan=costs.plan)


def hours_of(seconds: Sequence[float], workers: int) -> float:
    """How many hours ``workers`` take for tasks of these lengths, in the given order; no task is divided.

    Examples
    --------
    >>> hours_of([3600, 3600, 3600], 2)
    2.0
    """
    free = [0.0] * workers
    for each in seconds:
        # The worker that is free first takes the next task.
        heapq.heapreplace(free, free[0] + each)
    return max(free) / 3600


# -------------------------------------------------------------------------------------------- figure


def figure(rates: pd.DataFrame, hours: pd.DataFrame) -> Plot:
    """Two panels: the rate over workers, measured and ideal, and the projected hours."""
    with settings():
        drawn = Figure(figsize=(8.4, 3.6), layout="constrained")
        FigureCanvasAgg(drawn)
        left, right = drawn.subplots(1, 2)
        _draw_rates(left, rates)
        _draw_hours(right, hours)
    first, whole = rates.iloc[0], hours.iloc[0]
    caption = (
        f"Left: {first['tasks']} tasks of the {first['world']} world over worker processes with one thread each, with "
        "and without the time until the first task began. Ideal: the rate of one worker times their number. Right: the "
        f"paper's {whole['configurations']} configurations, projected from the seconds that one took on each layer "
        f"({whole['unit_costs']}) on {whole['measured_on']} with {whole['plan']}; every worker is such a "
        "machine, and word vectors, made once per language, are not counted."
    )
    table = pd.concat([rates.assign(panel="rate"), hours.assign(panel="hours")], ignore_index=True)
    return Plot(drawn, _alt(rates, hours), caption, table[["panel", *table.columns.drop("panel")]])


def _draw_rates(axes: Axes, rates: pd.DataFrame) -> None:
    (ideal, _), (ours, marker) = look("random", ["random"]), look("linear", ["linear"])
    axes.plot(rates["workers"], rates["ideal_tasks_per_minute"], color=ideal, linestyle="--", label="ideal")
    steady: dict[str, Any] = {"color": ours, "marker": marker, "markerfacecolor": "white", "linestyle": ":"}
    axes.plot(rates["workers"], rates["steady_tasks_per_minute"], label="measured, without the start", **steady)
    axes.plot(rates["workers"], rates["tasks_per_minute"], color=ours, marker=marker, label="measured, whole")
    axes.set_xticks(rates["workers"])
    axes.set_ylim(bottom=0)
    axes.legend(loc="upper left")
    axes.set_xlabel("workers (processes)")
    axes.set_ylabel("tasks per minute")


def _draw_hours(axes: Axes, hours: pd.DataFrame) -> None:
    names = [str(workers) for workers in hours["workers"]]
    bars = axes.bar(names, hours["hours"], color=look("gaussian", ["gaussian"])[0], width=0.5)
    axes.bar_label(bars, [f"{each:.2g} h" for each in hours["hours"]], fontsize=8)
    axes.grid(axis="x", visible=False)
    axes.set_axisbelow(True)
    axes.set_xlabel("workers (machines like the measured one)")
    axes.set_ylabel(f"projected hours of {hours['configurations'].iloc[0]} configurations")


def _alt(rates: pd.DataFrame, hours: pd.DataFrame) -> str:
    said = [
        f"{row['workers']} worker(s) {row['tasks_per_minute']:.2f} tasks per minute "
        f"({row['share_of_ideal']:.0%} of ideal; {row['steady_tasks_per_minute']:.2f} without the start)"
        for row in rates.to_dict("records")
    ]
    costs = [f"{row['hours']:.2g} hours on {row['workers']}" for row in hours.to_dict("records")]
    return f"Two panels. Left, measured: {'; '.join(said)}. Right, projected: {'; '.join(costs)}."


def main(arguments: list[str] | None = None) -> int:
    """Measure, write, and say whether all sweeps found the same tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, help="folder to write to")
    parser.add_argument("--scale", choices=list(SCALES), default="full")
    parser.add_argument("--tasks", type=int, default=8, help="how many configurations are run each time")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--costs", type=Path, help="stages of benchmarks.paper_world (default: those in OUTPUT)")
    asked = parser.parse_args(arguments)
    asked.output.mkdir(parents=True, exist_ok=True)
    costs = asked.costs or costs_file(asked.output)
    if not costs.is_file():
        parser.error(f"no unit costs {costs}: python -m benchmarks.paper_world writes them")
    machine = describe() | {"load at the start": load_average()}
    hours, rates = projected(unit_costs(costs)), swept(asked.scale, asked.tasks, asked.workers)
    write(figure(rates, hours), machine, asked.output)
    if not rates["same_tables"].all():
        say("the sweeps found different tables: see the column same_tables of scaling.csv")
    return 0 if rates["same_tables"].all() else 1


def write(plot: Plot, machine: Mapping[str, str], folder: Path) -> None:
    """Write the figure and its numbers, and one JSON file with what it says and the machine."""
    plot.save(folder, "scaling")
    about = folder / "scaling.json"
    said = json.loads(about.read_text(encoding="utf-8"))
    write_text(about, json.dumps({**said, **machine}, ensure_ascii=False, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
