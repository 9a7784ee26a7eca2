"""Sources that say which lemma and attributes a word form has: lexicons, a lemmatiser, spaCy, or several in order.

Every analyser answers with a *set* of readings, because a form on its own often has several ("saw"); the empty
set means that the analyser does not know the form. A reading may lack an attribute for either of two reasons, and says
which (`Analysis.knows_attributes`): an `Analysis` without Tense belongs to a word that has none, a `LemmaOnly` comes
from a lemmatiser that never looked.

The paper parses with spaCy, in four of its nine languages (SOURCES.md, "Interventions"), as `SpacyAnalyser` does; a
treebank's lexicon works in all nine. `pitfalls.language.coverage` measures how many forms each analyser knows and how
often two of them agree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from pitfalls.extras import extra
from pitfalls.language import unimorph
from pitfalls.language.corpus import parse_feats
from pitfalls.language.forms import composed
from pitfalls.language.lexicon import Analysis, LemmaOnly, Lexicon, lower
from pitfalls.language.unimorph_rules import UPOS_TAGS

with extra("models"):
    from simplemma.strategies import DictionaryLookupStrategy

if TYPE_CHECKING:
    from spacy.language import Language

ISO_639_1: Mapping[str, str] = {
    "ara": "ar",
    "bul": "bg",
    "eng": "en",
    "fin": "fi",
    "fra": "fr",
    "hin": "hi",
    "rus": "ru",
    "spa": "es",
    "tur": "tr",
}
"""The two-letter codes that simplemma and spaCy use for the paper's nine languages. simplemma has all nine."""


class Analyser(Protocol):
    """Anything that gives the readings of forms, with a language and a name for tables."""

    @property
    def name(self) -> str:
        """Its name in tables and figures."""
        ...

    @property
    def language(self) -> str:
        """ISO 639-3 code, such as "eng"."""
        ...

    def analyse(self, form: str) -> frozenset[Analysis]:
        """Give all readings of a form; none if the form is unknown."""
        ...


@dataclass(frozen=True)
class LexiconAnalyser:
    """A lexicon with a name: a grammar's, which is complete, or a treebank's, with the forms that occur there.

    >>> lexicon = Lexicon.from_forms("eng", [("saw", "see", {"Tense": "PST"}), ("saw", "saw", {"Number": "SG"})])
    >>> treebank = LexiconAnalyser(lexicon, "treebank")
    >>> sorted(reading.lemma for reading in treebank.analyse("Saw")), treebank.analyse("seen")
    (['saw', 'see'], frozenset())
    """

    lexicon: Lexicon
    name: str

    @property
    def language(self) -> str:
        """The lexicon's language."""
        return self.lexicon.language

    def analyse(self, form: str) -> frozenset[Analysis]:
        """Look the form up as written, then in lower case (`Lexicon.lookup`)."""
        return frozenset(self.lexicon.lookup(form))


@dataclass(frozen=True)
class SimplemmaAnalyser:
    """The dictionaries of simplemma: one lemma for each form that they list, and no attributes.

    Only the dictionaries are used. simplemma's rules would also take apart forms that are not listed, but a guess is
    not knowledge, and a model's garbled prediction should stay unknown. A form is looked up as written,
    then in lower case, exactly as in a `Lexicon`, so the Turkish İ and I keep their dots.

    simplemma 2 reads its dictionaries from compressed text; version 1 unpickles them, so it is not supported. The lists
    were corrected with the train splits of UD: simplemma and a treebank of UD are not independent sources.

    Raises
    ------
    ValueError
        The language is not one of the paper's nine.

    Examples
    --------
    >>> SimplemmaAnalyser("eng").analyse("Mice"), SimplemmaAnalyser("eng").analyse("mices")
    (frozenset({LemmaOnly(lemma='mouse', attributes=())}), frozenset())
    """

    language: str
    name: str = "simplemma"

    def __post_init__(self) -> None:
        """Check that there is a dictionary for the language."""
        _two_letters(self.language, "simplemma")

    def analyse(self, form: str) -> frozenset[Analysis]:
        """Give the one lemma that the dictionary lists for the form."""
        for spelling in dict.fromkeys((composed(form), lower(form, self.language))):
            lemma = _SIMPLEMMA.exact_lemma(spelling, ISO_639_1[self.language])
            if lemma is not None:
                return frozenset({LemmaOnly(lemma)})
        return frozenset()


_SIMPLEMMA = DictionaryLookupStrategy()


