"""Exercises of notebook 05: a Gaussian's marginal, which cells may be compared, whose points, and paired seeds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pitfalls.course.checking import Answer, Exercise, WrongAnswer, expect
from pitfalls.course.questions.received import Mistakes, compare, numbers

Numbers = NDArray[np.float64]
Order = NDArray[np.int64]
Gaussian = tuple[Numbers, Numbers]
Cell = tuple[str, str]
Grid = Any  # a data frame; its stubs know no type for one of its cells

# ---------------------------------------------------------------- 05.1: the Gaussian of the first k neurons


def _first_neurons(mean: Numbers, covariance: Numbers, order: Order, k: int) -> Gaussian:
    first = order[:k]
    return mean[first], covariance[np.ix_(first, first)]


def _first_columns(mean: Numbers, covariance: Numbers, order: Order, k: int) -> Gaussian:
    return mean[:k], covariance[:k, :k]


def _variances_only(mean: Numbers, covariance: Numbers, order: Order, k: int) -> Gaussian:
    return mean[order[:k]], np.diag(covariance[order[:k], order[:k]])


def _cut_from_the_inverse(mean: Numbers, covariance: Numbers, order: Order, k: int) -> Gaussian:
    inverse = np.linalg.inv(covariance)
    return mean[order[:k]], np.linalg.inv(inverse[np.ix_(order[:k], order[:k])])


def _as_gaussian(received: object, k: int) -> Gaussian:
    if not isinstance(received, tuple | list) or len(received) != 2:
        raise WrongAnswer("Return two arrays: the mean and the covariance of the first k neurons.")
    shape = np.shape(received[1])
    expect(
        shape != (k,),
        "Your covariance has one dimension: C[i, i] with two lists of indices takes them in pairs, which gives the "
        "variances alone. np.ix_(i, i) gives all rows with all columns.",
    )
    expect(
        len(shape) != 2 or shape[0] == shape[1],
        f"Your covariance has the shape {shape}: did you choose rows and keep all columns?",
    )
    return numbers(received[0], (k,)), numbers(received[1], (k, k))


_OF_MEANS: Mistakes = {
    "Did you take the columns 0 to k - 1? The ranking gives the first neurons: order[:k].": _first_columns,
}
_OF_COVARIANCES: Mistakes = {
    "Did you drop the covariances between neurons? The Gaussian probe uses how neurons vary together.": _variances_only,
    "Did you cut the inverse of the covariance? That keeps the other neurons fixed (the "
    "conditional); to leave them out, cut the covariance itself (the marginal).": _cut_from_the_inverse,
    "The mean is right, but the covariance is that of the columns 0 to k - 1.": _first_columns,
}


def _part(which: int, function: Answer) -> Answer:
    """The mean (0) or the covariance (1) that a function returns."""
    return lambda mean, covariance, order, k: _as_gaussian(function(mean, covariance, order, k), k)[which]


def _check_first_neurons(answer: Answer) -> None:
    generator = np.random.default_rng(0)
    factor = generator.normal(size=(6, 6))
    mean, covariance, order = generator.normal(size=6), factor @ factor.T, np.array([4, 1, 5, 0, 3, 2])
    cases = [(mean, covariance, order, k) for k in (3, 2)]
    for which, what, mistakes in ((0, "mean", _OF_MEANS), (1, "covariance", _OF_COVARIANCES)):
        compare(
            _part(which, answer),
            _part(which, _first_neurons),
            cases,
            {hint: _part(which, mistake) for hint, mistake in mistakes.items()},
            f"For the order {order.tolist()} and k = {{case[3]}} the {what} is {{wanted}}; yours is {{yours}}.",
        )


# ---------------------------------------------------------------- 05.2: which cells may be compared


def _compared(one: Cell, other: Cell) -> str:
    (probe, ranking), (other_probe, other_ranking) = one, other
    if (probe == other_probe) == (ranking == other_ranking):
        return "nothing"
    return "rankings" if probe == other_probe else "probes"


def _own_by_own(one: Cell, other: Cell) -> str:
    same_probe_study = one[0] == one[1] and other[0] == other[1] and one != other
    return "rankings" if same_probe_study else _compared(one, other)


_PAIRS: list[tuple[Cell, Cell, str]] = [
    (
        ("linear", "probeless"),
        ("linear", "gaussian"),
        "Both have the linear probe, so the difference belongs to the rankings. Did you put it the wrong way round?",
    ),
    (
        ("linear", "probeless"),
        ("gaussian", "probeless"),
        "Both have the Probeless ranking, so the difference belongs to the probes.",
    ),
    (
        ("linear", "probeless"),
        ("gaussian", "random"),
        "Probe and ranking differ, so the difference belongs to neither alone. Did you look only at the rankings?",
    ),
    (
        ("linear", "linear"),
        ("gaussian", "gaussian"),
        "Own by own: each ranking is graded by the probe that made it. Both change at once, so nothing can be said.",
    ),
    (
        ("linear", "gaussian"),
        ("gaussian", "linear"),
        "Probe and ranking both differ here; the names come in the order (probe, ranking).",
    ),
    (("linear", "random"), ("linear", "random"), "A cell beside itself compares nothing."),
]


def _check_compared(answer: Answer) -> None:
    for one, other, hint in _PAIRS:
        received = answer(one, other)
        expect(
            received in ("rankings", "probes", "nothing"),
            f'Return "rankings", "probes" or "nothing"; yours is {received!r}.',
        )
        expect(received == _compared(one, other), f"{one} beside {other}: {hint}")


# ---------------------------------------------------------------- 05.3: whose points


def _whose_points(accuracy: Grid, a: str, b: str) -> tuple[float, float]:
    return accuracy.loc[a, a] - accuracy.loc[b, a], accuracy.loc[b, a] - accuracy.loc[b, b]


def _parts_exchanged(accuracy: Grid, a: str, b: str) -> tuple[float, float]:
    of_ranking, of_probe = _whose_points(accuracy, a, b)
    return of_probe, of_ranking


def _both_from_the_first(accuracy: Grid, a: str, b: str) -> tuple[float, float]:
    return accuracy.loc[a, a] - accuracy.loc[b, a], accuracy.loc[a, a] - accuracy.loc[a, b]


def _without_sign(accuracy: Grid, a: str, b: str) -> tuple[float, float]:
    of_ranking, of_probe = _whose_points(accuracy, a, b)
    return abs(of_ranking), abs(of_probe)


_PARTS: Mistakes = {
    "Did you give the whole difference to the ranking? The cell of b's ranking with a's probe "
    "lies between the two, and a same-probe study never fills it.": lambda accuracy, a, b: (
        accuracy.loc[a, a] - accuracy.loc[b, b],
        0.0,
    ),
    "Rows are rankings and columns are probes: accuracy.loc[ranking, probe]. Did you take them the "
    "other way round?": lambda accuracy, a, b: _whose_points(accuracy.T, a, b),
    "The two parts come in the other order: first the ranking's, then the probe's.": _parts_exchanged,
    "The two parts should sum to the whole difference. Swap the ranking first, then swap the probe in "
    "the cell where you have arrived, not in the first cell again.": _both_from_the_first,
    "Parts have signs: here the ranking of the winner is the worse one. Did you take absolute values?": _without_sign,
}


def _check_whose_points(answer: Answer) -> None:
    names = ["linear", "probeless", "gaussian"]
    accuracy = pd.DataFrame(
        [[0.91, 0.80, 0.86], [0.90, 0.83, 0.79], [0.93, 0.71, 0.84]],
        index=pd.Index(names, name="ranking"),
        columns=pd.Index(names, name="probe"),
    )
    said = "In\n{case[0]}\nthe parts of linear against gaussian are {wanted}; yours are {yours}."
    compare(answer, _whose_points, [(accuracy, "linear", "gaussian")], _PARTS, said)


# ---------------------------------------------------------------- 05.4: a difference over seeds


def _over_seeds(a: Numbers, b: Numbers) -> tuple[float, float, float]:
    return _middle(a - b, 0.1)


def _middle(differences: Numbers, tail: float) -> tuple[float, float, float]:
    low, high = np.quantile(differences, [tail, 1 - tail])
    return float(differences.mean()), float(low), float(high)


def _not_paired(a: Numbers, b: Numbers) -> tuple[float, float, float]:
    return (
        float(a.mean() - b.mean()),
        float(np.quantile(a, 0.1) - np.quantile(b, 0.9)),
        float(np.quantile(a, 0.9) - np.quantile(b, 0.1)),
    )


_INTERVALS: Mistakes = {
    "Did you take an interval for each ranking, and then subtract? The same seed is good or bad luck for "
    "both: subtract seed by seed first.": _not_paired,
    "Did you sort the accuracies before you subtracted? Then seeds no longer pair up.": lambda a, b: _middle(
        np.sort(a) - np.sort(b), 0.1
    ),
    "The middle 80 % leaves a tenth out at each end, not a fifth.": lambda a, b: _middle(a - b, 0.2),
    "This is the whole range. It can only grow with more seeds: take the middle 80 %.": lambda a, b: _middle(
        a - b, 0.0
    ),
    "The sign is the other way round: a minus b.": lambda a, b: _over_seeds(b, a),
}


def _check_over_seeds(answer: Answer) -> None:
    generator = np.random.default_rng(5)
    luck = generator.normal(0, 0.05, size=12)  # of each seed, shared by both rankings
    a = 0.85 + luck + generator.normal(0, 0.006, size=12)
    b = 0.83 + luck + generator.normal(0, 0.006, size=12)
    said = "For the 12 seeds of the check, mean, low and high are {wanted}; yours are {yours}."
    compare(answer, _over_seeds, [(a, b)], _INTERVALS, said)


_COMPARISONS: Mistakes = {
    "look only at the rankings": lambda one, other: "rankings" if one[1] != other[1] else "probes",
    "wrong way round": lambda one, other: {"rankings": "probes", "probes": "rankings"}.get(
        _compared(one, other), "nothing"
    ),
    "Own by own": _own_by_own,
    "compares nothing": lambda one, other: "probes" if one == other else _compared(one, other),
}
_MARGINALS: Mistakes = {
    "columns 0 to k - 1": _first_columns,
    "between neurons": _variances_only,
    "np.ix_": lambda mean, covariance, order, k: (mean[order[:k]], covariance[order[:k], order[:k]]),
    "keep all columns": lambda mean, covariance, order, k: (mean[order[:k]], covariance[order[:k]]),
    "the conditional": _cut_from_the_inverse,
}

EXERCISES = (
    Exercise(
        "05.1",
        "the Gaussian of the first k neurons, without a new fit",
        level=3,
        minutes=15,
        check=_check_first_neurons,
        wrong=_MARGINALS,
    ),
    Exercise("05.2", "which cells may be compared?", level=1, minutes=5, check=_check_compared, wrong=_COMPARISONS),
    Exercise("05.3", "whose seven points?", level=2, minutes=10, check=_check_whose_points, wrong=_PARTS),
    Exercise("05.4", "a difference over seeds", level=2, minutes=10, check=_check_over_seeds, wrong=_INTERVALS),
)
