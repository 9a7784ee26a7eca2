"""All that the study measures in one configuration: the work of one task."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd

from pitfalls.study.configurations import Configuration
from pitfalls.study.effects import effect_tables
from pitfalls.study.output import study_of
from pitfalls.study.plan import Plan
from pitfalls.study.probing import probing_tables
from pitfalls.study.setting import Setting
from pitfalls.study.sweep import Task

VERSION = 3
"""The version of what :func:`measure` computes; results of another version are recomputed."""
# Raise it with every change that gives the same parameters different tables: in rankings, probes, interventions,
# outcomes, choices on dev, draws, columns or rounding. Speed, names, comments, figures, and statistics on these tables
# do not count. Then run `pitfalls sweep` again and commit results/study-mini.zip; tests/test_effects.py holds its
# checksum together with this number.


def tasks(world: Mapping[str, Any], which: Sequence[Configuration], plan: Plan, identity: str) -> list[Task]:
    """One task per configuration.

    Parameters
    ----------
    world : what :func:`~pitfalls.worlds.load.load_world` takes, as plain JSON
    identity : identifies model and text (:func:`~pitfalls.study.setting.world_identity`), so that different weights
        under the same name make different tasks
    """
    shared = {
        "version": VERSION,
        "world": dict(world),
        "plan": json.loads(json.dumps(asdict(plan))),
        "identity": identity,
    }
    return [Task(f"{study_of(world)}-{one.id}", {**shared, "configuration": one.columns}) for one in which]


def measure(parameters: Mapping[str, Any]) -> dict[str, pd.DataFrame]:
    """Do one of :func:`tasks`.

    Returns
    -------
    The tables of :func:`~pitfalls.study.probing.probing_tables` (curves, leads, orders) and of
    :func:`~pitfalls.study.effects.effect_tables` (dev, effects, areas, examples).

    Raises
    ------
    ValueError
        The task was made by another version of this code, on another machine.
    """
    if parameters["version"] != VERSION:
        raise ValueError(
            f"the task is of version {parameters['version']} of the study's code, and this machine has {VERSION}: "
            "install the same pitfalls on all machines"
        )
    setting = Setting.of(parameters)
    probing = probing_tables(setting)
    return {**probing, **effect_tables(setting, probing["curves"])}
