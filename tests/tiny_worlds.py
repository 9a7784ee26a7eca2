"""Tiny worlds with transformers' own models in both layouts, and interventions on them by a plain full forward pass."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers

from pitfalls.arrays.splits import Activations, Splits
from pitfalls.columns import SPLITS
from pitfalls.interventions.ablation import Ablation
from pitfalls.interventions.interchange import Interchange, ResampleAblation
from pitfalls.interventions.kinds import Kind
from pitfalls.interventions.outcomes import classify
from pitfalls.interventions.sources import ChangedWords, sentence_key
from pitfalls.interventions.translation import Translation
from pitfalls.language.analysers import LexiconAnalyser
from pitfalls.language.corpus import Sentence, Word, read_conllu
from pitfalls.language.grammar import corpora
from pitfalls.language.lexicon import Lexicon
from pitfalls.models.masked import MaskedLM
from pitfalls.site import as_site
from pitfalls.worlds.load import mini_folder
from pitfalls.worlds.sources import FileSource

D, LAYERS, LIMIT = 16, 2, 24
NUMBERS = {"a": "SG", "o": "PL", "u": "DU"}
VALUES = tuple(sorted(NUMBERS.values()))
STEMS = ["stb", "stc", "std", "stbx", "stcx"]  # two pieces per word with its ending, and three where there is an x
# Drawn widely, because a model with narrow initial weights learns to repeat words without looking at their neighbours.
SIZES: dict[str, Any] = {
    "hidden_size": D,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 2,
    "initializer_range": 0.4,
}


@dataclass(frozen=True)
class TinyWorld:
    model: MaskedLM
    of_split: dict[str, tuple[Sentence, ...]]

    def sentences(self, language: str, split: str) -> Sequence[Sentence]:
        return self.of_split[split]

    def lexicon(self, language: str) -> Lexicon:
        nouns = [(stem + e, stem, {"Number": number}) for stem in STEMS[:-1] for e, number in NUMBERS.items()]
        return Lexicon.from_forms(language, [*nouns, ("the", "the", {}), ("of", "of", {})])

    def analyser(self, language: str) -> LexiconAnalyser:
        return LexiconAnalyser(self.lexicon(language), "tiny")


def noun(stem: str, ending: str) -> Word:
    return Word(stem + ending, stem, {"Number": NUMBERS[ending]})


def sentences(seed: int, n: int = 16) -> tuple[Sentence, ...]:
    """Random sentences, then one at the length limit that ends in a noun, one without a noun, and one single noun."""
    generator = np.random.default_rng(seed)

    def word() -> Word:
        if generator.random() < 0.4:
            form = ("the", "of")[generator.integers(2)]
            return Word(form, form, {})
        return noun(STEMS[generator.integers(len(STEMS))], list(NUMBERS)[generator.integers(3)])

    found = [tuple(word() for _ in range(generator.integers(2, 8))) for _ in range(n)]
    the = Word("the", "the", {})
    found += [(*[the] * (LIMIT - 5), noun("stbx", "o")), (the, the), (noun("stb", "a"),)]
    return tuple(Sentence(str(i), words) for i, words in enumerate(found))


def bert() -> MaskedLM:
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "of", "stb", "stc", "std"]
    vocab = {piece: i for i, piece in enumerate([*pieces, "##x", *(f"##{ending}" for ending in NUMBERS)])}
    config = transformers.BertConfig(
        vocab_size=len(vocab), intermediate_size=32, max_position_embeddings=LIMIT, **SIZES
    )
    return MaskedLM(transformers.BertForMaskedLM(config), transformers.BertTokenizer(vocab=vocab), name="tiny bert")


def xlmr() -> MaskedLM:
    pieces = ["▁the", "▁of", "▁stb", "▁stc", "▁std", "x", *NUMBERS]
    special = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    tokenizer = transformers.XLMRobertaTokenizer(vocab=[*special, *((p, -8.0 + len(p)) for p in pieces)])
    ids = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
    config = transformers.XLMRobertaConfig(
        vocab_size=len(tokenizer), intermediate_size=32, max_position_embeddings=LIMIT + 2, **ids, **SIZES
    )
    return MaskedLM(transformers.XLMRobertaForMaskedLM(config), tokenizer, name="tiny xlmr")


NOUNS = {"SG": ["cat", "dog", "owl", "cow"], "PL": ["cats", "dogs", "owls", "cows"]}


def conllu(n: int, offset: int = 0) -> str:
    """Sentences of a singular and a plural noun, as a treebank has them."""
    blocks = []
    for i in range(n):
        one, other = NOUNS["SG"][(i + offset) % 4], NOUNS["PL"][(3 * i + offset) % 4]
        blocks.append(
            f"# sent_id = {offset}-{i}\n1\t{one}\t{one}\tNOUN\t_\tNumber=Sing\t0\troot\t_\t_\n"
            f"2\t{other}\t{other[:-1]}\tNOUN\t_\tNumber=Plur\t1\tdep\t_\t_\n\n"
        )
    return "".join(blocks)


def few_sentences(folder: Path, n: int) -> FileSource:
    """The first sentences of each English split of the mini world: the whole one takes long to read."""
    parts = {}
    for split in SPLITS:
        path = folder / corpora.file_name("eng", split)
        blocks = (mini_folder() / path.name).read_text(encoding="utf-8").split("\n\n")[:n]
        path.write_text("".join(f"{block}\n\n" for block in blocks), encoding="utf-8")
        parts[split] = read_conllu(path, "eng")
    return FileSource(parts)


@cache
def world(layout: str) -> TinyWorld:
    """A model that repeats most of what it reads, so that its words can be changed into others."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        lm = {"bert": bert, "xlmr": xlmr}[layout]()
        batch = lm.encode([sentence.forms for sentence in sentences(seed=99, n=64)])
        labels = batch.input_ids.where(batch.word_ids >= 0, -100)
        optimizer = torch.optim.Adam(lm.model.parameters(), lr=0.01)
        for _ in range(100):
            optimizer.zero_grad()
            lm.model(input_ids=batch.input_ids, attention_mask=batch.attention_mask, labels=labels).loss.backward()
            optimizer.step()
        lm.model.requires_grad_(False)
    return TinyWorld(lm, {split: sentences(seed) for seed, split in enumerate(("train", "dev", "test"))})


