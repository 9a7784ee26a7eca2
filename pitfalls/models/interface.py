"""What worlds, word vectors and interventions ask of any language model.

:class:`~pitfalls.models.transformer.TransformerLM` provides it with transformers' models, masked and causal, and
:class:`~pitfalls.worlds.planted.PlantedLM` with a network written by hand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pitfalls.models.blanks import Blank, Filling
from pitfalls.site import Site

Pooling = Literal["mean", "last"]
"""What a word's vector is: the mean over its subwords' states, or the state of its last one."""

#: What a model says of units that are computed from its states, by the kind of their site, if it was given none.
NOT_GIVEN: Mapping[str, str] = {
    "sae": "no sparse autoencoder; train or read one, and give it to the world with world.with_sae(…)",
    "rotated": "no rotated basis; take world.rotated(seed)",
}


class TooLongError(ValueError):
    """A sentence has more subwords than the model has positions.

    Attributes
    ----------
    index : int
        Index of the sentence among those given.
    length, limit : int
        Its number of subwords with special tokens, and the model's ``max_tokens``.
    """

    def __init__(self, index: int, length: int, limit: int) -> None:
        super().__init__(
            f"sentence {index} has {length} subwords with its special tokens, and the model takes {limit}: "
            "leave it out (the model's lengths() gives all) or split it"
        )
        self.index, self.length, self.limit = index, length, limit


def check_lengths(lengths: Sequence[int], limit: int) -> None:
    """Raise :class:`TooLongError` for the first of ``lengths`` (in subwords) above ``limit``."""
    for index, length in enumerate(lengths):
        if length > limit:
            raise TooLongError(index, length, limit)


@dataclass(frozen=True, eq=False)
class Encoded:
    """A batch of tokenised sentences: ``b`` sentences, padded on the right to ``t`` subwords.

    Attributes
    ----------
    input_ids : int64 [b, t]
    attention_mask : int64 [b, t]
        1 at real tokens, 0 at padding.
    word_ids : int64 [b, t]
        Index of the subword's word in its sentence; -1 at special tokens and padding.
    """

    input_ids: Tensor
    attention_mask: Tensor
    word_ids: Tensor

    @classmethod
    def padded(cls, sentences: Sequence[tuple[Sequence[int], Sequence[int]]], pad_id: int) -> Encoded:
        """A batch, on the CPU, of tokenised sentences: the ids of each, and the word of each subword."""
        shape = (len(sentences), max(len(ids) for ids, _ in sentences))
        input_ids = torch.full(shape, pad_id, dtype=torch.int64)
        attention_mask = torch.zeros(shape, dtype=torch.int64)
        word_ids = torch.full(shape, -1, dtype=torch.int64)
        for row, (ids, words) in enumerate(sentences):
            input_ids[row, : len(ids)] = torch.tensor(ids)
            attention_mask[row, : len(ids)] = 1
            word_ids[row, : len(ids)] = torch.tensor(words)
        return cls(input_ids, attention_mask, word_ids)

    def rows(self, rows: slice | Tensor, length: int | None = None) -> Encoded:
        """Some of the sentences, cut to ``length`` subwords."""
        parts = (self.input_ids, self.attention_mask, self.word_ids)
        return Encoded(*(part[rows, :length] for part in parts))

    def to(self, device: torch.device) -> Encoded:
        """The same batch on a device."""
        return Encoded(self.input_ids.to(device), self.attention_mask.to(device), self.word_ids.to(device))


def checked_pooling(pooling: str) -> Pooling:
    """The pooling of this name.

    Raises
    ------
    ValueError
        There is no pooling of this name.
    """
    for known in get_args(Pooling):
        if pooling == known:
            found: Pooling = known
            return found
    raise ValueError(f'a word\'s vector is the "mean" over its subwords or that of its "last" one, not {pooling!r}')


def vector_slots(encoded: Encoded, pooling: Pooling) -> Tensor:
    """The subwords whose states make the vectors of words, bool [b, t]: all of each word's, or its last one.

    Examples
    --------
    >>> words = torch.tensor([[-1, 0, 0, 1, -1]])
    >>> vector_slots(Encoded(words, words, words), "last").tolist()
    [[False, False, True, True, False]]
    """
    words = encoded.word_ids
    inside = words >= 0
    if pooling == "mean":
        return inside
    following = torch.nn.functional.pad(words[:, 1:], (0, 1), value=-1)
    return inside & (following != words)


class LanguageModel(Protocol):
    """A language model that can be read at a site, and resumed from one with changed states.

    Layers are numbered as in transformers' ``hidden_states``: 0 is the output of the embeddings and ``n_layers`` what
    the head reads. Where a method takes a site, a whole number stands for the residual stream at that layer. Shapes:
    ``b`` sentences, ``t`` subwords, ``d`` units.
    """

    @property
    def name(self) -> str:
        """The model's name, for reports."""
        ...

    @property
    def n_layers(self) -> int:
        """Number of layers L; hidden states are numbered 0 (embeddings) to L."""
        ...

    @property
    def n_neurons(self) -> int:
        """Number of neurons d of a hidden state."""
        ...

    @property
    def dtype(self) -> torch.dtype:
        """The precision of the hidden states."""
        ...

    @property
    def device(self) -> torch.device:
        """The device that it computes on."""
        ...

    @property
    def pooling(self) -> Pooling:
        """What a word's vector is."""
        ...

    @property
    def causal(self) -> bool:
        """Whether it reads from left to right, so that a word is predicted before it is read."""
        ...

    @property
    def max_tokens(self) -> int:
        """Longest sentence in subwords, special tokens included."""
        ...

    @property
    def unknown_id(self) -> int:
        """Id of the token that stands for whatever the tokenizer does not know."""
        ...

    def fingerprint(self) -> str:
        """SHA-256 over everything that decides what the vectors are."""
        ...

    def states_fingerprint(self) -> str:
        """SHA-256 over everything that decides what the states are, whatever vectors are made of them."""
        ...

    def encode(self, sentences: Sequence[Sequence[str]]) -> Encoded:
        """Tokenise sentences of words into one batch; every word has at least one subword."""
        ...

    def lengths(self, sentences: Sequence[Sequence[str]]) -> list[int]:
        """Count the subwords of each sentence, special tokens included; no limit applies."""
        ...

    def n_units(self, site: Site | int) -> int:
        """Number of units d of a site; raises ValueError where the model has no such site."""
        ...

    def hidden(self, encoded: Encoded, site: Site | int) -> Tensor:
        """States of one site, [b, t, d]; a copy that may be changed in place."""
        ...

    def read(self, encoded: Encoded, sites: Sequence[Site | int]) -> Mapping[Site, Tensor]:
        """States of several sites from one pass: site -> Tensor [b, t, d]."""
        ...

    def resume(self, encoded: Encoded, site: Site | int, states: Tensor) -> Tensor:
        """Run what comes after a site on ``states`` [b, t, d]; unchanged ones give the full forward pass."""
        ...

    def head(self, final_states: Tensor) -> Tensor:
        """Logits of selected final hidden states: [n, d] -> [n, vocabulary]."""
        ...

    def predict(self, final_states: Tensor, positions: Tensor) -> Tensor:
        """Most probable token at the chosen positions (bool [b, t]), in row order."""
        ...

    def fillings(self, blanks: Sequence[Blank]) -> list[Filling]:
        """What to read to say how likely each form is in its blank; raises ValueError where the model cannot say."""
        ...

    @property
    def end_ids(self) -> NDArray[np.int64]:
        """Ids of the tokens that do not continue the word before them."""
        ...

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """Token ids as the vocabulary writes them."""
        ...

    def join(self, pieces: Sequence[int], like: Sequence[int] | None = None, form: str | None = None) -> str | None:
        """Join the subwords at the slots of one word, ``form``, into a word; None when they are not exactly one."""
        ...
