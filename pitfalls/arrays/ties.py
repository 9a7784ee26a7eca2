"""When two computed numbers count as equal: a margin, so that no choice depends on how a processor rounds.

Processors add in different orders, so the last digits of a sum differ. Whatever is sorted or chosen by its maximum is
therefore compared with a margin, and a tie goes to the lower index.
"""

from __future__ import annotations

import torch
from torch import Tensor

#: Numbers that differ by less than this share of the largest count as equal. Double precision rounds to 1e-16, which
#: hundreds of steps of an optimiser turn into 1e-12.
TIE = 1e-9


def settled(values: Tensor, dim: int | None = None) -> Tensor:
    """Round values of any shape to a grid of :data:`TIE` times the largest (float64): rounding differences vanish.

    The largest finite value is taken along ``dim``, or by default over all values. Infinite values are kept.

    Examples
    --------
    >>> a = torch.tensor([0.1 + 0.2, 0.3, 1.0], dtype=torch.float64)
    >>> (a[0] == a[1]).item(), (settled(a)[0] == settled(a)[1]).item()
    (False, True)
    """
    values = values.double()
    if not values.numel():
        return values
    size = torch.where(values.isfinite(), values.abs(), 0.0)
    largest = size.max() if dim is None else size.amax(dim, keepdim=True)
    # Numbers so small that the grid would be 0 all count as equal.
    grid = (torch.where(largest > 0, largest, 1.0) * TIE).clamp_min(torch.finfo(torch.float64).smallest_normal)
    return torch.where(values.isfinite(), (values / grid).round() * grid, values)


def descending(scores: Tensor) -> Tensor:
    """The order of ``scores`` [n] from high to low; among equals the lower index comes first.

    Examples
    --------
    >>> descending(torch.tensor([0.3, 0.5, 0.1 + 0.2, 0.5], dtype=torch.float64)).tolist()
    [1, 3, 0, 2]
    """
    return settled(scores).argsort(descending=True, stable=True)


def first_best(values: Tensor, dim: int = -1) -> Tensor:
    """The lowest index, along a dimension, whose value is within :data:`TIE` of the maximum.

    The margin is absolute, for log-probabilities and amounts of information (nats or bits).

    Examples
    --------
    >>> first_best(torch.tensor([0.3, 0.1 + 0.2, 0.0], dtype=torch.float64)).item()
    0
    """
    return (values >= values.amax(dim, keepdim=True) - TIE).int().argmax(dim)
