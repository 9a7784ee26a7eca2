"""The obvious loops that the package's fast forms are measured against.

They do what the authors' code does, step by step, on the same tensors and with the same number of threads.
"""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import torch
from torch.distributions import MultivariateNormal
from torch.utils.data import DataLoader, TensorDataset

from pitfalls.arrays.words import Words

BATCH = 32


class GaussianLoop:
    """Score a set of neurons by building a ``MultivariateNormal`` per class and asking it for each dev word's density.

    Parameters
    ----------
    refit:
        Estimate the means and covariances of each set from the training words. The authors' code does not: it
        estimates those of all neurons once, and takes each set's part of them (``refit=False``).
    """

    def __init__(self, train: Words, dev: Words, *, refit: bool) -> None:
        self.train, self.dev, self.refit = train, dev, refit
        self.log_prior = (torch.bincount(train.y).double() / len(train.y)).log()
        shares = torch.bincount(dev.y).double() / len(dev.y)
        self.entropy = float(-(shares * shares.log()).sum() / math.log(2))
        self.fitted = None if refit else self._fit(list(range(train.n_neurons)))

    def _fit(self, some: list[int]) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Mean and maximum a posteriori covariance of each class (SOURCES.md, Gaussian probe)."""
        found = []
        for c in range(self.train.n_classes):
            own = self.train.X[self.train.y == c][:, some].double()
            deviations = own - own.mean(0)
            scatter = torch.diag(own.var(0)) + deviations.T @ deviations
            found.append((own.mean(0), scatter / (2 * self.train.n_neurons + 4 + len(own))))
        return found

    def information(self, some: list[int]) -> float:
        """Mutual information (bits, on dev) of the neurons ``some``."""
        if self.fitted is None:
            parts = self._fit(some)
        else:
            parts = [(mean[some], covariance[some][:, some]) for mean, covariance in self.fitted]
        words = self.dev.X[:, some]
        densities = [MultivariateNormal(mean, covariance).log_prob(words) for mean, covariance in parts]
        log_proba = torch.log_softmax(torch.stack(densities, dim=1) + self.log_prior, dim=1)
        own = log_proba[torch.arange(len(words)), self.dev.y]
        return self.entropy + float(own.mean()) / math.log(2)

    def greedy(self, steps: int) -> list[int]:
        """The whole greedy search."""
        chosen: list[int] = []
        for _ in range(steps):
            left = [j for j in range(self.train.n_neurons) if j not in chosen]
            chosen.append(max(left, key=lambda j: self.information([*chosen, j])))
        return chosen


def linear_accuracy(train: Words, test: Words, seed: int) -> float:
    """Train one linear probe the paper's way (SOURCES.md, Linear probe) and return its accuracy on ``test``."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = torch.nn.Linear(train.n_neurons, train.n_classes)
    adam = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(10):
        for words, labels in DataLoader(TensorDataset(train.X, train.y), batch_size=BATCH, shuffle=False):
            adam.zero_grad()
            loss = torch.nn.functional.cross_entropy(model(words), labels)
            loss = loss + 0.001 * model.weight.abs().sum() + 0.01 * model.weight.square().sum().sqrt()
            loss.backward()
            adam.step()
    right = 0
    with torch.no_grad():
        for words, labels in DataLoader(TensorDataset(test.X, test.y), batch_size=BATCH):
            right += int((model(words).argmax(1) == labels).sum())
    return right / len(test.y)


def probeless_scores(X: np.ndarray, y: np.ndarray, n_classes: int) -> np.ndarray:
    """Sum over pairs of classes of the absolute difference of their mean vectors, [n_neurons]."""
    means = [X[y == c].mean(0, dtype=np.float64) for c in range(n_classes)]
    return sum(abs(a - b) for a, b in combinations(means, 2))
