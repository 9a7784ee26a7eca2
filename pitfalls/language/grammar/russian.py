"""A generated Russian: real words, true paradigms, agreement over distance, annotated like UD Russian GSD.

:class:`Russian` draws one sentence at a time. Every noun keeps company of its own (adjectives, verbs it is
the subject or the object of), a fixed window of the pool of its semantic class in
``lexicons/rus_company.tsv``, so that a hidden stem can be guessed from its neighbours; subjects often carry
a genitive, a prepositional phrase or a relative clause, whose nouns have numbers and genders of their own and
stand before the verb.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import gcd
from typing import NamedTuple

from pitfalls.language.grammar.core import Draw, Form, Tree
from pitfalls.language.grammar.russian_paradigms import (
    Adjective,
    Noun,
    Verb,
    determiner,
    long_adjective,
    noun,
    read_table,
    relative_pronoun,
    verb,
)
from pitfalls.language.grammar.russian_words import (
    ADVERBS,
    AFTER_SUBJECT,
    ATTRIBUTES,
    CARRIED,
    CONJUNCTIONS,
    DETERMINERS,
    FAMILY,
    GOING,
    IN_PLACES,
    LOCATIONS,
    NOT,
    NUMBERS,
    ONLY_ATTRIBUTIVE,
    OWN,
    OWNABLE,
    POSSESSIVES,
    PREPOSITIONS,
    PROFESSIONS,
    PRONOUNS,
    REFLEXIVE_DETERMINERS,
    STATIVE,
    STATIVE_TIMES,
    SUBORDINATORS,
    THERE_IS,
    THERE_IS_NOT,
    TIMES,
    adverb,
    as_verb,
    be_forms,
    fixed_form,
    preposition,
)

WINDOW = {"adjective": 5, "subject": 5, "object": 5}
"""How many adjectives and verb pairs of its class's pool a noun keeps company with."""


class Pair(NamedTuple):
    """An imperfective verb and its perfective partner, if it has one."""

    imperfective: Verb
    perfective: Verb | None


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


def _comma() -> Tree:
    return Tree(fixed_form(",", "PUNCT"), "punct")


def _first_word(tree: Tree) -> str:
    while tree.left:
        tree = tree.left[0]
    return tree.form.text


