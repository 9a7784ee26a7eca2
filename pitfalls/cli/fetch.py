"""``pitfalls fetch``: the real world's models, from the package index into the cache."""

from __future__ import annotations

import argparse

from pitfalls.cli.common import say
from pitfalls.models import real


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    for name in options.models or real.MODELS:
        folder = real.model_folder(name)
        megabytes = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
        model = real.MODELS[name]
        say(f"{name}: {folder} ({megabytes:.0f} MB), {model.hub} from {model.wheel}, {model.licence}")
