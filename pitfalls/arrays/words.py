"""Labelled words as tensors, and the checks that rankings and probes share.

Rankings and probes compute on torch tensors of float32 or float64, on the tensors' own device. What users give has
already passed :mod:`pitfalls.arrays.given`.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from pitfalls.arrays.given import shareable
from pitfalls.arrays.splits import Activations, Splits

# Its fourth power, and sums of many of those, stay below the largest double.
_LARGEST = 1e60

# Rows summed at a time in double precision: a copy of that many stays in the processor's cache.
_ROWS = 2**8


@dataclass(frozen=True)
class Words:
    """Labelled words as tensors, all on one device.

    Attributes
    ----------
    X : float32 or float64 [n_words, n_neurons]
    y : int64 [n_words]
        Index into ``values``.
    values : tuple of str
    """

    X: torch.Tensor
    y: torch.Tensor
    values: tuple[str, ...]

    @property
    def n_classes(self) -> int:
        """The number of values."""
        return len(self.values)

    @property
    def n_neurons(self) -> int:
        """The number of columns of ``X``."""
        return int(self.X.shape[1])


def as_tensor(array: Any, device: str | torch.device | None = None) -> torch.Tensor:
    """The array as a tensor without a gradient, sharing its memory where torch can do so on ``device``."""
    if isinstance(array, np.ndarray):
        array = shareable(array)
    with warnings.catch_warnings():
        # torch warns that a memory-mapped array is read-only; nothing here writes to one.
        warnings.filterwarnings("ignore", message=".*not writable")
        return torch.as_tensor(array, device=device).detach()


def checked_device(device: str | torch.device) -> torch.device:
    """The device, if torch can compute on it here.

    Raises
    ------
    ValueError
        With what torch says of the device.

    Examples
    --------
    >>> checked_device("cpu")
    device(type='cpu')
    """
    try:
        return torch.empty(0, device=device).device
    except (RuntimeError, AssertionError) as error:
        said = str(error).splitlines()[0]
        raise ValueError(
            f"cannot compute on the device {str(device)!r}: give cpu, or another device of this machine ({said})"
        ) from None


def labelled_words(data: Splits, split: str, device: str | torch.device = "cpu") -> Words:
    """The words of one split.

    Raises
    ------
    ValueError
        If the attribute has only one value, ``data`` is not Splits, or torch cannot compute on the device.
    """
    if not isinstance(data, Splits):
        raise ValueError(
            f"words come as Splits, such as experiment.data or pf.Splits.from_arrays(...), not {type(data).__name__}"
        )
    part: Activations = getattr(data, split)
    if len(part.values) < 2:
        raise ValueError(f"a probe tells values apart, and {part.attribute} has only {list(part.values)}")
    on = checked_device(device)
    return Words(as_tensor(part.X, on), as_tensor(part.y, on), part.values)


def check_two_words_each(y: torch.Tensor, values: Sequence[Any]) -> None:
    """Refuse a value with fewer than two words: it has no covariance.

    Parameters
    ----------
    y : int64 [n_words]
        Index into ``values``.

    Raises
    ------
    ValueError
        The message names the value and its number of words.
    """
    counts = torch.bincount(y, minlength=len(values))
    least = int(counts.argmin())
    if int(counts[least]) < 2:
        raise ValueError(
            f"class {values[least]!r} has {int(counts[least])} of the {len(y)} training words, and a "
            "covariance needs 2: leave the value out (the value filter) or add words"
        )


def check_magnitude(X: torch.Tensor) -> None:
    """Refuse activations [n_words, n_neurons] whose powers double precision cannot hold; float32 always passes.

    Raises
    ------
    ValueError
        If a neuron reaches 1e60, or varies by less than 1e-60 but is not constant; the message names it.

    Examples
    --------
    >>> check_magnitude(torch.tensor([[1.0, 1e300], [2.0, 0.0]], dtype=torch.float64))
    Traceback (most recent call last):
        ...
    ValueError: neuron 1 has activations up to 1e+300, too large to compute with: divide X by a power of ten
    """
    if X.dtype != torch.float64:
        return
    low, high = X.amin(0), X.amax(0)
    size = torch.maximum(high, -low)
    if bool((size >= _LARGEST).any()):
        raise ValueError(
            f"neuron {int(size.argmax())} has activations up to {float(size.max()):.3g}, too large to compute with: "
            "divide X by a power of ten"
        )
    varied = torch.where(high > low, high - low, torch.inf)
    if bool((varied < 1 / _LARGEST).any()):
        raise ValueError(
            f"neuron {int(varied.argmin())} varies by only {float(varied.min()):.3g}, too little to compute with: "
            "multiply X by a power of ten"
        )


def class_means(X: torch.Tensor, y: torch.Tensor, n_classes: int) -> torch.Tensor:
    """The mean vector q(z) of every class, [n_classes, n_neurons] float64 (SOURCES.md, Probeless [P]).

    Sums blocks of rows of ``X`` [n_words, n_neurons] in double precision, without a copy of ``X``.

    Examples
    --------
    >>> class_means(torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 0.0]]), torch.tensor([0, 0, 1]), 2).tolist()
    [[2.0, 3.0], [5.0, 0.0]]
    """
    sums = X.new_zeros(n_classes, X.shape[1], dtype=torch.float64)
    for rows, labels in zip(X.split(_ROWS), y.split(_ROWS), strict=True):
        sums.index_add_(0, labels, rows.double())
    return sums / torch.bincount(y, minlength=n_classes)[:, None]


def checked_ks(ks: Iterable[int], n_neurons: int, *, least: int = 1, what: str = "k") -> list[int]:
    """The given numbers of neurons, ascending and without repetition.

    Raises
    ------
    ValueError
        If ``ks`` is not a collection or is empty, or a number is not whole or not in ``least``..``n_neurons``.

    Examples
    --------
    >>> checked_ks([3, 1, 3.0], 5)
    [1, 3]
    """
    if isinstance(ks, (str, bytes)) or not isinstance(ks, Iterable):
        raise ValueError(f"ks must be a collection of whole numbers, such as [{n_neurons}], not {ks!r}")
    asked = list(ks)
    wrong = [k for k in asked if not _is_whole(k) or not least <= k <= n_neurons]
    if wrong or not asked:
        raise ValueError(
            f"every {what} must be a whole number from {least} to the number of neurons, {n_neurons}; "
            + (f"these are not: {wrong[:5]}" if wrong else "none was given")
        )
    return sorted({int(k) for k in asked})


def _is_whole(k: Any) -> bool:
    try:
        return float(k).is_integer() and not isinstance(k, (str, bytes, bool))
    except (TypeError, ValueError):
        return False
