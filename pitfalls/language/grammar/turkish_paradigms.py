"""Turkish word forms: vowel harmony, softening, buffers, and the cells of the noun and verb paradigms.

A suffix is written as a template: ``A`` stands for *a/e*, ``I`` for *ı/i/u/ü*, ``D`` for *d/t*; ``Y``, ``S``
and ``N`` are the buffers that stand only after a vowel, ``J`` is an ``I`` that stands only after a consonant.
So ``"lArJmJzDA"`` is the grammar books' "-lArImIzDA": *ev* + it = *evlerimizde*.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pitfalls.language.grammar.core import Form, feats

VOWELS = "aeıioöuü"
VOICELESS = "fstkçşhp"
BACK = "aıou"
HIGH = {"a": "ı", "ı": "ı", "o": "u", "u": "u", "e": "i", "i": "i", "ö": "ü", "ü": "ü"}
BUFFERS = {"Y": "y", "S": "s", "N": "n"}

CASES = (
    ("Nom", ""),
    ("Acc", "YI"),
    ("Dat", "YA"),
    ("Loc", "DA"),
    ("Abl", "DAn"),
    ("Gen", "NIn"),
    ("Ins", "YlA"),
)
"""Case -> suffix after a bare or plural stem, and after a possessive of the first or second person."""

CASES_AFTER_THIRD = (
    ("Nom", ""),
    ("Acc", "nI"),
    ("Dat", "nA"),
    ("Loc", "nDA"),
    ("Abl", "nDAn"),
    ("Gen", "nIn"),
    ("Ins", "ylA"),
)
"""Case -> suffix after the possessive of the third person, with the pronominal n (*evi-n-de*)."""

POSSESSORS = {
    ("Sing", "1"): "Jm",
    ("Sing", "2"): "Jn",
    ("Sing", "3"): "SI",
    ("Plur", "1"): "JmJz",
    ("Plur", "2"): "JnJz",
}
"""Number and person of the possessor -> suffix."""

POSSESSED_CASES = {
    ("Sing", "1"): ("Nom", "Acc", "Dat", "Gen"),
    ("Sing", "2"): ("Nom", "Acc", "Dat"),
    ("Sing", "3"): ("Nom", "Acc", "Dat", "Loc", "Gen"),
    ("Plur", "1"): ("Nom", "Acc", "Dat"),
    ("Plur", "2"): ("Nom", "Acc"),
}
"""The cases used with each possessor: not all, to keep the endings few enough for a small model to learn."""

PERSONS = (("Sing", "1"), ("Sing", "2"), ("Sing", "3"), ("Plur", "1"), ("Plur", "2"), ("Plur", "3"))
"""Number and person of finite verbs, in the order of the suffixes below."""

AFTER_PAST = ("m", "n", "", "k", "nIz", "lAr")
AFTER_TENSE = ("YIm", "sIn", "", "YIz", "sInIz", "lAr")
ALL = (0, 1, 2, 3, 4, 5)
THIRD = (2, 5)


@dataclass(frozen=True)
class Tense:
    """A finite tense or mood: its suffixes, the persons it is used in here, and its features as in IMST."""

    name: str
    positive: str
    negative: str | None
    personal: tuple[str, ...]
    persons: tuple[int, ...]
    features: tuple[tuple[str, str], ...]


_IND = {"Aspect": "Perf", "Mood": "Ind"}
_PROG = feats(Aspect="Prog", Mood="Ind", Polite="Infm", Tense="Pres")
_EVID = feats(Evident="Nfh", Tense="Past", **_IND)
_AOR = feats(Aspect="Hab", Mood="Ind", Tense="Pres")
_NEC, _IMP, _OPT = (feats(Aspect="Perf", Mood=mood, Tense="Pres") for mood in ("Nec", "Imp", "Opt"))
TENSES = (
    Tense("past", "DI", "mADI", AFTER_PAST, ALL, feats(Tense="Past", **_IND)),
    Tense("prog", "Iyor", "mIyor", AFTER_TENSE, ALL, _PROG),
    Tense("fut", "YAcAk", "mAyAcAk", AFTER_TENSE, ALL, feats(Tense="Fut", **_IND)),
    Tense("evid", "mIş", "mAmIş", AFTER_TENSE, THIRD, _EVID),
    Tense("aor", "AORIST", "mAz", AFTER_TENSE, THIRD, _AOR),
    Tense("nec", "mAlI", "mAmAlI", AFTER_TENSE, THIRD, _NEC),
    Tense("imp", "", "mA", ("", "", "", "", "YIn", ""), (1, 4), _IMP),
    Tense("opt", "", None, ("YAyIm", "", "", "YAlIm", "", ""), (0, 3), _OPT),
)
"""The evidential, the aorist and the necessitative are used in the third person only, the optative without
negation: that keeps the endings few."""

PASSIVE_TENSES = (("past", "DI"), ("fut", "YAcAk"))
"""Tenses of the passive, third person singular (its subjects here are things)."""

NON_FINITE = (
    ("part", "YAn", feats(Polarity="Pos", Tense="Pres", VerbForm="Part", **_IND)),
    ("part-neg", "mAyAn", feats(Polarity="Neg", Tense="Pres", VerbForm="Part", **_IND)),
    ("ip", "YIp", feats(Polarity="Pos", Tense="Pres", VerbForm="Conv", **_IND)),
    ("erek", "YArAk", feats(Polarity="Pos", Tense="Pres", VerbForm="Conv", **_IND)),
    ("meden", "mAdAn", feats(Polarity="Neg", Tense="Pres", VerbForm="Conv", **_IND)),
    ("mek", "mAk", feats(Case="Nom", Polarity="Pos", Tense="Pres", VerbForm="Vnoun", **_IND)),
    ("meye", "mAyA", feats(Case="Dat", Polarity="Pos", Tense="Pres", VerbForm="Vnoun", **_IND)),
)

OBJECT_PARTICIPLES = (("1Sing", "DIğIm"), ("3Sing", "DIğI"), ("3Plur", "DIklArI"))
"""Person and number of the subject of a relative clause -> suffix (*gördüğüm köpek*, the dog that I saw)."""


def attach(stem: str, template: str, vowel: str = "", after_vowel: bool | None = None) -> str:
    """The suffix ``template`` as it is written after ``stem``.

    Parameters
    ----------
    stem
        What stands before the suffix.
    template
        Letters and archiphonemes (see the module's docstring).
    vowel
        The vowel that decides the harmony, where it is not the stem's last one (*saat* goes with *e*).
    after_vowel
        Whether buffers behave as after a vowel, where the stem does not tell (*su* makes *suyu*).

    Examples
    --------
    >>> attach("ev", "lArJmJzDA"), attach("kitap", "DA"), attach("araba", "SI"), attach("saat", "YI", "e")
    ('lerimizde', 'ta', 'sı', 'i')
    """
    last = vowel or next(letter for letter in reversed(stem) if letter in VOWELS)
    open_syllable = stem[-1] in VOWELS if after_vowel is None else after_vowel
    before = stem[-1]
    written = ""
    for symbol in template:
        letter = symbol
        if symbol in BUFFERS:
            letter = BUFFERS[symbol] if open_syllable else ""
        elif symbol == "J":
            letter = "" if open_syllable else HIGH[last]
        elif symbol == "I":
            letter = HIGH[last]
        elif symbol == "A":
            letter = "a" if last in BACK else "e"
        elif symbol == "D":
            letter = "t" if before in VOICELESS else "d"
        if not letter:
            continue
        written += letter
        before = letter
        open_syllable = letter in VOWELS
        if open_syllable:
            last = letter
    return written


@dataclass(frozen=True)
class Stem:
    """A lemma with what its suffixes need to know.

    ``before_vowel`` is the stem before a suffix that begins with a vowel (*kitab*, *burn*, *gid*), empty
    where it is the lemma itself; ``vowel`` decides the harmony where the last vowel does not (*saat*: *e*).

    Examples
    --------
    >>> Stem("kitap", "kitab").cut("YI"), Stem("kitap", "kitab").cut("lAr"), Stem("su", "suy").cut("NIn")
    (('kitab', 'ı'), ('kitap', 'lar'), ('suy', 'un'))
    """

    lemma: str
    before_vowel: str = ""
    vowel: str = ""

    def cut(self, template: str) -> tuple[str, str]:
        """The form with this suffix as (stem, ending)."""
        if self.before_vowel and template:
            ending = attach(self.lemma, template, self.vowel, after_vowel=False)
            if ending[0] in VOWELS:
                return self.before_vowel, ending
        return self.lemma, attach(self.lemma, template, self.vowel) if template else ""


def noun_forms(stem: Stem) -> Iterator[Form]:
    """Every form of a noun: two numbers, seven cases, five possessors (not in every case).

    Examples
    --------
    >>> [form.text for form in noun_forms(Stem("burun", "burn"))][:4]
    ['burun', 'burnu', 'burna', 'burunda']
    """
    for number, plural in (("Sing", ""), ("Plur", "lAr")):
        for case, suffix in CASES:
            yield Form(*stem.cut(plural + suffix), stem.lemma, "NOUN", feats(Case=case, Number=number, Person="3"))
        for (psor_number, psor), possessive in POSSESSORS.items():
            for case, suffix in CASES_AFTER_THIRD if psor == "3" else CASES:
                if case in POSSESSED_CASES[psor_number, psor]:
                    features = feats(Case=case, Number=number, Person="3", Number__psor=psor_number, Person__psor=psor)
                    yield Form(*stem.cut(plural + possessive + suffix), stem.lemma, "NOUN", features)


def _verb_cut(stem: Stem, template: str) -> tuple[str, str]:
    """A verb's (stem, ending): *anla* loses its vowel before -Iyor, *ye* becomes *yi* before y."""
    lemma = stem.lemma
    if template.startswith("Iyor"):
        if stem.before_vowel and lemma[-1] in VOWELS:
            return stem.before_vowel, attach(stem.before_vowel, template[1:])
        if lemma[-1] in "ae":
            return lemma[:-1], attach(lemma[:-1], template)
        if lemma[-1] in VOWELS:
            return lemma, attach(lemma, template[1:])
        return stem.cut(template)
    if stem.before_vowel and lemma[-1] in VOWELS:
        ending = attach(lemma, template) if template else ""
        return (stem.before_vowel if ending.startswith("y") else lemma), ending
    return stem.cut(template)


def _aorist(stem: Stem, high: bool) -> str:
    """The aorist's suffix: -r after a vowel, -Ir after long stems and the 13 irregular ones, else -Ar."""
    if stem.lemma[-1] in VOWELS:
        return "r"
    syllables = sum(letter in VOWELS for letter in stem.lemma)
    return "Ir" if high or syllables > 1 else "Ar"


def _passive(stem: Stem) -> str:
    """The passive's suffix: -n after a vowel, -In after l, else -Il."""
    if stem.lemma[-1] in VOWELS:
        return "n"
    return "In" if stem.lemma[-1] == "l" else "Il"


def verb_forms(stem: Stem, high_aorist: bool, passive: bool) -> Iterator[tuple[str, Form]]:
    """Every form of a verb with its name in the grammar: tense, ``-`` if negative, person and number.

    Parameters
    ----------
    stem
        The verb.
    high_aorist
        Whether the aorist is -Ir though the stem has one syllable (*gelir*).
    passive
        Whether the verb has passive forms here.

    Examples
    --------
    >>> forms = dict(verb_forms(Stem("git", "gid"), high_aorist=False, passive=False))
    >>> forms["fut1Sing"].text, forms["aor3Sing"].text, forms["past-3Plur"].text
    ('gideceğim', 'gider', 'gitmediler')
    """
    for tense in TENSES:
        for polarity, mark, suffix in (("Pos", "", tense.positive), ("Neg", "-", tense.negative)):
            if suffix is None:
                continue
            base = _aorist(stem, high_aorist) if suffix == "AORIST" else suffix
            for index in tense.persons:
                number, person = PERSONS[index]
                template = _join(base, tense.personal[index])
                features = feats(Number=number, Person=person, Polarity=polarity, **dict(tense.features))
                yield f"{tense.name}{mark}{person}{number}", _verb(stem, template, features)
    for name, template, features in NON_FINITE:
        yield name, _verb(stem, template, features)
    values = {"Tense": "Past", "VerbForm": "Part", **_IND}
    for psor, template in OBJECT_PARTICIPLES:
        own = {"Number__psor": psor[1:], "Person__psor": psor[0]}
        yield f"dik{psor}", _verb(stem, template, feats(Polarity="Pos", **own, **values))
    if passive:
        yield from _passive_forms(stem)


def _passive_forms(stem: Stem) -> Iterator[tuple[str, Form]]:
    """The passive's finite forms and its participle."""
    tenses = {tense.name: dict(tense.features) for tense in TENSES}
    for name, suffix in PASSIVE_TENSES:
        values = {**tenses[name], "Number": "Sing", "Person": "3", "Polarity": "Pos", "Voice": "Pass"}
        yield f"pass-{name}", _verb(stem, _passive(stem) + suffix, feats(**values))
    features = feats(Polarity="Pos", Tense="Pres", VerbForm="Part", Voice="Pass", **_IND)
    yield "pass-part", _verb(stem, _passive(stem) + "An", features)


def _join(suffix: str, personal: str) -> str:
    """Tense and person together; the future's k is soft before a vowel (*gideceğim*)."""
    if suffix.endswith("k") and personal.startswith("Y"):
        return suffix[:-1] + "ğ" + personal[1:]
    return suffix + personal


def _verb(stem: Stem, template: str, features: tuple[tuple[str, str], ...]) -> Form:
    return Form(*_verb_cut(stem, template), stem.lemma, "VERB", features)
