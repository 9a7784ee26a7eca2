"""A hub on this machine that speaks the Hub's own HTTP, and the second server that it sends on to for large files."""

from __future__ import annotations

import hashlib
import json
import re
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

TOKEN = "hf_ofnobody"
FIRST, SECOND = "1" * 40, "2" * 40
# The Hub keeps these elsewhere, and gives out addresses there.
LARGE = (".safetensors", ".bin")


@dataclass
class Model:
    """What the hub knows of a model: the files of each commit, and the commit of each branch or tag."""

    commits: dict[str, dict[str, bytes]]
    refs: dict[str, str]
    gated: bool = False


@dataclass(frozen=True)
class Request:
    """A request that was made: at the ``hub`` or the ``store``; header names are in small letters."""

    place: str
    method: str
    path: str
    headers: dict[str, str]


@dataclass
class Hub:
    """Two servers, while the ``with`` block runs.

    ``cuts`` says what happens to the next downloads of large files: after how many bytes the connection ends, and
    whether it is closed or reset.
    """

    models: dict[str, Model]
    requests: list[Request] = field(default_factory=list)
    cuts: list[tuple[int, str]] = field(default_factory=list)

    def __enter__(self) -> Hub:
        self._servers = [_served(self._answer_hub), _served(self._answer_store)]
        self.address, self.store = (f"http://127.0.0.1:{server.server_address[1]}" for server in self._servers)
        return self

    def __exit__(self, *_: Any) -> None:
        self.stop()

    def stop(self) -> None:
        """Answer no more."""
        for server in self._servers:
            server.shutdown()
            server.server_close()
        self._servers = []

    def downloads(self) -> list[str]:
        """The names of the files whose content was asked for, in order of the names."""
        asked = [request for request in self.requests if request.method == "GET" and "/api/" not in request.path]
        return sorted(request.path.rsplit("/", 1)[1] for request in asked)

    def ranges(self) -> list[str]:
        """The parts that were asked for, where it was not a whole file."""
        return [request.headers["range"] for request in self.requests if "range" in request.headers]

    def authorised(self) -> set[str]:
        """The places at which a token was seen."""
        return {request.place for request in self.requests if "authorization" in request.headers}

    # ---------------------------------------------------------------- the hub

    def _answer_hub(self, handler: Handler) -> None:
        self._note("hub", handler)
        token = handler.headers.get("authorization")
        if token not in (None, f"Bearer {TOKEN}"):
            return handler.error(401, None, "Invalid credentials in Authorization header")
        path = unquote(urlsplit(handler.path).path)
        for pattern, answer in (
            (r"/api/models/(.+)/tree/([^/]+)", self._tree),
            (r"/api/models/(.+)/revision/(.+)", self._info),
            (r"/(?!api/)(.+)/resolve/([^/]+)/(.+)", self._file),
        ):
            if found := re.fullmatch(pattern, path):
                name, revision, *rest = found.groups()
                model = self.models.get(name)
                if model is None:
                    code = None if path.startswith("/api/") else "RepoNotFound"
                    return handler.error(*((404, "RepoNotFound") if token else (401, code)), "Repository not found")
                commit = model.refs.get(revision, revision)
                if commit not in model.commits:
                    return handler.error(404, "RevisionNotFound", f"Invalid rev id: {revision}")
                return answer(handler, name, commit, *rest)
        return handler.error(404, None, f"no such page: {path}")

    def _info(self, handler: Handler, name: str, commit: str) -> None:
        files = self.models[name].commits[commit]
        siblings = [{"rfilename": path} for path in files]
        handler.json({"id": name, "modelId": name, "sha": commit, "private": False, "tags": [], "siblings": siblings})

    def _tree(self, handler: Handler, name: str, commit: str) -> None:
        listed = []
        for path, content in self.models[name].commits[commit].items():
            entry = {"type": "file", "oid": _sha1(content), "size": len(content), "path": path}
            if path.endswith(LARGE):
                entry["lfs"] = {"oid": _sha256(content), "size": len(content), "pointerSize": 134}
            listed.append(entry)
        handler.json(listed)

    def _file(self, handler: Handler, name: str, commit: str, path: str) -> None:
        model = self.models[name]
        if model.gated and "authorization" not in handler.headers:
            return handler.error(401, "GatedRepo", f"Access to model {name} is restricted")
        content = model.commits[commit].get(path)
        if content is None:
            return handler.error(404, "EntryNotFound", "Entry not found")
        headers = {"X-Repo-Commit": commit, "Accept-Ranges": "bytes"}
        if not path.endswith(LARGE):
            return handler.content(content, headers | {"ETag": f'"{_sha1(content)}"'})
        linked = {"X-Linked-Size": str(len(content)), "X-Linked-ETag": f'"{_sha256(content)}"'}
        return handler.answer(302, headers | linked | {"Location": f"{self.store}/{_sha256(content)}/{path}"}, b"")

    # ---------------------------------------------------------------- the store

    def _answer_store(self, handler: Handler) -> None:
        self._note("store", handler)
        _, digest, path = handler.path.split("/", 2)
        commits = (files for model in self.models.values() for files in model.commits.values())
        (content, *_) = (files[path] for files in commits if _sha256(files.get(path, b"")) == digest)
        cut = self.cuts.pop(0) if self.cuts else None
        handler.content(content, {"ETag": f'"{digest}"', "Accept-Ranges": "bytes"}, cut)

    def _note(self, place: str, handler: Handler) -> None:
        headers = {name.lower(): value for name, value in handler.headers.items()}
        self.requests.append(Request(place, handler.command, handler.path, headers))


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"

    def json(self, found: Any) -> None:
        self.answer(200, {"Content-Type": "application/json"}, json.dumps(found).encode())

    def error(self, status: int, code: str | None, message: str) -> None:
        headers = {"X-Error-Message": message} | ({"X-Error-Code": code} if code else {})
        self.answer(status, headers, json.dumps({"error": message}).encode())

    def content(self, content: bytes, headers: dict[str, str], cut: tuple[int, str] | None = None) -> None:
        start = int((self.headers.get("range") or "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        if start:
            headers = headers | {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
        self.answer(206 if start else 200, headers, content[start:], cut)

    def answer(self, status: int, headers: dict[str, str], body: bytes, cut: tuple[int, str] | None = None) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if cut is None:
            self.wfile.write(body)
            return
        after, how = cut
        self.wfile.write(body[:after])
        self.close_connection = True
        if how == "reset":
            # No farewell: what the other side reads next is an error.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.rfile.close()
            self.connection.close()

    def log_message(self, *_: Any) -> None:
        """Not on the screen: requests are kept."""


def _served(answer: Callable[[Handler], None]) -> ThreadingHTTPServer:
    """A server on a free port whose every request is answered so."""

    class Answering(Handler):
        def do_GET(self) -> None:
            answer(self)

        do_HEAD = do_GET  # noqa: N815

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    return server


def _sha1(content: bytes) -> str:
    """As git names a blob."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
