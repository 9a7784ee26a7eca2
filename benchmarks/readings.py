"""Reading all layers in plain transformers: ``output_hidden_states=True``, and each word's subwords picked from it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from pitfalls.models.transformer import TransformerLM

BATCH = 32


def in_order(sentences: Sequence[Sequence[str]]) -> list[list[int]]:
    """Batches of sentences in the order of the text."""
    return [list(range(len(sentences)))[start : start + BATCH] for start in range(0, len(sentences), BATCH)]


def all_layers(
    lm: TransformerLM, sentences: Sequence[Sequence[str]], batches: Sequence[Sequence[int]]
) -> NDArray[np.float32]:
    """Vectors of all words at all layers, [n_layers + 1, n_words, d].

    The mean over each word's subwords in a masked model, and the state of the last one in a causal model; of ``lm``,
    only transformers' own model and tokenizer are used.
    """
    ends = np.cumsum([len(sentence) for sentence in sentences])
    found: NDArray[np.float32] | None = None
    for batch in batches:
        words = [list(sentences[i]) for i in batch]
        texts = [" ".join(some) for some in words] if lm.causal else words
        if lm.tokenizer.pad_token is None:
            lm.tokenizer.pad_token = lm.tokenizer.eos_token
        encoded = lm.tokenizer(texts, is_split_into_words=not lm.causal, padding=True, return_tensors="pt")
        with torch.inference_mode():
            hidden = torch.stack(lm.model.base_model(**encoded, output_hidden_states=True).hidden_states)
        if found is None:
            found = np.empty((len(hidden), ends[-1], hidden.shape[-1]), np.float32)
        for row, i in enumerate(batch):
            first = ends[i] - len(sentences[i])
            if lm.causal:
                last = np.cumsum([len(word) + 1 for word in words[row]]) - 2
                slots = [encoded.char_to_token(row, int(end)) for end in last]
                found[:, first : ends[i]] = hidden[:, row, slots].numpy()
                continue
            of_slot = encoded.word_ids(row)
            for word in range(len(sentences[i])):
                own = [slot for slot, at in enumerate(of_slot) if at == word]
                found[:, first + word] = hidden[:, row, own].mean(1).numpy()
    assert found is not None
    return found
