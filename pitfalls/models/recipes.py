"""Recipes of the mini models: what decides their weights, the model before training, and what it is trained to do.

The masked model fills in subwords that were hidden; the causal one predicts each subword from those before it. Both
use the same training loop (:mod:`.pretrain`), and the weights follow from the recipe alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from pitfalls.extras import extra
from pitfalls.language.grammar.core import Form
from pitfalls.models.tokenizer import build_tokenizer, build_unigram_tokenizer

with extra("models"):
    from transformers import (
        BertConfig,
        BertForMaskedLM,
        LlamaConfig,
        LlamaForCausalLM,
        PreTrainedModel,
        PreTrainedTokenizerBase,
        XLMRobertaConfig,
        XLMRobertaForMaskedLM,
    )

IGNORED = -100
"""The label of a position that the loss leaves out (the convention of transformers)."""


@dataclass(frozen=True)
class Recipe(ABC):
    """Everything that decides the weights: text, shape, steps and seed, and by its class the objective."""

    languages: tuple[str, ...] = ("eng", "spa", "rus", "tur")
    sentences: int = 150_000
    """Fresh sentences per language."""
    hidden_size: int = 128
    layers: int = 4
    heads: int = 4
    max_tokens: int = 64
    dropout: float = 0.0
    steps: int = 20_000
    batch_size: int = 128
    learning_rate: float = 2e-3
    warmup_steps: int = 500
    weight_decay: float = 0.01
    seed: int = 2022
    text_seed: int = 7_000_000
    """Far from the seeds of train, dev and test; sentences of dev and test are left out as well."""

    def tokenizer(self, forms: Iterable[Form]) -> PreTrainedTokenizerBase:
        """The tokenizer over the paradigms of all languages."""
        return build_tokenizer(forms, self.max_tokens)

    @abstractmethod
    def model(self, tokenizer: PreTrainedTokenizerBase) -> Any:
        """A model of transformers, untrained; its weights follow from torch's seed."""

    @abstractmethod
    def loss(
        self, model: Any, ids: torch.Tensor, tokenizer: PreTrainedTokenizerBase, draw: torch.Generator
    ) -> torch.Tensor:
        """The mean cross-entropy in nats of what the model predicts in a batch.

        Parameters
        ----------
        ids : int Tensor [b, t]
            Whole sentences with their special tokens, padded on the right.
        draw
            What is random about the batch.
        """


@dataclass(frozen=True)
class MaskedRecipe(Recipe):
    """A BERT that fills in hidden subwords (Devlin et al. 2019)."""

    mask_probability: float = 0.2

    def model(self, tokenizer: PreTrainedTokenizerBase) -> PreTrainedModel:
        """Transformers' own BERT for masked language modelling, untrained."""
        return BertForMaskedLM(BertConfig(**self._sizes(tokenizer), max_position_embeddings=self.max_tokens))

    def _sizes(self, tokenizer: PreTrainedTokenizerBase) -> dict[str, Any]:
        """What the configurations of both layouts share."""
        return {
            "vocab_size": len(tokenizer),
            "hidden_size": self.hidden_size,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "intermediate_size": 4 * self.hidden_size,
            "type_vocab_size": 1,
            "hidden_dropout_prob": self.dropout,
            "attention_probs_dropout_prob": self.dropout,
            "pad_token_id": tokenizer.pad_token_id,
        }

    def loss(
        self, model: Any, ids: torch.Tensor, tokenizer: PreTrainedTokenizerBase, draw: torch.Generator
    ) -> torch.Tensor:
        """Over the subwords that were drawn by :func:`mask`."""
        inputs, labels = mask(ids, tokenizer, self.mask_probability, draw)
        attended = (inputs != tokenizer.pad_token_id).long()
        hidden = model.base_model(input_ids=inputs, attention_mask=attended).last_hidden_state
        return _cross_entropy(hidden, labels, self.head(model))

    def head(self, model: Any) -> torch.nn.Module:
        """What makes logits of the last states."""
        return model.cls


