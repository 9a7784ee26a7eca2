"""Writing files so that each is complete or absent, whatever stops the process that writes it.

A file is written next to its final place, flushed to the disk, and renamed. Meanwhile its process holds a lock on it,
so the next writer in the same folder can tell what dead processes left there and remove it.
"""

# Alternatives: tempfile.NamedTemporaryFile (mode 0600 whatever the umask, no rename), atomicwrites (no longer
# maintained, built on it), safer (does not flush to the disk), boltons' AtomicSaver and Django's file_move_safe (one
# fixed name beside the target, or none; what a full disk or a killed process leaves there is never removed). None of
# them says which file the disk had no room for.

from __future__ import annotations

import errno
import hashlib
import os
import platform
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock

try:
    import fcntl
except ImportError:  # Not on Windows, where a leftover stays until somebody deletes it.
    fcntl = None  # type: ignore[assignment]

#: The errors raised when a disk or a quota is full.
FULL = (errno.ENOSPC, errno.EDQUOT)

# The errors of a file system without locks, of one that cannot reserve room, and of a lock that somebody holds.
_NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP)
_NO_RESERVING = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP)
_HELD = (errno.EAGAIN, errno.EACCES)
_READ_AT_ONCE = 1 << 22
# On some network disks only one machine sees a lock, so no machine judges what another one left.
_OWN = f".pitfalls-{hashlib.sha256(platform.node().encode()).hexdigest()[:8]}-"
_PART = re.compile(r"\.pitfalls-[0-9a-f]{8}-[0-9a-f]{16}\.part")


def write(contents: Mapping[Path, bytes]) -> None:
    """Write files, replacing older ones; all are written before any is put in place, and the first is put there last.

    Raises
    ------
    OSError
        As in :func:`replacing`.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write({Path(folder, "a.txt"): b"one", Path(folder, "b.txt"): b"two"})
    ...     sorted(path.name for path in Path(folder).iterdir())
    ['a.txt', 'b.txt']
    """
    with ExitStack() as stack:
        for path, content in contents.items():
            file = stack.enter_context(replacing(path, len(content)))
            file.write(content)
            file.flush()


def write_text(path: Path, text: str) -> None:
    """Write one text file as UTF-8, with its line ends unchanged; see :func:`write`."""
    write({path: text.encode("utf-8")})


@contextmanager
def replacing(path: Path, size: int = 0) -> Iterator[BinaryIO]:
    """Yield an empty file to fill; it takes the place of ``path`` at the end, or is removed after an error.

    The folder is made if there is none. The mode is that of any new file (``umask``). A symbolic link at ``path`` is
    itself replaced, not what it points to.

    Parameters
    ----------
    size : bytes to reserve on the disk at once, so that a full disk is an error now and not at the last byte

    Raises
    ------
    OSError
        The disk is full (the message gives the bytes needed and free), the folder cannot be written or was removed
        meanwhile, or ``path`` is a device or a pipe. The error names ``path``; an older file is left as it was.
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
                file.close()  # Windows does not rename open files.
            os.replace(file.name, path)
    except OSError as error:
        if error.errno is None or (error.filename is not None and not _PART.fullmatch(Path(error.filename).name)):
            raise
        raise _about(path, size, error) from error
    _sync_folder(path.parent)


def _check_replaceable(path: Path) -> None:
    """Refuse a device, a pipe or a socket: a rename would put a plain file in its place."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise OSError(
            errno.EINVAL, "this is a device, a pipe or a socket, and would be replaced: name a file", str(path)
        )


@contextmanager
def replacing_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty folder to fill; it takes the place of ``folder`` at the end, or is removed after an error.

    The caller holds a lock (:func:`locked`), so what a killed process left beside ``folder`` is nobody's, and goes.
    A symbolic link at ``folder`` is itself replaced.

    Raises
    ------
    OSError
        The disk is full (the message gives the bytes free and names ``folder``), or the folder cannot be written.
        An older folder is left as it was.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as place, replacing_folder(Path(place, "model")) as part:
    ...     write_text(part / "config.json", "{}")
    ...     Path(place, "model").exists()
    False
    """
    part = folder.with_name(f"{folder.name}.part")
    try:
        _remove(part)
        part.mkdir(parents=True)
        yield part
        mode = part.stat().st_mode & 0o666
        for file in part.rglob("*"):
            _settle(file, mode)
        _remove(folder)
        part.rename(folder)
    except OSError as error:
        if error.errno not in FULL or error.filename == str(folder):
            raise
        raise _about(folder, 0, error) from error
    finally:
        with suppress(OSError):
            _remove(part)
    _sync_folder(folder.parent)


def _remove(path: Path) -> None:
    """Remove a file, a link or a folder with all that is in it, if there is one."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _settle(path: Path, mode: int) -> None:
    """Flush a file that another library wrote to the disk (see :func:`replacing`), and give it its folder's rights."""
    if path.is_file():
        with path.open("r+b") as file:
            os.fsync(file.fileno())
        path.chmod(mode)


