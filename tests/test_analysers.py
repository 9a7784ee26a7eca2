"""Analysers, and the tables of what they know, against loops over all words."""

from __future__ import annotations

import itertools
import math
import pickle
import sys
import types
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pitfalls.language import analysers, unimorph
from pitfalls.language.analysers import Analyser, FirstOf, LexiconAnalyser, SimplemmaAnalyser, SpacyAnalyser
from pitfalls.language.corpus import Corpus, Word, read_conllu
from pitfalls.language.coverage import agreement, coverage
from pitfalls.language.lexicon import Analysis, LemmaOnly, Lexicon
from pitfalls.worlds.load import mini_folder
from pitfalls.worlds.sources import GeneratedSource

_FORM = st.text("abAB", min_size=1, max_size=2)
_ATTRIBUTES = st.dictionaries(st.sampled_from(["Case", "Number"]), st.sampled_from("xy"))
_ENTRIES = st.lists(st.tuples(_FORM, _FORM, _ATTRIBUTES), max_size=12)
_FORMS = st.lists(_FORM, min_size=1, max_size=12)


@dataclass(frozen=True)
class Lemmatiser:
    """Knows the lemmas of a list, and nothing else."""

    lemmas: tuple[tuple[str, str], ...]
    name: str = "lemmatiser"
    language: str = "eng"

    def analyse(self, form: str) -> frozenset[Analysis]:
        return frozenset(LemmaOnly(lemma) for known, lemma in self.lemmas if known == form)


class Itself:
    """The baseline of lemmatisers: every form is its own lemma."""

    name = "itself"

    def __init__(self, language: str) -> None:
        self.language = language

    def analyse(self, form: str) -> frozenset[Analysis]:
        return frozenset({LemmaOnly(form)})


def toy(entries: Iterable[tuple[str, str, dict[str, str]]], name: str = "toy", language: str = "eng") -> Analyser:
    return LexiconAnalyser(Lexicon.from_forms(language, entries), name)


def words(corpus: Corpus) -> list[Word]:
    return [word for sentence in corpus.sentences for word in sentence.words]


# -------------------------------------------------------------------------------------------- slow tables


def slow_coverage(analyser: Analyser, forms: Sequence[str]) -> tuple[int, float, float, float]:
    """One row of `coverage`, word by word."""
    known, informed, readings = 0, 0, 0
    for form in forms:
        found = analyser.analyse(form)
        if found:
            known += 1
            readings += len(found)
        if [reading for reading in found if not isinstance(reading, LemmaOnly)]:
            informed += 1
    return len(forms), known / len(forms), informed / len(forms), readings / known if known else math.nan


def slow_agreement(a: Analyser, b: Analyser, forms: Sequence[str], attribute: str | None) -> tuple[int, float, float]:
    """One row of `agreement`, word by word and reading by reading."""
    compared, intersect, equal = 0, 0, 0
    for form in forms:
        sides = []
        for analyser in (a, b):
            readings = list(analyser.analyse(form))
            if attribute is not None:
                readings = [reading for reading in readings if not isinstance(reading, LemmaOnly)]
            said = [r.lemma if attribute is None else dict(r.attributes).get(attribute) for r in readings]
            sides.append(said)
        x, y = sides
        if x and y and any(each is not None for each in x + y):
            compared += 1
            intersect += any(one == two for one in x for two in y)
            equal += all(one in y for one in x) and all(two in x for two in y)
    if not compared:
        return 0, math.nan, math.nan
    return compared, intersect / compared, equal / compared


def check_coverage(which: Sequence[Analyser], forms: Sequence[str]) -> None:
    table = coverage(which, forms)
    rows = table.itertuples(index=False)
    for analyser, (per, counted) in itertools.product(which, [("form", sorted(set(forms))), ("word", forms)]):
        row = next(rows)
        assert (row.analyser, row.language, row.per) == (analyser.name, analyser.language, per)
        n, known, informed, mean = slow_coverage(analyser, counted)
        assert row.n == n
        found = (row.known, row.with_attributes, row.mean_analyses)
        assert found == pytest.approx((known, informed, mean), nan_ok=True)
    assert next(rows, None) is None


