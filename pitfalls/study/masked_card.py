"""What a masked mini model has learnt, measured on held-out text: the numbers of its model card.

Four questions: does it copy what it sees (identity), does it agree across a misleading noun (agreement), can every
attribute be read off some layer (readability), and can a word be turned into another form of itself by changing its
neurons (CLWV)?
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from pitfalls.arrays.splits import Activations
from pitfalls.interventions.rates import clwv
from pitfalls.interventions.translation import Translation
from pitfalls.language.grammar import agreement, corpora
from pitfalls.language.lexicon import Lexicon
from pitfalls.models.masked import MaskedLM
from pitfalls.study.card import agreeing_pairs, layer_accuracies, one_row, readability
from pitfalls.worlds.experiment import Experiment
from pitfalls.worlds.world import World

REQUIRED = {"identity": 0.995, "agreement": 0.95, "readability": 0.90, "clwv": 0.30}
"""The least that a masked mini model must reach (CLWV: with the best ranking, layer and β, for Number and Gender)."""

BATCH = 128


@dataclass(frozen=True)
class ClwvSearch:
    """What is tried on dev to find the highest CLWV rate."""

    betas: tuple[float, ...] = (2.0, 4.0, 6.0, 8.0, 12.0)
    rankings: tuple[str, ...] = ("linear", "probeless")
    ks: tuple[int, ...] = (0, 16, 32, 48, 64, 96, 128)
    sentences: int = 200


def identity(world: World, language: str, sentences: int = 2_000) -> pd.DataFrame:
    """Share of the subwords of unmasked test sentences that the model predicts back."""
    words = [list(sentence.forms) for sentence in world.sentences(language, "test")[:sentences]]
    same = total = 0
    for start in range(0, len(words), BATCH):
        encoded = world.model.encode(words[start : start + BATCH])
        inside = encoded.word_ids >= 0
        predicted = world.model.predict(world.model.hidden(encoded, world.model.n_layers), inside)
        same += int((predicted == encoded.input_ids[inside]).sum())
        total += int(inside.sum())
    return one_row("identity", language, "", f"{total} subwords", same / total, REQUIRED["identity"])


@dataclass(frozen=True)
class _Asked:
    """A word whose ending is masked: its sentence, its position there, its lemma, and the value that is right."""

    words: tuple[str, ...]
    position: int
    lemma: str
    value: str


_Endings = dict[tuple[int, ...], list[tuple[int, frozenset[str], str]]]
"""The ids of all subwords of a word but the last -> the possible last ones: (id, lemmas, the value it shows)."""


def agreement_rate(world: World, language: str, feature: str) -> pd.DataFrame:
    """Share of masked endings that come back with the right ``feature``, with an attractor in between.

    As in Linzen et al. (2016) the model chooses among the forms of the word itself: among the endings that give a form
    of its lemma with one value of the feature, the likeliest must show the right one. (Without this, a present tense,
    which has no gender in Russian, would count as a wrong gender.) ``where`` also says how often the likeliest of *all*
    subwords shows the right value.
    """
    lexicon, model = world.lexicon(language), world.model
    if not isinstance(model, MaskedLM):
        raise ValueError(f"agreement is measured with masks, and {model.name} of the {world.name} world has none")
    endings = _endings(model, lexicon, feature)
    trees = corpora.trees(language)["test"]
    asked = []
    for sentence, tokens in zip(world.sentences(language, "test"), trees, strict=True):
        for site in agreement.places(tokens, feature):
            word = sentence.words[site.target]
            value = word.attributes.get(feature)
            if site.attractors and value and _told(lexicon, word.form, feature) == {value}:
                asked.append(_Asked(sentence.forms, site.target, word.lemma, value))
    chosen, free = [], []
    for start in range(0, len(asked), BATCH):
        for own, anything in _fill_endings(model, lexicon, feature, endings, asked[start : start + BATCH]):
            chosen.append(own)
            free.append(anything)
    where = f"{len(chosen)} sites; {np.mean(free):.3f} among all subwords"
    return one_row("agreement", language, feature, where, float(np.mean(chosen)), REQUIRED["agreement"])


def _told(lexicon: Lexicon, form: str, feature: str) -> set[str]:
    """The values that a form can have, ignoring readings without the feature (an infinitive)."""
    return {value for analysis in lexicon.lookup(form) if (value := analysis.value(feature)) is not None}


def _endings(model: MaskedLM, lexicon: Lexicon, feature: str) -> _Endings:
    forms = [form for form in lexicon if len(_told(lexicon, form, feature)) == 1]
    found: _Endings = defaultdict(list)
    encoded = model.encode([[form] for form in forms])
    for form, ids, inside in zip(forms, encoded.input_ids.tolist(), (encoded.word_ids >= 0).tolist(), strict=True):
        *stem, ending = [piece for piece, own in zip(ids, inside, strict=True) if own]
        lemmas = frozenset(analysis.lemma for analysis in lexicon.lookup(form))
        (value,) = _told(lexicon, form, feature)
        found[tuple(stem)].append((ending, lemmas, value))
    return found


def _options(endings: _Endings, stem: Sequence[int], lemma: str) -> list[tuple[int, str]]:
    """The endings (id, value) that give a form of ``lemma`` after the subwords ``stem``."""
    return [(ending, value) for ending, lemmas, value in endings.get(tuple(stem), []) if lemma in lemmas]


def _fill_endings(
    model: MaskedLM, lexicon: Lexicon, feature: str, endings: _Endings, asked: Sequence[_Asked]
) -> Iterator[tuple[bool, bool]]:
    """For each word with a choice, say whether its likeliest form, and the likeliest subword of all, are right."""
    encoded = model.encode([one.words for one in asked])
    ids = encoded.input_ids.clone()
    for row, one in enumerate(asked):
        slots = (encoded.word_ids[row] == one.position).nonzero()[:, 0]
        *stem, _ = ids[row, slots].tolist()
        if stem and len({value for _, value in _options(endings, stem, one.lemma)}) > 1:
            ids[row, slots[-1]] = model.tokenizer.mask_token_id
    masked = ids != encoded.input_ids
    logits = model.head(model.hidden(replace(encoded, input_ids=ids), model.n_layers)[masked])
    for row, scores in zip(masked.any(1).nonzero()[:, 0].tolist(), logits, strict=True):
        one = asked[row]
        *stem, _ = encoded.input_ids[row, encoded.word_ids[row] == one.position].tolist()
        best = max(_options(endings, stem, one.lemma), key=lambda option: float(scores[option[0]]))
        word = model.join([*stem, int(scores.argmax())])
        yield best[1] == one.value, word is not None and one.value in _told(lexicon, word, feature)


def best_clwv(world: World, language: str, attribute: str, search: ClwvSearch | None = None) -> pd.DataFrame:
    """The CLWV rate on test of the (layer, β, ranking, k) whose rate on dev is highest."""
    search = search or ClwvSearch()
    best: tuple[float, int, float, str, int] = (-1.0, 0, 0.0, "", 0)
    for layer in world.layers[1:]:
        data = world.activations(language, attribute, layer)
        small = replace(data, dev=first_sentences(data.dev, search.sentences))
        experiment = Experiment(world, small)
        orders = {name: experiment.rank(name) for name in search.rankings}
        for beta, name in product(search.betas, search.rankings):
            rates = clwv(experiment.intervene(orders[name], Translation(beta=beta), search.ks, split="dev").counts())
            top = rates.iloc[int(rates["clwv"].to_numpy().argmax())]
            best = max(best, (float(top["clwv"]), layer, beta, name, int(top["k"])))
    _, layer, beta, name, k = best
    experiment = world.experiment(language, attribute, layer)
    run = experiment.intervene(experiment.rank(name), Translation(beta=beta), (0, k))
    at = clwv(run.counts()).set_index("k")["clwv"]
    where = f"{name}, layer {layer}, β = {beta:g}, k = {k}; without intervention {at[0]:.3f}"
    return one_row("clwv", language, attribute, where, float(at[k]), REQUIRED["clwv"])


def first_sentences(activations: Activations, count: int) -> Activations:
    """The words of the first ``count`` sentences."""
    return activations.select(activations.sentence_ids < count)


def measure_model(world: World) -> pd.DataFrame:
    """All measures of a world with generated languages: measure, language, attribute, where, value, required."""
    both, pairs = agreeing_pairs(world), world.pairs()
    rows = [identity(world, language) for language in world.languages]
    rows += [agreement_rate(world, language, feature) for language, feature in tqdm(both, desc="agreement")]
    for language, attribute in tqdm(pairs[["language", "attribute"]].to_numpy().tolist(), desc="readability"):
        accuracies = layer_accuracies(world, language, attribute)
        rows.append(readability(accuracies, language, attribute, REQUIRED["readability"]))
    rows += [best_clwv(world, language, attribute) for language, attribute in tqdm(both, desc="CLWV")]
    return pd.concat(rows, ignore_index=True)


CARD = """---
license: mit
language: [en, es, ru, tr]
library_name: transformers
pipeline_tag: fill-mask
---
# The mini world's {name}

