"""Made-up words for the tests of probes and rankings, and the slow, obvious versions that these are compared with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.distributions import MultivariateNormal
from torch.utils.data import DataLoader, TensorDataset

from pitfalls.arrays.splits import Splits
from pitfalls.columns import SPLITS
from pitfalls.probes.adam import Adam
from pitfalls.probes.blocks import LinearTask, LinearWeights
from pitfalls.probes.gaussian import VARIANCE_FLOOR
from pitfalls.probes.linear import train
from pitfalls.probes.optimum import Optimum

# Refitting rounds more than the search does: neurons this close (bits, or a share of them) are equal.
TIE = 1e-9


def splits(
    n: int = 120,
    d: int = 10,
    n_classes: int = 2,
    seed: int = 0,
    dtype: type = np.float32,
    shares: Sequence[float] | None = None,
    n_forms: int | None = None,
) -> Splits:
    """Correlated neurons, the first half shifted by the class; dev and test have half as many words as train.

    ``shares`` are the classes' frequencies (every class has at least two words). There are ``n_forms`` word forms, a
    third of which do not occur in train; by default every word is a form of its own.
    """
    generator = np.random.default_rng(seed)
    mixing = np.eye(d) + 0.3 * generator.normal(size=(d, d))

    def part(size: int, first_form: int) -> tuple[NDArray[np.floating], NDArray[np.int64], list[str]]:
        y = np.arange(size) % n_classes
        if shares is not None:
            y[2 * n_classes :] = generator.choice(n_classes, size=max(0, size - 2 * n_classes), p=shares)
        X = generator.normal(size=(size, d))
        X[:, : d // 2] += y[:, None] * np.linspace(1, 0.2, d // 2)
        span = size if n_forms is None else 2 * n_forms // 3
        forms = [f"form {first_form + i}" for i in generator.integers(span, size=size)]
        return (X @ mixing).astype(dtype), y, forms

    shift = 0 if n_forms is None else n_forms // 3
    made = {"train": part(n, 0), "dev": part(n // 2, shift), "test": part(n // 2, shift)}
    if n_forms is None:
        made = {name: arrays[:2] for name, arrays in made.items()}  # type: ignore[misc]
    return Splits.from_arrays(**made, language="spa", attribute="Gender", site=3)


def words(n: int = 130, d: int = 9, n_classes: int = 3, **options: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """The train words of :func:`splits` in float64 unless ``options`` say otherwise, and their values."""
    part = splits(n, d, n_classes, **{"dtype": np.float64, **options}).train
    return torch.tensor(part.X), torch.tensor(part.y)


def remade(data: Splits, X: object = None, y: object = None) -> Splits:
    """The same words with ``X(X)`` and ``y(labels)`` in place of their own; labels are the values' names."""
    parts = {}
    for name in SPLITS:
        part = getattr(data, name)
        labels = np.array(part.values)[part.y]
        parts[name] = (X(part.X) if X else part.X, y(labels) if y else labels, part.forms)  # type: ignore[operator]
    return Splits.from_arrays(**parts, language=data.language, attribute=data.attribute, site=data.site)


def with_columns(data: Splits, columns: Sequence[int] | NDArray[np.int64], scale: object = 1.0) -> Splits:
    """The same words with other neurons: chosen, repeated, permuted, scaled."""
    factors = np.asarray(scale)
    return remade(data, X=lambda X: (X[:, list(columns)] * factors).astype(X.dtype))


def entropy(y: NDArray[np.int64]) -> float:
    """Entropy in bits."""
    shares = np.bincount(y) / len(y)
    return -sum(share * np.log2(share) for share in shares if share)