def check_agreement(a: Analyser, b: Analyser, forms: Sequence[str], attribute: str | None) -> None:
    table = agreement(a, b, forms, attribute)
    assert list(table["per"]) == ["form", "word"]
    for row, counted in zip(table.itertuples(index=False), [sorted(set(forms)), forms], strict=True):
        n, intersect, equal = slow_agreement(a, b, counted, attribute)
        assert (row.a, row.b, row.language, row.of) == (a.name, b.name, a.language, attribute or "lemma")
        assert (row.n, row.n_compared) == (len(counted), n)
        assert (row.intersect, row.equal) == pytest.approx((intersect, equal), nan_ok=True)


@given(_ENTRIES, _ENTRIES, st.lists(st.tuples(_FORM, _FORM), max_size=6), _FORMS)
@settings(max_examples=40)
def test_the_tables_agree_with_counts_word_by_word(one, two, lemmas, forms):
    first, second, lemmatiser = toy(one, "one"), toy(two, "two"), Lemmatiser(tuple(lemmas))
    both = FirstOf([first, lemmatiser])
    check_coverage([first, second, lemmatiser, both], forms)
    pairs = [(first, second), (second, both), (lemmatiser, first), (lemmatiser, lemmatiser)]
    for (a, b), attribute in itertools.product(pairs, (None, "Case", "Number")):
        check_agreement(a, b, forms, attribute)


def test_canonically_equal_forms_count_as_one():
    composed, decomposed = (unicodedata.normalize(kind, "árboles") for kind in ("NFC", "NFD"))
    known = toy([(composed, "árbol", {})], language="spa")
    table = coverage([known, SimplemmaAnalyser("spa")], [composed, decomposed])
    assert list(table["n"]) == [1, 2, 1, 2]
    assert list(table["known"]) == [1.0] * 4


def test_bad_input_of_the_tables():
    english, spanish = toy([], "english"), toy([], "spanish", "spa")
    with pytest.raises(ValueError, match=r"got english \(eng\), spanish \(spa\): keep"):
        coverage([english, spanish], ["a"])
    with pytest.raises(ValueError, match=r"got english \(eng\), spanish \(spa\)"):
        agreement(english, spanish, ["a"])
    with pytest.raises(ValueError, match="got none at all"):
        coverage([], ["a"])
    with pytest.raises(ValueError, match=r"\['english', 'english'\]: rename one"):
        coverage([english, english], ["a"])
    with pytest.raises(ValueError, match="forms is empty"):
        agreement(english, english, [])
    with pytest.raises(ValueError, match="one string 'cats'"):
        coverage([english], "cats")
    with pytest.raises(ValueError, match=r"no attribute 'number'; there are: .*Number"):
        agreement(english, english, ["a"], "number")


# -------------------------------------------------------------------------------------------- analysers


@given(_ENTRIES, st.lists(st.tuples(_FORM, _FORM), max_size=6), _ENTRIES, _FORM)
def test_first_of_is_the_first_that_knows_the_form(one, lemmas, two, form):
    chain = [toy(one, "one"), Lemmatiser(tuple(lemmas)), toy(two, "two")]
    answers = [answer for answer in (analyser.analyse(form) for analyser in chain) if answer]
    assert FirstOf(chain).analyse(form) == (answers[0] if answers else frozenset())
    assert FirstOf(chain[:1]).analyse(form) == chain[0].analyse(form)
    assert FirstOf([FirstOf(chain[:2]), chain[2]]).analyse(form) == FirstOf(chain).analyse(form)


def test_first_of_is_of_one_language():
    with pytest.raises(ValueError, match=r"one \(eng\), two \(spa\)"):
        FirstOf([toy([], "one"), toy([], "two", "spa")])
    with pytest.raises(ValueError, match="none at all"):
        FirstOf([])
    assert FirstOf([toy([], "one"), toy([], "two")]).name == "one, then two"
    assert FirstOf([toy([], "one", "spa")]).language == "spa"


def test_unknown_attributes_are_told_from_absent_ones_also_in_a_chain():
    chain = FirstOf([toy([("and", "and", {})]), SimplemmaAnalyser("eng")])
    (absent,), (unknown,) = chain.analyse("and"), chain.analyse("mice")
    assert absent.value("Tense") is None is unknown.value("Tense")
    assert absent.knows_attributes
    assert not unknown.knows_attributes
    assert Analysis("and", ()) != LemmaOnly("and")
    assert len({Analysis("and", ()), LemmaOnly("and"), LemmaOnly("and")}) == 2
    with pytest.raises(ValueError, match="make an Analysis"):
        LemmaOnly("cats", (("Number", "PL"),))


