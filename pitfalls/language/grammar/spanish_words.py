"""The closed classes of the generated Spanish: determiners, pronouns, prepositions, adverbs, auxiliaries."""

from __future__ import annotations

from collections.abc import Iterator

from pitfalls.language.grammar.core import Draw, Form, Tree, feats
from pitfalls.language.grammar.spanish_paradigms import GENDERS, NUMBERS, whole_forms

_CELLS = tuple((gender, number) for gender in GENDERS for number in NUMBERS)

# Masculine singular, masculine plural, feminine singular, feminine plural; then the lemma and the features other than
# Gender and Number, as in GSD.
_DETERMINERS = {
    "el": ("el los la las", "el", {"Definite": "Def", "PronType": "Art"}),
    "un": ("un unos una unas", "uno", {"Definite": "Ind", "PronType": "Art"}),
    "este": ("este estos esta estas", "este", {"PronType": "Dem"}),
    "ese": ("ese esos esa esas", "ese", {"PronType": "Dem"}),
    "aquel": ("aquel aquellos aquella aquellas", "aquel", {"PronType": "Dem"}),
    "nuestro": (
        "nuestro nuestros nuestra nuestras",
        "nuestro",
        {"Number__psor": "Plur", "Person": "1", "Poss": "Yes", "PronType": "Prs"},
    ),
    "alguno": ("algún algunos alguna algunas", "alguno", {"PronType": "Ind"}),
    "otro": ("otro otros otra otras", "otro", {"PronType": "Ind"}),
    "mucho": ("mucho muchos mucha muchas", "mucho", {"NumType": "Card", "PronType": "Ind"}),
    "vario": ("vario varios varia varias", "varios", {"PronType": "Ind"}),
}
_POSSESSIVES = {
    "mi": ("mi mis", {"Number__psor": "Sing", "Person": "1"}),
    "tu": ("tu tus", {"Number__psor": "Sing", "Person": "2"}),
    "su": ("su sus", {"Person": "3"}),
}
_NUMERALS = ("dos", "tres", "cuatro", "cinco", "seis")

_PERSONAL = {
    ("1", "Sing"): ("yo", {"Case": "Nom", "Number": "Sing", "Person": "1", "PronType": "Prs"}),
    ("2", "Sing"): ("tú", {"Case": "Nom", "Number": "Sing", "Person": "2", "PronType": "Prs"}),
}
_GENDERED = {
    ("1", "Plur"): ("yo", "nosotros nosotras"),
    ("3", "Sing"): ("él", "él ella"),
    ("3", "Plur"): ("él", "ellos ellas"),
}
_DATIVES = (
    ("1", "Sing", "me", "yo"),
    ("2", "Sing", "te", "tú"),
    ("3", "Sing", "le", "él"),
    ("1", "Plur", "nos", "yo"),
    ("3", "Plur", "les", "él"),
)
_PLAIN: tuple[tuple[str, str, str, dict[str, str]], ...] = (
    ("que", "que", "SCONJ", {}),
    ("cuando", "cuando", "SCONJ", {}),
    ("mientras", "mientras", "SCONJ", {}),
    ("porque", "porque", "SCONJ", {}),
    ("y", "y", "CCONJ", {}),
    ("e", "e", "CCONJ", {}),
    ("no", "no", "ADV", {"Polarity": "Neg"}),
    ("nunca", "nunca", "ADV", {"Polarity": "Neg"}),
    ("ojalá", "ojalá", "ADV", {}),
    ("muy", "mucho", "ADV", {}),
    ("mucho", "mucho", "ADV", {}),
    ("dónde", "dónde", "ADV", {"PronType": "Int"}),
    ("ahora", "ahora", "ADV", {}),
    ("hoy", "hoy", "ADV", {}),
    ("siempre", "siempre", "ADV", {}),
    ("ayer", "ayer", "ADV", {}),
    ("anoche", "anoche", "ADV", {}),
    ("antes", "antes", "ADV", {}),
    ("entonces", "entonces", "ADV", {}),
    ("mañana", "mañana", "ADV", {}),
    ("pronto", "pronto", "ADV", {}),
    ("luego", "luego", "ADV", {}),
    ("ya", "ya", "ADV", {}),
    ("cerca", "cerca", "ADV", {}),
    ("detrás", "detrás", "ADV", {}),
    ("delante", "delante", "ADV", {}),
    ("debajo", "debajo", "ADV", {}),
    ("junto", "junto", "ADV", {}),
    ("de", "de", "ADP", {}),
    ("a", "a", "ADP", {}),
    ("con", "con", "ADP", {}),
    ("en", "en", "ADP", {}),
    ("por", "por", "ADP", {}),
    ("sobre", "sobre", "ADP", {}),
    ("cada", "cada", "DET", {"Number": "Sing", "PronType": "Tot"}),
    (".", ".", "PUNCT", {"PunctType": "Peri"}),
    (",", ",", "PUNCT", {"PunctType": "Comm"}),
    ("?", "?", "PUNCT", {"PunctSide": "Fin", "PunctType": "Qest"}),
    ("¿", "¿", "PUNCT", {"PunctSide": "Ini", "PunctType": "Qest"}),
)
_DAY = Form("dí", "a", "día", "NOUN", feats(Gender="Masc", Number="Sing"))


