"""The Spanish word: nouns, adjectives and verbs inflected in full and cut into stem and ending.

Features are annotated as in UD Spanish GSD: nouns of common gender (``artista``) carry no Gender, and an adjective's
lemma is its masculine singular. A noun that pairs with another (``niño``, ``niña``) has the masculine as its lemma, as
in UD Spanish AnCora and in dictionaries; GSD gives ``niña`` a lemma of its own. So a *gato* that comes out as *gata*
keeps its lemma and changes its value.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pitfalls.language.grammar.core import Form, feats

LEXICONS = Path(__file__).parent / "lexicons"
NUMBERS = ("Sing", "Plur")
GENDERS = ("Masc", "Fem")
_ACCENTED = str.maketrans("áéíóú", "aeiou")
_PERSONS = tuple(
    (person, number) for number in NUMBERS for person in ("1", "2", "3") if (person, number) != ("2", "Plur")
)

# The endings of the three conjugations in the order 1sg, 2sg, 3sg, 1pl, 3pl; the second person plural is left
# out (``ustedes`` takes the third), as it is all but absent from GSD.
_ENDINGS: dict[str, dict[str, str]] = {
    "ar": {
        "Ind.Pres": "o as a amos an",
        "Ind.Past": "é aste ó amos aron",
        "Ind.Imp": "aba abas aba ábamos aban",
        "Ind.Fut": "aré arás ará aremos arán",
        "Sub.Pres": "e es e emos en",
        "Ger": "ando",
        "Part": "ad",
    },
    "er": {
        "Ind.Pres": "o es e emos en",
        "Ind.Past": "í iste ió imos ieron",
        "Ind.Imp": "ía ías ía íamos ían",
        "Ind.Fut": "eré erás erá eremos erán",
        "Sub.Pres": "a as a amos an",
        "Ger": "iendo",
        "Part": "id",
    },
    "ir": {
        "Ind.Pres": "o es e imos en",
        "Ind.Past": "í iste ió imos ieron",
        "Ind.Imp": "ía ías ía íamos ían",
        "Ind.Fut": "iré irás irá iremos irán",
        "Sub.Pres": "a as a amos an",
        "Ger": "iendo",
        "Part": "id",
    },
}
_FUTURE = ["é", "ás", "á", "emos", "án"]
_STRONG_PAST = ["e", "iste", "o", "imos", "ieron"]
_STRESSED_CHANGE = {
    "ie": ("e", "ie"),
    "ue": ("o", "ue"),
    "i": ("e", "i"),
    "ue-u": ("o", "ue"),
    "ie-i": ("e", "ie"),
}
_WEAK_CHANGE = {"i": ("e", "i"), "ue-u": ("o", "u"), "ie-i": ("e", "i")}
_STRESSED = (0, 1, 2, 4)


def read_table(name: str) -> list[dict[str, str]]:
    """The rows of one of the tab-separated tables beside this module, each as column -> text."""
    with open(LEXICONS / name, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE, restval=""))


def plural(word: str) -> str:
    """The plural of a noun or adjective.

    Examples
    --------
    >>> [plural(word) for word in ("gato", "luz", "canción", "ciudad", "sofá")]
    ['gatos', 'luces', 'canciones', 'ciudades', 'sofás']
    """
    if word[-1] in "aeiouáéó":
        return word + "s"
    if word[-1] == "z":
        return word[:-1] + "ces"
    if word[-1] in "ns" and word[-2] in "áéíóú":
        return word[:-2] + word[-2].translate(_ACCENTED) + word[-1] + "es"
    return word + "es"


def cut(word: str) -> int:
    """How many letters of a nominal's singular are its stem: those before its last vowel, at least two.

    Examples
    --------
    >>> [(word[: cut(word)], word[cut(word) :]) for word in ("gato", "canción", "azul", "pan")]
    [('gat', 'o'), ('canci', 'ón'), ('az', 'ul'), ('pa', 'n')]
    """
    last = max(index for index, letter in enumerate(word) if letter in "aeiouáéíóú")
    return last if last >= 2 else len(word) - 1


def _pieces(text: str, stem: str) -> tuple[str, str]:
    if not text.startswith(stem):
        raise ValueError(f"form {text!r} does not begin with the stem {stem!r}: give it a stem of its own")
    return stem, text[len(stem) :]


@dataclass(frozen=True, eq=False)
class Noun:
    """A noun, or the two nouns of a pair like ``gato``, ``gata``.

    ``genders`` are the genders it can have in a sentence; for a noun of common gender the forms agree in
    spelling and carry no Gender, as in GSD, but the words that agree with it do.
    """

    lemma: str
    genders: tuple[str, ...]
    classes: tuple[str, ...]
    forms: Mapping[tuple[str, str], Form]
    stressed_a: bool
    """Feminine, but singular ``el``, ``un`` (``el águila``)."""


@dataclass(frozen=True, eq=False)
class Adjective:
    """An adjective, with the classes of nouns it describes with ``ser`` and with ``estar``."""

    lemma: str
    ser: tuple[str, ...]
    estar: tuple[str, ...]
    forms: Mapping[tuple[str, str], Form]


def noun(row: Mapping[str, str]) -> Noun:
    """The noun of one row of ``spa_nouns.tsv``."""
    lemma, feminine, gender = row["lemma"], row["feminine"], row["gender"]
    stem = lemma[: cut(lemma)]
    spellings = {g: lemma for g in GENDERS if gender in (g, "common")}
    if gender == "pair":
        spellings = {"Masc": lemma, "Fem": feminine}
    forms = {}
    for g, singular in spellings.items():
        marked = "" if gender == "common" else g
        for number, text in zip(NUMBERS, (singular, plural(singular)), strict=True):
            forms[g, number] = Form(*_pieces(text, stem), lemma, "NOUN", feats(Gender=marked, Number=number))
    stressed_a = gender == "Fem" and lemma in ("águila", "hacha")
    return Noun(lemma, tuple(spellings), tuple(row["class"].split()), forms, stressed_a)


def adjective(row: Mapping[str, str]) -> Adjective:
    """The adjective of one row of ``spa_adjectives.tsv``."""
    lemma = row["lemma"]
    stem = lemma[: cut(lemma)]
    forms = {}
    for gender in GENDERS:
        varies = lemma.endswith("o")
        singular = lemma[:-1] + "a" if varies and gender == "Fem" else lemma
        for number, text in zip(NUMBERS, (singular, plural(singular)), strict=True):
            # GSD marks an adjective that looks like a participle as one.
            part = "Part" if lemma.endswith(("ado", "ido")) and lemma != "delgado" else ""
            marks = feats(Gender=gender if varies else "", Number=number, VerbForm=part)
            forms[gender, number] = Form(*_pieces(text, stem), lemma, "ADJ", marks)
    return Adjective(lemma, tuple(row["ser"].split()), tuple(row["estar"].split()), forms)


@dataclass(frozen=True, eq=False)
class Verb:
    """A verb: ``finite[mood, tense, person, number]``, and its other forms.

    ``passive[gender, number]`` is the participle that agrees; ``perfect`` the one after ``haber``, which GSD marks with
    Tense=Past; ``imperative`` the form for the second person singular.
    """

    lemma: str
    finite: Mapping[tuple[str, str, str, str], Form]
    infinitive: Form
    gerund: Form
    imperative: Form
    perfect: Form
    passive: Mapping[tuple[str, str], Form]

    @cached_property
    def forms(self) -> tuple[Form, ...]:
        """All forms, without repetition."""
        listed = [self.infinitive, self.gerund, self.imperative, self.perfect]
        return tuple(dict.fromkeys([*self.finite.values(), *listed, *self.passive.values()]))


class _Conjugation:
    """Works out the pieces of each form of one verb; what the table of irregulars lists takes precedence."""

    def __init__(self, lemma: str, change: str, irregular: Mapping[str, str]) -> None:
        self.lemma, self.change, self.irregular = lemma, change, irregular
        self.stem, self.kind = lemma[:-2], lemma[-2:]

    def changed(self, table: Mapping[str, tuple[str, str]]) -> str:
        """The stem with its last fitting vowel changed (dorm -> duerm; jug -> jueg)."""
        if self.change not in table:
            return self.stem
        old, new = table[self.change]
        if old not in self.stem:
            old = "u"
        head, _, tail = self.stem.rpartition(old)
        return head + new + tail

    @property
    def stressed(self) -> str:
        if self.change == "y" and self.stem.endswith("u"):
            return self.stem + "y"
        return self.changed(_STRESSED_CHANGE)

    def spelt(self, stem: str, ending: str) -> tuple[str, str]:
        """Stem and ending with the spelling that keeps the stem's last sound (tocar, toqué; seguir, sigo)."""
        front = ending[0] in "eéií"
        if self.kind == "ar" and front:
            for old, new in (("c", "qu"), ("g", "gu"), ("z", "c")):
                if stem.endswith(old):
                    return stem[: -len(old)] + new, ending
        if self.kind != "ar" and not front:
            for old, new in (("gu", "g"), ("g", "j")):
                if stem.endswith(old):
                    return stem[: -len(old)] + new, ending
            if self.kind == "er" and stem.endswith("c"):
                return stem[:-1] + "zc", ending
        return stem, ending

    def soft(self, ending: str) -> tuple[str, str]:
        """Pieces before an ending whose i is a glide: sirvió, durmiendo; leyó, construyendo."""
        if self.change == "y":
            return self.stem + "y", ending[1:]
        return self.changed(_WEAK_CHANGE), ending

    def hiatus(self, ending: str) -> str:
        """The ending with the accent that i needs after a, e, o: leíste, caído."""
        return "í" + ending[1:] if self.stem[-1] in "aeo" and ending[0] == "i" else ending

    def regular(self, tense: str, index: int) -> tuple[str, str]:
        ending = _ENDINGS[self.kind][tense].split()[index]
        if tense == "Ind.Past" and index in (2, 4) and self.kind != "ar":
            return self.soft(ending)
        if tense == "Ind.Past":
            return self.spelt(self.stem, self.hiatus(ending))
        if tense in ("Ind.Pres", "Sub.Pres"):
            stem = self.stem
            if index in _STRESSED or (tense == "Sub.Pres" and self.stem.endswith("u") and self.change == "y"):
                stem = self.stressed
            elif tense == "Sub.Pres":
                stem = self.changed(_WEAK_CHANGE)
            return self.spelt(stem, ending)
        return self.stem, ending

    def finite(self, tense: str, index: int) -> tuple[str, str]:
        person, number = _PERSONS[index]
        exact = self.irregular.get(f"{tense}.{person}.{number}")
        if exact:
            stem, _, ending = exact.partition("|")
            return stem, ending
        stem = self.irregular.get(tense, "")
        if not stem:
            return self.regular(tense, index)
        if tense == "Ind.Past":
            # dijeron, condujeron: the i of -ieron is lost after j.
            ending = _STRONG_PAST[index]
            return stem, ending[1:] if stem.endswith("j") and index == 4 else ending
        if tense == "Ind.Fut":
            return stem, _FUTURE[index]
        return stem, _ENDINGS[self.kind][tense].split()[index]

    def single(self, slot: str, pieces: tuple[str, str]) -> tuple[str, str]:
        if slot not in self.irregular:
            return pieces
        stem, _, ending = self.irregular[slot].partition("|")
        return stem, ending

    def participle(self) -> tuple[str, str]:
        """The stem, and the ending without its final vowel."""
        if "Part" in self.irregular:
            return self.irregular["Part"], ""
        return self.stem, self.hiatus(_ENDINGS[self.kind]["Part"])


