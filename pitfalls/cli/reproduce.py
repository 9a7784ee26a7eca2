"""``pitfalls reproduce``: run the notebooks; write figures, results and a report."""

from __future__ import annotations

import argparse
import os

from pitfalls.cli.common import say
from pitfalls.study.reproduce import reproduce


def run(options: argparse.Namespace) -> None:
    """Do the command."""
    chosen = {"PITFALLS_MODEL": options.model, "PITFALLS_TREEBANKS": options.treebanks}
    given = {key: os.path.abspath(value) if os.path.exists(value) else value for key, value in chosen.items() if value}
    given |= {"PITFALLS_CONVERSION": options.conversion} if options.conversion else {}
    report = reproduce(options.notebooks, options.output, options.world, given, options.jobs)
    say(f"wrote {options.output / 'figures'}, {options.output / 'results'} and {report}")
