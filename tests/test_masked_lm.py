"""The stepwise model against transformers' own forward pass, on tiny random BERT and XLM-R models."""

from __future__ import annotations

import io
import json
import logging
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers as hf
from hypothesis import given
from hypothesis import strategies as st

from pitfalls.models.checkpoint import UnsupportedModelError
from pitfalls.models.forward import MissingHeadError
from pitfalls.models.interface import Encoded, TooLongError
from pitfalls.models.masked import MaskedLM

LETTERS = "abcdefghijklmnopqrstuvwxyzáéñıш"
SENTENCES = [["the", "cats", "sleep"], ["a", "dog"], ["cats", "don't", "walk", "the", "dogs", "backwards"]]
POSITIONS = 24  # of both tiny models, which RoBERTa's layout counts as 26
SIZES: dict[str, Any] = {
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "initializer_range": 0.4,  # wide, so that every layer changes its input visibly
}


def bert_tokenizer() -> hf.PreTrainedTokenizerBase:
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "cat", "dog", "##s", "sl", "##eep", "walk", "'"]
    pieces = [*words, *LETTERS, *(f"##{letter}" for letter in LETTERS), *"0123456789"]
    vocab = {piece: i for i, piece in enumerate(pieces)}
    return hf.BertTokenizer(vocab=vocab, do_lower_case=False, strip_accents=False)


def xlmr_tokenizer() -> hf.PreTrainedTokenizerBase:
    words = ["▁the", "▁cat", "▁dog", "s", "▁sl", "eep", "▁walk", "'", *LETTERS.replace("s", ""), *"0123456789", "▁"]
    special = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    return hf.XLMRobertaTokenizer(vocab=[*special, *((p, -8.0 + len(p)) for p in words)])


def bert_config(**changes: Any) -> hf.BertConfig:
    return hf.BertConfig(**{"vocab_size": 100, "max_position_embeddings": POSITIONS, **SIZES, **changes})


def xlmr_config() -> hf.XLMRobertaConfig:
    ids = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
    return hf.XLMRobertaConfig(vocab_size=100, max_position_embeddings=POSITIONS + 2, **ids, **SIZES)


def save(model: hf.PreTrainedModel, tokenizer: hf.PreTrainedTokenizerBase, folder: Path) -> Path:
    # transformers draws position 0's and the padding's rows too; a trained model's biases are not zero.
    torch.manual_seed(1)
    for name, weight in model.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.normal_(weight, std=0.3)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    return {
        "bert": save(hf.BertForMaskedLM(bert_config()), bert_tokenizer(), root / "bert"),
        "xlmr": save(hf.XLMRobertaForMaskedLM(xlmr_config()), xlmr_tokenizer(), root / "xlmr"),
    }


@pytest.fixture(scope="module")
def lms(folders: dict[str, Path]) -> dict[str, MaskedLM]:
    return {kind: MaskedLM.load(folder) for kind, folder in folders.items()}


@pytest.fixture(params=["bert", "xlmr"])
def lm(request: pytest.FixtureRequest, lms: dict[str, MaskedLM]) -> MaskedLM:
    return lms[request.param]


def plain(lm: MaskedLM, folders: dict[str, Path]) -> hf.PreTrainedModel:
    """Load the same checkpoint with transformers alone: the oracle of this file."""
    return hf.AutoModelForMaskedLM.from_pretrained(folders[lm.name]).eval()


def layers_of(model: hf.PreTrainedModel) -> torch.nn.ModuleList:
    found = model.base_model.get_submodule("encoder.layer")
    assert isinstance(found, torch.nn.ModuleList)
    return found


@torch.no_grad()
def full_forward(model: hf.PreTrainedModel, batch: Encoded) -> tuple[tuple[torch.Tensor, ...], torch.Tensor]:
    out = model(input_ids=batch.input_ids, attention_mask=batch.attention_mask, output_hidden_states=True)
    return out.hidden_states, out.logits


def ids_of(lm: MaskedLM, tokens: Sequence[str]) -> list[int]:
    return [lm.tokenizer.get_vocab()[token] for token in tokens]


def hooks_on(model: torch.nn.Module) -> int:
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules())


# -------------------------------------------------------------------- the forward pass


def test_a_folder_is_loaded_without_a_progress_bar(folders: dict[str, Path], capfd: pytest.CaptureFixture[str]) -> None:
    shown = hf.utils.logging.is_progress_bar_enabled()
    hf.utils.logging.enable_progress_bar()
    try:
        hf.AutoModelForMaskedLM.from_pretrained(folders["bert"])
        assert "%|" in capfd.readouterr().err  # this is what transformers does by itself
        MaskedLM.load(folders["bert"])
        assert "%|" not in capfd.readouterr().err
        assert hf.utils.logging.is_progress_bar_enabled()
    finally:
        if not shown:
            hf.utils.logging.disable_progress_bar()


