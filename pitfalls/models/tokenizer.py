"""The mini world's tokenizer: WordPiece over the stems and endings that the grammars share.

A translation can only turn *gatos* into *gato* in place when both are written with the same number of subwords and the
endings are shared by many lemmas (measured: whole-word vocabularies give a CLWV of 0). So the vocabulary is built from
the grammars' own stems and endings, and single characters catch everything else.
"""

from __future__ import annotations

import string
import unicodedata
from collections import Counter
from collections.abc import Iterable

from pitfalls.extras import extra

with extra("models"):
    from transformers import BertTokenizer

from pitfalls.language.grammar.core import Form

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def alphabet() -> tuple[str, ...]:
    """Every letter of the Latin, Turkish and Cyrillic alphabets, digits and common punctuation, sorted.

    The letters are those of Basic Latin, Latin-1, Latin Extended-A and Cyrillic up to U+045F: with these as
    single-character pieces, no word written in them is unknown.

    Examples
    --------
    >>> {"a", "ñ", "ı", "ğ", "ж", "?"} <= set(alphabet())
    True
    """
    blocks = [*range(0x00C0, 0x0180), *range(0x0400, 0x0460)]
    letters = {chr(code) for code in blocks if unicodedata.category(chr(code)).startswith("L")}
    marks = set(string.ascii_letters + string.digits + string.punctuation + "¿¡«»–—…“”‘’ªº")
    return tuple(sorted(letters | marks))


def build_vocabulary(forms: Iterable[Form], min_count: int = 1) -> dict[str, int]:
    """A WordPiece vocabulary: special tokens, characters, then stems and ``##endings``, the most frequent first.

    Parameters
    ----------
    forms : the grammars' paradigms or words of their text
    min_count : how often a piece must occur to be kept (int, at least 1)

    Examples
    --------
    >>> vocabulary = build_vocabulary([Form("gat", "o", "gato", "NOUN"), Form("gat", "os", "gato", "NOUN")])
    >>> "gat" in vocabulary, "##os" in vocabulary, "gatos" in vocabulary
    (True, True, False)
    """
    counts: Counter[str] = Counter()
    for form in forms:
        counts[form.stem] += 1
        if form.ending:
            counts["##" + form.ending] += 1
    characters = alphabet()
    pieces = [*SPECIAL, *characters, *("##" + character for character in characters)]
    frequent = sorted((-count, piece) for piece, count in counts.items() if count >= min_count)
    return {piece: index for index, piece in enumerate(dict.fromkeys([*pieces, *(p for _, p in frequent)]))}


def build_tokenizer(forms: Iterable[Form], max_tokens: int = 64) -> BertTokenizer:
    """Transformers' own BERT tokenizer over :func:`build_vocabulary`; case and accents are kept.

    Examples
    --------
    >>> forms = [Form("gat", "o", "gato", "NOUN"), Form("gat", "os", "gato", "NOUN")]
    >>> build_tokenizer(forms).tokenize("gatos kedi")
    ['gat', '##os', 'k', '##e', '##d', '##i']
    """
    return BertTokenizer(
        vocab=build_vocabulary(forms),
        do_lower_case=False,
        strip_accents=False,
        tokenize_chinese_chars=False,
        model_max_length=max_tokens,
    )
