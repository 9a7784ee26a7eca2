"""A masked language model, which reads a word's neighbours on both sides and predicts the word at its own place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pitfalls.models import kinds
from pitfalls.models.blanks import Blank, Filling
from pitfalls.models.checkpoint import UnsupportedModelError
from pitfalls.models.kinds import Kind
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

    kind: ClassVar[Kind] = kinds.MASKED

    def fillings(self, blanks: Sequence[Blank]) -> list[Filling]:
        """What to read for each form: the sentence with a mask for each of the form's pieces.

        Raises
        ------
        UnsupportedModelError
            The tokenizer has no mask.
        TooLongError
            A sentence is too long for the model.
        """
        mask = self.tokenizer.mask_token
        if mask is None:
            raise UnsupportedModelError(f"{self._what}: its tokenizer has no mask token to put in the blank")
        written = self.encode([blank.filled([blank.form]) for blank in blanks])
        pieces = [
            tuple(ids[words == blank.place].tolist())
            for blank, ids, words in zip(blanks, written.input_ids, written.word_ids, strict=True)
        ]
        masked = self.encode([blank.filled([mask] * len(own)) for blank, own in zip(blanks, pieces, strict=True)])
        found = []
        for row, (blank, own) in enumerate(zip(blanks, pieces, strict=True)):
            length = int(masked.attention_mask[row].sum())
            ids, words = masked.input_ids[row, :length].tolist(), masked.word_ids[row, :length].tolist()
            last = blank.place + len(own) - 1
            slots = tuple(i for i, word in enumerate(words) if blank.place <= word <= last)
            # Each mask counts as a word, so the words after them are numbered differently than in the sentence.
            places = [word if word < blank.place else max(blank.place, word - len(own) + 1) for word in words]
            found.append(Filling(tuple(ids), tuple(places), slots, own))
        return found

    def _check_config(self) -> None:
        for setting in ("is_decoder", "is_encoder_decoder"):
            if getattr(self.model.config, setting, False):
                raise UnsupportedModelError(f"{self._what}: config.{setting} is true; a masked LM sees both sides")
