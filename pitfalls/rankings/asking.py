"""What the rankings that ask the model share: the margins that a unit should move, and the order that follows.

Other rankings read activations alone, so they can only find what is *encoded*. These find what the model *uses*: a unit
comes first if translating it, from a word's own value to another, moves the model furthest towards another form. They
know trials (:mod:`~pitfalls.interventions.margins`) of training sentences, and are judged on test words like any other.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from pitfalls.arrays.ranking import Direction, Ranking, check_direction
from pitfalls.arrays.ties import descending
from pitfalls.columns import Split
from pitfalls.interventions.counterparts import word_trials
from pitfalls.interventions.gates import Gated, gated
from pitfalls.interventions.margins import Trial
from pitfalls.interventions.replay import Replay, Sample, Subject, prepare
from pitfalls.interventions.translation import ConstantTranslation
from pitfalls.numbers import whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pitfalls.language.agreement.items import Item


class NothingToAskError(ValueError):
    """No word has a form of the value aimed at, so the model cannot be asked for it."""


@dataclass(eq=False)
class Asking:
    """A method that asks the model of a subject, such as an experiment; a subclass defines :meth:`score_units`.

    Parameters
    ----------
    direction : str
        "ttb" (the best first) or "btt" (the worst first).
    seed : int
        Draws the sentences, or balances the items, and whatever else the method draws.
    items : sequence of Item, optional
        Agreement items of *training* sentences: the margin is then that of a place that must agree with the changed
        word (:mod:`~pitfalls.interventions.agreement`). Without them, it is that of the changed word itself
        (:mod:`~pitfalls.interventions.counterparts`), which a causal model has not.
    sentences : int
        Without items: how many training sentences to draw, at most.
    target : str, optional
        The value to send all words to; by default the next one, and from the last to the first.
    """

    direction: Direction = "ttb"
    seed: int = 0
    items: Sequence[Item] | None = None
    sentences: int = 400
    target: str | None = None

    name: ClassVar[str] = ""

    def score_units(self, parts: Iterator[Gated], n_units: int) -> NDArray[np.float64]:
        """The score of every unit, [n_units]: the higher, the further it moves the margin towards flipping."""
        raise NotImplementedError

    @property
    def label(self) -> str:
        """The ranking's name in tables: the method's name, and any option that makes it a different ranking."""
        asks = [] if self.items is None else ["agreement"]
        return " ".join([self.name, *asks, *([] if self.target is None else [self.target])])

    def rank(self, subject: Subject) -> Ranking:
        """Rank the units of the subject's site.

        Raises
        ------
        NothingToAskError
            No word has a trial.
        ValueError
            The model is causal and there are no items, an item is of a dev or test sentence, or an option is bad.

        Warns
        -----
        UserWarning
            Some words or items are left out; how many, and why.
        """
        check_direction(self.direction)
        replay = self._replay(subject)
        trials = self._trials(replay)
        scores = self.score_units(gated(replay, trials), subject.data.n_neurons)
        order = descending(torch.from_numpy(scores)).numpy()
        if self.direction == "btt":
            order = order[::-1].copy()
        return Ranking(order, scores, self.label, self.direction, seed=self.seed, method=self.name)

    def _replay(self, subject: Subject) -> Replay:
        seed, d = whole(self.seed, "a seed"), subject.data.n_neurons
        sample = Sample("train", whole(self.sentences, "sentences", 1), seed)
        nothing = Ranking(np.arange(d), None, self.name)
        return prepare(subject, nothing, ConstantTranslation(1.0, self.target), [0], sample)

    def _trials(self, replay: Replay) -> Sequence[Trial]:
        if self.items is not None:
            # Items are grammars and treebanks: a ranking by words needs none of them.
            from pitfalls.interventions.agreement import controller_trials

            _check_held_out(replay.subject, self.items)
            return [trial for _, trial in controller_trials(replay, self.items, self.seed)]
        found = word_trials(replay)
        if not found.trials:
            raise NothingToAskError(
                f"no word of {replay.part.language} {replay.part.attribute} can be asked for: {found.told()}; give "
                "agreement items of train sentences (items=), or take another attribute"
            )
        if found.left_out:
            warnings.warn(f"{self.name}: {found.told()}", stacklevel=5)
        return found.trials


def _check_held_out(subject: Subject, items: Sequence[Item]) -> None:
    """Refuse items of sentences on which the ranking will be judged, or its strength chosen."""
    judged: tuple[Split, ...] = ("dev", "test")
    for split in judged:
        texts = {tuple(sentence.forms) for sentence in subject.sentences(split)}
        seen = [item for item in items if tuple(item.words) in texts]
        if seen:
            raise ValueError(
                f"{len(seen)} of {len(items)} items are of {split} sentences, such as {' '.join(seen[0].words)!r}: "
                "rank on items of train sentences, and judge on these"
            )
