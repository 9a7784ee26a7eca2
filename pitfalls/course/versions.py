"""The instructor's and the student's version of a notebook, both generated from one source.

``notebooks/src/NN_name.py`` is the source. The **instructor's** version is ``notebooks/NN_name.ipynb``: the solutions
are in place, and generated cells are added (the Colab cell, and under every answer a locked cell in which nbgrader
checks it). The **student's** version is ``notebooks/student/NN_name.ipynb``, made from the executed instructor's: stubs
for solutions, no outputs, the expected figures, and links to the neighbours.

::

    python -m pitfalls.course.versions instructor NOTEBOOK   # adds the generated cells in place; `make` runs it
    python -m pitfalls.course.versions student FOLDER        # writes the student's version of every notebook
    python -m pitfalls.course.versions nbgrader FOLDER       # writes a course folder for nbgrader
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import html
import itertools
import re
import symtable
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pitfalls.course import colab
from pitfalls.extras import extra
from pitfalls.files import write_text
from pitfalls.study.readme import address

with extra("course"):
    import nbformat
    from IPython.core.inputtransformer2 import TransformerManager
    from nbformat import NotebookNode, v4

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
EXERCISE, CHECK, EXPECTED, NAVIGATION = "exercise", "check", "expected-figure", "navigation"

_HEADING = re.compile(r"^#+ Exercise (\d\d\.\d+) (★{1,3}☆{0,2}) (\d+) minutes: (.+)$", re.M)
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
c.ExecutePreprocessor.timeout = 600  # seconds a cell; nbgrader's 30 are too few for some
"""


@dataclass(frozen=True)
class Asked:
    """An exercise as it stands in a notebook.

    Attributes
    ----------
    index:
        Of its answer cell.
    id:
        Such as ``"05.1"``.
    points:
        As many as its heading has filled stars.
    name:
        Of the function that is the answer.
    check:
        The line that checks it.
    """

    index: int
    id: str
    points: int
    name: str
    check: str

    @property
    def stub(self) -> str:
        """What stands in the place of the solution."""
        return f'raise NotImplementedError("exercise {self.id}")'


# ------------------------------------------------------------------------------------- what a notebook asks


def asked(cells: Sequence[NotebookNode]) -> list[Asked]:
    """The exercises of a notebook, in order.

    Raises
    ------
    ValueError
        A cell is not as CONTRIBUTING.md says: no heading of its own, no solution inside its function, no check as its
        last line, or marks of a solution in a cell without the tag.
    """
    found = []
    heading = None
    for index, cell in enumerate(cells):
        if cell.cell_type == "markdown":
            heading = next(iter(reversed(list(_HEADING.finditer(cell.source)))), heading)
        elif EXERCISE in _tags(cell):
            found.append(_asked(index, cell.source, heading))
            heading = None
        elif BEGIN in cell.source or END in cell.source:
            raise ValueError(
                f'cell {index} holds a solution but lacks the tag: # %% tags=["{EXERCISE}"]\n{cell.source}'
            )
    ids = [one.id for one in found]
    if len(set(ids)) < len(ids):
        raise ValueError(f"an exercise comes twice in one notebook: {', '.join(ids)}")
    return found


def _asked(index: int, source: str, heading: re.Match[str] | None) -> Asked:
    exercise_id, name, line = _check(index, source)
    if heading is None or heading.group(1) != exercise_id:
        stated = "no heading of its own" if heading is None else f"the heading {heading.group(0)!r}"
        wanted = f"### Exercise {exercise_id} ★☆☆ 5 minutes: title"
        raise ValueError(f'cell {index} checks "{exercise_id}" under {stated}; write: {wanted}')
    one = Asked(index, exercise_id, heading.group(2).count("★"), name, line)
    _proved(one, source)
    return one


def _check(index: int, source: str) -> tuple[str, str, str]:
    """Id, name of the answer, and the line that checks it: the cell's last."""
    try:
        last = ast.parse(source).body[-1]
    except (SyntaxError, IndexError) as error:
        raise ValueError(f"cell {index} is an exercise but no Python: {error}\n{source}") from error
    match last:
        case ast.Expr(ast.Call(ast.Attribute(ast.Name("course"), "check"), [ast.Constant(str(exercise_id)), answer])):
            if isinstance(answer, ast.Name):
                return exercise_id, answer.id, f'course.check("{exercise_id}", {answer.id})'
    raise ValueError(f'cell {index} is an exercise: its last line must be course.check("NN.n", name)\n{source}')


