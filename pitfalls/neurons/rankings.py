"""Rankings of neurons: an order, where it came from, and nothing else.

A ranking may be derived from a probe's weights, from a greedy search, from class means or from chance; what
evaluates it (:mod:`~pitfalls.neurons.curves`, :mod:`~pitfalls.neurons.interventions`) sees only the order.
To add one, write a function of ``(data, seed)`` that scores neurons, and one line in ``_METHODS``.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from pitfalls.neurons.probes import LinearProbe, entropy_bits, fit_gaussians, tensors, training_tensors

if TYPE_CHECKING:
    from pitfalls.model.activations import Splits

Direction = Literal["ttb", "btt"]
# What a method gives back: the order, a score for every neuron, and how many it ranked itself.
_Ranked = tuple[NDArray[np.int64], NDArray[np.float64], int]
_Method = Callable[["Splits", Direction, int, "int | None"], _Ranked]

#: The seven rankings of the paper, as ``(name, direction)`` (SOURCES.md, Rankings [C]).
PAPER_RANKINGS: tuple[tuple[str, Direction], ...] = (
    ("linear", "ttb"),
    ("gaussian", "ttb"),
    ("probeless", "ttb"),
    ("random", "ttb"),
    ("linear", "btt"),
    ("gaussian", "btt"),
    ("probeless", "btt"),
)

#: Mutual informations (bits) closer than this are a tie, which the neuron of the lower index wins.
TIE_BITS = 1e-12

# Numbers scored at once in the greedy search: small enough that a block stays in the processor's cache.
_BLOCK = 2**18


@dataclass(frozen=True)
class Ranking:
    """An order of all neurons, the most important first (or, bottom-to-top, the least).

    Attributes
    ----------
    order:
        [n_neurons] int64, a permutation of the neurons.
    scores:
        [n_neurons] float64, the score of neuron ``j`` at ``scores[j]``, in the method's own unit; or None.
    name, direction:
        The method, and "ttb" (top to bottom) or "btt" (bottom to top).
    ranked:
        How many leading neurons the method ranked itself; the rest were put behind them as the method says.
    seed:
        The seed it was drawn with.

    Raises
    ------
    ValueError
        If ``order`` is not a permutation.
    """

    order: NDArray[np.int64]
    scores: NDArray[np.float64] | None
    name: str
    direction: str = "ttb"
    ranked: int = -1
    seed: int = 0

    def __post_init__(self) -> None:
        order = np.asarray(self.order)
        if order.ndim != 1 or not np.array_equal(np.sort(order), np.arange(len(order))):
            raise ValueError(f"order must hold each of 0..{len(order) - 1} once, not {order.tolist()[:8]}...")
        if self.direction not in ("ttb", "btt"):
            raise ValueError(f'direction must be "ttb" or "btt", not {self.direction!r}')
        object.__setattr__(self, "order", order.astype(np.int64))
        if self.ranked < 0:
            object.__setattr__(self, "ranked", len(order))

    def __len__(self) -> int:
        """The number of neurons."""
        return len(self.order)


def linear_scores(data: Splits, seed: int = 0) -> NDArray[np.float64]:
    """Mean over classes of the absolute weights of the best-training-loss epoch (SOURCES.md, Linear [C])."""
    X, y, _ = training_tensors(data)
    probe = LinearProbe(seed=seed).fit(X.numpy(), y.numpy())
    return np.asarray(np.abs(probe.best_coef_).mean(axis=0, dtype=np.float64))


def probeless_scores(data: Splits, seed: int = 0) -> NDArray[np.float64]:
    """Sum over pairs of values of the absolute difference of their mean vectors (SOURCES.md, Probeless [P])."""
    X, y, n_classes = training_tensors(data)
    means = [X[y == c].double().mean(0) for c in range(n_classes)]
    return torch.stack([(a - b).abs() for a, b in combinations(means, 2)]).sum(0).numpy()


def random_scores(data: Splits, seed: int = 0) -> NDArray[np.float64]:
    """One uniform draw a neuron: sorting by it is a uniformly random order."""
    return np.random.default_rng(seed).random((data.n_neurons,))


def _sorted_by(score: Callable[[Splits, int], NDArray[np.float64]]) -> _Method:
    """A method that sorts by a score, descending, ties by index; bottom-to-top is the exact reversal."""

    def method(data: Splits, direction: Direction, seed: int, max_neurons: int | None) -> _Ranked:
        scores = score(data, seed)
        order = np.argsort(-scores, kind="stable")
        return order if direction == "ttb" else order[::-1].copy(), scores, len(order)

    return method


class _Search:
    """The state of the greedy search: every class's Gaussian of each candidate neuron, given those chosen.

    Refitting for each candidate is not needed. Given the chosen neurons, a candidate's density is a normal
    with the conditional mean and variance; both follow from the last step's by a rank-one update (this is
    Cholesky's factorisation, pivoted by information instead of by size).

    Candidates live in slots 0..n-1; the chosen one's slot is filled from the end, so that the arrays stay
    contiguous and shrink. Shapes: ``residuals`` [n_classes, n_slots, n_words], ``variances`` and ``noise``
    [n_classes, n_slots], ``factor`` [n_classes, n_neurons, n_steps], ``chosen_log_joint`` [n_classes,
    n_words].
    """

    def __init__(self, data: Splits, n_steps: int) -> None:
        X, y, n_classes = training_tensors(data)
        dev, self.y = tensors(data.dev, "dev")
        gaussians = fit_gaussians(X, y, n_classes)
        self.entropy = entropy_bits(self.y)
        self.covariances = gaussians.covariances
        self.residuals = (dev.double() - gaussians.means[:, None, :]).transpose(1, 2).contiguous()
        self.variances = gaussians.covariances.diagonal(dim1=1, dim2=2).clone()
        self.noise = gaussians.noise.clone()
        self.factor = torch.zeros(n_classes, X.shape[1], n_steps, dtype=torch.float64)
        self.chosen_log_joint = gaussians.log_prior[:, None].expand(-1, len(self.y)).clone()
        self.neurons = torch.arange(X.shape[1])

    def information(self) -> torch.Tensor:
        """Mutual information (bits, on dev) of the chosen neurons with each candidate, [n_slots]."""
        n_classes, n, n_words = len(self.variances), len(self.neurons), len(self.y)
        block = max(1, _BLOCK // (n_classes * n_words))
        own = self.y.expand(1, block, n_words)
        conditional = torch.empty(n, dtype=torch.float64)
        for start in range(0, n, block):
            slots = slice(start, min(start + block, n))
            variances = self.variances[:, slots, None]
            # The 2 pi of the density is the same in all classes and cancels.
            log_joint = self.residuals[:, slots].square().div_(variances).add_(variances.log()).mul_(-0.5)
            log_joint += self.chosen_log_joint[:, None, :]
            log_posterior = log_joint.gather(0, own[:, : slots.stop - start])[0] - log_joint.logsumexp(0)
            conditional[slots] = log_posterior.mean(1)
        return self.entropy + conditional / np.log(2)

    def choose(self, slot: int, step: int) -> int:
        """Take the candidate in ``slot``, condition the others on it, and return its neuron."""
        neuron = int(self.neurons[slot])
        residual, variance = self.residuals[:, slot].clone(), self.variances[:, slot].clone()
        self.chosen_log_joint -= 0.5 * (residual.square() / variance[:, None] + variance.log()[:, None])
        self._fill(slot)
        covariance = self.covariances[:, self.neurons, neuron]
        covariance = covariance - torch.einsum(
            "cjt,ct->cj", self.factor[:, self.neurons, :step], self.factor[:, neuron, :step]
        )
        self.factor[:, self.neurons, step] = covariance / variance.sqrt()[:, None]
        slope = covariance / variance[:, None]
        self.residuals.baddbmm_(slope[:, :, None], residual[:, None, :], alpha=-1)
        # Rounding must not take a conditional variance below what the diagonal part guarantees.
        self.variances = torch.maximum(self.variances - covariance * slope, self.noise)
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


def gaussian_greedy(data: Splits, direction: Direction, seed: int, max_neurons: int | None) -> _Ranked:
    """Greedy forward selection by the Gaussian probe's mutual information on dev (SOURCES.md, Gaussian [C]).

    Top to bottom, each step adds the neuron that makes the information of the chosen ones largest; bottom to
    top is a run of its own in which each step makes it smallest. A tie goes to the lower index. The score of
    a neuron is the information (bits) once it was added. When ``max_neurons`` ends the search early, the rest
    follow in the order of the information that each would have reached as the next one, which is their score.
    """
    d = data.train.X.shape[1]
    steps = d if max_neurons is None else min(max_neurons, d)
    sign = 1.0 if direction == "ttb" else -1.0
    search, order, scores = _Search(data, steps), [], np.zeros(d)
    for step in range(steps):
        information = search.information()
        signed = sign * information
        tied = (signed >= signed.max() - TIE_BITS).nonzero()[:, 0]
        slot = int(tied[search.neurons[tied].argmin()])
        scores[int(search.neurons[slot])] = float(information[slot])
        order.append(search.choose(slot, step))
    if steps < d:
        reached, rest = search.information().numpy(), search.neurons.numpy()
        scores[rest] = reached
        order.extend(rest[np.lexsort((rest, -sign * reached))].tolist())
    return np.array(order, dtype=np.int64), scores, steps


_METHODS: dict[str, _Method] = {
    "linear": _sorted_by(linear_scores),
    "gaussian": gaussian_greedy,
    "probeless": _sorted_by(probeless_scores),
    "random": _sorted_by(random_scores),
}


def rankings() -> tuple[str, ...]:
    """The names that :func:`rank` knows.

    Examples
    --------
    >>> rankings()
    ('gaussian', 'linear', 'probeless', 'random')
    """
    return tuple(sorted(_METHODS))


def rank(
    name: str, data: Splits, direction: Direction = "ttb", seed: int = 0, max_neurons: int | None = None
) -> Ranking:
    """Rank the neurons of ``data`` for its attribute.

    Parameters
    ----------
    name:
        One of :func:`rankings`.
    data:
        Splits of activations; methods fit on ``train``, and "gaussian" selects on ``dev``.
    direction:
        "ttb", the best first, or "btt", the worst first.
    seed:
        For what is drawn: the first weights of "linear", the order of "random".
    max_neurons:
        How many neurons the greedy search of "gaussian" chooses before it completes the order as
        :func:`gaussian_greedy` says; the other methods rank all neurons at no extra cost.

    Raises
    ------
    ValueError
        For an unknown name or direction, ``max_neurons`` below 1, and bad data.

    Examples
    --------
    >>> from pitfalls.model.activations import Splits
    >>> part = ([[0.0, 1.0], [0.1, -1.0]], ["PL", "SG"])
    >>> rank("probeless", Splits.from_arrays(train=part, dev=part, test=part)).order
    array([1, 0])
    """
    if name not in _METHODS:
        near = difflib.get_close_matches(name, _METHODS, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"no ranking {name!r}: there are {', '.join(rankings())}{hint}")
    if direction not in ("ttb", "btt"):
        raise ValueError(f'direction must be "ttb" or "btt", not {direction!r}')
    if max_neurons is not None and max_neurons < 1:
        raise ValueError(f"max_neurons must be 1 or more, not {max_neurons}")
    order, scores, ranked = _METHODS[name](data, direction, seed, max_neurons)
    return Ranking(order, scores, name, direction, ranked, seed)
