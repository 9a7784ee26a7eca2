"""Slides from executed notebooks: headings, questions and figures, with the rest of the text as speaker's notes.

Nothing is run or drawn again. A deck is one HTML file that needs no network and no other file: it contains reveal.js,
taken from the installed package sphinx-revealjs. ``make slides`` writes one deck per notebook::

    python -m pitfalls.course.slides --output build/slides notebooks/*.ipynb

In the browser, press space for the next slide and ``s`` for the speaker's view with the notes; append ``?print-pdf`` to
the address for a PDF.
"""

from __future__ import annotations

import argparse
import ast
import html
import importlib.util
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pitfalls.course.exercise_cells import EXERCISE
from pitfalls.course.versions import CHECK, EXPECTED, NAVIGATION
from pitfalls.extras import extra
from pitfalls.files import write_text

with extra("course"):
    import nbformat
    from nbconvert import SlidesExporter
    from nbformat import NotebookNode
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

_LEAD = 300  # characters of a section's first paragraph; a slide must be readable from the last row
_LINES = 16  # of a printed answer
_CLOSING = "## What you can say"
_GUESS = re.compile(r"\*\*[^*]*\b(?:guess|commit)\b[^*]*\*\*:?\s*", re.IGNORECASE)
_ASKING = ("course.predict", "course.guess")
_GENERATED = {CHECK, NAVIGATION, EXPECTED}  # tags of cells that are not part of the source

# Replaces the blocks of nbconvert's template that load something from the network. Texts come in through `resources`,
# so that Jinja does not interpret the braces in reveal.js.
_TEMPLATE = """
{% extends 'reveal/index.html.j2' %}
{% block html_head_js %}{% endblock %}
{% block html_head_js_mathjax %}{% endblock %}
{% block jupyter_widgets %}{% endblock %}
{% block html_head_css %}<style>{{ resources.deck.css }}</style>{% endblock %}
{% block footer_js %}
<script>{{ resources.deck.reveal }}</script>
<script>{{ resources.deck.notes }}</script>
<script>
Reveal.initialize({hash: true, slideNumber: 'c/t', width: 1200, height: 760, plugins: [RevealNotes]});
</script>
{% endblock footer_js %}
"""
_STYLE = """
.reveal section { text-align: left; }
.reveal h1, .reveal h2, .reveal h3 { text-transform: none; }
.reveal figure { margin: 0; text-align: center; }
.reveal figure img { max-height: 560px; margin: 0; border: 0; }
.reveal figcaption { font-size: 16px; text-align: left; }
.reveal pre { font-size: 16px; box-shadow: none; width: 100%; }
.reveal .jp-RenderedHTMLCommon p, .reveal .jp-RenderedHTMLCommon li { font-size: 26px; line-height: 1.35; }
"""


def select(notebook: NotebookNode) -> NotebookNode:
    """The slides of an executed notebook, as a notebook whose cells have slide types.

    A section starts with its heading and the beginning of its first paragraph. A guess has its own slide, and what the
    next cell printed follows as its answer. Every figure has a slide. The closing section is shown whole. Exercises are
    left out: they belong to the lab. All other text goes to the speaker's notes.

    Raises
    ------
    ValueError
        If the notebook has no heading, so that no slide can start.
    """
    deck = _Deck()
    for cell in notebook.cells:
        tags = set(cell.metadata.get("tags", []))
        if cell.cell_type == "markdown" and not tags & _GENERATED:
            for paragraph in _paragraphs(cell.source):
                deck.text(paragraph)
        elif EXERCISE in tags:
            deck.in_exercise = False
        elif cell.cell_type == "code" and not tags & _GENERATED:
            asked = _asked(cell.source)
            for question in asked:
                deck.slider(question)
            if not asked:  # a question's output is its slider
                deck.outputs(cell.get("outputs", []))
    if not deck.cells:
        raise ValueError("the notebook has no heading, so no slide can start: give its first cell a line '# Title'")
    return new_notebook(cells=deck.cells, metadata=notebook.metadata)


