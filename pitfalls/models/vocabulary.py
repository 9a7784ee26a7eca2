"""The most probable token of a large vocabulary, without ever holding the logits of all tokens.

Multiplying by M-BERT's vocabulary matrix is most of an intervention's work. The product is taken one tile of tokens at
a time, and only the maximum is kept: the logits of a tile fit into the processor's cache, those of all tokens do not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

import torch
from torch import Tensor, nn

# Tokens per tile: the logits of a tile for a few hundred positions fit into a cache of a few megabytes.
_TOKENS_AT_ONCE = 2048
# A hook stops any thread that runs the head, so only one at a time may have one installed.
_HOOKS = Lock()


class _DecoderReachedError(Exception):
    """Stops a head before its vocabulary matrix; never leaves this module."""


@contextmanager
def _stopped_at(decoder: nn.Module) -> Iterator[list[Tensor]]:
    """Stop the head in the ``with`` block just before ``decoder``, and note its input; then remove the hook."""
    given: list[Tensor] = []

    def note(_: nn.Module, args: tuple[Tensor, ...]) -> None:
        given.append(args[0])
        raise _DecoderReachedError

    with _HOOKS:
        handle = decoder.register_forward_pre_hook(note)
        try:
            yield given
        except _DecoderReachedError:
            pass
        finally:
            handle.remove()


def best_tokens(head: Callable[[Tensor], Tensor], decoder: nn.Linear, states: Tensor) -> Tensor:
    """The argmax of the logits of a head that ends with the linear ``decoder``; the first token among equals.

    Parameters
    ----------
    head : [n, n_neurons] -> [n, vocabulary]
    states : Tensor [n, n_neurons]

    Returns
    -------
    int64 Tensor [n]

    Examples
    --------
    >>> decoder = nn.Linear(4, 5000)
    >>> states = torch.randn(3, 4)
    >>> head = nn.Sequential(nn.GELU(), decoder)
    >>> torch.equal(best_tokens(head, decoder, states), head(states).argmax(-1))
    True
    """
    with torch.inference_mode():
        with _stopped_at(decoder) as given:
            head(states)
        # A head may read a batch of one sentence.
        read = given[0].flatten(0, -2)
        best, ids = _best_of(decoder, read, 0)
        for start in range(_TOKENS_AT_ONCE, decoder.out_features, _TOKENS_AT_ONCE):
            value, index = _best_of(decoder, read, start)
            better = value > best
            best, ids = torch.where(better, value, best), torch.where(better, index, ids)
        return ids


def _best_of(decoder: nn.Linear, read: Tensor, start: int) -> tuple[Tensor, Tensor]:
    """The largest logit of the tile from ``start``, and its token, [n] each."""
    tile = slice(start, start + _TOKENS_AT_ONCE)
    bias = None if decoder.bias is None else decoder.bias[tile]
    # max is twice as fast as argmax here and, like argmax, takes the first of equals.
    value, index = nn.functional.linear(read, decoder.weight[tile], bias).max(-1)
    return value, index + start
