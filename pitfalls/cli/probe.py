"""``pitfalls probe``: accuracy over k of every probe on every ranking."""

from __future__ import annotations

import argparse

from pitfalls import figures
from pitfalls.cli.common import name_of, say, world_and_data, wrote
from pitfalls.probes.curves import probe_curves
from pitfalls.rankings import rank_all
from pitfalls.study.output import publish


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    _, data = world_and_data(options)
    largest = min(options.max_k, data.n_neurons)
    rankings = rank_all(data, seed=options.seed, max_neurons=options.max_neurons or largest)
    curves = probe_curves(rankings, data, range(1, largest + 1), seeds=[options.seed])
    name = name_of(options, data, "probe")
    publish(figures.accuracy(curves), name, options.output)
    last = curves[curves["k"].isin({min(10, largest), min(50, largest), largest})]
    table = last.pivot_table(index=["probe", "ranking", "direction"], columns="k", values="accuracy", sort=False)
    say(f"test accuracy at k =\n{table.round(3).to_string()}")
    wrote(options, name)
