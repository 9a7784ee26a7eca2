"""One configuration (language, attribute, layer) under every ranking: the tables behind both key figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd
from tqdm import tqdm

from pitfalls.neurons.curves import Split
from pitfalls.neurons.interventions import Kind, intervene
from pitfalls.neurons.rankings import PAPER_RANKINGS, Ranking, rank

if TYPE_CHECKING:
    from pitfalls.model.activations import Splits
    from pitfalls.study.worlds import World


def paper_rankings(data: Splits, seed: int = 0, max_neurons: int | None = None) -> list[Ranking]:
    """The paper's seven rankings of the neurons, in its order.

    ``max_neurons`` bounds the greedy search of the Gaussian ranking, whose cost grows with its square.
    """
    return [
        rank(name, data, direction=direction, seed=seed, max_neurons=max_neurons)
        for name, direction in tqdm(PAPER_RANKINGS, desc="ranking", unit="ranking", leave=False)
    ]


def intervention_curves(
    world: World,
    data: Splits,
    rankings: Sequence[Ranking],
    kind: Kind,
    ks: Sequence[int],
    split: Split = "test",
) -> pd.DataFrame:
    """What becomes of each word over k when the first k neurons of each ranking are changed, one tidy table."""
    tables = [
        intervene(world, data, ranking, kind, ks, split=split)
        for ranking in tqdm(rankings, desc="intervening", unit="ranking", leave=False)
    ]
    return pd.concat(tables, ignore_index=True)
