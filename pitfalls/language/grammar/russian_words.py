"""The small words of the generated Russian, and what may stand next to what.

Prepositions, conjunctions, time adverbs, pronouns and быть with their GSD annotation; and the tables that say
which attributes and places suit which class of noun.
"""

from __future__ import annotations

from collections.abc import Mapping

from pitfalls.language.grammar.core import Form, feats

NUMBERS = ("Sing", "Plur")
"""The two numbers of UD."""

STATIVE = frozenset(
    [
        "знать",
        "уважать",
        "любить",
        "верить",
        "гордиться",
        "интересоваться",
        "помнить",
        "понимать",
        "существовать",
        "носить",
        "бояться",
        "находить",
    ]
)
"""Verbs of states: no вчера or завтра with them, but раньше and скоро."""

TIMES = {
    "Pres": ("сейчас", "теперь", "обычно", "часто", "иногда", "всегда"),
    "Past": ("вчера", "недавно", "позавчера"),
    "Fut": ("завтра", "скоро", "послезавтра"),
}
"""Time adverbs by tense."""

AFTER_SUBJECT = ("всегда", "часто")
"""Adverbs that stand between subject and verb, and not before не."""

STATIVE_TIMES = {"Pres": ("теперь", "сейчас"), "Past": ("раньше", "прежде"), "Fut": ("скоро",)}

OWN = ("person", "clothing", "tool", "furniture", "vehicle", "text", "food")
"""Classes of nouns that may be somebody's: мой, твой, свой."""

OWNABLE = ("clothing", "tool", "furniture", "vehicle", "text", "food")
"""Classes of things a person can have (у врача есть ...)."""

DETERMINERS = ("этот", "мой", "твой")

POSSESSIVES = ("мой", "твой", "свой")

REFLEXIVE_DETERMINERS = ("этот", "мой", "твой", "свой", "свой")

FAMILY = tuple(
    [
        "дедушка",
        "бабушка",
        "мужчина",
        "женщина",
        "юноша",
        "девушка",
        "отец",
        "сестра",
        "старик",
        "тетя",
        "подруга",
        "соседка",
        "внучка",
    ]
)
"""People who may have a profession, or take one up."""

PROFESSIONS = tuple(
    [
        "врач",
        "учитель",
        "художник",
        "повар",
        "инженер",
        "писатель",
        "солдат",
        "певец",
        "поэт",
        "директор",
        "водитель",
        "строитель",
        "журналист",
        "фермер",
        "рыбак",
        "садовник",
        "летчик",
        "капитан",
        "адвокат",
        "плотник",
        "секретарь",
    ]
)

ATTRIBUTES: Mapping[str, tuple[tuple[str, str, tuple[str, ...]], ...]] = {
    "person": (
        ("из", "Gen", ("building",)),
        ("с", "Ins", ("carried",)),
        ("с", "Ins", ("pet",)),
        ("у", "Gen", ("building",)),
        ("", "Gen", ("person",)),
    ),
    "animal": (
        ("из", "Gen", ("spot",)),
        ("у", "Gen", ("building", "nature")),
        ("около", "Gen", ("building",)),
    ),
    "building": (
        ("у", "Gen", ("nature",)),
        ("около", "Gen", ("nature", "building")),
        ("возле", "Gen", ("nature",)),
    ),
    "nature": (("около", "Gen", ("building", "nature")), ("возле", "Gen", ("building",))),
    "vehicle": (("у", "Gen", ("building",)), ("", "Gen", ("person",)), ("возле", "Gen", ("building",))),
    "food": (("", "Gen", ("person",)), ("для", "Gen", ("person",)), ("из", "Gen", ("building",))),
    "plant": (
        ("у", "Gen", ("building", "nature")),
        ("около", "Gen", ("building",)),
        ("на", "Loc", ("spot",)),
    ),
    "clothing": (("", "Gen", ("person",)), ("для", "Gen", ("person",))),
    "furniture": (("", "Gen", ("person",)), ("для", "Gen", ("person",)), ("из", "Gen", ("building",))),
    "tool": (("", "Gen", ("person",)), ("для", "Gen", ("person",)), ("на", "Loc", ("surface",))),
    "text": (
        ("о", "Loc", ("person", "animal", "nature")),
        ("", "Gen", ("person",)),
        ("для", "Gen", ("person",)),
    ),
    "abstract": (("", "Gen", ("person",)), ("из", "Gen", ("text",))),
}
"""Preposition ("" for the bare genitive), case and classes of the noun that may follow a noun of a class."""

GOING = frozenset(
    [
        "спешить",
        "торопиться",
        "возвращаться",
    ]
)
"""Verbs of going, with which no place of the event is named."""

CARRIED = tuple(
    [
        "топор",
        "молоток",
        "фонарь",
        "чемодан",
        "зонт",
        "телефон",
        "пила",
        "лопата",
        "корзина",
        "гитара",
        "скрипка",
        "ведро",
    ]
)
"""Tools that a person may be seen with (женщина с корзиной)."""

