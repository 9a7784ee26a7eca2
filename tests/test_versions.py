"""The instructor's and the student's version of a notebook: from one source, in step with it, and gradable."""

from __future__ import annotations

import ast
import importlib.util
import itertools
import os
import subprocess
import symtable
import sys
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import jupytext
import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager
from nbclient import NotebookClient

from pitfalls.course import versions
from pitfalls.course.exercise_cells import EXERCISE, asked, stubbed, tags
from pitfalls.study.readme import address

REPOSITORY = "https://github.com/me/it"
PLOT = '<figure><img alt="A line [up]" style="max-width: 100%" src="data:image/png;base64,QUJD"></figure>'
SOURCE = f'''\
# %% [markdown]
# # 05 · A small notebook

# %%
from IPython.display import HTML, display

class course:
    """A stand-in, so that these tests need no exercise of the real course."""

    @staticmethod
    def check(exercise_id, answer):
        right = {{"05.1": 4, "05.2": 8}}[exercise_id]
        if answer(2) != right:
            raise AssertionError(f"{{exercise_id}}: two gives {{right}}. Did you add?")
        print(f"{{exercise_id}} is right.")

# %% [markdown]
# ### Exercise 05.1 ★☆☆ 5 minutes: squares
# <details><summary>Hint</summary>Multiply.</details>

# %% tags=["exercise"]
def square(x):
    """The square of a number."""
    ### BEGIN SOLUTION
    return x * x
    ### END SOLUTION

course.check("05.1", square)

# %%
display(HTML({PLOT!r}))

# %% [markdown]
# ### Exercise 05.2 ★★★ 15 minutes: cubes

# %% tags=["exercise"]
def cube(x):
    """The cube of a number."""
    if x:
        pass
    ### BEGIN SOLUTION
    cube_of = x * x * x

    return cube_of
    ### END SOLUTION


course.check("05.2", cube)

# %%
print("the end")
'''


@dataclass(frozen=True)
class Built:
    """Both versions of the small notebook; the instructor's is executed."""

    source: nbformat.NotebookNode
    instructor: nbformat.NotebookNode
    student: nbformat.NotebookNode


def read(text=SOURCE):
    return jupytext.reads(text, fmt="py:percent")


def executed(notebook):
    """Run every cell in a real kernel, even those after an error."""
    return NotebookClient(notebook, timeout=120, kernel_name="python3", allow_errors=True).execute()


def errors(notebook):
    """The errors of each cell that has one: its tags and their names."""
    return [
        (*sorted({EXERCISE, versions.CHECK} & tags(cell)), output.ename)
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.output_type == "error"
    ]


@pytest.fixture(scope="module")
def built():
    instructor = executed(versions.instructor(read(), REPOSITORY))
    return Built(read(), instructor, versions.student(instructor, None, ("06 · On", "06_on.ipynb")))


@pytest.fixture(scope="module")
def sources(root):
    found = {path.stem: jupytext.read(path) for path in sorted((root / "notebooks" / "src").glob("*.py"))}
    assert found
    return found


# --------------------------------------------------------------------------------- the instructor's version


def test_the_instructors_version_is_the_source_and_generated_cells(built):
    own = [cell for cell in built.instructor.cells if not {"colab", versions.CHECK} & tags(cell)]
    assert [(c.cell_type, c.source) for c in own] == [(c.cell_type, c.source) for c in built.source.cells]
    assert len(built.instructor.cells) == len(own) + 3  # the Colab cell and two checks
    assert errors(built.instructor) == []
    said = [o.text for c in built.instructor.cells if c.cell_type == "code" for o in c.outputs if "text" in o]
    assert said == ["05.1 is right.\n"] * 2 + ["05.2 is right.\n"] * 2 + ["the end\n"]


