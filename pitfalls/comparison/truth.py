"""Rankings against the truth: how many of the first k neurons really encode the attribute, or are really used.

Only where the neurons are known (the planted worlds) can a ranking be scored without a probe and without an
intervention. It is scored twice, against what is *encoded* and against what is *used*, because a ranking that is
right about one can be wrong about the other (the paper's second pitfall).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from pitfalls.arrays.ranking import Ranking

if TYPE_CHECKING:
    from pitfalls.worlds.blueprint import Truth


def precision_at(order: ArrayLike, relevant: ArrayLike, ks: Iterable[int]) -> NDArray[np.float64]:
    """Share of relevant neurons among the first k of an order, for every k.

    Parameters
    ----------
    order : int [n_neurons]
        A permutation of the neurons.
    relevant : bool [n_neurons]
    ks : iterable of int
        From 1 to n_neurons.

    Returns
    -------
    float64 [n_ks]
        0 to 1, in the order of ``ks``.

    Raises
    ------
    ValueError
        For a mask of another width than the order, and a k out of range.

    Examples
    --------
    >>> precision_at([2, 0, 1], [True, False, True], ks=[1, 2, 3]).round(2).tolist()
    [1.0, 1.0, 0.67]
    """
    order, relevant = np.asarray(order), np.asarray(relevant)
    if relevant.dtype != np.bool_ or relevant.shape != order.shape:
        raise ValueError(
            f"relevant is {relevant.dtype} of shape {relevant.shape} and the order has shape {order.shape}: give one "
            "bool a neuron"
        )
    asked = np.array(list(ks))
    wrong = [k for k in asked.tolist() if int(k) != k or not 1 <= k <= len(order)]
    if wrong or not len(asked):
        raise ValueError(
            f"every k must be a whole number from 1 to the number of neurons, {len(order)}; "
            + (f"these are not: {wrong[:5]}" if wrong else "none was given")
        )
    asked = asked.astype(np.int64)
    return np.asarray(np.cumsum(relevant[order])[asked - 1] / asked)


def score_rankings(rankings: Sequence[Ranking], truth: Truth, ks: Iterable[int] | None = None) -> pd.DataFrame:
    """Precision@k of rankings, against what is encoded and against what is used.

    Parameters
    ----------
    rankings : sequence of Ranking
        Of the planted layer's neurons.
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
        For a ranking of another width, a bad k, and no rankings.

    Examples
    --------
    >>> from pitfalls.worlds.blueprint import PlantedParameters, plant
    >>> from pitfalls.arrays.ranking import Ranking
    >>> truth = plant(PlantedParameters(used=2, redundant=0, unused=1, lemma=1, correlated=0, noise=0))
    >>> ranking = Ranking(np.argsort(~truth.used, kind="stable"), None, "used first")
    >>> score_rankings([ranking], truth, ks=[2, 4])[["against", "k", "precision"]].values.tolist()
    [['encoded', 2, 1.0], ['encoded', 4, 0.75], ['used', 2, 1.0], ['used', 4, 0.5]]
    """
    asked = list(range(1, truth.n_neurons + 1) if ks is None else ks)
    tables = []
    for ranking in _checked(rankings, truth):
        for against, relevant in truth.sets().items():
            precision = precision_at(ranking.order, relevant, asked)
            tables.append(pd.DataFrame({**_names(ranking, truth, against), "k": asked, "precision": precision}))
    return pd.concat(tables, ignore_index=True)


def ranking_areas(rankings: Sequence[Ranking], truth: Truth) -> pd.DataFrame:
    """One number a ranking and set: the area under precision@k for k = 1 to the number of relevant neurons.

    It is the mean precision over these k: 1 when all relevant neurons come first, 0 when none is among the first
    n_relevant, and in expectation n_relevant / n_neurons for a random order, which ``chance`` says.

    Returns
    -------
    A row a ranking and set: language, attribute, site, layer, ranking, direction, ranking_seed, against ("encoded" or
    "used"), relevant (number of neurons), area, chance.

    Raises
    ------
    ValueError
        For a ranking of another width, and no rankings.

    Examples
    --------
    >>> from pitfalls.worlds.blueprint import PlantedParameters, plant
    >>> from pitfalls.arrays.ranking import Ranking
    >>> truth = plant(PlantedParameters(used=2, redundant=0, unused=1, lemma=1, correlated=0, noise=0))
    >>> unused_last = Ranking(np.argsort(~truth.used, kind="stable"), None, "used first")
    >>> ranking_areas([unused_last], truth)[["against", "area", "chance"]].round(2).values.tolist()
    [['encoded', 1.0, 0.75], ['used', 1.0, 0.5]]
    """
    rows = []
    for ranking in _checked(rankings, truth):
        for against, relevant in truth.sets().items():
            n = int(relevant.sum())
            area = float(precision_at(ranking.order, relevant, range(1, n + 1)).mean())
            numbers = {"relevant": n, "area": area, "chance": n / truth.n_neurons}
            rows.append({**_names(ranking, truth, against), **numbers})
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


def _names(ranking: Ranking, truth: Truth, against: str) -> dict[str, Any]:
    return {
        "language": truth.language,
        "attribute": truth.attribute,
        **truth.site.columns,
        "ranking": ranking.name,
        "direction": ranking.direction,
        "ranking_seed": ranking.seed,
        "against": against,
    }
