"""``pitfalls mini``, ``pretrain`` and ``card``: make the parts of the mini world again."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from pitfalls.cli.common import say
from pitfalls.language.grammar import corpora
from pitfalls.models import pretrain as training
from pitfalls.models.recipes import RECIPES, MaskedRecipe
from pitfalls.study import causal_card, machine, masked_card
from pitfalls.study.card import write_card
from pitfalls.worlds.load import load_world


def write(options: argparse.Namespace) -> None:
    """Write the generated treebanks."""
    corpora.write(options.folder)
    say(f"wrote {len(list(options.folder.glob('*.conllu')))} treebanks to {options.folder}")


def pretrain(options: argparse.Namespace) -> None:
    """Train the model, going on where an interrupted run stopped."""
    said = machine.describe()
    where = f"{torch.get_num_threads()} of {said['cores']} cores of {said['processor']}, torch {said['torch']}"
    folder, recipe = _folder(options), RECIPES[options.model]
    checkpoints = options.checkpoints or Path("build/pretrain") / options.model
    seconds = training.pretrain(recipe, folder, checkpoints, where, _loss)
    say(f"wrote {folder} ({seconds:.0f} s)")


def _folder(options: argparse.Namespace) -> Path:
    return options.folder or Path("data/mini") / options.model


def _loss(step: int, loss: float) -> None:
    if step % 500 == 0:
        say(f"step {step}: loss {loss:.3f} nats")


def card(options: argparse.Namespace) -> None:
    """Measure the model and write its card."""
    kind = masked_card if isinstance(RECIPES[options.model], MaskedRecipe) else causal_card
    measures = kind.measure_model(load_world("mini", model=options.model))
    written = write_card(_folder(options), measures, kind.CARD)
    say(measures.to_string(index=False))
    say(f"wrote {written}")
