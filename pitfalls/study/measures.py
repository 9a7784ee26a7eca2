"""All that the study measures in one configuration: the work of one task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from pitfalls.study.effects import effect_tables
from pitfalls.study.probing import probing_tables
from pitfalls.study.setting import Setting


def measure(parameters: Mapping[str, Any]) -> dict[str, pd.DataFrame]:
    """Do one task of :func:`~pitfalls.study.setting.tasks`.

    Returns
    -------
    The tables of :func:`~pitfalls.study.probing.probing_tables` (curves, orders) and of
    :func:`~pitfalls.study.effects.effect_tables` (effects, strengths, areas, examples).
    """
    setting = Setting.of(parameters)
    probing = probing_tables(setting)
    return {**probing, **effect_tables(setting, probing["curves"])}
