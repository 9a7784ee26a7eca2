"""Sweeps: every task once, whatever stops them, in one process, in two, or on a Dask cluster."""

from __future__ import annotations

import errno
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

import pandas as pd
import psutil
import pytest
from another_user import unreadable

from pitfalls import files
from pitfalls.study.costs import estimate, total_hours, unit_costs
from pitfalls.study.executors import HERE, DaskCluster, Processes
from pitfalls.study.stored import DamagedResultError, Result, read_result, write_result
from pitfalls.study.sweep import Task, sweep


def work(parameters):
    """A task: notes in a file that it was begun, then squares its number."""
    with open(parameters["log"], "a", encoding="utf-8") as log:
        log.write(f"{parameters['n']}\n")
    time.sleep(parameters.get("seconds", 0))
    if parameters["n"] == parameters.get("bad"):
        raise ZeroDivisionError("on purpose")
    if parameters["n"] == parameters.get("full"):
        raise OSError(errno.ENOSPC, "No space left on device")
    if parameters["n"] == parameters.get("killer"):
        first = Path(f"{parameters['log']}.killed")
        if not (parameters.get("once") and first.exists()):
            first.touch()
            os.kill(os.getpid(), signal.SIGKILL)
    return {"squares": pd.DataFrame({"n": [parameters["n"]], "square": [parameters["n"] ** 2]})}


def tasks_of(tmp_path, n=6, **more):
    return [Task(f"square-{i}", {"n": i, "log": str(tmp_path / "log"), **more}) for i in range(n)]


def begun(tmp_path):
    return sorted(int(line) for line in (tmp_path / "log").read_text().split())


def squares(numbers=range(6)):
    return pd.DataFrame({"n": list(numbers), "square": [i**2 for i in numbers]})


def reasons(swept):
    return [(failure.task.name, failure.reason) for failure in swept.failures]


SQUARES = squares()


@pytest.fixture(scope="module")
def one_cluster():
    """A real cluster of two worker processes."""
    distributed = pytest.importorskip("dask.distributed", reason="the extra dask is not installed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=":0", resources={"GPU": 1}, silence_logs=50
    ) as started:
        yield started


@pytest.fixture
def cluster(one_cluster):
    """The cluster, with both of its workers: another test may have killed one."""
    one_cluster.wait_for_workers(2, timeout=300)
    return one_cluster


@pytest.fixture(params=["serial", "processes", "dask"])
def executor(request):
    if request.param == "dask":
        return DaskCluster(request.getfixturevalue("cluster").scheduler_address)
    return {"serial": HERE, "processes": Processes(2)}[request.param]


# ------------------------------------------------------------------------------ what any executor does


def test_all_tasks_are_done_once_and_found_again(tmp_path, executor):
    tasks = tasks_of(tmp_path)
    first = sweep(tasks, work, tmp_path / "results", executor)
    # A process that dies after writing its result may leave its lock.
    Path(f"{tasks[2].file(tmp_path / 'results')}.lock").touch()
    again = sweep(tasks, work, tmp_path / "results", executor)
    assert (first.found, again.found) == (0, 6)
    assert begun(tmp_path) == list(range(6))
    for swept in (first, again):
        assert not swept.failures
        pd.testing.assert_frame_equal(swept.tables()["squares"], SQUARES)
    assert sorted(entry.name for entry in (tmp_path / "results").iterdir()) == sorted(
        task.file(tmp_path).name for task in tasks
    )


def test_a_failed_task_stops_no_other_and_is_done_again(tmp_path, executor):
    tasks = tasks_of(tmp_path, bad=3)
    swept = sweep(tasks, work, tmp_path / "results", executor)
    assert reasons(swept) == [("square-3", "ZeroDivisionError: on purpose")]
    assert swept.tables()["squares"]["n"].tolist() == [0, 1, 2, 4, 5]
    sweep(tasks, work, tmp_path / "results", executor)
    assert begun(tmp_path) == [0, 1, 2, 3, 3, 4, 5]


