"""The lexicon against a list that is searched from end to end."""

from __future__ import annotations

import pickle
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitfalls.language.corpus import Corpus, read_conllu
from pitfalls.language.lexicon import Analysis, LemmaOnly, Lexicon, lower

_FORM = st.text("abAB", min_size=1, max_size=2)
_ATTRIBUTES = st.dictionaries(st.sampled_from(["Case", "Number"]), st.sampled_from("xy"))
_ENTRIES = st.lists(st.tuples(_FORM, _FORM, _ATTRIBUTES), max_size=12)


def readings(entries: list[tuple[str, str, dict[str, str]]], form: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """The readings of a form, by looking through all entries: as written, or else in lower case."""

    def search(wanted: str) -> list[tuple[str, list[tuple[str, str]]]]:
        found: list[tuple[str, list[tuple[str, str]]]] = []
        for entry, lemma, attributes in entries:
            reading = (lemma, sorted(attributes.items()))
            if entry == wanted and reading not in found:
                found.append(reading)
        return sorted(found)

    return search(form) or search(form.lower())


def unpacked(analyses: tuple[Analysis, ...]) -> list[tuple[str, list[tuple[str, str]]]]:
    return [(analysis.lemma, list(analysis.attributes)) for analysis in analyses]


@given(_ENTRIES, _FORM)
def test_lookup_agrees_with_a_search(entries, form):
    lexicon = Lexicon.from_forms("eng", entries)
    assert unpacked(lexicon.lookup(form)) == readings(entries, form)
    assert (form in lexicon) == bool(readings(entries, form))
    assert list(lexicon) == sorted({entry for entry, _, _ in entries})
    assert len(lexicon) == len(list(lexicon))
    assert 3 not in lexicon


@given(_ENTRIES, st.randoms())
def test_the_order_of_entries_does_not_matter(entries, random):
    shuffled = list(entries)
    random.shuffle(shuffled)
    one, other = Lexicon.from_forms("eng", entries), Lexicon.from_forms("eng", shuffled)
    assert one == other and repr(one) == repr(other) and hash(one) == hash(other)


def test_turkish_letters_keep_their_dots():
    entries: list[tuple[str, str, dict[str, str]]] = [("ılık", "ılık", {}), ("izin", "izin", {})]
    turkish, english = Lexicon.from_forms("tur", entries), Lexicon.from_forms("eng", entries)
    assert [a.lemma for a in turkish.lookup("Ilık")] == ["ılık"]
    assert [a.lemma for a in turkish.lookup("İzin")] == ["izin"]
    assert turkish.lookup("Izin") == ()
    assert english.lookup("Ilık") == ()
    assert [a.lemma for a in english.lookup("Izin")] == ["izin"]
    # A decomposed İ is the same letter.
    assert [a.lemma for a in turkish.lookup("I\u0307zin")] == ["izin"]


@given(st.text("İIıiŞşÇçABab", max_size=8))
def test_turkish_lower_case_letter_by_letter(form):
    pairs = dict(zip("İIŞÇAB", "iışçab", strict=True))
    assert lower(form, "tur") == "".join(pairs.get(letter, letter) for letter in form)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5))
def test_canonically_equal_forms_are_one_form(form):
    decomposed, composed = (unicodedata.normalize(kind, form) for kind in ("NFD", "NFC"))
    lexicon = Lexicon.from_forms("hin", [(form, "a", {}), (decomposed, "b", {}), (composed, "c", {})])
    assert len(lexicon) == 1
    assert (
        [a.lemma for a in lexicon.lookup(decomposed)] == ["a", "b", "c"] == [a.lemma for a in lexicon.lookup(composed)]
    )


def test_readings_are_equal_in_whatever_order_and_spelling_they_were_written():
    assert Analysis("cafe\u0301", ()) == Analysis("café", ())
    assert LemmaOnly("cafe\u0301") == LemmaOnly("café")
    one = Analysis("a", (("Number", "SG"), ("Case", "NOM")))
    two = Analysis.of("a", {"Case": "NOM", "Number": "SG"})
    assert one == two
    assert len({one, two}) == 1
    assert (one.value("Case"), one.value("Number"), one.value("Tense")) == ("NOM", "SG", None)


def test_a_lexicon_is_of_one_language():
    with pytest.raises(ValueError, match="got eng, spa"):
        Lexicon.from_corpora(Corpus("spa", (), "a"), Corpus("eng", (), "b"))
    with pytest.raises(ValueError, match="no corpus at all"):
        Lexicon.from_corpora()


def test_every_word_of_a_real_treebank_finds_its_own_reading(shared):
    corpus = read_conllu(shared / "data" / "ud" / "tr_imst-ud-dev.conllu", "tur")
    lexicon = Lexicon.from_corpora(corpus)
    words = [word for sentence in corpus.sentences for word in sentence.words]
    assert all(Analysis.of(word.lemma, word.attributes) in lexicon.lookup(word.form) for word in words)
    assert len(lexicon) == len({unicodedata.normalize("NFC", word.form) for word in words})
    assert pickle.loads(pickle.dumps(lexicon)) == lexicon
