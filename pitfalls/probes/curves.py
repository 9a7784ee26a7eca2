"""Probing curves: how well a probe reads an attribute from the first k neurons of a ranking, over k.

Any probe can be run on any ranking: a curve knows only the order of the neurons, never where it came from.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch

from pitfalls.arrays.ranking import Ranking, check_ranking
from pitfalls.arrays.splits import Splits
from pitfalls.arrays.ties import first_best
from pitfalls.arrays.words import as_tensor, check_two_words_each, checked_ks, labelled_words
from pitfalls.columns import SPLITS, Split, configuration_of
from pitfalls.numbers import whole
from pitfalls.probes.adam import Adam
from pitfalls.probes.blocks import LinearTask
from pitfalls.probes.control import control_task
from pitfalls.probes.gaussian import entropy_bits, fit_gaussians, gaussian_log_joint
from pitfalls.probes.linear import train
from pitfalls.probes.optimum import Optimum
from pitfalls.probes.scores import Curve

Task = Literal["real", "control"]

# Log-probabilities held at a time when scoring: about 64 MB of float64.
_HELD = 2**23


@dataclass(frozen=True)
class CurveJob:
    """One curve to compute: a ranking, the labels to train on, and a seed.

    Attributes
    ----------
    task : str
        "real", or "control" for the labels of :func:`~pitfalls.probes.control.control_task` with this ``seed``. The
        ranking stays as given: for one that saw control labels, rank on ``control_task(data, seed)`` first.
    seed : int
        For the linear probe's initial weights and for the control labels.
    """

    ranking: Ranking
    task: Task = "real"
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "seed", whole(self.seed, "a seed"))

    @property
    def labels(self) -> tuple[Task, int]:
        """What the labels depend on; the real ones are the same for every seed."""
        return self.task, self.seed if self.task == "control" else 0


@dataclass(frozen=True)
class _Scored:
    """The words of one split that a job's probes are scored on.

    ``X`` is [n_words, n_neurons], ``y`` [n_words]; ``forms`` [n_words] numbers the words' forms, and ``unseen``
    [n_forms] is true if a form does not occur in train.
    """

    X: torch.Tensor
    y: torch.Tensor
    forms: torch.Tensor
    unseen: torch.Tensor

    def blocks(self, numbers_per_row: int) -> Iterator[_Scored]:
        """The same words, as many at a time as fit in memory."""
        at_once = max(1, _HELD // numbers_per_row)
        for parts in zip(self.X.split(at_once), self.y.split(at_once), self.forms.split(at_once), strict=True):
            yield _Scored(*parts, self.unseen)


class _Tally:
    """Sums over the words scored so far, one per k: words right, by form, and log-likelihood (nats)."""

    def __init__(self, n_forms: int, n_ks: int) -> None:
        self.right = torch.zeros(n_forms, n_ks, dtype=torch.int32)
        self.likelihood = torch.zeros(n_ks, dtype=torch.float64)

    def add(self, places: slice, log_proba: torch.Tensor, words: _Scored) -> None:
        """Count some words: ``log_proba`` [n_words, n_classes, n_ks] for the ks at ``places``."""
        hits = first_best(log_proba, dim=1) == words.y[:, None]
        own = log_proba.gather(1, words.y[:, None, None].expand(-1, 1, log_proba.shape[2]))[:, 0]
        self.right[:, places].index_add_(0, words.forms.cpu(), hits.int().cpu())
        self.likelihood[places] += own.double().sum(0).cpu()


#: Train probes of every job and k on X [n_words, n_neurons], and add each job's words, split by split, to its tallies.
#: The arguments: X, one task per job, n_classes, ascending ks, and [n_jobs][n_splits] words with their tallies.
_Scoring = Callable[
    [torch.Tensor, Sequence[LinearTask], int, list[int], Sequence[Sequence[tuple[_Scored, _Tally]]]], None
]


def _linear(recipe: Adam | Optimum) -> _Scoring:
    """Linear probes of all jobs and ks, trained together by :func:`~pitfalls.probes.linear.train`."""

    def score(
        X: torch.Tensor,
        tasks: Sequence[LinearTask],
        n_classes: int,
        ks: list[int],
        scored: Sequence[Sequence[tuple[_Scored, _Tally]]],
    ) -> None:
        for numbers, block in train(X, tasks, n_classes, ks, recipe):
            first = ks.index(block.widths[0])
            places = slice(first, first + len(block.widths))
            for coef, intercept, job in zip(block.coef, block.intercept, numbers, strict=True):
                columns = tasks[job].order[: len(coef)].to(X.device)
                for split, tally in scored[job]:
                    for words in split.blocks(intercept.numel()):
                        logits = words.X.index_select(1, columns).to(coef) @ coef.flatten(1)
                        log_proba = torch.log_softmax(logits.unflatten(1, intercept.shape) + intercept, dim=1)
                        tally.add(places, log_proba, words)

    return score


def _gaussian(
    X: torch.Tensor,
    tasks: Sequence[LinearTask],
    n_classes: int,
    ks: list[int],
    scored: Sequence[Sequence[tuple[_Scored, _Tally]]],
) -> None:
    """Gaussian probes of all ks: those of one job are marginals of one fit; nothing is drawn."""
    for task, splits in zip(tasks, scored, strict=True):
        columns = task.order[: ks[-1]].to(X.device)
        gaussians = fit_gaussians(X.index_select(1, columns), task.y, n_classes, n_neurons=X.shape[1])
        for split, tally in splits:
            for words in split.blocks(ks[-1] * n_classes):
                joint = gaussian_log_joint(gaussians, words.X.index_select(1, columns), ks)
                tally.add(slice(0, len(ks)), torch.log_softmax(joint, dim=1), words)


_PROBES: dict[str, _Scoring] = {
    "linear": _linear(Adam()),
    "gaussian": _gaussian,
    "linear_converged": _linear(Optimum()),
}


#: The probes that :func:`probe_curve` knows: the paper's two, and Linear at its optimum.
PROBES = tuple(_PROBES)


def probe_curve(
    ranking: Ranking, data: Splits, ks: Iterable[int], probe: str = "linear", task: Task = "real", seed: int = 0
) -> pd.DataFrame:
    """Train a probe on the first k neurons of a ranking for every k, and score it on test.

    Parameters
    ----------
    ranking : Ranking
        Any order of the neurons of ``data``.
    ks : iterable of int
        Whole numbers from 1 to the number of neurons; the paper's are 1..150.
    probe : str
        One of :data:`PROBES`.
    task, seed : str and int
        See :class:`CurveJob`.

    Returns
    -------
    The table of :func:`probe_curves`.

    Raises
    ------
    ValueError
        For an unknown probe or task, a bad k, a ranking of the wrong width, and bad data.
    """
    return curves_of([CurveJob(ranking, task, seed)], data, ks, [probe])


def probe_curves(
    rankings: Sequence[Ranking],
    data: Splits,
    ks: Iterable[int],
    probes: Sequence[str] = ("linear", "gaussian"),
    tasks: Sequence[Task] = ("real",),
    seeds: Sequence[int] = (0,),
) -> pd.DataFrame:
    """Cross every probe with every ranking, task and seed; all linear probes are trained side by side.

    See :func:`probe_curve` for the arguments, and :func:`curves_of` to score on other splits or compute on a GPU.

    Returns
    -------
    One row per curve and k: language, attribute, site, layer, probe, ranking, direction, ranking_seed, task, split,
    seed, k, accuracy (0 to 1), accuracy_se (its standard error when word forms are drawn:
    :func:`~pitfalls.probes.scores.clustered_mean`),
    accuracy_seen and accuracy_unseen (of the words whose form occurs in train, and of the
    n_unseen whose form does not; NaN if there are none), entropy_bits (of the scored labels), mi_bits (entropy
    minus the mean of -log2 p(label), so it can be negative), nmi (mi_bits / entropy_bits). Both are in bits here;
    the authors divide bits by nats, which makes their NMI 1 / ln 2 = 1.443 times ours (SOURCES.md, Traps).
    """
    jobs = [CurveJob(ranking, task, seed) for ranking in rankings for task in tasks for seed in seeds]
    return curves_of(jobs, data, ks, probes)


def curves_of(
    jobs: Sequence[CurveJob],
    data: Splits,
    ks: Iterable[int],
    probes: Sequence[str] = ("linear", "gaussian"),
    splits: Sequence[Split] = ("test",),
    device: str | torch.device = "cpu",
) -> pd.DataFrame:
    """The table of :func:`score`; see :func:`probe_curves`.

    Parameters and errors are those of :func:`score`.
    """
    return pd.concat([curve.table() for curve in score(jobs, data, ks, probes, splits, device)], ignore_index=True)


def score(
    jobs: Sequence[CurveJob],
    data: Splits,
    ks: Iterable[int],
    probes: Sequence[str] = ("linear", "gaussian"),
    splits: Sequence[Split] = ("test",),
    device: str | torch.device = "cpu",
) -> list[Curve]:
    """The curves of any jobs on the same words, one per probe, job and split.

    Parameters
    ----------
    splits : sequence of str
        The words to score on; probes always learn from train.
    device : str or torch.device
        Where to compute, such as "cuda".

    Raises
    ------
    ValueError
        For an unknown probe, task or split, a bad k, a ranking of the wrong width, no jobs, and bad data.
    """
    if isinstance(probes, str):
        raise ValueError(f"probes must be a list, such as [{probes!r}], not {probes!r}")
    for probe in probes:
        _check_name("probe", probe, PROBES)
    for split in splits:
        _check_name("split", split, SPLITS)
    if not jobs or not probes or not splits:
        raise ValueError(f"nothing to do: {len(jobs)} jobs, {len(probes)} probes and {len(splits)} splits were given")
    words = labelled_words(data, "train", device)
    for job in jobs:
        _check_name("task", job.task, ("real", "control"))
        check_ranking(job.ranking, words.n_neurons)
    if "gaussian" in probes:
        check_two_words_each(words.y, words.values)
    steps = checked_ks(ks, words.n_neurons)
    labelled = {
        (task, seed): data if task == "real" else control_task(data, seed)
        for task, seed in dict.fromkeys(job.labels for job in jobs)
    }

    def labels(job: CurveJob, split: str) -> torch.Tensor:
        return as_tensor(getattr(labelled[job.labels], split).y, device)

    X = {split: as_tensor(getattr(data, split).X, device) for split in splits}
    forms = {split: _numbered(getattr(data, split).forms, data.train.forms, device) for split in splits}
    tasks = [LinearTask(as_tensor(job.ranking.order), labels(job, "train"), job.seed) for job in jobs]
    on = [[_Scored(X[split], labels(job, split), *forms[split]) for split in splits] for job in jobs]
    found = []
    for probe in probes:
        scored = [[(words_of, _Tally(len(words_of.unseen), len(steps))) for words_of in of_job] for of_job in on]
        _PROBES[probe](words.X, tasks, words.n_classes, steps, scored)
        for job, of_job in zip(jobs, scored, strict=True):
            for split, (words_of, tally) in zip(splits, of_job, strict=True):
                about = configuration_of(data) | {"probe": probe} | job.ranking.key
                about |= {"task": job.task, "split": split, "seed": job.seed}
                found.append(_curve(about, steps, words_of, tally))
    return found


def _numbered(
    forms: Sequence[str], known: Sequence[str], device: str | torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """The number of each word's form, int64 [n_words], and whether a form is not known, bool [n_forms]."""
    unique, numbers = np.unique(np.asarray(forms), return_inverse=True)
    unseen = ~np.isin(unique, np.asarray(known))
    return as_tensor(numbers.reshape(-1), device), as_tensor(unseen, device)


