"""A BERT of M-BERT's shape with random weights, and real sentences for it.

What a forward pass costs depends on shapes alone, so nothing needs to be trained or downloaded. The vocabulary is
learnt from the treebank, so that words fall into about as many subwords as M-BERT cuts them into, and filled up with
unused entries to M-BERT's size. All of it is written once, outside the project, and read by the process that measures.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import BertConfig, BertForMaskedLM, BertTokenizer

from pitfalls.arrays.splits import Splits
from pitfalls.columns import SPLITS
from pitfalls.language.corpus import Corpus, Sentence, read_conllu
from pitfalls.models.loading import load_model
from pitfalls.models.tokenizer import SPECIAL
from pitfalls.models.transformer import TransformerLM
from pitfalls.models.vectors import select, site_vectors
from pitfalls.site import Site, as_site
from pitfalls.worlds.sources import FileSource
from pitfalls.worlds.world import World

LANGUAGE, ATTRIBUTE = "eng", "Number"


@dataclass(frozen=True)
class Shape:
    """The shape of a model, and what is asked of it.

    Attributes
    ----------
    vocabulary, pieces:
        How many entries the vocabulary has, and how many of them are learnt from the treebank.
    sentences:
        How many of the treebank's first sentences are taken.
    at:
        The layers whose states are changed, by default.
    ks, whole:
        Numbers of neurons to change, and those of them at which the slow way runs over all sentences.
    some:
        Over how many sentences the slow way runs at the other k.
    """

    vocabulary: int
    pieces: int
    neurons: int
    layers: int
    heads: int
    positions: int
    sentences: int
    at: tuple[int, ...]
    ks: tuple[int, ...]
    whole: tuple[int, ...]
    some: int


SHAPES = {
    "full": Shape(119_547, 6_000, 768, 12, 12, 512, 200, (7, 12), tuple(range(0, 751, 50)), (0, 350, 750), 16),
    "small": Shape(1_000, 400, 32, 3, 2, 128, 12, (2, 3), tuple(range(0, 33, 8)), (0, 16, 32), 4),
}


def prepare(
    shape: Shape, treebank: Path, folder: Path, device: str = "cpu", sites: Sequence[Site | int] | None = None
) -> None:
    """Write model, tokenizer and word vectors of some sites (by default layers), and note treebank and device."""
    whole = read_conllu(treebank, LANGUAGE)
    _save_model(shape, whole.sentences, folder / "model")
    note(whole.sentences[: shape.sentences], treebank, folder, sites or shape.at, device)


def note(
    sentences: Sequence[Sentence], treebank: Path, folder: Path, sites: Sequence[Site | int], device: str = "cpu"
) -> None:
    """Write the word vectors of sentences under the model that is in ``folder``, and note treebank and device."""
    model = load_model(folder / "model", device=device)
    for site, vectors in site_vectors(model, [sentence.forms for sentence in sentences], sites).items():
        np.save(folder / f"vectors.{site.id}.npy", vectors)
    noted = {"treebank": str(treebank.resolve()), "device": device}
    (folder / "noted.json").write_text(json.dumps(noted), encoding="utf-8")


def read(n_sentences: int, folder: Path, site: Site | int) -> tuple[TransformerLM, World, Splits]:
    """The model, a world of the sentences, and the words with the attribute at a site, the same in all splits."""
    noted = json.loads((folder / "noted.json").read_text(encoding="utf-8"))
    whole = read_conllu(noted["treebank"], LANGUAGE)
    corpus = Corpus(LANGUAGE, whole.sentences[:n_sentences], whole.name)
    words = select(np.load(folder / f"vectors.{as_site(site).id}.npy"), corpus, ATTRIBUTE, ("PL", "SG"), site)
    model = load_model(folder / "model", device=noted["device"])
    source = FileSource(dict.fromkeys(SPLITS, corpus))
    return model, World(whole.name, model, source, min_forms=1), Splits(words, words, words)


def _save_model(shape: Shape, sentences: Sequence[Sentence], folder: Path) -> None:
    config = BertConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.neurons,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        intermediate_size=4 * shape.neurons,
        max_position_embeddings=shape.positions,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        BertForMaskedLM(config).save_pretrained(folder)
    vocabulary = _learnt(shape.pieces, sentences)
    unused = [f"[unused{i}]" for i in range(len(vocabulary), shape.vocabulary)]
    BertTokenizer(
        vocab={piece: i for i, piece in enumerate([*vocabulary, *unused])},
        do_lower_case=False,
        strip_accents=False,
        model_max_length=shape.positions,
    ).save_pretrained(folder)


def _learnt(pieces: int, sentences: Sequence[Sentence]) -> list[str]:
    """A WordPiece vocabulary of the sentences, in the order of learning."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    letters = sorted({letter for sentence in sentences for form in sentence.forms for letter in form if letter != " "})
    # The trainer numbers the letters within words in the order of a hash table, and breaks ties by number: two
    # runs would learn different pieces. Given as special tokens, the letters have fixed numbers.
    given = [*SPECIAL, *letters, *("##" + letter for letter in letters)]
    trainer = trainers.WordPieceTrainer(vocab_size=pieces, special_tokens=given, show_progress=False)
    tokenizer.train_from_iterator((" ".join(sentence.forms) for sentence in sentences), trainer)
    numbers = tokenizer.get_vocab()
    return sorted(numbers, key=lambda piece: numbers[piece])
