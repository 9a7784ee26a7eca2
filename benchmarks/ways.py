"""Two ways to do the same work, and what both took: a row of a table."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch

from benchmarks.jobs import Spent, spent
from benchmarks.measure import forget_peak, peak_mb

Row = dict[str, Any]
Rows = Iterator[Row]


@dataclass(frozen=True)
class Way:
    """A way to do a stage: what it found and took, and the most that the process held meanwhile."""

    found: Any
    took: Spent
    peak_mb: float

    @classmethod
    def of(cls, work: Callable[..., Any], *given: Any) -> Way:
        """Do it."""
        gc.collect()
        forget_peak()
        return cls(*spent(work, *given), peak_mb())


@dataclass(frozen=True)
class Plain(Way):
    """The plain way: ``name`` says which, and ``times`` how many times what was timed it takes in all."""

    name: str = ""
    times: float = 1
    timed: str = "timed"

    @classmethod
    def named(cls, name: str, work: Callable[..., Any], *given: Any, times: float = 1, timed: str = "timed") -> Plain:
        """Do it, or a part of it."""
        one = Way.of(work, *given)
        return cls(one.found, one.took * times, one.peak_mb, name, times, timed)


def row(stage: str, work: str, fast: Way, plain: Plain, compared: str, difference: float, at_most: float) -> Row:
    """One row of the table."""
    return {
        "stage": stage,
        "work": work,
        "oracle": plain.name,
        "threads": torch.get_num_threads(),
        "seconds": fast.took.seconds,
        "cpu_seconds": fast.took.cpu,
        "oracle_seconds": plain.took.seconds,
        "oracle_cpu_seconds": plain.took.cpu,
        "oracle_is": plain.timed,
        "ratio": plain.took.seconds / fast.took.seconds,
        "cpu_ratio": plain.took.cpu / fast.took.cpu,
        "compared": compared,
        "difference": float(difference),
        "agreed": bool(difference <= at_most),
        "peak_mb": fast.peak_mb,
        "oracle_peak_mb": plain.peak_mb,
    }
