"""A model's own forward pass in parts: into its first layer, through some layers, and into its head."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from pitfalls.extras import extra
from pitfalls.models.checkpoint import UnsupportedModelError
from pitfalls.models.interface import Encoded
from pitfalls.models.vocabulary import best_tokens

with extra("models"):
    from transformers import PreTrainedModel

# Positions whose logits are held at once: 512 x 250,002 (XLM-R's vocabulary) x 4 bytes is half a gigabyte.
_LOGITS_AT_ONCE = 512
SUPPORTED = "layouts like BERT's and RoBERTa's (XLM-R's) are supported"

# Hooks sit on the model, which threads may share, so only one thread at a time may have one installed.
_HOOKS = threading.Lock()


class MissingHeadError(ValueError):
    """Logits were requested from an encoder whose checkpoint has no language-model head."""


class _EmbeddingsReachedError(Exception):
    """Stops a forward pass at the first layer; never leaves this module."""


@dataclass
class Call:
    """How a model calls its first layer: with the states, and with arguments that are the same for every layer."""

    states: Tensor
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]


@contextmanager
def _first_call(layer: nn.Module) -> Iterator[Call]:
    """Stop the forward pass in the ``with`` block when it calls ``layer``, and note the call; then remove the hook."""
    call = Call(torch.empty(0), (), {})

    def note(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        call.states, call.args, call.kwargs = args[0], args[1:], kwargs
        raise _EmbeddingsReachedError

    with _HOOKS:
        handle = layer.register_forward_pre_hook(note, with_kwargs=True)
        try:
            yield call
        except _EmbeddingsReachedError:
            pass
        finally:
            handle.remove()


class Layers:
    """The layers of an encoder, run one by one as its own forward pass runs them.

    Raises
    ------
    UnsupportedModelError
        When no list of its layers is found.
    """

    def __init__(self, model: PreTrainedModel, what: str) -> None:
        self._encoder: nn.Module = model.base_model
        self._layers = self._found(model.config.num_hidden_layers, what)

    def __len__(self) -> int:
        return len(self._layers)

    def enter(self, encoded: Encoded) -> tuple[Tensor, Call]:
        """Embed a batch, and note how the model calls its first layer: above all, the attention mask."""
        with _first_call(self._layers[0]) as call:
            self._encoder(input_ids=encoded.input_ids, attention_mask=encoded.attention_mask)
        return call.states, call

    def run(self, states: Tensor, call: Call, start: int, stop: int) -> Tensor:
        """Run the layers from ``start`` up to ``stop`` on states [b, t, d]."""
        for layer in self._layers[start:stop]:
            out = layer(states, *call.args, **call.kwargs)
            # transformers 5 returns a tensor; older layers a tuple that begins with it.
            states = out if isinstance(out, Tensor) else out[0]
        return states

    def whole(self, encoded: Encoded) -> Tensor:
        """The encoder's last hidden states by its own forward pass, [b, t, d]."""
        states: Tensor = self._encoder(
            input_ids=encoded.input_ids, attention_mask=encoded.attention_mask
        ).last_hidden_state
        return states

    def _found(self, n_layers: int, what: str) -> nn.ModuleList:
        for module in self._encoder.modules():
            if isinstance(module, nn.ModuleList) and len(module) == n_layers:
                return module
        raise UnsupportedModelError(f"{what}: no list of its {n_layers} layers was found; {SUPPORTED}")


class Head:
    """A language-model head, and the vocabulary matrix that it ends with.

    Raises
    ------
    UnsupportedModelError
        When the model does not have exactly one head beside its encoder.
    """

    def __init__(self, model: PreTrainedModel, what: str) -> None:
        heads = [module for module in model.children() if module is not model.base_model]
        if len(heads) != 1:
            raise UnsupportedModelError(
                f"{what}: expected one head beside the encoder, found {len(heads)}; {SUPPORTED}"
            )
        (self._head,) = heads
        self.decoder = self._found_decoder(model)

    def logits(self, states: Tensor) -> Tensor:
        """[n, d] -> [n, vocabulary]."""
        with torch.inference_mode():
            logits: Tensor = self._head(states)
            return logits

    def best(self, states: Tensor) -> Tensor:
        """The most probable token of each of ``states`` [n, d], int64 [n]."""
        if not len(states):
            return torch.empty(0, dtype=torch.int64, device=states.device)
        return torch.cat([self._best(part) for part in states.split(_LOGITS_AT_ONCE)])

    def _best(self, states: Tensor) -> Tensor:
        if self.decoder is None:
            return self.logits(states).argmax(-1)
        return best_tokens(self._head, self.decoder, states)

    def _found_decoder(self, model: PreTrainedModel) -> nn.Linear | None:
        """The vocabulary matrix if its output is the logits; None if the head does more to them."""
        decoder = model.get_output_embeddings()
        if not isinstance(decoder, nn.Linear):
            return None
        width = model.config.hidden_size
        trial = torch.linspace(-1, 1, 4 * width, device=model.device, dtype=model.dtype).sin().view(4, width)
        given: list[Tensor] = []
        handle = decoder.register_forward_hook(lambda _, args, out: given.append(out))
        try:
            logits = self.logits(trial)
        finally:
            handle.remove()
        return decoder if len(given) == 1 and torch.equal(given[0], logits) else None
