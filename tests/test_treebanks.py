"""Treebanks from a folder, and over HTTP from a server on loopback that misbehaves on demand."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
import warnings
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.pool import ThreadPool
from pathlib import Path

import pytest

from pitfalls.columns import SPLITS
from pitfalls.language import download as downloads
from pitfalls.language.corpus import CorpusError, read_conllu
from pitfalls.language.treebanks import TREEBANKS, Treebank, TreebankError, cache_folder, load, locate, treebank

pytestmark = pytest.mark.filterwarnings("ignore:.*is trusted on first use")
IMST = treebank("tur")
NAME = "tr_imst-ud-dev.conllu"


class Server(ThreadingHTTPServer):
    """Serves files by name. `script` says what goes wrong with each of the next requests."""

    daemon_threads = True
    files: dict[str, bytes]
    script: list[str]
    requests: list[str]
    scheme = "http"

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_address[1]}/ud"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, *args: object) -> None:
        """Keep quiet."""

    def do_GET(self) -> None:
        self.server.requests.append(self.path)
        act = self.server.script.pop(0) if self.server.script else "whole"
        body = self.server.files.get(self.path.rsplit("/", 1)[1])
        self.close_connection = True
        if act.isdecimal():
            return self.send_error(int(act))
        if act.startswith("to "):
            self.send_response(302)
            self.send_header("Location", act.removeprefix("to "))
            return self.end_headers()
        if body is None:
            return self.send_error(404)
        self.send_response(200)
        if act == "chunked":
            self.send_header("Transfer-Encoding", "chunked")
            body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        elif act == "gzip":
            self.send_header("Content-Encoding", "gzip")
        if act.startswith("length "):
            self.send_header("Content-Length", act.removeprefix("length "))
        elif act not in ("chunked", "no length"):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(OSError):  # the client may have heard enough
            if act == "half":  # dies half-way through what it promised
                self.wfile.write(body[: len(body) // 2])
            elif act == "drip":
                for i in range(len(body)):
                    self.wfile.write(body[i : i + 1])
                    time.sleep(0.01)
            else:
                self.wfile.write(body)


@contextlib.contextmanager
def serving(files: dict[str, bytes], certificate: Path | None = None) -> Iterator[Server]:
    """A server on loopback, over TLS where a file with a certificate and its key is given."""
    with Server(("127.0.0.1", 0), Handler) as server:
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
            server.scheme = "https"
        server.files, server.script, server.requests = files, [], []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def server(shared):
    folder = shared / "data" / "ud"
    with serving({path.name: path.read_bytes() for path in folder.glob("tr_imst*.conllu")}) as server:
        yield server


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """The folder of the cached files; nothing waits between attempts."""
    monkeypatch.setenv("PITFALLS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(downloads, "_wait", lambda seconds: None)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "cache" / "ud" / "r2.7" / "UD_Turkish-IMST"


@pytest.fixture
def imst(server):
    """The Turkish treebank, downloaded from the server."""
    return replace(IMST, base_url=server.url)


def left(cache: Path) -> list[str]:
    """What is in the folder, except for the lock."""
    return sorted(path.name for path in cache.glob("*") if path.name != ".lock")


def manifest(cache: Path) -> dict[str, dict[str, object]]:
    found = json.loads((cache / "manifest.json").read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def sha256(content: bytes | bytearray) -> str:
    return hashlib.sha256(content).hexdigest()


# -- which and where -----------------------------------------------------------------------------------------


def test_the_nine_treebanks_of_the_paper():
    assert {t.language for t in TREEBANKS} == {"eng", "ara", "hin", "rus", "fin", "bul", "tur", "spa", "fra"}
    for t in TREEBANKS:
        assert treebank(t.name) == treebank(t.language) == treebank(t.prefix) == t
        # The repository's second half is the second half of the files' names.
        assert t.prefix.split("_")[1] == t.name.split("-")[1].lower()
    with pytest.raises(ValueError, match=r"no treebank 'deu'.*eng \(UD_English-EWT\)"):
        treebank("deu")


def test_url_is_that_of_the_release():
    raw = "https://raw.githubusercontent.com/UniversalDependencies"
    assert treebank("eng").url("dev") == f"{raw}/UD_English-EWT/r2.7/en_ewt-ud-dev.conllu"
    mirrored = replace(IMST, release="r2.15", base_url="http://here/")
    assert mirrored.url("dev") == f"http://here/UD_Turkish-IMST/r2.15/{NAME}"


def test_cache_folder_follows_the_environment(monkeypatch):
    monkeypatch.setenv("PITFALLS_CACHE", "/some/where")
    assert cache_folder() == Path("/some/where")
    monkeypatch.setenv("PITFALLS_CACHE", "")
    monkeypatch.setenv("HOME", "/home/reader")
    assert cache_folder() == Path("/home/reader/.cache/pitfalls")


def test_wrong_arguments_are_named(cache):
    with pytest.raises(ValueError, match="no split 'validation'; expected one of train, dev, test"):
        locate(IMST, "validation")
    with pytest.raises(ValueError, match="name of a tag"):
        replace(IMST, release="../r2.7")
    with pytest.raises(ValueError, match="expected http://"):
        replace(IMST, base_url="ftp://x")
    assert not cache.exists()


# -- a folder of the user's ----------------------------------------------------------------------------------


@pytest.mark.parametrize("below", ["", "UD_Turkish-IMST"])
def test_folder_is_searched_by_name_and_below(tmp_path, below):
    path = tmp_path / "mine" / below / NAME
    path.parent.mkdir(parents=True)
    path.write_bytes(b"")
    assert locate("tur", "dev", folder=tmp_path / "mine") == path


def test_folder_without_the_file_is_named_and_nothing_is_downloaded(server, imst, tmp_path):
    with pytest.raises(TreebankError, match=f"no {NAME} in .*UD_Turkish-IMST/{NAME}; put the file there"):
        locate(imst, "dev", folder=tmp_path)
    assert server.requests == []


def test_files_of_a_folder_are_checked_where_the_checksum_is_known(shared):
    folder = shared / "data" / "ud"
    right = sha256((folder / NAME).read_bytes())
    assert locate(replace(IMST, checksums={NAME: right.upper()}), "dev", folder) == folder / NAME
    with pytest.raises(TreebankError, match=f"{right}, expected {'0' * 64}; put a good copy"):
        locate(replace(IMST, checksums={NAME: "0" * 64}), "dev", folder)


def test_load_reads_the_splits_asked_for(shared):
    folder = shared / "data" / "ud"
    corpora = load("tur", ("test", "dev"), folder)
    assert list(corpora) == ["test", "dev"]
    assert corpora["dev"] == read_conllu(folder / NAME, "tur")
    assert load("tur", ["dev"], folder, convert=lambda *_: {})["dev"].sentences[0].words[0].attributes == {}


def test_a_treebank_of_ones_own(tmp_path):
    path = tmp_path / "xx_toy-ud-dev.conllu"
    path.write_text("1\ta\ta\tNOUN\t_\tNumber=Sing\t_\t_\t_\t_\n\n", encoding="utf-8")
    toy = Treebank("UD_Toy-Toy", "eng", "xx_toy")
    assert load(toy, ["dev"], tmp_path)["dev"].sentences[0].words[0].attributes["Number"] == "SG"
    path.write_text("not a treebank\n", encoding="utf-8")
    with pytest.raises(CorpusError):
        load(toy, ["dev"], tmp_path)


# -- downloads -----------------------------------------------------------------------------------------------


def test_first_download_is_recorded_and_the_second_call_asks_nobody(server, imst, cache):
    assert [locate(imst, split) for split in SPLITS] == [cache / IMST.file_name(split) for split in SPLITS]
    for split in SPLITS:
        name = IMST.file_name(split)
        content = server.files[name]
        assert (cache / name).read_bytes() == content
        assert manifest(cache)[name] == {"size": len(content), "sha256": sha256(content), "url": imst.url(split)}
    assert left(cache) == sorted([*map(IMST.file_name, SPLITS), "manifest.json"])
    server.requests.clear()
    assert [len(corpus) for corpus in load(imst, ("dev", "test")).values()] == [1100, 1100]
    assert server.requests == []


def test_releases_are_kept_apart(server, imst):
    paths = {locate(replace(imst, release=release), "dev") for release in ("r2.7", "r2.15")}
    assert len(paths) == 2
    assert server.requests == [f"/ud/UD_Turkish-IMST/{release}/{NAME}" for release in ("r2.7", "r2.15")]


@pytest.mark.parametrize("script", [["503", "429"], ["half", "half", "502"], ["chunked"]])
def test_download_survives_what_passes(server, imst, cache, script):
    server.script = list(script)
    assert locate(imst, "dev").read_bytes() == server.files[NAME]
    assert len(server.requests) == len(script) + (script != ["chunked"])
    assert left(cache) == ["manifest.json", NAME]


def test_lasting_failure_is_named_and_leaves_nothing(server, imst, cache):
    for act, reason in (("half", r"\d+ of \d+ bytes arrived"), ("500", r"HTTP status 500 \(Internal Server Error\)")):
        server.requests.clear()
        server.script = [act] * 9
        with pytest.raises(TreebankError, match=f"{reason}; gave up after 4 attempts; .* as folder="):
            locate(imst, "dev")
        assert len(server.requests) == downloads._ATTEMPTS
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(TreebankError, match=r"no connection .*refused.*gave up"):
        locate(replace(imst, base_url=f"http://127.0.0.1:{port}/ud"), "dev")
    assert left(cache) == []


@pytest.mark.parametrize(
    ("act", "message"),
    [
        ("404", "HTTP status 404 (Not Found); choose another base_url or release, or get the file yourself"),
        ("gzip", "sent with status 200 as 'gzip', expected plain text"),
        ("no length", "the server does not say how long"),
        ("length " + "9" * 5000, "the server does not say how long the file is"),
        ("length 600000000", "600000000 bytes are announced, but at most 536870912 are accepted"),
        ("to ftp://127.0.0.1/x", "redirected to 'ftp://127.0.0.1/x', expected http or https"),
    ],
)
def test_refusal_is_not_tried_again(server, imst, cache, act, message):
    server.script = [act] * 9
    with pytest.raises(TreebankError, match=re.escape(f"{imst.url('dev')}: {message}")):
        locate(imst, "dev")
    assert len(server.requests) == 1
    assert left(cache) == []


def test_body_is_bounded_in_size_and_time(server, imst, cache, monkeypatch):
    server.script = ["chunked"]  # announces no size
    with monkeypatch.context() as small, pytest.raises(TreebankError, match="more than 1000 bytes arrived"):
        small.setattr(downloads, "LARGEST", 1000)
        locate(imst, "dev")
    monkeypatch.setattr(downloads, "DEADLINE_S", 0.1)
    server.script = ["drip"]  # never pauses for long enough to time out, and would take hours
    with pytest.raises(TreebankError, match=r"only \d+ bytes arrived within 0.1 seconds"):
        locate(imst, "dev")
    assert left(cache) == []


@pytest.mark.parametrize("base", ["http://", "http://[::1", "http://a:b", "http://\ud800", "http://a\n/"])
def test_odd_addresses_are_named(base):
    with pytest.raises(TreebankError, match=r"not a usable address|no such host"):
        locate(replace(IMST, base_url=base), "dev")


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A certificate that 127.0.0.1 gave itself, and its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl to make a certificate with")
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    command = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    subprocess.run([openssl, *command.split(), "-keyout", path, "-out", path], check=True, capture_output=True)
    made = path.read_text(encoding="utf-8")
    if "PRIVATE KEY" not in made:  # one file for both: the certificate took the key's place
        pytest.skip("this openssl writes key and certificate apart")
    return path


def test_redirect_from_https_to_http_is_refused(server, imst, cache, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with serving(server.files, certificate) as safe:
        safe.script = [f"to {server.url}/{NAME}"]
        with pytest.raises(TreebankError, match=r"redirected to 'http://.*, expected https;"):
            locate(replace(IMST, base_url=safe.url), "dev")
        assert server.requests == [] and left(cache) == []
        # From https to https, and from http to https, there is nothing to object to.
        safe.script, server.script = [f"to {safe.url}/{NAME}"], [f"to {safe.url}/{NAME}"]
        locate(replace(IMST, base_url=safe.url), "dev").unlink()
        assert locate(imst, "dev").read_bytes() == server.files[NAME]
    monkeypatch.delenv("SSL_CERT_FILE")
    with (
        serving(server.files, certificate) as unknown,
        pytest.raises(TreebankError, match="certificate is not trusted"),
    ):
        locate(replace(IMST, base_url=unknown.url), "test")


def test_what_is_not_a_treebank_is_not_trusted(server, imst, cache):
    whole = server.files[NAME]
    table = {
        "treebank: line 1: 1 column in '<html></html>', expected CoNLL-U": b"<html></html>\n",
        "end within a sentence": whole[: whole.rindex(b"\n", 0, -2) + 1],
        "no sentence": b"",
        "what arrived has 1 words, expected 100 or more": b"1\tHello\t_\tX\t_\t_\t_\t_\t_\t_\n\n",
    }
    for message, content in table.items():
        server.files[NAME] = content
        with pytest.raises(TreebankError, match=re.escape(message)):
            locate(imst, "dev")
        assert left(cache) == []


def test_first_use_is_said_once_and_only_where_no_checksum_is_known(server, imst):
    digest = sha256(server.files[NAME])
    with pytest.warns(UserWarning, match=rf"{NAME} is trusted on first use: .*{digest}.*manifest\.json.*checksums"):
        path = locate(imst, "dev")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        locate(imst, "dev")
        path.unlink()  # the manifest still knows it
        locate(imst, "dev")
        test = IMST.file_name("test")
        locate(replace(imst, checksums={test: sha256(server.files[test])}), "test")


def test_known_checksum_is_checked_at_download_and_at_load(server, imst, cache):
    wrong, digest = replace(imst, checksums={NAME: "0" * 64}), sha256(server.files[NAME])
    with pytest.raises(TreebankError, match=f"known checksum: its SHA-256 is {digest}, expected {'0' * 64}"):
        locate(wrong, "dev")
    assert left(cache) == []
    path = locate(replace(imst, checksums={NAME: digest}), "dev")
    with pytest.raises(TreebankError, match=f"{path} is damaged .*SHA-256 is {digest}, expected {'0' * 64}"):
        locate(wrong, "dev")


def test_many_threads_ask_for_one_file_while_the_server_dies(server, imst):
    server.script = ["half", "500", "half"]
    with ThreadPool(4) as threads:
        found = threads.map(lambda _: locate(imst, "dev").read_bytes(), range(4))
    assert found == [server.files[NAME]] * 4
    assert len(server.requests) == 4


# -- damage in the cache -------------------------------------------------------------------------------------


def test_changed_byte_is_noticed_at_load_and_healed_by_deleting(server, imst):
    path = locate(imst, "dev")
    content = bytearray(server.files[NAME])
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    message = f"{sha256(content)}, expected {sha256(server.files[NAME])}; delete it to have it downloaded again"
    with pytest.raises(TreebankError, match=message):
        load(imst, ["dev"])
    path.unlink()
    assert locate(imst, "dev").read_bytes() == server.files[NAME]


def test_server_that_later_sends_another_file_is_noticed(server, imst, cache):
    first = server.files[NAME]
    locate(imst, "dev").unlink()
    server.files[NAME] = first.replace(b"Sing", b"Plur")
    with pytest.raises(TreebankError, match=f"not the file of the first download, .*expected {sha256(first)}"):
        locate(imst, "dev")
    assert left(cache) == ["manifest.json"]
    assert manifest(cache)[NAME]["sha256"] == sha256(first)
    (cache / "manifest.json").unlink()
    assert locate(imst, "dev").read_bytes() == server.files[NAME]


def test_file_without_record_and_broken_manifest_are_named(imst, cache):
    path = locate(imst, "dev")
    known = manifest(cache)[NAME]
    odd = [{}, 3, {**known, "sha256": 5}, {**known, "sha256": None}, {**known, "sha256": "abc"}, {**known, "url": 5}]
    for content in ("{", "[]", "[" * 100_000, *(json.dumps({NAME: entry}) for entry in odd)):
        (cache / "manifest.json").write_text(content, encoding="utf-8")
        with pytest.raises(TreebankError, match=r"manifest\.json is not a manifest .*delete the folder"):
            locate(imst, "dev")
    (cache / "manifest.json").unlink()
    with pytest.raises(TreebankError, match="cannot be checked; delete it"):
        locate(imst, "dev")
    path.unlink()
    assert locate(imst, "dev") == path


def test_cache_that_cannot_be_written_is_named(server, imst, tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("PITFALLS_CACHE", str(tmp_path / "file"))
    with pytest.raises(TreebankError, match="environment variable PITFALLS_CACHE"):
        locate(imst, "dev")
    assert server.requests == []


def test_disk_full_is_not_taken_for_a_broken_connection(server, imst):
    class Full(io.BytesIO):
        def write(self, *_: object) -> int:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left on device"):
        downloads.download(imst.url("dev"), Full())
    assert len(server.requests) == 1
