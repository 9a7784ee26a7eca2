"""``pitfalls intervene`` on a causal model: what becomes of the words that must agree with the changed one."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from pitfalls.cli.common import say, say_found
from pitfalls.interventions.kinds import Kind
from pitfalls.language.agreement import Item, from_treebank
from pitfalls.study.experiments import Agreements
from pitfalls.study.output import publish_table
from pitfalls.study.sweep import sweep
from pitfalls.worlds.experiment import Experiment
from pitfalls.worlds.load import split_of


def report(options: argparse.Namespace, experiment: Experiment, kind: Kind, ks: Sequence[int], name: str) -> None:
    """Say and write the accuracy, margins, flip rate and damage of every ranking.

    Raises
    ------
    ValueError
        Nothing agrees in the attribute in this language, or the test file has no item that the model can take.
    """
    items = _items(options, experiment)
    misled = sum(bool(item.attractors) for item in items)
    say(
        f"outcome: agreement, because {experiment.model.name} reads from left to right and predicts a word before it "
        f"reads it; {len(items)} words of test must agree with one before them, {misled} with attractors between"
    )
    plan = Agreements(experiment, kind, ks, options.max_neurons or max(ks), items)
    # Fail before hours of ranking if the model has no head, or the intervention aims elsewhere.
    before = plan.without_intervention()
    accuracy = before[before["measure"] == "accuracy"].set_index("attractors")["mean"]
    told = ", ".join(f"{share:.3f} of {which}" for which, share in accuracy.items())
    say(f"accuracy without intervention, by attractors: {told}")
    tasks, kept = plan.tasks(options.seed, options.random), options.output / "build" / "intervene" / name
    say_found(tasks, kept)
    swept = sweep(tasks, plan.work, kept)
    swept.check()
    table = swept.tables()["agreement"]
    publish_table(table, f"{name}_agreement", options.output)
    shown = table[(table["attractors"] == "all") & (table["k"] == max(ks))]
    wide = shown.pivot_table(
        index=["ranking", "direction", "ranking_seed"], columns="measure", values="mean", sort=False
    )
    say(f"on test, at k = {max(ks)} (margin and shift in nats):\n{wide.round(3).to_string()}")
    say(f"wrote {options.output / 'results' / name}_agreement.csv")


def _items(options: argparse.Namespace, experiment: Experiment) -> list[Item]:
    """The items of the test file whose controller comes before the place, with values that are studied."""
    data = experiment.data
    files = [Path(file) for file in options.treebank]
    test = [file for file in files if split_of(file) == "test"]
    found = from_treebank(test, data.language, data.attribute, [f for f in files if f not in test], options.seed)
    kept = [item for item in found if item.causal and item.value in data.values]
    if not kept:
        raise ValueError(
            f"{', '.join(map(str, test))}: none of its {len(found)} places that agree in {data.attribute} stands after "
            f"its controller, with one of the values {' '.join(data.values)}; take a larger treebank"
        )
    return kept
