"""A model in a GGUF file, llama.cpp's format, written as a folder of safetensors, which everything here reads.

transformers reads the file itself: it multiplies the quantised weights out in single precision, so the folder's numbers
are exactly those of the file, and take several times its room.
"""

from __future__ import annotations

import copy
import errno
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from pitfalls.extras import extra
from pitfalls.models.checkpoint import UnsupportedModelError, in_short

with extra("models"):
    import transformers
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM, AutoTokenizer

with extra("real"):
    # transformers' reader imports them when it runs, and its own error does not name what brings them.
    import accelerate  # noqa: F401
    import gguf  # noqa: F401


def convert(path: Path, folder: Path, settings: Mapping[str, Any]) -> None:
    """Write the causal model in a GGUF file and its tokenizer to ``folder``, in single precision.

    transformers shows a progress bar.

    Parameters
    ----------
    settings : of the model's configuration, which the file does not say

    Raises
    ------
    UnsupportedModelError
        This version of transformers cannot read the file.
    OSError
        The disk is full, or the folder cannot be written.
    """
    try:
        model, tokenizer = _read(path, settings)
    except MemoryError:
        raise
    except Exception as error:
        raise UnsupportedModelError(
            f"transformers {transformers.__version__} cannot read {path.name} ({in_short(error)}): install newer "
            "packages, with pip install --upgrade transformers gguf accelerate"
        ) from error
    try:
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    except SafetensorError as error:
        raise _from_system(error) from error


def _read(
    path: Path, settings: Mapping[str, Any]
) -> tuple[transformers.PreTrainedModel, transformers.PreTrainedTokenizerBase]:
    where = {"gguf_file": path.name, "local_files_only": True}
    loaded = AutoModelForCausalLM.from_pretrained(path.parent, dtype=torch.float32, **where)
    # What was read from a GGUF file counts as quantised, which transformers refuses to save even when it is not.
    config = copy.deepcopy(loaded.config)
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    config.update(dict(settings))
    plain = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    plain.load_state_dict(loaded.state_dict())
    # transformers makes SmolLM2's tokenizer from the vocabulary and the merges in the file. We tried it on repeated and
    # leading spaces, contractions, accents, Chinese characters, emoji, digits and line ends (tests/test_wheels.py):
    # what it splits, it joins again to the same text. It adds no token before or after a text (no BOS), so nothing
    # stands before the first word of a sentence.
    return plain, AutoTokenizer.from_pretrained(path.parent, **where)


def _from_system(error: SafetensorError) -> Exception:
    """The system's error behind one of safetensors, which gives its number in the text only."""
    found = re.search(r"os error (\d+)", str(error))
    return OSError(int(found[1]) if found else errno.EIO, str(error))
