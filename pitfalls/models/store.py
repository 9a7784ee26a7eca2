"""Where word vectors are kept between runs: one file per site, named after everything that decides its content."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from pitfalls import files
from pitfalls.models.interface import LanguageModel
from pitfalls.site import Site

# Raise this when you change what a word's vector is, so that older caches are rebuilt.
CODE_VERSION = 2


def vector_dtype(model: LanguageModel) -> np.dtype[np.floating[Any]]:
    """The precision of a model's word vectors: float64 where it computes in float64, else float32."""
    return np.dtype(np.float64 if model.dtype == torch.float64 else np.float32)


class Store:
    """One site's file and its manifest. Both are put in place whole, so whoever reads them needs no lock."""

    def __init__(self, folder: Path, manifest: Mapping[str, Any]) -> None:
        name = f"{manifest['site']}{manifest['layer']:02d}-{key_of(manifest)}"
        self._array, self._manifest = folder / f"{name}.npy", folder / f"{name}.json"
        self._expected = manifest
        self._shape, self._dtype = tuple(manifest["shape"]), np.dtype(manifest["dtype"])
        header = io.BytesIO()
        described = {"descr": self._dtype.str, "fortran_order": False, "shape": self._shape}
        np.lib.format.write_array_header_1_0(header, described)
        self._header = header.getvalue()

    @property
    def array_bytes(self) -> int:
        """Bytes of the vectors."""
        return math.prod(self._shape) * self._dtype.itemsize

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return len(self._header) + self.array_bytes

    def is_there(self) -> bool:
        """Whether this model's file for the corpus, site and code is there, judged by its manifest and size alone."""
        return self._noted() is not None

    def open(self) -> NDArray[np.floating[Any]] | None:
        """Map the file to memory, read-only; None where it is not there or has changed since it was written."""
        noted = self._noted()
        if noted is None:
            return None
        # The file that is hashed is the one that is mapped, even if another takes its place meanwhile.
        with contextlib.suppress(FileNotFoundError), self._array.open("rb") as file:
            if file.read(len(self._header)) == self._header and files.sha256(file) == noted:
                return self._map(file, "r")
        return None

    def mapped(self) -> NDArray[np.floating[Any]]:
        """Map the file that was just written."""
        with self._array.open("rb") as file:
            return self._map(file, "r")

    @contextlib.contextmanager
    def writing(self) -> Iterator[NDArray[np.floating[Any]]]:
        """Yield an array to fill, with its disk space reserved; at the end, the file is put in place."""
        with files.replacing(self._array, self.size) as file:
            file.write(self._header)
            file.flush()
            array = self._map(file, "r+")
            yield array
            array.flush()
            written = {"size": self.size, "sha256": files.sha256(file)}
        text = json.dumps({**self._expected, **written}, indent=1, sort_keys=True, ensure_ascii=False)
        files.write_text(self._manifest, text + "\n")

    def _map(self, file: BinaryIO, mode: Literal["r", "r+"]) -> np.memmap[Any, np.dtype[np.floating[Any]]]:
        return np.memmap(file, self._dtype, mode, offset=len(self._header), shape=self._shape)

    def _noted(self) -> str | None:
        """The SHA-256 noted when the file was written; None unless the file and its manifest are there and match."""
        try:
            found = json.loads(self._manifest.read_text(encoding="utf-8"))
            size = self._array.stat().st_size
        except (FileNotFoundError, NotADirectoryError, ValueError, RecursionError):
            return None
        expected = {**_decisive(self._expected), "size": size}
        if size != self.size or not isinstance(found, dict):
            return None
        return str(found.get("sha256")) if expected.items() <= found.items() else None


def manifests_of(
    model: LanguageModel, sentences: Sequence[Sequence[str]], shapes: Mapping[Site, tuple[int, int]]
) -> dict[Site, dict[str, Any]]:
    """Everything that decides what the vectors of each site are."""
    shared = {
        "model": model.fingerprint(),
        "model_name": model.name,
        "sentences": _hash_sentences(sentences),
        "dtype": vector_dtype(model).name,
        "code_version": CODE_VERSION,
    }
    return {site: {**shared, **site.columns, "shape": list(shape)} for site, shape in shapes.items()}


def key_of(manifest: Mapping[str, Any], *leave_out: str) -> str:
    """A short hash of what a manifest says, without the fields ``leave_out``."""
    kept = {name: value for name, value in _decisive(manifest).items() if name not in leave_out}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:16]


def _decisive(manifest: Mapping[str, Any]) -> dict[str, Any]:
    # The name is for people: the same weights under another name give the same vectors.
    return {name: value for name, value in manifest.items() if name != "model_name"}


def _hash_sentences(sentences: Sequence[Sequence[str]]) -> str:
    digest = hashlib.sha256()
    for sentence in sentences:
        digest.update(json.dumps(list(sentence)).encode() + b"\n")
    return digest.hexdigest()