def test_generating_again_or_elsewhere_changes_nothing(built):
    first = versions.instructor(read(), REPOSITORY)
    assert nbformat.writes(versions.instructor(read(), REPOSITORY)) == nbformat.writes(first)
    assert nbformat.writes(versions.instructor(first, REPOSITORY)) == nbformat.writes(first)
    again = versions.instructor(built.instructor, REPOSITORY)
    assert [(c.id, c.source) for c in again.cells] == [(c.id, c.source) for c in first.cells]
    assert len({cell.id for cell in first.cells}) == len(first.cells)
    nbformat.validate(first)


def test_a_warning_in_a_right_answer_costs_no_points():
    """Nbgrader gives none to a graded cell that writes to stderr."""
    warns = SOURCE.replace("    return x * x\n", "    import warnings; warnings.warn('careful'); return x * x\n", 1)
    run = executed(versions.instructor(read(warns), REPOSITORY))
    answer, check = (i for i, c in enumerate(run.cells) if "05-1" in c.metadata.get("nbgrader", {}).get("grade_id", ""))
    assert "stderr" in [output.get("name") for output in run.cells[answer].outputs]
    assert [(o.name, o.text) for o in run.cells[check].outputs] == [("stdout", "05.1 is right.\n")]


# --------------------------------------------------------------------------------- the student's version


def test_the_students_version_fails_only_with_not_implemented_error(built):
    run = executed(deepcopy(built.student))
    assert errors(run) == [("exercise", "NotImplementedError"), ("check", "NotImplementedError")] * 2
    assert run.cells[-2].outputs[0].text == "the end\n"


def test_the_students_version_holds_no_solution_and_no_output(built):
    text = nbformat.writes(built.student)
    for given_away in ("x * x", "cube_of", "SOLUTION", 'is right.\\n"\n'):
        assert given_away not in text.replace('print(f\\"{exercise_id} is right.\\")', "")
    for cell in built.student.cells:
        assert "execution" not in cell.metadata
        if cell.cell_type == "code":
            assert (cell.outputs, cell.execution_count) == ([], None)


def test_the_expected_figure_stands_under_its_exercise_and_the_neighbours_are_linked(built):
    (at,) = (i for i, cell in enumerate(built.student.cells) if versions.EXPECTED in tags(cell))
    before = [tags(cell) & {EXERCISE, versions.CHECK} for cell in built.student.cells[at - 2 : at]]
    assert before == [{EXERCISE}, {versions.CHECK}]
    assert r"![A line \[up\]](data:image/png;base64,QUJD)" in built.student.cells[at].source
    # The second exercise is followed by a cell without a figure.
    assert "05.1" in built.student.cells[at].source
    assert built.student.cells[-1].source == "Next: [06 · On](06_on.ipynb)"
    both = versions.student(built.instructor, ("04 · A", "04_a.ipynb"), ("06 · On", "06_on.ipynb")).cells[-1].source
    assert both == "Before: [04 · A](04_a.ipynb) · Next: [06 · On](06_on.ipynb)"


