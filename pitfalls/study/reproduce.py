"""Runs the notebooks on a world and writes figures, tables and the report: ``make reproduce``."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pandas as pd
from tqdm.auto import tqdm

from pitfalls.extras import extra
from pitfalls.files import write_text
from pitfalls.study.costs import unit_costs
from pitfalls.study.report import Executed, write_report

with extra("course"):
    import nbformat
    from nbclient import NotebookClient
    from nbconvert import HTMLExporter

CELL_TIMEOUT = 3_600
"""Seconds that one cell may take; the paper world's cells are long."""


def reproduce(
    notebooks: Path, output: Path, world: str, environment: Mapping[str, str] | None = None, jobs: int = 1
) -> Path:
    """Run every notebook of a folder from top to bottom; return the path of the report.

    The executed notebooks and their HTML go to ``output/build``; what they publish goes to ``output/figures`` and
    ``output/results``. An interruption, or a cell that fails, ends the other notebooks at once. The next run starts
    again with the first.

    Parameters
    ----------
    environment : further environment variables for the notebooks (``PITFALLS_MODEL``, …)
    jobs : notebooks that run at the same time, each in its own kernel

    Raises
    ------
    FileNotFoundError
        The folder holds no notebook.
    nbclient.exceptions.CellExecutionError
        A cell failed.
    """
    paths = sorted(notebooks.glob("[0-9][0-9]_*.ipynb"))
    if not paths:
        raise FileNotFoundError(f"no notebook such as 01_….ipynb in {notebooks}: run this from the project's root")
    # In a stored notebook progress bars are noise; the bar over the notebooks stays.
    variables = {
        "TQDM_DISABLE": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "PITFALLS_WORLD": world,
        "PITFALLS_OUTPUT": str(output.resolve()),
        **(environment or {}),
    }
    started: list[NotebookClient] = []
    with ThreadPoolExecutor(jobs) as pool:
        runs = [pool.submit(_run, path, output / "build", variables, started) for path in paths]
        try:
            bar = tqdm(zip(paths, runs, strict=True), total=len(paths), desc="notebooks", unit="notebook")
            executed = [Executed(path.stem, run.result()) for path, run in bar]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            _end(started, runs)
            raise
    return write_report(output, world, executed, _sweeps_costs(output / "build" / "sweep"))


def _sweeps_costs(folder: Path) -> pd.DataFrame | None:
    """How long the tasks of ``pitfalls sweep`` took, if it was run."""
    costs = unit_costs(folder)
    return costs.assign(total=costs["measured"] * costs["seconds"]) if len(costs) else None


def _run(path: Path, build: Path, variables: Mapping[str, str], started: list[NotebookClient]) -> float:
    """Execute one notebook; return the seconds it took. Once its kernel runs, its client is in ``started``."""
    start = time.perf_counter()
    client: NotebookClient = NotebookClient(
        nbformat.read(path, as_version=4),
        timeout=CELL_TIMEOUT,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        on_notebook_start=lambda notebook: started.append(client),
    )
    client.execute(env={**os.environ, **variables})
    seconds = time.perf_counter() - start
    html, _ = HTMLExporter().from_notebook_node(client.nb)
    write_text(build / path.name, nbformat.writes(client.nb))
    write_text(build / f"{path.stem}.html", html)
    return seconds


def _end(started: Sequence[NotebookClient], runs: Sequence[Future[float]]) -> None:
    """Kill the kernels of the notebooks that are running or about to run; their clients notice within a second."""
    while not all(run.done() for run in runs):
        for client in started:
            kernel = getattr(getattr(client.km, "provisioner", None), "process", None)
            if kernel is not None:
                kernel.kill()
        time.sleep(0.1)
