"""English noun phrases of the mini world: determiners, adjectives, places, owners and relative clauses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from pitfalls.language.grammar import english_paradigms as en
from pitfalls.language.grammar.core import Draw, Form, Tree
from pitfalls.language.grammar.english_lexicon import (
    Adjective,
    Noun,
    grouped,
    read_adjectives,
    read_nouns,
    read_places,
    read_verbs,
)
from pitfalls.language.grammar.english_words import (
    DETERMINERS,
    NOT_WHERE,
    OBJECT_MODIFIED,
    OBJECTS,
    OWNED,
    PAST,
    PLACES,
    SUBJECT_MODIFIED,
    Determiners,
    Phrase,
    after_that,
    starts_with_vowel_sound,
)


class NounPhrases:
    """The lexicon, who may do what to whom in it, and the noun phrases drawn from it."""

    def __init__(self) -> None:
        self._verbs = read_verbs()
        self._adjectives = read_adjectives()
        self._nouns = tuple(read_nouns())
        self._places = read_places()
        self._groups = grouped(self._nouns, lambda noun: (noun.group,))
        self._agents = grouped(self._nouns, lambda noun: tuple((noun.kind, verb) for verb in noun.acts))
        self._patients = grouped(self._nouns, lambda noun: noun.undergoes)
        self._mates = grouped(self._nouns, lambda noun: tuple((noun.group, verb) for verb in noun.does))
        self._people = self._groups["person"]
        self._animate = tuple(noun for noun in self._nouns if noun.kind != "thing")
        self._moody = tuple(
            noun for noun in self._animate if any(self._adjectives[word].passing for word in noun.adjectives)
        )
        things = tuple(noun for noun in self._nouns if noun.kind == "thing")
        animals = tuple(noun for noun in self._animate if noun.kind == "animal")
        self._subjects = ((0.36, self._people), (0.22, animals), (0.42, things))
        acting = tuple(noun for noun in things if noun.acts)
        self._actors = ((0.55, self._people), (0.27, animals), (0.18, acting))

    # --- noun phrases

    def _phrase(
        self,
        draw: Draw,
        noun: Noun,
        deprel: str,
        determiners: Mapping[str, Determiners] = DETERMINERS,
        adjective: float = 0.35,
        number: str = "",
    ) -> Phrase:
        number = number or draw.choice(("Sing", "Plur"))
        tree = Tree(noun.forms[number], deprel)
        form, relation = draw.weighted(determiners[number])
        if draw.chance(adjective):
            tree.left.append(Tree(self._adjectives[draw.choice(noun.adjectives)].forms["Pos"], "amod"))
        first = tree.left[0].form if tree.left else tree.form
        if form is en.A and starts_with_vowel_sound(first.text):
            form = en.AN
        tree.left.insert(0, Tree(form, relation))
        return Phrase(tree, number, self._taken_up(draw, noun, number))

    @staticmethod
    def _taken_up(draw: Draw, noun: Noun, number: str) -> str:
        if number == "Plur":
            return "p"
        if noun.kind == "person":
            return noun.gender or draw.choice(("m", "f"))
        return "n"

    def _subject(self, draw: Draw, noun: Noun, deprel: str, tense: str, modified: float = SUBJECT_MODIFIED) -> Phrase:
        if noun.group == "body":
            modified = 1
        if draw.chance(0.09):
            return self._pronoun(draw, noun, deprel)
        if not draw.chance(modified):
            return self._phrase(draw, noun, deprel, adjective=0.45)
        phrase = self._phrase(draw, noun, deprel, adjective=0.25)
        phrase.tree.right.append(self._modifier(draw, noun, phrase.tree, phrase.number, tense))
        return Phrase(phrase.tree, phrase.number, phrase.person, modified=True)

    def _pronoun(self, draw: Draw, noun: Noun, deprel: str) -> Phrase:
        number = draw.choice(("Sing", "Plur"))
        person = self._taken_up(draw, noun, number)
        forms = en.OBJECT_PRONOUNS if deprel == "obj" else en.SUBJECT_PRONOUNS
        return Phrase(Tree(forms[person], deprel), number, person)

    def _object(self, draw: Draw, noun: Noun, subject: Phrase) -> Tree:
        if noun.group != "body" and draw.chance(0.07):
            return self._pronoun(draw, noun, "obj").tree
        owned = noun.group in OWNED and subject.person != "n" and draw.chance(0.45)
        # A person has one head and two knees, so the owner and the number go together.
        number = subject.number if owned and noun.group == "body" else ""
        phrase = self._phrase(draw, noun, "obj", determiners=OBJECTS, number=number)
        if owned:
            phrase.tree.left[0] = Tree(en.POSSESSIVES[subject.person], "nmod:poss")
        elif noun.group == "body" or (not subject.modified and draw.chance(OBJECT_MODIFIED)):
            phrase.tree.right.append(self._located(draw, noun, "nmod"))
        return phrase.tree

    def _told(self, draw: Draw, noun: Noun, adjective: float) -> Tree:
        """An object in few words: a determiner, perhaps an adjective, and the owner if it is part of a body."""
        tree = self._phrase(draw, noun, "obj", determiners=OBJECTS, adjective=adjective).tree
        if noun.group == "body":
            tree.right.append(self._located(draw, noun, "nmod"))
        return tree

    def _located(self, draw: Draw, noun: Noun, deprel: str) -> Tree:
        """A prepositional phrase that fits ``noun``."""
        pairs = self._places[noun.group]
        if deprel == "obl":
            pairs = tuple(pair for pair in pairs if pair[0] not in NOT_WHERE)
        preposition, group = draw.choice(pairs)
        other = self._another(draw, self._groups[group], noun)
        phrase = self._phrase(draw, other, deprel, determiners=PLACES, adjective=0.2)
        phrase.tree.left.insert(0, Tree(en.PREPOSITIONS[preposition], "case"))
        return phrase.tree

    @staticmethod
    def _another(draw: Draw, nouns: Sequence[Noun], noun: Noun) -> Noun:
        """One of ``nouns``, not ``noun`` itself if there is any other."""
        other = draw.choice(nouns)
        return nouns[(nouns.index(other) + 1) % len(nouns)] if other is noun else other

    def _modifier(self, draw: Draw, noun: Noun, phrase: Tree, number: str, tense: str) -> Tree:
        if noun.group == "body" or draw.chance(0.55):
            return self._located(draw, noun, "nmod")
        return self._relative(draw, noun, phrase, number, tense)

    def _quality(self, draw: Draw, noun: Noun, subject: Tree) -> Adjective:
        """One of the noun's adjectives that neither repeats nor contradicts what its phrase says already."""
        said = tuple(child.form.lemma for child in (*subject.left, *subject.right) if child.form.upos == "ADJ")
        scales = tuple(self._adjectives[word].scale for word in said if word in self._adjectives)
        free = tuple(
            word for word in noun.adjectives if word not in said and self._adjectives[word].scale not in scales
        )
        return self._adjectives[draw.choice(free or noun.adjectives)]

    # --- relative clauses

    def _relative(self, draw: Draw, noun: Noun, phrase: Tree, number: str, tense: str) -> Tree:
        builders: list[Callable[[Draw, Noun, Tree, str, str], Tree]] = [
            self._object_relative,
            self._object_relative,
        ]
        if noun.acts:
            builders += [self._acting_relative, self._acting_relative]
        builders.append(self._being_relative)
        return draw.choice(builders)(draw, noun, phrase, number, tense)

    @staticmethod
    def _relativizer(draw: Draw, noun: Noun) -> Form:
        return en.WHO if noun.kind == "person" and draw.chance(0.7) else en.THAT_RELATIVE

    def _acting_relative(self, draw: Draw, noun: Noun, phrase: Tree, number: str, tense: str) -> Tree:
        verb = self._verbs[draw.choice(noun.acts)]
        patient = self._another(draw, self._patients[noun.kind, verb.lemma], noun)
        clause = Tree(verb.forms.finite[tense, number], "acl:relcl")
        clause.left.append(Tree(self._relativizer(draw, noun), "nsubj"))
        clause.right.append(self._told(draw, patient, adjective=0.15))
        return clause

    def _object_relative(self, draw: Draw, noun: Noun, phrase: Tree, number: str, tense: str) -> Tree:
        kind, lemma = draw.choice(noun.undergoes)
        verb = self._verbs[lemma]
        agent = self._another(draw, self._agents[kind, lemma], noun)
        subject = self._phrase(draw, agent, "nsubj", adjective=0.15)
        if verb.aspect != "state" and draw.chance(0.4):
            tense = PAST
        clause = Tree(verb.forms.finite[tense, subject.number], "acl:relcl")
        clause.left += [Tree(en.THAT_RELATIVE, "obj"), after_that(subject.tree)]
        return clause

    def _being_relative(self, draw: Draw, noun: Noun, phrase: Tree, number: str, tense: str) -> Tree:
        clause = Tree(self._quality(draw, noun, phrase).forms["Pos"], "acl:relcl")
        clause.left.append(Tree(self._relativizer(draw, noun), "nsubj"))
        clause.left.append(Tree(en.BE[tense + number], "cop"))
        return clause
