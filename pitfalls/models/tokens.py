"""Words to subwords and back, by a model's own fast tokenizer: which subwords a word has, and which word they spell."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch

from pitfalls.extras import extra
from pitfalls.models.checkpoint import UnsupportedModelError
from pitfalls.models.interface import Encoded, check_lengths

with extra("models"):
    from transformers import PreTrainedTokenizerBase

# Sentences tokenised in one call: keeps the tokenizer's parallel speed without holding a whole corpus twice.
_TOKENISE_AT_ONCE = 1024
# Embeddings are padded to a multiple of 64 or 128.
_MOST_PADDING = 128
# Words of the vocabulary that are tokenised at loading, to see whether they are known.
_WORDS_TRIED = 50


@dataclass(frozen=True)
class _Pieces:
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
        The tokenizer is slow, has no unknown token, or is not the model's own.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, n_embeddings: int, what: str) -> None:
        self.tokenizer = tokenizer
        self._what = what
        self._check(n_embeddings)
        self._check_vocabulary(n_embeddings)
        self._join = _joiner(self.state)
        self._n_prefix = self._tokenise([[tokenizer.unk_token]])[0].words.index(0)

    @property
    def unknown_id(self) -> int:
        """Id of the token that stands for whatever the tokenizer does not know."""
        return int(self.tokenizer.unk_token_id)

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
        shape = (len(pieces), max(len(sentence.ids) for sentence in pieces))
        pad = self.tokenizer.pad_token_id
        input_ids = torch.full(shape, 0 if pad is None else pad, dtype=torch.int64)
        attention_mask = torch.zeros(shape, dtype=torch.int64)
        word_ids = torch.full(shape, -1, dtype=torch.int64)
        for row, sentence in enumerate(pieces):
            length = len(sentence.ids)
            input_ids[row, :length] = torch.tensor(sentence.ids)
            attention_mask[row, :length] = 1
            word_ids[row, :length] = torch.tensor(sentence.words)
        return Encoded(input_ids, attention_mask, word_ids)

    def lengths(self, sentences: Sequence[Sequence[str]]) -> list[int]:
        """Count the subwords of each sentence, special tokens included; no limit applies."""
        if not len(sentences):
            return []
        return [len(sentence.ids) for sentence in self._tokenise(sentences)]

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """Token ids as the vocabulary writes them, such as ``["cat", "##s"]``."""
        return list(self.tokenizer.convert_ids_to_tokens([int(piece) for piece in ids]))

    def join(self, pieces: Sequence[int], like: Sequence[int] | None = None) -> str | None:
        """Join the subwords predicted at one word's own slots into a word.

        Parameters
        ----------
        pieces : sequence of int
            Token ids, in order.
        like : sequence of int, optional
            The word's own token ids at these slots. A word may itself consist of several tokens that are not
            continuations (BERT: ``don ' t``); where its own piece begins a word, the predicted one may too.

        Returns
        -------
        str or None
            None when the pieces are not exactly one word: a special token, a first piece that continues a word, or a
            later one that begins a word (the outcome "split").
        """
        if like is not None and len(like) != len(pieces):
            raise ValueError(f"{len(pieces)} predicted pieces for a word of {len(like)}: give one for each slot")
        if any(int(piece) in self.special_ids for piece in pieces):
            return None
        own = None if like is None else self.pieces(like)
        return self._join(self.pieces(pieces), own) or None

    @cached_property
    def special_ids(self) -> frozenset[int]:
        """Ids that stand for no text."""
        return frozenset(self.tokenizer.all_special_ids)

    def _tokenise(self, sentences: Sequence[Sequence[str]]) -> list[_Pieces]:
        if not len(sentences):
            raise ValueError("no sentence to encode: give at least one")
        for index, sentence in enumerate(sentences):
            if isinstance(sentence, str):
                raise TypeError(f"sentence {index} is the string {sentence!r}: give a sequence of words")
        found: list[_Pieces] = []
        for start in range(0, len(sentences), _TOKENISE_AT_ONCE):
            chunk = [list(sentence) for sentence in sentences[start : start + _TOKENISE_AT_ONCE]]
            # verbose=False: the caller decides about long sentences, so the tokenizer need not warn.
            encoded = self.tokenizer(chunk, is_split_into_words=True, padding=False, truncation=False, verbose=False)
            for row, words in enumerate(chunk):
                word_ids = [-1 if word is None else word for word in encoded.word_ids(row)]
                found.append(self._every_word(_Pieces(encoded["input_ids"][row], word_ids), len(words)))
        return found

    def _every_word(self, pieces: _Pieces, n_words: int) -> _Pieces:
        """Insert the unknown token for words that tokenised to nothing."""
        missing = sorted(set(range(n_words)).difference(pieces.words))
        if not missing:
            return pieces
        ids, words = list(pieces.ids), list(pieces.words)
        for word in missing:
            # After the last piece of an earlier word, or after the special tokens that open the sentence.
            place = 1 + max((i for i, w in enumerate(words) if 0 <= w < word), default=self._n_prefix - 1)
            ids.insert(place, self.tokenizer.unk_token_id)
            words.insert(place, word)
        return _Pieces(ids, words)

    def _check(self, n_embeddings: int) -> None:
        if not self.tokenizer.is_fast:
            raise UnsupportedModelError(
                f"{self._what} comes with the slow tokenizer {type(self.tokenizer).__name__}: only fast ones "
                "(tokenizer.json) tell which word a subword belongs to"
            )
        if self.tokenizer.unk_token_id is None:
            raise UnsupportedModelError(f"{self._what}: its tokenizer has no unknown token for words without subwords")
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
        words = [piece for piece in (piece.lstrip("▁Ġ") for piece in pieces) if piece.isalpha()]
        tried = words[:: max(1, len(words) // _WORDS_TRIED)]
        unknown = [word for word in tried if set(self._tokenise([[word]])[0].ids) <= self.special_ids]
        if 2 * len(unknown) > len(tried):
            raise UnsupportedModelError(
                f"{self._what}: its tokenizer does not know {len(unknown)} of {len(tried)} words of its own "
                f"vocabulary, such as {unknown[0]!r}: its files come from different tokenizers; copy them "
                "from where the model was trained"
            )


# -------------------------------------------------------------------- subwords to words


class _Joiner:
    """How tokens of one kind of tokenizer make a word: a mark begins a word, or continues one."""

    def __init__(self, state: Mapping[str, Any]) -> None:
        decoder = state.get("decoder") or {}
        self.kind = decoder.get("type")
        self.mark = decoder.get("prefix") or decoder.get("replacement") or ""

    def __call__(self, tokens: Sequence[str], own: Sequence[str] | None) -> str | None:
        raise UnsupportedModelError(
            f"cannot tell how a tokenizer with a {self.kind!r} decoder writes words: only WordPiece (BERT) and "
            "Metaspace (XLM-R) are supported"
        )

    def _begins(self, token: str) -> bool:
        raise NotImplementedError

    def _is_one_word(self, tokens: Sequence[str], own: Sequence[str] | None) -> bool:
        if not tokens or not self._begins(tokens[0]):
            return False
        may_begin = [own is not None and self._begins(token) for token in own or tokens]
        return all(may or not self._begins(token) for may, token in zip(may_begin[1:], tokens[1:], strict=True))


class _WordPieceJoiner(_Joiner):
    def _begins(self, token: str) -> bool:
        return not token.startswith(self.mark)

    def __call__(self, tokens: Sequence[str], own: Sequence[str] | None) -> str | None:
        if not self._is_one_word(tokens, own):
            return None
        return "".join(token.removeprefix(self.mark) for token in tokens)


class _MetaspaceJoiner(_Joiner):
    def _begins(self, token: str) -> bool:
        return token.startswith(self.mark)

    def __call__(self, tokens: Sequence[str], own: Sequence[str] | None) -> str | None:
        if not self._is_one_word(tokens, own):
            return None
        return "".join(tokens).replace(self.mark, " ").strip()


def _joiner(state: Mapping[str, Any]) -> _Joiner:
    kinds: dict[Any, type[_Joiner]] = {"WordPiece": _WordPieceJoiner, "Metaspace": _MetaspaceJoiner}
    joiner = _Joiner(state)
    return kinds.get(joiner.kind, _Joiner)(state)
