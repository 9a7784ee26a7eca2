"""Fixtures that more than one test file uses."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# Before torch or numpy is imported anywhere: one thread, so that two runs add in the same order.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Where a test asks for two, they sleep while they wait: on a busy machine waiting awake costs tenfold.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's root folder."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real treebanks beside the project; tests that need it are skipped without it."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real treebanks at {folder}: this test needs them")
    return ROOT.parent / "shared"
