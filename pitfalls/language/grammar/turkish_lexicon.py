"""The words of the Turkish mini world and the company they keep, read from ``lexicons/tur_*.tsv``.

``tur_nouns``: lemma, class, stem before a vowel, harmony (``front`` for *saat*, *kalp*). ``tur_verbs``:
lemma, stem before a vowel, ``I`` if the aorist is -Ir though the stem has one syllable, the oblique cases it
takes (``case:class`` or ``case:lemma+lemma``), whether it needs one, whether it can be done at will, and the
lemma and voice of IMST where they differ. ``tur_company``: the words that go with a class or, instead, with
one lemma (``+``: as well). ``tur_words``: function words with their annotation.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from importlib import resources

from pitfalls.language.grammar.core import Form, T
from pitfalls.language.grammar.turkish_paradigms import Stem, noun_forms, verb_forms

HUMAN = ("human", "kin")
WAYS = ("ip", "erek", "meden")
"""Converbs: after, while and without doing something."""

ANIMATE = ("human", "kin", "baby", "beast", "bird", "wild")
GOODS = (
    *("vehicle", "tool", "dish", "cooked", "fruit", "drink", "plant"),
    *("clothing", "furniture", "text", "idea"),
)
PLACES = ("place", "open", "room")
THINGS = (*GOODS, *PLACES)
OBJECTS = ((GOODS, 12), (ANIMATE, 5), (PLACES, 2), (("body",), 1))
"""What people act upon: kinds of nouns, and how many of them are each person's own."""

COMPANY = {"adjectives": 5, "does": 5, "undergoes": 4}
"""How many words of each pool are a noun's own."""


@dataclass(frozen=True, eq=False)
class Verb:
    """A verb: its forms by name (``past-3Plur``) and the nouns it takes in an oblique case."""

    forms: dict[str, Form]
    needs: bool
    at_will: bool
    obliques: list[tuple[str, Sequence[Noun]]] = field(default_factory=list)
    because: list[Form] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Noun:
    """A noun: its forms by (number, case, possessor) and the company it keeps."""

    kind: str
    forms: dict[tuple[str, str, str], Form]
    adjectives: list[Form] = field(default_factory=list)
    does: list[Verb] = field(default_factory=list)
    undergoes: list[Verb] = field(default_factory=list)
    objects: list[Noun] = field(default_factory=list)

    @property
    def lemma(self) -> str:
        """The bare form."""
        return self.forms["Sing", "Nom", ""].lemma

    @property
    def animate(self) -> bool:
        """Whether a plural of it makes the verb plural."""
        return self.kind in ANIMATE


def _table(name: str) -> list[dict[str, str]]:
    """The rows of one of the tables ``lexicons/tur_*.tsv``."""
    path = resources.files("pitfalls.language.grammar") / "lexicons" / f"tur_{name}.tsv"
    with path.open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines, delimiter="\t"))


def _own(pool: Sequence[T], index: int, count: int) -> list[T]:
    """The ``count`` members of ``pool`` that belong to lemma number ``index``: the same every time."""
    order = sorted(range(len(pool)), key=lambda place: (place + 1) * (2 * index + 1) * 2654435761 % 2**32)
    return [pool[place] for place in order[:count]]


def _in_voice(form: Form, row: dict[str, str]) -> Form:
    """The form as IMST has it where the verb is the causative or passive of another (*kapat* of *kapa*)."""
    values = dict(form.feats)
    values["Voice"] = row["voice"] + values.get("Voice", "")
    pairs = tuple(sorted(values.items(), key=lambda pair: pair[0].lower()))
    return replace(form, lemma=row["treebank_lemma"], feats=pairs)


