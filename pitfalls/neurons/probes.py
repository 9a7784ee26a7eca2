"""The two probes of the paper, as scikit-learn classifiers, and the arithmetic that curves share with them.

A probe reads an attribute off some neurons. It says nothing about which neurons to give it: that is a
ranking's job (:mod:`pitfalls.neurons.rankings`), and keeping the two apart is the paper's first lesson.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

if TYPE_CHECKING:
    from pitfalls.model.activations import Activations, Splits

#: A class's variance of a neuron is never taken below this share of the neuron's variance over all words.
VARIANCE_FLOOR = 1e-6

# torch.optim.Adam's own defaults; the paper changes only the learning rate.
_ADAM_FIRST, _ADAM_SECOND, _ADAM_EPSILON = 0.9, 0.999, 1e-8


@dataclass(frozen=True)
class LinearWeights:
    """Linear probes trained side by side; probe ``i`` reads the first ``widths[i]`` columns.

    Attributes
    ----------
    coef, intercept:
        After the last epoch: [n_probes, n_classes, n_columns] and [n_probes, n_classes]. Columns that a probe
        does not read have weight 0.
    best_coef, best_intercept:
        The same after the epoch with the lowest training loss (the first of several).
    losses:
        [n_epochs, n_probes]: sum over batches of cross-entropy (nats) and penalties, before each step.
    """

    coef: torch.Tensor
    intercept: torch.Tensor
    best_coef: torch.Tensor
    best_intercept: torch.Tensor
    losses: torch.Tensor


def _initial_weights(width: int, n_classes: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """What ``torch.nn.Linear(width, n_classes)`` draws after ``torch.manual_seed(seed)``."""
    # A generator of our own leaves torch's global state as it was.
    generator = torch.Generator().manual_seed(seed)
    bound = 1 / math.sqrt(width)
    weight = torch.empty(n_classes, width).uniform_(-bound, bound, generator=generator)
    bias = torch.empty(n_classes).uniform_(-bound, bound, generator=generator)
    return weight, bias


class _Adam:
    """Adam for one tensor, step for step as ``torch.optim.Adam`` with its defaults."""

    def __init__(self, parameter: torch.Tensor, learning_rate: float) -> None:
        self.parameter, self.learning_rate = parameter, learning_rate
        self.first, self.second = torch.zeros_like(parameter), torch.zeros_like(parameter)
        self.steps = 0

    def step(self, gradient: torch.Tensor) -> None:
        """Move the parameter, in place, against ``gradient``."""
        self.steps += 1
        self.first.lerp_(gradient, 1 - _ADAM_FIRST)
        self.second.mul_(_ADAM_SECOND).addcmul_(gradient, gradient, value=1 - _ADAM_SECOND)
        scale = self.learning_rate / (1 - _ADAM_FIRST**self.steps)
        spread = (self.second.sqrt() / math.sqrt(1 - _ADAM_SECOND**self.steps)).add_(_ADAM_EPSILON)
        self.parameter.addcdiv_(self.first, spread, value=-scale)


def descend(
    X: torch.Tensor,
    y: torch.Tensor,
    n_classes: int,
    widths: Sequence[int],
    *,
    learning_rate: float = 0.01,
    batch_size: int = 32,
    epochs: int = 10,
    l1: float = 0.001,
    l2: float = 0.01,
    seed: int = 0,
) -> LinearWeights:
    """Train one linear probe on the first ``k`` columns for every ``k`` of ``widths``, all in one go.

    The probes never meet: each has its own weights, Adam state and penalties, and a mask keeps it to its own
    columns, so each ends where it would have ended alone. They share the batches (in the order of the words,
    no shuffling), so one matrix product serves them all.

    The loss of a batch is mean cross-entropy + ``l1`` times the sum of absolute weights + ``l2`` times the
    Euclidean norm of the weights (not squared), the bias free of penalty (SOURCES.md, Linear probe [C]).

    Parameters
    ----------
    X, y:
        [n_words, n_columns] float, columns in the order of the ranking; [n_words] int64 classes.
    widths:
        How many leading columns each probe reads.

    Examples
    --------
    >>> X = torch.tensor([[1.0, 0.0], [-1.0, 0.0]] * 40)
    >>> weights = descend(X, torch.tensor([0, 1] * 40), n_classes=2, widths=[1, 2])
    >>> weights.coef.shape, bool((weights.coef[0, :, 1] == 0).all())
    (torch.Size([2, 2, 2]), True)
    """
    X = X[:, : max(widths)]
    mask = torch.arange(X.shape[1]) < torch.tensor(list(widths))[:, None]
    mask = mask[:, None, :].to(X)
    coef = X.new_zeros(len(widths), n_classes, X.shape[1])
    intercept = X.new_zeros(len(widths), n_classes)
    for i, width in enumerate(widths):
        weight, bias = _initial_weights(width, n_classes, seed)
        coef[i, :, :width], intercept[i] = weight.to(X), bias.to(X)
    adams = _Adam(coef, learning_rate), _Adam(intercept, learning_rate)
    targets = torch.nn.functional.one_hot(y, n_classes).to(X)

    best_loss = X.new_full((len(widths),), torch.inf)
    best_coef, best_intercept, losses = coef.clone(), intercept.clone(), []
    for _ in range(epochs):
        epoch_loss = X.new_zeros(len(widths))
        for start in range(0, len(X), batch_size):
            words, target = X[start : start + batch_size], targets[start : start + batch_size]
            log_proba = linear_log_proba(words, coef, intercept)
            norm = coef.square().sum(dim=(1, 2), keepdim=True).sqrt()
            epoch_loss -= torch.einsum("npc,nc->p", log_proba, target) / len(words)
            epoch_loss += l1 * coef.abs().sum(dim=(1, 2)) + l2 * norm[:, 0, 0]
            error = (log_proba.exp_() - target[:, None, :]) / len(words)
            gradient = (error.flatten(1).T @ words).view_as(coef).mul_(mask)
            gradient += l1 * coef.sign()
            # The norm has no gradient at zero weights; a subgradient there is zero.
            gradient += l2 * coef / norm.clamp_min(torch.finfo(X.dtype).tiny)
            adams[0].step(gradient)
            adams[1].step(error.sum(dim=0))
        losses.append(epoch_loss)
        better = epoch_loss < best_loss
        best_loss = torch.where(better, epoch_loss, best_loss)
        best_coef[better], best_intercept[better] = coef[better], intercept[better]
    return LinearWeights(coef, intercept, best_coef, best_intercept, torch.stack(losses))


def linear_log_proba(X: torch.Tensor, coef: torch.Tensor, intercept: torch.Tensor) -> torch.Tensor:
    """Log-probabilities (nats), [n_words, n_probes, n_classes], of linear probes.

    ``X`` is [n_words, n_columns]; ``coef`` and ``intercept`` are as in :class:`LinearWeights`.
    """
    logits = X @ coef.flatten(0, 1).T
    return torch.log_softmax(logits.view(len(X), *intercept.shape) + intercept, dim=2)


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

    Guard. The diagonal part makes the covariance positive definite unless a neuron is constant. A neuron that
    is constant within a class gets at least ``VARIANCE_FLOOR`` times its variance over all words. A neuron
    constant over all words gets variance 1 in every class, so that it says nothing.

    Parameters
    ----------
    X, y:
        [n_words, n_columns] and [n_words] int64 classes; every class needs two words or more.

    Raises
    ------
    ValueError
        If a class has fewer than two words.
    """
    X = X.double()
    d = X.shape[1] if n_neurons is None else n_neurons
    counts = torch.bincount(y, minlength=n_classes)
    if int(counts.min()) < 2:
        raise ValueError(
            f"class {int(counts.argmin())} has {int(counts.min())} of the {len(X)} training words, and a "
            "covariance needs 2: leave the class out (the value filter) or add words"
        )
    silent = X.amax(0) == X.amin(0)
    floor = VARIANCE_FLOOR * X.var(0, correction=0)
    means, covariances, noise = [], [], []
    for c in range(n_classes):
        words = X[y == c]
        mean = words.mean(0)
        deviations = words - mean
        scatter = deviations.T @ deviations
        n = len(words)
        denominator = 2 * d + 4 + n
        diagonal = scatter.diagonal() / (n - 1) / denominator
        diagonal = torch.maximum(diagonal, floor)
        diagonal[silent] = 1
        means.append(mean)
        noise.append(diagonal)
        covariances.append(scatter / denominator + torch.diag(diagonal))
    log_prior = (counts.double() / counts.sum()).log()
    return Gaussians(log_prior, torch.stack(means), torch.stack(covariances), torch.stack(noise))