def test_a_folder_without_a_head_is_loaded_without_a_report(folders: dict[str, Path], tmp_path: Path) -> None:
    hf.AutoModel.from_pretrained(folders["bert"]).save_pretrained(tmp_path)
    hf.AutoTokenizer.from_pretrained(folders["bert"]).save_pretrained(tmp_path)
    said = io.StringIO()
    handler, level = logging.StreamHandler(said), hf.utils.logging.get_verbosity()
    hf.utils.logging.add_handler(handler)
    try:
        hf.AutoModelForMaskedLM.from_pretrained(tmp_path)
        reported = said.getvalue()
        assert "MISSING" in reported  # this is what transformers does by itself
        assert not MaskedLM.load(tmp_path).has_head
        assert said.getvalue() == reported and hf.utils.logging.get_verbosity() == level
    finally:
        hf.utils.logging.remove_handler(handler)


def test_every_layer_is_transformers_hidden_state_and_resumes_to_the_last(
    lm: MaskedLM, folders: dict[str, Path]
) -> None:
    model, batch = plain(lm, folders), lm.encode(SENTENCES)
    read, written = {}, {}
    for i, part in enumerate(layers_of(model)):
        part.register_forward_pre_hook(lambda _, args, i=i: read.update({i: args[0]}))
        part.register_forward_hook(lambda _, args, out, i=i: written.update({i + 1: out}))
    states, _ = full_forward(model, batch)
    assert len(states) == lm.n_layers + 1 == 4
    for layer, expected in enumerate(states):
        own = lm.hidden(batch, layer)
        assert torch.equal(own, expected), layer
        assert torch.equal(lm.resume(batch, layer, own), states[-1]), layer
        # Layer l is what block l reads, and what block l - 1 writes.
        assert layer == lm.n_layers or torch.equal(own, read[layer])
        assert layer == 0 or torch.equal(own, written[layer])
        assert layer == 0 or not torch.allclose(own, states[layer - 1], atol=0.1)
    several = lm.read(batch, [3, 0, 2])
    assert [site.layer for site in several] == [0, 2, 3]
    assert all(torch.equal(found, states[site.layer]) for site, found in several.items())


def test_resuming_changed_is_a_pre_hook_on_the_plain_model(lm: MaskedLM, folders: dict[str, Path]) -> None:
    batch = lm.encode(SENTENCES)
    for layer in range(lm.n_layers):
        states = lm.hidden(batch, layer)
        states[:, 1:3, ::2] += 1.5  # in place: what is handed out must allow it
        model = plain(lm, folders)
        layers_of(model)[layer].register_forward_pre_hook(lambda _, args, s=states: (s, *args[1:]))
        expected, logits = full_forward(model, batch)
        final = lm.resume(batch, layer, states)
        assert torch.equal(final, expected[-1])
        assert not torch.allclose(final, lm.hidden(batch, lm.n_layers), atol=0.1)
        assert torch.allclose(lm.head(final), logits, atol=1e-5)


def test_only_the_layers_asked_for_run(lm: MaskedLM) -> None:
    batch, ran = lm.encode(SENTENCES), []
    # Inside: a layer below answers its call at once.
    inside = [part.attention for part in layers_of(lm.model)]
    handles = [part.register_forward_hook(lambda *_, i=i: ran.append(i)) for i, part in enumerate(inside)]
    try:
        for layer in range(lm.n_layers + 1):
            states = lm.hidden(batch, layer)
            assert ran == list(range(layer))
            lm.resume(batch, layer, states)
            assert ran == list(range(lm.n_layers))
            ran.clear()
    finally:
        for handle in handles:
            handle.remove()


def test_no_hook_is_left(lm: MaskedLM) -> None:
    batch = lm.encode(SENTENCES)
    lm.resume(batch, 1, lm.hidden(batch, 2))
    assert hooks_on(lm.model) == 0
    outside = Encoded(batch.input_ids + 10**6, batch.attention_mask, batch.word_ids)
    with pytest.raises(IndexError):
        lm.hidden(outside, 1)
    assert hooks_on(lm.model) == 0


def test_threads_sharing_a_model_do_not_disturb_each_other(lm: MaskedLM) -> None:
    batches = [lm.encode([sentence]) for sentence in SENTENCES]
    expected = [lm.hidden(batch, 2) for batch in batches]
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda i: lm.hidden(batches[i % 3], 2), range(30)))
    assert all(torch.equal(states, expected[i % 3]) for i, states in enumerate(found))


