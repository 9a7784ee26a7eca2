"""What the rankings of many configurations share: the numbers behind the paper's figures 3 and 4, and claim 10.

All three functions read one tidy table of orders, one row per position: columns language, attribute, layer, ranking,
direction, ranking_seed, position (counted from 0), neuron, and site (without it, layers are those of the residual
stream). It may be cut to the first positions, so the number of neurons is an argument. Every number comes with what
independent, uniformly random rankings would share, computed exactly (:mod:`pitfalls.comparison.overlap`). P-values are
one-sided and not corrected for the number of rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_integer_dtype

from pitfalls.arrays.ranking import Ranking
from pitfalls.arrays.words import checked_ks
from pitfalls.columns import CONFIGURATION, RANKING
from pitfalls.comparison.overlap import expected_overlap, overlap, overlap_interval, overlap_p_value
from pitfalls.site import Site, with_site

_KEYS = [*CONFIGURATION, *RANKING]
#: What rankings of different configurations must have in common to be compared.
_METHOD = [*CONFIGURATION[2:], *RANKING]


def ranking_overlaps(
    orders: pd.DataFrame,
    top: int,
    n_neurons: int,
    rankings: Sequence[str] = ("linear", "gaussian", "probeless"),
    direction: str = "ttb",
) -> pd.DataFrame:
    """What the first neurons of different rankings share, within every configuration: the paper's figure 3.

    Parameters
    ----------
    orders:
        Columns language, attribute, layer, ranking, direction, ranking_seed, position, neuron; all positions, or at
        least the first ``top``.
    top:
        The size of the top sets; the paper's is 100 of 768.
    rankings:
        The rankings to compare, two or more; other rows are ignored.
    direction:
        "ttb" or "btt".

    Returns
    -------
    For every configuration, one row per pair of rankings, and with more than two rankings one row for all of them:
    language, attribute, site, layer, direction, rankings (names, separated by spaces), n_rankings, n_neurons, k
    (``top``), overlap (neurons), expected, low and high (by chance: the mean, and the interval that holds 95 % or
    more), p_value.

    Raises
    ------
    ValueError
        A column or a position is missing, a neuron appears twice, ``top`` is not between 1 and ``n_neurons``, or a
        configuration lacks a ranking or has it with several seeds.

    Examples
    --------
    >>> names = {"linear": [0, 1, 2], "gaussian": [1, 0, 3], "probeless": [1, 3, 0]}
    >>> orders = pd.DataFrame({"language": "spa", "attribute": "Gender", "layer": 3, "direction": "ttb",
    ...     "ranking": np.repeat(list(names), 3), "ranking_seed": 0, "position": [0, 1, 2] * 3,
    ...     "neuron": sum(names.values(), [])})
    >>> ranking_overlaps(orders, top=2, n_neurons=4)[["rankings", "overlap", "expected", "p_value"]].round(3)
                         rankings  overlap  expected  p_value
    0             linear gaussian        2       1.0    0.167
    1            linear probeless        1       1.0    0.833
    2          gaussian probeless        1       1.0    0.833
    3  linear gaussian probeless        1       0.5    0.472
    """
    names = list(rankings)
    if isinstance(rankings, str) or len(names) < 2 or len(set(names)) < len(names):
        raise ValueError(f"give two or more different rankings to compare, not {rankings!r}")
    orders = _checked(orders)
    chosen = orders[orders["ranking"].isin(names) & (orders["direction"] == direction)]
    if chosen.empty:
        raise ValueError(f"the table has no row of {', '.join(names)} with direction {direction!r}")
    rows = []
    groups: Any = _tops(chosen, top, n_neurons).groupby(CONFIGURATION, dropna=False)
    for key, group in groups:
        about = dict(zip(CONFIGURATION, key, strict=True)) | {"direction": direction}
        counts = {name: int((group["ranking"] == name).sum()) for name in names}
        if set(counts.values()) != {1}:
            found = ", ".join(f"{name} {n}" for name, n in counts.items())
            raise ValueError(
                f"{_told(about)}, needs one {direction} order of each ranking and has {found}: "
                "add what is missing, or select the rows of one ranking_seed"
            )
        own = group.set_index("ranking")["order"]
        for together in dict.fromkeys([*combinations(names, 2), tuple(names)]):
            which = {"rankings": " ".join(together), "n_rankings": len(together)}
            rows.append(about | which | _measures(own[list(together)], top))
    return pd.DataFrame(rows)


def pair_overlaps(orders: pd.DataFrame, top: int, n_neurons: int) -> pd.DataFrame:
    """What the same ranking's first neurons for different attributes and languages share: the paper's figure 4.

    Parameters
    ----------
    orders:
        As for :func:`ranking_overlaps`. Orders of the same layer, ranking, direction and seed are compared with each
        other; the paper shows Probeless on layer 7. A random ranking of one seed is the same order everywhere, so leave
        those rows out.
    top:
        The size of the top sets; the paper's is 100 of 768.

    Returns
    -------
    One row per pair of (attribute, language), for every site, ranking, direction and ranking_seed of the table: site,
    layer, ranking, direction, ranking_seed, attribute_a, language_a, attribute_b, language_b, n_neurons, k (``top``),
    overlap (neurons), expected, low and high (by chance, as in :func:`ranking_overlaps`), p_value.

    Raises
    ------
    ValueError
        As :func:`ranking_overlaps`; if a combination of layer, ranking, direction and seed has one configuration only.

    Examples
    --------
    >>> orders = pd.DataFrame({"language": ["eng", "eng", "spa", "spa"], "attribute": "Number", "layer": 3,
    ...     "ranking": "probeless", "direction": "ttb", "ranking_seed": 0, "position": [0, 1, 0, 1],
    ...     "neuron": [4, 2, 2, 5]})
    >>> pair_overlaps(orders, top=2, n_neurons=8)[["language_a", "language_b", "overlap", "expected"]]
      language_a language_b  overlap  expected
    0        eng        spa        1       0.5
    """
    rows = []
    for method, group in _by_method(orders, top, n_neurons):
        if len(group) < 2:
            (key,) = group.to_dict("records")
            raise ValueError(
                f"{_site(key)}, {key['ranking']} {key['direction']}, seed {key['ranking_seed']}, has one "
                f"configuration, {key['language']} {key['attribute']}: pairs need two or more"
            )
        for a, b in combinations(group.to_dict("records"), 2):
            sides = {
                f"{name}_{side}": one[name] for side, one in (("a", a), ("b", b)) for name in ("attribute", "language")
            }
            rows.append(method | sides | _measures([a["order"], b["order"]], top))
    return pd.DataFrame(rows)


def shared_across_languages(orders: pd.DataFrame, top: int, n_neurons: int) -> pd.DataFrame:
    """Neurons that are among the first for an attribute in every language that has it: claim 10.

    The expectation and the p-value take the orders of the languages to be independent. A model's neurons differ in how
    much they vary, for whatever reason, so compare with :func:`pair_overlaps` of different attributes as well.

    Parameters
    ----------
    orders, top:
        As for :func:`pair_overlaps`.

    Returns
    -------
    One row per attribute with two or more languages, for every site, ranking, direction and ranking_seed of the table:
    site, layer, ranking, direction, ranking_seed, attribute, languages (separated by spaces), n_languages, neurons
    (ascending, separated by spaces), n_neurons, k (``top``), overlap (how many neurons are shared), expected, low and
    high (by chance), p_value.

    Raises
    ------
    ValueError
        As :func:`pair_overlaps`, but a lone configuration is allowed; and if no attribute has two languages.

    Examples
    --------
    >>> orders = pd.DataFrame({"language": ["eng", "eng", "spa", "spa"], "attribute": "Number", "layer": 3,
    ...     "ranking": "probeless", "direction": "ttb", "ranking_seed": 0, "position": [0, 1, 0, 1],
    ...     "neuron": [4, 2, 2, 5]})
    >>> shared_across_languages(orders, top=2, n_neurons=8)[["attribute", "languages", "neurons", "overlap"]]
      attribute languages neurons  overlap
    0    Number   eng spa       2        1
    """
    rows = []
    for method, group in _by_method(orders, top, n_neurons):
        for attribute, own in group.groupby("attribute"):
            if len(own) < 2:
                continue
            shared = set.intersection(*(set(order.order[:top].tolist()) for order in own["order"]))
            about = {"attribute": attribute, "languages": " ".join(own["language"]), "n_languages": len(own)}
            about |= {"neurons": " ".join(str(neuron) for neuron in sorted(shared))}
            rows.append(method | about | _measures(own["order"], top))
    if not rows:
        names = orders[["language", "attribute"]].drop_duplicates().agg(" ".join, axis=1).tolist()
        raise ValueError(f"no attribute has two languages on one layer; the table has {names[:6]}")
    return pd.DataFrame(rows)


# -------------------------------------------------------------------------------------------- orders


def _site(key: Mapping[Any, Any]) -> Site:
    return Site(key["site"], int(key["layer"]))


def _told(key: Mapping[str, Any]) -> str:
    """A configuration in words."""
    return f"{key['language']} {key['attribute']}, {_site(key)}"


def _checked(orders: pd.DataFrame) -> pd.DataFrame:
    """The table, with its sites."""
    orders = with_site(orders)
    missing = [column for column in (*_KEYS, "position", "neuron") if column not in orders.columns]
    if missing:
        raise ValueError(f"a table of orders needs the columns {missing}; it has {list(orders.columns)}")
    if orders.empty:
        raise ValueError("the table of orders has no rows")
    for column in ("position", "neuron"):
        if not is_integer_dtype(orders[column]):
            raise ValueError(f"{column} must hold whole numbers, not {orders[column].dtype}: read or cast it as int64")
    return orders


def _tops(orders: pd.DataFrame, top: int, n_neurons: int) -> pd.DataFrame:
    """One row per ranking of the table, sorted: its keys and ``order``, a Ranking of which only the top is known."""
    size = checked_ks([top], n_neurons, what="size of the top sets")[0]
    tops = []
    groups: Any = orders.groupby(_KEYS, sort=True, dropna=False)
    for key, own in groups:
        name = dict(zip(_KEYS, key, strict=True))
        said = f"{_told(name)}, {name['ranking']} {name['direction']}"
        first = own[own["position"] < size].sort_values("position", kind="stable")
        positions = first["position"].to_numpy()
        if not np.array_equal(positions, np.arange(size)):
            raise ValueError(
                f"{said}: each of the first {size} positions, 0 to {size - 1}, is needed once; the table has "
                f"{len(positions)} rows for {len(np.unique(positions))} of them; choose a smaller top, or one order"
            )
        try:
            order = Ranking.of_first(first["neuron"].to_numpy(), n_neurons, name["ranking"])
        except ValueError as error:
            raise ValueError(f"{said}: {error}") from error
        tops.append(name | {"order": order})
    return pd.DataFrame(tops)


def _by_method(orders: pd.DataFrame, top: int, n_neurons: int) -> Iterable[tuple[dict[str, Any], pd.DataFrame]]:
    """The orders that can be compared with each other, by attribute and then language."""
    tops = _tops(_checked(orders), top, n_neurons).sort_values([*_METHOD, "attribute", "language"], kind="stable")
    groups: Any = tops.groupby(_METHOD, sort=True, dropna=False)
    return ((dict(zip(_METHOD, key, strict=True)), group) for key, group in groups)


# ------------------------------------------------------------------------------------------ measures

# Thousands of pairs have only a few dozen different overlaps.
_p_value = lru_cache(maxsize=4096)(overlap_p_value)
_interval = lru_cache(maxsize=64)(overlap_interval)


def _measures(orders: Iterable[Ranking], top: int) -> dict[str, int | float]:
    """What some rankings share, and what they would share by chance."""
    rankings = list(orders)
    n_neurons, n = len(rankings[0]), len(rankings)
    found = overlap(rankings, top)
    low, high = _interval(n_neurons, top, n)
    chance = {"expected": expected_overlap(n_neurons, top, n), "low": low, "high": high}
    return (
        {"n_neurons": n_neurons, "k": top, "overlap": found} | chance | {"p_value": _p_value(found, n_neurons, top, n)}
    )
