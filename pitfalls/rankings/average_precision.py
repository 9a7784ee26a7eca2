"""A ranking by average precision: how well one neuron alone detects a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from pitfalls.arrays.ties import settled
from pitfalls.arrays.words import Words
from pitfalls.rankings.base import NEURONS_AT_ONCE, Scorer


@dataclass(eq=False, repr=False)
class AveragePrecision(Scorer):
    """Average precision of the activation as a detector of each value, averaged over values.

    Words are sorted by the neuron's activation, or by its negative where that is better, and the precision is averaged
    over the words of the value. Words with the same activation (closer than :data:`~pitfalls.arrays.ties.TIE` times the
    neuron's largest) count as one step. Mu & Andreas 2020 compare neurons and concepts by intersection over union;
    NeuroX computes average precision under that name, for one value, for the positive sign only, and with activations
    below a threshold set to zero.
    """

    name: ClassVar[str] = "average_precision"

    def score_neurons(self, words: Words) -> NDArray[np.float64]:
        """[n_neurons], from 0 to 1."""
        blocks = [_average_precisions(block, words) for block in words.X.split(NEURONS_AT_ONCE, dim=1)]
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
    # For every word, the place of the last word with the same activation.
    end = torch.where(last_of_step, places, n).flip(1).cummin(1).values.flip(1)
    precision = (found.double().cumsum(1) / (places + 1)).gather(1, end)
    return (precision * found).sum(1) / found.sum(1)