def _window(pool: Sequence[str], index: int, size: int) -> list[str]:
    """``size`` entries of the pool, taken as a ring with a start and a stride that depend on ``index``.

    Strides coprime to the length visit an entry only once; so lemmas with different indices get different
    entries for as long as there are starts and strides.
    """
    length = len(pool)
    strides = [stride for stride in range(1, length // 2 + 1) if gcd(stride, length) == 1] or [1]
    stride = strides[index // length % len(strides)]
    return [pool[(index + step * stride) % length] for step in range(min(size, length))]


class Russian:
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
        rows = read_table("rus_nouns")
        self.nouns = tuple(noun(row) for row in rows)
        self.verbs = {row["lemma"]: verb(row) for row in read_table("rus_verbs")}
        self.adjectives = {row["lemma"]: long_adjective(row["lemma"]) for row in read_table("rus_adjectives")}
        self._determiners = {lemma: determiner(lemma) for lemma in ("этот", "мой", "твой", "свой")}
        self._who = relative_pronoun()
        self._be = be_forms()
        self._pools = {(row["class"], row["role"]): row["pool"].split() for row in read_table("rus_company")}
        self._partner = {
            partner: entry.partition("/")[0]
            for (_, role), pool in self._pools.items()
            for entry in (pool if role != "adjective" else ())
            if (partner := entry.partition("/")[2])
        }
        self._kinds = self._group(rows)
        self._own = {word.lemma for kind in (*OWN, "pet") for word in self._kinds[kind]}
        self._company = self._companies()
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

    # ------------------------------------------------------------------------------------ tables

    def _group(self, rows: Sequence[Mapping[str, str]]) -> dict[str, list[Noun]]:
        """Nouns by class and note. A neuter stands twice, as few nouns are neuter and none is animate."""
        kinds: dict[str, list[Noun]] = {}
        for row, word in zip(rows, self.nouns, strict=True):
            kinds.setdefault(word.kind, []).extend([word] * (2 if word.gender == "Neut" else 1))
            for note in ("pet", "spot", "surface"):
                if note in row["notes"].split(","):
                    kinds.setdefault(note, []).append(word)
            if word.lemma in CARRIED:
                kinds.setdefault("carried", []).append(word)
        return kinds

    def _pairs(self, pool: Sequence[str]) -> tuple[Pair, ...]:
        pairs = []
        for entry in pool:
            imperfective, _, perfective = entry.partition("/")
            pairs.append(Pair(self.verbs[imperfective], self.verbs[perfective] if perfective else None))
        return tuple(pairs)

    def _companies(self) -> dict[tuple[str, str], tuple[Pair, ...] | tuple[Adjective, ...]]:
        company: dict[tuple[str, str], tuple[Pair, ...] | tuple[Adjective, ...]] = {}
        for kind in sorted({word.kind for word in self.nouns}):
            for index, word in enumerate(word for word in self.nouns if word.kind == kind):
                pool = _window(self._pools[kind, "adjective"], index, WINDOW["adjective"])
                company[word.lemma, "adjective"] = tuple(self.adjectives[lemma] for lemma in pool)
                for role in ("subject", "object"):
                    chosen = _window(self._pools[kind, role], index, WINDOW[role])
                    company[word.lemma, role] = self._pairs(chosen)
                for role in ("dative", "instrumental", "about", "affect", "prey", "genitive"):
                    if (kind, role) in self._pools:
                        company[word.lemma, role] = self._pairs(self._pools[kind, role])
        company["", "give"] = self._pairs(self._pools["gift", "give"])
        company["", "please"] = self._pairs(self._pools["thing", "please"])
        return company

    def _verbs_of(self, lemma: str, role: str) -> tuple[Pair, ...]:
        return self._company[lemma, role]  # type: ignore[return-value]

    def _adjectives_of(self, lemma: str) -> tuple[Adjective, ...]:
        return self._company[lemma, "adjective"]  # type: ignore[return-value]

    def _noun(self, draw: Draw, *kinds: str, other_than: Noun | None = None) -> Noun:
        while True:
            chosen = draw.choice(self._kinds[draw.choice(kinds)])
            if other_than is None or chosen.lemma != other_than.lemma:
                return chosen

    # ------------------------------------------------------------------------------- noun phrases

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
        text = preposition(base, _first_word(tree))
        tree.left.insert(0, Tree(fixed_form(text, "ADP"), "case"))
        return tree

    def _place(self, draw: Draw, word: Noun, deprel: str = "obl") -> Tree:
        return self._prepositional(draw, word.preposition, "Loc", word, deprel)

    def _attribute(self, draw: Draw, word: Noun) -> Tree:
        """A genitive or a prepositional phrase that may stand after ``word``: a noun of its own number."""
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
        """Puts an attribute after a noun; before a genitive the noun loses its мой or твой."""
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
        clause.left.insert(0, _comma())
        clause.right.append(_comma())
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

    # ------------------------------------------------------------------------------------ clauses

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

    def _time(self, draw: Draw, clause: Tree, tense: str, lemma: str = "", probability: float = 0.5) -> None:
        """Puts a time adverb that fits the tense before or after the subject."""
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
        """Two persons joined by и: the verb is plural whatever their numbers."""
        first = self._phrase(draw, word, draw.choice(NUMBERS), "Nom", "nsubj", 0.3)
        other = self._noun(draw, "person", other_than=word)
        second = self._phrase(draw, other, draw.choice(NUMBERS), "Nom", "conj", 0.3)
        second.left.insert(0, Tree(fixed_form("и", "CCONJ"), "cc"))
        first.right.append(second)
        return Subject(first, "Plur", "Anim")

    def _tense(self, draw: Draw) -> str:
        return draw.weighted(((0.36, "Pres"), (0.37, "Past"), (0.27, "Fut")))

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

    def _copula(self, subject: Subject, tense: str, deprel: str) -> Tree:
        key = subject.slot if tense == "Past" else subject.number
        return Tree(self._be[tense, key], deprel)

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
        """A person's verb with a case or a preposition of its own."""
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
            owner.right += [attribute] if _first_word(attribute) != "у" else []
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
        """Two clauses: врач работал , но девушка отдыхала; одна в другой с когда, если, хотя."""
        tense = self._tense(draw)
        first = self._short_clause(draw, tense)
        second = self._short_clause(draw, tense)
        link = draw.choice(("но", "когда", "хотя") if tense != "Fut" else ("но", "если", "когда"))
        if link == "но":
            second.deprel = "conj"
            second.left[:0] = [_comma(), Tree(fixed_form(link, "CCONJ"), "cc")]
        else:
            second.deprel = "advcl"
            second.left[:0] = [_comma(), Tree(fixed_form(link, "SCONJ"), "mark")]
        first.right.append(second)
        return first

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
        inner.left[:0] = [_comma(), Tree(fixed_form("что", "SCONJ"), "mark")]
        clause.right.append(inner)
        return clause

    # ---------------------------------------------------------------------------------- the face

    def sentence(self, draw: Draw) -> Tree:
        """One sentence of at most 20 words, ended by a full stop."""
        while True:
            tree = draw.weighted(self._constructions)(draw)
            tree.right.append(Tree(fixed_form(".", "PUNCT"), "punct"))
            _drop_doubled_commas(tree)
            if _size(tree) <= 20 and not self._repeats(tree):
                return tree

    def _repeats(self, tree: Tree) -> bool:
        """True if a noun, adjective or verb (or its partner in aspect) stands twice: nobody says that."""
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
    """Takes out each comma that another comma or the full stop follows at once."""
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