def to_html(slides: NotebookNode, title: str) -> str:
    """A deck as one HTML page that loads nothing else.

    Raises
    ------
    ModuleNotFoundError
        If sphinx-revealjs, which contains reveal.js, is not installed.
    """
    exporter: Any = SlidesExporter(exclude_input=True, exclude_output_prompt=True, exclude_input_prompt=True)
    exporter.raw_template = _TEMPLATE
    page, _ = exporter.from_notebook_node(slides, resources={"metadata": {"name": title}, "deck": _reveal()})
    # The page contains both style sheets already; a link to one would be a request.
    return re.sub(r"<link\s[^>]*rel=\"stylesheet\"[^>]*>", "", str(page))


def write_slides(notebooks: Iterable[Path], folder: Path) -> list[Path]:
    """Write one deck per notebook and a page that lists them; return the decks' paths."""
    folder.mkdir(parents=True, exist_ok=True)
    decks, entries = [], []
    for path in sorted(notebooks):
        slides = select(nbformat.read(path, as_version=4))
        title = slides.cells[0].source.split("\n")[0].lstrip("# ")
        decks.append(folder / f"{path.stem}.html")
        write_text(decks[-1], to_html(slides, title))
        entries.append(f'<li><a href="{path.stem}.html">{html.escape(title)}</a></li>')
    head = '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Slides</title><h1>Slides</h1>'
    write_text(folder / "index.html", f"{head}<ul>{''.join(entries)}</ul></html>\n")
    return decks


class _Deck:
    """Slides as they grow, paragraph by paragraph."""

    def __init__(self) -> None:
        self.cells: list[NotebookNode] = []
        self._section = ""  # the section's heading
        self._lead_missing = False
        self._answer_missing = False
        self.in_exercise = False  # from its heading to its answer

    def text(self, paragraph: str) -> None:
        """Put a paragraph on a slide, or into the notes."""
        if paragraph.startswith("#"):
            self._heading(paragraph)
        elif not self.cells or self.in_exercise:
            return
        elif asked := _GUESS.search(paragraph):
            self.guess(paragraph[asked.end() :])
        elif paragraph.startswith(("**Try it", "<", "[![")):
            return  # homework, folded hints and badges
        elif self._lead_missing or self._shown_whole(paragraph):
            lead = paragraph if self._shown_whole(paragraph) else beginning(paragraph, _LEAD)
            self._add(lead)
            self._lead_missing = False
            if lead != paragraph:
                self._add(paragraph, "notes")
        else:
            self._add(paragraph, "notes")

    def guess(self, question: str) -> None:
        """Ask a question on its own slide; the lines printed next are the answer."""
        if self.cells and not self.in_exercise:
            self._add(f"### Guess\n\n{question}", "subslide")
            self._answer_missing = True

    def slider(self, question: str) -> None:
        """Ask what a cell asks, unless the text above it has just done so."""
        if not self._answer_missing:
            self.guess(question)

    def outputs(self, outputs: Sequence[NotebookNode]) -> None:
        """Show figures, and the answer to a guess."""
        if not self.cells or self.in_exercise:
            return
        figures = [output for output in outputs if "<img" in output.get("data", {}).get("text/html", "")]
        printed = [output for output in outputs if output.get("name") == "stdout" and output.text.strip()]
        for figure in figures:
            self._add_output(figure)
        if self._answer_missing and printed and not figures:
            lines = printed[0].text.strip("\n").split("\n")
            cut = [*lines[:_LINES], "..."] if len(lines) > _LINES else lines
            self._add_output(nbformat.v4.new_output("stream", name="stdout", text="\n".join(cut)))
        if figures or printed:
            self._answer_missing = False

    def _heading(self, paragraph: str) -> None:
        heading = paragraph.split("\n")[0]
        level = len(heading) - len(heading.lstrip("#"))
        self.in_exercise = "# Exercise" in heading or (self.in_exercise and level > 2)
        if self.in_exercise:
            return
        self._section = heading if level <= 2 else self._section
        self._lead_missing, self._answer_missing = True, False
        self._add(heading, "slide" if level <= 2 else "subslide")

    def _shown_whole(self, paragraph: str) -> bool:
        return self._section.startswith(_CLOSING) or paragraph.startswith(("**You will learn", "- **You will learn"))

    def _add(self, source: str, kind: str = "-") -> None:
        self.cells.append(new_markdown_cell(source, id=self._id(), metadata={"slideshow": {"slide_type": kind}}))

    def _add_output(self, output: NotebookNode) -> None:
        metadata = {"slideshow": {"slide_type": "subslide"}}
        self.cells.append(new_code_cell("", id=self._id(), outputs=[output], metadata=metadata))

    def _id(self) -> str:
        return f"slide-{len(self.cells)}"


