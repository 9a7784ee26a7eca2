"""The files of a model, checked before transformers reads them.

transformers follows what the files say: an index may name a pickle or a path outside of the folder, and a
configuration may ask for a billion layers. So the small JSON files and the headers of the weights are read first
(the header of a safetensors file gives names and shapes without the numbers), and only what passes is loaded.
"""

from __future__ import annotations

import copy
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any

import torch

from pitfalls.extras import extra
from pitfalls.models.hub import why_not
from pitfalls.models.kinds import CAUSAL, ENCODER, MASKED, Kind
from pitfalls.models.quiet import quiet

with extra("models"):
    from huggingface_hub import snapshot_download
    from safetensors import SafetensorError, safe_open
    from transformers import (
        AutoConfig,
        AutoTokenizer,
        PreTrainedConfig,
        PreTrainedModel,
        PreTrainedTokenizerBase,
    )

_CONFIG, _WEIGHTS, _INDEX = "config.json", "model.safetensors", "model.safetensors.index.json"
_ADAPTER = "adapter_config.json"
# What is fetched from the Hub in addition to the weights; no pickle and no Python file is among these.
_SMALL_FILES = (
    _CONFIG,
    _INDEX,
    _ADAPTER,
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "*.model",
)
# Settings of config.json that would lead transformers to other files, or (a name with a slash) to code on the Hub.
_OTHER_FILES = ("configuration_files", "transformers_weights")
_IMPLEMENTATIONS = ("attn_implementation", "_attn_implementation", "experts_implementation")
# Things that transformers creates one by one: it does not refuse a billion of them, but never finishes.
_COUNTS = re.compile(r"(layer|label|expert|block|group)s?$")
_MOST_COUNTED = 1000
# The model of config.json may have untrained parts, such as a head, but not be many times as large as the weights.
_MOST_TIMES, _MOST_BEYOND = 4, 10**8
_LFS = b"version https://git-lfs"
_SAVE = "save model and tokenizer with save_pretrained into one folder, or download them again"
# Weights in a list of blocks: encoder.layer.2.output.dense.weight.
_OF_A_BLOCK = re.compile(r"(?:^|[._])(?:layers?|blocks?|h)\.\d+\.")
# The masks of causal attention, which older checkpoints hold beside the weights.
_OF_ATTENTION = re.compile(r"(?:attn|attention)\.(?:masked_)?bias$")


class ModelFilesError(OSError):
    """The files of a model are missing, damaged, from different models, or of a kind that is not read."""


class UnsupportedModelError(ValueError):
    """The checkpoint is not a language model of the kind asked for, with a layout that can be stopped and resumed."""


def kind_and_depth(folder: Path) -> tuple[Kind, int | None]:
    """The kind of model in a folder, and its number of layers if its configuration says one.

    A BERT or the like may be a masked or a causal model: its configuration names the class that it was saved from.

    Raises
    ------
    ModelFilesError, UnsupportedModelError
        As in :func:`check`.
    """
    with one_error(folder):
        config = check(folder)
        return _kind(config), getattr(config.get_text_config(), "num_hidden_layers", None)


def _kind(config: PreTrainedConfig) -> Kind:
    masked, causal = MASKED.called(config), CAUSAL.called(config)
    named = causal in (config.architectures or ()) or getattr(config, "is_decoder", False)
    if causal and causal != masked and (named or not masked) and not getattr(config, "is_encoder_decoder", False):
        return CAUSAL
    return ENCODER if ENCODER.called(config) and not masked else MASKED


