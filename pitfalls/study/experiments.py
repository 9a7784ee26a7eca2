"""One intervention under every ranking of a configuration: the tables behind ``pitfalls intervene``.

:class:`Interventions` asks what becomes of the changed words, :class:`Agreements` what becomes of other words that must
agree with them, which is all that can be asked of a causal model.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from pitfalls.arrays.ranking import Ranking
from pitfalls.columns import configuration_of
from pitfalls.interventions.agreement import Questions, agreement_rates, answers, questions
from pitfalls.interventions.intervals import rate_intervals
from pitfalls.interventions.kinds import Kind
from pitfalls.interventions.outcomes import counts
from pitfalls.interventions.replay import Sample, prepare
from pitfalls.interventions.run import judged_words
from pitfalls.language.agreement.items import Item
from pitfalls.rankings import PAPER_RANKINGS, rank_all
from pitfalls.study.setting import world_identity
from pitfalls.study.stored import Result
from pitfalls.study.sweep import Task

if TYPE_CHECKING:
    from pitfalls.arrays.splits import Splits
    from pitfalls.worlds.experiment import Experiment

VERSION = 1
"""The version of what :meth:`Interventions.work` computes; what another version left in the folder is not used."""
# Raise it with every change that gives the same rankings, words and ks different tables.

# These round, tokenize and lemmatise. If one has a new version, everything is computed again: no result mixes two.
_LIBRARIES = ("numpy", "torch", "transformers", "tokenizers", "simplemma")
# Sentences are batched part by part, so a float32 model's last digit may depend on this.
_SENTENCES_A_PART = 100


@dataclass(frozen=True, eq=False)
class Interventions:
    """One intervention on the test words, done under many rankings: one task per ranking, for ``sweep``.

    Attributes
    ----------
    kind:
        A dataclass of numbers and text, such as :class:`~pitfalls.interventions.translation.Translation`.
    ks:
        Numbers of neurons, ascending.
    max_neurons:
        Bounds the greedy search of the Gaussian ranking, as in :func:`~pitfalls.rankings.rank`.

    Examples
    --------
    >>> import pitfalls as pf
    >>> experiment = pf.load_world("planted").experiment("art", "Number", layer=1)
    >>> plan = Interventions(experiment, pf.Translation(), [0, 64], max_neurons=2)
    >>> [task.name for task in plan.tasks()][:3]
    ['linear-ttb-0', 'gaussian-ttb-0', 'probeless-ttb-0']
    >>> sorted(plan.work(plan.tasks()[2].parameters))
    ['effects', 'intervals', 'order']
    """

    experiment: Experiment
    kind: Kind
    ks: Sequence[int]
    max_neurons: int | None = None

    def rehearse(self) -> None:
        """Run one sentence unchanged, so that anything that cannot work is reported before hours of ranking.

        Raises
        ------
        ValueError
            As :func:`~pitfalls.interventions.run.intervene`: a target that is not a value, a model without a head, a
            tokenizer that knows none of the words.
        """
        replay = prepare(self.experiment, self._in_any_order(), self.kind, [0], Sample())
        judged_words(replay.parts(1)[0], [0])

    def _in_any_order(self) -> Ranking:
        return Ranking(np.arange(self.experiment.data.n_neurons), None, "none")

    def tasks(self, seed: int = 0, random_draws: int = 1) -> list[Task]:
        """The paper's seven rankings, then further random ones, with the seeds ``seed + 1``, ``seed + 2``, ...

        Parameters
        ----------
        random_draws : how many random rankings there are in all
        """
        wanted = [(name, direction, seed) for name, direction in PAPER_RANKINGS]
        wanted += [("random", "ttb", seed + i) for i in range(1, random_draws)]
        shared = self._decisive()
        return [
            Task(f"{name}-{direction}-{own}", {**shared, "ranking": name, "direction": direction, "seed": own})
            for name, direction, own in wanted
        ]

    def _decisive(self) -> dict[str, Any]:
        """What decides the tables of all rankings."""
        data = self.experiment.data
        return {
            "version": VERSION,
            "libraries": {name: metadata.version(name) for name in _LIBRARIES},
            "world": world_identity(self.experiment.world, [data.language]),
            "configuration": configuration_of(data),
            "words": _digest(data),
            **self._judged_by(),
            "kind": repr(self.kind),
            "ks": list(self.ks),
            "max_neurons": self.max_neurons,
        }

    def _judged_by(self) -> dict[str, Any]:
        judge = self.experiment.analyser()
        # A treebank's lexicon is part of the world's text; a spaCy pipeline has a version.
        return {"judge": [judge.name, getattr(judge, "version", "")]}

    def _ranking(self, parameters: Mapping[str, Any]) -> Ranking:
        name, direction, seed = (parameters[key] for key in ("ranking", "direction", "seed"))
        (ranking,) = rank_all(self.experiment.data, [(name, direction)], seed, self.max_neurons)
        return ranking

    def work(self, parameters: Mapping[str, Any]) -> dict[str, pd.DataFrame]:
        """Do one of :meth:`tasks`.

        Returns
        -------
        order (of the neurons), effects (the counts of :class:`~pitfalls.interventions.run.Run`) and intervals (the
        table of :func:`~pitfalls.interventions.intervals.rate_intervals`).
        """
        ranking = self._ranking(parameters)
        words = self._words(ranking)
        order = pd.DataFrame({"neuron": ranking.order})
        return {"order": order, "effects": counts(words), "intervals": rate_intervals(words)}

    def _words(self, ranking: Ranking) -> pd.DataFrame:
        """The outcome of every word at every k, computed part by part."""
        replay = prepare(self.experiment, ranking, self.kind, [0, *self.ks], Sample())
        parts = tqdm(
            replay.parts(_SENTENCES_A_PART), desc=f"{ranking.name} {ranking.direction}", unit="part", leave=False
        )
        return pd.concat([judged_words(part, self.ks) for part in parts], ignore_index=True)


@dataclass(frozen=True, eq=False)
class Agreements(Interventions):
    """One intervention on the controllers of agreement items, done under many rankings: one task per ranking.

    Attributes
    ----------
    experiment, kind, ks, max_neurons:
        As for :class:`Interventions`.
    items:
        Of the experiment's language and attribute (:mod:`pitfalls.language.agreement`).

    Examples
    --------
    >>> import pitfalls as pf
    >>> from pitfalls.language.agreement import generated
    >>> experiment = pf.load_world("mini").experiment("eng", "Number", layer=2)
    >>> plan = Agreements(experiment, pf.Ablation("mean"), [8], items=generated("eng", "Number", count=2))
    >>> table = plan.work(plan.tasks()[2].parameters)["agreement"]
    >>> table["ranking"].unique().tolist(), sorted(table["measure"].unique())
    (['probeless'], ['accuracy', 'flip rate', 'margin', 'shift'])
    """

    items: Sequence[Item] = ()

    def rehearse(self) -> None:
        """Ask for every item without intervention, so that what cannot work is reported before hours of ranking.

        Raises
        ------
        ValueError
            As :func:`~pitfalls.interventions.agreement.margins`.
        """
        self.without_intervention()

    def without_intervention(self) -> pd.DataFrame:
        """The table of :meth:`work` at k = 0, which is the same for all rankings."""
        return self._rates(self._in_any_order(), [0])

    def work(self, parameters: Mapping[str, Any]) -> dict[str, pd.DataFrame]:
        """Do one of :meth:`tasks`.

        Returns
        -------
        order (of the neurons) and agreement (:func:`~pitfalls.interventions.agreement.agreement_rates`).
        """
        ranking = self._ranking(parameters)
        order = pd.DataFrame({"neuron": ranking.order})
        return {"order": order, "agreement": self._rates(ranking, self.ks)}

    def _rates(self, ranking: Ranking, ks: Sequence[int]) -> pd.DataFrame:
        run = self.experiment.intervene(ranking, self.kind, ks)
        return agreement_rates(answers(run.replay, run.ks, self._questions))

    @cached_property
    def _questions(self) -> Questions:
        """The items in subwords: the same under every ranking."""
        return questions(self.experiment.intervene(self._in_any_order(), self.kind, [0]).replay, self.items)

    def _judged_by(self) -> dict[str, Any]:
        return {"items": hashlib.sha256(repr(tuple(self.items)).encode()).hexdigest()}


def _digest(data: Splits) -> str:
    """SHA-256 over all word vectors, with the value and the place of each word."""
    found = hashlib.sha256()
    for part in (data.train, data.dev, data.test):
        found.update(np.ascontiguousarray(part.X).data)
        for column in (part.y, part.sentence_ids, part.positions):
            found.update(column.tobytes())
    return found.hexdigest()


def ranking_of(result: Result) -> Ranking:
    """The ranking of a finished task of :class:`Interventions`, without its scores."""
    said = result.manifest["parameters"]
    order = result.tables["order"]["neuron"].to_numpy()
    return Ranking(order, None, said["ranking"], said["direction"], seed=said["seed"])