@dataclass(frozen=True)
class SpacyAnalyser:
    """An installed spaCy pipeline, which parses the form as a text of one word; nothing is downloaded.

    The pipeline guesses: it knows every form and gives one reading. Its UPOS and features become attributes by
    the same conversions as a treebank's (`pitfalls.language.unimorph`). If it gives no UPOS, as without a tagger, the
    reading is a `LemmaOnly`; if it gives no lemma, the form is unknown.

    spaCy is an optional extra, ``pip install 'pitfalls[spacy]'``. Its pipelines are Python packages, which run
    their own code when they are loaded: use only those you trust.

    Parameters
    ----------
    language : ISO 639-3 code of one of the nine languages
    pipeline : the name of an installed pipeline, such as "es_core_news_sm", or a folder
    name : for tables; by default "spaCy" and the pipeline
    conversion : the conversion, or its name, that the world's treebank was read with: "authors" for the paper world

    Raises
    ------
    ImportError
        spaCy is not installed.
    OSError
        The pipeline is not installed or cannot be loaded.
    ValueError
        The pipeline is of another language, the language is not one of the nine, or there is no such conversion.

    Examples
    --------
    >>> SpacyAnalyser("spa", "es_core_news_sm").analyse("gatas")  # doctest: +SKIP
    frozenset({Analysis(lemma='gata', attributes=(('Gender', 'FEM'), ('Number', 'PL'), ('Part of Speech', 'N')))})
    """

    language: str
    pipeline: str
    name: str = ""
    conversion: str | unimorph.Conversion = "ours"
    version: str = field(init=False)

    def __post_init__(self) -> None:
        """Load the pipeline."""
        code = _two_letters(self.language, "spaCy")
        object.__setattr__(self, "conversion", unimorph.conversion_of(self.conversion))
        loaded = _load_spacy(self.pipeline)
        if loaded.lang not in (code, "xx"):
            raise ValueError(
                f"the pipeline {self.pipeline} is for {loaded.lang!r}, but {self.language!r} is {code!r}: load a "
                f"pipeline for {code!r}, or give the language of this one"
            )
        object.__setattr__(self, "name", self.name or f"spaCy {self.pipeline}")
        # Another version may give other answers; every pipeline states its own.
        object.__setattr__(self, "version", str(loaded.meta.get("version", "")))
        object.__setattr__(self, "_loaded", loaded)

    def analyse(self, form: str) -> frozenset[Analysis]:
        """Parse the form as a text of one word."""
        with extra("spacy"):
            from spacy.tokens import Doc

        if not form:
            return frozenset()
        # The words are given, so that spaCy's tokenizer does not split the form.
        loaded: Language = self.__dict__["_loaded"]
        form = composed(form)
        token = loaded(Doc(loaded.vocab, words=[form]))[0]
        lemma, upos = token.lemma_, token.pos_
        if not lemma:
            return frozenset()
        if not upos:
            return frozenset({LemmaOnly(lemma)})
        if upos not in UPOS_TAGS:  # SPACE is spaCy's own, and carries no attribute.
            return frozenset({Analysis(lemma, ())})
        convert = unimorph.conversion_of(self.conversion)
        values = convert(upos, parse_feats(str(token.morph) or "_"), self.language, form, lemma)
        return frozenset({Analysis.of(lemma, values)})


@dataclass(frozen=True)
class FirstOf:
    """Several analysers of one language in order: the readings come from the first that knows the form.

    Readings of different analysers are never mixed. If a lexicon comes before a lemmatiser, the readings
    themselves tell which of them answered (`Analysis.knows_attributes`).

    Raises
    ------
    ValueError
        No analyser is given, or the analysers are of different languages.

    Examples
    --------
    >>> lexicon = Lexicon.from_forms("eng", [("saw", "see", {"Tense": "PST"})])
    >>> both = FirstOf([LexiconAnalyser(lexicon, "treebank"), SimplemmaAnalyser("eng")])
    >>> both.name, both.analyse("mice"), both.analyse("mices")
    ('treebank, then simplemma', frozenset({LemmaOnly(lemma='mouse', attributes=())}), frozenset())
    """

    analysers: Sequence[Analyser]

    def __post_init__(self) -> None:
        """Keep the analysers as a tuple, and check that they are of one language."""
        object.__setattr__(self, "analysers", tuple(self.analysers))
        one_language(self.analysers)

    @property
    def name(self) -> str:
        """The names in order."""
        return ", then ".join(analyser.name for analyser in self.analysers)

    @property
    def language(self) -> str:
        """The language of all of them."""
        return self.analysers[0].language

    def analyse(self, form: str) -> frozenset[Analysis]:
        """Ask one after another until one knows the form."""
        answers = (analyser.analyse(form) for analyser in self.analysers)
        return next(filter(None, answers), frozenset())


def one_language(analysers: Sequence[Analyser]) -> str:
    """Return the language that all the analysers share.

    Raises
    ------
    ValueError
        There are none, or they are of different languages.

    Examples
    --------
    >>> one_language([SimplemmaAnalyser("eng"), SimplemmaAnalyser("spa")])
    Traceback (most recent call last):
    ...
    ValueError: analysers of one language are needed; got simplemma (eng), simplemma (spa): keep each language apart
    """
    languages = {analyser.language for analyser in analysers}
    if len(languages) != 1:
        found = ", ".join(f"{analyser.name} ({analyser.language})" for analyser in analysers) or "none at all"
        raise ValueError(f"analysers of one language are needed; got {found}: keep each language apart")
    return languages.pop()


def _two_letters(language: str, program: str) -> str:
    if language not in ISO_639_1:
        raise ValueError(
            f"{program} was asked for {language!r}, but knows only the ISO 639-3 codes {', '.join(ISO_639_1)}: give "
            "one of these, or use a LexiconAnalyser"
        )
    return ISO_639_1[language]


def _load_spacy(pipeline: str) -> Language:
    with extra("spacy"):
        import spacy
    try:
        return spacy.load(pipeline)
    except OSError as error:
        found = ", ".join(sorted(spacy.util.get_installed_models())) or "none"
        raise OSError(
            f"spaCy cannot load the pipeline {pipeline!r} ({error}); installed pipelines: {found}. Give one of these "
            f"or a folder, or install it: python -m spacy download {pipeline}"
        ) from error
