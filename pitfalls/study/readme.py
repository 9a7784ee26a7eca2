"""Writes the README's badges from the repository's address, which lives in ``pyproject.toml`` alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from pitfalls.files import write_text

_FIRST = "01_two_pitfalls"


def address(root: Path) -> str:
    """The repository's address as ``pyproject.toml`` states it.

    Raises
    ------
    ValueError
        It states none.
    """
    found = re.search(r'^Repository = "(https://[^"]+)"$', (root / "pyproject.toml").read_text(encoding="utf-8"), re.M)
    if found is None:
        raise ValueError(f'{root / "pyproject.toml"} has no line: Repository = "https://…" under [project.urls]')
    return found.group(1)


def colab(repository: str, path: str) -> str:
    """The address at which Google Colab opens a notebook of a repository on GitHub.

    Examples
    --------
    >>> colab("https://github.com/me/it", "notebooks/a.ipynb")
    'https://colab.research.google.com/github/me/it/blob/main/notebooks/a.ipynb'
    """
    return f"https://colab.research.google.com/github/{_name(repository)}/blob/main/{path}"


def binder(repository: str, path: str) -> str:
    """The address at which Binder opens a notebook of a repository on GitHub, in JupyterLab.

    Examples
    --------
    >>> binder("https://github.com/me/it", "notebooks/a.ipynb")
    'https://mybinder.org/v2/gh/me/it/HEAD?urlpath=lab/tree/notebooks/a.ipynb'
    """
    return f"https://mybinder.org/v2/gh/{_name(repository)}/HEAD?urlpath=lab/tree/{path}"


def _name(repository: str) -> str:
    return repository.removeprefix("https://github.com/")


def badges(repository: str) -> str:
    """Badges for an address on GitHub: tests, Colab, and a launch button for JupyterLab."""
    first, workflow = f"notebooks/{_FIRST}.ipynb", f"{repository}/actions/workflows/test.yml"
    return "\n".join(
        (
            f"[![test]({workflow}/badge.svg)]({workflow})",
            f"[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({colab(repository, first)})",
            f"[![Launch JupyterLab on Binder](https://mybinder.org/badge_logo.svg)]({binder(repository, first)})",
        )
    )


def open_with(repository: str, stem: str) -> str:
    """A notebook's badges: the student's version in Colab and on Binder, and the solved one in Colab.

    Examples
    --------
    >>> for part in open_with("https://github.com/me/it", "01_a").split(") ["):
    ...     print(part)
    [![Open 01 in Colab][colab]](https://colab.research.google.com/github/me/it/blob/main/notebooks/student/01_a.ipynb
    ![Open 01 on Binder][binder]](https://mybinder.org/v2/gh/me/it/HEAD?urlpath=lab/tree/notebooks/student/01_a.ipynb
    solved](https://colab.research.google.com/github/me/it/blob/main/notebooks/01_a.ipynb)
    """
    student, number = f"notebooks/student/{stem}.ipynb", stem[:2]
    return (
        f"[![Open {number} in Colab][colab]]({colab(repository, student)}) "
        f"[![Open {number} on Binder][binder]]({binder(repository, student)}) "
        f"[solved]({colab(repository, f'notebooks/{stem}.ipynb')})"
    )


def renewed(text: str, repository: str, notebooks: Sequence[str]) -> str:
    """The README's text with its badges renewed: at the top, and in the last cell of each notebook's row.

    Raises
    ------
    ValueError
        The marks around the badges are missing, or a notebook has no row.
    """
    begin, end = "<!-- badges: written by `make readme` -->\n", "\n<!-- /badges -->"
    before, begins, rest = text.partition(begin)
    _, ends, after = rest.partition(end)
    if not begins or not ends:
        raise ValueError(f"README.md lacks the marks {begin.strip()!r} and {end.strip()!r} around its badges")
    text = before + begin + badges(repository) + end + after
    for stem in notebooks:
        row = re.compile(rf"^(\| \[[^]]+\]\(notebooks/{stem}\.ipynb\) \|.*\|)[^|\n]*\|$", re.M)
        text, rows = row.subn(rf"\1 {open_with(repository, stem)} |", text)
        if rows != 1:
            raise ValueError(f"README.md has {rows} rows for the notebook {stem}: write one, with an empty last cell")
    return text


def stems(root: Path) -> list[str]:
    """The names of a checkout's notebooks, in order."""
    return sorted(path.stem for path in (root / "notebooks").glob("[0-9][0-9]_*.ipynb"))


def main() -> None:
    """Renew the README of the checkout."""
    root = Path(__file__).resolve().parents[2]
    readme = root / "README.md"
    write_text(readme, renewed(readme.read_text(encoding="utf-8"), address(root), stems(root)))


if __name__ == "__main__":
    main()
