"""The generated English: true paradigms, agreement in every tree, attractors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice

import pytest

from pitfalls.language.grammar import english_paradigms as en
from pitfalls.language.grammar.core import Form, Token, sentences, text
from pitfalls.language.grammar.english import English
from pitfalls.language.grammar.english_lexicon import read_nouns, read_table
from pitfalls.language.grammar.english_words import starts_with_vowel_sound

SEED, COUNT = 11, 2000
SUBJECTS = ("nsubj", "nsubj:pass")


@pytest.fixture(scope="module")
def grammar():
    return English()


@pytest.fixture(scope="module")
def corpus(grammar):
    return list(islice(sentences(grammar, SEED), COUNT))


def features(token: Token) -> dict[str, str]:
    return dict(token.form.feats)


def dependents(tokens: list[Token], head: int, *relations: str) -> list[Token]:
    return [token for token in tokens if token.head == head and token.deprel in relations]


def antecedent(tokens: list[Token], position: int) -> Token:
    """The subject noun at ``position``, or the noun a relative pronoun there stands for."""
    token = tokens[position - 1]
    if features(token).get("PronType") != "Rel":
        return token
    clause = tokens[token.head - 1]
    return tokens[clause.head - 1]


def number_of(tokens: list[Token], subject: Token) -> str:
    position = tokens.index(subject) + 1
    noun = antecedent(tokens, position)
    joined = dependents(tokens, tokens.index(noun) + 1, "conj")
    return "Plur" if joined else features(noun)["Number"]


def test_no_lemma_twice():
    for name in ("eng_nouns.tsv", "eng_verbs.tsv", "eng_adjectives.tsv"):
        counts = Counter(row["lemma"] for row in read_table(name))
        assert [lemma for lemma, times in counts.items() if times > 1] == []


def test_companies_name_known_words():
    verbs = {row["lemma"] for row in read_table("eng_verbs.tsv")}
    adjectives = {row["lemma"] for row in read_table("eng_adjectives.tsv")}
    for row in read_table("eng_company.tsv"):
        words = row["words"].split()
        assert len(words) == len(set(words)), row
        if row["role"] != "kind":
            unknown = set(words) - (adjectives if row["role"] == "adjective" else verbs)
            assert not unknown, (row["class"], row["role"], unknown)


def test_every_deed_has_a_doer_and_a_sufferer():
    nouns = tuple(read_nouns())
    deeds = {(noun.kind, verb) for noun in nouns for verb in noun.acts}
    sufferings = {pair for noun in nouns for pair in noun.undergoes}
    assert deeds == sufferings


def test_company_is_the_nouns_own():
    nouns = tuple(read_nouns())
    alone = Counter((noun.group, frozenset(noun.adjectives), frozenset(noun.undergoes)) for noun in nouns)
    assert max(alone.values()) <= 2
    assert sum(times == 1 for times in alone.values()) > 0.95 * len(nouns)
    assert all(len(set(noun.adjectives)) >= 4 and len(set(noun.undergoes)) >= 4 for noun in nouns)


FINITE = "Mood=Ind|Number={}|Person=3|Tense={}|VerbForm=Fin"
TRUTHS = [
    *(("NOUN", lemma, form, "Number=Plur") for lemma, form in (
        ("cat", "cats"), ("city", "cities"), ("child", "children"), ("knife", "knives"), ("sheep", "sheep"),
        ("goose", "geese"), ("mouse", "mice"), ("woman", "women"), ("wolf", "wolves"), ("fox", "foxes"),
        ("bench", "benches"), ("tomato", "tomatoes"), ("donkey", "donkeys"), ("thief", "thieves"),
        ("foot", "feet"), ("piano", "pianos"), ("deer", "deer"), ("wife", "wives"), ("loaf", "loaves"),
        ("cactus", "cacti"),
    )),
    *(("VERB", lemma, form, FINITE.format("Sing", "Pres")) for lemma, form in (
        ("cry", "cries"), ("watch", "watches"), ("play", "plays"), ("wash", "washes"), ("take", "takes"),
    )),
    *(("VERB", lemma, form, FINITE.format("Plur", "Past")) for lemma, form in (
        ("walk", "walked"), ("chase", "chased"), ("cry", "cried"), ("stop", "stopped"), ("write", "wrote"),
        ("cut", "cut"), ("buy", "bought"), ("see", "saw"), ("fly", "flew"), ("visit", "visited"),
        ("travel", "traveled"), ("enjoy", "enjoyed"), ("say", "said"), ("hurt", "hurt"), ("hug", "hugged"),
    )),
    *(("VERB", lemma, form, "Tense=Past|VerbForm=Part|Voice=Pass") for lemma, form in (
        ("see", "seen"), ("write", "written"), ("forget", "forgotten"), ("take", "taken"), ("build", "built"),
    )),
    *(("VERB", lemma, form, "Tense=Pres|VerbForm=Part") for lemma, form in (
        ("write", "writing"), ("swim", "swimming"), ("see", "seeing"), ("cry", "crying"),
        ("visit", "visiting"), ("begin", "beginning"), ("forget", "forgetting"), ("die", "dying"),
        ("enter", "entering"),
    )),
    *(("ADJ", lemma, form, "Degree=Cmp") for lemma, form in (
        ("big", "bigger"), ("happy", "happier"), ("simple", "simpler"), ("slow", "slower"), ("wet", "wetter"),
    )),
]  # fmt: skip


def test_paradigms_are_the_true_ones(grammar):
    cells: dict[tuple[str, str, str], list[str]] = {}
    for form in grammar.paradigms():
        cells.setdefault((form.upos, form.lemma, "|".join(map("=".join, form.feats))), []).append(form.text)
    for upos, lemma, word, wanted in TRUTHS:
        assert cells[upos, lemma, wanted] == [word]


def test_forms_of_a_lemma_share_their_stem_and_have_endings(grammar):
    stems: dict[tuple[str, str], set[str]] = {}
    for form in grammar.paradigms():
        if form.upos in ("NOUN", "VERB") and form.ending:
            stems.setdefault((form.lemma, form.upos), set()).add(form.stem)
    assert all(len(found) == 1 for found in stems.values())
    assert len(stems) > 400


def test_a_stem_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"'mice' .* does not begin with its stem 'mo'"):
        en.noun_forms("mouse", "mo", "mice")


def subject_pairs(corpus: list[list[Token]]) -> Iterator[tuple[list[Token], Token, Token]]:
    """(sentence, subject, finite verb that must agree with it)."""
    for tokens in corpus:
        for token in tokens:
            if token.deprel in SUBJECTS:
                helpers = dependents(tokens, token.head, "aux", "aux:pass", "cop")
                for verb in (*helpers, tokens[token.head - 1]):
                    if features(verb).get("Person") == "3" and features(verb).get("VerbForm") == "Fin":
                        yield tokens, token, verb


def test_every_verb_agrees_with_its_subject(corpus):
    pairs = list(subject_pairs(corpus))
    assert len(pairs) > COUNT
    for tokens, subject, verb in pairs:
        assert number_of(tokens, subject) == features(verb)["Number"], (text(tokens), verb.form.text)


def test_every_clause_has_exactly_one_finite_verb(corpus):
    for tokens in corpus:
        for position, token in enumerate(tokens, start=1):
            if token.deprel in ("root", "acl:relcl", "advcl", "ccomp"):
                group = (*dependents(tokens, position, "aux", "aux:pass", "cop"), token)
                assert sum(features(word).get("VerbForm") == "Fin" for word in group) == 1, text(tokens)


def test_not_follows_an_auxiliary_and_never_goes_with_every(corpus):
    found = 0
    for tokens in corpus:
        for position, token in enumerate(tokens):
            if token.form is en.NOT:
                found += 1
                assert tokens[position - 1].form.upos == "AUX", text(tokens)
                subject = dependents(tokens, token.head, *SUBJECTS)[0]
                determiners = dependents(tokens, tokens.index(subject) + 1, "det")
                assert en.EVERY not in [word.form for word in determiners], text(tokens)
    assert found > 0.02 * COUNT


DETERMINER_NUMBER = {
    "a": "Sing", "an": "Sing", "this": "Sing", "that": "Sing", "every": "Sing", "these": "Plur",
    "those": "Plur", "some": "Plur", "many": "Plur", "several": "Plur", "two": "Plur", "three": "Plur",
}  # fmt: skip


def test_every_determiner_agrees_with_its_noun(corpus):
    checked = 0
    for tokens in corpus:
        for position, token in enumerate(tokens):
            number = DETERMINER_NUMBER.get(token.form.text)
            if number and token.deprel in ("det", "amod", "nummod"):
                assert features(tokens[token.head - 1])["Number"] == number, text(tokens)
                checked += 1
            if token.form.text in ("a", "an"):
                vowel = starts_with_vowel_sound(tokens[position + 1].form.text)
                assert vowel == (token.form.text == "an"), text(tokens)
    assert checked > COUNT


def test_time_words_agree_with_tense(corpus):
    checked = 0
    for tokens in corpus:
        for token in tokens:
            if token.form.text not in ("yesterday", "tomorrow", "now", "last", "next"):
                continue
            noun = tokens[token.head - 1] if token.form.text in ("last", "next") else token
            head = noun.head
            finite = next(
                word
                for word in (*dependents(tokens, head, "aux", "aux:pass", "cop"), tokens[head - 1])
                if features(word).get("VerbForm") == "Fin"
            )
            wanted = {"yesterday": "Past", "last": "Past", "now": "Pres"}.get(token.form.text, "will")
            assert features(finite).get("Tense", finite.form.lemma) == wanted, text(tokens)
            checked += 1
    assert checked > 100


def test_repertoire(corpus):
    relations = {token.deprel for tokens in corpus for token in tokens}
    assert {"nsubj", "nsubj:pass", "obj", "obl", "obl:agent", "nmod", "nmod:poss", "amod", "det"} <= relations
    assert {"nummod", "case", "cop", "aux", "aux:pass", "acl:relcl", "advcl"} <= relations
    assert {"ccomp", "xcomp", "conj", "cc", "mark", "expl", "advmod", "punct", "obl:unmarked"} <= relations


def test_features_are_those_of_the_treebank(shared, grammar):
    """Each (word class, features) occurs in EWT, and closed-class words are annotated as there."""
    with (shared / "data" / "ud" / "en_ewt-ud-dev.conllu").open(encoding="utf-8") as lines:
        rows = [line.split("\t") for line in lines if line.count("\t") == 9]
    combinations = {(row[3], row[5]) for row in rows}
    analyses = {(row[1].lower(), row[2].lower(), row[3], row[5]) for row in rows}

    def written(form: Form) -> str:
        return "|".join("=".join(pair) for pair in form.feats) or "_"

    assert {(form.upos, written(form)) for form in grammar.paradigms()} - combinations <= {
        ("ADV", "NumForm=Word|NumType=Mult")
    }
    closed = [form for form in en.function_words() if form.upos in ("DET", "AUX", "PRON", "SCONJ", "CCONJ", "PART")]
    missing = [form for form in closed if (form.text, form.lemma, form.upos, written(form)) not in analyses]
    assert missing == []
