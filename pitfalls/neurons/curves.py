"""Probing curves: how well a probe reads an attribute from the first k neurons of a ranking, over k.

Any probe meets any ranking: a curve knows only the order of the neurons, never where it came from.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
import torch

from pitfalls.neurons.control import control_task
from pitfalls.neurons.probes import (
    descend,
    entropy_bits,
    fit_gaussians,
    gaussian_log_joint,
    linear_log_proba,
    tensors,
    training_tensors,
)
from pitfalls.neurons.rankings import Ranking

if TYPE_CHECKING:
    from pitfalls.model.activations import Splits

Task = Literal["real", "control"]
Split = Literal["train", "dev", "test"]

# Log-probabilities held at a time when scoring: about 64 MB of float64.
_HELD = 2**23

# (train X [n, d] in the ranking's order, train y, n_classes, X to score, ks, seed)
# -> blocks of log-probabilities (nats) [n_words, n_ks, n_classes], in the order of the words.
_LogProbabilities = Callable[[torch.Tensor, torch.Tensor, int, torch.Tensor, list[int], int], Iterator[torch.Tensor]]


def _row_blocks(X: torch.Tensor, numbers_per_row: int) -> Iterator[torch.Tensor]:
    yield from X.split(max(1, _HELD // numbers_per_row))


def linear_log_probabilities(
    X: torch.Tensor, y: torch.Tensor, n_classes: int, words: torch.Tensor, ks: list[int], seed: int
) -> Iterator[torch.Tensor]:
    """Linear probes of the first k columns for every k, trained together by :func:`~.probes.descend`."""
    weights = descend(X, y, n_classes, ks, seed=seed)
    for block in _row_blocks(words[:, : max(ks)], len(ks) * n_classes):
        yield linear_log_proba(block, weights.coef, weights.intercept)


def gaussian_log_probabilities(
    X: torch.Tensor, y: torch.Tensor, n_classes: int, words: torch.Tensor, ks: list[int], seed: int
) -> Iterator[torch.Tensor]:
    """Gaussian probes of the first k columns for every k, all marginals of one fit; nothing is drawn."""
    width = max(ks)
    gaussians = fit_gaussians(X[:, :width], y, n_classes, n_neurons=X.shape[1])
    chosen = torch.tensor(ks) - 1
    for block in _row_blocks(words[:, :width], width * n_classes):
        yield torch.log_softmax(gaussian_log_joint(gaussians, block)[:, chosen], dim=2)


_PROBES: dict[str, _LogProbabilities] = {
    "linear": linear_log_probabilities,
    "gaussian": gaussian_log_probabilities,
}


def probes() -> tuple[str, ...]:
    """The names of the probes that :func:`probe_curve` knows.

    Examples
    --------
    >>> probes()
    ('gaussian', 'linear')
    """
    return tuple(sorted(_PROBES))


def checked_ks(ks: Iterable[int], n_neurons: int, *, least: int) -> list[int]:
    """The numbers of neurons asked for, ascending and each once.

    Raises
    ------
    ValueError
        If there are none, one is not whole, or one is outside ``least``..``n_neurons``.
    """
    asked = list(ks)
    wrong = [k for k in asked if int(k) != k or not least <= k <= n_neurons]
    if wrong or not asked:
        raise ValueError(
            f"every k must be a whole number from {least} to the number of neurons, {n_neurons}; "
            + (f"these are not: {wrong[:5]}" if wrong else "none was given")
        )
    return sorted({int(k) for k in asked})


def probe_curve(
    probe: str,
    ranking: Ranking,
    data: Splits,
    ks: Iterable[int],
    task: Task = "real",
    seed: int = 0,
    split: Split = "test",
) -> pd.DataFrame:
    """Train ``probe`` on the first k neurons of ``ranking`` for every k, and score it.

    Parameters
    ----------
    probe:
        One of :func:`probes`.
    ranking:
        Any order of the neurons of ``data``.
    ks:
        Whole numbers from 1 to the number of neurons; the paper's are 1..150.
    task:
        "real", or "control" to replace the labels by :func:`~.control.control_task` with this ``seed``. The
        ranking stays as given: rank on ``control_task(data, seed)`` first for one that saw control labels.
    seed:
        Of the linear probe's first weights and of the control labels.
    split:
        The words to score on; training is always on ``train``.

    Returns
    -------
    One row a k: language, attribute, layer, probe, ranking, direction, ranking_seed, task, split, seed, k,
    accuracy (0 to 1), entropy_bits (of the scored labels), mi_bits (entropy minus the mean of
    -log2 p(label), so it can be negative), nmi (mi_bits / entropy_bits). Both are in bits here; the authors
    divide bits by nats, which makes their NMI 1 / ln 2 = 1.443 times ours (SOURCES.md, Traps).

    Raises
    ------
    ValueError
        For an unknown probe, task or split, a bad k, a ranking of another width, and bad data.
    """
    if probe not in _PROBES:
        near = difflib.get_close_matches(probe, _PROBES, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"no probe {probe!r}: there are {', '.join(probes())}{hint}")
    if task not in ("real", "control"):
        raise ValueError(f'task must be "real" or "control", not {task!r}')
    if split not in ("train", "dev", "test"):
        raise ValueError(f'split must be "train", "dev" or "test", not {split!r}')
    labelled = data if task == "real" else control_task(data, seed)
    X, y, n_classes = training_tensors(labelled)
    scored = getattr(labelled, split)
    words, labels = tensors(scored, split)
    if len(ranking) != X.shape[1]:
        raise ValueError(
            f"the ranking orders {len(ranking)} neurons and the activations have {X.shape[1]}: "
            "rank these activations, not those of another model"
        )
    steps = checked_ks(ks, X.shape[1], least=1)
    order = torch.as_tensor(ranking.order)
    blocks = _PROBES[probe](X[:, order], y, n_classes, words[:, order], steps, seed)
    accuracy, log_likelihood = _scores(blocks, labels, len(steps))
    entropy = entropy_bits(labels)
    information = entropy + log_likelihood / math.log(2)
    return pd.DataFrame(
        {
            "language": scored.language,
            "attribute": scored.attribute,
            "layer": scored.layer,
            "probe": probe,
            "ranking": ranking.name,
            "direction": ranking.direction,
            "ranking_seed": ranking.seed,
            "task": task,
            "split": split,
            "seed": seed,
            "k": steps,
            "accuracy": accuracy,
            "entropy_bits": entropy,
            "mi_bits": information,
            "nmi": information / entropy if entropy > 0 else np.nan,
        }
    )


def _scores(
    blocks: Iterator[torch.Tensor], labels: torch.Tensor, n_ks: int
) -> tuple[np.ndarray[tuple[int], np.dtype[np.float64]], np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """Accuracy and mean log-likelihood (nats) of the labels, each [n_ks]."""
    right, likelihood = torch.zeros(n_ks, dtype=torch.float64), torch.zeros(n_ks, dtype=torch.float64)
    start = 0
    for block in blocks:
        own = labels[start : start + len(block)]
        start += len(block)
        right += (block.argmax(dim=2) == own[:, None]).sum(dim=0)
        likelihood += block.gather(2, own[:, None, None].expand(-1, n_ks, 1)).double().sum(dim=(0, 2))
    return (right / len(labels)).numpy(), (likelihood / len(labels)).numpy()
