"""What a probe reads from the first units of each ranking, beside what the model does when they are pushed."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from pitfalls.columns import CONFIGURATION, RANKING
from pitfalls.interventions.agreement import flipped
from pitfalls.study.agreement import long

CHANGED = "constant translation"
"""The kind of intervention that is compared with probing, because it pushes all k units by the same multiple."""
_KEYS = [*CONFIGURATION, *RANKING, "k"]


def accuracies(
    tables: Mapping[str, pd.DataFrame], probe: str = "linear", task: str = "real", column: str = "accuracy"
) -> pd.DataFrame:
    """A measure of probing on test, from top to bottom.

    Returns
    -------
    One row per configuration, ranking, draw and k: their columns, share (k as a share of the units) and value.
    """
    curves = tables["curves"]
    own = curves[(curves["probe"] == probe) & (curves["task"] == task) & (curves["split"] == "test")]
    return _with_share(own[own["direction"] == "ttb"].rename(columns={column: "value"}), tables)


def flip_rates(tables: Mapping[str, pd.DataFrame], kind: str = CHANGED) -> pd.DataFrame:
    """The share of test items whose margin changes its sign, in the form of :func:`accuracies`.

    Raises
    ------
    ValueError
        The study has no agreement, because its model is not causal.
    """
    if "margins" not in tables:
        raise ValueError(f"no table margins, only {sorted(tables)}: give the study of a causal model")
    table = long(tables["margins"], tables["items"])
    own = table[table["kind"] == kind]
    rates = own.assign(value=flipped(own["before"], own["margin"]))
    return _with_share(rates.groupby(_KEYS, as_index=False)["value"].mean(), tables)


def _with_share(values: pd.DataFrame, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    # A probe reads all units in the end.
    widths = tables["curves"].groupby(CONFIGURATION)["k"].max().rename("width").reset_index()
    found = values.merge(widths, on=CONFIGURATION)
    return found.assign(share=found["k"] / found["width"])[[*_KEYS, "share", "value"]]


def read_and_used(tables: Mapping[str, pd.DataFrame], share: float, probe: str = "linear") -> pd.DataFrame:
    """Both at one k, a share of the units, for the attribute that agrees.

    One kind of site makes a figure (:func:`~pitfalls.figures.depth`).

    Parameters
    ----------
    tables : of one causal model's study
    share : such as 1 / 16; k is the nearest whole number of units, at least 1

    Returns
    -------
    One row per configuration, ranking, draw and measure (``"accuracy of a linear probe"`` or ``"flip rate"``): their
    columns, k and value.

    Raises
    ------
    ValueError
        Nothing was probed or changed at this share of the units, or the model is not causal.
    """
    flips = flip_rates(tables)
    read = accuracies(tables, probe)
    read = read[read["attribute"].isin(set(flips["attribute"]))]
    parts = []
    for measure, values in ((f"accuracy of a {probe} probe", read), ("flip rate", flips)):
        width = (values["k"] / values["share"]).round()
        own = values[values["k"] == (share * width).round().clip(lower=1)]
        if not len(own):
            there = sorted(set(values["share"].round(4)))
            raise ValueError(f"no {measure} at {share:g} of the units; there are some at {there}")
        parts.append(own.assign(measure=measure))
    return pd.concat(parts, ignore_index=True).drop(columns="share")