class FunctionWords:
    """All function words by name, and the small trees they come in.

    Examples
    --------
    >>> FunctionWords()["que"].upos
    'SCONJ'
    """

    def __init__(self) -> None:
        self._plain = {name: Form(name, "", lemma, upos, feats(**marks)) for name, lemma, upos, marks in _PLAIN}
        self._determiners = {
            name: {
                (gender, number): Form(text, "", lemma, "DET", feats(Gender=gender, Number=number, **marks))
                for (gender, number), text in zip(_CELLS, texts.split(), strict=True)
            }
            for name, (texts, lemma, marks) in _DETERMINERS.items()
        }
        self._possessives = {
            name: {
                number: Form(text, "", name, "DET", feats(Number=number, Poss="Yes", PronType="Prs", **marks))
                for number, text in zip(NUMBERS, texts.split(), strict=True)
            }
            for name, (texts, marks) in _POSSESSIVES.items()
        }
        self._numerals = [
            Form(text, "", text, "NUM", feats(Number="Plur", NumForm="Word", NumType="Card")) for text in _NUMERALS
        ]
        self._auxiliaries = {upos: whole_forms(upos) for upos in ("AUX", "VERB")}
        # Of the three, only estar is a main verb here (``el libro está en la mesa``), apart from hay.
        self._auxiliaries["VERB"] = {key: form for key, form in self._auxiliaries["VERB"].items() if key[0] == "estar"}
        self._there_is = {"Pres": "hay", "Imp": "había", "Fut": "habrá"}
        self._there = {
            tense: Form(
                text,
                "",
                "haber",
                "VERB",
                feats(Mood="Ind", Number="Sing", Person="3", Tense=tense, VerbForm="Fin"),
            )
            for tense, text in self._there_is.items()
        }
        self._who = {
            number: Form(text, "", "quién", "PRON", feats(Number=number, PronType="Int"))
            for number, text in zip(NUMBERS, ("quién", "quiénes"), strict=True)
        }
        self._pronouns = self._make_pronouns()
        self._clitics = {
            cell: Form(
                text,
                "",
                "él",
                "PRON",
                feats(Case="Acc", Gender=cell[0], Number=cell[1], Person="3", PrepCase="Npr", PronType="Prs"),
            )
            for cell, text in zip(_CELLS, ("lo", "los", "la", "las"), strict=True)
        }

        self._datives = {
            (person, number): Form(
                text,
                "",
                lemma,
                "PRON",
                feats(
                    Case="Dat",
                    Number=number,
                    Person=person,
                    PrepCase="" if person == "3" else "Npr",
                    PronType="Prs",
                ),
            )
            for person, number, text, lemma in _DATIVES
        }

    @staticmethod
    def _make_pronouns() -> dict[tuple[str, str, str], Form]:
        pronouns = {}
        for (person, number), (text, marks) in _PERSONAL.items():
            for gender in GENDERS:
                pronouns[person, number, gender] = Form(text, "", text, "PRON", feats(**marks))
        for (person, number), (lemma, texts) in _GENDERED.items():
            for gender, text in zip(GENDERS, texts.split(), strict=True):
                marks = {"Gender": gender, "Number": number, "Person": person, "PronType": "Prs"}
                pronouns[person, number, gender] = Form(text, "", lemma, "PRON", feats(Case="Acc,Nom", **marks))
        return pronouns

    def __getitem__(self, name: str) -> Form:
        return self._plain[name]

    def forms(self) -> Iterator[Form]:
        """Every function word."""
        yield from self._plain.values()
        for cells in self._determiners.values():
            yield from cells.values()
        for possessive in self._possessives.values():
            yield from possessive.values()
        yield from self._numerals
        for table in self._auxiliaries.values():
            yield from table.values()
        yield from self._there.values()
        yield from self._who.values()
        yield from dict.fromkeys(self._pronouns.values())
        yield from self._clitics.values()
        yield from self._datives.values()
        yield _DAY

    def determiner(self, draw: Draw, kind: str, gender: str, article: str, number: str) -> list[Tree]:
        """A determiner of a kind: el, un, demonstrative, possessive (my, our), quantity.

        ``article`` is the gender that el and un take, Masc in ``el águila``.
        """
        if kind == "un" and number == "Plur":
            kind = "some"
        if kind in ("el", "un"):
            return [Tree(self._determiners[kind][article, number], "det")]
        if kind == "demonstrative":
            return [Tree(self._determiners[draw.choice(("este", "ese", "aquel"))][gender, number], "det")]
        if kind == "our":
            return [Tree(self._determiners["nuestro"][gender, number], "det")]
        if kind == "my":
            return [Tree(self._possessives[draw.choice(("mi", "tu", "su"))][number], "det")]
        if number == "Sing":
            if draw.chance(0.5):
                return [Tree(self._plain["cada"], "det")]
            return [Tree(self._determiners["otro"][gender, number], "det")]
        if kind == "quantity" and draw.chance(0.45):
            the = Tree(self._determiners["el"][gender, number], "det")
            return [the, Tree(draw.choice(self._numerals), "nummod")]
        return [Tree(self._determiners[draw.choice(("alguno", "mucho", "vario"))][gender, number], "det")]

    def indefinite(self, draw: Draw, gender: str, article: str, number: str) -> list[Tree]:
        """What may follow hay: an indefinite article, a quantity, a numeral."""
        if number == "Sing":
            return [Tree(self._determiners["un"][article, number], "det")]
        if draw.chance(0.4):
            return [Tree(draw.choice(self._numerals), "nummod")]
        return [Tree(self._determiners[draw.choice(("un", "alguno", "mucho", "vario"))][gender, number], "det")]

    def preposition(self, words: str) -> Tree:
        """One of ``de``, ``con`` ..., or ``cerca de``, whose second word is ``fixed`` as in GSD."""
        head, _, tail = words.partition(" ")
        tree = Tree(self._plain[head], "case")
        if tail:
            tree.right.append(Tree(self._plain[tail], "fixed"))
        return tree

    def time(self, words: str) -> Tree:
        """A time adverb, or ``cada día``, ``aquel día``, ``algún día``."""
        head, _, tail = words.partition(" ")
        if not tail:
            return Tree(self._plain[head], "advmod")
        names = {"aquel": "aquel", "algún": "alguno"}
        det = self._determiners[names[head]]["Masc", "Sing"] if head in names else self._plain[head]
        return Tree(_DAY, "obl", left=[Tree(det, "det")])

    def auxiliary(self, lemma: str, mood: str, tense: str, person: str, number: str, upos: str) -> Form:
        """A form of ser, estar or haber."""
        return self._auxiliaries[upos][lemma, mood, tense, person, number]

    def there_is(self, tense: str) -> Form:
        """Hay, había, habrá."""
        return self._there[tense]

    def pronoun(self, person: str, number: str, gender: str) -> Form:
        """A subject pronoun."""
        return self._pronouns[person, number, gender]

    def clitic(self, gender: str, number: str) -> Form:
        """Lo, la, los, las."""
        return self._clitics[gender, number]

    def dative(self, person: str, number: str) -> Form:
        """Me, te, le, nos, les."""
        return self._datives[person, number]

    def who(self, number: str) -> Form:
        """Quién or quiénes."""
        return self._who[number]

    def conjunction(self, following: Tree) -> Form:
        """``y``, or ``e`` before the sound i."""
        first = following
        while first.left:
            first = first.left[0]
        text = first.form.text
        return self._plain["e" if text.startswith(("i", "hi")) and not text.startswith("hie") else "y"]