@dataclass(frozen=True)
class XlmrRecipe(MaskedRecipe):
    """The masked model with XLM-R's layout and a Unigram vocabulary (Conneau et al. 2020)."""

    def tokenizer(self, forms: Iterable[Form]) -> PreTrainedTokenizerBase:
        """Transformers' own XLM-R tokenizer."""
        return build_unigram_tokenizer(forms, self.max_tokens)

    def model(self, tokenizer: PreTrainedTokenizerBase) -> PreTrainedModel:
        """Transformers' own XLM-R for masked language modelling, untrained."""
        return XLMRobertaForMaskedLM(
            XLMRobertaConfig(
                **self._sizes(tokenizer),
                # Positions count on from the padding's id.
                max_position_embeddings=self.max_tokens + tokenizer.pad_token_id + 1,
                layer_norm_eps=1e-5,
                bos_token_id=tokenizer.cls_token_id,
                eos_token_id=tokenizer.sep_token_id,
            )
        )

    def head(self, model: Any) -> torch.nn.Module:
        """What makes logits of the last states."""
        return model.lm_head


@dataclass(frozen=True)
class CausalRecipe(Recipe):
    """A Llama that predicts each subword, and the end of the sentence, from what stands before it.

    The layout is that of SmolLM2 and of most causal models of its years: pre-norm, rotary positions, a gated MLP, and
    tied embeddings. Because it predicts every subword, and not one in five, it needs less text, fewer steps and smaller
    batches than the masked model.
    """

    sentences: int = 75_000
    steps: int = 7_000
    batch_size: int = 64
    learning_rate: float = 3e-3
    warmup_steps: int = 300
    intermediate_size: int = 344

    def model(self, tokenizer: PreTrainedTokenizerBase) -> LlamaForCausalLM:
        """Transformers' own Llama, untrained."""
        return LlamaForCausalLM(
            LlamaConfig(
                vocab_size=len(tokenizer),
                hidden_size=self.hidden_size,
                num_hidden_layers=self.layers,
                num_attention_heads=self.heads,
                intermediate_size=self.intermediate_size,
                max_position_embeddings=self.max_tokens,
                attention_dropout=self.dropout,
                tie_word_embeddings=True,
                pad_token_id=tokenizer.pad_token_id,
                bos_token_id=tokenizer.cls_token_id,
                eos_token_id=tokenizer.sep_token_id,
            )
        )

    def loss(
        self, model: LlamaForCausalLM, ids: torch.Tensor, tokenizer: PreTrainedTokenizerBase, draw: torch.Generator
    ) -> torch.Tensor:
        """Over all subwords but the first token of each sentence; nothing is drawn.

        No mask is needed for the padding: it stands on the right, so no subword attends to it.
        """
        inputs, labels = ids[:, :-1], ids[:, 1:]
        labels = torch.where(labels == tokenizer.pad_token_id, torch.tensor(IGNORED), labels)
        return _cross_entropy(model.model(input_ids=inputs).last_hidden_state, labels, model.lm_head)


RECIPES: Mapping[str, Recipe] = {
    "bert": MaskedRecipe(),
    "bert-2": MaskedRecipe(seed=2023),
    "bert-3": MaskedRecipe(seed=2024),
    "xlmr": XlmrRecipe(),
    "causal": CausalRecipe(),
}
"""The recipes of the mini models, by the model's name."""


def mask(
    ids: torch.Tensor, tokenizer: PreTrainedTokenizerBase, probability: float, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """BERT's corruption: (input ids, labels), both [b, t]; labels are -100 where nothing is predicted.

    Of the positions drawn, 80 % become ``[MASK]``, 10 % a random subword and 10 % stay (Devlin et al. 2019).
    """
    special = torch.tensor(sorted(tokenizer.all_special_ids))
    ordinary = torch.tensor(sorted(set(range(len(tokenizer))) - set(tokenizer.all_special_ids)))
    drawn = (torch.rand(ids.shape, generator=generator) < probability) & ~torch.isin(ids, special)
    labels = torch.where(drawn, ids, torch.tensor(IGNORED))
    kind = torch.rand(ids.shape, generator=generator)
    others = ordinary[torch.randint(len(ordinary), ids.shape, generator=generator)]
    masked = torch.where(drawn & (kind < 0.8), torch.tensor(tokenizer.mask_token_id), ids)
    return torch.where(drawn & (kind >= 0.9), others, masked), labels


def _cross_entropy(hidden: torch.Tensor, labels: torch.Tensor, head: torch.nn.Module) -> torch.Tensor:
    """Mean cross-entropy in nats over the labelled positions; logits are computed for those alone."""
    asked = labels != IGNORED
    if not asked.any():
        return hidden.sum() * 0.0
    return torch.nn.functional.cross_entropy(head(hidden[asked]), labels[asked])
