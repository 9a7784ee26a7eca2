"""A generated Russian: real words, true paradigms, long-distance agreement, annotated like UD Russian GSD.

:class:`Russian` draws one sentence at a time. Every noun keeps its own company (adjectives, and verbs it is
the subject or the object of): a fixed window of its semantic class's pool in ``lexicons/rus_company.tsv``. So a
hidden stem can be guessed from its neighbours. Subjects often carry a genitive, a prepositional phrase or a
relative clause, whose nouns have their own numbers and genders and stand before the verb.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from pitfalls.language.grammar.core import Draw, Form, Tree
from pitfalls.language.grammar.russian_clauses import RussianClauses, comma, first_word
from pitfalls.language.grammar.russian_paradigms import Noun
from pitfalls.language.grammar.russian_words import (
    ADVERBS,
    CONJUNCTIONS,
    DETERMINERS,
    FAMILY,
    GOING,
    LOCATIONS,
    NOT,
    NUMBERS,
    ONLY_ATTRIBUTIVE,
    OWNABLE,
    PREPOSITIONS,
    PROFESSIONS,
    PRONOUNS,
    SUBORDINATORS,
    THERE_IS,
    THERE_IS_NOT,
    TIMES,
    adverb,
    as_verb,
    fixed_form,
)


class Russian(RussianClauses):
    """The Russian of the mini world; see :class:`pitfalls.language.grammar.core.Grammar`.

    Examples
    --------
    >>> from pitfalls.language.grammar.core import Draw, linearise
    >>> tokens = linearise(Russian().sentence(Draw(seed=1)))
    >>> tokens[-1].form.text, sum(token.head == 0 for token in tokens)
    ('.', 1)
    """

    language = "rus"

    def __init__(self) -> None:
        super().__init__()
        self._constructions: tuple[tuple[float, Callable[[Draw], Tree]], ...] = (
            (13, self._intransitive),
            (13, self._transitive),
            (7, self._copular),
            (4, self._profession),
            (12, self._passive),
            (13, self._recipient),
            (6, self._instrumental),
            (9, self._about),
            (10, self._motion),
            (6, self._pleasing),
            (4, self._affecting),
            (2, self._fearing),
            (7, self._existential),
            (5, self._possession),
            (6, self._compound),
            (5, self._complement),
        )

    def _intransitive(self, draw: Draw, tense: str = "") -> Tree:
        tense = tense or self._tense(draw)
        if draw.chance(0.45):
            word, subject = self._actor(draw)
        else:
            word, subject = self._someone(draw, *self._intransitive_kinds)
        pair = draw.choice(self._verbs_of(word.lemma, "subject"))
        clause = self._clause(draw, subject, pair, tense)
        going = pair.imperfective.lemma in GOING
        if word.kind in LOCATIONS and not going and draw.chance(0.55):
            clause.right.append(self._place(draw, self._noun(draw, *LOCATIONS[word.kind])))
        self._time(draw, clause, tense, pair.imperfective.lemma)
        return clause

    _intransitive_kinds = (
        "animal",
        "building",
        "nature",
        "vehicle",
        "food",
        "plant",
        "clothing",
        "furniture",
        "tool",
        "text",
        "abstract",
    )

    def _transitive(self, draw: Draw, tense: str = "") -> Tree:
        tense = tense or self._tense(draw)
        if draw.chance(0.15):
            word, subject = self._someone(draw, "animal")
            target = self._noun(draw, "animal", "person", other_than=word)
            pair = draw.choice(self._verbs_of(word.lemma, "prey"))
        else:
            word, subject = self._actor(draw)
            target = self._noun(draw, "person", *self._intransitive_kinds, other_than=word)
            pair = draw.choice(self._verbs_of(target.lemma, "object"))
        clause = self._clause(draw, subject, pair, tense)
        clause.right.append(self._object(draw, target))
        if draw.chance(0.2) and _size(clause) < 9:
            clause.right.append(self._place(draw, self._noun(draw, *LOCATIONS[word.kind], other_than=target)))
        self._time(draw, clause, tense, pair.imperfective.lemma)
        return clause

    def _copular(self, draw: Draw) -> Tree:
        """Predicate adjective: nominative without a copula now, instrumental with был or будет."""
        tense = self._tense(draw)
        word, subject = self._someone(draw, "person", *self._intransitive_kinds)
        used = {child.form.lemma for child in subject.tree.left}
        used |= ONLY_ATTRIBUTIVE
        options = [entry for entry in self._adjectives_of(word.lemma) if entry.lemma not in used]
        case = "Nom" if tense == "Pres" else "Ins"
        form = draw.choice(options).forms[subject.slot, case, subject.animacy]
        clause = Tree(form, "root", [subject.tree])
        if tense != "Pres":
            clause.left.append(self._copula(subject, tense, "cop"))
        self._time(draw, clause, tense, "существовать", 0.3)
        return clause

    def _profession(self, draw: Draw) -> Tree:
        """Predicate noun in the instrumental: отец был врачом."""
        tense = draw.choice(("Past", "Fut"))
        family = [word for word in self._kinds["person"] if word.lemma in FAMILY]
        people = [word for word in self._kinds["person"] if word.lemma in PROFESSIONS]
        subject = self._subject(draw, draw.choice(family))
        form = draw.choice(people).forms[subject.number, "Ins"]
        clause = Tree(form, "root", [subject.tree, self._copula(subject, tense, "cop")])
        self._time(draw, clause, tense, "существовать")
        return clause

    def _passive(self, draw: Draw) -> Tree:
        tense = draw.weighted(((0.25, "Pres"), (0.5, "Past"), (0.25, "Fut")))
        while True:
            word = self._noun(draw, "person", *self._intransitive_kinds)
            passives = self._passives(word)
            if passives:
                break
        clause = self._passive_clause(draw, self._subject(draw, word, "nsubj:pass"), draw.choice(passives), tense)
        adverbs = {"Pres": ("уже",), "Past": TIMES["Past"], "Fut": TIMES["Fut"]}[tense]
        if draw.chance(0.5):
            position = 1 if tense == "Pres" else draw.choice((0, 1))
            clause.left.insert(position, Tree(adverb(draw.choice(adverbs)), "advmod"))
        return clause

    def _recipient(self, draw: Draw) -> Tree:
        """A dative: помогать врачу, дарить врачу книгу."""
        tense = self._tense(draw)
        word, subject = self._actor(draw)
        person = self._noun(draw, "person", other_than=word)
        dative = self._object(draw, person, "iobj", "Dat")
        if draw.chance(0.5):
            pair = draw.choice(self._verbs_of(person.lemma, "dative"))
            clause = self._clause(draw, subject, pair, tense)
            clause.right.append(dative)
        else:
            pair = draw.choice(self._verbs_of("", "give"))
            clause = self._clause(draw, subject, pair, tense)
            dative.right.clear()
            gift = self._noun(draw, "clothing", "tool", "text", "pet", "food")
            clause.right += [dative, self._object(draw, gift)]
        self._time(draw, clause, tense, pair.imperfective.lemma)
        return clause

    def _oblique(self, draw: Draw, role: str, kinds: Sequence[str], case: str, base: str) -> Tree:
        """A person as subject of a verb that governs its own case or preposition."""
        tense = self._tense(draw)
        word, subject = self._actor(draw)
        target = self._noun(draw, *kinds, other_than=word)
        pair = draw.choice(self._verbs_of(target.lemma, role))
        clause = self._clause(draw, subject, pair, tense)
        if base:
            clause.right.append(self._prepositional(draw, base, case, target, "obl", 0.4))
        else:
            clause.right.append(self._object(draw, target, "obl", case))
        self._time(draw, clause, tense, pair.imperfective.lemma)
        return clause

    def _kinds_with(self, role: str) -> list[str]:
        return [kind for kind, other in self._pools if other == role and kind in self._kinds]

    def _instrumental(self, draw: Draw) -> Tree:
        return self._oblique(draw, "instrumental", self._kinds_with("instrumental"), "Ins", "")

    def _about(self, draw: Draw) -> Tree:
        return self._oblique(draw, "about", self._kinds_with("about"), "Loc", "о")

    def _fearing(self, draw: Draw) -> Tree:
        return self._oblique(draw, "genitive", ("animal",), "Gen", "")

    def _motion(self, draw: Draw) -> Tree:
        """Going: к дому (Dat), по парку (Dat), в школу (Acc), из школы (Gen)."""
        tense = self._tense(draw)
        if draw.chance(0.7):
            word, subject = self._actor(draw)
        else:
            word, subject = self._someone(draw, "animal")
        entry, base, case, kinds = draw.choice(
            (
                ("приближаться/приблизиться", "к", "Dat", ("building", "nature", "person")),
                ("спешить/поспешить", "к", "Dat", ("building", "person")),
                ("гулять/погулять", "по", "Dat", ("spot",)),
                ("бегать/", "по", "Dat", ("spot",)),
                ("возвращаться/вернуться", "в", "Acc", ("building", "spot")),
                ("возвращаться/вернуться", "из", "Gen", ("building",)),
            )
        )
        target = self._noun(draw, *kinds, other_than=word)
        pair = self._pairs([entry])[0]
        if base == "в":
            base = target.preposition
        elif base == "из" and target.preposition == "на":
            base = "с"
        clause = self._clause(draw, subject, pair, tense)
        clause.right.append(self._prepositional(draw, base, case, target, "obl"))
        self._time(draw, clause, tense, pair.imperfective.lemma)
        return clause

    def _pleasing(self, draw: Draw) -> Tree:
        """Нравиться with the person in the dative, before or after the verb."""
        tense = self._tense(draw)
        _, subject = self._someone(draw, "text", "clothing", "food", "plant", "building", "nature")
        clause = self._clause(draw, subject, self._verbs_of("", "please")[0], tense)
        person = self._phrase(draw, self._noun(draw, "person"), draw.choice(NUMBERS), "Dat", "iobj", 0.25)
        if draw.chance(0.4):
            clause.left.remove(subject.tree)
            clause.left.insert(0, person)
            clause.right.append(subject.tree)
        else:
            clause.right.append(person)
        return clause

    def _affecting(self, draw: Draw) -> Tree:
        """A thing moves a person: вопрос волнует врача."""
        tense = self._tense(draw)
        word, subject = self._someone(draw, "text", "abstract")
        pair = draw.choice(self._verbs_of(word.lemma, "affect"))
        clause = self._clause(draw, subject, pair, tense)
        clause.right.append(self._object(draw, self._noun(draw, "person"), determiners=DETERMINERS))
        self._time(draw, clause, tense)
        return clause

    def _existential(self, draw: Draw) -> Tree:
        """There is: в лесу есть озеро, в домах были столы."""
        where, what = draw.choice(
            (
                ("spot", "building"),
                ("spot", "animal"),
                ("spot", "plant"),
                ("building", "furniture"),
                ("surface", "tool"),
                ("surface", "food"),
            )
        )
        return self._there_is(draw, self._place(draw, self._noun(draw, where)), self._noun(draw, what))

    def _possession(self, draw: Draw) -> Tree:
        """Having and not having: у врача есть дом, у врача нет дома."""
        person = self._noun(draw, "person")
        owner = self._prepositional(draw, "у", "Gen", person, "obl")
        if not owner.left[1:] and draw.chance(0.5):
            attribute = self._attribute(draw, person)
            owner.right += [attribute] if first_word(attribute) != "у" else []
        word = self._noun(draw, "pet", *OWNABLE)
        if draw.chance(0.6):
            return self._there_is(draw, owner, word)
        tree = self._object(draw, word, "nsubj", "Gen", ())
        tense = draw.choice(("Pres", "Past", "Fut"))
        if tense == "Pres":
            return Tree(THERE_IS_NOT, "root", [owner], [tree])
        key = "Neut" if tense == "Past" else "Sing"
        return Tree(as_verb(self._be[tense, key]), "root", [owner, Tree(NOT, "advmod")], [tree])

    def _there_is(self, draw: Draw, where: Tree, word: Noun) -> Tree:
        tense = self._tense(draw)
        subject = self._subject(draw, word, determiners=())
        form = THERE_IS if tense == "Pres" else as_verb(self._copula(subject, tense, "root").form)
        return Tree(form, "root", [where], [subject.tree])

    def _compound(self, draw: Draw) -> Tree:
        """Two clauses: врач работал , но девушка отдыхала; or the second is subordinate: когда, если, хотя."""
        tense = self._tense(draw)
        first = self._short_clause(draw, tense)
        second = self._short_clause(draw, tense)
        link = draw.choice(("но", "когда", "хотя") if tense != "Fut" else ("но", "если", "когда"))
        if link == "но":
            second.deprel = "conj"
            second.left[:0] = [comma(), Tree(fixed_form(link, "CCONJ"), "cc")]
        else:
            second.deprel = "advcl"
            second.left[:0] = [comma(), Tree(fixed_form(link, "SCONJ"), "mark")]
        first.right.append(second)
        return first

    def _complement(self, draw: Draw) -> Tree:
        """A subordinate clause with что: врач знает , что волк спит."""
        _, subject = self._actor(draw)
        entry = draw.choice(
            ("думать/подумать", "говорить/", "знать/", "помнить/", "понимать/", "рассказывать/рассказать")
        )
        tense = draw.choice(("Pres", "Past"))
        clause = self._clause(draw, subject, self._pairs([entry])[0], tense)
        inner = draw.choice((self._intransitive, self._transitive))(draw, draw.choice(("Pres", "Past", "Fut")))
        inner.deprel = "ccomp"
        inner.left[:0] = [comma(), Tree(fixed_form("что", "SCONJ"), "mark")]
        clause.right.append(inner)
        return clause

    # ---------------------------------------------------------------------------------- the interface

    def sentence(self, draw: Draw) -> Tree:
        """One sentence of at most 20 words, ended by a full stop."""
        while True:
            tree = draw.weighted(self._constructions)(draw)
            tree.right.append(Tree(fixed_form(".", "PUNCT"), "punct"))
            _drop_doubled_commas(tree)
            if _size(tree) <= 20 and not self._repeats(tree):
                return tree

    def _repeats(self, tree: Tree) -> bool:
        """True if a noun, adjective or verb (or its partner in aspect) occurs twice: nobody speaks like that."""
        lemmas = [self._partner.get(lemma, lemma) for lemma in _content(tree)]
        return len(set(lemmas)) < len(lemmas)

    def paradigms(self) -> Iterator[Form]:
        """Every form of every lemma, function words included, without repetition."""
        seen: set[Form] = set()
        for form in self._all_forms():
            if form not in seen:
                seen.add(form)
                yield form

    def _all_forms(self) -> Iterator[Form]:
        for word in self.nouns:
            yield from word.forms.values()
            if word.locative2:
                yield word.locative2
        for entry in self.verbs.values():
            yield entry.infinitive
            yield from (*entry.nonpast.values(), *entry.past.values(), *entry.passive.values())
        for declined in (*self.adjectives.values(), *self._determiners.values(), self._who):
            yield from declined.forms.values()
        yield from self._be.values()
        yield from (as_verb(form) for form in self._be.values())
        yield from (THERE_IS, THERE_IS_NOT, NOT, *(form for _, _, form in PRONOUNS))
        yield from (adverb(text) for text in (*ADVERBS, "уже"))
        yield from (fixed_form(text, "CCONJ") for text in CONJUNCTIONS)
        yield from (fixed_form(text, "SCONJ") for text in SUBORDINATORS)
        yield from (fixed_form(text, "ADP") for text in PREPOSITIONS)
        yield from (fixed_form(text, "PUNCT") for text in (",", "."))


def _content(tree: Tree) -> Iterator[str]:
    """Lemmas of the nouns, adjectives and verbs."""
    if tree.form.upos in ("NOUN", "ADJ", "VERB"):
        yield tree.form.lemma
    for child in (*tree.left, *tree.right):
        yield from _content(child)


def _size(tree: Tree) -> int:
    return 1 + sum(_size(child) for child in (*tree.left, *tree.right))


def _drop_doubled_commas(tree: Tree) -> None:
    """Remove each comma that is directly followed by another comma or the full stop."""
    order: list[tuple[Tree, list[Tree]]] = []

    def visit(node: Tree, siblings: list[Tree]) -> None:
        for child in node.left:
            visit(child, node.left)
        order.append((node, siblings))
        for child in node.right:
            visit(child, node.right)

    visit(tree, [])
    for (node, siblings), (following, _) in pairwise(order):
        if node.form.text == "," and following.form.upos == "PUNCT":
            siblings[:] = [other for other in siblings if other is not node]
