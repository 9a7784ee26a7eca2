"""Where a word must agree with another, and whether a noun between the two may mislead.

Used to measure what a model has learnt: mask the ending of the agreeing word and see whether its Number or
Gender comes back (Linzen et al. 2016 call the misleading noun in between an *attractor*).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pitfalls.language.grammar.core import Form, Token

SUBJECTS = ("nsubj", "nsubj:pass", "csubj")
NOMINAL = ("NOUN", "PRON", "PROPN")
AGREEING = ("VERB", "AUX", "ADJ")


@dataclass(frozen=True)
class AgreementPlace:
    """A verb or adjective that agrees with its controller in a feature."""

    target: int
    """Position of the agreeing word in the sentence, from 0."""
    controller: int
    """Position of the noun that it agrees with."""
    feature: str
    """``Number`` or ``Gender``."""
    value: str
    """The UD value that both share."""
    attractors: int
    """How many nouns between the two carry another value of the feature."""


def _value(form: Form, feature: str) -> str | None:
    return dict(form.feats).get(feature)


def _controller(tokens: Sequence[Token], target: int) -> int | None:
    """The subject of a verb, of a predicate adjective, or of the predicate that an auxiliary belongs to."""
    token = tokens[target]
    predicate = token.head - 1 if token.form.upos == "AUX" and token.head else target
    for index, other in enumerate(tokens):
        if other.head - 1 == predicate and other.deprel in SUBJECTS and other.form.upos in NOMINAL:
            return index
    return None


def places(tokens: Sequence[Token], feature: str) -> list[AgreementPlace]:
    """Every verb, auxiliary and adjective that agrees with a noun of its own sentence in ``feature``.

    Examples
    --------
    >>> cats = Token(Form("cat", "s", "cat", "NOUN", (("Number", "Plur"),)), 2, "nsubj")
    >>> run = Token(Form("ru", "n", "run", "VERB", (("Number", "Plur"),)), 0, "root")
    >>> places([cats, run], "Number")
    [AgreementPlace(target=1, controller=0, feature='Number', value='Plur', attractors=0)]
    """
    found = []
    for target, token in enumerate(tokens):
        value = _value(token.form, feature)
        controller = _controller(tokens, target) if token.form.upos in AGREEING and value else None
        if controller is None or value is None or _value(tokens[controller].form, feature) != value:
            continue
        low, high = sorted((controller, target))
        between = [
            other.form
            for other in tokens[low + 1 : high]
            if other.form.upos in NOMINAL and _value(other.form, feature) not in (None, value)
        ]
        found.append(AgreementPlace(target, controller, feature, value, len(between)))
    return found
