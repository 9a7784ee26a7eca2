"""Files are whole or not there: killed writers, full disks, modes, symbolic links, and who may use a name."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from filelock import Timeout
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from pitfalls import files
from pitfalls.figures.style import Plot
from pitfalls.study.output import publish
from pitfalls.study.stored import Result, write_result
from pitfalls.tables import csv_of, read_csv


@contextlib.contextmanager
def umask(mask):
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def plot():
    return Plot(Figure(figsize=(1, 1)), "Nothing.", "A caption.", pd.DataFrame({"k": [1]}))


@pytest.mark.parametrize("mask", [0o002, 0o077])
def test_every_file_has_the_mode_of_any_new_file(tmp_path, mask):
    with umask(mask):
        write_result(tmp_path / "a.zip", Result({}, {}))
        plot().save(tmp_path, "b")
        publish(plot(), "c", tmp_path / "out")
        (tmp_path / "plain").touch()
    (mode,) = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*") if path.is_file()}
    assert mode == 0o666 & ~mask


def test_no_symbolic_link_is_followed(tmp_path, monkeypatch):
    theirs = tmp_path / "theirs"
    theirs.write_text("theirs")
    target = tmp_path / "here" / "a"
    target.parent.mkdir()
    target.symlink_to(theirs)
    files.write_text(target, "mine")
    assert not target.is_symlink() and (target.read_text(), theirs.read_text()) == ("mine", "theirs")
    monkeypatch.setattr(files.secrets, "token_hex", lambda n: "0" * 2 * n)
    (target.parent / f"{files._OWN}{'0' * 16}.part").symlink_to(theirs)
    with pytest.raises(FileExistsError, match=f"{target}"):
        files.write_text(target, "again")
    assert (target.read_text(), theirs.read_text()) == ("mine", "theirs")


def test_a_full_disk_is_told_with_the_file_and_leaves_the_old_one(small_disk):
    path = small_disk / "a.txt"
    files.write_text(path, "old")
    free = files.free_space(small_disk)
    with pytest.raises(OSError, match=r"No space left .*3,000,000 bytes needed, [\d,]+ bytes free.*a\.txt") as caught:
        files.write({small_disk / "b.txt": b"b", path: bytes(3_000_000)})
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(path))
    with pytest.raises(OSError, match=r"No space left .*a\.txt"), files.replacing(path) as file:
        while True:
            file.write(bytes(100_000))
    assert [entry.name for entry in small_disk.iterdir()] == ["a.txt"] and path.read_text() == "old"
    assert files.free_space(small_disk) == free


@pytest.mark.parametrize("call", ["fsync", "replace", "posix_fallocate"])
def test_whatever_fails_names_the_file_and_leaves_nothing(tmp_path, monkeypatch, call):
    def broken(*given):
        raise OSError(errno.EIO, "Input/output error", *map(str, given[: call == "replace"]))

    monkeypatch.setattr(os, call, broken)
    with pytest.raises(OSError, match=r"\[Errno 5\] Input/output error: '.*a\.txt'"):
        files.write_text(tmp_path / "a.txt", "new")
    assert not list(tmp_path.iterdir())


def test_an_error_of_something_else_stays_what_it_is(tmp_path):
    with pytest.raises(FileNotFoundError, match="elsewhere"), files.replacing(tmp_path / "a"):
        (tmp_path / "elsewhere").read_bytes()
    with pytest.raises(KeyboardInterrupt), files.replacing(tmp_path / "a"):
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_removed_meanwhile_is_told(tmp_path):
    path = tmp_path / "cache" / "a"
    with pytest.raises(FileNotFoundError, match=r"its folder was removed .*cache/a"), files.replacing(path):
        shutil.rmtree(path.parent)


WRITER = """
import sys, importlib.util
from pathlib import Path
sys.path.insert(0, sys.argv[1])
spec = importlib.util.spec_from_file_location("files", sys.argv[1] + "/pitfalls/files.py")
files = importlib.util.module_from_spec(spec)
spec.loader.exec_module(files)
with files.replacing(Path(sys.argv[2])) as file:
    file.write(b"half")
    file.flush()
    print("writing", flush=True)
    sys.stdin.read()
