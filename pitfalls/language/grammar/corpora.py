"""The generated treebanks of the mini world: 12,000 / 2,000 / 2,000 sentences per language, as CoNLL-U.

The files follow from :data:`SEEDS` byte for byte; ``manifest.json`` beside them records their sizes and
SHA-256, and :func:`check` compares.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from itertools import islice
from pathlib import Path

from pitfalls import files
from pitfalls.language.grammar import LANGUAGES, core, load_grammar

SIZES: Mapping[str, int] = {"train": 12_000, "dev": 2_000, "test": 2_000}
"""Sentences of each split."""

SEEDS: Mapping[str, int] = {"eng": 1, "rus": 2, "spa": 3, "tur": 4}
"""One stream per language: the splits are consecutive stretches of it, so no sentence is in two of them."""


def file_name(language: str, split: str) -> str:
    """The name of a generated treebank's file.

    Examples
    --------
    >>> file_name("spa", "dev")
    'spa_mini-ud-dev.conllu'
    """
    return f"{language}_mini-ud-{split}.conllu"


def trees(language: str, sizes: Mapping[str, int] = SIZES) -> dict[str, list[list[core.Token]]]:
    """The analysed sentences of each split of a generated treebank; no sentence is in two of them."""
    stream = core.sentences(load_grammar(language), SEEDS[language])
    return {split: list(islice(stream, size)) for split, size in sizes.items()}


def conllu(language: str, sizes: Mapping[str, int] = SIZES) -> dict[str, str]:
    """The text of each split of a generated treebank, in CoNLL-U."""
    return {
        split: "".join(
            core.to_conllu(tokens, f"{language}-mini-{split}-{number:05d}")
            for number, tokens in enumerate(sentences, start=1)
        )
        for split, sentences in trees(language, sizes).items()
    }


def write(folder: Path) -> None:
    """Write all generated treebanks and their manifest into ``folder``."""
    manifest = {}
    contents = {}
    for language in LANGUAGES:
        for split, content in conllu(language).items():
            name, data = file_name(language, split), content.encode("utf-8")
            contents[folder / name] = data
            manifest[name] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    described = (json.dumps(manifest, indent=1, sort_keys=True) + "\n").encode()
    files.write({folder / "manifest.json": described, **contents})


def check(folder: Path, names: Collection[str] | None = None) -> None:
    """Compare the files of ``folder``, or only those in ``names``, with its manifest.

    Raises
    ------
    ValueError
        A file is missing or differs; the message names it, both checksums and what to do.
    """
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    for name in sorted(manifest if names is None else names):
        wanted = manifest[name]
        path = folder / name
        found = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "no such file"
        if found != wanted["sha256"]:
            raise ValueError(
                f"{path}: SHA-256 {found}, the manifest says {wanted['sha256']}; run `make mini` to write it again"
            )
