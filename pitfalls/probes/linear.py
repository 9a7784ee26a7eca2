"""Linear probes on many sets of neurons at once, trained as in the paper or to the optimum."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from tqdm import tqdm

from pitfalls.arrays.words import check_magnitude
from pitfalls.probes.adam import Adam
from pitfalls.probes.blocks import Block, LinearTask, LinearWeights, Side
from pitfalls.probes.optimum import Optimum

# Widths trained together: few enough that narrow probes do not pay for columns that only wide ones read.
_WIDTHS_AT_ONCE = 50

# Weights trained together: with Adam's state they stay in the processor's cache.
_WEIGHTS_AT_ONCE = 2**20


def fit_linear(
    X: torch.Tensor, y: torch.Tensor, n_classes: int, recipe: Adam | Optimum | None = None, seed: int = 0
) -> LinearWeights:
    """Train one linear probe on all columns, by default as the paper does.

    Parameters
    ----------
    X, y : float [n_words, n_columns] and int64 [n_words]
    recipe : Adam or Optimum
    seed : int
        For the initial weights of :class:`~pitfalls.probes.adam.Adam`.

    Examples
    --------
    >>> X = torch.tensor([[1.0, 0.0], [-1.0, 0.0]] * 40)
    >>> weights = fit_linear(X, torch.tensor([0, 1] * 40), n_classes=2)
    >>> weights.coef.shape, weights.losses.shape
    (torch.Size([2, 2]), torch.Size([10]))
    """
    task = LinearTask(torch.arange(X.shape[1], device=X.device), y, seed)
    ((_, block),) = train(X, [task], n_classes, [X.shape[1]], recipe or Adam())
    return block.probe(0, X.shape[1])


def train(
    X: torch.Tensor, tasks: Sequence[LinearTask], n_classes: int, widths: Sequence[int], recipe: Adam | Optimum
) -> Iterator[tuple[range, Block]]:
    """Train probes of all ``widths`` for all ``tasks`` on the same words, one block at a time.

    Parameters
    ----------
    X : float32 or float64 [n_words, n_neurons], on any device
    widths : sequence of int
        How many leading columns, in a task's order, each probe reads.

    Yields
    ------
    The numbers of the tasks in the block, and the block.

    Raises
    ------
    ValueError
        If activations are too large or too small (:func:`~pitfalls.arrays.words.check_magnitude`).
    """
    check_magnitude(X)
    blocks = []
    for some in _together(sorted(set(widths)), recipe):
        # While a batch of words is in the cache, it can serve many tasks; with all words at once, that gains nothing.
        fitting = _WEIGHTS_AT_ONCE // (some[-1] * n_classes * len(some)) if isinstance(recipe, Adam) else 1
        at_once = max(1, fitting)
        blocks += [(range(i, min(i + at_once, len(tasks))), some) for i in range(0, len(tasks), at_once)]
    # A single block needs no progress bar.
    for numbers, some in tqdm(blocks, desc="linear probes", unit="block", leave=False) if len(blocks) > 1 else blocks:
        yield numbers, recipe.train(Side(X, [tasks[i] for i in numbers], n_classes, some))


def _together(widths: Sequence[int], recipe: Adam | Optimum) -> list[tuple[int, ...]]:
    """The widths, in ascending order, in groups that are trained together."""
    groups: list[list[int]] = []
    for width in widths:
        # A step of Adam costs little more for wide probes than for narrow ones. At the optimum a step reads all words,
        # and wide probes take more steps: probes of less than half the width are better off alone.
        if groups and len(groups[-1]) < _WIDTHS_AT_ONCE and (isinstance(recipe, Adam) or width <= 2 * groups[-1][0]):
            groups[-1].append(width)
        else:
            groups.append([width])
    return [tuple(group) for group in groups]
