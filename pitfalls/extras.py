"""Optional packages: when one is missing, the error says which extra of pitfalls brings it.

The package itself needs few others. Packages that only worlds, figures or the course need come with an extra
(``models``, ``figures``, ``course``, …). Each is imported inside a ``with extra(…)``, as near the top as possible, so
that nothing has been computed when a package turns out to be missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class MissingExtraError(ModuleNotFoundError):
    """A package that one of pitfalls' extras brings cannot be imported."""


@contextmanager
def extra(name: str) -> Iterator[None]:
    """Import the packages of an extra inside this block; if extras are nested, the error names the outermost one.

    Raises
    ------
    MissingExtraError
        One of the packages is not installed.

    Examples
    --------
    >>> with extra("models"):
    ...     import no_such_package
    Traceback (most recent call last):
    ...
    pitfalls.extras.MissingExtraError: no_such_package is not installed: pip install 'pitfalls[models]'
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "pitfalls":
            raise
        message = f"{error.name} is not installed: pip install 'pitfalls[{name}]'"
        raise MissingExtraError(message, name=error.name) from error