def _proved(one: Asked, source: str) -> None:
    """Raise where the solution is not in the answer's function, or the student's cell would not be Python."""
    lines = source.split("\n")
    body = ast.parse(source).body
    inside = {
        line
        for node, following in itertools.pairwise(body)
        if isinstance(node, ast.FunctionDef) and node.name == one.name
        for line in range(node.lineno, following.lineno - 1)
    }
    marks = [(n, line.strip()) for n, line in enumerate(lines) if line.strip() in (BEGIN, END)]
    if not marks or [mark for _, mark in marks] != [BEGIN, END] * (len(marks) // 2):
        raise ValueError(f"exercise {one.id} needs {BEGIN!r} and after it {END!r}, each on a line of its own")
    if not {n for n, _ in marks} <= inside or any(not lines[n].startswith(" ") for n, _ in marks):
        raise ValueError(f"exercise {one.id}: the marks of its solution must stand in the body of `def {one.name}`")
    regions = zip(marks[::2], marks[1::2], strict=True)
    solution = [line.strip() for (begin, _), (end, _) in regions for line in lines[begin + 1 : end]]
    if not any(line and not line.startswith(("#", "raise NotImplementedError")) for line in solution):
        raise ValueError(f"exercise {one.id} has no solution between its marks")
    ast.parse(stubbed(source, one.stub))


def stubbed(source: str, stub: str) -> str:
    r"""The source with a stub for the lines between the marks, as deep as they.

    Examples
    --------
    >>> print(stubbed("def f(x):\n    ### BEGIN SOLUTION\n    return x\n    ### END SOLUTION", "raise KeyError"))
    def f(x):
        raise KeyError
    """
    region = re.compile(rf"^([ \t]*){BEGIN}[ \t]*\n.*?^[ \t]*{END}[ \t]*$", re.M | re.S)
    return region.sub(lambda found: found.group(1) + stub, source)


# ------------------------------------------------------------------------------------- the instructor's version


def instructor(notebook: NotebookNode, repository: str) -> NotebookNode:
    """The instructor's version: the source's cells, and the generated ones. Once more changes nothing.

    Parameters
    ----------
    notebook : as jupytext reads it from the source, or an instructor's version
    repository : the address from which Colab installs the package
    """
    made = deepcopy(notebook)
    cells = [cell for cell in made.cells if CHECK not in _tags(cell)]
    questions = {one.index: one for one in asked(cells)}
    with_checks = []
    for index, cell in enumerate(cells):
        with_checks.append(cell)
        if index in questions:
            one = questions[index]
            cell.metadata["nbgrader"] = _nbgrader("answer", one.id, solution=True)
            with_checks.append(_check_cell(one))
    made.cells = colab.with_colab(with_checks, repository)
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
    """A cell's metadata in nbgrader's schema 3."""
    plain = {"schema_version": 3, "grade": False, "solution": False, "locked": False, "task": False}
    return {**plain, "grade_id": f"{kind}-{exercise_id.replace('.', '-')}", **said}


def _number(cells: Sequence[NotebookNode]) -> None:
    """Give each cell an id of its text, so that two builds write the same."""
    seen: dict[str, int] = {}
    for cell in cells:
        digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:12]
        seen[digest] = seen.get(digest, 0) + 1
        cell["id"] = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"


# ------------------------------------------------------------------------------------- the student's version


def student(notebook: NotebookNode, before: tuple[str, str] | None, after: tuple[str, str] | None) -> NotebookNode:
    """The student's version of an executed instructor's.

    Parameters
    ----------
    notebook : the instructor's version
    before, after : title and file name of the neighbours; None at the ends of the course
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
    """A markdown cell with the figure that the answer's cell shows, or the cell after it and its check."""
    shown = [cells[i] for i in (one.index, one.index + 2) if i < len(cells) and cells[i].cell_type == "code"]
    pictures = [picture for cell in shown for picture in _pictures(cell.outputs)]
    if pictures:
        # In the text and not as an attachment, which Colab does not show.
        said = "\n\n".join(f"![{_plain(alt)}]({data})" for alt, data in pictures)
        text = f"**What to expect** when exercise {one.id} is right:\n\n{said}"
        yield v4.new_markdown_cell(text, metadata={"tags": [EXPECTED]}, id=f"expected-{one.id.replace('.', '-')}")


def _pictures(outputs: Sequence[NotebookNode]) -> Iterator[tuple[str, str]]:
    """Alt text and data address of each figure: a plot of ours, or any PNG."""
    for output in outputs:
        data = output.get("data", {})
        ours = _PICTURE.findall(data.get("text/html", ""))
        if ours:
            yield from ((html.unescape(alt), address) for alt, address in ours)
        elif "image/png" in data:
            base64 = "".join(data["image/png"].split())
            yield data.get("text/plain", "figure"), f"data:image/png;base64,{base64}"