@cache
def data(layout: str, layer: int) -> Splits:
    made = world(layout)
    return Splits(**{split: activations(made.model, made.of_split[split], layer) for split in made.of_split})


def activations(model: MaskedLM, found: Sequence[Sentence], layer: int) -> Activations:
    X, rows = [], []
    for i, sentence in enumerate(found):
        encoded = model.encode([sentence.forms])
        states = model.hidden(encoded, min(layer, model.n_layers))[0]
        for position, word in enumerate(sentence.words):
            if word.attributes:
                X.append(states[encoded.word_ids[0] == position].mean(0).numpy())
                rows.append((VALUES.index(word.attributes["Number"]), word.form, i, position))
    y, forms, ids, positions = zip(*rows, strict=True)
    columns = [np.array(column, dtype=np.int64) for column in (y, ids, positions)]
    return Activations(
        np.stack(X), columns[0], VALUES, tuple(forms), columns[1], columns[2], "eng", "Number", as_site(layer)
    )


# ------------------------------------------------------------------------------------------ the oracle


def words_of(values: Sequence[int]) -> ChangedWords:
    """Words of one sentence with these values."""
    return ChangedWords(torch.as_tensor(values), np.zeros(len(values), dtype=np.int64), np.arange(len(values)))


def slow_source(layout: str, splits: Splits, kind: Interchange | ResampleAblation, word: SlowWord) -> int:
    """The training word that a word draws: the first of those that may be drawn, from where its own number begins."""
    texts = [sentence.forms for sentence in world(layout).of_split["train"]]
    aim = (word.value + 1) % 3
    rows = [i for i, y in enumerate(splits.train.y) if y == aim or isinstance(kind, ResampleAblation)]
    told = f"{kind.seed} {sentence_key(word.forms)} {word.position}".encode()
    first = int.from_bytes(hashlib.blake2b(told, digest_size=8).digest(), "big") % len(rows)
    others = (i for i in [*rows[first:], *rows[:first]] if texts[splits.train.sentence_ids[i]] != word.forms)
    return next(others)


