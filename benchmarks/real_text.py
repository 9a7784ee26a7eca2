"""What the benchmark of a real model starts from: its sizes, and a world of few sentences of a treebank."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks import smollm2
from pitfalls.columns import SPLITS, Split
from pitfalls.language.agreement import Item, generated
from pitfalls.language.agreement.minimal_pairs import minimal_pairs
from pitfalls.language.corpus import read_conllu
from pitfalls.language.treebanks import cache_folder
from pitfalls.models.real import model_folder
from pitfalls.site import Site
from pitfalls.study.plan import Plan
from pitfalls.study.real.plan import SMOLLM2_LAYERS
from pitfalls.worlds.load import load_world
from pitfalls.worlds.world import World

LANGUAGE, ATTRIBUTE, MODEL = "eng", "Number", "smollm2"


@dataclass(frozen=True)
class Scale:
    """How much is done.

    Attributes
    ----------
    text:
        How many of the treebank's first sentences are taken, by split.
    read:
        How many sentences of test are read at all sites of ``layers``.
    layer:
        Whose states are probed and changed.
    items:
        How many agreement items are asked.
    units:
        How many units are changed one at a time, to extrapolate to all.
    ks, probed:
        The k of interventions, and those at which the plain way probes.
    """

    text: Mapping[str, int]
    min_forms: int
    read: int
    layers: Sequence[int]
    layer: int
    items: int
    units: int
    ks: Sequence[int]
    probed: Sequence[int]
    plan: Plan

    @property
    def sites(self) -> list[Site]:
        """The residual stream and the neurons at every layer."""
        return [Site(kind, layer) for kind in ("residual", "mlp") for layer in self.layers]


SCALES = {
    "full": Scale(
        {"train": 200, "dev": 60, "test": 60}, 10, 24, SMOLLM2_LAYERS, 12, 16, 4, (9, 36, 144), (1, 36, 144), Plan()
    ),
    # A tiny Llama with random weights stands for SmolLM2 (:mod:`benchmarks.smollm2`).
    "small": Scale(
        {"train": 60, "dev": 30, "test": 30}, 2, 6, (1, 2), 1, 8, 2, (2, 8), (1, 8), replace(Plan(), greedy=4)
    ),
}


def is_there(scale: str) -> bool:
    """Whether the model of a scale can be loaded without fetching anything."""
    return scale != "full" or (cache_folder() / "models" / MODEL / "manifest.json").is_file()


def prepare(scale: str, treebanks: Path, folder: Path) -> None:
    """Write the sentences, and the word vectors of the layer that is probed and changed."""
    text = folder / "text"
    text.mkdir()
    for split, count in SCALES[scale].text.items():
        name = f"en_ewt-ud-{split}.conllu"
        sentences = (treebanks / name).read_text(encoding="utf-8").split("\n\n")[:count]
        (text / name).write_text("\n\n".join(sentences) + "\n\n", encoding="utf-8")
    if scale != "full":
        sentences = read_conllu(text / "en_ewt-ud-train.conllu", LANGUAGE).sentences
        smollm2._save_model(smollm2.SHAPES["small"], sentences, folder / "model")
    world_of(scale, folder).prepare([LANGUAGE], [SCALES[scale].layer])


def model_of(scale: str, folder: Path) -> Path:
    """The folder of the model, as transformers reads it."""
    return model_folder(MODEL) if scale == "full" else folder / "model"


def world_of(scale: str, folder: Path) -> World:
    """The model with the sentences that :func:`prepare` wrote."""
    given: dict[str, Any] = {"treebanks": folder / "text", "min_forms": SCALES[scale].min_forms}
    if scale == "full":
        world = load_world("real", model=MODEL, **given)
    else:
        world = load_world("paper", model=model_of(scale, folder), languages=[LANGUAGE], **given)
    return replace(world, cache=folder / "activations")


def items_of(scale: str, split: Split) -> Sequence[Item]:
    """Agreement items in sentences that are constructed, or that the model knows the words of."""
    count = SCALES[scale].items
    if scale == "full":
        return minimal_pairs(split, count)
    return [item for item in generated(LANGUAGE, ATTRIBUTE, count, SPLITS.index(split)) if item.causal and item.place]


def wheels(folder: Path) -> str | None:
    """The folder of wheels to convert a model from, if one was given; see :mod:`benchmarks.real`."""
    found: str | None = json.loads((folder / "wheels.json").read_text(encoding="utf-8"))
    return found
