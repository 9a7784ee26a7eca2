"""Causal models whose texts all begin with a token, against transformers' own passes on that token and the words."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from architectures import CAUSAL, gemma_bytes, gpt2_bytes
from test_causal import saved

from pitfalls.interventions.margins import log_probabilities
from pitfalls.models.blanks import ENDS, Blank
from pitfalls.models.causal import CausalLM
from pitfalls.models.interface import TooLongError
from pitfalls.models.loading import load_model
from pitfalls.models.vectors import word_vectors

TOKEN, ID = "<|endoftext|>", 0
SENTENCES = [["the", "cat", "walks"], ["cats"], ["a", "dog's", "the", "naïve", "cat"]]


@pytest.fixture(params=["gpt2", "llama", "opt"])
def plain(request: pytest.FixtureRequest) -> CausalLM:
    return CausalLM(CAUSAL[request.param].make(), gpt2_bytes(), name=request.param)


def test_every_text_begins_with_the_token(plain: CausalLM) -> None:
    begun = plain.beginning_with(TOKEN)
    own, found = plain.encode(SENTENCES), begun.encode(SENTENCES)
    assert found.input_ids[:, 0].tolist() == [ID] * 3 and found.word_ids[:, 0].tolist() == [-1] * 3
    assert torch.equal(found.input_ids[:, 1:], own.input_ids) and torch.equal(found.word_ids[:, 1:], own.word_ids)
    assert torch.equal(found.attention_mask.sum(1), own.attention_mask.sum(1) + 1)
    assert begun.lengths(SENTENCES) == [length + 1 for length in plain.lengths(SENTENCES)]
    # Only the new model's texts do.
    assert plain.encode(SENTENCES).word_ids.min(1).values.tolist() == [-1, -1, 0] and ID not in own.input_ids[2]
    assert begun.tokenizer is not plain.tokenizer and begun.model is plain.model
    assert begun.pieces(begun.encode([["", "cat"]]).input_ids[0]) == [TOKEN, *plain.pieces(
        plain.encode([["", "cat"]]).input_ids[0])]  # fmt: skip


def test_vectors_are_those_of_a_whole_pass_that_begins_with_the_token(plain: CausalLM) -> None:
    begun = plain.beginning_with(TOKEN)
    for layer in (0, 2, 4):
        expected = []
        for sentence in SENTENCES:
            (ids,) = plain.tokenizer([" ".join(sentence)])["input_ids"]
            with torch.no_grad():
                states = plain.model(input_ids=torch.tensor([[ID, *ids]]), output_hidden_states=True).hidden_states
            words = plain.encode([sentence]).word_ids[0].tolist()
            ends = [len(words) - words[::-1].index(word) for word in range(len(sentence))]
            expected += [states[layer][0, end].numpy() for end in ends]  # the token moves all by one
        np.testing.assert_allclose(word_vectors(begun, SENTENCES, layer), np.stack(expected), atol=1e-5)
    # The first word is the one that changes most: it was the beginning.
    assert np.abs(word_vectors(begun, SENTENCES, 2) - word_vectors(plain, SENTENCES, 2))[0].max() > 1e-3


def test_a_place_may_be_the_first_word(plain: CausalLM) -> None:
    begun = plain.beginning_with(TOKEN)
    blanks = [Blank(("the", "cat", "walks"), 0, form) for form in ("the", "dog")]
    for blank, filling in zip(blanks, begun.fillings(blanks), strict=True):
        (ids,) = plain.tokenizer([blank.form])["input_ids"]
        assert filling.ids == (ID, *ids) and filling.word_ids == (-1, *[0] * len(ids))
        assert filling.slots == tuple(range(len(ids) + 1)) and filling.pieces == (*ids, ENDS)
        batch = begun.encode([[blank.form]])
        states = begun.hidden(batch, 4)[0]
        with torch.no_grad():
            log_p = plain.model(input_ids=torch.tensor([[ID, *ids]])).logits[0].double().log_softmax(-1)
            read = np.arange(len(filling.slots))
            found = log_probabilities(begun, states[list(filling.slots)], read, np.array(filling.pieces))
        own = [float(log_p[place, piece]) for place, piece in enumerate(ids)]
        assert found[:-1].tolist() == pytest.approx(own, abs=1e-4)
        # What ends the word: all that does not continue it, the special token among them.
        assert ID in begun.end_ids
        assert float(found[-1]) == pytest.approx(float(log_p[-1, begun.end_ids].logsumexp(0)), abs=1e-4)
    with pytest.raises(ValueError, match="adds no token at the beginning"):
        plain.fillings(blanks)
    later = Blank(("the", "cat", "walks"), 2, "walk")
    (own,), (other,) = begun.fillings([later]), plain.fillings([later])
    assert (own.ids, own.pieces) == ((ID, *other.ids), other.pieces)
    assert own.slots == tuple(slot + 1 for slot in other.slots)


def test_the_token_counts_among_the_most_that_the_model_reads(plain: CausalLM) -> None:
    begun, words = plain.beginning_with(TOKEN), ["the"] + ["cat"] * (plain.max_tokens - 1)
    assert plain.lengths([words]) == [plain.max_tokens] and begun.max_tokens == plain.max_tokens
    plain.encode([words])
    with pytest.raises(TooLongError, match=f"has {plain.max_tokens + 1} subwords"):
        begun.encode([words])


def test_it_is_another_model_with_the_same_pooling_and_a_twin_of_its_kind(plain: CausalLM) -> None:
    begun, mean = plain.beginning_with(TOKEN), plain.pooled("mean").beginning_with(TOKEN)
    assert (begun.name, begun.pooling, mean.pooling) == (plain.name, "last", "mean")
    twin = begun.untrained(1)
    assert twin.encode([["cat"]]).input_ids[0, 0] == ID and twin.pooling == "last"
    models = (plain, begun, plain.pooled("mean"), mean, plain.untrained(1), twin)
    assert len({model.fingerprint() for model in models}) == len(models)
    assert len({model.states_fingerprint() for model in (plain, begun)}) == 2
    assert begun.fingerprint() == plain.beginning_with(TOKEN).fingerprint() == begun.pooled("last").fingerprint()


def test_a_token_that_is_there_already_or_unknown_is_refused(plain: CausalLM) -> None:
    with pytest.raises(ValueError, match=rf"{plain.name} does not know the token '<s>': take one of \['<\|endoftext"):
        plain.beginning_with("<s>")
    begun = plain.beginning_with(TOKEN)
    gemma = CausalLM(CAUSAL["gemma 3"].make(), gemma_bytes(), name="gemma")
    for model, token in ((begun, TOKEN), (gemma, "<bos>")):
        said = f"the tokenizer of {model.name} begins texts with a special token already: it writes '{token}' there"
        with pytest.raises(ValueError, match=said.replace("|", r"\|")):
            model.beginning_with(token)


def test_it_is_kept_when_saved(plain: CausalLM, tmp_path) -> None:
    begun = plain.beginning_with(TOKEN)
    again = load_model(saved(begun.model, begun.tokenizer, tmp_path / "model"))
    assert torch.equal(again.encode(SENTENCES).input_ids, begun.encode(SENTENCES).input_ids)
