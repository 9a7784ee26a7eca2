"""The mini world's tokenizer: stems and endings stay together, and no word is unknown."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitfalls.language.grammar.core import Form
from pitfalls.models.tokenizer import SPECIAL, alphabet, build_tokenizer, build_unigram_tokenizer, build_vocabulary

FORMS = [Form("gat", ending, "gato", "NOUN") for ending in ("o", "os", "a", "as")] + [
    Form("perr", "o", "perro", "NOUN"),
    Form("el", "", "el", "DET"),
]
TOKENIZER = build_tokenizer(FORMS)
UNIGRAM = build_unigram_tokenizer(FORMS)


def test_a_word_is_its_stem_and_its_ending():
    assert TOKENIZER.tokenize("el gatas perro") == ["el", "gat", "##as", "perr", "##o"]
    assert TOKENIZER.tokenize("Él") == ["É", "##l"]
    assert UNIGRAM.tokenize("el gatas perro") == ["▁el", "▁gat", "as", "▁perr", "o"]
    assert UNIGRAM.tokenize("Él") == ["▁", "É", "l"]


@pytest.mark.parametrize("tokenizer", [TOKENIZER, UNIGRAM], ids=["wordpiece", "unigram"])
@given(word=st.text(alphabet=[c for c in alphabet() if c.isalpha()], min_size=1, max_size=20))
def test_no_word_of_the_three_alphabets_is_unknown(tokenizer, word):
    assert tokenizer.unk_token_id not in tokenizer(word)["input_ids"]


def test_unigram_scores_are_logarithms_of_shares_and_special_tokens_stand_where_xlmr_has_them():
    (of_gat, of_o) = (UNIGRAM.backend_tokenizer.model.token_to_id(piece) for piece in ("▁gat", "o"))
    vocabulary = json.loads(UNIGRAM.backend_tokenizer.to_str())["model"]["vocab"]
    # Six stems and five endings; four of the stems are "gat", two of the endings "o".
    assert vocabulary[of_gat] == ["▁gat", pytest.approx(math.log(4 / 11))]
    assert vocabulary[of_o] == ["o", pytest.approx(math.log(2 / 11))]
    ids = UNIGRAM.convert_tokens_to_ids(["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    assert ids == [0, 1, 2, 3, len(UNIGRAM) - 1]
    assert sum(score < -30 for _, score in vocabulary) == sum(c not in {"o", "a"} for c in alphabet()) + 1


def test_ids_are_consecutive_special_tokens_come_first_and_rare_pieces_are_left_out():
    vocabulary = build_vocabulary(FORMS)
    assert sorted(vocabulary.values()) == list(range(len(vocabulary)))
    assert [vocabulary[token] for token in SPECIAL] == list(range(len(SPECIAL)))
    assert vocabulary == build_vocabulary(FORMS[::-1])
    frequent = build_vocabulary(FORMS, min_count=2)
    assert "gat" in frequent and "perr" not in frequent
