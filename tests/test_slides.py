"""Slides: what is selected from a notebook, and that a deck needs neither network nor another file."""

from __future__ import annotations

import importlib.util
import re
import subprocess
from html.parser import HTMLParser

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from pitfalls.course.slides import main, select, to_html

needs_reveal = pytest.mark.skipif(
    importlib.util.find_spec("sphinx_revealjs") is None,
    reason="no reveal.js here: sphinx-revealjs is not installed, so no deck was written",
)
PICTURE = '<figure><img alt="A chart of k" src="data:image/png;base64,AAAA"></figure>'


def figure():
    return new_output("display_data", data={"text/html": PICTURE, "text/plain": "A chart"})


def printed(text):
    return new_output("stream", name="stdout", text=text)


@pytest.fixture
def notebook():
    return new_notebook(
        cells=[
            new_code_cell("import google.colab", outputs=[printed("set-up")]),
            new_markdown_cell(
                "# 05 · A title\n\nA question?\n\n**You will learn** a thing.\n\n**You need** notebook 04."
            ),
            new_code_cell("print(1)", outputs=[printed("loaded")]),
            new_markdown_cell("## One\n\nThe lead.\n\nMore text.\n\n**Guess**: how many?"),
            new_code_cell("print(7)", outputs=[printed("seven\n")]),
            new_code_cell("print(8)", outputs=[printed("eight\n")]),
            new_code_cell("plot.show()", outputs=[printed("numbers"), figure()]),
            new_markdown_cell("### Exercise 05.1 ★☆☆ 5 minutes: do it\n\nThe task."),
            new_code_cell("def f(): ...", metadata={"tags": ["exercise"]}, outputs=[printed("05.1 is right.")]),
            new_code_cell("05.1 again", metadata={"tags": ["check"]}, outputs=[figure()]),
            new_markdown_cell("Back in the section. **Before you run the cell, guess**: which one?"),
            # What the text has just asked is not asked again.
            new_code_cell('course.predict("05-b", "Which is it?", 0, 1)', outputs=[printed("Predict: ...")]),
            new_code_cell("print(9)", outputs=[printed("nine")]),
            new_markdown_cell("## Two\n\nThe other lead."),
            new_code_cell('course.predict("05-c", "How high?", 0.2, 0.5)', outputs=[printed("Predict: ...")]),
            new_code_cell("plot.show()", outputs=[figure()]),
            new_markdown_cell("## What you can say now\n\n- One.\n- Two.\n\nNot shown: three.\n\n**Try it**: more."),
        ]
    )


def loaded(page):
    """What a page fetches; text inside scripts does not count as tags."""
    found = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: found.extend(
        value for key, value in attrs if (tag, key) in {("script", "src"), ("link", "href"), ("img", "src")}
    )
    parser.feed(page)
    return found


def told(slides):
    return [
        (cell.metadata.slideshow.slide_type, cell.source or "".join(o.get("text", "figure") for o in cell.outputs))
        for cell in slides.cells
    ]


def test_headings_questions_and_figures_are_slides_and_the_rest_is_notes(notebook):
    assert told(select(notebook)) == [
        ("slide", "# 05 · A title"),
        ("-", "A question?"),
        ("-", "**You will learn** a thing."),
        ("notes", "**You need** notebook 04."),
        ("slide", "## One"),
        ("-", "The lead."),
        ("notes", "More text."),
        ("subslide", "### Guess\n\nhow many?"),
        ("subslide", "seven"),
        ("subslide", "figure"),
        ("subslide", "### Guess\n\nwhich one?"),
        ("subslide", "nine"),
        ("slide", "## Two"),
        ("-", "The other lead."),
        ("subslide", "### Guess\n\nHow high?"),
        ("subslide", "figure"),
        ("slide", "## What you can say now"),
        ("-", "- One.\n- Two."),
        ("-", "Not shown: three."),
    ]


def test_a_long_answer_is_cut_and_the_notebook_stays_as_it_was(notebook):
    notebook.cells[4].outputs = [printed("\n".join(str(n) for n in range(40)))]
    before = nbformat.writes(notebook)
    (answer,) = [text for _, text in told(select(notebook)) if text.startswith("0\n")]
    assert answer.split("\n")[-2:] == ["15", "..."]
    assert nbformat.writes(notebook) == before


def test_a_notebook_without_a_heading_is_refused():
    with pytest.raises(ValueError, match="no heading"):
        select(new_notebook(cells=[new_markdown_cell("text")]))


def test_every_heading_and_figure_of_the_course_has_a_slide(root):
    for path in sorted((root / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        stored = nbformat.read(path, as_version=4)
        drawn = [output for cell in stored.cells for output in cell.get("outputs", []) if "<figure>" in str(output)]
        slides = select(stored)
        headings = re.findall(r"^##? .*", "\n".join(c.source for c in stored.cells if c.cell_type == "markdown"), re.M)
        on_slides = [cell.source for cell in slides.cells if cell.metadata.slideshow.slide_type == "slide"]
        assert on_slides == [heading for heading in headings if "# Exercise" not in heading], path.name
        pictures = [output for cell in slides.cells for output in cell.get("outputs", []) if "data" in output]
        assert len(pictures) >= len(drawn) and all("alt=" in output.data["text/html"] for output in pictures)
        assert len(slides.cells) > len(on_slides)


@needs_reveal
def test_a_deck_loads_nothing_and_hides_the_code(notebook):
    page = to_html(select(notebook), "A title")
    assert loaded(page) and all(address.startswith("data:") for address in loaded(page))
    assert "@import" not in page[: page.index("<body")]
    assert "print(7)" not in page and "plot.show()" not in page
    assert page.count('alt="A chart of k"') == 2
    assert "MIT licensed" in page  # reveal.js keeps its licence


@pytest.mark.browser
@needs_reveal
def test_a_browser_shows_the_deck_without_a_network(root, chromium, tmp_path):
    main([str(root / "notebooks" / "05_probe_and_ranking.ipynb"), "--output", str(tmp_path)])
    command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND"]
    command += ["--virtual-time-budget=8000", "--dump-dom", f"{(tmp_path / '05_probe_and_ranking.html').as_uri()}#/1"]
    page = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120).stdout
    assert re.search(r'<div class="reveal [^"]*\bready\b', page)  # reveal.js has started
    assert re.search(r"<section[^>]*class=\"[^\"]*\bpast\b", page)  # and stands on the second slide
    assert '<a href="05_probe_and_ranking.html">' in (tmp_path / "index.html").read_text(encoding="utf-8")
