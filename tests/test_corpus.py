"""The corpus reader against a hand-written slow one, and against files that are not CoNLL-U."""

from __future__ import annotations

import bz2
import gzip
import lzma
import pickle
import re
import unicodedata
import warnings
import zipfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pitfalls.language import unimorph
from pitfalls.language.corpus import Corpus, CorpusError, Sentence, Word, contracted, drop_long, read_conllu
from pitfalls.language.unimorph import AUTHORS, OURS

SHARED_FILES = [
    ("en_ewt-ud-dev", "eng"),
    ("es_gsd-ud-test", "spa"),
    ("tr_imst-ud-dev", "tur"),
    ("hi_pud-ud-test", "hin"),
    ("ru_gsd-ud-test", "rus"),
]


def plain(upos: str, feats: Mapping[str, str], language: str, form: str, lemma: str) -> dict[str, str]:
    """Keep the features as they are: all that these tests need from a conversion."""
    return {**feats, "Part of Speech": upos}


def line(number: object, form: str, lemma: str = "_", upos: str = "X", feats: str = "_") -> str:
    return "\t".join([str(number), form, lemma, upos, "_", feats, "_", "_", "_", "_"]) + "\n"


def slow(path: Path, language: str) -> list[tuple[str, list[tuple[str, dict[str, str]]]]]:
    """Sentence ids with surface forms and attributes, straight from the text and the rule of SOURCES.md."""
    result = []
    for block in path.read_text(encoding="utf-8").strip("\n").split("\n\n"):
        rows = [row.split("\t") for row in block.split("\n") if not row.startswith("#")]
        words = {int(row[0]): row for row in rows if row[0].isdecimal()}
        attributes = {}
        for i, row in words.items():
            feats = {} if row[5] == "_" else dict(part.split("=") for part in row[5].split("|"))
            lemma = row[1] if row[2] == "_" else row[2]
            attributes[i] = plain(row[3], feats, language, row[1], lemma)
        surface = []
        covered: set[int] = set()
        for row in rows:
            if "-" in row[0]:
                start, end = map(int, row[0].split("-"))
                inside = range(start, end + 1)
                covered.update(inside)
                carriers = Counter(name for i in inside for name in attributes[i])
                pairs = [(name, value) for i in inside for name, value in attributes[i].items()]
                surface.append((row[1], {name: value for name, value in pairs if carriers[name] == 1}))
            elif row[0].isdecimal() and int(row[0]) not in covered:
                surface.append((row[1], attributes[int(row[0])]))
        sent_id = next(row.split(" = ")[1] for row in block.split("\n") if row.startswith("# sent_id"))
        result.append((sent_id, surface))
    return result


@pytest.mark.parametrize(("name", "language"), SHARED_FILES)
def test_real_treebanks_agree_with_the_slow_reader(shared, name, language):
    path = shared / "data" / "ud" / f"{name}.conllu"
    corpus = read_conllu(path, language, plain)
    ours = [(s.id, [(w.form, dict(w.attributes)) for w in s.words]) for s in corpus.sentences]
    assert ours == slow(path, language)
    assert (corpus.name, corpus.language) == (name, language)


# -- words ---------------------------------------------------------------------------------------------------


def read(tmp_path: Path, text: str) -> Corpus:
    path = tmp_path / "toy.conllu"
    path.write_text(text, encoding="utf-8", newline="")
    return read_conllu(path, "spa", plain)


def test_contraction_stays_one_word_with_the_attributes_of_one_component(tmp_path):
    text = (
        line("1-2", "Del", upos="_")
        + line(1, "de", "de", "ADP")
        + line(2, "el", "el", "DET", "Gender=Masc|Number=Sing")
        + line(3, "mar", "mar", "NOUN", "Number=Sing")
    )
    words = read(tmp_path, text + "\n").sentences[0].words
    assert words == (
        Word("Del", "el", {"Gender": "Masc", "Number": "Sing"}),
        Word("mar", "mar", {"Number": "Sing", "Part of Speech": "NOUN"}),
    )


def test_contraction_of_several_carriers_or_none_has_its_form_as_lemma():
    verb = Word("da", "dar", {"Tense": "PRS", "Number": "SG"})
    pronoun = Word("lo", "él", {"Gender": "MASC", "Number": "SG"})
    # Number is lost even though both agree on it.
    assert contracted("dalo", [verb, pronoun]) == Word("dalo", "dalo", {"Gender": "MASC", "Tense": "PRS"})
    assert contracted("lolo", [pronoun, pronoun]) == Word("lolo", "lolo", {})


