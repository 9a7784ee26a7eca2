"""How far a greedy search stays behind the best subset of the same size."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from pitfalls.arrays.splits import Splits
from pitfalls.columns import configuration_of
from pitfalls.rankings import rank
from pitfalls.rankings.best_subset import best_subsets


def greedy_gap(data: Splits, sizes: Iterable[int] = (1, 2, 3)) -> pd.DataFrame:
    """The information of the best subsets, and of the Gaussian search's first neurons, on the same dev words.

    No ranking of these neurons can have more at this size: the gap is what a better *search* could still gain. Both are
    chosen on the words on which they are measured, so neither says what a probe reads on new words.

    Parameters
    ----------
    sizes : iterable of int
        1, 2 or 3; see :func:`~pitfalls.rankings.best_subset.best_subsets`.

    Returns
    -------
    One row per size and search: language, attribute, site, layer, size, search ("best" or "greedy"), neurons
    (ascending, separated by spaces), information (bits).

    Examples
    --------
    >>> part = ([[0.0, 1.0, 5.0], [0.2, 0.0, 5.0], [1.0, 1.1, 5.0], [1.3, 0.0, 5.0]], ["PL", "PL", "SG", "SG"])
    >>> table = greedy_gap(Splits.from_arrays(train=part, dev=part, test=part), sizes=[1, 2])
    >>> table[["size", "search", "neurons"]].values.tolist()
    [[1, 'best', '0'], [1, 'greedy', '0'], [2, 'best', '0 1'], [2, 'greedy', '0 1']]
    """
    best = best_subsets(data, sizes)
    greedy = rank("gaussian", data, max_neurons=max(len(one.neurons) for one in best))
    scores = greedy.scores
    assert scores is not None
    rows = []
    for one in best:
        size, last = len(one.neurons), int(greedy.order[len(one.neurons) - 1])
        for search, neurons, information in (
            ("best", one.neurons, one.information),
            ("greedy", sorted(greedy.order[:size].tolist()), float(scores[last])),
        ):
            about = {"size": size, "search": search, "neurons": " ".join(map(str, neurons))}
            rows.append(configuration_of(data) | about | {"information": information})
    return pd.DataFrame(rows)
