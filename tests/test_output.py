"""What is written: figures with their descriptions and numbers, and tables."""

from __future__ import annotations

import json
import re

import pandas as pd
import pytest
from drawn import small_plot as plot

from pitfalls.figures.style import Plot
from pitfalls.study import output
from pitfalls.study.output import output_folder, publish, publish_table, published, published_tables, withdraw


def test_publish_writes_all_four_in_utf8_and_gives_the_plot_back(tmp_path):
    shown = plot(alt="мягкий ñ ı")
    assert publish(shown, "01_x", tmp_path) is shown
    written = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert written == {"results/01_x.csv", *(f"figures/01_x.{kind}" for kind in ("json", "png", "svg"))}
    assert json.loads((tmp_path / "figures" / "01_x.json").read_text(encoding="utf-8"))["alt"] == shown.alt
    (found,) = published(tmp_path)
    assert (found.id, found.alt, found.caption) == ("01_x", shown.alt, "A caption.")
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / found.table), shown.table)


def test_a_failing_figure_leaves_what_was_there(tmp_path, monkeypatch):
    publish(plot(), "01_x", tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    monkeypatch.setattr(Plot, "svg", lambda self: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        publish(plot(rows=9), "01_x", tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("name", ["", "Fig 1", "../x"])
def test_ids_are_plain(tmp_path, name):
    with pytest.raises(ValueError, match="use lower-case letters"):
        publish(plot(), name, tmp_path)
    with pytest.raises(ValueError, match="use lower-case letters"):
        publish_table(pd.DataFrame(), name, tmp_path)


def test_output_folder_is_stated_or_beside_the_notebooks(tmp_path, monkeypatch):
    monkeypatch.delenv("PITFALLS_OUTPUT", raising=False)
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    assert output_folder() == tmp_path
    (tmp_path / "notebooks" / "student").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks" / "student")
    assert output_folder() == tmp_path
    monkeypatch.setenv("PITFALLS_OUTPUT", str(tmp_path / "elsewhere"))
    assert output_folder() == tmp_path / "elsewhere"


def test_ids_are_sorted_as_the_paper_has_them(tmp_path):
    for name in ("01_x", "fig10", "fig2", "fig8-k50", "fig8-k128"):
        publish(plot(), name, tmp_path)
    for name in ("claims", "tab7"):
        publish_table(pd.DataFrame({"a": [1]}), name, tmp_path, "A caption.")
    publish_table(pd.DataFrame({"a": [1]}), "not_for_the_report", tmp_path)
    assert [one.id for one in published(tmp_path)] == ["fig2", "fig8-k50", "fig8-k128", "fig10", "01_x"]
    assert [one.id for one in published_tables(tmp_path)] == ["tab7", "claims"]


def test_what_an_earlier_run_published_is_withdrawn_and_nothing_else(tmp_path):
    for name in ("fig1-eng", "fig1-rus", "01_x"):
        publish(plot(), name, tmp_path)
    publish_table(pd.DataFrame({"a": [1]}), "tab2", tmp_path, "Gone.")
    (tmp_path / "results" / "fig1-notes.txt").write_text("mine", encoding="utf-8")
    withdraw(tmp_path, re.compile(r"(fig|tab)[0-9].*"), ["fig1-eng"])
    assert {path.stem for path in tmp_path.rglob("*.*")} == {"fig1-eng", "01_x", "fig1-notes"}
    assert [figure.id for figure in published(tmp_path)] == ["fig1-eng", "01_x"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"alt": "x"}', '{"alt": 1, "caption": "x"}', "[" * 100_000])
def test_a_damaged_description_is_named(tmp_path, text):
    publish(plot(), "01_x", tmp_path)
    (tmp_path / "figures" / "01_x.json").write_text(text)
    (tmp_path / "results" / "tab1.json").write_text(text.replace("caption", "other"))
    with pytest.raises(ValueError, match=r"figures/01_x\.json is not a description .*: delete it"):
        published(tmp_path)
    with pytest.raises(ValueError, match=r"results/tab1\.json is not a description"):
        published_tables(tmp_path)


def test_formulas_are_published_as_text_and_come_back(tmp_path, monkeypatch):
    table = pd.DataFrame({"word": ["=1+1", "-", "'=x"], "value": [-0.5, 1.0, 2.0]})
    publish_table(table, "tab9", tmp_path)
    publish(Plot(plot().figure, "x", "y", table), "fig9", tmp_path)
    for name in ("tab9", "fig9"):
        lines = (tmp_path / "results" / f"{name}.csv").read_text(encoding="utf-8").splitlines()
        assert lines == ["word,value", "'=1+1,-0.5", "-,1.0", "''=x,2.0"]
        monkeypatch.setenv("PITFALLS_OUTPUT", str(tmp_path))
        pd.testing.assert_frame_equal(output.stored_table(name), table, check_dtype=False)