def test_empty_nodes_are_ignored_and_odd_words_kept(tmp_path):
    text = (
        "# sent_id = x\n"
        + line("0.1", "ghost")
        + line(1, "teh", "the", "DET", "Typo=Yes")
        + line("1.1", "ghost")
        + line("1.2", "ghost")
        + line(2, "_", "_", "PUNCT")
        + line(3, "New York", "_", "_")
        + line(4, "#", "#", "SYM")
    )
    sentence = read(tmp_path, text + "\n").sentences[0]
    assert sentence.id == "x"
    assert sentence.forms == ("teh", "_", "New York", "#")
    assert sentence.words[0].attributes["Typo"] == "Yes"
    assert [word.lemma for word in sentence.words] == ["the", "_", "New York", "#"]
    assert sentence.words[2].attributes == {}


def test_columns_after_the_sixth_may_hold_anything(tmp_path):
    columns = ["1", "a", "a", "X", "two  spaces", "_", "0", "root", "_", "Gloss=a  b|odd"]
    with pytest.raises(CorpusError, match="XPOS"):
        read(tmp_path, "\t".join(columns) + "\n\n")
    columns[4] = "_"
    assert read(tmp_path, "\t".join(columns) + "\n\n").sentences[0].forms == ("a",)


def test_line_ends_byte_order_mark_and_blank_lines_do_not_matter(tmp_path):
    text = line(1, "uno") + "\n" + line(1, "dos")
    for written in (text, "\ufeff" + text + "\n", "\n\n" + text + "\n\n\n"):
        for ending in ("\n", "\r\n"):
            corpus = read(tmp_path, written.replace("\n", ending))
            assert [(s.id, s.forms) for s in corpus.sentences] == [("toy-1", ("uno",)), ("toy-2", ("dos",))]


def test_a_feature_in_lower_case_is_named_once_per_file(tmp_path):
    wrong = line(1, "uno") + line(2, "dos", upos="NOUN", feats="Case=Nom|number=sing") + line(3, "tres", feats="a=b")
    for name in ("one", "two"):
        (tmp_path / f"{name}.conllu").write_text("# sent_id = 1\n" + wrong + "\n", encoding="utf-8")
    with pytest.warns(UserWarning, match="number=sing") as said:
        corpus = read_conllu([tmp_path / "one.conllu", tmp_path / "two.conllu"], "spa")
    assert len(said) == 2
    message = str(said[1].message)
    assert f"{tmp_path / 'two.conllu'}, line 3: 'dos' has the feature 'number=sing'" in message
    assert "Write 'Number=Sing'" in message
    assert corpus.sentences[0].words[1].attributes == {"Part of Speech": "N", "Case": "NOM"}
    for feats, right in (("Case=Acc,dat", "Case=Acc,Dat"), ("number[psor]=Sing", "Number[psor]=Sing")):
        with pytest.warns(UserWarning, match=f"Write '{re.escape(right)}'"):
            read(tmp_path, line(1, "uno", feats=feats) + "\n")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read(tmp_path, line(1, "uno", feats="Person[psor]=1|NumType=Card|Case=2x") + "\n")


def test_another_language_is_read_by_the_common_table_and_told(tmp_path):
    path = tmp_path / "it_toy.conllu"
    path.write_text(line(1, "gatti", upos="NOUN", feats="Number=Plur") + "\n", encoding="utf-8")
    with pytest.warns(UserWarning, match=r"no UniMorph rules for language 'ita'.*common table") as said:
        corpus = read_conllu(path, "ita", unimorph.CONVERTER)
    assert len(said) == 1 and said[0].filename == __file__
    assert corpus.sentences[0].words[0].attributes == {"Number": "PL", "Part of Speech": "N"}
    with pytest.raises(ValueError, match=r"'it' is not an ISO 639-3 language code"):
        read_conllu(path, "it")


def test_several_files_are_one_corpus_in_the_order_given(tmp_path):
    paths = [tmp_path / f"{name}.conllu" for name in "ba"]
    for path in paths:
        path.write_text(line(1, path.stem) + "\n", encoding="utf-8")
    corpus = read_conllu(paths, "eng", plain)
    assert corpus.name == "b+a"
    assert [s.forms for s in corpus.sentences] == [("b",), ("a",)]
    with pytest.raises(ValueError, match="at least one"):
        read_conllu([], "eng", plain)


