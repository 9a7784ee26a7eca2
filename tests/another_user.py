"""A file that somebody else owns, for tests that may run as root, who may read every file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NOBODY = 65534


@contextmanager
def unreadable(path: Path) -> Iterator[None]:
    """Deny this process the right to read a file; the folders on the way to it must be open to all."""
    path.chmod(0)
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
        path.chmod(0o644)
