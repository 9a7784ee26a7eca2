"""Probing curves: how well a probe reads an attribute from the first k neurons of a ranking, over k.

Any probe meets any ranking: a curve knows only the order of the neurons, never where it came from.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from pitfalls.arrays.ranking import Ranking
from pitfalls.arrays.splits import Activations, Splits
from pitfalls.arrays.ties import first_best
from pitfalls.arrays.words import as_tensor, check_two_words_each, checked_ks, labelled_words, tensors
from pitfalls.columns import CONFIGURATION, Split
from pitfalls.probes.control import control_task
from pitfalls.probes.gaussian import entropy_bits, fit_gaussians, gaussian_log_joint
from pitfalls.probes.linear import Adam, LinearTask, Optimum, train

#: What a row of curves is about; everything else in it was measured.
CURVE_KEYS = (
    *CONFIGURATION,
    "probe",
    "ranking",
    "direction",
    "ranking_seed",
    "task",
    "split",
    "seed",
    "k",
)

Task = Literal["real", "control"]

# Log-probabilities held at a time when scoring: about 64 MB of float64.
_HELD = 2**23


@dataclass(frozen=True)
class CurveJob:
    """One curve to compute: a ranking, the labels to train on, and a seed.

    Attributes
    ----------
    task:
        "real", or "control" for labels of :func:`~.control.control_task` with this ``seed``.
    seed:
        Of the linear probe's first weights and of the control labels.
    """

    ranking: Ranking
    task: Task = "real"
    seed: int = 0


@dataclass(frozen=True)
class _Scored:
    """The words of one split that a job's probes are scored on.

    ``X`` [n_words, n_neurons], ``y`` and ``unseen`` [n_words]: whether the form occurs in train.
    """

    X: torch.Tensor
    y: torch.Tensor
    unseen: torch.Tensor


class _Tally:
    """Counts over the words scored so far, a number a k: right ones, right unseen ones, log-likelihood (nats)."""

    def __init__(self, n_ks: int) -> None:
        self.right, self.right_unseen, self.likelihood = (torch.zeros(n_ks, dtype=torch.float64) for _ in range(3))

    def add(self, places: slice, log_proba: torch.Tensor, y: torch.Tensor, unseen: torch.Tensor) -> None:
        """Take in some words: ``log_proba`` [n_words, n_classes, n_ks] for the ks at ``places``."""
        hits = first_best(log_proba, dim=1) == y[:, None]
        own = log_proba.gather(1, y[:, None, None].expand(-1, 1, log_proba.shape[2]))[:, 0]
        self.right[places] += hits.sum(0).cpu()
        self.right_unseen[places] += hits[unseen].sum(0).cpu()
        self.likelihood[places] += own.double().sum(0).cpu()


# (train X [n, d], a task a job, n_classes, ascending ks, splits of each job [n_jobs][n_splits]) -> tallies alike.
_Scoring = Callable[
    [torch.Tensor, Sequence[LinearTask], int, list[int], Sequence[Sequence[_Scored]]], list[list[_Tally]]
]


def _empty_tallies(splits: Sequence[Sequence[_Scored]], n_ks: int) -> list[list[_Tally]]:
    return [[_Tally(n_ks) for _ in of_job] for of_job in splits]


def _linear(recipe: Adam | Optimum) -> _Scoring:
    """Linear probes of all jobs and ks, trained together by :func:`~.linear.train`."""

    def score(
        X: torch.Tensor,
        tasks: Sequence[LinearTask],
        n_classes: int,
        ks: list[int],
        splits: Sequence[Sequence[_Scored]],
    ) -> list[list[_Tally]]:
        tallies = _empty_tallies(splits, len(ks))
        for block in train(X, tasks, n_classes, ks, recipe):
            first = ks.index(block.widths[0])
            places = slice(first, first + len(block.widths))
            for i, job in enumerate(block.tasks):
                coef, intercept = block.coef[i], block.intercept[i]
                columns = tasks[job].order[: len(coef)].to(X.device)
                for tally, scored in zip(tallies[job], splits[job], strict=True):
                    for rows in _row_blocks(len(scored.X), intercept.numel()):
                        logits = scored.X[rows].index_select(1, columns).to(coef) @ coef.flatten(1)
                        log_proba = torch.log_softmax(logits.unflatten(1, intercept.shape) + intercept, dim=1)
                        tally.add(places, log_proba, scored.y[rows], scored.unseen[rows])
        return tallies

    return score


def _gaussian(
    X: torch.Tensor, tasks: Sequence[LinearTask], n_classes: int, ks: list[int], splits: Sequence[Sequence[_Scored]]
) -> list[list[_Tally]]:
    """Gaussian probes of all ks, for each job all marginals of one fit; nothing is drawn."""
    tallies = _empty_tallies(splits, len(ks))
    width = max(ks)
    for task, of_task, scored_splits in zip(tasks, tallies, splits, strict=True):
        columns = task.order[:width].to(X.device)
        gaussians = fit_gaussians(X.index_select(1, columns), task.y, n_classes, n_neurons=X.shape[1])
        for tally, scored in zip(of_task, scored_splits, strict=True):
            for rows in _row_blocks(len(scored.X), width * n_classes):
                joint = gaussian_log_joint(gaussians, scored.X[rows].index_select(1, columns), ks)
                log_proba = torch.log_softmax(joint, dim=1)
                tally.add(slice(0, len(ks)), log_proba, scored.y[rows], scored.unseen[rows])
    return tallies


def _row_blocks(n_words: int, numbers_per_row: int) -> list[slice]:
    at_once = max(1, _HELD // numbers_per_row)
    return [slice(start, min(start + at_once, n_words)) for start in range(0, n_words, at_once)]


_PROBES: dict[str, _Scoring] = {
    "linear": _linear(Adam()),
    "gaussian": _gaussian,
    "linear_converged": _linear(Optimum()),
}


#: The probes that :func:`probe_curve` knows: the paper's two, and Linear at its optimum.
PROBES = tuple(_PROBES)


def probe_curve(
    probe: str,
    ranking: Ranking,
    data: Splits,
    ks: Iterable[int],
    task: Task = "real",
    seed: int = 0,
    split: Split = "test",
    device: str | torch.device = "cpu",
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
    device:
        Where to compute, such as "cuda".

    Returns
    -------
    A table, see :func:`probe_curves`.

    Raises
    ------
    ValueError
        For an unknown probe, task or split, a bad k, a ranking of another width, and bad data.
    """
    return curves_of([CurveJob(ranking, task, seed)], data, ks, [probe], [split], device)


