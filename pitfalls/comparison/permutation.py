"""Permutation of whole languages: a test that does not treat configurations as independent."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pitfalls.comparison.pairs import Comparison, Grouping, checked_rows, comparisons, families, membership
from pitfalls.comparison.wilcoxon import PAPER_KS
from pitfalls.numbers import whole


def blocked_permutations(
    curves: pd.DataFrame,
    ks: Iterable[int] = PAPER_KS,
    by: Grouping | None = None,
    draws: int = 10_000,
    seed: int = 0,
) -> pd.DataFrame:
    """Compare every pair of methods by a permutation test that treats only languages as independent.

    If two methods are equally good, each language's differences are just as likely to have the opposite signs. So the
    signs of all configurations of a language are flipped together, and p is the share of flips whose mean difference is
    at least as far from 0 as the observed one. With n languages there are 2^n flips, so p cannot be below 2 / 2^n:
    0.125 for 4 languages, 0.004 for 9. The test is exact if, without an effect, the means are symmetric about 0. It
    asks about the languages at hand, and each counts in proportion to its configurations.

    Parameters
    ----------
    curves, ks, by:
        As in :func:`~pitfalls.comparison.wilcoxon.wilcoxon_matrix`. Grouped by language, each group is a single block,
        and all p-values are 1.
    draws : int
        Up to this many flips are enumerated (exact); if there are more, this many are drawn, and p is
        (hits + 1) / (draws + 1).
    seed : int
        For the drawn flips, which are the same for all pairs of methods.

    Returns
    -------
    One row per ordered pair, group and k, with the keys of ``wilcoxon_matrix``, n_configurations, n_pairs, n_blocks
    (languages), mean_difference, p_value, least_p (the smallest p-value that this number of languages and draws
    allows), exact, flips (enumerated or drawn), p_adjusted (as in ``wilcoxon_matrix``; never below least_p).

    Raises
    ------
    ValueError
        As in ``wilcoxon_matrix``, and for fewer than one draw.

    Warns
    -----
    UserWarning
        As in ``wilcoxon_matrix``.

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
    draws = whole(draws, "draws", 1)
    return families([_sign_flips(matrix, draws, seed) for matrix in comparisons(checked_rows(curves, ks), by)])


def _sign_flips(matrix: Comparison, draws: int, seed: int) -> pd.DataFrame:
    keys, differences = matrix.keys(), matrix.differences()
    paired, member = ~np.isnan(differences), membership(matrix.configurations)
    # Sums over a language's configurations, [n_pairs, n_languages]; a language without a pair is not a block.
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
        # All flips include the observed one; drawn flips need it added.
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
    """Flips, [n_flips, n_blocks] of 1 and -1, and whether these are all the possible ones."""
    if n_blocks < 63 and 2**n_blocks <= draws:
        bits = np.arange(2**n_blocks)[:, None] >> np.arange(n_blocks) & 1
        return np.asarray(1 - 2 * bits, dtype=np.float64), True
    drawn = np.random.default_rng(seed).integers(0, 2, size=(draws, n_blocks))
    return np.asarray(1 - 2 * drawn, dtype=np.float64), False
