"""``pitfalls mini``, ``pretrain`` and ``card``: make the parts of the mini world again."""

from __future__ import annotations

import argparse

from pitfalls.cli.common import say
from pitfalls.language.grammar import corpora
from pitfalls.models import pretrain as training
from pitfalls.study import machine
from pitfalls.study.card import measure_model, write_card
from pitfalls.worlds.load import load_world


def write(options: argparse.Namespace) -> None:
    """Write the generated treebanks."""
    corpora.write(options.folder)
    say(f"wrote {len(list(options.folder.glob('*.conllu')))} treebanks to {options.folder}")


def pretrain(options: argparse.Namespace) -> None:
    """Train the model, going on where an interrupted run stopped."""
    said = machine.describe()
    where = f"{said['cores']} cores of {said['processor']}, torch {said['torch']}"
    seconds = training.pretrain(training.Recipe(), options.folder, options.checkpoints, where, _loss)
    say(f"wrote {options.folder} ({seconds:.0f} s)")


def _loss(step: int, loss: float) -> None:
    if step % 500 == 0:
        say(f"step {step}: loss {loss:.3f} nats")


def card(options: argparse.Namespace) -> None:
    """Measure the model and write its card."""
    measures = measure_model(load_world("mini"))
    write_card(options.folder, measures)
    say(measures.to_string(index=False))
    say(f"wrote {options.folder / 'README.md'}")
