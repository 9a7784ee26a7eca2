"""The nine treebanks of the paper: which they are, where they come from, and that they arrived whole.

A file comes from a folder that the user names, or from a cache into which it is downloaded once, from one
release of Universal Dependencies. Unless the user gives its checksum, the first download of a file is trusted on
first use, and a warning says so; its size and SHA-256 go into a manifest, and from then on every use is checked
against them. Each treebank has a licence of its own, which stands in its repository.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pitfalls import files
from pitfalls.columns import SPLITS
from pitfalls.language import unimorph
from pitfalls.language.corpus import Convert, Corpus, CorpusError, read_conllu
from pitfalls.language.download import DownloadError, download
from pitfalls.language.quoting import quoted

RELEASE = "r2.7"
"""The paper does not state its release; 2.7 is the likely one (SOURCES.md, "Protocol" [I])."""
BASE_URL = "https://raw.githubusercontent.com/UniversalDependencies"

# A value needs 100 distinct word forms in each split to pass the paper's filter: a smaller file is of no use.
_LEAST_WORDS = 100


class TreebankError(ValueError):
    """A treebank's file cannot be had, or is not the one it should be; says which, why, and what to do."""


@dataclass(frozen=True)
class Treebank:
    """One treebank: its repository's name, its language (ISO 639-3), and how its files' names begin.

    >>> treebank("eng").file_name("dev")
    'en_ewt-ud-dev.conllu'
    """

    name: str
    language: str
    prefix: str

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

    def url(self, split: str, release: str = RELEASE, base_url: str = BASE_URL) -> str:
        """Return the address of the file of a split.

        >>> treebank("bul").url("test")
        'https://raw.githubusercontent.com/UniversalDependencies/UD_Bulgarian-BTB/r2.7/bg_btb-ud-test.conllu'
        """
        return f"{base_url.rstrip('/')}/{self.name}/{release}/{self.file_name(split)}"


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
    """Return the cache folder: the environment variable PITFALLS_CACHE, otherwise ``~/.cache/pitfalls``."""
    return Path(os.environ.get("PITFALLS_CACHE") or Path("~", ".cache", "pitfalls")).expanduser()


def load(
    treebank: Treebank | str,
    splits: Iterable[str] = SPLITS,
    folder: str | os.PathLike[str] | None = None,
    release: str = RELEASE,
    base_url: str = BASE_URL,
    checksums: Mapping[str, str] | None = None,
    convert: Convert = unimorph.attributes,
) -> dict[str, Corpus]:
    """Read the splits of a treebank, each located as by `locate`, with the words of `read_conllu`.

    Raises
    ------
    TreebankError
        A file cannot be had or is damaged.
    CorpusError
        A file is not valid CoNLL-U.
    """
    chosen = _chosen(treebank)
    paths = {split: locate(chosen, split, folder, release, base_url, checksums) for split in splits}
    return {split: read_conllu(path, chosen.language, convert) for split, path in paths.items()}


def locate(
    treebank: Treebank | str,
    split: str,
    folder: str | os.PathLike[str] | None = None,
    release: str = RELEASE,
    base_url: str = BASE_URL,
    checksums: Mapping[str, str] | None = None,
) -> Path:
    """Return the checked file of a split, downloading it at the first call.

    With `folder`, nothing is downloaded: the file is looked for there under its own name, such as
    ``en_ewt-ud-dev.conllu``, and in the sub-folder with the treebank's name, such as ``UD_English-EWT``.
    Otherwise the file is in the cache folder below ``ud/<release>/<treebank>``, next to ``manifest.json``
    with the size and the SHA-256 of its first download. Where no checksum is known, the first download is trusted
    on first use, and a UserWarning says so. Two processes may ask for one file. Only a whole file that reads as
    CoNLL-U gets the final name.

    Parameters
    ----------
    treebank : a `Treebank`, or its language or name as for `treebank`
    split : "train", "dev" or "test"
    folder : where the user keeps the files
    release : tag in the treebank's repository
    base_url : what stands before ``/UD_English-EWT/r2.7/en_ewt-ud-dev.conllu``; a mirror, or a test's server
    checksums : SHA-256 by file name, where the user has them; they are checked besides the manifest

    Raises
    ------
    TreebankError
        The file is not in the folder, cannot be downloaded, is damaged, or differs from its first download.
    """
    chosen = _chosen(treebank)
    name = chosen.file_name(split)
    known = (checksums or {}).get(name)
    if folder is not None:
        return _check_named(_in_folder(chosen, name, Path(folder).expanduser()), known)
    if not re.fullmatch(r"\w[\w.-]*", release):
        raise ValueError(f"release is {quoted(release)}; expected the name of a tag, such as {RELEASE!r}")
    if not re.match("https?://", base_url, re.IGNORECASE):
        given = f"base_url is {quoted(base_url)}"
        raise ValueError(f"{given}; expected http:// or https://; for files on disk pass folder=")
    path = cache_folder() / "ud" / release / chosen.name / name
    try:
        if not path.exists():
            with files.locked(path.parent / ".lock"):
                if not path.exists():  # another process may have been faster
                    _obtain(chosen.url(split, release, base_url), path, known)
        return _check_cached(path, known)
    except OSError as error:
        raise TreebankError(
            f"{path}: {error}; see to free space and permissions, or choose another cache folder with the "
            "environment variable PITFALLS_CACHE"
        ) from error


def _chosen(name: Treebank | str) -> Treebank:
    return treebank(name) if isinstance(name, str) else name


