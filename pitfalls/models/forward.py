"""Read and replace the states between a model's blocks during its own forward pass.

There is no list of layouts. The blocks are found, and their calls counted, while the model runs; whatever else it does
(masks of each layer, sliding windows, rotary tables, projections, a final norm) is left alone. When the pass resumes
from a site, the blocks below it pass on their input without computing anything. Gradients flow back to the states that
it resumes from, if these need them.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from typing import Any

import torch
from torch import Tensor, nn

from pitfalls.extras import extra
from pitfalls.models.checkpoint import UnsupportedModelError
from pitfalls.models.inside import Inside, Tracer
from pitfalls.models.interface import Encoded
from pitfalls.models.vocabulary import best_tokens
from pitfalls.site import Site

with extra("models"):
    from transformers import PreTrainedModel

# Positions whose logits are held at once: 512 x 250,002 (XLM-R's vocabulary) x 4 bytes is half a gigabyte.
_LOGITS_AT_ONCE = 512

# Answering replaces the forward of modules that threads may share: one thread at a time.
_ANSWERS = threading.Lock()

Forward = Callable[..., Any]


class MissingHeadError(ValueError):
    """Logits were requested from an encoder whose checkpoint has no language-model head."""


class _EnoughError(Exception):
    """Stops a forward pass when all that was wanted is there; never leaves this module."""


@contextmanager
def _answering(modules: Collection[nn.Module], answer: Callable[[nn.Module, Forward], Forward]) -> Iterator[None]:
    """In the ``with`` block, ``answer(module, its own forward)`` answers calls of ``modules``."""
    with _ANSWERS:
        # An instance may have a forward of its own already: other libraries put one there, too.
        before = {module: vars(module).get("forward") for module in modules}
        try:
            for module in modules:
                vars(module)["forward"] = answer(module, module.forward)
            yield
        except _EnoughError:
            pass
        finally:
            for module, own in before.items():
                vars(module).pop("forward")
                if own is not None:
                    vars(module)["forward"] = own


@dataclass(frozen=True)
class _Call:
    """Where the states are in the arguments of a block, and in what it returns.

    ``place`` is the index or the name of the argument; ``index`` the states' place in the tuple that is returned, None
    if it is the states themselves; ``beside`` what else is in it, without the tensors.
    """

    place: int | str
    index: int | None
    beside: tuple[Any, ...]

    def given(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
        """The states that the block is called with."""
        states: Tensor = args[self.place] if isinstance(self.place, int) else kwargs[self.place]
        return states

    def with_given(
        self, args: Sequence[Any], kwargs: Mapping[str, Any], states: Tensor
    ) -> tuple[Sequence[Any], Mapping[str, Any]]:
        """The arguments with other states."""
        if isinstance(self.place, str):
            return args, {**kwargs, self.place: states}
        return [*args[: self.place], states, *args[self.place + 1 :]], kwargs

    def returning(self, states: Tensor) -> Any:
        """What the block would return with these states."""
        if self.index is None:
            return states
        return (*self.beside[: self.index], states, *self.beside[self.index :])


class Blocks:
    """The blocks of an encoder, in the order in which its forward pass calls them.

    Parameters
    ----------
    model : transformers.PreTrainedModel
    trial : Encoded
        A batch to find the blocks with. A model that adapts to the first text it reads (BigBird) adapts to this one.
    what : str
        What errors call the model.

    Raises
    ------
    UnsupportedModelError
        When no list of blocks is called as often as the model is deep.
    """

    def __init__(self, model: PreTrainedModel, trial: Encoded, what: str) -> None:
        self.encoder = encoder_of(model)
        # A cache of keys and values would be of no use: every text is read whole.
        takes = inspect.signature(self.encoder.forward).parameters
        self._options = {"return_dict": True} | ({"use_cache": False} if "use_cache" in takes else {})
        #: Whether padding changes the states of a sentence: only sentences of one length are then run together.
        self.unpadded = False
        n_layers = int(model.config.get_text_config().num_hidden_layers)
        if n_layers < 1:
            raise UnsupportedModelError(f"{what}: its configuration has {n_layers} layers")
        self._trial = trial
        self._modules, self._calls = self._found(trial, n_layers, what)

    def __len__(self) -> int:
        return len(self._calls)

    def modules(self) -> list[nn.Module]:
        """The module of each call; the same one several times where layers are shared."""
        return list(self._modules)

    @cached_property
    def inner(self) -> dict[str, list[nn.Module]]:
        """The modules of each block that read its units of some kind: kind -> one per layer. See :mod:`.inside`."""
        tracer = Tracer(self._trial.input_ids.shape, self.width)
        with torch.inference_mode(), self._counted(lambda _, own, args, kwargs: own(*args, **kwargs), tracer):
            self._run(self._trial)
        return tracer.found(self._modules)

    def read(self, encoded: Encoded, sites: Collection[Site]) -> dict[Site, Tensor]:
        """States [b, t, n_units] at some sites; at the last layer, what comes out of the encoder."""
        if not self.unpadded:
            return self._read(encoded, sites)
        found: dict[Site, Tensor] = {}
        for rows, part in _by_length(encoded):
            for site, states in self._read(part, sites).items():
                if site not in found:
                    found[site] = states.new_zeros(*encoded.input_ids.shape, states.shape[-1])
                found[site][rows, : states.shape[1]] = states
        return found

    def resume(self, encoded: Encoded, site: Site, states: Tensor, below: Tensor | None = None) -> Tensor:
        """What comes out of the encoder [b, t, d] when the states at a site are these.

        For a part of a block, ``below`` are the states [b, t, d] that the block is called with.
        """
        inner = None if below is None else (self.inner[site.kind][site.layer - 1], states)
        layer, given = (site.layer, states) if below is None else (site.layer - 1, below)
        if layer == len(self):
            return states
        if not self.unpadded:
            return self._resume(encoded, layer, given, inner)
        final = given.new_zeros(*encoded.input_ids.shape, self.width)
        for rows, part in _by_length(encoded):
            length = part.input_ids.shape[1]
            cut = inner and (inner[0], inner[1][rows, :length])
            final[rows, :length] = self._resume(part, layer, given[rows, :length], cut)
        return final

    def _read(self, encoded: Encoded, sites: Collection[Site]) -> dict[Site, Tensor]:
        found: dict[Site, Tensor] = {}
        last, length = max(site.layer for site in sites), encoded.input_ids.shape[1]
        inner = {site: self.inner[site.kind][site.layer - 1] for site in sites if site.kind != "residual"}

        def keep(site: Site, states: Tensor) -> None:
            if site in sites:
                # A copy, because a block may change its input later; not an inference tensor, so callers can change it.
                with torch.inference_mode(False):
                    found[site] = states[:, :length].clone()

        def note(layer: int, states: Tensor) -> None:
            keep(Site("residual", layer), states)
            if layer == last:
                raise _EnoughError

        def answer(call: int, own: Forward, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
            note(call, self._calls[call].given(args, kwargs))
            return own(*args, **kwargs)

        def answer_inside(call: int, module: nn.Module, own: Forward, args: Sequence[Any]) -> Any:
            for site, reader in inner.items():
                if reader is module and site.layer == call + 1:
                    keep(site, args[0])
            return own(*args)

        with torch.inference_mode(), self._counted(answer, Inside(inner.values(), answer_inside)):
            note(len(self), self._run(encoded).last_hidden_state)
        return found

    def _resume(
        self, encoded: Encoded, layer: int, states: Tensor, inner: tuple[nn.Module, Tensor] | None = None
    ) -> Tensor:
        def answer(call: int, own: Forward, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
            if call > layer:
                return own(*args, **kwargs)
            given = self._calls[call].given(args, kwargs)
            if call < layer:
                # A copy just below the site: what is written there must not reach other readers of the embeddings.
                return self._calls[call].returning(given.clone() if call == layer - 1 else given)
            if self._is_weight(given):
                return own(*self._calls[call].with_given(args, kwargs, _written(given, states)))
            # In place: DeBERTa's convolution reads the embeddings, too, beside the first block.
            given[:, : states.shape[1]] = states
            return own(*args, **kwargs)

        def answer_inside(call: int, module: nn.Module, own: Forward, args: Sequence[Any]) -> Any:
            if inner is None or call != layer:
                return own(*args)
            return own(_written(args[0], inner[1]), *args[1:])

        changed = Inside([inner[0]] if inner else [], answer_inside)
        with _recording(states if inner is None else inner[1]), self._counted(answer, changed):
            final: Tensor = self._run(encoded).last_hidden_state
        return final

    def _is_weight(self, states: Tensor) -> bool:
        """Whether states are a weight of the model (or a view of one), which must stay as it is."""
        # What a pass that records nothing computes is known at a glance.
        if states.is_inference():
            return False
        own = states.untyped_storage().data_ptr()
        return any(weight.untyped_storage().data_ptr() == own for weight in self.encoder.parameters())

    def _run(self, encoded: Encoded) -> Any:
        return self.encoder(input_ids=encoded.input_ids, attention_mask=encoded.attention_mask, **self._options)

    @contextmanager
    def _counted(self, answer: Callable[..., Any], inside: Inside | Tracer) -> Iterator[None]:
        """Let ``answer(number of the call, the block's own forward, its arguments)`` answer for the blocks.

        ``inside`` answers for the modules within a block; it is told the number of the block's call.
        """
        calls, blocks = count(), dict.fromkeys(self._modules)
        running = -1

        def counted(module: nn.Module, own: Forward) -> Forward:
            def block(*args: Any, **kwargs: Any) -> Any:
                nonlocal running
                running = next(calls)
                return answer(running, own, args, kwargs)

            return block if module in blocks else lambda *args: inside.answer(running, module, own, args)

        with _answering({**blocks, **dict.fromkeys(inside.parts(blocks))}, counted):
            yield

    def _found(self, trial: Encoded, n_layers: int, what: str) -> tuple[list[nn.Module], list[_Call]]:
        """The blocks and their calls: those of the first list of modules that is called once per layer, in order."""
        lists = [module for module in self.encoder.modules() if isinstance(module, nn.ModuleList)]
        traced: list[tuple[nn.Module, Any, Any, Any]] = []

        def tracing(module: nn.Module, own: Forward) -> Forward:
            def trace(*args: Any, **kwargs: Any) -> Any:
                out = own(*args, **kwargs)
                traced.append((module, args, kwargs, out))
                return out

            return trace

        with torch.inference_mode(), _answering(dict.fromkeys(part for parts in lists for part in parts), tracing):
            output = self._run(trial)
        if not hasattr(output, "last_hidden_state"):
            raise UnsupportedModelError(
                f"{what}: what transformers takes for its encoder, a {type(self.encoder).__name__}, does not return "
                f"the states that the head reads, but a {type(output).__name__}: take another model"
            )
        #: What kind of output the encoder has, and the width of its states.
        self.output, self.width = type(output), int(output.last_hidden_state.shape[-1])
        final, strange = output.last_hidden_state.shape, ""
        for parts in lists:
            number = {module: i for i, module in enumerate(parts)}
            modules = [module for module, *_ in traced if module in number]
            calls = [_call(call, final) for module, *call in traced if module in number]
            known = [call for call in calls if call is not None]
            in_order = sorted(modules, key=number.__getitem__) == modules
            if len(modules) == len(known) == n_layers and in_order:
                return modules, known
            if len(modules) == n_layers and in_order:
                strange = strange or _strange(next(call for module, *call in traced if module in number), final)
        raise UnsupportedModelError(
            f"{what}: no list of blocks was found that its forward pass calls {n_layers} times, once per layer, with "
            f"one state per subword{strange}; take another model"
        )


def _strange(traced: Sequence[Any], shape: torch.Size) -> str:
    """What blocks are called with that do not take states of this shape [b, t, d]."""
    args, kwargs, _ = traced
    values = [value for value in (*args, *kwargs.values()) if isinstance(value, Tensor) and value.is_floating_point()]
    if not values:
        return ""
    given, read = list(values[0].shape), list(shape)
    return f": its blocks are given states of the shape {given}, and its head reads {read} (texts, subwords, neurons)"


def _call(traced: Sequence[Any], shape: torch.Size) -> _Call | None:
    """How a block was called; None if it does not take and return states of this shape [b, t, d]."""
    args, kwargs, out = traced

    def is_states(value: Any) -> bool:
        # Longformer pads every text to a multiple of its window: there may be more than t.
        return (
            isinstance(value, Tensor)
            and value.dim() == 3
            and (value.shape[0], value.shape[2]) == (shape[0], shape[2])
            and value.shape[1] >= shape[1]
        )

    place = next((place for place, value in [*enumerate(args), *kwargs.items()] if is_states(value)), None)
    several = tuple(out) if isinstance(out, (tuple, list)) else (out,)
    index = next((i for i, value in enumerate(several) if is_states(value)), None)
    if place is None or index is None:
        return None
    beside = tuple(None if isinstance(value, Tensor) else value for i, value in enumerate(several) if i != index)
    return _Call(place, index if isinstance(out, (tuple, list)) else None, beside)


def _recording(states: Tensor) -> AbstractContextManager[None]:
    """Record what is computed from states that need gradients, and nothing otherwise."""
    return torch.enable_grad() if states.requires_grad else torch.inference_mode()


def _written(given: Tensor, states: Tensor) -> Tensor:
    """A copy of what a module is given, with other states at the text's subwords."""
    changed = given.clone()
    changed[:, : states.shape[1]] = states
    return changed


def _by_length(encoded: Encoded) -> Iterator[tuple[Tensor, Encoded]]:
    """The rows of each length, and their batch, which needs no padding."""
    lengths = encoded.attention_mask.sum(1)
    for length in lengths.unique().tolist():
        rows = (lengths == length).nonzero()[:, 0]
        yield rows, encoded.rows(rows, length)


def encoder_of(model: PreTrainedModel) -> nn.Module:
    """The module that gives the last states, which the head reads.

    OPT wraps its decoder in another module, which its head bypasses.
    """
    encoder: nn.Module = model.base_model
    while len(children := list(encoder.children())) == 1:
        (encoder,) = children
    return encoder


_LIMITS = ("max_position_embeddings", "max_seq_len")


def n_positions(model: PreTrainedModel, otherwise: int) -> int:
    """The longest text that a model has positions for; ``otherwise`` if it does not say."""
    config = model.config.get_text_config()
    # MPT's name is the second one.
    stated = next((n for n in (getattr(config, name, None) for name in _LIMITS) if n is not None), None)
    limit = otherwise if stated is None or stated < 1 else int(stated)
    table: Any
    for name, table in model.base_model.named_modules():
        # XLM-R's table has 514 rows, of which the first two (padding_idx + 1) are not positions; YOSO's has two too
        # many and no padding; I-BERT's is no nn.Embedding.
        if name.endswith("position_embeddings") and hasattr(table, "padding_idx"):
            unused = 0 if table.padding_idx is None else table.padding_idx + 1
            return min(limit, int(table.weight.shape[0]) - unused)
    return limit


class Head:
    """What a model does with its encoder's last states: its own forward pass, in which the encoder returns given ones.

    Parameters
    ----------
    model : transformers.PreTrainedModel
    blocks : Blocks
        Of its encoder.
    """

    def __init__(self, model: PreTrainedModel, blocks: Blocks) -> None:
        self._model, self._encoder, self._output = model, blocks.encoder, blocks.output
        self.decoder = self._found_decoder(blocks.width)

    def logits(self, states: Tensor) -> Tensor:
        """[n, d] -> [n, vocabulary]."""
        output = self._output(last_hidden_state=states[None])
        ids = torch.zeros(1, len(states), dtype=torch.int64, device=states.device)
        with _recording(states), _answering([self._encoder], lambda *_: lambda *args, **kwargs: output):
            logits: Tensor = self._model(input_ids=ids, return_dict=True).logits
        return logits[0]

    def best(self, states: Tensor) -> Tensor:
        """The most probable token of each of ``states`` [n, d], int64 [n]."""
        if not len(states):
            return torch.empty(0, dtype=torch.int64, device=states.device)
        return torch.cat([self._best(part) for part in states.split(_LOGITS_AT_ONCE)])

    def _best(self, states: Tensor) -> Tensor:
        if self.decoder is None:
            return self.logits(states).argmax(-1)
        return best_tokens(self.logits, self.decoder, states)

    def _found_decoder(self, width: int) -> nn.Linear | None:
        """The vocabulary matrix if its output is the logits; None if the head does more to them."""
        decoder = self._model.get_output_embeddings()
        if not isinstance(decoder, nn.Linear):
            return None
        dtype, device = self._model.dtype, self._model.device
        trial = torch.linspace(-1, 1, 4 * width, device=device, dtype=dtype).sin().view(4, width)
        given: list[Tensor] = []
        handle = decoder.register_forward_hook(lambda _, args, out: given.append(out))
        try:
            logits = self.logits(trial)
        finally:
            handle.remove()
        return decoder if len(given) == 1 and torch.equal(given[0].flatten(0, -2), logits) else None
