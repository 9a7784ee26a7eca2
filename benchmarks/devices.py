"""What it takes to measure on a GPU and not just on a CPU: waiting for it, its own memory, and its name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch


class Device(Protocol):
    """Where a model runs."""

    def wait(self) -> None:
        """Wait until all work begun there has ended."""
        ...

    def forget_peak(self) -> None:
        """Reset the peak of its own memory."""
        ...

    def peak(self) -> dict[str, float]:
        """The peak of its own memory, as a column of a table; empty if it has none."""
        ...

    def about(self) -> dict[str, str]:
        """Describe it for whoever reads the numbers."""
        ...


class Cpu:
    """Work has ended when the call returns, and the memory is the process's."""

    def wait(self) -> None:
        """There is nothing to wait for."""

    def forget_peak(self) -> None:
        """It has no memory of its own."""

    def peak(self) -> dict[str, float]:
        """Empty: it has no memory of its own."""
        return {}

    def about(self) -> dict[str, str]:
        """Its name alone: :func:`pitfalls.study.machine.describe` says the rest."""
        return {"device": "cpu"}


@dataclass(frozen=True)
class Gpu:
    """Calls return before their work has ended, and tensors are in the GPU's own memory.

    Attributes
    ----------
    name:
        As torch calls it, such as ``cuda`` or ``cuda:1``.
    """

    name: str

    def wait(self) -> None:
        """Wait until its queue is empty."""
        torch.cuda.synchronize(self.name)

    def forget_peak(self) -> None:
        """See :class:`Device`."""
        torch.cuda.reset_peak_memory_stats(self.name)

    def peak(self) -> dict[str, float]:
        """The peak of torch's tensors, which is less than what the driver says the process holds."""
        return {"gpu_peak_mb": torch.cuda.max_memory_allocated(self.name) / 1e6}

    def about(self) -> dict[str, str]:
        """See :class:`Device`."""
        found = torch.cuda.get_device_properties(self.name)
        memory = f"{found.total_memory / 2**30:.0f} GiB"
        return {"device": self.name, "GPU": found.name, "GPU memory": memory, "CUDA": str(torch.version.cuda)}


def device(name: str) -> Device:
    """The device that torch calls ``name``.

    Raises
    ------
    ValueError
        If ``name`` is neither a CPU nor a CUDA GPU, or if it is a GPU and torch sees none.

    Examples
    --------
    >>> device("cpu").about()
    {'device': 'cpu'}
    """
    if name == "cpu":
        return Cpu()
    if not name.startswith("cuda"):
        raise ValueError(f"no device {name!r}: give cpu, cuda, cuda:0, ...")
    if not torch.cuda.is_available():
        raise ValueError(f"device {name}: torch {torch.__version__} sees no GPU here")
    return Gpu(name)


def result_name(benchmark: str, on: str, dtype: str = "float32") -> str:
    """The name of a benchmark's files; for the CPU and float32 it is just the benchmark's name.

    Examples
    --------
    >>> result_name("paper_world", "cpu"), result_name("paper_world", "cuda:1", "bfloat16")
    ('paper_world', 'paper_world-cuda1-bfloat16')
    """
    return benchmark if (on, dtype) == ("cpu", "float32") else f"{benchmark}-{on.replace(':', '')}-{dtype}"
