"""How far one method is ahead of another, with intervals over languages and seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pitfalls.columns import CONFIGURATION, DRAW, METHOD
from pitfalls.comparison.pairs import (
    SIDES,
    Method,
    checked_rows,
    comparisons,
    membership,
    named,
    of_methods,
)
from pitfalls.numbers import whole


def paired_interval(
    curves: pd.DataFrame,
    k: int,
    methods: tuple[Sequence[str], Sequence[str]],
    level: float = 0.95,
    draws: int = 10_000,
    seed: int = 0,
) -> pd.DataFrame:
    """How far one method is ahead of another in accuracy at k, with intervals over languages and over seeds.

    The interval over languages is a cluster bootstrap: whole languages, with all their configurations, are resampled
    with replacement, and the mean difference of a draw is a ratio of sums. With few languages it is too narrow (4
    languages have only 35 different draws). For the interval over seeds, ``seed`` and ``ranking_seed`` are each
    resampled, with the same draw for all configurations. Two methods with the same seeds share the draw, so that what
    the seeds do to both does not count as a difference.

    Parameters
    ----------
    curves : DataFrame
        As in :func:`~pitfalls.comparison.wilcoxon.wilcoxon_matrix`.
    methods : (a, b)
        Each (probe, ranking, direction), such as a :class:`~pitfalls.comparison.pairs.Method`.
    level : float
        The interval holds this share of the draws, in the middle (percentiles, interpolated).

    Returns
    -------
    One row per source of uncertainty: probe_a, ranking_a, direction_a, the same for b, k, over ("languages"; where a
    method has several seeds also "seeds" and "languages and seeds"), n_pairs (configurations), n_languages, n_seeds_a
    and n_seeds_b (rows per configuration), mean_difference (a minus b), low, high, level, draws.

    Raises
    ------
    ValueError
        For a method that the table lacks, two equal methods, fewer than one draw or two languages, a level outside
        0 to 1, and configurations that do not have the same seeds; and as in ``wilcoxon_matrix``.

    Warns
    -----
    UserWarning
        If configurations lack one of the methods.

    Examples
    --------
    >>> curves = pd.DataFrame({"language": ["eng", "spa"] * 2, "attribute": "Number", "layer": 2, "k": 10,
    ...     "probe": ["linear"] * 2 + ["gaussian"] * 2, "ranking": "lca", "direction": "ttb",
    ...     "accuracy": [0.9, 0.8, 0.6, 0.7]})
    >>> found = paired_interval(curves, 10, (Method("linear", "lca"), Method("gaussian", "lca")))
    >>> found[["over", "mean_difference", "low", "high"]].round(3).values.tolist()
    [['languages', 0.2, 0.1, 0.3]]
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, both excluded, such as 0.95; it is {level!r}")
    draws = whole(draws, "draws", 1)
    a, b = (Method(*method) for method in methods)
    rows = of_methods(checked_rows(curves, [k]), a, b)
    (matrix,) = comparisons(rows, by=None)
    both = matrix.configurations[~np.isnan(matrix.differences()[:, 0])]
    member = membership(both)
    n_languages = member.shape[1]
    if n_languages < 2:
        raise ValueError("all pairs are in one language, which cannot be resampled: give two languages or more")
    accuracy_a, seeds_a = _by_seed(rows, a, both)
    accuracy_b, seeds_b = _by_seed(rows, b, both)
    generator = np.random.default_rng(seed)
    languages = _drawn(n_languages, draws, generator)
    weights_a = [_drawn(len(values), draws, generator) for values in seeds_a]
    weights_b = [
        of_a if values == others else _drawn(len(values), draws, generator)
        for of_a, values, others in zip(weights_a, seeds_b, seeds_a, strict=True)
    ]
    # [1, n_configurations]; over draws of seeds it becomes [draws, n_configurations].
    difference = (accuracy_a.mean(axis=(1, 2)) - accuracy_b.mean(axis=(1, 2)))[None, :]
    sources = {"languages": (languages, difference)}
    if accuracy_a[0].size > 1 or accuracy_b[0].size > 1:
        of_seeds = _mean_of_draws(accuracy_a, weights_a) - _mean_of_draws(accuracy_b, weights_b)
        sources |= {"seeds": (np.ones((1, n_languages)), of_seeds), "languages and seeds": (languages, of_seeds)}
    found = []
    for over, (weights, differences) in sources.items():
        means = (weights * (differences @ member)).sum(axis=1) / (weights @ member.sum(axis=0))
        low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
        found.append({"over": over, "low": low, "high": high})
    keys = dict(zip(SIDES, [*a, *b], strict=True)) | {"k": k}
    sizes = {"n_pairs": len(both), "n_languages": n_languages}
    sizes |= {"n_seeds_a": accuracy_a[0].size, "n_seeds_b": accuracy_b[0].size}
    table = pd.DataFrame(found).assign(**keys, **sizes, mean_difference=difference.mean(), level=level, draws=draws)
    return table[[*keys, "over", *sizes, "mean_difference", "low", "high", "level", "draws"]]


def _by_seed(
    rows: pd.DataFrame, method: Method, configurations: pd.MultiIndex
) -> tuple[NDArray[np.float64], list[list[Any]]]:
    """A method's accuracies, [n_configurations, n_ranking_seeds, n_seeds], and the two lists of seeds."""
    own = rows[(rows[METHOD] == list(method)).all(axis=1)]
    seeds = [sorted(own[column].unique().tolist()) for column in DRAW]
    grid = pd.MultiIndex.from_product(seeds, names=DRAW)
    wide = own.set_index([*CONFIGURATION, *DRAW])["accuracy"].unstack(DRAW).reindex(configurations, columns=grid)
    lacking = wide.isna().any(axis=1)
    if lacking.any():
        raise ValueError(
            f"{method} does not have the same seeds in all configurations: {named(wide.index[lacking])} lack some "
            f"pairs of ranking_seed {seeds[0]} and seed {seeds[1]}, so seeds cannot be resampled: add or drop rows"
        )
    return wide.to_numpy(dtype=np.float64).reshape(len(wide), *map(len, seeds)), seeds


def _drawn(n: int, draws: int, generator: np.random.Generator) -> NDArray[np.float64]:
    """How often each of n is drawn in n draws with replacement, [draws, n]."""
    return np.asarray(generator.multinomial(n, np.full(n, 1 / n), size=draws), dtype=np.float64)


def _mean_of_draws(accuracy: NDArray[np.float64], weights: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Mean over seeds, each counted as often as it was drawn, [draws, n_configurations]."""
    sums = np.einsum("crs,dr,ds->dc", accuracy, *weights, optimize=True)
    return np.asarray(sums / accuracy[0].size, dtype=np.float64)
