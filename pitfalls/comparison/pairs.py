"""Pairs of methods over the configurations that have both: what all tests and intervals here compare."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import false_discovery_control

from pitfalls.columns import CONFIGURATION, DRAW, METHOD, sides
from pitfalls.site import Site, one_kind, with_site

Grouping = Literal["language", "site", "layer", "attribute"]
SIDES = sides(METHOD)
# When a table lists its two methods in the other order, these swap ...
_SWAPPED = dict(zip(SIDES, [*SIDES[3:], *SIDES[:3]], strict=True)) | {"wins": "losses", "losses": "wins"}
# ... and these change their sign.
_SIGNED = ["mean_difference", "median_difference", "rank_biserial"]
# In floating point 0.3 - 0.2 is not 0.2 - 0.1. Two differences of accuracies that are not equal are at least about
# 1 / words² apart, so rounding to twelve decimals joins only equal ones.
_DECIMALS = 12


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


@dataclass(frozen=True)
class Comparison:
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
        """Every pair of methods, in the order of ``combinations``, which is also that of ``triu_indices``."""
        return list(combinations(self.methods, 2))

    def differences(self) -> NDArray[np.float64]:
        """First minus second method of each pair, [n_configurations, n_pairs]; NaN where one is missing.

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
        """One row per pair, in the order of the columns of :meth:`differences`."""
        n_pairs = (~np.isnan(self.differences())).sum(axis=0)
        keys = pd.DataFrame({"by": self.by, "group": self.group, "k": self.k}, index=range(len(n_pairs)))
        keys[SIDES] = [[*a, *b] for a, b in self.pairs()]
        return keys.assign(n_configurations=len(self.configurations), n_pairs=n_pairs)


def checked_rows(curves: pd.DataFrame, ks: Iterable[int]) -> pd.DataFrame:
    """The rows with these ks, sorted.

    Raises
    ------
    ValueError
        For missing columns, values or ks, several tasks or splits, and repeated rows.
    """
    curves = with_site(curves)
    missing = [column for column in [*CONFIGURATION, *METHOD, "k", "accuracy"] if column not in curves.columns]
    if missing:
        raise ValueError(f"statistics need the columns {missing}; the table has {list(curves.columns)}")
    for column in ("task", "split"):
        found = curves[column].drop_duplicates().tolist() if column in curves.columns else []
        if len(found) > 1:
            raise ValueError(f"statistics take the rows of one {column}, and the table has {found[:6]}: select one")
    steps, known = sorted(set(ks)), sorted(set(curves["k"].tolist()))
    unknown = [k for k in steps if k not in known]
    if unknown or not steps:
        raise ValueError(f"ks must be among the table's k, {shortened(known)}; of {steps} it lacks {unknown}")
    given = [column for column in DRAW if column in curves.columns]
    keys = [*CONFIGURATION, *METHOD, "k", *DRAW]
    rows = curves.assign(**{column: 0 for column in DRAW if column not in given})
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


def of_methods(rows: pd.DataFrame, a: Method, b: Method) -> pd.DataFrame:
    """The rows of two methods.

    Raises
    ------
    ValueError
        If the two are the same, or the table lacks one.
    """
    if a == b:
        raise ValueError(f"both methods are {a}: give two different ones")
    known = _methods(rows)
    for method in (a, b):
        if method not in known:
            raise ValueError(f"the table has no {method}, only {shortened([str(one) for one in known])}")
    wanted = [(rows[METHOD] == list(method)).all(axis=1) for method in (a, b)]
    return rows[wanted[0] | wanted[1]]


def _methods(rows: pd.DataFrame) -> list[Method]:
    return sorted(Method(*names) for names in rows[METHOD].drop_duplicates().itertuples(index=False, name=None))


def comparisons(rows: pd.DataFrame, by: Grouping | None) -> list[Comparison]:
    """What to compare, by group and k; ``rows`` come from :func:`checked_rows`. Warns about missing methods."""
    if by is not None and by not in get_args(Grouping):
        raise ValueError(f"by must be None or one of {', '.join(get_args(Grouping))}, not {by!r}")
    if by == "layer":
        one_kind(rows)
    methods = _methods(rows)
    if len(methods) < 2:
        raise ValueError(f"a comparison needs two methods, and the table has {[str(method) for method in methods]}")
    means = rows.groupby([*CONFIGURATION, *METHOD, "k"], sort=True)["accuracy"].mean()
    found = []
    for k in sorted(rows["k"].unique().tolist()):
        wide = means.xs(k, level="k").unstack(METHOD).reindex(columns=pd.MultiIndex.from_tuples(methods))
        _warn_of_missing(wide, methods, k)
        groups = wide.index.get_level_values(by) if by else pd.Index(["all"] * len(wide))
        for group in sorted(groups.unique().tolist()):
            own = wide[groups == group]
            found.append(Comparison(by or "all", group, k, own.index, methods, own.to_numpy(dtype=np.float64)))
    # By group, then k: the sort is stable.
    return sorted(found, key=lambda matrix: matrix.group)


def _warn_of_missing(wide: pd.DataFrame, methods: Sequence[Method], k: Any) -> None:
    missing = wide.isna().to_numpy()
    told = [
        f"{method} in {absent.sum()} ({named(wide.index[absent])})"
        for method, absent in zip(methods, missing.T, strict=True)
        if absent.any()
    ]
    if told:
        warnings.warn(
            f"of {len(wide)} configurations at k = {k}, {(~missing.any(axis=1)).sum()} have all methods; missing: "
            f"{'; '.join(told)}. Pairs are compared on the configurations that have both: see n_pairs",
            UserWarning,
            stacklevel=4,
        )


def named(configurations: pd.Index) -> str:
    """The first three configurations, for a message."""
    return shortened([f"{language} {attribute} {Site(*site)}" for language, attribute, *site in configurations], 3)


def shortened(values: Sequence[Any], n: int = 20) -> str:
    """The first ``n`` values, for a message."""
    return ", ".join(map(str, values[:n])) + (", ..." if len(values) > n else "")


def membership(configurations: pd.MultiIndex) -> NDArray[np.float64]:
    """1 if a configuration is in a language, else 0: [n_configurations, n_languages]."""
    language = configurations.get_level_values("language").to_numpy()
    return np.asarray(language[:, None] == np.unique(language)[None, :], dtype=np.float64)


def families(tests: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The tests of several matrices in one table; each matrix is a family, and has each pair in both orders."""
    return pd.concat([_both_ways(own.assign(p_adjusted=_adjusted(own["p_value"]))) for own in tests], ignore_index=True)


def _adjusted(p_values: pd.Series[float]) -> NDArray[np.float64]:
    return np.asarray(false_discovery_control(p_values.to_numpy(), method="bh"), dtype=np.float64)


def _both_ways(tests: pd.DataFrame) -> pd.DataFrame:
    mirrored = tests.rename(columns=_SWAPPED)[tests.columns]
    signed = [column for column in _SIGNED if column in tests.columns]
    mirrored[signed] = 0.0 - mirrored[signed]
    return pd.concat([tests, mirrored]).sort_values(SIDES, ignore_index=True)
