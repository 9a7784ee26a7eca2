"""Word vectors at one site, and the labelled sets of them that probes and rankings work on.

A word's vector is the mean over its subwords' hidden states (SOURCES.md, "Word vector" [C]), or, in a causal model, the
state of its last subword, the first to have read the whole word. :func:`word_vectors` makes the vectors once per model,
corpus and site, and keeps them in a memory-mapped file if it is given a folder; :func:`select` picks from them the
words that carry an attribute.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from pitfalls import files
from pitfalls.arrays.splits import Activations
from pitfalls.files import free_space
from pitfalls.models.interface import LanguageModel, check_lengths, vector_slots
from pitfalls.models.store import Store, key_of, manifests_of, vector_dtype
from pitfalls.site import Site, as_site, as_sites

if TYPE_CHECKING:
    from pitfalls.language.corpus import Corpus

# -------------------------------------------------------------------- labelled vectors


def select(
    vectors: NDArray[np.floating[Any]],
    corpus: Corpus,
    attribute: str,
    values: Collection[str],
    site: Site | int,
) -> Activations:
    """Pick the words of a corpus that carry an attribute with one of the given values.

    Parameters
    ----------
    vectors : float32 or float64 [words of the corpus, n_units]
        From :func:`word_vectors` of the same corpus.
    corpus : Corpus
    attribute : str
        Such as ``"Number"``.
    values : collection of str
        Values to keep, in any order, such as ``{"SG", "PL"}``.
    site : Site or int
        Where the vectors are from.

    Raises
    ------
    ValueError
        When there is not one vector per word, no value is given, or one of the values occurs on no word.
    """
    total = sum(len(sentence.words) for sentence in corpus.sentences)
    if len(vectors) != total:
        raise ValueError(f"{len(vectors)} vectors for the {total} words of {corpus.name}: take both from one corpus")
    kept = tuple(sorted(set(values)))
    rows, labels, forms, sentence_ids, positions, others = [], [], [], [], [], set()
    row = -1
    for sentence_id, sentence in enumerate(corpus.sentences):
        for position, word in enumerate(sentence.words):
            row += 1
            value = word.attributes.get(attribute)
            if value is None:
                continue
            others.add(value)
            if value in kept:
                rows.append(row)
                labels.append(kept.index(value))
                forms.append(word.form)
                sentence_ids.append(sentence_id)
                positions.append(position)
    absent = sorted(set(kept) - others)
    if absent or not kept:
        raise ValueError(f"no word of {corpus.name} has the {attribute} {absent}: its words have {sorted(others)}")
    return Activations(
        X=np.ascontiguousarray(np.asarray(vectors)[rows]),
        y=np.array(labels, dtype=np.int64),
        values=kept,
        forms=tuple(forms),
        sentence_ids=np.array(sentence_ids, dtype=np.int64),
        positions=np.array(positions, dtype=np.int64),
        language=corpus.language,
        attribute=attribute,
        site=as_site(site),
    )


# -------------------------------------------------------------------- vectors of all words


def word_vectors(
    model: LanguageModel,
    sentences: Sequence[Sequence[str]],
    site: Site | int,
    cache: str | os.PathLike[str] | None = None,
    batch_tokens: int = 4096,
) -> NDArray[np.floating[Any]]:
    """Vectors of all words at one site: the mean over each word's subwords, or its last one (``model.pooling``).

    Parameters
    ----------
    model : LanguageModel
    sentences : sequence of sequences of words
        Each sentence at most ``model.max_tokens`` subwords long.
    site : Site or int
        A number is the residual stream at that layer, 0 (embeddings) to ``model.n_layers``.
    cache : path, optional
        Folder to keep the vectors in. They are made once for the same model, sentences, site and code, and read through
        a memory map after that; a file that is not what its manifest says (SHA-256 of the whole file, at every load) is
        made again. Processes that make the same vectors wait for each other; reading them needs no lock, so the folder
        of finished vectors may be read-only. (If another program shortens a file that is mapped, the system kills this
        process with SIGBUS. This package changes no file in place.)
    batch_tokens : int
        The most subwords in one batch, padding included; affects only memory and speed.

    Returns
    -------
    [n_words, n_units] of :func:`vector_dtype`
        In the order of the words; a read-only memory map where ``cache`` is given.

    Raises
    ------
    TooLongError
        A sentence is too long for the model; the message gives its index.
    OSError
        The disk of ``cache`` has no room for the vectors (room is reserved before the first one is made); or the
        vectors are not there, and the folder cannot be written or was removed meanwhile.
    """
    return site_vectors(model, sentences, [site], cache, batch_tokens)[as_site(site)]


def site_vectors(
    model: LanguageModel,
    sentences: Sequence[Sequence[str]],
    sites: Iterable[Site | int],
    cache: str | os.PathLike[str] | None = None,
    batch_tokens: int = 4096,
) -> dict[Site, NDArray[np.floating[Any]]]:
    """Vectors of all words at several sites, from one pass: site -> [n_words, n_units] of :func:`vector_dtype`.

    See :func:`word_vectors`; each site has its own file in ``cache``, and only missing files are made.
    """
    shapes = _shapes(model, sentences, sites)
    if cache is None:
        arrays: dict[Site, NDArray[np.floating[Any]]] = {
            site: np.empty(shape, dtype=vector_dtype(model)) for site, shape in shapes.items()
        }
        _fill(arrays, model, sentences, batch_tokens)
        return arrays
    folder = Path(cache)
    manifests = manifests_of(model, sentences, shapes)
    stores = {site: Store(folder, manifest) for site, manifest in manifests.items()}
    # A finished file never changes, so reading needs no lock.
    found = _opened(stores)
    if len(found) < len(stores):
        # One lock for all sites of a corpus: with one per site, two processes could wait for each other forever.
        with _making(folder, f"{key_of(next(iter(manifests.values())), 'site', 'layer', 'shape')}.lock"):
            # Another process may have made some of them meanwhile.
            found |= _opened({site: store for site, store in stores.items() if site not in found})
            missing = {site: store for site, store in stores.items() if site not in found}
            if missing:
                _make(missing, folder, model, sentences, batch_tokens)
            found |= {site: store.mapped() for site, store in missing.items()}
    return {site: found[site] for site in shapes}


def absent_bytes(
    model: LanguageModel,
    sentences: Sequence[Sequence[str]],
    sites: Iterable[Site | int],
    cache: str | os.PathLike[str],
) -> int:
    """Bytes of the vectors that :func:`site_vectors` would have to make, judged by manifests and file sizes alone."""
    manifests = manifests_of(model, sentences, _shapes(model, sentences, sites))
    stores = [Store(Path(cache), manifest) for manifest in manifests.values()]
    return sum(store.array_bytes for store in stores if not store.is_there())


def _shapes(
    model: LanguageModel, sentences: Sequence[Sequence[str]], sites: Iterable[Site | int]
) -> dict[Site, tuple[int, int]]:
    """The shape of each site's vectors; sites in order, without repetition."""
    wanted = as_sites(sites)
    if not wanted:
        raise ValueError(f"no site of {model.name} was named: give at least one layer or Site")
    n_words = sum(len(sentence) for sentence in sentences)
    if n_words == 0:
        raise ValueError(f"no word in {len(sentences)} sentences: there is nothing to make vectors from")
    return {site: (n_words, model.n_units(site)) for site in wanted}


