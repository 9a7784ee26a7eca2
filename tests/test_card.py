"""The model card: its measures are what it says they are."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from pitfalls.language.agreement import generated
from pitfalls.models.recipes import RECIPES, CausalRecipe, MaskedRecipe
from pitfalls.study import card, causal_card, masked_card
from pitfalls.study.causal_card import FlipSearch, Items


def test_identity_counts_the_subwords_that_come_back(mini):
    sentences = mini.sentences("eng", "test")[:40]
    same = total = 0
    for sentence in sentences:  # the plain model, one sentence at a time
        encoded = mini.model.encode([sentence.forms])
        logits = mini.model.model(encoded.input_ids).logits
        inside = encoded.word_ids[0] >= 0
        same += int((logits[0, inside].argmax(-1) == encoded.input_ids[0, inside]).sum())
        total += int(inside.sum())
    assert masked_card.identity(mini, "eng", sentences=40)["value"].item() == pytest.approx(same / total)


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
    endings = masked_card._endings(model, lexicon, "Gender")
    for value in ("FEM", "MASC"):
        asked = [masked_card._Asked(words, 6, "blanco", value)]
        ((chosen, _),) = masked_card._fill_endings(model, lexicon, "Gender", endings, asked)
        assert chosen == (forms[best] == value)


def test_endings_of_another_lemma_are_no_choice():
    endings = {(7,): [(1, frozenset({"cat"}), "SG"), (2, frozenset({"car"}), "PL")]}
    assert masked_card._options(endings, [7], "cat") == [(1, "SG")]
    assert masked_card._options(endings, [8], "cat") == []


def test_first_sentences_keeps_whole_sentences(mini):
    data = mini.activations("tur", "Tense", layer=1)
    part = masked_card.first_sentences(data.dev, 7)
    assert part.sentence_ids.max() < 7
    assert part.n_words == (np.asarray(data.dev.sentence_ids) < 7).sum() == len(part.forms)
    assert replace(data, dev=part).dev.n_words == part.n_words


def test_the_card_names_every_measure(root, tmp_path):
    model = root / "data" / "mini" / "bert"
    for name in ("recipe.json", "training.json", "config.json"):
        shutil.copy(model / name, tmp_path / name)
    row = {"measure": "identity", "language": "eng", "attribute": "", "where": "9 subwords", "value": 0.99876}
    measures = pd.DataFrame([{**row, "required": 0.995}])
    text = card.write_card(tmp_path, measures, masked_card.CARD).read_text(encoding="utf-8")
    assert "| identity | eng |  | 9 subwords | 0.9988 | 0.995 |" in text
    assert f"{json.loads((model / 'recipe.json').read_text())['steps']:,} steps" in text
    assert pd.read_csv(tmp_path / "measures.csv")["value"].item() == pytest.approx(0.9988)


def test_the_cards_that_are_committed_are_written_from_their_measures(root, tmp_path):
    """So that no text is mended by hand."""
    for name, recipe in RECIPES.items():
        text = masked_card.CARD if isinstance(recipe, MaskedRecipe) else causal_card.CARD
        committed = root / "data" / "mini" / name
        shutil.copytree(committed, tmp_path / name)
        measures = pd.read_csv(committed / "measures.csv", keep_default_na=False)
        measures["required"] = pd.to_numeric(measures["required"])
        written = card.write_card(tmp_path / name, measures, text).read_text(encoding="utf-8")
        assert written == (committed / "README.md").read_text(encoding="utf-8")


# ------------------------------------------------------------------------------------------ the causal model's


def test_surprisal_is_the_plain_models_one_sentence_at_a_time(mini, mini_causal):
    total = count = 0
    for sentence in mini_causal.sentences("tur", "test")[:30]:
        ids = mini_causal.model.encode([sentence.forms]).input_ids
        log_p = mini_causal.model.model(ids).logits[0].log_softmax(-1)
        total -= float(sum(log_p[t, ids[0, t + 1]].detach() for t in range(ids.shape[1] - 1)))
        count += ids.shape[1] - 1
    found = causal_card.surprisal(mini_causal, "tur", sentences=30)
    assert found["value"].item() == pytest.approx(total / count)
    assert found["where"].item() == f"{count} subwords"
    with pytest.raises(ValueError, match="does not predict what comes next"):
        causal_card.surprisal(mini, "tur")


def test_items_are_of_sentences_that_nobody_has_seen():
    first = generated("spa", "Gender", 4, 6)
    known = {" ".join(item.words) for item in (*first[:3], *generated("spa", "Gender", 9, 7)[:5])}
    items = causal_card.unseen_items("spa", "Gender", known, (4, 9), seed=6)
    assert items.dev == list(first[3:])
    texts = {" ".join(item.words) for item in items.test}
    assert 1 < len(items.test) <= 2 * 2 * 9 - 5
    assert not texts & (known | {" ".join(item.words) for item in items.dev})


def test_a_sentence_of_the_dev_items_is_no_test_item(monkeypatch):
    same = generated("spa", "Gender", 3, 1)
    monkeypatch.setattr(causal_card, "generated", lambda language, attribute, count, seed: same[: 2 * count])
    items = causal_card.unseen_items("spa", "Gender", frozenset(), (2, 6))
    assert items.dev == list(same[:4]) and items.test == list(same[4:])


def test_agreement_is_the_share_of_margins_above_zero(mini_causal):
    items = generated("tur", "Number", 6, 3)
    model, right = mini_causal.model, {False: [], True: []}
    ends = torch.tensor([i for token, i in model.tokenizer.get_vocab().items() if not token.startswith("##")])
    for item in items:
        sums = []
        for form in (item.right, item.wrong):
            ids = model.encode([[*item.prefix, form]]).input_ids
            begin = model.encode([item.prefix]).input_ids.shape[1] - 1
            log_p = model.model(ids).logits[0].log_softmax(-1)
            pieces = sum(float(log_p[t - 1, ids[0, t]].detach()) for t in range(begin, ids.shape[1] - 1))
            sums.append(pieces + float(log_p[-2, ends].logsumexp(0).detach()))
        right[bool(item.attractors)].append(sums[0] > sums[1])
    table = causal_card.agreement(mini_causal.experiment("tur", "Number", 1), items, 0.5)
    assert table["value"].tolist() == [np.mean(right[False]), np.mean(right[True])]
    assert np.isnan(table["required"][0]) and table["required"][1] == 0.5
    assert [where.split(" attractors")[0] for where in table["where"]] == ["12 items without", "12 items with"]


def test_what_flips_most_is_chosen_on_dev_items_and_reported_on_test_items(monkeypatch):
    """With made rates: on test, another choice would flip more."""
    search, asked = FlipSearch(betas=(1.0, 2.0), rankings=("linear", "probeless"), ks=(8, 16)), []
    on_dev = np.random.default_rng(0).random((3, 2, 2, 2))

    def rates(experiment, order, beta, ks, items, draws=1000):
        asked.append((items, experiment.layer, beta, order, tuple(ks)))
        if items == "test items":
            values = [1.0 if order == "random" else 0.25 for _ in ks]
        else:
            values = on_dev[experiment.layer - 1, search.betas.index(beta), search.rankings.index(order)]
        return pd.DataFrame({"k": ks, "mean": values, "items": 7, "low": 0.1, "high": 0.5})

    monkeypatch.setattr(causal_card, "_flip_rates", rates)
    experiment = lambda language, attribute, layer: SimpleNamespace(layer=layer, rank=lambda name: name)  # noqa: E731
    world = SimpleNamespace(layers=(0, 1, 2, 3, 4), experiment=experiment)
    row = causal_card.best_flips(world, "spa", "Gender", Items("dev items", "test items"), search).iloc[0]
    layer, beta, name, k = np.unravel_index(on_dev.argmax(), on_dev.shape)
    best = search.rankings[name], layer + 1, search.betas[beta], search.ks[k]
    assert row["where"].startswith("{}, layer {}, β = {:g}, k = {}; 7 items, 95 %".format(*best))
    assert row["where"].endswith("a random ranking 1.000") and row["value"] == 0.25
    assert asked[-2:] == [("test items", best[1], best[2], order, (best[3],)) for order in (best[0], "random")]
    assert {items for items, *_ in asked[:-2]} == {"dev items"} and len(asked) == 3 * 2 * 2 + 2


def test_the_causal_card_shows_each_layer_in_a_table_of_its_own(root, tmp_path):
    log = {"seconds": 120, "parameters": 12345, "machine": "an abacus"}
    config = {"vocab_size": 99, "architectures": ["LlamaForCausalLM"]}
    for name, said in (("recipe", asdict(CausalRecipe())), ("training", log), ("config", config)):
        (tmp_path / f"{name}.json").write_text(json.dumps(said))
    accuracies = pd.DataFrame({"layer": [0, 1], "dev": [0.5, 0.9], "test": [0.51, 0.89]})
    rows = [card.readability(accuracies, "spa", "Mood", 0.9), causal_card.layered(accuracies, "spa", "Mood")]
    text = card.write_card(tmp_path, pd.concat(rows), causal_card.CARD).read_text(encoding="utf-8")
    assert "| readability | spa | Mood | layer 1 | 0.8900 | 0.9 |" in text
    assert "| language | attribute | layer 0 | layer 1 |\n|---|---|---|---|\n| spa | Mood | 0.5100 | 0.8900 |" in text
    assert "Below it: spa Mood (0.890)." in text and "2 minutes on an abacus" in text
    assert len(pd.read_csv(tmp_path / "measures.csv")) == 3