def gaussian_log_joint(gaussians: Gaussians, X: torch.Tensor) -> torch.Tensor:
    """Log joint density (nats) of words and classes, for the first 1, 2, ... columns.

    ``X`` is [n_words, n_columns]; the result is [n_words, n_columns, n_classes].

    The Cholesky factor of a leading block is the leading block of the factor, so one factor and one
    triangular solve give every number of columns at once.
    """
    columns = torch.arange(1, X.shape[1] + 1, dtype=torch.float64)
    joint = []
    for c in range(len(gaussians.means)):
        factor = torch.linalg.cholesky(gaussians.covariances[c])
        white = torch.linalg.solve_triangular(factor, (X.double() - gaussians.means[c]).T, upper=False)
        log_density = -0.5 * white.square().cumsum(0).T - factor.diagonal().log().cumsum(0)
        joint.append(log_density - 0.5 * math.log(2 * math.pi) * columns + gaussians.log_prior[c])
    return torch.stack(joint, dim=2)


def entropy_bits(y: torch.Tensor) -> float:
    """Entropy, in bits, of the classes' frequencies in ``y``.

    Examples
    --------
    >>> entropy_bits(torch.tensor([0, 1, 0, 1]))
    1.0
    """
    shares = torch.bincount(y).double() / len(y)
    return float(-torch.special.xlogy(shares, shares).sum() / math.log(2))


