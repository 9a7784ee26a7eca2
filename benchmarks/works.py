"""The jobs that are measured: each with its fast form, its loop, and the least that it needs.

The needs are those of the method, not of our code:

- Gaussian greedy. A step updates the residual of every candidate (per class and word, one float64 read, one written,
  one multiply-add) and scores it (per class and word, two multiply-adds and one exponential or logarithm). The fit
  takes words x neurons squared multiply-adds.
- Gaussian probes. The columns of a ranking are read once. The fit takes words x columns squared multiply-adds, and
  scoring half of that for every class; there is one exponential per word, class and probe.
- Linear curves. Forward and back, there is one multiply-add each per weight and word. Per batch, Adam reads and writes
  each weight, its gradient and two moments (8 float32 numbers). There is one exponential per word, class and probe.
- Probeless. Every number is read once and added once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from scipy.interpolate import PchipInterpolator

from benchmarks.data import Size, read, write
from benchmarks.limits import Need, seconds_of, timed
from benchmarks.oracles import BATCH, GaussianLoop, linear_accuracy, probeless_scores
from pitfalls.arrays.ranking import Ranking
from pitfalls.arrays.splits import Splits
from pitfalls.arrays.words import Words, labelled_words
from pitfalls.probes.control import control_task
from pitfalls.probes.curves import CurveJob, Task, curves_of
from pitfalls.rankings import PAPER_RANKINGS, rank

EPOCHS = 10


@dataclass(frozen=True)
class Against:
    """How a loop fared.

    Attributes
    ----------
    oracle:
        Which loop.
    seconds:
        How long all its work takes.
    how:
        "timed", or how the seconds were extrapolated.
    difference:
        The largest difference between numbers that both computed; ``agreed`` says whether these count as the same.
    """

    oracle: str
    seconds: float
    how: str
    difference: float
    agreed: bool


class Work:
    """One piece of work on one set of data."""

    #: The size in bytes of the largest array that the work goes over again and again, and the type it computes in.
    array_bytes: int
    dtype: torch.dtype
    #: The copy of the input that a careless implementation would make.
    copy_bytes: int

    title: str
    wanted: str

    def fast(self) -> object:
        """Do it with the package."""
        raise NotImplementedError

    def need(self) -> Need:
        """The least that it takes."""
        raise NotImplementedError

    def loops(self, found: object) -> Iterator[Against]:
        """Time the loops, and compare them with what ``fast`` found."""
        raise NotImplementedError


# ------------------------------------------------------------------------------------------ Gaussian


@dataclass
class GaussianGreedy(Work):
    """Greedy search for ``k`` neurons.

    Parameters
    ----------
    ks:
        Sizes of the candidate sets at which the loops are timed, from 1 to ``k``.
    candidates:
        How many candidates are timed at each.
    refit:
        Whether to time the loop that refits from the training words, too.
    """

    data: Splits
    k: int
    ks: Sequence[int]
    candidates: int
    refit: bool
    wanted: str

    dtype = torch.float64

    def __post_init__(self) -> None:
        self.train, self.dev = labelled_words(self.data, "train"), labelled_words(self.data, "dev")
        words, d, classes = len(self.dev.X), self.train.n_neurons, self.train.n_classes
        self.title = f"Gaussian greedy, k = {self.k}, {d} neurons, {words:,} dev words, {classes} classes"
        self.array_bytes = 8 * classes * words * d
        self.copy_bytes = self.train.X.nbytes + self.dev.X.nbytes

    def fast(self) -> Ranking:
        """The ranking."""
        return rank("gaussian", self.data, max_neurons=self.k)

    def need(self) -> Need:
        """See the module."""
        words, d, classes = len(self.dev.X), self.train.n_neurons, self.train.n_classes
        updated = words * sum(d - step for step in range(1, self.k + 1))
        scored = updated + words * d
        return Need(
            bytes=classes * (16 * updated + 8 * words * d) + self.copy_bytes,
            multiply_adds=classes * (updated + 2 * scored) + len(self.train.X) * d**2,
            exponentials=classes * scored,
        )

    def loops(self, found: Ranking) -> Iterator[Against]:
        """The authors' loop, and the one that refits."""
        yield self._loop(found, refit=False)
        if self.refit:
            yield self._loop(found, refit=True)

    def _loop(self, found: Ranking, *, refit: bool) -> Against:
        loop = GaussianLoop(self.train, self.dev, refit=refit)
        order, d = found.order.tolist(), self.train.n_neurons
        per_candidate, difference, agreed = [], 0.0, _whole_loop_agrees(refit)
        for k in self.ks:
            others = np.unique(np.linspace(k, d - 1, self.candidates - 1).astype(int)) if k < d else []
            some = [order[k - 1], *(order[i] for i in others)]
            runs = [timed(loop.information, [*order[: k - 1], j]) for j in some]
            scores, taken = zip(*runs, strict=True)
            per_candidate.append(float(np.median(taken)))
            difference = max(difference, abs(scores[0] - found.scores[some[0]]))
            agreed = agreed and bool(scores[0] >= max(scores) - 1e-9)
        every = np.arange(1, self.k + 1)
        each = PchipInterpolator(self.ks, per_candidate)(every) if len(self.ks) > 1 else per_candidate[0]
        return Against(
            "fits again from the training words for every candidate" if refit else "a new density for every candidate",
            float(((d - every + 1) * each).sum()),
            f"extrapolated from up to {self.candidates} candidates at k = {', '.join(map(str, self.ks))}",
            float(difference),
            bool(agreed and difference < 1e-9),
        )