def test_a_full_disk_stops_the_sweep_and_loses_nothing(tmp_path, executor):
    folder = tmp_path / "results"
    tasks = tasks_of(tmp_path, 12, full=2, seconds=0.1)
    with pytest.raises(OSError, match=r"after \d+ of 12 tasks: .*No space left.* run the same command again") as told:
        sweep(tasks, work, folder, executor)
    assert len(begun(tmp_path)) < 12
    again = sweep([task for task in tasks if task.name != "square-2"], work, folder)
    # A Dask worker finishes what it has begun, so there may be more.
    assert again.found >= int(re.search(r"after (\d+)", str(told.value))[1])
    pd.testing.assert_frame_equal(again.tables()["squares"], squares([0, 1, *range(3, 12)]))
    assert not again.failures


# --------------------------------------------------------------------------------- names and contents


def test_a_result_says_what_it_was_computed_from_and_how_long_it_took(tmp_path):
    tasks = tasks_of(tmp_path, 3, seconds=0.2, seed=3)
    sweep(tasks, work, tmp_path / "results", limit=1)
    manifest = read_result(tasks[0].file(tmp_path / "results")).manifest
    assert manifest["parameters"] == dict(tasks[0].parameters) and manifest["parameters"]["seed"] == 3
    assert manifest["machine"]["torch"] and manifest["kind"] == "square" and manifest["seconds"] >= 0.2
    (row,) = estimate(tasks, tmp_path / "results", 1).to_dict("records")
    assert (row["found"], row["to_do"], row["source"]) == (1, 2, "measured")
    assert row["seconds_a_task"] == manifest["seconds"]


def test_other_parameters_are_another_task(tmp_path):
    one, other = Task("a", {"n": 1, "version": 1}), Task("a", {"n": 1, "version": 2})
    assert one.file(tmp_path) != other.file(tmp_path)
    assert replace(one, kind="b").file(tmp_path) == one.file(tmp_path)


def test_a_damaged_result_is_done_again(tmp_path):
    tasks = tasks_of(tmp_path, 2)
    sweep(tasks, work, tmp_path / "results")
    file = tasks[1].file(tmp_path / "results")
    file.write_bytes(file.read_bytes()[:-30])
    assert sweep(tasks, work, tmp_path / "results").found == 1
    assert begun(tmp_path) == [0, 1, 1]


def test_another_tasks_file_is_no_result(tmp_path):
    tasks, folder = tasks_of(tmp_path, 3), tmp_path / "results"
    sweep(tasks, work, folder)
    tasks[1].file(folder).write_bytes(tasks[0].file(folder).read_bytes())
    with pytest.raises(DamagedResultError, match=r"square-1-\w+\.zip holds the result of another task .*'square-0'"):
        tasks[1].result(folder)
    # Two tasks with the same name but different parameters.
    one, other = (Task("a", {"n": n, "log": str(tmp_path / "log")}) for n in (7, 8))
    for task in (one, other):
        sweep([task], work, folder)
    other.file(folder).write_bytes(one.file(folder).read_bytes())
    swept = sweep([*tasks, other], work, folder)
    assert (swept.found, swept.failures) == (2, [])
    pd.testing.assert_frame_equal(swept.tables()["squares"], squares([0, 1, 2, 8]))


def test_a_file_that_may_not_be_read_stops_no_other_and_is_not_replaced():
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o777)
        tasks, folder = tasks_of(Path(place), 3), Path(place) / "results"
        sweep(tasks[:2], work, folder)
        folder.chmod(0o777)
        (Path(place) / "log").chmod(0o666)
        file = tasks[1].file(folder)
        before = file.read_bytes()
        with unreadable(file):
            swept = sweep(tasks, work, folder)
        assert file.read_bytes() == before and begun(Path(place)) == [0, 1, 2]
    ((name, reason),) = reasons(swept)
    assert name == "square-1" and re.search(r"cannot be read: .*Permission denied .*square-1-\w+\.zip", reason)
    assert swept.tables()["squares"]["n"].tolist() == [0, 2]


def test_what_a_killed_sweep_left_of_a_file_is_removed(tmp_path):
    folder = tmp_path / "results"
    tasks = tasks_of(tmp_path, 1)
    sweep(tasks, work, folder)
    (folder / f"{files._OWN}{'0' * 16}.part").touch()
    sweep(tasks, work, folder)
    assert [file.name for file in folder.iterdir()] == [tasks[0].file(folder).name]


