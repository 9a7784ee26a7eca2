"""Probing in one configuration: accuracy and selectivity of every probe on every ranking, and what rankings share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from pitfalls.arrays.ranking import Ranking
from pitfalls.arrays.splits import Splits
from pitfalls.columns import CURVE, configuration_of
from pitfalls.probes.control import control_task
from pitfalls.probes.curves import CurveJob, curves_of
from pitfalls.study.setting import Setting, drawn, rankings_of

#: The measures of a curve that the study keeps.
MEASURES = ("accuracy", "mi_bits", "nmi")

# Mutual information sums logarithms, whose last digits depend on the processor; these digits do not.
_DIGITS = {"mi_bits": 6, "nmi": 6}


def probing_tables(setting: Setting) -> dict[str, pd.DataFrame]:
    """The tables of probing in one configuration.

    Returns
    -------
    curves:
        One row per probe, ranking, task ("real", and "control" with new rankings from the control labels) and k;
        mutual information has six decimals.
    orders:
        One row per ranking (of the attribute) and position: the neuron there, down to ``plan.top``.
    """
    rankings, plan = setting.rankings, setting.plan
    data = replace(setting.data, test=drawn(setting.data.test, plan.test_words, plan.seed))
    control = control_task(data, plan.seed)
    # Every method ranks again on the control labels, under the same name and seed, so its two curves are a pair.
    anew = rankings_of(control, plan, setting.device)
    jobs = [CurveJob(ranking, "real", plan.seed) for ranking in rankings]
    jobs += [CurveJob(ranking, "control", plan.seed) for ranking in anew]
    curves = curves_of(jobs, data, plan.probing_ks(data.n_neurons), device=setting.device)
    kept = curves[[*CURVE, *MEASURES]].round(_DIGITS)
    return {"curves": kept, "orders": _orders(data, rankings, plan.top(data.n_neurons))}


def _orders(data: Splits, rankings: Sequence[Ranking], top: int) -> pd.DataFrame:
    parts = [
        pd.DataFrame(configuration_of(data) | ranking.key | {"position": range(top), "neuron": ranking.order[:top]})
        for ranking in rankings
    ]
    return pd.concat(parts, ignore_index=True)