def _in_folder(chosen: Treebank, name: str, folder: Path) -> Path:
    """Find a file by its name in the user's folder."""
    candidates = (folder / name, folder / chosen.name / name)
    for path in candidates:
        if path.is_file():
            return path
    raise TreebankError(
        f"no {name} in {folder}: looked for {candidates[0]} and {candidates[1]}; put the file there, choose "
        "another folder, or leave folder out to download it"
    )


# -- checks --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Record:
    """What is known about a file: its size in bytes and its SHA-256, None where it is not."""

    size: int | None
    sha256: str | None
    url: str = ""

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> _Record:
        """Of an entry of a manifest, which knows both."""
        size, sha256, url = entry["size"], entry["sha256"], entry["url"]
        if type(size) is not int or not re.fullmatch("[0-9a-f]{64}", sha256) or not isinstance(url, str):
            raise ValueError(f"an entry holds the size {size!r}, the SHA-256 {sha256!r} and the address {url!r}")
        return cls(size, sha256, url)

    def fault(self, actual: _Record) -> str:
        """Say how an actual file differs from what is known, or return the empty string."""
        if self.size not in (None, actual.size):
            return f"its size is {actual.size} bytes, expected {self.size}"
        if self.sha256 is not None and self.sha256.lower() != actual.sha256:
            return f"its SHA-256 is {actual.sha256}, expected {self.sha256.lower()}"
        return ""


def _measured(path: Path, url: str = "") -> _Record:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
            size += len(chunk)
    return _Record(size, digest.hexdigest(), url)


def _check_named(path: Path, known: str | None) -> Path:
    """Return the path of a file in the user's folder that agrees with the known checksum, if there is one."""
    if known is not None and (fault := _Record(None, known).fault(_measured(path))):
        raise TreebankError(
            f"{path} is damaged or of another release: {fault}; put a good copy there, correct the checksum, "
            "or leave folder out to download the file"
        )
    return path


def _check_cached(path: Path, known: str | None) -> Path:
    """Return the path of a cached file that agrees with the manifest and the known checksum."""
    record = _manifest(path.parent).get(path.name)
    if record is None:
        raise TreebankError(
            f"{path} is not in {_manifest_path(path.parent)}, so it cannot be checked; delete it to have it "
            "downloaded, or name its folder by folder="
        )
    actual = _measured(path)
    if fault := record.fault(actual) or _Record(None, known).fault(actual):
        raise TreebankError(
            f"{path} is damaged or another file: {fault}; delete it to have it downloaded again, or name a "
            "folder with a good copy by folder="
        )
    return path


def _manifest_path(folder: Path) -> Path:
    return folder / "manifest.json"


def _manifest(folder: Path) -> dict[str, _Record]:
    """Read the records of the files of a cached treebank."""
    path = _manifest_path(folder)
    try:
        entries = json.loads(path.read_bytes())
        return {name: _Record.of(entry) for name, entry in entries.items()}
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise TreebankError(
            f"{path} is not a manifest of sizes and checksums ({error!r}); delete the folder {folder} to "
            "have its files downloaded again"
        ) from error


# -- downloads -----------------------------------------------------------------------------------------------


def _obtain(url: str, path: Path, known: str | None) -> None:
    """Download a file, check it, record it, and only then give it its name. The caller holds the lock."""
    try:
        with files.replacing(path) as file:
            part = Path(file.name)
            download(url, part)
            actual = _measured(part, url)
            records = _manifest(path.parent)
            first = records.get(path.name)
            _check_download(part, actual, _Record(None, known), first or _Record(None, None))
            # The record first: a file under its final name always has one, even if the process dies in between.
            records[path.name] = actual
            text = json.dumps({name: asdict(record) for name, record in records.items()}, indent=2, sort_keys=True)
            files.write_text(_manifest_path(path.parent), text + "\n")
    except DownloadError as error:
        raise TreebankError(f"{error}; {_ELSEWHERE}") from error
    if known is None and first is None:
        warnings.warn(
            f"{path.name} is trusted on first use: no checksum is known to check what {url} sent. Its SHA-256, "
            f"{actual.sha256}, stands in {_manifest_path(path.parent)} now, and every later use is compared with it; "
            "give checksums= to have it compared with your own",
            UserWarning,
            stacklevel=3,
        )


def _check_download(part: Path, actual: _Record, known: _Record, first: _Record) -> None:
    """Compare a download with the known checksum and the first download; it must read as a treebank's file."""
    if fault := known.fault(actual):
        raise TreebankError(f"{actual.url}: not the file of the known checksum: {fault}; {_ELSEWHERE}")
    if fault := first.fault(actual):
        raise TreebankError(
            f"{actual.url}: not the file of the first download, from {first.url}: {fault}; {_ELSEWHERE}, or "
            f"delete {_manifest_path(part.parent)} to trust what the server sends now"
        )
    try:
        corpus = read_conllu(part, "", convert=lambda upos, feats, language, form, lemma: {})
    except CorpusError as error:
        where = "" if error.line is None else f"line {error.line}: "
        what = f"{where}{error.found}, expected {error.expected}"
        raise TreebankError(f"{actual.url}: what arrived is not a treebank: {what}; {_ELSEWHERE}") from error
    words = sum(len(sentence.words) for sentence in corpus.sentences)
    if words < _LEAST_WORDS:
        raise TreebankError(
            f"{actual.url}: what arrived has {words} words, expected {_LEAST_WORDS} or more; {_ELSEWHERE}"
        )
    if not part.read_bytes().endswith(b"\n\n"):
        raise TreebankError(
            f"{actual.url}: {actual.size} bytes arrived that end within a sentence, expected a blank line at "
            f"the end; {_ELSEWHERE}"
        )


_ELSEWHERE = "choose another base_url or release, or get the file yourself and name its folder by folder="
