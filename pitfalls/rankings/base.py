"""What every ranking method shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.feature_selection import SelectorMixin
from sklearn.utils.validation import check_is_fitted

from pitfalls.arrays.ranking import Direction, Ranking, check_direction
from pitfalls.arrays.splits import Splits
from pitfalls.arrays.ties import descending
from pitfalls.arrays.words import Words, as_tensor, check_magnitude, checked_ks, labelled_words
from pitfalls.numbers import whole
from pitfalls.probes.classifiers import WordsLike, read_labels, read_words

#: How many neurons are scored at a time.
NEURONS_AT_ONCE = 64


class Ranked(NamedTuple):
    """What a method found: the order, a score for every neuron, and how many neurons it ranked itself."""

    order: NDArray[np.int64]
    scores: NDArray[np.float64]
    ranked: int


@dataclass(eq=False, repr=False)
class Ranker(SelectorMixin, BaseEstimator):
    """A ranking method; also a scikit-learn selector of the first ``k`` neurons, for pipelines.

    A subclass is a dataclass that has a ``name`` and defines :meth:`find`; one that only scores neurons derives from
    :class:`Scorer` and defines :meth:`Scorer.score_neurons`.

    Parameters
    ----------
    k : int
        How many neurons ``transform`` keeps; not part of the ranking.
    direction : str
        "ttb" (the best first) or "btt" (the worst first).
    seed : int
        For what the method draws.

    Attributes
    ----------
    ranking_, scores_ : Ranking and float64 [n_neurons]
        After ``fit``.
    """

    k: int = 10
    direction: Direction = "ttb"
    seed: int = 0

    name: ClassVar[str] = ""

    def find(self, train: Words, dev: Words) -> Ranked:
        """Rank the neurons for the attribute of ``train``; some methods select on the words of ``dev``."""
        raise NotImplementedError

    @property
    def label(self) -> str:
        """The ranking's name in tables: the method's name, and any option that makes it a different ranking."""
        return self.name

    def rank(self, data: Splits, device: str | torch.device = "cpu") -> Ranking:
        """Rank the neurons of ``data`` for its attribute, computing on ``device``."""
        return self._ranking(labelled_words(data, "train", device), labelled_words(data, "dev", device))

    def _ranking(self, train: Words, dev: Words) -> Ranking:
        check_direction(self.direction)
        seed = whole(self.seed, "a seed")
        check_magnitude(train.X)
        check_magnitude(dev.X)
        order, scores, ranked = self.find(train, dev)
        return Ranking(order, scores, self.label, self.direction, ranked, seed, self.name)

    def fit(self, X: WordsLike, y: Any, X_dev: WordsLike | None = None, y_dev: Any = None) -> Ranker:
        """Rank the neurons of words ``X`` [n_words, n_neurons] for labels ``y`` [n_words].

        A method that selects on words other than those it is fitted to (Gaussian) uses ``X_dev`` and ``y_dev``; without
        them, as in a pipeline, it selects on the training words.
        """
        words = read_words(self, X, reset=True)
        classes, codes = read_labels(y, len(words))
        if len(classes) < 2:
            raise ValueError(f"a ranking needs two classes, and y holds only one class: {classes[0]!r}")
        values = tuple(str(value) for value in classes)
        train = dev = Words(words, as_tensor(codes, words.device), values)
        if (X_dev is None) != (y_dev is None):
            missing = "X_dev" if X_dev is None else "y_dev"
            raise ValueError(f"{missing} is not given: to select on other words, give both X_dev and y_dev")
        if X_dev is not None:
            dev = self._dev(X_dev, y_dev, classes, words.device)
        checked_ks([self.k], train.n_neurons)
        self.ranking_ = self._ranking(train, dev)
        self.scores_ = self.ranking_.scores
        return self

    def _dev(self, X_dev: WordsLike, y_dev: Any, classes: NDArray[Any], device: torch.device) -> Words:
        words = read_words(self, X_dev, reset=False).to(device)
        found, codes = read_labels(y_dev, len(words))
        if not np.array_equal(found, classes):
            raise ValueError(f"dev has the classes {found.tolist()} and train {classes.tolist()}: give the same ones")
        return Words(words, as_tensor(codes, device), tuple(str(value) for value in classes))

    def _get_support_mask(self) -> NDArray[np.bool_]:
        check_is_fitted(self)
        (k,) = checked_ks([self.k], len(self.ranking_))
        mask = np.zeros(len(self.ranking_), dtype=bool)
        mask[self.ranking_.order[:k]] = True
        return mask

    def transform(self, X: Any) -> Any:
        """The ``k`` first-ranked columns of ``X``, in the order of ``X``: an array, or a tensor if ``X`` is one."""
        if isinstance(X, torch.Tensor):
            return read_words(self, X, reset=False)[:, as_tensor(self._get_support_mask(), X.device)]
        return super().transform(X)


@dataclass(eq=False, repr=False)
class Scorer(Ranker):
    """A method that sorts neurons by a score, descending; ties go to the lower index, and btt is the reversal.

    Scores tie if they differ by less than :data:`~pitfalls.arrays.ties.TIE` times the highest.
    """

    def score_neurons(self, words: Words) -> NDArray[np.float64]:
        """The score of every neuron, [n_neurons]: the higher, the more important."""
        raise NotImplementedError

    def find(self, train: Words, dev: Words) -> Ranked:
        """Sort by :meth:`score_neurons` on the training words."""
        scores = np.asarray(self.score_neurons(train), dtype=np.float64)
        order = descending(torch.from_numpy(scores)).numpy()
        return Ranked(order if self.direction == "ttb" else order[::-1].copy(), scores, len(order))


@dataclass(eq=False, repr=False)
class Greedy(Ranker):
    """A method that chooses neurons one by one, each for what it adds to those before it.

    Parameters
    ----------
    max_neurons : int, optional
        How many neurons to choose one by one, by default all; the rest follow in the order of what each would add next.
    """

    max_neurons: int | None = None

    def steps(self, n_neurons: int) -> int:
        """How many steps the search takes.

        Raises
        ------
        ValueError
            If ``max_neurons`` is not a whole number of 1 or more.
        """
        return n_neurons if self.max_neurons is None else min(whole(self.max_neurons, "max_neurons", 1), n_neurons)
