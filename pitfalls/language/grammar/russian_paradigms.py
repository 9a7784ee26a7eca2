"""Russian inflection: nouns, adjectives and verbs from short tables, each form cut into stem and ending.

The tables beside this module name a lemma, its class and what is irregular about it (``rus_nouns.tsv``,
``rus_verbs.tsv``, ``rus_adjectives.tsv``); the rules of Russian spelling do the rest. Annotation follows the
Russian GSD treebank (UD 2.x): nouns carry Animacy, Case, Gender and Number; adjectives carry Animacy only in
the accusative (masculine singular and plural); a perfective non-past is ``Tense=Fut``, a verb in -ся is
``Voice=Mid`` with its own lemma in -ся; a short passive participle is a VERB with ``Variant=Short``. The
letter ё is written е throughout (GSD dev and test have ё in 250 forms, е elsewhere and in nearly all lemmas).
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from os.path import commonprefix
from pathlib import Path

from pitfalls.language.grammar.core import Form, feats

LEXICONS = Path(__file__).parent / "lexicons"
CASES = ("Nom", "Gen", "Dat", "Acc", "Ins", "Loc")
SLOTS = ("Masc", "Fem", "Neut", "Plur")
"""Where a Russian adjective, past tense or short participle can stand: three genders, or the plural."""

_VELARS = "гкх"
_HUSHERS = "жшчщ"
_VOWELS = "аеиоуыэюя"


@dataclass(frozen=True)
class Noun:
    """A noun with its forms, ``forms[number, case]`` and ``locative2`` (в саду), where it differs."""

    lemma: str
    gender: str
    animacy: str
    kind: str
    preposition: str
    forms: Mapping[tuple[str, str], Form]
    locative2: Form | None


@dataclass(frozen=True)
class Adjective:
    """An adjective or pronoun declined like one: ``forms[slot, case, animacy]``."""

    lemma: str
    forms: Mapping[tuple[str, str, str], Form]


@dataclass(frozen=True)
class Verb:
    """A verb of one aspect.

    ``nonpast`` has the keys ``Sing`` (он), ``Plur`` (они) and ``We`` (мы); ``past`` has one form for each of
    :data:`SLOTS`; ``passive[slot, animacy]`` holds the short participles and is empty where there are none.
    """

    lemma: str
    aspect: str
    infinitive: Form
    nonpast: Mapping[str, Form]
    past: Mapping[str, Form]
    passive: Mapping[tuple[str, str], Form]


def read_table(name: str) -> list[dict[str, str]]:
    """The rows of ``lexicons/<name>.tsv`` as dictionaries, missing cells as empty strings."""
    with (LEXICONS / f"{name}.tsv").open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE, restval="")
        return [dict(row) for row in rows]


def spell(stem: str, ending: str) -> str:
    """``stem + ending`` under the spelling rules: no ы after velars or hushers, no я, ю after hushers or ц.

    Examples
    --------
    >>> spell("книг", "ы"), spell("врач", "ям"), spell("певиц", "ы")
    ('книги', 'врачам', 'певицы')
    """
    last = stem[-1:]
    if ending.startswith("ы") and last in _VELARS + _HUSHERS:
        ending = "и" + ending[1:]
    if last in _HUSHERS + "ц":
        ending = ending.replace("я", "а", 1) if ending.startswith("я") else ending
        ending = "у" + ending[1:] if ending.startswith("ю") else ending
    return stem + ending


def shared_stem(words: Iterable[str]) -> str:
    """The longest common beginning that leaves every word an ending, and keeps two letters where it can.

    Examples
    --------
    >>> shared_stem(["стол", "стола", "столы"]), shared_stem(["рынок", "рынка"])
    ('сто', 'рын')
    """
    words = list(words)
    # commonprefix compares letters, which is right for words (ruff takes them for paths).
    stem = commonprefix(words)  # noqa: RUF071
    return stem[:-1] if stem in words and len(stem) > 1 else stem


def cut(word: str, stem: str, lemma: str, upos: str, features: tuple[tuple[str, str], ...]) -> Form:
    """A form cut after ``stem``, with which it must begin."""
    if not word.startswith(stem):
        raise ValueError(f"{word!r} does not begin with the stem {stem!r} of {lemma!r}: give it a stem of its own")
    return Form(stem, word[len(stem) :], lemma, upos, features)


# ---------------------------------------------------------------------------------------------- nouns


def _notes(text: str) -> dict[str, str]:
    return {key: value for key, _, value in (item.partition(":") for item in text.split(",") if item)}


def noun_words(lemma: str, gender: str, animacy: str, notes: Mapping[str, str]) -> dict[tuple[str, str], str]:
    """The twelve forms of a noun as ``{(number, case): word}``.

    ``notes``: ``obl`` oblique stem (fleeting vowel), ``genpl`` genitive plural, ``pl`` ending of the
    nominative plural, ``stressed`` stress on the ending (врачом, отцов).

    Examples
    --------
    >>> words = noun_words("книга", "Fem", "Inan", {})
    >>> words["Plur", "Nom"], words["Plur", "Gen"], words["Sing", "Ins"]
    ('книги', 'книг', 'книгой')
    """
    stem, singular, plural = _declension(lemma, gender, notes)
    words = {("Sing", case): spell(stem, end) for case, end in singular.items()}
    words["Sing", "Nom"] = lemma
    words |= {("Plur", case): spell(stem, end) for case, end in plural.items()}
    if "genpl" in notes:
        words["Plur", "Gen"] = notes["genpl"]
    if gender == "Masc" and lemma[-1] not in "ая":
        words["Sing", "Acc"] = words["Sing", "Gen" if animacy == "Anim" else "Nom"]
    elif gender == "Neut" or lemma.endswith("ь"):
        words["Sing", "Acc"] = lemma
    words["Plur", "Acc"] = words["Plur", "Gen" if animacy == "Anim" else "Nom"]
    return words


def _declension(lemma: str, gender: str, notes: Mapping[str, str]) -> tuple[str, dict[str, str], dict[str, str]]:
    """Stem and endings; ы, я and ю are put right by :func:`spell`."""
    last = lemma[-1]
    stressed = "stressed" in notes
    hard_plural = {"Nom": "ы", "Gen": "", "Dat": "ам", "Ins": "ами", "Loc": "ах"}
    soft_plural = {"Nom": "и", "Gen": "ей", "Dat": "ям", "Ins": "ями", "Loc": "ях"}
    if gender == "Fem" and last == "ь":
        singular = {"Gen": "и", "Dat": "и", "Ins": "ью", "Loc": "и"}
        stem, plural = lemma[:-1], soft_plural
    elif last == "а":
        stem = lemma[:-1]
        instrumental = "ей" if stem[-1] in _HUSHERS + "ц" and not stressed else "ой"
        singular = {"Gen": "ы", "Dat": "е", "Acc": "у", "Ins": instrumental, "Loc": "е"}
        plural = hard_plural | {"Gen": ""}
    elif last == "я":
        stem = lemma[:-1]
        dative = "и" if stem[-1] == "и" else "е"
        singular = {"Gen": "и", "Dat": dative, "Acc": "ю", "Ins": "ей", "Loc": dative}
        plural = soft_plural | {"Gen": "й" if stem[-1] in _VOWELS else "ь"}
    elif last == "о":
        stem = lemma[:-1]
        singular = {"Gen": "а", "Dat": "у", "Ins": "ом", "Loc": "е"}
        plural = hard_plural | {"Nom": "а"}
    elif last == "е":
        stem = lemma[:-1]
        singular = {"Gen": "я", "Dat": "ю", "Ins": "ем", "Loc": "и" if stem[-1] == "и" else "е"}
        plural = soft_plural | {"Nom": "я"} | ({"Gen": "й"} if stem[-1] == "и" else {})
    elif last == "ь":
        stem = notes.get("obl", lemma[:-1])
        singular = {"Gen": "я", "Dat": "ю", "Ins": "ем", "Loc": "е"}
        plural = soft_plural
    elif last == "й":
        stem = lemma[:-1]
        singular = {"Gen": "я", "Dat": "ю", "Ins": "ем", "Loc": "и" if stem[-1] == "и" else "е"}
        plural = soft_plural | {"Gen": "ев"}
    else:
        stem = notes.get("obl", lemma)
        soft = stem[-1] in _HUSHERS + "ц" and not stressed
        singular = {"Gen": "а", "Dat": "у", "Ins": "ем" if soft else "ом", "Loc": "е"}
        genitive = "ей" if stem[-1] in _HUSHERS else ("ев" if soft else "ов")
        plural = hard_plural | {"Gen": genitive}
    if "pl" in notes:
        plural = plural | {"Nom": notes["pl"]}
    return stem, singular, plural


def noun(row: Mapping[str, str]) -> Noun:
    """The noun of one row of ``rus_nouns.tsv`` (lemma, gender, animacy, class, notes)."""
    lemma, gender, animacy = row["lemma"], row["gender"], row["animacy"]
    notes = _notes(row["notes"])
    words = noun_words(lemma, gender, animacy, notes)
    extra = spell(notes.get("obl", lemma), notes["loc2"]) if "loc2" in notes else ""
    stem = shared_stem([*words.values(), *([extra] if extra else [])])

    def form(word: str, number: str, case: str) -> Form:
        features = feats(Animacy=animacy, Case=case, Gender=gender, Number=number)
        return cut(word, stem, lemma, "NOUN", features)

    forms = {key: form(word, *key) for key, word in words.items()}
    second = form(extra, "Sing", "Loc") if extra else None
    return Noun(lemma, gender, animacy, row["class"], notes.get("prep", "в"), forms, second)


# ------------------------------------------------------------------------------------------ adjectives

_HARD = {
    "Masc": ("ый", "ого", "ому", "", "ым", "ом"),
    "Fem": ("ая", "ой", "ой", "ую", "ой", "ой"),
    "Neut": ("ое", "ого", "ому", "ое", "ым", "ом"),
    "Plur": ("ые", "ых", "ым", "", "ыми", "ых"),
}
_SOFT = {
    "Masc": ("ий", "его", "ему", "", "им", "ем"),
    "Fem": ("яя", "ей", "ей", "юю", "ей", "ей"),
    "Neut": ("ее", "его", "ему", "ее", "им", "ем"),
    "Plur": ("ие", "их", "им", "", "ими", "их"),
}
_PRONOMINAL: dict[str, dict[str, tuple[str, ...]]] = {
    "этот": {
        "Masc": ("этот", "этого", "этому", "", "этим", "этом"),
        "Fem": ("эта", "этой", "этой", "эту", "этой", "этой"),
        "Neut": ("это", "этого", "этому", "это", "этим", "этом"),
        "Plur": ("эти", "этих", "этим", "", "этими", "этих"),
    },
    "мой": {
        "Masc": ("мой", "моего", "моему", "", "моим", "моем"),
        "Fem": ("моя", "моей", "моей", "мою", "моей", "моей"),
        "Neut": ("мое", "моего", "моему", "мое", "моим", "моем"),
        "Plur": ("мои", "моих", "моим", "", "моими", "моих"),
    },
}
_PRONOMINAL |= {
    word: {slot: tuple(initial + form[1:] if form else "" for form in row) for slot, row in table.items()}
    for word, initial, table in (
        ("твой", "тв", _PRONOMINAL["мой"]),
        ("свой", "св", _PRONOMINAL["мой"]),
    )
}


def adjective_words(lemma: str) -> dict[str, tuple[str, ...]]:
    """Forms of a long adjective, ``{slot: (Nom, Gen, Dat, Acc, Ins, Loc)}`` (Acc "" where animacy decides).

    Examples
    --------
    >>> adjective_words("синий")["Fem"][3], adjective_words("тихий")["Plur"][0]
    ('синюю', 'тихие')
    """
    stem = lemma[:-2]
    soft = lemma.endswith("ий") and stem[-1] not in _VELARS
    words: dict[str, tuple[str, ...]] = {
        slot: tuple(spell(stem, end) if end else "" for end in ends)
        for slot, ends in (_SOFT if soft else _HARD).items()
    }
    words["Masc"] = (lemma, *words["Masc"][1:])
    return words


def adjective(lemma: str, words: Mapping[str, Sequence[str]], upos: str, stem: str, **fixed: str) -> Adjective:
    """An adjective, determiner or который from its words; the features ``fixed`` are added to all."""
    forms: dict[tuple[str, str, str], Form] = {}
    for slot in SLOTS:
        for case, word in zip(CASES, words[slot], strict=True):
            for animacy in ("Anim", "Inan"):
                decided = case == "Acc" and slot in ("Masc", "Plur")
                written = word
                if decided:
                    written = words[slot][CASES.index("Gen" if animacy == "Anim" else "Nom")]
                always = upos == "PRON"
                features = feats(
                    Animacy=animacy if decided or always else "",
                    Case=case,
                    Gender="" if slot == "Plur" else slot,
                    Number="Plur" if slot == "Plur" else "Sing",
                    **fixed,
                )
                forms[slot, case, animacy] = cut(written, stem, lemma, upos, features)
    return Adjective(lemma, forms)


def long_adjective(lemma: str) -> Adjective:
    """An attributive adjective (``Degree=Pos``)."""
    return adjective(lemma, adjective_words(lemma), "ADJ", lemma[:-2], Degree="Pos")


def determiner(lemma: str) -> Adjective:
    """One of этот, мой, твой, свой."""
    words = _PRONOMINAL[lemma]
    return adjective(lemma, words, "DET", "эт" if lemma == "этот" else lemma[:-1])


def relative_pronoun() -> Adjective:
    """The relative pronoun который, a PRON that carries the animacy of its noun."""
    return adjective("который", adjective_words("который"), "PRON", "котор")


# ---------------------------------------------------------------------------------------------- verbs


def _nonpast(lemma: str, conjugation: str, present: str) -> dict[str, str]:
    """3rd singular, 3rd plural and 1st plural of a verb given without -ся."""
    if conjugation == "second":
        base = lemma[:-3]
        plural = "ат" if base[-1] in _HUSHERS else "ят"
        return {"Sing": base + "ит", "Plur": base + plural, "We": base + "им"}
    if conjugation == "ova":
        base = lemma[:-5] + ("ю" if lemma[-6] in _VOWELS else "у")
    else:
        base = {"vowel": lemma[:-2], "nu": lemma[:-3], "stem": present}[conjugation]
    plural = "ют" if base[-1] in _VOWELS else "ут"
    return {"Sing": base + "ет", "Plur": base + plural, "We": base + "ем"}


def _reflexive(word: str) -> str:
    return word + ("сь" if word[-1] in _VOWELS else "ся")


def _passive(lemma: str, short: str, stem: str) -> dict[tuple[str, str], Form]:
    """Short passive participles; a participle whose stem alternates (украсить, украшен) is cut on its own."""
    if not short:
        return {}
    own = stem if short.startswith(stem) else (short[:-2] if short.endswith("ен") else short[:-1])
    words = dict(zip(SLOTS, (short, short + "а", short + "о", short + "ы"), strict=True))
    forms = {}
    for slot, word in words.items():
        for animacy in ("Anim", "Inan"):
            features = feats(
                Animacy=animacy,
                Aspect="Perf",
                Case="Nom",
                Gender="" if slot == "Plur" else slot,
                Number="Plur" if slot == "Plur" else "Sing",
                Tense="Past",
                Variant="Short",
                VerbForm="Part",
                Voice="Pass",
            )
            forms[slot, animacy] = cut(word, own, lemma, "VERB", features)
    return forms


def verb(row: Mapping[str, str]) -> Verb:
    """The verb of one row of ``rus_verbs.tsv`` (lemma, aspect, conjugation, present_stem, passive)."""
    lemma, aspect = row["lemma"], row["aspect"]
    reflexive = lemma.endswith("ся")
    bare = lemma[:-2] if reflexive else lemma
    nonpast = _nonpast(bare, row["conjugation"], row["present_stem"])
    past = dict(zip(SLOTS, (bare[:-2] + end for end in ("л", "ла", "ло", "ли")), strict=True))
    if reflexive:
        nonpast = {key: _reflexive(word) for key, word in nonpast.items()}
        past = {key: _reflexive(word) for key, word in past.items()}
    stem = shared_stem([lemma, *nonpast.values(), *past.values()])
    voice = "Mid" if reflexive else "Act"
    common = {"Aspect": aspect, "Voice": voice}
    tense = "Pres" if aspect == "Imp" else "Fut"

    def present(key: str) -> tuple[tuple[str, str], ...]:
        number = "Sing" if key == "Sing" else "Plur"
        person = "1" if key == "We" else "3"
        return feats(Mood="Ind", Number=number, Person=person, Tense=tense, VerbForm="Fin", **common)

    def preterite(slot: str) -> tuple[tuple[str, str], ...]:
        return feats(
            Gender="" if slot == "Plur" else slot,
            Mood="Ind",
            Number="Plur" if slot == "Plur" else "Sing",
            Tense="Past",
            VerbForm="Fin",
            **common,
        )

    return Verb(
        lemma,
        aspect,
        cut(lemma, stem, lemma, "VERB", feats(VerbForm="Inf", **common)),
        {key: cut(word, stem, lemma, "VERB", present(key)) for key, word in nonpast.items()},
        {slot: cut(word, stem, lemma, "VERB", preterite(slot)) for slot, word in past.items()},
        _passive(lemma, row["passive"], stem),
    )
