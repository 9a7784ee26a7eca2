"""Distributed alignment search: learn the directions that carry an attribute by interchanging them.

Geiger et al. 2024 (CLeaR). A few orthonormal directions are trained so that, when a word takes their values from a word
with another value, the model prefers the form with that value. Adam may find directions for whatever it is asked,
so the search is run again on labels that are drawn at random for each word form (Hewitt & Liang 2019; for
interventions, Arora et al. 2024), and only the difference speaks for the attribute.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from pitfalls.columns import SPLITS, Split, configuration_of
from pitfalls.interventions.alignment import AlignedInterchange, SubspaceReplacement
from pitfalls.interventions.cases import Cases
from pitfalls.interventions.intervals import cluster_weights
from pitfalls.interventions.kinds import aims_at
from pitfalls.interventions.margins import Trial, TrialBatch, trial_batches
from pitfalls.interventions.replay import Subject
from pitfalls.interventions.sources import TrainingWords
from pitfalls.models.interface import LanguageModel
from pitfalls.numbers import is_number, whole
from pitfalls.probes.control import control_labels
from pitfalls.site import Site

# The kinds that the two tasks find.
_NAMES = {"real": "aligned", "control": "control"}
_DRAWS, _LEVEL = 1000, 0.95

Values = NDArray[np.float64]


@dataclass(frozen=True)
class SearchRecipe:
    """How directions are trained.

    Attributes
    ----------
    epochs, batch_size, learning_rate:
        Adam's passes over the training cases, the cases for each step, and its rate.
    seed:
        For the first directions and the order of the batches.

    Raises
    ------
    ValueError
        The learning rate is not above 0 and finite, or another number is not a whole number of at least 1 (0 for the
        seed).
    """

    epochs: int = 10
    batch_size: int = 32
    learning_rate: float = 0.02
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size"):
            whole(getattr(self, name), name, 1)
        whole(self.seed, "a seed")
        rate = self.learning_rate
        if not is_number(rate) or not 0 < rate < float("inf"):
            raise ValueError(f"learning_rate must be above 0 and finite, not {rate!r}; 0.02 is the default")


@dataclass(frozen=True, eq=False)
class Search:
    """What a search found.

    Attributes
    ----------
    table:
        One row per number of directions: language, attribute, site, layer, dims, cases (of test), real, control,
        difference (real - control), low and high (of the difference: 95 % over resampled sentences); then real_share,
        real_baseline, control_share and control_baseline: the shares of the test cases in which the model prefers the
        form of the label aimed at, with the intervention and without. A score is what is gained, as a part of what
        could be: (share - baseline) / (1 - baseline), or 0 if that is negative. Without the baseline, the control would
        start at one half.
    real, control:
        The interventions, by their number of directions.
    """

    table: pd.DataFrame
    real: Mapping[int, AlignedInterchange]
    control: Mapping[int, AlignedInterchange]


def search(
    subject: Subject,
    cases: Mapping[Split, Cases],
    dims: int | Iterable[int] = (1, 2, 4, 8),
    recipe: SearchRecipe | None = None,
    control_seed: int = 0,
) -> Search:
    """Learn directions on train, choose the epoch on dev, and judge on test; then the same for random labels.

    The control draws one of the two values at random for each word form. A word is then given the directions of a
    training word with the other label, and the model should prefer the word's form with that label: half of the time
    this is the form that it has. Whoever merely memorises forms can learn that as well.

    Parameters
    ----------
    cases
        Of train, dev and test (:func:`~.cases.split_cases`, :func:`~.cases.item_cases`), for an intervention that sends
        each of two values to the other.
    dims
        A number of directions, or several, each searched anew.
    control_seed
        For the random labels.

    Raises
    ------
    ValueError
        The attribute has more than two values, a split has no case, or a number of directions is not between 1 and the
        number of units.

    Examples
    --------
    >>> import pitfalls as pf
    >>> from pitfalls.interventions.cases import split_cases
    >>> experiment = pf.load_world("planted").experiment("art", "Number", layer=1)
    >>> cases = split_cases(experiment, {"train": 25, "dev": 25, "test": 25})
    >>> found = search(experiment, cases, dims=4, recipe=SearchRecipe(batch_size=10))
    >>> (found.table["real"] > 0.5).item(), (found.table["control"] < 0.5).item(), found.real[4].R.shape
    (True, True, (128, 4))
    """
    wanted = _checked(subject, cases, dims)
    training = TrainingWords.of(subject.data.train, subject.sentences("train"))
    tasks = {"real": (training, cases), "control": _control(subject, training, cases, control_seed)}
    how, rows = recipe or SearchRecipe(), []
    found: dict[str, dict[int, AlignedInterchange]] = {task: {} for task in tasks}
    learners = {task: _Learner.of(subject, *given, how) for task, given in tasks.items()}
    before = {task: learner.hits(learner.nothing()) for task, learner in learners.items()}
    clusters = [trial.sentence for trial in cases["test"].trials]
    for r in wanted:
        hits = {}
        for task, learner in learners.items():
            R = learner.learned(r)
            hits[task] = learner.hits(R)
            found[task][r] = AlignedInterchange(R.numpy(), name=_NAMES[task])
        scores = _scores(before, hits, clusters)
        rows.append({**configuration_of(subject.data), "dims": r, "cases": len(clusters), **scores})
    return Search(pd.DataFrame(rows), found["real"], found["control"])


def _checked(subject: Subject, cases: Mapping[Split, Cases], dims: int | Iterable[int]) -> list[int]:
    """The numbers of directions."""
    values, n_units = subject.data.values, subject.data.n_neurons
    if len(values) != 2:
        raise ValueError(
            f"a search is between two values, and {subject.data.attribute} has {' '.join(values)}: take an attribute "
            "with two"
        )
    lacking = [split for split in SPLITS if split not in cases or not len(cases[split])]
    if lacking:
        raise ValueError(f"no case of {' and '.join(lacking)}: give cases of train, dev and test")
    wanted = [whole(r, "a number of directions", 1) for r in ([dims] if isinstance(dims, int) else dims)]
    if not wanted or max(wanted) > n_units:
        raise ValueError(f"dims are {wanted}, and the site has {n_units} units: give numbers from 1 to {n_units}")
    return wanted


def _control(
    subject: Subject, training: TrainingWords, cases: Mapping[Split, Cases], seed: int
) -> tuple[TrainingWords, dict[Split, Cases]]:
    """The same words with random labels, one for each form."""
    forms = [list(subject.data.train.forms), *(list(cases[split].forms) for split in SPLITS)]
    own, *others = control_labels(forms, 2, seed)
    return replace(training, y=own), {
        split: replace(
            cases[split],
            trials=[
                # The form of the label comes first, whatever the word's own value is.
                trial if trial.value == label else replace(trial, right=trial.wrong, wrong=trial.right, value=label)
                for trial, label in zip(cases[split].trials, labels.tolist(), strict=True)
            ],
        )
        for split, labels in zip(SPLITS, others, strict=True)
    }


@dataclass(frozen=True, eq=False)
class _Learner:
    """One task: where words are drawn from, and batches of cases on which the layers up to the site have run."""

    training: TrainingWords
    batches: Mapping[Split, Sequence[TrialBatch]]
    recipe: SearchRecipe

    @classmethod
    def of(
        cls, subject: Subject, training: TrainingWords, cases: Mapping[Split, Cases], recipe: SearchRecipe
    ) -> _Learner:
        model: LanguageModel = subject.model
        site: Site = subject.data.site
        trials = {split: cases[split].trials for split in SPLITS}
        trials["train"] = _mixed(trials["train"], recipe.seed)
        made = {split: list(trial_batches(model, site, trials[split], recipe.batch_size)) for split in SPLITS}
        return cls(training, made, recipe)

    def nothing(self) -> torch.Tensor:
        """No direction, [n_units, 0]."""
        return torch.zeros(self.training.X.shape[1], 0, dtype=torch.float64)

    def margins(self, batch: TrialBatch, R: torch.Tensor) -> torch.Tensor:
        """The margins of a batch [n] when the directions of ``R`` are interchanged."""
        return batch.margins(SubspaceReplacement(R, self.training, aims_at("ab", None), 0))

    def hits(self, R: torch.Tensor) -> Values:
        """1 for each test case whose form of the label aimed at is preferred, else 0, [n_cases]."""
        with torch.no_grad():
            margins = torch.cat([self.margins(batch, R) for batch in self.batches["test"]])
        return np.asarray((margins < 0).cpu().numpy(), dtype=np.float64)

    def learned(self, r: int) -> torch.Tensor:
        """Orthonormal directions [n_units, r], of the epoch with the lowest loss on dev; the first among equals."""
        generator = torch.Generator().manual_seed(self.recipe.seed)
        drawn = torch.randn(self.training.X.shape[1], r, generator=generator, dtype=torch.float64)
        W = _orthonormal(drawn).requires_grad_()
        optimizer = torch.optim.Adam([W], lr=self.recipe.learning_rate)
        best, lowest = _orthonormal(W).detach(), np.inf
        for _ in range(self.recipe.epochs):
            for i in torch.randperm(len(self.batches["train"]), generator=generator).tolist():
                loss = _loss(self.margins(self.batches["train"][i], _orthonormal(W)))
                # Of W alone: the model's weights may need gradients, too, and are not trained.
                (W.grad,) = torch.autograd.grad(loss, W)
                optimizer.step()
            R = _orthonormal(W).detach()
            with torch.no_grad():
                on_dev = _loss(torch.cat([self.margins(batch, R) for batch in self.batches["dev"]])).item()
            if on_dev < lowest - 1e-9:
                best, lowest = R, on_dev
        return best


def _orthonormal(W: torch.Tensor) -> torch.Tensor:
    """Orthonormal columns that span those of ``W``.

    By QR, which is differentiable, and exact however far W has moved. Its signs, and the basis that it picks, make no
    difference: an interchange depends on R @ R.T alone. (``torch.nn.utils.parametrizations.orthogonal`` would do, too,
    but draws its completion from torch's global state.)
    """
    return torch.linalg.qr(W).Q


def _loss(margins: torch.Tensor) -> torch.Tensor:
    """Mean logistic loss (nats): small where the form of the label aimed at is preferred."""
    return torch.nn.functional.softplus(margins).mean()


def _mixed(trials: Sequence[Trial], seed: int) -> list[Trial]:
    """In a random order, because cases may come value by value; then by length, so that batches need little padding."""
    order = np.random.default_rng(seed).permutation(len(trials)).tolist()
    return sorted((trials[i] for i in order), key=lambda trial: len(trial.right.ids))


def _scores(before: Mapping[str, Values], after: Mapping[str, Values], clusters: Sequence[int]) -> dict[str, float]:
    """Scores of both tasks, their difference, and its interval over resampled sentences."""
    ids, sentence = np.unique(clusters, return_inverse=True)
    weights = np.concatenate([np.ones((1, len(ids))), cluster_weights(len(ids), _DRAWS, 0)])

    def summed(values: Values) -> Values:
        """Over the cases themselves, then over each draw, [1 + draws]."""
        return np.asarray(weights @ np.bincount(sentence, values, len(ids)))

    # A draw in which nothing could be gained gains nothing, and nor does a search that does worse than no intervention:
    # of a control, that would count as evidence for the attribute.
    score = {
        task: (summed(after[task] - before[task]) / summed(1 - before[task]).clip(min=1)).clip(min=0) for task in before
    }
    difference = score["real"] - score["control"]
    low, high = np.quantile(difference[1:], [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    shares = {
        f"{task}_{name}": float(hits[task].mean())
        for task in before
        for name, hits in (("share", after), ("baseline", before))
    }
    found = {"real": score["real"][0], "control": score["control"][0], "difference": difference[0]}
    return {**{name: float(value) for name, value in found.items()}, "low": float(low), "high": float(high), **shares}
