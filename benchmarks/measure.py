"""Measure one job in a fresh process: ``python -m benchmarks.measure WORK THREADS SCALE FOLDER`` prints JSON.

Started by :mod:`benchmarks.rankings`, which sets OMP_NUM_THREADS for it and has written its data into FOLDER.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from benchmarks import cost
from benchmarks.limits import rates, seconds_of
from benchmarks.works import Work, load

_STATUS = Path("/proc/self/status")
_MB = 1e6


def _status_mb(field: str) -> float:
    for line in _STATUS.read_text(encoding="ascii").splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024 / _MB
    raise ValueError(f"{_STATUS} has no {field}")


def peak_mb() -> float:
    """The most memory that this process has held so far.

    On Linux, ru_maxrss is inherited from the process that started this one, so this reads /proc instead.
    """
    if _STATUS.is_file():
        return _status_mb("VmHWM:")
    per_unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * per_unit / _MB


def held_mb() -> float:
    """What this process holds now, if the system says; else the most so far."""
    return _status_mb("VmRSS:") if _STATUS.is_file() else peak_mb()


def forget_peak() -> None:
    """Reset the peak to what is held now, if the system can."""
    # If it cannot, making the data's tables may count: the peak is then too high, never too low.
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def measured(work: Work, threads: int, at_most: float) -> Iterator[dict[str, Any]]:
    """One row per loop that the work is measured against; each of the machine's rates gets ``at_most`` seconds."""
    forget_peak()
    before = held_mb()
    found: list[Any] = []
    seconds = seconds_of(lambda: found.append(work.fast()))
    peak = peak_mb() - before
    need, reached = work.need(), rates(work.array_bytes, work.dtype, at_most)
    limits = reached.seconds(need)
    bound = max(limits, key=lambda name: limits[name])
    for against in work.loops(found[0]):
        yield {
            "work": work.title,
            "oracle": against.oracle,
            "threads": threads,
            "seconds": seconds,
            "oracle_seconds": against.seconds,
            "oracle_is": against.how,
            "ratio": against.seconds / seconds,
            "difference": against.difference,
            "agreed": against.agreed,
            "peak_mb": peak,
            "copy_of_input_mb": work.copy_bytes / _MB,
            "bytes_gb": need.bytes / 1e9,
            "gflop": 2 * need.multiply_adds / 1e9,
            "exponentials_g": need.exponentials / 1e9,
            "copy_gb_s": reached.bytes / 1e9,
            "matmul_gflop_s": 2 * reached.multiply_adds / 1e9,
            "exponentials_g_s": reached.exponentials / 1e9,
            "limit_seconds": limits[bound],
            "bound_by": bound,
            "share_of_limit": limits[bound] / seconds,
            "wanted": work.wanted,
        }


def load_average() -> str:
    """The mean number of running processes over the last minute, if the system says; ideally 0."""
    return f"{os.getloadavg()[0]:.2f}" if hasattr(os, "getloadavg") else "unknown"


def say(what: str) -> None:
    """Tell whoever is waiting; this goes to stderr, apart from what is written."""
    print(what, file=sys.stderr, flush=True)


def in_a_fresh_process(
    name: str, threads: int, scale: str, folder: Path, module: str = "benchmarks.measure"
) -> list[dict[str, Any]]:
    """Run ``module`` (by default this one) for one job and read what it printed.

    Raises
    ------
    RuntimeError
        If it failed; the message ends with the end of its error output.
    """
    command = [sys.executable, "-m", module, name, str(threads), scale, str(folder)]
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "TQDM_DISABLE": "1"}
    root = Path(__file__).resolve().parent.parent
    done = subprocess.run(command, env=environment, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"measuring {name} with {threads} threads failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """What the fresh process does."""
    name, threads, scale, folder = sys.argv[1], int(sys.argv[2]), sys.argv[3], Path(sys.argv[4])
    torch.set_num_threads(threads)
    if name == "cost":
        rows = cost.measured(scale)
    else:
        rows = measured(load(name, scale, folder), threads, 0.5 if scale == "full" else 0.02)
    print(json.dumps(list(rows)))


if __name__ == "__main__":
    main()
