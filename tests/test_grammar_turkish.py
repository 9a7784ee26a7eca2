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
# From a school grammar: lemma, number, case, possessor, form.
NOUNS = """
kitap Sing Acc - kitabı|kitap Plur Acc - kitapları|kitap Sing Loc - kitapta|ağaç Sing Acc - ağacı
ağaç Sing Abl - ağaçtan|ağaç Sing Dat - ağaca|saat Sing Acc - saati|saat Plur Nom - saatler|saat Sing Loc - saatte
kalp Sing Acc - kalbi|kalp Plur Nom - kalpler|burun Sing Acc - burnu|burun Plur Nom - burunlar
burun Sing Nom 1Sing burnum|ağız Sing Nom 3Sing ağzı|ağız Sing Loc 3Sing ağzında|su Sing Gen - suyun
su Sing Nom 3Sing suyu|su Sing Ins - suyla|fikir Sing Acc - fikri|fikir Plur Acc - fikirleri|sır Sing Acc - sırrı
sır Sing Loc - sırda|çocuk Sing Gen - çocuğun|çocuk Plur Gen - çocukların|çocuk Sing Ins - çocukla
araba Sing Nom 3Sing arabası|araba Sing Dat 3Sing arabasına|köy Sing Loc - köyde|köy Sing Abl - köyden
köy Sing Gen - köyün|ev Plur Nom 1Plur evlerimiz|ev Sing Dat 1Plur evimize|otobüs Sing Ins - otobüsle
otobüs Sing Abl - otobüsten|anne Sing Gen 1Sing annemin|anne Sing Acc 2Sing anneni|anne Sing Gen - annenin
"""

# Lemma, name, form.
VERBS = """
git prog1Sing gidiyorum|git fut1Plur gideceğiz|git past3Plur gittiler|git opt1Plur gidelim|gel aor3Sing gelir
gel aor-3Sing gelmez|gel prog-3Sing gelmiyor|gel evid3Plur gelmişler|ye prog3Sing yiyor|ye fut3Sing yiyecek
ye aor3Sing yer|ye part yiyen|ye pass-past yendi|oku prog2Plur okuyorsunuz|oku fut-1Sing okumayacağım
oku pass-past okundu|oku aor3Sing okur|dinle prog3Plur dinliyorlar|dinle past1Plur dinledik|dinle dik3Sing dinlediği
söyle prog3Sing söylüyor|söyle imp2Plur söyleyin|söyle mek söylemek|gör aor3Plur görürler|gör dik1Sing gördüğüm
gör evid3Sing görmüş|gör pass-fut görülecek|tut aor3Sing tutar|tut past2Plur tuttunuz|tut dik3Plur tuttukları
al pass-past alındı|al imp-2Sing alma|al aor3Sing alır|al meye almaya|kapat past3Sing kapattı|kapat nec3Sing kapatmalı
kapat pass-part kapatılan|unut aor3Sing unutur|unut prog-1Plur unutmuyoruz|koş erek koşarak|koş meden koşmadan
koş ip koşup|koş opt1Sing koşayım
"""


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


def entries(table: str) -> list[list[str]]:
    return [entry.split() for line in table.strip().split("\n") for entry in line.split("|")]


def test_words_inflect_as_in_the_grammar_books(words):
    nouns = {noun.lemma: noun for pool in words.nouns.values() for noun in pool}
    for lemma, number, case, possessor, form in entries(NOUNS):
        assert nouns[lemma].forms[number, case, possessor.strip("-")].text == form
    for lemma, name, form in entries(VERBS):
        assert words.verbs[lemma].forms[name].text == form
    assert len(entries(NOUNS)) == 38 and len(entries(VERBS)) == 43


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
    allowed = {"dün": ["Past"], "yarın": ["Fut"], "bugün": ["Past", "Pres"], "şimdi": ["Pres"], "demin": ["Past"]}
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
