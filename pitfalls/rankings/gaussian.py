"""The Gaussian ranking: greedy search for the neurons that a Gaussian probe reads best."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pitfalls.arrays.words import Words, check_two_words_each
from pitfalls.probes.gaussian import greedy_path
from pitfalls.rankings.base import Greedy, Ranked


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
