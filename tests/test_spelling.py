"""Words to subwords and back, for every kind of tokenizer that masked models come with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers as hf
from architectures import ARCHITECTURES, LETTERS, ROBERTA, SIZES, bytelevel, sentencepiece, wordpiece
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

from pitfalls.models.checkpoint import UnsupportedModelError
from pitfalls.models.masked import MaskedLM
from pitfalls.models.spelling import Spelling
from pitfalls.models.tokens import WordTokenizer

SPECIAL = {"unk_token": "<unk>", "pad_token": "<pad>", "cls_token": "<s>", "sep_token": "</s>", "mask_token": "<mask>"}
KINDS = ("wordpiece", "sentencepiece", "bytelevel", "unprefixed bytes", "never", "gemma", "sequence")


def bpe(begin: str, **parts: Any) -> hf.PreTrainedTokenizerFast:
    """A generic tokenizer, as ``PreTrainedTokenizerFast`` saves it: it keeps no flag, only its parts."""
    merges = [("t", "h"), ("th", "e"), ("c", "a"), ("ca", "t"), (begin, "the"), (begin, "cat")]
    extra = ["Ã", "±", "<0xC3>", "<0xB1>"]
    pieces = [*SPECIAL.values(), begin, *LETTERS, *"0123456789'", *("".join(pair) for pair in merges), *extra]
    vocab = {piece: i for i, piece in enumerate(pieces)}
    backend = Tokenizer(models.BPE(vocab, merges, unk_token="<unk>", byte_fallback="normalizer" in parts))
    for name, part in parts.items():
        setattr(backend, name, part)
    return hf.PreTrainedTokenizerFast(tokenizer_object=backend, **SPECIAL)


def made(kind: str) -> hf.PreTrainedTokenizerBase:
    if kind in ("wordpiece", "sentencepiece", "bytelevel"):
        return {"wordpiece": wordpiece, "sentencepiece": sentencepiece, "bytelevel": bytelevel}[kind]()
    if kind == "never":
        never = {"prepend_scheme": "never"}
        return bpe("▁", pre_tokenizer=pre_tokenizers.Metaspace(**never), decoder=decoders.Metaspace(**never))
    if kind == "gemma":
        steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
        return bpe("▁", normalizer=normalizers.Replace(" ", "▁"), decoder=decoders.Sequence(steps))
    split: list[Any] = [pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=kind != "sequence")]
    if kind == "sequence":
        split = [pre_tokenizers.Split(" ?[a-z]+| ?[0-9]+|[^ ]", "isolated"), *split]
    return bpe("Ġ", pre_tokenizer=pre_tokenizers.Sequence(split), decoder=decoders.ByteLevel())


def word_tokenizer(kind: str) -> WordTokenizer:
    return WordTokenizer(made(kind), 120, "tiny")


@pytest.mark.parametrize("kind", KINDS)
def test_a_word_has_the_subwords_that_it_has_in_a_text(kind: str) -> None:
    words = word_tokenizer(kind)
    sentence = ["a", "the", "cats", "that", "walk", "home"]
    encoded = words.encode([sentence], 99)
    text = words.tokenizer(" ".join(sentence), add_special_tokens=False)["input_ids"]
    alone = encoded.input_ids[0, encoded.word_ids[0] >= 1].tolist()
    assert alone == text[-len(alone) :] and len(alone) > len(sentence)
    masked = words.encode([["the", words.tokenizer.mask_token, "cat"]], 99)
    assert masked.input_ids[0, masked.word_ids[0] == 1].tolist() == [words.tokenizer.mask_token_id]


@pytest.mark.parametrize("kind", KINDS)
def test_a_word_s_own_pieces_spell_it_and_two_words_are_none(kind: str) -> None:
    words = word_tokenizer(kind)
    for word in ("cats", "the", "x", "thecat", "2024", "abc"):
        encoded = words.encode([["a", word]], 99)
        own = encoded.input_ids[0, encoded.word_ids[0] == 1].tolist()
        assert words.join(own) == words.join(own, own, word) == word
        assert words.join([*own, *own]) is None
        assert len(own) == 1 or words.join(own[1:]) is None
        assert words.join([words.tokenizer.mask_token_id, *own]) is None


@pytest.mark.parametrize("kind", ["bytelevel", "unprefixed bytes", "gemma"])
def test_bytes_spell_a_letter_or_nothing(kind: str) -> None:
    words = word_tokenizer(kind)
    encoded = words.encode([["a", "cañ"]], 99)
    own = encoded.input_ids[0, encoded.word_ids[0] == 1].tolist()
    assert words.join(own) == "cañ"
    assert words.join(own[:-1]) is None


@pytest.mark.parametrize("kind", KINDS)
def test_spaces_within_a_word_stay(kind: str) -> None:
    words = word_tokenizer(kind)
    number, other = "10 000", "20 000"
    encoded = words.encode([["a", number]], 99)
    own = encoded.input_ids[0, encoded.word_ids[0] == 1].tolist()
    predicted = words.encode([["a", other]], 99).input_ids[0, encoded.word_ids[0] == 1].tolist()
    assert predicted != own
    assert words.join(predicted, own, number) == other
    assert words.join(own, own, number) == number
    if kind == "wordpiece":
        assert words.join(predicted, own) == "20000"  # which the pieces alone cannot tell
        glued = words.encode([["a", "it's"]], 99).input_ids[0, 2:-1].tolist()
        assert words.join(glued, glued, "it's") == "it's"


def test_words_that_are_glued_are_refused() -> None:
    parts = {"pre_tokenizer": pre_tokenizers.ByteLevel(add_prefix_space=False), "decoder": decoders.ByteLevel()}
    # The space before a word, which marks its beginning, is lost where the word stands alone.
    glue = bpe("Ġ", normalizer=normalizers.Strip(), **parts)
    with pytest.raises(UnsupportedModelError, match=r"single words differently than a text, such as into .*'b .*add_"):
        WordTokenizer(glue, 120, "tiny")


def test_a_tokenizer_of_no_known_kind_serves_for_probing() -> None:
    strange = bpe("Ġ", pre_tokenizer=pre_tokenizers.Whitespace(), decoder=decoders.BPEDecoder())
    words = WordTokenizer(strange, 120, "tiny")
    own = words.encode([["cat"]], 99).input_ids[0].tolist()
    with pytest.raises(UnsupportedModelError, match=r"'BPEDecoder' decoder writes words: WordPiece .* are supported"):
        words.join(own)


def test_a_tokenizer_without_an_unknown_token_has_no_unknown_words() -> None:
    tokenizer = made("unprefixed bytes")
    tokenizer.unk_token = None
    words = WordTokenizer(tokenizer, 120, "tiny")
    assert words.unknown_id == -1
    encoded = words.encode([["cat", "", "cat"]], 99)
    assert encoded.input_ids[0, encoded.word_ids[0] == 1].tolist() == [tokenizer.mask_token_id]
    tokenizer.mask_token = None
    with pytest.raises(UnsupportedModelError, match="neither an unknown token nor a mask"):
        WordTokenizer(tokenizer, 120, "tiny")


def test_a_tokenizer_that_fails_at_an_unknown_character_is_refused() -> None:
    vocab = [*((special, 0.0) for special in SPECIAL.values()), *((f"▁{letter}", -1.0) for letter in LETTERS)]
    backend = Tokenizer(models.Unigram(vocab, unk_id=None))
    backend.pre_tokenizer, backend.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    tokenizer = hf.PreTrainedTokenizerFast(tokenizer_object=backend, **SPECIAL)
    with pytest.raises(UnsupportedModelError, match=r"fails at a character that it does not know .*unk_id"):
        WordTokenizer(tokenizer, 120, "tiny")


def test_ids_beyond_the_tokenizer_are_no_word() -> None:
    """Vocabularies are padded to a round number, and a model may predict such an id."""
    config = hf.BertConfig(**{**SIZES, "vocab_size": 128})
    lm = MaskedLM(hf.BertForMaskedLM(config), wordpiece())
    (cat,) = lm.encode([["cat"]]).input_ids[0, 1:-1].tolist()
    assert lm.pieces([cat, 127]) == ["cat", "[id 127]"]
    assert lm.join([127]) is lm.join([cat, 127]) is None
    with torch.no_grad():
        lm.model.cls.predictions.bias[127] = 1e6
    final = lm.hidden(lm.encode([["cat"]]), lm.n_layers)
    assert lm.predict(final, torch.ones(1, 3, dtype=torch.bool)).tolist() == [127] * 3


def test_a_byte_level_model_saved_by_its_tokenizer_alone_is_loaded(tmp_path: Path) -> None:
    model = ARCHITECTURES["roberta"].model(hf.RobertaConfig(**{**SIZES, **ROBERTA}))
    model.save_pretrained(tmp_path)
    made("unprefixed bytes").save_pretrained(tmp_path)
    lm = MaskedLM.load(tmp_path)
    batch = lm.encode([["the", "cat"]])
    assert lm.pieces(batch.input_ids[0, batch.word_ids[0] >= 0]) == ["Ġthe", "Ġcat"]


@pytest.mark.parametrize("kind", KINDS)
def test_tokens_that_end_a_word_are_those_that_its_text_does_not_go_on_with(kind: str) -> None:
    words = word_tokenizer(kind)
    vocabulary = words.tokenizer.get_vocab()
    spaced = {"wordpiece": "cat"}.get(kind, "Ġcat" if "Ġ" in vocabulary else "▁cat")
    going_on = {"wordpiece": "##s"}.get(kind, "s")
    ends = set(words.end_ids.tolist())
    assert vocabulary[spaced] in ends and vocabulary[going_on] not in ends
    assert words.special_ids <= ends
    for mark in (".", "'"):
        assert mark not in vocabulary or vocabulary[mark] in ends
    # Half of the bytes of an ñ.
    assert "Ã" not in vocabulary or "Ġ" not in vocabulary or vocabulary["Ã"] not in ends


def test_joiners_and_marks_within_words_end_none() -> None:
    spelling = Spelling(made("never").backend_tokenizer, {"decoder": {"type": "Metaspace", "replacement": "▁"}})
    assert all(spelling.continues(mark + "ha") for mark in ("\u200c", "\u200d", "\u00ad", "\u0940"))
    assert not spelling.continues("\u2019s")
