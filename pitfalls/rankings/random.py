"""Random rankings, which every other ranking must be compared with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from pitfalls.arrays.words import Words
from pitfalls.rankings.base import Scorer


@dataclass(eq=False, repr=False)
class Random(Scorer):
    """A uniformly random order: one uniform draw per neuron, sorted."""

    name: ClassVar[str] = "random"

    def score_neurons(self, words: Words) -> NDArray[np.float64]:
        """[n_neurons], from 0 to 1."""
        return np.random.default_rng(self.seed).random((words.n_neurons,))
