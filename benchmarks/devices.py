"""What measuring on a GPU takes that it does not take on a CPU: waiting for it, its memory, and its name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch


class Device(Protocol):
    """Where a model runs."""

    def wait(self) -> None:
        """Until all that was begun there has ended."""
        ...

    def forget_peak(self) -> None:
        """Start the peak of its own memory anew."""
        ...

    def peak(self) -> dict[str, float]:
        """The most of its own memory that was held, as a column of a table; empty where it has none."""
        ...

    def about(self) -> dict[str, str]:
        """What it is, for whoever reads the numbers."""
        ...


class Cpu:
    """Work has ended when the call returns, and memory is the process's."""

    def wait(self) -> None:
        """Nothing to wait for."""

    def forget_peak(self) -> None:
        """No memory of its own."""

    def peak(self) -> dict[str, float]:
        """None."""
        return {}

    def about(self) -> dict[str, str]:
        """Nothing that :func:`pitfalls.study.machine.describe` does not say."""
        return {"device": "cpu"}


@dataclass(frozen=True)
class Gpu:
    """Calls return before their work has ended, and tensors lie in a memory of its own.

    Attributes
    ----------
    name:
        As torch calls it, such as ``cuda`` or ``cuda:1``.
    """

    name: str

    def wait(self) -> None:
        """Until its queue is empty."""
        torch.cuda.synchronize(self.name)

    def forget_peak(self) -> None:
        """See :class:`Device`."""
        torch.cuda.reset_peak_memory_stats(self.name)

    def peak(self) -> dict[str, float]:
        """Of torch's tensors, which is less than the driver says that the process holds."""
        return {"gpu_peak_mb": torch.cuda.max_memory_allocated(self.name) / 1e6}

    def about(self) -> dict[str, str]:
        """See :class:`Device`."""
        found = torch.cuda.get_device_properties(self.name)
        memory = f"{found.total_memory / 2**30:.0f} GiB"
        return {"device": self.name, "GPU": found.name, "GPU memory": memory, "CUDA": str(torch.version.cuda)}


def device(name: str) -> Device:
    """By torch's name.

    Raises
    ------
    ValueError
        It is not here, or is neither a CPU nor a GPU of CUDA.

    Examples
    --------
    >>> device("cpu").about()
    {'device': 'cpu'}
    """
    if name == "cpu":
        return Cpu()
    if not name.startswith("cuda"):
        raise ValueError(f"no device {name!r}: cpu, cuda, cuda:0, ...")
    if not torch.cuda.is_available():
        raise ValueError(f"device {name}: torch {torch.__version__} sees no GPU here")
    return Gpu(name)


def result_name(benchmark: str, on: str, dtype: str = "float32") -> str:
    """The name of a benchmark's files: those of a CPU and float32 are called after the benchmark alone.

    Examples
    --------
    >>> result_name("paper_world", "cpu"), result_name("paper_world", "cuda:1", "bfloat16")
    ('paper_world', 'paper_world-cuda1-bfloat16')
    """
    return benchmark if (on, dtype) == ("cpu", "float32") else f"{benchmark}-{on.replace(':', '')}-{dtype}"
