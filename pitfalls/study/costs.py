"""How long a sweep takes, judging by its finished tasks: every result file says how many seconds its task took."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from pitfalls.study.stored import DamagedResultError, read_result
from pitfalls.study.sweep import Task, is_done


def unit_costs(folder: Path) -> pd.DataFrame:
    """How long the finished tasks of a folder took, by kind, on whatever machine.

    Returns
    -------
    kind, measured (the number of tasks), seconds (their median), sorted by kind.
    """
    found = [_manifest(file) for file in sorted(folder.glob("*.zip"))]
    taken = pd.DataFrame(found, columns=["kind", "seconds"]).dropna()
    costs = taken.astype({"seconds": float}).groupby("kind", sort=True)["seconds"].agg(["size", "median"])
    return costs.rename(columns={"size": "measured", "median": "seconds"}).reset_index()


def _manifest(file: Path) -> dict[str, Any]:
    try:
        return dict(read_result(file).manifest)
    except (OSError, DamagedResultError):
        return {}


def estimate(tasks: Sequence[Task], folder: Path, workers: int) -> pd.DataFrame:
    """What is left to do, and how long it will take.

    Returns
    -------
    One row per kind, in the order of the tasks: kind, tasks, found, to_do, seconds_a_task, source, and the hours on
    that many workers. The source is ``measured``, ``assumed`` (the mean of the measured kinds), or ``not measured`` if
    no kind is; then seconds and hours are NaN.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> tasks = [Task(f"nap-{n}", {"n": n}) for n in range(6)]
    >>> with TemporaryDirectory() as folder:
    ...     estimate(tasks, Path(folder), 2)[["kind", "tasks", "found", "to_do", "source"]].values.tolist()
    [['nap', 6, 0, 6, 'not measured']]
    """
    asked = pd.DataFrame({"kind": [task.kind for task in tasks], "found": [is_done(task, folder) for task in tasks]})
    table = asked.groupby("kind", sort=False)["found"].agg(tasks="size", found="sum").reset_index()
    seconds = table["kind"].map(unit_costs(folder).set_index("kind")["seconds"])
    assumed = "not measured" if seconds.isna().all() else "assumed"
    return table.assign(
        to_do=table["tasks"] - table["found"],
        seconds_a_task=seconds.fillna(seconds.mean()),
        source=seconds.isna().map({True: assumed, False: "measured"}),
        # Tasks are indivisible: one task more than there are workers takes as long as two per worker.
        hours=lambda row: (row["to_do"] / workers).map(math.ceil) * row["seconds_a_task"] / 3600,
    )


def total_hours(estimated: pd.DataFrame, workers: int) -> float:
    """About how many hours all kinds of :func:`estimate` take together on that many workers; NaN if none is measured.

    Examples
    --------
    >>> table = pd.DataFrame({"to_do": [3, 1], "seconds_a_task": [1200.0, 3600.0]})
    >>> total_hours(table, 1), total_hours(table, 2)
    (2.0, 1.0)
    """
    todo = estimated[estimated["to_do"] > 0]
    seconds = (todo["to_do"] * todo["seconds_a_task"]).sum(skipna=False)
    return float(max(seconds / workers, todo["seconds_a_task"].max() if len(todo) else 0) / 3600)
