"""Blanks: a sentence with a place left open, and what a model must read to say how likely a form is there.

The log-probability of a form is the sum over its pieces. A causal model predicts each piece from everything before it,
and after the last piece, that the word ends: without that, *sleep* would always be likelier than *sleep ##s* (Pimentel
and Meister 2024). A masked model predicts all pieces together, each at a mask of its own; the masks say where the word
ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

ENDS = -2
"""Stands for any piece that does not continue the word. (-1 is the unknown token of a tokenizer without one.)"""


@dataclass(frozen=True)
class Blank:
    """A sentence whose word at ``place`` is left open for ``form``.

    Examples
    --------
    >>> Blank(("the", "cats", "sleep"), 2, "sleeps").filled(["[MASK]", "[MASK]"])
    ['the', 'cats', '[MASK]', '[MASK]']
    """

    words: tuple[str, ...]
    place: int
    form: str

    def filled(self, words: Sequence[str]) -> list[str]:
        """The sentence with these words in the blank."""
        return [*self.words[: self.place], *words, *self.words[self.place + 1 :]]


@dataclass(frozen=True)
class Filling:
    """What a model reads for a form in its blank, and where the form's pieces are predicted.

    Attributes
    ----------
    ids, word_ids
        The subwords that are read, and the word of the sentence that each belongs to (-1: a special token).
    slots, pieces
        Where logits are asked for, as places among ``ids``, and the piece of the form that each predicts, or
        :data:`ENDS`.
    """

    ids: tuple[int, ...]
    word_ids: tuple[int, ...]
    slots: tuple[int, ...]
    pieces: tuple[int, ...]
