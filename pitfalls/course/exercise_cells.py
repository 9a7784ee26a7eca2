"""The exercises in a notebook's cells: what each one asks, whether it is written correctly, and its stub."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass

from pitfalls.extras import extra

with extra("course"):
    from nbformat import NotebookNode

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
#: The tag of a cell with an answer.
EXERCISE = "exercise"

_HEADING = re.compile(r"^#+ Exercise (\d\d\.\d+) (★{1,3}☆{0,2}) (\d+) minutes: (.+)$", re.M)
_SOLUTION = re.compile(rf"^([ \t]+){BEGIN}[ \t]*\n(.*?)^[ \t]+{END}[ \t]*$", re.M | re.S)


@dataclass(frozen=True)
class Asked:
    """An exercise as it stands in a notebook.

    Attributes
    ----------
    index:
        The index of its answer cell.
    id:
        Such as ``"05.1"``.
    points:
        The number of filled stars in its heading.
    name:
        The name of the function that is the answer.
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
        """What replaces the solution."""
        return f'raise NotImplementedError("exercise {self.id}")'


def asked(cells: Sequence[NotebookNode]) -> list[Asked]:
    """The exercises of a notebook, in order.

    Raises
    ------
    ValueError
        If a cell breaks the rules in CONTRIBUTING.md: it is not Python, has no heading above it, no solution inside
        its function, no check in its last line, or solution marks but no tag; or if an exercise appears twice.
    """
    found = []
    heading = None
    for index, cell in enumerate(cells):
        if cell.cell_type == "markdown":
            heading = next(iter(reversed(list(_HEADING.finditer(cell.source)))), heading)
        elif EXERCISE in tags(cell):
            found.append(_asked(index, cell.source, heading))
            heading = None
        elif BEGIN in cell.source or END in cell.source:
            raise ValueError(
                f'cell {index} holds a solution but lacks the tag: # %% tags=["{EXERCISE}"]\n{cell.source}'
            )
    ids = [one.id for one in found]
    if len(set(ids)) < len(ids):
        raise ValueError(f"an exercise appears twice in one notebook: {', '.join(ids)}")
    return found


def stubbed(source: str, stub: str) -> str:
    r"""The source with each solution replaced by a stub, which is indented like the solution's marks.

    Examples
    --------
    >>> print(stubbed("def f(x):\n    ### BEGIN SOLUTION\n    return x\n    ### END SOLUTION", "raise KeyError"))
    def f(x):
        raise KeyError
    """
    return _SOLUTION.sub(lambda found: found.group(1) + stub, source)


def tags(cell: NotebookNode) -> set[str]:
    """The tags of a cell."""
    return set(cell.metadata.get("tags", []))


def _asked(index: int, source: str, heading: re.Match[str] | None) -> Asked:
    try:
        body = ast.parse(source).body
    except SyntaxError as error:
        raise ValueError(f"cell {index} is an exercise but not valid Python: {error}\n{source}") from error
    exercise_id, name = _checked(index, source, body)
    if heading is None or heading.group(1) != exercise_id:
        stated = "no heading of its own" if heading is None else f"the heading {heading.group(0)!r}"
        wanted = f"### Exercise {exercise_id} ★☆☆ 5 minutes: title"
        raise ValueError(f'cell {index} checks "{exercise_id}" under {stated}; write: {wanted}')
    one = Asked(index, exercise_id, heading.group(2).count("★"), name, f'course.check("{exercise_id}", {name})')
    _require_solution(one, source, body)
    return one


def _checked(index: int, source: str, body: list[ast.stmt]) -> tuple[str, str]:
    """The id that the last line checks, and the name of the answer."""
    match body[-1:]:
        case [ast.Expr(ast.Call(ast.Attribute(ast.Name("course"), "check"), [ast.Constant(str(id)), ast.Name(name)]))]:
            return id, name
    raise ValueError(f'cell {index} is an exercise: its last line must be course.check("NN.n", name)\n{source}')


def _require_solution(one: Asked, source: str, body: list[ast.stmt]) -> None:
    solutions = [lines for _, lines in _SOLUTION.findall(source)]
    if not solutions or {source.count(BEGIN), source.count(END)} != {len(solutions)}:
        raise ValueError(f"exercise {one.id} needs {BEGIN!r} and after it {END!r}, each on a line of its own, indented")
    ends = [node.lineno - 1 for node in body[1:]]
    answers = [
        "\n".join(source.split("\n")[node.lineno : end])
        for node, end in zip(body, ends, strict=False)
        if isinstance(node, ast.FunctionDef) and node.name == one.name
    ]
    if sum(len(_SOLUTION.findall(answer)) for answer in answers) < len(solutions):
        raise ValueError(f"exercise {one.id}: the marks of its solution must be in the body of `def {one.name}`")
    lines = [line.strip() for solution in solutions for line in solution.split("\n")]
    if not any(line and not line.startswith(("#", "raise NotImplementedError")) for line in lines):
        raise ValueError(f"exercise {one.id} has no solution between its marks")
    ast.parse(stubbed(source, one.stub))
