"""Pretraining: what is predicted, a resumed run is the uninterrupted one, and the text is held out."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch

from pitfalls.language.grammar import core, corpora, load_grammar
from pitfalls.language.grammar.core import Form
from pitfalls.models import pretrain
from pitfalls.models.pretrain import Checkpoint, batches, learning_rate, pad, train
from pitfalls.models.recipes import IGNORED, CausalRecipe, MaskedRecipe, XlmrRecipe, mask

FORMS = [Form(stem, ending, stem, "NOUN") for stem in ("gat", "perr", "niñ") for ending in ("o", "os", "a", "as")]
SHORT = {"steps": 12, "batch_size": 4, "warmup_steps": 3, "dropout": 0.1, "seed": 3}
TINY = {"hidden_size": 8, "layers": 1, "heads": 2, "max_tokens": 16}
RECIPE = MaskedRecipe(**TINY, **SHORT)
CAUSAL = CausalRecipe(**TINY, **SHORT, intermediate_size=16)
XLMR = XlmrRecipe(**TINY, **SHORT)
TOKENIZER, UNIGRAM = RECIPE.tokenizer(FORMS), XLMR.tokenizer(FORMS)
tokenizers = {RECIPE: TOKENIZER, CAUSAL: TOKENIZER, XLMR: UNIGRAM}
each = pytest.mark.parametrize("recipe", [RECIPE, CAUSAL, XLMR], ids=["masked", "causal", "xlmr"])
masking = pytest.mark.parametrize("recipe", [RECIPE, XLMR], ids=["masked", "xlmr"])


def text_of(tokenizer):
    draw = np.random.default_rng(0)
    texts = [" ".join(FORMS[i].text for i in draw.integers(0, len(FORMS), draw.integers(2, 6))) for _ in range(40)]
    return pretrain.tokenize(tokenizer, texts, 16)


@pytest.fixture
def sentences():
    return text_of(TOKENIZER)


@pytest.mark.parametrize("tokenizer", [TOKENIZER, UNIGRAM], ids=["wordpiece", "unigram"])
def test_mask_is_80_10_10_over_15_percent(tokenizer):
    ids = torch.full((400, 200), tokenizer("gato")["input_ids"][1])
    ids[:, 0], ids[:, -1] = tokenizer.cls_token_id, tokenizer.sep_token_id
    inputs, labels = mask(ids, tokenizer, 0.15, torch.Generator().manual_seed(0))
    asked = labels != IGNORED
    assert not asked[:, 0].any() and not asked[:, -1].any()
    assert torch.equal(labels[asked], ids[asked])
    assert torch.equal(inputs[~asked], ids[~asked])
    n = asked.sum().item()
    assert n / (400 * 198) == pytest.approx(0.15, abs=0.006)
    masked = (inputs[asked] == tokenizer.mask_token_id).sum().item() / n
    kept = (inputs[asked] == ids[asked]).sum().item() / n
    assert masked == pytest.approx(0.8, abs=0.015)
    assert kept == pytest.approx(0.1, abs=0.012)
    special = set(tokenizer.all_special_ids) - {tokenizer.mask_token_id}
    found = set(inputs[asked].tolist())
    # Some 1,200 are random ones, of fewer than 900 subwords.
    assert not special & found and len(found) > 0.7 * len(tokenizer)


@masking
def test_the_masked_loss_is_the_plain_model_s_over_what_was_drawn(recipe):
    tokenizer = tokenizers[recipe]
    model, ids = recipe.model(tokenizer).eval(), pad(text_of(tokenizer)[:8], tokenizer.pad_token_id)
    for weight in model.parameters():
        torch.nn.init.normal_(weight, std=0.3)  # wide, so that padding would show
    draw = torch.Generator().manual_seed(1)
    inputs, labels = mask(ids, tokenizer, recipe.mask_probability, torch.Generator().manual_seed(1))
    plain = model(input_ids=inputs, attention_mask=(ids != tokenizer.pad_token_id).long(), labels=labels).loss
    torch.testing.assert_close(recipe.loss(model, ids, tokenizer, draw), plain)
    assert recipe.loss(model, ids[:, :1], tokenizer, draw) == 0  # nothing is drawn


def test_the_xlmr_model_takes_the_longest_sentence():
    model = XLMR.model(UNIGRAM).eval()
    assert (model.config.model_type, model.config.vocab_size) == ("xlm-roberta", len(UNIGRAM))
    longest = torch.full((1, XLMR.max_tokens), UNIGRAM("gato")["input_ids"][1])
    assert model(input_ids=longest).logits.shape == (1, XLMR.max_tokens, len(UNIGRAM))


def test_the_causal_loss_is_the_mean_over_each_subword_of_each_sentence_alone(sentences):
    """Against transformers' own loss, sentence by sentence, without padding."""
    model = CAUSAL.model(TOKENIZER).eval()
    assert len({len(ids) for ids in sentences[:8]}) > 1
    sums, count = 0.0, 0
    for ids in sentences[:8]:
        row = torch.from_numpy(ids)[None]
        sums += float(model(input_ids=row, labels=row).loss.detach()) * (len(ids) - 1)
        count += len(ids) - 1
        assert row[0, -1] == TOKENIZER.sep_token_id  # the end is predicted, too
    batch = pad(sentences[:8], TOKENIZER.pad_token_id)
    assert float(CAUSAL.loss(model, batch, TOKENIZER, torch.Generator()).detach()) == pytest.approx(sums / count)


