"""Optional packages: where one is missing, the error says which extra of pitfalls brings it.

The package itself needs few others. What only worlds, figures or the course need comes with an extra (``models``,
``figures``, ``course``, …), and every import of it stands in a ``with extra(…)``, as near the top as it can be, so that
nothing has been computed when a package turns out to be missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class MissingExtraError(ModuleNotFoundError):
    """A package cannot be imported that one of the extras of pitfalls brings."""


@contextmanager
def extra(name: str) -> Iterator[None]:
    """Import packages of an extra inside this; the outermost extra is the one that the error names.

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
