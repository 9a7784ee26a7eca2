"""The names of worlds and precisions. Imports nothing, so that the command line is quick to offer them as choices."""

from __future__ import annotations

WORLDS = ("mini", "paper", "real", "planted", "planted-covariance")

MINI_MODELS = ("bert", "bert-2", "bert-3", "xlmr", "causal")
"""The mini world's trained models; each has a folder in ``data/mini``."""

REAL_MODELS = ("smollm2", "minilm")
"""The real world's trained models; :data:`pitfalls.models.real.MODELS` has their origins and their names on the Hub."""

UNTRAINED = "-untrained"
"""What follows the name of a mini or a real model to ask for its untrained twin, as in ``bert-untrained``."""

DTYPES = ("float64", "float32", "float16", "bfloat16")
"""Precisions that a model may compute in; its word vectors are float64 in float64, and float32 in all others."""
