"""A ranking by the mutual information of one neuron and the value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from pitfalls.arrays.words import Words
from pitfalls.rankings.base import Scorer
from pitfalls.rankings.information import binned, information_bits


@dataclass(eq=False, repr=False)
class MutualInformation(Scorer):
    """Mutual information of value and activation: the plug-in estimate from joint frequencies (Shannon 1948).

    Parameters
    ----------
    n_bins : int
        How many bins, each with about the same number of words (:func:`~pitfalls.rankings.information.binned`).
    """

    n_bins: int = 20

    name: ClassVar[str] = "mutual_information"

    def score_neurons(self, words: Words) -> NDArray[np.float64]:
        """[n_neurons], bits."""
        codes = binned(words.X, self.n_bins)
        return np.array([information_bits(column, words.y.cpu().numpy()) for column in codes])
