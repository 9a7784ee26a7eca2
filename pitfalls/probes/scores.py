"""What a probe's curve says: accuracies with their standard errors, and how far one ranking is ahead of another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from pitfalls.columns import CONFIGURATION


@dataclass(frozen=True, eq=False)
class Curve:
    """A probe's curve along a ranking: how many words of each form it reads at every k.

    Attributes
    ----------
    about:
        What tells it from other curves, by column (:data:`~pitfalls.columns.CURVE` without k).
    ks:
        Ascending.
    right, words:
        Words that are read right, int64 [n_forms, n_ks], and words, [n_forms].
    unseen:
        Whether a form does not occur in train, [n_forms].
    information, entropy:
        In bits: [n_ks], and of the labels.
    """

    about: dict[str, Any]
    ks: list[int]
    right: NDArray[np.int64]
    words: NDArray[np.int64]
    unseen: NDArray[np.bool_]
    information: NDArray[np.float64]
    entropy: float

    def table(self) -> pd.DataFrame:
        """As in :func:`~pitfalls.probes.curves.probe_curves`, one row per k."""
        accuracy, error = clustered_mean(self.right, self.words)
        seen, unseen = (
            self.right[which].sum(axis=0) / self.words[which].sum() if which.any() else np.full(len(self.ks), np.nan)
            for which in (~self.unseen, self.unseen)
        )
        measures = {
            "accuracy": accuracy,
            "accuracy_se": error,
            "accuracy_seen": seen,
            "accuracy_unseen": unseen,
            "n_unseen": int(self.words[self.unseen].sum()),
            "entropy_bits": self.entropy,
            "mi_bits": self.information,
            "nmi": self.information / self.entropy if self.entropy > 0 else np.nan,
        }
        return pd.DataFrame(self.about | {"k": self.ks} | measures)


def clustered_mean(sums: ArrayLike, sizes: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A mean over words and its standard error, if what was drawn are forms: their words are right or wrong together.

    Resampling forms gives the same, up to the divisor: the mean is a ratio of two sums over forms, and this is its
    variance to the first order.

    Parameters
    ----------
    sums : [n_forms, n] the words of each form that count, or any sum over them
    sizes : [n_forms] its words

    Returns
    -------
    [n] means and [n] standard errors; NaN with a single form.

    Examples
    --------
    >>> mean, error = clustered_mean([[3], [0], [3], [0]], [3, 3, 3, 3])  # 12 words, of which four say something
    >>> float(mean[0]), error[0].round(3)
    (0.5, np.float64(0.289))
    """
    of_form, n = np.asarray(sums, dtype=np.float64), np.asarray(sizes, dtype=np.float64)
    mean = of_form.sum(axis=0) / n.sum()
    residual = of_form - mean * n[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = (residual**2).sum(axis=0) * np.divide(len(n), len(n) - 1) / n.sum() ** 2
    return mean, np.sqrt(variance)


def leads(curves: Sequence[Curve], most: int) -> pd.DataFrame:
    """How much better each ranking is read than each other by the same probe, on average over k up to the most.

    The same words are read along both, so the interval of a lead is narrower than those of the two accuracies.

    Parameters
    ----------
    curves : of the same words, one per probe and ranking

    Returns
    -------
    One row per probe and ordered pair of rankings: language, attribute, site, layer, split, probe, ranking, rival, lead
    (a difference of accuracies) and lead_se, its standard error (:func:`clustered_mean`).
    """
    rows = []
    for one, other in permutations(curves, 2):
        if one.about["probe"] == other.about["probe"]:
            few = [i for i, k in enumerate(one.ks) if k <= most]
            difference = (one.right[:, few] - other.right[:, few]).mean(axis=1, keepdims=True)
            mean, error = clustered_mean(difference, one.words)
            same = {name: one.about[name] for name in (*CONFIGURATION, "split", "probe", "ranking")}
            rows.append({**same, "rival": other.about["ranking"], "lead": mean[0], "lead_se": error[0]})
    return pd.DataFrame(rows)
