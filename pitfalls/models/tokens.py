"""Words to subwords and back, by a model's own fast tokenizer: which subwords a word has, and which word they spell."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pitfalls.extras import extra
from pitfalls.models.checkpoint import UnsupportedModelError
from pitfalls.models.interface import Encoded, check_lengths
from pitfalls.models.spelling import Spelling

with extra("models"):
    from transformers import PreTrainedTokenizerBase

# Sentences tokenised in one call: keeps the tokenizer's parallel speed without holding a whole corpus twice.
_TOKENISE_AT_ONCE = 1024
# Embeddings are padded to a multiple of 64 or 128.
_MOST_PADDING = 128
# A character for private use, which is in no vocabulary.
_NOWHERE = "\U0010fffd"
# Words of the vocabulary that are tokenised at loading, to see whether they are known and kept apart.
_WORDS_TRIED = 50


@dataclass(frozen=True)
class Pieces:
    """One tokenised sentence: its subword ids and the word of each, -1 for special tokens."""

    ids: list[int]
    words: list[int]


class WordTokenizer:
    """A fast tokenizer, used word by word.

    Parameters
    ----------
    tokenizer : transformers.PreTrainedTokenizerBase
        A fast one: the slow ones do not tell which word a subword belongs to.
    n_embeddings : int
        The number of embeddings in its model.
    what : str
        What errors call the model.

    Raises
    ------
    UnsupportedModelError
        The tokenizer is slow, is not the model's own, or does not keep words apart.
    """

    # What may stand for a word without subwords.
    _stand_ins: ClassVar[Mapping[str, str]] = {"unk_token_id": "an unknown token", "mask_token_id": "a mask"}

    def __init__(self, tokenizer: PreTrainedTokenizerBase, n_embeddings: int, what: str) -> None:
        self.tokenizer = tokenizer
        self._what = what
        self._lead = ""
        self._check(n_embeddings)
        self._check_vocabulary(n_embeddings)
        self._lead = self._found_lead()
        self._spelling = Spelling(tokenizer.backend_tokenizer, self.state)

    @property
    def unknown_id(self) -> int:
        """Id of the token that stands for whatever the tokenizer does not know; -1 if it knows every byte."""
        unknown = self.tokenizer.unk_token_id
        return -1 if unknown is None else int(unknown)

    @property
    def _empty_id(self) -> int:
        """Id of what stands for a word without subwords."""
        return next(int(found) for found in map(self._special, self._stand_ins) if found is not None)

    def _special(self, name: str) -> int | None:
        found: int | None = getattr(self.tokenizer, name)
        return found

    @cached_property
    def _n_prefix(self) -> int:
        """How many special tokens open a sentence."""
        return self._tokenise([self.pieces([self._empty_id])])[0].words.index(0)

    @property
    def begins(self) -> bool:
        """Whether a special token opens a sentence."""
        return self._n_prefix > 0

    @property
    def pad_id(self) -> int:
        """Id of the token that batches are padded with; models do not look at it."""
        return int(self.tokenizer.pad_token_id or 0)

    @cached_property
    def text_ids(self) -> list[int]:
        """Ids that stand for text, in order."""
        return sorted(set(self.tokenizer.get_vocab().values()) - self.special_ids)

    @cached_property
    def end_ids(self) -> NDArray[np.int64]:
        """Ids that do not continue the word before them, in order: with these, the word has ended."""
        text = self.tokenizer.convert_ids_to_tokens(self.text_ids)
        ends = [i for i, token in zip(self.text_ids, text, strict=True) if not self._spelling.continues(token)]
        return np.array(sorted([*ends, *self.special_ids]), dtype=np.int64)

    @cached_property
    def state(self) -> dict[str, Any]:
        """Everything that decides how it tokenises, as plain JSON."""
        state: dict[str, Any] = json.loads(self.tokenizer.backend_tokenizer.to_str())
        # What the last call padded or cut to is not a property of the tokenizer.
        return {**state, "truncation": None, "padding": None}

    def encode(self, sentences: Sequence[Sequence[str]], max_tokens: int) -> Encoded:
        """Tokenise sentences of words, each word by itself, and pad them to one batch.

        Every word has at least one subword: one that tokenises to nothing (control characters, an empty string) becomes
        the unknown token. A word spelt like a special token becomes that token, so that ``"[MASK]"`` masks.

        Parameters
        ----------
        sentences : sequence of b sequences of words

        Returns
        -------
        Encoded
            On the CPU; ``t`` is the longest sentence's length.

        Raises
        ------
        TooLongError
            When a sentence has more than ``max_tokens`` subwords.
        """
        pieces = self._tokenise(sentences)
        check_lengths([len(sentence.ids) for sentence in pieces], max_tokens)
        return Encoded.padded([(sentence.ids, sentence.words) for sentence in pieces], self.pad_id)

    def lengths(self, sentences: Sequence[Sequence[str]]) -> list[int]:
        """Count the subwords of each sentence, special tokens included; no limit applies."""
        if not len(sentences):
            return []
        return [len(sentence.ids) for sentence in self._tokenise(sentences)]

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """Token ids as the vocabulary writes them, such as ``["cat", "##s"]``.

        A model may have more ids than its tokenizer, for the sake of a round number: these are ``[id 50300]``.
        """
        found = self.tokenizer.convert_ids_to_tokens([int(piece) for piece in ids])
        return [f"[id {int(piece)}]" if token is None else token for piece, token in zip(ids, found, strict=True)]

    def join(self, pieces: Sequence[int], like: Sequence[int] | None = None, form: str | None = None) -> str | None:
        """Join the subwords predicted at one word's own slots into a word.

        Parameters
        ----------
        pieces : sequence of int
            Token ids, in order.
        like : sequence of int, optional
            The word's own token ids at these slots. A word may itself consist of several tokens that are not
            continuations (BERT: ``don ' t``); where its own piece begins a word, the predicted one may too.
        form : str, optional
            The word itself. It may hold spaces, as the number ``10 000`` does, which the pieces of some tokenizers do
            not keep: the joined word has them in the same places.

        Returns
        -------
        str or None
            None when the pieces are not exactly one word: a special token, a first piece that continues a word, a
            later one that begins a word (the outcome "split"), an id without a token, or bytes that are no text.
        """
        if like is not None and len(like) != len(pieces):
            raise ValueError(f"{len(pieces)} predicted pieces for a word of {len(like)}: give one for each slot")
        tokens = self.tokenizer.convert_ids_to_tokens([int(piece) for piece in pieces])
        if None in tokens or any(int(piece) in self.special_ids for piece in pieces):
            return None
        own = None if like is None else self.pieces(like)
        gaps = None if form is None or like is None else self._gaps(form, like)
        return self._spelling.join(tokens, own, gaps) or None

    def _gaps(self, form: str, own: Sequence[int]) -> list[str] | None:
        """The white space before each piece of a word; None if there is none, or the pieces are not the word's."""
        if len(form.split()) < 2:
            return None
        encoded = self.tokenizer(
            [[form]], is_split_into_words=True, add_special_tokens=False, return_offsets_mapping=True
        )
        if encoded["input_ids"][0] != [int(piece) for piece in own]:
            return None
        ends = [0, *(end for _, end in encoded["offset_mapping"][0])]
        return [form[end:begin] for end, (begin, _) in zip(ends, encoded["offset_mapping"][0], strict=False)]

    @cached_property
    def special_ids(self) -> frozenset[int]:
        """Ids that stand for no text."""
        return frozenset(self.tokenizer.all_special_ids)

    def _tokenise(self, sentences: Sequence[Sequence[str]]) -> list[Pieces]:
        if not len(sentences):
            raise ValueError("no sentence to encode: give at least one")
        for index, sentence in enumerate(sentences):
            if isinstance(sentence, str):
                raise TypeError(f"sentence {index} is the string {sentence!r}: give a sequence of words")
        found: list[Pieces] = []
        for start in range(0, len(sentences), _TOKENISE_AT_ONCE):
            chunk = [list(sentence) for sentence in sentences[start : start + _TOKENISE_AT_ONCE]]
            found += [
                self._every_word(pieces, len(words)) for pieces, words in zip(self._pieces(chunk), chunk, strict=True)
            ]
        return found

    def _pieces(self, sentences: Sequence[Sequence[str]]) -> list[Pieces]:
        """The subwords of some sentences, each word tokenised by itself; a word may have none."""
        if self._lead:
            sentences = [[self._led(word) for word in sentence] for sentence in sentences]
        # verbose=False: the caller decides about long sentences, so the tokenizer need not warn.
        encoded = self.tokenizer(sentences, is_split_into_words=True, padding=False, truncation=False, verbose=False)
        words = [[-1 if word is None else word for word in encoded.word_ids(row)] for row in range(len(sentences))]
        return [Pieces(ids, of_row) for ids, of_row in zip(encoded["input_ids"], words, strict=True)]

    def _every_word(self, pieces: Pieces, n_words: int) -> Pieces:
        """Insert the unknown token for words that tokenised to nothing."""
        missing = sorted(set(range(n_words)).difference(pieces.words))
        if not missing:
            return pieces
        ids, words = list(pieces.ids), list(pieces.words)
        for word in missing:
            # After the last piece of an earlier word, or after the special tokens that open the sentence.
            place = 1 + max((i for i, w in enumerate(words) if 0 <= w < word), default=self._n_prefix - 1)
            ids.insert(place, self._empty_id)
            words.insert(place, word)
        return Pieces(ids, words)

    def _check(self, n_embeddings: int) -> None:
        if not self.tokenizer.is_fast:
            raise UnsupportedModelError(
                f"{self._what} comes with the slow tokenizer {type(self.tokenizer).__name__}: only fast ones "
                "(tokenizer.json) tell which word a subword belongs to"
            )
        if all(self._special(name) is None for name in self._stand_ins):
            lacking = " nor ".join(self._stand_ins.values())
            raise UnsupportedModelError(f"{self._what}: its tokenizer has neither {lacking} for words without subwords")
        highest = max(self.tokenizer.get_vocab().values())
        if highest >= n_embeddings:
            raise UnsupportedModelError(
                f"{self._what}: the tokenizer has ids up to {highest}, the model {n_embeddings} embeddings: "
                "they do not belong together"
            )

    def _check_vocabulary(self, n_embeddings: int) -> None:
        """Refuse a tokenizer that does not know the model's words: every word would become the unknown token.

        Without tokenizer files, transformers makes a tokenizer of special tokens alone, and does not say so.
        """
        vocabulary = self.tokenizer.get_vocab()
        pieces = sorted(set(vocabulary) - set(self.tokenizer.all_special_tokens))
        # Rows are added to the embeddings to round up their number for a GPU, but never that many.
        if not pieces or (2 * len(vocabulary) < n_embeddings and n_embeddings - len(vocabulary) > _MOST_PADDING):
            raise UnsupportedModelError(
                f"{self._what}: its tokenizer knows {len(vocabulary)} tokens, {len(pieces)} of them not special, and "
                f"the model has {n_embeddings} embeddings: put the model's own tokenizer.json (or the vocabulary that "
                "its tokenizer is made from) into its folder"
            )
        try:
            self._pieces([[_NOWHERE]])
        except Exception as error:
            # The tokenizers library raises plain Exceptions.
            if type(error) is not Exception:
                raise
            raise UnsupportedModelError(
                f"{self._what}: its tokenizer fails at a character that it does not know ({error}): save it with an "
                "unknown token (unk_id), or with byte_fallback"
            ) from error
        tried = self._tried_words
        unknown = [word for word in tried if set(self._tokenise([[word]])[0].ids) <= self.special_ids]
        if 2 * len(unknown) > len(tried):
            raise UnsupportedModelError(
                f"{self._what}: its tokenizer does not know {len(unknown)} of {len(tried)} words of its own "
                f"vocabulary, such as {unknown[0]!r}: its files come from different tokenizers; copy them "
                "from where the model was trained"
            )

    @cached_property
    def _tried_words(self) -> list[str]:
        """Words of the tokenizer's own vocabulary."""
        pieces = sorted(set(self.tokenizer.get_vocab()) - set(self.tokenizer.all_special_tokens))
        words = [piece for piece in (piece.lstrip("▁Ġ") for piece in pieces) if piece.isalpha()]
        return words[:: max(1, len(words) // _WORDS_TRIED)]

    def _found_lead(self) -> str:
        """What to write before a word that is tokenised alone, so that it has the subwords that it has in a text.

        Byte-level tokenizers and others mark the beginning of a word by the space before it. Some add that space to
        words that they are given one by one, if they were saved with that setting; the rest would glue them together.
        """
        words = ["a", "b", *self._tried_words]
        text = self.tokenizer(" ".join(words), add_special_tokens=False, verbose=False)["input_ids"]
        read = {}
        for lead in ("", " "):
            given = [lead + word for word in words]
            alone = self.tokenizer([given], is_split_into_words=True, add_special_tokens=False, verbose=False)
            # The first word of a text has no space before it.
            read[lead] = [i for i, word in zip(alone["input_ids"][0], alone.word_ids(0), strict=True) if word]
            if read[lead] == text[len(text) - len(read[lead]) :]:
                return lead
        raise UnsupportedModelError(
            f"{self._what}: its tokenizer splits single words differently than a text, such as into "
            f"{' '.join(self.pieces(read[''][:8]))} for the text {' '.join(words[1:5])!r}: save the tokenizer with the "
            "setting that it was trained with (add_prefix_space, or a prepend_scheme other than 'never')"
        )

    def _led(self, word: str) -> str:
        alone = word in self.tokenizer.all_special_tokens or not word.strip() or word.startswith(self._lead)
        return word if alone else self._lead + word
