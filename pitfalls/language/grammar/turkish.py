"""A small world written in Turkish: real words, correct paradigms, annotated as in UD Turkish-IMST.

The rules of this world where Turkish leaves a choice: the verb is plural with plural people and animals
(*köpekler uyuyorlar*) and singular with plural things (*elmalar soğudu*) and after numerals, whose noun is
singular (*iki köpek uyuyor*). Everything is lower case; sentences end in a full stop, questions in a question
mark. Annotation follows IMST, with three decisions where it wavers: *kadın* and *kız* are NOUN (IMST: often
ADJ), *yok* is ADJ (IMST: ADJ or ADV), and a third-person possessive gets the possessor's number from its own
form (*kızların kedisi*: ``Number[psor]=Sing``). Predicates that IMST splits into two words (*güzeldi*, *yorgunum*,
*yoktu*) are not used; *değil* and its forms are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from pitfalls.language.grammar.core import Draw, Form, Tree, linearise
from pitfalls.language.grammar.turkish_clauses import POSSESSORS, UNIQUE, Subject, TurkishClauses
from pitfalls.language.grammar.turkish_lexicon import THINGS, WAYS, Noun, Verb
from pitfalls.language.grammar.turkish_paradigms import HIGH, VOWELS

CONTENT = ("NOUN", "VERB", "ADJ", "DET", "NUM")
"""Kinds of words whose lemmas occur only once in a sentence."""

SHORTEST, LONGEST = 3, 18
"""Words of a sentence without its full stop or question mark."""

OWNED = ("kin", "beast", "vehicle", "clothing", "furniture", "tool")

SCENES = (
    ("room", "furniture"),
    ("room", "dish"),
    ("open", "plant"),
    ("open", "beast"),
    ("open", "bird"),
    ("open", "human"),
    ("place", "human"),
)
"""What may be found where."""

ABSOLUTE = (
    *("kırık", "boş", "dolu", "yırtık", "yaralı", "ahşap", "hasta", "çürük", "siyah", "beyaz", "kırmızı"),
    *("mavi", "sarı", "yeşil", "gri", "kahverengi"),
)
"""Adjectives that have no degrees, so they are not compared."""

Way = Callable[[Draw, Subject], tuple[Verb, list[Tree]]]
"""A function that draws a verb for a subject, and what stands before the verb."""


class Turkish(TurkishClauses):
    """The Turkish mini world.

    Examples
    --------
    >>> from pitfalls.language.grammar.core import Draw, linearise
    >>> linearise(Turkish().sentence(Draw(0)))[-1].form.upos
    'PUNCT'
    """

    language = "tur"

    def paradigms(self) -> Iterator[Form]:
        """Every form of every lemma."""
        return self._known.forms()

    # -- constructions -------------------------------------------------------------------------------------

    def _intransitive(self, draw: Draw) -> Tree:
        subject = self._person(draw) if draw.chance(0.2) else self._subject(draw, self._known.animates)
        return self._clause(draw, subject, self._tense(draw, subject), *self._does(draw, subject))

    def _of_things(self, draw: Draw) -> Tree:
        kind = draw.choice((*THINGS, "body", "open"))
        subject = self._subject(draw, self._known.nouns[kind])
        return self._clause(draw, subject, self._tense(draw, subject), *self._does(draw, subject))

    def _transitive(self, draw: Draw) -> Tree:
        subject = self._someone(draw)
        return self._clause(draw, subject, self._tense(draw, subject), *self._acts(draw, subject))

    def _copular(self, draw: Draw) -> Tree:
        """*köpek tavşandan daha büyük*, *ev çok eski değildi*, *biz yorgun değiliz*."""
        if draw.chance(0.12):
            subject = self._person(draw)
            left = [] if subject.phrase is None else [subject.phrase]
            negation = self._word(draw, f"not{subject.agreement}", "cop")
            return Tree(draw.choice(subject.noun.adjectives), "root", left, [negation])
        subject = self._subject(draw, self._known.animates if draw.chance(0.5) else self._known.things)
        phrase = [] if subject.phrase is None else [subject.phrase]
        said = [child.form for tree in phrase for child in tree.left]
        form = draw.choice([form for form in subject.noun.adjectives if form not in said])
        style = draw.choice(["", "very", "more", "more", "as"]) if form.text not in ABSOLUTE else ""
        root = Tree(form, "root", [*phrase, *self._degree(draw, style, subject.noun.kind)])
        mild = any(child.form.text in ("biraz", "oldukça") for child in root.left)
        if not mild and draw.chance(0.5):
            root.right.append(self._word(draw, draw.choice(["not", "not-was"]), "cop"))
        return root

    def _degree(self, draw: Draw, style: str, kind: str) -> list[Tree]:
        """*çok*, *tavşandan daha* or *tavşan kadar*."""
        if style == "very":
            return [self._word(draw, "very", "advmod")]
        if not style:
            return []
        other = draw.choice(self._known.nouns[kind])
        form = other.forms[self._number(draw), "Abl" if style == "more" else "Nom", ""]
        left: list[Tree] = []
        if draw.chance(0.4):
            adjective = Tree(draw.choice(other.adjectives), "amod")
            left = [draw.choice([self._word(draw, "demonstrative", "det"), adjective])]
        if style == "more":
            return [Tree(form, "obl", left), self._word(draw, "more", "advmod")]
        return [Tree(form, "obl", left, [self._word(draw, "as", "case")])]

    def _existential(self, draw: Draw) -> Tree:
        """*bahçede iki kedi var*, *kızın küçük bir kardeşi vardı*, *odada masa yok*."""
        name = draw.weighted([(0.4, "there"), (0.3, "there-not"), (0.3, "there-was")])
        if draw.chance(0.4):
            pool = self._known.nouns[draw.choice(OWNED)]
            noun = draw.choice([noun for noun in pool if noun.lemma not in UNIQUE])
            psor = draw.choice(POSSESSORS)
            pronoun = [self._word(draw, f"pronoun{psor}-Gen", "nmod:poss")] if draw.chance(0.6) else []
            owner = [self._owner(draw, 0)] if psor == "3Sing" else pronoun
            thing = self._there(draw, noun, name, psor)
            thing.left = [*owner, *thing.left]
            return Tree(self._known.words[name][0], "root", [thing])
        kind, inside = draw.choice(SCENES)
        place = self._phrase(draw, draw.choice(self._known.nouns[kind]), self._number(draw), "Loc", "obl")
        return Tree(
            self._known.words[name][0],
            "root",
            [place, self._there(draw, draw.choice(self._known.nouns[inside]), name)],
        )

    def _there(self, draw: Draw, noun: Noun, name: str, psor: str = "") -> Tree:
        """What there is (*iki kedi*, *küçük kediler*) or is not (*kedi*)."""
        if draw.chance(0.4):
            return Tree(noun.forms["Plur", "Nom", psor], "nsubj", [Tree(draw.choice(noun.adjectives), "amod")])
        if name == "there-not" or draw.chance(0.1):
            return Tree(noun.forms["Sing", "Nom", psor], "nsubj")
        return self._indefinite(draw, noun, "nsubj", psor)

    def _passive(self, draw: Draw) -> Tree:
        """*mektup dün yazıldı*, *bahçedeki elmalar yarın toplanacak*."""
        noun = draw.choice(self._known.things)
        verb = draw.choice(noun.undergoes)
        tense = draw.choice(["past", "past", "fut"])
        psor = self._own_possessor(draw, noun, "Nom")
        phrase = self._phrase(draw, noun, self._number(draw, noun, psor), "Nom", "nsubj", psor)
        when = self._when(draw, tense)
        front = [*when, phrase] if draw.chance(0.5) else [phrase, *when]
        return Tree(verb.forms[f"pass-{tense}"], "root", [*front, *self._obliques(draw, verb, noun, 0.5)])

    def _coordinated(self, draw: Draw) -> Tree:
        """Two subjects: *kız ve köpek koştular*."""
        first = self._subject(draw, self._known.animates)
        other = draw.choice(self._known.nouns[first.noun.kind])
        second = self._phrase(draw, other, self._number(draw), "Nom", "conj", depth=2)
        second.left.insert(0, self._word(draw, "and", "cc"))
        if first.phrase is not None:
            first.phrase.right.append(second)
        subject = replace(first, agreement="3Plur")
        return self._clause(draw, subject, self._tense(draw, subject), *self._does(draw, subject))

    def _two_clauses(self, draw: Draw) -> Tree:
        """Two clauses with *ve* or *ama*, the second without its subject."""
        subject = self._someone(draw)
        tense = self._tense(draw, subject)
        verb, inner = self._does(draw, subject)
        first = self._clause(draw, subject, tense, verb, inner)
        second, inner = self._acts(draw, subject)
        if draw.chance(0.4):
            second, inner = self._does(draw, subject)
        polarity = "-" if draw.chance(0.25) else ""
        linker = self._word(draw, draw.choice(["and", "but"]), "cc")
        form = second.forms[f"{tense}{polarity}{subject.agreement}"]
        first.right.append(Tree(form, "conj", [linker, *inner]))
        return first

    def _reason(self, draw: Draw) -> Tree:
        """*çocuklar ağlıyorlar çünkü çok üzgün*."""
        subject = self._subject(draw, self._known.humans)
        verb = draw.choice(self._known.reasoned)
        inner = self._obliques(draw, verb, subject.noun, 0.5)
        phrase = [] if subject.phrase is None else [subject.phrase]
        tense = draw.choice(["prog", "prog", "aor", "fut"])
        root = Tree(verb.forms[f"{tense}{subject.agreement}"], "root", [*phrase, *self._when(draw, tense), *inner])
        very = [Tree(self._known.words["very"][0], "advmod")] if draw.chance(0.6) else []
        linker = self._word(draw, "because", "cc")
        root.right.append(Tree(draw.choice(verb.because), "conj", [linker, *very]))
        return root

    def _converb(self, draw: Draw) -> Tree:
        """*kız eve gelip uyudu*, *çocuk gülerek konuştu*, *doktor konuşmadan gitti*."""
        subject = self._someone(draw)
        way = draw.choice(WAYS)
        verb = draw.choice(self._known.ways[way])
        about = self._obliques(draw, verb, subject.noun, 0.6 if way == "ip" else 0.2, subject.agreement)
        converb = Tree(verb.forms[way], "advcl", about)
        ways = (self._acts,) if way == "ip" else (self._acts, self._does)
        main, inner = self._willed(draw, subject, *ways)
        return self._clause(draw, subject, self._tense(draw, subject), main, [converb, *inner])

    def _willed(self, draw: Draw, subject: Subject, *ways: Way) -> tuple[Verb, list[Tree]]:
        """Something that can be done at will, in one of the given ways, or by default in any."""
        while True:
            verb, inner = draw.choice(ways or (self._acts, self._acts, self._does))(draw, subject)
            if verb.at_will:
                return verb, inner

    def _wish(self, draw: Draw) -> Tree:
        """*kız kitabı okumak istiyor*, *çocuklar koşmaya başladılar*."""
        subject = self._someone(draw)
        name, main = draw.choice([("mek", "iste"), ("meye", "başla")])
        verb, inner = self._willed(draw, subject) if main == "iste" else self._willed(draw, subject, self._acts)
        wished = Tree(verb.forms[name], "obj", inner)
        tense = draw.choice(["past", "prog"] if main == "iste" else ["past", "prog", "fut"])
        return self._clause(draw, subject, tense, self._known.verbs[main], [wished])

    def _question(self, draw: Draw) -> Tree:
        """*kız kitabı okudu mu?*; the first and second person only in the past (the others inflect *mi*)."""
        subject = self._subject(draw, self._known.humans)
        tense = draw.choice(["past", "prog", "fut"])
        if draw.chance(0.3):
            subject, tense = self._person(draw), "past"
        verb, inner = self._acts(draw, subject) if draw.chance(0.5) else self._does(draw, subject)
        root = self._clause(draw, subject, tense, verb, inner)
        vowel = HIGH[next(letter for letter in reversed(root.form.text) if letter in VOWELS)]
        particle = next(form for form in self._known.words["question"] if form.text[-1] == vowel)
        root.right.append(Tree(particle, "aux:q"))
        return root

    def _appeal(self, draw: Draw) -> Tree:
        """Imperative and optative: *lütfen kapıyı aç*, *haydi eve gidelim*."""
        mood, person = draw.choice([("imp", "2Sing"), ("imp", "2Plur"), ("opt", "1Plur"), ("opt", "1Sing")])
        subject = Subject(None, person, draw.choice(self._known.humans))
        return self._clause(draw, subject, mood, *self._willed(draw, subject))

    def sentence(self, draw: Draw) -> Tree:
        """One sentence, by one of the thirteen constructions."""
        options: list[tuple[float, Callable[[Draw], Tree]]] = [
            (0.26, self._transitive),
            (0.15, self._intransitive),
            (0.08, self._of_things),
            (0.1, self._copular),
            (0.06, self._existential),
            (0.07, self._passive),
            (0.05, self._coordinated),
            (0.06, self._two_clauses),
            (0.04, self._reason),
            (0.06, self._converb),
            (0.05, self._wish),
            (0.04, self._question),
            (0.13, self._appeal),
        ]
        while True:
            tree = draw.weighted(options)(draw)
            tokens = linearise(tree)
            lemmas = [token.form.lemma for token in tokens if token.form.upos in CONTENT]
            if SHORTEST <= len(tokens) <= LONGEST and len(lemmas) == len(set(lemmas)):
                break
        asks = any(child.deprel == "aux:q" for child in tree.right)
        tree.right.append(self._word(draw, "stop-question" if asks else "stop", "punct"))
        return tree
