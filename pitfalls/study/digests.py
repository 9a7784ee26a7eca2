"""A SHA-256 over values: the name of everything that decides a result."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch


def digest(value: Any) -> str:
    """SHA-256 over a value, in hex: equal for equal values of equal types, in every process.

    Taken are plain values, tuples and lists, mappings (in their order), arrays and tensors of numbers, and
    dataclasses of these. Whatever else is refused: an object that cannot be looked into may differ unseen.

    Raises
    ------
    ValueError
        For any other object.

    Examples
    --------
    >>> digest([1, 2.0, "a"]) == digest([1, 2.0, "a"]), digest([1]) == digest([1.0]), digest(["a"]) == digest("a")
    (True, False, False)
    >>> digest(object)
    Traceback (most recent call last):
    ...
    ValueError: what decides <class 'object'> cannot be told: give a dataclass of numbers, text, arrays and tensors
    """
    found = hashlib.sha256()
    for said in _said(value):
        found.update(said)
    return found.hexdigest()


def _said(value: Any) -> Iterator[bytes | memoryview]:
    """What a value says, each piece with its type and size before it, so that no two values say the same."""
    if isinstance(value, np.generic):
        yield from _said(value.item())
    elif value is None or isinstance(value, (bool, int, float, str)):
        yield f"{type(value).__name__} {value!r};".encode("utf-8", "surrogatepass")
    elif isinstance(value, torch.Tensor):
        yield from _said(value.detach().cpu().numpy())
    elif isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        yield f"array {value.dtype.str} {value.shape};".encode()
        yield np.ascontiguousarray(value).reshape(-1).view(np.uint8).data
    elif isinstance(value, (tuple, list)):
        yield f"{len(value)} values;".encode()
        for item in value:
            yield from _said(item)
    elif isinstance(value, Mapping):
        yield f"{len(value)} entries;".encode()
        for name, item in value.items():
            yield from _said(name)
            yield from _said(item)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        yield f"{type(value).__module__}.{type(value).__qualname__} of {len(fields)};".encode()
        for field in fields:
            yield from _said(field.name)
            yield from _said(getattr(value, field.name))
    else:
        raise ValueError(
            f"what decides {value!r} cannot be told: give a dataclass of numbers, text, arrays and tensors"
        )
