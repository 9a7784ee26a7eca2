"""Probing in one configuration: accuracy and selectivity of every probe on every ranking, and what rankings share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from pitfalls.arrays.ranking import Ranking
from pitfalls.arrays.splits import Activations, Splits
from pitfalls.columns import CURVE, configuration_of
from pitfalls.probes.control import control_task
from pitfalls.probes.curves import CurveJob, score
from pitfalls.probes.scores import leads
from pitfalls.study.plan import Plan
from pitfalls.study.setting import Setting, drawn, rankings_of

#: The measures of a curve that the study keeps.
MEASURES = ("accuracy", "accuracy_se", "accuracy_seen", "accuracy_unseen", "mi_bits", "nmi")

# Mutual information sums logarithms, whose last digits depend on the processor; these digits do not.
_DIGITS = {"accuracy_se": 9, "mi_bits": 6, "nmi": 6}


def probing_tables(setting: Setting) -> dict[str, pd.DataFrame]:
    """The tables of probing in one configuration.

    Returns
    -------
    curves:
        One row per probe, ranking, task, split and k: "real" on dev and test, and "control", with new rankings from the
        control labels, on test; mutual information has six decimals. Rankings that ask the model have no control.
    leads:
        How much better each ranking (top to bottom, not random) is read than each other one, on dev, with its standard
        error (:func:`~pitfalls.probes.scores.leads`); k goes up to a quarter of the neurons.
    orders:
        One row per ranking (of the attribute) and position: the neuron there, down to ``plan.top``.
    """
    rankings, plan = setting.rankings, setting.plan
    dev, test = (drawn(part, n, plan.seed) for part, n in _scored(setting.data, plan))
    data = replace(setting.data, dev=dev, test=test)
    control = control_task(data, plan.seed)
    # Every method ranks again on the control labels, under the same name and seed, so its two curves are a pair.
    anew = rankings_of(control, plan, setting.device)
    ks = plan.probing_ks(data.n_neurons)
    jobs = [CurveJob(ranking, "real", plan.seed) for ranking in rankings]
    real = score(jobs, data, ks, splits=["dev", "test"], device=setting.device)
    of_control = [CurveJob(ranking, "control", plan.seed) for ranking in anew]
    curves = [*real, *score(of_control, data, ks, device=setting.device)]
    compared = [curve for curve in real if curve.about["split"] == "dev" and _is_compared(curve.about)]
    table = pd.concat([curve.table() for curve in curves], ignore_index=True)
    return {
        "curves": table[[*CURVE, *MEASURES]].round(_DIGITS),
        "leads": leads(compared, plan.quarter(data.n_neurons)).round({"lead": 9, "lead_se": 9}),
        "orders": _orders(data, rankings, plan.top(data.n_neurons)),
    }


def _scored(data: Splits, plan: Plan) -> list[tuple[Activations, int]]:
    """The splits that probes are scored on, and how many of their words."""
    return [(data.dev, plan.dev_words), (data.test, plan.test_words)]


def _is_compared(about: Mapping[str, Any]) -> bool:
    return about["direction"] == "ttb" and about["ranking"] != "random"


def _orders(data: Splits, rankings: Sequence[Ranking], top: int) -> pd.DataFrame:
    parts = [
        pd.DataFrame(configuration_of(data) | ranking.key | {"position": range(top), "neuron": ranking.order[:top]})
        for ranking in rankings
    ]
    return pd.concat(parts, ignore_index=True)
