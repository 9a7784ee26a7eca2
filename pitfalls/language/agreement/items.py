"""Agreement items: a controller, a place that must agree with it, and a right and a wrong form of one word.

In "the keys to the cabinet are rusty", *keys* controls the Number of *are*; *is* would be wrong, and *cabinet*, which
has the other Number, is an *attractor* between the two (Linzen et al. 2016). A model that reads *keys* as plural
prefers the right form. The terms are Corbett's (2006), except that he calls the place the *target*.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from pitfalls.language.forms import as_forms, composed
from pitfalls.language.grammar.core import Draw

COLUMNS = (
    *("language", "attribute", "relation", "value", "wrong_value", "attractors", "causal"),
    *("before", "right", "wrong", "after", "controller", "lemma", "sentence"),
)
"""The columns of :func:`table`."""


@dataclass(frozen=True, kw_only=True)
class Item:
    """A sentence with a word that must agree, and the form of the same lemma that would not.

    Attributes
    ----------
    language, attribute
        ISO 639-3 code, and what agrees, such as ``"Number"``.
    relation
        What kind of word agrees, such as ``"auxiliary"`` (:mod:`~pitfalls.language.agreement.relations`).
    words
        The sentence with the right form in its place.
    controller, place
        Positions in ``words``, from 0, of the word that controls and of the word that agrees.
    wrong, lemma
        The wrong form, and the lemma of both forms.
    value, wrong_value
        The UniMorph value that the controller and the right form share, and the value of the wrong form.
    attractors
        Positions of the nouns between controller and place that have another value; empty if there are none.
    sentence
        The sentence's id, which the items of one sentence share.

    Raises
    ------
    ValueError
        A position is outside the sentence, controller and place are the same word, an attractor is not between them,
        the two forms or the two values are equal, or a form is empty or has white space at an end.

    Examples
    --------
    >>> item = Item(language="eng", attribute="Number", relation="auxiliary", controller=1, place=5, wrong="is",
    ...     words=("the", "keys", "to", "the", "cabinet", "are", "rusty"), lemma="be", value="PL", wrong_value="SG",
    ...     attractors=(4,))
    >>> item.right, item.causal, item.prefix
    ('are', True, ('the', 'keys', 'to', 'the', 'cabinet'))
    >>> " ".join(item.wrong_words)
    'the keys to the cabinet is rusty'
    """

    language: str
    attribute: str
    relation: str
    words: tuple[str, ...]
    controller: int
    place: int
    wrong: str
    lemma: str
    value: str
    wrong_value: str
    attractors: tuple[int, ...] = ()
    sentence: str = ""

    def __post_init__(self) -> None:
        """Compose the forms, and check the positions, forms and values."""
        object.__setattr__(self, "words", as_forms(self.words))
        object.__setattr__(self, "wrong", composed(self.wrong))
        object.__setattr__(self, "lemma", composed(self.lemma))
        object.__setattr__(self, "attractors", tuple(self.attractors))
        self._check_positions()
        for form in (self.right, self.wrong):
            if not form or form != form.strip():
                raise ValueError(f"a form is {form!r}: give a word, without white space at its ends")
        if self.wrong == self.right:
            raise ValueError(f"right and wrong form are both {self.right!r}: give two forms that differ")
        if self.value == self.wrong_value:
            raise ValueError(f"value and wrong_value are both {self.value!r}: give the value of each form")

    def _check_positions(self) -> None:
        count = len(self.words)
        for name in ("controller", "place"):
            position = getattr(self, name)
            if not 0 <= position < count:
                raise ValueError(f"{name} is {position} in a sentence of {count} words: give 0 to {count - 1}")
        if self.controller == self.place:
            raise ValueError(f"controller and place are both {self.place}: a word does not agree with itself")
        low, high = sorted((self.controller, self.place))
        outside = [position for position in self.attractors if not low < position < high]
        if outside:
            raise ValueError(f"attractors are {self.attractors}, and {outside[0]} is not between {low} and {high}")

    @property
    def right(self) -> str:
        """The form that agrees: the word at the place."""
        return self.words[self.place]

    @property
    def causal(self) -> bool:
        """Whether the controller stands before the place, so that a model that reads left to right has read it."""
        return self.controller < self.place

    @property
    def prefix(self) -> tuple[str, ...]:
        """The words before the place."""
        return self.words[: self.place]

    @property
    def wrong_words(self) -> tuple[str, ...]:
        """The sentence with the wrong form in its place."""
        return (*self.prefix, self.wrong, *self.words[self.place + 1 :])


def balanced(items: Iterable[Item], seed: int = 0) -> tuple[Item, ...]:
    """Keep the same number of items of each value, drawn with ``seed``, with attractors and without; in their order.

    If a value has no items with attractors, no item with attractors is kept (and likewise for those without).

    Parameters
    ----------
    items
        Items of one language and one attribute.
    seed
        Which of a value's items are kept.

    Raises
    ------
    ValueError
        The items are of several languages or attributes.

    Examples
    --------
    >>> from pitfalls.language.agreement import generated
    >>> many = [item for item in generated("spa", "Gender", count=3) if item.value == "FEM" or item.attractors]
    >>> counts(many)[["value", "items", "with_attractors"]].values.tolist()
    [['FEM', 6, 3], ['MASC', 3, 3]]
    >>> counts(balanced(many))[["value", "items", "with_attractors"]].values.tolist()
    [['FEM', 3, 3], ['MASC', 3, 3]]
    """
    items = tuple(items)
    return tuple(items[index] for index in balanced_indices(items, seed))


def balanced_indices(items: Sequence[Item], seed: int = 0) -> list[int]:
    """Which items :func:`balanced` keeps: their indices, ascending."""
    _check_one_kind(items)
    values = sorted({item.value for item in items})
    groups: defaultdict[tuple[bool, str], list[int]] = defaultdict(list)
    for index, item in enumerate(items):
        groups[bool(item.attractors), item.value].append(index)
    draw, kept = Draw(seed), []
    for misled in (False, True):
        fewest = min((len(groups[misled, value]) for value in values), default=0)
        for value in values:
            kept += drawn(draw, groups[misled, value], fewest)
    return sorted(kept)


def drawn(draw: Draw, indices: Sequence[int], count: int) -> list[int]:
    """Draw ``count`` of ``indices`` without replacement, every subset equally likely, in the order drawn."""
    rest, chosen = list(indices), []
    for _ in range(count):
        position = draw.choice(range(len(rest)))
        rest[position], rest[-1] = rest[-1], rest[position]
        chosen.append(rest.pop())
    return chosen


def table(items: Iterable[Item]) -> pd.DataFrame:
    """The items as a table to read, one per row: the text before and after the place, both forms, the controller.

    ``attractors`` has the attractors themselves, ``causal`` says whether the controller stands before the place.

    Examples
    --------
    >>> from pitfalls.language.agreement import generated
    >>> table(generated("eng", "Number", count=1)).loc[1, ["before", "right", "wrong", "controller"]].tolist()
    ['these proud tourists with the razor', 'try', 'tries', 'tourists']
    """
    return pd.DataFrame([_row(item) for item in items], columns=list(COLUMNS))


def _row(item: Item) -> dict[str, object]:
    return {
        **{name: getattr(item, name) for name in ("language", "attribute", "relation", "value", "wrong_value")},
        "attractors": " ".join(item.words[position] for position in item.attractors),
        "causal": item.causal,
        "before": " ".join(item.prefix),
        "right": item.right,
        "wrong": item.wrong,
        "after": " ".join(item.words[item.place + 1 :]),
        "controller": item.words[item.controller],
        "lemma": item.lemma,
        "sentence": item.sentence,
    }


def counts(items: Iterable[Item]) -> pd.DataFrame:
    """How many items there are of each language, attribute, relation and value.

    Returns
    -------
    A tidy table, sorted by its first columns: ``language``, ``attribute``, ``relation``, ``value``, ``items``, and how
    many of them are ``causal`` (the controller before the place) and ``with_attractors``.

    Examples
    --------
    >>> from pitfalls.language.agreement import generated
    >>> counts(generated("spa", "Gender", count=5)).values.tolist()
    [['spa', 'Gender', 'predicate', 'FEM', 10, 10, 5], ['spa', 'Gender', 'predicate', 'MASC', 10, 10, 5]]
    """
    found: defaultdict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for item in items:
        cell = found[item.language, item.attribute, item.relation, item.value]
        cell.update(items=1, causal=int(item.causal), with_attractors=int(bool(item.attractors)))
    numbers = ("items", "causal", "with_attractors")
    rows = [(*key, *(found[key][name] for name in numbers)) for key in sorted(found)]
    return pd.DataFrame(rows, columns=["language", "attribute", "relation", "value", *numbers])


def _check_one_kind(items: Sequence[Item]) -> None:
    kinds = sorted({(item.language, item.attribute) for item in items})
    if len(kinds) > 1:
        named = ", ".join(f"{language} {attribute}" for language, attribute in kinds)
        raise ValueError(f"only items of one language and attribute can be balanced; got {named}: balance each alone")
