"""Exercises of notebook 09: many tests at once, a permutation test that respects languages, and what chance shares."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from pitfalls.course.checking import Answer, Exercise
from pitfalls.course.questions.received import Mistakes, compare

Floats = NDArray[np.float64]

# ---------------------------------------------------------------- 09.1: Benjamini and Hochberg


def _scaled(p: Floats) -> Floats:
    """Sorted p-values times n over their rank."""
    return np.sort(p) * len(p) / np.arange(1, len(p) + 1)


def _back(p: Floats, of_sorted: Floats) -> Floats:
    placed = np.empty_like(p)
    placed[np.argsort(p, kind="stable")] = of_sorted
    return placed


def _adjusted(p: Floats) -> Floats:
    return _back(p, np.minimum.accumulate(_scaled(p)[::-1])[::-1])


def _holm(p: Floats) -> Floats:
    steps = np.sort(p) * np.arange(len(p), 0, -1)
    return _back(p, np.minimum(1, np.maximum.accumulate(steps)))


_ADJUSTMENTS: Mistakes = {
    "That is Bonferroni's correction: every p-value times n. Here the rank counts: multiply by n and "
    "divide by the rank.": lambda p: np.minimum(1, p * len(p)),
    "You multiplied by n / rank and stopped. A larger p-value must not end up with a smaller adjusted "
    "one: go from the largest to the smallest and keep the least so far.": lambda p: _back(p, _scaled(p)),
    "The right numbers in another order. Give them back in the order in which the p-values came.": lambda p: np.sort(
        _adjusted(p)
    ),
    "You kept the largest so far, from the smallest p-value on. It is the other way round: keep the "
    "least so far, from the largest on.": lambda p: _back(p, np.maximum.accumulate(_scaled(p))),
    "You kept the least so far, but began at the smallest p-value, so nothing is larger "
    "than the first. Begin at the largest.": lambda p: _back(p, np.minimum.accumulate(_scaled(p))),
    "That is Holm's correction, for the chance of a single false star. Benjamini and Hochberg bound the share "
    "of false stars: multiply by n and divide by the rank.": _holm,
}


def _check_adjusted(answer: Answer) -> None:
    p = np.array([0.03, 0.8, 0.004, 0.035, 0.2, 0.012, 0.3, 0.011])
    said = f"The p-values {p.tolist()} are adjusted to {{wanted}}; yours are {{yours}}."
    compare(answer, _adjusted, [(p,)], _ADJUSTMENTS, said)


# ---------------------------------------------------------------- 09.2: flip whole languages


def _mean(differences: Floats, languages: Sequence[str]) -> float:
    return float(differences.sum() / len(differences))


def _mean_of_means(differences: Floats, languages: Sequence[str]) -> float:
    of_language = np.array(languages)
    return float(np.mean([differences[of_language == one].mean() for one in sorted(set(languages))]))


def _flipped(
    differences: Floats,
    languages: Sequence[str],
    blocks: Sequence[str],
    statistic: Callable[[Floats, Sequence[str]], float] = _mean,
) -> tuple[float, Floats]:
    """The statistic as observed, and under every flip of the blocks' signs."""
    names = sorted(set(blocks))
    member = np.array([names.index(block) for block in blocks])
    flips = [np.array(signs)[member] for signs in product((1, -1), repeat=len(names))]
    return statistic(differences, languages), np.array([statistic(differences * signs, languages) for signs in flips])


def _languages_flipped(differences: Floats, languages: Sequence[str]) -> float:
    observed, found = _flipped(differences, languages, languages)
    return float((np.abs(found) >= abs(observed)).mean())


def _configurations_flipped(differences: Floats, languages: Sequence[str]) -> float:
    observed, found = _flipped(differences, languages, [str(i) for i in range(len(differences))])
    return float((np.abs(found) >= abs(observed)).mean())


def _one_sided(differences: Floats, languages: Sequence[str]) -> float:
    observed, found = _flipped(differences, languages, languages)
    return float((found >= observed).mean())


def _without_ties(differences: Floats, languages: Sequence[str]) -> float:
    observed, found = _flipped(differences, languages, languages)
    return float((np.abs(found) > abs(observed)).mean())


def _languages_weigh_the_same(differences: Floats, languages: Sequence[str]) -> float:
    observed, found = _flipped(differences, languages, languages, _mean_of_means)
    return float((np.abs(found) >= abs(observed)).mean())


_FLIPS: Mistakes = {
    "You flipped every configuration by itself, as if they were independent. All "
    "configurations of a language get the same sign: n languages have 2^n flips.": _configurations_flipped,
    "That is one-sided. Either method might be ahead: compare the means without their signs.": _one_sided,
    "A flip whose mean is exactly as far from 0 counts, too. (The observed mean belongs to such a "
    "flip.)": _without_ties,
    "You took the mean of the languages' means. Here the mean is over all configurations, "
    "so that a language with more of them weighs more.": _languages_weigh_the_same,
}


def _check_languages_flipped(answer: Answer) -> None:
    # In 64ths, so that sums are exact in any order and equal means compare equal. Languages differ in size.
    first = np.array([-8, 5, 8, 15, -3, -7, 11, 8, 5, 13]) / 64
    languages = ["eng", "spa", "tur", "eng", "spa", "rus", "tur", "spa", "spa", "tur"]
    said = "For the differences {case[0]} of the languages {case[1]} p is {wanted}, of 16 flips; yours is {yours}."
    compare(answer, _languages_flipped, [(first, languages), (-first, languages)], _FLIPS, said)


# ---------------------------------------------------------------- 09.3: what chance shares


def _expected(n: int, k: int, m: int) -> float:
    return n * (k / n) ** m


_EXPECTATIONS: Mistakes = {
    "Right for two rankings, but more rankings share fewer neurons: does your answer look at m?": lambda n, k, m: (
        k * k / n
    ),
    "That is the chance that *one* neuron is in all m sets. There are n neurons.": lambda n, k, m: (k / n) ** m,
    "One factor too few: a neuron must be among the first k of each of the m rankings, including the "
    "first.": lambda n, k, m: n * (k / n) ** (m - 1),
    "You added up the pairs. The task is to count those that are in *all* m sets.": lambda n, k, m: (
        m * (m - 1) / 2 * k * k / n
    ),
}


def _check_expected(answer: Answer) -> None:
    cases = [(768, 100, 2), (768, 100, 3), (128, 20, 4), (50, 50, 3)]
    compare(answer, _expected, cases, _EXPECTATIONS, "For (n, k, m) = {case} it is {wanted}; yours is {yours}.")


EXERCISES = (
    Exercise("09.1", "ninety-one tests at once", level=3, minutes=15, check=_check_adjusted, wrong=_ADJUSTMENTS),
    Exercise("09.2", "flip whole languages", level=3, minutes=15, check=_check_languages_flipped, wrong=_FLIPS),
    Exercise("09.3", "what chance shares", level=1, minutes=5, check=_check_expected, wrong=_EXPECTATIONS),
)