def _fill(
    arrays: Mapping[Site, NDArray[np.floating[Any]]],
    model: LanguageModel,
    sentences: Sequence[Sequence[str]],
    batch_tokens: int,
) -> None:
    """Write every word's vector into its row of each site's array."""
    lengths = model.lengths(sentences)
    check_lengths(lengths, model.max_tokens)
    ends = np.cumsum([len(sentence) for sentence in sentences])
    where = ", ".join(str(site) for site in arrays)
    with tqdm(total=int(ends[-1]), unit="word", desc=f"{model.name}, {where}") as progress:
        for batch in batches(lengths, batch_tokens):
            chosen = [sentences[i] for i in batch]
            rows = np.concatenate([np.arange(ends[i] - len(sentences[i]), ends[i]) for i in batch])
            for site, vectors in _pooled(model, chosen, list(arrays)).items():
                arrays[site][rows] = vectors
            progress.update(len(rows))


def batches(lengths: Sequence[int], batch_tokens: int) -> Iterator[list[int]]:
    """Sentence indexes, longest first, cut so that a padded batch has at most ``batch_tokens`` subwords.

    Longest first: a batch too large for the memory then fails at once, and not an hour later.
    """
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        if batch and lengths[batch[0]] * (len(batch) + 1) > batch_tokens:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def _pooled(
    model: LanguageModel, sentences: Sequence[Sequence[str]], sites: Sequence[Site]
) -> dict[Site, NDArray[np.floating[Any]]]:
    """Mean over the subwords that make a word's vector: site -> [words of all sentences, n_units]."""
    encoded = model.encode(sentences)
    counts = [len(sentence) for sentence in sentences]
    starts = torch.tensor(np.cumsum([0, *counts[:-1]]), device=encoded.word_ids.device)
    pooled = vector_slots(encoded, model.pooling)
    word = (encoded.word_ids + starts[:, None])[pooled]
    n_subwords = torch.bincount(word, minlength=sum(counts))
    precision = torch.float64 if vector_dtype(model) == np.float64 else torch.float32
    means = {}
    for site, states in model.read(encoded, sites).items():
        sums = torch.zeros(sum(counts), states.shape[-1], device=states.device, dtype=precision)
        sums.index_add_(0, word, states[pooled].to(precision))
        means[site] = (sums / n_subwords[:, None]).cpu().numpy()
    return means


