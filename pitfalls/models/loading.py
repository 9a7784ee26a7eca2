"""Loading a model of any kind: masked, causal, or the encoder of a model that also has a decoder."""

from __future__ import annotations

from pathlib import Path

import torch

from pitfalls.models import checkpoint
from pitfalls.models.causal import CausalLM
from pitfalls.models.encoder import EncoderLM
from pitfalls.models.masked import MaskedLM
from pitfalls.models.transformer import TransformerLM

_CLASSES: tuple[type[TransformerLM], ...] = (MaskedLM, CausalLM, EncoderLM)


def load_model(
    name_or_folder: str | Path,
    revision: str | None = None,
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float32,
    layer: int = 0,
) -> TransformerLM:
    """Load a model and its tokenizer by name or from a folder; its configuration says which kind it is.

    Parameters
    ----------
    name_or_folder, revision, device, dtype
        As for :meth:`.transformer.TransformerLM.load`.
    layer
        One that will be asked for, so that a model without it is refused before its weights are read.

    Raises
    ------
    ValueError
        The configuration says that there are fewer layers.
    ModelFilesError, UnsupportedModelError
        As for that method.

    Examples
    --------
    >>> from pitfalls.worlds.load import mini_folder
    >>> load_model(mini_folder() / "bert").kind.name
    'a masked LM'
    """
    source = str(name_or_folder)
    folder = checkpoint.folder_of(source, revision)
    kind, n_layers = checkpoint.kind_and_depth(folder)
    if n_layers is not None and layer > n_layers:
        raise ValueError(f"no layer {layer} in {source}: it has layers 0 (embeddings) to {n_layers}")
    (of_kind,) = (found for found in _CLASSES if found.kind is kind)
    return of_kind.from_folder(folder, source, device, dtype)
