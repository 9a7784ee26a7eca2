"""Phrases and clauses of the generated Spanish: what agrees with what, and in which order the words come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pitfalls.language.grammar.core import Draw, Tree
from pitfalls.language.grammar.spanish_company import Action, Company, Place, keep_company
from pitfalls.language.grammar.spanish_paradigms import NUMBERS, load_adjectives, load_nouns, load_verbs
from pitfalls.language.grammar.spanish_words import FunctionWords

TENSES = ((0.36, "Pres"), (0.28, "Past"), (0.17, "Imp"), (0.19, "Fut"))
# Qualities seldom go with fue or será; those of an event often do.
_QUALITY_TENSES = ((0.62, "Pres"), (0.35, "Imp"), (0.03, "Fut"))
_EVENT_TENSES = ((0.32, "Pres"), (0.38, "Past"), (0.12, "Imp"), (0.18, "Fut"))
_TIMES = {
    "Pres": ("ahora", "hoy", "siempre", "cada día"),
    "Past": ("ayer", "anoche", "aquel día"),
    "Imp": ("antes", "entonces", "siempre", "cada día"),
    "Fut": ("mañana", "pronto", "luego", "algún día"),
}
# With haber: he cantado, había cantado.
_PERFECT_TIMES = {"Pres": ("hoy", "ya"), "Imp": ("antes", "ya")}
_MAY_END = ("hoy", "ayer", "anoche", "mañana", "cada día", "aquel día", "algún día")
_BEFORE_VERB = ("siempre", "ya")
_AUXILIARY = ("aux", "aux:pass", "cop")
# Adjectives that are not a matter of degree.
_ABSOLUTE = ("enorme", "delicioso", "congelado", "desierto", "marchito", "abandonado")
PEOPLE = ((0.7, "adult"), (0.3, "child"))
# Weights of the kinds of determiner in the main noun phrases and in those inside them.
_MAIN = ((0.45, "el"), (0.1, "un"), (0.15, "demonstrative"), (0.22, "possessive"), (0.09, "quantity"))
INNER = ((0.5, "el"), (0.06, "un"), (0.16, "demonstrative"), (0.3, "possessive"))
# With a possessor after the noun (not: my gloves of the neighbour).
_POSSESSED = ((0.66, "el"), (0.1, "un"), (0.17, "demonstrative"), (0.07, "quantity"))
Determiners = tuple[tuple[float, str], ...]


@dataclass(frozen=True)
class Phrase:
    """A noun phrase or pronoun and what agrees with it."""

    tree: Tree
    company: Company
    gender: str
    number: str
    person: str = "3"

    def unsaid(self, actions: list[Action]) -> list[Action]:
        """Those actions whose verb is not that of the relative clause inside the phrase."""
        said = {child.form.lemma for child in self.tree.right if child.deprel == "acl:relcl"}
        return [action for action in actions if action.verb.lemma not in said]


def size(tree: Tree) -> int:
    """How many words a tree has."""
    return 1 + sum(size(child) for child in tree.left) + sum(size(child) for child in tree.right)


class SpanishClauses:
    """Draws noun phrases, predicates and what goes around them; sentences are put together elsewhere.

    Examples
    --------
    >>> clauses = SpanishClauses()
    >>> len(clauses.nouns) > 150, len(clauses.verbs) > 80
    (True, True)
    """

    def __init__(self) -> None:
        self.nouns = load_nouns()
        self.adjectives = load_adjectives()
        rows = list(load_verbs())
        self.verbs = [verb for _, verb in rows]
        self.words = FunctionWords()
        self._verb = {verb.lemma: verb for verb in self.verbs}
        self._classes = keep_company(self.nouns, self.adjectives, rows)

    def _noun(self, draw: Draw, name: str, avoid: Company | None = None) -> Company:
        members = self._classes[name]
        company = draw.choice(members)
        while company is avoid and len(members) > 1:
            company = draw.choice(members)
        return company

    def _determiner(
        self, draw: Draw, company: Company, gender: str, number: str, kinds: Determiners, after: str
    ) -> list[Tree]:
        kind = draw.weighted(kinds)
        if kind == "possessive":
            kind = draw.choice(("el", *company.possessives))
        article = "Masc" if company.noun.stressed_a and number == "Sing" else gender
        # After a and de, el would merge into al and del: two syntactic words in one.
        if kind == "el" and after in ("a", "de") and (article, number) == ("Masc", "Sing"):
            kind = draw.choice(("un", "demonstrative", *company.possessives))
        return self.words.determiner(draw, kind, gender, article, number)

    def _phrase(
        self,
        draw: Draw,
        company: Company,
        deprel: str,
        *,
        after: str = "",
        richness: float = 0.0,
        kinds: Determiners = _MAIN,
        described: float = 0.34,
        modifiers: Sequence[Place] | None = None,
    ) -> Phrase:
        """Draw a noun phrase that follows the word ``after``.

        ``richness`` is the chance of a PP or relative, ``described`` that of an adjective; ``modifiers``
        are the PPs to choose from, by default all that the noun has.
        """
        gender, number = draw.choice(company.noun.genders), draw.choice(NUMBERS)
        tree = Tree(company.noun.forms[gender, number], deprel)
        phrase = Phrase(tree, company, gender, number)
        rich = draw.chance(richness)
        if draw.chance(0.22 if rich else described):
            tree.right.append(Tree(draw.choice(company.adjectives).forms[gender, number], "amod"))
        places = company.modifiers if modifiers is None else modifiers
        if rich and (not places or draw.chance(0.35)):
            self._relative(draw, phrase)
        elif rich:
            place = draw.choice(places)
            kinds = _POSSESSED if place[0] == "de" else kinds
            tree.right.append(self._placed(draw, place, "nmod", company))
        tree.left += self._determiner(draw, company, gender, number, kinds, after)
        return phrase

    def _subject(self, draw: Draw, company: Company) -> Phrase:
        return self._phrase(draw, company, "nsubj", richness=0.72)

    def _placed(self, draw: Draw, place: Place, deprel: str, avoid: Company | None = None) -> Tree:
        """Draw a noun phrase after its preposition."""
        preposition, name = place
        company = self._noun(draw, name, avoid)
        # Clothes that say who is meant usually have an adjective: the girl with the red hat.
        described = 0.9 if name == "worn" else 0.34
        after = preposition.split()[-1]
        phrase = self._phrase(draw, company, deprel, after=after, kinds=INNER, described=described)
        phrase.tree.left.insert(0, self.words.preposition(preposition))
        return phrase.tree

    def _object(self, draw: Draw, company: Company, richness: float) -> Phrase:
        """Draw a direct object, with the personal a before people and animals."""
        after = "a" if company.takes_a else ""
        phrase = self._phrase(draw, company, "obj", after=after, richness=richness)
        if after:
            phrase.tree.left.insert(0, self.words.preposition("a"))
        return phrase

    def _relative(self, draw: Draw, phrase: Phrase) -> None:
        """Add a relative clause: the noun is its subject or, if it is not a person or animal, its object."""
        tense = draw.choice(("Pres", "Pres", "Past", "Imp"))
        company = phrase.company
        actor = self._noun(draw, draw.weighted(PEOPLE))
        for _ in range(8):
            if actor.actions_on(company):
                break
            actor = self._noun(draw, draw.weighted(PEOPLE))
        actions = actor.actions_on(company)
        if actions and not company.takes_a and draw.chance(0.7):
            inner = self._phrase(draw, actor, "nsubj", kinds=INNER)
            clause = self._finite(draw, draw.choice(actions), tense, inner)
            if draw.chance(0.4):
                clause.right.append(inner.tree)
            else:
                clause.left.insert(0, inner.tree)
        else:
            clause = self._clause(draw, phrase, tense, richness=0.0)
        clause.deprel = "acl:relcl"
        clause.left.insert(0, Tree(self.words["que"], "mark"))
        phrase.tree.right.append(clause)

    def _finite(self, draw: Draw, action: Action, tense: str, subject: Phrase) -> Tree:
        """Make the verb agree with its subject, now and then after haber, estar or poder."""
        person, number = subject.person, subject.number
        way = draw.weighted(((0.8, ""), (0.06, "haber"), (0.07, "estar"), (0.07, "poder")))
        lively = subject.company.takes_a and not action.state
        if way == "haber" and tense in ("Pres", "Imp"):
            aux = self.words.auxiliary("haber", "Ind", tense, person, number, "AUX")
            return Tree(action.verb.perfect, "root", left=[Tree(aux, "aux")])
        if way == "estar" and tense in ("Pres", "Imp") and lively:
            aux = self.words.auxiliary("estar", "Ind", tense, person, number, "AUX")
            return Tree(action.verb.gerund, "root", left=[Tree(aux, "aux")])
        if way == "poder" and lively:
            aux = self._verb["poder"].finite["Ind", tense, person, number]
            return Tree(action.verb.infinitive, "root", left=[Tree(aux, "aux")])
        return self._simple(action, tense, subject)

    @staticmethod
    def _simple(action: Action, tense: str, subject: Phrase, mood: str = "Ind") -> Tree:
        return Tree(action.verb.finite[mood, tense, subject.person, subject.number], "root")

    def _clause(self, draw: Draw, subject: Phrase, tense: str, *, richness: float = 0.12) -> Tree:
        """What the subject does, without the subject itself."""
        action, objects = self._action(draw, subject)
        tree = self._finite(draw, action, tense, subject)
        if not objects:
            return self._around(draw, action, tree)
        tree.right.append(self._object(draw, draw.choice(objects), richness).tree)
        return tree

    def _action(self, draw: Draw, subject: Phrase) -> tuple[Action, list[Company]]:
        """What the subject may do, and to whom: nobody for a verb without an object."""
        company = subject.company
        alone = subject.unsaid(company.intransitive)
        if not company.transitive or draw.chance(0.4):
            return draw.choice(alone), []
        unsaid = subject.unsaid([action for action, _ in company.transitive])
        action = draw.choice(unsaid)
        return action, next(objects for other, objects in company.transitive if other is action)

    def _simple_clause(self, draw: Draw, subject: Phrase, tense: str, mood: str = "Ind") -> Tree:
        """As :meth:`_clause`, but the verb has no auxiliary."""
        action, objects = self._action(draw, subject)
        tree = self._simple(action, tense, subject, mood)
        if not objects:
            return self._around(draw, action, tree)
        tree.right.append(self._object(draw, draw.choice(objects), 0.0).tree)
        return tree

    def _around(self, draw: Draw, action: Action, tree: Tree) -> Tree:
        """An intransitive verb's adverb and the place it happens at."""
        if action.adverb:
            tree.right.append(Tree(self.words[action.adverb], "advmod"))
        if action.where and draw.chance(0.45):
            tree.right.append(self._placed(draw, draw.choice(action.where), "obl"))
        return tree

    def _quality(self, draw: Draw, subject: Phrase, tense: str = "", mood: str = "Ind") -> tuple[Tree, str, float]:
        """An adjective with ser or estar; also its tense and how often a time adverbial suits it."""
        company = subject.company
        # A future or completed quality is odd (será viejo), a future or completed state is not.
        state = bool(company.estar) and draw.chance(1.0 if tense in ("Past", "Fut") else 0.5)
        if not tense:
            kinds = TENSES if state else _EVENT_TENSES if company.kind == "event" else _QUALITY_TENSES
            tense = draw.weighted(kinds)
        said = {child.form.lemma for child in subject.tree.right if child.deprel == "amod"}
        choices = company.estar if state else company.ser
        adjective = draw.choice([one for one in choices if one.lemma not in said])
        aux = self.words.auxiliary("estar" if state else "ser", mood, tense, subject.person, subject.number, "AUX")
        tree = Tree(adjective.forms[subject.gender, subject.number], "root", left=[Tree(aux, "cop")])
        if adjective.lemma not in _ABSOLUTE and draw.chance(0.2):
            tree.left.append(Tree(self.words["muy"], "advmod"))
        return tree, tense, 0.5 if state else 0.0

    def _time(self, draw: Draw, tree: Tree, tense: str) -> None:
        """Add a time adverbial that fits the tense: siempre and ya before the verb, others first or last."""
        verb = [index for index, child in enumerate(tree.left) if child.deprel in _AUXILIARY]
        perfect = bool(verb) and tree.left[verb[0]].form.lemma == "haber"
        name = draw.choice((_PERFECT_TIMES if perfect else _TIMES)[tense])
        time = self.words.time(name)
        short = not tree.right or (name in _MAY_END and size(tree.right[0]) <= 3)
        if name in _BEFORE_VERB:
            tree.left.insert(verb[0] if verb else len(tree.left), time)
        elif short and len(tree.right) <= 1 and draw.chance(0.5):
            tree.right.append(time)
        else:
            tree.left.insert(0, time)

    def _statement(self, draw: Draw, subject: Tree | None, tree: Tree, tense: str, time: float = 0.5) -> Tree:
        """The predicate with its subject, negation, time and full stop."""
        timed = draw.chance(time)
        if draw.chance(0.12):
            never = not timed and tense != "Past" and draw.chance(0.5)
            tree.left.insert(0, Tree(self.words["nunca" if never else "no"], "advmod"))
        if subject is not None:
            tree.left.insert(0, subject)
        if timed:
            self._time(draw, tree, tense)
        return self._ended(tree)

    def _ended(self, tree: Tree, end: str = ".") -> Tree:
        tree.deprel = "root"
        tree.right.append(Tree(self.words[end], "punct"))
        return tree
