"""What a ranking finds, in both roles: how well its first neurons are read, and how far the model uses them."""

from __future__ import annotations

import pandas as pd

from pitfalls.columns import CONFIGURATION, RANKING
from pitfalls.comparison.areas import areas
from pitfalls.interventions.rates import clwv

_KEYS = [*CONFIGURATION, *RANKING]


def role_areas(curves: pd.DataFrame, used: pd.DataFrame, most: int) -> pd.DataFrame:
    """The areas under the curves of what is encoded and of what is used, over the same first neurons.

    Only k up to ``most`` count. With a quarter of the units or fewer, rankings still take different neurons; with all
    of them, every ranking is the same.

    Parameters
    ----------
    curves : DataFrame
        Tables of :meth:`Experiment.probe`, concatenated.
    used : DataFrame
        Of the same rankings, either counts of outcomes (:meth:`.Run.counts`, for CLWV) or rates of agreement
        (:meth:`.Run.agreement`, for flip rates), concatenated; of one kind of intervention.
    most : int
        The largest k.

    Returns
    -------
    One row per ranking and measure: language, attribute, site, layer, ranking, direction, ranking_seed, role ("encoded"
    or "used"), measure ("linear probe", "gaussian probe", "CLWV" or "flip rate"), area (mean over k, 0 to 1).

    Raises
    ------
    ValueError
        No k from 1 to ``most`` is there, the two tables have different ones or different rankings, the second is of
        another kind, or the interventions are of several kinds.

    Examples
    --------
    >>> about = {"language": "spa", "attribute": "Gender", "site": "residual", "layer": 2, "ranking": "effect",
    ...     "direction": "ttb", "ranking_seed": 0, "k": [1, 2, 64]}
    >>> curves = pd.DataFrame({**about, "probe": "linear", "accuracy": [0.5, 1.0, 1.0]})
    >>> used = pd.DataFrame({**about, "kind": "translation", "attractors": "all", "measure": "flip rate", "mean": [0.2,
    ...     0.4, 1.0]})
    >>> role_areas(curves, used, most=32)[["role", "measure", "area"]].round(2).values.tolist()
    [['encoded', 'linear probe', 0.75], ['used', 'flip rate', 0.3]]
    """
    rates = _rates(used)
    read, moved = (table[(table["k"] >= 1) & (table["k"] <= most)] for table in (curves, rates))
    ks = [sorted(set(table["k"])) for table in (read, moved)]
    if not ks[0] or ks[0] != ks[1]:
        raise ValueError(
            f"the areas need the same k for both roles, from 1 to {most}: the curves have {ks[0]}, and what is used "
            f"has {ks[1]}"
        )
    _check_pairs(read, moved)
    encoded = areas(read, "accuracy", [*_KEYS, "probe"])
    encoded = encoded.assign(role="encoded", measure=encoded["probe"] + " probe", area=encoded["accuracy_area"])
    found = areas(moved, "rate", [*_KEYS, "measure"])
    found = found.assign(role="used", area=found["rate_area"])
    columns = [*_KEYS, "role", "measure", "area"]
    return pd.concat([encoded[columns], found[columns]], ignore_index=True)


def _check_pairs(read: pd.DataFrame, moved: pd.DataFrame) -> None:
    """Both tables must have the same rankings, each with the same k."""
    rows = [set(table[[*_KEYS, "k"]].itertuples(index=False, name=None)) for table in (read, moved)]
    alone = sorted(rows[0] ^ rows[1])
    if alone:
        which = "what is used" if alone[0] in rows[0] else "the curves"
        told = ", ".join(f"{name} {value}" for name, value in zip([*_KEYS, "k"], alone[0], strict=True))
        raise ValueError(f"the areas need the same rankings for both roles: there is no row in {which} of {told}")


def _rates(used: pd.DataFrame) -> pd.DataFrame:
    """CLWV or flip rates, as the column ``rate``, with the name of the ``measure``."""
    if not any({"kind", *columns} <= set(used) for columns in (("outcome", "count"), ("measure", "attractors"))):
        raise ValueError(
            f"what is used has the columns {', '.join(map(str, used))}: give run.counts(), or run.agreement(items)"
        )
    kinds = used[["kind", *(name for name in ("strength", "target") if name in used)]].drop_duplicates()
    if len(kinds) > 1:
        raise ValueError(f"areas of one kind of intervention, not of several: {kinds.values.tolist()}")
    if "outcome" in used:
        return clwv(used).rename(columns={"clwv": "rate"}).assign(measure="CLWV")
    flips = used[(used["measure"] == "flip rate") & (used["attractors"] == "all")]
    return flips.rename(columns={"mean": "rate"})
