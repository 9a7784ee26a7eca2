"""Fixtures that more than one test file uses."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from hypothesis import settings

# A busy machine is slow, and no test asserts how long anything takes.
settings.register_profile("pitfalls", deadline=None, max_examples=40)
settings.load_profile("pitfalls")

# Before torch or numpy is imported anywhere: one thread, so that two runs add in the same order.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Where a test asks for two, they sleep while they wait: on a busy machine, busy waiting takes ten times as long.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
# A shell starts `make test &` with Ctrl-C ignored, and the processes that tests interrupt would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

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


@pytest.fixture(scope="session")
def mini():
    """The mini world."""
    from pitfalls.worlds.load import load_world

    return load_world("mini")


@pytest.fixture(scope="session")
def mini_causal():
    """The mini world with its causal model."""
    from pitfalls.worlds.load import load_world

    return load_world("mini", model="causal")


@pytest.fixture(scope="session")
def planted():
    """The planted world."""
    from pitfalls.worlds.load import load_world

    return load_world("planted")


@pytest.fixture
def small_disk(tmp_path: Path):
    """A file system of 100 kB; tests that need it are skipped where none may be mounted."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no file system may be mounted here: a disk that is full or read-only needs one")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's command; tests that need it are skipped where there is none."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for path in map(shutil.which, names) if path), None)
    if found is None:
        pytest.skip("no Chromium on the path: apt-get install chromium")
    return found


# Not session-scoped: while a browser is open, no other test of this process can run an event loop.
@pytest.fixture(scope="module")
def browser(chromium: str):
    """A headless Chromium, driven by playwright; tests that need it are skipped where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="no playwright: pip install playwright")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield opened
        opened.close()