def test_batched_is_single_and_padded_is_unpadded(lm: MaskedLM) -> None:
    batch = lm.encode(SENTENCES)
    for row, sentence in enumerate(SENTENCES):
        single = lm.encode([sentence])
        length = single.input_ids.shape[1]
        assert torch.equal(batch.input_ids[row, :length], single.input_ids[0])
        assert torch.equal(batch.word_ids[row, :length], single.word_ids[0])
        assert batch.attention_mask[row].sum() == length
        assert (batch.word_ids[row, length:] == -1).all()
        for layer in range(lm.n_layers + 1):
            in_batch = lm.hidden(batch, layer)[row, :length]
            assert torch.allclose(in_batch, lm.hidden(single, layer)[0], atol=1e-5)


def test_head_at_chosen_positions_is_the_full_logits(
    lm: MaskedLM, folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pitfalls.models.forward._LOGITS_AT_ONCE", 4)
    batch = lm.encode(SENTENCES)
    states, logits = full_forward(plain(lm, folders), batch)
    chosen = batch.word_ids >= 0
    assert torch.allclose(lm.head(states[-1][chosen]), logits[chosen], atol=1e-5)
    assert torch.equal(lm.predict(states[-1], chosen), logits.argmax(-1)[chosen])
    assert len(lm.predict(states[-1], torch.zeros_like(chosen))) == 0


def test_wrong_layer_or_shape_is_named(lm: MaskedLM) -> None:
    batch = lm.encode(SENTENCES)
    for layer, told in ((-1, "whole number, 0 or more, not -1"), (4, "no layer 4 in .*0 .embeddings. to 3")):
        with pytest.raises(ValueError, match=told):
            lm.hidden(batch, layer)
    with pytest.raises(ValueError, match=r"\(2, 5, 16\)"):
        lm.resume(batch, 1, torch.zeros(2, 5, 16))


def test_precision_is_honoured(folders: dict[str, Path]) -> None:
    lm = MaskedLM.load(folders["bert"], dtype=torch.bfloat16)
    batch = lm.encode(SENTENCES)
    states = lm.hidden(batch, 2)
    assert lm.dtype == states.dtype == torch.bfloat16
    assert torch.equal(lm.resume(batch, 2, states.float()), lm.hidden(batch, 3))


# -------------------------------------------------------------------- words and subwords

WORDS = st.text(alphabet=LETTERS + "'\u200b\u00a0 \x00", max_size=6)


@given(st.lists(st.lists(WORDS, max_size=5), min_size=1, max_size=4), st.sampled_from(["bert", "xlmr"]))
def test_each_word_is_tokenised_by_itself(lms: dict[str, MaskedLM], sentences: list[list[str]], kind: str) -> None:
    lm = lms[kind]
    short = [sentence for sentence in sentences if lm.lengths([sentence])[0] <= lm.max_tokens] or [["a"]]
    batch = lm.encode(short)
    assert lm.lengths(short) == batch.attention_mask.sum(1).tolist()
    for ids, words, mask, sentence in zip(batch.input_ids, batch.word_ids, batch.attention_mask, short, strict=True):
        for i, word in enumerate(sentence):
            alone = lm.tokenizer(word, add_special_tokens=False)["input_ids"] or [lm.tokenizer.unk_token_id]
            assert ids[words == i].tolist() == alone
        real = words[mask.bool()].tolist()
        assert real[0] == real[-1] == -1
        assert real[1:-1] == sorted(real[1:-1])
        assert set(real[1:-1]) == set(range(len(sentence)))


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("xlmr", ["<s>", "▁the", "▁cat", "s", "▁sl", "eep", "</s>"]),
        ("bert", ["[CLS]", "the", "cat", "##s", "sl", "##eep", "[SEP]"]),
    ],
)
def test_the_beginning_of_a_word_is_marked(lms: dict[str, MaskedLM], kind: str, expected: list[str]) -> None:
    batch = lms[kind].encode([["the", "cats", "sleep"]])
    assert lms[kind].tokenizer.convert_ids_to_tokens(batch.input_ids[0].tolist()) == expected
    # And the pieces are the vocabulary's strings.
    assert lms[kind].pieces(batch.input_ids[0, 1:-1]) == lms[kind].pieces(batch.input_ids[0, 1:-1].tolist())
    assert ids_of(lms[kind], lms[kind].pieces(batch.input_ids[0, 1:-1])) == batch.input_ids[0, 1:-1].tolist()


