"""Trying a model out when it is loaded: whether it may be probed, and intervened on.

The oracle is the plain model, with a hook on a block where states are changed. Without the trial, a model of an unknown
layout could silently give wrong numbers.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, count
from typing import Any

import torch
from torch import Tensor, nn

from pitfalls.extras import extra
from pitfalls.models.checkpoint import UnsupportedModelError, in_short
from pitfalls.models.forward import Blocks, Head, encoder_of
from pitfalls.models.interface import Encoded
from pitfalls.site import Site

with extra("models"):
    from transformers import PreTrainedConfig, PreTrainedModel

# Subwords of the texts that are tried: a few, and in a model with local attention more than one window.
_SHORT, _BEYOND = 8, 16
# A window longer than this is not tried: loading would take minutes, and sentences are not as long as that.
_LONGEST = 768
# Settings that bound how far a subword sees, or how texts are cut: local_attention, attention_window, block_size, ...
_WINDOWS = re.compile(r"window|local|block_size|chunk_length|landmark")
# Rotary tables of this kind are chosen by the length of the whole batch, padding included.
_OF_THE_BATCH = "longrope"
# The largest difference allowed, relative to the states' norm: rounding gives less, a wrong mask or argument far more.
_TOLERANCES = {torch.float64: 1e-6, torch.float32: 1e-3}
_COARSE = 0.1


@dataclass(frozen=True)
class Texts:
    """Two texts padded to one batch, the second half as long as the first, and the second one alone."""

    both: Encoded
    alone: Encoded

    @property
    def of_one_length(self) -> Encoded:
        """The beginning of the first text, and the second, which needs no padding."""
        rows = self.both.input_ids[:, : self.alone.input_ids.shape[1]]
        return Encoded(rows, torch.ones_like(rows), torch.full_like(rows, -1))

    def to(self, device: torch.device) -> Texts:
        """The same on a device."""
        return Texts(self.both.to(device), self.alone.to(device))


def texts(ids: Sequence[int], pad: int, config: PreTrainedConfig, limit: int) -> Iterator[Texts]:
    """Short texts of these token ids, then long ones where the model has windows; on the CPU.

    >>> import transformers
    >>> [two.both.attention_mask.sum(1).tolist() for two in texts([5, 6, 7], 0, transformers.BertConfig(), 512)]
    [[8, 4]]
    >>> windows = transformers.ModernBertConfig(local_attention=128)
    >>> [two.both.attention_mask.sum(1).tolist() for two in texts([5, 6, 7], 0, windows, 8192)]
    [[8, 4], [144, 72]]
    """
    window = max([n for n in _windows(config.to_dict()) if n <= _LONGEST], default=0)
    lengths = [_SHORT, window + _BEYOND] if window else [_SHORT]
    for length in dict.fromkeys(min(length, limit) for length in lengths):
        half = max(1, length // 2)
        rows = [torch.tensor([ids[(start + i) % len(ids)] for i in range(length)]) for start in (0, len(ids) // 2)]
        input_ids, mask = torch.stack(rows), torch.ones(2, length, dtype=torch.int64)
        input_ids[1, half:], mask[1, half:] = pad, 0
        both = Encoded(input_ids, mask, torch.full_like(mask, -1))
        yield Texts(both, both.rows(slice(1, 2), half))


def _windows(config: Mapping[str, Any]) -> Iterator[int]:
    for key, value in config.items():
        if isinstance(value, dict):
            yield from _windows(value)
        elif _WINDOWS.search(str(key)):
            yield from (n for n in (value if isinstance(value, list) else [value]) if type(n) is int)


@contextmanager
def running(model: PreTrainedModel, what: str) -> Iterator[None]:
    """Turn whatever a model's own code raises in the ``with`` block into an UnsupportedModelError of one sentence."""
    try:
        yield
    except (UnsupportedModelError, MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:
        # torch names the operation, and not what to do ("..." not implemented for 'Half').
        if model.dtype != torch.float32 and "not implemented for" in str(error):
            raise UnsupportedModelError(
                f"{what} cannot compute in {str(model.dtype).removeprefix('torch.')} on {model.device}: take float32, "
                f"bfloat16, or another device. torch says: {error}"
            ) from error
        for key, value in model.config.to_dict().items():
            # A word alone, such as dtype, may stand in any message.
            if value is None and "_" in key and key in str(error):
                raise UnsupportedModelError(
                    f"{what} does not run while {key} is not set: set it in its config.json ({in_short(error)})"
                ) from error
        raise UnsupportedModelError(
            f"{what} does not read text as token ids and a mask, so it is of a kind that cannot be probed, or its "
            f"configuration is damaged: {in_short(error)}"
        ) from error


def plain(model: PreTrainedModel) -> PreTrainedModel:
    """A copy that shares the model's weights; transformers may leave its hooks for hidden states on it."""
    weights = {id(weight): weight for weight in chain(model.parameters(), model.buffers())}
    copied: PreTrainedModel = copy.deepcopy(model, weights)
    encoder: Any = copied.base_model
    copied.config.return_dict = encoder.config.return_dict = True
    return copied


class Trial:
    """A model beside its plain copy.

    Parameters
    ----------
    model, blocks
        The model, after it has read the first of ``tried`` once.
    tried : sequence of Texts
        On the model's device.
    what : str
        What errors call the model.
    """

    def __init__(self, model: PreTrainedModel, blocks: Blocks, tried: Sequence[Texts], what: str) -> None:
        self._blocks, self._tried, self._what = blocks, tried, what
        self._plain, self._middle = plain(model), len(blocks) // 2
        self._compared = [self._middle, len(blocks)]
        self._tolerance = _TOLERANCES.get(model.dtype, _COARSE)

    def check_reading(self) -> None:
        """Refuse a model whose states cannot be read, and find out whether its sentences may be padded to one batch.

        Raises
        ------
        UnsupportedModelError
            With what was found.
        """
        blocks, layers = self._blocks, range(len(self._blocks) + 1)
        tried: list[tuple[Texts, dict[int, Tensor]]] = []
        for two in self._tried:
            own, read = self._hidden_states(two.both), self._read(two.both, layers)
            if not all(torch.isfinite(states[two.both.attention_mask.bool()]).all() for states in own):
                raise UnsupportedModelError(f"{self._what}: its states are not finite, so its weights are damaged")
            for layer in layers:
                if len(own) != len(layers) or self._differ(read[layer], own[layer], two.both):
                    raise UnsupportedModelError(
                        f"{self._what}: what its blocks are given is not what transformers returns as hidden states "
                        f"({len(own)} of them, and {len(layers)} were read; the first that differ are of layer {layer})"
                    )
            tried.append((two, {layer: read[layer] for layer in self._compared}))
        if (
            _OF_THE_BATCH in str(self._plain.config.to_dict())
            or any(self._shows_in(both, two) for two, both in tried)
            or any(self._reads_padding(both, two) for two, both in tried)
        ):
            blocks.unpadded = True
            if any(self._shows_in(self._read(two.of_one_length, self._compared), two) for two in self._tried):
                raise UnsupportedModelError(
                    f"{self._what}: the same sentence has different states in another batch, even without padding"
                )

    def check_order(self) -> None:
        """Refuse a model in which the states of a text depend on what follows.

        Raises
        ------
        UnsupportedModelError
            With the layer at which they do.
        """
        for two in self._tried:
            begun = two.both.rows(slice(1), two.alone.input_ids.shape[1])
            length = begun.input_ids.shape[1]
            whole, alone = (self._read(batch, self._compared) for batch in (two.both.rows(slice(1)), begun))
            for layer in self._compared:
                if self._differ(whole[layer][:, :length], alone[layer], begun):
                    raise UnsupportedModelError(
                        f"{self._what}: the states of a text at layer {layer} depend on the subwords that follow it, "
                        "so this is no causal model (a causal BERT has is_decoder in its configuration)"
                    )

    def why_not_resumed(self) -> str | None:
        """Why the model cannot be resumed from changed states: one sentence, or None if it can."""
        return _why("it cannot be resumed from changed states", self._resumes)

    def why_no_logits(self, head: Callable[[], Head]) -> str | None:
        """Why its last states give no logits: one sentence, or None if they do."""
        return _why("its head cannot be run by itself", lambda: self._has_logits(head()))

    def _batch(self, two: Texts) -> Encoded:
        """Both texts; only the first if padding would change the second, because the plain model has to pad."""
        return two.both.rows(slice(1)) if self._blocks.unpadded else two.both

    def _read(self, batch: Encoded, layers: Sequence[int]) -> dict[int, Tensor]:
        found = self._blocks.read(batch, [Site("residual", layer) for layer in layers])
        return {site.layer: states for site, states in found.items()}

    def _hidden_states(self, batch: Encoded) -> Sequence[Tensor]:
        with torch.inference_mode():
            found: Sequence[Tensor] = self._plain.base_model(
                input_ids=batch.input_ids, attention_mask=batch.attention_mask, output_hidden_states=True
            ).hidden_states
        return found or ()

    def _shows_in(self, both: Mapping[int, Tensor], two: Texts) -> bool:
        """Whether the second text's states alone differ from ``both``, its states in the second row of a batch."""
        alone, length = self._read(two.alone, self._compared), two.alone.input_ids.shape[1]
        return any(self._differ(both[layer][1:, :length], alone[layer], two.alone) for layer in self._compared)

    def _reads_padding(self, before: Mapping[int, Tensor], two: Texts) -> bool:
        """Whether the states of the second text depend on which tokens it is padded with.

        What attention masks out makes no difference at all, so this check works in half precision, too.
        """
        batch = two.both
        other = Encoded(
            torch.where(batch.attention_mask.bool(), batch.input_ids, batch.input_ids[:1]),
            batch.attention_mask,
            batch.word_ids,
        )
        after, slots = self._read(other, self._compared), batch.attention_mask.bool()
        return any(not torch.equal(before[layer][slots], after[layer][slots]) for layer in self._compared)

    def _resumes(self) -> str | None:
        for two in self._tried:
            batch = self._batch(two)
            own = self._read(batch, [self._middle])[self._middle]
            # If the blocks below cache anything, it is now that of another text.
            self._read(self._tried[0].alone, [len(self._blocks)])
            # Other states of the same size: every neuron has the value of the one before it.
            for states, which in ((own, "unchanged"), (own.roll(1, -1), "changed")):
                ours = self._blocks.resume(batch, Site("residual", self._middle), states)
                if self._differ(ours, self._hooked(batch, states), batch):
                    return (
                        f"with {which} states at layer {self._middle} of {batch.input_ids.shape[1]} subwords it does "
                        "not give what the plain model gives with a hook there"
                    )
        return None

    def _hooked(self, batch: Encoded, states: Tensor) -> Tensor:
        """The last states of the plain model when a hook on the middle block gives it other ones."""
        of_module = dict(zip(self._blocks.encoder.modules(), encoder_of(self._plain).modules(), strict=True))
        blocks = [of_module[module] for module in self._blocks.modules()]
        calls = count()

        def change(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            if next(calls) == self._middle:
                given = next(
                    value
                    for value in (*args, *kwargs.values())
                    if isinstance(value, Tensor) and value.dim() == 3 and value.shape[-1] == states.shape[-1]
                )
                # Never a weight: in inference mode, only what this pass has made is such a tensor.
                if given.is_inference():
                    given[:, : states.shape[1]] = states

        handles = [block.register_forward_pre_hook(change, with_kwargs=True) for block in dict.fromkeys(blocks)]
        with torch.inference_mode():
            final: Tensor = self._plain.base_model(
                input_ids=batch.input_ids, attention_mask=batch.attention_mask
            ).last_hidden_state
        for handle in handles:
            handle.remove()
        return final

    def _has_logits(self, head: Head) -> str | None:
        batch = self._batch(self._tried[0])
        with torch.inference_mode():
            own = self._plain(input_ids=batch.input_ids, attention_mask=batch.attention_mask).logits
        final, slots = self._read(batch, [len(self._blocks)])[len(self._blocks)], batch.attention_mask.bool()
        ours = torch.zeros_like(own)
        ours[slots] = head.logits(final[slots])
        return "it does not give the plain model's logits" if self._differ(ours, own, batch) else None

    def _differ(self, ours: Tensor, own: Tensor, batch: Encoded) -> bool:
        """Whether two tensors [b, t, ...] differ by more than rounding at a real subword."""
        slots = batch.attention_mask.bool()
        # Longformer and BigBird return the states of their own padding, too.
        mine, theirs = ours[slots].double(), own[:, : slots.shape[1]][slots].double()
        if mine.shape != theirs.shape:
            return True
        return not bool(((mine - theirs).norm(dim=-1) <= self._tolerance * theirs.norm(dim=-1)).all())


def _why(said: str, tried: Callable[[], str | None]) -> str | None:
    """The reason that a trial gives, or the error that it ends in."""
    try:
        found = tried()
    except Exception as error:  # Whatever the model's code raises, it is a reason, and not the user's fault.
        found = in_short(error)
    return found and f"{said}: {found}"