def _whole_loop_agrees(refit: bool) -> bool:
    """Whether the loop, run to its end on few words, chooses what the package chooses."""
    generator = np.random.default_rng(1)
    y = np.arange(600) % 2
    X = (generator.normal(size=(600, 24)) + y[:, None] * np.linspace(0, 0.6, 24)).astype(np.float32)
    data = Splits.from_arrays(train=(X[:400], y[:400]), dev=(X[400:], y[400:]), test=(X[400:], y[400:]))
    loop = GaussianLoop(labelled_words(data, "train"), labelled_words(data, "dev"), refit=refit)
    return loop.greedy(12) == rank("gaussian", data, max_neurons=12).order[:12].tolist()


@dataclass
class GaussianProbes(Work):
    """Probes at a few k of the paper's seven rankings; the rankings are given."""

    data: Splits
    rankings: Sequence[Ranking]
    ks: Sequence[int]
    wanted: str

    dtype = torch.float64

    def __post_init__(self) -> None:
        train, test = self.data.train, self.data.test
        ks = ", ".join(map(str, self.ks))
        self.title = (
            f"Gaussian probes, k = {ks}, {len(self.rankings)} rankings, {train.n_words:,} training and "
            f"{test.n_words:,} test words, {len(train.values)} classes"
        )
        self.array_bytes = 8 * train.n_words * max(self.ks)
        self.copy_bytes = train.X.nbytes + test.X.nbytes

    def fast(self) -> pd.DataFrame:
        """The table of curves."""
        return curves_of([CurveJob(ranking) for ranking in self.rankings], self.data, self.ks, ["gaussian"])

    def need(self) -> Need:
        """See the module."""
        train, test, width = self.data.train.n_words, self.data.test.n_words, max(self.ks)
        classes, times = len(self.data.values), len(self.rankings)
        return Need(
            bytes=times * 4 * width * (train + test),
            multiply_adds=times * width**2 * (train + classes * test / 2),
            exponentials=times * len(self.ks) * classes * test,
        )

    def loops(self, found: pd.DataFrame) -> Iterator[Against]:
        """The authors' way: one fit of all neurons, then new densities for every probe."""

        def loop() -> list[float]:
            scored = GaussianLoop(labelled_words(self.data, "train"), labelled_words(self.data, "test"), refit=False)
            return [scored.information(ranking.order[:k].tolist()) for ranking in self.rankings for k in self.ks]

        reached = loop()
        difference = float(np.abs(found.mi_bits - reached).max())
        yield Against(
            "one fit, new densities for every probe", seconds_of(loop), "timed", difference, difference < 1e-9
        )


# -------------------------------------------------------------------------------------------- Linear