def verb(row: Mapping[str, str], irregular: Mapping[str, str], upos: str = "VERB") -> Verb:
    """The verb of one row of ``spa_verbs.tsv`` with its entries (slot -> pieces) of ``spa_irregular.tsv``."""
    lemma = row["lemma"]
    work = _Conjugation(lemma, row["change"], irregular)
    finite = {}
    for tense in ("Ind.Pres", "Ind.Past", "Ind.Imp", "Ind.Fut", "Sub.Pres"):
        mood, time = tense.split(".")
        for index, (person, number) in enumerate(_PERSONS):
            marks = feats(Mood=mood, Number=number, Person=person, Tense=time, VerbForm="Fin")
            finite[mood, time, person, number] = Form(*work.finite(tense, index), lemma, upos, marks)
    gerund = work.soft("iendo") if work.kind != "ar" else (work.stem, "ando")
    third = finite["Ind", "Pres", "3", "Sing"]
    imperative = work.single("Imp.2.Sing", (third.stem, third.ending))
    stem, middle = work.participle()
    passive = {
        (gender, number): Form(
            stem,
            middle + vowel + ("s" if number == "Plur" else ""),
            lemma,
            upos,
            feats(Gender=gender, Number=number, VerbForm="Part"),
        )
        for gender, vowel in zip(GENDERS, "oa", strict=True)
        for number in NUMBERS
    }
    marks = feats(Gender="Masc", Number="Sing", Tense="Past", VerbForm="Part")
    return Verb(
        lemma,
        finite,
        Form(work.stem, work.kind, lemma, upos, feats(VerbForm="Inf")),
        Form(*work.single("Ger", gerund), lemma, upos, feats(VerbForm="Ger")),
        Form(*imperative, lemma, upos, feats(Mood="Imp", Number="Sing", Person="2", VerbForm="Fin")),
        Form(stem, middle + "o", lemma, upos, marks),
        passive,
    )


