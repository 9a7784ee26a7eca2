"""The report: claims first, a title and a computed sentence for every entry, and a page that anybody can read."""

from __future__ import annotations

import itertools
import json
import re
import shutil
from html.parser import HTMLParser

import pandas as pd
import pytest
from drawn import small_plot as plot

from pitfalls.study import machine
from pitfalls.study.findings import KINDS, finding, kind_of, title
from pitfalls.study.output import publish, publish_table, published, published_tables
from pitfalls.study.report import ROWS_SHOWN, Executed, write_report
from pitfalls.tables import read_csv

CLAIMS = pd.DataFrame(
    [(1, "it is so", "holds", "in 9 of 9", "by chance 3"), (2, "it is not", "holds in part", "in 4 of 9", ""),
     (3, "perhaps", "undecided here", "", ""),
     (4, "who knows", "not testable", "", "")],
    columns=["claim", "text", "verdict", "evidence", "control"],
).assign(tag="P", untrained="mean +0.123")  # fmt: skip


class Page(HTMLParser):
    """The images, cells, headings, targets and links of a page, and its text."""

    def __init__(self, path):
        super().__init__()
        self.images, self.cells, self.headings, self.ids, self.links = ([] for _ in range(5))
        self.open, self.text = None, ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.ids += [given["id"]] if "id" in given else []
        self.links += [given["href"]] if tag == "a" else []
        if tag == "img":
            self.images.append(given)
        if tag == "td":
            self.cells.append("")
        if re.fullmatch("h[1-6]", tag):
            self.headings.append((int(tag[1]), ""))
        self.open = tag

    def handle_endtag(self, tag):
        self.open = None

    def handle_data(self, data):
        self.text += data
        if self.open == "td":
            self.cells[-1] += data
        if self.open and re.fullmatch("h[1-6]", self.open):
            self.headings[-1] = (self.headings[-1][0], self.headings[-1][1] + data)


def told(table):
    return finding(kind_of(table), table)


def test_the_page_holds_figures_descriptions_numbers_and_machine(tmp_path):
    publish(plot(), "01_x", tmp_path)
    publish(plot(rows=ROWS_SHOWN + 5, alt="Another."), "02_y", tmp_path)
    page = Page(write_report(tmp_path, "mini", [Executed("01_two_pitfalls", 61.4)]))
    assert [image["alt"] for image in page.images] == ['A line falls from 3 to 1 & <says> "so".', "Another."]
    assert all(image["src"].startswith("data:image/webp;base64,") for image in page.images)
    assert page.cells.count("0.1235") == 3 + ROWS_SHOWN
    assert f"the first {ROWS_SHOWN} of\n{ROWS_SHOWN + 5} rows" in page.text
    assert machine.processor() in page.text and page.cells[-1] == "61"
    assert (2, "Notebook 01: two pitfalls") in page.headings and (2, "Notebook 02") in page.headings


def test_claims_come_first_then_the_papers_parts_then_the_notebooks(tmp_path):
    for name in ("01_x", "fig11", "fig10"):
        publish(plot(alt=name), name, tmp_path)
    publish_table(CLAIMS, "claims", tmp_path, "The claims.")
    publish_table(pd.DataFrame({"table": [], "reason": []}), "left_out", tmp_path, "Left out.")
    words = pd.DataFrame({"word": ["NA"], "outcome": "x", "before": "a", "after": "b"})
    publish_table(words, "tab9", tmp_path, "Words.")
    costs = pd.DataFrame({"kind": ["study"], "total": [71.5]})
    page = Page(write_report(tmp_path, "mini", [], costs))
    entries = [name for name in page.ids if name in ("claims", "tab9", "left_out", "fig10", "fig11", "01_x")]
    assert entries == ["claims", "tab9", "left_out", "fig10", "fig11", "01_x"]
    assert [name for level, name in page.headings if level == 2] == [
        "The claims", "Contents", "Interventions: what is used", "Left out", "Others", "Notebook 01",
        "How it was made",
    ]  # fmt: skip
    assert "Of 4 claims 1 holds, 1 holds in part, 1 is undecided here, 1 cannot be tested." in page.text
    assert "In untrained models: mean +0.123." in page.text
    assert "Holds in part. 2. It is not" in " ".join(page.text.split()) and "Evidence: in 4 of 9." in page.text
    assert {"NA", "71.5"} <= set(page.cells)


def test_the_same_picture_stands_once_and_is_referred_to(tmp_path):
    for name in ("01_x", "fig2"):
        publish(plot(), name, tmp_path)
    page = Page(write_report(tmp_path, "mini"))
    assert len(page.images) == 1 and "The picture is the same as that of Figure 2." in page.text


@pytest.fixture(scope="module")
def committed(root, tmp_path_factory):
    """The report of the committed figures and results."""
    folder = tmp_path_factory.mktemp("committed")
    for part in ("figures", "results"):
        shutil.copytree(root / part, folder / part, ignore=shutil.ignore_patterns("*.svg", "*.zip"))
    return write_report(folder, "mini")


