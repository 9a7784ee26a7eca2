"""LCA: a ranking by the neurons that carry each value's weight mass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from pitfalls.arrays.ties import settled
from pitfalls.arrays.words import Words
from pitfalls.probes.optimum import Optimum
from pitfalls.rankings.base import Scorer
from pitfalls.rankings.penalised import absolute_weights


@dataclass(eq=False, repr=False)
class LCA(Scorer):
    """Linguistic correlation analysis: an elastic-net probe's weight mass (Dalvi et al. 2019).

    Each class takes neurons in order of decreasing absolute weight until it has a given share of its weight mass; a
    neuron's score is 1 minus the smallest share at which any class takes it. Dalvi et al. raise the share in steps and
    leave the order within a step open; this is the limit of small steps. The loss is mean cross-entropy (nats) + ``l1``
    times the sum of absolute weights + ``l2`` / 2 times the sum of squared weights, at its minimum.

    Parameters
    ----------
    l1, l2 : float
        Factors of the two penalties. The source gives none for mean cross-entropy; the defaults are those of
        :class:`~pitfalls.rankings.penalised.Lasso` and :class:`~pitfalls.rankings.penalised.Ridge`.
    """

    l1: float = 0.001
    l2: float = 0.01

    name: ClassVar[str] = "lca"

    def score_neurons(self, words: Words) -> NDArray[np.float64]:
        """[n_neurons], from 0 to 1."""
        return weight_mass_scores(absolute_weights(words, Optimum(self.l1, 0.0, self.l2)))


def weight_mass_scores(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 minus the smallest share of weight mass at which any class takes the neuron, [n_neurons].

    ``weights`` [n_classes, n_neurons] are absolute. A class without any weight takes no neuron.

    Examples
    --------
    >>> weight_mass_scores(np.array([[6.0, 3.0, 1.0], [0.0, 0.0, 5.0]])).round(2).tolist()
    [1.0, 0.4, 1.0]
    """
    # Copies of a neuron have the same weight at the optimum, up to rounding; the lower index comes first.
    weights = settled(torch.from_numpy(weights), dim=1).numpy()
    order = np.argsort(-weights, axis=1, kind="stable")
    sorted_weights = np.take_along_axis(weights, order, axis=1)
    before = np.cumsum(sorted_weights, axis=1) - sorted_weights
    total = weights.sum(axis=1, keepdims=True)
    share = np.ones_like(weights)
    np.put_along_axis(share, order, np.divide(before, total, out=np.ones_like(before), where=total > 0), axis=1)
    # No class takes a neuron without weight, whatever the sums round to.
    share[weights == 0] = 1
    return np.asarray(1 - share.min(axis=0))
