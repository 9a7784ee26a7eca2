"""``pitfalls configs``: all configurations of a world, and how large they are."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import pandas as pd

from pitfalls.cli.common import say, world_options
from pitfalls.language.treebanks import TREEBANKS
from pitfalls.site import Site
from pitfalls.study.configurations import (
    PAPER_LAYERS,
    PaperTexts,
    by_attribute,
    checked_sites,
    paper_comparison,
    paper_texts,
    sizes,
)
from pitfalls.study.output import publish_table
from pitfalls.worlds.load import load_world
from pitfalls.worlds.world import World


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    # The paper's model takes gigabytes; without it, we only miss which sentences are too long for it.
    read = _texts_of_the_paper if options.world == "paper" and not options.model else _texts_of_a_world
    texts, sites = read(options)
    table = sizes(texts, sites, options.languages)
    say(table.to_string(index=False))
    pairs = len(table[["language", "attribute"]].drop_duplicates())
    say(f"{len(table)} configurations: {pairs} pairs on {len(sites)} layers; values with {texts.min_forms}+ forms")
    if options.output:
        publish_table(table, f"configs-{options.world}", options.output)
        say(f"wrote {options.output / 'results' / f'configs-{options.world}.csv'}")
    if options.world == "paper":
        _say_paper(paper_comparison(texts, options.languages))


def _texts_of_the_paper(options: argparse.Namespace) -> tuple[PaperTexts, Sequence[Site | int]]:
    texts = paper_texts(options.treebanks, options.languages, options.conversion or "authors")
    if options.languages is None:
        _say_lacking(texts)
    say(f"conversion: {texts.conversion.name}; without --model no sentence is dropped for its length")
    return texts, options.layers or PAPER_LAYERS


def _texts_of_a_world(options: argparse.Namespace) -> tuple[World, Sequence[Site | int]]:
    chosen: dict[str, Any] = world_options(options)
    if options.world == "paper":
        texts = paper_texts(options.treebanks, options.languages)
        _say_lacking(texts)
        chosen["languages"] = texts.languages
    world = load_world(**chosen)
    return world, checked_sites(world, options.layers)


def _say_lacking(texts: PaperTexts) -> None:
    """Name the languages for which the folder of treebanks lacks a split."""
    for bank in TREEBANKS:
        if bank.language not in texts.languages and (lacks := texts.lacking(bank.language)):
            say(f"left out: {bank.language}, which lacks {' and '.join(lacks)} ({bank.file_name(lacks[0])})")


def _say_paper(comparison: pd.DataFrame) -> None:
    """Say how the pairs found compare with the paper's 52, and why they differ."""
    say("the paper's pairs [I], those in the languages above, and what passes the filter here:")
    say(by_attribute(comparison).to_string(index=False))
    differing = comparison[comparison["paper"] != comparison["here"]]
    for row in differing.to_dict("records"):
        say(
            f"{row['language']} {row['attribute']}: in the paper {row['paper']}, here {row['here']}; "
            f"fewest forms of each value: {row['why']}"
        )
