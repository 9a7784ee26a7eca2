"""What several commands share: printing to the user, and the world that the options name."""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pitfalls.columns import SPLITS
from pitfalls.site import Site

if TYPE_CHECKING:
    from pitfalls.arrays.splits import Splits
    from pitfalls.models.interface import LanguageModel
    from pitfalls.study.sweep import Task
    from pitfalls.worlds.world import World

# Words tokenised in one call; and the share of unknown words from which we warn.
_FORMS_AT_ONCE = 1024
_MANY_UNKNOWN = 0.1


def say(line: str) -> None:
    """Print a line for the user at once."""
    print(line, file=sys.stdout, flush=True)


def paper_options(options: argparse.Namespace) -> dict[str, str]:
    """The world's options that were given, for other processes and machines; paths are made absolute."""
    given = {name: getattr(options, name) for name in ("model", "treebanks", "conversion")}
    # Only the paper world's model may be a folder.
    paths = {"paper": ("model", "treebanks"), "real": ("treebanks",)}.get(options.world, ())
    return {
        name: os.path.abspath(said) if name in paths and os.path.exists(said) else said
        for name, said in given.items()
        if said
    }


def world_options(options: argparse.Namespace) -> dict[str, str]:
    """The arguments of :func:`~pitfalls.worlds.load.load_world`."""
    return {"name": options.world, **paper_options(options)}


def world_and_data(options: argparse.Namespace) -> tuple[World, Splits]:
    """The world of the files that the options name, and the words with the attribute; say how many there are."""
    # Imported here, because other commands need no models.
    from pitfalls.worlds.load import world_from_files

    site = Site(options.site, options.layer)
    world = world_from_files(
        options.model,
        options.treebank,
        options.language,
        conversion=options.conversion,
        min_forms=options.min_forms,
        revision=options.revision,
        device=options.device,
        dtype=options.dtype,
        pooling=options.pooling,
        layer=site.layer,
    )
    (language,) = world.languages
    _say_unknown(world.model, language, [word.form for s in world.sentences(language, "test") for word in s.words])
    data = world.activations(language, options.attribute, site=site)
    for split in SPLITS:
        words = len(getattr(data, split).y)
        sentences, dropped = len(world.sentences(language, split)), len(world.dropped(language, split))
        say(f"{split}: {words} words with {options.attribute} in {sentences} sentences ({dropped} too long, dropped)")
    say(f"values: {' '.join(data.train.values)}; units: {data.n_neurons}; {data.site}")
    return world, data


def own_ids(model: LanguageModel, forms: Iterable[str]) -> dict[str, list[int]]:
    """The token ids of each distinct form."""
    found: dict[str, list[int]] = {}
    distinct = sorted(set(forms))
    for start in range(0, len(distinct), _FORMS_AT_ONCE):
        chunk = distinct[start : start + _FORMS_AT_ONCE]
        encoded = model.encode([[form] for form in chunk])
        is_word = encoded.word_ids == 0
        found |= {form: encoded.input_ids[row, is_word[row]].tolist() for row, form in enumerate(chunk)}
    return found


def _say_unknown(model: LanguageModel, language: str, forms: Sequence[str]) -> None:
    """Say how many words the tokenizer does not know, and warn if many, before anything is computed from them."""
    ids = own_ids(model, forms)
    unknown = [form for form in forms if model.unknown_id in ids[form]]
    share = len(unknown) / max(1, len(forms))
    say(f"unknown to the tokenizer, in part or whole: {len(unknown)} of the {len(forms)} words of test ({share:.1%})")
    if share >= _MANY_UNKNOWN:
        warnings.warn(
            f"{model.name} does not know {share:.1%} of the words of test, such as {unknown[0]!r}: their vectors are "
            f"those of its unknown token; take a model that knows how {language} is written here",
            stacklevel=2,
        )


def name_of(options: argparse.Namespace, data: Splits, kind: str) -> str:
    """The name under which a command writes, such as ``probe_spa_gender_layer2``."""
    attribute = options.attribute.lower().replace(" ", "-")
    return f"{kind}_{data.train.language}_{attribute}_{data.site.id}"


def wrote(options: argparse.Namespace, name: str) -> None:
    """Name the files of a published figure."""
    for path in (f"figures/{name}.png", f"figures/{name}.svg", f"results/{name}.csv"):
        say(f"wrote {options.output / path}")


def say_found(tasks: Sequence[Task], kept: Path) -> None:
    """Say how many rankings an earlier run has done."""
    from pitfalls.study.sweep import is_done

    found = sum(is_done(task, kept) for task in tasks)
    if found:
        say(f"{found} of {len(tasks)} rankings were done before, in {kept}; going on")
