"""That `make nbval` cannot pass by accident: cells are counted, and an altered output makes it fail."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys

import nbformat
import pytest

pytestmark = pytest.mark.slow

#: Tags that make nbval compare nothing, or not even run a cell.
IGNORED, SKIPPED = "nbval-ignore-output", "nbval-skip"


def code_cells(root):
    for path in sorted((root / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "code":
                yield path, cell


def said(cell):
    """What nbval compares: the text of a cell's outputs."""
    return "".join(out.get("text", "") + out.get("data", {}).get("text/plain", "") for out in cell.outputs)


def test_most_cells_are_compared_and_none_is_skipped(root):
    tags = [set(cell.metadata.get("tags", [])) for _, cell in code_cells(root)]
    comments = [cell.source.splitlines()[0].upper() for _, cell in code_cells(root) if cell.source]
    assert not any(SKIPPED in each or "skip" in each or "raises-exception" in each for each in tags)
    assert not any("NBVAL" in line or "PYTEST_VALIDATE" in line for line in comments)
    ignored = sum(IGNORED in each for each in tags)
    compared = sum(
        bool(said(cell).strip()) and IGNORED not in cell.metadata.get("tags", []) for _, cell in code_cells(root)
    )
    # Floors and a ceiling: they move when cells are added, and never by themselves.
    assert compared >= 150, compared
    assert ignored <= 12, ignored


def validate(root, folder, threads):
    """Run nbval, as `make nbval` does, on the notebooks of a folder."""
    options = ["-q", "-o", "addopts=-ra", "-p", "no:cacheprovider", "--nbval", "--nbval-current-env"]
    environment = {**os.environ, "OMP_NUM_THREADS": threads, "PITFALLS_OUTPUT": str(folder / "output")}
    command = [sys.executable, "-m", "pytest", *options, str(folder)]
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=900)


@pytest.fixture
def copied(root, tmp_path):
    """A short notebook, with the conftest.py that tells nbval about the course's."""
    for name in ("00_start_here.ipynb", "conftest.py"):
        shutil.copy(root / "notebooks" / name, tmp_path / name)
    return tmp_path / "00_start_here.ipynb"


def test_an_altered_output_is_seen(root, copied):
    stored = nbformat.read(copied, as_version=4)
    cells = [cell for cell in stored.cells if cell.cell_type == "code" and said(cell).strip()]
    victim = next(
        cell for cell in cells if IGNORED not in cell.metadata.get("tags", []) and cell.outputs[0].get("text")
    )
    victim.outputs[0]["text"] = victim.outputs[0]["text"].rstrip("\n") + "!\n"
    nbformat.write(stored, copied)
    ran = validate(root, copied.parent, "1")
    assert ran.returncode == 1 and "1 failed" in ran.stdout, ran.stdout


def test_another_run_with_more_threads_says_the_same(root, copied):
    ran = validate(root, copied.parent, "2")
    assert ran.returncode == 0 and "passed" in ran.stdout, ran.stdout
    compared = re.search(r"^nbval, cells: (\d+) compared, \d+ run without comparing, 0 skipped", ran.stdout, re.M)
    assert compared and int(compared[1]) >= 5, ran.stdout
