"""The nine treebanks of the paper: what they are, where they come from, and whether their files are whole.

A file comes from a folder that the user names, or is downloaded once, from one release of Universal Dependencies, into
a cache. Unless the user gives its checksum, the first download of a file is trusted, and a warning says so; its SHA-256
goes into a manifest, and every later use is checked against it. Each treebank has its own licence, which is in its
repository.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pitfalls import files
from pitfalls.columns import SPLITS
from pitfalls.language import unimorph
from pitfalls.language.corpus import Convert, Corpus, CorpusError, read_conllu
from pitfalls.language.download import TreebankError, download, refused
from pitfalls.language.quoting import quoted

RELEASE = "r2.7"
"""The paper does not state its release; 2.7 is the likely one (SOURCES.md, "Protocol" [I])."""
BASE_URL = "https://raw.githubusercontent.com/UniversalDependencies"

# A value needs 100 distinct word forms in each split to pass the paper's filter: a smaller file is of no use.
_LEAST_WORDS = 100


@dataclass(frozen=True)
class Treebank:
    """One treebank: its repository's name, its language (ISO 639-3), and the beginning of its files' names.

    Attributes
    ----------
    release : str
        A tag in the treebank's repository.
    base_url : str
        What stands before ``/UD_English-EWT/r2.7/en_ewt-ud-dev.conllu``, such as a mirror's address.
    checksums : mapping
        SHA-256 checksums by file name, if you know them; files are compared with them and with the manifest.

    Raises
    ------
    ValueError
        The release is not the name of a tag, or the address does not begin with http:// or https://.

    Examples
    --------
    >>> treebank("eng").file_name("dev")
    'en_ewt-ud-dev.conllu'
    """

    name: str
    language: str
    prefix: str
    release: str = RELEASE
    base_url: str = BASE_URL
    checksums: Mapping[str, str] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        """Check what becomes part of a path and of an address."""
        if not re.fullmatch(r"\w[\w.-]*", self.release):
            raise ValueError(f"release is {quoted(self.release)}; expected the name of a tag, such as {RELEASE!r}")
        if not re.match("https?://", self.base_url, re.IGNORECASE):
            given = f"base_url is {quoted(self.base_url)}"
            raise ValueError(f"{given}; expected http:// or https://; for files on disk pass folder=")

    def file_name(self, split: str) -> str:
        """Return the name of the file of a split: "train", "dev" or "test".

        Raises
        ------
        ValueError
            There is no such split.
        """
        if split not in SPLITS:
            raise ValueError(f"no split {quoted(split)}; expected one of {', '.join(SPLITS)}")
        return f"{self.prefix}-ud-{split}.conllu"

    def url(self, split: str) -> str:
        """Return the address of the file of a split.

        >>> treebank("bul").url("test")
        'https://raw.githubusercontent.com/UniversalDependencies/UD_Bulgarian-BTB/r2.7/bg_btb-ud-test.conllu'
        """
        return f"{self.base_url.rstrip('/')}/{self.name}/{self.release}/{self.file_name(split)}"


TREEBANKS = (
    Treebank("UD_English-EWT", "eng", "en_ewt"),
    Treebank("UD_Arabic-PADT", "ara", "ar_padt"),
    Treebank("UD_Hindi-HDTB", "hin", "hi_hdtb"),
    Treebank("UD_Russian-GSD", "rus", "ru_gsd"),
    Treebank("UD_Finnish-TDT", "fin", "fi_tdt"),
    Treebank("UD_Bulgarian-BTB", "bul", "bg_btb"),
    Treebank("UD_Turkish-IMST", "tur", "tr_imst"),
    Treebank("UD_Spanish-GSD", "spa", "es_gsd"),
    Treebank("UD_French-GSD", "fra", "fr_gsd"),
)
"""The paper's nine treebanks (SOURCES.md, "Protocol" [C])."""


