"""Who does what to whom in the generated Spanish: the words each noun keeps company with.

Classes of nouns say what is natural (tables ``spa_*.tsv``); a rotation then leaves each noun its own few
verbs and adjectives, so that a masked noun can be guessed from its company and the company from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from pitfalls.language.grammar.spanish_paradigms import Adjective, Noun, Verb

T = TypeVar("T")
Place = tuple[str, str]
"""A preposition and the class of the noun after it."""

GROUPS = {"person": ("adult", "child"), "creature": ("animal", "bird")}

# How many of the verbs and adjectives natural for its class a noun keeps.
_INTRANSITIVE, _TRANSITIVE, _AS_OBJECT, _SER, _ESTAR = 3, 5, 4, 4, 3

# What may come after a noun of a class.
MODIFIERS: dict[str, tuple[Place, ...]] = {
    "adult": (("de", "town"), ("con", "worn"), ("con", "pet"), ("con", "bag")),
    "child": (("de", "town"), ("con", "worn"), ("con", "pet"), ("con", "bag")),
    "kin": (("de", "adult"), ("de", "kin")),
    "staff": (("de", "work"), ("de", "work")),
    "farm": (("de", "person"), ("de", "adult"), ("de", "town"), ("cerca de", "building")),
    "wild": (("cerca de", "place"), ("cerca de", "building")),
    "building": (("cerca de", "place"), ("de", "town"), ("junto a", "building")),
    "place": (("cerca de", "town"), ("cerca de", "place")),
    "small": (("detrás de", "building"), ("junto a", "building"), ("delante de", "building")),
    "vehicle": (("de", "town"), ("cerca de", "building"), ("delante de", "building")),
    "car": (("de", "adult"), ("de", "work")),
    "tool": (("de", "adult"), ("de", "person")),
    "container": (("de", "person"),),
    "bag": (("con", "tool"), ("con", "feed")),
    "food": (("de", "adult"), ("de", "kin")),
    "plant": (("de", "adult"), ("cerca de", "building"), ("detrás de", "building"), ("junto a", "building")),
    "clothing": (("de", "person"),),
    "furniture": (("de", "person"), ("de", "building")),
    "text": (("de", "person"), ("sobre", "animal"), ("sobre", "town"), ("sobre", "vehicle")),
    "abstract": (("de", "person"), ("de", "adult"), ("sobre", "event"), ("sobre", "building")),
    "event": (("de", "kin"), ("en", "building"), ("en", "town")),
}
# Where things are, with estar and hay.
LOCATIONS: dict[str, tuple[Place, ...]] = {
    "adult": (("en", "place"), ("en", "building"), ("cerca de", "building"), ("delante de", "building")),
    "child": (("en", "place"), ("cerca de", "building"), ("detrás de", "building")),
    "wild": (("en", "place"), ("cerca de", "building")),
    "farm": (("en", "place"), ("cerca de", "building"), ("detrás de", "building")),
    "pet": (("sobre", "surface"),),
    "vehicle": (("cerca de", "building"), ("cerca de", "place")),
    "car": (("delante de", "building"), ("detrás de", "building")),
    "tool": (("sobre", "surface"), ("debajo de", "surface")),
    "container": (("sobre", "surface"), ("debajo de", "surface")),
    "food": (("sobre", "surface"), ("en", "bag")),
    "plant": (("cerca de", "building"), ("en", "place"), ("delante de", "building")),
    "clothing": (("sobre", "surface"), ("debajo de", "surface")),
    "text": (("sobre", "surface"), ("debajo de", "surface")),
    "furniture": (("en", "building"),),
}


@dataclass(frozen=True, eq=False)
class Action:
    """A verb with the way it is used.

    ``adverb`` is what it cannot do without (``cuesta mucho``); a ``state`` does not go with estar or poder;
    ``passive`` says that ser with the participle is natural; ``where`` says where it is done.
    """

    verb: Verb
    adverb: str
    state: bool
    passive: bool
    where: tuple[Place, ...]


@dataclass(eq=False)
class Company:
    """A noun (or pair of nouns) and the words it goes with."""

    noun: Noun
    intransitive: list[Action] = field(default_factory=list)
    transitive: list[tuple[Action, list[Company]]] = field(default_factory=list)
    as_object: list[Action] = field(default_factory=list)
    ser: list[Adjective] = field(default_factory=list)
    estar: list[Adjective] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.kind = self.noun.classes[0]
        self.is_person = self.kind in GROUPS["person"]
        self.takes_a = self.is_person or self.kind in GROUPS["creature"]
        """Whether it takes the personal ``a`` as a direct object."""
        self.modifiers = [place for name in self.noun.classes for place in MODIFIERS.get(name, ())]
        self.belongings = [place for place in self.modifiers if place[0] in ("de", "con", "sobre")]
        """The modifiers that do not say where the noun is."""
        self.locations = [place for name in self.noun.classes for place in LOCATIONS.get(name, ())]
        self.possessives = self._possessives()

    def _possessives(self) -> tuple[str, ...]:
        """The kinds of possessive it goes with: my uncle, our street, but not my wolf."""
        classes = self.noun.classes
        if "wild" in classes or (self.is_person and "kin" not in classes):
            return ()
        if self.kind in ("building", "place", "vehicle") and not {"home", "car"}.intersection(classes):
            return ("our",)
        return ("my", "my", "our")

    @property
    def adjectives(self) -> list[Adjective]:
        """The adjectives that may stand beside the noun."""
        return self.ser + self.estar[:2]

    @property
    def passives(self) -> list[tuple[Action, list[Company]]]:
        """Its verbs with which ``fue pintado por`` is natural, with their objects."""
        return [(act, goals) for act, goals in self.transitive if act.passive and not goals[0].takes_a]

    def actions_on(self, other: Company) -> list[Action]:
        """What this one does to the other."""
        return [action for action, objects in self.transitive if any(thing is other for thing in objects)]


def rotation(pool: Sequence[T], index: int, size: int) -> list[T]:
    """The ``index``-th window of ``size`` items round the pool, shifted by one at each turn.

    Examples
    --------
    >>> [rotation("abcde", index, 2) for index in range(4)]
    [['a', 'b'], ['c', 'd'], ['e', 'a'], ['c', 'd']]
    """
    if not pool:
        return []
    size = min(size, len(pool))
    start = index * size + index * size // len(pool)
    return [pool[(start + step) % len(pool)] for step in range(size)]


def action(row: dict[str, str], verb: Verb) -> Action:
    """The action of one row of ``spa_verbs.tsv``."""
    pairs = (place.replace("_", " ").split(":") for place in row["where"].split())
    where = tuple((preposition, name) for preposition, name in pairs)
    marks = row["marks"].split()
    return Action(verb, row["adverb"], "state" in marks, "passive" in marks, where)


def keep_company(
    nouns: Sequence[Noun], adjectives: Sequence[Adjective], rows: Sequence[tuple[dict[str, str], Verb]]
) -> dict[str, list[Company]]:
    """Class -> the nouns of the class, each with its company."""
    classes: dict[str, list[Company]] = {}
    for noun in nouns:
        company = Company(noun)
        for name in noun.classes:
            classes.setdefault(name, []).append(company)
    frames = []
    for row, verb in rows:
        act = action(row, verb)
        for frame in row["frames"].split():
            subject, _, goal = frame.partition(">")
            frames.append((act, subject, goal))
    kinds = {name: [one for one in members if one.kind == name] for name, members in classes.items()}
    for name, same in kinds.items():
        for index, company in enumerate(same):
            _describe(company, index, adjectives)
            _use(company, index, frames, name)
    for name, parts in GROUPS.items():
        classes[name] = [company for part in parts for company in classes[part]]
    for same in kinds.values():
        for index, company in enumerate(same):
            _act(company, index, frames, classes)
    return classes


def _describe(company: Company, index: int, adjectives: Sequence[Adjective]) -> None:
    company.ser = rotation([one for one in adjectives if company.kind in one.ser], index, _SER)
    company.estar = rotation([one for one in adjectives if company.kind in one.estar], index, _ESTAR)


def _belongs(company: Company, name: str) -> bool:
    return name in company.noun.classes or company.kind in GROUPS.get(name, ())


def _use(company: Company, index: int, frames: Sequence[tuple[Action, str, str]], name: str) -> None:
    """Give a noun its verbs without an object, and the verbs it is the object of; its smaller classes come first."""
    alone = [act for act, subject, goal in frames if goal == "-" and _belongs(company, subject)]
    company.intransitive = rotation(list(dict.fromkeys(alone)), index, _INTRANSITIVE)
    own = [act for act, _, goal in frames if goal in company.noun.classes[1:]]
    general = [act for act, _, goal in frames if goal == name or company.kind in GROUPS.get(goal, ())]
    special = list(dict.fromkeys(act for act in own if act not in general))
    company.as_object = rotation(special, index, 2) + rotation(list(dict.fromkeys(general)), index, _AS_OBJECT)


def _act(
    company: Company,
    index: int,
    frames: Sequence[tuple[Action, str, str]],
    classes: dict[str, list[Company]],
) -> None:
    """Give a noun its verbs with an object: each verb takes objects of one class, which changes from noun to noun."""
    pool: dict[Action, list[list[Company]]] = {}
    for act, subject, goal in frames:
        if goal == "-" or not _belongs(company, subject):
            continue
        objects = [other for other in classes[goal] if act in other.as_object and other is not company]
        if objects:
            pool.setdefault(act, []).append(objects)
    actions = rotation(list(pool), index, _TRANSITIVE)
    company.transitive = [(act, pool[act][index % len(pool[act])]) for act in actions]
