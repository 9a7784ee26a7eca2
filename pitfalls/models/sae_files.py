"""Autoencoders in files, in the format of sae-lens: ``cfg.json`` and ``sae_weights.safetensors`` in one folder.

What sae-lens wrote is read without it: the architectures standard, topk, jumprelu and gated, on the residual stream.
Settings that would change what is computed, and are not understood, are refused by name.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from pitfalls import files
from pitfalls.extras import extra
from pitfalls.models.checkpoint import ModelFilesError
from pitfalls.models.sae import Activation, Origin, SparseAutoencoder, TopK
from pitfalls.numbers import whole

with extra("models"):
    from safetensors import SafetensorError
    from safetensors.torch import load
    from safetensors.torch import save as to_bytes

_SETTINGS, _WEIGHTS = "cfg.json", "sae_weights.safetensors"
_SHARED = ("W_enc", "W_dec", "b_dec")
_BIASES = {
    "standard": ("b_enc",),
    "topk": ("b_enc",),
    "jumprelu": ("b_enc", "threshold"),
    "gated": ("b_gate", "b_mag", "r_mag"),
}
# TransformerLens's names of what goes into a block, and of what comes out of it.
_HOOK = re.compile(r"blocks\.(\d+)\.hook_resid_(pre|post)")


@dataclass(frozen=True)
class Relu:
    """Keep what is above 0."""

    architecture: ClassVar[str] = "standard"

    def __call__(self, given: Tensor) -> Tensor:
        """What is above 0; the rest is 0."""
        return given.relu()


@dataclass(frozen=True)
class JumpRelu:
    """Keep what is above a threshold of each latent, [n] (Rajamanoharan et al. 2024, arXiv 2407.14435).

    >>> JumpRelu(torch.tensor([0.5, 0.5, -1.0]))(torch.tensor([0.75, 0.5, -0.5])).tolist()
    [0.75, 0.0, 0.0]
    """

    threshold: Tensor
    architecture: ClassVar[str] = "jumprelu"

    def __call__(self, given: Tensor) -> Tensor:
        """What is above its threshold and above 0; the rest is 0."""
        return given.relu().where(given > self.threshold, 0)


@dataclass(frozen=True)
class Gated:
    """Where a gate is open, a magnitude: the gate's pre-activation times a scale plus a shift, [n] each.

    Gate and magnitude share the encoder's map (Rajamanoharan et al. 2024, arXiv 2404.16014).
    """

    scale: Tensor
    shift: Tensor
    architecture: ClassVar[str] = "gated"

    def __call__(self, given: Tensor) -> Tensor:
        """The magnitudes above 0 where ``given`` is above 0; the rest is 0."""
        return (given * self.scale + self.shift).relu().where(given > 0, 0)


# -------------------------------------------------------------------- writing


def save(sae: SparseAutoencoder, folder: str | Path) -> None:
    """Write an autoencoder to a folder, whole or not at all.

    Raises
    ------
    OSError
        The folder cannot be written, or the disk is full.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> eye, zero = torch.eye(3), torch.zeros(3)
    >>> sae = SparseAutoencoder(eye, zero, eye, zero, TopK(1), Origin(2, "mini"))
    >>> with TemporaryDirectory() as folder:
    ...     save(sae, folder)
    ...     read(folder).fingerprint() == sae.fingerprint()
    True
    """
    tensors = {"W_enc": sae.W_enc, "W_dec": sae.W_dec, "b_dec": sae.b_dec, **_biases(sae)}
    # Tied weights share their memory, which a file cannot.
    own = {name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format) for name, tensor in tensors.items()}
    weights = to_bytes(own)
    origin = sae.origin
    settings = {
        "architecture": sae.activation.architecture,
        "d_in": sae.width,
        "d_sae": sae.n_latents,
        "dtype": str(sae.W_enc.dtype).removeprefix("torch."),
        "apply_b_dec_to_input": False,
        "normalize_activations": "none",
        **({"k": sae.activation.k} if isinstance(sae.activation, TopK) else {}),
        "metadata": {
            "model_name": origin.model,
            "model_fingerprint": origin.fingerprint,
            "hidden_states_layer": origin.layer,
            "model_from_pretrained_kwargs": {"center_writing_weights": sae.centred},
            # An older file of weights beside these settings would be another autoencoder.
            "weights_sha256": hashlib.sha256(weights).hexdigest(),
        },
    }
    text = json.dumps(settings, indent=1, ensure_ascii=False) + "\n"
    files.write({Path(folder, _SETTINGS): text.encode(), Path(folder, _WEIGHTS): weights})


def _biases(sae: SparseAutoencoder) -> dict[str, Tensor]:
    """The encoder's weights besides its matrix, under their names in files."""
    activation = sae.activation
    if isinstance(activation, Gated):
        b_mag = activation.shift + activation.scale * sae.b_enc
        return {"b_gate": sae.b_enc, "b_mag": b_mag, "r_mag": activation.scale.log()}
    own = {"threshold": activation.threshold} if isinstance(activation, JumpRelu) else {}
    return {"b_enc": sae.b_enc, **own}


