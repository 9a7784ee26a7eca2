"""Control tasks: labels that a probe can only memorise (Hewitt & Liang 2019)."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pitfalls.model.activations import Activations, Splits


def control_labels(forms: Sequence[Sequence[str]], n_classes: int, seed: int = 0) -> tuple[NDArray[np.int64], ...]:
    """One uniformly random label a word form, the same wherever the form occurs.

    Forms are drawn for in order of their first split (train, dev, test) and, within it, of the alphabet: so
    the labels of training forms do not depend on what dev and test hold, and a form that training does not
    know gets a fresh draw, which no probe can guess.

    Parameters
    ----------
    forms:
        The word forms of each split, [n_splits][n_words].

    Returns
    -------
    For each split, [n_words] int64 in 0..n_classes-1.

    Examples
    --------
    >>> train, test = control_labels([["cat", "sat", "cat"], ["cat", "mat"]], n_classes=2)
    >>> bool(train[0] == train[2] == test[0])
    True
    """
    generator = np.random.default_rng(seed)
    labels: dict[str, int] = {}
    for split in forms:
        fresh = sorted(set(split) - labels.keys())
        labels.update(zip(fresh, generator.integers(n_classes, size=len(fresh)).tolist(), strict=True))
    drawn: list[NDArray[np.int64]] = [np.array([labels[form] for form in split], dtype=np.int64) for split in forms]
    return tuple(drawn)


def control_task(data: Splits, seed: int = 0) -> Splits:
    """The same words and activations with control labels in place of the attribute's values.

    The number of values stays, so chance is comparable; they are named "control 0", "control 1", ...

    Raises
    ------
    ValueError
        If the draw leaves a label without a training word (too few forms).

    Examples
    --------
    >>> from pitfalls.model.activations import Splits
    >>> part = ([[0.0]] * 4, ["PL", "SG", "PL", "SG"], ["cats", "cat", "dogs", "dog"])
    >>> control = control_task(Splits.from_arrays(train=part, dev=part, test=part), seed=0)
    >>> control.values, control.train.y.tolist() == control.test.y.tolist()
    (('control 0', 'control 1'), True)
    """
    parts = (data.train, data.dev, data.test)
    n_classes = len(data.train.values)
    labels = control_labels([part.forms for part in parts], n_classes, seed)
    unused = sorted(set(range(n_classes)) - set(labels[0].tolist()))
    if unused:
        raise ValueError(
            f"no training word drew control label(s) {unused} of {n_classes}: there are only "
            f"{len(set(data.train.forms))} different forms in train; take another seed or more words"
        )
    digits = len(str(n_classes - 1))
    values = tuple(f"control {c:0{digits}d}" for c in range(n_classes))

    def relabelled(part: Activations, y: NDArray[np.int64]) -> Activations:
        return dataclasses.replace(part, y=y, values=values)

    train, dev, test = (relabelled(part, y) for part, y in zip(parts, labels, strict=True))
    return dataclasses.replace(data, train=train, dev=dev, test=test)
