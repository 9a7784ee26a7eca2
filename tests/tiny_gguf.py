"""A tiny Llama in a GGUF file, written with the package gguf: most weights in 4 bits (Q4_1), as in SmolLM2's file."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM

Q4 = gguf.GGMLQuantizationType.Q4_1
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
HEADS, KV_HEADS = 4, 2

_BLOCK = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def written(path: Path) -> LlamaForCausalLM:
    """Write the file, and return the model whose weights are exactly those in it."""
    tokens, merges = vocabulary()
    model = _model(len(tokens))
    writer = gguf.GGUFWriter(path, "llama")
    _describe(writer, model.config, tokens, merges)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            own, n_heads = _own_name(name), {"q_proj": HEADS, "k_proj": KV_HEADS}
            heads = next((n for kind, n in n_heads.items() if kind in name), None)
            values = weight.numpy().copy()
            if values.ndim == 1:
                writer.add_tensor(own, values)
                continue
            packed = gguf.quantize(values if heads is None else _turned(values, heads), Q4)
            writer.add_tensor(own, packed, raw_dtype=Q4)
            kept = gguf.dequantize(packed, Q4)
            weight.copy_(torch.from_numpy(kept if heads is None else _turned_back(kept, heads)))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return model


def vocabulary() -> tuple[list[str], list[str]]:
    """Every byte, a few pieces of English, and the merges that make them."""
    kept = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = [chr(code) for code in kept] + [chr(256 + i) for i in range(256 - len(kept))]
    merges = ["Ġ t", "h e", "Ġt he", "k e", "ke y", "Ġ key", "Ġkey s", "' t"]
    return [*SPECIAL, *letters, *(merge.replace(" ", "") for merge in merges)], merges


def _model(n_tokens: int) -> LlamaForCausalLM:
    config = LlamaConfig(
        vocab_size=n_tokens,
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=3,
        num_attention_heads=HEADS,
        num_key_value_heads=KV_HEADS,
        max_position_embeddings=128,
        rope_theta=100_000.0,
        rms_norm_eps=1e-5,
        tie_word_embeddings=True,
        bos_token_id=1,
        eos_token_id=2,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = LlamaForCausalLM(config).eval()
        for weight in model.parameters():
            weight.data.add_(0.2 * torch.randn(weight.shape))
    return model


def _describe(writer: gguf.GGUFWriter, config: LlamaConfig, tokens: list[str], merges: list[str]) -> None:
    writer.add_name("tiny")
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(100_000.0)
    writer.add_rope_dimension_count(config.hidden_size // HEADS)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    control, normal = int(gguf.TokenType.CONTROL), int(gguf.TokenType.NORMAL)
    writer.add_token_types([control if token in SPECIAL else normal for token in tokens])
    writer.add_token_merges(merges)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_pad_token_id(2)


def _own_name(name: str) -> str:
    if name == "model.embed_tokens.weight":
        return "token_embd.weight"
    if name == "model.norm.weight":
        return "output_norm.weight"
    _, _, block, *rest = name.removesuffix(".weight").split(".")
    return f"blk.{block}.{_BLOCK['.'.join(rest)]}.weight"


def _turned(weight: np.ndarray, n_heads: int) -> np.ndarray:
    """The rows of queries and keys in llama.cpp's order, in which the two parts of a rotation are neighbours."""
    return weight.reshape(n_heads, 2, -1, weight.shape[1]).swapaxes(1, 2).reshape(weight.shape)


def _turned_back(weight: np.ndarray, n_heads: int) -> np.ndarray:
    return weight.reshape(n_heads, -1, 2, weight.shape[1]).swapaxes(1, 2).reshape(weight.shape)
