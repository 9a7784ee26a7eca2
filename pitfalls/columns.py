"""The columns by which tables tell their rows apart, and the names in them: one list of each, for everybody."""

from __future__ import annotations

from typing import Literal

#: The parts of a corpus: rankings and probes learn from the first, choose on the second, report on the third.
SPLITS = ("train", "dev", "test")
Split = Literal["train", "dev", "test"]

#: What was studied.
CONFIGURATION = ["language", "attribute", "site", "layer"]

#: What tells the rankings of one configuration apart.
RANKING = ["ranking", "direction", "ranking_seed"]
