"""The instructor's and the student's version of a notebook, both generated from one source.

``notebooks/src/NN_name.py`` is the source. The **instructor's** version is ``notebooks/NN_name.ipynb``: it holds the
solutions and generated cells (the Colab cell and, under every answer, a locked cell in which nbgrader checks it). The
**student's** version is ``notebooks/student/NN_name.ipynb``, made from the executed instructor's version: it has stubs
instead of solutions, no outputs, the expected figures, and links to the notebooks before and after it.

::

    python -m pitfalls.course.versions instructor NOTEBOOK   # adds the generated cells in place; `make` runs it
    python -m pitfalls.course.versions student FOLDER        # writes the student's version of every notebook
    python -m pitfalls.course.versions nbgrader FOLDER       # writes a course folder for nbgrader
"""

from __future__ import annotations

import argparse
import hashlib
import html
import re
from collections.abc import Iterator, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

from pitfalls.course import colab
from pitfalls.course.exercise_cells import EXERCISE, Asked, asked, stubbed, tags
from pitfalls.extras import extra
from pitfalls.files import write_text
from pitfalls.study.readme import address

with extra("course"):
    import nbformat
    from nbformat import NotebookNode, v4

CHECK, EXPECTED, NAVIGATION = "check", "expected-figure", "navigation"

_TITLE = re.compile(r"^# (.+)$", re.M)
_PICTURE = re.compile(r'<img alt="([^"]*)"[^>]* src="(data:image/png;base64,[^"]+)"')
_KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
# nbgrader fails a graded cell that writes to stderr, and a right answer may warn.
_GRADED = """\
# Graded: the same check of the answer above. This cell cannot be edited.
import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    {check}"""
_CONFIG = """\
# Written once by `python -m pitfalls.course.versions nbgrader`; yours to edit.
c = get_config()  # noqa: F821
c.CourseDirectory.course_id = "pitfalls"
c.ClearSolutions.enabled = False  # source/ holds the student's version: its stubs are in place
c.ExecutePreprocessor.timeout = 600  # seconds per cell; nbgrader's 30 are too few for some
"""


# ------------------------------------------------------------------------------------- the instructor's version


def instructor(notebook: NotebookNode, repository: str) -> NotebookNode:
    """The instructor's version: the source's cells and the generated ones. Doing this twice changes nothing.

    Parameters
    ----------
    notebook : as jupytext reads it from the source, or an instructor's version
    repository : the address from which Colab installs the package
    """
    made = deepcopy(notebook)
    cells = [cell for cell in made.cells if CHECK not in tags(cell)]
    for one in reversed(asked(cells)):
        cells[one.index].metadata["nbgrader"] = _nbgrader("answer", one.id, solution=True)
        cells.insert(one.index + 1, _check_cell(one))
    made.cells = colab.with_colab(cells, repository)
    made.metadata["kernelspec"] = _KERNEL
    made.nbformat, made.nbformat_minor = 4, 5
    _number(made.cells)
    return made


def _check_cell(one: Asked) -> NotebookNode:
    graded = _nbgrader("check", one.id, grade=True, locked=True, points=one.points)
    # The book shows the check once, in the answer's cell.
    metadata = {"tags": [CHECK, "remove-cell"], "nbgrader": graded, "editable": False, "deletable": False}
    return v4.new_code_cell(_GRADED.format(check=one.check), metadata=metadata)


def _nbgrader(kind: str, exercise_id: str, **said: Any) -> dict[str, Any]:
    """A cell's metadata in version 3 of nbgrader's schema."""
    plain = {"schema_version": 3, "grade": False, "solution": False, "locked": False, "task": False}
    return {**plain, "grade_id": f"{kind}-{exercise_id.replace('.', '-')}", **said}


def _number(cells: Sequence[NotebookNode]) -> None:
    """Give each cell an id that depends on its text alone, so that two builds write the same."""
    seen: dict[str, int] = {}
    for cell in cells:
        digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:12]
        seen[digest] = seen.get(digest, 0) + 1
        cell["id"] = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"


# ------------------------------------------------------------------------------------- the student's version


def student(notebook: NotebookNode, before: tuple[str, str] | None, after: tuple[str, str] | None) -> NotebookNode:
    """The student's version of an executed instructor's version.

    Parameters
    ----------
    notebook : the instructor's version
    before, after : title and file name of the notebooks before and after it; None at the ends of the course
    """
    questions = {one.index: one for one in asked(notebook.cells)}
    cells: list[NotebookNode] = []
    for index, cell in enumerate(notebook.cells):
        cells.append(_cleared(cell))
        if index in questions:
            cells[-1].source = stubbed(cell.source, questions[index].stub)
        elif index - 1 in questions:  # the locked check
            cells.extend(_expected(questions[index - 1], notebook.cells))
    cells.append(v4.new_markdown_cell(_links(before, after), metadata={"tags": [NAVIGATION]}, id=NAVIGATION))
    metadata = {"kernelspec": _KERNEL, "language_info": {"name": "python"}}
    return v4.new_notebook(cells=cells, metadata=metadata, nbformat_minor=5)


def _cleared(cell: NotebookNode) -> NotebookNode:
    copy = deepcopy(cell)
    copy.metadata.pop("execution", None)  # when it ran, and for how long
    if copy.cell_type == "code":
        copy.outputs, copy.execution_count = [], None
    return copy


