"""Interchange: units take the values that they have in another sentence's word.

A translation may lead to states that no word has. An interchange gives a word the units of a real one, so whatever
follows is what the model does with values that it knows (Vig et al. 2020; Geiger et al. 2021).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from pitfalls.interventions.kinds import Means, aims_at
from pitfalls.interventions.sources import ChangedWords, TrainingWords
from pitfalls.numbers import whole


@dataclass(frozen=True, eq=False)
class Replacement:
    """Some units of each word become those of a training word; it takes the place of a :class:`~.kinds.Change`.

    Attributes
    ----------
    units:
        [k] int64, the ones that are replaced.
    training:
        The words to draw from.
    aims:
        The value to draw for each value, int64 [n_values]; -1 for any.
    seed:
        For the draws.
    """

    units: NDArray[np.int64]
    training: TrainingWords
    aims: NDArray[np.int64]
    seed: int

    def apply(self, states: torch.Tensor, words: ChangedWords) -> torch.Tensor:
        """Changed copies of ``states`` [n, n_units] of the subwords of ``words``."""
        rows = self.training.drawn_for(words, self.aims, self.seed)
        changed = states.clone()
        sources = self.training.X[rows[:, None], self.units[None, :]]
        changed[:, torch.as_tensor(self.units, device=states.device)] = torch.as_tensor(sources).to(states)
        return changed


class _FromTraining:
    """What both kinds share: the first k units are taken from a training word that the word draws."""

    seed: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "seed", whole(self.seed, "a seed"))

    @property
    def strength(self) -> float:
        """NaN: units are taken as they are."""
        return float("nan")

    def change(self, order: NDArray[np.int64], k: int, means: Means, aims: NDArray[np.int64]) -> Replacement:
        """Take the first ``k`` units of ``order`` from training words."""
        return Replacement(order[:k], training_words(means), aims, self.seed)


def training_words(means: Means) -> TrainingWords:
    """The training words that come with means.

    Raises
    ------
    ValueError
        They came without.
    """
    if means.words is None:
        raise ValueError(
            "these means came without their training words, so there is nothing to draw from: use "
            "experiment.intervene, or Means(…, words=TrainingWords.of(experiment.data.train, sentences))"
        )
    return means.words


@dataclass(frozen=True)
class Interchange(_FromTraining):
    """Give the first k units the values that they have in a training word with the value aimed at.

    The training word is drawn for each changed word, from other sentences; all subwords get its vector's values. The
    draw belongs to the word (its sentence and position): it is the same at every k and under every ranking.

    Examples
    --------
    >>> import pitfalls as pf
    >>> world = pf.load_world("planted")
    >>> used = pf.Ranking.of_first(pf.truth(world).blocks["used"], 128, "used")
    >>> run = world.experiment("art", "Number", layer=1).intervene(used, Interchange(), ks=[12], sentences=20)
    >>> run.counts().query("count > 0")[["kind", "k", "outcome", "rate"]].round(2).values.tolist()
    [['interchange 0', 12, 'unchanged', 0.03], ['interchange 0', 12, 'intended', 0.97]]
    """

    target: str | None = None
    seed: int = 0

    @property
    def label(self) -> str:
        """Its name in tables: the seed is part of it, so that draws stay apart."""
        return f"interchange {self.seed}"

    def aims(self, values: Sequence[str]) -> NDArray[np.int64]:
        """The value after each (after the last, the first), or ``target`` for all."""
        return aims_at(values, self.target)


@dataclass(frozen=True)
class ResampleAblation(_FromTraining):
    """Give the first k units the values that they have in a training word of any value (Chan et al. 2022).

    Like any ablation it aims at no value, but the units keep values that real words have. The draw is as in an
    :class:`Interchange`.

    Examples
    --------
    >>> ResampleAblation(seed=2).label, ResampleAblation().aims(["PL", "SG"])
    ('resample ablation 2', array([-1, -1]))
    """

    seed: int = 0

    @property
    def label(self) -> str:
        """Its name in tables: the seed is part of it, so that draws stay apart."""
        return f"resample ablation {self.seed}"

    @property
    def target(self) -> None:
        """None: an ablation sends words nowhere."""

    def aims(self, values: Sequence[str]) -> NDArray[np.int64]:
        """All -1: no value is aimed at."""
        return np.full(len(values), -1, dtype=np.int64)
