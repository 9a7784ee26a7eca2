"""One file over HTTP: all of it or an error, within bounds of size and time, and never over a less safe connection.

The library pooch would take over the hashes, the temporary file and the retries, which are a few lines. The bounds, the
rule for redirects and the check that the body is whole would have to be written all the same, as a downloader for it;
and it leaves its temporary files behind when it is killed.
"""

from __future__ import annotations

import http.client
import os
import re
import socket
import ssl
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import IO, Any, cast
from urllib.parse import urlsplit

from tqdm.auto import tqdm

from pitfalls.language.quoting import quoted

LARGEST = 1 << 29
"""Bytes of the largest file that is taken, 512 MiB; the largest of the nine treebanks' files has under a tenth."""
DEADLINE_S = 1800.0
"""Seconds until a download is given up, all attempts together."""

_ATTEMPTS = 4
_TIMEOUT_S = 60.0
_CHUNK = 1 << 16
_RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})


class DownloadError(RuntimeError):
    """A file cannot be had from an address; says which, and why."""


class _BrokenOffError(Exception):
    """An attempt failed in a way that may pass."""


def download(url: str, path: Path) -> None:
    """Write what `url` holds to `path`, from its beginning at every attempt.

    The caller gives a path beside the file's own and renames it when the content is found good: whatever ends this
    function before its time leaves part of a file at `path`.

    Raises
    ------
    DownloadError
        The address is unusable, the server refuses, redirects from https to http, sends more than `LARGEST` bytes,
        is not done after `DEADLINE_S`, does not say how long the file is, or breaks off every time.
    OSError
        `path` cannot be written.
    """
    deadline = time.monotonic() + DEADLINE_S
    reason = ""
    for attempt in range(_ATTEMPTS):
        if attempt:
            _wait(2.0 ** (attempt - 1))
        try:
            with _open(url) as response, path.open("wb") as stream:
                _receive(url, response, stream, deadline)
                os.fsync(stream.fileno())
            return
        except _BrokenOffError as error:
            reason = str(error)
    raise DownloadError(f"{url}: {reason}; gave up after {_ATTEMPTS} attempts")


def _wait(seconds: float) -> None:
    time.sleep(seconds)


class _NoDowngrade(urllib.request.HTTPRedirectHandler):
    """Follow a redirect to an address that is as safe as the one that was asked for."""

    def redirect_request(self, req: urllib.request.Request, *answer: Any) -> urllib.request.Request | None:
        target, allowed = answer[-1], ("https",) if req.type == "https" else ("http", "https")
        if urlsplit(target).scheme not in allowed:
            raise DownloadError(f"{req.full_url}: redirected to {quoted(target)}, expected {' or '.join(allowed)}")
        return super().redirect_request(req, *answer)


def _open(url: str) -> http.client.HTTPResponse:
    """Ask for a URL; tell what may pass from what will not."""
    try:
        request = urllib.request.Request(url, headers={"Accept-Encoding": "identity", "User-Agent": "pitfalls"})
        opener = urllib.request.build_opener(_NoDowngrade)
        return cast(http.client.HTTPResponse, opener.open(request, timeout=_TIMEOUT_S))
    except urllib.error.HTTPError as error:
        error.close()
        status = f"HTTP status {error.code} ({http.client.responses.get(error.code, 'unknown')})"
        if error.code in _RETRIED:
            raise _BrokenOffError(status) from error
        raise DownloadError(f"{url}: {status}") from error
    except urllib.error.URLError as error:
        # Waiting seldom helps against any of these.
        if isinstance(error.reason, ssl.SSLCertVerificationError):
            raise DownloadError(f"{url}: the server's certificate is not trusted ({error.reason})") from error
        if isinstance(error.reason, (str, socket.gaierror)):
            raise DownloadError(f"{url}: no such host, or no network ({error.reason})") from error
        raise _BrokenOffError(f"no connection ({error.reason})") from error
    except (http.client.InvalidURL, ValueError) as error:
        raise DownloadError(f"{quoted(url)} is no usable address ({error})") from error
    except (http.client.HTTPException, OSError) as error:
        raise _BrokenOffError(f"no answer ({quoted(error)})") from error


def _receive(url: str, response: http.client.HTTPResponse, stream: IO[bytes], deadline: float) -> None:
    """Copy the body within the bounds, and see that it is whole."""
    size, have = _announced(url, response), 0
    with tqdm(total=size, unit="B", unit_scale=True, desc=url.rsplit("/", 1)[-1]) as bar:
        while chunk := _read(response, have, size):
            have += len(chunk)
            if have > LARGEST:
                raise DownloadError(f"{url}: more than {LARGEST} bytes arrived, and no treebank's file is so large")
            if time.monotonic() > deadline:
                raise DownloadError(f"{url}: {have} bytes arrived within {DEADLINE_S:g} seconds, and it is not done")
            stream.write(chunk)
            bar.update(len(chunk))
    stream.flush()
    if size not in (None, have):
        raise _BrokenOffError(f"{have} of {size} bytes arrived")


def _announced(url: str, response: http.client.HTTPResponse) -> int | None:
    """Read off the answer's head how long the body is; None where it comes in chunks, which mark its end."""
    encoding = response.headers.get("Content-Encoding", "identity")
    if response.status != 200 or encoding != "identity":
        raise DownloadError(f"{url}: sent with status {response.status} as {quoted(encoding)}, expected plain text")
    if response.headers.get("Transfer-Encoding", "").lower() == "chunked":
        return None
    length = response.headers.get("Content-Length", "")
    if not re.fullmatch(r"[0-9]{1,15}", length):
        raise DownloadError(
            f"{url}: the server does not say how long the file is (Content-Length {quoted(length)}), so a cut one "
            "could go unnoticed"
        )
    if int(length) > LARGEST:
        raise DownloadError(f"{url}: {length} bytes are announced, and {LARGEST} are the most that is taken")
    return int(length)


def _read(response: http.client.HTTPResponse, have: int, size: int | None) -> bytes:
    """Read what has arrived; apart from writing, so that a full disk is not taken for a broken connection."""
    try:
        return response.read1(_CHUNK)
    except (http.client.HTTPException, OSError, ValueError) as error:
        raise _BrokenOffError(f"{have} of {size or 'unknown'} bytes arrived ({quoted(error)})") from error
