"""The lexicon of the generated Russian, and which words keep company with which noun."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import gcd
from typing import NamedTuple

from pitfalls.language.grammar.core import Draw
from pitfalls.language.grammar.russian_paradigms import (
    Adjective,
    Noun,
    Verb,
    determiner,
    long_adjective,
    noun,
    read_table,
    relative_pronoun,
    verb,
)
from pitfalls.language.grammar.russian_words import CARRIED, OWN, be_forms

WINDOW = {"adjective": 5, "subject": 5, "object": 5}
"""How many adjectives and verb pairs of its class's pool a noun keeps company with."""


class Pair(NamedTuple):
    """An imperfective verb and its perfective partner, if it has one."""

    imperfective: Verb
    perfective: Verb | None


def _window(pool: Sequence[str], index: int, size: int) -> list[str]:
    """``size`` entries of the pool, taken as a ring with a start and a stride that depend on ``index``.

    A stride coprime to the length visits each entry only once, so lemmas with different indices get different
    entries until the starts and strides run out.
    """
    length = len(pool)
    strides = [stride for stride in range(1, length // 2 + 1) if gcd(stride, length) == 1] or [1]
    stride = strides[index // length % len(strides)]
    return [pool[(index + step * stride) % length] for step in range(min(size, length))]


class RussianCompany:
    """Nouns, verbs and adjectives, and the company that each noun keeps: the adjectives and verbs that go with it."""

    def __init__(self) -> None:
        rows = read_table("rus_nouns")
        self.nouns = tuple(noun(row) for row in rows)
        self.verbs = {row["lemma"]: verb(row) for row in read_table("rus_verbs")}
        self.adjectives = {row["lemma"]: long_adjective(row["lemma"]) for row in read_table("rus_adjectives")}
        self._determiners = {lemma: determiner(lemma) for lemma in ("этот", "мой", "твой", "свой")}
        self._who = relative_pronoun()
        self._be = be_forms()
        self._pools = {(row["class"], row["role"]): row["pool"].split() for row in read_table("rus_company")}
        self._partner = {
            partner: entry.partition("/")[0]
            for (_, role), pool in self._pools.items()
            for entry in (pool if role != "adjective" else ())
            if (partner := entry.partition("/")[2])
        }
        self._kinds = self._group(rows)
        self._own = {word.lemma for kind in (*OWN, "pet") for word in self._kinds[kind]}
        self._company = self._companies()

    def _group(self, rows: Sequence[Mapping[str, str]]) -> dict[str, list[Noun]]:
        """Nouns by class and note. A neuter is listed twice, as few nouns are neuter and none is animate."""
        kinds: dict[str, list[Noun]] = {}
        for row, word in zip(rows, self.nouns, strict=True):
            kinds.setdefault(word.kind, []).extend([word] * (2 if word.gender == "Neut" else 1))
            for note in ("pet", "spot", "surface"):
                if note in row["notes"].split(","):
                    kinds.setdefault(note, []).append(word)
            if word.lemma in CARRIED:
                kinds.setdefault("carried", []).append(word)
        return kinds

    def _pairs(self, pool: Sequence[str]) -> tuple[Pair, ...]:
        pairs = []
        for entry in pool:
            imperfective, _, perfective = entry.partition("/")
            pairs.append(Pair(self.verbs[imperfective], self.verbs[perfective] if perfective else None))
        return tuple(pairs)

    def _companies(self) -> dict[tuple[str, str], tuple[Pair, ...] | tuple[Adjective, ...]]:
        company: dict[tuple[str, str], tuple[Pair, ...] | tuple[Adjective, ...]] = {}
        for kind in sorted({word.kind for word in self.nouns}):
            for index, word in enumerate(word for word in self.nouns if word.kind == kind):
                pool = _window(self._pools[kind, "adjective"], index, WINDOW["adjective"])
                company[word.lemma, "adjective"] = tuple(self.adjectives[lemma] for lemma in pool)
                for role in ("subject", "object"):
                    chosen = _window(self._pools[kind, role], index, WINDOW[role])
                    company[word.lemma, role] = self._pairs(chosen)
                for role in ("dative", "instrumental", "about", "affect", "prey", "genitive"):
                    if (kind, role) in self._pools:
                        company[word.lemma, role] = self._pairs(self._pools[kind, role])
        company["", "give"] = self._pairs(self._pools["gift", "give"])
        company["", "please"] = self._pairs(self._pools["thing", "please"])
        return company

    def _verbs_of(self, lemma: str, role: str) -> tuple[Pair, ...]:
        return self._company[lemma, role]  # type: ignore[return-value]

    def _adjectives_of(self, lemma: str) -> tuple[Adjective, ...]:
        return self._company[lemma, "adjective"]  # type: ignore[return-value]

    def _noun(self, draw: Draw, *kinds: str, other_than: Noun | None = None) -> Noun:
        while True:
            chosen = draw.choice(self._kinds[draw.choice(kinds)])
            if other_than is None or chosen.lemma != other_than.lemma:
                return chosen
