"""Linear probes that are trained side by side: what they read, and the weights they end with.

Probes that share their words share the matrix products: every k of every ranking, real and control labels and several
seeds. They share nothing else, so each ends where it would have ended alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class LinearTask:
    """What to train probes for.

    Attributes
    ----------
    order : int64 [n_columns]
        The probe of width k reads the first k columns in this order.
    y : int64 [n_words]
        The words' classes.
    seed : int
        For the initial weights, which are those of ``torch.nn.Linear`` under that seed.
    """

    order: torch.Tensor
    y: torch.Tensor
    seed: int = 0


@dataclass(frozen=True)
class LinearWeights:
    """One linear probe.

    Attributes
    ----------
    coef, intercept : float [n_classes, n_columns] and [n_classes]
        At the end of training.
    best_coef, best_intercept : float
        After Adam's epoch with the lowest training loss (the first if several tie); at the optimum, the final weights.
    losses : float [n_epochs] or [n_steps + 1]
        For Adam, each epoch's sum over batches of cross-entropy (nats) and penalties, before each step. For the
        optimum, the loss at the start of each step, and at the end.
    """

    coef: torch.Tensor
    intercept: torch.Tensor
    best_coef: torch.Tensor
    best_intercept: torch.Tensor
    losses: torch.Tensor


@dataclass(frozen=True)
class Block:
    """Probes trained side by side: some tasks, and for each of them the same widths.

    Attributes
    ----------
    widths : tuple of int
        Ascending; the weights have ``max(widths)`` columns, of which a probe of width k reads the first k.
    coef, best_coef : float [n_tasks, n_columns, n_classes, n_widths]
        As in :class:`LinearWeights`; weights of columns that a probe does not read are 0. Classes and widths come last,
        so that sums over columns or classes run along the memory.
    intercept, best_intercept : float [n_tasks, n_classes, n_widths]
    losses : float [n_epochs or n_steps + 1, n_tasks, n_widths]
    """

    widths: tuple[int, ...]
    coef: torch.Tensor
    intercept: torch.Tensor
    best_coef: torch.Tensor
    best_intercept: torch.Tensor
    losses: torch.Tensor

    def probe(self, task: int, width: int) -> LinearWeights:
        """The probe of this width for the block's task number ``task``."""
        j = self.widths.index(width)
        coef, best_coef = (array[task, :width, :, j].T.contiguous() for array in (self.coef, self.best_coef))
        intercept, best_intercept = (array[task, :, j] for array in (self.intercept, self.best_intercept))
        return LinearWeights(coef, intercept, best_coef, best_intercept, self.losses[:, task, j])


class Side:
    """The words as several tasks read them: columns in each task's order, classes as ones and zeros.

    Shapes: ``columns`` [n_tasks * n_columns], ``targets`` [n_tasks, n_words, n_classes], ``mask`` [n_columns, 1,
    n_widths], ones where a probe of that width reads the column.
    """

    def __init__(self, X: torch.Tensor, tasks: Sequence[LinearTask], n_classes: int, widths: tuple[int, ...]) -> None:
        self.X, self.tasks, self.n_classes, self.widths = X, tasks, n_classes, widths
        self.n_columns = widths[-1]
        self.columns = torch.cat([task.order[: self.n_columns] for task in tasks]).to(X.device)
        # One byte per class: the batches are converted when they are read.
        self.targets = torch.stack([torch.nn.functional.one_hot(task.y, n_classes).to(torch.int8) for task in tasks])
        self.targets = self.targets.to(X.device)
        reads = torch.arange(self.n_columns)[:, None] < torch.tensor(widths)[None, :]
        self.mask = reads[:, None, :].to(X)

    def words(self, rows: slice) -> torch.Tensor:
        """The words in these rows, [n_tasks, n_rows, n_columns]."""
        picked = self.X[rows].index_select(1, self.columns)
        return picked.unflatten(1, (len(self.tasks), self.n_columns)).transpose(0, 1)

    def zeros(self, *shape: int) -> torch.Tensor:
        """A tensor [n_tasks, *shape, n_classes, n_widths]."""
        return self.X.new_zeros(len(self.tasks), *shape, self.n_classes, len(self.widths))

    def log_proba(self, words: torch.Tensor, coef: torch.Tensor, intercept: torch.Tensor) -> torch.Tensor:
        """Log-probabilities (nats) of ``words``: [n_tasks, n_rows, n_classes, n_widths]."""
        logits = torch.baddbmm(intercept.flatten(1)[:, None, :], words, coef.flatten(2))
        return torch.log_softmax(logits.view(len(self.tasks), -1, self.n_classes, len(self.widths)), dim=2)
