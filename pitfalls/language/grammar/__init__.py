"""The generated languages of the mini world: English, Spanish, Russian and Turkish."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module

from pitfalls.language.grammar.core import Grammar

_MODULES = {"eng": "English", "rus": "Russian", "spa": "Spanish", "tur": "Turkish"}

LANGUAGES = tuple(sorted(_MODULES))
"""ISO 639-3 codes of the languages that have a grammar."""


@lru_cache
def load_grammar(language: str) -> Grammar:
    """The grammar of the language with this ISO 639-3 code.

    Raises
    ------
    ValueError
        There is no grammar of that language.

    Examples
    --------
    >>> load_grammar("spa").language
    'spa'
    """
    if language not in _MODULES:
        raise ValueError(f"no grammar of {language!r}; there are grammars of: {', '.join(LANGUAGES)}")
    name = _MODULES[language]
    module = import_module(f"pitfalls.language.grammar.{name.lower()}")
    grammar: Grammar = getattr(module, name)()
    return grammar