# -------------------------------------------------------------------- the cache


def _opened(stores: Mapping[Site, Store]) -> dict[Site, NDArray[np.floating[Any]]]:
    """The vectors of those sites whose files are there and sound."""
    opened = {site: store.open() for site, store in stores.items()}
    return {site: vectors for site, vectors in opened.items() if vectors is not None}


@contextlib.contextmanager
def _making(folder: Path, lock: str) -> Iterator[None]:
    """Hold the lock for making vectors in a folder."""
    try:
        with files.locked(folder / lock):
            yield
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise
        told = (
            f"{os.strerror(error.errno)}: {folder} does not hold all these word vectors, and they cannot be written "
            f"there ({error}): name another folder in the environment variable PITFALLS_CACHE"
        )
        raise OSError(error.errno, told) from error


def _make(
    stores: Mapping[Site, Store],
    folder: Path,
    model: LanguageModel,
    sentences: Sequence[Sequence[str]],
    batch_tokens: int,
) -> None:
    """Make the files of some sites; whatever goes wrong, no half-written one stays.

    Raises
    ------
    OSError
        With the ``errno`` of a full disk or quota: how much the sites need, and how much is free.
    """
    try:
        if sum(store.size for store in stores.values()) > free_space(folder):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        with contextlib.ExitStack() as stack:
            arrays = {site: stack.enter_context(store.writing()) for site, store in stores.items()}
            _fill(arrays, model, sentences, batch_tokens)
    except OSError as error:
        if error.errno not in files.FULL:
            raise
        # Measured only now, when our own unfinished files no longer take up room.
        raise OSError(error.errno, f"{os.strerror(error.errno)}: {_needs(stores, folder)}") from error


def _needs(stores: Mapping[Site, Store], folder: Path) -> str:
    need = sum(store.size for store in stores.values())
    return (
        f"the word vectors of {', '.join(map(str, stores))} need {need / 1e6:.1f} MB, and {folder} has "
        f"{free_space(folder) / 1e6:.1f} MB free: make room there, take fewer layers, or name a folder on another disk "
        "in the environment variable PITFALLS_CACHE"
    )
