"""transformers, without its progress bar and its report while it loads a model from a disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pitfalls.extras import extra

with extra("models"):
    from transformers.utils import logging


@contextmanager
def quiet() -> Iterator[None]:
    """Hide the bar and the report on weights that are missing or left over.

    Loading takes a moment, and in a notebook the bar would stay. The report warns of every head that a model of
    sentences lacks; :mod:`~pitfalls.models.checkpoint` says what matters of it.

    Examples
    --------
    >>> with quiet():
    ...     logging.is_progress_bar_enabled()
    False
    """
    bar, level = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        # What was hidden before, another thread may have hidden, which shows it again itself.
        if level != logging.ERROR:
            logging.set_verbosity(level)
        if bar:
            logging.enable_progress_bar()
