"""A Llama of SmolLM2-135M's shape with random weights, and agreement items of real sentences for it.

As in :mod:`benchmarks.mbert`, nothing is trained or downloaded: the pieces are learnt from the treebank and filled up
with unused entries to SmolLM2's size.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import GPT2Tokenizer, LlamaConfig, LlamaForCausalLM

from benchmarks import mbert
from benchmarks.mbert import ATTRIBUTE, LANGUAGE, note
from pitfalls.arrays.splits import Splits
from pitfalls.language.agreement import Item, from_treebank
from pitfalls.language.corpus import Sentence, read_conllu
from pitfalls.worlds.world import World

END = "<|endoftext|>"


@dataclass(frozen=True)
class Shape:
    """The shape of a model, and what is asked of it.

    Attributes
    ----------
    vocabulary, pieces:
        How many entries the vocabulary has, and how many of them are learnt from the treebank.
    sentences:
        How many of the treebank's first sentences give the mean vectors of the values.
    items:
        How many of the treebank's first agreement items are asked, at most.
    at:
        The layers whose states are changed.
    ks, whole:
        Numbers of neurons to change, and those of them at which the slow way is timed.
    """

    vocabulary: int
    pieces: int
    neurons: int
    layers: int
    heads: int
    kv_heads: int
    intermediate: int
    positions: int
    sentences: int
    items: int
    at: tuple[int, ...]
    ks: tuple[int, ...]
    whole: tuple[int, ...]


SHAPES = {
    "full": Shape(49_152, 6_000, 576, 30, 9, 3, 1536, 8192, 200, 160, (15, 25), (0, *range(36, 577, 36)), (0, 576)),
    "small": Shape(1_000, 400, 32, 4, 4, 2, 48, 128, 60, 24, (2, 3), (0, 8, 16, 24), (0, 24)),
}


def prepare(shape: Shape, treebank: Path, folder: Path) -> None:
    """Write model, tokenizer and word vectors of the layers ``shape.at``, and note the treebank."""
    whole = read_conllu(treebank, LANGUAGE)
    _save_model(shape, whole.sentences, folder / "model")
    note(whole.sentences[: shape.sentences], treebank, folder, shape.at)


def read(shape: Shape, folder: Path, layer: int) -> tuple[World, Splits, list[Item]]:
    """A world of the sentences, the words with the attribute at a layer, the same in all splits, and the items."""
    _, world, words = mbert.read(shape.sentences, folder, layer)
    treebank = json.loads((folder / "noted.json").read_text(encoding="utf-8"))["treebank"]
    items = [item for item in from_treebank(treebank, LANGUAGE, ATTRIBUTE) if item.causal and item.place]
    return world, words, items[: shape.items]


def _save_model(shape: Shape, sentences: Sequence[Sentence], folder: Path) -> None:
    config = LlamaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.neurons,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        intermediate_size=shape.intermediate,
        max_position_embeddings=shape.positions,
        tie_word_embeddings=True,
        bos_token_id=0,
        eos_token_id=0,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        LlamaForCausalLM(config).save_pretrained(folder)
    vocabulary, merges = _learnt(shape.pieces, sentences)
    unused = {f"<|unused {i}|>": i for i in range(len(vocabulary), shape.vocabulary)}
    GPT2Tokenizer(
        vocab=vocabulary | unused, merges=merges, model_max_length=shape.positions, unk_token=END, eos_token=END
    ).save_pretrained(folder)


def _learnt(pieces: int, sentences: Sequence[Sentence]) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """A byte-level BPE vocabulary and its merges, in the order of learning."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=pieces,
        special_tokens=[END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator((" ".join(sentence.forms) for sentence in sentences), trainer)
    told = json.loads(tokenizer.to_str())["model"]
    return told["vocab"], [(merge[0], merge[1]) for merge in told["merges"]]
