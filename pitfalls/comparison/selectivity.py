"""Selectivity: what a probe reads beyond what it can memorise (Hewitt & Liang 2019)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Literal

import pandas as pd

from pitfalls.arrays.ranking import Direction
from pitfalls.arrays.splits import Splits
from pitfalls.arrays.words import checked_ks
from pitfalls.columns import CURVE
from pitfalls.probes.control import control_task
from pitfalls.probes.curves import CurveJob, curves_of
from pitfalls.rankings import PAPER_RANKINGS, rank_all

#: Which ranking the control curve follows; see :func:`selectivity_curves`.
ControlRanking = Literal["anew", "kept", "authors"]

# Rows of two curves that agree in these belong to the same probe.
_KEYS = [key for key in CURVE if key != "task"]


def selectivity(curve_real: pd.DataFrame, curve_control: pd.DataFrame) -> pd.DataFrame:
    """Accuracy on the attribute minus accuracy on the control task, row by row.

    Takes two tables of :func:`~pitfalls.probes.curves.probe_curves`, one per task; two rows belong together when
    everything but the task and the measures agrees.

    Returns
    -------
    The columns that identify a row, ``accuracy``, ``control_accuracy`` and ``selectivity``; accuracies from 0 to 1.

    Raises
    ------
    ValueError
        If a table is for the wrong task, or a row has no partner.
    """
    for curve, task in ((curve_real, "real"), (curve_control, "control")):
        found = sorted(set(curve["task"]))
        if found != [task]:
            raise ValueError(f"expected a curve of the {task} task, and this one is of {found}")
    control = curve_control[[*_KEYS, "accuracy"]].rename(columns={"accuracy": "control_accuracy"})
    both = curve_real[[*_KEYS, "accuracy"]].merge(control, on=_KEYS, how="outer", sort=False, validate="one_to_one")
    lonely = both[both[["accuracy", "control_accuracy"]].isna().any(axis=1)]
    if len(lonely):
        raise ValueError(
            f"{len(lonely)} rows have no partner in the other table; the first is "
            f"{lonely.iloc[0][_KEYS].to_dict()}: compute both curves with the same ks, seed and ranking name"
        )
    return both.assign(selectivity=both["accuracy"] - both["control_accuracy"])


def selectivity_curves(
    data: Splits,
    ks: Iterable[int],
    rankings: Sequence[tuple[str, Direction]] = PAPER_RANKINGS,
    probes: Sequence[str] = ("linear", "gaussian"),
    control_ranking: ControlRanking = "anew",
    seeds: Sequence[int] = (0,),
) -> pd.DataFrame:
    """Selectivity over k of every probe on every ranking; real and control probes are trained side by side.

    Parameters
    ----------
    data : Splits
        The real labels; the control labels are drawn for each seed.
    rankings : sequence of (name, direction)
        A greedy ranking chooses neurons one by one up to the largest k.
    control_ranking : str
        The ranking that the control curve follows. "anew": every method ranks on the control labels, so that the real
        and the control run differ only in their labels. "kept": all keep the ranking of the real labels, so that only
        the probe sees control labels. "authors": as in the paper's code, Probeless keeps the real labels' ranking and
        the others rank anew (SOURCES.md, Traps [C]).
    seeds : sequence of int
        For the control labels, and for everything that a ranking or a probe draws.

    Returns
    -------
    One row per probe, ranking, seed and k, identified as by :func:`~pitfalls.probes.curves.probe_curves`, with
    ``accuracy``, ``control_accuracy`` and ``selectivity``, their difference.

    Raises
    ------
    ValueError
        For an unknown ``control_ranking``, and whatever ranking and probing refuse.
    """
    if control_ranking not in ("anew", "kept", "authors"):
        raise ValueError(f'control_ranking must be "anew", "kept" or "authors", not {control_ranking!r}')
    steps = checked_ks(ks, data.n_neurons)
    kept = {"anew": set(), "kept": {name for name, _ in rankings}, "authors": {"probeless"}}[control_ranking]
    anew = [one for one in rankings if one[0] not in kept]
    jobs = []
    for seed in seeds:
        control = control_task(data, seed)
        own = rank_all(data, rankings, seed, steps[-1])
        others = dict(zip(anew, rank_all(control, anew, seed, steps[-1]), strict=True))
        for one, ranking in zip(rankings, own, strict=True):
            # Under the real ranking's name, so that the two curves are paired.
            other = replace(others[one], name=ranking.name) if one in others else ranking
            jobs += [CurveJob(ranking, "real", seed), CurveJob(other, "control", seed)]
    curves = curves_of(jobs, data, steps, probes)
    return selectivity(curves[curves["task"] == "real"], curves[curves["task"] == "control"])
