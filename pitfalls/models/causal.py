"""A causal language model, which reads from left to right and predicts the subword that follows each place.

A state depends on the subwords up to its own and on none after it, so padding on the right changes nothing; a trial at
loading checks both for the model at hand. Only the state of a word's last subword has read the whole word.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import ClassVar

from torch import Tensor

from pitfalls.extras import extra
from pitfalls.models import kinds
from pitfalls.models.blanks import ENDS, Blank, Filling
from pitfalls.models.checkpoint import UnsupportedModelError
from pitfalls.models.interface import Encoded, Pooling
from pitfalls.models.kinds import Kind
from pitfalls.models.running_text import TextTokenizer
from pitfalls.models.tokens import WordTokenizer
from pitfalls.models.transformer import TransformerLM
from pitfalls.models.trial import Trial
from pitfalls.site import Site

with extra("models"):
    from tokenizers import processors


class CausalLM(TransformerLM):
    """A transformers causal language model, from ``AutoModelForCausalLM``; see :class:`.transformer.TransformerLM`.

    Sentences are tokenised as text, their words joined by spaces, with the special tokens that the tokenizer itself
    adds (:mod:`.running_text`). A word's vector is the state of its last subword, which alone has read the whole word
    (``lm.pooled("mean")`` takes the mean). The logits of a place are those of the subword after it:
    :meth:`next_logits`.

    Examples
    --------
    >>> import torch, transformers as hf
    >>> vocab = {token: i for i, token in enumerate(["<|endoftext|>", *"acst", "Ġ", "at", "Ġc", "Ġcat"])}
    >>> merges = [("a", "t"), ("Ġ", "c"), ("Ġc", "at")]
    >>> tokenizer = hf.GPT2Tokenizer(vocab=vocab, merges=merges)
    >>> config = hf.GPT2Config(vocab_size=9, n_embd=8, n_layer=2, n_head=2, bos_token_id=0, eos_token_id=0)
    >>> lm = CausalLM(hf.GPT2LMHeadModel(config), tokenizer, name="tiny")
    >>> batch = lm.encode([["cat", "cats"], ["cat"]])
    >>> batch.word_ids.tolist()
    [[0, 0, 1, 1], [0, 0, -1, -1]]
    >>> states = lm.hidden(batch, 1)
    >>> states[..., 3] = 0  # ablate neuron 3 everywhere
    >>> at = torch.tensor([[False, True, False, False], [False, True, False, False]])
    >>> lm.next_logits(batch, lm.resume(batch, 1, states), at).shape
    torch.Size([2, 9])
    """

    kind: ClassVar[Kind] = kinds.CAUSAL
    causal: ClassVar[bool] = True
    pooling: Pooling = "last"
    _tokenizer: ClassVar[type[WordTokenizer]] = TextTokenizer

    def next_logits(self, encoded: Encoded, final_states: Tensor, positions: Tensor) -> Tensor:
        """Logits of the subword that follows each chosen position.

        Parameters
        ----------
        encoded : Encoded
        final_states : Tensor [b, t, n_neurons]
            From :meth:`resume`, or :meth:`hidden` of the last layer.
        positions : bool Tensor [b, t]

        Returns
        -------
        Tensor [number of chosen positions, vocabulary]
            In row order: sentence by sentence, left to right.

        Raises
        ------
        ValueError
            A position is padding, which nothing follows.
        MissingHeadError, UnsupportedModelError
            As :meth:`head`.

        Source: a causal model's logits at t are those of the subword at t + 1 (Radford et al. 2019).
        """
        outside = (positions & ~encoded.attention_mask.bool()).nonzero().tolist()
        if outside:
            row, column = outside[0]
            length = int(encoded.attention_mask[row].sum())
            raise ValueError(
                f"position {column} of sentence {row} is padding, as the sentence has {length} subwords: its last "
                f"subword is at position {length - 1}"
            )
        return self.head(final_states[positions])

    def fillings(self, blanks: Sequence[Blank]) -> list[Filling]:
        """What to read for each form: the words before the place, and the form, after which the word must end.

        Raises
        ------
        ValueError
            Nothing stands before a place, so nothing predicts its form.
        TooLongError
            The words up to a place, and the form, are too many for the model.
        UnsupportedModelError
            The tokenizer does not show where words end.
        """
        encoded = self.encode([[*blank.words[: blank.place], blank.form] for blank in blanks])
        found = []
        for blank, ids, words in zip(blanks, encoded.input_ids.tolist(), encoded.word_ids.tolist(), strict=True):
            first, end = words.index(blank.place), len(words) - words[::-1].index(blank.place)
            if first == 0:
                raise ValueError(
                    f"nothing stands before {blank.form!r} in {' '.join(blank.words)!r}, and {self.name} adds no token "
                    "at the beginning: leave out items whose place is the first word"
                )
            pieces = (*ids[first:end], ENDS)
            found.append(Filling(tuple(ids[:end]), tuple(words[:end]), tuple(range(first - 1, end)), pieces))
        return found

    def beginning_with(self, token: str) -> CausalLM:
        """The same model, all of whose texts begin with a special token.

        Causal models attend to the first subword of a text whatever it is, and its state may be a hundred times as long
        as others (an *attention sink*: Xiao et al. 2024). If the tokenizer writes no token there, the first word of
        each sentence is that subword, and its vector says little about the word.

        Parameters
        ----------
        token :
            One that the tokenizer knows, such as the one that ended texts in training.

        Raises
        ------
        ValueError
            The tokenizer does not know it, or begins texts with a special token already.

        Examples
        --------
        >>> import transformers as hf
        >>> vocab = {token: i for i, token in enumerate(["<|endoftext|>", *"acst", "Ġ", "at", "Ġc", "Ġcat"])}
        >>> tokenizer = hf.GPT2Tokenizer(vocab=vocab, merges=[("a", "t"), ("Ġ", "c"), ("Ġc", "at")])
        >>> config = hf.GPT2Config(vocab_size=9, n_embd=8, n_layer=2, n_head=2, bos_token_id=0, eos_token_id=0)
        >>> lm = CausalLM(hf.GPT2LMHeadModel(config), tokenizer, name="tiny").beginning_with("<|endoftext|>")
        >>> lm.encode([["cat", "cats"]]).word_ids.tolist()
        [[-1, 0, 0, 1, 1]]
        """
        tokenizer = copy.deepcopy(self.tokenizer)
        number = tokenizer.get_vocab().get(token)
        if number is None:
            raise ValueError(
                f"{self.name} does not know the token {token!r}: take one of {tokenizer.all_special_tokens}"
            )
        if self._words.begins:
            first, *_ = self._words.pieces(self.encode([["a"]]).input_ids[0].tolist())
            raise ValueError(
                f"the tokenizer of {self.name} begins texts with a special token already: it writes {first!r} there, "
                f"so leave {token!r} out"
            )
        backend = tokenizer.backend_tokenizer
        before = processors.TemplateProcessing(
            single=f"{token} $A", pair=f"{token} $A $B", special_tokens=[(token, number)]
        )
        own = [] if backend.post_processor is None else [backend.post_processor]
        backend.post_processor = processors.Sequence([*own, before])
        return type(self)(self.model, tokenizer, self.name, self.has_head).pooled(self.pooling)

    def read(self, encoded: Encoded, sites: Sequence[Site | int]) -> Mapping[Site, Tensor]:
        """States of several sites from one pass: site -> Tensor [b, t, n_units].

        Raises
        ------
        ValueError
            The model has no such site, or a sentence is padded on the left.
        """
        _check_padding(encoded)
        return super().read(encoded, sites)

    def resume(self, encoded: Encoded, site: Site | int, states: Tensor) -> Tensor:
        """Run what comes after a site on ``states``; see :meth:`.transformer.TransformerLM.resume`.

        Raises
        ------
        ValueError
            The model has no such site, the shape is wrong, or a sentence is padded on the left.
        UnsupportedModelError
            The model can be probed, but not resumed.
        """
        _check_padding(encoded)
        return super().resume(encoded, site, states)

    # ---------------------------------------------------------------- checks at loading

    def _check_config(self) -> None:
        if getattr(self.model.config, "is_encoder_decoder", False):
            raise UnsupportedModelError(
                f"{self._what}: config.is_encoder_decoder is true, so it does not continue the text that it reads"
            )

    def _check_reading(self, trial: Trial) -> None:
        trial.check_reading()
        trial.check_order()

    def _also_decides(self, pooling: Pooling) -> Sequence[object]:
        return (*super()._also_decides(pooling), "running text")


def _check_padding(encoded: Encoded) -> None:
    """Refuse padding before a subword: positions are counted from the left, so it would move all that follow."""
    mask = encoded.attention_mask
    left = (mask[:, 1:] > mask[:, :-1]).any(1).nonzero().flatten().tolist()
    if left:
        raise ValueError(
            f"sentence {left[0]} of the batch has padding before its subwords: a causal model counts positions from "
            "the left, so pad on the right, as encode() does"
        )
