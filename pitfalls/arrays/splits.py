"""Labelled word vectors: the words of one split, and the three splits that probes and rankings work on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pitfalls.arrays.given import as_labels, as_matrix, sorted_labels
from pitfalls.columns import SPLITS
from pitfalls.language.forms import as_forms
from pitfalls.language.quoting import quoted
from pitfalls.site import Site, as_site


@dataclass(frozen=True, eq=False)
class Activations:
    """Vectors of the words that carry one attribute, with the value that each word has.

    Attributes
    ----------
    X : float32 or float64 [n_words, n_neurons]
    y : int64 [n_words]
        Index into ``values``.
    values : tuple of str
        The attribute's values, sorted.
    forms : tuple of str [n_words]
        The words, composed (NFC; :mod:`pitfalls.language.forms`); the control task draws one label per form.
    sentence_ids, positions : int64 [n_words]
        Index of the word's sentence in its corpus, and of the word in its sentence.
    language, attribute : str
    site : Site
        Where in the model the vectors are from.

    Raises
    ------
    ValueError
        When X or y has a wrong type or shape, lengths differ, a label is not an index into ``values``, a value is named
        twice, a vector is not finite, or a form is not a string with readable text in it.

    Examples
    --------
    >>> data = Activations.from_arrays([[0.1, 2.0], [0.3, 1.0]], ["SG", "PL"])
    >>> data.values, data.y.tolist(), data.n_words, data.n_neurons
    (('PL', 'SG'), [1, 0], 2, 2)
    """

    X: NDArray[np.floating[Any]]
    y: NDArray[np.int64]
    values: tuple[str, ...]
    forms: tuple[str, ...]
    sentence_ids: NDArray[np.int64]
    positions: NDArray[np.int64]
    language: str
    attribute: str
    site: Site

    def __post_init__(self) -> None:
        _check_matrix(self.X)
        object.__setattr__(self, "forms", as_forms(self.forms))
        for name in ("y", "forms", "sentence_ids", "positions"):
            if len(column := getattr(self, name)) != len(self.X):
                raise ValueError(f"{name} has {len(column)} entries, X {len(self.X)} rows: give one per word")
        if len(set(self.values)) != len(self.values):
            raise ValueError(f"values {self.values} name one twice: name each only once")
        if self.y.dtype != np.int64:
            raise ValueError(f"y is {self.y.dtype}: give int64 indexes into values (from_arrays takes labels)")
        outside = np.unique(self.y[(self.y < 0) | (self.y >= len(self.values))]).tolist()
        if outside:
            raise ValueError(f"y holds {outside}: give indexes into the {len(self.values)} values {self.values}")

    @property
    def n_words(self) -> int:
        """Number of words (rows of ``X``)."""
        return len(self.X)

    @property
    def n_neurons(self) -> int:
        """Number of neurons (columns of ``X``)."""
        return int(self.X.shape[1])

    @classmethod
    def from_arrays(
        cls,
        X: ArrayLike,
        y: ArrayLike,
        values: Sequence[str | int] | None = None,
        forms: Sequence[str] | None = None,
    ) -> Activations:
        """Take your own vectors and labels; ``dataclasses.replace`` sets the language, attribute and site.

        Parameters
        ----------
        X : array, table, tensor or list [n_words, n_neurons]
            Finite numbers, read by :func:`~pitfalls.arrays.given.as_matrix`: float64 stays float64, everything else
            becomes float32.
        y : array, series, tensor or list [n_words]
            Labels: strings or whole numbers (:func:`~pitfalls.arrays.given.as_labels`), not indexes.
        values : sequence, optional
            All possible labels; by default those in ``y``. They are sorted, numbers by size.
        forms : sequence of str [n_words], optional
            The words. Without them every row counts as a form of its own.
        """
        matrix = as_matrix(X)
        labels = as_labels(y)
        known = sorted_labels(labels if values is None else as_labels(values, "values"))
        index = {label: i for i, label in enumerate(known)}
        unknown = sorted_labels([label for label in labels if label not in index])
        if unknown:
            raise ValueError(f"labels {quoted(unknown)} are not among the values {quoted(known)}")
        return cls(
            X=matrix,
            y=np.array([index[label] for label in labels], dtype=np.int64),
            values=tuple(str(label) for label in known),
            forms=tuple(f"word {i}" for i in range(len(matrix))) if forms is None else as_forms(forms),
            sentence_ids=np.arange(len(matrix), dtype=np.int64),
            positions=np.zeros(len(matrix), dtype=np.int64),
            language="und",
            attribute="attribute",
            site=as_site(0),
        )

    def select(self, rows: ArrayLike) -> Activations:
        """The words in these rows: indices, which may repeat, or one bool per word.

        Examples
        --------
        >>> data = Activations.from_arrays([[0.0], [1.0], [2.0]], ["SG", "PL", "SG"])
        >>> data.select([2, 0]).forms, data.select(data.y == 0).forms
        (('word 2', 'word 0'), ('word 1',))
        """
        picked = np.arange(self.n_words)[np.asarray(rows)]
        names = ("X", "y", "sentence_ids", "positions")
        columns: dict[str, Any] = {name: np.asarray(getattr(self, name))[picked] for name in names}
        return replace(self, forms=tuple(self.forms[i] for i in picked.tolist()), **columns)

    def sample(self, n_words: int, seed: int = 0) -> Activations:
        """Draw ``n_words`` of the words at random and keep their order; if there are no more than that, take them all.

        Raises
        ------
        ValueError
            If ``n_words`` is below 1.

        Examples
        --------
        >>> data = Activations.from_arrays([[0.0], [1.0], [2.0], [3.0]], ["SG", "PL", "SG", "PL"])
        >>> data.sample(2, seed=1).forms, data.sample(9) is data
        (('word 1', 'word 2'), True)
        """
        if n_words < 1:
            raise ValueError(f"n_words must be 1 or more, not {n_words}")
        if n_words >= self.n_words:
            return self
        return self.select(np.sort(np.random.default_rng(seed).choice(self.n_words, size=n_words, replace=False)))


@dataclass(frozen=True, eq=False)
class Splits:
    """Train, dev and test activations of one language, attribute and site.

    Raises
    ------
    ValueError
        When the three differ in number of neurons, values, language, attribute or site, or when one lacks a value.

    Examples
    --------
    >>> X = [[0.0, 1.0], [1.0, 0.0], [0.5, 0.9]]
    >>> data = Splits.from_arrays(train=(X, [0, 1, 0]), dev=(X, [0, 1, 1]), test=(X, [1, 1, 0]))
    >>> data.values, data.n_neurons, data.test.y.tolist()
    (('0', '1'), 2, [1, 1, 0])
    """

    train: Activations
    dev: Activations
    test: Activations

    def __post_init__(self) -> None:
        for name in ("n_neurons", "values", "language", "attribute", "site"):
            train, dev, test = (getattr(getattr(self, split), name) for split in SPLITS)
            if not train == dev == test:
                raise ValueError(
                    f"{name} differs between the splits: train {train!r}, dev {dev!r}, test {test!r}; all "
                    "three must come from one model, site and attribute"
                )
        for split in SPLITS:
            counts = np.bincount(getattr(self, split).y, minlength=len(self.values))
            absent = [value for value, count in zip(self.values, counts, strict=True) if count == 0]
            if absent:
                raise ValueError(
                    f"no word of {split} has the values {absent} of {list(self.values)}: drop those values from all "
                    "three splits (the value filter), or divide the words differently"
                )

    @property
    def n_neurons(self) -> int:
        """Number of neurons, the same in all three."""
        return self.train.n_neurons

    @property
    def values(self) -> tuple[str, ...]:
        """The attribute's values, sorted, the same in all three."""
        return self.train.values

    @property
    def language(self) -> str:
        """ISO 639-3 code of the language."""
        return self.train.language

    @property
    def attribute(self) -> str:
        """Name of the attribute."""
        return self.train.attribute

    @property
    def site(self) -> Site:
        """Where in the model the vectors are from."""
        return self.train.site

    @classmethod
    def from_arrays(
        cls,
        train: tuple[ArrayLike, ...],
        dev: tuple[ArrayLike, ...],
        test: tuple[ArrayLike, ...],
        language: str = "und",
        attribute: str = "attribute",
        site: Site | int = 0,
    ) -> Splits:
        """Take your own activations: ``(X, y)`` or ``(X, y, forms)`` for each split.

        ``X`` is [n_words, n_neurons]; ``y`` holds strings or whole numbers, and the values are the sorted labels of
        train. ``forms`` are the words; the control task draws one label per form. Without them, each row counts as a
        form of its own.

        Raises
        ------
        ValueError
            The message names the split and says what is wrong in it.
        """
        parts = dict(zip(SPLITS, (train, dev, test), strict=True))
        for split, arrays in parts.items():
            if not isinstance(arrays, tuple) or len(arrays) not in (2, 3):
                raise ValueError(f"{split} is not a tuple (X, y) or (X, y, forms)")
        known: list[Any] | None = None
        made = {}
        for split, (X, y, *words) in parts.items():
            try:
                matrix = as_matrix(X)
                known = known or sorted_labels(as_labels(y))  # train comes first, so these are its labels
                # Without forms, no two rows share a form, not even across splits.
                forms: Any = words[0] if words else [f"{split} word {i}" for i in range(len(matrix))]
                part = Activations.from_arrays(matrix, y, known, forms)
                made[split] = replace(part, language=language, attribute=attribute, site=as_site(site))
            except ValueError as error:
                raise ValueError(f"{split}: {error}") from error
        return cls(**made)


def _check_matrix(X: NDArray[np.floating[Any]]) -> None:
    if X.ndim != 2 or X.dtype not in (np.float32, np.float64):
        raise ValueError(f"X is {X.dtype} of shape {X.shape}: give float32 or float64 [n_words, n_neurons]")
    if X.shape[0] == 0 or X.shape[1] == 0:
        raise ValueError(f"X has shape {X.shape}: give at least one word and one neuron")
    bad = ~np.isfinite(X)
    if bad.any():
        neurons = np.flatnonzero(bad.any(axis=0))
        first = int(neurons[0])
        more = f", and {len(neurons) - 1} other neurons" if len(neurons) > 1 else ""
        raise ValueError(
            f"X has NaN or infinity: neuron {first} in {int(bad[:, first].sum())} of {len(X)} rows{more}; "
            "leave those words out or correct the values"
        )
