"""Sweeps: every task once, whatever stops them, in one process or two."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest

from pitfalls.study import sweep as sweeps
from pitfalls.study.stored import read_result
from pitfalls.study.sweep import Task, sweep


def work(parameters):
    """A task: notes in a file that it was begun, then squares its number."""
    with open(parameters["log"], "a", encoding="utf-8") as log:
        log.write(f"{parameters['n']}\n")
    time.sleep(parameters.get("seconds", 0))
    if parameters["n"] == parameters.get("bad"):
        raise ZeroDivisionError("on purpose")
    return {"squares": pd.DataFrame({"n": [parameters["n"]], "square": [parameters["n"] ** 2]})}


def tasks_of(tmp_path, n=6, **more):
    return [Task(f"square-{i}", {"n": i, "log": str(tmp_path / "log"), **more}) for i in range(n)]


def begun(tmp_path):
    return sorted(int(line) for line in (tmp_path / "log").read_text().split())


SQUARES = pd.DataFrame({"n": range(6), "square": [i**2 for i in range(6)]})


@pytest.mark.parametrize("jobs", [1, 2])
def test_all_tasks_are_done_once_and_found_again(tmp_path, jobs):
    tasks = tasks_of(tmp_path)
    first = sweep(tasks, work, tmp_path / "results", jobs)
    again = sweep(tasks, work, tmp_path / "results", jobs)
    assert (first.found, again.found) == (0, 6)
    assert begun(tmp_path) == list(range(6))
    for swept in (first, again):
        assert not swept.failures
        pd.testing.assert_frame_equal(swept.tables()["squares"], SQUARES)


def test_a_result_says_what_it_was_computed_from(tmp_path):
    (task,) = tasks_of(tmp_path, 1)
    sweep([task], work, tmp_path / "results")
    manifest = read_result(task.file(tmp_path / "results")).manifest
    assert manifest["parameters"] == dict(task.parameters)
    assert manifest["machine"]["torch"]


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_failed_task_stops_no_other_and_is_done_again(tmp_path, jobs):
    tasks = tasks_of(tmp_path, bad=3)
    swept = sweep(tasks, work, tmp_path / "results", jobs)
    assert [(failure.task.name, failure.reason) for failure in swept.failures] == [
        ("square-3", "ZeroDivisionError: on purpose")
    ]
    assert swept.tables()["squares"]["n"].tolist() == [0, 1, 2, 4, 5]
    sweep(tasks, work, tmp_path / "results", jobs)
    assert begun(tmp_path) == [0, 1, 2, 3, 3, 4, 5]


def test_other_parameters_and_other_code_are_other_tasks(tmp_path, monkeypatch):
    one, other = Task("a", {"n": 1}), Task("a", {"n": 2})
    assert one.file(tmp_path) != other.file(tmp_path)
    before = one.file(tmp_path)
    monkeypatch.setattr(sweeps, "code_fingerprint", lambda: "another version")
    assert one.file(tmp_path) != before


def test_a_damaged_result_is_done_again(tmp_path):
    tasks = tasks_of(tmp_path, 2)
    sweep(tasks, work, tmp_path / "results")
    file = tasks[1].file(tmp_path / "results")
    file.write_bytes(file.read_bytes()[:-30])
    assert sweep(tasks, work, tmp_path / "results").found == 1
    assert begun(tmp_path) == [0, 1, 1]


def test_the_same_task_twice_is_refused(tmp_path):
    with pytest.raises(ValueError, match="each task may come once"):
        sweep([*tasks_of(tmp_path, 1), *tasks_of(tmp_path, 1)], work, tmp_path / "results")


SCRIPT = """
import sys
from pathlib import Path
from tests.test_sweep import sweep, tasks_of, work
here = Path(sys.argv[1])
sweep(tasks_of(here, seconds=0.3), work, here / "results")
"""


def test_a_killed_sweep_goes_on_and_repeats_no_finished_task(tmp_path, root):
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(tmp_path)], cwd=root)
    results = tmp_path / "results"
    deadline = time.monotonic() + 120
    while len(list(results.glob("square-*.zip"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    done = {file.name: file.stat().st_mtime_ns for file in results.glob("square-*.zip")}
    assert 2 <= len(done) < 6
    swept = sweep(tasks_of(tmp_path, seconds=0.3), work, results)
    assert swept.found == len(done)
    assert {name: (results / name).stat().st_mtime_ns for name in done} == done
    pd.testing.assert_frame_equal(swept.tables()["squares"], SQUARES)
