"""The best one, two or three neurons of all, by exhaustive search: what a greedy search could have reached.

The Gaussian search (:mod:`~.gaussian`) adds the neuron that is best beside those before it, which need not be among the
best pair. Here every subset is scored, by the same information on the same words. A subset's density is a product of
conditional ones, so subsets that share their first neurons share the work: a triple costs one multiplication and
addition per word and class beyond its pair.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, NamedTuple

import torch
from tqdm import tqdm

from pitfalls.arrays.ranking import Ranking
from pitfalls.arrays.splits import Splits
from pitfalls.arrays.ties import TIE
from pitfalls.arrays.words import check_magnitude, labelled_words
from pitfalls.numbers import is_number
from pitfalls.probes.gaussian import entropy_bits, fit_gaussians
from pitfalls.rankings.gaussian import sum_of_softplus

#: The most neurons of which all subsets of a size are tried: 341,376 triples, half a million pairs.
MOST_NEURONS = {1: 100_000, 2: 1024, 3: 128}

# Words that are scored at a time: the residuals of 128 neurons and two classes are then 2 MB.
_WORDS = 1024


@dataclass(frozen=True)
class BestSubset:
    """The subset of a size with the most information, first in a ranking, and that information (bits, on dev)."""

    ranking: Ranking
    information: float

    @property
    def neurons(self) -> tuple[int, ...]:
        """The subset, ascending."""
        return tuple(self.ranking.order[: self.ranking.ranked].tolist())


def best_subsets(
    data: Splits, sizes: Iterable[int] = (1, 2, 3), device: str | torch.device = "cpu"
) -> list[BestSubset]:
    """The best subset of each size, of all there are.

    As in the Gaussian search, one Gaussian per value is fitted on train, and the subset's information about the value
    is measured on dev (SOURCES.md, Gaussian [C]), in double precision. A tie (within :data:`~pitfalls.arrays.ties.TIE`
    bits) goes to the subset whose lowest index is lowest, then its second lowest. The subset's neurons come first in
    the order of their indices, and the others follow.

    Parameters
    ----------
    sizes : iterable of int
        1, 2 or 3; of at most :data:`MOST_NEURONS` neurons each.

    Returns
    -------
    One :class:`BestSubset` per size, ascending; the rankings are called "best 1", "best 2" and so on.

    Raises
    ------
    ValueError
        For another size, too many neurons, a value with fewer than two training words, and bad data.

    Examples
    --------
    >>> part = ([[0.0, 1.0, 5.0], [0.2, 0.0, 5.0], [1.0, 1.1, 5.0], [1.3, 0.0, 5.0]], ["PL", "PL", "SG", "SG"])
    >>> found = best_subsets(Splits.from_arrays(train=part, dev=part, test=part), sizes=[1, 2])
    >>> [one.neurons for one in found]
    [(0,), (0, 1)]
    """
    given, d = list(sizes) if isinstance(sizes, Iterable) else [sizes], data.n_neurons
    if not given or not all(is_number(size) and size in MOST_NEURONS for size in given):
        raise ValueError(
            f"sizes are {given}, and a subset has 1, 2 or 3 neurons, since there are too many larger ones: give a list "
            "such as [1, 2]"
        )
    asked = sorted({int(size) for size in given})
    for size in asked:
        if not size <= d <= MOST_NEURONS[size]:
            raise ValueError(
                f"all subsets of {size} are tried of {size} to {MOST_NEURONS[size]:,} neurons, and there are {d:,}: "
                "take smaller subsets, or keep the first neurons of a ranking"
            )
    totals = _totals(data, asked, device)
    found = []
    for size in asked:
        information = totals[size].cpu().numpy()
        best = int((information >= information.max() - TIE).argmax())
        neurons = _subset(best, d, size)
        ranking = replace(Ranking.of_first(neurons, d, f"best {size}"), method="best_subset")
        found.append(BestSubset(ranking, float(information[best])))
    return found


def _subset(number: int, d: int, size: int) -> tuple[int, ...]:
    """The subset of this number, in the order of itertools.combinations."""
    return next(subset for i, subset in enumerate(combinations(range(d), size)) if i == number)


def _totals(data: Splits, sizes: list[int], device: str | torch.device) -> dict[int, torch.Tensor]:
    """The information (bits, on dev) of every subset of each size, in the order of combinations."""
    train, dev = labelled_words(data, "train", device), labelled_words(data, "dev", device)
    check_magnitude(dev.X)
    fitted = fit_gaussians(train.X, train.y, train.n_classes)
    d, n = data.n_neurons, len(dev.y)
    sums = {size: fitted.means.new_zeros(math.comb(d, size)) for size in sizes}
    starts = range(0, n, _WORDS)
    with tqdm(total=len(starts) * d, desc="best subset", unit="neuron", leave=False) as progress:
        for start in starts:
            words, y = dev.X[start : start + _WORDS].double(), dev.y[start : start + _WORDS]
            beginning = _Chosen(
                (words.T[None] - fitted.means[:, :, None]).contiguous(),
                fitted.covariances,
                fitted.noise,
                fitted.log_prior[:, None].expand(-1, len(y)),
            )
            at = dict.fromkeys(sizes, 0)
            for scored in _visited(beginning, y, max(sizes), progress):
                if scored.size in sums:
                    stop = at[scored.size] + len(scored.log_posterior)
                    sums[scored.size][at[scored.size] : stop] += scored.log_posterior
                    at[scored.size] = stop
    entropy = entropy_bits(dev.y)
    return {size: entropy + total / n / math.log(2) for size, total in sums.items()}


class _Scored(NamedTuple):
    """Sums of log-posteriors of words' own classes, for subsets of a size that differ in their last neuron alone."""

    size: int
    log_posterior: torch.Tensor


