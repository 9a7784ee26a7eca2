"""The treebank that models are measured on; it is not part of the project."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.measure import say

TREEBANK = Path(__file__).resolve().parents[2] / "shared" / "data" / "ud" / "en_ewt-ud-test.conllu"


def add_treebank(parser: argparse.ArgumentParser) -> None:
    """Let a command take another treebank."""
    parser.add_argument("--treebank", type=Path, help=f"a CoNLL-U file of English (default: {TREEBANK})")


def treebank_of(parser: argparse.ArgumentParser, given: Path | None, what: str) -> Path | None:
    """The treebank that is given, which must exist, or the default one; without that, say that ``what`` is skipped."""
    if given is not None and not given.is_file():
        parser.error(f"no treebank {given}")
    treebank = given or TREEBANK
    if treebank.is_file():
        return treebank
    say(
        f"{what} are not measured, and their results stay as they are: there is no treebank {treebank}. "
        "Take en_ewt-ud-test.conllu from Universal Dependencies and give it with --treebank FILE"
    )
    return None