def test_corpora_and_errors_travel_between_processes_and_words_are_hashable(tmp_path):
    corpus = read(tmp_path, line(1, "a", feats="Case=Nom") + "\n")
    assert pickle.loads(pickle.dumps(corpus)) == corpus
    word = Word("a", "a", {"Case": "Nom"})
    assert len({word, Word("a", "a", {"Case": "Nom"}), Word("a", "a", {"Case": "Acc"})}) == 2
    error = pickle.loads(pickle.dumps(CorpusError("a.conllu", 3, "this", "that")))
    assert (str(error), error.path, error.line) == ("a.conllu, line 3: this; expected that", "a.conllu", 3)


# Whatever a column can hold, including Unicode's line separators, at which str.splitlines() would split. A file with
# more forms "_" than others lacks its text, and white space and control characters alone make no form.
_FORMS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\t\n\r _"), min_size=1).filter(
    lambda form: any(unicodedata.category(character)[0] not in "ZC" for character in form)
)
_FEATS = st.dictionaries(st.sampled_from(["Case", "Number", "Gender[psor]"]), st.sampled_from(["A", "B,C", "1"]))
_TOKENS = st.lists(st.tuples(_FORMS, _FEATS), min_size=1, max_size=3)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(_TOKENS, min_size=1, max_size=4), min_size=1, max_size=3), st.data())
def test_written_words_are_read_again(tmp_path, sentences, data):
    """Tokens of one to three components, with empty nodes strewn in, come back as surface words."""
    text, expected = "", []
    for tokens in sentences:
        number, words = 0, []
        for components in tokens:
            if data.draw(st.booleans()):
                text += line(f"{number}.1", "ghost")
            first = number + 1
            if len(components) > 1:
                text += line(f"{first}-{first + len(components) - 1}", components[0][0], upos="_")
            for form, feats in components:
                number += 1
                text += line(number, form, feats="|".join(f"{k}={v}" for k, v in feats.items()) or "_")
            carriers = Counter(name for _, feats in components for name in [*feats, "Part of Speech"])
            pairs = [pair for _, feats in components for pair in {**feats, "Part of Speech": "X"}.items()]
            surface = unicodedata.normalize("NFC", components[0][0])
            words.append((surface, {k: v for k, v in pairs if carriers[k] == 1}))
        text += "\n"
        expected.append(words)
    corpus = read(tmp_path, text)
    assert [[(w.form, w.attributes) for w in s.words] for s in corpus.sentences] == expected


# -- what is not CoNLL-U -------------------------------------------------------------------------------------

GOOD = line(1, "uno") + line(2, "dos") + "\n"
MALFORMED = {
    "nine columns": (GOOD + line(1, "a")[:-3] + "\n\n", 4, "9 columns.*expected CoNLL-U: 10 columns"),
    "a web page": ("<!DOCTYPE html>\n<html></html>\n", 1, "1 column in '<!DOCTYPE html>'"),
    "CoNLL-X": (line(1, "a", "a", "N", "sg|masc") + "\n", 1, "UPOS 'N'.*NOUN"),
    "CoNLL-U Plus": ("# global.columns = ID FORM UPOS\n1\ta\tX\n\n", 1, "CoNLL-U Plus"),
    "a word left out": (line(1, "a") + line(3, "b") + "\n", 2, "word id 3; expected 2"),
    "starts at 0": (line(0, "a") + "\n", 1, "id '0'"),
    "no blank line between sentences": (GOOD[:-1] + line(1, "a") + "\n", 3, "word id 1; expected 3"),
    "comment between words": (line(1, "a") + "# sent_id = 2\n" + line(2, "b") + "\n", 2, "comment"),
    "comments alone": ("# sent_id = 1\n\n" + GOOD, 2, "no word after"),
    "comments alone at the end": (GOOD + "# text = a\n", 4, "no word after"),
    "range too late": (line("2-3", "ab", upos="_") + GOOD, 1, "id 2-3.*next word, 1"),
    "range backwards": (line("1-0", "ab", upos="_") + GOOD, 1, "id '1-0'"),
    "range beyond the end": (line("1-3", "ab", upos="_") + GOOD, 4, "reaches word 3 .* ends at word 2"),
    "range over the end of file": (line("1-3", "ab", upos="_") + GOOD[:-1], 3, "reaches word 3"),
    "ranges overlap": (line("1-2", "ab") + line(1, "a") + line("2-3", "bc") + line(2, "b"), 3, "id 2-3"),
    "empty node out of place": (line(1, "a") + line("2.1", "ghost") + "\n", 2, "id 2.1; expected 1.1"),
    "empty node left out": (line(1, "a") + line("1.2", "ghost") + "\n", 2, "id 1.2; expected 1.1"),
    "empty form": (line(1, "") + "\n", 1, "FORM is ''"),
    "two spaces in a form": (line(1, "a  b") + "\n", 1, "FORM is 'a  b'"),
    "feature without value": (line(1, "a", feats="Case=Nom|Plural") + "\n", 1, "feature 'Plural'.*Case=Nom"),
    "feature with no name": (line(1, "a", feats="=Nom") + "\n", 1, "feature '=Nom'"),
    "feature with two equals signs": (line(1, "a", feats="Case=Nom=Acc") + "\n", 1, "feature"),
    "feature with value _": (line(1, "a", feats="Case=_") + "\n", 1, "feature 'Case=_'"),
    "empty feature": (line(1, "a", feats="Case=Nom||Number=Sing") + "\n", 1, "feature ''"),
    "feature twice": (line(1, "a", feats="Case=Nom|Case=Acc") + "\n", 1, "'Case' given twice"),
    "id of 4,301 digits": (line("1" * 4301, "a") + "\n", 1, "id '111.*nine digits or fewer"),
    "form of a no-break space": (line(1, "\u00a0") + "\n", 1, r"FORM is '\\xa0', only white space or control"),
    "CR alone": (GOOD.replace("\n", "\r"), 1, "carriage return.*expected lines that end in LF or CR LF .*tr "),
    "cut within a line": (GOOD + line(1, "a")[:-1], 4, "middle of a line"),
}


