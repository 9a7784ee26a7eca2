"""Linear probes of many kinds of neurons at once: the paper's training, step for step, and the convex optimum.

Probes that share their words share the matrix products: every k of every ranking, real and control labels and
several seeds are trained side by side. They never meet otherwise; each ends where it would have ended alone.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from sklearn.exceptions import ConvergenceWarning
from torch.optim.adam import adam
from tqdm import tqdm

from pitfalls.arrays.words import check_magnitude

# Widths trained together: narrow probes do not pay for the columns that only wide ones read.
_WIDTHS_AT_ONCE = 50

# Weights trained together: with Adam's state they stay in the processor's cache.
_WEIGHTS_AT_ONCE = 2**20

# Numbers picked from the words at a time, for many batches of a few probes or for one of many.
_PICKED_AT_ONCE = 2**17

# Between its inverse and this, float32 holds the fourth power of a column's spread.
_SPREAD = 2.0**20

# Logits held at a time by the full-batch solver: about 64 MB of float32.
_LOGITS_AT_ONCE = 2**24


@dataclass(frozen=True)
class LinearTask:
    """What to train probes for: an order of the columns, a class for each word, and a seed.

    Attributes
    ----------
    order:
        [n_columns] int64; the probe of width k reads the first k columns in this order.
    y:
        [n_words] int64 classes.
    seed:
        Of the first weights, which are those of ``torch.nn.Linear`` under that seed.
    """

    order: torch.Tensor
    y: torch.Tensor
    seed: int = 0


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
        By Adam [n_epochs, n_probes], sum over batches of cross-entropy (nats) and penalties, before each step. At
        the optimum [n_steps + 1, n_probes], the loss where each step began, and at the end.
    """

    coef: torch.Tensor
    intercept: torch.Tensor
    best_coef: torch.Tensor
    best_intercept: torch.Tensor
    losses: torch.Tensor


@dataclass(frozen=True)
class Adam:
    """The paper's training of the linear probe (SOURCES.md, Linear probe [C]); see :func:`train`.

    Attributes
    ----------
    learning_rate, batch_size, epochs:
        The paper's values are the defaults.
    l1, l2:
        Factors of the sum of absolute weights and of their Euclidean norm (not squared).
    """

    learning_rate: float = 0.01
    batch_size: int = 32
    epochs: int = 10
    l1: float = 0.001
    l2: float = 0.01


@dataclass(frozen=True)
class Optimum:
    """The weights at which a convex loss is least: mean cross-entropy and penalties; see :func:`minimise`.

    Attributes
    ----------
    l1, l2:
        As in :class:`Adam`, so that the same loss has its own minimum beside ten epochs of Adam.
    ridge:
        Factor of half the sum of squared weights (Ridge, elastic net); not part of the paper's loss.
    tolerance:
        Largest step of a weight, in units of the weights' own scale, at which the search ends.
    max_iter:
        Steps after which it ends all the same, with a warning.
    """

    l1: float = 0.001
    l2: float = 0.01
    ridge: float = 0.0
    tolerance: float = 1e-5
    max_iter: int = 2000


