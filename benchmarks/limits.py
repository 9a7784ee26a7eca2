"""How fast this machine does the simplest work: a copy, a matrix product, an exponential."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from benchmarks.devices import Device, device


@dataclass(frozen=True)
class Need:
    """What a job cannot do without, whatever its code: bytes moved, multiply-adds, exponentials or logarithms."""

    bytes: float
    multiply_adds: float
    exponentials: float


@dataclass(frozen=True)
class Rates:
    """Bytes (read and written), multiply-adds and exponentials per second, with torch's current threads."""

    bytes: float
    multiply_adds: float
    exponentials: float

    def seconds(self, need: Need) -> dict[str, float]:
        """How long each of the needs takes alone, at these rates."""
        return {
            "memory": need.bytes / self.bytes,
            "multiply-adds": need.multiply_adds / self.multiply_adds,
            "exponentials": need.exponentials / self.exponentials,
        }


def seconds_of(work: Callable[[], object], *, runs: int = 5, at_most: float = 10.0) -> float:
    """The median duration of up to ``runs`` runs; none begins once they have taken ``at_most`` seconds together."""
    taken: list[float] = []
    while len(taken) < runs and sum(taken) < at_most:
        taken.append(timed(work)[1])
    return statistics.median(taken)


def timed(work: Callable[..., Any], *arguments: Any, **options: Any) -> tuple[Any, float]:
    """What ``work`` returns, and the seconds of that one run."""
    start = time.perf_counter()
    result = work(*arguments, **options)
    return result, time.perf_counter() - start


def rates(array_bytes: int, dtype: torch.dtype, at_most: float = 0.5, on: Device | None = None) -> Rates:
    """Measure all three, for ``at_most`` seconds each, on the CPU or another device.

    The array that is copied has ``array_bytes``, so that it meets the same caches as the work.
    """
    on = on or device("cpu")
    where = on.about()["device"]
    source = torch.ones(max(1, array_bytes // 4), device=where)
    target = torch.empty_like(source)
    matrix = torch.randn(1024, 1024, dtype=dtype, device=where)
    product = torch.empty_like(matrix)
    numbers = torch.randn(2**16, dtype=dtype, device=where)
    powers = torch.empty_like(numbers)

    def rate(amount: float, work: Callable[[], object]) -> float:
        def ended() -> None:
            work()
            on.wait()

        ended()
        return amount / seconds_of(ended, runs=200, at_most=at_most)

    return Rates(
        bytes=rate(8 * source.numel(), lambda: target.copy_(source)),
        multiply_adds=rate(1024**3, lambda: torch.mm(matrix, matrix, out=product)),
        exponentials=rate(numbers.numel(), lambda: torch.exp(numbers, out=powers)),
    )
