"""The slow way to intervene, in plain transformers: everything runs for every k.

Every sentence goes through the whole model, in batches as they come, with a hook on one layer, and the head gives the
logits of the whole vocabulary at every slot. This takes the package's model, tokenizer and words, but none of its code.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pitfalls.arrays.splits import Activations
from pitfalls.language.corpus import Sentence

BATCH = 8


@dataclass(frozen=True)
class Passed:
    """What one pass predicted at the slots of the changed words, in the order of the text.

    Attributes
    ----------
    predicted:
        Token ids, int64 [n_slots].
    behind:
        How far the logit of the token expected at the slot lies below the highest one, [n_slots].
    highest:
        The largest absolute value of these logits.
    """

    predicted: Tensor
    behind: Tensor
    highest: float


class FullPasses:
    """Translation of the words of ``part`` to their next value, at the layer of ``part``.

    Parameters
    ----------
    model, tokenizer:
        transformers' own.
    part:
        The words, which also give the mean vectors of the values.
    order, beta:
        The ranking, and how far its first neuron moves.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        sentences: Sequence[Sentence],
        part: Activations,
        order: np.ndarray,
        beta: float,
    ) -> None:
        self.model, self.tokenizer, self.sentences, self.part = model, tokenizer, sentences, part
        self.order, self.beta = order, beta
        self.value_at = dict(zip(zip(part.sentence_ids, part.positions, strict=True), part.y, strict=True))

    def run(self, k: int, expected: Tensor, chosen: Sequence[int]) -> Passed:
        """One pass over the sentences ``chosen``, with the first ``k`` neurons changed.

        ``expected`` are token ids at the slots, [n_slots].
        """
        offset = self._offset(k)
        device = self.model.device
        predicted, logit = torch.empty(0, dtype=torch.int64, device=device), torch.empty(0, 2, device=device)
        expected = expected.to(device)
        for encoded, values in self._batches(chosen):
            slots = values >= 0

            def change(_: object, __: object, states: Tensor, values: Tensor = values, slots: Tensor = slots) -> Tensor:
                states[slots] += offset[values[slots]]
                return states

            changed = self.model.base_model.encoder.layer[self.part.site.layer - 1]
            handle = changed.register_forward_hook(change)
            with torch.inference_mode():
                logits = self.model(**encoded).logits
                best = logits.argmax(-1)[slots]
            handle.remove()
            # This is only for the comparison, and takes too little time to count.
            rows, columns = slots.nonzero(as_tuple=True)
            wanted = expected[len(predicted) : len(predicted) + len(best)]
            logit = torch.cat([logit, torch.stack([logits[rows, columns, ids] for ids in (best, wanted)], 1)])
            predicted = torch.cat([predicted, best])
        return Passed(predicted.cpu(), (logit[:, 0] - logit[:, 1]).cpu(), float(logit.abs().amax()))

    def _offset(self, k: int) -> Tensor:
        """What is added to the states of words of each value, [n_values, n_neurons]."""
        X, y, d = self.part.X.astype(float), self.part.y, len(self.order)
        mean = np.stack([X[y == value].mean(0) for value in range(len(self.part.values))])
        offset = np.zeros_like(mean)
        for rank, neuron in enumerate(self.order[:k]):
            alpha = self.beta * (1 / (1000 * self.beta)) ** (rank / (d - 1))
            offset[:, neuron] = alpha * (np.roll(mean[:, neuron], -1) - mean[:, neuron])
        return torch.tensor(offset, dtype=torch.float32, device=self.model.device)

    def _batches(self, chosen: Sequence[int]) -> Iterator[tuple[Any, Tensor]]:
        """What the model takes, and the value of the word to change at each slot, [b, t]; -1 where there is none."""
        for start in range(0, len(chosen), BATCH):
            rows = chosen[start : start + BATCH]
            words = [list(self.sentences[row].forms) for row in rows]
            encoded = self.tokenizer(words, is_split_into_words=True, padding=True, return_tensors="pt")
            values = [
                [self.value_at.get((row, word), -1) for word in encoded.word_ids(i)] for i, row in enumerate(rows)
            ]
            yield encoded.to(self.model.device), torch.tensor(values, device=self.model.device)