def test_a_limit_leaves_the_rest_for_later(tmp_path):
    tasks = tasks_of(tmp_path, 5)
    swept = sweep(tasks, work, tmp_path / "results", limit=2)
    assert (len(swept.results), swept.left, swept.found) == (2, 3, 0)
    swept = sweep(tasks, work, tmp_path / "results", limit=2)
    assert (len(swept.results), swept.left, swept.found) == (4, 1, 2)
    assert begun(tmp_path) == [0, 1, 2, 3]
    with pytest.raises(ValueError, match="limit is 0"):
        sweep(tasks, work, tmp_path / "results", limit=0)
    with pytest.raises(ValueError, match="two tasks have the same name: give each its own"):
        sweep([*tasks, tasks[0]], work, tmp_path / "results")


# -------------------------------------------------------------------------------------- killed processes

SCRIPT = """
import sys
from pathlib import Path
from tests.test_sweep import Processes, sweep, tasks_of, work
if __name__ == "__main__":
    here, jobs = Path(sys.argv[1]), int(sys.argv[2])
    swept = sweep(tasks_of(here, int(sys.argv[3]), seconds=0.3), work, here / "results", Processes(jobs))
    print(swept.tables()["squares"].to_csv())
"""


def started(tmp_path, root, jobs=1, n=6, **more):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    # The script imports this file, which imports another one beside it.
    environment = os.environ | {"PYTHONPATH": f"{root}{os.pathsep}{root / 'tests'}"}
    command = [sys.executable, str(script), str(tmp_path), str(jobs), str(n)]
    return subprocess.Popen(command, cwd=root, env=environment, text=True, **more)


def wait_for(what, seconds=300.0):
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)


def finished(tmp_path):
    return list((tmp_path / "results").glob("square-*.zip"))


def test_a_killed_sweep_goes_on_and_repeats_no_finished_task(tmp_path, root):
    n, jobs = 10, 2
    process = started(tmp_path, root, jobs, n)
    workers = psutil.Process(process.pid)
    wait_for(lambda: len(finished(tmp_path)) >= 2)
    orphans = workers.children(recursive=True)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    # Its workers end by themselves, and others can take what was under way in them.
    _, alive = psutil.wait_procs(orphans, timeout=30)
    assert not alive and len(orphans) >= jobs - 1
    done = {file.name: file.stat().st_mtime_ns for file in finished(tmp_path)}
    assert 2 <= len(done) < n
    swept = sweep(tasks_of(tmp_path, n, seconds=0.3), work, tmp_path / "results")
    assert swept.found >= len(done) and not swept.failures
    assert {name: (tmp_path / "results" / name).stat().st_mtime_ns for name in done} == done
    pd.testing.assert_frame_equal(swept.tables()["squares"], squares(range(n)))
    counts = pd.Series(begun(tmp_path)).value_counts()
    # What was under way in the killed processes is begun again.
    assert (counts > 1).sum() <= jobs
    assert all(counts[int(name.split("-")[1])] == 1 for name in done)
    assert len(list((tmp_path / "results").iterdir())) == n


@pytest.mark.slow
def test_an_interrupted_sweep_leaves_no_process_and_goes_on(tmp_path, root):
    process = started(tmp_path, root, jobs=2, n=20, stderr=subprocess.PIPE)
    wait_for(lambda: len(finished(tmp_path)) >= 2)
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=300)
    assert process.returncode != 0 and "KeyboardInterrupt" in said
    _, alive = psutil.wait_procs(children, timeout=15)
    assert children and not alive
    swept = sweep(tasks_of(tmp_path, 20, seconds=0.3), work, tmp_path / "results", limit=1)
    assert swept.found >= 2 and not list((tmp_path / "results").glob(".*"))


@pytest.mark.parametrize("executor", ["processes", "dask"], indirect=True)
def test_a_killed_worker_loses_no_task(tmp_path, executor):
    n = 8
    tasks = tasks_of(tmp_path, n, killer=2, once=True, seconds=0.1)
    swept = sweep(tasks, work, tmp_path / "results", executor)
    assert not swept.failures
    pd.testing.assert_frame_equal(swept.tables()["squares"], squares(range(n)))
    assert begun(tmp_path).count(2) == 2
    # Only tasks that were under way beside it may have been begun again.
    assert len(begun(tmp_path)) <= n + 2


