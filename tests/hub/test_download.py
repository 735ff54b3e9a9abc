"""One file over a network that does what networks do."""

from __future__ import annotations

import gzip
import hashlib
import os
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from hub_server import Fault, Site

from dragoman.errors import DownloadError, HubError
from dragoman.hub.download import download
from dragoman.hub.offers import RemoteFile
from dragoman.hub.web import Web

DATA = os.urandom(300_000)
SHA = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def url(site: Site) -> str:
    (site.root / "file.bin").write_bytes(DATA)
    return site.url + "/file.bin"


def fetch(file: RemoteFile, part: Path, web: Web | None = None) -> bytes:
    with web or Web(silence_s=0.5) as client:
        download(client, file, part, lambda done, size: None, lambda seconds: None)
    return part.read_bytes()


def known(url: str) -> RemoteFile:
    return RemoteFile("file.bin", url, size=len(DATA), sha256=SHA)


@pytest.mark.parametrize("hashed", [True, False], ids=["hashed", "unhashed"])
@pytest.mark.parametrize(
    "fault",
    [
        Fault("cut", 100_000),
        Fault("silent", 100_000),
        Fault("status", 503),
        Fault("status", 429),
        Fault("no-etag"),
        Fault("new-etag"),
        Fault("no-range"),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.number}",
)
def test_what_may_pass_is_tried_again(site: Site, url: str, tmp_path: Path, fault: Fault, hashed: bool) -> None:
    """The second answer breaks off as well; what has come is not fetched twice."""
    answers = {0: fault, 1: Fault("cut", 50_000), 2: Fault(fault.kind) if "etag" in fault.kind else None}
    site.fault = lambda path, count: answers.get(count)
    assert fetch(known(url) if hashed else RemoteFile("file.bin", url), tmp_path / "part") == DATA
    if fault.kind == "cut" and hashed:
        assert site.fetched("file.bin") == len(DATA)


def test_a_new_start_resumes(site: Site, url: str, tmp_path: Path) -> None:
    site.fault = lambda path, count: Fault("cut", 200_000) if count == 0 else Fault("status", 404)
    with pytest.raises(DownloadError, match="no such file"):
        fetch(known(url), tmp_path / "part")
    site.fault = lambda path, count: None
    assert fetch(known(url), tmp_path / "part") == DATA and site.fetched("file.bin") == len(DATA)


def test_another_version_is_not_joined_to_the_old(site: Site, url: str, tmp_path: Path) -> None:
    site.fault = lambda path, count: Fault("cut", 200_000) if count == 0 else Fault("status", 404)
    with pytest.raises(DownloadError):
        fetch(RemoteFile("file.bin", url), tmp_path / "part")
    site.fault = lambda path, count: None
    (site.root / "file.bin").write_bytes(DATA[::-1])
    assert fetch(RemoteFile("file.bin", url), tmp_path / "part") == DATA[::-1]


@pytest.mark.parametrize("status", [403, 404, 410, 400])
def test_what_cannot_pass_is_said_at_once(site: Site, url: str, tmp_path: Path, status: int) -> None:
    site.fault = lambda path, count: Fault("status", status)
    with pytest.raises(DownloadError, match=str(status)):
        fetch(known(url), tmp_path / "part")
    assert len(site.requests) == 1


@pytest.mark.parametrize("kind", ["flip", "longer"])
def test_a_damaged_file_is_refused(site: Site, url: str, tmp_path: Path, kind: str) -> None:
    site.fault = lambda path, count: Fault(kind, 1234)
    with pytest.raises(HubError, match=r"sha256|catalogue says"):
        fetch(known(url), tmp_path / "part")
    site.fault = lambda path, count: Fault(kind, 1234) if count < 3 else None
    if kind == "flip":  # once by chance: it is fetched again
        assert fetch(known(url), tmp_path / "part") == DATA


@pytest.mark.parametrize("kind", ["gzip", "gzip-quiet"])
def test_a_server_that_compresses_once_more(site: Site, url: str, tmp_path: Path, kind: str) -> None:
    packed = gzip.compress(DATA, 1)
    (site.root / "file.bin").write_bytes(packed)
    site.fault = lambda path, count: Fault(kind)
    file = RemoteFile("file.bin", url, sha256=hashlib.sha256(packed).hexdigest())
    assert fetch(file, tmp_path / "part") == packed


def test_redirects(site: Site, url: str, tmp_path: Path) -> None:
    site.answers["/a"] = (302, {"Location": "/b"}, b"")
    site.answers["/b"] = (307, {"Location": url}, b"")
    assert fetch(known(site.url + "/a"), tmp_path / "part") == DATA
    for target, said in {
        "https://127.0.0.1/x": "another scheme",
        "ftp://127.0.0.1/x": "another scheme",
        "file:///etc/passwd": "another scheme",
        "http://192.0.2.1/x": "plain http",
        "/a": "redirects",
    }.items():
        site.answers["/a"] = (302, {"Location": target}, b"")
        with pytest.raises(DownloadError, match=said):
            fetch(known(site.url + "/a"), tmp_path / "other")


def test_where_a_request_may_go() -> None:
    for address, said in {
        "http://example.org/x": "plain http",
        "ftp://127.0.0.1/": "only https",
        "https://": "only https",
        "http://[::1": "no address",
    }.items():
        with pytest.raises(DownloadError, match=said), Web() as web:
            web.get(address)
    with pytest.raises(DownloadError, match="offline"), Web(offline=True) as web:
        web.get("https://example.org/")


def test_a_document_has_a_limit(site: Site, url: str) -> None:
    with Web() as web, pytest.raises(DownloadError, match="more than"):
        web.get(url, limit=1000)


def test_a_proxy_is_used(site: Site, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    class Proxy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", str(len(DATA)))
            self.end_headers()
            self.wfile.write(DATA)

        def log_message(self, *arguments: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Proxy)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.server_port}")
        assert fetch(known(url), tmp_path / "part") == DATA and asked == [url] and not site.requests
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        assert fetch(known(url), tmp_path / "other") == DATA and len(asked) == 1
    finally:
        server.shutdown()
        server.server_close()


def test_silence_ends_a_download(tmp_path: Path) -> None:
    """Also before the first byte of the headers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        started = time.monotonic()
        with pytest.raises(DownloadError, match="silent") as caught:
            fetch(known(f"http://127.0.0.1:{listener.getsockname()[1]}/x"), tmp_path / "part", Web(silence_s=0.1))
        assert caught.value.temporary and time.monotonic() - started < 20


def test_passwords_are_not_shown(site: Site, url: str, tmp_path: Path) -> None:
    secret = url.replace("http://", "http://me:secret@")
    assert fetch(known(secret), tmp_path / "part") == DATA
    sent = {name.lower(): value for name, value in site.requests[0][2].items()}
    assert sent["authorization"].startswith("Basic ")
    site.fault = lambda path, count: Fault("status", 403)
    with pytest.raises(DownloadError) as caught:
        fetch(known(secret), tmp_path / "other")
    assert "secret" not in str(caught.value)
