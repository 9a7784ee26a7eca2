"""Who says which lemma and attributes a word form has: lexicons, a lemmatiser, spaCy, or one after the other.

Every analyser answers with a *set* of readings, because a form on its own often has several ("saw"); the empty
set means that it does not know the form. What a reading does not say has two meanings, and the reading itself
tells which (`Analysis.knows_attributes`): an `Analysis` without Tense is of a word that has none, a `LemmaOnly`
comes from a lemmatiser that never looked.

The paper parses with spaCy, for four of its nine languages (SOURCES.md, "Interventions"). `SpacyAnalyser` does
so too; a treebank's lexicon serves all nine. How much each knows, and whether two agree, is measured by
`pitfalls.language.coverage`.
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
    """Anything with a name for tables, one language (ISO 639-3), and readings of forms."""

    @property
    def name(self) -> str:
        """What tables and figures call it."""
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
    """A lexicon, of a grammar (complete) or of a treebank (what occurred there), under a name.

    >>> lexicon = Lexicon.from_forms("eng", [("saw", "see", {"Tense": "PST"}), ("saw", "saw", {"Number": "SG"})])
    >>> treebank = LexiconAnalyser(lexicon, "treebank")
    >>> sorted(reading.lemma for reading in treebank.analyse("Saw")), treebank.analyse("seen")
    (['saw', 'see'], frozenset())
    """

    lexicon: Lexicon
    name: str

    @property
    def language(self) -> str:
        """The lexicon's."""
        return self.lexicon.language

    def analyse(self, form: str) -> frozenset[Analysis]:
        """Look the form up as written, otherwise in lower case (`Lexicon.lookup`)."""
        return frozenset(self.lexicon.lookup(form))


@dataclass(frozen=True)
class SimplemmaAnalyser:
    """The dictionaries of simplemma: one lemma for each form that they list, and no attributes.

    Only the dictionaries are asked. simplemma's rules would take apart forms that they do not list; a guess is
    not knowledge, and a garbled prediction of a model should stay unknown. A form is looked up as written,
    otherwise in lower case, exactly as in a `Lexicon`, so the Turkish İ and I keep their dots.

    simplemma 2 reads its dictionaries from compressed text; version 1 unpickled them, hence the floor. Its lists
    were corrected with the train splits of UD, so its agreement with a treebank of UD is not that of two
    independent sources.

    Raises
    ------
    ValueError
        simplemma has no dictionary of the language, or it is none of the nine.

    Examples
    --------
    >>> SimplemmaAnalyser("eng").analyse("Mice"), SimplemmaAnalyser("eng").analyse("mices")
    (frozenset({LemmaOnly(lemma='mouse', attributes=())}), frozenset())
    """

    language: str
    name: str = "simplemma"

    def __post_init__(self) -> None:
        """Check that there is a dictionary of the language."""
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
    """A spaCy pipeline that is installed already: the form is parsed as a text of one word; nothing is downloaded.

    The pipeline guesses: it knows every form and gives one reading. Its UPOS and features become attributes by
    the same conversions as a treebank's (`pitfalls.language.unimorph`). Where it gives no UPOS, as a pipeline without a
    tagger, the reading is a `LemmaOnly`; where it gives no lemma, the form is unknown.

    spaCy is an optional extra, ``pip install 'pitfalls[spacy]'``. Its pipelines are Python packages, which run
    their own code when they are loaded: use those you trust.

    Parameters
    ----------
    language : ISO 639-3 code of one of the nine languages
    pipeline : the name of an installed pipeline, such as "es_core_news_sm", or a folder
    name : for tables; by default "spaCy" and the pipeline
    conversion : the one that the world's treebank was read with, by name or itself: "authors" for the paper world

    Raises
    ------
    ImportError
        spaCy is not installed.
    OSError
        There is no such pipeline, or it cannot be loaded.
    ValueError
        The pipeline is of another language, the language is none of the nine, or there is no such conversion.

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
                f"the pipeline {self.pipeline} is of {loaded.lang!r}, and {self.language!r} is {code!r}: load a "
                f"pipeline of {code!r}, or give the language of this one"
            )
        object.__setattr__(self, "name", self.name or f"spaCy {self.pipeline}")
        # Which version answered decides the answer; spaCy notes it in every pipeline.
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
        convert = unimorph.conversion_of(self.conversion)
        return _converted(form, token.lemma_, token.pos_, str(token.morph), self.language, convert)


@dataclass(frozen=True)
class FirstOf:
    """Several analysers of one language, asked in order: the readings of the first that knows the form.

    Readings of different analysers are never mixed. Where a lexicon stands before a lemmatiser, the readings
    themselves tell which one answered (`Analysis.knows_attributes`).

    Raises
    ------
    ValueError
        No analyser is given, or they are of different languages.

    Examples
    --------
    >>> lexicon = Lexicon.from_forms("eng", [("saw", "see", {"Tense": "PST"})])
    >>> both = FirstOf([LexiconAnalyser(lexicon, "treebank"), SimplemmaAnalyser("eng")])
    >>> both.name, both.analyse("mice"), both.analyse("mices")
    ('treebank, then simplemma', frozenset({LemmaOnly(lemma='mouse', attributes=())}), frozenset())
    """

    analysers: Sequence[Analyser]

    def __post_init__(self) -> None:
        """Keep the analysers as a tuple, and check that they go together."""
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
        """Ask one after the other until one knows the form."""
        for analyser in self.analysers:
            if found := analyser.analyse(form):
                return found
        return frozenset()


def one_language(analysers: Sequence[Analyser]) -> str:
    """Return the one language of some analysers.

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
            f"{program} is asked for {language!r}; it serves the ISO 639-3 codes {', '.join(ISO_639_1)}: give one of "
            "these, or use a LexiconAnalyser"
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


def _converted(
    form: str, lemma: str, upos: str, feats: str, language: str, convert: unimorph.Conversion
) -> frozenset[Analysis]:
    """Turn a parsed token, its features written as in CoNLL-U, into its one reading, if it has a lemma."""
    if not lemma:
        return frozenset()
    if not upos:
        return frozenset({LemmaOnly(lemma)})
    if upos not in UPOS_TAGS:
        # SPACE is spaCy's own, and carries no attribute.
        return frozenset({Analysis(lemma, ())})
    return frozenset({Analysis.of(lemma, convert(upos, parse_feats(feats or "_"), language, form, lemma))})
