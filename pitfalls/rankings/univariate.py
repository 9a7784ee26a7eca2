"""Rankings that look at one neuron at a time: how well its activation alone tells the values apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from pitfalls.arrays.words import Words, class_means
from pitfalls.rankings.base import Scorer
from pitfalls.rankings.bins import binned, information_bits
from pitfalls.arrays.ties import settled

# Neurons whose words are sorted at a time.
_NEURONS_AT_ONCE = 64


@dataclass(eq=False, repr=False)
class MeanSelectivity(Scorer):
    """Distance of a value's mean from the other words' mean, in units of the neuron's range, averaged over values.

    MeanSelect of Fan et al. 2023, who rank for one value against the rest:
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


@dataclass(eq=False, repr=False)
class AveragePrecision(Scorer):
    """Average precision of the activation as a detector of each value, averaged over values.

    Words are sorted by the neuron's activation, or by its negative where that is better, and the precision is
    averaged over the words of the value (Mu & Andreas 2020 compare neurons and concepts by intersection over
    union; NeuroX computes average precision under that name, for one value, for the positive sign only, and with
    activations below a threshold set to zero). Words of the same activation (closer than
    :data:`~pitfalls.neurons.ties.TIE` of the neuron's largest) count as one step.
    """

    name: ClassVar[str] = "average_precision"

    def score_neurons(self, words: Words) -> NDArray[np.float64]:
        """[n_neurons], from 0 to 1."""
        blocks = [_average_precisions(block, words) for block in words.X.split(_NEURONS_AT_ONCE, dim=1)]
        return torch.cat(blocks).cpu().numpy()


def _average_precisions(X: torch.Tensor, words: Words) -> torch.Tensor:
    """Mean over values of the better sign's average precision, [n_columns]."""
    ascending, order = settled(X.T.contiguous(), dim=1).sort(dim=1)
    labels = words.y[order]
    best = [
        torch.maximum(_precision(ascending, hits), _precision(ascending.flip(1), hits.flip(1)))
        for hits in (labels == c for c in range(words.n_classes))
    ]
    return torch.stack(best).mean(0)


def _precision(sorted_rows: torch.Tensor, hits: torch.Tensor) -> torch.Tensor:
    """Average precision of each row when words are taken from the right end: ``hits`` [n_rows, n_words]."""
    values, found = sorted_rows.flip(1), hits.flip(1)
    n = values.shape[1]
    places = torch.arange(n, device=values.device)
    last_of_step = torch.ones_like(found)
    last_of_step[:, :-1] = values[:, 1:] != values[:, :-1]
    # The place of the last word with the same activation, for every word.
    end = torch.where(last_of_step, places, n).flip(1).cummin(1).values.flip(1)
    precision = (found.double().cumsum(1) / (places + 1)).gather(1, end)
    return (precision * found).sum(1) / found.sum(1)


@dataclass(eq=False, repr=False)
class MutualInformation(Scorer):
    """Mutual information of value and activation, the activation cut into bins of equally many words.

    The plug-in estimate from the joint frequencies (Shannon 1948), in bits; see
    :func:`~pitfalls.neurons.rankings.bins.binned` for the bins.

    Parameters
    ----------
    n_bins:
        How many.
    """

    n_bins: int = 20

    name: ClassVar[str] = "mutual_information"

    def score_neurons(self, words: Words) -> NDArray[np.float64]:
        """[n_neurons], bits."""
        codes = binned(words.X, self.n_bins)
        return np.array([information_bits(column, words.y.cpu().numpy()) for column in codes])


@dataclass(eq=False, repr=False)
class Anova(Scorer):
    """The F statistic of a one-way analysis of variance (Fisher 1925): variance between values over that within.

    A constant neuron scores 0, and one that is constant within every value, and not over all, infinity.
    """

    name: ClassVar[str] = "anova"

    def score_neurons(self, words: Words) -> NDArray[np.float64]:
        """[n_neurons], F ratios."""
        return torch.cat([_f_ratios(block, words) for block in words.X.split(_NEURONS_AT_ONCE, dim=1)]).cpu().numpy()


def _f_ratios(X: torch.Tensor, words: Words) -> torch.Tensor:
    """F of each column of ``X`` [n_words, n_columns].

    From deviations and not from sums of squares, whose difference rounds to a small number of either sign where
    the variance within is zero; and from deviations of each value's first word, which are then exactly zero.
    """
    one_hot = torch.nn.functional.one_hot(words.y, words.n_classes)
    counts, first = one_hot.sum(0).double()[:, None], X.double()[one_hot.argmax(0)]
    moved = X.double() - first[words.y]
    means = class_means(moved, words.y, words.n_classes)
    within = (moved - means[words.y]).square().sum(0) / max(1, len(X) - words.n_classes)
    centres = first + means
    between = (counts * (centres - (counts * centres).sum(0) / len(X)).square()).sum(0) / (words.n_classes - 1)
    return torch.where(X.amax(0) == X.amin(0), 0.0, between / within)
