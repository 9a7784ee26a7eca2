"""Statistics over all configurations: whether one method is ahead of another, by how much, and how sure that is.

A method is a probe on a ranking: (probe, ranking, direction). Two methods are compared on the configurations
(language, attribute, layer) that have both; rows that differ in their seeds only are averaged before.

The paper's test is Wilcoxon's signed-rank test on these pairs (:func:`wilcoxon_matrix`). It takes configurations for
independent, which they are not: they share languages, layers and attributes, so its p-values are too small. Beside it
stand a permutation test (:func:`blocked_permutations`) and an interval (:func:`paired_interval`) that take only
languages for independent.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import false_discovery_control, rankdata, wilcoxon

from pitfalls.columns import CONFIGURATION

Grouping = Literal["language", "layer", "attribute"]

#: Numbers of neurons at which the paper compares methods.
PAPER_KS = (10, 50, 150)

_METHOD = ["probe", "ranking", "direction"]
_DRAW = ["ranking_seed", "seed"]
_SIDES = [f"{column}_{side}" for side in "ab" for column in _METHOD]
# The same table with the two methods in the other order: these swap ...
_SWAPPED = {f"{column}_{side}": f"{column}_{other}" for side, other in ("ab", "ba") for column in _METHOD}
_SWAPPED |= {"wins": "losses", "losses": "wins"}
# ... and these change their sign.
_SIGNED = ["mean_difference", "median_difference", "rank_biserial"]
# Differences of accuracies are compared with each other, and 0.3 - 0.2 is not 0.2 - 0.1 in floating point. Two
# different ones are about 1 / words² apart, so that twelve decimals join only what is the same.
_DECIMALS = 12
# Up to so many differences the signed-rank test is exact, as it is in SciPy without ties.
_EXACT_PAIRS = 50


class Method(NamedTuple):
    """A probe, and the ranking whose first k neurons it reads.

    >>> print(Method("linear", "gaussian"), "|", Method("gaussian", "probeless", "btt"))
    linear by gaussian (ttb) | gaussian by probeless (btt)
    """

    probe: str
    ranking: str
    direction: str = "ttb"

    def __str__(self) -> str:
        return f"{self.probe} by {self.ranking} ({self.direction})"


# -------------------------------------------------------------------- Wilcoxon's signed-rank test


def wilcoxon_matrix(curves: pd.DataFrame, ks: Iterable[int] = PAPER_KS, by: Grouping | None = None) -> pd.DataFrame:
    """Compare every two methods by Wilcoxon's signed-rank test on their paired accuracies, as the paper does.

    Two-sided; zero differences are left out of the ranks (SciPy's ``zero_method="wilcox"``), without continuity
    correction. Up to 50 non-zero differences the p-value is exact, ties among them included; above that it is SciPy's
    normal approximation. Where all differences are zero, p is 1.

    Parameters
    ----------
    curves:
        Tables of :func:`~pitfalls.probes.curves.probe_curves` of many configurations, concatenated; of one task and
        split.
    ks:
        Numbers of neurons that the table has; the default is the paper's.
    by:
        None for one matrix over all configurations, or the column with a matrix for each of its values.

    Returns
    -------
    One row an ordered pair of different methods, group and k, sorted: by, group ("all" where ``by`` is None), k,
    probe_a, ranking_a, direction_a, the same for b, n_configurations (of the group), n_pairs (configurations that have
    both methods), wins and losses (of a against b), n_ties (equal accuracies), mean_difference and median_difference
    (accuracy of a minus b, over the pairs, ties included), statistic (the smaller sum of ranks; NaN without a
    non-zero difference), rank_biserial (matched pairs: sum of ranks where a is ahead minus where b is, over their sum;
    1 where a is never behind, 0 without a non-zero difference), p_value, p_adjusted (Benjamini and Hochberg 1995;
    the family is all pairs of methods of one group and k, 91 of 14 methods).

    Raises
    ------
    ValueError
        If a column is missing, a k is not in the table, an accuracy is not a number, rows come twice, there are several
        tasks or splits, fewer than two methods, or two methods with no configuration in common.

    Warns
    -----
    UserWarning
        If configurations lack a method; its pairs are then fewer, and ``n_pairs`` says how many.

    Notes
    -----
    That the paper tests paired accuracies at these k, overall and by language, layer and attribute, was read in the
    authors' code ([C], SOURCES.md). The effect size is that of Kerby (2014, Comprehensive Psychology 3, 11.IT.3.1).

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
    return _tables([_signed_ranks(matrix) for matrix in _matrices(_checked(curves, ks), by)])


def _signed_ranks(matrix: _Matrix) -> pd.DataFrame:
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
    """Two-sided p of the smaller rank sum, each rank being of either sign with equal chance; ranks may be tied."""
    # Doubled, tied ranks are whole too. chance[s]: that the ranks so far sum to s / 2 on one side.
    doubled = np.rint(2 * ranks).astype(np.int64)
    chance = np.zeros(int(doubled.sum()) + 1)
    chance[0] = 1.0
    for rank in doubled:
        chance[rank:] = chance[rank:] + chance[:-rank]
        chance /= 2
    return min(1.0, 2 * float(chance[: round(2 * statistic) + 1].sum()))


# -------------------------------------------------------------------- permutation of whole languages


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
    _check_draws(draws)
    return _tables([_sign_flips(matrix, draws, seed) for matrix in _matrices(_checked(curves, ks), by)])


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
    _check_draws(draws)
    (matrix,) = _matrices(_of_methods(_checked(curves, [k]), a, b), by=None)
    table = _tables([_sign_flips(matrix, draws, seed)])
    wanted = (table[_SIDES] == [*a, *b]).all(axis=1)
    return table[wanted].drop(columns="p_adjusted").reset_index(drop=True)


def _sign_flips(matrix: _Matrix, draws: int, seed: int) -> pd.DataFrame:
    keys, differences = matrix.keys(), matrix.differences()
    paired, member = ~np.isnan(differences), _membership(matrix.configurations)
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


# -------------------------------------------------------------------- intervals


def paired_interval(
    curves: pd.DataFrame,
    a: Sequence[str],
    b: Sequence[str],
    k: int,
    level: float = 0.95,
    draws: int = 10_000,
    seed: int = 0,
) -> pd.DataFrame:
    """How far method a is ahead of b in accuracy at k, with intervals over languages and over seeds.

    Over languages it is a cluster bootstrap: whole languages, with all their configurations, are drawn anew with
    replacement, and the mean difference of a draw is a ratio of sums. With few languages it is too narrow (of 4 there
    are only 35 different draws); ``n_languages`` says how many there were. Over seeds, the seeds are drawn anew, the
    same for all configurations: ``seed`` and ``ranking_seed`` each on its own, and one draw for both methods where
    both have the same seeds, so that what they share does not count as a difference.

    Parameters
    ----------
    curves:
        As of :func:`wilcoxon_matrix`.
    a, b:
        (probe, ranking, direction), such as :class:`Method`.
    level:
        The interval holds this share of the draws, in the middle (percentiles, interpolated).

    Returns
    -------
    One row a source of doubt: probe_a, ranking_a, direction_a, the same for b, k, over ("languages"; where a method has
    several seeds also "seeds" and "languages and seeds"), n_pairs (configurations), n_languages, n_seeds_a and
    n_seeds_b (rows a configuration), mean_difference, low, high, level, draws.

    Raises
    ------
    ValueError
        As :func:`blocked_permutation`; for fewer than two languages, a level outside 0 to 1, and configurations that do
        not have the same seeds.

    Warns
    -----
    UserWarning
        If configurations lack one of the methods.

    Examples
    --------
    >>> curves = pd.DataFrame({"language": ["eng", "spa"] * 2, "attribute": "Number", "layer": 2, "k": 10,
    ...     "probe": ["linear"] * 2 + ["gaussian"] * 2, "ranking": "lca", "direction": "ttb",
    ...     "accuracy": [0.9, 0.8, 0.6, 0.7]})
    >>> found = paired_interval(curves, Method("linear", "lca"), Method("gaussian", "lca"), k=10)
    >>> found[["over", "mean_difference", "low", "high"]].round(3).values.tolist()
    [['languages', 0.2, 0.1, 0.3]]
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, both excluded, such as 0.95; it is {level!r}")
    _check_draws(draws)
    a, b = Method(*a), Method(*b)
    rows = _of_methods(_checked(curves, [k]), a, b)
    (matrix,) = _matrices(rows, by=None)
    both = matrix.configurations[~np.isnan(matrix.differences()[:, 0])]
    member = _membership(both)
    n_languages = member.shape[1]
    if n_languages < 2:
        raise ValueError("all pairs are of one language, which cannot be drawn anew: give two or more")
    accuracy_a, seeds_a = _by_seed(rows, a, both)
    accuracy_b, seeds_b = _by_seed(rows, b, both)
    generator = np.random.default_rng(seed)
    languages = _drawn(n_languages, draws, generator)
    weights_a = [_drawn(len(values), draws, generator) for values in seeds_a]
    weights_b = [
        of_a if values == others else _drawn(len(values), draws, generator)
        for of_a, values, others in zip(weights_a, seeds_b, seeds_a, strict=True)
    ]
    # [1, n_configurations], and of every draw of seeds [draws, n_configurations].
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
    keys = dict(zip(_SIDES, [*a, *b], strict=True)) | {"k": k}
    sizes = {"n_pairs": len(both), "n_languages": n_languages}
    sizes |= {"n_seeds_a": accuracy_a[0].size, "n_seeds_b": accuracy_b[0].size}
    table = pd.DataFrame(found).assign(**keys, **sizes, mean_difference=difference.mean(), level=level, draws=draws)
    return table[[*keys, "over", *sizes, "mean_difference", "low", "high", "level", "draws"]]


def _by_seed(
    rows: pd.DataFrame, method: Method, configurations: pd.MultiIndex
) -> tuple[NDArray[np.float64], list[list[Any]]]:
    """A method's accuracies, [n_configurations, n_ranking_seeds, n_seeds], and the two lists of seeds."""
    own = rows[(rows[_METHOD] == list(method)).all(axis=1)]
    seeds = [sorted(own[column].unique().tolist()) for column in _DRAW]
    grid = pd.MultiIndex.from_product(seeds, names=_DRAW)
    wide = own.set_index([*CONFIGURATION, *_DRAW])["accuracy"].unstack(_DRAW).reindex(configurations, columns=grid)
    lacking = wide.isna().any(axis=1)
    if lacking.any():
        raise ValueError(
            f"{method} does not have the same seeds in all configurations: {_named(wide.index[lacking])} lack some of "
            f"ranking_seed {seeds[0]} by seed {seeds[1]}, so seeds cannot be drawn anew: give all of them, or fewer"
        )
    return wide.to_numpy(dtype=np.float64).reshape(len(wide), *map(len, seeds)), seeds


def _drawn(n: int, draws: int, generator: np.random.Generator) -> NDArray[np.float64]:
    """How often each of n is among n drawn with replacement, [draws, n]."""
    return np.asarray(generator.multinomial(n, np.full(n, 1 / n), size=draws), dtype=np.float64)


def _mean_of_draws(accuracy: NDArray[np.float64], weights: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Mean over seeds that count as often as they were drawn, [draws, n_configurations]."""
    sums = np.einsum("crs,dr,ds->dc", accuracy, *weights, optimize=True)
    return np.asarray(sums / accuracy[0].size, dtype=np.float64)


# -------------------------------------------------------------------- what they have in common


@dataclass(frozen=True)
class _Matrix:
    """What one matrix compares: the accuracies of one group at one k.

    ``accuracy`` [n_configurations, n_methods] is the mean over seeds, NaN where a configuration lacks a method.
    """

    by: str
    group: Any
    k: int
    configurations: pd.MultiIndex
    methods: Sequence[Method]
    accuracy: NDArray[np.float64]

    def pairs(self) -> list[tuple[Method, Method]]:
        """Every two methods; the order of triu_indices is that of combinations."""
        return list(combinations(self.methods, 2))

    def differences(self) -> NDArray[np.float64]:
        """First minus second of every pair, [n_configurations, n_pairs]; NaN where one is missing.

        Raises
        ------
        ValueError
            If a pair has no configuration.
        """
        first, second = np.triu_indices(len(self.methods), 1)
        differences = np.asarray((self.accuracy[:, first] - self.accuracy[:, second]).round(_DECIMALS))
        for (a, b), empty in zip(self.pairs(), np.isnan(differences).all(axis=0), strict=True):
            if empty:
                where = "" if self.by == "all" else f" of {self.by} {self.group!r}"
                raise ValueError(
                    f"{a} and {b} have no configuration{where} in common at k = {self.k}: leave one of them out, or "
                    "add configurations that have both"
                )
        return differences

    def keys(self) -> pd.DataFrame:
        """A row a pair, in the order of the columns of :meth:`differences`."""
        n_pairs = (~np.isnan(self.differences())).sum(axis=0)
        keys = pd.DataFrame({"by": self.by, "group": self.group, "k": self.k}, index=range(len(n_pairs)))
        keys[_SIDES] = [[*a, *b] for a, b in self.pairs()]
        return keys.assign(n_configurations=len(self.configurations), n_pairs=n_pairs)


def _checked(curves: pd.DataFrame, ks: Iterable[int]) -> pd.DataFrame:
    """The rows of these ks in an order of their own, whatever order they came in."""
    missing = [column for column in [*CONFIGURATION, *_METHOD, "k", "accuracy"] if column not in curves.columns]
    if missing:
        raise ValueError(f"statistics need the columns {missing}; the table has {list(curves.columns)}")
    for column in ("task", "split"):
        found = curves[column].drop_duplicates().tolist() if column in curves.columns else []
        if len(found) > 1:
            raise ValueError(f"statistics are of one {column}, and the table has {found[:6]}; select the rows of one")
    steps, known = sorted(set(ks)), sorted(set(curves["k"].tolist()))
    unknown = [k for k in steps if k not in known]
    if unknown or not steps:
        raise ValueError(f"ks must be among the table's k, {_shortened(known)}; they are {steps}, without {unknown}")
    given = [column for column in _DRAW if column in curves.columns]
    keys = [*CONFIGURATION, *_METHOD, "k", *_DRAW]
    rows = curves.assign(**{column: 0 for column in _DRAW if column not in given})
    rows = rows.loc[rows["k"].isin(steps), [*keys, "accuracy"]]
    empty = rows[rows.isna().any(axis=1)]
    if len(empty):
        raise ValueError(f"{len(empty)} rows have no value in some column; the first is {empty.iloc[0].to_dict()}")
    twice = rows[rows.duplicated(keys)]
    if len(twice):
        raise ValueError(
            f"a configuration has a method twice, with the same k and seeds: {twice.iloc[0][keys].to_dict()}; "
            "select the rows of one model and one run"
        )
    return rows.sort_values(keys, ignore_index=True)


def _of_methods(rows: pd.DataFrame, a: Method, b: Method) -> pd.DataFrame:
    """The rows of two methods."""
    if a == b:
        raise ValueError(f"both methods are {a}: give two")
    known = _methods(rows)
    for method in (a, b):
        if method not in known:
            raise ValueError(f"the table has no {method}, only {_shortened([str(one) for one in known])}")
    wanted = [(rows[_METHOD] == list(method)).all(axis=1) for method in (a, b)]
    return rows[wanted[0] | wanted[1]]


def _methods(rows: pd.DataFrame) -> list[Method]:
    return sorted(Method(*names) for names in rows[_METHOD].drop_duplicates().itertuples(index=False, name=None))


def _matrices(rows: pd.DataFrame, by: Grouping | None) -> list[_Matrix]:
    """What is to be compared, by group and k, of rows that are :func:`_checked`; warns of missing methods."""
    if by is not None and by not in get_args(Grouping):
        raise ValueError(f"by must be None or one of {', '.join(get_args(Grouping))}, not {by!r}")
    methods = _methods(rows)
    if len(methods) < 2:
        raise ValueError(f"a comparison needs two methods, and the table has {[str(method) for method in methods]}")
    means = rows.groupby([*CONFIGURATION, *_METHOD, "k"], sort=True)["accuracy"].mean()
    found: list[tuple[Any, _Matrix]] = []
    for k in sorted(rows["k"].unique().tolist()):
        wide = means.xs(k, level="k").unstack(_METHOD).reindex(columns=pd.MultiIndex.from_tuples(methods))
        _warn_of_missing(wide, methods, k)
        groups = wide.index.get_level_values(by) if by else pd.Index(["all"] * len(wide))
        for group in sorted(groups.unique().tolist()):
            own = wide[groups == group]
            found.append((group, _Matrix(by or "all", group, k, own.index, methods, own.to_numpy(dtype=np.float64))))
    # By group, then k: the sort is stable.
    return [matrix for _, matrix in sorted(found, key=lambda pair: pair[0])]


def _warn_of_missing(wide: pd.DataFrame, methods: Sequence[Method], k: Any) -> None:
    missing = wide.isna().to_numpy()
    told = [
        f"{method} in {absent.sum()} ({_named(wide.index[absent])})"
        for method, absent in zip(methods, missing.T, strict=True)
        if absent.any()
    ]
    if told:
        warnings.warn(
            f"of {len(wide)} configurations at k = {k}, {(~missing.any(axis=1)).sum()} have all methods; missing: "
            f"{'; '.join(told)}. Their pairs are of the configurations that have both: see n_pairs",
            UserWarning,
            stacklevel=4,
        )


def _named(configurations: pd.Index) -> str:
    return _shortened([f"{language} {attribute} layer {layer}" for language, attribute, layer in configurations], 3)


def _shortened(values: Sequence[Any], n: int = 20) -> str:
    return ", ".join(map(str, values[:n])) + (", ..." if len(values) > n else "")


def _membership(configurations: pd.MultiIndex) -> NDArray[np.float64]:
    """1 where a configuration is of a language, [n_configurations, n_languages], else 0."""
    language = configurations.get_level_values("language").to_numpy()
    return np.asarray(language[:, None] == np.unique(language)[None, :], dtype=np.float64)


def _tables(tests: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """One table of the tests of several matrices, each a family, with both orders of every two methods."""
    return pd.concat([_both_ways(own.assign(p_adjusted=_adjusted(own["p_value"]))) for own in tests], ignore_index=True)


def _adjusted(p_values: pd.Series[float]) -> NDArray[np.float64]:
    return np.asarray(false_discovery_control(p_values.to_numpy(), method="bh"), dtype=np.float64)


def _both_ways(tests: pd.DataFrame) -> pd.DataFrame:
    mirrored = tests.rename(columns=_SWAPPED)[tests.columns]
    signed = [column for column in _SIGNED if column in tests.columns]
    mirrored[signed] = 0.0 - mirrored[signed]
    return pd.concat([tests, mirrored]).sort_values(_SIDES, ignore_index=True)


def _check_draws(draws: int) -> None:
    if draws < 1:
        raise ValueError(f"draws must be 1 or more, not {draws!r}")