def test_a_word_without_subwords_becomes_unknown(lm: MaskedLM) -> None:
    unknown = lm.tokenizer.unk_token_id
    batch = lm.encode([["", "cats", "", " ", "dog", ""], ["", ""]])
    assert batch.word_ids.tolist() == [[-1, 0, 1, 1, 2, 3, 4, 5, -1], [-1, 0, 1, -1, -1, -1, -1, -1, -1]]
    assert batch.input_ids[1, 1:3].tolist() == [unknown, unknown]
    assert batch.input_ids[0, [1, 4, 5, 7]].tolist() == [unknown] * 4


def test_the_mask_token_can_be_written_as_a_word(lm: MaskedLM) -> None:
    batch = lm.encode([["the", lm.tokenizer.mask_token, "sleep"]])
    assert batch.input_ids[0, 2] == lm.tokenizer.mask_token_id
    assert batch.word_ids[0, 2] == 1


def test_the_longest_sentence_is_the_model_s(lm: MaskedLM) -> None:
    assert (lm.max_tokens, lm.n_neurons, lm.has_head, lm.model.training) == (POSITIONS, 16, True, False)
    longest = lm.encode([["the"] * (POSITIONS - 2)])
    assert lm.hidden(longest, 1).shape == (1, POSITIONS, 16)
    over = torch.full((1, POSITIONS + 1), 5)
    with pytest.raises((IndexError, RuntimeError)):  # so the limit is as high as it can be
        lm.hidden(Encoded(over, torch.ones_like(over), over), 1)


def test_too_long_a_sentence_is_named_and_a_lower_limit_of_the_tokenizer_counts(
    lm: MaskedLM, folders: dict[str, Path]
) -> None:
    sentences = [["the"], ["dog"] * (POSITIONS - 1), ["the"] * 90]
    assert lm.lengths(sentences) == [3, POSITIONS + 1, 92] and lm.lengths([]) == []
    with pytest.raises(TooLongError, match=r"sentence 1 has 25 subwords .* takes 24") as caught:
        lm.encode(sentences)
    assert (caught.value.index, caught.value.length, caught.value.limit) == (1, 25, 24)
    tokenizer = hf.AutoTokenizer.from_pretrained(folders[lm.name], model_max_length=10)
    assert MaskedLM(lm.model, tokenizer).max_tokens == 10


def test_what_is_no_list_of_sentences_is_refused(lm: MaskedLM) -> None:
    with pytest.raises(TypeError, match=r"sentence 1 is the string 'the cat'"):
        lm.encode([["the"], "the cat"])
    with pytest.raises(ValueError, match="no sentence"):
        lm.encode([])


JOINED = {
    "bert": {
        ("cat", "##s"): "cats",
        ("dog",): "dog",
        **dict.fromkeys([("cat", "dog"), ("##s", "##s"), ("##s",), ("[UNK]",), ("cat", "[SEP]"), ()]),
    },
    "xlmr": {
        ("▁cat", "s"): "cats",
        ("▁dog",): "dog",
        ("▁", "s"): "s",
        **dict.fromkeys([("▁cat", "▁dog"), ("s", "s"), ("▁",), ("<unk>",), ("▁cat", "</s>"), ()]),
    },
}


@pytest.mark.parametrize("kind", ["bert", "xlmr"])
def test_pieces_join_to_a_word_or_are_split_differently(lms: dict[str, MaskedLM], kind: str) -> None:
    lm = lms[kind]
    for tokens, word in JOINED[kind].items():
        assert lm.join(ids_of(lm, tokens)) == word, tokens
        assert lm.join(tuple(torch.tensor(ids_of(lm, tokens)).long())) == word, tokens


def test_a_word_may_begin_anew_where_the_word_itself_does(lms: dict[str, MaskedLM]) -> None:
    lm = lms["bert"]
    own, other = (lm.tokenizer(word, add_special_tokens=False)["input_ids"] for word in ("cat's", "dog's"))
    assert lm.tokenizer.convert_ids_to_tokens(own) == ["cat", "'", "s"]
    assert lm.join(other) is None
    assert lm.join(other, like=own) == "dog's"
    split = ids_of(lm, ["dog", "'", "[SEP]"])
    assert lm.join(split, like=own) is None
    with pytest.raises(ValueError, match="2 predicted pieces for a word of 3"):
        lm.join(other[:2], like=own)


@given(st.text(alphabet=LETTERS, min_size=1, max_size=8), st.sampled_from(["bert", "xlmr"]))
def test_joining_a_word_s_own_pieces_gives_the_word(lms: dict[str, MaskedLM], word: str, kind: str) -> None:
    pieces = lms[kind].tokenizer(word, add_special_tokens=False)["input_ids"]
    assert lms[kind].join(pieces) == lms[kind].join(pieces, like=pieces) == word


