"""Build the book: collect its pages in one folder, then let Sphinx make a website of them.

The pages keep their places in the repository, so that their links still work. Nothing is run: the book shows the
notebooks as they were executed. ``make book`` calls ``python docs/book/build.py --output build/book``.
"""

from __future__ import annotations

import argparse
import ast
import posixpath
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import nbformat

from pitfalls.study import readme

ROOT = Path(__file__).resolve().parents[2]
BOOK = ROOT / "docs" / "book"
_TEXTS = ("SOURCES.md", "CONTRIBUTING.md", "docs/guide/*.md", "docs/instructor/*.md")
_LINK = re.compile(r"\]\((?!https?:|mailto:|#|attachment:)([^)\s#]+)(#[^)\s]*)?\)")


def collect(folder: Path) -> list[str]:
    """Copy everything that the book shows into an empty folder, and return the copies' paths in it.

    Links to files that are not pages of the book lead to the repository's address, which pyproject.toml names.

    Raises
    ------
    ValueError
        A page links to a file that the repository does not have.
    """
    notebooks = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    texts = sorted(path for pattern in _TEXTS for path in ROOT.glob(pattern))
    own = sorted(path for pattern in ("*.md", "*.rst", "api/*.rst") for path in BOOK.glob(pattern))
    placed = {path: path.relative_to(ROOT) for path in [*notebooks, *texts]}
    placed |= {path: path.relative_to(BOOK) for path in own}
    pages = {place.as_posix() for place in placed.values()}
    for path, place in placed.items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".ipynb":
            notebook = shown(nbformat.read(path, as_version=4))
            for cell in notebook.cells:
                if cell.cell_type == "markdown":
                    cell.source = relinked(cell.source, place, pages)
            nbformat.write(notebook, folder / place)
        else:
            (folder / place).write_text(relinked(path.read_text(encoding="utf-8"), place, pages), encoding="utf-8")
    return sorted(pages)


def shown(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """A notebook as the book shows it: solutions folded, without cells that install packages or only grade."""
    for cell in notebook.cells:
        tags = set(cell.metadata.get("tags", []))
        if "check" in tags or (cell.cell_type == "code" and "google.colab" in cell.source):
            tags.add("remove-cell")
        if "exercise" in tags:
            tags.add("hide-input")
        if tags:
            cell.metadata["tags"] = sorted(tags)
    return notebook


def relinked(text: str, place: Path, pages: set[str]) -> str:
    """A page's text, in which links to files that are not pages lead to the repository."""

    def target(match: re.Match[str]) -> str:
        link, anchor = match[1], match[2] or ""
        if _normal(place.parent / link) in pages:
            return match[0]
        if not (ROOT / _normal(place.parent / link)).exists():
            raise ValueError(f"{place} links to {link}, which the repository does not have: correct the link")
        kind = "tree" if (ROOT / _normal(place.parent / link)).is_dir() else "blob"
        return f"]({address()}/{kind}/main/{_normal(place.parent / link)}{anchor})"

    return _LINK.sub(target, text)


def names() -> dict[str, str]:
    """The full names of everything that the package defines, each with the path of its file in the repository."""
    found = {}
    for path in sorted((ROOT / "pitfalls").rglob("*.py")):
        place = path.relative_to(ROOT)
        module = ".".join(place.with_suffix("").parts).removesuffix(".__init__")
        tree = ast.parse(path.read_text(encoding="utf-8"))
        classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
        defined = [module, *(f"{module}.{name}" for name in _defined(tree))]
        defined += [f"{module}.{node.name}.{name}" for node in classes for name in _defined(node)]
        found |= dict.fromkeys(defined, place.as_posix())
    return found


def _defined(node: ast.Module | ast.ClassDef) -> list[str]:
    found = []
    for child in node.body:
        if isinstance(child, (ast.FunctionDef, ast.ClassDef)):
            found.append(child.name)
        targets = child.targets if isinstance(child, ast.Assign) else [getattr(child, "target", None)]
        found += [target.id for target in targets if isinstance(target, ast.Name)]
    return found


def named(reference: str, known: Mapping[str, str]) -> set[str]:
    """The files that a docstring's reference may refer to: ``~.run.Run``, ``Run`` and the full name mean the same."""
    end = "." + reference.lstrip("~.")
    return {file for name, file in known.items() if f".{name}".endswith(end)}


def address() -> str:
    """The repository's address."""
    return readme.address(ROOT)


def _normal(path: Path) -> str:
    return posixpath.normpath(path.as_posix())


def build(output: Path, pages: Path) -> int:
    """Make the website; return what Sphinx returns: 0 if there was neither error nor warning."""
    from sphinx.cmd.build import main as sphinx

    shutil.rmtree(pages, ignore_errors=True)
    collect(pages)
    # -E: pages of the last build are not reused; -W: a broken link or a missing picture is an error.
    return sphinx(["-q", "-E", "-W", "--keep-going", "-b", "html", "-c", str(BOOK), str(pages), str(output)])


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the book of this repository."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "book", help="where the website goes")
    given = parser.parse_args(arguments)
    result = build(given.output, given.output.with_name(given.output.name + "-pages"))
    if result == 0:
        print(f"open {given.output / 'index.html'}")
    return result


if __name__ == "__main__":
    sys.exit(main())
