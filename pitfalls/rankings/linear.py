"""The Linear ranking: by the weights of the paper's linear probe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from pitfalls.arrays.words import Words
from pitfalls.probes.linear import descend
from pitfalls.rankings.base import Scorer


@dataclass(eq=False, repr=False)
class Linear(Scorer):
    """Mean over classes of the absolute weights of the best-training-loss epoch (SOURCES.md, Linear [C]).

    The order ends before its last place. The penalty holds the weights of neurons that the probe does not need near
    zero, and Adam's last steps leave them within about its learning rate of it: among those weights the order follows
    the last words that training saw, and says little about the neurons. Bottom to top begins with them. Other
    sentences show where that is: notebook 04, "Where a ranking ends".
    """

    name: ClassVar[str] = "linear"

    def score_neurons(self, words: Words) -> NDArray[np.float64]:
        """[n_neurons], in the weights' unit (1 / activation)."""
        weights = descend(words.X, words.y, words.n_classes, [words.n_neurons], seed=self.seed)
        return weights.best_coef[0].abs().double().mean(0).cpu().numpy()
