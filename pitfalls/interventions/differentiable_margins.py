"""Margins of trials through which gradients flow, for whatever is learned by asking the model.

:mod:`~pitfalls.interventions.margins` computes the same numbers for many changes at once, and without gradients.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from pitfalls.interventions.margins import Batch, Trial, texts_of
from pitfalls.models.blanks import ENDS

if TYPE_CHECKING:
    from pitfalls.interventions.kinds import StateChange
    from pitfalls.models.interface import LanguageModel
    from pitfalls.site import Site


@dataclass(frozen=True, eq=False)
class TrialBatch:
    """Trials that are run together; the layers up to the site have run once."""

    model: LanguageModel
    site: Site
    batch: Batch
    n_trials: int

    @classmethod
    def of(cls, model: LanguageModel, site: Site, trials: Sequence[Trial]) -> TrialBatch:
        """Run the layers up to the site."""
        return cls(model, site, Batch.of(model, site, list(texts_of(trials).items())), len(trials))

    def margins(self, change: StateChange) -> torch.Tensor:
        """Log-probability of the right form less that of the wrong one (nats) under a change, float64 [n_trials]."""
        logits = self.model.head(self.batch.final(self.model, self.site, change)).double()
        read, (_, piece, trial, sign) = self.batch.read, torch.as_tensor(self.batch.terms, device=logits.device).T
        log_p = logits.log_softmax(-1)[torch.as_tensor(read, device=logits.device)]
        own = log_p.gather(1, piece.clamp(min=0)[:, None])[:, 0]
        ends = piece == ENDS
        if ends.any():
            end_ids = torch.as_tensor(self.model.end_ids, device=logits.device)
            own = torch.where(ends, log_p[:, end_ids].logsumexp(-1), own)
        return own.new_zeros(self.n_trials).index_add(0, trial, sign * own)


def trial_batches(model: LanguageModel, site: Site, trials: Sequence[Trial], size: int) -> Iterator[TrialBatch]:
    """The trials in their order, ``size`` at a time."""
    for start in range(0, len(trials), size):
        yield TrialBatch.of(model, site, trials[start : start + size])