def beginning(paragraph: str, length: int) -> str:
    """The first sentences of a paragraph, at least one, with at most ``length`` characters in all.

    No sentence ends within emphasis, code or a link.

    Examples
    --------
    >>> beginning("One *thing. Two* things. Three.", 26)
    'One *thing. Two* things.'
    >>> beginning("A list has no end", 3)
    'A list has no end'
    """
    ends = [
        match.end()
        for match in re.finditer(r"[.?!:]['\"*)]*(?=\s)", paragraph)
        if all(paragraph[: match.end()].count(mark) % 2 == 0 for mark in ("*", "`", '"'))
        and paragraph[: match.end()].count("[") == paragraph[: match.end()].count("](")
    ]
    fitting = [end for end in ends if end <= length] or ends[:1]
    return paragraph[: fitting[-1]] if fitting and len(paragraph) > length else paragraph


def _paragraphs(source: str) -> Iterator[str]:
    """The paragraphs of a text; a list counts as one, and a heading is separate from the text below it."""
    for block in re.split(r"\n\s*\n", source.strip()):
        head, _, rest = block.partition("\n")
        if head.startswith("#"):
            yield head
            if rest.strip():
                yield rest
        elif block:
            yield block


def _asked(source: str) -> list[str]:
    """The questions of calls ``course.predict(id, question, ...)`` and ``course.guess(id, question, ...)``."""
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except SyntaxError:  # a line for IPython, such as %pip
        return []
    calls = [node for node in nodes if isinstance(node, ast.Call) and ast.unparse(node.func) in _ASKING]
    texts = [[a.value for a in c.args if isinstance(a, ast.Constant) and isinstance(a.value, str)] for c in calls]
    return [said[1] for said in texts if len(said) > 1]


def _reveal() -> dict[str, str]:
    """The scripts and styles of reveal.js, as text to write into a page."""
    found = importlib.util.find_spec("sphinx_revealjs")
    if found is None or found.origin is None:
        raise ModuleNotFoundError(
            "slides need reveal.js from the package sphinx-revealjs, which is not installed: "
            "pip install 'sphinx-revealjs>=3.1'"
        )
    home = Path(found.origin).parent / "_static" / "revealjs"
    texts = {
        name: (home / file).read_text(encoding="utf-8").replace("</script", r"<\/script")
        for name, file in (("reveal", "dist/reveal.js"), ("notes", "plugin/notes/notes.js"))
    }
    css = "".join((home / "dist" / file).read_text(encoding="utf-8") for file in ("reveal.css", "theme/white.css"))
    # The theme's font is a separate file; the reader's own sans-serif replaces it.
    return {**texts, "css": re.sub(r"@import url\([^)]*\);", "", css) + _STYLE}


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the decks of notebooks."""
    parser = argparse.ArgumentParser(prog="python -m pitfalls.course.slides", description=main.__doc__)
    parser.add_argument("notebooks", nargs="+", type=Path, help="executed notebooks")
    parser.add_argument("--output", type=Path, default=Path("build/slides"), help="folder (default %(default)s)")
    given = parser.parse_args(arguments)
    for deck in write_slides(given.notebooks, given.output):
        print(deck)


if __name__ == "__main__":
    main()