def test_the_causal_model_is_a_small_llama_with_the_tokenizer_s_own_beginning_and_end():
    model = CAUSAL.model(TOKENIZER)
    config = model.config
    assert (config.model_type, config.vocab_size, config.max_position_embeddings) == ("llama", len(TOKENIZER), 16)
    assert (config.bos_token_id, config.eos_token_id) == (TOKENIZER.cls_token_id, TOKENIZER.sep_token_id)
    assert model.lm_head.weight is model.model.embed_tokens.weight


@each
def test_resumed_run_ends_in_the_same_weights(recipe, tmp_path):
    tokenizer = tokenizers[recipe]
    sentences = text_of(tokenizer)
    whole = train(recipe, tokenizer, sentences, Checkpoint(tmp_path / "a"), save_every=100)

    class StopError(Exception):
        pass

    class Dying(Checkpoint):
        def save(self, step, *rest):
            super().save(step, *rest)
            if step == 5:
                raise StopError

    with pytest.raises(StopError):
        train(recipe, tokenizer, sentences, Dying(tmp_path / "b"), save_every=5)
    resumed = train(recipe, tokenizer, sentences, Checkpoint(tmp_path / "b"), save_every=5)
    for (name, a), (_, b) in zip(whole.named_parameters(), resumed.named_parameters(), strict=True):
        assert torch.equal(a, b), name


def test_the_seconds_of_an_interrupted_run_count(tmp_path, sentences):
    half = replace(RECIPE, steps=5)
    train(half, TOKENIZER, sentences, Checkpoint(tmp_path))
    state = tmp_path / "state.json"
    state.write_text(json.dumps({**json.loads(state.read_text()), "seconds": 1000.0}))
    again = Checkpoint(tmp_path)
    train(half, TOKENIZER, sentences, again)
    assert 1000 <= again.seconds() < 2000
    model = half.model(TOKENIZER)
    again.save(5, model, torch.optim.AdamW(model.parameters()), half)
    assert json.loads(state.read_text())["seconds"] >= 1000


@each
def test_training_lowers_the_loss(recipe, tmp_path):
    losses = []
    tokenizer = tokenizers[recipe]
    recipe = replace(recipe, steps=200, learning_rate=5e-3, dropout=0.0, hidden_size=16)
    train(recipe, tokenizer, text_of(tokenizer), Checkpoint(tmp_path), report=lambda step, loss: losses.append(loss))
    assert losses[-1] < 0.8 * losses[0]


def test_checkpoint_of_another_recipe_is_refused(tmp_path, sentences):
    train(RECIPE, TOKENIZER, sentences, Checkpoint(tmp_path))
    with pytest.raises(ValueError, match=r"another recipe \(seed differ\)"):
        train(replace(RECIPE, seed=4), TOKENIZER, sentences, Checkpoint(tmp_path))
    with pytest.raises(ValueError, match=r"another recipe \(intermediate_size, "):
        train(CAUSAL, TOKENIZER, sentences, Checkpoint(tmp_path))
    train(CAUSAL, TOKENIZER, sentences, Checkpoint(tmp_path / "causal"))
    with pytest.raises(ValueError, match=r"another recipe \(.*mask_probability"):
        train(RECIPE, TOKENIZER, sentences, Checkpoint(tmp_path / "causal"))


def test_batches_resume_anywhere_and_an_epoch_uses_each_sentence_once():
    lengths = np.random.default_rng(1).integers(3, 20, 96)
    whole = list(islice(batches(lengths, 8, seed=5), 40))
    assert sorted(np.concatenate(whole[:12]).tolist()) == list(range(96))
    for start in (1, 12, 13, 31):
        rest = list(islice(batches(lengths, 8, seed=5, start=start), 40 - start))
        assert all(np.array_equal(a, b) for a, b in zip(whole[start:], rest, strict=True))


def test_learning_rate_warms_up_and_falls_to_zero():
    rates = [learning_rate(step, RECIPE) for step in range(RECIPE.steps + 1)]
    assert max(rates) == pytest.approx(RECIPE.learning_rate)
    assert rates[0] < rates[1] < rates[2]
    assert rates[-1] == 0.0


def test_padding_is_on_the_right_and_sentences_over_the_limit_are_left_out():
    assert pad([np.array([1, 2]), np.array([3])], 9).tolist() == [[1, 2], [3, 9]]
    assert len(pretrain.tokenize(TOKENIZER, ["gato " * 30, "gato"], 16)) == 1


def test_fresh_text_leaves_held_out_sentences_out():
    first = pretrain.fresh_text("eng", 50, seed=0, held_out=frozenset())
    again = pretrain.fresh_text("eng", 50, seed=0, held_out=frozenset(first[:10]))
    assert not set(first[:10]) & set(again)
    assert again[:40] == first[10:]


def test_training_text_is_the_languages_own_and_neither_in_dev_nor_in_test(monkeypatch):
    recipe = CausalRecipe(languages=("tur", "eng"), sentences=30, text_seed=5)
    drawn = list(islice(core.sentences(load_grammar("eng"), 6), 50))  # 5 is the seed of the first language
    splits = {"train": drawn[:4], "dev": drawn[4:8], "test": drawn[8:16]}
    monkeypatch.setattr(corpora, "trees", {"eng": splits}.__getitem__)
    expected = [core.text(tokens) for tokens in (*drawn[:4], *drawn[16:])]
    assert pretrain.training_text(recipe, "eng") == expected[:30]
