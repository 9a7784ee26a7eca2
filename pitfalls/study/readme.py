"""Writes the README's badges from the repository's address, which lives in ``pyproject.toml`` alone."""

from __future__ import annotations

import re
from pathlib import Path

from pitfalls.study.output import write_whole

BEGIN, END = "<!-- badges: written by `make readme` -->", "<!-- /badges -->"


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


def badges(repository: str) -> str:
    """Test, Colab and Binder badges for an address on GitHub.

    Examples
    --------
    >>> "https://mybinder.org/v2/gh/me/it/HEAD" in badges("https://github.com/me/it")
    True
    """
    path = repository.removeprefix("https://github.com/")
    colab = f"https://colab.research.google.com/github/{path}/blob/main/notebooks/01_two_pitfalls.ipynb"
    binder = f"https://mybinder.org/v2/gh/{path}/HEAD?urlpath=lab/tree/notebooks/01_two_pitfalls.ipynb"
    workflow = f"{repository}/actions/workflows/test.yml"
    return "\n".join(
        (
            f"[![test]({workflow}/badge.svg)]({workflow})",
            f"[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({colab})",
            f"[![Open in Binder](https://mybinder.org/badge_logo.svg)]({binder})",
        )
    )


def with_badges(text: str, repository: str) -> str:
    """The README's text with its badges renewed.

    Raises
    ------
    ValueError
        The two marks between which they stand are missing.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"README.md lacks the marks {BEGIN!r} and {END!r} around its badges")
    return f"{before}{BEGIN}\n{badges(repository)}\n{END}{after}"


def main() -> None:
    """Renew the README of the checkout."""
    root = Path(__file__).resolve().parents[2]
    readme = root / "README.md"
    write_whole(readme, with_badges(readme.read_text(encoding="utf-8"), address(root)))


if __name__ == "__main__":
    main()
