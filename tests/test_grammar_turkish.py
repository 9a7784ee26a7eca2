"""The Turkish mini world: paradigms against known truths and IMST, sentences against agreement."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitfalls.language.grammar.core import Token, sentences, text
from pitfalls.language.grammar.turkish import Turkish
from pitfalls.language.grammar.turkish_lexicon import ANIMATE, Vocabulary
from pitfalls.language.grammar.turkish_paradigms import POSSESSORS, Stem, attach, noun_forms

COUNT = 2000
TIME = {"dün", "bugün", "yarın"}

NOUNS = {  # lemma: {(number, case, possessor): form}, from a school grammar
    "kitap": {
        ("Sing", "Acc", ""): "kitabı",
        ("Plur", "Acc", ""): "kitapları",
        ("Sing", "Loc", ""): "kitapta",
    },
    "ağaç": {("Sing", "Acc", ""): "ağacı", ("Sing", "Abl", ""): "ağaçtan", ("Sing", "Dat", ""): "ağaca"},
    "saat": {("Sing", "Acc", ""): "saati", ("Plur", "Nom", ""): "saatler", ("Sing", "Loc", ""): "saatte"},
    "kalp": {("Sing", "Acc", ""): "kalbi", ("Plur", "Nom", ""): "kalpler"},
    "burun": {
        ("Sing", "Acc", ""): "burnu",
        ("Plur", "Nom", ""): "burunlar",
        ("Sing", "Nom", "1Sing"): "burnum",
    },
    "ağız": {("Sing", "Nom", "3Sing"): "ağzı", ("Sing", "Loc", "3Sing"): "ağzında"},
    "su": {("Sing", "Gen", ""): "suyun", ("Sing", "Nom", "3Sing"): "suyu", ("Sing", "Ins", ""): "suyla"},
    "fikir": {("Sing", "Acc", ""): "fikri", ("Plur", "Acc", ""): "fikirleri"},
    "sır": {("Sing", "Acc", ""): "sırrı", ("Sing", "Loc", ""): "sırda"},
    "çocuk": {
        ("Sing", "Gen", ""): "çocuğun",
        ("Plur", "Gen", ""): "çocukların",
        ("Sing", "Ins", ""): "çocukla",
    },
    "araba": {("Sing", "Nom", "3Sing"): "arabası", ("Sing", "Dat", "3Sing"): "arabasına"},
    "köy": {("Sing", "Loc", ""): "köyde", ("Sing", "Abl", ""): "köyden", ("Sing", "Gen", ""): "köyün"},
    "ev": {("Plur", "Nom", "1Plur"): "evlerimiz", ("Sing", "Dat", "1Plur"): "evimize"},
    "otobüs": {("Sing", "Ins", ""): "otobüsle", ("Sing", "Abl", ""): "otobüsten"},
    "anne": {
        ("Sing", "Gen", "1Sing"): "annemin",
        ("Sing", "Acc", "2Sing"): "anneni",
        ("Sing", "Gen", ""): "annenin",
    },
}

VERBS = {  # lemma: {name: form}
    "git": {
        "prog1Sing": "gidiyorum",
        "fut1Plur": "gideceğiz",
        "past3Plur": "gittiler",
        "opt1Plur": "gidelim",
    },
    "gel": {"aor3Sing": "gelir", "aor-3Sing": "gelmez", "prog-3Sing": "gelmiyor", "evid3Plur": "gelmişler"},
    "ye": {
        "prog3Sing": "yiyor",
        "fut3Sing": "yiyecek",
        "aor3Sing": "yer",
        "part": "yiyen",
        "pass-past": "yendi",
    },
    "oku": {
        "prog2Plur": "okuyorsunuz",
        "fut-1Sing": "okumayacağım",
        "pass-past": "okundu",
        "aor3Sing": "okur",
    },
    "dinle": {"prog3Plur": "dinliyorlar", "past1Plur": "dinledik", "dik3Sing": "dinlediği"},
    "söyle": {"prog3Sing": "söylüyor", "imp2Plur": "söyleyin", "mek": "söylemek"},
    "gör": {"aor3Plur": "görürler", "dik1Sing": "gördüğüm", "evid3Sing": "görmüş", "pass-fut": "görülecek"},
    "tut": {"aor3Sing": "tutar", "past2Plur": "tuttunuz", "dik3Plur": "tuttukları"},
    "al": {"pass-past": "alındı", "imp-2Sing": "alma", "aor3Sing": "alır", "meye": "almaya"},
    "kapat": {"past3Sing": "kapattı", "nec3Sing": "kapatmalı", "pass-part": "kapatılan"},
    "unut": {"aor3Sing": "unutur", "prog-1Plur": "unutmuyoruz"},
    "koş": {"erek": "koşarak", "meden": "koşmadan", "ip": "koşup", "opt1Sing": "koşayım"},
}


@pytest.fixture(scope="module")
def words():
    return Vocabulary()


@pytest.fixture(scope="module")
def drawn():
    return list(islice(sentences(Turkish(), seed=7), COUNT))


@pytest.fixture(scope="module")
def forms():
    return list(Turkish().paradigms())


def values(token: Token) -> dict[str, str]:
    return dict(token.form.feats)


def subjects(tokens: list[Token]) -> Iterator[tuple[int, int]]:
    """Positions (0-based) of each subject and of what it is the subject of."""
    for index, token in enumerate(tokens):
        if token.deprel == "nsubj":
            yield index, token.head - 1


def test_words_inflect_as_in_the_grammar_books(words):
    nouns = {noun.lemma: noun for pool in words.nouns.values() for noun in pool}
    for lemma, forms in NOUNS.items():
        assert {cell: nouns[lemma].forms[cell].text for cell in forms} == forms
    for lemma, by_name in VERBS.items():
        assert {name: words.verbs[lemma].forms[name].text for name in by_name} == by_name


@given(
    st.sampled_from(["ev", "kitap", "araba", "köy", "göz", "okul", "masa", "kedi"]),
    st.text("AIDYSNJlrm", max_size=8),
)
def test_suffixes_keep_vowel_harmony(stem, template):
    written = stem + attach(stem, template)
    vowels = [letter for letter in written[len(stem) - 1 :] if letter in "aeıioöuü"]
    own = next(letter for letter in reversed(stem) if letter in "aeıioöuü")
    assert all((vowel in "aıou") == (own in "aıou") for vowel in vowels)
    assert not any(letter in "oö" for letter in written[len(stem) :])


@given(st.text("bdgklmnrstz", min_size=1, max_size=2), st.sampled_from("aeıioöuü"), st.sampled_from("lmnrz"))
def test_every_noun_has_the_same_cells_and_number_shows_in_each(onset, vowel, coda):
    cells = Counter(dict(form.feats)["Number"] for form in noun_forms(Stem(onset + vowel + coda)))
    assert cells["Sing"] == cells["Plur"] > len(POSSESSORS)
    for form in noun_forms(Stem(onset + vowel + coda)):
        assert form.ending.startswith(("lar", "ler")) == (dict(form.feats)["Number"] == "Plur")


def test_verbs_agree_with_their_subjects(drawn, words):
    animate = {noun.lemma for kind in ANIMATE for noun in words.nouns[kind]}
    seen: Counter[str] = Counter()
    for tokens in drawn:
        for place, head in subjects(tokens):
            subject, verb = values(tokens[place]), values(tokens[head])
            if subject.get("Case") != "Nom" or tokens[head].form.upos != "VERB" or tokens[head].form.lemma == "var":
                continue
            joined = any(token.deprel == "conj" and token.head == place + 1 for token in tokens)
            plural = subject["Number"] == "Plur" or joined
            counts = subject["Person"] != "3" or tokens[place].form.lemma in animate | {"o"}
            assert verb["Person"] == subject["Person"], text(tokens)
            assert verb["Number"] == ("Plur" if plural and counts else "Sing"), text(tokens)
            seen[verb["Number"]] += 1
    assert min(seen["Sing"], seen["Plur"]) > COUNT / 8


def test_possessives_agree_with_their_possessors(drawn):
    seen = 0
    for tokens in drawn:
        for token in tokens:
            if token.deprel != "nmod:poss" or token.form.upos != "PRON":
                continue
            owner, owned = values(token), values(tokens[token.head - 1])
            assert owned["Person[psor]"] == owner["Person"], text(tokens)
            assert owned["Number[psor]"] == owner["Number"], text(tokens)
            seen += 1
    assert seen > 50


def test_relative_clauses_agree_with_their_subjects(drawn):
    seen = 0
    for tokens in drawn:
        for place, head in subjects(tokens):
            subject, verb = values(tokens[place]), values(tokens[head])
            if verb.get("VerbForm") == "Part":
                assert subject["Case"] == "Gen", text(tokens)
                assert verb["Person[psor]"] == subject["Person"], text(tokens)
                assert verb["Number[psor]"] == subject["Number"], text(tokens)
                seen += 1
    assert seen > 50


def test_numerals_and_bir_stand_with_the_singular(drawn):
    for tokens in drawn:
        for token in tokens:
            if token.deprel == "nummod" or token.form.text in ("bir", "her", "birkaç", "birçok"):
                assert values(tokens[token.head - 1])["Number"] == "Sing", text(tokens)
            if token.form.text in ("bazı", "tüm", "bütün"):
                assert values(tokens[token.head - 1])["Number"] == "Plur", text(tokens)


def test_time_words_go_with_their_tense(drawn):
    allowed = {
        "dün": {"Past"},
        "yarın": {"Fut"},
        "bugün": {"Past", "Pres"},
        "şimdi": {"Pres"},
        "demin": {"Past"},
    }
    for tokens in drawn:
        for token in tokens:
            if token.form.text in allowed:
                assert values(tokens[token.head - 1])["Tense"] in allowed[token.form.text], text(tokens)


def test_questions_end_in_a_question_mark(drawn):
    for tokens in drawn:
        asks = any(token.deprel == "aux:q" for token in tokens)
        assert tokens[-1].form.text == ("?" if asks else ".")


def test_annotation_is_that_of_imst(forms, shared):
    """Of IMST's nouns and verbs that are also forms here, nearly all have one of our analyses.

    The rest are words with a second reading (*tartışma*: "do not argue", here; "argument", there).
    """
    known: dict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
    for form in forms:
        known[form.text, form.upos].add((form.lemma, "|".join(f"{name}={value}" for name, value in form.feats)))
    outcome: Counter[bool] = Counter()
    for path in sorted((shared / "data" / "ud").glob("tr_imst-ud-*.conllu")):
        for line in path.read_text(encoding="utf-8").splitlines():
            columns = line.split("\t")
            if len(columns) == 10 and columns[3] in ("NOUN", "VERB") and (columns[1], columns[3]) in known:
                outcome[(columns[2], columns[5]) in known[columns[1], columns[3]]] += 1
    assert outcome.total() > 3000
    assert outcome[True] / outcome.total() > 0.93
