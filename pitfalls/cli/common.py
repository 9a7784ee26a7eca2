"""What several commands share."""

from __future__ import annotations

import argparse
import os
import sys


def say(line: str) -> None:
    """Tell the reader one thing, at once."""
    print(line, file=sys.stdout, flush=True)


def world_options(options: argparse.Namespace) -> dict[str, str]:
    """What load_world takes, as it goes to other processes and machines: paths whole."""
    given = {name: getattr(options, name) for name in ("model", "treebanks")}
    whole = {name: os.path.abspath(value) if os.path.exists(value) else value for name, value in given.items() if value}
    chosen = {"conversion": options.conversion} if options.conversion else {}
    return {"name": options.world, **whole, **chosen}
