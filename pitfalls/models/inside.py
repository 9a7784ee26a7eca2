"""Inside a block: its neurons, and its heads' outputs before they are mixed, found by what its linear maps read.

A block writes into the residual stream twice, by a linear map each time: of the heads' outputs, and of its neurons
after their non-linearity. Queries, keys and values read one vector together, and so do a gate and what it gates; these
two maps each read theirs alone, and give the stream's width. No names of modules are needed for that.
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
    """Modules of blocks, and what answers for them: of the block's call, the module, its own forward and arguments."""

    modules: Collection[nn.Module]
    answer: Callable[[int, nn.Module, Callable[..., Any], Sequence[Any]], Any]

    def parts(self, _: Collection[nn.Module]) -> Collection[nn.Module]:
        """The modules of these blocks that are meant."""
        return self.modules


@dataclass
class _Read:
    """A vector that linear maps of one block read, which they are, and the width that they give."""

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
    """

    shape: Sequence[int]
    width: int
    reads: dict[int, list[_Read]] = field(default_factory=dict)

    def parts(self, blocks: Collection[nn.Module]) -> Collection[nn.Module]:
        """The linear maps of these blocks (GPT-2 has its own kind)."""
        return [part for block in blocks for part in block.modules() if isinstance(part, (nn.Linear, Conv1D))]

    def answer(self, call: int, module: nn.Module, own: Callable[..., Any], args: Sequence[Any]) -> Any:
        """Note what a linear map reads."""
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

    def found(self, n_calls: int) -> dict[str, list[nn.Module]]:
        """The maps that read heads and neurons, one per call of a block; nothing if a block is not made like that."""
        heads, neurons = [], []
        for call in range(n_calls):
            alone = [r for r in self.reads.get(call, []) if len(r.modules) == 1 and r.width == self.width]
            # As many neurons as the stream is wide: then what gives them looks the same.
            if len(alone) == 3 and alone[2].states.shape[-1] == self.width:
                alone = [alone[0], alone[2]]
            if len(alone) != 2:
                return {}
            heads.append(alone[0].modules[0])
            neurons.append(alone[1].modules[0])
        return {"heads": heads, "mlp": neurons}
