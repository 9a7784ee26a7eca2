"""What all grammars share: chance that is the same everywhere, trees, CoNLL-U."""

from __future__ import annotations

import random
from itertools import islice

import conllu
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitfalls.language.grammar import LANGUAGES, core, load_grammar
from pitfalls.language.grammar.agreement import SUBJECTS, places
from pitfalls.language.grammar.core import Draw, Form, Token, Tree, feats, linearise


def test_unknown_grammar_names_those_there_are():
    with pytest.raises(ValueError, match=r"no grammar of 'fra'; there are grammars of: eng, rus, spa, tur"):
        load_grammar("fra")


@given(st.integers(0, 2**32), st.lists(st.integers(), min_size=1, max_size=9))
def test_choice_follows_pythons_promised_sequence(seed, options):
    expected = options[int(random.Random(seed).random() * len(options))]
    assert Draw(seed).choice(options) == expected


def test_weighted_is_in_proportion():
    draw = Draw(0)
    drawn = [draw.weighted([(1, "a"), (3, "b")]) for _ in range(8000)]
    assert drawn.count("b") / 8000 == pytest.approx(0.75, abs=0.02)


def test_feats_are_sorted_and_layers_keep_their_brackets():
    assert feats(Person="3", Number__psor="Sing", Case="") == (("Number[psor]", "Sing"), ("Person", "3"))


def test_linearise_gives_each_word_its_heads_position():
    def leaf(word):
        return Tree(Form(word, "", word, "X"), "dep")

    tree = Tree(Form("c", "", "c", "X"), "root", [leaf("a"), leaf("b")], [leaf("d")])
    tree.left[1].right.append(leaf("b2"))
    tokens = linearise(tree)
    assert [token.form.text for token in tokens] == ["a", "b", "b2", "c", "d"]
    assert [token.head for token in tokens] == [4, 4, 2, 0, 4]


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_are_different_and_leave_known_ones_out(language):
    grammar = load_grammar(language)
    first = [core.text(tokens) for tokens in islice(core.sentences(grammar, 0), 300)]
    assert len(set(first)) == 300
    known = frozenset(first[:100])
    again = [core.text(tokens) for tokens in islice(core.sentences(grammar, 0, known), 200)]
    assert again == first[100:]


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_are_short_and_written_alike_with_nouns_between_subjects_and_predicates(language):
    drawn = list(islice(core.sentences(load_grammar(language), 7), 500))
    lengths, apart = [len(tokens) for tokens in drawn], 0
    assert 6 <= sum(lengths) / len(lengths) <= 11 and max(lengths) <= 20
    for tokens in drawn:
        assert core.text(tokens) == core.text(tokens).lower()
        assert tokens[-1].form.upos == "PUNCT"
        subjects = [(i, token.head - 1) for i, token in enumerate(tokens) if token.deprel in SUBJECTS]
        between = [token for pair in subjects for token in tokens[min(pair) + 1 : max(pair)]]
        apart += any(token.form.upos == "NOUN" for token in between)
    assert apart >= 200


@pytest.mark.parametrize("language", LANGUAGES)
def test_conllu_says_what_the_tokens_say(language):
    for tokens in islice(core.sentences(load_grammar(language), 1), 200):
        (parsed,) = conllu.parse(core.to_conllu(tokens, "s"))
        read = [(word["form"], word["lemma"], dict(word["feats"] or {}), word["head"]) for word in parsed]
        assert read == [(one.form.text, one.form.lemma, dict(one.form.feats), one.head) for one in tokens]
        assert parsed.metadata["text"] == core.text(tokens)


def token(word, upos, number, head, deprel):
    return Token(Form(word, "", word, upos, feats(Number=number)), head, deprel)


def test_an_attractor_is_a_noun_of_another_value_in_between():
    tokens = [
        token("keys", "NOUN", "Plur", 4, "nsubj"),
        token("to", "ADP", "", 3, "case"),
        token("cabinet", "NOUN", "Sing", 1, "nmod"),
        token("are", "VERB", "Plur", 0, "root"),
    ]
    (site,) = places(tokens, "Number")
    assert (site.target, site.controller, site.value, site.attractors) == (3, 0, "Plur", 1)
    tokens[2] = token("cabinets", "NOUN", "Plur", 1, "nmod")
    assert places(tokens, "Number")[0].attractors == 0


def test_an_auxiliary_agrees_with_the_subject_of_its_predicate():
    tokens = [
        token("cats", "NOUN", "Plur", 3, "nsubj"),
        token("are", "AUX", "Plur", 3, "cop"),
        token("old", "ADJ", "", 0, "root"),
    ]
    assert [site.target for site in places(tokens, "Number")] == [1]
