"""One Gaussian a class: the fit, the densities of every leading set of neurons, and the greedy search.

Both hot paths avoid refitting. A Gaussian of some neurons is the marginal of the Gaussian of all, so one
Cholesky factor serves every k of a curve; and given the neurons chosen so far, each candidate's density is a
normal of one dimension, so one pass scores all candidates of the search at once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from pitfalls.arrays.ties import TIE, descending
from pitfalls.arrays.words import Words, check_magnitude

#: A class's variance of a neuron is never taken below this share of the neuron's variance over all words.
VARIANCE_FLOOR = 1e-6

# Numbers of one block of the search: on a processor a block stays in the cache between update and score, on a
# GPU a block should be large.
_BLOCK = {"cpu": 2**17, "cuda": 2**24}

# Factors between 1 and 2 that are multiplied before a logarithm is taken: 2**512 is far below the largest double.
_FACTORS = 512


@dataclass(frozen=True)
class Gaussians:
    """One multivariate normal a class and the classes' prior, all float64.

    Attributes
    ----------
    log_prior:
        [n_classes], log of the training frequency, nats.
    means, covariances:
        [n_classes, n_neurons] and [n_classes, n_neurons, n_neurons].
    noise:
        [n_classes, n_neurons]: a lower bound on a neuron's variance given any others, by construction
        (the diagonal part of the covariance).
    """

    log_prior: torch.Tensor
    means: torch.Tensor
    covariances: torch.Tensor
    noise: torch.Tensor


def fit_gaussians(X: torch.Tensor, y: torch.Tensor, n_classes: int, n_neurons: int | None = None) -> Gaussians:
    r"""Maximum a posteriori Gaussians under a Normal-Inverse-Wishart prior (SOURCES.md, Gaussian probe [C]).

    With the prior's mean at the class mean, the posterior mean is the class mean, and

    .. math:: \Sigma^* = (\operatorname{diag}(\operatorname{cov}) + S) / (\nu_n + d + 2),\; \nu_n = d + 2 + N

    where S is the class's scatter, N its words and d = ``n_neurons``, the width of the *whole* representation
    also when ``X`` holds only some of its neurons: so the fit on some is the marginal of the fit on all.

    Guard. The diagonal part makes the covariance positive definite unless a neuron is constant. A neuron that is as
    good as constant within a class, whose variance would be below ``VARIANCE_FLOOR`` times that over all words, gets
    so much on the diagonal. A neuron constant over all words gets variance 1 in every class, so that it says nothing.

    Parameters
    ----------
    X, y:
        [n_words, n_columns] and [n_words] int64 classes; every class needs two words or more.

    Raises
    ------
    ValueError
        If a class has fewer than two words, or activations are too large or too small to be squared.
    """
    check_magnitude(X)
    d = X.shape[1] if n_neurons is None else n_neurons
    counts = torch.bincount(y, minlength=n_classes)
    if int(counts.min()) < 2:
        raise ValueError(
            f"class {int(counts.argmin())} has {int(counts.min())} of the {len(X)} training words, and a "
            "covariance needs 2: leave the class out (the value filter) or add words"
        )
    means, scatters = [], []
    for c in range(n_classes):
        deviations = X[y == c].double()
        means.append(deviations.mean(0))
        deviations -= means[-1]
        scatters.append(deviations.T @ deviations)
    mean, covariances, shares = torch.stack(means), torch.stack(scatters), counts.double() / len(y)
    within = covariances.diagonal(dim1=1, dim2=2)
    floor = VARIANCE_FLOOR * (within.sum(0) / len(y) + shares @ (mean - shares @ mean).square())
    denominator = (2 * d + 4 + counts)[:, None]
    noise = within / (counts[:, None] - 1) / denominator
    noise = torch.where(within / denominator + noise < floor, floor, noise)
    noise[:, X.amax(0) == X.amin(0)] = 1
    covariances /= denominator[:, :, None]
    covariances.diagonal(dim1=1, dim2=2).add_(noise)
    return Gaussians(shares.log(), mean, covariances, noise)


def gaussian_log_joint(gaussians: Gaussians, X: torch.Tensor, widths: Sequence[int]) -> torch.Tensor:
    """Log joint density (nats) of words and classes, for the first ``k`` columns with every ``k`` of ``widths``.

    ``X`` is [n_words, n_columns]; the result is [n_words, n_classes, n_widths].

    The Cholesky factor of a leading block is the leading block of the factor, so one factor and one
    triangular solve give every number of columns at once.

    Examples
    --------
    >>> X = torch.tensor([[1.0, 0.0], [2.0, 1.0], [0.0, 1.0], [1.0, 3.0]])
    >>> gaussians = fit_gaussians(X, torch.tensor([0, 0, 1, 1]), n_classes=2)
    >>> gaussian_log_joint(gaussians, X, widths=[2]).shape
    torch.Size([4, 2, 1])
    """
    asked = torch.tensor(widths, dtype=torch.float64, device=X.device)
    # One row per width, ones where it reads a column: a product with it is the sum over the columns read.
    reads = (torch.arange(X.shape[1], device=X.device) < asked[:, None]).double()
    joint = []
    for mean, covariance, log_prior in zip(gaussians.means, gaussians.covariances, gaussians.log_prior, strict=True):
        factor = torch.linalg.cholesky(covariance)
        white = torch.linalg.solve_triangular(factor, (X.double() - mean).T, upper=False)
        constant = log_prior - 0.5 * math.log(2 * math.pi) * asked - reads @ factor.diagonal().log()
        joint.append(torch.addmm(constant[:, None], reads, white.square_(), alpha=-0.5))
    return torch.stack(joint).permute(2, 0, 1)


def entropy_bits(y: torch.Tensor) -> float:
    """Entropy, in bits, of the classes' frequencies in ``y``.

    Examples
    --------
    >>> entropy_bits(torch.tensor([0, 1, 0, 1]))
    1.0
    """
    shares = torch.bincount(y).double() / len(y)
    return float(-torch.special.xlogy(shares, shares).sum() / math.log(2))


class GreedySearch:
    """Greedy selection of neurons by the Gaussian probe's mutual information on dev, without refitting.

    Given the chosen neurons, a candidate's density is a normal whose conditional mean and variance follow from
    the last step's by a rank-one update (this is Cholesky's factorisation, pivoted by information instead of by
    size). A step costs O(classes x words x candidates), however many neurons are chosen already.

    Candidates live in slots 0..n-1; the chosen one's slot is filled from the end, so that the arrays stay
    contiguous and shrink. Shapes: ``residuals`` [n_classes, n_slots, n_words], ``variances`` and ``noise``
    [n_classes, n_slots], ``factor`` [n_classes, n_neurons, n_steps], ``chosen_log_joint`` [n_classes, n_words].

    Parameters
    ----------
    gaussians:
        Fitted on the training words, see :func:`fit_gaussians`.
    dev:
        The words whose information is measured.
    n_steps:
        How many neurons will be chosen at most.
    """

    def __init__(self, gaussians: Gaussians, dev: Words, n_steps: int) -> None:
        n_classes, d = gaussians.means.shape
        self.entropy = entropy_bits(dev.y)
        # With the words in the order of their classes, those of one class are a slice.
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
        # Written over by every block: a fresh array each time would cost as much as the arithmetic.
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

        Block by block, so that a block is still in the cache when it is scored.
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
        """The same by one logarithm a word: log p(own) = -log(1 + exp(other - own))."""
        other = log_joint[1].sub_(log_joint[0]).add_((constant[1] - constant[0])[:, None])
        other[:, self.members[1]].neg_()
        return -_sum_of_softplus(other)


def _sum_of_softplus(x: torch.Tensor) -> torch.Tensor:
    """Sum of log(1 + exp(x)) over the last dimension of ``x`` [n, n_words], which is overwritten.

    That is max(x, 0) + log(1 + exp(-abs(x))). The logarithm is most of the cost, and its arguments lie between 1 and
    2: so hundreds of them are multiplied, which cannot overflow, and one logarithm is taken of each product.
    """
    positive = x.sum(1)
    positive = (positive + x.abs_().sum(1)) / 2
    factors = x.neg_().exp_().add_(1)
    grouped = factors.shape[1] // _FACTORS * _FACTORS
    products = factors[:, :grouped].unflatten(1, (-1, _FACTORS)).prod(2)
    return positive + products.log().sum(1) + factors[:, grouped:].prod(1).log()


@dataclass(frozen=True)
class Path:
    """What a greedy search found.

    Attributes
    ----------
    order:
        [n_neurons] int64: the chosen neurons, then the rest by the information each would have reached next.
    information:
        [n_neurons] bits on dev: of neuron ``j``, once it was added (or would have been).
    chosen:
        How many were chosen before the search ended.
    """

    order: torch.Tensor
    information: torch.Tensor
    chosen: int


def greedy_path(train: Words, dev: Words, sign: float, n_steps: int) -> Path:
    """Search greedily for the neurons with the most (``sign`` 1) or least (-1) information.

    Each step adds the neuron that makes the mutual information on dev of the chosen ones largest (or smallest).
    A tie (informations within :data:`~.ties.TIE` bits, or that share of them) goes to the lower index.
    """
    search = GreedySearch(fit_gaussians(train.X, train.y, train.n_classes), dev, n_steps)
    order: list[int] = []
    reached = search.entropy * torch.ones(train.n_neurons, dtype=torch.float64)
    for step in range(n_steps):
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
    reached[left] = information
    rest = left[descending(sign * information)]
    return Path(torch.cat([torch.tensor(order, dtype=torch.int64), rest]), reached, n_steps)
