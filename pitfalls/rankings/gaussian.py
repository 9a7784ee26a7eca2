"""The Gaussian ranking: greedy search for the neurons that a Gaussian probe reads best.

Nothing is refitted. Given the chosen neurons, a candidate's density is a one-dimensional normal, whose conditional mean
and variance follow from those of the step before by a rank-one update (Cholesky's factorisation, pivoted by information
instead of by size). A step costs O(classes x words x candidates), however many neurons have been chosen.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from pitfalls.arrays.ranking import Ranking, check_ranking
from pitfalls.arrays.ties import TIE, descending
from pitfalls.arrays.words import Words, check_two_words_each
from pitfalls.probes.gaussian import Gaussians, entropy_bits, fit_gaussians
from pitfalls.rankings.base import Greedy, Ranked

# How many numbers a block of the search has: on a CPU a block should stay in the cache between update and score, on
# a GPU it should be large.
_BLOCK = {"cpu": 2**17, "cuda": 2**24}

#: The most neurons that are searched: with more, another ranking has to choose these first.
MAX_CANDIDATES = 1024

# A search that takes more than this is announced, in bytes.
_MUCH = 4e9

# How many factors between 1 and 2 are multiplied before a logarithm is taken: 2**512 is far below the largest double.
_FACTORS = 512


@dataclass(eq=False, repr=False)
class Gaussian(Greedy):
    """Greedy forward selection by the Gaussian probe's mutual information on dev (SOURCES.md, Gaussian [C]).

    Top to bottom, each step adds the neuron that makes the information of the chosen ones largest; bottom to top is a
    separate search, in which each step makes it smallest. A tie (within :data:`~pitfalls.arrays.ties.TIE` bits, or that
    share of the information) goes to the lower index.

    A neuron's score is the information (bits) that the search reached with it, or would have reached next where
    ``max_neurons`` ended the search. The neurons after the first :attr:`Ranking.ranked` were not chosen one by one;
    their order ignores what they share with each other.

    Parameters
    ----------
    among : Ranking, optional
        Search only the neurons that come first in this ranking of the same direction: at most
        :data:`MAX_CANDIDATES`, and no more than it ranked itself. The others follow in its order, with the score NaN.
        Where there are more neurons than :data:`MAX_CANDIDATES`, it must be given.
    """

    among: Ranking | None = None

    name: ClassVar[str] = "gaussian"

    @property
    def label(self) -> str:
        """``gaussian``, or for example ``gaussian among probeless``."""
        return self.name if self.among is None else f"{self.name} among {self.among.name}"

    def find(self, train: Words, dev: Words) -> Ranked:
        """Search with the Gaussians of ``train`` and the information on ``dev``."""
        check_two_words_each(train.y, train.values)
        candidates, others = self._candidates(train, dev)
        steps = self.steps(len(candidates))
        _announce(_bytes(train.n_classes, len(candidates), len(dev.X), steps))
        chosen, scores = self._search(_columns(train, candidates), _columns(dev, candidates), train.n_neurons, steps)
        reached = np.full(train.n_neurons, np.nan)
        reached[candidates] = scores
        return Ranked(np.concatenate([candidates[chosen], others]), reached, steps)

    def _candidates(self, train: Words, dev: Words) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The neurons to search, by index, so that a tie goes to the lower one; and the others, in their order."""
        d, limit = train.n_neurons, MAX_CANDIDATES
        if self.among is not None:
            check_ranking(self.among, d)
            if self.among.direction != self.direction:
                raise ValueError(
                    f"the search goes {self.direction}, and the ranking {self.among.name!r} that it searches among "
                    f"goes {self.among.direction}: give one of the same direction, such as its reversed()"
                )
            n = min(self.among.ranked, limit)
            if n < 1:
                raise ValueError(f"{self.among.name!r} ranked none of its neurons itself: there is nothing to search")
            return np.sort(self.among.order[:n]), self.among.order[n:]
        if d > limit:
            all_of_them, some = (_bytes(train.n_classes, n, len(dev.X), self.steps(n)) for n in (d, limit))
            raise ValueError(
                f"the Gaussian search compares neurons pair by pair, of {limit:,} at most, and there are {d:,}: give "
                f'among=rank("probeless", data) or another ranking, whose first {limit:,} are searched then (in about '
                f"{_size(some)} of memory; all would take {_size(all_of_them)})"
            )
        return np.arange(d), np.empty(0, dtype=np.int64)

    def _search(
        self, train: Words, dev: Words, n_neurons: int, steps: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The order of the columns of ``train``, and the information reached with each."""
        sign = 1.0 if self.direction == "ttb" else -1.0
        # The width of all neurons: the Gaussian of some is the marginal of the one that probes use.
        search = _Search(fit_gaussians(train.X, train.y, train.n_classes, n_neurons), dev, steps)
        order: list[int] = []
        reached = np.empty(train.n_neurons)
        for step in range(steps):
            information = search.information
            signed = sign * information
            best = float(signed.max())
            tied = (signed >= best - TIE * max(1.0, abs(best))).nonzero()[:, 0]
            slot = int(tied[search.neurons[tied].argmin()])
            reached[int(search.neurons[slot])] = float(information[slot])
            order.append(search.choose(slot, step))
        left, information = search.neurons.cpu(), search.information.cpu()
        by_index = left.argsort()
        left, information = left[by_index], information[by_index]
        reached[left.numpy()] = information.numpy()
        rest = left[descending(sign * information)]
        return np.array([*order, *rest.tolist()], dtype=np.int64), reached


def _columns(words: Words, columns: NDArray[np.int64]) -> Words:
    """The same words with some of their neurons."""
    if len(columns) == words.n_neurons:
        return words
    return replace(words, X=words.X[:, torch.as_tensor(columns, device=words.X.device)])


def _bytes(n_classes: int, n_candidates: int, n_words: int, n_steps: int) -> int:
    """What the largest arrays of a search take, all of double precision.

    >>> _bytes(n_classes=2, n_candidates=1024, n_words=10_000, n_steps=1024) / 1e9
    0.197...
    """
    return 8 * n_classes * n_candidates * (n_candidates + n_words + n_steps)


def _size(n_bytes: int) -> str:
    return f"{n_bytes / 1e9:,.1f} GB"


def _announce(n_bytes: int) -> None:
    """Say beforehand what a large search takes."""
    if n_bytes > _MUCH:
        warnings.warn(
            f"the Gaussian search takes about {_size(n_bytes)} of memory; with fewer dev words, a smaller max_neurons, "
            "or among=… a ranking of fewer neurons, it takes less",
            stacklevel=2,
        )


class _Search:
    """The state of the search: what is chosen, and what each candidate would add.

    Candidates live in slots 0..n-1; the last one moves into the slot of the chosen one, so that the arrays shrink and
    stay contiguous. Shapes: ``residuals`` [n_classes, n_slots, n_words], ``variances`` and ``noise``
    [n_classes, n_slots], ``factor`` [n_classes, n_neurons, n_steps], ``chosen_log_joint`` [n_classes, n_words].

    Parameters
    ----------
    gaussians : Gaussians
        Fitted on the training words.
    dev : Words
        The words on which information is measured.
    n_steps : int
        How many neurons will be chosen at most.
    """

    def __init__(self, gaussians: Gaussians, dev: Words, n_steps: int) -> None:
        n_classes, d = gaussians.means.shape
        self.entropy = entropy_bits(dev.y)
        # With the words sorted by class, those of one class are a slice.
        by_class = dev.y.argsort(stable=True)
        ends = torch.bincount(dev.y, minlength=n_classes).cumsum(0).tolist()
        self.members = [slice(start, end) for start, end in zip([0, *ends], ends, strict=False)]
        self.covariances = gaussians.covariances
        self.residuals = dev.X.new_empty(n_classes, d, len(dev.X), dtype=torch.float64)
        words = dev.X[by_class].T
        for residuals, mean in zip(self.residuals, gaussians.means, strict=True):
            torch.sub(words, mean[:, None], out=residuals)
        self.variances = gaussians.covariances.diagonal(dim1=1, dim2=2).clone()
        self.noise = gaussians.noise.clone()
        self.factor = self.residuals.new_zeros(n_classes, d, n_steps)
        self.chosen_log_joint = gaussians.log_prior[:, None].expand(-1, len(dev.y)).clone()
        self.neurons = torch.arange(d, device=dev.X.device)
        at_once = max(1, _BLOCK.get(dev.X.device.type, _BLOCK["cpu"]) // (n_classes * len(dev.X)))
        # Every block overwrites it: a fresh array each time would cost as much as the arithmetic.
        self.log_joint = self.residuals.new_empty(n_classes, min(at_once, d), len(dev.X))
        self.information = self._condition(None)

    def choose(self, slot: int, step: int) -> int:
        """Take the candidate in ``slot``, condition the others on it, and return its neuron.

        Afterwards ``information`` [n_slots] is the mutual information (bits, on dev) of the chosen neurons with
        each remaining candidate.
        """
        neuron = int(self.neurons[slot])
        residual, variance = self.residuals[:, slot].clone(), self.variances[:, slot].clone()
        self.chosen_log_joint -= 0.5 * (residual.square() / variance[:, None] + variance.log()[:, None])
        # Only differences between classes matter, and small numbers round less.
        self.chosen_log_joint -= self.chosen_log_joint.amax(0)
        self._fill(slot)
        covariance = self.covariances[:, self.neurons, neuron]
        covariance = covariance - torch.einsum(
            "cjt,ct->cj", self.factor[:, self.neurons, :step], self.factor[:, neuron, :step]
        )
        self.factor[:, self.neurons, step] = covariance / variance.sqrt()[:, None]
        slope = covariance / variance[:, None]
        # Rounding must not take a conditional variance below what the diagonal part guarantees.
        self.variances = torch.maximum(self.variances - covariance * slope, self.noise)
        self.information = self._condition((slope, residual))
        return neuron

    def _fill(self, slot: int) -> None:
        """Move the last candidate into ``slot`` and shorten the arrays by one."""
        last = len(self.neurons) - 1
        for array in (self.residuals, self.variances, self.noise):
            array[:, slot] = array[:, last]
        self.neurons[slot] = self.neurons[last]
        self.neurons = self.neurons[:last]
        self.residuals, self.variances, self.noise = (
            array[:, :last] for array in (self.residuals, self.variances, self.noise)
        )

    def _condition(self, chosen: tuple[torch.Tensor, torch.Tensor] | None) -> torch.Tensor:
        """Take the chosen neuron's part out of all residuals, and score every candidate: bits, [n_slots].

        Works block by block, so that a block is still in the cache when it is scored.
        """
        at_once = self.log_joint.shape[1]
        likelihood = [
            self._log_posterior(slice(start, min(start + at_once, len(self.neurons))), chosen)
            for start in range(0, len(self.neurons), at_once)
        ]
        if not likelihood:
            return self.variances.new_empty(0)
        return self.entropy + torch.cat(likelihood) / self.chosen_log_joint.shape[1] / math.log(2)

    def _log_posterior(self, slots: slice, chosen: tuple[torch.Tensor, torch.Tensor] | None) -> torch.Tensor:
        """Sum over dev of the log-posteriors (nats) of the words' own classes, for the candidates in ``slots``."""
        residuals, variances = self.residuals[:, slots], self.variances[:, slots]
        if chosen is not None:
            slope, residual = chosen
            residuals.addcmul_(slope[:, slots, None], residual[:, None, :], value=-1)
        # The 2 pi of the density is the same in all classes and cancels.
        log_joint = self.log_joint[:, : residuals.shape[1]]
        torch.mul(residuals, (-0.5 / variances)[:, :, None], out=log_joint)
        torch.addcmul(self.chosen_log_joint[:, None, :], residuals, log_joint, out=log_joint)
        constant = -0.5 * variances.log()
        if len(log_joint) == 2:
            return self._of_two_classes(log_joint, constant)
        log_joint += constant[:, :, None]
        own = sum(log_joint[c, :, members].sum(1) for c, members in enumerate(self.members))
        largest = log_joint.amax(0)
        evidence = log_joint.sub_(largest).exp_().sum(0).log_().add_(largest).sum(1)
        return torch.as_tensor(own) - evidence

    def _of_two_classes(self, log_joint: torch.Tensor, constant: torch.Tensor) -> torch.Tensor:
        """The same with one logarithm per word: log p(own) = -log(1 + exp(other - own))."""
        other = log_joint[1].sub_(log_joint[0]).add_((constant[1] - constant[0])[:, None])
        other[:, self.members[1]].neg_()
        return -sum_of_softplus(other)


def sum_of_softplus(x: torch.Tensor) -> torch.Tensor:
    """Sum of log(1 + exp(x)) over the last dimension of ``x`` [n, n_words], which is overwritten.

    That is max(x, 0) + log(1 + exp(-abs(x))). The logarithm is most of the cost, and its arguments lie between 1 and
    2: the product of hundreds of them cannot overflow, so one logarithm per product is enough.
    """
    positive = x.sum(1)
    positive = (positive + x.abs_().sum(1)) / 2
    factors = x.neg_().exp_().add_(1)
    grouped = factors.shape[1] // _FACTORS * _FACTORS
    products = factors[:, :grouped].unflatten(1, (-1, _FACTORS)).prod(2)
    return positive + products.log().sum(1) + factors[:, grouped:].prod(1).log()
