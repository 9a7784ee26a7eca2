"""A ranking by effect: translate one unit alone, and measure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from pitfalls.interventions.gates import Gated
from pitfalls.rankings.asking import Asking


@dataclass(eq=False)
class Effect(Asking):
    """By how many nats the mean margin falls when the unit alone is translated by alpha = 1, exactly.

    What :class:`~.attribution.Attribution` estimates (activation patching: Vig et al. 2020; Meng et al. 2022). The
    layers up to the site run once for each text, and those above it once for each unit.
    """

    name: ClassVar[str] = "effect"

    def score_units(self, parts: Iterator[Gated], n_units: int) -> NDArray[np.float64]:
        """[n_units], nats."""
        total, n = torch.zeros(n_units, dtype=torch.float64), 0
        for part in tqdm(parts, desc=self.name, unit="batch", leave=False):
            total += _decreases(part).cpu()
            n += len(part.trials)
        return (total / n).numpy()


def _decreases(part: Gated) -> torch.Tensor:
    """By how much the sum of the margins falls with each unit, [n_units]."""
    gates = part.closed()
    before = part.margins(gates).sum()
    falls = torch.zeros_like(gates)
    for unit in range(len(gates)):
        gates[unit] = 1
        falls[unit] = before - part.margins(gates).sum()
        gates[unit] = 0
    return falls
