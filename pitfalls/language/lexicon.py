"""Which lemmas and attributes a word form can have, from treebanks or from a grammar's paradigms.

The paper parses the predicted words with spaCy, in four of its nine languages; a lexicon of the treebank's
own forms works in all nine (SOURCES.md, "Interventions").
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from pitfalls.language.corpus import Corpus
from pitfalls.language.forms import composed

_DOTTED_LANGUAGES = frozenset({"tur"})
_DOTTED = str.maketrans({"İ": "i", "I": "ı"})


@dataclass(frozen=True, order=True)
class Analysis:
    """One reading of a form: a lemma, and pairs of attribute and value, sorted.

    >>> reading = Analysis.of("cat", {"Part of Speech": "N", "Number": "PL"})
    >>> reading
    Analysis(lemma='cat', attributes=(('Number', 'PL'), ('Part of Speech', 'N')))
    >>> reading.value("Number"), reading.value("Tense")
    ('PL', None)
    """

    lemma: str
    attributes: tuple[tuple[str, str], ...]

    knows_attributes: ClassVar[bool] = True
    """Whether an attribute that the reading does not give is absent (True) or was never looked for (False)."""

    def __post_init__(self) -> None:
        """Compose the lemma and sort the pairs, so that two spellings of a reading are equal."""
        object.__setattr__(self, "lemma", composed(self.lemma))
        object.__setattr__(self, "attributes", tuple(sorted(self.attributes)))

    @classmethod
    def of(cls, lemma: str, attributes: Mapping[str, str]) -> Analysis:
        """Make a reading from a mapping, such as the attributes of a `Word`."""
        return cls(lemma, tuple(attributes.items()))

    def value(self, attribute: str) -> str | None:
        """Return the attribute's value, or None if the reading has none."""
        return dict(self.attributes).get(attribute)


@dataclass(frozen=True, order=True)
class LemmaOnly(Analysis):
    """A reading from a source that knows lemmas but no attributes, such as a lemmatiser.

    Its `value` is None for every attribute, which means *unknown*, not *absent*: check `knows_attributes` before
    you conclude that a word has lost an attribute. It equals no `Analysis`, not even one without attributes.

    Raises
    ------
    ValueError
        Attributes are given: make an `Analysis`.

    Examples
    --------
    >>> of_lemmatiser, of_lexicon = LemmaOnly("and"), Analysis("and", ())
    >>> of_lemmatiser.value("Tense"), of_lexicon.value("Tense"), of_lemmatiser == of_lexicon
    (None, None, False)
    >>> of_lemmatiser.knows_attributes, of_lexicon.knows_attributes
    (False, True)
    """

    attributes: tuple[tuple[str, str], ...] = ()

    knows_attributes: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Compose the lemma, and refuse attributes."""
        if self.attributes:
            raise ValueError(f"LemmaOnly({self.lemma!r}) was given {dict(self.attributes)}: make an Analysis instead")
        object.__setattr__(self, "lemma", composed(self.lemma))


@dataclass(frozen=True)
class Lexicon:
    """The readings of every known form of one language (ISO 639-3).

    Forms are compared in Unicode's composed form (NFC), since tokenizers may compose or decompose what they
    are given. `lookup` and `in` try the form as written and then, if it is unknown, in lower case, as the first word
    of a sentence requires: "May" keeps its own readings, "Cats" falls back on those of "cats". An unknown
    lower-case form does not fall back on a capitalised one.

    >>> lexicon = Lexicon.from_forms("eng", [("cats", "cat", {"Number": "PL"}), ("May", "May", {})])
    >>> lexicon.lookup("Cats")
    (Analysis(lemma='cat', attributes=(('Number', 'PL'),)),)
    >>> lexicon.lookup("may"), "CATS" in lexicon, len(lexicon)
    ((), True, 2)
    """

    language: str
    analyses: Mapping[str, tuple[Analysis, ...]] = field(hash=False)

    def __post_init__(self) -> None:
        """Sort forms and readings, and join those of canonically equal forms."""
        readings: defaultdict[str, set[Analysis]] = defaultdict(set)
        for form, analyses in self.analyses.items():
            readings[composed(form)].update(analyses)
        object.__setattr__(self, "analyses", {form: tuple(sorted(readings[form])) for form in sorted(readings)})

    @classmethod
    def from_forms(cls, language: str, forms: Iterable[tuple[str, str, Mapping[str, str]]]) -> Lexicon:
        """Make a lexicon from `(form, lemma, attributes)`, such as the cells of a grammar's paradigms."""
        readings: defaultdict[str, set[Analysis]] = defaultdict(set)
        for form, lemma, attributes in forms:
            readings[form].add(Analysis.of(lemma, attributes))
        return cls(language, {form: tuple(readings[form]) for form in readings})

    @classmethod
    def from_corpora(cls, *corpora: Corpus) -> Lexicon:
        """Make a lexicon from every word of one or more corpora of one language.

        Raises
        ------
        ValueError
            No corpus is given, or they are in different languages.
        """
        languages = sorted({corpus.language for corpus in corpora})
        if len(languages) != 1:
            found = ", ".join(languages) or "no corpus at all"
            raise ValueError(f"a lexicon is of one language; got {found}: give corpora of one language")
        words = (word for corpus in corpora for sentence in corpus.sentences for word in sentence.words)
        return cls.from_forms(languages[0], ((word.form, word.lemma, word.attributes) for word in words))

    def lookup(self, form: str) -> tuple[Analysis, ...]:
        """Return the readings of a form, sorted; empty if the form is unknown, even in lower case."""
        exact = self.analyses.get(composed(form))
        return exact if exact is not None else self.analyses.get(lower(form, self.language), ())

    def __contains__(self, form: object) -> bool:
        """Whether `lookup` knows the form, as written or in lower case."""
        return isinstance(form, str) and bool(self.lookup(form))

    def __len__(self) -> int:
        """How many forms there are; capitalised ones count separately."""
        return len(self.analyses)

    def __iter__(self) -> Iterator[str]:
        """Iterate over the forms, sorted by code points."""
        return iter(self.analyses)


def lower(form: str, language: str) -> str:
    """Lower-case a form as its language does: the Turkish pairs are İ, i and I, ı.

    The result is composed (NFC).

    >>> lower("İZMİR", "tur"), lower("Irmak", "tur"), lower("Irma", "eng")
    ('izmir', 'ırmak', 'irma')
    """
    form = composed(form)
    return composed((form.translate(_DOTTED) if language in _DOTTED_LANGUAGES else form).lower())