def probe_curves(
    rankings: Sequence[Ranking],
    data: Splits,
    ks: Iterable[int],
    probes: Sequence[str] = ("linear", "gaussian"),
    tasks: Sequence[Task] = ("real",),
    seeds: Sequence[int] = (0,),
    splits: Sequence[Split] = ("test",),
    device: str | torch.device = "cpu",
) -> pd.DataFrame:
    """Cross every probe with every ranking, task and seed; all linear probes are trained side by side.

    See :func:`probe_curve` for the arguments.

    Returns
    -------
    One row a k: language, attribute, site, layer, probe, ranking, direction, ranking_seed, task, split, seed, k,
    accuracy (0 to 1), accuracy_seen and accuracy_unseen (of the words whose form occurs in train, and of the
    n_unseen whose form does not; NaN where there are none), entropy_bits (of the scored labels), mi_bits (entropy
    minus the mean of -log2 p(label), so it can be negative), nmi (mi_bits / entropy_bits). Both are in bits here;
    the authors divide bits by nats, which makes their NMI 1 / ln 2 = 1.443 times ours (SOURCES.md, Traps).
    """
    jobs = [CurveJob(ranking, task, seed) for ranking in rankings for task in tasks for seed in seeds]
    return curves_of(jobs, data, ks, probes, splits, device)


def curves_of(
    jobs: Sequence[CurveJob],
    data: Splits,
    ks: Iterable[int],
    probes: Sequence[str] = ("linear", "gaussian"),
    splits: Sequence[Split] = ("test",),
    device: str | torch.device = "cpu",
) -> pd.DataFrame:
    """The curves of any jobs on the same words; see :func:`probe_curves` for the table.

    Raises
    ------
    ValueError
        For an unknown probe, task or split, a bad k, a ranking of another width, no job, and bad data.
    """
    for probe in probes:
        _check_name("probe", probe, PROBES)
    for split in splits:
        _check_name("split", split, ("train", "dev", "test"))
    if not jobs or not probes or not splits:
        raise ValueError(f"nothing to do: {len(jobs)} jobs, {len(probes)} probes and {len(splits)} splits were given")
    words = labelled_words(data, "train", device)
    for job in jobs:
        _check_name("task", job.task, ("real", "control"))
        if len(job.ranking) != words.n_neurons:
            raise ValueError(
                f"the ranking orders {len(job.ranking)} neurons and the activations have {words.n_neurons}: "
                "rank these activations, not those of another model"
            )
    if "gaussian" in probes:
        check_two_words_each(words)
    steps = checked_ks(ks, words.n_neurons, least=1)
    setting = _Setting(data, splits, device)
    tasks = [
        LinearTask(as_tensor(job.ranking.order), setting.labels(job.task, job.seed)["train"], job.seed) for job in jobs
    ]
    scored = [[setting.scored(job, split) for split in splits] for job in jobs]
    tables = []
    for probe in probes:
        tallies = _PROBES[probe](words.X, tasks, words.n_classes, steps, scored)
        for job, of_job, scored_splits in zip(jobs, tallies, scored, strict=True):
            for split, tally, on in zip(splits, of_job, scored_splits, strict=True):
                tables.append(_table(data, probe, job, split, steps, tally, on))
    return pd.concat(tables, ignore_index=True)


