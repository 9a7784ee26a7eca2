"""A ranking that allows for redundancy: a copy of a neuron that was already chosen adds nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from pitfalls.arrays.words import Words
from pitfalls.rankings.base import Greedy, Ranked
from pitfalls.rankings.information import binned, entropy_of_counts, information_bits, joint_counts, rounded


@dataclass(eq=False, repr=False)
class ConditionalMI(Greedy):
    """Conditional mutual information maximisation (CMIM, Fleuret 2004, JMLR 5).

    The score of a neuron j is the smallest of I(value; j) and, for each chosen neuron k, I(value; j | k); each step
    adds the neuron with the highest score, so the first is the one with the most information about the value. All are
    estimated (bits, on train) from binned activations; a tie goes to the lower index, and btt is the reversal.

    Parameters
    ----------
    n_bins : int
        How many bins, each with about the same number of words.
    """

    n_bins: int = 8

    name: ClassVar[str] = "conditional_mi"

    def find(self, train: Words, dev: Words) -> Ranked:
        """Choose on the training words."""
        search = _Search(binned(train.X, self.n_bins), train.y.cpu().numpy())
        steps = self.steps(train.n_neurons)
        scores = np.zeros(train.n_neurons)
        order: list[int] = []
        for _ in range(steps):
            neuron = search.best()
            scores[neuron] = search.bound[neuron]
            order.append(search.choose(neuron))
        rest = np.flatnonzero(~search.taken)
        scores[rest] = [search.settle(int(neuron)) for neuron in rest]
        order.extend(rest[np.argsort(-scores[rest], kind="stable")].tolist())
        found = np.array(order, dtype=np.int64)
        if self.direction == "ttb":
            return Ranked(found, scores, steps)
        # Reversed, neurons that the search did not choose come first.
        return Ranked(found[::-1].copy(), scores, steps if steps == len(found) else 0)


class _Search:
    """What is known of each candidate: an upper bound on its score, from the chosen neurons it was compared with.

    A candidate whose bound is below the best score so far needs no further comparison (Fleuret's fast version).
    """

    def __init__(self, codes: NDArray[np.int64], y: NDArray[np.int64]) -> None:
        self.codes, self.y = codes, y
        self.bound = np.array([information_bits(column, y) for column in codes])
        self.compared = np.zeros(len(codes), dtype=np.int64)
        self.taken = np.zeros(len(codes), dtype=bool)
        self.chosen: list[int] = []

    def best(self) -> int:
        """The candidate with the highest score; among equals, the one with the lowest index."""
        best, score = -1, -np.inf
        for neuron in np.lexsort((np.arange(len(self.bound)), -self.bound)).tolist():
            if self.taken[neuron]:
                continue
            if self.bound[neuron] < score:
                break
            found = self.settle(neuron, score)
            if found > score or (found == score and neuron < best):
                best, score = neuron, found
        return best

    def settle(self, neuron: int, enough: float = -np.inf) -> float:
        """The candidate's score, or a bound on it that is below ``enough``."""
        while self.compared[neuron] < len(self.chosen) and self.bound[neuron] >= enough:
            other = self.chosen[self.compared[neuron]]
            self.bound[neuron] = min(self.bound[neuron], self._information_given(neuron, other))
            self.compared[neuron] += 1
        return float(self.bound[neuron])

    def choose(self, neuron: int) -> int:
        """Take the candidate, and return it."""
        self.taken[neuron] = True
        self.chosen.append(neuron)
        return neuron

    def _information_given(self, neuron: int, other: int) -> float:
        """I(value; neuron | other) in bits."""
        given = self.codes[other]
        pair = joint_counts(given, self.y)
        cells = joint_counts(given * pair.shape[1] + self.y, self.codes[neuron])
        cells = np.pad(cells, ((0, pair.size - len(cells)), (0, 0))).reshape(*pair.shape, -1)
        return rounded(
            entropy_of_counts(pair)
            + entropy_of_counts(cells.sum(1))
            - entropy_of_counts(cells)
            - entropy_of_counts(pair.sum(1))
        )
