"""Linear probes at the minimum of a convex loss, by accelerated proximal gradient steps."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace

import torch
from sklearn.exceptions import ConvergenceWarning

from pitfalls.probes.blocks import Block, Side

# float32 can hold the fourth power of a column's spread if the spread lies between 1 / this number and this number.
_SPREAD = 2.0**20

# Logits held at a time: about 64 MB of float32.
_LOGITS_AT_ONCE = 2**24


@dataclass(frozen=True)
class Optimum:
    """The weights that minimise a convex loss: mean cross-entropy plus penalties.

    Attributes
    ----------
    l1, l2 : float
        As in :class:`~pitfalls.probes.adam.Adam`, so that ten epochs of Adam can be compared with the minimum of the
        same loss.
    ridge : float
        Factor of half the sum of squared weights (Ridge, elastic net); not part of the paper's loss.
    tolerance : float
        The search ends when no weight moves further than this, in units of the weights' own scale.
    max_iter : int
        After this many steps the search ends with a warning.
    """

    l1: float = 0.001
    l2: float = 0.01
    ridge: float = 0.0
    tolerance: float = 1e-5
    max_iter: int = 2000

    def train(self, side: Side) -> Block:
        """Minimise the loss of the probes of one block.

        The search multiplies up to four column spreads together. If some are so small or so large that float32 cannot
        hold the product, it runs in double precision.
        """
        X = side.X
        spread = (X.amax(0) / 2 - X.amin(0) / 2).double()
        spread = spread[spread > 0]
        if not len(spread) or (float(spread.min()) > 1 / _SPREAD and float(spread.max()) < _SPREAD):
            return self._minimise(side)
        found = self._minimise(Side(X.double(), side.tasks, side.n_classes, side.widths))
        coef, intercept = found.coef.to(X), found.intercept.to(X)
        return replace(
            found, coef=coef, intercept=intercept, best_coef=coef, best_intercept=intercept, losses=found.losses.to(X)
        )

    def _minimise(self, side: Side) -> Block:
        """FISTA (Beck & Teboulle 2009) with restarts (O'Donoghue & Candes 2015).

        Each column has its own step length, from a bound on its curvature, and columns are centred (the bias makes up
        for that at the end), so neurons may have very different sizes. The proximal operator handles the penalties, so
        weights become exactly zero where the optimum has zeros.
        """
        centre, curvature = _curvature(side, self.ridge)
        # Words last, [n_tasks, n_columns, n_words]: products with few columns of weights run several times as fast.
        words = side.words(slice(None)).transpose(1, 2).contiguous().sub_(centre[:, :, None])
        targets = side.targets.transpose(1, 2).contiguous()
        coef, intercept = side.zeros(side.n_columns), side.zeros()
        ahead, ahead_intercept, momentum = coef.clone(), intercept.clone(), torch.ones_like(coef[:, :1, :1])
        gradients = torch.zeros_like(coef), torch.zeros_like(intercept)
        losses = []
        for _ in range(self.max_iter):
            losses.append(self._loss((words, targets), side.mask, (ahead, ahead_intercept), gradients))
            before, before_intercept = coef, intercept
            coef = _proximal(ahead - gradients[0] / curvature, curvature, self.l1, self.l2)
            # A centred column and the bias do not interact, and the bias' own curvature is at most 1 / 2.
            intercept = ahead_intercept - 2 * gradients[1]
            moved, moved_intercept = coef - before, intercept - before_intercept
            uphill = ((ahead - coef) * moved * curvature).sum((1, 2), keepdim=True) > 0
            faster = torch.where(uphill, 1.0, (1 + (1 + 4 * momentum.square()).sqrt()) / 2)
            push = torch.where(uphill, 0.0, (momentum - 1) / faster)
            ahead, ahead_intercept = coef + push * moved, intercept + push[:, 0] * moved_intercept
            momentum = faster
            scale = curvature.sqrt()
            # Where all weights are zero, the bias may still move.
            moving = float((moved.abs() * scale).max()) if coef.any() else float(moved_intercept.abs().max())
            if moving <= self.tolerance * max(float((coef.abs() * scale).max()), 1e-3):
                break
        else:
            warnings.warn(
                f"the linear probes were not at their optimum after {self.max_iter} steps: raise max_iter or tolerance",
                ConvergenceWarning,
                stacklevel=2,
            )
        losses.append(self._loss((words, targets), side.mask, (coef, intercept), gradients))
        intercept = intercept - (centre[:, :, None, None] * coef).sum(1)
        return Block(side.widths, coef, intercept, coef, intercept, torch.stack(losses))

    def _loss(
        self,
        data: tuple[torch.Tensor, torch.Tensor],
        mask: torch.Tensor,
        weights: tuple[torch.Tensor, torch.Tensor],
        gradients: tuple[torch.Tensor, torch.Tensor],
    ) -> torch.Tensor:
        """The loss over all words, [n_tasks, n_widths]; writes the gradient of its smooth part into ``gradients``.

        ``data`` are the words [n_tasks, n_columns, n_words] and their targets [n_tasks, n_classes, n_words].
        """
        coef, intercept = weights
        n_words = data[0].shape[2]
        at_once = max(1, _LOGITS_AT_ONCE // intercept.numel())
        square = coef.square().sum((1, 2))
        total = self.l1 * coef.abs().sum((1, 2)) + self.l2 * square.sqrt() + 0.5 * self.ridge * square
        torch.mul(coef, self.ridge, out=gradients[0])
        gradients[1].zero_()
        for words, classes in zip(*(part.split(at_once, dim=2) for part in data), strict=True):
            logits = torch.baddbmm(intercept.flatten(1)[:, :, None], coef.flatten(2).transpose(1, 2), words)
            log_proba = torch.log_softmax(logits.unflatten(1, intercept.shape[1:]), dim=1)
            targets = classes[:, :, None].to(coef)
            total -= (log_proba * targets).sum((1, 3)) / n_words
            error = log_proba.exp_().sub_(targets).div_(n_words)
            gradients[0].add_(torch.bmm(words, error.flatten(1, 2).transpose(1, 2)).view_as(coef).mul_(mask))
            gradients[1].add_(error.sum(3))
        return total


def _curvature(side: Side, ridge: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Means of the columns, [n_tasks, n_columns], and a bound on the loss's curvature, [n_tasks, n_columns, 1, 1].

    The Hessian of softmax cross-entropy is at most half the columns' covariance (Boehning 1992), which is at most
    their variances times the largest eigenvalue of their correlations.
    """
    X = side.X
    mean = torch.stack([part.double().sum(0) for part in X.split(2**14)]).sum(0) / len(X)
    covariance = sum((part.double() - mean).T @ (part.double() - mean) for part in X.split(2**14)) / len(X)
    covariance = torch.as_tensor(covariance)
    variance = covariance.diagonal().clone()
    variance[variance == 0] = 1  # constant columns have no gradient: any step will do
    spread = variance.sqrt()
    correlation = covariance / spread / spread[:, None]
    columns = side.columns.view(len(side.tasks), -1)
    largest = torch.stack([torch.linalg.eigvalsh(correlation[some][:, some])[-1] for some in columns])
    # It is 1 or more, unless all columns are constant.
    largest = torch.where(largest > 0.5, largest, 1.0)
    curvature = 0.5 * largest[:, None] * variance[columns] + ridge
    return mean[columns].to(X), curvature.to(X)[:, :, None, None]


def _proximal(point: torch.Tensor, curvature: torch.Tensor, l1: float, l2: float) -> torch.Tensor:
    """The weights w that minimise ``curvature / 2 * (w - point)**2 + l1 * sum |w| + l2 * norm of w``.

    ``point`` is [n_tasks, n_columns, n_classes, n_widths]; the norm is over columns and classes. The optimum is
    w = s r / (h r + l2), with h the curvature, s the soft-thresholded h * point and r the norm of w. Newton's method
    finds r from 1 / sqrt(sum s**2 / (h r + l2)**2) = 1, whose left side is concave and increasing, so it
    never overshoots when it starts from 0.
    """
    pull = curvature * point
    soft = pull.sign() * (pull.abs() - l1).clamp_min_(0)
    if l2 == 0:
        return soft / curvature
    square = soft.square()
    radius = torch.zeros_like(point[:, :1, :1])
    for _ in range(20):
        reach = curvature * radius + l2
        shares = square / reach.square()
        size = shares.sum((1, 2), keepdim=True)
        slope = (shares * curvature / reach).sum((1, 2), keepdim=True)
        # Where size is at most 1 at radius 0, the optimum is zero.
        step = torch.where(size > 0, size * (size.sqrt() - 1) / slope.clamp_min(torch.finfo(point.dtype).tiny), 0.0)
        before, radius = radius, (radius + step).clamp_min_(0)
        if bool((radius - before <= 1e-7 * radius).all()):
            break
    return soft * radius / (curvature * radius + l2)
