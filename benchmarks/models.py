"""Any model and any unit against plain transformers and nnsight: ``python -m benchmarks.models --output FOLDER``.

Writes ``models.csv`` and ``models.json`` (the machine). It takes the first sentences of a treebank that is not part of
the project; and nnsight, if it is installed (``pip install 'pitfalls[bench]'``). Each job and number of threads runs in
its own process.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from benchmarks.jobs import SIZES, jobs, prepare
from benchmarks.measure import in_a_fresh_process, load_average, say
from benchmarks.treebank import add_treebank, treebank_of
from benchmarks.whole_passes import NO_NNSIGHT, has_nnsight
from pitfalls.files import write_text
from pitfalls.study.machine import describe
from pitfalls.tables import csv_of


def ratios(treebank: Path, scale: str, threads: list[int], only: list[str]) -> pd.DataFrame:
    """The table, one row per job, number of threads and other way."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        prepare(SIZES[scale], treebank, Path(folder))
        for job in only:
            for count in threads:
                start, load = time.perf_counter(), load_average()
                found = in_a_fresh_process(job, count, scale, Path(folder), module="benchmarks.jobs")
                rows += [{**row, "load": load} for row in found]
                told = ", ".join(f"{row['ratio']:.1f}" for row in found)
                say(f"{job}, {count} thread(s): {time.perf_counter() - start:.0f} s, ratios {told}")
    return pd.DataFrame(rows)


def main(arguments: list[str] | None = None) -> int:
    """Measure, write, and say whether the package found what the other ways did."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = list(jobs(SIZES["full"]))
    parser.add_argument("--output", type=Path, required=True, help="folder to write to")
    add_treebank(parser)
    parser.add_argument("--scale", choices=list(SIZES), default="full")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument(
        "--only", nargs="+", help=f"only these jobs ({', '.join(names)}); models.csv then has no others"
    )
    asked = parser.parse_args(arguments)
    known = list(jobs(SIZES[asked.scale]))
    if unknown := [name for name in asked.only or [] if name not in known]:
        parser.error(f"no job {unknown[0]!r}: the scale {asked.scale} has {', '.join(known)}")
    treebank = treebank_of(parser, asked.treebank, "models")
    if treebank is None:
        return 0
    if not has_nnsight():
        say(NO_NNSIGHT)
    asked.output.mkdir(parents=True, exist_ok=True)
    machine = describe() | {"load at the start": load_average(), "transformers": version("transformers")}
    machine["nnsight"] = version("nnsight") if has_nnsight() else "not installed"
    table = ratios(treebank, asked.scale, asked.threads, asked.only or known)
    write_text(asked.output / "models.csv", csv_of(table, "%.6g"))
    write_text(asked.output / "models.json", json.dumps(machine, indent=2) + "\n")
    if not table.agreed.all():
        say("the package and another way differ: see the columns difference and agreed of models.csv")
    return 0 if table.agreed.all() else 1


if __name__ == "__main__":
    sys.exit(main())
