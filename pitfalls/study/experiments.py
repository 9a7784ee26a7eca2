"""One configuration (language, attribute, layer) under every ranking: the tables behind both key figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from pitfalls.arrays.ranking import Ranking
from pitfalls.arrays.splits import Splits
from pitfalls.columns import Split
from pitfalls.interventions.counts import counts
from pitfalls.interventions.intervals import rate_intervals
from pitfalls.interventions.kinds import Kind
from pitfalls.interventions.replay import prepare
from pitfalls.interventions.run import judged_words
from pitfalls.rankings import PAPER_RANKINGS, rank
from pitfalls.study.unfinished import Unfinished, resumed_ranking
from pitfalls.worlds.world import World


def paper_rankings(data: Splits, seed: int = 0, max_neurons: int | None = None) -> list[Ranking]:
    """The paper's seven rankings of the neurons, in its order.

    ``max_neurons`` bounds the greedy search of the Gaussian ranking, whose cost grows with its square.
    """
    return [
        rank(name, data, direction=direction, seed=seed, max_neurons=max_neurons)
        for name, direction in tqdm(PAPER_RANKINGS, desc="ranking", unit="ranking", leave=False)
    ]


# ------------------------------------------------------------------------ what goes on where it was stopped


def rehearse(world: World, data: Splits, kind: Kind, split: Split = "test", target: str | None = None) -> None:
    """Run one sentence unchanged, so that what cannot work is said before hours of ranking.

    Raises
    ------
    ValueError
        As :func:`~pitfalls.interventions.run.intervene`: a target that is no value, a model without a head, a
        tokenizer that knows none of the words.
    """
    in_any_order = Ranking(np.arange(data.n_neurons), None, "none")
    run = prepare(world, data, in_any_order, kind, [0], split, target)
    judged_words(run.parts(1)[0], [0])


def resumed_rankings(
    data: Splits, folder: Path, seed: int = 0, max_neurons: int | None = None, random_draws: int = 1
) -> list[Ranking]:
    """The paper's seven rankings, then further random ones; each is kept in ``folder`` once it is found.

    Parameters
    ----------
    max_neurons:
        Bounds the greedy search of the Gaussian ranking, as in :func:`paper_rankings`.
    random_draws:
        Random rankings in all, with the seeds ``seed``, ``seed + 1``, ...
    """
    wanted = [(name, direction, seed) for name, direction in PAPER_RANKINGS]
    wanted += [("random", "ttb", seed + i) for i in range(1, random_draws)]
    return [
        resumed_ranking(name, data, folder, direction, own_seed, max_neurons)
        for name, direction, own_seed in tqdm(wanted, desc="ranking", unit="ranking", leave=False)
    ]


def effects_and_intervals(runs: Sequence[Unfinished]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Finish the runs one by one: the counts of all outcomes, and error rate and CLWV with their intervals.

    Returns
    -------
    The tables of :func:`~pitfalls.interventions.run.intervene` and of
    :func:`~pitfalls.interventions.intervals.rate_intervals`, run by run.
    """
    effects, intervals = [], []
    for run in runs:
        # One run's words at a time: at M-BERT's size those of all rankings would fill the memory.
        words = run.outcomes()
        effects.append(counts(words))
        intervals.append(rate_intervals(words))
    return pd.concat(effects, ignore_index=True), pd.concat(intervals, ignore_index=True)