# -------------------------------------------------------------------- reading


def read(folder: str | Path) -> SparseAutoencoder:
    """Read an autoencoder that :func:`save` or sae-lens wrote.

    What sae-lens calls ``blocks.l.hook_resid_pre`` is layer l here, and ``blocks.l.hook_resid_post`` layer l + 1. Its
    files name the model but do not identify its weights: use :func:`~.sae.quality` to see whether yours is the same.

    Raises
    ------
    ModelFilesError
        A file is missing or damaged, or the two are from different autoencoders (an ``OSError``).
    ValueError
        It has settings that are not understood.
    """
    place = Path(folder)
    told = _told(place / _SETTINGS)
    architecture = _architecture(told)
    _check_settings(told)
    tensors = _tensors(place / _WEIGHTS, told, architecture)
    W_enc, W_dec, b_dec = (tensors[name] for name in _SHARED)
    b_enc = tensors["b_gate" if architecture == "gated" else "b_enc"]
    if architecture == "topk" and told.get("rescale_acts_by_decoder_norm"):
        # Latents are multiplied by the norms of their directions, which is the same as directions of norm 1.
        norms = W_dec.norm(dim=1)
        W_enc, b_enc, W_dec = W_enc * norms, b_enc * norms, W_dec / norms[:, None]
    # What is subtracted before encoding becomes part of the bias; True is the default if the file does not say.
    if told.get("apply_b_dec_to_input", True):
        b_enc = b_enc - b_dec @ W_enc
    activation, origin, centred = _activation(architecture, tensors, b_enc, told), _origin(told), _centred(told)
    try:
        return SparseAutoencoder(W_enc, b_enc, W_dec, b_dec, activation, origin, centred)
    except ValueError as error:
        raise ModelFilesError(f"{place}: {error}") from error


def _activation(architecture: str, tensors: Mapping[str, Tensor], b_enc: Tensor, told: Mapping[str, Any]) -> Activation:
    if architecture == "topk":
        return TopK(_k(told))
    if architecture == "jumprelu":
        return JumpRelu(tensors["threshold"])
    if architecture == "gated":
        # Its magnitudes are (x W_enc) e^r + b_mag, and the gate's pre-activation is x W_enc + b_gate.
        scale = tensors["r_mag"].exp()
        return Gated(scale, tensors["b_mag"] - tensors["b_gate"] * scale)
    return Relu()


