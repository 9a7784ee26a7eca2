"""What an English clause needs apart from nouns and verbs: times and their adverbs, auxiliaries, determiners.

Pairs ``(weight, choice)`` say how often each is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pitfalls.language.grammar import english_paradigms as en
from pitfalls.language.grammar.core import Form, Tree

PRESENT, PAST = "Pres", "Past"
SIMPLE, PROGRESSIVE, PERFECT, FUTURE = "simple", "progressive", "perfect", "future"
Time = tuple[str, str]
Determiners = Sequence[tuple[float, tuple[Form, str]]]

TIMES: tuple[tuple[float, Time], ...] = (
    (0.34, (PRESENT, SIMPLE)),
    (0.32, (PAST, SIMPLE)),
    (0.10, (PRESENT, PROGRESSIVE)),
    (0.06, (PAST, PROGRESSIVE)),
    (0.10, (PRESENT, PERFECT)),
    (0.08, (PRESENT, FUTURE)),
)
NO_PROGRESSIVE = tuple(pair for pair in TIMES if pair[1][1] != PROGRESSIVE)
STATE_TIMES: tuple[tuple[float, Time], ...] = (
    (0.46, (PRESENT, SIMPLE)),
    (0.46, (PAST, SIMPLE)),
    (0.08, (PRESENT, FUTURE)),
)
SIMPLE_TIMES: tuple[tuple[float, Time], ...] = ((0.5, (PRESENT, SIMPLE)), (0.5, (PAST, SIMPLE)))

ADJECTIVE_TIMES: Mapping[str, tuple[tuple[float, Time], ...]] = {
    PRESENT: ((0.7, (PRESENT, SIMPLE)), (0.15, (PRESENT, PERFECT)), (0.15, (PRESENT, FUTURE))),
    PAST: ((1.0, (PAST, SIMPLE)),),
}

# Adverbs that stand before the verb, and time phrases that stand at either end of the clause.
MIDDLE: Mapping[Time, Sequence[str]] = {
    (PRESENT, SIMPLE): ("often", "usually", "sometimes", "rarely", "always", "never"),
    (PAST, SIMPLE): ("often", "sometimes", "never", "once"),
    (PRESENT, PROGRESSIVE): ("still",),
    (PAST, PROGRESSIVE): ("still",),
    (PRESENT, PERFECT): ("already", "just", "recently", "never"),
    (PRESENT, FUTURE): ("soon", "never"),
}
STATE_MIDDLE: Mapping[Time, Sequence[str]] = {
    (PRESENT, SIMPLE): ("still", "always", "never"),
    (PAST, SIMPLE): ("still", "always", "never"),
    (PRESENT, PERFECT): ("always", "never"),
    (PRESENT, FUTURE): ("soon", "never"),
}
OUTER: Mapping[Time, Sequence[tuple[str, str]]] = {
    (PRESENT, SIMPLE): (("every", "day"), ("every", "week"), ("every", "morning"), ("every", "night")),
    (PAST, SIMPLE): (("", "yesterday"), ("last", "week"), ("last", "night"), ("last", "month")),
    (PRESENT, PROGRESSIVE): (("", "now"), ("", "today"), ("", "again")),
    (PAST, PROGRESSIVE): (("", "yesterday"), ("last", "night"), ("this", "morning")),
    (PRESENT, PERFECT): (("", "today"), ("this", "morning"), ("this", "week")),
    (PRESENT, FUTURE): (
        ("", "tomorrow"),
        ("", "tonight"),
        ("this", "evening"),
        ("next", "week"),
        ("next", "month"),
    ),
}
PASSING_OUTER = {**OUTER, (PRESENT, SIMPLE): (("", "now"), ("", "today"), ("", "again"))}
NEVER_FIRST = ("again", "now")
TIME_MODIFIERS: Mapping[str, tuple[Form, str]] = {
    "every": (en.EVERY, "det"),
    "this": (en.THIS, "det"),
    "last": (en.LAST, "amod"),
    "next": (en.NEXT, "amod"),
}

DETERMINERS: Mapping[str, Determiners] = {
    "Sing": (
        (5.0, (en.THE, "det")),
        (2.0, (en.A, "det")),
        (1.3, (en.THIS, "det")),
        (1.3, (en.THAT_ONE, "det")),
        (0.8, (en.EVERY, "det")),
    ),
    "Plur": (
        (5.0, (en.THE, "det")),
        (1.3, (en.THESE, "det")),
        (1.3, (en.THOSE, "det")),
        (1.0, (en.SOME, "det")),
        (0.8, (en.MANY, "amod")),
        (0.5, (en.SEVERAL, "amod")),
        (0.5, (en.TWO, "nummod")),
        (0.5, (en.THREE, "nummod")),
    ),
}
DEFINITE: Mapping[str, Determiners] = {
    "Sing": ((5.0, (en.THE, "det")), (1.5, (en.THIS, "det")), (1.5, (en.THAT_ONE, "det"))),
    "Plur": ((5.0, (en.THE, "det")), (1.5, (en.THESE, "det")), (1.5, (en.THOSE, "det"))),
}
OBJECTS: Mapping[str, Determiners] = {
    "Sing": (*DEFINITE["Sing"], (2.5, (en.A, "det")), (0.3, (en.EVERY, "det"))),
    "Plur": DETERMINERS["Plur"],
}
PLACES: Mapping[str, Determiners] = {
    "Sing": (*DEFINITE["Sing"], (1.5, (en.A, "det"))),
    "Plur": (*DEFINITE["Plur"], (0.8, (en.SOME, "det")), (0.5, (en.TWO, "nummod"))),
}
INDEFINITE: Mapping[str, Determiners] = {
    "Sing": ((1.0, (en.A, "det")),),
    "Plur": (
        (1.0, (en.SOME, "det")),
        (1.0, (en.MANY, "amod")),
        (1.0, (en.SEVERAL, "amod")),
        (1.0, (en.TWO, "nummod")),
        (1.0, (en.THREE, "nummod")),
    ),
}
LONGEST = 20
"""Words in the longest sentence."""

OWNED = ("body", "clothing", "tool", "instrument", "container")
NOT_WHERE = ("with", "about", "by", "of")
SAYING = ("say", "think", "believe", "hope", "claim", "know")
WANTING = ("want", "try", "hope", "refuse", "decide", "promise")

SUBJECT_MODIFIED = 0.68
OBJECT_MODIFIED = 0.12


@dataclass(frozen=True)
class Phrase:
    """A noun phrase or pronoun, with what its verb and its pronouns must agree with."""

    tree: Tree
    number: str
    person: str
    """Pronoun that takes it up: ``m``, ``f``, ``n`` or ``p``."""
    modified: bool = False


def size(tree: Tree) -> int:
    """How many words a tree holds."""
    return 1 + sum(size(child) for child in (*tree.left, *tree.right))


def starts_with_vowel_sound(word: str) -> bool:
    """Whether the article is "an".

    Examples
    --------
    >>> [starts_with_vowel_sound(word) for word in ("owl", "dog", "honest", "useful", "uncle")]
    [True, False, True, False, True]
    """
    return word.startswith("honest") or (word[0] in "aeiou" and not word.startswith("use"))


def after_that(phrase: Tree) -> Tree:
    """The phrase with "this" for "that", as nobody says "that that"."""
    if phrase.left and phrase.left[0].form is en.THAT_ONE:
        phrase.left[0].form = en.THIS
    return phrase


def says_every(phrase: Tree) -> bool:
    """Whether the phrase begins with "every", which does not go well with a negation."""
    return bool(phrase.left) and phrase.left[0].form is en.EVERY


def auxiliaries(time: Time, number: str, be: str) -> list[Tree]:
    """The auxiliaries of a passive or copular clause; ``be`` is the relation of "be": aux:pass or cop."""
    tense, aspect = time
    if aspect == PERFECT:
        return [Tree(en.HAVE[tense + number], "aux"), Tree(en.BE_PARTICIPLE, be)]
    if aspect == FUTURE:
        return [Tree(en.WILL, "aux"), Tree(en.BE_INFINITIVE, be)]
    return [Tree(en.BE[tense + number], be)]


def active(verb: en.VerbForms, time: Time, number: str) -> tuple[list[Tree], Form]:
    """The auxiliaries and the main form of an active verb."""
    tense, aspect = time
    if aspect == PROGRESSIVE:
        return [Tree(en.BE[tense + number], "aux")], verb.present_participle
    if aspect == PERFECT:
        return [Tree(en.HAVE[tense + number], "aux")], verb.past_participle
    if aspect == FUTURE:
        return [Tree(en.WILL, "aux")], verb.infinitive
    return [], verb.finite[tense, number]


def supported(verb: en.VerbForms, time: Time, number: str) -> tuple[list[Tree], Form]:
    """Like :func:`active`, with "do" where there is no other auxiliary (questions and negation)."""
    helpers, main = active(verb, time, number)
    return (helpers, main) if helpers else ([Tree(en.DO[time[0] + number], "aux")], verb.infinitive)


def time_phrase(modifier: str, word: str) -> Tree:
    """An adverbial of time, such as "last week" (its modifier may be empty) or "now"."""
    if word not in en.DAYS:
        return Tree(en.ADVERBS[word], "advmod")
    tree = Tree(en.DAYS[word], "obl:unmarked")
    if modifier:
        tree.left.append(Tree(*TIME_MODIFIERS[modifier]))
    return tree