class Vocabulary:
    """All words, with their forms and their company.

    Examples
    --------
    >>> Vocabulary().nouns["wild"][0].forms["Plur", "Dat", ""].text
    'tilkilere'
    """

    def __init__(self) -> None:
        self.words: dict[str, list[Form]] = {}
        for row in _table("words"):
            pairs = () if row["feats"] == "_" else tuple(pair.split("=") for pair in row["feats"].split("|"))
            features = tuple((name, value) for name, value in pairs)
            form = Form(row["form"], "", row["lemma"], row["upos"], features)
            self.words.setdefault(row["group"], []).append(form)
        company = {(row["whose"], row["relation"]): row["lemmas"].split() for row in _table("company")}
        self.verbs = self._read_verbs(company)
        self.adjectives: dict[str, Form] = {}
        self.nouns: dict[str, list[Noun]] = {}
        for index, row in enumerate(_table("nouns")):
            self.nouns.setdefault(row["class"], []).append(self._noun(index, row, company))
        self._oblique_nouns()
        self._give_objects()
        self.animates = [noun for kind in ANIMATE for noun in self.nouns[kind]]
        self.humans = [noun for kind in HUMAN for noun in self.nouns[kind]]
        self.things = [noun for kind in THINGS for noun in self.nouns[kind]]
        self.ways = {name: [self.verbs[word] for word in company["person", name]] for name in WAYS}
        for lemma, verb in self.verbs.items():
            verb.because.extend(self._adjective(word) for word in company.get((lemma, "because"), []))
        self.reasoned = [verb for verb in self.verbs.values() if verb.because]

    def _read_verbs(self, company: dict[tuple[str, str], list[str]]) -> dict[str, Verb]:
        done = {verb for (_, relation), pool in company.items() if relation == "undergoes" for verb in pool}
        verbs = {}
        for row in _table("verbs"):
            stem = Stem(row["lemma"], row["before_vowel"])
            forms = dict(verb_forms(stem, row["aorist"] == "I", passive=row["lemma"] in done))
            if row["voice"]:
                forms = {name: _in_voice(form, row) for name, form in forms.items()}
            verbs[row["lemma"]] = Verb(forms, row["needs"] == "yes", row["at_will"] == "yes")
        return verbs

    def _noun(self, index: int, row: dict[str, str], company: dict[tuple[str, str], list[str]]) -> Noun:
        stem = Stem(row["lemma"], row["before_vowel"], "e" if row["harmony"] == "front" else "")
        forms = {}
        for form in noun_forms(stem):
            values = dict(form.feats)
            psor = values.get("Person[psor]", "") + values.get("Number[psor]", "")
            forms[values["Number"], values["Case"], psor] = form
        own = {}
        for relation, count in COMPANY.items():
            pool = company.get((row["class"], relation), [])
            own[relation] = _own(pool, index, count)
            special = company.get((row["lemma"], relation), own[relation])
            own[relation] = [*special[1:], *own[relation]] if special[:1] == ["+"] else special
        adjectives = [self._adjective(word) for word in own["adjectives"]]
        does = [self.verbs[word] for word in own["does"]]
        return Noun(row["class"], forms, adjectives, does, [self.verbs[word] for word in own["undergoes"]])

    def _adjective(self, word: str) -> Form:
        return self.adjectives.setdefault(word, Form(word, "", word, "ADJ"))

    def _oblique_nouns(self) -> None:
        """Give every verb the nouns it goes with in an oblique case: ten of a class, or those listed."""
        nouns = {noun.forms["Sing", "Nom", ""].lemma: noun for pool in self.nouns.values() for noun in pool}
        for index, row in enumerate(_table("verbs")):
            for pair in filter(None, row["obliques"].split(",")):
                case, kind = pair.split(":")
                pool = self.nouns.get(kind) or [nouns[lemma] for lemma in kind.split("+")]
                self.verbs[row["lemma"]].obliques.append((case.capitalize(), _own(pool, index, 10)))

    def _give_objects(self) -> None:
        """Give every person the things and the living beings he or she has to do with."""
        pools = [([noun for kind in kinds for noun in self.nouns[kind]], count) for kinds, count in OBJECTS]
        people = [noun for kind in HUMAN for noun in self.nouns[kind]]
        for index, person in enumerate(people):
            for pool, count in pools:
                person.objects.extend(_own(pool, index, count))

    def forms(self) -> Iterator[Form]:
        """Every form of every lemma."""
        for nouns in self.nouns.values():
            for noun in nouns:
                yield from noun.forms.values()
        for verb in self.verbs.values():
            yield from verb.forms.values()
        yield from self.adjectives.values()
        for forms in self.words.values():
            yield from forms
