"""Words in running text: a sentence is tokenised as one text, its words joined by spaces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pitfalls.models.checkpoint import UnsupportedModelError
from pitfalls.models.tokens import Pieces, WordTokenizer


class MergedWordsError(ValueError):
    """A tokenizer makes one subword of parts of two words, so neither has a state of its own."""


class TextTokenizer(WordTokenizer):
    """A fast tokenizer, used on whole sentences as text; a subword's place in the text tells which word it is of.

    The space before a word is part of it (``Ġcats``), the first word has none, and special tokens stand where the
    tokenizer puts them, such as one that begins the text.

    Parameters
    ----------
    tokenizer, n_embeddings, what
        As for :class:`~pitfalls.models.tokens.WordTokenizer`.

    Raises
    ------
    UnsupportedModelError
        The tokenizer is slow, is not the model's own, or merges words.

    Examples
    --------
    >>> import transformers
    >>> vocab = {token: i for i, token in enumerate(["<|endoftext|>", *"acst", "Ġ", "at", "Ġc", "Ġcat"])}
    >>> merges = [("a", "t"), ("Ġ", "c"), ("Ġc", "at")]
    >>> tokenizer = transformers.GPT2Tokenizer(vocab=vocab, merges=merges)
    >>> words = TextTokenizer(tokenizer, n_embeddings=9, what="tiny")
    >>> batch = words.encode([["cat", "cats"]], max_tokens=8)
    >>> words.pieces(batch.input_ids[0]), batch.word_ids[0].tolist()
    (['c', 'at', 'Ġcat', 's'], [0, 0, 1, 1])
    """

    # A word without subwords needs one. Most of these tokenizers know every byte and have no unknown token.
    _stand_ins: ClassVar[Mapping[str, str]] = {
        **WordTokenizer._stand_ins,
        "eos_token_id": "an end-of-text token",
        "bos_token_id": "a beginning-of-text token",
    }

    def _found_lead(self) -> str:
        """Nothing needs to be written before a word; this only tries some words."""
        try:
            self._tokenise([["a", "b", *self._tried_words]])
        except MergedWordsError as error:
            raise UnsupportedModelError(f"{self._what}: {error}") from error
        return ""

    def _pieces(self, sentences: Sequence[Sequence[str]]) -> list[Pieces]:
        # verbose=False: the caller decides about long sentences, so the tokenizer need not warn.
        encoded = self.tokenizer(
            [" ".join(sentence) for sentence in sentences],
            padding=False,
            truncation=False,
            return_offsets_mapping=True,
            return_special_tokens_mask=True,
            verbose=False,
        )
        rows = zip(encoded["input_ids"], encoded["offset_mapping"], encoded["special_tokens_mask"], strict=True)
        return [
            Pieces(ids, self._words_of(sentence, ids, np.array(spans).reshape(-1, 2), np.array(special, dtype=bool)))
            # A model cannot read a text without words or special tokens.
            if ids
            else Pieces([self._empty_id], [-1])
            for sentence, (ids, spans, special) in zip(sentences, rows, strict=True)
        ]

    def _words_of(
        self, sentence: Sequence[str], ids: Sequence[int], spans: NDArray[Any], special: NDArray[np.bool_]
    ) -> list[int]:
        """The word of each subword; -1 for special tokens.

        Parameters
        ----------
        spans : int [t, 2]
            Where each subword begins and ends in the text.
        special : bool [t]
            Which ones the tokenizer has added.
        """
        lengths = np.array([len(word) for word in sentence], dtype=np.int64)
        ends = np.cumsum(lengths + 1) - 1
        # A subword of nothing but the space before a word belongs to that word.
        first = np.minimum(np.searchsorted(ends, spans[:, 0], side="right"), len(sentence) - 1)
        last = np.searchsorted(ends - lengths, spans[:, 1], side="left") - 1
        merged = np.flatnonzero((last > first) & ~special)
        if len(merged):
            words = " ".join(sentence[first[merged[0]] : last[merged[0]] + 1])
            raise MergedWordsError(
                f"the tokenizer merges words: {self.pieces([ids[merged[0]]])[0]!r} is one subword of {words!r}, so "
                "none of these words has a state of its own; take a model whose tokenizer keeps words apart, or leave "
                "out sentences like this one"
            )
        return [int(word) for word in np.where(special, -1, first)]
