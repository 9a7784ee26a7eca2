"""A ranking by attribution: the gradient of the margin, times how far each unit would be moved."""

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
class Attribution(Asking):
    """By how many nats the mean margin falls, to first order, when the unit is translated by alpha = 1.

    That is minus the gradient of the margin times the difference of means, summed over the changed subwords and
    averaged over trials, from one backward pass per batch: attribution patching (Nanda 2023; Kramár et al. 2024), with
    translations as patches. Sundararajan et al. (2017) integrate the gradient along the way; this takes it at its
    beginning, so it is exact where the margin is linear in the unit.
    """

    name: ClassVar[str] = "attribution"

    def score_units(self, parts: Iterator[Gated], n_units: int) -> NDArray[np.float64]:
        """[n_units], nats."""
        total, n = torch.zeros(n_units, dtype=torch.float64), 0
        for part in tqdm(parts, desc=self.name, unit="batch", leave=False):
            total -= part.gradient(part.closed()).cpu()
            n += len(part.trials)
        return (total / n).numpy()
