"""What several commands share: speaking to the reader, and the world that the options name."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from pitfalls.columns import SPLITS

if TYPE_CHECKING:
    from pitfalls.arrays.splits import Splits
    from pitfalls.worlds.world import World


def say(line: str) -> None:
    """Print a line for the reader at once."""
    print(line, file=sys.stdout, flush=True)


def paper_options(options: argparse.Namespace) -> dict[str, str]:
    """The options of the paper world that are given, for other processes and machines: paths are absolute."""
    given = {name: getattr(options, name) for name in ("model", "treebanks", "conversion")}
    return {name: os.path.abspath(said) if os.path.exists(said) else said for name, said in given.items() if said}


def world_options(options: argparse.Namespace) -> dict[str, str]:
    """The arguments of :func:`~pitfalls.worlds.load.load_world`."""
    return {"name": options.world, **paper_options(options)}


def world_and_data(options: argparse.Namespace) -> tuple[World, Splits]:
    """The world of the files that the options name, and the words with the attribute; say how many there are."""
    # Imported here, because other commands need no models.
    from pitfalls.worlds.load import world_from_files

    world = world_from_files(
        options.model,
        options.treebank,
        options.language,
        conversion=options.conversion,
        min_forms=options.min_forms,
        revision=options.revision,
        device=options.device,
        dtype=options.dtype,
    )
    (language,) = world.languages
    data = world.activations(language, options.attribute, options.layer)
    for split in SPLITS:
        words = len(getattr(data, split).y)
        sentences, dropped = len(world.sentences(language, split)), len(world.dropped(language, split))
        say(f"{split}: {words} words with {options.attribute} in {sentences} sentences ({dropped} too long, dropped)")
    say(f"values: {' '.join(data.train.values)}; neurons: {world.model.n_neurons}; {data.site}")
    return world, data


def name_of(options: argparse.Namespace, data: Splits, kind: str) -> str:
    """The name under which a command writes, such as ``probe_spa_gender_layer2``."""
    attribute = options.attribute.lower().replace(" ", "-")
    return f"{kind}_{data.train.language}_{attribute}_{data.site.id}"


def wrote(options: argparse.Namespace, name: str) -> None:
    """Name the files of a published figure."""
    for path in (f"figures/{name}.png", f"figures/{name}.svg", f"results/{name}.csv"):
        say(f"wrote {options.output / path}")