@pytest.mark.parametrize("name", sorted(MALFORMED))
def test_malformed_text_is_refused_with_line_and_expectation(tmp_path, name):
    text, number, message = MALFORMED[name]
    with pytest.raises(CorpusError, match=message) as caught:
        read(tmp_path, text)
    assert caught.value.line == number
    assert caught.value.path == str(tmp_path / "toy.conllu")
    assert f"toy.conllu, line {number}: " in str(caught.value)
    assert "; expected " in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "x" * 100_000 + "\n",
        line("x" * 100_000, "a"),
        line(1, "a  " * 33_000 + "a"),
        line(1, "a", upos="X" * 100_000),
        line(1, "a", feats="F" * 100_000),
        line(1, "a", feats=f"{'F' * 100_000}=a|{'F' * 100_000}=b"),
        line(1, "a") + "# " + "x" * 100_000 + "\n",
        "# global.columns = " + "ID " * 33_000 + "\n",
    ],
    ids=range(8),
)
def test_messages_quote_the_file_briefly(tmp_path, text):
    with pytest.raises(CorpusError) as caught:
        read(tmp_path, text)
    assert len(str(caught.value).replace(str(tmp_path), "")) < 400


def test_files_without_their_text_are_refused(tmp_path):
    blinded = "".join(line(1, "_", "cat", "NOUN") + line(2, "_") + "\n" for _ in range(3))
    message = r"toy\.conllu: 6 of 6 words have the FORM \"_\": their text was left out.*README says where to get"
    with pytest.raises(CorpusError, match=message):
        read(tmp_path, blinded)
    with pytest.raises(CorpusError, match="6 of 8 words"):
        read(tmp_path, blinded + GOOD)
    with pytest.warns(UserWarning, match=r'toy\.conllu: 2 of 4 words have the FORM "_", and the model reads just that'):
        assert len(read(tmp_path, blinded[: len(blinded) // 3] + GOOD)) == 2
    assert len(read(tmp_path, blinded[: len(blinded) // 3] + 20 * GOOD)) == 21  # underscores are words, too


def test_long_tokens_take_linear_work(tmp_path, monkeypatch):
    """A multi-word token over n words, and a word of n features: twice the n costs twice the comparisons, not four."""

    class Counted(str):
        compared = 0
        __hash__ = str.__hash__

        def __eq__(self, other: object) -> bool:
            Counted.compared += 1
            return str.__eq__(self, other) if isinstance(other, str) else False

    def cost(n: int) -> int:
        Counted.compared = 0
        words = [Word("a", "a", {Counted(f"F{i}"): "x", Counted("Shared"): "x"}) for i in range(n)]
        assert len(contracted("a", words).attributes) == n
        return Counted.compared

    assert cost(400) < 3 * cost(200)
    n = 20_000
    feats = "|".join(f"F{i}=Yes" for i in range(n))
    text = line(1, "a", feats=feats) + line(f"2-{n + 1}", "b") + "".join(line(i, "b") for i in range(2, n + 2))
    words = read(tmp_path, text + "\n").sentences[0].words
    assert [len(word.attributes) for word in words] == [n + 1, 0]


def test_canonically_equal_words_are_one_word(tmp_path):
    one, two = (unicodedata.normalize(kind, "café") for kind in ("NFC", "NFD"))
    assert Word(one, one, {}) == Word(two, two, {}) and one != two
    words = read(tmp_path, line(1, one, one) + line(2, two, two) + line(3, two, "_") + "\n").sentences[0].words
    assert words[0] == words[1] == words[2]
    assert {word.form for word in words} | {word.lemma for word in words} == {one}


def test_a_conversion_can_be_named_and_is_ours_by_default(tmp_path):
    path = tmp_path / "toy.conllu"
    path.write_text(line(1, "era", upos="VERB", feats="Mood=Ind|Tense=Imp") + "\n", encoding="utf-8")
    assert read_conllu(path, "spa", "authors") == read_conllu(path, "spa", AUTHORS) != read_conllu(path, "spa", OURS)
    assert read_conllu(path, "spa") == read_conllu(path, "spa", OURS)
    with pytest.raises(ValueError, match="no conversion 'theirs'"):
        read_conllu(path, "spa", "theirs")


def test_files_of_other_formats_are_refused(tmp_path):
    good = GOOD.encode()
    archive = tmp_path / "archive"
    with zipfile.ZipFile(archive, "w") as stream:
        stream.writestr("a.conllu", good)
    table = {
        "gzip-compressed.*gunzip": gzip.compress(good),
        "xz-compressed.*unxz": lzma.compress(good),
        "bzip2-compressed.*bunzip2": bz2.compress(good),
        "zip archive.*unzip": archive.read_bytes(),
        "text in UTF-16 or UTF-32": GOOD.encode("utf-16"),
        "text in .* or UTF-32": GOOD.encode("utf-32"),
        "line 2: byte 0xe9 at column 4 is not UTF-8": line(1, "a").encode() + line(2, "né").encode("latin-1"),
    }
    for message, content in table.items():
        path = tmp_path / "toy.conllu"
        path.write_bytes(content)
        with pytest.raises(CorpusError, match=message):
            read_conllu(path, "eng", plain)


def test_empty_missing_and_unreadable_files_are_refused(tmp_path):
    for content in ("", "\n", " \n\n\r\n"):
        with pytest.raises(CorpusError, match="no sentence; expected at least one"):
            read(tmp_path, content)
    with pytest.raises(CorpusError, match=r"absent\.conllu: cannot be read \(No such file"):
        read_conllu(tmp_path / "absent.conllu", "eng", plain)
    with pytest.raises(CorpusError, match="cannot be read"):
        read_conllu(tmp_path, "eng", plain)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_file_cut_anywhere_is_refused_or_gives_its_beginning(tmp_path, data):
    text = "# sent_id = a\n" + GOOD + line("1-2", "del") + line(1, "de") + line(2, "el") + line(3, "mar") + "\n"
    whole = [word for s in read(tmp_path, text).sentences for word in s.words]
    cut = text[: data.draw(st.integers(0, len(text) - 1))]
    try:
        words = [word for s in read(tmp_path, cut).sentences for word in s.words]
    except CorpusError:
        return
    assert cut.endswith("\n")
    assert words == whole[: len(words)]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damaged_bytes_raise_nothing_but_corpus_errors(tmp_path, data):
    content = bytearray((line("1-2", "dél", feats="Typo=Yes") + GOOD + line("0.1", "x") + line(1, "a")).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    path = tmp_path / "toy.conllu"
    path.write_bytes(content)
    try:
        corpus = read_conllu(path, "spa", plain)
    except CorpusError:
        return
    assert all(word.form and word.lemma for s in corpus.sentences for word in s.words)


# -- long sentences ------------------------------------------------------------------------------------------


@given(st.lists(st.integers(1, 20)), st.integers(1, 20))
def test_drop_long_keeps_order_and_loses_nothing(lengths, limit):
    sentences = tuple(Sentence(str(i), ()) for i in range(len(lengths)))
    kept, dropped = drop_long(Corpus("eng", sentences, "toy"), lengths, limit)
    assert kept.sentences == tuple(s for s in sentences if lengths[int(s.id)] < limit)
    assert dropped.sentences == tuple(s for s in sentences if lengths[int(s.id)] >= limit)
    assert (kept.name, kept.language) == ("toy", "eng")