@pytest.mark.slow
def test_a_task_that_kills_its_process_is_told_and_the_others_are_done(tmp_path):
    swept = sweep(tasks_of(tmp_path, 5, killer=1, seconds=0.05), work, tmp_path / "results", Processes(2))
    ((name, reason),) = reasons(swept)
    assert name == "square-1" and reason.startswith("worker lost, 3 times: ")
    assert swept.tables()["squares"]["n"].tolist() == [0, 2, 3, 4]


def test_a_task_that_kills_dask_workers_is_told_and_the_others_are_done(tmp_path, cluster, monkeypatch):
    # The scheduler allows a task three lost workers; each takes seconds to come back.
    monkeypatch.setattr(cluster.scheduler, "allowed_failures", 0)
    tasks = tasks_of(tmp_path, 5, killer=1, seconds=0.05)
    swept = sweep(tasks, work, tmp_path / "results", DaskCluster(cluster.scheduler_address))
    told = dict(reasons(swept))
    assert "worker lost: KilledWorker" in told["square-1"]
    # With no failure allowed, what waited on the same worker may be reported, too; the next sweep does it.
    left = [task for task in tasks if task.name != "square-1"]
    again = sweep(left, work, tmp_path / "results", DaskCluster(cluster.scheduler_address))
    assert again.found == 5 - len(told) and again.tables()["squares"]["n"].tolist() == [0, 2, 3, 4]


# ------------------------------------------------------------------------------------ two sweeps at once


