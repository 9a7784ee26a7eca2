"""Causal models beyond the matrix of architectures: words in running text, next subwords, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers as hf
from architectures import CAUSAL, LAYERS, SIZES, WIDTH, Architecture, gemma_bytes, gpt2_bytes, sentencepiece
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from tokenizers import pre_tokenizers
from transformers.tokenization_utils_base import PreTrainedTokenizerBase

from pitfalls.models.causal import CausalLM
from pitfalls.models.checkpoint import UnsupportedModelError
from pitfalls.models.encoder import EncoderLM
from pitfalls.models.forward import MissingHeadError
from pitfalls.models.interface import Encoded, TooLongError
from pitfalls.models.loading import load_model
from pitfalls.models.masked import MaskedLM
from pitfalls.models.running_text import MergedWordsError, TextTokenizer
from pitfalls.site import Site

SENTENCES = [["the", "cats"], ["a", "dog", "walks", "the", "cat", "home"], ["x"]]
TOKENIZERS = {"gpt2": gpt2_bytes, "gemma": gemma_bytes}


def causal(name: str, tokenizer: PreTrainedTokenizerBase | None = None, **config: Any) -> CausalLM:
    architecture = replace(CAUSAL[name], config={**CAUSAL[name].config, **config})
    return CausalLM(architecture.make(), tokenizer or architecture.tokenizer(), name=name)


@pytest.fixture(scope="module")
def gpt2() -> CausalLM:
    return causal("gpt2")


# ------------------------------------------------------------------------------------------ words in running text


def slow_words(tokenizer: PreTrainedTokenizerBase, sentence: list[str]) -> list[int]:
    """The word of each subword: the first one with which the text so far has that many subwords."""
    texts = [" ".join(sentence[: i + 1]) for i in range(len(sentence))]
    counts = [len(tokenizer(text, add_special_tokens=False)["input_ids"]) for text in texts]
    return [next(i for i, count in enumerate(counts) if piece < count) for piece in range(counts[-1])]


@pytest.mark.parametrize("kind", TOKENIZERS)
@given(st.lists(st.text("acdeghot0'éñ\u00a0", min_size=1, max_size=6).filter(lambda w: w == w.strip()), min_size=1))
def test_a_sentence_is_read_as_its_tokenizer_reads_the_text(kind: str, sentence: list[str]) -> None:
    tokenizer = TOKENIZERS[kind]()
    encoded = TextTokenizer(tokenizer, len(tokenizer), "tiny").encode([sentence, ["a"]], 999)
    text = tokenizer(" ".join(sentence))["input_ids"]
    assert encoded.input_ids[0, : len(text)].tolist() == text
    begins = text[0] == tokenizer.bos_token_id
    assert begins == (kind == "gemma")
    assert encoded.word_ids[0, : len(text)].tolist() == [-1] * begins + slow_words(tokenizer, sentence)
    # Padding is on the right, whatever the tokenizer says of generation.
    assert tokenizer.padding_side == {"gpt2": "right", "gemma": "left"}[kind]
    assert encoded.attention_mask[1].tolist() == sorted(encoded.attention_mask[1].tolist(), reverse=True)
    assert (encoded.word_ids[1][encoded.attention_mask[1] == 0] == -1).all()


def test_words_after_the_first_have_their_space() -> None:
    words = TextTokenizer(gpt2_bytes(), 270, "tiny")
    encoded = words.encode([["the", "cat", "the", "10"]], 99)
    assert words.pieces(encoded.input_ids[0]) == ["the", "Ġcat", "Ġthe", "Ġ", "1", "0"]
    assert encoded.word_ids[0].tolist() == [0, 1, 2, 3, 3, 3]


def test_special_tokens_empty_words_and_spaces_within_one() -> None:
    words = TextTokenizer(gpt2_bytes(), 270, "tiny")
    end = words.tokenizer.eos_token_id
    encoded = words.encode([["the", words.tokenizer.eos_token, "cat"], ["10 0", "", "cat"], ["", "a"]], 99)
    assert encoded.input_ids[0, encoded.word_ids[0] == 1].tolist()[-1] == end
    for row, n_words in ((0, 3), (1, 3), (2, 2)):
        found = encoded.word_ids[row][encoded.attention_mask[row].bool()].tolist()
        assert found == sorted(found) and set(found) == set(range(n_words))
    assert words.pieces(encoded.input_ids[1, encoded.word_ids[1] == 0]) == ["1", "0", "Ġ", "0"]


def test_a_tokenizer_without_any_special_token_cannot_read_empty_words() -> None:
    tokenizer = gpt2_bytes().__class__(vocab=gpt2_bytes().get_vocab(), merges=[])
    for name in ("unk_token", "bos_token", "eos_token"):
        setattr(tokenizer, name, None)
    with pytest.raises(UnsupportedModelError, match="neither an unknown token nor a mask nor an end-of-text token"):
        TextTokenizer(tokenizer, 270, "tiny")


def merging(*merges: tuple[str, str]) -> PreTrainedTokenizerBase:
    """A tokenizer whose subwords may cross the space between words."""
    vocab = dict(gpt2_bytes().get_vocab())
    for pair in merges:
        vocab["".join(pair)] = len(vocab)
    tokenizer = hf.GPT2Tokenizer(vocab=vocab, merges=list(merges))
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    return tokenizer


def test_a_tokenizer_that_merges_words_is_named() -> None:
    with pytest.raises(UnsupportedModelError, match=r"tiny: the tokenizer merges words: 'aĠb' is one subword of 'a b'"):
        TextTokenizer(merging(("a", "Ġ"), ("aĠ", "b")), 270, "tiny")
    words = TextTokenizer(merging(("x", "Ġ"), ("xĠ", "o")), 270, "tiny")
    words.encode([["x", "a", "o"]], 99)
    with pytest.raises(MergedWordsError, match=r"'xĠo' is one subword of 'x o'.*keeps words apart"):
        words.encode([["a"], ["a", "x", "o"]], 99)


def test_a_prompt_over_the_limit_is_named(gpt2: CausalLM) -> None:
    assert gpt2.max_tokens == 64
    assert gpt2.hidden(gpt2.encode([["the"] * 64]), 1).shape == (1, 64, WIDTH)
    with pytest.raises(
        TooLongError, match="sentence 1 has 65 subwords with its special tokens, and the model takes 64"
    ):
        gpt2.encode([["the"], ["the"] * 65])


# ------------------------------------------------------------------------------------------ what follows


@pytest.mark.parametrize("name", ["gpt2", "gemma 3"])
def test_logits_of_what_follows_any_position_are_those_of_the_text_up_to_it(name: str) -> None:
    lm = causal(name)
    batch = lm.encode(SENTENCES)
    real = batch.attention_mask.bool()
    found = lm.next_logits(batch, lm.hidden(batch, LAYERS), real)
    best = lm.predict(lm.hidden(batch, LAYERS), real)
    for i, (row, column) in enumerate(real.nonzero().tolist()):
        with torch.no_grad():
            text = batch.input_ids[row : row + 1, : column + 1]
            expected = CAUSAL[name].make()(text).logits[0, -1]
        torch.testing.assert_close(found[i], expected, rtol=1e-4, atol=1e-4)
        assert best[i] == expected.argmax()


def test_what_follows_padding_is_not_asked(gpt2: CausalLM) -> None:
    batch = gpt2.encode(SENTENCES)
    final, last = gpt2.hidden(batch, LAYERS), torch.zeros_like(batch.word_ids, dtype=torch.bool)
    last[:, -1] = True
    with pytest.raises(ValueError, match=r"position 15 of sentence 0 is padding.* 3 subwords: .* at position 2$"):
        gpt2.next_logits(batch, final, last)


def test_padding_on_the_left_is_refused(gpt2: CausalLM) -> None:
    batch = gpt2.encode(SENTENCES)
    left = Encoded(batch.input_ids.flip(1), batch.attention_mask.flip(1), batch.word_ids.flip(1))
    for ask in (lambda: gpt2.hidden(left, 1), lambda: gpt2.resume(left, 1, gpt2.hidden(batch, 1))):
        with pytest.raises(ValueError, match=r"sentence 0 of the batch has padding before its subwords: .* the right"):
            ask()


def test_a_model_that_sees_what_follows_is_no_causal_one() -> None:
    model = Architecture(hf.BertLMHeadModel).make()
    with pytest.raises(UnsupportedModelError, match=r"BertLMHeadModel.* at layer 2 depend on the subwords that follow"):
        CausalLM(model, CAUSAL["bert as a decoder"].tokenizer())
    model.config.is_encoder_decoder = True
    with pytest.raises(UnsupportedModelError, match="is_encoder_decoder is true"):
        CausalLM(model, CAUSAL["bert as a decoder"].tokenizer())


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma 3"])
def test_precisions(name: str, dtype: torch.dtype, tmp_path: Path) -> None:
    CAUSAL[name].make().save_pretrained(tmp_path)
    CAUSAL[name].tokenizer().save_pretrained(tmp_path)
    lm = CausalLM.load(tmp_path, dtype=dtype)
    plain = hf.AutoModelForCausalLM.from_pretrained(tmp_path, dtype=dtype).eval()
    batch = lm.encode([SENTENCES[1]])
    with torch.no_grad():
        expected = plain(batch.input_ids, output_hidden_states=True)
    for site in (Site("residual", 2), Site("mlp", 2), Site("heads", 3)):
        states = lm.hidden(batch, site)
        assert states.dtype == dtype
        assert site.kind != "residual" or torch.equal(states, expected.hidden_states[2])
        assert torch.equal(lm.head(lm.resume(batch, site, states)[0]), expected.logits[0])


# ------------------------------------------------------------------------------------------ loading


def saved(model: hf.PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: Path) -> Path:
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_a_model_is_loaded_as_what_it_is(tmp_path: Path) -> None:
    bert = {"masked": hf.BertForMaskedLM, "causal": hf.BertLMHeadModel}
    tokenizer = CAUSAL["bert as a decoder"].tokenizer()
    folders = {
        kind: saved(Architecture(of, {"is_decoder": kind == "causal"}).make(), tokenizer, tmp_path / kind)
        for kind, of in bert.items()
    }
    assert type(load_model(folders["masked"])) is MaskedLM and type(load_model(folders["causal"])) is CausalLM
    gpt2 = saved(CAUSAL["gpt2"].make(), gpt2_bytes(), tmp_path / "gpt2")
    assert load_model(gpt2).fingerprint() == CausalLM.load(gpt2).fingerprint()
    with pytest.raises(UnsupportedModelError, match=r"gpt2' is not a masked LM: .* 'gpt2', only a causal LM$"):
        MaskedLM.load(gpt2)
    with pytest.raises(UnsupportedModelError, match="is_encoder_decoder"):
        load_model(saved(hf.BartForConditionalGeneration(tiny_bart()), sentencepiece(), tmp_path / "bart"))


def tiny_bart() -> hf.BartConfig:
    sizes = {"encoder_layers": 1, "decoder_layers": 1, "encoder_ffn_dim": 8, "decoder_ffn_dim": 8}
    return hf.BartConfig(vocab_size=100, d_model=8, encoder_attention_heads=2, decoder_attention_heads=2, **sizes)


def test_a_causal_model_without_its_head_serves_for_probing(tmp_path: Path) -> None:
    model = CAUSAL["qwen3"].make()
    lm = load_model(saved(model.base_model, gpt2_bytes(), tmp_path))
    batch = lm.encode(SENTENCES)
    final = lm.hidden(batch, LAYERS)
    with torch.no_grad():
        expected = model.base_model(batch.input_ids, attention_mask=batch.attention_mask).last_hidden_state
    real = batch.attention_mask.bool()
    torch.testing.assert_close(final[real], expected[real], rtol=1e-4, atol=1e-4)
    with pytest.raises(MissingHeadError, match="saved from AutoModelForCausalLM"):
        lm.head(final[0])


def test_the_same_weights_read_as_another_kind_have_another_fingerprint() -> None:
    model = Architecture(hf.BertLMHeadModel, {"is_decoder": True}).make()
    tokenizer = CAUSAL["bert as a decoder"].tokenizer()
    lm = CausalLM(model, tokenizer)
    model.config.is_decoder = False
    # Though configuration, weights and, of the second, the pooling are the same.
    assert MaskedLM(model, tokenizer).fingerprint() not in (lm.fingerprint(), lm.states_fingerprint())


@pytest.mark.parametrize(
    ("model", "config", "without"),
    [
        (hf.GraniteMoeSharedForCausalLM, {"num_local_experts": 4, "shared_intermediate_size": 20}, "mlp"),
        (hf.Lfm2ForCausalLM, {"full_attn_idxs": [1, 3]}, "heads"),
    ],
    ids=["experts", "convolutions"],
)
def test_units_that_only_some_blocks_have_are_no_site(
    model: type[hf.PreTrainedModel], config: dict[str, Any], without: str
) -> None:
    sizes = {"num_key_value_heads": 1, "pad_token_id": 0, "bos_token_id": 0, "eos_token_id": 0}
    lm = CausalLM(Architecture(model, {"vocab_size": 270, **sizes, **config}).make(), gpt2_bytes())
    kept = {"mlp": "heads", "heads": "mlp"}[without]
    assert lm.n_units(Site(kept, 1)) == lm.n_units(Site(kept, LAYERS))
    with pytest.raises(ValueError, match=f"no {without} 1 in .*and {kept} 1 to {LAYERS}, as not all of its blocks"):
        lm.n_units(Site(without, 1))


def test_a_limit_of_another_name_is_kept() -> None:
    config = hf.MptConfig(vocab_size=270, d_model=16, n_heads=2, n_layers=2, max_seq_len=32, expansion_ratio=2)
    lm = CausalLM(hf.MptForCausalLM(config), gpt2_bytes(), name="mpt")
    assert lm.max_tokens == 32
    with pytest.raises(TooLongError, match="sentence 0 has 50 subwords"):
        lm.encode([["the"] * 50])


T5: dict[str, Any] = {"vocab_size": 100, "d_model": WIDTH, "d_kv": 8, "d_ff": 24, "num_layers": LAYERS, "num_heads": 2}


@pytest.mark.parametrize("gated", ["relu", "gated-gelu"])
def test_the_encoder_of_a_t5_can_be_probed(gated: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = hf.T5ForConditionalGeneration(hf.T5Config(**T5, feed_forward_proj=gated)).eval()
    folder = saved(model, sentencepiece(), tmp_path)
    lm = load_model(folder)
    assert isinstance(lm, EncoderLM) and (lm.n_layers, lm.n_neurons, lm.has_head) == (LAYERS, WIDTH, False)
    batch = lm.encode(SENTENCES)
    read = lm.read(batch, range(LAYERS + 1))
    for row, length in enumerate(batch.attention_mask.sum(1).tolist()):
        with torch.no_grad():
            own = model.encoder(batch.input_ids[row : row + 1, :length], output_hidden_states=True).hidden_states
        for site, states in read.items():
            torch.testing.assert_close(states[row, :length], own[site.layer][0], rtol=1e-4, atol=1e-4)
    with pytest.raises(MissingHeadError, match=r"can be probed, not intervened on$"):
        lm.predict(read[Site("residual", LAYERS)], batch.word_ids >= 0)


def test_a_t5_without_encoder_weights_is_refused(tmp_path: Path) -> None:
    folder = saved(hf.T5EncoderModel(hf.T5Config(**T5)), sentencepiece(), tmp_path)
    assert isinstance(load_model(folder), EncoderLM)
    weights = load_file(folder / "model.safetensors")
    del weights["encoder.block.1.layer.1.DenseReluDense.wo.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UnsupportedModelError, match=r"lacks 1 weights of the encoder, among them encoder\.block\.1"):
        load_model(folder)


def test_what_of_a_checkpoint_need_not_be_read(tmp_path: Path) -> None:
    """The decoder beside an encoder, and the masks that older files hold; but no weight of a block."""
    mt5 = saved(hf.MT5ForConditionalGeneration(hf.MT5Config(**T5)), sentencepiece(), tmp_path / "mt5")
    assert isinstance(load_model(mt5), EncoderLM)
    gpt2 = saved(CAUSAL["gpt2"].make(), gpt2_bytes(), tmp_path / "gpt2")
    own, weights = load_model(gpt2).fingerprint(), load_file(gpt2 / "model.safetensors")
    file, told = gpt2 / "model.safetensors", {"format": "pt"}
    save_file({**weights, "transformer.h.0.attn.masked_bias": torch.tensor(-1e4)}, file, metadata=told)
    assert load_model(gpt2).fingerprint() == own
    save_file({**weights, "transformer.h.0.attn.c_attn.lora_A.weight": torch.ones(2, WIDTH)}, file, metadata=told)
    with pytest.raises(UnsupportedModelError, match=r"1 weights of blocks that GPT2LMHeadModel .*lora_A.*4 layers"):
        load_model(gpt2)


def test_the_text_part_of_a_model_of_texts_and_images(tmp_path: Path) -> None:
    text = {**SIZES, "num_key_value_heads": 1, "head_dim": 8, "sliding_window": 8, "num_attention_heads": 2}
    sees = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = hf.Gemma3Config(text_config=text, vision_config={**sees, "image_size": 28, "patch_size": 14})
    torch.manual_seed(0)
    model = hf.Gemma3ForConditionalGeneration(config).eval()
    lm = load_model(saved(model, gemma_bytes(), tmp_path))
    assert isinstance(lm, CausalLM) and lm.n_layers == LAYERS and lm.max_tokens == 64
    batch = lm.encode([SENTENCES[1]])
    with torch.no_grad():
        expected = model(batch.input_ids, output_hidden_states=True)
    states = lm.hidden(batch, 2)
    torch.testing.assert_close(states, expected.hidden_states[2])
    torch.testing.assert_close(lm.head(lm.resume(batch, 2, states)[0]), expected.logits[0], rtol=1e-4, atol=1e-4)
