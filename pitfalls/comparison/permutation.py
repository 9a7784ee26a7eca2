"""Permutation of whole languages: a test that does not take configurations for independent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pitfalls.comparison.pairs import (
    SIDES,
    Comparison,
    Grouping,
    Method,
    check_draws,
    checked_rows,
    comparisons,
    families,
    membership,
    of_methods,
)
from pitfalls.comparison.wilcoxon import PAPER_KS


def blocked_permutations(
    curves: pd.DataFrame,
    ks: Iterable[int] = PAPER_KS,
    by: Grouping | None = None,
    draws: int = 10_000,
    seed: int = 0,
) -> pd.DataFrame:
    """Compare every two methods by a permutation test that takes only languages for independent.

    If two methods are equally good, each language's differences are as likely with the opposite signs. So the signs
    of all configurations of a language are flipped together, and p is the share of flips with a mean difference at
    least as far from 0 as the observed one. Of n languages there are 2^n flips, so that p cannot be below 2 / 2^n:
    with 4 languages 0.125, with 9 0.004. The test is exact for means that are symmetric about 0 if nothing differs;
    it asks about the languages at hand, each weighing as much as it has configurations.

    Parameters
    ----------
    curves, ks, by:
        As of :func:`wilcoxon_matrix`. By language a group is a single block, and all p-values are 1.
    draws:
        All flips are enumerated where there are at most so many (exact); otherwise so many are drawn, and p is
        (hits + 1) / (draws + 1).
    seed:
        Of the drawn flips, which are the same for all pairs of methods.

    Returns
    -------
    One row an ordered pair, group and k, with the keys of :func:`wilcoxon_matrix` and: n_configurations, n_pairs,
    n_blocks (languages), mean_difference, p_value, least_p (the smallest p-value that so many languages and draws can
    give), exact, flips (enumerated or drawn), p_adjusted (as there, so it is never below least_p).

    Raises
    ------
    ValueError
        As :func:`wilcoxon_matrix`, and for fewer than one draw.

    Warns
    -----
    UserWarning
        As :func:`wilcoxon_matrix`.

    Examples
    --------
    >>> curves = pd.DataFrame({"language": ["eng", "spa", "rus", "tur"] * 2, "attribute": "Number", "layer": 2, "k": 10,
    ...     "probe": ["linear"] * 4 + ["gaussian"] * 4, "ranking": "probeless", "direction": "ttb",
    ...     "accuracy": [0.9, 0.8, 0.7, 0.8, 0.6, 0.7, 0.5, 0.5]})
    >>> table = blocked_permutations(curves, ks=[10])
    >>> table[["probe_a", "mean_difference", "n_blocks", "p_value", "least_p"]].round(3)
        probe_a  mean_difference  n_blocks  p_value  least_p
    0  gaussian           -0.225         4    0.125    0.125
    1    linear            0.225         4    0.125    0.125
    """
    check_draws(draws)
    return families([_sign_flips(matrix, draws, seed) for matrix in comparisons(checked_rows(curves, ks), by)])


def blocked_permutation(
    curves: pd.DataFrame, a: Sequence[str], b: Sequence[str], k: int, draws: int = 10_000, seed: int = 0
) -> pd.DataFrame:
    """The test of :func:`blocked_permutations` of two methods at one k, over all configurations.

    Parameters
    ----------
    a, b:
        (probe, ranking, direction), such as :class:`Method`.

    Returns
    -------
    That row of :func:`blocked_permutations`, without p_adjusted: there is no family.

    Raises
    ------
    ValueError
        As there, for a method that the table lacks, and for two equal ones.

    Examples
    --------
    >>> curves = pd.DataFrame({"language": ["eng", "spa"] * 2, "attribute": "Number", "layer": 2, "k": 10,
    ...     "probe": ["linear"] * 2 + ["gaussian"] * 2, "ranking": "lca", "direction": "btt",
    ...     "accuracy": [0.9, 0.8, 0.6, 0.7]})
    >>> test = blocked_permutation(curves, ("linear", "lca", "btt"), ("gaussian", "lca", "btt"), k=10)
    >>> test[["mean_difference", "p_value", "least_p"]].round(3).values.tolist()
    [[0.2, 0.5, 0.5]]
    """
    a, b = Method(*a), Method(*b)
    check_draws(draws)
    (matrix,) = comparisons(of_methods(checked_rows(curves, [k]), a, b), by=None)
    table = families([_sign_flips(matrix, draws, seed)])
    wanted = (table[SIDES] == [*a, *b]).all(axis=1)
    return table[wanted].drop(columns="p_adjusted").reset_index(drop=True)


def _sign_flips(matrix: Comparison, draws: int, seed: int) -> pd.DataFrame:
    keys, differences = matrix.keys(), matrix.differences()
    paired, member = ~np.isnan(differences), membership(matrix.configurations)
    # Sums over a language's configurations, [n_pairs, n_languages]; a language without a pair is no block.
    sums, present = np.where(paired, differences, 0.0).T @ member, paired.T @ member > 0
    n_blocks = present.sum(axis=1)
    p_value, least_p, exact, flips = (np.empty(len(sums), dtype) for dtype in (float, float, bool, np.int64))
    for n in np.unique(n_blocks).tolist():
        pairs = n_blocks == n
        blocks = sums[pairs][present[pairs]].reshape(-1, n)
        signs, exact[pairs] = _signs(n, draws, seed)
        flips[pairs] = len(signs)
        # Equal sums may differ in their last bits.
        observed = np.abs(blocks.sum(axis=1)) - 1e-12 * np.abs(blocks).sum(axis=1)
        hits = (np.abs(signs @ blocks.T) >= observed).sum(axis=0)
        # What was observed is among all flips, and is counted as one more of the drawn ones.
        more = 0 if exact[pairs].all() else 1
        p_value[pairs] = (hits + more) / (len(signs) + more)
        least_p[pairs] = max(2.0 ** (1 - n), more / (len(signs) + more))
    return keys.assign(
        n_blocks=n_blocks,
        mean_difference=sums.sum(axis=1) / paired.sum(axis=0),
        p_value=p_value,
        least_p=least_p,
        exact=exact,
        flips=flips,
    )


def _signs(n_blocks: int, draws: int, seed: int) -> tuple[NDArray[np.float64], bool]:
    """Flips, [n_flips, n_blocks] of 1 and -1, and whether they are all that there are."""
    if n_blocks < 63 and 2**n_blocks <= draws:
        bits = np.arange(2**n_blocks)[:, None] >> np.arange(n_blocks) & 1
        return np.asarray(1 - 2 * bits, dtype=np.float64), True
    drawn = np.random.default_rng(seed).integers(0, 2, size=(draws, n_blocks))
    return np.asarray(1 - 2 * drawn, dtype=np.float64), False
