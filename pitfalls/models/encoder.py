"""The encoder of a model that also has a decoder, such as T5's: it reads in both directions, and has no head."""

from __future__ import annotations

from typing import ClassVar

from pitfalls.models import kinds
from pitfalls.models.kinds import Kind
from pitfalls.models.transformer import TransformerLM


class EncoderLM(TransformerLM):
    """A transformers encoder, from ``AutoModelForTextEncoding``; see :class:`.transformer.TransformerLM`.

    It can be probed, but not intervened on, because its decoder is not loaded.

    Examples
    --------
    >>> import transformers as hf
    >>> pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁cat", -1.0), ("s", -2.0), ("▁", -3.0)]
    >>> tokenizer = hf.T5Tokenizer(vocab=pieces, extra_ids=0)
    >>> config = hf.T5Config(vocab_size=6, d_model=8, d_ff=8, d_kv=4, num_layers=2, num_heads=2)
    >>> lm = EncoderLM(hf.T5EncoderModel(config), tokenizer, name="tiny")
    >>> batch = lm.encode([["cats", "cat"]])
    >>> lm.hidden(batch, 2).shape
    torch.Size([1, 4, 8])
    """

    kind: ClassVar[Kind] = kinds.ENCODER