class _Setting:
    """The splits and labels that jobs share, made once."""

    def __init__(self, data: Splits, splits: Sequence[Split], device: str | torch.device) -> None:
        self.data, self.device = data, device
        known = set(data.train.forms)
        self._X: dict[str, torch.Tensor] = {}
        self._unseen: dict[str, torch.Tensor] = {}
        for split in splits:
            part: Activations = getattr(data, split)
            self._X[split], _ = tensors(part, split, device)
            self._unseen[split] = torch.tensor([form not in known for form in part.forms], device=self._X[split].device)
        self._labels: dict[tuple[str, int], dict[str, torch.Tensor]] = {}

    def labels(self, task: Task, seed: int) -> dict[str, torch.Tensor]:
        """The labels of every split under a task; the real ones are the same for every seed."""
        key = (task, seed if task == "control" else 0)
        if key not in self._labels:
            labelled = self.data if task == "real" else control_task(self.data, seed)
            self._labels[key] = {
                name: as_tensor(getattr(labelled, name).y, self.device) for name in ("train", "dev", "test")
            }
        return self._labels[key]

    def scored(self, job: CurveJob, split: Split) -> _Scored:
        """What a job's probes are scored on."""
        return _Scored(self._X[split], self.labels(job.task, job.seed)[split], self._unseen[split])


def _check_name(what: str, name: str, known: tuple[str, ...]) -> None:
    if name not in known:
        near = difflib.get_close_matches(str(name), known, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"{what} must be one of {', '.join(known)}, not {name!r}{hint}")


def _share(counts: torch.Tensor, total: int) -> NDArray[np.float64]:
    return (counts / total).numpy() if total else np.full(len(counts), np.nan)


def _table(
    data: Splits, probe: str, job: CurveJob, split: Split, ks: list[int], tally: _Tally, scored: _Scored
) -> pd.DataFrame:
    n_words, n_unseen = len(scored.y), int(scored.unseen.sum())
    entropy = entropy_bits(scored.y)
    information = entropy + (tally.likelihood / n_words / math.log(2)).numpy()
    return pd.DataFrame(
        {
            **data.configuration,
            "probe": probe,
            "ranking": job.ranking.name,
            "direction": job.ranking.direction,
            "ranking_seed": job.ranking.seed,
            "task": job.task,
            "split": split,
            "seed": job.seed,
            "k": ks,
            "accuracy": _share(tally.right, n_words),
            "accuracy_seen": _share(tally.right - tally.right_unseen, n_words - n_unseen),
            "accuracy_unseen": _share(tally.right_unseen, n_unseen),
            "n_unseen": n_unseen,
            "entropy_bits": entropy,
            "mi_bits": information,
            "nmi": information / entropy if entropy > 0 else np.nan,
        }
    )


def gaussian_path_curves(
    ranking: Ranking, data: Splits, ks: Iterable[int] | None = None, device: str | torch.device = "cpu"
) -> pd.DataFrame:
    """The Gaussian probe along a greedy Gaussian ranking: accuracy and information on train, dev and test.

    The curves come with the search: every k is a marginal of the one Gaussian that the search used, so nothing is
    fitted again; and on dev ``mi_bits`` is the ranking's own score.

    Parameters
    ----------
    ranking:
        Of the method "gaussian".
    ks:
        By default 1 to the number of neurons that the search chose.

    Raises
    ------
    ValueError
        If the ranking is of another method.
    """
    if ranking.name != "gaussian":
        raise ValueError(f"the path of a greedy Gaussian search is wanted, and this ranking is {ranking.name!r}")
    steps = range(1, ranking.ranked + 1) if ks is None else ks
    return curves_of([CurveJob(ranking)], data, steps, ["gaussian"], ["train", "dev", "test"], device)
