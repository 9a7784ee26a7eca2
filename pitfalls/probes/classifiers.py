"""The probes as scikit-learn classifiers: Linear, its converged sibling, and Gaussian.

A probe reads an attribute from some neurons. Choosing those neurons is a ranking's job (:mod:`pitfalls.rankings`), and
keeping the two apart is the paper's first lesson.

Probes take NumPy arrays or torch tensors, float32 or float64, and compute on the tensor's device; what they learn and
predict comes back as NumPy arrays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from pitfalls.arrays.given import as_array, as_labels, readable
from pitfalls.arrays.ties import first_best
from pitfalls.arrays.words import as_tensor, check_two_words_each
from pitfalls.probes.adam import Adam
from pitfalls.probes.blocks import LinearWeights
from pitfalls.probes.gaussian import Gaussians, fit_gaussians, gaussian_log_joint
from pitfalls.probes.linear import fit_linear
from pitfalls.probes.optimum import Optimum

# Whitened words held at a time when predicting: about 64 MB of float64.
_HELD = 2**23

#: The words that probes and rankings take: arrays, or tensors on any device.
WordsLike = ArrayLike | torch.Tensor


def read_words(estimator: BaseEstimator, X: WordsLike, *, reset: bool) -> torch.Tensor:
    """``X`` as a float32 or float64 tensor [n_words, n_neurons], checked as scikit-learn checks input.

    Raises
    ------
    ValueError
        For NaN or infinity, a shape that is not [n_words, n_neurons], a different width from ``fit``, and input that is
        sparse, masked or complex.
    """
    X = _readable(X)
    if isinstance(X, torch.Tensor):
        words = as_tensor(X if X.dtype in (torch.float32, torch.float64) else X.double())
        # scikit-learn looks at the shape only; the numbers stay where they are.
        validate_data(estimator, np.empty(tuple(words.shape), dtype=bool), reset=reset, ensure_all_finite=False)
    else:
        words = as_tensor(
            validate_data(estimator, X, dtype=[np.float64, np.float32], reset=reset, ensure_all_finite=False)
        )
    _check_finite(words)
    return words


def _readable(X: WordsLike) -> Any:
    """``X`` for scikit-learn: a list becomes an array first, so that complex numbers in it are refused."""
    return as_array(X, "X") if isinstance(X, (list, tuple)) else readable(X)


def _check_finite(words: torch.Tensor) -> None:
    bad = ~torch.isfinite(words)
    if bool(bad.any()):
        neuron = int(bad.any(0).nonzero()[0])
        raise ValueError(f"X has NaN or infinity: neuron {neuron} in {int(bad[:, neuron].sum())} of {len(words)} rows")


def read_labels(y: Any, n_words: int) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """The classes of labels ``y``, sorted, and the index of each word's class, [n_words].

    Raises
    ------
    ValueError
        If there is not one label per word, or the labels are not classes.
    """
    labels = as_array(y, "y")
    if labels.dtype == object and labels.ndim == 1:
        plain = as_labels(labels)
        labels = np.array(plain, dtype=object if isinstance(plain[0], str) else None) if plain else labels
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise ValueError(f"y has the shape {labels.shape} and X {n_words} words: give one label per word")
    if len(labels) != n_words:
        raise ValueError(f"y has {len(labels)} labels and X {n_words} words: give one label per word")
    check_classification_targets(labels)
    classes, codes = np.unique(labels, return_inverse=True)
    return classes, codes.astype(np.int64)


class _Probe(ClassifierMixin, BaseEstimator):
    """What all probes share: reading the input, and predicting from log-probabilities."""

    classes_: NDArray[Any]

    def _training_tensors(self, X: WordsLike, y: Any) -> tuple[torch.Tensor, torch.Tensor]:
        if isinstance(X, torch.Tensor):
            words = read_words(self, X, reset=True)
        else:
            y = as_array(y, "y") if isinstance(y, torch.Tensor) else y
            X, y = validate_data(
                self, _readable(X), y, dtype=[np.float64, np.float32], ensure_min_samples=2, ensure_all_finite=False
            )
            words = as_tensor(X)
            _check_finite(words)
        self.classes_, codes = read_labels(y, len(words))
        if len(self.classes_) < 2:
            raise ValueError(f"a probe needs two classes, and y holds only one class: {self.classes_[0]!r}")
        return words, as_tensor(codes, words.device)

    def _log_proba(self, X: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError

    def predict_log_proba(self, X: WordsLike) -> NDArray[np.floating[Any]]:
        """Log-probabilities (nats) of the classes, [n_words, n_classes]."""
        check_is_fitted(self)
        return self._log_proba(read_words(self, X, reset=False)).cpu().numpy()

    def predict_proba(self, X: WordsLike) -> NDArray[np.floating[Any]]:
        """Probabilities of the classes, [n_words, n_classes]."""
        return np.exp(self.predict_log_proba(X))

    def predict(self, X: WordsLike) -> NDArray[Any]:
        """The most probable class of every word, [n_words]; the first among equals (:mod:`~pitfalls.arrays.ties`)."""
        log_proba = torch.from_numpy(self.predict_log_proba(X))
        return self.classes_[first_best(log_proba).numpy()]


class _Linear(_Probe):
    """What both linear probes share: weights, and prediction by softmax."""

    def _keep(self, weights: LinearWeights) -> None:
        self.coef_, self.intercept_ = weights.coef.cpu().numpy(), weights.intercept.cpu().numpy()
        self.losses_ = weights.losses.cpu().numpy()

    def _log_proba(self, X: torch.Tensor) -> torch.Tensor:
        coef, intercept = as_tensor(self.coef_, X.device), as_tensor(self.intercept_, X.device)
        return torch.log_softmax(X.to(coef.dtype) @ coef.T + intercept, dim=1)


@dataclass(eq=False, repr=False)
class LinearProbe(_Linear):
    """Logistic regression trained as the paper trains it: a preset, not an optimum (SOURCES.md, Linear [C]).

    Adam takes the words in their order, in batches of 32, for ten epochs; the loss adds ``l1`` times the sum of
    absolute weights and ``l2`` times their Euclidean norm, not squared. The probe predicts with the weights after the
    last epoch, and keeps those after the epoch with the lowest training loss for the ranking.

    Parameters
    ----------
    learning_rate, batch_size, epochs, l1, l2:
        The paper's values are the defaults.
    seed : int
        For the initial weights, which are those of ``torch.nn.Linear`` under that seed.

    Attributes
    ----------
    coef_, intercept_ : [n_classes, n_neurons] and [n_classes]
        After the last epoch.
    best_coef_, best_intercept_:
        The same after the best epoch.
    losses_ : [epochs]
        Training loss summed over batches, penalties included.

    Examples
    --------
    >>> X = np.array([[1.0, 0.0], [-1.0, 0.0]] * 100)
    >>> probe = LinearProbe().fit(X, ["SG", "PL"] * 100)
    >>> probe.predict([[2.0, 0.0]])
    array(['SG'], dtype='<U2')
    """

    learning_rate: float = 0.01
    batch_size: int = 32
    epochs: int = 10
    l1: float = 0.001
    l2: float = 0.01
    seed: int = 0

    def fit(self, X: WordsLike, y: Any) -> LinearProbe:
        """Train on words ``X`` [n_words, n_neurons] with labels ``y`` [n_words]."""
        words, codes = self._training_tensors(X, y)
        recipe = Adam(self.learning_rate, self.batch_size, self.epochs, self.l1, self.l2)
        weights = fit_linear(words, codes, len(self.classes_), recipe, self.seed)
        self._keep(weights)
        self.best_coef_, self.best_intercept_ = weights.best_coef.cpu().numpy(), weights.best_intercept.cpu().numpy()
        return self


@dataclass(eq=False, repr=False)
class ConvergedLinearProbe(_Linear):
    """The minimum of the paper's own loss: what :class:`LinearProbe` would be if trained to convergence.

    The loss, mean cross-entropy + ``l1`` times the sum of absolute weights + ``l2`` times their Euclidean norm, is
    convex, so its minimum does not depend on a seed, on batches or on the order of the words. Comparing the two probes
    shows how much of a result is due to the preset.

    Parameters
    ----------
    l1, l2, ridge, tolerance, max_iter:
        See :class:`~pitfalls.probes.optimum.Optimum`; the paper's values are the defaults.

    Attributes
    ----------
    coef_, intercept_ : [n_classes, n_neurons] and [n_classes]
    losses_ : [n_iter_ + 1]
        The loss at the start of each step, and at the minimum.
    n_iter_ : int
        The number of steps.

    Examples
    --------
    >>> X = np.array([[1.0, 0.0], [-1.0, 0.0]] * 100)
    >>> probe = ConvergedLinearProbe().fit(X, ["SG", "PL"] * 100)
    >>> bool(probe.losses_[-1] < probe.losses_[0] / 5), probe.coef_[:, 1].tolist()
    (True, [0.0, 0.0])
    """

    l1: float = 0.001
    l2: float = 0.01
    ridge: float = 0.0
    tolerance: float = 1e-5
    max_iter: int = 2000

    def fit(self, X: WordsLike, y: Any) -> ConvergedLinearProbe:
        """Minimise the loss over words ``X`` [n_words, n_neurons] with labels ``y`` [n_words]."""
        words, codes = self._training_tensors(X, y)
        recipe = Optimum(self.l1, self.l2, self.ridge, self.tolerance, self.max_iter)
        self._keep(fit_linear(words, codes, len(self.classes_), recipe))
        self.n_iter_ = len(self.losses_) - 1
        return self


@dataclass(eq=False, repr=False)
class GaussianProbe(_Probe):
    """One maximum a posteriori Gaussian per class, and Bayes' rule (SOURCES.md, Gaussian [C]).

    See :func:`~pitfalls.probes.gaussian.fit_gaussians` for the formula, and for how it treats constant neurons.

    Parameters
    ----------
    n_neurons : int, optional
        Width of the whole representation, if ``X`` holds only some of its neurons; by default the width of ``X``.
        With it, a probe of some neurons is the marginal of the probe of all neurons, as in the paper.

    Attributes
    ----------
    means_, covariances_ : [n_classes, n_neurons] and [n_classes, n_neurons, n_neurons]
    log_prior_ : [n_classes]
        Nats.

    Examples
    --------
    >>> X = np.array([[1.0], [1.2], [-1.0], [-1.1]])
    >>> GaussianProbe().fit(X, ["SG", "SG", "PL", "PL"]).predict([[0.9]])
    array(['SG'], dtype='<U2')
    """

    n_neurons: int | None = None

    def fit(self, X: WordsLike, y: Any) -> GaussianProbe:
        """Fit to words ``X`` [n_words, n_neurons] with labels ``y`` [n_words]."""
        words, codes = self._training_tensors(X, y)
        check_two_words_each(codes, [str(value) for value in self.classes_])
        gaussians = fit_gaussians(words, codes, len(self.classes_), self.n_neurons)
        self.means_, self.covariances_ = gaussians.means.cpu().numpy(), gaussians.covariances.cpu().numpy()
        self.log_prior_ = gaussians.log_prior.cpu().numpy()
        return self

    def _log_proba(self, X: torch.Tensor) -> torch.Tensor:
        learned = self.log_prior_, self.means_, self.covariances_
        prior, means, covariances = (as_tensor(array, X.device) for array in learned)
        gaussians = Gaussians(prior, means, covariances, noise=covariances.diagonal(dim1=1, dim2=2))
        # The whitened words are copies in double precision; for many words at once, they would fill the memory.
        blocks = X.split(max(1, _HELD // means.numel()))
        joint = torch.cat([gaussian_log_joint(gaussians, words, [X.shape[1]])[:, :, 0] for words in blocks])
        return torch.log_softmax(joint, dim=1)
