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
    assert TOKENIZER.tokenize("Él") == ["É", "##l"]


@given(st.text(alphabet=[c for c in alphabet() if c.isalpha()], min_size=1, max_size=20))
def test_no_word_of_the_three_alphabets_is_unknown(word):
    assert TOKENIZER.unk_token_id not in TOKENIZER(word)["input_ids"]


def test_ids_are_consecutive_special_tokens_come_first_and_rare_pieces_are_left_out():
    vocabulary = build_vocabulary(FORMS)
    assert sorted(vocabulary.values()) == list(range(len(vocabulary)))
    assert [vocabulary[token] for token in SPECIAL] == list(range(len(SPECIAL)))
    assert vocabulary == build_vocabulary(FORMS[::-1])
    frequent = build_vocabulary(FORMS, min_count=2)
    assert "gat" in frequent and "perr" not in frequent
