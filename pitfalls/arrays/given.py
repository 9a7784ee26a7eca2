"""Read the vectors and labels that users give.

Lists, NumPy arrays, pandas tables and torch tensors come in; plain NumPy arrays, strings and whole numbers go out.
Whatever NumPy would change silently (by dropping a mask or an imaginary part, overflowing, or inventing a label) is
refused, and the error says where. :mod:`pitfalls.language.forms` does the same for word forms.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from pitfalls.language.forms import composed
from pitfalls.language.quoting import quoted


def as_matrix(X: Any) -> NDArray[np.floating[Any]]:
    """Vectors [n_words, n_neurons] as an array of float32 or float64 that torch can share.

    An array, table or tensor of 64-bit floats becomes float64, everything else (float16, bfloat16, whole numbers, bool,
    lists) float32, without a copy where that is possible. `Activations` checks shape and finiteness.

    Raises
    ------
    ValueError
        For sparse, masked and complex input, for anything but numbers, and for numbers that float32 cannot hold.

    Examples
    --------
    >>> as_matrix(np.arange(4.0).reshape(2, 2)[::-1]).tolist(), as_matrix([[1, 2]]).dtype
    ([[2.0, 3.0], [0.0, 1.0]], dtype('float32'))
    """
    array = as_array(X, "X")
    if array.dtype.kind not in "biufO":
        raise ValueError(f"X is not a matrix of numbers: it holds {array.dtype}; give one row of neurons per word")
    if array.dtype == object:
        _check_numbers(array)
    wide = array.dtype.kind == "f" and array.dtype.itemsize >= 8 and not isinstance(X, (list, tuple))
    try:
        with np.errstate(over="ignore"):
            matrix = np.asarray(array, dtype=np.float64 if wide else np.float32)
    except OverflowError as error:  # an integer with hundreds of digits
        raise ValueError(f"X holds a number beyond the largest float64 ({error}): scale it") from error
    _check_overflow(array, matrix)
    return shareable(matrix)


def readable(X: Any, name: str = "X") -> Any:
    """Return ``X`` itself if an array can hold it without loss.

    Raises
    ------
    ValueError
        For sparse input (which may take a lot of memory once dense), a mask that hides something, and a complex tensor.
    """
    if isinstance(X, torch.Tensor):
        if X.layout != torch.strided:
            raise ValueError(_sparse(name, "tensor", X.shape, "to_dense"))
        if X.is_complex():
            raise ValueError(_complex(name, X.dtype))
    elif hasattr(X, "toarray"):
        raise ValueError(_sparse(name, type(X).__name__, X.shape, "toarray"))
    elif np.ma.isMaskedArray(X) and np.ma.is_masked(X):
        raise ValueError(
            f"{name} is a masked array that hides {int(np.ma.count_masked(X))} of its {X.size} entries: leave those "
            f"words out, or fill them with {name}.filled(...)"
        )
    return X


def as_array(given: Any, name: str) -> NDArray[Any]:
    """Anything array-like, or a tensor on any device, as a NumPy array with the same kind of entries.

    Raises
    ------
    ValueError
        As `readable` does, and for complex numbers and anything that is not an array; the message calls it ``name``.
    """
    given = readable(given, name)
    try:
        if isinstance(given, torch.Tensor):
            tensor = given.detach().cpu().resolve_neg()
            # NumPy has neither bfloat16 nor the 8-bit floats.
            return (tensor.float() if tensor.is_floating_point() and tensor.itemsize < 4 else tensor).numpy()
        array = np.asarray(given)
    except (TypeError, ValueError, RuntimeError) as error:
        wanted = "one row of neurons per word" if name == "X" else "one label per word"
        raise ValueError(f"{name} cannot be read as an array ({error}): give {wanted}") from error
    if array.dtype.kind == "c":
        raise ValueError(_complex(name, array.dtype))
    return array


def shareable(array: NDArray[Any]) -> NDArray[Any]:
    """The array itself if torch can share its memory, else a copy.

    torch cannot share a foreign byte order, negative strides, or strides that are not a multiple of the item size.

    >>> backwards = np.arange(3)[::-1]
    >>> shareable(backwards) is backwards, shareable(backwards).tolist()
    (False, [2, 1, 0])
    """
    array = np.asarray(array, dtype=array.dtype.newbyteorder("="))
    steps_fit = all(step >= 0 and step % max(array.itemsize, 1) == 0 for step in array.strides)
    return array if steps_fit else array.copy()


def as_labels(y: Any, name: str = "y") -> list[str] | list[int]:
    """Labels [n_words] as plain strings or plain integers; whole floats become integers, and bools strings.

    Raises
    ------
    ValueError
        If ``y`` is not [n_words], or a label is missing, a fraction, or of a different kind from the first.

    Examples
    --------
    >>> as_labels(np.array([1.0, 0.0])), as_labels(["SG", "PL"])
    ([1, 0], ['SG', 'PL'])
    >>> as_labels(["SG", None])
    Traceback (most recent call last):
    ...
    ValueError: y[1] is None: give strings or whole numbers, one per word
    """
    entries = _entries(y, name)
    labels = [_label(entry) for entry in entries]
    for i, label in enumerate(labels):
        if label is None:
            raise ValueError(f"{name}[{i}] is {quoted(entries[i])}: give strings or whole numbers, one per word")
        if type(label) is not type(labels[0]):
            both = f"{name}[{i}] is {quoted(entries[i])} and {name}[0] is {quoted(entries[0])}"
            raise ValueError(f"{both}: give strings or whole numbers, not both")
    return cast("list[str] | list[int]", labels)


def sorted_labels(labels: Sequence[str | int]) -> list[Any]:
    """The distinct labels, sorted: strings by code point, numbers by size."""
    return sorted(set(labels))


def _complex(name: str, dtype: Any) -> str:
    return f"Complex data not supported: {name} holds {dtype}; give real numbers, such as {name}.real or abs({name})"


def _sparse(name: str, kind: str, shape: Sequence[int], method: str) -> str:
    size = math.prod(shape) * 4 / 2**30
    return (
        f"{name} is a sparse {kind} of shape {tuple(shape)}, and everything here is dense: give {name}.{method}(), "
        f"which takes {size:.2g} GiB in float32"
    )


def _check_numbers(array: NDArray[Any]) -> None:
    """Refuse entries that NumPy would turn into numbers: it reads None as NaN, and parses text."""
    for place, entry in np.ndenumerate(array):
        if not isinstance(entry, (Real, np.bool_)):
            at = f"X[{', '.join(map(str, place))}]" if place else "X"
            raise ValueError(f"X is not a matrix of numbers: {at} is {quoted(entry)}; give one row of neurons per word")


def _check_overflow(array: NDArray[Any], matrix: NDArray[np.floating[Any]]) -> None:
    """Refuse numbers that became infinite in the narrower type; `Activations` refuses an infinity that was given."""
    if array.dtype == matrix.dtype or not np.isinf(matrix).any():
        return
    for place in np.argwhere(np.isinf(matrix)).tolist():
        if (entry := array[tuple(place)]) not in (math.inf, -math.inf):
            raise ValueError(
                f"X[{', '.join(map(str, place))}] is {entry:g}, beyond the largest {matrix.dtype}, "
                f"{np.finfo(matrix.dtype).max:.2g}: give X as an array of float64, or scale it"
            )


def _entries(y: Any, name: str) -> Sequence[Any]:
    """The labels one by one, as plain Python objects."""
    if isinstance(y, (list, tuple)) and all(isinstance(label, str) for label in y):
        return y  # NumPy would drop a trailing NUL
    array = as_array(y, name)
    if array.ndim != 1:
        raise ValueError(f"{name} has shape {array.shape}: give one label per word, [n_words]")
    if array.dtype.kind in "mM":
        raise ValueError(f"{name} holds {array.dtype}: give strings or whole numbers, one per word")
    # NumPy would turn a list of mixed kinds into strings.
    return y if isinstance(y, (list, tuple)) else array.tolist()


def _label(entry: Any) -> str | int | None:
    """A label as a plain string or integer; None for anything else."""
    if isinstance(entry, str):
        return composed(str(entry))
    if isinstance(entry, (bool, np.bool_)):
        return str(bool(entry))
    if isinstance(entry, Integral):
        return int(entry)
    return int(float(entry)) if isinstance(entry, Real) and float(entry).is_integer() else None