def descend(
    X: torch.Tensor,
    y: torch.Tensor,
    n_classes: int,
    widths: Sequence[int],
    *,
    seed: int = 0,
    recipe: Adam | Optimum | None = None,
) -> LinearWeights:
    """Train one linear probe on the first ``k`` columns for every ``k`` of ``widths``, all in one go.

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
    order = torch.arange(X.shape[1], device=X.device)
    return whole(widths, train(X, [LinearTask(order, y, seed)], n_classes, widths, recipe or Adam()))[0]


# ------------------------------------------------------------------------------------- side by side


@dataclass(frozen=True)
class Block:
    """Probes trained together: some tasks, and for each of them some widths.

    Attributes
    ----------
    tasks:
        Which of the tasks given.
    widths:
        Ascending; the weights have ``max(widths)`` columns.
    coef, intercept, best_coef, best_intercept:
        [n_tasks, n_columns, n_classes, n_widths] and [n_tasks, n_classes, n_widths]: classes and widths last,
        so that sums over columns or classes run along the memory.
    losses:
        [n_epochs or n_steps + 1, n_tasks, n_widths].
    """

    tasks: range
    widths: tuple[int, ...]
    coef: torch.Tensor
    intercept: torch.Tensor
    best_coef: torch.Tensor
    best_intercept: torch.Tensor
    losses: torch.Tensor


def train(
    X: torch.Tensor, tasks: Sequence[LinearTask], n_classes: int, widths: Sequence[int], recipe: Adam | Optimum
) -> Iterator[Block]:
    """Train probes of all ``widths`` for all ``tasks`` on the same words, a block at a time.

    By :class:`Adam`, the paper's way: batches in the order of the words, no shuffling; a batch's loss is its mean
    cross-entropy plus the penalties on the weights, the bias free of them. By :class:`Optimum`: the minimum.

    Parameters
    ----------
    X:
        [n_words, n_neurons], float32 or float64, on any device.
    widths:
        How many leading columns, in a task's order, each probe reads.

    Raises
    ------
    ValueError
        If activations are too large or too small to be squared, see
        :func:`~pitfalls.arrays.words.check_magnitude`.
    """
    check_magnitude(X)
    ascending = sorted(set(widths))
    blocks = []
    for start in range(0, len(ascending), _WIDTHS_AT_ONCE):
        some = tuple(ascending[start : start + _WIDTHS_AT_ONCE])
        # A batch of words serves many tasks while it is in the cache; all words at once serve one as well as many.
        fitting = _WEIGHTS_AT_ONCE // (some[-1] * n_classes * len(some)) if isinstance(recipe, Adam) else 1
        at_once = max(1, fitting)
        blocks += [(range(i, min(i + at_once, len(tasks))), some) for i in range(0, len(tasks), at_once)]
    # A single block is over too soon to watch.
    for indices, some in tqdm(blocks, desc="linear probes", unit="block", leave=False) if len(blocks) > 1 else blocks:
        chosen = [tasks[i] for i in indices]
        solve = _by_adam if isinstance(recipe, Adam) else _by_minimising
        yield solve(X, _Side(X, chosen, n_classes, some), indices, recipe)  # type: ignore[arg-type]


def whole(widths: Sequence[int], blocks: Iterator[Block]) -> list[LinearWeights]:
    """The weights of each task, for ``widths`` in the order asked for, put together from its blocks."""
    parts: dict[int, list[tuple[Block, int]]] = {}
    for block in blocks:
        for position, task in enumerate(block.tasks):
            parts.setdefault(task, []).append((block, position))
    return [_put_together(widths, parts[task]) for task in sorted(parts)]


def _put_together(widths: Sequence[int], parts: Sequence[tuple[Block, int]]) -> LinearWeights:
    known = [width for block, _ in parts for width in block.widths]
    places = [known.index(width) for width in widths]

    def coefs(name: str) -> torch.Tensor:
        padded = [
            torch.nn.functional.pad(found := getattr(block, name)[i].permute(2, 1, 0), (0, max(known) - found.shape[2]))
            for block, i in parts
        ]
        return torch.cat(padded)[places]

    def rows(name: str) -> torch.Tensor:
        return torch.cat([getattr(block, name)[i].T for block, i in parts])[places]

    losses = torch.cat([block.losses[:, i] for block, i in parts], dim=1)[:, places]
    return LinearWeights(coefs("coef"), rows("intercept"), coefs("best_coef"), rows("best_intercept"), losses)


class _Side:
    """The words as several tasks read them: columns in each task's order, classes as ones and zeros.

    Shapes: ``columns`` [n_tasks * n_columns], ``targets`` [n_tasks, n_words, n_classes], ``mask`` [n_columns, 1,
    n_widths], ones where a probe of that width reads the column.
    """

    def __init__(self, X: torch.Tensor, tasks: Sequence[LinearTask], n_classes: int, widths: tuple[int, ...]) -> None:
        self.X, self.tasks, self.n_classes, self.widths = X, tasks, n_classes, widths
        self.n_columns = widths[-1]
        self.columns = torch.cat([task.order[: self.n_columns] for task in tasks]).to(X.device)
        # One byte a class: the batches are converted when they are read.
        self.targets = torch.stack([torch.nn.functional.one_hot(task.y, n_classes).to(torch.int8) for task in tasks])
        self.targets = self.targets.to(X.device)
        reads = torch.arange(self.n_columns)[:, None] < torch.tensor(widths)[None, :]
        self.mask = reads[:, None, :].to(X)

    def words(self, rows: slice) -> torch.Tensor:
        """[n_tasks, n_rows, n_columns]."""
        picked = self.X[rows].index_select(1, self.columns)
        return picked.unflatten(1, (len(self.tasks), self.n_columns)).transpose(0, 1)

    def zeros(self, *shape: int) -> torch.Tensor:
        """A tensor [n_tasks, *shape, n_classes, n_widths]."""
        return self.X.new_zeros(len(self.tasks), *shape, self.n_classes, len(self.widths))

    def log_proba(self, words: torch.Tensor, coef: torch.Tensor, intercept: torch.Tensor) -> torch.Tensor:
        """Log-probabilities (nats) of ``words``: [n_tasks, n_rows, n_classes, n_widths]."""
        logits = torch.baddbmm(intercept.flatten(1)[:, None, :], words, coef.flatten(2))
        return torch.log_softmax(logits.view(len(self.tasks), -1, self.n_classes, len(self.widths)), dim=2)


def initial_weights(width: int, n_classes: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """What ``torch.nn.Linear(width, n_classes)`` draws after ``torch.manual_seed(seed)``."""
    # A generator of our own leaves torch's global state as it was.
    generator = torch.Generator().manual_seed(seed)
    bound = 1 / math.sqrt(width)
    weight = torch.empty(n_classes, width).uniform_(-bound, bound, generator=generator)
    bias = torch.empty(n_classes).uniform_(-bound, bound, generator=generator)
    return weight, bias


# ---------------------------------------------------------------------------------- the paper's way


def _by_adam(X: torch.Tensor, side: _Side, indices: range, recipe: Adam) -> Block:
    coef, intercept = side.zeros(side.n_columns), side.zeros()
    for i, task in enumerate(side.tasks):
        for j, width in enumerate(side.widths):
            weight, bias = initial_weights(width, side.n_classes, task.seed)
            coef[i, :width, :, j], intercept[i, :, j] = weight.T.to(X), bias.to(X)
    gradients = torch.zeros_like(coef), torch.zeros_like(intercept)
    step = _adam([coef, intercept], list(gradients), recipe.learning_rate)

    best_loss = X.new_full((len(side.tasks), len(side.widths)), torch.inf)
    best_coef, best_intercept, losses = coef.clone(), intercept.clone(), []
    for _ in range(recipe.epochs):
        epoch_loss = torch.zeros_like(best_loss)
        for words, targets in _batches(side, recipe.batch_size):
            epoch_loss += _gradient(side, words, targets, coef, intercept, gradients)
            epoch_loss += _penalise(coef, gradients[0], recipe.l1, recipe.l2)
            step()
        losses.append(epoch_loss)
        better = epoch_loss < best_loss
        best_loss = torch.where(better, epoch_loss, best_loss)
        best_coef = torch.where(better[:, None, None, :], coef, best_coef)
        best_intercept = torch.where(better[:, None, :], intercept, best_intercept)
    return Block(indices, side.widths, coef, intercept, best_coef, best_intercept, torch.stack(losses))


def _adam(parameters: list[torch.Tensor], gradients: list[torch.Tensor], learning_rate: float) -> Callable[[], None]:
    """One step of Adam, with the defaults of ``torch.optim.Adam``."""
    means, squares = ([torch.zeros_like(one) for one in parameters] for _ in range(2))
    counts = [one.new_zeros((), dtype=torch.float32) for one in parameters]
    # The bookkeeping of the class around this function takes longer than the step of a few probes.
    by = partial(adam, lr=learning_rate, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.0, amsgrad=False)
    return partial(by, parameters, gradients, means, squares, [], counts, fused=True, maximize=False)


def _batches(side: _Side, size: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Words [n_tasks, n_rows, n_columns] and targets [n_tasks, n_rows, n_classes] of one batch after another."""
    # For a few probes, picking the columns batch by batch would take longer than training on them.
    at_once = size * max(1, _PICKED_AT_ONCE // (size * len(side.columns)))
    for start in range(0, len(side.X), at_once):
        rows = slice(start, start + at_once)
        words, targets = side.words(rows), side.targets[:, rows].to(side.X)
        yield from zip(words.split(size, dim=1), targets.split(size, dim=1), strict=True)


def _gradient(
    side: _Side,
    words: torch.Tensor,
    targets: torch.Tensor,
    coef: torch.Tensor,
    intercept: torch.Tensor,
    gradients: tuple[torch.Tensor, torch.Tensor],
) -> torch.Tensor:
    """Mean cross-entropy (nats) of a batch, [n_tasks, n_widths]; its gradient is written into ``gradients``."""
    log_proba = side.log_proba(words, coef, intercept)
    n_rows = words.shape[1]
    loss = torch.bmm(targets.flatten(1)[:, None, :], log_proba.flatten(1, 2))[:, 0] / -n_rows
    error = log_proba.exp_().sub_(targets[..., None]).div_(n_rows)
    torch.bmm(words.transpose(1, 2), error.flatten(2), out=gradients[0].flatten(2))
    gradients[0].mul_(side.mask)
    torch.sum(error, dim=1, out=gradients[1])
    return loss


def _penalise(coef: torch.Tensor, gradient: torch.Tensor, l1: float, l2: float) -> torch.Tensor:
    """Penalties on the weights, [n_tasks, n_widths]; their gradient is added to ``gradient``."""
    absolute, norm = coef.abs().sum(1).sum(1), coef.square().sum(1).sum(1).sqrt_()
    gradient.add_(coef.sign(), alpha=l1)
    # The norm has no gradient at zero weights; a subgradient there is zero.
    gradient.addcdiv_(coef, norm.clamp_min(torch.finfo(coef.dtype).tiny)[:, None, None, :], value=l2)
    return l1 * absolute + l2 * norm


# --------------------------------------------------------------------------------------- the optimum


def _by_minimising(X: torch.Tensor, side: _Side, indices: range, recipe: Optimum) -> Block:
    """The optimum, in double precision where neurons are so small or large that float32 does not hold the search.

    It multiplies up to four spreads of columns.
    """
    spread = (X.amax(0) / 2 - X.amin(0) / 2).double()
    spread = spread[spread > 0]
    if not len(spread) or (float(spread.min()) > 1 / _SPREAD and float(spread.max()) < _SPREAD):
        return _minimise(side, indices, recipe)
    found = _minimise(_Side(X.double(), side.tasks, side.n_classes, side.widths), indices, recipe)
    coef, intercept = found.coef.to(X), found.intercept.to(X)
    return Block(indices, side.widths, coef, intercept, coef, intercept, found.losses.to(X))


def _minimise(side: _Side, indices: range, recipe: Optimum) -> Block:
    """Accelerated proximal gradient steps (FISTA, Beck & Teboulle 2009), restarted (O'Donoghue & Candes 2015).

    Each column has its own step length, from a bound on its curvature, and columns are centred (the bias takes
    that up again): so neurons of very different sizes do no harm. The penalties are handled by their proximal
    operator, so weights become exactly zero where the optimum has zeros.
    """
    centre, curvature = _curvature(side, recipe.ridge)
    words = side.words(slice(None)) - centre[:, None, :]
    coef, intercept = side.zeros(side.n_columns), side.zeros()
    ahead, ahead_intercept, momentum = coef.clone(), intercept.clone(), torch.ones_like(coef[:, :1, :1])
    gradients = torch.zeros_like(coef), torch.zeros_like(intercept)
    losses = []
    for _ in range(recipe.max_iter):
        losses.append(_loss(side, words, ahead, ahead_intercept, recipe, gradients))
        before, before_intercept = coef, intercept
        coef = _proximal(ahead - gradients[0] / curvature, curvature, recipe.l1, recipe.l2)
        # A centred column and the bias do not interact, and the bias' own curvature is at most 1 / 2.
        intercept = ahead_intercept - 2 * gradients[1]
        moved, moved_intercept = coef - before, intercept - before_intercept
        uphill = ((ahead - coef) * moved * curvature).sum((1, 2), keepdim=True) > 0
        faster = torch.where(uphill, 1.0, (1 + (1 + 4 * momentum.square()).sqrt()) / 2)
        push = torch.where(uphill, 0.0, (momentum - 1) / faster)
        ahead, ahead_intercept = coef + push * moved, intercept + push[:, 0] * moved_intercept
        momentum = faster
        scale = curvature.sqrt()
        # Where no weight moves, the bias alone still may.
        moving = float((moved.abs() * scale).max()) if coef.any() else float(moved_intercept.abs().max())
        if moving <= recipe.tolerance * max(float((coef.abs() * scale).max()), 1e-3):
            break
    else:
        warnings.warn(
            f"the linear probes were not at their optimum after {recipe.max_iter} steps: raise max_iter or tolerance",
            ConvergenceWarning,
            stacklevel=2,
        )
    losses.append(_loss(side, words, coef, intercept, recipe, gradients))
    intercept = intercept - (centre[:, :, None, None] * coef).sum(1)
    return Block(indices, side.widths, coef, intercept, coef, intercept, torch.stack(losses))


def _curvature(side: _Side, ridge: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Means of the columns, [n_tasks, n_columns], and a bound on the loss's curvature, [n_tasks, n_columns, 1, 1].

    The Hessian of softmax cross-entropy is at most half the columns' covariance (Boehning 1992), and that at
    most their variances times the largest eigenvalue of their correlations.
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


def _loss(
    side: _Side,
    words: torch.Tensor,
    coef: torch.Tensor,
    intercept: torch.Tensor,
    recipe: Optimum,
    gradients: tuple[torch.Tensor, torch.Tensor],
) -> torch.Tensor:
    """The loss over all words, [n_tasks, n_widths]; the gradient of its smooth part goes into ``gradients``."""
    n_words = words.shape[1]
    at_once = max(1, _LOGITS_AT_ONCE // intercept.numel())
    square = coef.square().sum((1, 2))
    total = recipe.l1 * coef.abs().sum((1, 2)) + recipe.l2 * square.sqrt() + 0.5 * recipe.ridge * square
    torch.mul(coef, recipe.ridge, out=gradients[0])
    gradients[1].zero_()
    for start in range(0, n_words, at_once):
        rows = slice(start, min(start + at_once, n_words))
        some, targets = words[:, rows], side.targets[:, rows].to(coef)
        log_proba = side.log_proba(some, coef, intercept)
        total -= torch.bmm(targets.flatten(1)[:, None, :], log_proba.flatten(1, 2))[:, 0] / n_words
        error = log_proba.exp_().sub_(targets[..., None]).div_(n_words)
        gradients[0].add_(torch.bmm(some.transpose(1, 2), error.flatten(2)).view_as(coef).mul_(side.mask))
        gradients[1].add_(error.sum(1))
    return total


def _proximal(point: torch.Tensor, curvature: torch.Tensor, l1: float, l2: float) -> torch.Tensor:
    """The weights w with the least ``curvature / 2 * (w - point)**2 + l1 * sum |w| + l2 * norm of w``.

    ``point`` is [n_tasks, n_columns, n_classes, n_widths]; the norm is over columns and classes. The optimum is
    w = s r / (h r + l2), with s the soft-thresholded h * point and r its norm, found by Newton's method on
    1 / sqrt(sum s**2 / (h r + l2)**2) = 1, which is concave and rises: from 0 it never overshoots.
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
