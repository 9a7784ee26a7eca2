"""Whose states a changed word may be given: training words, drawn anew for every word.

A draw belongs to the word, that is to its sentence's text and its position there. So all subwords of a word get the
states of one and the same training word, at every k and under every ranking, however the words are batched.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import torch
from numpy.typing import NDArray

from pitfalls.arrays.splits import Activations
from pitfalls.language.corpus import Sentence


@dataclass(frozen=True, eq=False)
class ChangedWords:
    """The words whose states are changed, one entry per subword (or per word).

    Attributes
    ----------
    values : int64 [n]
        The value of each word, on the device of the states.
    sentences : int64 [n]
        The :func:`sentence_key` of each word's sentence.
    positions : int64 [n]
        Positions in the sentence.
    """

    values: torch.Tensor
    sentences: NDArray[np.int64]
    positions: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.positions)

    def at(self, rows: torch.Tensor) -> ChangedWords:
        """The words at some indices, int64 [m]; an index may occur several times."""
        here = rows.cpu().numpy()
        return ChangedWords(self.values[rows], self.sentences[here], self.positions[here])


@lru_cache(maxsize=2**16)
def sentence_key(forms: tuple[str, ...]) -> int:
    """A number that stands for a sentence's text: 63 bits of its SHA-256.

    Examples
    --------
    >>> sentence_key(("the", "cats")) == sentence_key(("the", "cats")), sentence_key(("the", "cats")) > 0
    (True, True)
    """
    # Each form's length comes first, so that no two texts are written alike.
    told = "".join(f"{len(form)}:{form}" for form in forms)
    return int.from_bytes(hashlib.sha256(told.encode()).digest()[:8], "big") >> 1


@lru_cache(maxsize=2**17)
def _drawn(seed: int, sentence: int, position: int) -> int:
    """64 random bits of a word; not from a generator, which would depend on the order of the words."""
    told = f"{seed} {sentence} {position}".encode()
    return int.from_bytes(hashlib.blake2b(told, digest_size=8).digest(), "big")


@dataclass(frozen=True, eq=False)
class TrainingWords:
    """Training words with their vectors, from which words of other sentences draw.

    Attributes
    ----------
    X : float32 or float64 [n_words, n_units]
    y : int64 [n_words]
        Values, or whatever else words are drawn by.
    sentence_ids : int64 [n_words]
        Indices into ``sentences``.
    """

    X: NDArray[np.floating]
    y: NDArray[np.int64]
    sentence_ids: NDArray[np.int64]
    sentences: Sequence[Sentence]

    @classmethod
    def of(cls, part: Activations, sentences: Sequence[Sentence]) -> TrainingWords:
        """The words of a split, with the sentences that they index."""
        return cls(np.asarray(part.X), np.asarray(part.y), np.asarray(part.sentence_ids), sentences)

    @cached_property
    def _of_value(self) -> dict[int, NDArray[np.int64]]:
        """The rows with each value; those of -1 are all rows."""
        found = {int(value): np.flatnonzero(self.y == value) for value in np.unique(self.y)}
        return {**found, -1: np.arange(len(self.y))}

    def drawn_for(self, words: ChangedWords, aims: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
        """For each word, the row of a training word that has the value aimed at and stands in another sentence.

        Parameters
        ----------
        aims : int64 [n_values]
            The value that each value is sent to; -1 for a training word of any value.

        Raises
        ------
        ValueError
            No training word has the value, or all of them stand in the word's own sentence.
        """
        aimed = aims[words.values.cpu().numpy()]
        asked = zip(aimed.tolist(), words.sentences.tolist(), words.positions.tolist(), strict=True)
        known: dict[tuple[int, int, int], int] = {}
        rows = np.empty(len(words), dtype=np.int64)
        for i, word in enumerate(asked):
            if word not in known:
                known[word] = self._row(*word, seed)
            rows[i] = known[word]
        return rows

    def _row(self, aim: int, sentence: int, position: int, seed: int) -> int:
        rows = self._of_value.get(aim, np.empty(0, dtype=np.int64))
        first = _drawn(seed, sentence, position) % max(1, len(rows))
        # The next training word takes the place of one that stands in the same sentence.
        for i in range(len(rows)):
            row = int(rows[(first + i) % len(rows)])
            if sentence_key(self.sentences[int(self.sentence_ids[row])].forms) != sentence:
                return row
        raise ValueError(
            f"of {len(self.y)} training words, {len(rows)} have the value that a word is to be given, and none of them "
            "stands in another sentence: take more training words, or another target"
        )
