"""The Probeless ranking: by how far apart the values' means lie; no probe is trained."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from pitfalls.arrays.words import Words, class_means
from pitfalls.rankings.base import Scorer


@dataclass(eq=False, repr=False)
class Probeless(Scorer):
    """Sum over pairs of values of the absolute difference of their mean vectors (SOURCES.md, Probeless [P]).

    Parameters
    ----------
    value : str, optional
        Rank for this one value: only its pairs count (as in NeuroX, ``tag_wise_ranking``).
    """

    value: str | None = None

    name: ClassVar[str] = "probeless"

    @property
    def label(self) -> str:
        """The method's name, and the value if there is one."""
        return self.name if self.value is None else f"{self.name} {self.value}"

    def score_neurons(self, words: Words) -> NDArray[np.float64]:
        """[n_neurons], in the activations' unit."""
        means = class_means(words.X, words.y, words.n_classes)
        pairs = [(a, b) for a, b in combinations(words.values, 2) if self.value in (None, a, b)]
        if not pairs:
            raise ValueError(f"the value {self.value!r} is not one of {list(words.values)}")
        of = dict(zip(words.values, means, strict=True))
        return torch.stack([(of[a] - of[b]).abs() for a, b in pairs]).sum(0).cpu().numpy()
