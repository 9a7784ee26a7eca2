"""The mini world's tokenizers: WordPiece, and Unigram for XLM-R's layout, over the stems and endings of the grammars.

A translation can only turn *gatos* into *gato* in place when both are written with the same number of subwords and the
endings are shared by many lemmas (measured: whole-word vocabularies give a CLWV of 0). So the vocabulary is built from
the grammars' own stems and endings, and single characters catch everything else.
"""

from __future__ import annotations

import math
import string
import unicodedata
from collections import Counter
from collections.abc import Iterable

from pitfalls.extras import extra

with extra("models"):
    from transformers import BertTokenizer, XLMRobertaTokenizer

from pitfalls.language.grammar.core import Form

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")

# XLM-R's own, in its order; its <mask> is the last token of all.
_XLMR_SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")
# Lower than that of any stem and ending together, so that a word is spelt only if it is not one of the grammars'.
_SPELT = -40.0


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
    characters = alphabet()
    pieces = [*SPECIAL, *characters, *("##" + character for character in characters)]
    frequent = [piece for piece, count in _counted(forms, "", "##") if count >= min_count]
    return {piece: index for index, piece in enumerate(dict.fromkeys([*pieces, *frequent]))}


def _counted(forms: Iterable[Form], before_stem: str, before_ending: str) -> list[tuple[str, int]]:
    """Stems and endings with a mark before each, and how many forms have them; the most frequent first."""
    counts: Counter[str] = Counter()
    for form in forms:
        counts[before_stem + form.stem] += 1
        if form.ending:
            counts[before_ending + form.ending] += 1
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


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


def build_unigram_tokenizer(forms: Iterable[Form], max_tokens: int = 64) -> XLMRobertaTokenizer:
    """Transformers' own XLM-R tokenizer over the same stems and endings: a Unigram model (Kudo 2018).

    A piece's score is the logarithm of its share of all stems and endings, as the maximum-likelihood estimate would
    have it; characters that are neither have a score below any word's.

    Examples
    --------
    >>> forms = [Form("gat", "o", "gato", "NOUN"), Form("gat", "os", "gato", "NOUN")]
    >>> build_unigram_tokenizer(forms).tokenize("gatos kedi")
    ['▁gat', 'os', '▁', 'k', 'e', 'd', 'i']
    """
    counted = _counted(forms, "▁", "")
    total = sum(count for _, count in counted)
    scores = {piece: math.log(count / total) for piece, count in counted}
    spelt = {character: _SPELT for character in ("▁", *alphabet()) if character not in scores}
    special = [(token, 0.0) for token in _XLMR_SPECIAL]
    return XLMRobertaTokenizer(
        vocab=[*special, *spelt.items(), *scores.items(), ("<mask>", 0.0)], model_max_length=max_tokens
    )