A small multilingual masked language model of the *pitfalls* course, for classrooms and tests: transformers' own
`{architecture}`, {layers} layers, {hidden_size} neurons per layer, {parameters:,} weights, a vocabulary of
{vocabulary:,} pieces (the grammars' stems and endings, and single characters).

**It knows only the generated sentences of its four grammars.** It is of no use as a language model for anything else.

    load_world("mini", model="{name}")

Of the mini world's masked models, `bert`, `bert-2` and `bert-3` have BERT's layout and a WordPiece vocabulary, and
differ only in the seed of their training; `xlmr` has XLM-R's layout and a Unigram vocabulary over the same stems and
endings.

## How it was made
`make pretrain MODEL={name}`: {sentences:,} fresh sentences per language ({languages}) from the project's own grammars,
none of them in dev or test; {steps:,} steps of {batch_size} sentences; masked language modelling
({mask_probability:.0%} of the subwords; of those 80 % masked, 10 % replaced, 10 % kept); AdamW, learning rate
{learning_rate:g}, {warmup_steps} steps of warm-up, then a linear fall; dropout {dropout:g}; seed {seed}. It took
{minutes:.0f} minutes on {machine}.

## What it has learnt
Measured on the held-out test sentences by `make card MODEL={name}`.

{table}

- *identity*: share of the subwords of unmasked sentences that are predicted back (at least 99.5 %). {inexact}
- *agreement*: share of masked endings of verbs and adjectives that come back with the right Number or Gender,
  with a noun of another value in between (at least 95 %). The model chooses among the endings that give a form of the
  word itself that shows the attribute; *where* says how often the likeliest of all subwords is right (it may be a form
  that shows none: a Russian present tense has no gender).
- *readability*: accuracy of a logistic regression at the layer that is best on dev (at least 90 % for every attribute
  in some language). {unreadable}
- *clwv*: right lemma, other value, as a share of all words with the attribute; layer, beta, ranking and k are
  chosen on 200 dev sentences (at least 30 % for Number and for Gender in some language).
"""
