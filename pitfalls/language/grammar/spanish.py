"""A generated Spanish: pro-drop, gender and number agreement, ser and estar, four tenses and the subjunctive.

Annotated as UD Spanish GSD. The words are in :mod:`~pitfalls.language.grammar.spanish_paradigms` and
:mod:`~pitfalls.language.grammar.spanish_words`, who does what in
:mod:`~pitfalls.language.grammar.spanish_company`, phrases and clauses in
:mod:`~pitfalls.language.grammar.spanish_clauses`; here they become sentences.
"""

from __future__ import annotations

from collections.abc import Iterator

from pitfalls.language.grammar.core import Draw, Form, Tree
from pitfalls.language.grammar.spanish_clauses import INNER, PEOPLE, TENSES, Phrase, SpanishClauses, size
from pitfalls.language.grammar.spanish_company import LOCATIONS, Company
from pitfalls.language.grammar.spanish_paradigms import NUMBERS

_PLACE_TENSES = ((0.5, "Pres"), (0.35, "Imp"), (0.15, "Fut"))
_LONGEST = 20
_SUBJECTS = (
    (0.28, "adult"), (0.11, "child"), (0.11, "animal"), (0.06, "bird"), (0.05, "building"), (0.03, "place"),
    (0.06, "vehicle"), (0.04, "tool"), (0.04, "container"), (0.04, "food"), (0.04, "plant"),
    (0.04, "clothing"), (0.03, "furniture"), (0.05, "text"), (0.04, "abstract"), (0.04, "event"),
)  # fmt: skip
_ACTORS = ((0.48, "adult"), (0.2, "child"), (0.2, "animal"), (0.12, "bird"))
_LOCATED = ("adult", "child", "animal", "bird", *(name for name in LOCATIONS if name not in
            ("adult", "child", "wild", "farm", "pet", "car")))  # fmt: skip
_PERSONS = (("1", "Sing"), ("2", "Sing"), ("2", "Sing"), ("1", "Plur"), ("3", "Sing"), ("3", "Plur"))
_LIKED = ("food", "clothing", "creature", "plant", "text", "event", "place", "vehicle")
_PRESENTED = ("tool", "container", "food", "clothing", "furniture", "plant")


