"""The first code cell of every notebook: it installs the course on Google Colab and does nothing anywhere else."""

from __future__ import annotations

from pathlib import Path
from string import Template

from pitfalls.extras import extra

with extra("course"):
    from nbformat import NotebookNode, v4

TAG = "colab"
# The book does not show it (`remove-cell` is Jupyter Book's word): its readers install nothing.
_METADATA = {"tags": [TAG, "remove-cell"]}
_TEMPLATE = Path(__file__).parent / "templates" / "colab.py.txt"


def source(repository: str) -> str:
    """The cell's text, which installs the package from a repository's address.

    When the cell runs, ``$PITFALLS_PACKAGE`` (a wheel, a folder, a fork's ``git+https://…``) replaces that address.

    Examples
    --------
    >>> "git+https://github.com/me/it" in source("https://github.com/me/it")
    True
    """
    return Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(repository=repository).rstrip("\n")


def cell(repository: str) -> NotebookNode:
    """The cell, before it is run.

    Examples
    --------
    >>> cell("https://github.com/me/it").metadata.tags
    ['colab', 'remove-cell']
    """
    return v4.new_code_cell(source(repository), metadata=_METADATA, id=TAG)


def with_colab(cells: list[NotebookNode], repository: str) -> list[NotebookNode]:
    """The cells with the Colab cell before their first code cell, and nowhere else.

    Raises
    ------
    ValueError
        If there is no code cell.
    """
    others = [one for one in cells if TAG not in one.metadata.get("tags", [])]
    first = next((i for i, one in enumerate(others) if one.cell_type == "code"), None)
    if first is None:
        raise ValueError("the notebook has no code cell to put the Colab cell in front of: add one")
    return [*others[:first], cell(repository), *others[first:]]