"""


def writer(root, path):
    command = [sys.executable, "-c", WRITER, str(root), str(path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "writing\n"
    return process


def test_what_a_killed_process_left_is_removed_and_nothing_of_a_live_one(tmp_path, root):
    (tmp_path / ".other.part").touch()
    dead, alive = writer(root, tmp_path / "a"), writer(root, tmp_path / "b")
    assert len(list(tmp_path.glob(".pitfalls-*"))) == 2
    dead.send_signal(signal.SIGKILL)
    dead.communicate()
    files.write_text(tmp_path / "c", "c")
    assert len(list(tmp_path.glob(".pitfalls-*"))) == 1
    alive.communicate("")
    assert alive.returncode == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [".other.part", "b", "c"]
    assert (tmp_path / "b").read_bytes() == b"half"


def test_a_folder_is_whole_or_as_it_was(tmp_path):
    folder, part = tmp_path / "a", tmp_path / "a.part"
    part.mkdir()
    (part / "left by a dead process").touch()
    with umask(0o027), files.replacing_folder(folder) as place:
        (place / "inner").mkdir()
        (place / "inner" / "b").write_text("old")
        (place / "inner" / "b").chmod(0o600)  # as safetensors does
        assert not folder.exists()
    assert sorted(tmp_path.rglob("*")) == [folder, folder / "inner", folder / "inner" / "b"]
    assert stat.S_IMODE((folder / "inner" / "b").stat().st_mode) == 0o640
    with pytest.raises(KeyboardInterrupt), files.replacing_folder(folder) as place:
        (place / "b").write_text("new")
        raise KeyboardInterrupt
    assert (folder / "inner" / "b").read_text() == "old" and not part.exists()
    with files.replacing_folder(folder) as place:
        (place / "c").write_text("new")
    assert sorted(tmp_path.rglob("*")) == [folder, folder / "c"]
    theirs = folder.rename(tmp_path / "theirs")
    folder.symlink_to(theirs)
    with files.replacing_folder(folder) as place:
        (place / "d").touch()
    assert not folder.is_symlink() and [path.name for path in theirs.iterdir()] == ["c"]


def test_a_disk_too_full_for_a_folder_is_told_with_the_folder(small_disk):
    said = r"No space left on device \([\d,]+ bytes free: make room .*small/a'"
    with pytest.raises(OSError, match=said) as caught, files.replacing_folder(small_disk / "a") as place:
        files.write_text(place / "b", "b")
        (place / "c").write_bytes(bytes(200_000))
    assert caught.value.errno == errno.ENOSPC and not list(small_disk.iterdir())
    with pytest.raises(OSError, match=r"9,000,000 bytes needed, [\d,]+ bytes free.*small/a'"):
        files.check_room(small_disk / "a", 9_000_000)
    files.check_room(small_disk / "a", 1000)


def test_a_new_file_that_was_taken_for_a_leftover_is_made_again(tmp_path, monkeypatch):
    flock, taken = files.fcntl.flock, []

    def slow(file, how):
        """Another process is faster, the first time."""
        if not taken:
            taken.append(file.name)
            files.remove_leftovers(tmp_path)
        flock(file, how)

    monkeypatch.setattr(files.fcntl, "flock", slow)
    files.write_text(tmp_path / "a", "a")
    assert taken and [path.name for path in tmp_path.iterdir()] == ["a"]


def test_without_locks_files_are_written_and_leftovers_stay(tmp_path, monkeypatch):
    def none(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    left = tmp_path / f"{files._OWN}{'0' * 16}.part"
    left.touch()
    with monkeypatch.context() as patch:
        patch.setattr(files.fcntl, "flock", none)
        files.write_text(tmp_path / "a", "a")
        with files.locked(tmp_path / "lock"):
            pass
    assert left.exists() and (tmp_path / "a").read_text() == "a"


def test_writers_side_by_side_leave_one_whole_file(tmp_path):
    path = tmp_path / "a"
    texts = [letter * 50_000 for letter in "abcd"]
    threads = [threading.Thread(target=lambda t=t: [files.write_text(path, t) for _ in range(20)]) for t in texts]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        if path.exists():
            assert path.read_text() in texts
    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]


def test_a_lock_is_held_by_one_thread_at_a_time(tmp_path):
    lock = tmp_path / "new" / "lock"
    with files.locked(lock), pytest.raises(Timeout), files.locked(lock, 0.0):
        pass
    with files.locked(lock, 0.0):
        pass


def test_files_are_written_by_that_module_alone(root):
    """Any other code that writes files would have to deal with modes, leftovers and full disks itself."""
    others = {"files.py", "course/guesses.py"}
    writes = re.compile(r"os\.replace\(|NamedTemporaryFile|mkstemp|\.write_bytes\(|(?<!files)\.write_text\(")
    for path in sorted((root / "pitfalls").rglob("*.py")):
        code = re.sub(r"^ *(>>>|\.\.\.).*$", "", path.read_text(encoding="utf-8"), flags=re.M)
        assert path.relative_to(root / "pitfalls").as_posix() in others or not writes.search(code), path


def test_a_pipe_or_a_device_is_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="a device, a pipe or a socket, and would be replaced: name a file"):
        files.write_text(pipe, "text")
    assert pipe.is_fifo() and [path.name for path in tmp_path.iterdir()] == ["pipe"]


# ---------------------------------------------------------------------------------------------- tables

# A letter at the end, because what looks like a number is read as one.
CELLS = st.text(st.sampled_from("'=+-@\t aé1.,\n\r\""), max_size=5).map(lambda text: f"{text}x")


@given(st.lists(st.tuples(CELLS, st.floats(allow_nan=False, allow_infinity=False)), min_size=1, max_size=8))
@settings(max_examples=60, deadline=None)
def test_tables_come_back_and_hold_no_formula(rows):
    table = pd.DataFrame(rows, columns=["word", "value"])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        path.write_bytes(csv_of(table).encode())
        plain, found = pd.read_csv(path, keep_default_na=False), read_csv(path)
    pd.testing.assert_frame_equal(found, table, check_dtype=False)
    pd.testing.assert_series_equal(plain["value"], table["value"], check_dtype=False)
    assert not [word for word in plain["word"] if re.match(r"[=+\-@\t\r]", word)]


def test_numbers_and_lone_signs_are_as_pandas_reads_them(tmp_path):
    table = pd.DataFrame(
        {"value": [-0.5, 1e-9, 3.0], "n": [-1, 2, 3], "word": ["-", "+", "a=b"], "text": ["-0.5", "+7", "1"]}
    )
    files.write_text(tmp_path / "a.csv", csv_of(table))
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "a.csv", dtype={"text": str}), table, check_dtype=False)
    assert csv_of(table) == table.to_csv(index=False, lineterminator="\n")
    (tmp_path / "a.csv").write_text("")
    with pytest.raises(ValueError, match=r"a\.csv is not a table"):
        read_csv(tmp_path / "a.csv")


@given(st.lists(st.integers(-4000, 4000), min_size=1, max_size=8), st.integers(0, 9))
@settings(max_examples=40, deadline=None)
def test_what_another_processor_rounds_otherwise_is_written_alike(counts, seed):
    rates = np.array(counts) / 4000
    noise = np.random.default_rng(seed).uniform(-1, 1, len(rates))
    one, other = (pd.DataFrame({"n": counts, "rate": values}) for values in (rates, rates * (1 + 1e-13 * noise)))
    assert csv_of(one) == csv_of(other)
    pd.testing.assert_frame_equal(pd.read_csv(io.StringIO(csv_of(one))), one, rtol=1e-5, check_dtype=False)
