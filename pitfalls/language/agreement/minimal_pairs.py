"""Constructed English minimal pairs: agreement in Number across a prepositional phrase, in natural sentences.

"The keys near the cabinet are here" has four versions: the controller is singular or plural, and the noun after the
preposition has the same number or the other one, which makes it an attractor (Linzen et al. 2016, arXiv 1611.01368).
Such frames, filled with all nouns in turn, are those of Marvin & Linzen (2018, arXiv 1808.09031). The nouns of train,
dev and test differ, so that rankings on train and choices on dev never see a noun of test.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, permutations, product
from typing import NamedTuple

from pitfalls.columns import SPLITS, Split
from pitfalls.language.agreement.items import Item, drawn
from pitfalls.language.grammar.core import Draw
from pitfalls.numbers import whole

# Not "in front of": *front* is a singular noun between controller and place.
_PREPOSITIONS = ("near", "behind", "beside", "opposite", "next to", "close to")
_IRREGULAR = {
    **{"child": "children", "goose": "geese", "knife": "knives", "man": "men"},
    **{"mouse": "mice", "wolf": "wolves", "woman": "women"},
}
_SIBILANTS = ("s", "x", "ch", "sh")
_VERSIONS = tuple(product(("SG", "PL"), (False, True)))
_OTHER = {"SG": "PL", "PL": "SG"}


class _Predicate(NamedTuple):
    """Both forms of the word that agrees, their lemma, and what comes after them."""

    singular: str
    plural: str
    lemma: str
    rest: str


@dataclass(frozen=True)
class _Kind:
    """Nouns by split, and the adjectives and predicates that go with all of them; "" is no adjective."""

    nouns: Mapping[Split, str]
    adjectives: tuple[str, ...]
    predicates: tuple[_Predicate, ...]


def _predicates(be: tuple[str, ...], been: tuple[str, ...], have: tuple[str, ...]) -> tuple[_Predicate, ...]:
    """What may follow the present of *be*, its past, and *have*."""
    forms = ((("is", "are", "be"), be), (("was", "were", "be"), been), (("has", "have", "have"), have))
    return tuple(_Predicate(*verb, rest) for verb, rests in forms for rest in rests)


_KINDS = (
    _Kind(
        {
            "train": "teacher student doctor farmer lawyer singer painter boy girl woman man cat horse rabbit mouse",
            "dev": "nurse driver king dog duck wolf",
            "test": "pilot author dancer soldier baker child bird cow goose",
        },
        ("", "", "", "young", "small", "quiet"),
        _predicates(("here", "asleep"), ("hungry", "there yesterday"), ("arrived", "moved away")),
    ),
    _Kind(
        {
            "train": "table chair lamp car bicycle truck book cup door wall bridge tower bus knife bench",
            "dev": "window house bottle coat box bush",
            "test": "cabinet picture statue tree boat basket ladder flower dish",
        },
        ("", "", "", "old", "small", "large"),
        _predicates(("here", "for sale"), ("damaged", "there yesterday"), ("disappeared", "been moved")),
    ),
)


def minimal_pairs(split: Split, count: int | None = None, seed: int = 0) -> tuple[Item, ...]:
    """English items of Number with nouns that no other split has, balanced over value and attractor.

    Every two nouns of the split, in either order, are the controller and the noun after the preposition of four items:
    SG without and with an attractor, then PL. The four share preposition, adjective, verb and continuation. Without an
    attractor the second noun has the controller's number, so the place is equally far away with and without one. The
    place is a form of *be* or *have* (the relation ``"auxiliary"``), and the controller comes before it.

    Parameters
    ----------
    split
        Whose nouns: 30 of ``"train"``, 12 of ``"dev"`` or 18 of ``"test"``, half of them animate.
    count
        How many items: as many as fit into it by fours. By default all: 3480, 528 or 1224.
    seed
        The order of the pairs of nouns, and what stands around them. A smaller ``count`` gives the first items of a
        larger one.

    Raises
    ------
    ValueError
        There is no such split, ``count`` is below 4 or above the number of items there are, or the seed is not a whole
        number of 0 or more.

    Examples
    --------
    >>> for item in minimal_pairs("test", count=4):
    ...     print(*item.prefix, "|", item.right, "not", item.wrong, "| attractors:", len(item.attractors))
    The ladder near the soldier | has not have | attractors: 0
    The ladder near the soldiers | has not have | attractors: 1
    The ladders near the soldiers | have not has | attractors: 0
    The ladders near the soldier | have not has | attractors: 1
    """
    if split not in SPLITS:
        raise ValueError(f"there is no split {split!r}: take {', '.join(SPLITS)}")
    pairs = [pair for kind in _KINDS for pair in _pairs(kind, split)]
    wanted = len(pairs) if count is None else _fours(count, len(pairs), split)
    draw = Draw(whole(seed, "a seed"))
    # All pairs are put in order, so that what is drawn afterwards does not depend on the count.
    order = drawn(draw, range(len(pairs)), len(pairs))[:wanted]
    frames = (_frame(draw, *pairs[index]) for index in order)
    versions = ((frame, *version) for frame in frames for version in _VERSIONS)
    return tuple(
        frame.item(value, misled, f"pairs-{split}-{seed}-{number}")
        for number, (frame, value, misled) in enumerate(versions)
    )


def _pairs(kind: _Kind, split: Split) -> Iterator[tuple[_Kind, str, str]]:
    """Controllers of a kind, each with every other noun of the split."""
    everything = chain.from_iterable(other.nouns[split].split() for other in _KINDS)
    own = kind.nouns[split].split()
    return ((kind, noun, other) for noun, other in permutations(everything, 2) if noun in own)


def _fours(count: int, most: int, split: Split) -> int:
    """How many pairs of nouns ``count`` items have."""
    found = whole(count, "count", 4)
    if found > 4 * most:
        raise ValueError(f"count is {count}, and {split} has {4 * most} items: ask for at most that many")
    return found // 4


@dataclass(frozen=True)
class _Frame:
    """All of a sentence but the numbers of its nouns and its verb."""

    noun: str
    other: str
    adjective: str
    preposition: str
    predicate: _Predicate

    def item(self, value: str, misled: bool, sentence: str) -> Item:
        """The version whose controller has ``value``, with an attractor if ``misled``."""
        near = _OTHER[value] if misled else value
        before = ("The", *self.adjective.split(), _form(self.noun, value))
        prefix = (*before, *self.preposition.split(), "the", _form(self.other, near))
        right, wrong = self.predicate.singular, self.predicate.plural
        if value == "PL":
            right, wrong = wrong, right
        return Item(
            language="eng",
            attribute="Number",
            relation="auxiliary",
            words=(*prefix, right, *self.predicate.rest.split(), "."),
            controller=len(before) - 1,
            place=len(prefix),
            wrong=wrong,
            lemma=self.predicate.lemma,
            value=value,
            wrong_value=_OTHER[value],
            attractors=(len(prefix) - 1,) if misled else (),
            sentence=sentence,
        )


def _frame(draw: Draw, kind: _Kind, noun: str, other: str) -> _Frame:
    adjective, preposition = draw.choice(kind.adjectives), draw.choice(_PREPOSITIONS)
    return _Frame(noun, other, adjective, preposition, draw.choice(kind.predicates))


def _form(noun: str, value: str) -> str:
    if value == "SG":
        return noun
    return _IRREGULAR.get(noun, f"{noun}es" if noun.endswith(_SIBILANTS) else f"{noun}s")
