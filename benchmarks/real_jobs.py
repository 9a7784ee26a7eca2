"""One stage with a real model, in a fresh process: ``python -m benchmarks.real_jobs STAGE THREADS SCALE FOLDER``.

Prints JSON. Started by :mod:`benchmarks.real`, which has written sentences and word vectors into FOLDER.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import torch

from benchmarks.real_changes import attribution, interventions
from benchmarks.real_probing import probing
from benchmarks.real_reading import loading, reading
from benchmarks.ways import Rows

STAGES: dict[str, Callable[[str, Path], Rows]] = {
    "loading": loading,
    "reading": reading,
    "probing": probing,
    "interventions": interventions,
    "attribution": attribution,
}


def main() -> None:
    """What the fresh process does."""
    stage, threads, scale, folder = sys.argv[1], int(sys.argv[2]), sys.argv[3], Path(sys.argv[4])
    torch.set_num_threads(threads)
    print(json.dumps(list(STAGES[stage](scale, folder))))


if __name__ == "__main__":
    main()
