"""Synthetic activations: correlated float32 neurons, a few of which tell the classes apart. Seeded.

They are written to files once and read by the process that measures, so making them does not count in its memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pitfalls.arrays.splits import Splits

SPLITS = ("train", "dev", "test")

# Rows made at a time.
_ROWS = 2**13


@dataclass(frozen=True)
class Size:
    """How much data: words in each split, neurons and classes."""

    train: int
    dev: int
    test: int
    neurons: int
    classes: int


def write(size: Size, folder: Path, seed: int = 0) -> None:
    """Write ``<split>.X.npy`` [n_words, n_neurons] float32, ``.y.npy`` and ``.forms.npy`` [n_words] int64."""
    generator = np.random.default_rng(seed)
    d = size.neurons
    mixing = (np.eye(d) + generator.normal(size=(d, d)) / np.sqrt(d)).astype(np.float32)
    # Neurons differ in how much they say about the class, and most say little.
    strength = 0.4 * generator.random(d) ** 4
    centres = (generator.normal(size=(size.classes, d)) * strength).astype(np.float32)
    for split in SPLITS:
        n = getattr(size, split)
        y = np.arange(n) % size.classes
        generator.shuffle(y)
        np.save(folder / f"{split}.y.npy", y)
        # Four words per form: the control task draws one label for each form.
        np.save(folder / f"{split}.forms.npy", generator.integers(max(8, n // 4), size=n))
        X = np.lib.format.open_memmap(folder / f"{split}.X.npy", "w+", np.float32, (n, d))
        for start in range(0, n, _ROWS):
            rows = slice(start, min(start + _ROWS, n))
            noise = generator.standard_normal((rows.stop - start, d), dtype=np.float32)
            X[rows] = (noise + centres[y[rows]]) @ mixing
        X.flush()


def read(folder: Path) -> Splits:
    """What :func:`write` wrote, in memory."""

    def part(split: str) -> tuple[np.ndarray, ...]:
        X, y, forms = (np.load(folder / f"{split}.{what}.npy") for what in ("X", "y", "forms"))
        return X, y, [f"form {form}" for form in forms.tolist()]

    return Splits.from_arrays(*(part(split) for split in SPLITS))