@dataclass
class LinearCurves(Work):
    """Curves of some rankings, for k = 1..K.

    Parameters
    ----------
    rankings, tasks:
        What the curves are of: each of the rankings with each of the tasks.
    ks:
        The k at which the loop is timed, with the labels of every task.
    """

    data: Splits
    rankings: Sequence[Ranking]
    tasks: Sequence[Task]
    k: int
    ks: Sequence[int]
    wanted: str

    dtype = torch.float32

    def __post_init__(self) -> None:
        self.jobs = [CurveJob(ranking, task) for ranking in self.rankings for task in self.tasks]
        train = self.data.train
        self.title = (
            f"Linear curves, k = 1..{self.k}, {len(self.rankings)} ranking{'s' * (len(self.rankings) > 1)}, "
            f"{' and '.join(self.tasks)}, "
            f"{train.n_words:,} training words, {len(train.values)} classes"
        )
        self.weights = len(train.values) * sum(range(1, self.k + 1)) * len(self.jobs)
        self.array_bytes = 4 * 4 * self.weights
        self.copy_bytes = train.X.nbytes

    def fast(self) -> pd.DataFrame:
        """The table of curves."""
        return curves_of(self.jobs, self.data, range(1, self.k + 1), ["linear"])

    def need(self) -> Need:
        """See the module."""
        train, test = self.data.train.n_words, self.data.test.n_words
        batches = -(-train // BATCH) * EPOCHS
        probes = self.k * len(self.jobs)
        return Need(
            bytes=8 * 4 * self.weights * batches + EPOCHS * self.copy_bytes,
            multiply_adds=self.weights * (2 * train * EPOCHS + test),
            exponentials=len(self.data.values) * probes * (train * EPOCHS + test),
        )

    def loops(self, found: pd.DataFrame) -> Iterator[Against]:
        """One probe after another."""
        labelled = {"real": self.data, "control": control_task(self.data, 0)}
        ranking, taken, differences = self.rankings[0], [], []
        for task in self.tasks:
            train, test = (labelled_words(labelled[task], split) for split in ("train", "test"))
            rows = found[
                (found.ranking == ranking.name) & (found.direction == ranking.direction) & (found.task == task)
            ]
            accuracy = dict(zip(rows.k, rows.accuracy, strict=True))
            for k in self.ks:
                columns = ranking.order[:k].tolist()
                of_train, of_test = (Words(words.X[:, columns], words.y, words.values) for words in (train, test))
                reached, seconds = timed(linear_accuracy, of_train, of_test, seed=0)
                taken.append(seconds)
                differences.append(abs(reached - accuracy[k]))
        yield Against(
            "one probe after another",
            float(np.mean(taken)) * self.k * len(self.jobs),
            f"extrapolated from {len(taken)} whole trainings at k = {', '.join(map(str, self.ks))}",
            float(max(differences)),
            bool(max(differences) < 5e-5),
        )


# ----------------------------------------------------------------------------------------- Probeless


@dataclass
class ProbelessRanking(Work):
    """Probeless on many words."""

    data: Splits
    wanted: str

    dtype = torch.float64

    def __post_init__(self) -> None:
        self.train = labelled_words(self.data, "train")
        n, d = self.train.X.shape
        self.title = f"Probeless, {n:,} words x {d} neurons, {self.train.n_classes} classes"
        self.array_bytes = self.copy_bytes = self.train.X.nbytes

    def fast(self) -> Ranking:
        """The ranking."""
        return rank("probeless", self.data)

    def need(self) -> Need:
        """See the module."""
        return Need(bytes=self.train.X.nbytes, multiply_adds=self.train.X.numel(), exponentials=0)

    def loops(self, found: Ranking) -> Iterator[Against]:
        """NumPy, class by class."""
        X, y = self.data.train.X, self.data.train.y
        scores = probeless_scores(X, y, self.train.n_classes)
        difference = float(np.abs(scores - found.scores).max())
        seconds = seconds_of(lambda: probeless_scores(X, y, self.train.n_classes))
        yield Against("NumPy, class by class", seconds, "timed", difference, difference < 1e-9)


# --------------------------------------------------------------------------------------- the sizes

SIZES = {
    "full": {
        "gaussian": Size(20_000, 10_000, 500, 384, 2),
        "gaussian-all": Size(20_000, 10_000, 500, 768, 4),
        "gaussian-few": Size(20_000, 2_000, 10_000, 768, 2),
        "linear": Size(20_000, 2_000, 10_000, 768, 2),
        "linear-one": Size(20_000, 2_000, 10_000, 768, 2),
        "probeless": Size(200_000, 500, 500, 768, 4),
    },
    "small": {
        "gaussian": Size(200, 100, 50, 12, 2),
        "gaussian-all": Size(200, 100, 50, 8, 4),
        "gaussian-few": Size(320, 100, 100, 16, 2),
        "linear": Size(320, 100, 100, 16, 2),
        "linear-one": Size(320, 100, 100, 16, 2),
        "probeless": Size(2_000, 50, 50, 16, 4),
    },
}

# These take rankings as given.
_OF_RANKINGS = ("gaussian-few", "linear", "linear-one")


def prepare(name: str, scale: str, folder: Path) -> None:
    """Write the data of a work, and the rankings that it takes as given."""
    size = SIZES[scale][name]
    write(size, folder)
    if name in _OF_RANKINGS:
        # The search looks at few dev words: the curves cost the same wherever an order comes from.
        data = read(folder)
        orders = [rank(method, data, direction, max_neurons=150).order for method, direction in PAPER_RANKINGS]
        np.save(folder / "orders.npy", np.stack(orders))


def load(name: str, scale: str, folder: Path) -> Work:
    """A work with its data."""
    data, full = read(folder), scale == "full"
    if name == "gaussian":
        timed = (1, 50, 100, 149) if full else (1, 3, 6)
        return GaussianGreedy(data, 150 if full else 6, timed, 8, True, "200 x the loop that refits")
    if name == "gaussian-all":
        timed = (1, 256, 512, 768) if full else (1, 4, 8)
        return GaussianGreedy(data, data.n_neurons, timed, 3, False, "done, under 120 s and 2,000 MB")
    if name in _OF_RANKINGS:
        orders = np.load(folder / "orders.npy")
        pairs = zip(PAPER_RANKINGS, orders, strict=True)
        rankings = [Ranking(order, None, method, direction) for (method, direction), order in pairs]
        if name == "gaussian-few":
            return GaussianProbes(data, rankings, (10, 50, 150) if full else (1, 5, 10), "faster than the loop")
        timed = (1, 75, 150) if full else (1, 5, 10)
        if name == "linear-one":
            return LinearCurves(data, rankings[:1], ["real"], timed[-1], timed, "100 x the loop per k")
        return LinearCurves(data, rankings, ["real", "control"], timed[-1], timed, "100 x the loop per k")
    return ProbelessRanking(data, "one pass, no copy of X")
