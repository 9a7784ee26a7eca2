"""Margins as a function of one gate per unit, which has a gradient.

A gate of 0 leaves its unit alone, and a gate of 1 translates it as :class:`~.translation.ConstantTranslation` does:
``h <- h + gate * (q(value aimed at) - q(own value))`` at the subwords of the changed word, unit by unit. With the
first k units' gates at 1, the margins are those of :func:`~.margins.log_margins`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from pitfalls.interventions.kinds import Means
from pitfalls.interventions.margins import Batch, Text, Trial, texts_of
from pitfalls.interventions.replay import Replay, groups

if TYPE_CHECKING:
    from pitfalls.models.interface import LanguageModel
    from pitfalls.site import Site


@dataclass(frozen=True, eq=False)
class Gated:
    """Trials that are run together; the layers up to the site have run.

    Attributes
    ----------
    trials:
        Which of the trials that were given these are, int64 [n_trials].
    differences:
        What a gate of 1 adds to the states of the changed subwords, float64 [n_subwords, n_units].
    """

    model: LanguageModel
    site: Site
    batch: Batch
    trials: NDArray[np.int64]
    differences: torch.Tensor

    def margins(self, gates: torch.Tensor) -> torch.Tensor:
        """Log-probability of the right form less that of the wrong one, nats, float64 [n_trials].

        Parameters
        ----------
        gates:
            float64 [n_units]. A gradient with respect to them flows back, if they need one.
        """
        batch = self.batch
        own = batch.states[batch.changed]
        final = batch.final_of(self.model, self.site, own + (gates * self.differences).to(own))
        return batch.margins(self.model, final)

    def gradient(self, gates: torch.Tensor) -> torch.Tensor:
        """The gradient of the sum of :meth:`margins` by the gates, float64 [n_units], from one backward pass."""
        asked = gates.detach().requires_grad_()
        (found,) = torch.autograd.grad(self.margins(asked).sum(), asked)
        return found

    def closed(self) -> torch.Tensor:
        """Gates that leave every unit alone, [n_units]."""
        return self.differences.new_zeros(self.differences.shape[1])


def gated(replay: Replay, trials: Sequence[Trial]) -> Iterator[Gated]:
    """The trials in batches of similar length, every trial once, with both of its texts in the same batch.

    Parameters
    ----------
    replay:
        Of a kind that aims at a value; what counts are its subject, its site and where it sends each value.
    """
    model, site = replay.subject.model, replay.part.site
    means = Means.of(replay.subject.data).of_value
    differences = torch.as_tensor(means[replay.aims] - means, device=model.device)
    sharing: defaultdict[tuple[Text, Text], list[int]] = defaultdict(list)
    for number, trial in enumerate(trials):
        sharing[trial.texts].append(number)
    sets = list(sharing.items())
    # What a set of trials adds to a batch: one text, or one for each form.
    lengths = [len(set(texts)) * max(len(text.ids) for text in texts) for texts, _ in sets]
    for group in groups(lengths):
        for rows in group:
            chosen = [number for row in rows for number in sets[row][1]]
            batch = Batch.of(model, site, list(texts_of([trials[number] for number in chosen]).items()))
            yield Gated(model, site, batch, np.array(chosen, dtype=np.int64), differences[batch.words.values])