@dataclass(frozen=True)
class SlowWord:
    forms: tuple[str, ...]
    position: int
    value: int


def slowly_changed(
    layout: str, splits: Splits, kind: Kind, order: np.ndarray, k: int, h: torch.Tensor, word: SlowWord
) -> torch.Tensor:
    """The change as SOURCES.md states it, neuron by neuron."""
    h, value = h.clone(), word.value
    mean = {z: splits.train.X[splits.train.y == z].astype(float).mean(0) for z in range(3)}
    for r, neuron in enumerate(order[:k].tolist()):
        if isinstance(kind, Ablation):
            h[neuron] = 0.0 if kind.value == "zero" else float(splits.train.X[:, neuron].astype(float).mean())
        elif isinstance(kind, (Interchange, ResampleAblation)):
            h[neuron] = float(splits.train.X[slow_source(layout, splits, kind, word), neuron])
        else:
            scaled = isinstance(kind, Translation)
            alpha = kind.beta * (1 / (1000 * kind.beta)) ** (r / (len(order) - 1)) if scaled else kind.alpha
            h[neuron] += alpha * (mean[(value + 1) % 3][neuron] - mean[value][neuron])
    return h


def slow_pieces(layout: str, layer: int, kind: Kind, order: np.ndarray, k: int) -> dict[tuple[int, int], list[str]]:
    """Predicted pieces of every word (sentence, position) of test: sentence by sentence, through the whole model."""
    made, splits, found = world(layout), data(layout, layer), {}
    model, tokenizer = made.model.model, made.model.tokenizer
    for i, sentence in enumerate(made.of_split["test"]):
        encoded = tokenizer([list(sentence.forms)], is_split_into_words=True, return_tensors="pt")
        word_ids = encoded.word_ids(0)
        here = {
            p: SlowWord(sentence.forms, p, VALUES.index(w.attributes["Number"]))
            for p, w in enumerate(sentence.words)
            if w.attributes
        }

        def change(_, __, output, word_ids=word_ids, here=here):
            states = output.clone()
            for slot, word in enumerate(word_ids):
                if word in here:
                    states[0, slot] = slowly_changed(layout, splits, kind, order, k, states[0, slot], here[word])
            return states

        encoder = model.base_model
        module = encoder.encoder.layer[layer - 1] if layer else encoder.embeddings
        handle = module.register_forward_hook(change)
        with torch.no_grad():
            predicted = model(**encoded).logits[0].argmax(-1)
        handle.remove()
        for position in range(len(sentence.words)):
            slots = [slot for slot, word in enumerate(word_ids) if word == position]
            found[i, position] = tokenizer.convert_ids_to_tokens(predicted[slots].tolist())
    return found


def spelt(layout: str, pieces: list[str]) -> str | None:
    """The word that these pieces spell; None when they are not one word."""
    if any(piece[0] in "[<" for piece in pieces):
        return None
    begins = [piece.startswith("▁") if layout == "xlmr" else not piece.startswith("##") for piece in pieces]
    if begins != [True] + [False] * (len(pieces) - 1):
        return None
    return "".join(piece.removeprefix("▁").removeprefix("##") for piece in pieces)


def slow_outcome(layout: str, kind: Kind, pieces: list[str], word: Word) -> str:
    form = spelt(layout, pieces)
    if form is None:
        return "split"
    if form == word.form:
        return "unchanged"
    value = word.attributes["Number"]
    intended = None if isinstance(kind, (Ablation, ResampleAblation)) else VALUES[(VALUES.index(value) + 1) % 3]
    return classify(world(layout).lexicon("eng").lookup(form), "Number", word.lemma, value, intended)
