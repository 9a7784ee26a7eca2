"""A ranking by the distance of a value's mean from the other words' mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from pitfalls.arrays.words import Words, class_means
from pitfalls.rankings.base import Scorer


@dataclass(eq=False, repr=False)
class MeanSelectivity(Scorer):
    """Distance of a value's mean from the other words' mean, in units of the neuron's range, averaged over values.

    This is the MeanSelect of Fan et al. 2023, who rank for one value against the rest:
    abs(mean of the value - mean of the others) / (maximum - minimum). A constant neuron scores 0.
    """

    name: ClassVar[str] = "mean_selectivity"

    def score_neurons(self, words: Words) -> NDArray[np.float64]:
        """[n_neurons], from 0 to 1."""
        counts = torch.bincount(words.y, minlength=words.n_classes).double()[:, None]
        means = class_means(words.X, words.y, words.n_classes)
        others = ((counts * means).sum(0) - counts * means) / (counts.sum() - counts)
        spread = (words.X.amax(0) - words.X.amin(0)).double()
        distance = (means - others).abs().mean(0)
        return torch.where(spread > 0, distance / spread.clamp_min(1e-300), 0.0).cpu().numpy()
