"""What the mini causal model has learnt, measured on text that it was not trained on: the numbers of its model card.

Four questions: how well does it predict what comes next (surprisal), does it agree across a misleading noun
(agreement), can every attribute be read off some layer (readability), and does a word still agree with its controller
when the controller's neurons are changed (flip rate)?
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from tqdm.auto import tqdm

from pitfalls.arrays.ranking import Ranking
from pitfalls.interventions.ablation import Ablation
from pitfalls.interventions.translation import Translation
from pitfalls.language.agreement import Item, generated
from pitfalls.models.causal import CausalLM
from pitfalls.models.pretrain import training_text
from pitfalls.models.recipes import CausalRecipe, Recipe
from pitfalls.study.card import BY_LAYER, agreeing_pairs, layer_accuracies, one_row, readability
from pitfalls.worlds.experiment import Experiment
from pitfalls.worlds.world import World

REQUIRED = {"agreement": 0.95, "readability": 0.90}
"""The least that the mini causal model must reach (agreement: with an attractor in between)."""

MUST_AGREE = (("eng", "Number"), ("rus", "Number"), ("rus", "Gender"), ("spa", "Number"), ("spa", "Gender"))
"""The languages and attributes for which agreement is required; for the others, it is only reported."""

BATCH = 128
UNASKED = float("nan")
"""The required value of a measure that has none."""


class Items(NamedTuple):
    """Agreement items to choose settings on, and others to report on."""

    dev: Sequence[Item]
    test: Sequence[Item]


@dataclass(frozen=True)
class FlipSearch:
    """What is tried on dev items to find the highest flip rate."""

    betas: tuple[float, ...] = (4.0, 8.0, 12.0)
    rankings: tuple[str, ...] = ("linear", "probeless")
    ks: tuple[int, ...] = (16, 32, 64, 128)


def surprisal(world: World, language: str, sentences: int = 2_000) -> pd.DataFrame:
    """Mean -log p in nats of the subwords of test sentences, and of their ends, each given everything before it."""
    model, total, count = world.model, 0.0, 0
    if not isinstance(model, CausalLM):
        raise ValueError(f"{model.name} of the {world.name} world does not predict what comes next: take a causal one")
    words = [sentence.forms for sentence in world.sentences(language, "test")[:sentences]]
    for start in range(0, len(words), BATCH):
        encoded = model.encode(words[start : start + BATCH])
        followed = encoded.attention_mask.bool()[:, 1:]
        asked = torch.nn.functional.pad(followed, (0, 1), value=False)
        logits = model.next_logits(encoded, model.hidden(encoded, model.n_layers), asked)
        of_subword = torch.nn.functional.cross_entropy(logits, encoded.input_ids[:, 1:][followed], reduction="none")
        total, count = total + float(of_subword.sum()), count + len(of_subword)
    return one_row("surprisal", language, "", f"{count} subwords", total / count, UNASKED)


def unseen_items(
    language: str, attribute: str, known: Collection[str], counts: tuple[int, int] = (25, 200), seed: int = 8_000_000
) -> Items:
    """Generated items whose sentences are not ``known``; no test item shares its sentence with a dev item.

    Parameters
    ----------
    known : the text of sentences
    counts : of each value, with attractors and without: how many dev and how many test items to draw, before those that
        are known are left out
    seed : of the dev items; the test items have the next one. The default is far from the seeds of all other text.
    """
    drawn = [generated(language, attribute, count, seed + i) for i, count in enumerate(counts)]
    dev = [item for item in drawn[0] if _text(item) not in known]
    others = {_text(item) for item in dev}
    return Items(dev, [item for item in drawn[1] if _text(item) not in known and _text(item) not in others])


def _text(item: Item) -> str:
    return " ".join(item.words)


def agreement(experiment: Experiment, items: Sequence[Item], required: float) -> pd.DataFrame:
    """The share of items whose right form is likelier than the wrong one, without attractors and with them."""
    any_order = Ranking(np.arange(experiment.data.n_neurons), None, "none")
    table = experiment.intervene(any_order, Ablation(), [0]).agreement(items)
    accuracy = table[table["measure"] == "accuracy"].set_index("attractors")
    rows = []
    for attractors, least in (("without", UNASKED), ("with", required)):
        one = accuracy.loc[attractors]
        where = f"{one['items']} items {attractors} attractors; 95 % interval {one['low']:.3f} to {one['high']:.3f}"
        rows.append(
            one_row("agreement", experiment.data.language, experiment.data.attribute, where, one["mean"], least)
        )
    return pd.concat(rows, ignore_index=True)


def layered(accuracies: pd.DataFrame, language: str, attribute: str) -> pd.DataFrame:
    """The accuracies on test of :func:`~.card.layer_accuracies`, one row per layer."""
    found = zip(accuracies["layer"], accuracies["test"], strict=True)
    rows = [one_row(BY_LAYER, language, attribute, f"layer {layer}", test, UNASKED) for layer, test in found]
    return pd.concat(rows, ignore_index=True)


def best_flips(
    world: World, language: str, attribute: str, items: Items, search: FlipSearch | None = None
) -> pd.DataFrame:
    """The flip rate on test items of the (layer, β, ranking, k) whose rate on dev items is highest.

    ``where`` also says what the same β and k do along a random ranking.
    """
    search = search or FlipSearch()
    best: tuple[float, int, float, str, int] = (-1.0, 0, 0.0, "", 0)
    # Nothing above the last layer reads another word.
    for layer in world.layers[1:-1]:
        experiment = world.experiment(language, attribute, layer)
        orders = {name: experiment.rank(name) for name in search.rankings}
        for beta, name in product(search.betas, search.rankings):
            rates = _flip_rates(experiment, orders[name], beta, search.ks, items.dev, draws=1)
            top = rates.iloc[int(rates["mean"].to_numpy().argmax())]
            best = max(best, (float(top["mean"]), layer, beta, name, int(top["k"])))
    _, layer, beta, name, k = best
    experiment = world.experiment(language, attribute, layer)
    found, at_random = (
        _flip_rates(experiment, experiment.rank(order), beta, (k,), items.test).iloc[0] for order in (name, "random")
    )
    where = (
        f"{name}, layer {layer}, β = {beta:g}, k = {k}; {found['items']:.0f} items, 95 % interval "
        f"{found['low']:.3f} to {found['high']:.3f}; a random ranking {at_random['mean']:.3f}"
    )
    return one_row("flip rate", language, attribute, where, float(found["mean"]), UNASKED)


def _flip_rates(
    experiment: Experiment, order: Ranking, beta: float, ks: Sequence[int], items: Sequence[Item], draws: int = 1000
) -> pd.DataFrame:
    table = experiment.intervene(order, Translation(beta=beta), ks).agreement(items, draws)
    return table[(table["measure"] == "flip rate") & (table["attractors"] == "all")]


def measure_model(world: World, recipe: Recipe | None = None) -> pd.DataFrame:
    """All measures of a world with generated languages: measure, language, attribute, where, value, required.

    Parameters
    ----------
    recipe : the model's own, whose sentences are left out of the items
    """
    recipe = recipe or CausalRecipe()
    world.prepare(world.languages, world.layers)
    rows = [surprisal(world, language) for language in world.languages]
    pairs = world.pairs()[["language", "attribute"]].to_numpy().tolist()
    for language, attribute in tqdm(pairs, desc="readability"):
        accuracies = layer_accuracies(world, language, attribute)
        rows += [readability(accuracies, language, attribute, REQUIRED["readability"])]
        rows += [layered(accuracies, language, attribute)]
    both = agreeing_pairs(world)
    known = {language: frozenset(training_text(recipe, language)) for language in world.languages}
    for language, attribute in tqdm(both, desc="agreement and flips"):
        items = unseen_items(language, attribute, known[language])
        required = REQUIRED["agreement"] if (language, attribute) in MUST_AGREE else UNASKED
        rows += [agreement(world.experiment(language, attribute, 1), items.test, required)]
        rows += [best_flips(world, language, attribute, items)]
    order = {name: i for i, name in enumerate(("surprisal", "agreement", "readability", "flip rate", BY_LAYER))}
    table = pd.concat(rows, ignore_index=True)
    return table.sort_values("measure", key=lambda names: names.map(order), kind="stable", ignore_index=True)


CARD = """---
license: mit
language: [en, es, ru, tr]
library_name: transformers
pipeline_tag: text-generation
---
# The mini world's causal model