def test_simplemma_has_the_nine_languages_and_no_other():
    from simplemma.strategies.dictionaries.dictionary_factory import SUPPORTED_LANGUAGES

    assert set(analysers.ISO_639_1) == set(unimorph.LANGUAGES)
    assert set(analysers.ISO_639_1.values()) <= set(SUPPORTED_LANGUAGES)
    with pytest.raises(ValueError, match=r"simplemma was asked for 'en', .*eng.*use a LexiconAnalyser"):
        SimplemmaAnalyser("en")


def test_simplemma_lists_forms_and_guesses_none():
    english, turkish = SimplemmaAnalyser("eng"), SimplemmaAnalyser("tur")
    assert english.analyse("mice") == english.analyse("Mice") == {LemmaOnly("mouse")}
    # simplemma's own lemmatiser takes these apart; its dictionary does not list them.
    for form in ("mices", "cat-cats", "1984", ""):
        assert english.analyse(form) == frozenset()
    # Capitals fall back on lower case, not the other way, and with the language's own letters.
    assert english.analyse("rome") == frozenset()
    assert english.analyse("Rome") == {LemmaOnly("Rome")}
    assert turkish.analyse("Irmaklar") == turkish.analyse("ırmaklar") == {LemmaOnly("ırmak")}


def test_simplemma_unpickles_nothing(monkeypatch):
    from simplemma.strategies.dictionaries import DefaultDictionaryFactory

    def refuse(*args: object, **kwargs: object) -> object:
        raise AssertionError("a pickle was loaded")

    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, name, refuse)
    assert len(DefaultDictionaryFactory().get_dictionary("hi")) > 0


# ---------------------------------------------------------------------------------- on whole treebanks


@pytest.mark.slow
@pytest.mark.parametrize("language", GeneratedSource(mini_folder()).languages)
def test_the_grammars_lexicon_knows_every_word_of_the_mini_treebanks(language):
    source = GeneratedSource(mini_folder())
    grammar = LexiconAnalyser(source.lexicon(language), "grammar")
    everything = [word for split in ("train", "dev", "test") for word in words(source.corpus(language, split))]
    table = coverage([grammar], [word.form for word in words(source.corpus(language, "test"))])
    assert list(table["known"]) == [1.0, 1.0] == list(table["with_attributes"])
    distinct = {(word.form, Analysis.of(word.lemma, word.attributes)) for word in everything}
    assert [(form, reading) for form, reading in distinct if reading not in grammar.analyse(form)] == []


def test_simplemma_agrees_with_a_treebank_far_better_than_forms_themselves_do(shared):
    test, dev = (read_conllu(shared / "data" / "ud" / f"es_gsd-ud-{split}.conllu", "spa") for split in ("test", "dev"))
    gold, seen = (LexiconAnalyser(Lexicon.from_corpora(corpus), corpus.name[-3:]) for corpus in (test, dev))
    simplemma = SimplemmaAnalyser("spa")
    # Of words that are not inflected, every baseline is right.
    forms = [word.form for word in words(test) if word.form.lower() != word.lemma.lower()]
    check_coverage([simplemma, seen], forms)
    check_agreement(simplemma, seen, forms, None)
    check_agreement(gold, seen, forms, "Number")
    table, baseline = (agreement(analyser, gold, forms) for analyser in (simplemma, Itself("spa")))
    assert ((1 - table["intersect"]) < (1 - baseline["intersect"]) / 2).all()
    # A treebank's lexicon knows the frequent words of another part better than the rare ones.
    chain = coverage([seen, simplemma, FirstOf([seen, simplemma])], forms).set_index(["analyser", "per"])
    assert 0 < chain.loc[("dev", "form"), "known"] < chain.loc[("dev", "word"), "known"] < 1
    either = [form for form in forms if seen.analyse(form) or simplemma.analyse(form)]
    row = chain.loc[("dev, then simplemma", "word")]
    assert row["known"] == pytest.approx(len(either) / len(forms))
    # A lemmatiser adds lemmas for words that the lexicon lacks, and no attributes.
    assert row["known"] > chain.loc[("dev", "word"), "known"] == row["with_attributes"]


# -------------------------------------------------------------------------------------------- spaCy


class _Token:
    def __init__(self, lemma: str, upos: str, feats: str) -> None:
        self.lemma_, self.pos_, self.morph = lemma, upos, feats


