"""Rankings against the truth: how many of the first k neurons really encode the attribute, or are really used.

In the planted worlds every neuron is known, and only there can a ranking be scored without a probe or an intervention.
It is scored twice, against what is *encoded* and against what is *used*, because a ranking that is right about one can
be wrong about the other (the paper's second pitfall).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from pitfalls.arrays.ranking import Ranking
from pitfalls.arrays.words import checked_ks
from pitfalls.columns import configuration_of

if TYPE_CHECKING:
    from pitfalls.worlds.blueprint import Truth


def precision_at(order: ArrayLike, relevant: ArrayLike) -> NDArray[np.float64]:
    """Share of relevant neurons among the first k of an order, for k = 1 to the number of neurons.

    Parameters
    ----------
    order : int [n_neurons]
        A permutation of the neurons.
    relevant : bool [n_neurons]

    Returns
    -------
    float64 [n_neurons], 0 to 1

    Raises
    ------
    ValueError
        If ``relevant`` is not one bool per neuron.

    Examples
    --------
    >>> precision_at([2, 0, 1], [True, False, True]).round(2).tolist()
    [1.0, 1.0, 0.67]
    """
    order, relevant = np.asarray(order), np.asarray(relevant)
    if relevant.dtype != np.bool_ or relevant.shape != order.shape:
        raise ValueError(
            f"relevant is {relevant.dtype} of shape {relevant.shape} and the order has shape {order.shape}: give one "
            "bool per neuron"
        )
    return np.asarray(np.cumsum(relevant[order]) / np.arange(1, len(order) + 1))


def score_rankings(rankings: Sequence[Ranking], truth: Truth, ks: Iterable[int] | None = None) -> pd.DataFrame:
    """Precision@k of rankings, against what is encoded and against what is used.

    Parameters
    ----------
    rankings : sequence of Ranking
        Each orders all neurons of the planted layer.
    truth : Truth
        From ``pitfalls.truth(world)``.
    ks : iterable of int, optional
        By default 1 to the number of neurons.

    Returns
    -------
    One row per ranking, set and k: language, attribute, site, layer, ranking, direction, ranking_seed, against
    ("encoded" or "used"), k, precision (0 to 1).

    Raises
    ------
    ValueError
        For a ranking of the wrong width, a bad k, or no rankings.

    Examples
    --------
    >>> from pitfalls.worlds.blueprint import PlantedParameters, plant
    >>> truth = plant(PlantedParameters(used=2, redundant=0, unused=1, lemma=1, correlated=0, noise=0))
    >>> ranking = Ranking(np.argsort(~truth.used, kind="stable"), None, "used first")
    >>> score_rankings([ranking], truth, ks=[2, 4])[["against", "k", "precision"]].values.tolist()
    [['encoded', 2, 1.0], ['encoded', 4, 0.75], ['used', 2, 1.0], ['used', 4, 0.5]]
    """
    steps = checked_ks(range(1, truth.n_neurons + 1) if ks is None else ks, truth.n_neurons)
    tables = []
    for ranking in _checked(rankings, truth):
        for against, relevant in truth.sets().items():
            about = configuration_of(truth) | ranking.key | {"against": against, "k": steps}
            precision = precision_at(ranking.order, relevant)[np.array(steps) - 1]
            tables.append(pd.DataFrame(about | {"precision": precision}))
    return pd.concat(tables, ignore_index=True)


def ranking_areas(rankings: Sequence[Ranking], truth: Truth) -> pd.DataFrame:
    """One number per ranking and set: the area under precision@k for k = 1 to the number of relevant neurons.

    It is the mean precision over these k: 1 when all relevant neurons come first, 0 when none is among the first
    n_relevant, and n_relevant / n_neurons in expectation for a random order (the column ``chance``).

    Returns
    -------
    One row per ranking and set: language, attribute, site, layer, ranking, direction, ranking_seed, against
    ("encoded" or "used"), relevant (number of neurons), area, chance.

    Raises
    ------
    ValueError
        For a ranking of the wrong width, or no rankings.

    Examples
    --------
    >>> from pitfalls.worlds.blueprint import PlantedParameters, plant
    >>> truth = plant(PlantedParameters(used=2, redundant=0, unused=1, lemma=1, correlated=0, noise=0))
    >>> unused_last = Ranking(np.argsort(~truth.used, kind="stable"), None, "used first")
    >>> ranking_areas([unused_last], truth)[["against", "area", "chance"]].round(2).values.tolist()
    [['encoded', 1.0, 0.75], ['used', 1.0, 0.5]]
    """
    rows = []
    for ranking in _checked(rankings, truth):
        for against, relevant in truth.sets().items():
            n = int(relevant.sum())
            area = float(precision_at(ranking.order, relevant)[:n].mean())
            about = configuration_of(truth) | ranking.key | {"against": against}
            rows.append(about | {"relevant": n, "area": area, "chance": n / truth.n_neurons})
    return pd.DataFrame(rows)


def _checked(rankings: Sequence[Ranking], truth: Truth) -> Sequence[Ranking]:
    if not len(rankings):
        raise ValueError("no ranking to score: give a sequence of rankings")
    for ranking in rankings:
        if len(ranking.order) != truth.n_neurons:
            raise ValueError(
                f"the ranking {ranking.name} orders {len(ranking.order)} neurons and the planted layer has "
                f"{truth.n_neurons}: rank the activations of this world"
            )
    return rankings
