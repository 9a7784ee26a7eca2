"""The generated English: clauses and sentences, long-distance agreement, each word in its own company."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from pitfalls.language.grammar import english_paradigms as en
from pitfalls.language.grammar.core import Draw, Form, Tree
from pitfalls.language.grammar.english_lexicon import Adjective, Noun, Verb
from pitfalls.language.grammar.english_phrases import NounPhrases
from pitfalls.language.grammar.english_words import (
    ADJECTIVE_TIMES,
    DEFINITE,
    INDEFINITE,
    LONGEST,
    MIDDLE,
    NEVER_FIRST,
    NO_PROGRESSIVE,
    OUTER,
    PASSING_OUTER,
    PAST,
    PLACES,
    PRESENT,
    SAYING,
    SIMPLE,
    SIMPLE_TIMES,
    STATE_MIDDLE,
    STATE_TIMES,
    TIMES,
    WANTING,
    Phrase,
    Time,
    active,
    after_that,
    auxiliaries,
    says_every,
    size,
    supported,
    time_phrase,
)


class English(NounPhrases):
    """The English of the mini world, a :class:`~pitfalls.language.grammar.core.Grammar`.

    Examples
    --------
    >>> from pitfalls.language.grammar.core import sentences, text
    >>> text(next(sentences(English(), seed=0))).split()[-1] in (".", "?")
    True
    """

    language = "eng"

    def __init__(self) -> None:
        super().__init__()
        self._constructions: tuple[tuple[float, Callable[[Draw], Tree]], ...] = (
            (0.18, self._intransitive),
            (0.21, self._transitive),
            (0.13, self._copular),
            (0.09, self._passive),
            (0.05, self._joined_subjects),
            (0.04, self._joined_verbs),
            (0.05, self._joined_clauses),
            (0.06, self._adverbial),
            (0.06, self._reported),
            (0.03, self._existential),
            (0.05, self._question),
            (0.05, self._wanted),
            (0.05, self._comparison),
        )

    def paradigms(self) -> Iterator[Form]:
        """Every form of every lemma, closed classes included."""
        for noun in self._nouns:
            yield from noun.forms.values()
        for verb in self._verbs.values():
            yield from verb.forms.all()
        for adjective in self._adjectives.values():
            yield from adjective.forms.values()
        yield from en.function_words()

    def sentence(self, draw: Draw) -> Tree:
        """One sentence of at most 20 words, its full stop or question mark included."""
        root = draw.weighted(self._constructions)(draw)
        while size(root) >= LONGEST:
            root = draw.weighted(self._constructions)(draw)
        if not root.right or root.right[-1].deprel != "punct":
            root.right.append(Tree(en.PERIOD, "punct"))
        return root

    # --- clauses

    def _time(self, draw: Draw, verb: Verb) -> Time:
        return draw.weighted({"state": STATE_TIMES, "event": NO_PROGRESSIVE}.get(verb.aspect, TIMES))

    def _verbal(self, draw: Draw, verb: Verb, subject: Phrase, time: Time, deprel: str, negated: bool) -> Tree:
        """A verb with its subject, auxiliaries and negation, still without objects."""
        helpers, main = (supported if negated else active)(verb.forms, time, subject.number)
        return self._assembled(main, subject, helpers, deprel, negated)

    @staticmethod
    def _assembled(main: Form, subject: Phrase, helpers: list[Tree], deprel: str, negated: bool) -> Tree:
        if negated:
            helpers.insert(1, Tree(en.NOT, "advmod"))
            if says_every(subject.tree):
                subject.tree.left[0].form = en.THE
        return Tree(main, deprel, left=[subject.tree, *helpers])

    def _when(self, draw: Draw, clause: Tree, verb: Verb, time: Time) -> None:
        """Add a time adverb or phrase that fits the tense and the verb, to about half of the clauses."""
        if verb.aspect == "state":
            self._add_middle(draw, clause, STATE_MIDDLE, time, 0.35)
            return
        if verb.aspect == "once" and time == (PRESENT, SIMPLE):
            return
        if verb.aspect == "once" and time == (PAST, SIMPLE):
            self._add_outer(draw, clause, OUTER, time, 0.55)
            return
        if draw.chance(0.4):
            self._add_middle(draw, clause, MIDDLE, time, 0.6)
        else:
            self._add_outer(draw, clause, OUTER, time, 0.6)

    @staticmethod
    def _add_middle(draw: Draw, clause: Tree, table: Mapping[Time, Sequence[str]], time: Time, chance: float) -> None:
        """An adverb after the first auxiliary, or before the verb if there is none; none next to "not"."""
        if any(child.form is en.NOT for child in clause.left) or not draw.chance(chance):
            return
        helpers = [i for i, child in enumerate(clause.left) if child.deprel in ("aux", "aux:pass", "cop")]
        place = helpers[0] + 1 if helpers else len(clause.left)
        every = any(says_every(child) for child in clause.left)
        adverbs = tuple(word for word in table[time] if not every or word not in ("never", "rarely"))
        clause.left.insert(place, Tree(en.ADVERBS[draw.choice(adverbs)], "advmod"))

    @staticmethod
    def _add_outer(
        draw: Draw, clause: Tree, table: Mapping[Time, Sequence[tuple[str, str]]], time: Time, chance: float
    ) -> None:
        if not draw.chance(chance):
            return
        modifier, word = draw.choice(table[time])
        phrase = time_phrase(modifier, word)
        if word not in NEVER_FIRST and clause.deprel == "root" and draw.chance(0.3):
            clause.left.insert(0, phrase)
        else:
            clause.right.append(phrase)

    def _noun(self, draw: Draw, weighted: Sequence[tuple[float, Sequence[Noun]]]) -> Noun:
        return draw.choice(draw.weighted(weighted))

    def _doing(self, draw: Draw, noun: Noun, subject: Phrase, verb: Verb, time: Time, deprel: str) -> Tree:
        """An intransitive clause."""
        clause = self._verbal(draw, verb, subject, time, deprel, draw.chance(0.1))
        if not subject.modified and noun.kind != "thing" and draw.chance(0.4):
            clause.right.append(self._located(draw, noun, "obl"))
        return clause

    def _acting(self, draw: Draw, noun: Noun, subject: Phrase, verb: Verb, time: Time, deprel: str) -> Tree:
        """A transitive clause."""
        patient = self._another(draw, self._patients[noun.kind, verb.lemma], noun)
        clause = self._verbal(draw, verb, subject, time, deprel, draw.chance(0.1))
        clause.right.append(self._object(draw, patient, subject))
        return clause

    def _being_so(self, draw: Draw, adjective: Adjective, subject: Phrase, time: Time, deprel: str) -> Tree:
        helpers = auxiliaries(time, subject.number, "cop")
        clause = self._assembled(adjective.forms["Pos"], subject, helpers, deprel, draw.chance(0.1))
        if "Cmp" in adjective.forms and draw.chance(0.15):
            clause.left.append(Tree(en.ADVERBS["very"], "advmod"))
        return clause

    # --- constructions

    def _intransitive(self, draw: Draw) -> Tree:
        noun = self._noun(draw, self._subjects)
        if not noun.does:
            return self._copular(draw)
        verb = self._verbs[draw.choice(noun.does)]
        time = self._time(draw, verb)
        subject = self._subject(draw, noun, "nsubj", time[0])
        clause = self._doing(draw, noun, subject, verb, time, "root")
        self._when(draw, clause, verb, time)
        return clause

    def _transitive(self, draw: Draw) -> Tree:
        noun = self._noun(draw, self._actors)
        verb = self._verbs[draw.choice(noun.acts)]
        time = self._time(draw, verb)
        subject = self._subject(draw, noun, "nsubj", time[0])
        clause = self._acting(draw, noun, subject, verb, time, "root")
        self._when(draw, clause, verb, time)
        return clause

    def _copular(self, draw: Draw) -> Tree:
        noun = self._noun(draw, self._subjects)
        tense = draw.choice((PRESENT, PAST))
        subject = self._subject(draw, noun, "nsubj", tense)
        adjective = self._quality(draw, noun, subject.tree)
        time = draw.weighted(ADJECTIVE_TIMES[tense] if adjective.passing else ((1.0, (tense, SIMPLE)),))
        clause = self._being_so(draw, adjective, subject, time, "root")
        if adjective.passing and draw.chance(0.5):
            self._add_outer(draw, clause, PASSING_OUTER, time, 0.8)
        elif adjective.passing:
            self._add_middle(draw, clause, STATE_MIDDLE, time, 0.5)
        return clause

    def _passive(self, draw: Draw) -> Tree:
        noun = draw.choice(self._nouns)
        kind, lemma = draw.choice(noun.undergoes)
        verb = self._verbs[lemma]
        time = draw.weighted(NO_PROGRESSIVE)
        subject = self._subject(draw, noun, "nsubj:pass", time[0])
        helpers = auxiliaries(time, subject.number, "aux:pass")
        clause = self._assembled(verb.forms.passive_participle, subject, helpers, "root", draw.chance(0.1))
        if not subject.modified or draw.chance(0.5):
            agent = self._phrase(draw, self._another(draw, self._agents[kind, lemma], noun), "obl:agent", adjective=0.2)
            agent.tree.left.insert(0, Tree(en.BY, "case"))
            clause.right.append(agent.tree)
        self._when(draw, clause, verb, time)
        return clause

    def _joined_subjects(self, draw: Draw) -> Tree:
        noun = draw.choice(tuple(n for n in self._animate if n.does))
        verb = self._verbs[draw.choice(noun.does)]
        time = self._time(draw, verb)
        first = self._phrase(draw, noun, "nsubj", determiners=PLACES, adjective=0.25)
        mate = self._another(draw, self._mates[noun.group, verb.lemma], noun)
        second = self._phrase(draw, mate, "conj", determiners=PLACES, adjective=0.2)
        second.tree.left.insert(0, Tree(en.AND, "cc"))
        first.tree.right.append(second.tree)
        subject = Phrase(first.tree, "Plur", "p", modified=True)
        clause = self._doing(draw, noun, subject, verb, time, "root")
        self._when(draw, clause, verb, time)
        return clause

    def _joined_verbs(self, draw: Draw) -> Tree:
        noun = draw.choice(self._animate)
        time = draw.weighted(SIMPLE_TIMES)
        subject = self._subject(draw, noun, "nsubj", time[0], modified=0.5)
        verb = self._habit(draw, noun.does)
        clause = Tree(verb.forms.finite[time[0], subject.number], "root", left=[subject.tree])
        other = self._habit(draw, noun.acts)
        patient = self._another(draw, self._patients[noun.kind, other.lemma], noun)
        second = Tree(other.forms.finite[time[0], subject.number], "conj", left=[Tree(en.AND, "cc")])
        second.right.append(self._told(draw, patient, adjective=0.35))
        clause.right.append(second)
        return clause

    def _simple_clause(self, draw: Draw, time: Time, deprel: str) -> Tree:
        """A short clause with its own subject, in a given simple tense."""
        noun = self._noun(draw, self._subjects)
        subject = self._phrase(draw, noun, "nsubj", adjective=0.45)
        if noun.group == "body":
            subject.tree.right.append(self._located(draw, noun, "nmod"))
        if noun.does and draw.chance(0.6):
            return self._doing(draw, noun, subject, self._verbs[draw.choice(noun.does)], time, deprel)
        return self._being_so(draw, self._quality(draw, noun, subject.tree), subject, time, deprel)

    def _mood(self, draw: Draw, time: Time, deprel: str) -> Tree:
        """Somebody is hungry or angry: a reason to do something, or to do it all the same."""
        noun = draw.choice(self._moody)
        subject = self._phrase(draw, noun, "nsubj", adjective=0)
        passing = tuple(word for word in noun.adjectives if self._adjectives[word].passing)
        return self._being_so(draw, self._adjectives[draw.choice(passing)], subject, time, deprel)

    def _deed(self, draw: Draw, time: Time, deprel: str) -> Tree:
        """What a person or an animal does, in few words and without a place."""
        noun = draw.choice(self._animate)
        subject = self._phrase(draw, noun, "nsubj", adjective=0.45)
        return self._verbal(draw, self._habit(draw, noun.does), subject, time, deprel, draw.chance(0.05))

    def _habit(self, draw: Draw, lemmas: Sequence[str]) -> Verb:
        """One of the verbs, preferably one that can happen more than once."""
        habits = tuple(lemma for lemma in lemmas if self._verbs[lemma].aspect != "once")
        return self._verbs[draw.choice(habits or lemmas)]

    def _joined_clauses(self, draw: Draw) -> Tree:
        noun = draw.choice(self._animate)
        time = draw.weighted(SIMPLE_TIMES)
        subject = self._phrase(draw, noun, "nsubj")
        verb = self._verbs[draw.choice(noun.acts)]
        clause = self._acting(draw, noun, subject, verb, time, "root")
        again = Phrase(
            Tree(en.SUBJECT_PRONOUNS[subject.person], "nsubj"), subject.number, subject.person, modified=True
        )
        second = self._doing(draw, noun, again, self._habit(draw, noun.does), time, "conj")
        second.left.insert(0, Tree(draw.weighted(((0.8, en.AND), (0.2, en.BUT))), "cc"))
        clause.right.append(second)
        return clause

    def _adverbial(self, draw: Draw) -> Tree:
        noun = draw.choice(self._animate)
        time = draw.weighted(SIMPLE_TIMES)
        subject = self._subject(draw, noun, "nsubj", time[0], modified=0.3)
        clause = self._verbal(draw, self._habit(draw, noun.does), subject, time, "root", draw.chance(0.1))
        word = draw.choice(tuple(en.CONJUNCTIONS))
        reason = word in ("because", "although")
        second = (self._mood if reason and draw.chance(0.5) else self._deed)(draw, time, "advcl")
        second.left.insert(0, Tree(en.CONJUNCTIONS[word], "mark"))
        clause.right.append(second)
        return clause

    def _reported(self, draw: Draw) -> Tree:
        time = draw.weighted(SIMPLE_TIMES)
        noun = draw.choice(self._people)
        subject = self._subject(draw, noun, "nsubj", time[0], modified=0.35)
        verb = self._verbs[draw.choice(SAYING)]
        clause = self._verbal(draw, verb, subject, time, "root", draw.chance(0.1))
        second = self._simple_clause(draw, time, "ccomp")
        after_that(second.left[0])
        second.left.insert(0, Tree(en.THAT, "mark"))
        clause.right.append(second)
        return clause

    def _existential(self, draw: Draw) -> Tree:
        noun = draw.choice(tuple(n for n in self._nouns if n.group not in ("body", "landscape")))
        phrase = self._phrase(draw, noun, "nsubj", determiners=INDEFINITE)
        tense = draw.choice((PRESENT, PAST))
        clause = Tree(en.EXISTENTIAL[tense + phrase.number], "root", left=[Tree(en.THERE, "expl")])
        clause.right.append(phrase.tree)
        if noun.group == "text":
            phrase.tree.right.append(self._located(draw, noun, "nmod"))
        else:
            clause.right.append(self._located(draw, noun, "obl"))
        return clause

    def _question(self, draw: Draw) -> Tree:
        noun = self._noun(draw, self._actors)
        verb = self._verbs[draw.choice(noun.acts)]
        time = self._time(draw, verb)
        subject = self._subject(draw, noun, "nsubj", time[0], modified=0.35)
        helpers, main = supported(verb.forms, time, subject.number)
        clause = Tree(main, "root", left=[*helpers, subject.tree])
        patient = self._another(draw, self._patients[noun.kind, verb.lemma], noun)
        clause.right += [self._object(draw, patient, subject), Tree(en.QUESTION_MARK, "punct")]
        return clause

    def _wanted(self, draw: Draw) -> Tree:
        noun = draw.choice(self._people)
        time = draw.weighted(SIMPLE_TIMES)
        subject = self._subject(draw, noun, "nsubj", time[0], modified=0.5)
        clause = self._verbal(draw, self._verbs[draw.choice(WANTING)], subject, time, "root", draw.chance(0.1))
        deeds = tuple(lemma for lemma in noun.acts if self._verbs[lemma].aspect != "state")
        verb = self._verbs[draw.choice(deeds or noun.acts)]
        wish = Tree(verb.forms.infinitive, "xcomp", left=[Tree(en.TO, "mark")])
        wish.right.append(self._object(draw, self._another(draw, self._patients[noun.kind, verb.lemma], noun), subject))
        clause.right.append(wish)
        return clause

    def _comparison(self, draw: Draw) -> Tree:
        noun = self._noun(draw, self._subjects)
        tense = draw.choice((PRESENT, PAST))
        subject = self._subject(draw, noun, "nsubj", tense, modified=0.4)
        adjective = self._quality(draw, noun, subject.tree)
        clause = Tree(adjective.forms.get("Cmp", adjective.forms["Pos"]), "root", left=[subject.tree])
        clause.left.append(Tree(en.BE[tense + subject.number], "cop"))
        if "Cmp" not in adjective.forms:
            return clause
        mate = self._another(draw, self._groups[noun.group], noun)
        other = self._phrase(draw, mate, "obl", determiners=DEFINITE, adjective=0.15)
        other.tree.left.insert(0, Tree(en.THAN, "case"))
        clause.right.append(other.tree)
        return clause
