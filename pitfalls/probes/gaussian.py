"""One Gaussian per class: the fit, and the densities of every leading set of neurons.

A Gaussian of some neurons is the marginal of the Gaussian of all, so one fit and one Cholesky factor serve every k of
a curve.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from pitfalls.arrays.words import check_magnitude, check_two_words_each

#: A neuron's variance within a class is at least this share of its variance over all words.
VARIANCE_FLOOR = 1e-6


@dataclass(frozen=True)
class Gaussians:
    """One multivariate normal per class and the classes' prior, all float64.

    Attributes
    ----------
    log_prior : [n_classes]
        Log of the training frequency, nats.
    means, covariances : [n_classes, n_neurons] and [n_classes, n_neurons, n_neurons]
    noise : [n_classes, n_neurons]
        The diagonal part of the covariance: a lower bound on a neuron's variance given any others.
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
    even when ``X`` holds only some of its neurons, so that the fit on some is the marginal of the fit on all.

    Guard. The diagonal part makes the covariance positive definite unless a neuron is constant within a class. A neuron
    whose variance within a class would be below ``VARIANCE_FLOOR`` times its variance over all words gets that much
    on the diagonal. A neuron that is constant over all words gets variance 1 in every class, so that it says nothing.

    Parameters
    ----------
    X, y : float [n_words, n_columns] and int64 [n_words]
        Every class needs two words or more.

    Raises
    ------
    ValueError
        If a class has fewer than two words, or activations are too large or too small to be squared.
    """
    check_magnitude(X)
    check_two_words_each(y, range(n_classes))
    d = X.shape[1] if n_neurons is None else n_neurons
    counts = torch.bincount(y, minlength=n_classes)
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
    """Log joint density (nats) of words and classes over the first ``k`` columns, for every ``k`` in ``widths``.

    ``X`` is [n_words, n_columns]; the result is [n_words, n_classes, n_widths]. The Cholesky factor of a leading block
    is the leading block of the factor, so one factor and one triangular solve give every number of columns at once.

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
