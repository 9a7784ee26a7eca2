"""Interventions and attribution in a real model, and the plain model with a hook that does the same."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.jobs import SAME
from benchmarks.real_passes import Graded, Means, PlainMargins, plain_attribution, plain_change
from benchmarks.real_text import ATTRIBUTE, LANGUAGE, SCALES, items_of, world_of
from benchmarks.ways import Plain, Rows, Way, row
from benchmarks.whole_passes import Hooked
from pitfalls.arrays.ranking import Ranking
from pitfalls.interventions.ablation import Ablation
from pitfalls.interventions.agreement import answers_of_all, questions
from pitfalls.interventions.interchange import Interchange
from pitfalls.interventions.kinds import Kind
from pitfalls.interventions.sources import ChangedWords, TrainingWords, sentence_key
from pitfalls.interventions.translation import ConstantTranslation, Translation
from pitfalls.language.agreement import Item
from pitfalls.rankings import random_rankings
from pitfalls.worlds.experiment import Experiment

KINDS: Sequence[Kind] = (Translation(12), ConstantTranslation(2), Interchange(), Ablation())
#: Margins (nats) that differ by less are the same.
NATS = 1e-3


def _means(experiment: Experiment, items: Sequence[Item]) -> Means:
    train = experiment.data.train
    X, values = train.X.astype(np.float64), list(train.values)
    of_value = np.stack([X[train.y == value].mean(0) for value in range(len(values))])
    own = np.array([values.index(item.value) for item in items])
    # Which words they draw is given: what is measured is what follows.
    keys = np.array([sentence_key(item.words) for item in items])
    words = ChangedWords(torch.from_numpy(own), keys, np.array([item.controller for item in items]))
    training = TrainingWords.of(train, experiment.sentences("train"))
    rows = training.drawn_for(words, Interchange().aims(values), 0)
    return Means(of_value, own, train.X[rows])


def interventions(scale: str, folder: Path) -> Rows:
    """All kinds of change along several rankings, as the study asks them of test items."""
    asks, world, items = SCALES[scale], world_of(scale, folder), items_of(scale, "test")
    experiment = world.experiment(LANGUAGE, ATTRIBUTE, asks.layer)
    rankings = [experiment.rank("probeless"), *random_rankings(experiment.data, 1)]
    pushes = [(ranking, kind) for kind in KINDS for ranking in rankings]

    def ours() -> Any:
        replays = [experiment.intervene(ranking, kind, asks.ks).replay for ranking, kind in pushes]
        return answers_of_all(replays, questions(replays[0], items))

    fast = Way.of(ours)
    own = fast.found[fast.found["changed"] == "controller"]
    asked = sorted(own["item"].unique())
    chosen = [items[i] for i in asked]
    passes = PlainMargins(Hooked(world.model.model, experiment.data.site), world.model.tokenizer, chosen)
    means, k = _means(experiment, chosen), asks.ks[-1]
    changes = len(pushes) * len(asks.ks)
    slow = Plain.named(
        "every text whole for every change, with a hook",
        lambda: [passes.under(plain_change(kind, rankings[0].order, k, means)).numpy() for kind in KINDS],
        times=(1 + changes) / len(KINDS),
        timed=f"extrapolated from one change of each kind, k = {k}",
    )
    ours_at = own[(own["k"] == k) & (own["ranking"] == rankings[0].name)]
    margins = [
        ours_at[ours_at["kind"] == kind.label].sort_values("item", kind="stable")["margin"].to_numpy() for kind in KINDS
    ]
    difference = float(np.abs(np.stack(margins) - np.stack(slow.found)).max())
    work = (
        f"{changes} changes ({len(KINDS)} kinds, {len(rankings)} rankings, {len(asks.ks)} k) at layer {asks.layer} of "
        f"{world.model.n_layers}, {len(chosen)} items"
    )
    yield row("interventions", work, fast, slow, f"{len(KINDS) * len(chosen)} margins, nats", difference, NATS)


def attribution(scale: str, folder: Path) -> Rows:
    """What each unit does, to first order in one backward pass, and exactly for one unit after another."""
    asks, world, items = SCALES[scale], world_of(scale, folder), items_of(scale, "train")
    experiment = world.experiment(LANGUAGE, ATTRIBUTE, asks.layer)
    d, site, kind = experiment.data.n_neurons, experiment.data.site, ConstantTranslation(1.0)
    fast = Way.of(lambda: experiment.rank("attribution", items=items))
    units = fast.found.order[: asks.units].tolist()

    def alone(unit: int) -> NDArray[np.int64]:
        return np.roll(np.arange(d), -unit)

    def effects() -> NDArray[np.float64]:
        replays = [experiment.intervene(Ranking(alone(unit), None, f"{unit}"), kind, [1]).replay for unit in units]
        found = answers_of_all(replays, questions(replays[0], items))
        found = found[(found["changed"] == "controller") & (found["k"] == 1)]
        falls = (found["before"] - found["margin"]).groupby(found["ranking"], sort=False).mean()
        return falls.to_numpy()

    asked = questions(experiment.intervene(Ranking(alone(0), None, "0"), kind, [1]).replay, items)
    chosen = [items[one.item] for one in asked.asked if one.changed == "controller"]
    means = _means(experiment, chosen)
    passes = PlainMargins(Hooked(world.model.model, site), world.model.tokenizer, chosen)
    before = passes.under(lambda states, _: states)
    scaled = f"extrapolated from {len(units)} of {d} units"
    slow = Plain.named(
        "the exact effect of each unit, one after another, whole texts with a hook",
        lambda: [float((before - passes.under(plain_change(kind, alone(unit), 1, means))).mean()) for unit in units],
        times=d / len(units),
        timed=scaled,
    )
    graded = PlainMargins(Graded(world.model.model, site), world.model.tokenizer, chosen)
    theirs = plain_attribution(graded, means)
    apart = float(np.abs(fast.found.scores - theirs).max() / np.abs(theirs).max())
    about = f"{d} units at layer {asks.layer} of {world.model.n_layers}, {len(chosen)} items"
    yield row("attribution", f"Attribution of {about}", fast, slow,
              f"{d} scores with autograd's in the plain model", apart, SAME)  # fmt: skip
    exact = Way.of(effects)
    # Every text runs once without a change, too.
    exact = Way(exact.found, exact.took * ((1 + d) / (1 + len(units))), exact.peak_mb)
    yield row("effect", f"Exact effect of {about} ({scaled})", exact, slow, f"{len(units)} effects, nats",
              float(np.abs(exact.found - slow.found).max()), NATS)  # fmt: skip