def _expected(one: Asked, cells: Sequence[NotebookNode]) -> Iterator[NotebookNode]:
    """A markdown cell with the figures shown by the answer's cell and by the code cell after its check."""
    shown = [cells[i] for i in (one.index, one.index + 2) if i < len(cells) and cells[i].cell_type == "code"]
    # In the text rather than as attachments, which Colab does not show.
    figures = [f"![{_plain(alt)}]({data})" for cell in shown for alt, data in pictures(cell.outputs)]
    if figures:
        text = "\n\n".join([f"**What to expect** when exercise {one.id} is right:", *figures])
        yield v4.new_markdown_cell(text, metadata={"tags": [EXPECTED]}, id=f"expected-{one.id.replace('.', '-')}")


def pictures(outputs: Sequence[NotebookNode]) -> Iterator[tuple[str, str]]:
    """The alt text and data URL of each figure: one of our plots, or any PNG."""
    for output in outputs:
        data = output.get("data", {})
        ours = _PICTURE.findall(data.get("text/html", ""))
        if ours:
            yield from ((html.unescape(alt), address) for alt, address in ours)
        elif "image/png" in data:
            base64 = "".join(data["image/png"].split())
            yield data.get("text/plain", "figure"), f"data:image/png;base64,{base64}"


def _plain(alt: str) -> str:
    """An alt text on one line, escaped so that Markdown shows it as it is."""
    return re.sub(r"([\[\]\\*_`<>$])", r"\\\1", " ".join(alt.split()))


def _links(before: tuple[str, str] | None, after: tuple[str, str] | None) -> str:
    said = [f"{word}: [{place[0]}]({place[1]})" for word, place in (("Before", before), ("Next", after)) if place]
    return " · ".join(said) or "The course has no other notebook."


# ------------------------------------------------------------------------------------- on disk


def students(notebooks: Path) -> dict[str, NotebookNode]:
    """The student's versions of all notebooks in a folder, by file name.

    Raises
    ------
    FileNotFoundError
        If the folder holds no notebook.
    ValueError
        If a notebook's exercises are malformed, or it lacks its title or the generated cells.
    """
    paths = sorted(notebooks.glob("[0-9][0-9]_*.ipynb"))
    if not paths:
        raise FileNotFoundError(f"no notebook such as 05_….ipynb in {notebooks}: run `make notebooks` first")
    read = {path.name: nbformat.read(path, as_version=4) for path in paths}
    places = [(_title(notebook), name) for name, notebook in read.items()]
    around = zip([None, *places], [*places[1:], None], strict=False)
    made = {}
    for (name, notebook), (before, after) in zip(read.items(), around, strict=True):
        if not any(colab.TAG in tags(cell) for cell in notebook.cells):
            raise ValueError(f"{name} is too old to have the generated cells: run `make -B notebooks/{name}`")
        try:
            made[name] = student(notebook, before, after)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
    return made


def write_students(notebooks: Path, folder: Path) -> list[Path]:
    """Write the student's version of every notebook, remove those of notebooks that are gone, and return the paths."""
    made = students(notebooks)
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("[0-9][0-9]_*.ipynb"):
        if old.name not in made:
            old.unlink()
    return [_write(notebook, folder / name) for name, notebook in made.items()]


def write_nbgrader(notebooks: Path, folder: Path) -> list[Path]:
    """Write a course folder for nbgrader: an assignment for every notebook with exercises, and a configuration.

    An existing configuration is left as it is.
    """
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "nbgrader_config.py"
    if not config.exists():
        write_text(config, _CONFIG)
    return [
        _write(notebook, folder / "source" / Path(name).stem / name)
        for name, notebook in students(notebooks).items()
        if any(EXERCISE in tags(cell) for cell in notebook.cells)
    ]


def _write(notebook: NotebookNode, target: Path) -> Path:
    nbformat.validate(notebook)
    target.parent.mkdir(parents=True, exist_ok=True)
    write_text(target, nbformat.writes(notebook) + "\n")
    return target


def _title(notebook: NotebookNode) -> str:
    found = _TITLE.search(notebook.cells[0].source)
    if found is None:
        raise ValueError(f"a notebook begins with a title such as `# 05 · …`, not with {notebook.cells[0].source!r}")
    return found.group(1)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the versions; the commands are listed at the top of this module."""
    root = Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(prog="python -m pitfalls.course.versions", description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    add = commands.add_parser("instructor", help="add the generated cells to a notebook, in place")
    add.add_argument("notebook", type=Path)
    for name, said in (("student", "write the student's versions"), ("nbgrader", "write a course folder for nbgrader")):
        command = commands.add_parser(name, help=said)
        command.add_argument("folder", type=Path)
        command.add_argument("--notebooks", type=Path, default=root / "notebooks", help="the executed notebooks")
    options = parser.parse_args(arguments)
    if options.command == "instructor":
        _write(instructor(nbformat.read(options.notebook, as_version=4), address(root)), options.notebook)
    else:
        write = {"student": write_students, "nbgrader": write_nbgrader}[options.command]
        print("\n".join(map(str, write(options.notebooks, options.folder))))


if __name__ == "__main__":
    main()