def folder_of(source: str, revision: str | None) -> Path:
    """The folder of a model: ``source`` itself, or where the Hub's cache holds the model of that name.

    A model on the Hub is fetched in two steps, its small files first and then the weights that its index names,
    so that nothing but JSON, vocabularies and safetensors is downloaded. A broken connection is resumed where it
    stopped, and if a download fails, the files that are complete are kept for the next try.

    Raises
    ------
    ModelFilesError
        If ``source`` is a file, or the Hub (or its cache) does not give such a model: it is missing, gated, has no such
        revision or no safetensors, or the download fails. The message says which, and what to do.
    """
    if os.path.isdir(source):
        return Path(source)
    if os.path.exists(source):
        raise ModelFilesError(f"{source!r} is a file: give the folder that holds it")
    try:
        folder = _fetched(source, revision, _SMALL_FILES)
        weights = weight_files(folder) if (folder / _INDEX).is_file() else [_WEIGHTS]
        # By its commit: a branch may have moved between the two steps.
        _fetched(source, folder.name, weights)
    except ModelFilesError:
        raise
    except Exception as error:
        raise ModelFilesError(f"cannot load {source!r}: {why_not(source, revision, error)}") from error
    if weights == [_WEIGHTS] and not (folder / _WEIGHTS).exists():
        raise ModelFilesError(
            f"cannot load {source!r}: there is neither {_WEIGHTS} nor {_INDEX} for {folder}, and other weights are not "
            "read, as a pickle may run code; a pull request on the Hub may have one (such as revision='refs/pr/1')"
        )
    return folder


def _fetched(source: str, revision: str | None, names: Sequence[str]) -> Path:
    """The snapshot in the Hub's cache that holds these files, if the model has them; none of its subfolders."""
    return Path(snapshot_download(source, revision=revision, allow_patterns=list(names), ignore_patterns=["*/*"]))


def check(folder: Path) -> PreTrainedConfig:
    """The configuration of the model in ``folder``, after a look at all files that its weights come from.

    Raises
    ------
    ModelFilesError
        If a file is missing or damaged, names anything but a safetensors file in this folder, or counts more layers
        than the weights can hold.
    UnsupportedModelError
        If transformers has no such model.
    """
    if (folder / _ADAPTER).exists():
        raise ModelFilesError(
            f"{folder} holds an adapter ({_ADAPTER}), which is not read: merge it into the model first"
        )
    raw = _json_object(folder / _CONFIG)
    n_tensors = len(_all_shapes(folder))
    _check_references(raw, folder)
    if raw.get("quantization_config") is not None:
        raise UnsupportedModelError(
            f"{str(folder)!r} holds quantised weights ({str(raw['quantization_config'])[:80]}): take the model that "
            "they were made from; its states are exact"
        )
    _check_counts(raw, n_tensors, folder)
    try:
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
    except ValueError as error:
        # transformers advises trusting that code, which is not possible here.
        why = f"it needs code that comes with it ({raw['auto_map']}), which is never run" if "auto_map" in raw else None
        raise UnsupportedModelError(
            f"{str(folder)!r} is not a model that transformers loads by itself: {why or in_short(error)}"
        ) from error
    return config


def _check_kind(config: PreTrainedConfig, kind: Kind, folder: Path) -> None:
    if not kind.called(config):
        others = [other.name for other in (MASKED, CAUSAL, ENCODER) if other.called(config)]
        known = f"only {' and '.join(others)}" if others else "and no other kind that is read here: take another model"
        raise UnsupportedModelError(
            f"{str(folder)!r} is not {kind.name}: transformers has none for the model_type {config.model_type!r}, "
            f"{known}"
        )


@contextmanager
def one_error(folder: Path) -> Iterator[None]:
    """Turn what transformers, tokenizers or torch raise on damaged files into a ModelFilesError naming the folder."""
    try:
        yield
    except (ModelFilesError, UnsupportedModelError, PermissionError, MemoryError, torch.OutOfMemoryError):
        raise
    except ImportError as error:
        raise UnsupportedModelError(
            f"{str(folder)!r} asks for a package that is not installed ({in_short(error)}): install it, or remove the "
            f"setting that asks for it from {_CONFIG}"
        ) from error
    except Exception as error:
        # transformers prints its table of sizes, and the error only points at it.
        what = "config.json and the weights differ in size" if "mismatched_sizes" in str(error) else in_short(error)
        raise ModelFilesError(
            f"cannot load a language model from {str(folder)!r}: its files are damaged or from two models ({what}); "
            f"{_SAVE}"
        ) from error


