"""A masked language model, which reads a word's neighbours on both sides and predicts the word at its own place."""

from __future__ import annotations

from typing import ClassVar

from pitfalls.models import checkpoint
from pitfalls.models.checkpoint import Kind, UnsupportedModelError
from pitfalls.models.transformer import TransformerLM


class MaskedLM(TransformerLM):
    """A transformers masked language model, from ``AutoModelForMaskedLM``; see :class:`.transformer.TransformerLM`.

    Each word is tokenised by itself, and its vector is the mean over its subwords, as in the paper [C]. The way back,
    from the subwords predicted at a word's slots to a word, is :meth:`join`.

    Examples
    --------
    >>> import torch, transformers as hf
    >>> words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "cat", "##s", "sleep"]
    >>> tokenizer = hf.BertTokenizer(vocab={word: i for i, word in enumerate(words)})
    >>> config = hf.BertConfig(vocab_size=8, hidden_size=8, num_hidden_layers=2, num_attention_heads=2)
    >>> lm = MaskedLM(hf.BertForMaskedLM(config), tokenizer, name="tiny")
    >>> batch = lm.encode([["cats", "sleep"]])
    >>> batch.word_ids.tolist()
    [[-1, 0, 0, 1, -1]]
    >>> states = lm.hidden(batch, 1)
    >>> states[..., 3] = 0  # ablate neuron 3 everywhere
    >>> lm.predict(lm.resume(batch, 1, states), batch.word_ids == 0).shape
    torch.Size([2])
    """

    kind: ClassVar[Kind] = checkpoint.MASKED

    def _check_config(self) -> None:
        for setting in ("is_decoder", "is_encoder_decoder"):
            if getattr(self.model.config, setting, False):
                raise UnsupportedModelError(f"{self._what}: config.{setting} is true; a masked LM sees both sides")
