"""Phrases and clauses of the Turkish mini world: what agrees with what, and in which order the words come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pitfalls.language.grammar.core import Draw, Tree
from pitfalls.language.grammar.turkish_lexicon import HUMAN, PLACES, Noun, Verb, Vocabulary

POSSESSED = {
    **{"body": 1.0, "kin": 0.75, "human": 0.06, "baby": 0.4, "wild": 0.0, "bird": 0.0},
    **{"open": 0.06, "place": 0.08, "plant": 0.1, "text": 0.15, "idea": 0.15},
}
"""Chance that a noun of a kind has a possessor; 0.2 for the others."""

POSSESSORS = ("1Sing", "2Sing", "3Sing", "1Plur", "2Plur")

PERSONS = ("1Sing", "2Sing", "1Plur", "2Plur")

UNIQUE = ("anne", "baba", "kalp", "burun", "ağız", "boyun")
"""What a person has only one of."""


@dataclass(frozen=True)
class Subject:
    """A subject: its phrase (``None`` if dropped), what the verb agrees with, and whose company it keeps."""

    phrase: Tree | None
    agreement: str
    noun: Noun


class TurkishClauses:
    """Noun phrases and clauses, which :class:`~pitfalls.language.grammar.turkish.Turkish` puts into sentences."""

    def __init__(self) -> None:
        self._known = Vocabulary()

    # -- noun phrases --------------------------------------------------------------------------------------

    def _word(self, draw: Draw, group: str, deprel: str) -> Tree:
        return Tree(draw.choice(self._known.words[group]), deprel)

    def _phrase(
        self, draw: Draw, noun: Noun, number: str, case: str, deprel: str, psor: str = "", depth: int = 0
    ) -> Tree:
        """A noun with its possessor, relative clause, determiner and adjectives, in this order."""
        left: list[Tree] = []
        if psor:
            left += self._possessor(draw, psor, depth)
        elif depth < 2 and draw.chance(0.28 if depth < 1 else 0.16):
            left.append(self._relative(draw, noun))
        if not psor and draw.chance(0.25):
            number, determiner = self._determiner(draw, number, case)
            left.append(determiner)
        if draw.chance(0.36):
            left.append(Tree(draw.choice(noun.adjectives), "amod"))
            if left[-2:-1] and left[-2].form.text == "bir":
                left[-2:] = [left[-1], left[-2]]
        return Tree(noun.forms[number, case, psor], deprel, left)

    def _determiner(self, draw: Draw, number: str, case: str) -> tuple[str, Tree]:
        """A determiner and the number it makes the noun have (singular after numerals)."""
        if number == "Plur":
            groups = ["demonstrative", "some"]
        else:
            more = {
                "Nom": ["each", "many", "det"],
                "Acc": ["each"],
                "Loc": ["each", "det"],
                "Gen": ["each", "det"],
            }
            groups = ["demonstrative", *more.get(case, ["det"])]
        form = draw.choice(self._known.words[draw.choice(groups)])
        return number, Tree(form, {"NUM": "nummod", "ADJ": "amod"}.get(form.upos, "det"))

    def _possessor(self, draw: Draw, psor: str, depth: int) -> list[Tree]:
        """The genitive that goes with a possessive suffix, or nothing."""
        if psor != "3Sing":
            return [self._word(draw, f"pronoun{psor}-Gen", "nmod:poss")] if draw.chance(0.4) else []
        if depth > 1 or draw.chance(0.3):
            return []
        return [self._owner(draw, depth)]

    def _owner(self, draw: Draw, depth: int) -> Tree:
        """A person in the genitive (*kızın*, *annemin*)."""
        owner = draw.choice(self._known.humans)
        psor = draw.choice(["1Sing", "3Sing"]) if owner.kind == "kin" and draw.chance(0.5) else ""
        return self._phrase(draw, owner, self._number(draw, owner, psor), "Gen", "nmod:poss", psor, depth + 2)

    def _possessed(self, draw: Draw, noun: Noun, number: str, case: str, deprel: str, psor: str) -> Tree:
        """A noun that belongs to the subject, which needs no genitive (*elini yıkadı*)."""
        left = [Tree(draw.choice(noun.adjectives), "amod")] if draw.chance(0.2) else []
        return Tree(noun.forms[number, case, psor], deprel, left)

    def _relative(self, draw: Draw, noun: Noun) -> Tree:
        """A relative clause: the noun does something, or somebody does something to it."""
        if noun.kind in PLACES or draw.chance(0.5):
            verb = draw.choice(noun.undergoes)
            if draw.chance(0.3) and not noun.animate:
                return Tree(verb.forms["pass-part"], "acl", self._obliques(draw, verb, noun, 0.3))
            psor = draw.choice(["1Sing", "3Sing", "3Plur"])
            owner = draw.choice(self._known.humans)
            if psor[0] == "3":
                subject = [self._phrase(draw, owner, psor[1:], "Gen", "nsubj", depth=2)]
            else:
                subject = [self._word(draw, f"pronoun{psor}-Gen", "nsubj")] if draw.chance(0.5) else []
            return Tree(verb.forms[f"dik{psor}"], "acl", [*subject, *self._obliques(draw, verb, owner, 0.2)])
        participle = "part-neg" if noun.animate and draw.chance(0.25) else "part"
        if noun.objects and draw.chance(0.5):
            thing = draw.choice(noun.objects)
            verb = draw.choice(thing.undergoes)
            return Tree(verb.forms[participle], "acl", [self._object(draw, verb, thing, "3Sing", depth=2)])
        verb = draw.choice(noun.does)
        return Tree(verb.forms[participle], "acl", self._obliques(draw, verb, noun, 0.6))

    def _number(self, draw: Draw, noun: Noun | None = None, psor: str = "") -> str:
        """Singular or plural; one has only one mother and one heart."""
        if noun is not None and psor and noun.lemma in UNIQUE:
            return "Sing"
        return "Plur" if draw.chance(0.45) else "Sing"

    def _own_possessor(self, draw: Draw, noun: Noun, case: str) -> str:
        """Whose noun it is: a part of the body always belongs to somebody, a relative usually does."""
        if not draw.chance(POSSESSED.get(noun.kind, 0.2)):
            return ""
        return draw.choice([psor for psor in POSSESSORS if ("Sing", case, psor) in noun.forms] or [""])

    def _object(self, draw: Draw, verb: Verb, noun: Noun, owner: str, depth: int = 0) -> Tree:
        """A direct object: accusative, or bare with *bir* or a numeral; often the subject's own."""
        if noun.kind in HUMAN and draw.chance(0.2):
            return self._other_person(draw, owner, "Acc", "obj")
        psor = self._own_possessor(draw, noun, "Acc")
        if psor[:1] == "2" and owner[0] == "2":
            psor = owner
        if psor and (noun.kind == "body" or draw.chance(0.5)):
            number = "Plur" if owner == "3Plur" else self._number(draw, noun, psor)
            whose = "3Sing" if owner == "3Plur" else owner
            return self._possessed(draw, noun, number, "Acc", "obj", whose)
        if not psor and verb.at_will and draw.chance(0.2):
            return self._indefinite(draw, noun, "obj")
        return self._phrase(draw, noun, self._number(draw, noun, psor), "Acc", "obj", psor, depth)

    def _indefinite(self, draw: Draw, noun: Noun, deprel: str, psor: str = "") -> Tree:
        """A noun with *bir* or a numeral in the bare case (*küçük bir ev*, *iki küçük ev*)."""
        determiner = self._word(draw, draw.choice(["det", "many"]), "det")
        determiner.deprel = "nummod" if determiner.form.upos == "NUM" else "det"
        left = [determiner]
        if draw.chance(0.4):
            adjective = Tree(draw.choice(noun.adjectives), "amod")
            left = [adjective, determiner] if determiner.form.text == "bir" else [determiner, adjective]
        return Tree(noun.forms["Sing", "Nom", psor], deprel, left)

    def _other_person(self, draw: Draw, subject: str, case: str, deprel: str) -> Tree:
        """A personal pronoun that does not mean the subject (*beni* with *ben* or *biz* would)."""
        persons = [person for person in (*PERSONS, "3Sing", "3Plur") if person[0] == "3" or person[0] != subject[0]]
        return self._word(draw, f"pronoun{draw.choice(persons)}-{case}", deprel)

    def _obliques(self, draw: Draw, verb: Verb, subject: Noun, chance: float, person: str = "3Sing") -> list[Tree]:
        """A place, goal, source, means or companion that goes with the verb and the subject, or nothing."""
        options = [
            (case, nouns)
            for case, nouns in verb.obliques
            if (case != "Ins" or subject.kind in HUMAN)
            and (subject.kind not in ("wild", "bird", "beast") or nouns[0].kind not in ("place", "room", "vehicle"))
        ]
        if not options or not (verb.needs or draw.chance(chance)):
            return []
        case, nouns = draw.choice(options)
        noun = draw.choice(nouns)
        if noun.kind in HUMAN and case in ("Dat", "Abl") and draw.chance(0.25):
            return [self._other_person(draw, person, case, "obl")]
        psor = self._own_possessor(draw, noun, case)
        return [self._phrase(draw, noun, self._number(draw, noun, psor), case, "obl", psor, depth=1)]

    # -- subjects and predicates ---------------------------------------------------------------------------

    def _subject(self, draw: Draw, nouns: Sequence[Noun]) -> Subject:
        """A noun phrase as subject."""
        noun = draw.choice(nouns)
        psor = self._own_possessor(draw, noun, "Nom")
        number = self._number(draw, noun, psor)
        phrase = self._phrase(draw, noun, number, "Nom", "nsubj", psor)
        return Subject(phrase, "3Plur" if number == "Plur" and noun.animate else "3Sing", noun)

    def _person(self, draw: Draw) -> Subject:
        """A first or second person, with its pronoun or without."""
        person = draw.choice(PERSONS)
        pronoun = self._word(draw, f"pronoun{person}", "nsubj") if draw.chance(0.5) else None
        return Subject(pronoun, person, draw.choice(self._known.humans))

    def _someone(self, draw: Draw) -> Subject:
        return self._person(draw) if draw.chance(0.38) else self._subject(draw, self._known.humans)

    def _tense(self, draw: Draw, subject: Subject) -> str:
        """A tense that is used in this person; the necessitative only if the subject is animate."""
        options = [(0.3, "past"), (0.24, "prog"), (0.2, "fut")]
        if subject.agreement[0] == "3":
            options += [(0.1, "evid"), (0.12, "aor")]
        if subject.noun.animate and subject.agreement[0] == "3":
            options += [(0.09, "nec")]
        return draw.weighted(options)

    def _when(self, draw: Draw, tense: str) -> list[Tree]:
        """An adverb that goes with the tense, in about half of the sentences."""
        if not draw.chance(0.5):
            return []
        form = draw.choice(self._known.words[f"when-{tense}"])
        return [Tree(form, {"NOUN": "obl", "INTJ": "discourse"}.get(form.upos, "advmod"))]

    def _clause(self, draw: Draw, subject: Subject, tense: str, verb: Verb, inner: list[Tree]) -> Tree:
        """Subject, time, what stands before the verb, and the verb."""
        polarity = "-" if tense != "opt" and draw.chance(0.25) else ""
        when = self._when(draw, tense)
        phrase = [] if subject.phrase is None else [subject.phrase]
        front = [*when, *phrase] if draw.chance(0.5) else [*phrase, *when]
        return Tree(verb.forms[f"{tense}{polarity}{subject.agreement}"], "root", [*front, *inner])

    def _does(self, draw: Draw, subject: Subject) -> tuple[Verb, list[Tree]]:
        """Something intransitive that the subject does."""
        verb = draw.choice(subject.noun.does)
        how = [self._word(draw, "how", "advmod")] if subject.noun.animate and draw.chance(0.1) else []
        return verb, [*self._obliques(draw, verb, subject.noun, 0.85, subject.agreement), *how]

    def _acts(self, draw: Draw, subject: Subject) -> tuple[Verb, list[Tree]]:
        """Something transitive that the subject does."""
        thing = draw.choice(subject.noun.objects)
        verb = draw.choice(thing.undergoes)
        chance = 0.0 if thing.kind == "body" else 0.55
        about = self._obliques(draw, verb, subject.noun, chance, subject.agreement)
        return verb, [*about, self._object(draw, verb, thing, subject.agreement)]
