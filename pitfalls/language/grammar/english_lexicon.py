"""The English lexicon: nouns with their company, verbs, adjectives, and which places go with which nouns.

A noun takes part in what its class can do (an animal bites, a cake burns), but only with a few words of its own: some
adjectives, some verbs that take it as their subject, some as their object. So a masked stem can be guessed from its
sentence (lemma-specific company). Tables: ``lexicons/eng_*.tsv``.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pitfalls.language.grammar import english_paradigms as en
from pitfalls.language.grammar.core import Form

K = TypeVar("K", bound=Hashable)

_TABLES = Path(__file__).parent / "lexicons"
_OWN = {"adjective": 5, "does": 5, "acts": 8, "done:person": 5, "done:animal": 3, "done:thing": 3}


@dataclass(frozen=True)
class Noun:
    """A noun with its forms and its company (lemmas of the adjectives and verbs that suit it)."""

    lemma: str
    group: str
    """Its class in ``eng_company.tsv``: ``person``, ``mammal``, ``tool`` …"""
    kind: str
    """``person``, ``animal`` or ``thing``."""
    gender: str
    """``m`` or ``f`` if the noun tells, else empty."""
    forms: Mapping[str, Form]
    """By UD Number."""
    adjectives: tuple[str, ...]
    does: tuple[str, ...]
    """Intransitive verbs whose subject it is."""
    acts: tuple[str, ...]
    """Transitive verbs whose subject it is."""
    undergoes: tuple[tuple[str, str], ...]
    """(kind of the agent, verb whose object it is): ``("animal", "chase")``."""


@dataclass(frozen=True)
class Verb:
    """A verb with its paradigm and the tenses that suit it."""

    lemma: str
    forms: en.VerbForms
    aspect: str
    """``state`` (loves), ``event`` (sees: no progressive), ``once`` (dies: not a habit), or empty (walks)."""


@dataclass(frozen=True)
class Adjective:
    """An adjective with its degrees."""

    lemma: str
    forms: Mapping[str, Form]
    passing: bool
    """Whether the quality comes and goes (hungry), so that a time adverb goes with it."""
    scale: str
    """What it measures (size, color …), or empty; a clause says one thing on a scale: no big cat is small."""


def read_table(name: str) -> list[dict[str, str]]:
    """The rows of a table of the lexicon (tab-separated; the first line names the columns)."""
    with (_TABLES / name).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


def own_choice(pool: Sequence[str], index: int, count: int) -> tuple[str, ...]:
    """The ``count`` words of a class's pool that belong to its ``index``-th lemma.

    Neighbouring lemmas start ``count`` words apart, so every word of the pool serves some lemma; each round
    walks with a wider step, so that two lemmas seldom share all their words.

    Examples
    --------
    >>> own_choice(["old", "new", "red", "big", "hot"], index=1, count=3)
    ('big', 'hot', 'old')
    """
    size = len(pool)
    count = min(count, size)
    if not count:
        return ()
    position, step = index * count, 1 + index * count // size
    while any(step * times % size == 0 for times in range(1, count)):
        step += 1
    return tuple(pool[(position + position // size + step * times) % size] for times in range(count))


def grouped(nouns: Iterable[Noun], keys: Callable[[Noun], Iterable[K]]) -> dict[K, tuple[Noun, ...]]:
    """The nouns under each of their keys, in the order of the table."""
    groups: dict[K, list[Noun]] = {}
    for noun in nouns:
        for key in keys(noun):
            groups.setdefault(key, []).append(noun)
    return {key: tuple(members) for key, members in groups.items()}


def read_verbs() -> dict[str, Verb]:
    """Verbs by lemma."""
    return {
        row["lemma"]: Verb(
            row["lemma"],
            en.verb_forms(row["lemma"], row["stem"], row["past"], row["participle"]),
            row["aspect"],
        )
        for row in read_table("eng_verbs.tsv")
    }


def read_adjectives() -> dict[str, Adjective]:
    """Adjectives by lemma."""
    return {
        row["lemma"]: Adjective(
            row["lemma"],
            en.adjective_forms(row["lemma"], row["stem"], row["compared"]),
            bool(row["passing"]),
            row["scale"],
        )
        for row in read_table("eng_adjectives.tsv")
    }


def read_nouns() -> Iterator[Noun]:
    """Nouns in the order of the table, each with its own choice of its class's company."""
    company = {(row["class"], row["role"]): tuple(row["words"].split()) for row in read_table("eng_company.tsv")}
    members: dict[str, int] = {}
    for row in read_table("eng_nouns.tsv"):
        group = row["class"]
        index = members[group] = members.get(group, -1) + 1
        own = {
            role: own_choice(company.get((group, role), ()), index, count) if (group, role) in company else ()
            for role, count in _OWN.items()
        }
        yield Noun(
            lemma=row["lemma"],
            group=group,
            kind=company[group, "kind"][0],
            gender=row["gender"],
            forms=en.noun_forms(row["lemma"], row["stem"], row["plural"]),
            adjectives=own["adjective"],
            does=own["does"],
            acts=own["acts"],
            undergoes=tuple((agent, verb) for agent in ("person", "animal", "thing") for verb in own[f"done:{agent}"]),
        )


def read_places() -> dict[str, tuple[tuple[str, str], ...]]:
    """By class of noun: the pairs (preposition, class of the other noun) that may follow it."""
    places: dict[str, list[tuple[str, str]]] = {}
    for row in read_table("eng_places.tsv"):
        pairs = [(preposition, group) for preposition in row["prepositions"].split() for group in row["places"].split()]
        places.setdefault(row["class"], []).extend(pairs)
    return {group: tuple(pairs) for group, pairs in places.items()}
