"""Whether some configurations, computed again, give what is stored: a study need not be done twice to be believed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from pitfalls.columns import CONFIGURATION
from pitfalls.study.sweep import Task

#: Stored to six digits. Of 48,384 rows one differs by more than two in the last (rus Aspect, layer 4, Linear on the
#: control task): it is -0.000282 on an AMD EPYC, -0.000285 on an Intel Xeon, and -0.000289 there with the switch of
#: :mod:`pitfalls.models.perturbation`.
ROUNDED: Mapping[str, float] = {"mi_bits": 1e-5, "nmi": 1e-5, "accuracy_se": 2e-9, "lead": 2e-9, "lead_se": 2e-9}


def spread(tasks: Sequence[Task], count: int) -> list[Task]:
    """Some of the tasks, evenly spread, the first and the last among them.

    >>> [task.name for task in spread([Task(f"task-{i}", {}) for i in range(9)], 3)]
    ['task-0', 'task-4', 'task-8']
    """
    places = np.linspace(0, len(tasks) - 1, min(count, len(tasks))).round().astype(int)
    return [tasks[place] for place in places.tolist()]


def differences(stored: Mapping[str, pd.DataFrame], anew: Mapping[str, pd.DataFrame]) -> dict[str, dict[str, int]]:
    """How many entries of a recomputed study differ from the stored one, by table and column.

    Parameters
    ----------
    anew : of some of the configurations
    """
    found = {}
    for name, table in anew.items():
        where = table[CONFIGURATION].drop_duplicates()
        own = where.merge(stored[name], on=CONFIGURATION, how="left")[stored[name].columns]
        found[name] = differing(own, table.reset_index(drop=True))
    return {name: columns for name, columns in found.items() if columns}


def differing(stored: pd.DataFrame, anew: pd.DataFrame) -> dict[str, int]:
    """How many entries of each column differ; all of them where the numbers of rows differ."""
    if list(stored.columns) != list(anew.columns):
        raise ValueError(
            f"the stored table has the columns {list(stored.columns)}, and the new one {list(anew.columns)}"
        )
    if len(stored) != len(anew):
        return dict.fromkeys(stored.columns, max(len(stored), len(anew)))
    counts = {}
    for column in stored.columns:
        one, other = stored[column].to_numpy(), anew[column].to_numpy()
        equal = one == other
        if stored[column].dtype.kind == "f":
            equal = np.isclose(one, other, rtol=0, atol=ROUNDED.get(column, 1e-12), equal_nan=True)
        counts[column] = int((~equal).sum())
    return {column: count for column, count in counts.items() if count}