ONLY_ATTRIBUTIVE = frozenset(
    ["знакомый", "соседний", "главный", "домашний", "каменный", "другой", "чужой", "современный", "общий"]
)
"""Adjectives that make odd predicates."""

IN_PLACES = (
    "работать/поработать",
    "отдыхать/отдохнуть",
    "гулять/погулять",
    "завтракать/позавтракать",
    "обедать/пообедать",
    "ужинать/поужинать",
    "спать/",
)
"""What people do in places (в котором работает врач)."""

LOCATIONS: Mapping[str, tuple[str, ...]] = {
    "person": ("building", "spot"),
    "animal": ("spot",),
    "plant": ("spot",),
    "furniture": ("building",),
    "tool": ("surface",),
    "food": ("surface",),
    "clothing": ("surface",),
}
"""Where a noun of a class may be or do something."""


def fixed_form(text: str, upos: str, lemma: str = "", **features: str) -> Form:
    """A function word: one piece, whole (``ending`` is empty).

    Examples
    --------
    >>> fixed_form("не", "PART", Polarity="Neg").feats
    (('Polarity', 'Neg'),)
    """
    return Form(text, "", lemma or text, upos, feats(**features))


def adverb(text: str) -> Form:
    """A time adverb; GSD has раньше as a comparative.

    Examples
    --------
    >>> adverb("скоро").feats, adverb("раньше").feats
    ((('Degree', 'Pos'),), (('Degree', 'Cmp'),))
    """
    return fixed_form(text, "ADV", Degree="Cmp" if text == "раньше" else "Pos")


def preposition(base: str, following: str) -> str:
    """The variant of a preposition before a word: об озере, со старым, во дворце.

    Examples
    --------
    >>> preposition("о", "озере"), preposition("с", "старым"), preposition("с", "садом")
    ('об', 'со', 'с')
    """
    vowel_second = following[1:2] in "аеиоуыэюяйь"
    if base == "о" and following[:1] in "аиоуэ":
        return "об"
    if base == "с" and following[:1] in "сзшж" and not vowel_second:
        return "со"
    if base == "в" and ((following[:1] in "вф" and not vowel_second) or following.startswith("дворц")):
        return "во"
    return base


PREPOSITIONS = ("в", "во", "на", "с", "со", "о", "об", "у", "из", "около", "возле", "для", "к", "по")

ADVERBS = tuple(sorted({word for table in (TIMES, STATIVE_TIMES) for words in table.values() for word in words}))


def be_forms() -> dict[tuple[str, str], Form]:
    """Forms of быть, ``{(tense, slot or person+number): form}``; the same words serve as AUX and as VERB."""
    past = {"Masc": "ыл", "Fem": "ыла", "Neut": "ыло", "Plur": "ыли"}
    forms = {}
    for slot, ending in past.items():
        number = "Plur" if slot == "Plur" else "Sing"
        gender = "" if slot == "Plur" else slot
        features = feats(Aspect="Imp", Gender=gender, Mood="Ind", Number=number, Tense="Past", VerbForm="Fin")
        forms["Past", slot] = Form("б", ending, "быть", "AUX", features)
    for key, ending in (("Sing", "удет"), ("Plur", "удут"), ("We", "удем")):
        features = feats(
            Aspect="Imp",
            Mood="Ind",
            Number="Sing" if key == "Sing" else "Plur",
            Person="1" if key == "We" else "3",
            Tense="Fut",
            VerbForm="Fin",
        )
        forms["Fut", key] = Form("б", ending, "быть", "AUX", features)
    return {key: Form(form.text, "", form.lemma, form.upos, form.feats) for key, form in forms.items()}


def as_verb(form: Form) -> Form:
    """A form of быть as a full verb (в саду было озеро): GSD then adds ``Voice=Act``."""
    return Form(form.stem, form.ending, form.lemma, "VERB", feats(**dict(form.feats), Voice="Act"))


THERE_IS = fixed_form(
    "есть",
    "VERB",
    "быть",
    Aspect="Imp",
    Mood="Ind",
    Number="Sing",
    Person="3",
    Tense="Pres",
    VerbForm="Fin",
    Voice="Act",
)

THERE_IS_NOT = Form("нет", "", "нет", "VERB", THERE_IS.feats)

NOT = fixed_form("не", "PART", Polarity="Neg")

PRONOUNS = (
    ("Masc", "3", fixed_form("он", "PRON", Case="Nom", Gender="Masc", Number="Sing", Person="3")),
    ("Fem", "3", fixed_form("она", "PRON", Case="Nom", Gender="Fem", Number="Sing", Person="3")),
    ("Plur", "3", fixed_form("они", "PRON", Case="Nom", Number="Plur", Person="3")),
    ("Plur", "1", fixed_form("мы", "PRON", Case="Nom", Number="Plur", Person="1")),
)

CONJUNCTIONS = ("и", "но")

SUBORDINATORS = ("что", "когда", "если", "хотя")
