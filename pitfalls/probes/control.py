"""Control tasks: labels that a probe can only memorise (Hewitt & Liang 2019)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pitfalls.arrays.splits import Activations, Splits
from pitfalls.columns import SPLITS
from pitfalls.language.forms import as_forms
from pitfalls.numbers import whole


def control_labels(forms: Sequence[Sequence[str]], n_classes: int, seed: int = 0) -> tuple[NDArray[np.int64], ...]:
    """One uniformly random label per word form, the same wherever the form occurs.

    Labels are drawn split by split (train, dev, test) for the forms that are new there, in alphabetical order. So the
    labels of training forms do not depend on what dev and test hold, and a form that does not occur in train gets a
    fresh draw, which no probe can guess.

    Parameters
    ----------
    forms : [n_splits][n_words]
        The word forms of each split.

    Returns
    -------
    For each split, [n_words] int64 in 0..n_classes-1.

    Examples
    --------
    >>> train, test = control_labels([["cat", "sat", "cat"], ["cat", "mat"]], n_classes=2)
    >>> bool(train[0] == train[2] == test[0])
    True
    """
    generator = np.random.default_rng(whole(seed, "a seed"))
    labels: dict[str, int] = {}
    words = [as_forms(split) for split in forms]
    for split in words:
        fresh = sorted(set(split) - labels.keys())
        labels.update(zip(fresh, generator.integers(n_classes, size=len(fresh)).tolist(), strict=True))
    drawn: list[NDArray[np.int64]] = [np.array([labels[form] for form in split], dtype=np.int64) for split in words]
    return tuple(drawn)


def control_task(data: Splits, seed: int = 0) -> Splits:
    """The same words and activations with control labels in place of the attribute's values.

    The number of values stays the same, so chance is comparable; they are named "control 0", "control 1", ...

    Raises
    ------
    ValueError
        If the draw leaves a label without a word in train, dev or test (too few forms).

    Examples
    --------
    >>> from pitfalls.arrays.splits import Splits
    >>> part = ([[0.0]] * 4, ["PL", "SG", "PL", "SG"], ["cats", "cat", "dogs", "dog"])
    >>> control = control_task(Splits.from_arrays(train=part, dev=part, test=part), seed=0)
    >>> control.values, control.train.y.tolist() == control.test.y.tolist()
    (('control 0', 'control 1'), True)
    """
    parts: dict[str, Activations] = {split: getattr(data, split) for split in SPLITS}
    n_classes = len(data.values)
    digits = len(str(n_classes - 1))
    values = tuple(f"control {c:0{digits}d}" for c in range(n_classes))
    labels = control_labels([part.forms for part in parts.values()], n_classes, seed)
    for (split, part), y in zip(parts.items(), labels, strict=True):
        unused = sorted(set(range(n_classes)) - set(y.tolist()))
        if unused:
            raise ValueError(
                f"no word of {split} drew control label(s) {unused} of {n_classes}: there are only "
                f"{len(set(part.forms))} different forms in {split}; take another seed or more words"
            )
        parts[split] = replace(part, y=y, values=values)
    return Splits(**parts)


def hold_out_forms(data: Splits, share: float, seed: int = 0) -> Splits:
    """Draw some of the test words' forms, and take every word with such a form out of train and dev.

    In a corpus with few forms, nearly all test forms occur in train; this makes a known share of them unseen.

    Parameters
    ----------
    share : float
        The share of the test forms to draw, above 0 and below 1.

    Raises
    ------
    ValueError
        For a share outside these limits, or when a value loses all its words in train or dev.

    Examples
    --------
    >>> from pitfalls.arrays.splits import Splits
    >>> part = ([[0.0]] * 4, ["PL", "SG", "PL", "SG"], ["cats", "cat", "dogs", "dog"])
    >>> held = hold_out_forms(Splits.from_arrays(train=part, dev=part, test=part), share=0.25, seed=1)
    >>> held.train.n_words, held.dev.n_words, held.test.n_words
    (3, 3, 4)
    """
    if not 0 < share < 1:
        raise ValueError(f"share must lie between 0 and 1, both excluded, such as 0.2; it is {share!r}")
    forms = sorted(set(data.test.forms))
    drawn = np.random.default_rng(whole(seed, "a seed")).permutation(len(forms))[: max(1, round(share * len(forms)))]
    held = {forms[i] for i in drawn.tolist()}
    train, dev = (part.select([form not in held for form in part.forms]) for part in (data.train, data.dev))
    return replace(data, train=train, dev=dev)