def test_figures_of_the_real_notebooks_are_found(root):
    """In the stored outputs a figure is our own HTML: whatever changes its shape must change how it is found."""
    total = 0
    for path in sorted((root / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        code = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
        html = [output.get("data", {}).get("text/html", "") for cell in code for output in cell.outputs]
        found = [picture for cell in code for picture in versions.pictures(cell.outputs)]
        assert len(found) >= sum(text.startswith("<figure>") for text in html)
        assert all(alt for alt, _ in found)
        total += len(found)
    assert total >= 40, total


def test_a_student_sees_what_a_right_answer_draws_above_the_cell_that_draws_it(root):
    shown = 0
    for path in sorted((root / "notebooks" / "student").glob("[0-9][0-9]_*.ipynb")):
        cells = nbformat.read(path, as_version=4).cells
        answers = {one.name for one in asked(nbformat.read(root / "notebooks" / path.name, 4).cells)}
        for cell, drawing in itertools.pairwise(cells):
            if versions.EXPECTED in tags(cell):
                shown += 1
                assert drawing.cell_type == "code" and ".show()" in drawing.source, path.name
                assert any(f"{name}(" in drawing.source for name in answers), path.name
    assert shown >= 6, shown


# --------------------------------------------------------------------------------- what a source must be


@pytest.mark.parametrize(
    "old, new, said",
    [
        ("### Exercise 05.1", "### Exercise 05.3", "under the heading"),
        ("### Exercise 05.1 ★☆☆ 5 minutes: squares", "Squares", "no heading of its own"),
        ('course.check("05.1", square)', "square(2)", "last line must be course.check"),
        ('course.check("05.1", square)', 'course.check("05.1", lambda x: x)', "last line must be course.check"),
        ("    return x * x\n", "", "no solution between its marks"),
        ("    return x * x\n", "    raise NotImplementedError\n", "no solution between its marks"),
        ("    ### BEGIN SOLUTION\n    return x * x", "    return x * x", "05.1 needs"),
        ("def square(x):", "def squared(x):", "in the body of `def square`"),
        ("def square(x):", "def square(x)", "not valid Python"),
        ('# %% tags=["exercise"]\ndef square', "# %%\ndef square", "lacks the tag"),
        ("05.2", "05.1", "twice"),
    ],
)
def test_an_exercise_that_is_not_as_it_must_be_is_refused(old, new, said):
    assert old in SOURCE
    with pytest.raises(ValueError, match=said):
        versions.instructor(read(SOURCE.replace(old, new)), REPOSITORY)


def stranded(cells):
    """Cells that would fail in the student's version with anything but ``NotImplementedError``.

    A cell that uses an answer raises it; what that cell alone would have defined is then missing further down.
    """
    answers = {one.name for one in asked(cells)}
    said, bound, lost = [], set(), {}
    for index, cell in enumerate(cells):
        if cell.cell_type == "code":
            binds, needs = names(cell.source)
            said += [f"cell {index} needs `{name}` of cell {lost[name]}" for name in sorted(needs & lost.keys())]
            if needs & answers and EXERCISE not in tags(cell):
                lost |= dict.fromkeys(binds - bound, index)
            else:
                bound |= binds
                lost = {name: at for name, at in lost.items() if name not in binds}
    return said


def names(source):
    """The names that a cell binds, and those that it needs from cells above."""
    top = symtable.symtable(TransformerManager().transform_cell(source), "cell", "exec")
    scopes, binds = [top], {one.get_name() for one in top.get_symbols() if one.is_assigned() or one.is_imported()}
    for scope in scopes:
        scopes += scope.get_children()
    used = [(one, scope) for scope in scopes for one in scope.get_symbols() if one.is_referenced()]
    return binds, {one.get_name() for one, scope in used if scope is top or one.is_global()} - binds


def test_a_cell_that_would_fail_otherwise_in_the_students_version_is_found():
    uses = SOURCE + "\n# %%\nfour = square(2)\n\n# %%\ndef later():\n    return [x + four for x in range(3)]\n"
    assert stranded(read(uses).cells) == ["cell 9 needs `four` of cell 8"]
    assert stranded(read(SOURCE + "\n# %%\nprint(square(2))\n").cells) == []
    # What was bound before is there; what a cell binds itself it does not miss.
    assert stranded(read("# %%\nfour = 5\n\n" + uses).cells) == []
    assert stranded(read(uses.replace("def later", "four = 1\ndef later")).cells) == []


def test_no_cell_of_the_course_fails_otherwise_in_the_students_version(sources):
    """Complements the notebook that is run above: the names rule out all but ``NotImplementedError``."""
    assert {name: found for name, source in sources.items() if (found := stranded(source.cells))} == {}


def test_every_stub_of_the_course_raises(sources):
    for source in sources.values():
        for one in asked(source.cells):
            stub = ast.parse(stubbed(source.cells[one.index].source, one.stub))
            (answer,) = (node for node in stub.body if isinstance(node, ast.FunctionDef) and node.name == one.name)
            # At the function's own depth, so no branch goes around it.
            raised = [ast.unparse(node) for node in answer.body if isinstance(node, ast.Raise)]
            assert raised == [f"raise NotImplementedError('exercise {one.id}')"], one.id
            assert not any(isinstance(node, ast.Return) for node in answer.body), one.id


# --------------------------------------------------------------------------------- what is stored


def test_the_stored_instructors_versions_are_in_step_with_their_sources(root, sources):
    assert sorted(sources) == sorted(path.stem for path in (root / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    for name, source in sources.items():
        made = versions.instructor(source, address(root))
        stored = nbformat.read(root / "notebooks" / f"{name}.ipynb", as_version=4)
        for cell in stored.cells:
            cell.metadata.pop("execution", None)
        assert [(c.id, c.cell_type, c.source, c.metadata) for c in stored.cells] == [
            (c.id, c.cell_type, c.source, c.metadata) for c in made.cells
        ], f"{name}.ipynb is older than its source: run `make notebooks`"


def test_the_stored_students_versions_are_in_step_with_the_instructors(root, tmp_path):
    folder = root / "notebooks" / "student"
    made = {path.name: path.read_bytes() for path in versions.write_students(root / "notebooks", tmp_path)}
    stored = {path.name: path.read_bytes() for path in folder.glob("*.ipynb")}
    assert sorted(stored) == sorted(made), "run `make student`"
    assert [name for name in made if stored[name] != made[name]] == [], "run `make student`"
    for name, notebook in versions.students(root / "notebooks").items():
        assert all((folder / link).is_file() for link in _linked(notebook)), name


def _linked(notebook):
    links = notebook.cells[-1].source.split("](")[1:]
    return [link.partition(")")[0] for link in links]


@pytest.fixture
def notebooks(built, tmp_path):
    """A folder with two executed notebooks, of which the second asks nothing."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    nbformat.write(built.instructor, folder / "05_small.ipynb")
    plain = read("# %% [markdown]\n# # 06 · On\n\n# %%\nprint(1)\n")
    nbformat.write(versions.instructor(plain, REPOSITORY), folder / "06_on.ipynb")
    return folder


def test_the_command_writes_the_students_versions(notebooks, tmp_path, capsys, built):
    folder = tmp_path / "handed out"
    folder.mkdir()
    (folder / "07_gone.ipynb").touch()
    versions.main(["student", str(folder), "--notebooks", str(notebooks)])
    assert sorted(path.name for path in folder.iterdir()) == ["05_small.ipynb", "06_on.ipynb"]
    assert (folder / "05_small.ipynb").read_text(encoding="utf-8") == nbformat.writes(built.student) + "\n"
    assert capsys.readouterr().out.split("\n")[0] == str(folder / "05_small.ipynb")
    assert _linked(nbformat.read(folder / "06_on.ipynb", as_version=4)) == ["05_small.ipynb"]


def test_the_command_adds_the_generated_cells_in_place(tmp_path, root):
    path = tmp_path / "05_small.ipynb"
    with pytest.raises(FileNotFoundError, match="make notebooks"):
        versions.students(tmp_path)
    nbformat.write(read(), path)
    with pytest.raises(ValueError, match=r"make -B notebooks/05_small\.ipynb"):
        versions.students(tmp_path)
    versions.main(["instructor", str(path)])
    stored = nbformat.read(path, as_version=4)
    assert [c.source for c in stored.cells] == [c.source for c in versions.instructor(read(), address(root)).cells]
    assert stored.metadata.kernelspec.name == "python3"


# --------------------------------------------------------------------------------- nbgrader, for real

needs_nbgrader = pytest.mark.skipif(
    importlib.util.find_spec("nbgrader") is None, reason="nbgrader is not installed (pip install nbgrader)"
)


def nbgrader(folder, *arguments):
    """Run nbgrader's own command in a course folder; return what it said."""
    own = {name: str(folder / ".home") for name in ("HOME", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR")}
    command = [sys.executable, "-m", "nbgrader", *arguments]
    # As in an activated environment: nbgrader calls `alembic` by name.
    own["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    run = subprocess.run(command, cwd=folder, env={**os.environ, **own}, capture_output=True, text=True, timeout=300)
    said = run.stdout + run.stderr
    assert run.returncode == 0, said
    return said


def handed_in(notebook, folder, student, answers):
    """A student's notebook, with lines in place of its stubs."""
    copy = deepcopy(notebook)
    for cell in copy.cells:
        for stub, answer in answers.items():
            cell.source = cell.source.replace(f'raise NotImplementedError("exercise {stub}")', answer)
    target = folder / "submitted" / student / "05_small" / "05_small.ipynb"
    target.parent.mkdir(parents=True)
    nbformat.write(copy, target)


@pytest.mark.slow
@needs_nbgrader
def test_nbgrader_validates_the_solution_and_not_the_stubs(built, tmp_path):
    nbformat.write(built.instructor, tmp_path / "right.ipynb")
    nbformat.write(built.student, tmp_path / "stubs.ipynb")
    assert "Success! Your notebook passes all the tests." in nbgrader(tmp_path, "validate", "right.ipynb")
    said = nbgrader(tmp_path, "validate", "stubs.ipynb")
    assert "VALIDATION FAILED ON 2 CELL(S)" in said and 'NotImplementedError("exercise 05.1")' in said


@pytest.mark.slow
@needs_nbgrader
def test_nbgrader_releases_grades_and_gives_feedback(built, notebooks, tmp_path):
    from nbgrader.api import Gradebook

    folder = tmp_path / "graded"
    (written,) = versions.write_nbgrader(notebooks, folder)
    assert written == folder / "source" / "05_small" / "05_small.ipynb"
    with (folder / "nbgrader_config.py").open("a", encoding="utf-8") as configuration:
        configuration.write("# mine\n")
    versions.write_nbgrader(notebooks, folder)  # leaves a lecturer's configuration alone
    assert (folder / "nbgrader_config.py").read_text(encoding="utf-8").endswith("# mine\n")
    nbgrader(folder, "generate_assignment", "05_small")
    release = nbformat.read(folder / "release" / "05_small" / "05_small.ipynb", as_version=4)
    # What nbgrader hands out is the student's version, expected figure and all.
    assert [(c.cell_type, c.source) for c in release.cells] == [(c.cell_type, c.source) for c in built.student.cells]

    handed_in(release, folder, "right", {"05.1": "return x**2", "05.2": "return x**3"})
    handed_in(release, folder, "half", {"05.1": "return x**2", "05.2": "return 3 * x"})
    handed_in(built.student, folder, "untouched", {})  # as it lies in the repository
    cheat = deepcopy(built.student)
    for cell in cheat.cells:
        if versions.CHECK in cell.metadata.get("tags", []):
            cell.source = "pass"  # nbgrader puts the locked check back
    handed_in(cheat, folder, "cheat", {"05.1": "return x**2"})
    nbgrader(folder, "autograde", "05_small")
    nbgrader(folder, "generate_feedback", "05_small")

    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as book:
        scores = {one.student.id: (one.score, one.max_score) for one in book.assignment_submissions("05_small")}
        waiting = [one.needs_manual_grade for one in book.assignment_submissions("05_small")]
    assert scores == {"right": (4, 4), "half": (1, 4), "untouched": (0, 4), "cheat": (1, 4)}
    assert not any(waiting)
    feedback = {path.parts[-3]: path.read_text(encoding="utf-8") for path in folder.glob("feedback/*/*/*.html")}
    assert sorted(feedback) == sorted(scores)
    assert "05.2: two gives 8. Did you add?" in feedback["half"] and "05.2 is right." in feedback["right"]


@pytest.mark.slow
@needs_nbgrader
def test_nbgrader_makes_stubs_of_the_instructors_version_by_itself(built, tmp_path):
    """A lecturer who knows nbgrader may put ``notebooks/NN_name.ipynb`` into ``source/`` and use its defaults."""
    target = tmp_path / "source" / "05_small" / "05_small.ipynb"
    target.parent.mkdir(parents=True)
    nbformat.write(built.instructor, target)
    nbgrader(tmp_path, "generate_assignment", "05_small")
    release = (tmp_path / "release" / "05_small" / "05_small.ipynb").read_text(encoding="utf-8")
    assert release.count("raise NotImplementedError()") == 2 and "x * x" not in release
