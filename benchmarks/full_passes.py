"""The slow way to intervene: everything runs for every k.

Every sentence goes through the whole model, in batches as they come, and the head gives the logits of the whole
vocabulary at every slot. This takes the package's model, tokenizer and words, but none of its code.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.whole_passes import Batch, Passes, translation
from pitfalls.arrays.splits import Activations
from pitfalls.language.corpus import Sentence

BATCH = 8


@dataclass(frozen=True)
class Passed:
    """What one pass predicted at the slots of the changed words, sentence by sentence.

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
    """Translation of the words of ``part`` to their next value, at the site of ``part``.

    Parameters
    ----------
    passes:
        The way to run whole passes.
    tokenizer:
        transformers' own.
    part:
        The words, which also give the mean vectors of the values.
    order, beta:
        The ranking, and how far its first neuron moves.
    device:
        Where the model runs.
    """

    def __init__(
        self,
        passes: Passes,
        tokenizer: Any,
        sentences: Sequence[Sentence],
        part: Activations,
        order: np.ndarray,
        beta: float,
        device: torch.device,
    ) -> None:
        self.passes, self.tokenizer, self.sentences, self.part = passes, tokenizer, sentences, part
        self.order, self.beta, self.device = order, beta, device
        self.value_at = dict(zip(zip(part.sentence_ids, part.positions, strict=True), part.y, strict=True))

    def run(self, k: int, expected: Tensor, chosen: Sequence[int]) -> Passed:
        """One pass over the sentences ``chosen``, in their order, with the first ``k`` neurons changed.

        ``expected`` are token ids at the slots, [n_slots].
        """
        offset = translation(self.part, self.order, self.beta, k).to(self.device)
        predicted = torch.empty(0, dtype=torch.int64, device=self.device)
        logit = torch.empty(0, 2, device=self.device)
        expected = expected.to(self.device)
        for batch, values in self._batches(chosen, offset):
            logits = self.passes.logits(batch)
            best = logits.argmax(-1)
            # This is only for the comparison, and takes too little time to count.
            wanted = expected[len(predicted) : len(predicted) + len(best)]
            row = torch.arange(len(values), device=self.device)
            logit = torch.cat([logit, torch.stack([logits[row, ids] for ids in (best, wanted)], 1)])
            predicted = torch.cat([predicted, best])
        return Passed(predicted.cpu(), (logit[:, 0] - logit[:, 1]).cpu(), float(logit.abs().amax()))

    def _batches(self, chosen: Sequence[int], offset: Tensor) -> Iterator[tuple[Batch, Tensor]]:
        """What a pass takes, and the value of the word at each slot that is changed."""
        for start in range(0, len(chosen), BATCH):
            rows = chosen[start : start + BATCH]
            encoded = self.tokenizer([list(self.sentences[row].forms) for row in rows], is_split_into_words=True)
            found = [
                (i, column, self.value_at[row, word])
                for i, row in enumerate(rows)
                for column, word in enumerate(encoded.word_ids(i))
                if (row, word) in self.value_at
            ]
            places = torch.tensor(found, dtype=torch.int64, device=self.device).reshape(-1, 3).T
            yield Batch(encoded["input_ids"], places[:2], places[:2], offset[places[2]]), places[2]
