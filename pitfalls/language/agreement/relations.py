"""What agrees with what in each language: one small table, and what it leaves out.

The relations, each with its controller (Corbett 2006 calls the word that agrees the *target*):

- ``verb``: a finite verb, with its subject;
- ``auxiliary``: a finite auxiliary or copula, with the subject of its predicate;
- ``predicate``: a predicate adjective or participle, with its subject;
- ``adjective``: an attributive adjective or participle, with its noun;
- ``determiner``: a determiner, with its noun.

Agreement in Case is not in the table: a noun's form seldom says which case it has. The table calls controllers *free*
if usage allows either value with them ("a number of people is/are"): they give no items.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pitfalls.language.unimorph import ATTRIBUTES

NOMINAL = ("NOUN", "PROPN", "PRON")
"""The UPOS tags of possible controllers and attractors."""


@dataclass(frozen=True)
class Grammar:
    """How one language agrees, and how its treebanks annotate it.

    Attributes
    ----------
    language
        ISO 639-3 code.
    agrees
        The attributes in which each relation agrees.
    source
        A grammar that says so.
    subject
        UD features that the controller of a verb, auxiliary or predicate must have, with the values allowed.
    persons
        The persons of a subject with which agreement in Number is obligatory; empty if all are.
    controllers
        The UPOS tags of possible controllers. (Hindi pronouns have no Gender, and respect makes names plural.)
    free
        Lemmas of controllers with which more than one value is right.
    hidden
        Features with which a controller's form no longer shows its Number (Finnish *ystäväni*: my friend, my friends).
    barred
        Forms that are not offered as wrong: they are also other words, with which the sentence may be right ("he said
        that cats sleep"), or they are wrong for a second reason (Spanish *buen* and French *bel* precede their noun).
    ergative
        Whether a perfective verb with an object agrees with the object.
    postpositions
        Whether a modifier's form depends on whether its noun has a postposition, which the treebank does not write.
    silent
        Features that a form shows with one value of another feature only: a Russian plural shows no Gender.
    finite
        If the treebank does not mark ``VerbForm=Fin``: features of which a finite verb has at least one.
    subject_first
        Whether only a subject before its verb agrees (Finnish "minulla on autot" does not: I have the cars).
    bare_predicate
        Whether a predicate may agree without a copula.
    elides
        Whether the form of a modifier depends on the first sound of the next word (French le, l'; beau, bel).
    fused
        Pairs of words that are never written side by side, but as one (French "de le" is *du*): the second would be
        wrong there with any noun.
    """

    language: str
    agrees: Mapping[str, tuple[str, ...]]
    source: str
    subject: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    persons: tuple[str, ...] = ()
    controllers: tuple[str, ...] = NOMINAL
    free: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()
    barred: frozenset[str] = frozenset()
    fused: frozenset[tuple[str, str]] = frozenset()
    silent: frozenset[str] = frozenset()
    finite: frozenset[str] = frozenset()
    subject_first: bool = False
    bare_predicate: bool = False
    elides: bool = False
    ergative: bool = False
    postpositions: bool = False


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_BOTH = ("Number", "Gender")
_FINITE = ("Number", "Person")
_NOUN_PHRASE = {"predicate": _BOTH, "adjective": _BOTH, "determiner": _BOTH}
_NOMINATIVE = {"Case": ("Nom",)}

_ALL = (
    Grammar(
        "eng",
        {"verb": ("Number",), "auxiliary": ("Number",), "determiner": ("Number",)},
        "Huddleston & Pullum 2002, The Cambridge Grammar of the English Language",
        free=_words(
            "number majority minority lot couple percent percentage % half rest variety range series pair none any all "
            "some most more what which who that there team staff family police group crew government company public "
            "audience committee data media people everyone each either neither kind sort type"
        ),
        barred=_words("that"),
    ),
    Grammar(
        "spa",
        {"verb": ("Number",), "auxiliary": ("Number",), **_NOUN_PHRASE},
        "RAE & ASALE 2009, Nueva gramática de la lengua española",
        free=_words(
            "mayoría minoría parte resto mitad número serie grupo tercio cuarto total par conjunto multitud cantidad "
            "infinidad tipo clase esto eso ello lo que quien"
        ),
        barred=_words(
            "buen bueno mal malo primer primero tercer tercero gran grande algún alguno ningún ninguno cualquier san "
            "santo"
        ),
        fused=frozenset({("a", "el"), ("de", "el")}),
    ),
    Grammar(
        "fra",
        {"verb": _FINITE, "auxiliary": _FINITE, **_NOUN_PHRASE},
        "Grevisse & Goosse 2016, Le bon usage",
        free=_words(
            "majorité minorité plupart partie reste moitié nombre série groupe tiers quart total ensemble multitude "
            "quantité % dizaine vingtaine centaine millier million ce cela ça on vous nous je tu qui que beaucoup"
        ),
        barred=_words("bel nouvel vieil cet"),
        fused=frozenset({("à", "le"), ("à", "les"), ("de", "le"), ("de", "les")}),
        silent=frozenset({"Gender"}),
        elides=True,
    ),
    Grammar(
        "rus",
        {"verb": _BOTH, "auxiliary": _BOTH, **_NOUN_PHRASE},
        "Timberlake 2004, A Reference Grammar of Russian",
        subject=_NOMINATIVE,
        free=_words("большинство меньшинство часть ряд множество количество половина треть пара группа это кто что вы"),
        barred=_words("это"),
        silent=frozenset({"Gender", "Animacy"}),
        bare_predicate=True,
    ),
    Grammar(
        "tur",
        {"verb": _FINITE, "auxiliary": _FINITE},
        "Göksel & Kerslake 2005, Turkish: A Comprehensive Grammar",
        subject=_NOMINATIVE,
        persons=("1", "2"),
        finite=frozenset({"Person"}),
    ),
    Grammar(
        "fin",
        {"verb": _FINITE, "auxiliary": _FINITE, "adjective": ("Number",)},
        "Karlsson 2018, Finnish: A Comprehensive Grammar",
        subject=_NOMINATIVE,
        free=_words("osa joukko enemmistö vähemmistö puolet loppu ryhmä pari se ne tämä kaikki"),
        hidden=frozenset({"Person[psor]"}),
        subject_first=True,
    ),
    Grammar(
        "hin",
        {"verb": _BOTH, "auxiliary": _BOTH, "adjective": _BOTH, "determiner": _BOTH},
        "Kachru 2006, Hindi",
        subject=_NOMINATIVE,
        controllers=("NOUN",),
        finite=frozenset({"Mood", "Tense"}),
        ergative=True,
        postpositions=True,
    ),
)

GRAMMARS: Mapping[str, Grammar] = {grammar.language: grammar for grammar in _ALL}
"""What agrees in each language."""


def agreeing(language: str, attribute: str) -> tuple[str, ...]:
    """The relations of a language that agree in an attribute.

    Raises
    ------
    ValueError
        There is no table of the language, or nothing in it agrees in the attribute; the message names what does.

    Examples
    --------
    >>> agreeing("eng", "Number")
    ('verb', 'auxiliary', 'determiner')
    >>> agreeing("eng", "Gender")
    Traceback (most recent call last):
    ...
    ValueError: nothing in eng agrees in Gender; items agree in Number (verb, auxiliary, determiner)
    """
    if language not in GRAMMARS:
        raise ValueError(f"no table says what agrees in {language!r}; there are tables of: {', '.join(GRAMMARS)}")
    if attribute not in ATTRIBUTES:
        raise ValueError(f"no attribute {attribute!r}; the attributes are: {', '.join(ATTRIBUTES)}")
    agrees = GRAMMARS[language].agrees
    found = tuple(relation for relation, attributes in agrees.items() if attribute in attributes)
    if not found:
        raise ValueError(f"nothing in {language} agrees in {attribute}; items agree in {_told(agrees)}")
    return found


def _told(agrees: Mapping[str, tuple[str, ...]]) -> str:
    """Every attribute with the relations that agree in it."""
    attributes = dict.fromkeys(attribute for own in agrees.values() for attribute in own)
    return ", ".join(
        f"{attribute} ({', '.join(relation for relation, own in agrees.items() if attribute in own)})"
        for attribute in attributes
    )