def _plain(alt: str) -> str:
    """An alt text in which Markdown sees no mark."""
    return re.sub(r"([\[\]\\*_`<>$])", r"\\\1", " ".join(alt.split()))


def _links(before: tuple[str, str] | None, after: tuple[str, str] | None) -> str:
    said = [f"{word}: [{place[0]}]({place[1]})" for word, place in (("Before", before), ("Next", after)) if place]
    return " · ".join(said) or "The course has no other notebook."


def stranded(cells: Sequence[NotebookNode]) -> list[str]:
    """Cells that would fail in the student's version with something else than ``NotImplementedError``.

    A cell that uses an answer raises it; what that cell alone would have defined is then missing further down. Each
    such use is told in words; a notebook should have none.
    """
    answers = {one.name for one in asked(cells)}
    said: list[str] = []
    bound: set[str] = set()
    lost: dict[str, int] = {}
    for index, cell in enumerate(cells):
        if cell.cell_type != "code":
            continue
        binds, needs = _names(cell.source)
        said += [f"cell {index} needs `{name}` of cell {lost[name]}" for name in sorted(needs & lost.keys())]
        if needs & answers and not {EXERCISE, CHECK} & _tags(cell):
            lost.update(dict.fromkeys(binds - bound, index))
            continue
        bound |= binds
        lost = {name: at for name, at in lost.items() if name not in binds}
    return said


def _names(source: str) -> tuple[set[str], set[str]]:
    """The names that a cell binds, and those that it needs from cells above."""
    top = symtable.symtable(TransformerManager().transform_cell(source), "cell", "exec")
    binds = {one.get_name() for one in top.get_symbols() if one.is_assigned() or one.is_imported()}
    return binds, {one for table in _tables(top) for one in _free(table)} - binds


def _tables(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    yield table
    for child in table.get_children():
        yield from _tables(child)


def _free(table: symtable.SymbolTable) -> Iterator[str]:
    outermost = table.get_type() == "module"
    return (one.get_name() for one in table.get_symbols() if one.is_referenced() and (outermost or one.is_global()))


# ------------------------------------------------------------------------------------- on the disk


def students(notebooks: Path) -> dict[str, NotebookNode]:
    """The student's versions of all notebooks of a folder, by file name.

    Raises
    ------
    FileNotFoundError
        The folder holds no notebook.
    ValueError
        A notebook's exercises are not as they must be, or it lacks the generated cells; its name is said.
    """
    paths = sorted(notebooks.glob("[0-9][0-9]_*.ipynb"))
    if not paths:
        raise FileNotFoundError(f"no notebook such as 05_….ipynb in {notebooks}: run `make notebooks` first")
    read = {path.name: nbformat.read(path, as_version=4) for path in paths}
    places = [(_title(notebook), name) for name, notebook in read.items()]
    around = zip([None, *places], [*places[1:], None], strict=False)
    made = {}
    for (name, notebook), (before, after) in zip(read.items(), around, strict=True):
        if not any(colab.TAG in _tags(cell) for cell in notebook.cells):
            raise ValueError(f"{name} was built before the generated cells were: run `make -B notebooks/{name}`")
        try:
            made[name] = student(notebook, before, after)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
    return made


def write_students(notebooks: Path, folder: Path) -> list[Path]:
    """Write the student's version of every notebook; the paths. A notebook that has gone is removed."""
    made = students(notebooks)
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("[0-9][0-9]_*.ipynb"):
        if old.name not in made:
            old.unlink()
    return [_write(notebook, folder / name) for name, notebook in made.items()]


def write_nbgrader(notebooks: Path, folder: Path) -> list[Path]:
    """Write a course folder for nbgrader: an assignment for every notebook with exercises, and a configuration.

    A configuration that is there already is left as it is.
    """
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "nbgrader_config.py"
    if not config.exists():
        write_text(config, _CONFIG)
    written = []
    for name, notebook in students(notebooks).items():
        if any(EXERCISE in _tags(cell) for cell in notebook.cells):
            target = folder / "source" / Path(name).stem / name
            target.parent.mkdir(parents=True, exist_ok=True)
            written.append(_write(notebook, target))
    return written


def _write(notebook: NotebookNode, target: Path) -> Path:
    nbformat.validate(notebook)
    write_text(target, nbformat.writes(notebook) + "\n")
    return target


def _title(notebook: NotebookNode) -> str:
    found = _TITLE.search(notebook.cells[0].source)
    if found is None:
        raise ValueError(f"a notebook begins with a title such as `# 05 · …`, not with {notebook.cells[0].source!r}")
    return found.group(1)


def _tags(cell: NotebookNode) -> set[str]:
    return set(cell.metadata.get("tags", []))


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the versions; the commands stand at the top of this module."""
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