_WHOLE = {
    ("ser", "Ind", "Pres"): "soy eres es somos son",
    ("ser", "Ind", "Past"): "fui fuiste fue fuimos fueron",
    ("ser", "Ind", "Imp"): "era eras era éramos eran",
    ("ser", "Ind", "Fut"): "seré serás será seremos serán",
    ("ser", "Sub", "Pres"): "sea seas sea seamos sean",
    ("estar", "Ind", "Pres"): "estoy estás está estamos están",
    ("estar", "Ind", "Past"): "estuve estuviste estuvo estuvimos estuvieron",
    ("estar", "Ind", "Imp"): "estaba estabas estaba estábamos estaban",
    ("estar", "Ind", "Fut"): "estaré estarás estará estaremos estarán",
    ("estar", "Sub", "Pres"): "esté estés esté estemos estén",
    ("haber", "Ind", "Pres"): "he has ha hemos han",
    ("haber", "Ind", "Imp"): "había habías había habíamos habían",
    ("haber", "Ind", "Fut"): "habré habrás habrá habremos habrán",
}


def whole_forms(upos: str) -> dict[tuple[str, str, str, str, str], Form]:
    """The forms of ser, estar and haber by (lemma, mood, tense, person, number), each one piece."""
    forms = {}
    for (lemma, mood, tense), texts in _WHOLE.items():
        for (person, number), text in zip(_PERSONS, texts.split(), strict=True):
            marks = feats(Mood=mood, Number=number, Person=person, Tense=tense, VerbForm="Fin")
            forms[lemma, mood, tense, person, number] = Form(text, "", lemma, upos, marks)
    return forms


def load_nouns() -> list[Noun]:
    """All nouns, in the table's order."""
    return [noun(row) for row in read_table("spa_nouns.tsv")]


def load_adjectives() -> list[Adjective]:
    """All adjectives, in the table's order."""
    return [adjective(row) for row in read_table("spa_adjectives.tsv")]


def load_verbs() -> Iterator[tuple[dict[str, str], Verb]]:
    """All verbs, in the table's order, each with its row."""
    irregular: dict[str, dict[str, str]] = {}
    names = {"Sub": "Sub.Pres", "Fut": "Ind.Fut", "Past": "Ind.Past"}
    for row in read_table("spa_irregular.tsv"):
        slot = names.get(row["slot"], row["slot"])
        irregular.setdefault(row["lemma"], {})[slot] = row["pieces"]
    for row in read_table("spa_verbs.tsv"):
        yield row, verb(row, irregular.get(row["lemma"], {}), "AUX" if row["lemma"] == "poder" else "VERB")
