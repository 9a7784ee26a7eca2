"""The Linear ranking: by the weights of the paper's linear probe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from pitfalls.arrays.words import Words
from pitfalls.probes.linear import fit_linear
from pitfalls.rankings.base import Scorer


@dataclass(eq=False, repr=False)
class Linear(Scorer):
    """Mean over classes of the absolute weights after the epoch of lowest training loss (SOURCES.md, Linear [C]).

    The order means little towards its end. Neurons that the probe does not need have weights near zero: the penalty
    holds them there, and Adam's last steps leave them within about one learning rate of zero, so their order follows
    the last words that training saw. Bottom to top begins with these neurons. Notebook 04, "Where a ranking ends",
    uses other sentences to show where they begin.
    """

    name: ClassVar[str] = "linear"

    def score_neurons(self, words: Words) -> NDArray[np.float64]:
        """[n_neurons], in the weights' unit (1 / activation)."""
        weights = fit_linear(words.X, words.y, words.n_classes, seed=self.seed)
        return weights.best_coef.abs().double().mean(0).cpu().numpy()
