"""Rankings by the absolute weights of a penalised linear probe at its minimum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from pitfalls.arrays.words import Words
from pitfalls.probes.linear import fit_linear
from pitfalls.probes.optimum import Optimum
from pitfalls.rankings.base import Scorer


def absolute_weights(words: Words, loss: Optimum) -> NDArray[np.float64]:
    """The absolute weights at the minimum of a loss, [n_classes, n_neurons]."""
    return fit_linear(words.X, words.y, words.n_classes, loss).coef.abs().double().cpu().numpy()


@dataclass(eq=False, repr=False)
class LinearConverged(Scorer):
    """Like Linear, with the weights at the minimum of the paper's loss instead of after ten epochs of Adam.

    Neurons of weight zero are tied, as in :class:`Lasso`.

    Parameters
    ----------
    l1, l2 : float
        Factors of the penalties; the paper's are the defaults.
    """

    l1: float = 0.001
    l2: float = 0.01

    name: ClassVar[str] = "linear_converged"

    def score_neurons(self, words: Words) -> NDArray[np.float64]:
        """[n_neurons], in the weights' unit (1 / activation)."""
        return np.asarray(absolute_weights(words, Optimum(self.l1, self.l2)).mean(axis=0))


@dataclass(eq=False, repr=False)
class Lasso(Scorer):
    """Mean over classes of the absolute weights of an L1-penalised probe (Tibshirani 1996; in Fan et al. 2023).

    The loss is mean cross-entropy (nats) + ``l1`` times the sum of absolute weights, at its minimum. Neurons of weight
    zero are tied and follow in the order of their indices: the ranking ends there, and bottom to top means nothing.

    Parameters
    ----------
    l1 : float
        The default is the paper's factor for Linear; Fan et al. use 0.1.
    """

    l1: float = 0.001

    name: ClassVar[str] = "lasso"

    def score_neurons(self, words: Words) -> NDArray[np.float64]:
        """[n_neurons], in the weights' unit (1 / activation)."""
        return np.asarray(absolute_weights(words, Optimum(self.l1, 0.0)).mean(axis=0))


@dataclass(eq=False, repr=False)
class Ridge(Scorer):
    """Mean over classes of the absolute weights of an L2-penalised probe (Hoerl & Kennard 1970; in Fan et al. 2023).

    The loss is mean cross-entropy (nats) + ``l2`` / 2 times the sum of squared weights, at its minimum.

    Parameters
    ----------
    l2 : float
        The default is the paper's factor for Linear, whose norm is not squared; Fan et al. use 0.1.
    """

    l2: float = 0.01

    name: ClassVar[str] = "ridge"

    def score_neurons(self, words: Words) -> NDArray[np.float64]:
        """[n_neurons], in the weights' unit (1 / activation)."""
        return np.asarray(absolute_weights(words, Optimum(0.0, 0.0, self.l2)).mean(axis=0))
