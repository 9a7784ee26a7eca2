"""Subwords to words: how each kind of tokenizer spells a word in tokens, and how it marks where a word begins."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pitfalls.models.checkpoint import UnsupportedModelError

# How a byte-level vocabulary writes a space; and what stands for bytes that are no character.
_SPACE, _NO_TEXT = "Ġ", "\N{REPLACEMENT CHARACTER}"

# Zero-width joiner and non-joiner, which Persian and Indic words have inside, and the soft hyphen.
_WITHIN_WORDS = ("\u200c", "\u200d", "\u00ad")


class Spelling:
    """How tokens make a word: a mark begins a word (XLM-R, RoBERTa, Gemma) or continues one (BERT).

    Parameters
    ----------
    backend : tokenizers.Tokenizer
    state : mapping
        The same as JSON.

    Examples
    --------
    >>> import transformers
    >>> words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "cat", "##s"]
    >>> tokenizer = transformers.BertTokenizer(vocab={word: i for i, word in enumerate(words)}).backend_tokenizer
    >>> spelling = Spelling(tokenizer, {"decoder": {"type": "WordPiece", "prefix": "##"}})
    >>> spelling.join(["cat", "##s"]), spelling.join(["##s"]), spelling.join(["cat", "cat"])
    ('cats', None, None)
    >>> spelling.continues("##s"), spelling.continues("cat")
    (True, False)
    >>> spelling.join(["cat", "cat"], own=["cat", "cat"], gaps=["", " "])
    'cat cat'
    """

    def __init__(self, backend: Any, state: Mapping[str, Any]) -> None:
        self._decode: Callable[[list[str]], str] | None = backend.decoder and backend.decoder.decode
        self._decoder = state.get("decoder") or {}
        found = [mark for mark in map(_mark, _steps(self._decoder)) if mark is not None]
        self._continues, self._mark = found[0] if found else (False, "")

    def join(
        self, tokens: Sequence[str], own: Sequence[str] | None = None, gaps: Sequence[str] | None = None
    ) -> str | None:
        """The one word that tokens spell; None if they spell none, or several.

        Parameters
        ----------
        own : sequence of str, optional
            The tokens of a word in these places: where one of them begins a word, another may too.
        gaps : sequence of str, optional
            The white space before each of these, where the tokens do not keep it.

        Raises
        ------
        UnsupportedModelError
            There is no way to tell how the tokenizer writes words.
        """
        self._check()
        if not tokens or not self._begins(tokens[0]):
            return None
        may_begin = [own is not None and self._begins(token) for token in own or tokens]
        if any(self._begins(token) and not may for may, token in zip(may_begin[1:], tokens[1:], strict=True)):
            return None
        if self._continues:
            spaces = gaps or [""] * len(tokens)
            return "".join(gap + token.removeprefix(self._mark) for gap, token in zip(spaces, tokens, strict=True))
        assert self._decode is not None
        text = self._decode(list(tokens)).strip()
        return None if _NO_TEXT in text else text

    def continues(self, token: str) -> bool:
        """Whether a token after a word makes that word longer: an ending does, a space or a full stop does not.

        Raises
        ------
        UnsupportedModelError
            As :meth:`join`.
        """
        self._check()
        if self._continues or self._begins(token):
            return not self._begins(token)
        assert self._decode is not None
        text = self._decode([token])
        # Part of a character's bytes do not decode; they may belong to a letter.
        first = (text or " ")[0]
        return first in (_NO_TEXT, *_WITHIN_WORDS) or unicodedata.category(first)[0] in "LMN"

    def _check(self) -> None:
        if not self._mark:
            raise UnsupportedModelError(
                f"cannot tell how a tokenizer with a {self._decoder.get('type')!r} decoder writes words: WordPiece "
                "(BERT), Metaspace (XLM-R), byte-level (RoBERTa) and those that replace '▁' (Gemma) are supported"
            )

    def _begins(self, token: str) -> bool:
        return token.startswith(self._mark) is not self._continues


def _steps(decoder: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The decoder itself, or the decoders of a sequence."""
    for step in decoder.get("decoders", [decoder]):
        yield from _steps(step) if "decoders" in step else [step]


def _mark(decoder: Mapping[str, Any]) -> tuple[bool, str] | None:
    """Whether a decoder's mark continues a word, and the mark; None for a decoder without one."""
    kind = decoder.get("type")
    if kind == "WordPiece":
        return True, decoder["prefix"]
    if kind == "Metaspace":
        return False, decoder["replacement"]
    if kind == "ByteLevel":
        return False, _SPACE
    if kind == "Replace" and decoder.get("content") == " ":
        return False, decoder["pattern"].get("String", "")
    return None