def treebank(name: str) -> Treebank:
    """Return one of the nine treebanks by its language, its name, or the beginning of its files' names.

    Raises
    ------
    ValueError
        There is no such treebank.

    Examples
    --------
    >>> treebank("tur") == treebank("UD_Turkish-IMST") == treebank("tr_imst")
    True
    """
    for candidate in TREEBANKS:
        if name in (candidate.language, candidate.name, candidate.prefix):
            return candidate
    known = ", ".join(f"{candidate.language} ({candidate.name})" for candidate in TREEBANKS)
    raise ValueError(f"no treebank {quoted(name)}; expected one of {known}")


def cache_folder() -> Path:
    """Return the cache folder: the environment variable PITFALLS_CACHE, or else ``~/.cache/pitfalls``."""
    return Path(os.environ.get("PITFALLS_CACHE") or Path("~", ".cache", "pitfalls")).expanduser()


def load(
    treebank: Treebank | str,
    splits: Iterable[str] = SPLITS,
    folder: str | os.PathLike[str] | None = None,
    convert: Convert = unimorph.OURS,
) -> dict[str, Corpus]:
    """Read the splits of a treebank, each found by `locate` and read by `read_conllu`.

    Raises
    ------
    TreebankError
        A file cannot be obtained or is damaged.
    CorpusError
        A file is not valid CoNLL-U.
    """
    chosen = _chosen(treebank)
    paths = {split: locate(chosen, split, folder) for split in splits}
    return {split: read_conllu(path, chosen.language, convert) for split, path in paths.items()}


def locate(treebank: Treebank | str, split: str, folder: str | os.PathLike[str] | None = None) -> Path:
    """Return the checked file of a split, downloading it at the first call.

    With `folder`, nothing is downloaded: the file is looked for there under its own name, such as
    ``en_ewt-ud-dev.conllu``, and in the sub-folder with the treebank's name, such as ``UD_English-EWT``.
    Otherwise the file is in the cache folder below ``ud/<release>/<treebank>``, next to ``manifest.json``, which
    records the SHA-256 of its first download. If no checksum is known, the first download is trusted, and a UserWarning
    says so. Two processes may ask for a file at once. Only a complete file that reads as CoNLL-U gets the final name.

    Parameters
    ----------
    treebank : a `Treebank`, or its language or name as for `treebank`
    split : "train", "dev" or "test"
    folder : where the user keeps the files

    Raises
    ------
    TreebankError
        The file is not in the folder, cannot be downloaded, is damaged, or differs from its first download.
    """
    chosen = _chosen(treebank)
    name = chosen.file_name(split)
    if folder is not None:
        return _in_folder(chosen, name, Path(folder).expanduser())
    path = cache_folder() / "ud" / chosen.release / chosen.name / name
    try:
        if not path.exists():
            with files.locked(path.parent / ".lock"):
                if not path.exists():  # Another process may have been faster.
                    _obtain(chosen.url(split), path, chosen.checksums.get(name))
        return _in_cache(path, chosen.checksums.get(name))
    except OSError as error:
        raise TreebankError(
            f"{path}: {error}; check free space and permissions, or choose another cache folder with the "
            "environment variable PITFALLS_CACHE"
        ) from error


def _chosen(name: Treebank | str) -> Treebank:
    return treebank(name) if isinstance(name, str) else name


def _in_folder(chosen: Treebank, name: str, folder: Path) -> Path:
    """Find a file by its name in the user's folder, and check it if its checksum is known."""
    candidates = (folder / name, folder / chosen.name / name)
    path = next((candidate for candidate in candidates if candidate.is_file()), None)
    if path is None:
        raise TreebankError(
            f"no {name} in {folder}: looked for {candidates[0]} and {candidates[1]}; put the file there, choose "
            "another folder, or leave folder out to download it"
        )
    if fault := _fault(path.read_bytes(), chosen.checksums.get(name)):
        raise TreebankError(
            f"{path} is damaged or from another release: {fault}; put a good copy there, correct the checksum, "
            "or leave folder out to download the file"
        )
    return path