def _about(path: Path, size: int, error: OSError) -> OSError:
    """Turn an error from writing beside ``path`` into one about ``path``; the unfinished file is already gone."""
    said = os.strerror(error.errno or 0)
    if error.errno in FULL:
        needed = f"{size:,} bytes needed, " if size else ""
        said += f" ({needed}{free_space(path.parent):,} bytes free: make room there, and run the same command again)"
    elif error.errno == errno.ENOENT:
        said += " (its folder was removed while it was written: run the same command again)"
    return OSError(error.errno, said, str(path))


@contextmanager
def temporary(folder: Path) -> Iterator[BinaryIO]:
    """Yield a new, empty file in ``folder`` that is removed at the end, unless it was renamed.

    If its process dies, the next call of this function on the same machine removes it.

    Raises
    ------
    OSError
        The folder does not exist or cannot be written.
    """
    remove_leftovers(folder)
    file = _created(folder)
    try:
        yield file
    finally:
        # The disk may be too full to flush the rest, and by now nobody wants it.
        with suppress(OSError):
            file.close()
        with suppress(OSError):
            os.unlink(file.name)


def _created(folder: Path) -> BinaryIO:
    """Make a locked file under a name that nobody else uses; the mode "x" follows no symbolic link."""
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
    """Remove the files of :func:`temporary` whose processes have died; those of living processes stay."""
    if fcntl is None:
        return
    for path in folder.glob(f"{_OWN}*.part"):
        # A file stays if a living process holds it, if it is another user's, or if there are no locks.
        with suppress(OSError):
            file = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
            finally:
                os.close(file)


def _reserve(file: BinaryIO, size: int) -> None:
    """Reserve a file's size on the disk, if the file system can; if it cannot, a write fails when there is no room."""
    if not size or not hasattr(os, "posix_fallocate"):
        return
    try:
        os.posix_fallocate(file.fileno(), 0, size)
    except OSError as error:
        if error.errno not in _NO_RESERVING:
            raise


def _sync_folder(folder: Path) -> None:
    """Flush a rename to the disk; not every system can, and the file is in its place either way."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def free_space(folder: str | os.PathLike[str]) -> int:
    """Return how many bytes are free on the disk where a folder is, or will be once it is made.

    >>> free_space("/no/such/folder") == shutil.disk_usage("/").free
    True
    """
    place = Path(folder).absolute()
    return shutil.disk_usage(next(there for there in (place, *place.parents) if there.exists())).free


def no_room(folder: Path, size: int = 0) -> OSError:
    """Return the error that says how many bytes are free for a folder, and how many are needed, if that is known.

    >>> no_room(Path("/tmp"), 10**15).errno == errno.ENOSPC
    True
    """
    return _about(folder, size, OSError(errno.ENOSPC, ""))


def check_room(folder: Path, size: int) -> None:
    """Raise :func:`no_room` unless ``size`` bytes are free on the disk where a folder is or will be.

    >>> check_room(Path("/tmp"), 0)
    """
    if free_space(folder) < size:
        raise no_room(folder, size)


def sha256(file: BinaryIO) -> str:
    """Return the SHA-256 of a whole open file, whatever its current position."""
    file.seek(0)
    digest = hashlib.sha256()
    while block := file.read(_READ_AT_ONCE):
        digest.update(block)
    return digest.hexdigest()


@contextmanager
def locked(path: Path, patience: float = -1.0) -> Iterator[None]:
    """Hold the lock ``path``; if the process dies, the system releases it. Its folder is made if need be.

    On a file system without locks (some network disks), nobody waits.

    Parameters
    ----------
    patience : seconds to wait for another process or thread that holds the lock; -1 to wait without limit

    Raises
    ------
    filelock.Timeout
        Another process or thread still holds it.
    OSError
        The lock's file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=patience)
    except NotImplementedError:
        pass
    except OSError as error:  # A Timeout is an OSError, too.
        if error.errno not in _NO_LOCKS:
            raise
    try:
        yield
    finally:
        lock.release()