@dataclass(frozen=True)
class _Chosen:
    """Some neurons are chosen; the candidates, all of higher indices, are conditioned on them.

    Attributes
    ----------
    residuals : [n_classes, n_candidates, n_words]
    covariances : [n_classes, n_candidates, n_candidates]
    noise : [n_classes, n_candidates]
        A lower bound of variances.
    log_joint : [n_classes, n_words]
        Of the chosen neurons and each class, but for a constant.
    """

    residuals: torch.Tensor
    covariances: torch.Tensor
    noise: torch.Tensor
    log_joint: torch.Tensor

    def and_also(self, candidate: int) -> _Chosen:
        """Choose a candidate, too; those after it remain."""
        after = slice(candidate + 1, None)
        variance = torch.maximum(self.covariances[:, candidate, candidate], self.noise[:, candidate])
        slope = self.covariances[:, after, candidate] / variance[:, None]
        residual = self.residuals[:, candidate]
        own = residual.square() / variance[:, None] + variance.log()[:, None]
        return _Chosen(
            torch.addcmul(self.residuals[:, after], slope[:, :, None], residual[:, None, :], value=-1),
            self.covariances[:, after, after] - slope[:, :, None] * self.covariances[:, None, candidate, after],
            self.noise[:, after],
            self.log_joint - 0.5 * own,
        )

    def log_posterior(self, y: torch.Tensor) -> torch.Tensor:
        """Sum over words of the log-posterior (nats) of their own classes, with each candidate added, [n_candidates].

        The residuals are used up.
        """
        variances = torch.maximum(self.covariances.diagonal(dim1=1, dim2=2), self.noise)
        log_joint = self.residuals.square_().mul_((-0.5 / variances)[:, :, None])
        constant = -0.5 * variances.log()
        if len(log_joint) == 2:
            # One logarithm per word: log p(own) = -log(1 + exp(other - own)).
            more = log_joint[1].sub_(log_joint[0]).add_(self.log_joint[1] - self.log_joint[0])
            return -sum_of_softplus(more.add_((constant[1] - constant[0])[:, None]).mul_(1 - 2 * y))
        log_joint += self.log_joint[:, None, :] + constant[:, :, None]
        own = log_joint.gather(0, y.expand(1, log_joint.shape[1], -1))[0]
        return (own - log_joint.logsumexp(0)).sum(1)


def _visited(chosen: _Chosen, y: torch.Tensor, depth: int, progress: tqdm[Any], size: int = 1) -> Iterator[_Scored]:
    """Score all subsets of up to ``depth`` more neurons, those of each size in the order of combinations."""
    n = chosen.residuals.shape[1]
    if depth > 1:
        for candidate in range(n - 1):
            yield from _visited(chosen.and_also(candidate), y, depth - 1, progress, size + 1)
            progress.update(size == 1)
    if n:
        yield _Scored(size, chosen.log_posterior(y))