class Spanish(SpanishClauses):
    """The generated Spanish: a :class:`~pitfalls.language.grammar.core.Grammar`.

    Examples
    --------
    >>> from pitfalls.language.grammar.core import linearise
    >>> linearise(Spanish().sentence(Draw(seed=0)))[-1].deprel
    'punct'
    """

    language = "spa"

    def __init__(self) -> None:
        super().__init__()
        self._makers_of_things = [one for one in self._classes["adult"] if one.passives]
        self._makers = (
            (0.15, self._intransitive),
            (0.22, self._transitive),
            (0.13, self._copular),
            (0.05, self._located),
            (0.04, self._existential),
            (0.03, self._presented),
            (0.04, self._liked),
            (0.09, self._personal),
            (0.06, self._coordinated),
            (0.05, self._reported),
            (0.11, self._wished),
            (0.05, self._while),
            (0.04, self._passive),
            (0.03, self._question),
            (0.03, self._command),
        )

    def paradigms(self) -> Iterator[Form]:
        """Every form of every lemma."""
        for noun in self.nouns:
            yield from dict.fromkeys(noun.forms.values())
        for adjective in self.adjectives:
            yield from dict.fromkeys(adjective.forms.values())
        for verb in self.verbs:
            yield from verb.forms
        yield from self.words.forms()

    def sentence(self, draw: Draw) -> Tree:
        """One sentence in one of fifteen constructions, at most 20 words long."""
        tree = draw.weighted(self._makers)(draw)
        while size(tree) > _LONGEST:
            tree = draw.weighted(self._makers)(draw)
        return tree

    def _intransitive(self, draw: Draw) -> Tree:
        company = self._noun(draw, draw.weighted(_SUBJECTS))
        subject = self._subject(draw, company)
        tense = draw.weighted(TENSES)
        action = draw.choice(subject.unsaid(company.intransitive))
        tree = self._around(draw, action, self._finite(draw, action, tense, subject))
        return self._statement(draw, subject.tree, tree, tense)

    def _transitive(self, draw: Draw) -> Tree:
        subject = self._subject(draw, self._noun(draw, draw.weighted(_ACTORS)))
        tense = draw.weighted(TENSES)
        return self._statement(draw, subject.tree, self._clause(draw, subject, tense), tense)

    def _copular(self, draw: Draw) -> Tree:
        subject = self._subject(draw, self._noun(draw, draw.weighted(_SUBJECTS)))
        tree, tense, time = self._quality(draw, subject)
        return self._statement(draw, subject.tree, tree, tense, time)

    def _located(self, draw: Draw) -> Tree:
        """``las llaves de la vecina están sobre la mesa``."""
        company = self._noun(draw, draw.choice(_LOCATED))
        subject = self._phrase(draw, company, "nsubj", richness=0.7, modifiers=company.belongings)
        tense = draw.weighted(_PLACE_TENSES)
        tree = Tree(self.words.auxiliary("estar", "Ind", tense, "3", subject.number, "VERB"), "root")
        tree.right.append(self._placed(draw, draw.choice(company.locations), "obl", company))
        return self._statement(draw, subject.tree, tree, tense, 0.3)

    def _some(self, draw: Draw, company: Company, deprel: str) -> Phrase:
        """An indefinite noun phrase."""
        gender, number = draw.choice(company.noun.genders), draw.choice(NUMBERS)
        tree = Tree(company.noun.forms[gender, number], deprel)
        article = "Masc" if company.noun.stressed_a and number == "Sing" else gender
        tree.left += self.words.indefinite(draw, gender, article, number)
        if draw.chance(0.4):
            tree.right.append(Tree(draw.choice(company.adjectives).forms[gender, number], "amod"))
        return Phrase(tree, company, gender, number)

    def _existential(self, draw: Draw) -> Tree:
        """``hay tres libros rojos sobre la mesa``."""
        company = self._noun(draw, draw.choice(_LOCATED))
        tree = Tree(self.words.there_is(draw.weighted(_PLACE_TENSES)), "root")
        thing = self._some(draw, company, "obj").tree
        place = self._placed(draw, draw.choice(company.locations), "obl", company)
        if draw.chance(0.35):
            tree.left.append(place)
            tree.right.append(thing)
        else:
            tree.right += [thing, place]
        return self._ended(tree)

    def _presented(self, draw: Draw) -> Tree:
        """``ayer faltaron dos sillas``: the subject after the verb."""
        company = self._noun(draw, draw.choice(_PRESENTED))
        thing = self._some(draw, company, "nsubj")
        verb = self._verb[draw.choice(("faltar", "quedar", "aparecer"))]
        tense = draw.weighted(TENSES)
        tree = Tree(verb.finite["Ind", tense, "3", thing.number], "root", right=[thing.tree])
        if draw.chance(0.6):
            tree.right.append(self._placed(draw, draw.choice(company.locations), "obl", company))
        if draw.chance(0.4):
            self._time(draw, tree, tense)
        return self._ended(tree)

    def _liked(self, draw: Draw) -> Tree:
        """``a la abuela le gustan los gatos``: the verb agrees with what is liked."""
        tense = draw.weighted(((0.65, "Pres"), (0.35, "Imp")))
        thing = self._phrase(draw, self._noun(draw, draw.choice(_LIKED)), "nsubj", richness=0.3, kinds=INNER)
        tree = Tree(self._verb["gustar"].finite["Ind", tense, "3", thing.number], "root", right=[thing.tree])
        if draw.chance(0.35):
            person, number = draw.choice((("1", "Sing"), ("2", "Sing"), ("1", "Plur")))
            experiencer = None
        else:
            company = self._noun(draw, draw.weighted(PEOPLE))
            who = self._phrase(draw, company, "obl:arg", after="a", richness=0.2)
            who.tree.left.insert(0, self.words.preposition("a"))
            person, number, experiencer = "3", who.number, who.tree
        tree.left.append(Tree(self.words.dative(person, number), "obl:arg"))
        return self._statement(draw, experiencer, tree, tense, 0.0)

    def _personal(self, draw: Draw) -> Tree:
        """First and second persons, and third-person pronouns; the subject may go unsaid."""
        company = self._noun(draw, draw.weighted(PEOPLE))
        gender = draw.choice(company.noun.genders)
        person, number = draw.choice(_PERSONS)
        pronoun = Tree(self.words.pronoun(person, number, gender), "nsubj")
        subject = Phrase(pronoun, company, gender, number, person)
        said = pronoun if person == "3" or draw.chance(0.35) else None
        if draw.chance(0.3):
            tree, tense, time = self._quality(draw, subject)
            return self._statement(draw, said, tree, tense, time)
        tense = draw.weighted(TENSES)
        return self._statement(draw, said, self._clause(draw, subject, tense), tense)

    def _coordinated(self, draw: Draw) -> Tree:
        """Two subjects, two predicates, or an object taken up by a pronoun."""
        maker = draw.choice((self._two_subjects, self._two_predicates, self._clitic))
        return maker(draw, self._noun(draw, draw.weighted(_ACTORS)))

    def _two_subjects(self, draw: Draw, company: Company) -> Tree:
        first = self._phrase(draw, company, "nsubj", kinds=INNER)
        other = self._phrase(draw, self._noun(draw, company.kind, company), "conj", kinds=INNER)
        other.tree.left.insert(0, Tree(self.words.conjunction(other.tree), "cc"))
        first.tree.right.append(other.tree)
        gender = "Fem" if first.gender == other.gender == "Fem" else "Masc"
        subject = Phrase(first.tree, company, gender, "Plur")
        if draw.chance(0.4):
            tree, tense, time = self._quality(draw, subject)
            return self._statement(draw, subject.tree, tree, tense, time)
        tense = draw.weighted(TENSES)
        return self._statement(draw, subject.tree, self._clause(draw, subject, tense), tense)

    def _two_predicates(self, draw: Draw, company: Company) -> Tree:
        subject, tense = self._subject(draw, company), draw.weighted(TENSES)
        tree = self._simple_clause(draw, subject, tense)
        second = self._simple_clause(draw, subject, tense)
        while second.form == tree.form:
            second = self._simple_clause(draw, subject, tense)
        second.deprel = "conj"
        second.left.insert(0, Tree(self.words.conjunction(second), "cc"))
        tree.right.append(second)
        return self._statement(draw, subject.tree, tree, tense)

    def _clitic(self, draw: Draw, company: Company) -> Tree:
        """``la niña compra el libro y lo lee``: the pronoun agrees with the object."""
        subject, tense = self._subject(draw, company), draw.weighted(TENSES)
        action, objects = draw.choice(company.transitive)
        goal = self._object(draw, draw.choice(objects), 0.0)
        tree = self._simple(action, tense, subject)
        tree.right.append(goal.tree)
        others = [other for other in company.actions_on(goal.company) if other is not action]
        if others:
            second = self._simple(draw.choice(others), tense, subject)
            second.deprel = "conj"
            second.left += [
                Tree(self.words["y"], "cc"),
                Tree(self.words.clitic(goal.gender, goal.number), "obj"),
            ]
            tree.right.append(second)
        return self._statement(draw, subject.tree, tree, tense)

    def _embedded(self, draw: Draw, deprel: str, word: str, tense: str, mood: str = "Ind") -> Tree:
        """A whole clause after its conjunction: subject and predicate, or subject and adjective."""
        if word not in ("cuando", "mientras") and draw.chance(0.4):
            subject = self._phrase(draw, self._noun(draw, draw.weighted(_SUBJECTS)), "nsubj", richness=0.4)
            tree, _, _ = self._quality(draw, subject, tense, mood)
        else:
            subject = self._phrase(draw, self._noun(draw, draw.weighted(_ACTORS)), "nsubj", richness=0.3)
            tree = self._simple_clause(draw, subject, tense, mood)
        if draw.chance(0.08):
            tree.left.insert(0, Tree(self.words["no"], "advmod"))
        tree.left.insert(0, subject.tree)
        tree.left.insert(0, Tree(self.words[word], "advmod" if word == "ojalá" else "mark"))
        tree.deprel = deprel
        return tree

    def _reported(self, draw: Draw) -> Tree:
        """``el médico dice que ...``."""
        subject = self._phrase(draw, self._noun(draw, draw.weighted(PEOPLE)), "nsubj", richness=0.2)
        times = (("Pres", "Pres"), ("Pres", "Past"), ("Pres", "Fut"), ("Past", "Imp"), ("Imp", "Imp"))
        tense, inner = draw.choice(times)
        verb = self._verb[draw.choice(("decir", "creer", "pensar"))]
        tree = Tree(verb.finite["Ind", tense, "3", subject.number], "root")
        tree.right.append(self._embedded(draw, "ccomp", "que", inner))
        return self._statement(draw, subject.tree, tree, tense, 0.0)

    def _wished(self, draw: Draw) -> Tree:
        """The subjunctive: after ojalá, querer que, and cuando with a future."""
        kind = draw.choice(("querer", "cuando", "ojalá"))
        if kind == "ojalá":
            return self._ended(self._embedded(draw, "root", "ojalá", "Pres", "Sub"))
        subject = self._phrase(draw, self._noun(draw, draw.weighted(PEOPLE)), "nsubj", richness=0.2)
        if kind == "querer":
            tense = draw.weighted(((0.8, "Pres"), (0.2, "Fut")))
            tree = Tree(self._verb["querer"].finite["Ind", tense, "3", subject.number], "root")
            tree.right.append(self._embedded(draw, "ccomp", "que", "Pres", "Sub"))
        else:
            tense = "Fut"
            tree = self._simple_clause(draw, subject, tense)
            tree.right.append(self._embedded(draw, "advcl", "cuando", "Pres", "Sub"))
        return self._statement(draw, subject.tree, tree, tense, 0.0)

    def _while(self, draw: Draw) -> Tree:
        """``mientras``, ``porque``, ``cuando``: two clauses in tenses that go together."""
        word, tense, inner = draw.choice(
            (
                ("mientras", "Pres", "Pres"),
                ("mientras", "Imp", "Imp"),
                ("porque", "Pres", "Pres"),
                ("porque", "Past", "Imp"),
                ("cuando", "Past", "Imp"),
                ("cuando", "Imp", "Imp"),
            )
        )
        subject = self._phrase(draw, self._noun(draw, draw.weighted(_ACTORS)), "nsubj", richness=0.2)
        tree = self._simple_clause(draw, subject, tense)
        tree.left.insert(0, subject.tree)
        clause = self._embedded(draw, "advcl", word, inner)
        if word != "porque" and draw.chance(0.4):
            clause.right.append(Tree(self.words[","], "punct"))
            tree.left.insert(0, clause)
        else:
            tree.right.append(clause)
        return self._ended(tree)

    def _passive(self, draw: Draw) -> Tree:
        """``las casas de la plaza fueron pintadas por el obrero``."""
        agent = draw.choice(self._makers_of_things)
        frames = agent.passives
        action, objects = draw.choice(frames)
        subject = self._phrase(draw, draw.choice(objects), "nsubj:pass", richness=0.5)
        tense = draw.weighted(((0.7, "Past"), (0.3, "Fut")))
        aux = self.words.auxiliary("ser", "Ind", tense, "3", subject.number, "AUX")
        tree = Tree(action.verb.passive[subject.gender, subject.number], "root", left=[Tree(aux, "aux:pass")])
        by = self._phrase(draw, agent, "obl:agent", kinds=INNER)
        by.tree.left.insert(0, self.words.preposition("por"))
        tree.right.append(by.tree)
        return self._statement(draw, subject.tree, tree, tense, 0.3)

    def _question(self, draw: Draw) -> Tree:
        """Where something is, who does something, whether you do it."""
        maker = draw.choice((self._where, self._who, self._whether))
        tree = maker(draw)
        tree.left.insert(0, Tree(self.words["¿"], "punct"))
        return self._ended(tree, "?")

    def _where(self, draw: Draw) -> Tree:
        company = self._noun(draw, draw.choice(_LOCATED))
        subject = self._phrase(draw, company, "nsubj", richness=0.5, modifiers=company.belongings)
        form = self.words.auxiliary("estar", "Ind", draw.weighted(_PLACE_TENSES), "3", subject.number, "VERB")
        return Tree(form, "root", left=[Tree(self.words["dónde"], "advmod")], right=[subject.tree])

    def _who(self, draw: Draw) -> Tree:
        number = draw.choice(NUMBERS)
        pronoun = Tree(self.words.who(number), "nsubj")
        tree = self._clause(draw, Phrase(pronoun, self._noun(draw, "adult"), "Masc", number), draw.weighted(TENSES))
        tree.left.insert(0, pronoun)
        return tree

    def _whether(self, draw: Draw) -> Tree:
        pronoun = Tree(self.words.pronoun("2", "Sing", "Masc"), "nsubj")
        subject = Phrase(pronoun, self._noun(draw, draw.weighted(PEOPLE)), "Masc", "Sing", "2")
        return self._clause(draw, subject, draw.weighted(TENSES))

    def _command(self, draw: Draw) -> Tree:
        """``cierra la maleta de tu hermana .``."""
        company = self._noun(draw, draw.weighted(PEOPLE))
        frames = [(act, goals) for act, goals in company.transitive if not act.state] or company.transitive
        action, objects = draw.choice(frames)
        goal = self._object(draw, draw.choice(objects), 0.35)
        return self._ended(Tree(action.verb.imperative, "root", right=[goal.tree]))
