"""Whole forward passes in which the states of some subwords are changed: in plain transformers, and in nnsight.

Both take transformers' own model and token ids, and none of the package's code; the head gives the logits of every
slot, as its model's forward pass does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from pitfalls.arrays.splits import Activations
from pitfalls.extras import extra
from pitfalls.site import Site

#: What to say where nnsight's rows are missing.
NO_NNSIGHT = "nnsight is not installed, so nothing is compared with it: pip install 'pitfalls[bench]'"


@dataclass(frozen=True)
class Batch:
    """Texts of one pass.

    Attributes
    ----------
    ids:
        The token ids of each text, without padding.
    changed, read:
        Where states are changed and logits are read: rows and columns, int64 [2, n] each.
    offsets:
        What is added to the states that are changed, [n, d].
    """

    ids: Sequence[Sequence[int]]
    changed: Tensor
    read: Tensor
    offsets: Tensor


class Passes(Protocol):
    """One way to run whole passes.

    Attributes
    ----------
    name:
        What tables call it.
    """

    name: str

    def logits(self, batch: Batch) -> Tensor:
        """The logits where they are read, [n, vocabulary]."""
        ...


def has_nnsight() -> bool:
    """Whether nnsight is installed."""
    return find_spec("nnsight") is not None


class Hooked:
    """The plain model with a hook on one module.

    Parameters
    ----------
    model:
        transformers' own; of BERT's or Llama's layout.
    site:
        Where states are changed: a block's output, or the input of its map that reads neurons or heads.
    """

    name = "a hook"
    #: In which passes are run.
    mode: Callable[[], Any] = torch.inference_mode

    def __init__(self, model: Any, site: Site) -> None:
        self.model, self.site = model, site
        self.module = changed_module(model, site)

    def logits(self, batch: Batch) -> Tensor:
        """Pad on the right, and run everything."""
        return self.changed(batch, lambda states: states + batch.offsets)

    def changed(self, batch: Batch, of: Callable[[Tensor], Tensor]) -> Tensor:
        """The same with another change of the states [n, d]; the offsets of the batch do not matter."""
        device = self.model.device
        length = max(map(len, batch.ids))
        ids, mask = (torch.zeros(len(batch.ids), length, dtype=torch.int64) for _ in range(2))
        for row, own in enumerate(batch.ids):
            ids[row, : len(own)], mask[row, : len(own)] = torch.tensor(own), 1

        def change(states: Tensor) -> Tensor:
            states[batch.changed[0], batch.changed[1]] = of(states[batch.changed[0], batch.changed[1]])
            return states

        if self.site.kind == "residual":
            handle = self.module.register_forward_hook(lambda _, __, states: change(states))
        else:
            handle = self.module.register_forward_pre_hook(lambda _, args: (change(args[0]), *args[1:]))
        with type(self).mode():
            logits: Tensor = self.model(input_ids=ids.to(device), attention_mask=mask.to(device)).logits
        handle.remove()
        return logits[batch.read[0], batch.read[1]]


class Traced:
    """nnsight as its documentation uses it: one trace per batch, which changes states in place and saves logits.

    Only the logits that are read are saved, and no gradients are kept.

    Parameters
    ----------
    model, tokenizer, site:
        As for :class:`Hooked`, but only a block's output is changed.
    """

    name = "nnsight"

    def __init__(self, model: Any, tokenizer: Any, site: Site) -> None:
        with extra("bench"):
            from nnsight import TransformersModel
        # Causal models are padded on the left, and their positions counted from the first real subword.
        self.left = model.config.model_type != "bert"
        self.model = TransformersModel(
            model, tokenizer=tokenizer, task="text-generation" if self.left else "fill-mask", dispatch=True
        )
        self.block = block_of(self.model, site.layer)

    def logits(self, batch: Batch) -> Tensor:
        """One trace."""
        changed, read = self._at(batch, batch.changed), self._at(batch, batch.read)
        block, model, ids, offsets = self.block, self.model, [list(own) for own in batch.ids], batch.offsets
        with torch.no_grad(), model.trace(ids):
            block.output[changed[0], changed[1]] += offsets
            logits = model.output.logits[read[0], read[1]].save()
        return logits

    def _at(self, batch: Batch, places: Tensor) -> Tensor:
        """Rows and columns in the batch as nnsight pads it."""
        if not self.left:
            return places
        lengths = torch.tensor([len(own) for own in batch.ids], device=places.device)
        rows, columns = places
        return torch.stack([rows, columns + lengths.max() - lengths[rows]])


def block_of(model: Any, layer: int) -> Any:
    """The block that gives a layer."""
    blocks = model.bert.encoder.layer if model.config.model_type == "bert" else model.model.layers
    return blocks[layer - 1]


def changed_module(model: Any, site: Site) -> nn.Module:
    """The block that gives a site's layer; or the linear map in it that reads its neurons, or its heads."""
    block: Any = block_of(model, site.layer)
    if site.kind == "residual":
        return block
    if model.config.model_type == "bert":
        return {"mlp": block.output.dense, "heads": block.attention.output.dense}[site.kind]
    return {"mlp": block.mlp.down_proj, "heads": block.self_attn.o_proj}[site.kind]


def translation(part: Activations, order: np.ndarray, beta: float, k: int) -> Tensor:
    """What translating the first ``k`` neurons to the next value adds to words of each value, [n_values, d]."""
    X, y, d = part.X.astype(float), part.y, len(order)
    mean = np.stack([X[y == value].mean(0) for value in range(len(part.values))])
    offset = np.zeros_like(mean)
    for rank, neuron in enumerate(order[:k]):
        alpha = beta * (1 / (1000 * beta)) ** (rank / (d - 1))
        offset[:, neuron] = alpha * (np.roll(mean[:, neuron], -1) - mean[:, neuron])
    return torch.tensor(offset, dtype=torch.float32)
