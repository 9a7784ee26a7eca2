"""The names of worlds and precisions. Imports nothing, so that the command line is quick to offer them as choices."""

from __future__ import annotations

WORLDS = ("mini", "paper", "planted", "planted-covariance")

DTYPES = ("float64", "float32", "float16", "bfloat16")
"""Precisions that a model may compute in; its word vectors are float64 in float64, and float32 in all others."""
