"""A ranking by the F statistic of a one-way analysis of variance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from pitfalls.arrays.words import Words, class_means
from pitfalls.rankings.base import NEURONS_AT_ONCE, Scorer


@dataclass(eq=False, repr=False)
class Anova(Scorer):
    """The F statistic of a one-way analysis of variance (Fisher 1925): variance between values over variance within.

    A constant neuron scores 0; one that is constant within every value, but not over all words, scores infinity.
    """

    name: ClassVar[str] = "anova"

    def score_neurons(self, words: Words) -> NDArray[np.float64]:
        """[n_neurons], F ratios."""
        return torch.cat([_f_ratios(block, words) for block in words.X.split(NEURONS_AT_ONCE, dim=1)]).cpu().numpy()


def _f_ratios(X: torch.Tensor, words: Words) -> torch.Tensor:
    """F of each column of ``X`` [n_words, n_columns].

    It is computed from deviations, because where the variance within values is zero, a difference of sums of squares
    rounds to a small number of either sign. Deviations from each value's first word are then exactly zero.
    """
    one_hot = torch.nn.functional.one_hot(words.y, words.n_classes)
    counts, first = one_hot.sum(0).double()[:, None], X.double()[one_hot.argmax(0)]
    moved = X.double() - first[words.y]
    means = class_means(moved, words.y, words.n_classes)
    within = (moved - means[words.y]).square().sum(0) / max(1, len(X) - words.n_classes)
    centres = first + means
    between = (counts * (centres - (counts * centres).sum(0) / len(X)).square()).sum(0) / (words.n_classes - 1)
    return torch.where(X.amax(0) == X.amin(0), 0.0, between / within)