# -------------------------------------------------------------------- loading


def test_an_encoder_without_head_serves_for_probing_only(tmp_path: Path) -> None:
    for kind, model, tokenizer in (
        ("bert", hf.BertModel(bert_config()), bert_tokenizer()),
        ("xlmr", hf.XLMRobertaModel(xlmr_config()), xlmr_tokenizer()),
    ):
        folder = save(model, tokenizer, tmp_path / kind)
        lm = MaskedLM.load(folder)
        batch = lm.encode(SENTENCES)
        plain = hf.AutoModel.from_pretrained(folder).eval()
        with torch.no_grad():
            expected = plain(batch.input_ids, attention_mask=batch.attention_mask).last_hidden_state
        final = lm.hidden(batch, 3)
        assert torch.equal(final, expected)
        assert not lm.has_head
        for ask in (
            lambda lm=lm, f=final: lm.head(f[0]),
            lambda lm=lm, f=final, b=batch: lm.predict(f, b.word_ids == 0),
        ):
            with pytest.raises(MissingHeadError, match=rf"{kind}.*it can be probed, not intervened on"):
                ask()
        # The head that transformers makes up is random: it must not enter the fingerprint.
        assert lm.fingerprint() == MaskedLM.load(folder).fingerprint()


def test_fingerprint_goes_by_content(folders: dict[str, Path], tmp_path: Path) -> None:
    original = MaskedLM.load(folders["bert"])
    copy = shutil.copytree(folders["bert"], tmp_path / "another name")
    assert MaskedLM.load(copy).fingerprint() == original.fingerprint()
    original.tokenizer(["the cat", "a"], padding=True, truncation=True, max_length=3)
    assert MaskedLM(original.model, original.tokenizer).fingerprint() == original.fingerprint()
    found = {original.fingerprint()}

    weights = MaskedLM.load(copy)
    with torch.no_grad():
        weights.model.bert.encoder.layer[1].output.dense.weight[3, 4] += 1e-3
    found.add(weights.fingerprint())

    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps({**config, "layer_norm_eps": 1e-3}))
    found.add(MaskedLM.load(copy).fingerprint())
    (copy / "config.json").write_text(json.dumps(config))

    hf.BertTokenizer(vocab=bert_tokenizer().get_vocab(), do_lower_case=True).save_pretrained(copy)
    found.add(MaskedLM.load(copy).fingerprint())
    found.add(MaskedLM.load(folders["bert"], dtype=torch.float16).fingerprint())
    assert len(found) == 5


def test_no_model_there_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"cannot load .*nowhere.*config\.json, model\.safetensors"):
        MaskedLM.load(tmp_path / "nowhere")
    with pytest.raises(OSError, match=r"cannot load .no-such-name-on-the-hub.: "):
        MaskedLM.load("no-such-name-on-the-hub")


def test_weights_outside_safetensors_are_not_read(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = shutil.copytree(folders["bert"], tmp_path / "pickled")
    torch.save(hf.BertForMaskedLM(bert_config()).state_dict(), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    with pytest.raises(OSError, match=r"pickled.*model\.safetensors"):
        MaskedLM.load(folder)


def test_other_architectures_are_named(tmp_path: Path) -> None:
    small: dict[str, Any] = {"n_embd": 16, "n_layer": 2, "n_head": 2, "vocab_size": 100}
    folder = save(hf.GPT2LMHeadModel(hf.GPT2Config(**small)), bert_tokenizer(), tmp_path / "gpt2")
    with pytest.raises(UnsupportedModelError, match=r"gpt2.*is not a masked LM"):
        MaskedLM.load(folder)
    with pytest.raises(UnsupportedModelError, match="is_decoder"):
        MaskedLM(hf.BertForMaskedLM(bert_config(is_decoder=True)), bert_tokenizer())


def test_an_incomplete_or_mismatched_checkpoint_is_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(folders["bert"], tmp_path / "incomplete")
    weights = load_file(folder / "model.safetensors")
    del weights["bert.encoder.layer.1.output.dense.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UnsupportedModelError, match=r"lacks 1 weights.*layer\.1\.output\.dense\.weight"):
        MaskedLM.load(folder)
    with pytest.raises(UnsupportedModelError, match=r"ids up to \d+, the model 20 embeddings"):
        MaskedLM(hf.BertForMaskedLM(bert_config(vocab_size=20)), bert_tokenizer())
