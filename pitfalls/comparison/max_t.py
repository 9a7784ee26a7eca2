"""Whether a neuron separates the values: a permutation test of every neuron, and of the best one of all.

Among hundreds of neurons some look selective by chance, and the one that is reported is the best of them. So each
neuron's statistic is compared twice with what it is when the labels are shuffled: with its own, and with the *largest*
of all neurons in the same shuffle (single-step max-T, Westfall & Young 1993). The second p value holds for all neurons
together: under the null, the chance that any of them is .05 or less is at most .05, however the neurons depend on each
other.

What is shuffled must be exchangeable. The tokens of one word form are not: they share their form, hence their value and
most of their vector, and shuffling them one by one would count a form of a thousand tokens as a thousand observations.
So there is one observation per form and value, the mean vector of its tokens, and the values are shuffled over these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import combinations

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from pitfalls.arrays.splits import Activations, Splits
from pitfalls.arrays.ties import TIE
from pitfalls.columns import SPLITS, Split, configuration_of
from pitfalls.numbers import whole
from pitfalls.rankings.information import binned

# How many bins the mutual information has (as in the ranking), and how many shuffles are counted at a time.
_BINS = 20
_AT_ONCE = 32

# Statistics [n_draws, n_neurons] of shuffled labels, one-hot [n_draws, n_values, n_observations].
_Statistic = Callable[[torch.Tensor], torch.Tensor]


def neuron_null(
    data: Splits, statistic: str = "anova", draws: int = 1000, seed: int = 0, split: Split = "train"
) -> pd.DataFrame:
    """The p values of every neuron, alone and as one of all.

    Parameters
    ----------
    data : Splits
        Its word forms are those that its words were given with; without forms, every word is one.
    statistic : str
        "anova" (the F ratio), "mutual_information" (bits, 20 bins) or "probeless" (sum over pairs of values of the
        distance of their means, in standard deviations of the neuron over all observations, so that neurons of a
        larger scale do not set the largest value of every shuffle).
    draws, seed : int
        How often the values are shuffled, and the seed that does it.
    split : str
        Whose words.

    Returns
    -------
    One row per neuron: language, attribute, site, layer, split, test ("anova" and so on), neuron, statistic, p (of this
    neuron, had no other been looked at), p_adjusted (of this neuron among all), observations (forms and values), draws.
    A p value is (1 + shuffles with a statistic as large) / (1 + draws), so it is never 0.

    Raises
    ------
    ValueError
        For another statistic or split, fewer than one draw, one value alone, or fewer than two observations of a value.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(60, 3))
    >>> X[::2, 1] += 2
    >>> part = (X, ["PL", "SG"] * 30)
    >>> found = neuron_null(Splits.from_arrays(train=part, dev=part, test=part), draws=99)
    >>> found[["neuron", "p", "p_adjusted"]].values.tolist()[1]
    [1.0, 0.01, 0.01]
    """
    if statistic not in _STATISTICS:
        raise ValueError(f"no statistic {statistic!r}: there are {', '.join(_STATISTICS)}")
    if split not in SPLITS:
        raise ValueError(f'split must be "train", "dev" or "test", not {split!r}')
    draws, seed, part = whole(draws, "draws", 1), whole(seed, "a seed"), getattr(data, split)
    X, y = _by_form(part)
    measure = _STATISTICS[statistic](X)
    (observed,) = measure(_one_hot(y[None], len(part.values)))
    # A statistic that equals the observed one but for rounding is as large.
    least = observed - TIE * observed.abs().clamp_min(1)
    alone, among_all = (torch.zeros(len(observed), dtype=torch.int64) for _ in range(2))
    for labels in _shuffled(y, draws, seed):
        found = measure(_one_hot(labels, len(part.values)))
        alone += (found >= least).sum(0)
        among_all += (found.amax(1, keepdim=True) >= least).sum(0)
    return pd.DataFrame(
        {
            **configuration_of(part),
            "split": split,
            "test": statistic,
            "neuron": np.arange(len(observed)),
            "statistic": (_f_ratio(observed, y) if statistic == "anova" else observed).numpy(),
            "p": (1 + alone.numpy()) / (1 + draws),
            "p_adjusted": (1 + among_all.numpy()) / (1 + draws),
            "observations": len(y),
            "draws": draws,
        }
    )


def _by_form(part: Activations) -> tuple[torch.Tensor, NDArray[np.int64]]:
    """Mean vectors of each form and value, float64 [n_observations, n_neurons], and their values."""
    if len(part.values) < 2:
        raise ValueError(f"a neuron separates values, and {part.attribute} has only {list(part.values)}")
    numbers = {form: number for number, form in enumerate(sorted(set(part.forms)))}
    cells = np.array([numbers[form] for form in part.forms]) * len(part.values) + np.asarray(part.y)
    found, cell, counts = np.unique(cells, return_inverse=True, return_counts=True)
    sums = torch.zeros(len(found), part.X.shape[1], dtype=torch.float64)
    sums.index_add_(0, torch.as_tensor(cell.reshape(-1)), torch.as_tensor(np.asarray(part.X, dtype=np.float64)))
    y = (found % len(part.values)).astype(np.int64)
    forms = np.bincount(y, minlength=len(part.values))
    if forms.min() < 2:
        raise ValueError(
            f"the value {part.values[int(forms.argmin())]} has {forms.min()} word forms, and a test needs 2 of each: "
            "leave the value out, or take more words"
        )
    return sums / torch.as_tensor(counts)[:, None], y


def _shuffled(y: NDArray[np.int64], draws: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Shuffled labels, some at a time, [n, n_observations]."""
    generator = np.random.default_rng(seed)
    for start in range(0, draws, _AT_ONCE):
        yield generator.permuted(np.tile(y, (min(_AT_ONCE, draws - start), 1)), axis=1)


