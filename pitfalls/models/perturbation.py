"""A switch for tests: move every weight and word vector a little, as another processor's rounding would.

Processors add in different orders, so that the same sum differs in its last digits. What a course prints must not
depend on them. Where the environment variable ``PITFALLS_PERTURB`` holds a number ε, weights and word vectors in
double precision are multiplied by 1 + ε·u, with u uniform between -1 and 1; ``make portable`` sets it to 1e-12, ten
thousand times the rounding error of one operation, and expects the same digits. Vectors in single precision stay as
they are: ε is far below their own rounding.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray

VARIABLE = "PITFALLS_PERTURB"


def epsilon() -> float:
    """ε, or 0 if the switch is off.

    Raises
    ------
    ValueError
        The variable holds anything but a number from 0 to 1.
    """
    stated = os.environ.get(VARIABLE) or "0"
    try:
        found = float(stated)
    except ValueError:
        found = -1.0
    if not 0 <= found <= 1:
        raise ValueError(f"{VARIABLE} is {stated!r}: give a number from 0 to 1, such as 1e-12, or unset it")
    return found


def perturbed(array: NDArray[np.floating], seed: str) -> NDArray[np.floating]:
    """The array times 1 + ε·u, with u drawn for ``seed``; the array itself if the switch is off.

    Examples
    --------
    >>> perturbed(np.ones(2), "an example").tolist()  # off
    [1.0, 1.0]
    """
    size = epsilon()
    if size == 0 or array.dtype != np.float64:
        return array
    # Not Python's own hash, which changes from process to process.
    drawn = np.random.default_rng(zlib.crc32(seed.encode())).uniform(-1, 1, size=array.shape)
    return np.asarray(array * (1 + size * drawn))


def perturb_weights(named: Iterable[tuple[str, torch.Tensor]]) -> None:
    """Perturb weights in double precision in place; each weight's name is its seed."""
    if epsilon() == 0:
        return
    with torch.no_grad():
        for name, weight in named:
            if weight.dtype != torch.float64:
                continue
            weight.copy_(torch.from_numpy(perturbed(weight.detach().cpu().numpy(), name)))
