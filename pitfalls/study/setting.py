"""What all parts of a configuration's work start from: its world, its words and its rankings."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pitfalls.arrays.ranking import Ranking
from pitfalls.arrays.splits import Activations, Splits
from pitfalls.columns import SPLITS
from pitfalls.rankings import PAPER_RANKINGS, random_rankings, rank_all
from pitfalls.rankings.asking import NothingToAskError
from pitfalls.study.configurations import Configuration
from pitfalls.study.plan import ASKED, Plan
from pitfalls.worlds.experiment import Experiment
from pitfalls.worlds.load import load_world
from pitfalls.worlds.world import World


@dataclass(frozen=True, eq=False)
class Setting:
    """What all parts of a configuration's work share: the experiment, and the rankings of its neurons.

    The experiment has ``train_words`` of the training words (see :func:`drawn`), and all words of dev and test.
    Rankings and probes are computed on ``device``, as the model is.
    """

    experiment: Experiment
    rankings: Sequence[Ranking]
    plan: Plan
    device: str = "cpu"

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> Setting:
        """From the parameters of a task of :func:`~pitfalls.study.measures.tasks`."""
        one, plan = Configuration.of(parameters["configuration"]), Plan(**parameters["plan"])
        world = world_of(parameters["world"], one.language)
        whole = world.activations(one.language, one.attribute, site=one.site)
        data = Splits(train=drawn(whole.train, plan.train_words, plan.seed), dev=whole.dev, test=whole.test)
        device = str(parameters["world"].get("device", "cpu"))
        return cls.on(Experiment(world, data), plan, device)

    @classmethod
    def on(cls, experiment: Experiment, plan: Plan, device: str = "cpu") -> Setting:
        """On the words of an experiment, with all rankings that the plan wants of them."""
        rankings = [*rankings_of(experiment.data, plan, device), *asking_rankings(experiment, plan)]
        return cls(experiment, rankings, plan, device)

    @property
    def data(self) -> Splits:
        """The words of the experiment."""
        return self.experiment.data


def world_of(options: Mapping[str, Any], language: str) -> World:
    """The world of a task's options, loaded once per process and language.

    A process does many configurations, language after language. A world keeps all text that it has read, so a new
    language gets a new world, and a worker never holds the text of more than one language.
    """
    key = (json.dumps(options, sort_keys=True), language)
    if key not in _WORLD:
        # The old one goes first, so that two are never held.
        _WORLD.clear()
        _WORLD[key] = load_world(**options)
    return _WORLD[key]


_WORLD: dict[tuple[str, str], World] = {}


def drawn(part: Activations, n_words: int, seed: int) -> Activations:
    """Draw ``n_words`` of the words, or take all if the draw lacks a value, since a probe must see each value."""
    few = part.sample(n_words, seed)
    return few if len(np.unique(few.y)) == len(part.values) else part


def rankings_of(data: Splits, plan: Plan, device: str = "cpu") -> list[Ranking]:
    """The paper's rankings, computed on ``device``, and as many random ones as the plan says."""
    # Selection on dev costs most with many values; the words that are translated on dev are drawn elsewhere.
    few = Splits(train=data.train, dev=drawn(data.dev, plan.dev_words, plan.seed), test=data.test)
    # Overlaps count neurons that were chosen, not those that complete an order.
    greedy = min(max(plan.greedy, plan.top(data.n_neurons)), data.n_neurons)
    named = [(name, direction) for name, direction in PAPER_RANKINGS if name != "random"]
    return [*rank_all(few, named, plan.seed, greedy, device), *random_rankings(few, plan.random_draws, plan.seed)]


def asking_rankings(experiment: Experiment, plan: Plan) -> list[Ranking]:
    """The rankings that ask the model (:data:`~.plan.ASKED`), if any word has a counterpart to ask for."""
    try:
        return [experiment.rank(name, seed=plan.seed, sentences=plan.asked_sentences) for name in ASKED]
    except NothingToAskError:
        return []


def world_identity(world: World, languages: Sequence[str]) -> str:
    """SHA-256 over a world's model, its text in some languages with all annotations, and its value filter."""
    text = hashlib.sha256()
    for language in languages:
        for split in SPLITS:
            text.update(f"{language} {split}\n".encode())
            for sentence in world.sentences(language, split):
                words = [[word.form, word.lemma, sorted(word.attributes.items())] for word in sentence.words]
                text.update(json.dumps(words).encode() + b"\n")
    decisive = [world.model.fingerprint(), world.min_forms, text.hexdigest()]
    return hashlib.sha256(json.dumps(decisive).encode()).hexdigest()
