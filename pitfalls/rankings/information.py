"""Information (bits), estimated from activations that are cut into bins with equal numbers of words."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from pitfalls.arrays.ties import settled


def binned(X: torch.Tensor, n_bins: int) -> NDArray[np.int64]:
    """The bin of every activation, [n_neurons, n_words] in 0..n_bins-1.

    A neuron's sorted activations are cut at positions n/B, 2n/B, ..., rounded down. Words of equal activation (closer
    than :data:`~pitfalls.arrays.ties.TIE` times the neuron's largest) share a bin, so a neuron with few different
    activations has fewer bins.

    Raises
    ------
    ValueError
        If there are fewer than two bins.

    Examples
    --------
    >>> binned(torch.tensor([[0.1], [0.4], [0.2], [0.9]]), 2).tolist()
    [[0, 1, 0, 1]]
    """
    if n_bins < 2:
        raise ValueError(f"n_bins must be 2 or more, not {n_bins}")
    n_words = len(X)
    cuts = [n_words * i // n_bins for i in range(1, n_bins)]
    columns = []
    for block in X.split(64, dim=1):
        values = settled(block.T.contiguous(), dim=1)
        edges = values.sort(dim=1).values[:, cuts].contiguous()
        columns.append(torch.searchsorted(edges, values, right=True).cpu())
    return np.asarray(torch.cat(columns).numpy(), dtype=np.int64)


def entropy_of_counts(counts: NDArray[np.int64]) -> float:
    """Entropy (bits) of frequencies, whatever the shape of ``counts``."""
    some = counts[counts > 0]
    total = some.sum()
    return float(np.log2(total) - (some * np.log2(some)).sum() / total)


def information_bits(codes: NDArray[np.int64], y: NDArray[np.int64]) -> float:
    """Mutual information (bits) of two codings of the same words, from their joint frequencies.

    Examples
    --------
    >>> information_bits(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 1]))
    1.0
    """
    joint = joint_counts(codes, y)
    return rounded(entropy_of_counts(joint.sum(0)) + entropy_of_counts(joint.sum(1)) - entropy_of_counts(joint))


def rounded(bits: float) -> float:
    """Information without rounding errors and never negative, so that zero is zero and a tie is a tie."""
    return max(0.0, round(bits, 12))


def joint_counts(a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many words have each pair of codes, [codes of a, codes of b]."""
    height, width = int(a.max()) + 1, int(b.max()) + 1
    return np.bincount(a * width + b, minlength=height * width).reshape(height, width)
