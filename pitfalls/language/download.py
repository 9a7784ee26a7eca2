"""One file over HTTP: all of it or an error, within bounds of size and time, and never over a less safe connection.

The library pooch would save the few lines for hashes, a temporary file and retries. The bounds, the rule for redirects
and the check that the body is whole would still have to be written, as a downloader for pooch, and a pooch that is
killed leaves its temporary files behind.
"""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import time
import urllib.error
import urllib.request
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit

from tqdm.auto import tqdm

from pitfalls.language.quoting import quoted

LARGEST = 1 << 29
"""The most bytes that are accepted, 512 MiB; the largest file of the nine treebanks has less than a tenth of that."""
DEADLINE_S = 1800.0
"""Seconds after which a download is abandoned, counting all attempts."""

_ATTEMPTS = 4
_TIMEOUT_S = 60.0
_CHUNK = 1 << 16
_RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})


class TreebankError(ValueError):
    """A treebank's file cannot be obtained or is not the right one; the message says which, why, and what to do."""


class _BrokenOffError(Exception):
    """An attempt failed for a reason that may pass."""


def refused(url: str, why: str) -> TreebankError:
    """Make the error for a file that an address does not provide."""
    elsewhere = "choose another base_url or release, or get the file yourself and pass its folder as folder="
    return TreebankError(f"{url}: {why}; {elsewhere}")


def download(url: str, file: BinaryIO) -> None:
    """Fill an open, empty file with what `url` holds, starting over at each attempt.

    If this function fails, it leaves an incomplete file: the caller names the file only after checking it.

    Raises
    ------
    TreebankError
        The address is unusable; or the server refuses, redirects from https to http, sends more than `LARGEST` bytes,
        does not finish within `DEADLINE_S`, does not say how long the file is, or breaks off every time.
    OSError
        The file cannot be written.
    """
    deadline = time.monotonic() + DEADLINE_S
    reason = ""
    for attempt in range(_ATTEMPTS):
        if attempt:
            _wait(2.0 ** (attempt - 1))
        file.seek(0)
        file.truncate()
        try:
            with _open(url) as response:
                return _receive(url, response, file, deadline)
        except _BrokenOffError as error:
            reason = str(error)
    raise refused(url, f"{reason}; gave up after {_ATTEMPTS} attempts")


def _wait(seconds: float) -> None:
    time.sleep(seconds)


class _NoDowngrade(urllib.request.HTTPRedirectHandler):
    """Follow a redirect only to an address that is as safe as the one requested."""

    def redirect_request(self, req: urllib.request.Request, *answer: Any) -> urllib.request.Request | None:
        target, allowed = answer[-1], ("https",) if req.type == "https" else ("http", "https")
        if urlsplit(target).scheme not in allowed:
            raise refused(req.full_url, f"redirected to {quoted(target)}, expected {' or '.join(allowed)}")
        return super().redirect_request(req, *answer)


def _open(url: str) -> http.client.HTTPResponse:
    """Request a URL, and tell failures that may pass from those that will not."""
    try:
        request = urllib.request.Request(url, headers={"Accept-Encoding": "identity", "User-Agent": "pitfalls"})
        opener = urllib.request.build_opener(_NoDowngrade)
        return cast(http.client.HTTPResponse, opener.open(request, timeout=_TIMEOUT_S))
    except urllib.error.HTTPError as error:
        error.close()
        status = f"HTTP status {error.code} ({http.client.responses.get(error.code, 'unknown')})"
        if error.code in _RETRIED:
            raise _BrokenOffError(status) from error
        raise refused(url, status) from error
    except urllib.error.URLError as error:
        # Waiting seldom helps against any of these.
        if isinstance(error.reason, ssl.SSLCertVerificationError):
            raise refused(url, f"the server's certificate is not trusted ({error.reason})") from error
        if isinstance(error.reason, (str, socket.gaierror)):
            raise refused(url, f"no such host, or no network ({error.reason})") from error
        raise _BrokenOffError(f"no connection ({error.reason})") from error
    except (http.client.InvalidURL, ValueError) as error:
        raise refused(quoted(url), f"not a usable address ({error})") from error
    except (http.client.HTTPException, OSError) as error:
        raise _BrokenOffError(f"no answer ({quoted(error)})") from error


def _receive(url: str, response: http.client.HTTPResponse, file: BinaryIO, deadline: float) -> None:
    """Copy the body within the bounds, and check that it is whole."""
    size, have = _announced(url, response), 0
    with tqdm(total=size, unit="B", unit_scale=True, desc=url.rsplit("/", 1)[-1]) as bar:
        while chunk := _read(response, have, size):
            have += len(chunk)
            if have > LARGEST:
                raise refused(url, f"more than {LARGEST} bytes arrived, and no treebank's file is that large")
            if time.monotonic() > deadline:
                raise refused(url, f"only {have} bytes arrived within {DEADLINE_S:g} seconds")
            file.write(chunk)
            bar.update(len(chunk))
    file.flush()
    if size not in (None, have):
        raise _BrokenOffError(f"{have} of {size} bytes arrived")


def _announced(url: str, response: http.client.HTTPResponse) -> int | None:
    """Read from the answer's headers how long the body is; None if it comes in chunks, which mark its end."""
    encoding = response.headers.get("Content-Encoding", "identity")
    if response.status != 200 or encoding != "identity":
        raise refused(url, f"sent with status {response.status} as {quoted(encoding)}, expected plain text")
    if response.headers.get("Transfer-Encoding", "").lower() == "chunked":
        return None
    length = response.headers.get("Content-Length", "")
    if not re.fullmatch(r"[0-9]{1,15}", length):
        missing = f"the server does not say how long the file is (Content-Length {quoted(length)})"
        raise refused(url, f"{missing}, so an incomplete one could go unnoticed")
    if int(length) > LARGEST:
        raise refused(url, f"{length} bytes are announced, but at most {LARGEST} are accepted")
    return int(length)


def _read(response: http.client.HTTPResponse, have: int, size: int | None) -> bytes:
    """Read what has arrived; kept apart from writing, so that a full disk is not taken for a broken connection."""
    try:
        return response.read1(_CHUNK)
    except (http.client.HTTPException, OSError, ValueError) as error:
        raise _BrokenOffError(f"{have} of {size or 'unknown'} bytes arrived ({quoted(error)})") from error
