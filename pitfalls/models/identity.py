"""A model's identity, independent of its name: a hash of everything that decides its vectors."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn


def fingerprint(config: Any, weights: nn.Module, also: Sequence[object]) -> str:
    """SHA-256 over a configuration, other things that can be written as JSON, and the weights of a module.

    Examples
    --------
    >>> import transformers
    >>> config, linear = transformers.BertConfig(), nn.Linear(2, 2)
    >>> fingerprint(config, linear, ["mean"]) == fingerprint(config, linear, ["last"])
    False
    """
    digest = hashlib.sha256()
    described = config.to_diff_dict()
    for incidental in ("transformers_version", "_name_or_path", "architectures", "dtype", "torch_dtype"):
        described.pop(incidental, None)
    for part in (described, *also):
        digest.update(json.dumps(part, sort_keys=True, default=str).encode())
    state = weights.state_dict()
    for name in sorted(state):
        weight = state[name].detach().cpu().contiguous()
        digest.update(f"{name} {weight.dtype} {tuple(weight.shape)}".encode())
        digest.update(weight.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
