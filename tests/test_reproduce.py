"""Running notebooks on a world: figures, tables, HTML and a report; a failure says so and reports nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import nbformat
import psutil
import pytest
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_notebook

from pitfalls.study.reproduce import reproduce
from pitfalls.study.stored import Result, write_result

DRAW = """
import os
import pandas as pd, pitfalls as pf
table = pd.DataFrame({"value": ["a", "b"] * 9, "activation": range(18)})
pf.publish(pf.figures.neuron(table, os.environ["PITFALLS_WORLD"]), "01_x")
print(os.path.basename(os.getcwd()))
"""


def write(folder, *cells):
    folder.mkdir()
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in cells])
    nbformat.write(notebook, folder / "01_first.ipynb")
    return folder


@pytest.mark.slow
def test_a_notebook_is_run_where_it_lies_and_its_figures_and_the_sweep_are_reported(tmp_path):
    notebooks = write(tmp_path / "notebooks", DRAW)
    before = (notebooks / "01_first.ipynb").read_bytes()
    swept = tmp_path / "build" / "sweep"
    swept.mkdir(parents=True)
    for i in range(2):
        write_result(swept / f"study-{i}.zip", Result({"kind": "study of things", "seconds": 31.0}, {}))
    report = reproduce(notebooks, tmp_path, "mini")
    assert report == tmp_path / "report.html"
    text = report.read_text(encoding="utf-8")
    assert "Two histograms, mini: a has mean 8.00" in text and "01_first" in text
    assert "<tr><td>study of things</td><td>2</td><td>31</td><td>62</td></tr>" in text.replace("\n", "")
    assert (tmp_path / "figures" / "01_x.svg").exists() and (tmp_path / "results" / "01_x.csv").exists()
    assert (notebooks / "01_first.ipynb").read_bytes() == before
    ran = nbformat.read(tmp_path / "build" / "01_first.ipynb", as_version=4)
    assert ran.cells[0].outputs[-1]["text"].strip() == "notebooks"
    assert "<html" in (tmp_path / "build" / "01_first.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_failing_cell_is_an_error_and_leaves_no_report(tmp_path):
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        reproduce(write(tmp_path / "notebooks", "1 / 0"), tmp_path, "mini")
    assert not (tmp_path / "report.html").exists()


@pytest.mark.slow
def test_notebooks_side_by_side_give_the_same_report_and_a_failure_stops_the_rest(tmp_path):
    notebooks = write(tmp_path / "notebooks", DRAW)
    for name in ("02_second", "03_third"):
        copy = new_notebook(cells=[new_code_cell(DRAW.replace("01_x", name))])
        nbformat.write(copy, notebooks / f"{name}.ipynb")
    report = reproduce(notebooks, tmp_path, "mini", jobs=2).read_text(encoding="utf-8")
    assert report.index("01_first") < report.index("02_second</td>") < report.index("03_third</td>")
    assert len(list((tmp_path / "build").glob("*.html"))) == 3
    nbformat.write(new_notebook(cells=[new_code_cell("1 / 0")]), notebooks / "01_first.ipynb")
    (tmp_path / "report.html").unlink()
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        reproduce(notebooks, tmp_path, "mini", jobs=2)
    assert not (tmp_path / "report.html").exists()


def test_a_folder_without_notebooks_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="run this from the project's root"):
        reproduce(tmp_path, tmp_path, "mini")


SLEEP = """
import os, pathlib, time
pathlib.Path(os.environ["PITFALLS_OUTPUT"], f"begun-{os.getpid()}").touch()
time.sleep(600)
"""
COMMAND = """
import sys
from pitfalls.cli import main
sys.exit(main(["reproduce", "--notebooks", sys.argv[1], "--output", sys.argv[2], "--jobs", "2"]))
"""


@pytest.mark.slow
def test_an_interruption_ends_the_notebooks_and_promises_nothing(tmp_path, root):
    notebooks = write(tmp_path / "notebooks", SLEEP)
    nbformat.write(new_notebook(cells=[new_code_cell(SLEEP)]), notebooks / "02_second.ipynb")
    command = [sys.executable, "-c", COMMAND, str(notebooks), str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": str(root)}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    while len(kernels := list(tmp_path.glob("begun-*"))) < 2:
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=120)  # far less than the notebooks would take
    assert process.returncode == 130
    assert "reproduce: interrupted; the same command starts over" in said and "to go on" not in said
    assert not [kernel.name for kernel in kernels if psutil.pid_exists(int(kernel.name.split("-")[1]))]
    assert not (tmp_path / "report.html").exists()
