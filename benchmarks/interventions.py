"""Interventions against full forward passes: ``python -m benchmarks.interventions --output benchmarks/results``.

Writes ``interventions.csv`` and ``interventions.json`` (the machine); on a GPU ``interventions-cuda-float32.csv``.
It takes the first sentences of a treebank that is not part of the project. Each layer and number of threads runs in its
own process.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

from benchmarks.devices import device, result_name
from benchmarks.mbert import SHAPES, prepare
from benchmarks.measure import in_a_fresh_process, load_average, say
from benchmarks.treebank import add_treebank, treebank_of
from pitfalls.files import write_text
from pitfalls.study.machine import describe
from pitfalls.tables import csv_of


def ratios(treebank: Path, scale: str, threads: list[int], layers: list[int], on: str = "cpu") -> pd.DataFrame:
    """The table, one row per layer and number of threads."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        prepare(SHAPES[scale], treebank, Path(folder), on)
        for layer in layers:
            for count in threads:
                start = time.perf_counter()
                rows += in_a_fresh_process(str(layer), count, scale, Path(folder), module="benchmarks.replays")
                taken = time.perf_counter() - start
                say(f"layer {layer}, {count} thread(s): {taken:.0f} s, ratio {rows[-1]['ratio']:.1f}")
    return pd.DataFrame(rows)


def main(arguments: list[str] | None = None) -> int:
    """Measure, write, and say whether the package predicted what the full passes did."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, help="folder to write to")
    add_treebank(parser)
    parser.add_argument("--scale", choices=list(SHAPES), default="full")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--layers", type=int, nargs="+", help="only these of the scale's layers")
    parser.add_argument("--device", default="cpu", help="what the model runs on: cpu, cuda, ...")
    asked = parser.parse_args(arguments)
    try:
        about = device(asked.device).about()
    except ValueError as error:
        parser.error(str(error))
    layers = asked.layers or list(SHAPES[asked.scale].at)
    if not set(layers) <= set(SHAPES[asked.scale].at):
        parser.error(f"layers {layers}: the scale {asked.scale} has {list(SHAPES[asked.scale].at)}")
    treebank = treebank_of(parser, asked.treebank, "interventions")
    if treebank is None:
        return 0
    asked.output.mkdir(parents=True, exist_ok=True)
    machine = describe() | {"load at the start": load_average()} | about
    table = ratios(treebank, asked.scale, asked.threads, layers, asked.device)
    name = result_name("interventions", asked.device)
    write_text(asked.output / f"{name}.csv", csv_of(table, "%.6g"))
    write_text(asked.output / f"{name}.json", json.dumps(machine, indent=2) + "\n")
    if not table.agreed.all():
        say(f"the package and the full passes differ: see the columns difference and agreed of {name}.csv")
    return 0 if table.agreed.all() else 1


if __name__ == "__main__":
    sys.exit(main())
