"""The best token, found tile by tile of the vocabulary, against all logits at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from tiny_worlds import world
from torch import nn

from pitfalls.models import vocabulary
from pitfalls.models.vocabulary import best_tokens


def a_head(tokens, width=8, bias=True, dtype=torch.float32):
    torch.manual_seed(tokens)
    decoder = nn.Linear(width, tokens, bias=bias, dtype=dtype)
    return nn.Sequential(nn.Linear(width, width, dtype=dtype), nn.GELU(), decoder), decoder


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize(("tokens", "n", "bias"), [(1, 5, True), (16, 1, True), (17, 5, False), (100, 5, True)])
def test_tiles_give_the_argmax_of_all_logits(monkeypatch, tokens, bias, dtype, n):
    monkeypatch.setattr(vocabulary, "_TOKENS_AT_ONCE", 16)
    head, decoder = a_head(tokens, bias=bias, dtype=dtype)
    states = torch.randn(n, 8, dtype=dtype)
    found = best_tokens(head, decoder, states)
    assert found.dtype == torch.int64
    assert torch.equal(found, head(states).argmax(-1))


def test_of_equal_tokens_the_first_is_taken_within_and_across_tiles(monkeypatch):
    monkeypatch.setattr(vocabulary, "_TOKENS_AT_ONCE", 4)
    head, decoder = a_head(12)
    with torch.no_grad():
        decoder.weight.zero_()
        for best, expected in (([3, 5], 3), ([5, 7], 5), ([2, 11], 2), (list(range(12)), 0)):
            decoder.bias.zero_()
            decoder.bias[best] = 1.0
            assert best_tokens(head, decoder, torch.randn(2, 8)).tolist() == [expected] * 2


def test_no_hook_is_left_also_after_an_error():
    head, decoder = a_head(20)
    best_tokens(head, decoder, torch.randn(2, 8))
    with pytest.raises(RuntimeError):
        best_tokens(head, decoder, torch.randn(2, 5))
    assert not decoder._forward_pre_hooks
    assert head(torch.randn(2, 8)).shape == (2, 20)


def test_two_threads_on_one_head():
    head, decoder = a_head(3000)
    states = [torch.randn(30, 8) for _ in range(40)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda part: best_tokens(head, decoder, part), states))
    for part, ids in zip(states, found, strict=True):
        assert torch.equal(ids, head(part).argmax(-1))


@pytest.mark.parametrize("layout", ["bert", "xlmr"])
def test_bert_and_xlmr_end_with_their_vocabulary_matrix(layout):
    model = world(layout).model
    assert model._head.decoder is model.model.get_output_embeddings()


def test_a_head_that_does_more_to_its_logits_is_run_whole():
    from transformers import BertForMaskedLM

    from pitfalls.models.masked import MaskedLM

    plain = world("bert").model

    class Reversed(BertForMaskedLM):
        def __init__(self, config):
            super().__init__(config)
            self.cls.register_forward_hook(lambda _, args, logits: -logits)

    model = Reversed(plain.model.config)
    model.load_state_dict(plain.model.state_dict())
    lm = MaskedLM(model, plain.tokenizer, name="reversed")
    assert lm._head.decoder is None
    states = torch.randn(1, 3, model.config.hidden_size)
    everywhere = torch.ones(1, 3, dtype=torch.bool)
    assert torch.equal(lm.predict(states, everywhere), plain.head(states[0]).argmin(-1))
