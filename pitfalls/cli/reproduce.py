"""``pitfalls reproduce``: run the notebooks; write figures, results and a report."""

from __future__ import annotations

import argparse

from pitfalls.cli.common import paper_options, say
from pitfalls.study.reproduce import reproduce


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    given = {f"PITFALLS_{name.upper()}": said for name, said in paper_options(options).items()}
    report = reproduce(options.notebooks, options.output, options.world, given, options.jobs)
    say(f"wrote {options.output / 'figures'}, {options.output / 'results'} and {report}")
