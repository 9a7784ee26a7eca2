"""The mini world's tokenizer: stems and endings stay together, and no word is unknown."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pitfalls.language.grammar.core import Form
from pitfalls.models.tokenizer import SPECIAL, alphabet, build_tokenizer, build_vocabulary

FORMS = [Form("gat", ending, "gato", "NOUN") for ending in ("o", "os", "a", "as")] + [
    Form("perr", "o", "perro", "NOUN"),
    Form("el", "", "el", "DET"),
]
TOKENIZER = build_tokenizer(FORMS)


def test_a_word_is_its_stem_and_its_ending():
    assert TOKENIZER.tokenize("el gatas perro") == ["el", "gat", "##as", "perr", "##o"]


def test_case_and_accents_are_kept():
    assert TOKENIZER.tokenize("Él") == ["É", "##l"]


@given(st.text(alphabet=[c for c in alphabet() if c.isalpha()], min_size=1, max_size=20))
def test_no_word_of_the_three_alphabets_is_unknown(word):
    assert TOKENIZER.unk_token_id not in TOKENIZER(word)["input_ids"]


def test_ids_are_consecutive_and_special_tokens_come_first():
    vocabulary = build_vocabulary(FORMS)
    assert sorted(vocabulary.values()) == list(range(len(vocabulary)))
    assert [vocabulary[token] for token in SPECIAL] == list(range(len(SPECIAL)))


def test_the_order_of_the_forms_does_not_matter():
    assert build_vocabulary(FORMS) == build_vocabulary(FORMS[::-1])


def test_rare_pieces_are_left_out():
    vocabulary = build_vocabulary(FORMS, min_count=2)
    assert "gat" in vocabulary
    assert "perr" not in vocabulary
