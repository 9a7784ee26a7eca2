"""English inflection: nouns, verbs, adjectives and the closed classes, cut into stem + ending.

Features are those of the English Web Treebank (UD 2.x): a present or past verb carries Number and Person, a
participle carries Tense but no Number, an infinitive neither.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pitfalls.language.grammar.core import Form, feats

_CONSONANT_Y = re.compile(r"[^aeiou]y$")
_SIBILANT = re.compile(r"(s|x|z|ch|sh)$")
_ONE_VOWEL_ONE_CONSONANT = re.compile(r"^[^aeiou]*[aeiou][^aeiouwxy]$")
# Two syllables, the second one stressed: doubled like words of one syllable (Merriam-Webster).
_STRESSED_LAST = ("begin", "forget")
_SILENT_E = re.compile(r"[^eoy]e$")

_PAST_NUMBERS = ("Sing", "Plur")
FINITE = ("Pres", "Past")
"""UD tenses of the finite verb."""


def plural(lemma: str) -> str:
    """The regular plural of a noun, which is also how a verb makes its third person singular.

    Examples
    --------
    >>> [plural(word) for word in ("cat", "city", "boy", "fox")]
    ['cats', 'cities', 'boys', 'foxes']
    """
    if _CONSONANT_Y.search(lemma):
        return lemma[:-1] + "ies"
    return lemma + ("es" if _SIBILANT.search(lemma) else "s")


def doubled(lemma: str) -> str:
    """The base before a vowel ending: a single consonant after a single short vowel is written twice.

    Examples
    --------
    >>> [doubled(word) for word in ("stop", "wait", "open", "fix", "begin")]
    ['stopp', 'wait', 'open', 'fix', 'beginn']
    """
    if lemma in _STRESSED_LAST or _ONE_VOWEL_ONE_CONSONANT.search(lemma):
        return lemma + lemma[-1]
    return lemma


def with_ending(lemma: str, ending: str) -> str:
    """``lemma`` with ``ed``, ``er`` or ``est``: a final e and that of the ending become one, and y becomes i.

    Examples
    --------
    >>> with_ending("bake", "ed"), with_ending("cry", "ed"), with_ending("big", "er")
    ('baked', 'cried', 'bigger')
    """
    if lemma.endswith("e"):
        return lemma + ending[1:]
    if _CONSONANT_Y.search(lemma):
        return lemma[:-1] + "i" + ending
    return doubled(lemma) + ending


def gerund(lemma: str) -> str:
    """The form in -ing.

    Examples
    --------
    >>> [gerund(word) for word in ("bake", "see", "stop", "cry", "die")]
    ['baking', 'seeing', 'stopping', 'crying', 'dying']
    """
    if lemma.endswith("ie"):
        return lemma[:-2] + "ying"
    return lemma[:-1] + "ing" if _SILENT_E.search(lemma) else doubled(lemma) + "ing"


def cut(text: str, stem: str, lemma: str, upos: str, features: tuple[tuple[str, str], ...]) -> Form:
    """``text`` as stem + ending.

    Raises
    ------
    ValueError
        If ``text`` does not begin with ``stem`` (a mistake in a table of the lexicon).
    """
    if not text.startswith(stem):
        raise ValueError(f"'{text}' (lemma '{lemma}') does not begin with its stem '{stem}': correct the lexicon")
    return Form(stem, text[len(stem) :], lemma, upos, features)


def noun_forms(lemma: str, stem: str, irregular: str = "") -> dict[str, Form]:
    """Number (``Sing``, ``Plur``) to form.

    Examples
    --------
    >>> [form.text for form in noun_forms("knife", "kni", "knives").values()]
    ['knife', 'knives']
    """
    texts = {"Sing": lemma, "Plur": irregular or plural(lemma)}
    return {number: cut(text, stem, lemma, "NOUN", feats(Number=number)) for number, text in texts.items()}


@dataclass(frozen=True)
class VerbForms:
    """The paradigm of a verb; finite forms by (tense, number), both as UD writes them.

    Examples
    --------
    >>> write = verb_forms("write", "wr", "wrote", "written")
    >>> write.finite["Past", "Plur"].text, write.past_participle.text, write.present_participle.ending
    ('wrote', 'written', 'iting')
    """

    infinitive: Form
    finite: Mapping[tuple[str, str], Form]
    present_participle: Form
    past_participle: Form
    passive_participle: Form

    def all(self) -> Iterator[Form]:
        """Every form of the paradigm."""
        yield self.infinitive
        yield from self.finite.values()
        yield self.present_participle
        yield self.past_participle
        yield self.passive_participle


def finite_feats(tense: str, number: str) -> tuple[tuple[str, str], ...]:
    """UD features of a third-person indicative verb."""
    return feats(Mood="Ind", Number=number, Person="3", Tense=tense, VerbForm="Fin")


def verb_forms(lemma: str, stem: str, past: str = "", participle: str = "", upos: str = "VERB") -> VerbForms:
    """The paradigm of a verb; ``past`` and ``participle`` are given where they are irregular."""
    past = past or with_ending(lemma, "ed")
    participle = participle or past
    texts = {("Pres", "Sing"): plural(lemma), ("Pres", "Plur"): lemma}
    texts |= {("Past", number): past for number in _PAST_NUMBERS}

    def form(text: str, features: tuple[tuple[str, str], ...]) -> Form:
        return cut(text, stem, lemma, upos, features)

    return VerbForms(
        infinitive=form(lemma, feats(VerbForm="Inf")),
        finite={key: form(text, finite_feats(*key)) for key, text in texts.items()},
        present_participle=form(gerund(lemma), feats(Tense="Pres", VerbForm="Part")),
        past_participle=form(participle, feats(Tense="Past", VerbForm="Part")),
        passive_participle=form(participle, feats(Tense="Past", VerbForm="Part", Voice="Pass")),
    )


def adjective_forms(lemma: str, stem: str, compared: str = "") -> dict[str, Form]:
    """Degree (``Pos`` and, for adjectives compared with ``er``, ``Cmp``) to form.

    Examples
    --------
    >>> [form.text for form in adjective_forms("hungry", "hung", "er").values()]
    ['hungry', 'hungrier']
    """
    texts = {"Pos": lemma}
    if compared:
        texts["Cmp"] = with_ending(lemma, compared)
    return {degree: cut(text, stem, lemma, "ADJ", feats(Degree=degree)) for degree, text in texts.items()}


def _auxiliary(lemma: str, **texts: str) -> dict[str, Form]:
    """Finite forms by tense and number initials, e.g. ``PresSing="is"``."""
    return {key: Form(text, "", lemma, "AUX", finite_feats(key[:4], key[4:])) for key, text in texts.items()}


BE = _auxiliary("be", PresSing="is", PresPlur="are", PastSing="was", PastPlur="were")
HAVE = _auxiliary("have", PresSing="has", PresPlur="have", PastSing="had", PastPlur="had")
DO = _auxiliary("do", PresSing="does", PresPlur="do", PastSing="did", PastPlur="did")
BE_INFINITIVE = Form("be", "", "be", "AUX", feats(VerbForm="Inf"))
BE_PARTICIPLE = Form("been", "", "be", "AUX", feats(Tense="Past", VerbForm="Part"))
EXISTENTIAL = {key: Form(form.stem, "", "be", "VERB", form.feats) for key, form in BE.items()}
WILL = Form("will", "", "will", "AUX", feats(VerbForm="Fin"))
NOT = Form("not", "", "not", "PART", feats(Polarity="Neg"))
TO = Form("to", "", "to", "PART")
THERE = Form("there", "", "there", "PRON")
THAN = Form("than", "", "than", "ADP")
BY = Form("by", "", "by", "ADP")
THAT = Form("that", "", "that", "SCONJ")
AND = Form("and", "", "and", "CCONJ")
BUT = Form("but", "", "but", "CCONJ")
PERIOD = Form(".", "", ".", "PUNCT")
QUESTION_MARK = Form("?", "", "?", "PUNCT")

THE = Form("the", "", "the", "DET", feats(Definite="Def", PronType="Art"))
A = Form("a", "", "a", "DET", feats(Definite="Ind", PronType="Art"))
AN = Form("an", "", "a", "DET", feats(Definite="Ind", PronType="Art"))
THIS = Form("this", "", "this", "DET", feats(Number="Sing", PronType="Dem"))
THESE = Form("these", "", "this", "DET", feats(Number="Plur", PronType="Dem"))
THAT_ONE = Form("that", "", "that", "DET", feats(Number="Sing", PronType="Dem"))
THOSE = Form("those", "", "that", "DET", feats(Number="Plur", PronType="Dem"))
EVERY = Form("every", "", "every", "DET", feats(PronType="Tot"))
SOME = Form("some", "", "some", "DET", feats(PronType="Ind"))
MANY = Form("many", "", "many", "ADJ", feats(Degree="Pos"))
SEVERAL = Form("several", "", "several", "ADJ", feats(Degree="Pos"))
TWO = Form("two", "", "two", "NUM", feats(NumForm="Word", NumType="Card"))
THREE = Form("three", "", "three", "NUM", feats(NumForm="Word", NumType="Card"))


def _pronoun(text: str, lemma: str, **values: str) -> Form:
    return Form(text, "", lemma, "PRON", feats(**values, Person="3", PronType="Prs"))


SUBJECT_PRONOUNS = {
    "m": _pronoun("he", "he", Case="Nom", Gender="Masc", Number="Sing"),
    "f": _pronoun("she", "she", Case="Nom", Gender="Fem", Number="Sing"),
    "n": _pronoun("it", "it", Case="Nom", Gender="Neut", Number="Sing"),
    "p": _pronoun("they", "they", Case="Nom", Number="Plur"),
}
OBJECT_PRONOUNS = {
    "m": _pronoun("him", "he", Case="Acc", Gender="Masc", Number="Sing"),
    "f": _pronoun("her", "she", Case="Acc", Gender="Fem", Number="Sing"),
    "n": _pronoun("it", "it", Case="Acc", Gender="Neut", Number="Sing"),
    "p": _pronoun("them", "they", Case="Acc", Number="Plur"),
}
POSSESSIVES = {
    "m": _pronoun("his", "his", Case="Gen", Gender="Masc", Number="Sing", Poss="Yes"),
    "f": _pronoun("her", "her", Case="Gen", Gender="Fem", Number="Sing", Poss="Yes"),
    "p": _pronoun("their", "their", Case="Gen", Number="Plur", Poss="Yes"),
}
WHO = Form("who", "", "who", "PRON", feats(PronType="Rel"))
THAT_RELATIVE = Form("that", "", "that", "PRON", feats(PronType="Rel"))
CONJUNCTIONS = {word: Form(word, "", word, "SCONJ") for word in ("because", "while", "after", "before", "although")}
PREPOSITIONS = {
    word: Form(word, "", word, "ADP")
    for word in ("near", "beside", "behind", "with", "under", "on", "in", "about", "of", "by")
}
ADVERBS = {
    word: Form(word, "", word, "ADV", features)
    for word, features in (
        ("often", ()),
        ("usually", ()),
        ("sometimes", feats(PronType="Ind")),
        ("rarely", ()),
        ("always", feats(PronType="Tot")),
        ("never", feats(PronType="Neg")),
        ("now", feats(PronType="Dem")),
        ("still", ()),
        ("already", ()),
        ("just", ()),
        ("recently", ()),
        ("again", ()),
        ("soon", feats(Degree="Pos")),
        ("very", ()),
        ("once", feats(NumForm="Word", NumType="Mult")),
    )
}
DAYS = {
    word: Form(word, "", word, "NOUN", feats(Number="Sing"))
    for word in (
        "yesterday",
        "today",
        "tomorrow",
        "tonight",
        "day",
        "week",
        "morning",
        "evening",
        "night",
        "month",
    )
}
LAST = Form("last", "", "last", "ADJ", feats(Degree="Pos"))
NEXT = Form("next", "", "next", "ADJ", feats(Degree="Pos"))


def function_words() -> Iterator[Form]:
    """Every word of the closed classes, the time nouns among them."""
    for table in (BE, HAVE, DO, EXISTENTIAL, SUBJECT_PRONOUNS, OBJECT_PRONOUNS, POSSESSIVES):
        yield from table.values()
    for table in (CONJUNCTIONS, PREPOSITIONS, ADVERBS, DAYS):
        yield from table.values()
    yield from (
        BE_INFINITIVE,
        BE_PARTICIPLE,
        WILL,
        NOT,
        TO,
        THERE,
        THAN,
        BY,
        THAT,
        AND,
        BUT,
        PERIOD,
        QUESTION_MARK,
    )
    yield from (
        THE,
        A,
        AN,
        THIS,
        THESE,
        THAT_ONE,
        THOSE,
        EVERY,
        SOME,
        MANY,
        SEVERAL,
        TWO,
        THREE,
        WHO,
        THAT_RELATIVE,
    )
    yield from (LAST, NEXT)