class _Pipeline:
    """A pipeline that answers from a table, and takes only words that are already split."""

    vocab = object()
    meta: ClassVar[dict[str, str]] = {"version": "3.8.0"}

    def __init__(self, lang: str, table: dict[str, tuple[str, str, str]]) -> None:
        self.lang, self.table = lang, table

    def __call__(self, doc: tuple[object, list[str]]) -> list[_Token]:
        vocab, texts = doc
        assert vocab is self.vocab
        return [_Token(*self.table[text]) for text in texts]


@pytest.fixture
def fake_spacy(monkeypatch):
    """Stand in for spaCy: two pipelines, one for Spanish and one for several languages."""
    table = {
        "gatas": ("gato", "NOUN", "Gender=Fem|Number=Plur"),
        "a b": ("a b", "X", ""),
        "hablaba": ("hablar", "VERB", "Tense=Imp"),
        "se": ("él", "PRON", "Case=Acc,Dat|Person=3"),
        "él": ("él", "PRON", "Case=Nom|Person=3"),
        " ": (" ", "SPACE", ""),
        "untagged": ("untag", "", ""),
        "bare": ("", "NOUN", "Number=Sing"),
    }
    pipelines = {"es_toy": _Pipeline("es", table), "xx_toy": _Pipeline("xx", table)}

    def load(name: str) -> _Pipeline:
        if name not in pipelines:
            raise OSError(f"[E050] Can't find model '{name}'.")
        return pipelines[name]

    spacy, tokens = types.ModuleType("spacy"), types.ModuleType("spacy.tokens")
    spacy.load, spacy.util = load, types.SimpleNamespace(get_installed_models=lambda: list(pipelines))
    tokens.Doc = lambda vocab, words: (vocab, words)
    monkeypatch.setitem(sys.modules, "spacy", spacy)
    monkeypatch.setitem(sys.modules, "spacy.tokens", tokens)


@pytest.mark.usefixtures("fake_spacy")
def test_spacys_tokens_become_readings_by_the_treebanks_tables():
    spanish = SpacyAnalyser("spa", "es_toy")
    feats = {"Gender": "Fem", "Number": "Plur"}
    assert spanish.analyse("e\u0301l") == spanish.analyse("\u00e9l") != frozenset()
    assert spanish.analyse("gatas") == {Analysis.of("gato", unimorph.OURS("NOUN", feats, "spa", "gatas", "gato"))}
    # Two cases count as none, as in a treebank.
    assert spanish.analyse("se") == {Analysis.of("él", {"Part of Speech": "PRO", "Person": "3"})}
    assert spanish.analyse("a b") == {Analysis("a b", ())}
    assert spanish.analyse(" ") == {Analysis(" ", ())}
    assert spanish.analyse("untagged") == {LemmaOnly("untag")}
    assert spanish.analyse("bare") == frozenset() == spanish.analyse("")
    assert (spanish.name, spanish.language) == ("spaCy es_toy", "spa")
    assert SpacyAnalyser("spa", "es_toy", "mine").name == "mine"
    assert spanish.version == "3.8.0"
    # The same conversion as the world's.
    assert spanish.analyse("hablaba") == {
        Analysis.of("hablar", {"Part of Speech": "V", "Tense": "PST", "Aspect": "IPFV"})
    }
    authors = SpacyAnalyser("spa", "es_toy", conversion="authors")
    assert authors.analyse("hablaba") == {Analysis.of("hablar", {"Part of Speech": "V", "Aspect": "IPFV"})}
    assert authors != spanish
    with pytest.raises(ValueError, match="no conversion 'mine'; there are: authors, converter, ours"):
        SpacyAnalyser("spa", "es_toy", conversion="mine")
    assert spanish == SpacyAnalyser("spa", "es_toy") != SpacyAnalyser("spa", "es_toy", "mine")


@pytest.mark.usefixtures("fake_spacy")
def test_what_is_wrong_with_a_pipeline_is_said():
    SpacyAnalyser("eng", "xx_toy")
    with pytest.raises(ValueError, match=r"es_toy is for 'es', but 'eng' is 'en'"):
        SpacyAnalyser("eng", "es_toy")
    with pytest.raises(ValueError, match="spaCy was asked for 'deu'"):
        SpacyAnalyser("deu", "es_toy")
    with pytest.raises(OSError, match=r"'fr_toy' \(\[E050\].*installed pipelines: es_toy, xx_toy.*download fr_toy"):
        SpacyAnalyser("fra", "fr_toy")


def test_without_spacy_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "spacy", None)
    with pytest.raises(ImportError, match=r"spacy is not installed: pip install 'pitfalls\[spacy\]'"):
        SpacyAnalyser("spa", "es_toy")
