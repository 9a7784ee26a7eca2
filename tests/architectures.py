"""Tiny random masked models of many architectures, and tokenizers of the three kinds that they come with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import torch
import transformers as hf

LAYERS, WIDTH, WINDOW = 4, 16, 8
LETTERS = "abcdefghijklmnopqrstuvwxyz"
WORDS = ["the", "cat", "dog", "walk"]
SIZES: dict[str, Any] = {
    "vocab_size": 100,
    "hidden_size": WIDTH,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 64,
}
# Positions count on from the padding's id: RoBERTa has two more of them.
ROBERTA: dict[str, Any] = {"max_position_embeddings": 66, "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}


@cache
def wordpiece() -> hf.PreTrainedTokenizerBase:
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces = [
        *special,
        *WORDS,
        "##s",
        *LETTERS,
        *(f"##{letter}" for letter in LETTERS if letter != "s"),
        *"0123456789'",
        *(f"##{digit}" for digit in "0123456789"),
    ]
    return hf.BertTokenizer(vocab={piece: i for i, piece in enumerate(pieces)})


@cache
def sentencepiece() -> hf.PreTrainedTokenizerBase:
    pieces = [*(f"▁{word}" for word in WORDS), *LETTERS, *"0123456789'", "▁"]
    special = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    return hf.XLMRobertaTokenizer(vocab=[*special, *((piece, -8.0 + len(piece)) for piece in pieces)])


@cache
def bytelevel() -> hf.PreTrainedTokenizerBase:
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    merges = [("t", "h"), ("th", "e"), ("c", "a"), ("ca", "t"), ("Ġ", "the"), ("Ġ", "cat"), ("d", "o"), ("do", "g")]
    pieces = [*special, "Ġ", *LETTERS, *"0123456789'", *("".join(pair) for pair in merges), "Ã", "±"]
    return hf.RobertaTokenizer(vocab={piece: i for i, piece in enumerate(pieces)}, merges=merges)


@dataclass(frozen=True)
class Architecture:
    """How a tiny model is made: its class, its configuration, its kind of tokenizer, and where its blocks are.

    ``inside`` a block: what reads its heads, and what reads its neurons.
    """

    model: Callable[..., hf.PreTrainedModel]
    config: dict[str, Any] = field(default_factory=dict)
    tokenizer: Callable[[], hf.PreTrainedTokenizerBase] = wordpiece
    blocks: str = "encoder.layer"
    inside: tuple[str, str] = ("attention.output.dense", "output.dense")

    def make(self) -> hf.PreTrainedModel:
        """The same random weights at every call: wide ones, so that each layer changes its input visibly."""
        with torch.random.fork_rng():
            torch.manual_seed(0)
            # One of one's own: models keep the configuration that they are given.
            model = self.model(self.model.config_class(**{**SIZES, **self.config})).eval()
            with torch.no_grad():
                for name, weight in sorted(model.named_parameters()):
                    std = 0.3 if weight.dim() > 1 else 0.1
                    weight.add_(torch.randn_like(weight), alpha=std) if "orm" in name else weight.normal_(std=std)
        return model.requires_grad_(False)


_DEBERTA: dict[str, Any] = {
    "relative_attention": True,
    "max_relative_positions": 16,
    "pos_att_type": ["c2p", "p2c"],
    "position_biased_input": False,
    "type_vocab_size": 0,
}
_ALBERT: dict[str, Any] = {"embedding_size": 8}
_OF_ALBERT: dict[str, Any] = {
    "blocks": "encoder.albert_layer_groups",
    "inside": ("albert_layers.0.attention.dense", "albert_layers.0.ffn_output"),
}
_LIKE_LLAMA: dict[str, Any] = {"blocks": "layers", "inside": ("self_attn.o_proj", "mlp.down_proj")}
# Texts of more than 12 subwords have another table than shorter ones.
_LONGROPE: dict[str, Any] = {
    "rope_type": "longrope",
    "rope_theta": 1e4,
    "factor": 4.0,
    "original_max_position_embeddings": 12,
    "short_factor": [1.0] * 4,
    "long_factor": [4.0] * 4,
}

ARCHITECTURES = {
    "bert": Architecture(hf.BertForMaskedLM),
    "roberta": Architecture(hf.RobertaForMaskedLM, ROBERTA, bytelevel),
    "xlm-roberta": Architecture(hf.XLMRobertaForMaskedLM, ROBERTA, sentencepiece),
    "xlm-roberta-xl": Architecture(hf.XLMRobertaXLForMaskedLM, ROBERTA, sentencepiece),
    "camembert": Architecture(hf.CamembertForMaskedLM, ROBERTA, sentencepiece),
    "distilbert": Architecture(
        hf.DistilBertForMaskedLM,
        {"hidden_dim": 24},
        blocks="transformer.layer",
        inside=("attention.out_lin", "ffn.lin2"),
    ),
    "albert": Architecture(hf.AlbertForMaskedLM, _ALBERT, **_OF_ALBERT),
    "albert in two groups": Architecture(hf.AlbertForMaskedLM, {**_ALBERT, "num_hidden_groups": 2}, **_OF_ALBERT),
    "electra": Architecture(hf.ElectraForMaskedLM, {"embedding_size": 8}),
    "deberta": Architecture(hf.DebertaForMaskedLM, {**_DEBERTA, "pad_token_id": 1}, bytelevel),
    "deberta v2": Architecture(hf.DebertaV2ForMaskedLM, {**_DEBERTA, "conv_kernel_size": 3, "conv_act": "gelu"}),
    "deberta v3": Architecture(
        hf.DebertaV2ForMaskedLM,
        {**_DEBERTA, "position_buckets": 8, "norm_rel_ebd": "layer_norm", "share_att_key": True},
    ),
    "deberta, new head": Architecture(hf.DebertaV2ForMaskedLM, {**_DEBERTA, "legacy": False}),
    "modernbert": Architecture(
        hf.ModernBertForMaskedLM,
        {"local_attention": WINDOW, "global_attn_every_n_layers": 3, **ROBERTA, "cls_token_id": 0, "sep_token_id": 2},
        bytelevel,
        "layers",
        ("attn.Wo", "mlp.Wo"),
    ),
    "eurobert": Architecture(hf.EuroBertForMaskedLM, {"num_key_value_heads": 1, **ROBERTA}, bytelevel, **_LIKE_LLAMA),
    "mpnet": Architecture(hf.MPNetForMaskedLM, ROBERTA, bytelevel, inside=("attention.attn.o", "output.dense")),
    "roformer": Architecture(hf.RoFormerForMaskedLM, {"embedding_size": 8}),
    "nomic-bert": Architecture(hf.NomicBertForMaskedLM, **_LIKE_LLAMA),
    "gte": Architecture(hf.GteForMaskedLM, **_LIKE_LLAMA),
    "gte, longrope": Architecture(hf.GteForMaskedLM, {"rope_parameters": _LONGROPE}, **_LIKE_LLAMA),
    "convbert": Architecture(hf.ConvBertForMaskedLM, {"embedding_size": 8, "conv_kernel_size": 3, "head_ratio": 1}),
    "mobilebert": Architecture(hf.MobileBertForMaskedLM, {"embedding_size": 8, "intra_bottleneck_size": 8}),
    "big-bird": Architecture(hf.BigBirdForMaskedLM, {"block_size": 4, "num_random_blocks": 1}),
    "longformer": Architecture(hf.LongformerForMaskedLM, {**ROBERTA, "attention_window": [WINDOW] * LAYERS}, bytelevel),
}
