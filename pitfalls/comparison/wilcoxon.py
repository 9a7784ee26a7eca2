"""Wilcoxon's signed-rank test over all configurations: the paper's test of one method against another.

A method is a probe on a ranking: (probe, ranking, direction). Two methods are compared on the configurations
(language, attribute, site) that have both; rows that differ only in their seeds are averaged first.

The test treats configurations as independent, which they are not: they share languages, layers and attributes, so its
p-values are too small. :mod:`~pitfalls.comparison.permutation` and :mod:`~pitfalls.comparison.paired_interval` treat
only languages as independent.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata, wilcoxon

from pitfalls.comparison.pairs import Comparison, Grouping, checked_rows, comparisons, families

#: Numbers of neurons at which the paper compares methods.
PAPER_KS = (10, 50, 150)

# Up to this many differences the signed-rank test is exact, as it is in SciPy without ties.
_EXACT_PAIRS = 50


def wilcoxon_matrix(curves: pd.DataFrame, ks: Iterable[int] = PAPER_KS, by: Grouping | None = None) -> pd.DataFrame:
    """Compare every pair of methods by Wilcoxon's signed-rank test on paired accuracies, as the paper does.

    Two-sided; zero differences get no rank (SciPy's ``zero_method="wilcox"``), and there is no continuity correction.
    With up to 50 non-zero differences, the p-value is exact, even with ties; above that it is SciPy's normal
    approximation. If all differences are zero, p is 1.

    Parameters
    ----------
    curves : DataFrame
        Tables of :func:`~pitfalls.probes.curves.probe_curves` of many configurations, concatenated, all of one task and
        split.
    ks : iterable of int
        Numbers of neurons that the table has; the default is the paper's.
    by : str, optional
        A column: there is one matrix per value of it; by default, one matrix covers all configurations.

    Returns
    -------
    One row per ordered pair of different methods, group and k, sorted: by, group ("all" where ``by`` is None), k,
    probe_a, ranking_a, direction_a, the same for b, n_configurations (of the group), n_pairs (configurations that have
    both methods), wins and losses (of a against b), n_ties (equal accuracies), mean_difference and median_difference
    (accuracy of a minus b, over the pairs, ties included), statistic (the smaller sum of ranks; NaN without a
    non-zero difference), rank_biserial (matched pairs: sum of ranks where a is ahead minus where b is, over their sum;
    1 where a is never behind, 0 without a non-zero difference), p_value, p_adjusted (Benjamini and Hochberg 1995;
    the family is all pairs of methods of one group and k, 91 for 14 methods).

    Raises
    ------
    ValueError
        If a column is missing, a k is not in the table, an accuracy is not a number, rows are repeated, there are
        several tasks or splits, or fewer than two methods, or two methods have no configuration in common.

    Warns
    -----
    UserWarning
        If configurations lack a method; it then has fewer pairs, and ``n_pairs`` says how many.

    Notes
    -----
    The authors' code tests paired accuracies at these k, overall and by language, layer and attribute ([C],
    SOURCES.md). The effect size is that of Kerby (2014, Comprehensive Psychology 3, 11.IT.3.1).

    Examples
    --------
    >>> curves = pd.DataFrame({"language": ["eng", "spa", "rus"] * 2, "attribute": "Number", "layer": 2, "k": 10,
    ...     "probe": ["linear"] * 3 + ["gaussian"] * 3, "ranking": "probeless", "direction": "ttb",
    ...     "accuracy": [0.9, 0.8, 0.7, 0.6, 0.9, 0.5]})
    >>> table = wilcoxon_matrix(curves, ks=[10])
    >>> table[["probe_a", "wins", "losses", "mean_difference", "statistic", "rank_biserial", "p_value"]].round(2)
        probe_a  wins  losses  mean_difference  statistic  rank_biserial  p_value
    0  gaussian     1       2            -0.13        1.0          -0.67      0.5
    1    linear     2       1             0.13        1.0           0.67      0.5
    """
    return families([_signed_ranks(matrix) for matrix in comparisons(checked_rows(curves, ks), by)])


def _signed_ranks(matrix: Comparison) -> pd.DataFrame:
    keys = matrix.keys()
    tests = [_signed_rank_test(column[~np.isnan(column)]) for column in matrix.differences().T]
    return pd.concat([keys, pd.DataFrame(tests)], axis=1)


def _signed_rank_test(differences: NDArray[np.float64]) -> dict[str, float]:
    nonzero = differences[differences != 0]
    ranks = rankdata(np.abs(nonzero))
    ahead, behind = float(ranks[nonzero > 0].sum()), float(ranks[nonzero < 0].sum())
    statistic = min(ahead, behind)
    if len(nonzero) > _EXACT_PAIRS:
        # "auto" is the normal approximation here, under a name that SciPy has changed.
        p_value = float(wilcoxon(nonzero, zero_method="wilcox", correction=False, method="auto").pvalue)
    else:
        p_value = _exact_p_value(ranks, statistic)
    return {
        "wins": int((nonzero > 0).sum()),
        "losses": int((nonzero < 0).sum()),
        "n_ties": len(differences) - len(nonzero),
        "mean_difference": float(differences.mean()),
        "median_difference": float(np.median(differences)),
        "statistic": statistic if len(nonzero) else math.nan,
        "rank_biserial": (ahead - behind) / (ahead + behind) if len(nonzero) else 0.0,
        "p_value": p_value,
    }


def _exact_p_value(ranks: NDArray[np.float64], statistic: float) -> float:
    """Two-sided p of the smaller rank sum, if each rank has either sign with equal chance; ranks may be tied."""
    # Doubling makes tied ranks whole, too. chance[s] is the chance that the ranks so far sum to s / 2 on one side.
    doubled = np.rint(2 * ranks).astype(np.int64)
    chance = np.zeros(int(doubled.sum()) + 1)
    chance[0] = 1.0
    for rank in doubled:
        chance[rank:] = chance[rank:] + chance[:-rank]
        chance /= 2
    return min(1.0, 2 * float(chance[: round(2 * statistic) + 1].sum()))