def tensors(part: Activations, name: str) -> tuple[torch.Tensor, torch.Tensor]:
    """The words of the split called ``name`` as tensors: ``X`` [n_words, n_neurons] and ``y`` [n_words].

    Raises
    ------
    ValueError
        If the split is empty.
    """
    if len(part.X) == 0:
        raise ValueError(f"{name} has no words: choose an attribute it carries, or a lower value filter")
    return _shared(part.X), _shared(part.y)


def _shared(array: Any) -> torch.Tensor:
    """The array as a tensor of the same memory."""
    with warnings.catch_warnings():
        # A memory-mapped array is read-only, which torch warns about; nothing here writes to one.
        warnings.filterwarnings("ignore", message=".*not writable")
        return torch.as_tensor(array)


def training_tensors(data: Splits) -> tuple[torch.Tensor, torch.Tensor, int]:
    """The training words ``X`` and ``y``, and the number of classes (two or more; each occurs in ``y``).

    Raises
    ------
    ValueError
        If train is empty or there is only one value.
    """
    X, y = tensors(data.train, "train")
    values = data.train.values
    if len(values) < 2:
        raise ValueError(f"a probe tells values apart, and {data.train.attribute} has only {list(values)}")
    return X, y, len(values)


class _Probe(ClassifierMixin, BaseEstimator):
    """What both probes share: reading the input, and prediction from log-probabilities."""

    classes_: NDArray[Any]

    def _training_arrays(self, X: ArrayLike, y: ArrayLike) -> tuple[torch.Tensor, torch.Tensor]:
        X, y = validate_data(self, X, y, dtype=[np.float64, np.float32], ensure_min_samples=2)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"a probe needs two classes, and y holds only one class: {self.classes_[0]!r}")
        return _shared(X), torch.as_tensor(codes, dtype=torch.int64)

    def _log_proba(self, X: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError

    def predict_log_proba(self, X: ArrayLike) -> NDArray[np.floating[Any]]:
        """Log-probabilities (nats) of the classes, [n_words, n_classes]."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        return self._log_proba(_shared(X)).numpy()

    def predict_proba(self, X: ArrayLike) -> NDArray[np.floating[Any]]:
        """Probabilities of the classes, [n_words, n_classes]."""
        return np.exp(self.predict_log_proba(X))

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The most probable class of every word, [n_words]; of equals, the first."""
        log_proba = self.predict_log_proba(X)
        return self.classes_[log_proba.argmax(axis=1)]


class LinearProbe(_Probe):
    """Logistic regression trained as the paper trains it: a preset, not an optimum (SOURCES.md, Linear [C]).

    Adam over the words in their order, ten epochs of batches of 32; the loss adds ``l1`` times the sum of
    absolute weights and ``l2`` times their Euclidean norm, not squared. The weights after the last epoch
    predict; the weights after the epoch of the lowest training loss are kept for the ranking.

    Parameters
    ----------
    learning_rate, batch_size, epochs, l1, l2:
        The paper's values are the defaults.
    seed:
        Of the first weights, which are those of ``torch.nn.Linear`` under that seed.

    Attributes
    ----------
    coef_, intercept_:
        [n_classes, n_neurons] and [n_classes], after the last epoch.
    best_coef_, best_intercept_:
        The same after the best epoch.
    losses_:
        [epochs], training loss summed over batches, penalties included.

    Examples
    --------
    >>> X = np.array([[1.0, 0.0], [-1.0, 0.0]] * 100)
    >>> probe = LinearProbe().fit(X, ["SG", "PL"] * 100)
    >>> probe.predict([[2.0, 0.0]])
    array(['SG'], dtype='<U2')
    """

    def __init__(
        self,
        learning_rate: float = 0.01,
        batch_size: int = 32,
        epochs: int = 10,
        l1: float = 0.001,
        l2: float = 0.01,
        seed: int = 0,
    ) -> None:
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.epochs = epochs
        self.l1 = l1
        self.l2 = l2
        self.seed = seed

    def fit(self, X: ArrayLike, y: ArrayLike) -> LinearProbe:
        """Train on words ``X`` [n_words, n_neurons] with labels ``y`` [n_words]."""
        words, codes = self._training_arrays(X, y)
        weights = descend(words, codes, len(self.classes_), [words.shape[1]], **self.get_params())
        self.coef_, self.intercept_ = weights.coef[0].numpy(), weights.intercept[0].numpy()
        self.best_coef_ = weights.best_coef[0].numpy()
        self.best_intercept_ = weights.best_intercept[0].numpy()
        self.losses_ = weights.losses[:, 0].numpy()
        return self

    def _log_proba(self, X: torch.Tensor) -> torch.Tensor:
        coef = torch.as_tensor(self.coef_)[None]
        return linear_log_proba(X.to(coef), coef, torch.as_tensor(self.intercept_)[None])[:, 0]


class GaussianProbe(_Probe):
    """One Gaussian a class, maximum a posteriori, and Bayes' rule (SOURCES.md, Gaussian [C]).

    See :func:`fit_gaussians` for the formula and for what is done about constant neurons.

    Parameters
    ----------
    n_neurons:
        Width of the whole representation, where ``X`` holds only some of its neurons; by default the width
        of ``X``. With it, a probe of some neurons is the marginal of the probe of all, as in the paper.

    Attributes
    ----------
    means_, covariances_:
        [n_classes, n_neurons] and [n_classes, n_neurons, n_neurons].
    log_prior_:
        [n_classes], nats.

    Examples
    --------
    >>> X = np.array([[1.0], [1.2], [-1.0], [-1.1]])
    >>> GaussianProbe().fit(X, ["SG", "SG", "PL", "PL"]).predict([[0.9]])
    array(['SG'], dtype='<U2')
    """

    def __init__(self, n_neurons: int | None = None) -> None:
        self.n_neurons = n_neurons

    def fit(self, X: ArrayLike, y: ArrayLike) -> GaussianProbe:
        """Fit to words ``X`` [n_words, n_neurons] with labels ``y`` [n_words]."""
        words, codes = self._training_arrays(X, y)
        gaussians = fit_gaussians(words, codes, len(self.classes_), self.n_neurons)
        self.means_, self.covariances_ = gaussians.means.numpy(), gaussians.covariances.numpy()
        self.log_prior_ = gaussians.log_prior.numpy()
        self._gaussians = gaussians
        return self

    def _log_proba(self, X: torch.Tensor) -> torch.Tensor:
        return torch.log_softmax(gaussian_log_joint(self._gaussians, X)[:, -1], dim=1)