A small multilingual model of the *pitfalls* course that reads from left to right, for classrooms and tests:
transformers' own `LlamaForCausalLM`, the layout of SmolLM2 and many others, {layers} layers, {hidden_size} neurons per
layer, {parameters:,} weights. Its vocabulary of {vocabulary:,} pieces is that of the mini world's BERT (the grammars'
stems and endings, and single characters); `[CLS]` begins a text, and `[SEP]` ends it.

**It knows only the generated sentences of its four grammars.** It is of no use as a language model for anything else.

    load_world("mini", model="causal")

## How it was made
`make pretrain MODEL=causal`: {sentences:,} fresh sentences per language ({languages}) from the project's own grammars,
none of them in dev or test; {steps:,} steps of {batch_size} sentences; each subword, and the end of the sentence, is
predicted from what stands before it; AdamW, learning rate {learning_rate:g}, {warmup_steps} steps of warm-up, then a
linear fall; dropout {dropout:g}; seed {seed}; float32. It took {minutes:.0f} minutes on {machine}.

## What it has learnt
Measured by `make card MODEL=causal` on sentences that it was not trained on: surprisal and readability on the mini
world's test sentences, agreement and flip rate on items from fresh ones.

{table}

- *surprisal*: mean -log p, in nats, of the subwords of test sentences and of their ends.
- *agreement*: share of places where the form that agrees with its subject is likelier than the other form of the same
  lemma (the log-probabilities of a form's pieces, and of the word's end, are summed). With an attractor, a noun of
  another value stands in between (at least 95 % for Number in English, Russian and Spanish, and for Gender in Russian
  and Spanish).
- *readability*: accuracy of a logistic regression, on the state of a word's last subword, at the layer that is best on
  dev (at least 90 % for every attribute in some language). {unreadable}
- *flip rate*: share of places where the other form becomes the likelier one, or ceases to be, when the subject's first
  k neurons are translated to the other value. Layer, β, ranking and k are chosen on other items. A random ranking, with
  the same β and k, is a control.

Readability at each layer, on test (layer 0: the embeddings):

{layers_table}
"""