@pytest.mark.slow
def test_the_committed_report_is_small_stands_alone_and_leaves_out_no_level(committed):
    assert committed.stat().st_size < 2_500_000
    page = Page(committed)
    assert not [link for link in page.links if re.match(r"\w+:|//", link)]
    assert all(image["src"].startswith("data:") and image["alt"] and image["width"] for image in page.images)
    assert len(set(page.ids)) == len(page.ids)
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    levels = [level for level, _ in page.headings]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_but_what_scrolls_is_wider_than_the_screen(committed, browser, width):
    page = browser.new_page(viewport={"width": width, "height": 844})
    page.goto(committed.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


def test_a_report_of_nothing_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="holds no figure to report"):
        write_report(tmp_path, "mini")


def test_every_committed_table_has_a_kind_and_no_kind_is_there_twice(root):
    for one in (*published(root), *published_tables(root)):
        table = read_csv(root / one.table)
        assert kind_of(table) is not None, one.id
        assert told(table).endswith(".")
    columns = [frozenset(kind.columns) for kind in KINDS]
    # A kind listed after one with a subset of its columns would never be found.
    assert not [(a, b) for i, a in enumerate(columns) for b in columns[i + 1 :] if a <= b]


def test_the_highest_of_each_measure_is_told_with_its_layer_and_what_random_units_reach():
    rows = [
        ("A", "accuracy", "linear", 1, 0.71), ("A", "accuracy", "probeless", 2, 0.93),
        ("A", "accuracy", "random", 1, 0.62), ("A", "accuracy", "random", 2, 0.64),
        ("A", "flip rate", "linear", 1, 0.4), ("B", "accuracy", "linear", 3, 0.5),
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=["model", "measure", "ranking", "layer", "mean"]).assign(direction="ttb")
    assert told(table) == (
        "A: The highest of each measure: accuracy: Probeless, 0.93 at layer 2 (random there 0.64); "
        "flip rate: Linear, 0.40 at layer 1. B: The highest of each measure: accuracy: Linear, 0.50 at layer 3."
    )
    alone = table[table["model"] == "B"].drop(columns="model")
    assert told(alone) == "The highest of each measure: accuracy: Linear, 0.50 at layer 3."


def test_findings_are_those_of_the_alt_texts(root):
    """Figures compute the same numbers by other code."""

    def alt(name):
        return json.loads((root / "figures" / f"{name}.json").read_text(encoding="utf-8"))["alt"]

    def of(name):
        return told(read_csv(root / "results" / f"{name}.csv"))

    for name, pattern in (
        ("01_neuron", r"share (\d+ %) of their area"),
        ("09_overlap", r"(\d+ of \d+) (?:bars|pairs)"),
        ("09_map", r"(\d+ of \d+) pairs"),
        ("04_overlaps", r"(\d+ of \d+) pairs"),
    ):
        assert re.search(pattern, of(name))[1] == re.search(pattern, alt(name))[1], name
    (highest,) = re.findall(r"highest CLWV is (\d\.\d\d)", of("01_translation"))
    clwv = [float(number) for number in re.findall(r"CLWV 0\.000 at k = 0, highest (\d\.\d+)", alt("01_translation"))]
    assert float(highest) == pytest.approx(max(clwv), abs=0.005)


def test_findings_are_near_ten_neurons_beside_random_rankings_and_averaged_over_panels():
    rows = [("gaussian", "probeless", "ttb", 9, 0.9), ("gaussian", "random", "ttb", 9, 0.6),
            ("linear", "random", "ttb", 9, 0.8), ("linear", "linear", "btt", 50, 1.0)]  # fmt: skip
    curves = pd.DataFrame(rows, columns=["probe", "ranking", "direction", "k", "accuracy"])
    assert re.match(r"With 9 neurons .* Gaussian .* 0.90, .*Probeless; random rankings reach 0.60", told(curves))
    assert "random rankings" not in told(curves[curves["ranking"] == "random"])
    rows = [("Case", 1, "linear", 8, 0.6), ("Mood", 1, "linear", 8, 0.0), ("Case", 1, "random", 8, 0.1),
            ("Mood", 1, "random", 8, 0.1)]  # fmt: skip
    rates = pd.DataFrame(rows, columns=["attribute", "layer", "ranking", "k", "rate"])
    said = told(rates.assign(measure="CLWV", direction="ttb"))
    assert re.search(r"over 2 panels, is 0.30, by Linear at k = 8; random rankings reach 0.10", said)


def test_what_is_found_is_told_of_each_model():
    rows = [("trained", 0.9), ("untrained", 0.6)]
    curves = pd.DataFrame(rows, columns=["model", "accuracy"]).assign(
        probe="linear", ranking="probeless", direction="ttb", k=8
    )
    said = told(curves)
    assert re.match(r"trained: With 8 neurons .* 0\.90.*\. untrained: With 8 neurons .* 0\.60", said), said


def test_titles_are_of_the_paper_or_of_what_is_shown(root):
    kind = kind_of(pd.DataFrame(columns=["probe", "k", "accuracy"]))
    caption = "Spanish Gender, layer 2: Accuracy (fraction of words) of each probe."
    assert title(kind, "fig1a-accuracy", caption) == "Figure 1a. Probing accuracy: Spanish Gender, layer 2"
    assert title(kind, "01_accuracy", caption) == "Probing accuracy: Spanish Gender, layer 2"
    assert told(pd.DataFrame({"mine": [1]})) == "The table has 1 row and 1 column."
