"""A ranking by a random forest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier

from pitfalls.arrays.words import Words
from pitfalls.rankings.base import Scorer


@dataclass(eq=False, repr=False)
class RandomForest(Scorer):
    """How much a neuron lowers the impurity in a random forest's splits (Breiman 2001), as scikit-learn computes it.

    Parameters
    ----------
    n_estimators : int
        How many trees.
    max_samples : int
        Each tree grows on a bootstrap sample of at most this many words.
    """

    n_estimators: int = 100
    max_samples: int = 5000

    name: ClassVar[str] = "random_forest"

    def score_neurons(self, words: Words) -> NDArray[np.float64]:
        """[n_neurons], sums to 1."""
        forest = RandomForestClassifier(
            n_estimators=self.n_estimators,
            max_samples=min(self.max_samples, len(words.X)),
            random_state=self.seed,
        )
        forest.fit(_of_spread_one(words.X).cpu().numpy(), words.y.cpu().numpy())
        return np.asarray(forest.feature_importances_, dtype=np.float64)


def _of_spread_one(X: torch.Tensor) -> torch.Tensor:
    """``X`` with each column divided by the power of two that makes its range (maximum - minimum) 1 to 2.

    scikit-learn treats activations that differ by less than 1e-7 as equal, whatever the neuron's size, and refuses
    numbers beyond float32. A power of two changes no digit, and therefore no split.
    """
    half = X.amax(0) / 2 - X.amin(0) / 2
    return torch.ldexp(X, -torch.frexp(half).exponent)
