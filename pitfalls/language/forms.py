"""What counts as a word form, and when two forms are the same; all text passes through here.

Unicode writes "é" in two ways, as one character or as "e" and an accent. They are canonically equal: people see one
word, but a comparison of code points sees two. So every form is composed (Unicode's form NFC) where it comes in:
by `Word` (whatever is read or generated), by `Analysis` and `Lexicon` (lemmas and entries), by the analysers (predicted
words, which a tokenizer may have decomposed), and by the activations and the control task (the user's own forms).
From there on, forms are compared as they are.

The model reads the composed form too, not the file's spelling, so that the words it reads and the words that are
counted are the same strings. Universal Dependencies demands NFC of its treebanks, so their text reaches the model
unchanged. Multilingual models learned from text in NFC, such as Wikipedia's: a decomposed word would be split into
subwords that they hardly know.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from pitfalls.language.quoting import quoted

# Spaces and line separators, control characters, and format characters such as the zero-width space.
_INVISIBLE = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf"})
_CAPITALS = {"tur": {"i": "İ"}}


def composed(form: str) -> str:
    r"""Return the one spelling of all canonically equal forms (NFC).

    >>> composed("e\N{COMBINING ACUTE ACCENT}") == "\N{LATIN SMALL LETTER E WITH ACUTE}"
    True
    """
    return unicodedata.normalize("NFC", form)


def is_blank(form: str) -> bool:
    r"""Whether a form has nothing to read: it is empty, or holds only white space, control and format characters.

    >>> is_blank("\N{NO-BREAK SPACE}"), is_blank("\x1f"), is_blank("_")
    (True, True, False)
    """
    return all(unicodedata.category(character) in _INVISIBLE for character in form)


def as_forms(forms: Iterable[str]) -> tuple[str, ...]:
    """Check a user's word forms, and return them as composed strings.

    Raises
    ------
    ValueError
        A form is not a string or has nothing to read; the message names the first one and its index.

    Examples
    --------
    >>> as_forms(["cat", None])
    Traceback (most recent call last):
    ...
    ValueError: forms[1] is None: give one string per word, with something to read in it
    """
    if isinstance(forms, (str, bytes)):
        raise ValueError(f"forms is the one string {quoted(forms)}: give a list of word forms")
    found = tuple(forms)
    for i, form in enumerate(found):
        if not isinstance(form, str) or is_blank(form):
            raise ValueError(f"forms[{i}] is {quoted(form)}: give one string per word, with something to read in it")
    return tuple(composed(str(form)) for form in found)


def written_like(model: str, form: str, language: str) -> str:
    """The form with a capital where the word it replaces has one, and in capitals if that word is.

    >>> written_like("Está", "están", "spa"), written_like("İyi", "iyiler", "tur"), written_like("CATS", "cat", "eng")
    ('Están', 'İyiler', 'CAT')
    """
    if not model[0].isupper():
        return form
    n_capitals = len(form) if len(model) > 1 and model.isupper() else 1
    own = _CAPITALS.get(language, {})
    capitals = (own.get(letter, letter.upper()) for letter in form[:n_capitals])
    return "".join(capitals) + form[n_capitals:]
