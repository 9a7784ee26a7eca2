"""The committed notebooks: in step with their sources, executed from top to bottom, and safe to compare."""

from __future__ import annotations

import jupytext
import nbformat
import pytest


def notebooks(root):
    return sorted((root / "notebooks").glob("[0-9][0-9]_*.ipynb"))


def test_every_source_has_its_notebook(root):
    sources = sorted(path.stem for path in (root / "notebooks" / "src").glob("*.py"))
    assert sources == [path.stem for path in notebooks(root)]
    assert sources


def test_notebooks_are_in_step_with_their_sources(root):
    for path in notebooks(root):
        source = jupytext.read(root / "notebooks" / "src" / f"{path.stem}.py")
        stored = nbformat.read(path, as_version=4)
        assert [(c.cell_type, c.source) for c in source.cells] == [(c.cell_type, c.source) for c in stored.cells], (
            f"{path.name} is older than its source: run `make notebooks`"
        )


def test_every_cell_was_run_once_in_order(root):
    """A cell without a count and outputs would pass nbval whatever it prints."""
    for path in notebooks(root):
        stored = nbformat.read(path, as_version=4)
        code = [cell for cell in stored.cells if cell.cell_type == "code"]
        assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
        assert stored.metadata.kernelspec.name == "python3"
        kinds = [output.output_type for cell in code for output in cell.outputs]
        assert "error" not in kinds
        assert kinds.count("stream") + kinds.count("display_data") >= len(code) // 2


def test_notebooks_hold_no_progress_bars_and_stay_small(root):
    for path in notebooks(root):
        assert path.stat().st_size <= 1.5 * 2**20
        for cell in nbformat.read(path, as_version=4).cells:
            for output in cell.get("outputs", []):
                said = output.get("text", "") + output.get("data", {}).get("text/plain", "")
                assert output.get("name") != "stderr", said
                assert "application/vnd.jupyter.widget-view+json" not in output.get("data", {})
                assert "it/s]" not in said and "%|" not in said


@pytest.mark.parametrize("said", ["You will learn", "You need", "It takes"])
def test_notebooks_say_goals_prerequisites_and_minutes(root, said):
    for path in notebooks(root):
        assert said.lower() in nbformat.read(path, as_version=4).cells[0].source.lower()
