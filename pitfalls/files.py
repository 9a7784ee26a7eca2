"""Files that are there whole or not at all, whatever stops the process that writes them.

A file is written beside its place, brought to the disk, and renamed. Its process holds a lock on it meanwhile, so the
next writer in the same folder can tell what dead processes left there, and removes it.
"""

# Looked at: tempfile.NamedTemporaryFile (mode 0600 whatever the umask, no rename), atomicwrites (no longer maintained,
# built on it), safer (nothing is brought to the disk), boltons' AtomicSaver and Django's file_move_safe (one fixed name
# beside the target, or none; what a full disk or a killed process leaves stays). None says which file the disk had no
# room for.

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import platform
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, Timeout

try:
    import fcntl
except ImportError:  # Not on Windows, where a leftover stays until somebody deletes it.
    fcntl = None  # type: ignore[assignment]

#: Of a disk or a quota that has no room.
FULL = (errno.ENOSPC, errno.EDQUOT)

#: Of file systems that have no locks, or cannot reserve room.
_NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP)
_NO_RESERVING = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP)
_HELD = (errno.EAGAIN, errno.EACCES)
# Some network disks keep locks to one machine, so no machine judges what another one left.
_OWN = f".pitfalls-{hashlib.sha256(platform.node().encode()).hexdigest()[:8]}-"
_PART = re.compile(r"\.pitfalls-[0-9a-f]{8}-[0-9a-f]{16}\.part")


def write(contents: Mapping[Path, bytes]) -> None:
    """Write files, replacing older ones; none is put in place before all are written, the first one comes last.

    Raises
    ------
    OSError
        As :func:`replacing`.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write({Path(folder, "a.txt"): b"one", Path(folder, "b.txt"): b"two"})
    ...     sorted(path.name for path in Path(folder).iterdir())
    ['a.txt', 'b.txt']
    """
    with contextlib.ExitStack() as stack:
        for path, content in contents.items():
            file = stack.enter_context(replacing(path, len(content)))
            file.write(content)
            file.flush()


def write_text(path: Path, text: str) -> None:
    """Write one text file as UTF-8, its line ends as they are; see :func:`write`."""
    write({path: text.encode("utf-8")})


@contextmanager
def replacing(path: Path, size: int = 0) -> Iterator[BinaryIO]:
    """Give an empty file to fill, which takes the place of ``path`` at the end, or is removed after an error.

    Its folder is made where there is none. Its mode is that of any new file (``umask``). A symbolic link at ``path`` is
    replaced, and not what it points to.

    Parameters
    ----------
    size : bytes that are reserved on the disk at once, so that a full one is an error now and not at the last byte

    Raises
    ------
    OSError
        Naming ``path``: the disk is full (with the bytes that are needed and free), the folder cannot be written or
        was removed meanwhile, or ``path`` is a device or a pipe. The older file, if there is one, is as it was.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _check_replaceable(path)
        with temporary(path.parent) as file:
            _reserve(file, size)
            yield file
            file.flush()
            # A rename may reach the disk before the content does; after a power cut the file would be empty.
            os.fsync(file.fileno())
            if fcntl is None:
                file.close()  # Windows renames no open file.
            os.replace(file.name, path)
    except OSError as error:
        if error.errno is None or (error.filename is not None and not _PART.fullmatch(Path(error.filename).name)):
            raise
        raise _about(path, size, error) from error
    _sync_folder(path.parent)


def _check_replaceable(path: Path) -> None:
    """Refuse what is no file, such as a device or a pipe: a rename would put a plain file in its place."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise OSError(
            errno.EINVAL, "this is a device, a pipe or a socket, and would be replaced: name a file", str(path)
        )


def _about(path: Path, size: int, error: OSError) -> OSError:
    """The error of writing beside ``path``, told of ``path``; the leftovers are gone, so what is free is free."""
    said = os.strerror(error.errno or 0)
    if error.errno in FULL:
        needed = f"{size:,} bytes are needed, " if size else ""
        said += f" ({needed}{free_space(path.parent):,} are free: make room there, and run the same again)"
    elif error.errno == errno.ENOENT:
        said += " (its folder was removed while it was written: run the same again)"
    return OSError(error.errno, said, str(path))


@contextmanager
def temporary(folder: Path) -> Iterator[BinaryIO]:
    """Give a new, empty file in ``folder`` that is removed at the end, unless it was renamed.

    Where its process dies, the next call of this function on the same machine removes it.

    Raises
    ------
    OSError
        The folder is not there or cannot be written.
    """
    remove_leftovers(folder)
    file = _created(folder)
    try:
        yield file
    finally:
        # What cannot be flushed to a full disk is not wanted any more.
        with contextlib.suppress(OSError):
            file.close()
        with contextlib.suppress(OSError):
            os.unlink(file.name)


def _created(folder: Path) -> BinaryIO:
    """A locked file of a name that nobody else has; "x" follows no symbolic link."""
    while True:
        file = open(os.fspath(folder / f"{_OWN}{secrets.token_hex(8)}.part"), "x+b")  # noqa: SIM115
        if fcntl is None:
            return file
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            held = error.errno in _HELD
        else:
            held = os.fstat(file.fileno()).st_nlink == 0
        if not held:
            return file
        file.close()  # Before it was locked, another process took it for a leftover.


def remove_leftovers(folder: Path) -> None:
    """Remove the files of :func:`temporary` whose processes have died; those of live ones stay."""
    if fcntl is None:
        return
    for path in folder.glob(f"{_OWN}*.part"):
        # Held by a live process, another user's, or where there are no locks: left alone.
        with contextlib.suppress(OSError):
            file = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
            finally:
                os.close(file)


def _reserve(file: BinaryIO, size: int) -> None:
    """Give a file its size on the disk, where the file system can; else a write to it tells that there is no room."""
    if not size or not hasattr(os, "posix_fallocate"):
        return
    try:
        os.posix_fallocate(file.fileno(), 0, size)
    except OSError as error:
        if error.errno not in _NO_RESERVING:
            raise


def _sync_folder(folder: Path) -> None:
    """Bring a rename to the disk; not every system can, and the file is in its place either way."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def free_space(folder: str | os.PathLike[str]) -> int:
    """Bytes that are free on the disk where a folder is, or will be once it is made.

    >>> free_space("/no/such/folder") == shutil.disk_usage("/").free
    True
    """
    place = Path(folder).absolute()
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free


@contextmanager
def locked(path: Path, patience: float = -1.0) -> Iterator[None]:
    """Hold the lock ``path``, which the system releases when the process dies; its folder is made if need be.

    Where a file system has no locks (some network disks), everybody goes on at once.

    Parameters
    ----------
    patience : seconds to wait for another process or thread; -1 for as long as it lives

    Raises
    ------
    filelock.Timeout
        Another one holds it still.
    OSError
        The lock's file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=patience)
    except Timeout:
        raise
    except (OSError, NotImplementedError) as error:
        if isinstance(error, OSError) and error.errno not in _NO_LOCKS:
            raise
    try:
        yield
    finally:
        lock.release()
