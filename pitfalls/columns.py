"""The columns that tell a table's rows apart, and the names that occur in them, listed once for the whole package."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

Split = Literal["train", "dev", "test"]

#: The parts of a corpus: rankings and probes learn from the first, are tuned on the second and scored on the third.
SPLITS: tuple[Split, ...] = ("train", "dev", "test")

#: What was studied.
CONFIGURATION = ["language", "attribute", "site", "layer"]

#: What tells the rankings of one configuration apart.
RANKING = ["ranking", "direction", "ranking_seed"]

#: The rankings that ask the model what it uses; all others read activations.
ASKING = ("attribution", "effect", "mask")

#: What a row of a probing curve is about; its other columns were measured.
CURVE = [*CONFIGURATION, "probe", *RANKING, "task", "split", "seed", "k"]

#: A method, as the statistics compare it: a probe that reads the first k neurons of a ranking.
METHOD = ["probe", "ranking", "direction"]

#: Rows that differ only in these are draws of the same thing.
DRAW = ["ranking_seed", "seed"]


def configuration_of(data: Any) -> dict[str, Any]:
    """The language, attribute and site of splits, words or a truth, by column."""
    return {"language": data.language, "attribute": data.attribute, **data.site.columns}


def sides(columns: Iterable[str]) -> list[str]:
    """The columns of a table that compares two things, a and b.

    >>> sides(["probe", "ranking"])
    ['probe_a', 'ranking_a', 'probe_b', 'ranking_b']
    """
    columns = list(columns)
    return [f"{column}_{side}" for side in "ab" for column in columns]