def in_short(error: BaseException) -> str:
    """An error's type and text in one line that does not fill the screen."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:300]}{'…' if len(text) > 300 else ''}"


def weight_files(folder: Path) -> list[str]:
    """The names of the files that hold the weights: ``model.safetensors``, or those that its index names.

    Raises
    ------
    ModelFilesError
        If there are none, or the index names anything but plain safetensors files.
    """
    if (folder / _WEIGHTS).is_file():
        return [_WEIGHTS]
    index = folder / _INDEX
    if not index.is_file():
        others = sorted(path.name for path in folder.glob("*.bin"))
        raise ModelFilesError(
            f"cannot load a language model from {str(folder)!r}: it has no {_WEIGHTS}; "
            + (f"{others[0]} is not read, as a pickle may run code; " if others else "")
            + "save the model with save_pretrained, which writes one"
        )
    named = _json_object(index).get("weight_map")
    if not isinstance(named, dict) or not named:
        raise ModelFilesError(f"{index} names no weights (its weight_map is {str(named)[:80]}): {_SAVE}")
    for name in named.values():
        if not _is_plain(name):
            raise ModelFilesError(
                f"{index} names {str(name)[:80]!r}: weights are read from files in the same folder whose names end in "
                ".safetensors, and from nothing else"
            )
    return sorted(set(named.values()))


def _is_plain(name: Any) -> bool:
    return (
        isinstance(name, str)
        and name.endswith(".safetensors")
        and name.isprintable()
        and not set(name) & set('/\\:*?"<>|')
    )


def _all_shapes(folder: Path) -> dict[str, tuple[int, ...]]:
    return {name: shape for file in weight_files(folder) for name, shape in _shapes(folder, file).items()}


def _shapes(folder: Path, name: str) -> dict[str, tuple[int, ...]]:
    """The shapes in the header of a safetensors file, by the tensors' names; no number is read."""
    path = folder / name
    real, home = Path(os.path.realpath(path)), Path(os.path.realpath(folder))
    homes = [home]
    if home.parent.name == "snapshots":
        # A snapshot in the Hub's cache is a folder of links into the model's folder "blobs", and what is there may be a
        # link into one that all models share, where files are sorted by the first two letters of their names.
        model = home.parent.parent
        homes += [model / "blobs", model.parent / "blobs" / real.name[:2]]
    if not real.is_file():
        raise ModelFilesError(f"{folder} lacks {name}: {_SAVE}")
    if real.parent not in homes:
        raise ModelFilesError(f"{path} is a link that leaves its folder, to {real}: copy the file to where the link is")
    with real.open("rb") as file:
        if file.read(len(_LFS)) == _LFS:
            raise ModelFilesError(f"{path} is only a Git LFS pointer: fetch the file itself with git lfs pull")
    try:
        with safe_open(real, framework="pt") as weights:
            return {tensor: tuple(weights.get_slice(tensor).get_shape()) for tensor in weights.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ModelFilesError(f"{path} is damaged or cut off ({in_short(error)}): {_SAVE}") from error


def _json_object(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise ModelFilesError(
            f"cannot load a language model from {str(path.parent)!r}: its {path.name} cannot be read "
            f"({in_short(error)}); {_SAVE}"
        ) from error
    if not isinstance(found, dict):
        raise ModelFilesError(f"{path} does not hold a JSON object: {_SAVE}")
    return found


def _check_references(config: dict[str, Any], folder: Path) -> None:
    foreign = [key for key in _OTHER_FILES if config.get(key) is not None]
    foreign += [key for key in _IMPLEMENTATIONS if "/" in str(config.get(key))]
    if foreign:
        raise ModelFilesError(
            f"{folder / _CONFIG} sets {foreign[0]} to {str(config[foreign[0]])[:80]!r}, which leads to other files or "
            "to code: remove it from config.json"
        )


def _check_counts(config: dict[str, Any], n_tensors: int, folder: Path) -> None:
    """Refuse more layers (or the like) than the weights can hold."""
    most = max(n_tensors, _MOST_COUNTED)
    for key, value in config.items():
        if isinstance(value, dict):
            _check_counts(value, n_tensors, folder)
        elif _COUNTS.search(key) and isinstance(value, (int, float)) and value > most:
            raise ModelFilesError(
                f"{folder / _CONFIG} has {key} = {value}, and the weights are {n_tensors} tensors: they come from "
                f"different models; {_SAVE}"
            )


def _check_size(config: PreTrainedConfig, kind: Kind, folder: Path) -> None:
    """Refuse a model many times as large as its weights, before memory is allocated for it."""
    stored = sum(prod(shape) for shape in _all_shapes(folder).values())
    with torch.device("meta"):
        model = kind.auto.from_config(copy.deepcopy(config))
    described = sum(tensor.numel() for tensor in (*model.parameters(), *model.buffers()))
    if described > _MOST_TIMES * stored + _MOST_BEYOND:
        raise ModelFilesError(
            f"{folder / _CONFIG} describes a model of {described:,} numbers, and the weights have {stored:,}: they "
            f"come from different models; {_SAVE}"
        )


# -------------------------------------------------------------------- what is loaded


def load(
    folder: Path, source: str, dtype: torch.dtype, kind: Kind
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase, bool]:
    """The model and the tokenizer of a folder, and whether all weights of the head were there.

    Raises
    ------
    ModelFilesError
        As in :func:`check`, or if the configuration describes a model that is much larger than the weights.
    UnsupportedModelError
        As in :func:`check`, or if it is not of this kind, or weights of the encoder are missing.
    """
    config = check(folder)
    _check_kind(config, kind, folder)
    # Faster attention asks for packages and devices of its own, and gives the same states.
    if config.get_text_config()._attn_implementation not in (None, "eager", "sdpa"):
        config._attn_implementation = None
    _check_size(config, kind, folder)
    # Cutting a block's work into chunks gives the same numbers, but fails if the chunk size does not divide the length.
    if getattr(config, "chunk_size_feed_forward", 0):
        config.chunk_size_feed_forward = 0
    with quiet():
        model, info = kind.auto.from_pretrained(
            folder,
            config=config,
            dtype=dtype,
            use_safetensors=True,
            output_loading_info=True,
            trust_remote_code=False,
        )
    tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    return model, tokenizer, _head_was_loaded(model, info, source, kind)


def _head_was_loaded(model: PreTrainedModel, info: Mapping[str, Any], source: str, kind: Kind) -> bool:
    """Whether all weights of the head were in the checkpoint; an incomplete encoder is an error."""
    missing = sorted(str(key) for key in info["missing_keys"])
    prefix = "" if model.base_model is model else f"{model.base_model_prefix}."
    of_encoder = [key for key in missing if key.startswith(prefix)]
    if of_encoder:
        raise UnsupportedModelError(
            f"{source!r} lacks {len(of_encoder)} weights of the encoder, among them {of_encoder[0]}: the "
            f"file is incomplete or not of the architecture {type(model).__name__}"
        )
    unread = sorted(str(key) for key in info["unexpected_keys"] if _matters(str(key), kind))
    if unread:
        raise UnsupportedModelError(
            f"{source!r} has {len(unread)} weights of blocks that {type(model).__name__} does not read, among them "
            f"{unread[0]}: if they are an adapter's, merge it into the model (with PEFT, merge_and_unload) and save "
            f"that; if they read pictures or sound, save the model of text by itself; if neither, its config.json is "
            f"another model's (it says {model.config.get_text_config().num_hidden_layers} layers)"
        )
    return not missing


def _matters(unread: str, kind: Kind) -> bool:
    """Whether a weight that no module has taken should have been read."""
    if kind is ENCODER and unread.startswith("decoder."):
        return False
    return bool(_OF_A_BLOCK.search(unread)) and not _OF_ATTENTION.search(unread)
