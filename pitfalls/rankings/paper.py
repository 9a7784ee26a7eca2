"""The paper's four rankings: Linear, Gaussian, Probeless and random."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from pitfalls.arrays.words import Words, check_two_words_each, class_means
from pitfalls.probes.gaussian import greedy_path
from pitfalls.probes.linear import descend
from pitfalls.rankings.base import Greedy, Ranked, Scorer


@dataclass(eq=False, repr=False)
class Linear(Scorer):
    """Mean over classes of the absolute weights of the best-training-loss epoch (SOURCES.md, Linear [C]).

    The order ends before its last place. The penalty holds the weights of neurons that the probe does not need near
    zero, and Adam's last steps leave them within about its learning rate of it: among those weights the order follows
    the last words that training saw, and says little about the neurons. Bottom to top begins with them. Other
    sentences show where that is: notebook 04, "Where a ranking ends".
    """

    name: ClassVar[str] = "linear"

    def score_neurons(self, words: Words) -> NDArray[np.float64]:
        """[n_neurons], in the weights' unit (1 / activation)."""
        weights = descend(words.X, words.y, words.n_classes, [words.n_neurons], seed=self.seed)
        return weights.best_coef[0].abs().double().mean(0).cpu().numpy()


@dataclass(eq=False, repr=False)
class Gaussian(Greedy):
    """Greedy forward selection by the Gaussian probe's mutual information on dev (SOURCES.md, Gaussian [C]).

    Top to bottom, each step adds the neuron that makes the information of the chosen ones largest; bottom to
    top is a run of its own in which each step makes it smallest. The score of a neuron is the information
    (bits) once it was added, or would have been added next where ``max_neurons`` ended the search. The neurons behind
    :attr:`Ranking.ranked` were not chosen one by one; their order ignores what they share with each other.
    """

    name: ClassVar[str] = "gaussian"

    def find(self, train: Words, dev: Words) -> Ranked:
        """Search with the Gaussians of ``train`` and the information on ``dev``."""
        check_two_words_each(train)
        sign = 1.0 if self.direction == "ttb" else -1.0
        path = greedy_path(train, dev, sign, self.steps(train.n_neurons))
        return Ranked(path.order.numpy(), path.information.numpy(), path.chosen)


@dataclass(eq=False, repr=False)
class Probeless(Scorer):
    """Sum over pairs of values of the absolute difference of their mean vectors (SOURCES.md, Probeless [P]).

    Parameters
    ----------
    value:
        Rank for this one value: only the pairs that it is in count (as NeuroX, ``tag_wise_ranking``). By
        default all pairs do.
    """

    value: str | None = None

    name: ClassVar[str] = "probeless"

    @property
    def label(self) -> str:
        """The method's name, with the value where there is one."""
        return self.name if self.value is None else f"{self.name} {self.value}"

    def score_neurons(self, words: Words) -> NDArray[np.float64]:
        """[n_neurons], in the activations' unit."""
        means = class_means(words.X, words.y, words.n_classes)
        pairs = [(a, b) for a, b in combinations(words.values, 2) if self.value in (None, a, b)]
        if not pairs:
            raise ValueError(f"the value {self.value!r} is none of {list(words.values)}")
        of = dict(zip(words.values, means, strict=True))
        return torch.stack([(of[a] - of[b]).abs() for a, b in pairs]).sum(0).cpu().numpy()


@dataclass(eq=False, repr=False)
class Random(Scorer):
    """A uniformly random order: one uniform draw a neuron, sorted."""

    name: ClassVar[str] = "random"

    def score_neurons(self, words: Words) -> NDArray[np.float64]:
        """[n_neurons], from 0 to 1."""
        return np.random.default_rng(self.seed).random((words.n_neurons,))
