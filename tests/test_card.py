"""The model card: its measures are what it says they are."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from pitfalls.study import card


def test_identity_counts_the_subwords_that_come_back(mini):
    sentences = mini.sentences("eng", "test")[:40]
    same = total = 0
    for sentence in sentences:  # the plain model, one sentence at a time
        encoded = mini.model.encode([sentence.forms])
        logits = mini.model.model(encoded.input_ids).logits
        inside = encoded.word_ids[0] >= 0
        same += int((logits[0, inside].argmax(-1) == encoded.input_ids[0, inside]).sum())
        total += int(inside.sum())
    assert card.identity(mini, "eng", sentences=40)["value"].item() == pytest.approx(same / total)


def test_a_masked_ending_is_chosen_among_the_words_own_forms(mini):
    lexicon, model = mini.lexicon("spa"), mini.model
    words = ("las", "gatas", "de", "la", "niña", "son", "blancas", ".")
    encoded = model.encode([words])
    slot = int((encoded.word_ids[0] == 6).nonzero()[-1])
    masked = encoded.input_ids.clone()
    masked[0, slot] = model.tokenizer.mask_token_id
    scores = model.model(masked).logits[0, slot].detach()  # the plain model's
    forms = {"blanco": "MASC", "blancos": "MASC", "blanca": "FEM", "blancas": "FEM"}
    best = max(forms, key=lambda form: float(scores[model.encode([[form]]).input_ids[0, -2]]))
    endings = card._endings(model, lexicon, "Gender")
    for value in ("FEM", "MASC"):
        asked = [card._Asked(words, 6, "blanco", value)]
        ((chosen, _),) = card._fill_endings(model, lexicon, "Gender", endings, asked)
        assert chosen == (forms[best] == value)


def test_endings_of_another_lemma_are_no_choice():
    endings = {(7,): [(1, frozenset({"cat"}), "SG"), (2, frozenset({"car"}), "PL")]}
    assert card._options(endings, [7], "cat") == [(1, "SG")]
    assert card._options(endings, [8], "cat") == []


def test_first_sentences_keeps_whole_sentences(mini):
    data = mini.activations("tur", "Tense", layer=1)
    part = card.first_sentences(data.dev, 7)
    assert part.sentence_ids.max() < 7
    assert part.n_words == (np.asarray(data.dev.sentence_ids) < 7).sum() == len(part.forms)
    assert replace(data, dev=part).dev.n_words == part.n_words


def test_the_card_names_every_measure(root, tmp_path):
    model = root / "data" / "mini" / "model"
    for name in ("recipe.json", "training.json", "config.json"):
        shutil.copy(model / name, tmp_path / name)
    row = {"measure": "identity", "language": "eng", "attribute": "", "where": "9 subwords", "value": 0.99876}
    text = card.write_card(tmp_path, pd.DataFrame([{**row, "required": 0.995}])).read_text(encoding="utf-8")
    assert "| identity | eng |  | 9 subwords | 0.9988 | 0.995 |" in text
    assert f"{json.loads((model / 'recipe.json').read_text())['steps']:,} steps" in text
    assert pd.read_csv(tmp_path / "measures.csv")["value"].item() == pytest.approx(0.9988)
