"""Rankings and probes against the slow loops: ``python -m benchmarks.rankings --output benchmarks/results``.

Writes ``rankings.csv``, ``machine.json`` and ``cost.{csv,png,svg,json}``. Every job runs in its own process, once per
number of threads.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

from benchmarks.cost import figure
from benchmarks.measure import in_a_fresh_process, load_average, say
from benchmarks.works import SIZES, prepare
from pitfalls.files import write_text
from pitfalls.study.machine import describe
from pitfalls.tables import csv_of


def ratios(scale: str, threads: list[int], only: list[str]) -> pd.DataFrame:
    """The table, one row per work, loop and number of threads."""
    rows = []
    for name in only:
        with tempfile.TemporaryDirectory() as folder:
            prepare(name, scale, Path(folder))
            for count in threads:
                start = time.perf_counter()
                rows += in_a_fresh_process(name, count, scale, Path(folder))
                say(f"{name}, {count} thread(s): {time.perf_counter() - start:.0f} s, ratio {rows[-1]['ratio']:.0f}")
    return pd.DataFrame(rows)


def main(arguments: list[str] | None = None) -> int:
    """Measure, write, and say whether all fast forms agreed with their loops."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, help="folder to write to")
    parser.add_argument("--scale", choices=list(SIZES), default="full")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument(
        "--only", choices=[*SIZES["full"], "cost"], nargs="+", help="only these jobs; rankings.csv then has no others"
    )
    asked = parser.parse_args(arguments)
    only = asked.only or [*SIZES["full"], "cost"]
    asked.output.mkdir(parents=True, exist_ok=True)
    machine = describe() | {"load at the start": load_average()}

    agreed = True
    works = [name for name in only if name != "cost"]
    if works:
        table = ratios(asked.scale, asked.threads, works)
        write_text(asked.output / "rankings.csv", csv_of(table, "%.6g"))
        agreed = bool(table.agreed.all())
    if "cost" in only:
        start = time.perf_counter()
        costs = pd.DataFrame(in_a_fresh_process("cost", 1, asked.scale, asked.output)).round({"seconds": 6})
        figure(costs).save(asked.output, "cost")
        say(f"cost: {time.perf_counter() - start:.0f} s")
    write_text(asked.output / "machine.json", json.dumps(machine, indent=2) + "\n")
    if not agreed:
        say("a fast form and its loop differ: see the columns difference and agreed of rankings.csv")
    return 0 if agreed else 1


if __name__ == "__main__":
    sys.exit(main())