def test_two_sweeps_on_one_folder_share_the_tasks(tmp_path, root):
    n = 10
    both = [started(tmp_path, root, n=n, stdout=subprocess.PIPE) for _ in range(2)]
    said = [process.communicate(timeout=300)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert begun(tmp_path) == list(range(n))
    assert said == [squares(range(n)).to_csv() + "\n"] * 2
    assert len(list((tmp_path / "results").iterdir())) == n


def hold(path, ready, seconds):
    from filelock import FileLock

    with FileLock(path):
        ready.set()
        time.sleep(seconds)


def test_a_task_whose_process_died_is_done_by_who_waited(tmp_path):
    tasks, folder = tasks_of(tmp_path, 3), tmp_path / "results"
    folder.mkdir()
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    holder = context.Process(target=hold, args=(f"{tasks[0].file(folder)}.lock", ready, 60))
    holder.start()
    assert ready.wait(60)
    threading.Timer(0.5, holder.kill).start()
    assert not sweep(tasks, work, folder).failures
    holder.join()
    assert [int(line) for line in (tmp_path / "log").read_text().split()] == [1, 2, 0]


def test_without_locks_the_work_is_done_all_the_same(tmp_path, monkeypatch):
    def none(*_, **__):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("filelock.FileLock.acquire", none)
    assert len(sweep(tasks_of(tmp_path, 2), work, tmp_path / "results").results) == 2


# ---------------------------------------------------------------------------------------------- the disk


def test_what_cannot_be_written_stops_the_sweep_and_leaves_no_half_file(tmp_path, monkeypatch):
    tasks, folder = tasks_of(tmp_path), tmp_path / "results"
    whole, calls = os.fsync, []

    def full(handle):
        calls.append(handle)
        # Each file is synchronised, and then its folder.
        if len(calls) > 4:
            raise OSError(errno.ENOSPC, "No space left on device")
        whole(handle)

    with monkeypatch.context() as patched:
        patched.setattr("pitfalls.files.os.fsync", full)
        with pytest.raises(OSError, match=r"after 2 of 6 tasks: (?=.*square-2)(?=.*No space left)"):
            sweep(tasks, work, folder)
    assert begun(tmp_path) == [0, 1, 2]
    assert sorted(file.name for file in folder.iterdir() if file.suffix != ".lock") == [
        task.file(folder).name for task in tasks[:2]
    ]
    swept = sweep(tasks, work, folder)
    assert swept.found == 2
    pd.testing.assert_frame_equal(swept.tables()["squares"], SQUARES)


# ------------------------------------------------------------------------------------- the cluster's errors


def test_a_folder_that_workers_do_not_see_is_refused(tmp_path, cluster, monkeypatch):
    # A lambda is pickled whole, so the workers answer as another machine would.
    monkeypatch.setattr("pitfalls.study.executors._sees", lambda token: False)
    with pytest.raises(ValueError, match="2 of 2 Dask workers do not see"):
        sweep(tasks_of(tmp_path, 1), work, tmp_path / "results", DaskCluster(cluster.scheduler_address))
    assert not (tmp_path / "log").exists() and not list((tmp_path / "results").iterdir())


def test_resources_that_no_worker_has_are_refused(tmp_path, cluster):
    one, two = (DaskCluster(cluster.scheduler_address, {"GPU": n}) for n in (1, 2))
    assert DaskCluster(cluster.scheduler_address).workers() == one.workers() == 2
    swept = sweep(tasks_of(tmp_path), work, tmp_path / "results", one)
    pd.testing.assert_frame_equal(swept.tables()["squares"], SQUARES)
    for refused in (two.workers, lambda: sweep(tasks_of(tmp_path, seed=1), work, tmp_path / "results", two)):
        with pytest.raises(ValueError, match=r'no worker .* offers GPU=2.* --resources "GPU=2"'):
            refused()


def test_no_scheduler_and_no_dask_are_told(tmp_path, monkeypatch):
    pytest.importorskip("dask.distributed")
    nowhere = DaskCluster("tcp://127.0.0.1:9", timeout=1)
    with pytest.raises(ConnectionError, match=r"no Dask scheduler with a worker answers at tcp://127\.0\.0\.1:9"):
        sweep(tasks_of(tmp_path, 1), work, tmp_path / "results", nowhere)
    monkeypatch.setitem(sys.modules, "dask", None)
    with pytest.raises(ImportError, match=r"pip install 'pitfalls\[dask\]'"):
        nowhere.workers()


# -------------------------------------------------------------------------------------------------- costs


def stored(folder, task, seconds):
    manifest = {"name": task.name, "parameters": task.parameters, "kind": task.kind, "seconds": seconds}
    write_result(task.file(folder), Result(manifest, {}))


def test_estimates_follow_from_what_finished_tasks_took(tmp_path):
    tasks = [Task(f"{kind}-{i}", {"i": i}, kind) for kind in ("slow", "fast", "new") for i in range(4)]
    for task, seconds in zip(tasks, [100, 300, 200], strict=False):
        stored(tmp_path, task, seconds)
    stored(tmp_path, tasks[4], 20)
    stored(tmp_path, Task("slow-old", {"version": 0}, "slow"), 1000)
    stored(tmp_path, Task("other-0", {}, "other"), 9999)
    (tmp_path / "broken.zip").write_bytes(b"PK")
    write_result(tmp_path / "no-task.zip", Result({}, {}))
    assert unit_costs(tmp_path).values.tolist() == [["fast", 1, 20], ["other", 1, 9999], ["slow", 4, 250]]
    table = estimate(tasks, tmp_path, 2)
    assert table.columns.tolist() == ["kind", "tasks", "found", "to_do", "seconds_a_task", "source", "hours"]
    assert table.drop(columns="hours").values.tolist() == [
        ["slow", 4, 3, 1, 250, "measured"],
        ["fast", 4, 1, 3, 20, "measured"],
        ["new", 4, 0, 4, 135, "assumed"],
    ]
    assert (table["hours"] * 3600).tolist() == pytest.approx([250, 40, 270])
    assert total_hours(table, 1) * 3600 == pytest.approx(250 + 60 + 540)
    assert total_hours(table, 2) * 3600 == pytest.approx((250 + 60 + 540) / 2)
    # No more workers than tasks help.
    assert total_hours(table, 100) * 3600 == pytest.approx(250)
    for task in tasks:
        stored(tmp_path, task, 1)
    assert total_hours(estimate(tasks, tmp_path, 2), 2) == 0
    unknown = estimate(tasks, tmp_path / "none", 2)
    assert set(unknown["source"]) == {"not measured"} and unknown["hours"].isna().all()
    assert pd.isna(total_hours(unknown, 2))
