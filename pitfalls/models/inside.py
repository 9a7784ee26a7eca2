"""Inside a block: its neurons, and its heads' outputs before they are mixed, found by what its linear maps read.

A block writes into the residual stream through two linear maps: one reads the heads' outputs, the other the neurons
after their non-linearity. Queries, keys and values share their input, and so do a gate and what it gates; these two
maps share theirs with no other, and their output is as wide as the stream. So no module names are needed. If a map is
not at the same place in all blocks (some blocks of a hybrid convolve where others attend), or experts have neurons of
their own, the model has no such site.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from pitfalls.extras import extra

with extra("models"):
    from transformers.pytorch_utils import Conv1D


@dataclass(frozen=True)
class Inside:
    """Modules of blocks, and ``answer(number of the block's call, module, its own forward, arguments)`` for them."""

    modules: Collection[nn.Module]
    answer: Callable[[int, nn.Module, Callable[..., Any], Sequence[Any]], Any]

    def parts(self, _: Collection[nn.Module]) -> Collection[nn.Module]:
        """The modules to answer for."""
        return self.modules


@dataclass
class _Read:
    """A vector that linear maps of one block read, those maps, and the width of their output."""

    states: Tensor
    modules: list[nn.Module]
    width: int


@dataclass
class Tracer:
    """What the linear maps of each block read when a batch runs through it.

    Attributes
    ----------
    shape:
        [b, t] of the batch.
    width:
        Of the residual stream.
    reads, first:
        By the number of a block's call: what was read, and the linear map that ran first, whatever it read.
    """

    shape: Sequence[int]
    width: int
    reads: dict[int, list[_Read]] = field(default_factory=dict)
    first: dict[int, nn.Module] = field(default_factory=dict)

    def parts(self, blocks: Collection[nn.Module]) -> Collection[nn.Module]:
        """The linear maps of these blocks (GPT-2 has its own kind)."""
        return [part for block in blocks for part in block.modules() if isinstance(part, (nn.Linear, Conv1D))]

    def answer(self, call: int, module: nn.Module, own: Callable[..., Any], args: Sequence[Any]) -> Any:
        """Note what a linear map reads."""
        self.first.setdefault(call, module)
        out, given = own(*args), args[0]
        # DeBERTa's also read its table of positions.
        if given.dim() == 3 and given.shape[0] == self.shape[0] and given.shape[1] >= self.shape[1]:
            reads = self.reads.setdefault(call, [])
            for read in reads:
                if read.states.shape == given.shape and torch.equal(read.states, given):
                    read.modules.append(module)
                    return out
            reads.append(_Read(given.clone(), [module], out.shape[-1]))
        return out

    def found(self, blocks: Sequence[nn.Module]) -> dict[str, list[nn.Module]]:
        """The maps that read heads and neurons, one per block; kinds of units that some block lacks are left out."""
        heads, neurons = [], []
        for call in range(len(blocks)):
            alone = [r for r in self.reads.get(call, []) if len(r.modules) == 1 and r.width == self.width]
            # With as many neurons as the stream is wide, the map that gives them looks the same.
            if len(alone) == 3 and alone[2].states.shape[-1] == self.width:
                alone = [alone[0], alone[2]]
            # The map that runs first reads no heads, which others make: FNet has none.
            if len(alone) != 2 or alone[0].modules[0] is self.first[call]:
                return {}
            heads.append(alone[0].modules[0])
            neurons.append(alone[1].modules[0])
        return {
            kind: maps
            for kind, maps in {"heads": heads, "mlp": neurons}.items()
            if _at_one_place(blocks, maps) and not (kind == "mlp" and any(map(_has_experts, blocks)))
        }


def _at_one_place(blocks: Sequence[nn.Module], maps: Sequence[nn.Module]) -> bool:
    """Whether all blocks call their map by the same name."""
    names = {
        next(name for name, module in block.named_modules() if module is found)
        for block, found in zip(blocks, maps, strict=True)
    }
    return len(names) == 1


def _has_experts(block: nn.Module) -> bool:
    """Whether a block stacks several matrices in one tensor, as routed experts do."""
    # A convolution's weights have three dimensions, too.
    parts = (part for part in block.modules() if not isinstance(part, nn.modules.conv._ConvNd))
    return any(weight.dim() == 3 for part in parts for weight in part.parameters(recurse=False))
