"""Models of many architectures against the plain model, which reads one unpadded sentence at a time."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, cached_property
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers as hf
from architectures import (
    ARCHITECTURES,
    CAUSAL,
    LAYERS,
    ROBERTA,
    SIZES,
    WIDTH,
    WINDOW,
    Architecture,
    bytelevel,
    sentencepiece,
    wordpiece,
)
from transformers.pytorch_utils import Conv1D

from pitfalls.models.causal import CausalLM
from pitfalls.models.checkpoint import UnsupportedModelError
from pitfalls.models.forward import n_positions
from pitfalls.models.interface import TooLongError
from pitfalls.models.loading import load_model
from pitfalls.models.masked import MaskedLM
from pitfalls.models.transformer import TransformerLM
from pitfalls.models.vectors import word_vectors
from pitfalls.site import Site

# The second is longer than two windows.
SENTENCES = [["the", "cats"], ["a", "dog", "walks", "the", "cat", "home", "again"], ["cat's", "x"]]
ALL = {**ARCHITECTURES, **CAUSAL}
# MobileBERT's blocks write more than twice; OPT's linear maps read all sentences in one row.
LAYERS_ONLY = ("mobilebert", "opt")
EVERY = pytest.mark.parametrize("name", ALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("architectures")


@pytest.fixture(scope="module")
def lms(folder: Path) -> Any:
    """Load each model from files, as a user does."""

    @cache
    def load(name: str) -> TransformerLM:
        ALL[name].make().save_pretrained(folder / name)
        ALL[name].tokenizer().save_pretrained(folder / name)
        found = load_model(folder / name)
        assert isinstance(found, CausalLM if name in CAUSAL else MaskedLM)
        return found

    return load


class Plain:
    """The model as transformers has it, one sentence at a time: the oracle."""

    def __init__(self, name: str, lm: TransformerLM) -> None:
        self.name, self.lm, self.model = name, lm, ALL[name].make()
        self.batch = lm.encode(SENTENCES)
        self.lengths = self.batch.attention_mask.sum(1).tolist()

    def rows(self) -> Iterator[tuple[int, dict[str, torch.Tensor]]]:
        for row, length in enumerate(self.lengths):
            ids = self.batch.input_ids[row : row + 1, :length]
            yield row, {"input_ids": ids, "attention_mask": torch.ones_like(ids)}

    def hidden_states(self) -> list[tuple[torch.Tensor, ...]]:
        with torch.no_grad():
            return [self.model(**inputs, output_hidden_states=True).hidden_states for _, inputs in self.rows()]

    @cached_property
    def logits(self) -> list[torch.Tensor]:
        """Logits of each sentence, [t, vocabulary]."""
        with torch.no_grad():
            return [self.model(**inputs).logits[0] for _, inputs in self.rows()]

    def changed(self, layer: int, states: torch.Tensor) -> list[torch.Tensor]:
        """The same, with ``states`` [b, t, d] put in at a layer by a hook."""
        found = []
        for row, inputs in self.rows():
            with (
                torch.set_grad_enabled(states.requires_grad),
                self.hooked(layer, states[row : row + 1, : self.lengths[row]]),
            ):
                found.append(self.model(**inputs).logits[0])
        return found

    @contextmanager
    def hooked(self, layer: int, states: torch.Tensor) -> Iterator[None]:
        encoder = self.model.base_model.decoder if self.name == "opt" else self.model.base_model
        calls = count()

        def before_a_block(_: Any, args: tuple[Any, ...]) -> tuple[Any, ...] | None:
            if next(calls) != layer:
                return None
            # Longformer pads to a multiple of its window.
            given = args[0].clone()
            given[:, : states.shape[1]] = states
            return (given, *args[1:])

        def after_the_encoder(_: Any, __: Any, out: Any) -> Any:
            out["last_hidden_state"] = states
            return out

        def after_the_embeddings(_: Any, __: Any, out: torch.Tensor) -> torch.Tensor:
            return states

        if layer == LAYERS:
            handles = [encoder.register_forward_hook(after_the_encoder)]
        elif layer == 0 and self.name == "deberta v2":
            # Its convolution reads them, too.
            handles = [encoder.embeddings.register_forward_hook(after_the_embeddings)]
        else:
            blocks = self.model.base_model.get_submodule(ALL[self.name].blocks)
            handles = [block.register_forward_pre_hook(before_a_block) for block in blocks]
        yield
        for handle in handles:
            handle.remove()

    def inside(self, site: Site, states: torch.Tensor) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """What a part of a block reads of each sentence, and the logits when a hook puts ``states`` there."""
        architecture = ALL[self.name]
        path = architecture.inside[0 if site.kind == "heads" else 1]
        seen, logits = [], []
        for row, inputs in self.rows():
            calls, length = count(), self.lengths[row]

            def change(_: Any, args: Any, calls: Any = calls, row: int = row, length: int = length) -> Any:
                if next(calls) != site.layer - 1:
                    return None
                seen.append(args[0][0, :length])
                given = args[0].clone()
                given[0, :length] = states[row, :length]
                return (given, *args[1:])

            blocks = self.model.base_model.get_submodule(architecture.blocks)
            handles = [block.get_submodule(path).register_forward_pre_hook(change) for block in blocks]
            with torch.no_grad():
                logits.append(self.model(**inputs).logits[0])
            for handle in handles:
                handle.remove()
        return seen, logits


@pytest.fixture(scope="module")
def plains(lms: Any) -> Any:
    return cache(lambda name: Plain(name, lms(name)))


def assert_same(ours: torch.Tensor, own: torch.Tensor) -> None:
    torch.testing.assert_close(ours, own, rtol=1e-4, atol=1e-4 * float(own.abs().max()))


@EVERY
def test_states_in_a_padded_batch_are_transformers_of_each_sentence(name: str, plains: Any) -> None:
    plain = plains(name)
    read = plain.lm.read(plain.batch, range(LAYERS + 1))
    assert [site.layer for site in read] == list(range(LAYERS + 1)) and plain.lm.n_neurons == WIDTH
    own = plain.hidden_states()
    for row, length in enumerate(plain.lengths):
        for site, states in read.items():
            assert states.shape == (*plain.batch.input_ids.shape, WIDTH)
            assert_same(states[row, :length], own[row][site.layer][0, :length])
    assert max(plain.lengths) > 2 * WINDOW > WINDOW > min(plain.lengths)


@EVERY
def test_resuming_from_states_at_every_layer_is_a_hook_on_the_plain_model(name: str, plains: Any) -> None:
    plain = plains(name)
    slots = plain.batch.word_ids >= 0
    for layer in range(LAYERS + 1):
        own = plain.lm.hidden(plain.batch, layer)
        changed = own.clone()
        changed[slots] = own[slots].roll(1, -1)
        expected_then = plain.changed(layer, changed)
        for states, expected in ((own, plain.logits), (changed, expected_then)):
            final = plain.lm.resume(plain.batch, layer, states)
            for row, length in enumerate(plain.lengths):
                assert_same(plain.lm.head(final[row, :length]), expected[row])
            best = torch.cat([logits[slots[row, : len(logits)]] for row, logits in enumerate(expected)]).argmax(-1)
            assert torch.equal(plain.lm.predict(final, slots), best)
        assert not torch.allclose(torch.cat(expected_then), torch.cat(plain.logits), rtol=0.01)


@EVERY
def test_gradients_flow_back_to_the_states_that_a_pass_resumes_from(name: str, plains: Any) -> None:
    plain = plains(name)
    real = plain.batch.attention_mask.bool()
    for layer in (0, 2):
        gradients = []
        for logits_of in (
            lambda states, layer=layer: plain.lm.head(plain.lm.resume(plain.batch, layer, states)[real]),
            lambda states, layer=layer: torch.cat(plain.changed(layer, states)),
        ):
            states = plain.lm.hidden(plain.batch, layer).requires_grad_()
            logits = logits_of(states).flatten()
            weights = torch.linspace(-9, 9, len(logits)).sin()
            (gradient,) = torch.autograd.grad((logits * weights).sum(), states)
            gradients.append(gradient[real])
        assert_same(*gradients)
        assert gradients[0].abs().max() > 0
    assert not plain.lm.resume(plain.batch, 2, plain.lm.hidden(plain.batch, 2)).requires_grad


@pytest.mark.parametrize("kind", ["heads", "mlp"])
@pytest.mark.parametrize("name", [name for name in ALL if name not in LAYERS_ONLY])
def test_units_inside_a_block_are_what_a_hook_sees_and_changes(name: str, kind: str, plains: Any) -> None:
    plain, site = plains(name), Site(kind, 3)
    own = plain.lm.hidden(plain.batch, site)
    assert own.shape == (*plain.batch.input_ids.shape, plain.lm.n_units(site))
    changed = own.roll(1, -1)
    seen, then = plain.inside(site, changed)
    for states, expected in ((own, plain.logits), (changed, then)):
        final = plain.lm.resume(plain.batch, site, states)
        for row, length in enumerate(plain.lengths):
            assert_same(plain.lm.head(final[row, :length]), expected[row])
    assert not torch.allclose(torch.cat(then), torch.cat(plain.logits), rtol=0.01)
    for row, length in enumerate(plain.lengths):
        assert_same(own[row, :length], seen[row])


@pytest.mark.parametrize("name", ["modernbert", "albert"])
def test_several_kinds_of_units_come_from_one_pass(name: str, plains: Any) -> None:
    lm, batch = plains(name).lm, plains(name).batch
    sites = [Site("mlp", 2), Site("mlp", 3), Site("residual", 3), Site("heads", 4)]
    read, final = lm.read(batch, sites), lm.hidden(batch, LAYERS)
    assert sorted(read) == sorted(sites)
    for site, states in read.items():
        assert torch.equal(states, lm.hidden(batch, site))
        # One after the other, with the same batch.
        assert_same(lm.resume(batch, site, states), final)


def test_sites_that_a_model_lacks_are_named(plains: Any) -> None:
    for name, site, said in (
        ("bert", Site("mlp", 0), r"no mlp 0 in .*: it has mlp 1 to 4$"),
        ("bert", Site("heads", 5), r"no heads 5 in .*: it has heads 1 to 4$"),
        ("mobilebert", Site("mlp", 1), r"no mlp 1 in .*: it has layers 0 to 4, as not all of its blocks"),
        ("opt", Site("heads", 1), r"no heads 1 in .*: it has layers 0 to 4, as not all of its"),
    ):
        with pytest.raises(ValueError, match=said):
            plains(name).lm.n_units(site)
    # Its blocks mix the subwords without heads.
    mixing = Architecture(hf.FNetForMaskedLM, {"intermediate_size": WIDTH})
    assert not MaskedLM(mixing.make(), mixing.tokenizer())._blocks.inner
    same = bert(lambda model: None, intermediate_size=WIDTH)
    assert same.n_units(Site("mlp", 1)) == same.n_units(Site("heads", 1)) == WIDTH
    blocks = dict(same.model.named_modules())
    assert same._blocks.inner["mlp"][2] is blocks["bert.encoder.layer.2.output.dense"]


@EVERY
def test_the_layers_below_do_not_run(name: str, plains: Any) -> None:
    """What they compute inside, that is; in the blocks of the lists themselves, the answer is given at once."""
    plain = plains(name)
    blocks = plain.lm.model.base_model.get_submodule(ALL[name].blocks)
    ran: list[int] = []
    inner = [next(part for part in block.modules() if isinstance(part, (torch.nn.Linear, Conv1D))) for block in blocks]
    handles = [part.register_forward_hook(lambda *_, i=i: ran.append(i)) for i, part in enumerate(inner)]
    try:
        states = plain.lm.hidden(plain.batch, 2)
        below, ran[:] = list(ran), []
        plain.lm.resume(plain.batch, 2, states)
    finally:
        for handle in handles:
            handle.remove()
    assert len(below) == len(ran) > 0
    if len(blocks) == LAYERS:
        assert set(below) == {0, 1} and set(ran) == {2, 3}


@EVERY
def test_nothing_is_left_on_the_model(name: str, plains: Any) -> None:
    plain = plains(name)
    plain.lm.predict(plain.lm.resume(plain.batch, 1, plain.lm.hidden(plain.batch, 1)), plain.batch.word_ids >= 0)
    for module in plain.lm.model.modules():
        assert not module._forward_hooks and not module._forward_pre_hooks and "forward" not in vars(module)
    weights = ALL[name].make().state_dict()
    assert all(torch.equal(weight, weights[key]) for key, weight in plain.lm.model.state_dict().items())
    assert isinstance(plain.lm.model, hf.PreTrainedModel) and plain.lm.has_head


def test_padding_shows_in_some_models(plains: Any) -> None:
    """Otherwise, their states in a padded batch would be right by themselves."""
    plain = plains("convbert")
    with torch.no_grad():
        padded = plain.model(plain.batch.input_ids, attention_mask=plain.batch.attention_mask).logits
    length = plain.lengths[0]
    assert not torch.allclose(padded[0, :length], plain.logits[0], rtol=0.01)


def test_in_half_precision_padding_that_shows_little_is_found() -> None:
    """With the small weights that a model starts with, the rounding of bfloat16 is larger than the fault."""
    for name, unpadded in (("convbert", True), ("bert", False), ("roberta", False)):
        architecture = ARCHITECTURES[name]
        with torch.random.fork_rng():
            torch.manual_seed(0)
            model = architecture.model(architecture.model.config_class(**{**SIZES, **architecture.config}))
        lm = MaskedLM(model.to(torch.bfloat16), architecture.tokenizer())
        assert lm._blocks.unpadded == unpadded


def test_a_batch_changed_in_place_is_another_batch(plains: Any) -> None:
    lm, site = plains("bert").lm, Site("mlp", 3)
    batch = lm.encode(SENTENCES)
    lm.resume(batch, site, lm.hidden(batch, site))
    for part, value in ((batch.input_ids, lm.tokenizer.mask_token_id), (batch.attention_mask, 0)):
        part[1, 2] = value
        final = lm.hidden(batch, LAYERS)
        assert torch.allclose(lm.resume(batch, site, lm.hidden(batch, site)), final, atol=1e-5)


def test_a_block_that_cuts_its_work_into_chunks_takes_every_text(lms: Any, folder: Path) -> None:
    whole = lms("bert")
    settings = json.loads((folder / "bert" / "config.json").read_text())
    shutil.copytree(folder / "bert", folder / "chunks")
    (folder / "chunks" / "config.json").write_text(json.dumps({**settings, "chunk_size_feed_forward": 4}))
    chunks, batch = MaskedLM.load(folder / "chunks"), whole.encode(SENTENCES)
    assert torch.equal(chunks.hidden(batch, LAYERS), whole.hidden(batch, LAYERS))
    assert chunks.n_units(Site("mlp", 1)) == 24


# ------------------------------------------------------------------------------------------ what a trial finds


def bert(change: Callable[[hf.PreTrainedModel], Any], **config: Any) -> MaskedLM:
    """A BERT to which something was done."""
    made = replace(ARCHITECTURES["bert"], config=config).make()
    change(made)
    return MaskedLM(made, ARCHITECTURES["bert"].tokenizer(), name="strange")


def layers(model: hf.PreTrainedModel) -> Any:
    return model.bert.encoder.layer


def doubled(model: hf.PreTrainedModel) -> None:
    layers(model)[2].register_forward_pre_hook(lambda _, args: (2 * args[0], *args[1:]))


def doubled_when_long(model: hf.PreTrainedModel) -> None:
    layers(model)[2].register_forward_pre_hook(
        lambda _, args: (2 * args[0], *args[1:]) if args[0].shape[1] > WINDOW else None
    )


def less_the_batch(model: hf.PreTrainedModel) -> None:
    layers(model)[1].register_forward_hook(lambda _, args, out: out - out.mean(0, keepdim=True) / 2)


def with_lower_states(model: hf.PreTrainedModel) -> None:
    """Layer 3 reads what layer 0 put aside."""
    aside: list[torch.Tensor] = []
    layers(model)[0].attention.register_forward_hook(lambda _, args, out: aside.append(out[0]))
    layers(model)[3].register_forward_hook(lambda _, args, out: out + aside[-1][:, :1])


def with_the_embeddings(model: hf.PreTrainedModel) -> None:
    """Layer 4 reads them, too."""
    aside: list[torch.Tensor] = []
    model.bert.embeddings.register_forward_hook(lambda _, args, out: aside.append(out))
    layers(model)[3].register_forward_hook(lambda _, args, out: out + aside[-1])


def with_its_input(model: hf.PreTrainedModel) -> None:
    """A head that copies words from its input."""

    def copy(_: Any, args: Any, kwargs: dict[str, Any], out: Any) -> Any:
        out.logits = out.logits + 50 * torch.nn.functional.one_hot(kwargs["input_ids"], 100)
        return out

    model.register_forward_hook(copy, with_kwargs=True)


def not_a_number(model: hf.PreTrainedModel) -> None:
    layers(model)[1].output.dense.weight[0, 0] = torch.nan


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (doubled, "strange .BertForMaskedLM.*not what transformers returns as hidden states.*of layer 2"),
        (less_the_batch, "the same sentence has different states in another batch, even without padding"),
        (not_a_number, "states are not finite"),
        (lambda model: setattr(model.config, "num_hidden_layers", 3), "no list of blocks .* 3 times"),
        (lambda model: setattr(model.config, "is_encoder_decoder", True), "is_encoder_decoder"),
    ],
)
def test_what_cannot_be_read_is_refused(change: Callable[[hf.PreTrainedModel], Any], said: str) -> None:
    with pytest.raises(UnsupportedModelError, match=said):
        bert(change)


def test_a_fault_beyond_a_window_is_found() -> None:
    bert(doubled_when_long)
    with pytest.raises(UnsupportedModelError, match=r"hidden states.*of layer 2"):
        bert(doubled_when_long, local_attention=WINDOW)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            with_lower_states,
            r"it cannot be resumed from changed states: with unchanged states at layer 2 of 8",
        ),
        (with_its_input, r"its head cannot be run by itself: it does not give the plain model's logits"),
    ],
)
def test_what_cannot_be_intervened_on_serves_for_probing(
    change: Callable[[hf.PreTrainedModel], Any], said: str
) -> None:
    lm = bert(change)
    batch = lm.encode(SENTENCES)
    states = lm.hidden(batch, 2)
    with pytest.raises(UnsupportedModelError, match=rf"strange .* can be probed, not intervened on: {said}"):
        lm.predict(lm.resume(batch, 2, states), batch.word_ids >= 0)


MORE = {
    "ibert": Architecture(hf.IBertForMaskedLM, ROBERTA, sentencepiece),
    "nystromformer": Architecture(hf.NystromformerForMaskedLM, {"num_landmarks": 4, "segment_means_seq_len": 4}),
    "yoso": Architecture(hf.YosoForMaskedLM, {"use_expectation": True}),
    "esm": Architecture(hf.EsmForMaskedLM, {**ROBERTA, "mask_token_id": 4}, bytelevel),
    "flaubert": Architecture(hf.FlaubertWithLMHeadModel, {"pad_index": 0}),
}
# Without a table of positions, nothing but the configuration says how long a text may be.
NO_TABLE = {"deberta", "deberta v2", "deberta v3", "deberta, new head", "modernbert", "eurobert", "nomic-bert", "gte",
            "gte, longrope"}  # fmt: skip


@pytest.mark.parametrize("name", [*ARCHITECTURES, *MORE])
def test_the_longest_text_is_as_long_as_it_can_be(name: str) -> None:
    """Tables of positions have rows that no subword gets."""
    architecture = {**ARCHITECTURES, **MORE}[name]
    model, plain = architecture.make(), architecture.make()
    lm = MaskedLM(model, architecture.tokenizer())
    most = plain.config.max_position_embeddings if name in NO_TABLE else 64
    assert lm.max_tokens == most

    longest = lm.encode([["cat"] * (most - 2)])
    assert longest.input_ids.shape == (1, most)
    with torch.no_grad():
        # BigBird adapts to the first text that it reads.
        plain.base_model(lm.encode(SENTENCES[:1]).input_ids)
        inputs = {"input_ids": longest.input_ids, "attention_mask": longest.attention_mask}
        own = plain.base_model(**inputs).last_hidden_state
        assert_same(lm.hidden(longest, LAYERS), own[:, :most])
        if name not in NO_TABLE:
            one_more = torch.cat([longest.input_ids, longest.input_ids[:, -1:]], dim=1)
            with pytest.raises((RuntimeError, IndexError)):
                plain.base_model(input_ids=one_more, attention_mask=torch.ones_like(one_more))

    def must_not_run(*_: Any, **__: Any) -> None:
        raise AssertionError("the model ran")

    vars(model.base_model)["forward"] = must_not_run
    with pytest.raises(
        TooLongError, match=rf"sentence 1 has {most + 1} subwords .* and the model takes {most}: leave it"
    ):
        word_vectors(lm, [["cat"], ["cat"] * (most - 1)], 1)
    with pytest.raises(TooLongError, match=rf"sentence 0 has {most + 1} subwords"):
        lm.encode([["cat"] * (most - 1)])


def test_the_tokenizers_limit_counts_too() -> None:
    """That of a model whose positions are relative, which would read on."""
    tokenizer = copy.deepcopy(wordpiece())
    tokenizer.model_max_length = 10
    lm = MaskedLM(ARCHITECTURES["gte"].make(), tokenizer)
    assert lm.max_tokens == 10
    with pytest.raises(TooLongError, match=r"sentence 0 has 11 subwords .* takes 10"):
        lm.encode([["cat"] * 9])


@pytest.mark.parametrize("stated", [None, -1])
def test_a_model_that_states_no_limit_has_the_tokenizers(stated: int | None) -> None:
    model = ARCHITECTURES["gte"].make()
    vars(model.config)["max_position_embeddings"] = stated
    assert n_positions(model, 512) == 512


PERCEIVER = {
    "d_model": WIDTH,
    "d_latents": WIDTH,
    "num_latents": 4,
    "num_self_attends_per_block": LAYERS,
    "num_self_attention_heads": 2,
    "num_cross_attention_heads": 2,
}


@pytest.mark.parametrize(
    ("architecture", "raised"),
    [
        (Architecture(hf.FlaubertWithLMHeadModel, {"pad_index": 0, "pre_norm": True}), "TypeError: "),
        (Architecture(hf.PerceiverForMaskedLM, PERCEIVER), "AttributeError: "),
        (Architecture(hf.YosoForMaskedLM, {"use_expectation": False}), r"\w+Error: "),
        (Architecture(hf.BertForMaskedLM, {"chunk_size_feed_forward": 5}), "ValueError: .*chunk"),
    ],
    ids=["flaubert before its norms", "perceiver", "yoso on a graphics card only", "chunks"],
)
def test_what_raises_an_error_of_its_own_is_refused_in_one_sentence(architecture: Architecture, raised: str) -> None:
    with pytest.raises(UnsupportedModelError, match=rf"^odd \(.*\) does not read text as .*: {raised}") as caught:
        MaskedLM(architecture.make(), wordpiece(), name="odd")
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 600


_TINY_GEMMA = {"num_key_value_heads": 1, "head_dim": 8, "hidden_size_per_layer_input": 8, "num_kv_shared_layers": 1}
_EXPERTS = {"d_ff": 24, "d_kv": 8, "num_experts": 2, "num_sparse_encoder_layers": 2, "num_decoder_layers": 1}


@pytest.mark.parametrize(
    ("architecture", "said"),
    [
        (
            Architecture(hf.XmodForMaskedLM, {**ROBERTA, "languages": ["en_XX", "de_DE"]}, sentencepiece),
            "does not run while default_language is not set: set it in its config.json",
        ),
        (
            Architecture(hf.OPTForCausalLM, {"ffn_dim": 24, "word_embed_proj_dim": 8}),
            r"blocks are given states of the shape \[2, 8, 16\], and its head reads \[2, 8, 8\] .*; take another model",
        ),
        (
            Architecture(
                hf.Gemma3nForCausalLM,
                {
                    **_TINY_GEMMA,
                    "layer_types": ["full_attention", "sliding_attention"] * 2,
                    "activation_sparsity_pattern": [0.0] * LAYERS,
                    "vocab_size_per_layer_input": 100,
                },
            ),
            r"blocks are given states of the shape \[4, 2, 8, 16\], and its head reads \[2, 8, 16\]",
        ),
        (
            Architecture(hf.Llama4ForCausalLM, {"num_key_value_heads": 1, "num_local_experts": 2}),
            "for its encoder, a Llama4ForCausalLM, does not return the states that the head reads",
        ),
        (
            Architecture(hf.SwitchTransformersForConditionalGeneration, _EXPERTS),
            "none for the model_type 'switch_transformers', and no other kind that is read here",
        ),
    ],
    ids=["xmod", "opt-350m", "gemma 3n", "llama 4", "switch transformers"],
)
def test_a_model_that_is_not_read_is_told_why(architecture: Architecture, said: str, tmp_path: Path) -> None:
    architecture.make().save_pretrained(tmp_path)
    architecture.tokenizer().save_pretrained(tmp_path)
    with pytest.raises(UnsupportedModelError, match=said):
        load_model(tmp_path)


def test_a_full_memory_is_not_the_models_kind() -> None:
    def full(*_: Any) -> None:
        raise MemoryError

    with pytest.raises(MemoryError):
        bert(lambda model: layers(model)[1].register_forward_pre_hook(full))


def test_settings_and_shared_layers_that_trials_must_bear(lms: Any) -> None:
    """A tuple instead of a ModelOutput, embeddings that another layer reads, and one layer."""
    lm = bert(lambda model: setattr(model.config, "return_dict", False))
    batch = lm.encode(SENTENCES)
    final = lm.resume(batch, 1, lm.hidden(batch, 1))
    assert torch.equal(final, lm.hidden(batch, LAYERS))
    assert torch.equal(lm.head(final[0]), lms("bert").head(final[0]))
    lm = bert(with_the_embeddings)
    final = lm.hidden(batch, LAYERS)
    assert all(torch.equal(lm.resume(batch, layer, lm.hidden(batch, layer)), final) for layer in range(LAYERS))
    assert bert(lambda model: None, num_hidden_layers=1).n_layers == 1
