"""Result files: what is written is read, whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from another_user import unreadable
from hypothesis import given, settings
from hypothesis import strategies as st

from pitfalls.study import stored
from pitfalls.study.everywhere import STUDIED
from pitfalls.study.output import study_id
from pitfalls.study.stored import DamagedResultError, Result, read_result, write_result

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
TABLES = st.lists(
    st.tuples(TEXT, st.integers(-(2**62), 2**62), st.floats(allow_infinity=False), st.booleans()), max_size=6
).map(lambda rows: pd.DataFrame(rows, columns=["word", "n", "rate", "hit"]).astype(TYPES))
TYPES = {"word": object, "n": "int64", "rate": "float64", "hit": "bool"}


@given(TABLES)
@settings(max_examples=25)
def test_tables_come_back_to_the_last_bit(tmp_path_factory, table):
    path = tmp_path_factory.mktemp("stored") / "a.zip"
    write_result(path, Result({"seed": 3}, {"t": table}))
    found = read_result(path)
    assert found.manifest == {"seed": 3}
    assert [str(found.tables["t"][c].dtype) for c in ("n", "rate", "hit")] == ["int64", "float64", "bool"]
    assert found.tables["t"]["word"].tolist() == table["word"].tolist()
    for column in ("n", "rate", "hit"):
        np.testing.assert_array_equal(found.tables["t"][column], table[column])


def test_words_that_look_like_something_else_stay_words(tmp_path):
    words = ["NA", "null", "nan", "1", "", "a,b", 'say "x"', "two\nlines", " space "]
    table = pd.DataFrame({"word": words, "strength": np.nan})
    write_result(tmp_path / "a.zip", Result({}, {"t": table}))
    pd.testing.assert_frame_equal(read_result(tmp_path / "a.zip").tables["t"], table, check_dtype=False)


def test_the_same_tables_give_the_same_bytes(tmp_path):
    table = pd.DataFrame({"k": [1, 2]})
    for name in ("a", "b"):
        write_result(tmp_path / name, Result({}, {"t": table}))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_damaged_file_is_told_wherever_it_is_cut_or_altered(tmp_path):
    path = tmp_path / "a.zip"
    write_result(path, Result({"seed": 1}, {"t": pd.DataFrame({"rate": np.linspace(0, 1, 50)})}))
    whole = path.read_bytes()
    for length in range(0, len(whole), 37):
        path.write_bytes(whole[:length])
        with pytest.raises(DamagedResultError, match="is damaged"):
            read_result(path)
    for place in range(60, 400, 17):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        try:
            found = read_result(path)
        except DamagedResultError:
            continue
        # Bytes of the archive that say nothing about the content, such as its dates.
        np.testing.assert_array_equal(found.tables["t"]["rate"], np.linspace(0, 1, 50))
    with pytest.raises(FileNotFoundError):
        read_result(tmp_path / "none.zip")


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "a.zip"
    write_result(path, Result({"seed": 1}, {}))
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pitfalls.files.os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_result(path, Result({"seed": 2}, {}))
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.zip"]
    assert path.read_bytes() == before


def test_a_column_of_other_things_is_refused(tmp_path):
    with pytest.raises(ValueError, match="the column 'word' holds None"):
        write_result(tmp_path / "a.zip", Result({}, {"t": pd.DataFrame({"word": ["a", None]}, dtype=object)}))


def packed(path, columns, tables, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, text in {"columns.json": json.dumps(columns), "manifest.json": "{}", **tables}.items():
            archive.writestr(name, text)


@pytest.mark.parametrize(
    ("columns", "text", "said"),
    [
        ([], "a\n1\n", "not an object of names and values"),
        ({"t": []}, "a\n1\n", "columns"),
        ({"t": {"a": "complex"}}, "a\n1\n", "the kind of 'a' is 'complex'"),
        ({"t": {"a": ["int64"]}}, "a\n1\n", "the kind of 'a' is"),
        ({"t": {"a": "int64"}}, f"a\n{2**80}\n", "Error"),
        ({"t": {"a": "int64"}}, f"a\n{'9' * 5000}\n", "Error"),
        ({"t": {"a": "int64"}}, 'a\n""\n', "Error"),
        ({"t": {"a": "bool"}}, "a\nTrue\nmaybe\n", "'a' holds 'maybe': a truth value is True or False"),
        ({"t": {"a": "text"}}, "a,b\n1,2\n", r"columns are \['a', 'b'\]"),
        ({"t": {"a": "text"}, "u": {}}, "a\n1\n", "u.csv"),
        ({"t": {"a": "text"}}, "", "No columns"),
    ],
)
def test_a_file_that_contradicts_itself_is_damaged(tmp_path, columns, text, said):
    path = tmp_path / "a.zip"
    packed(path, columns, {"t.csv": text})
    with pytest.raises(DamagedResultError, match=f"(?s)a.zip is damaged .*{said}.*: delete it"):
        read_result(path)


def test_a_file_that_unpacks_to_too_much_is_refused_unpacked(tmp_path, monkeypatch):
    path = tmp_path / "a.zip"
    packed(path, {"t": {"a": "text"}}, {"t.csv": "a\n" + "x" * 100_000})
    monkeypatch.setattr(stored, "_MOST_BYTES", 50_000)
    with pytest.raises(DamagedResultError, match=r"3 files of 100,\d+ bytes"):
        read_result(path)
    monkeypatch.setattr(stored, "_MOST_FILES", 2)
    with pytest.raises(DamagedResultError, match="has at most 2 of 50,000"):
        read_result(path)


def test_no_more_is_unpacked_than_the_archive_says(tmp_path):
    """Both headers state too small a size, so that the sum is small."""
    path = tmp_path / "a.zip"
    size = 1_000_003
    packed(path, {"t": {"a": "text"}}, {"t.csv": "a\n" + "x" * (size - 2)})
    content = path.read_bytes()
    assert content.count(size.to_bytes(4, "little")) == 2
    path.write_bytes(content.replace(size.to_bytes(4, "little"), (7).to_bytes(4, "little")))
    with pytest.raises(DamagedResultError, match="CRC"):
        read_result(path)


def test_other_compressions_are_refused(tmp_path):
    packed(tmp_path / "a.zip", {"t": {"a": "text"}}, {"t.csv": "a\nb\n"}, zipfile.ZIP_LZMA)
    with pytest.raises(DamagedResultError, match="is not compressed with Deflate"):
        read_result(tmp_path / "a.zip")


@pytest.mark.parametrize("model", STUDIED)
def test_a_stored_study_is_written_byte_for_byte(model, tmp_path, root):
    whole = root / "results" / f"{study_id('mini', model)}.zip"
    write_result(tmp_path / "a.zip", read_result(whole))
    assert (tmp_path / "a.zip").read_bytes() == whole.read_bytes()


def test_what_may_not_be_read_is_not_called_damaged():
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        path = Path(folder) / "a.zip"
        write_result(path, Result({}, {}))
        with unreadable(path), pytest.raises(PermissionError, match=r"Permission denied \(ask its owner .*a\.zip"):
            read_result(path)


def test_a_broken_disk_is_not_called_damage(tmp_path, monkeypatch):
    write_result(tmp_path / "a.zip", Result({}, {}))

    def broken(path):
        raise OSError(5, "Input/output error", str(path))

    monkeypatch.setattr(Path, "read_bytes", broken)
    with pytest.raises(OSError, match=r"\[Errno 5\] Input/output error: .*a\.zip"):
        read_result(tmp_path / "a.zip")
