"""The benchmark's code on small data: what it writes, and that both sides agree; never how long anything took."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

COLUMNS = {
    "work",
    "oracle",
    "threads",
    "seconds",
    "oracle_seconds",
    "oracle_is",
    "ratio",
    "agreed",
    "peak_mb",
    "bytes_gb",
    "gflop",
    "limit_seconds",
    "share_of_limit",
    "wanted",
}


@pytest.fixture(scope="module", autouse=True)
def importable(root):
    """The benchmarks are no part of the package: they are run from the checkout's root."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(root))
        yield


@pytest.fixture(scope="module")
def written(importable, tmp_path_factory) -> Path:
    from benchmarks.rankings import main

    folder = tmp_path_factory.mktemp("benchmarks")
    assert main(["--output", str(folder), "--scale", "small", "--threads", "1"]) == 0
    return folder


def test_every_work_agrees_with_its_loop(written):
    table = pd.read_csv(written / "rankings.csv")
    assert set(table.columns) >= COLUMNS
    assert table.agreed.all()
    assert len(table) == 5  # four works, one of them against two loops
    assert not table.isna().any().any()
    assert (table[["seconds", "oracle_seconds", "ratio", "peak_mb", "limit_seconds"]] > 0).all().all()


def test_the_cost_has_four_panels_and_words(written):
    table = pd.read_csv(written / "cost.csv")
    assert set(table.over) == {"words", "neurons", "classes", "k"}
    assert set(table.method) == {"linear", "gaussian", "probeless"}
    assert "power" in json.loads((written / "cost.json").read_text())["alt"]


def test_the_readme_takes_its_tables_from_the_results(root, written):
    from benchmarks.readme import with_tables

    text = with_tables((root / "benchmarks" / "README.md").read_text(encoding="utf-8"), written)
    assert "k = 6, 12 neurons, 100 dev words" in text
    assert with_tables(text, written) == text
    with pytest.raises(ValueError, match="each of these lines once"):
        with_tables("no tables", written)


def test_the_committed_readme_is_that_of_the_committed_results(root):
    from benchmarks.readme import with_tables

    folder = root / "benchmarks"
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert with_tables(text, folder / "results") == text