def _curve(about: dict[str, Any], ks: list[int], words: _Scored, tally: _Tally) -> Curve:
    entropy = entropy_bits(words.y)
    return Curve(
        about,
        ks,
        tally.right.long().numpy(),
        torch.bincount(words.forms, minlength=len(words.unseen)).cpu().numpy(),
        words.unseen.cpu().numpy(),
        entropy + (tally.likelihood / len(words.y) / math.log(2)).numpy(),
        entropy,
    )


def _check_name(what: str, name: str, known: tuple[str, ...]) -> None:
    if name not in known:
        near = difflib.get_close_matches(str(name), known, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"{what} must be one of {', '.join(known)}, not {name!r}{hint}")


def gaussian_path_curves(
    ranking: Ranking, data: Splits, ks: Iterable[int] | None = None, device: str | torch.device = "cpu"
) -> pd.DataFrame:
    """The Gaussian probe along a greedy Gaussian ranking: accuracy and information on train, dev and test.

    Every k is a marginal of the one Gaussian that the search used, so on dev ``mi_bits`` is the ranking's own score.

    Parameters
    ----------
    ranking : Ranking
        Made by the method "gaussian".
    ks : iterable of int, optional
        By default 1 to the number of neurons that the search chose.

    Raises
    ------
    ValueError
        If another method made the ranking.
    """
    if ranking.method != "gaussian":
        raise ValueError(f'only a ranking by "gaussian" has a path, not {ranking.name!r}: use rank("gaussian", data)')
    steps = range(1, ranking.ranked + 1) if ks is None else ks
    return curves_of([CurveJob(ranking)], data, steps, ["gaussian"], SPLITS, device)
