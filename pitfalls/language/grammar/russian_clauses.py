"""Phrases and clauses of the generated Russian: what agrees with what, and in which order the words come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pitfalls.language.grammar.core import Draw, Tree
from pitfalls.language.grammar.russian_company import Pair, RussianCompany
from pitfalls.language.grammar.russian_paradigms import Noun, Verb
from pitfalls.language.grammar.russian_words import (
    AFTER_SUBJECT,
    ATTRIBUTES,
    DETERMINERS,
    IN_PLACES,
    NOT,
    NUMBERS,
    POSSESSIVES,
    PRONOUNS,
    REFLEXIVE_DETERMINERS,
    STATIVE,
    STATIVE_TIMES,
    TIMES,
    adverb,
    fixed_form,
    preposition,
)


@dataclass(frozen=True)
class Subject:
    """What a predicate agrees with: tree, agreement slot, animacy and person (``3`` or ``1``)."""

    tree: Tree
    slot: str
    animacy: str = "Inan"
    person: str = "3"

    @property
    def number(self) -> str:
        """``Plur`` or ``Sing``."""
        return "Plur" if self.slot == "Plur" else "Sing"


def comma() -> Tree:
    """A comma, as a tree of one word."""
    return Tree(fixed_form(",", "PUNCT"), "punct")


def first_word(tree: Tree) -> str:
    """The text of the word that stands first."""
    while tree.left:
        tree = tree.left[0]
    return tree.form.text


class RussianClauses(RussianCompany):
    """Noun phrases and clauses, which :class:`~pitfalls.language.grammar.russian.Russian` puts into sentences."""

    def _phrase(
        self,
        draw: Draw,
        word: Noun,
        number: str,
        case: str,
        deprel: str,
        adjective: float = 0.4,
        determiners: Sequence[str] = DETERMINERS,
    ) -> Tree:
        """A noun with perhaps a determiner (a possessive only for what people have) and an adjective."""
        tree = Tree(word.forms[number, case], deprel)
        slot = "Plur" if number == "Plur" else word.gender
        if determiners and draw.chance(0.15):
            lemma = draw.choice(determiners) if word.lemma in self._own else "этот"
            tree.left.append(Tree(self._determiners[lemma].forms[slot, case, word.animacy], "det"))
        if draw.chance(adjective):
            chosen = draw.choice(self._adjectives_of(word.lemma))
            tree.left.append(Tree(chosen.forms[slot, case, word.animacy], "amod"))
        return tree

    def _prepositional(self, draw: Draw, base: str, case: str, word: Noun, deprel: str, adjective: float = 0.3) -> Tree:
        """A prepositional phrase; after в and на a second locative is used where the noun has one."""
        number = draw.weighted(((0.6, "Sing"), (0.4, "Plur")))
        tree = self._phrase(draw, word, number, case, deprel, adjective)
        if case == "Loc" and number == "Sing" and base in ("в", "на") and word.locative2:
            tree.form = word.locative2
        text = preposition(base, first_word(tree))
        tree.left.insert(0, Tree(fixed_form(text, "ADP"), "case"))
        return tree

    def _place(self, draw: Draw, word: Noun, deprel: str = "obl") -> Tree:
        return self._prepositional(draw, word.preposition, "Loc", word, deprel)

    def _attribute(self, draw: Draw, word: Noun) -> Tree:
        """A genitive or a prepositional phrase that may stand after ``word``: a noun with its own number."""
        choices = ATTRIBUTES[word.kind]
        if word in self._kinds["pet"]:
            choices = (*choices, ("", "Gen", ("person",)))
        base, case, kinds = draw.choice(choices)
        other = self._noun(draw, *kinds, other_than=word)
        if base == "из" and other.preposition == "на":
            base = "с"
        if not base:
            return self._phrase(draw, other, draw.choice(NUMBERS), case, "nmod", 0.25)
        if case == "Loc" and base == "на":
            base = other.preposition
        return self._prepositional(draw, base, case, other, "nmod", 0.25)

    def _add_attribute(self, draw: Draw, tree: Tree, word: Noun) -> None:
        """Put an attribute after a noun; before a genitive the noun loses its мой or твой."""
        attribute = self._attribute(draw, word)
        if not any(child.deprel == "case" for child in attribute.left):
            tree.left = [child for child in tree.left if child.form.lemma not in POSSESSIVES]
        tree.right.append(attribute)

    def _subject(
        self, draw: Draw, word: Noun, deprel: str = "nsubj", determiners: Sequence[str] = DETERMINERS
    ) -> Subject:
        """A nominative phrase, in most cases with an attribute or a relative clause after its noun."""
        number = draw.choice(NUMBERS)
        tree = self._phrase(draw, word, number, "Nom", deprel, 0.35, determiners)
        slot = "Plur" if number == "Plur" else word.gender
        kind = draw.weighted(((0.38, "bare"), (0.42, "attribute"), (0.20, "relative")))
        if kind == "attribute":
            self._add_attribute(draw, tree, word)
        elif kind == "relative":
            tree.right.append(self._relative(draw, word, slot))
        return Subject(tree, slot, word.animacy)

    def _relative(self, draw: Draw, word: Noun, slot: str) -> Tree:
        """A relative clause with который as subject, object or passive subject."""
        tense = draw.weighted(((0.42, "Pres"), (0.46, "Past"), (0.12, "Fut")))
        kind = draw.choice(("subject", "object", "object", "oblique", "oblique", "passive"))
        passives = self._passives(word) if kind == "passive" else []
        who = self._who.forms
        if passives:
            pronoun = Subject(Tree(who[slot, "Nom", word.animacy], "nsubj:pass"), slot, word.animacy)
            clause = self._passive_clause(draw, pronoun, draw.choice(passives), "Past")
        elif kind == "object":
            person = self._noun(draw, "person", other_than=word)
            subject = self._plain_subject(draw, person)
            clause = self._clause(draw, subject, draw.choice(self._verbs_of(word.lemma, "object")), tense)
            clause.left.insert(0, Tree(who[slot, "Acc", word.animacy], "obj"))
        elif kind == "oblique" and self._roles(word):
            case, base, pairs = draw.choice(self._roles(word))
            subject = self._plain_subject(draw, self._noun(draw, "person", other_than=word))
            clause = self._clause(draw, subject, draw.choice(pairs), tense)
            pronoun_tree = Tree(who[slot, case, word.animacy], "iobj" if case == "Dat" else "obl")
            pronoun_tree.left += [Tree(fixed_form(base, "ADP"), "case")] if base else []
            clause.left.insert(0, pronoun_tree)
        else:
            pronoun = Subject(Tree(who[slot, "Nom", word.animacy], "nsubj"), slot, word.animacy)
            clause = self._clause(draw, pronoun, draw.choice(self._verbs_of(word.lemma, "subject")), tense)
        clause.deprel = "acl:relcl"
        clause.left.insert(0, comma())
        clause.right.append(comma())
        return clause

    def _roles(self, word: Noun) -> list[tuple[str, str, tuple[Pair, ...]]]:
        """Case, preposition and verbs with which который may stand for ``word``: которому помогает врач."""
        places = self._kinds["spot"] + self._kinds["building"]
        known = [
            (case, base, self._verbs_of(word.lemma, role))
            for case, base, role in (
                ("Dat", "", "dative"),
                ("Loc", "о", "about"),
                ("Ins", "", "instrumental"),
            )
            if (word.lemma, role) in self._company
        ]
        if word in places:
            known.append(("Loc", word.preposition, self._pairs(IN_PLACES)))
        return known

    def _plain_subject(self, draw: Draw, word: Noun) -> Subject:
        """A nominative phrase without anything after its noun."""
        number = draw.choice(NUMBERS)
        slot = "Plur" if number == "Plur" else word.gender
        return Subject(self._phrase(draw, word, number, "Nom", "nsubj", 0.2), slot, word.animacy)

    def _object(
        self,
        draw: Draw,
        word: Noun,
        deprel: str = "obj",
        case: str = "Acc",
        determiners: Sequence[str] = REFLEXIVE_DETERMINERS,
    ) -> Tree:
        """An object phrase, now and then with an attribute of its own or coordinated with another noun."""
        number = draw.choice(NUMBERS)
        tree = self._phrase(draw, word, number, case, deprel, determiners=determiners)
        if draw.chance(0.15):
            self._add_attribute(draw, tree, word)
        elif draw.chance(0.1):
            kind = "pet" if word in self._kinds["pet"] else word.kind
            other = self._noun(draw, kind, other_than=word)
            conjunct = Tree(other.forms[draw.choice(NUMBERS), case], "conj")
            conjunct.left.append(Tree(fixed_form("и", "CCONJ"), "cc"))
            tree.right.append(conjunct)
        return tree

    def _clause(self, draw: Draw, subject: Subject, pair: Pair, tense: str, negated: float = 0.06) -> Tree:
        """Subject and finite verb (or будет and an infinitive) in agreement; complements are added after."""
        perfective = pair.perfective
        chosen = pair.imperfective
        if perfective and ((tense == "Fut" and draw.chance(0.88)) or (tense == "Past" and draw.chance(0.6))):
            chosen = perfective
        key = "We" if subject.person == "1" else subject.number
        auxiliary: list[Tree] = []
        if tense == "Past":
            form = chosen.past[subject.slot]
        elif tense == "Fut" and chosen.aspect == "Imp":
            form = chosen.infinitive
            auxiliary = [Tree(self._be["Fut", key], "aux")]
        else:
            form = chosen.nonpast[key]
        negation = [Tree(NOT, "advmod")] if draw.chance(negated) else []
        return Tree(form, "root", [subject.tree, *negation, *auxiliary])

    def _passives(self, word: Noun) -> list[Verb]:
        pairs = self._verbs_of(word.lemma, "object")
        return [pair.perfective for pair in pairs if pair.perfective and pair.perfective.passive]

    def _passive_clause(self, draw: Draw, subject: Subject, chosen: Verb, tense: str) -> Tree:
        clause = Tree(chosen.passive[subject.slot, subject.animacy], "root", [subject.tree])
        if tense != "Pres":
            clause.left.append(self._copula(subject, tense, "aux:pass"))
        if draw.chance(0.55):
            agent = self._phrase(draw, self._noun(draw, "person"), draw.choice(NUMBERS), "Ins", "obl:agent", 0.25)
            clause.right.append(agent)
        return clause

    def _copula(self, subject: Subject, tense: str, deprel: str) -> Tree:
        key = subject.slot if tense == "Past" else subject.number
        return Tree(self._be[tense, key], deprel)

    def _time(self, draw: Draw, clause: Tree, tense: str, lemma: str = "", probability: float = 0.5) -> None:
        """Put a time adverb that fits the tense before or after the subject."""
        if not draw.chance(probability):
            return
        stative = lemma in STATIVE and dict(clause.form.feats).get("Aspect") != "Perf"
        words = (STATIVE_TIMES if stative else TIMES)[tense]
        if any(child.form is NOT for child in clause.left):
            words = tuple(word for word in words if word not in AFTER_SUBJECT)
        chosen = draw.choice(words)
        position = 1 if chosen in AFTER_SUBJECT else draw.weighted(((0.65, 0), (0.35, 1)))
        clause.left.insert(position, Tree(adverb(chosen), "advmod"))

    def _someone(self, draw: Draw, *kinds: str) -> tuple[Noun, Subject]:
        word = self._noun(draw, *kinds)
        return word, self._subject(draw, word)

    def _actor(self, draw: Draw) -> tuple[Noun, Subject]:
        """A person as subject, one time in eight a pronoun."""
        word = self._noun(draw, "person")
        if draw.chance(0.12):
            slot, person, form = draw.choice(PRONOUNS)
            return word, Subject(Tree(form, "nsubj"), slot, "Anim", person)
        if draw.chance(0.12):
            return word, self._couple(draw, word)
        return word, self._subject(draw, word)

    def _couple(self, draw: Draw, word: Noun) -> Subject:
        """Two people joined by и: the verb is plural, whatever number each has."""
        first = self._phrase(draw, word, draw.choice(NUMBERS), "Nom", "nsubj", 0.3)
        other = self._noun(draw, "person", other_than=word)
        second = self._phrase(draw, other, draw.choice(NUMBERS), "Nom", "conj", 0.3)
        second.left.insert(0, Tree(fixed_form("и", "CCONJ"), "cc"))
        first.right.append(second)
        return Subject(first, "Plur", "Anim")

    def _tense(self, draw: Draw) -> str:
        return draw.weighted(((0.36, "Pres"), (0.37, "Past"), (0.27, "Fut")))

    def _short_clause(self, draw: Draw, tense: str) -> Tree:
        word = self._noun(draw, "person", "animal")
        subject = self._plain_subject(draw, word)
        if draw.chance(0.4):
            self._add_attribute(draw, subject.tree, word)
        if draw.chance(0.5):
            return self._clause(draw, subject, draw.choice(self._verbs_of(word.lemma, "subject")), tense)
        target = self._noun(draw, "person", "animal", other_than=word)
        role, owner = ("prey", word) if word.kind == "animal" else ("object", target)
        clause = self._clause(draw, subject, draw.choice(self._verbs_of(owner.lemma, role)), tense)
        clause.right.append(self._phrase(draw, target, draw.choice(NUMBERS), "Acc", "obj", 0.2))
        return clause