def _in_cache(path: Path, known: str | None) -> Path:
    """Check a cached file against the manifest and the known checksum."""
    record = _manifest(path.parent).get(path.name)
    if record is None:
        raise TreebankError(
            f"{path} is not in {_manifest_path(path.parent)}, so it cannot be checked; delete it to have it "
            "downloaded, or pass its folder as folder="
        )
    content = path.read_bytes()
    if fault := _fault(content, record["sha256"]) or _fault(content, known):
        raise TreebankError(
            f"{path} is damaged or has been replaced: {fault}; delete it to have it downloaded again, or pass a "
            "folder with a good copy as folder="
        )
    return path


def _fault(content: bytes, known: str | None) -> str:
    """Say how a file's SHA-256 differs from the known one, if there is one, or return the empty string."""
    actual = hashlib.sha256(content).hexdigest()
    if known is None or known.lower() == actual:
        return ""
    return f"its SHA-256 is {actual}, expected {known.lower()}"


def _manifest_path(folder: Path) -> Path:
    return folder / "manifest.json"


def _manifest(folder: Path) -> dict[str, dict[str, Any]]:
    """Read what is recorded of the files of a cached treebank: size, sha256 and url by file name."""
    path = _manifest_path(folder)
    try:
        records: dict[str, dict[str, Any]] = json.loads(path.read_bytes())
        for record in records.values():
            if not re.fullmatch("[0-9a-f]{64}", record["sha256"]) or not isinstance(record["url"], str):
                raise ValueError(f"a file's record is {quoted(record)}")
        return records
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise TreebankError(
            f"{path} is not a manifest of sizes and checksums ({error!r}); delete the folder {folder} to "
            "have its files downloaded again"
        ) from error


def _obtain(url: str, path: Path, known: str | None) -> None:
    """Download a file, check it, record it, and only then give it its name. The caller holds the lock."""
    manifest = _manifest(path.parent)
    first = manifest.get(path.name)
    with files.replacing(path) as file:
        download(url, file)
        content = Path(file.name).read_bytes()
        if fault := _fault(content, known):
            raise refused(url, f"the file does not have the known checksum: {fault}")
        if first and (fault := _fault(content, first["sha256"])):
            trust = f"to trust what the server sends now, delete {_manifest_path(path.parent)}"
            raise refused(url, f"not the file of the first download, from {first['url']}: {fault}; {trust}")
        _check_content(url, Path(file.name), content)
        digest = hashlib.sha256(content).hexdigest()
        # The record first: a file under its final name always has one, even if the process dies in between.
        manifest[path.name] = {"size": len(content), "sha256": digest, "url": url}
        files.write_text(_manifest_path(path.parent), json.dumps(manifest, indent=2, sort_keys=True) + "\n")
    if known is None and first is None:
        warnings.warn(
            f"{path.name} is trusted on first use: no checksum is known to check what {url} sent. Its SHA-256, "
            f"{digest}, is now in {_manifest_path(path.parent)}, and every later use is compared with it; to have it "
            "compared with your own, give the Treebank its checksums",
            UserWarning,
            stacklevel=3,
        )


def _check_content(url: str, part: Path, content: bytes) -> None:
    """Refuse a download that does not read as a treebank's file, or that was cut off between two lines."""
    try:
        corpus = read_conllu(part, "", convert=lambda *word: {})
    except CorpusError as error:
        where = "" if error.line is None else f"line {error.line}: "
        what = f"{where}{error.found}, expected {error.expected}"
        raise refused(url, f"what arrived is not a treebank: {what}") from error
    words = sum(len(sentence.words) for sentence in corpus.sentences)
    if words < _LEAST_WORDS:
        raise refused(url, f"what arrived has {words} words, expected {_LEAST_WORDS} or more")
    if not content.endswith(b"\n\n"):
        raise refused(url, f"{len(content)} bytes arrived that end within a sentence, expected a blank line at the end")
