"""How error messages quote what a user gave: as Python writes it, and never at length."""

from __future__ import annotations

import reprlib
from typing import Any

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 60


def quoted(given: Any) -> str:
    """Quote anything for a message: the middle of a long text and the rest of a long collection become dots.

    >>> quoted("Number=Plur"), quoted(["SG"] * 100), len(quoted("x" * 100_000))
    ("'Number=Plur'", "['SG', 'SG', 'SG', 'SG', 'SG', 'SG', ...]", 60)
    """
    # NumPy's strings would be quoted with the name of their type.
    return _SHORT.repr(str(given) if isinstance(given, str) else given)