def _one_hot(labels: NDArray[np.int64], n_values: int) -> torch.Tensor:
    """float64 [n_draws, n_values, n_observations]."""
    return torch.nn.functional.one_hot(torch.as_tensor(labels), n_values).mT.double()


def _standard(X: torch.Tensor) -> torch.Tensor:
    """Each neuron with mean 0 and standard deviation 1; a constant one with 0 throughout."""
    centred = X - X.mean(0)
    deviation = centred.square().mean(0).sqrt()
    return torch.where(X.amax(0) == X.amin(0), 0.0, centred / deviation)


def _anova(X: torch.Tensor) -> _Statistic:
    """The share of the sum of squares that lies between the values: it rises with the F ratio, but stays finite.

    Where the values are separated wholly, F is infinite or whatever the rounding says, and cannot be compared.
    """
    words = _standard(X)
    total = words.square().sum(0)

    def measure(labels: torch.Tensor) -> torch.Tensor:
        between = ((labels @ words).square() / labels.sum(2)[:, :, None]).sum(1)
        return torch.where(total > 0, between / total, 0.0)

    return measure


def _f_ratio(share: torch.Tensor, y: NDArray[np.int64]) -> torch.Tensor:
    """The F ratio of observations of which this share of the sum of squares lies between the values."""
    n_values = int(y.max()) + 1
    within = torch.where(share < 1 - TIE, 1 - share, 0.0)
    return share / (n_values - 1) / (within / (len(y) - n_values))


def _probeless(X: torch.Tensor) -> _Statistic:
    words = _standard(X)

    def measure(labels: torch.Tensor) -> torch.Tensor:
        means = labels @ words / labels.sum(2, keepdim=True)
        return torch.stack([(means[:, a] - means[:, b]).abs() for a, b in combinations(range(means.shape[1]), 2)]).sum(
            0
        )

    return measure


def _mutual_information(X: torch.Tensor) -> _Statistic:
    codes = torch.as_tensor(binned(X, _BINS))
    in_bin = torch.nn.functional.one_hot(codes, _BINS).permute(1, 0, 2).double().flatten(1)
    n = len(X)

    def entropy(counts: torch.Tensor) -> torch.Tensor:
        return -torch.special.xlogy(counts / n, counts / n).sum(-1) / np.log(2)

    of_bins = entropy(in_bin.sum(0).view(-1, _BINS))

    def measure(labels: torch.Tensor) -> torch.Tensor:
        joint = (labels.flatten(0, 1) @ in_bin).view(*labels.shape[:2], -1, _BINS)
        return of_bins + entropy(labels.sum(2))[:, None] - entropy(joint.transpose(1, 2).flatten(2))

    return measure


_STATISTICS: Mapping[str, Callable[[torch.Tensor], _Statistic]] = {
    "anova": _anova,
    "mutual_information": _mutual_information,
    "probeless": _probeless,
}
