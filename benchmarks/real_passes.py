"""Agreement under any change, the plain way: each form of each item goes through the whole model, for every change.

This takes the package's items, model and tokenizer, but none of its code.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.agreement_passes import END, ends_of
from benchmarks.whole_passes import Batch, Hooked
from pitfalls.interventions.ablation import Ablation
from pitfalls.interventions.interchange import Interchange
from pitfalls.interventions.kinds import Kind
from pitfalls.interventions.translation import Translation
from pitfalls.language.agreement import Item

#: Texts that are run together.
BATCH = 32
#: What is done to the states [n, d] of the controllers of some items, given by their numbers [n].
Change = Callable[[Tensor, Sequence[int]], Tensor]


@dataclass(frozen=True)
class _Read:
    """A form of an item as a text: where its controller's last subword is, and what is predicted after which slots."""

    item: int
    sign: int
    ids: Sequence[int]
    slot: int
    terms: Sequence[tuple[int, int]]


class PlainMargins:
    """Margins of items, with the states of their controllers changed at one site.

    Parameters
    ----------
    hooked, tokenizer:
        transformers' own model with a hook at the site, and its tokenizer.
    """

    def __init__(self, hooked: Hooked, tokenizer: Any, items: Sequence[Item]) -> None:
        self.hooked, self.n_items = hooked, len(items)
        self.ends = ends_of(tokenizer)

        def tokens(words: Sequence[str]) -> list[int]:
            return list(tokenizer(" ".join(words))["input_ids"])

        self.texts = []
        for number, item in enumerate(items):
            first, slot = len(tokens(item.prefix)), len(tokens(item.words[: item.controller + 1])) - 1
            for form, sign in ((item.right, 1), (item.wrong, -1)):
                ids = tokens([*item.prefix, form])
                terms = list(enumerate([*ids[first:], END], first - 1))
                self.texts.append(_Read(number, sign, ids, slot, terms))

    def under(self, change: Change) -> Tensor:
        """Log-probability of the right form less that of the wrong one, nats, float64 [n_items]."""
        found = torch.zeros(self.n_items, dtype=torch.float64)
        for start in range(0, len(self.texts), BATCH):
            found = found + self._of(self.texts[start : start + BATCH], change)
        return found

    def _of(self, texts: Sequence[_Read], change: Change) -> Tensor:
        rows, slots, pieces = torch.tensor([(row, *term) for row, text in enumerate(texts) for term in text.terms]).T
        batch = Batch(
            ids=[text.ids for text in texts],
            changed=torch.tensor([[row, text.slot] for row, text in enumerate(texts)]).T,
            read=torch.stack([rows, slots]),
            offsets=torch.empty(0),
        )
        numbers = [text.item for text in texts]
        every = self.hooked.changed(batch, lambda states: change(states, numbers)).double().log_softmax(-1)
        of_piece = every[range(len(pieces)), pieces.clamp(min=0)]
        log_p = torch.where(pieces == END, every[:, self.ends].logsumexp(-1), of_piece)
        signs = torch.tensor([texts[row].sign for row in rows.tolist()])
        items = torch.tensor([texts[row].item for row in rows.tolist()])
        return torch.zeros(self.n_items, dtype=torch.float64).index_add(0, items, signs * log_p)


@dataclass(frozen=True)
class Means:
    """Mean vectors of the values [n_values, d], the value of each item [n_items], and the training word it draws."""

    of_value: NDArray[np.float64]
    values: NDArray[np.int64]
    sources: NDArray[np.floating[Any]]

    @property
    def differences(self) -> NDArray[np.float64]:
        """From each value to the next, [n_values, d]."""
        return np.roll(self.of_value, -1, axis=0) - self.of_value


def plain_change(kind: Kind, order: NDArray[np.int64], k: int, means: Means) -> Change:
    """What one of the study's interventions does to the first ``k`` units of an order."""
    chosen, d = order[:k], len(order)
    if isinstance(kind, Interchange):
        sources = torch.from_numpy(means.sources[:, chosen])
        return lambda states, items: states.index_copy(1, torch.from_numpy(chosen), sources[items].to(states))
    if isinstance(kind, Ablation):
        return lambda states, _: states.index_fill(1, torch.from_numpy(chosen), 0)
    if isinstance(kind, Translation):
        factors = kind.beta * (1 / (1000 * kind.beta)) ** (np.arange(k) / (d - 1))
    else:
        factors = np.full(k, kind.strength)
    offsets = np.zeros_like(means.of_value)
    offsets[:, chosen] = factors * means.differences[:, chosen]
    added = torch.from_numpy(offsets)
    return lambda states, items: states + added[torch.from_numpy(means.values[items])].to(states)


class Graded(Hooked):
    """Passes through which gradients flow back."""

    mode = torch.enable_grad


def plain_attribution(passes: PlainMargins, means: Means) -> NDArray[np.float64]:
    """By how much the mean margin falls to first order when a unit is moved to the mean of the next value, [d]."""
    gates = torch.zeros(means.of_value.shape[1], dtype=torch.float64, requires_grad=True)
    differences = torch.from_numpy(means.differences)

    def change(states: Tensor, items: Sequence[int]) -> Tensor:
        return states + (gates * differences[torch.from_numpy(means.values[items])]).to(states)

    (gradient,) = torch.autograd.grad(passes.under(change).sum(), gates)
    return np.asarray(-gradient.numpy() / passes.n_items)
