"""A ranking by a learned mask: a gate per unit, so that as few open gates as possible flip the margins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import softplus
from tqdm import tqdm

from pitfalls.interventions.gates import Gated
from pitfalls.numbers import is_number
from pitfalls.rankings.asking import Asking

# Steps of Adam and their size.
_STEPS = 100
_STEP = 0.3


@dataclass(eq=False)
class Mask(Asking):
    """How far a unit's gate is open, from 0 to 1, when the gates were learned to flip the margins.

    An open gate translates its unit by alpha = 1, a half-open one by 0.5. Adam minimises, over shuffled batches, the
    mean of log(1 + exp(margin)) as a share of what it is with all gates closed, plus ``penalty`` times the mean gate;
    all gates start half open. Units are weighed together: of two that do the same, one is enough. Masks of weights or
    inputs are learned like this by Louizos et al. (2018), De Cao et al. (2020) and Csordás et al. (2021), who draw
    gates at random; these are deterministic, since they only have to be ordered.

    Parameters
    ----------
    penalty : float
        At 1, opening all gates costs as much as flipping no margin: a gate stays open if it earns more than its even
        share, one ``n_units``-th of the loss.
    """

    penalty: float = 1.0

    name: ClassVar[str] = "mask"

    def __post_init__(self) -> None:
        if not is_number(self.penalty) or not 0 < self.penalty < float("inf"):
            raise ValueError(f"penalty must be above 0 and finite, not {self.penalty!r}; 1 is the default")

    @property
    def label(self) -> str:
        """As for all, with a penalty that is not the default, as in ``mask penalty 10``."""
        asked = super().label
        return asked if self.penalty == type(self).penalty else f"{asked} penalty {self.penalty:g}"

    def score_units(self, parts: Iterator[Gated], n_units: int) -> NDArray[np.float64]:
        """[n_units], from 0 to 1."""
        # All batches are kept: the layers up to the site run once.
        kept = list(parts)
        closed = sum(float(softplus(part.margins(part.closed())).sum()) for part in kept)
        scale = sum(len(part.trials) for part in kept) / closed
        logits = torch.zeros(n_units, dtype=torch.float64, requires_grad=True)
        adam = torch.optim.Adam([logits], lr=_STEP, eps=1 / n_units)
        for i in tqdm(_drawn(len(kept), self.seed), desc=self.name, unit="step", leave=False):
            gates = logits.sigmoid()
            margins = kept[i].margins(gates.to(kept[i].differences))
            loss = scale * softplus(margins).mean() + self.penalty * gates.mean()
            # Of the gates alone: the model's weights may need gradients, too, and are not trained.
            (logits.grad,) = torch.autograd.grad(loss, logits)
            adam.step()
        return logits.detach().sigmoid().numpy()


def _drawn(n_batches: int, seed: int) -> Sequence[int]:
    """The batch of each step: all of them in a drawn order, again and again."""
    generator = np.random.default_rng(seed)
    rounds = [generator.permutation(n_batches) for _ in range(-(-_STEPS // n_batches))]
    return np.concatenate(rounds)[: max(_STEPS, n_batches)].tolist()