def _told(path: Path) -> dict[str, Any]:
    """The settings, including those that sae-lens 6 keeps as metadata."""
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelFilesError(f"no {path}: name the folder that has {_SETTINGS} and {_WEIGHTS}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise ModelFilesError(f"{path} cannot be read as JSON: {error}") from error
    metadata = settings.get("metadata") or {} if isinstance(settings, dict) else None
    if not isinstance(metadata, dict):
        raise ModelFilesError(f"{path} does not hold the settings of an autoencoder")
    found = {**metadata, **settings}
    for name in ("activation_fn_kwargs", "model_from_pretrained_kwargs"):
        if not isinstance(found.get(name) or {}, dict):
            raise ModelFilesError(f"{path}: {name} is {found[name]!r}, not a JSON object")
    if not isinstance(found.get("apply_b_dec_to_input", True), bool):
        raise ModelFilesError(f"{path}: apply_b_dec_to_input is {found['apply_b_dec_to_input']!r}, not true or false")
    return found


def _architecture(told: Mapping[str, Any]) -> str:
    # Before sae-lens 3 there was one architecture, and before 6 its activation function might be topk.
    named, function = (
        str(told.get("architecture", "standard")),
        told.get("activation_fn", told.get("activation_fn_str")),
    )
    found = "topk" if named == "standard" and function == "topk" else named
    if found not in _BIASES:
        raise ValueError(f"autoencoders of the architecture {named!r} are not read, only {', '.join(_BIASES)}")
    if function not in (None, "relu") and (found, function) != ("topk", "topk"):
        raise ValueError(f"the activation function {function!r} of an autoencoder is not read, only relu and topk")
    return found


def _k(told: Mapping[str, Any]) -> int:
    k = told.get("k", (told.get("activation_fn_kwargs") or {}).get("k"))
    found = whole(k, "k of a topk autoencoder", 1)
    if found > int(told["d_sae"]):
        raise ValueError(f"a topk autoencoder keeps {found} of {told['d_sae']} latents: {_SETTINGS} is wrong")
    return found


def _check_settings(told: Mapping[str, Any]) -> None:
    """Refuse settings that would change the latents or what they write, and are not supported here."""
    harmless = {
        "normalize_activations": (None, False, "none"),
        "reshape_activations": (None, "none"),
        "hook_head_index": (None,),
        "hook_point_head_index": (None,),
        "hook_name_out": (None,),
        "d_out": (None, told.get("d_in")),
        "finetuning_scaling_factor": (None, False),
        "normalize_decoder": (None, False),
    }
    for name, known in harmless.items():
        value = told.get(name)
        if not any(value is one or (value == one and type(value) is type(one)) for one in known):
            raise ValueError(f"an autoencoder with {name} = {value!r} is not read: its latents would differ here")


def _tensors(path: Path, told: Mapping[str, Any], architecture: str) -> dict[str, Tensor]:
    """The weights by name, in single precision or more; each has the shape that the settings give."""
    try:
        content = path.read_bytes()
        found = load(content)
    except FileNotFoundError:
        raise ModelFilesError(f"no {path}: name the folder that has {_SETTINGS} and {_WEIGHTS}") from None
    except (OSError, SafetensorError, ValueError) as error:
        raise ModelFilesError(f"{path} cannot be read as safetensors: {error}") from error
    stated = told.get("weights_sha256")
    if stated and stated != hashlib.sha256(content).hexdigest():
        raise ModelFilesError(f"{path} is not the file that was written with its {_SETTINGS}: save both again")
    if "log_threshold" in found:
        found["threshold"] = found.pop("log_threshold").exp()
    scaling = found.pop("scaling_factor", None)
    wanted = (*_SHARED, *_BIASES[architecture])
    if scaling is not None and not torch.equal(scaling, torch.ones_like(scaling)):
        raise ValueError("an autoencoder with a scaling_factor other than 1 is not read")
    if set(found) != set(wanted):
        raise ValueError(
            f"a {architecture} autoencoder has the weights {', '.join(wanted)}, and {path} has {', '.join(found)}"
        )
    d, n = told.get("d_in"), told.get("d_sae")
    for name in wanted:
        shape = {"W_enc": (d, n), "W_dec": (n, d), "b_dec": (d,)}.get(name, (n,))
        if tuple(found[name].shape) != shape:
            raise ModelFilesError(
                f"{path}: {name} is {tuple(found[name].shape)}, and {_SETTINGS} says {shape}: they come from different "
                "autoencoders"
            )
    return {name: tensor if tensor.dtype == torch.float64 else tensor.float() for name, tensor in found.items()}


def _origin(told: Mapping[str, Any]) -> Origin:
    model, fingerprint = (str(told.get(name) or "") for name in ("model_name", "model_fingerprint"))
    layer = told.get("hidden_states_layer")
    if layer is not None:
        return Origin(whole(layer, "the layer of an autoencoder"), model, fingerprint)
    hook = told.get("hook_name", told.get("hook_point"))
    found = _HOOK.fullmatch(str(hook))
    if found is None:
        raise ValueError(
            f"an autoencoder at {hook!r} is not read, only those of the residual stream: blocks.0.hook_resid_pre, "
            "blocks.0.hook_resid_post and so on"
        )
    return Origin(int(found[1]) + (found[2] == "post"), model, fingerprint)


def _centred(told: Mapping[str, Any]) -> bool:
    """Whether the model was loaded with its writing weights centred."""
    loaded = told.get("model_from_pretrained_kwargs")
    if "hook_point" in told and loaded is None:
        # sae-lens 1 and 2 did not say; TransformerLens centres models with layer norm unless it is told not to.
        raise ValueError(
            f"{_SETTINGS} does not say whether the model's weights were centred: if so (GPT-2 by default), add "
            '"model_from_pretrained_kwargs": {"center_writing_weights": true}, otherwise false'
        )
    return bool((loaded or {}).get("center_writing_weights", False))