def refitting_greedy(
    data: Splits, steps: int, sign: float, only: Sequence[int] | None = None
) -> tuple[list[int], list[float]]:
    """Greedy selection the obvious way: for every candidate, fit MultivariateNormal on all chosen neurons.

    Neurons without variance are treated as documented: those that are constant everywhere say nothing, those that are
    constant in a class keep a share of their variance over all words. ``only`` lists the candidates (default: all).
    """
    X, y = torch.tensor(data.train.X).double(), torch.tensor(data.train.y)
    dev, labels = torch.tensor(data.dev.X).double(), torch.tensor(data.dev.y)
    d, n_classes = X.shape[1], len(data.values)
    means, covariances = [], []
    for c in range(n_classes):
        own = X[y == c]
        deviations = own - own.mean(0)
        prior = own.var(0) / (2 * d + 4 + len(own))
        prior = torch.maximum(prior, VARIANCE_FLOOR * X.var(0, correction=0))
        prior[X.amax(0) == X.amin(0)] = 1
        covariances.append(torch.diag(prior) + deviations.T @ deviations / (2 * d + 4 + len(own)))
        means.append(own.mean(0))
    log_prior = (torch.bincount(y).double() / len(y)).log()
    chosen: list[int] = []
    reached: list[float] = []
    for _ in range(steps):
        scores = {}
        for j in sorted(set(range(d) if only is None else only) - set(chosen)):
            some = [*chosen, j]
            joint = torch.stack(
                [
                    MultivariateNormal(means[c][some], covariances[c][some][:, some]).log_prob(dev[:, some])
                    + log_prior[c]
                    for c in range(n_classes)
                ],
                dim=1,
            )
            own_log_proba = torch.log_softmax(joint, dim=1)[torch.arange(len(labels)), labels]
            scores[j] = entropy(data.dev.y) + float(own_log_proba.mean()) / np.log(2)
        best = max(sign * score for score in scores.values())
        j = min(j for j, score in scores.items() if sign * score >= best - TIE * max(1, abs(best)))
        chosen.append(j)
        reached.append(scores[j])
    return chosen, reached


def plain_training_loop(
    X: torch.Tensor, y: torch.Tensor, n_classes: int, seed: int
) -> tuple[torch.nn.Linear, torch.Tensor, list[float]]:
    """The paper's recipe, written the obvious way; returns the last model, the best epoch's weights and the losses."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = torch.nn.Linear(X.shape[1], n_classes).to(X.dtype)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    losses: list[float] = []
    best = torch.empty(0)
    for _ in range(10):
        total = 0.0
        for words, labels in DataLoader(TensorDataset(X, y), batch_size=32, shuffle=False):
            optimizer.zero_grad()
            weight = model.weight
            loss = torch.nn.functional.cross_entropy(model(words), labels)
            loss = loss + 0.001 * weight.abs().sum() + 0.01 * weight.square().sum().sqrt()
            loss.backward()
            optimizer.step()
            total += loss.item()
        if not losses or total < min(losses):
            best = model.weight.detach().clone()
        losses.append(total)
    return model, best, losses


def side_by_side(
    X: torch.Tensor, tasks: Sequence[LinearTask], n_classes: int, widths: Sequence[int], recipe: Adam | Optimum
) -> dict[tuple[int, int], LinearWeights]:
    """Probes trained together, by the number of their task and their width."""
    return {
        (task, width): block.probe(i, width)
        for numbers, block in train(X, tasks, n_classes, widths, recipe)
        for i, task in enumerate(numbers)
        for width in block.widths
    }


def assert_trained(found: LinearWeights, X: torch.Tensor, y: torch.Tensor, n_classes: int, seed: int) -> None:
    """Whether a probe is the one that the plain loop trains on the columns it reads."""
    model, best, losses = plain_training_loop(X, y, n_classes, seed)
    torch.testing.assert_close(found.coef, model.weight.detach())
    torch.testing.assert_close(found.intercept, model.bias.detach())
    torch.testing.assert_close(found.best_coef, best)
    torch.testing.assert_close(found.losses, torch.tensor(losses, dtype=X.dtype))


def shuffled(n: int, seed: int) -> list[int]:
    """A permutation of 0..n-1."""
    return np.random.default_rng(seed).permutation(n).tolist()


def ascending(numbers: Iterable[float]) -> bool:
    """Whether no number is below the one before it."""
    listed = list(numbers)
    return listed == sorted(listed)
