"""Linear probes trained step for step as in the paper: ten epochs of Adam."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import torch
from torch.optim.adam import adam

from pitfalls.numbers import whole
from pitfalls.probes.blocks import Block, Side

# How many activations are picked at a time: many batches for a few probes, or one batch for many.
_PICKED_AT_ONCE = 2**17


@dataclass(frozen=True)
class Adam:
    """The paper's training of the linear probe (SOURCES.md, Linear probe [C]).

    Batches come in the order of the words, unshuffled; a batch's loss is its mean cross-entropy plus the penalties on
    the weights; the bias is not penalised.

    Attributes
    ----------
    learning_rate, batch_size, epochs:
        The paper's values are the defaults.
    l1, l2 : float
        Factors of the sum of absolute weights and of their Euclidean norm (not squared).
    """

    learning_rate: float = 0.01
    batch_size: int = 32
    epochs: int = 10
    l1: float = 0.001
    l2: float = 0.01

    def train(self, side: Side) -> Block:
        """Train the probes of one block."""
        coef, intercept = side.zeros(side.n_columns), side.zeros()
        for i, task in enumerate(side.tasks):
            for j, width in enumerate(side.widths):
                weight, bias = initial_weights(width, side.n_classes, task.seed)
                coef[i, :width, :, j], intercept[i, :, j] = weight.T.to(side.X), bias.to(side.X)
        gradients = torch.zeros_like(coef), torch.zeros_like(intercept)
        step = _step([coef, intercept], list(gradients), self.learning_rate)

        best_loss = side.X.new_full((len(side.tasks), len(side.widths)), torch.inf)
        best_coef, best_intercept, losses = coef.clone(), intercept.clone(), []
        for _ in range(self.epochs):
            epoch_loss = torch.zeros_like(best_loss)
            for words, targets in _batches(side, self.batch_size):
                epoch_loss += _gradient(side, words, targets, (coef, intercept), gradients)
                epoch_loss += self._penalise(coef, gradients[0])
                step()
            losses.append(epoch_loss)
            better = epoch_loss < best_loss
            best_loss = torch.where(better, epoch_loss, best_loss)
            best_coef = torch.where(better[:, None, None, :], coef, best_coef)
            best_intercept = torch.where(better[:, None, :], intercept, best_intercept)
        return Block(side.widths, coef, intercept, best_coef, best_intercept, torch.stack(losses))

    def _penalise(self, coef: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
        """Penalties on the weights, [n_tasks, n_widths]; adds their gradient to ``gradient``."""
        absolute, norm = coef.abs().sum(1).sum(1), coef.square().sum(1).sum(1).sqrt_()
        gradient.add_(coef.sign(), alpha=self.l1)
        # The norm has no gradient at zero weights; zero is one of its subgradients there.
        gradient.addcdiv_(coef, norm.clamp_min(torch.finfo(coef.dtype).tiny)[:, None, None, :], value=self.l2)
        return self.l1 * absolute + self.l2 * norm


def initial_weights(width: int, n_classes: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """What ``torch.nn.Linear(width, n_classes)`` draws after ``torch.manual_seed(seed)``."""
    # A separate generator leaves torch's global state as it was.
    generator = torch.Generator().manual_seed(whole(seed, "a seed"))
    bound = 1 / math.sqrt(width)
    weight = torch.empty(n_classes, width).uniform_(-bound, bound, generator=generator)
    bias = torch.empty(n_classes).uniform_(-bound, bound, generator=generator)
    return weight, bias


def _step(parameters: list[torch.Tensor], gradients: list[torch.Tensor], learning_rate: float) -> Callable[[], None]:
    """A function that takes one step of Adam, with the defaults of ``torch.optim.Adam``."""
    means, squares = ([torch.zeros_like(one) for one in parameters] for _ in range(2))
    counts = [one.new_zeros((), dtype=torch.float32) for one in parameters]
    # torch.optim.Adam's bookkeeping around this function takes longer than the step of a few probes.
    by = partial(adam, lr=learning_rate, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.0, amsgrad=False)
    return partial(by, parameters, gradients, means, squares, [], counts, fused=True, maximize=False)


def _batches(side: Side, size: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Words [n_tasks, n_rows, n_columns] and targets [n_tasks, n_rows, n_classes] of one batch after another."""
    # For a few probes, picking the columns batch by batch would take longer than training on them.
    at_once = size * max(1, _PICKED_AT_ONCE // (size * len(side.columns)))
    for start in range(0, len(side.X), at_once):
        rows = slice(start, start + at_once)
        words, targets = side.words(rows), side.targets[:, rows].to(side.X)
        yield from zip(words.split(size, dim=1), targets.split(size, dim=1), strict=True)


def _gradient(
    side: Side,
    words: torch.Tensor,
    targets: torch.Tensor,
    weights: tuple[torch.Tensor, torch.Tensor],
    gradients: tuple[torch.Tensor, torch.Tensor],
) -> torch.Tensor:
    """Mean cross-entropy (nats) of a batch, [n_tasks, n_widths]; writes its gradient into ``gradients``."""
    log_proba = side.log_proba(words, *weights)
    n_rows = words.shape[1]
    loss = torch.bmm(targets.flatten(1)[:, None, :], log_proba.flatten(1, 2))[:, 0] / -n_rows
    error = log_proba.exp_().sub_(targets[..., None]).div_(n_rows)
    torch.bmm(words.transpose(1, 2), error.flatten(2), out=gradients[0].flatten(2))
    gradients[0].mul_(side.mask)
    torch.sum(error, dim=1, out=gradients[1])
    return loss
