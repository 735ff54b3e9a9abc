"""A web server on loopback for the hub: files of a folder, with ranges, ETags, redirects, and faults when asked for."""

from __future__ import annotations

import gzip
import hashlib
import html
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one answer.

    Attributes:
        kind: "status", "cut" (the connection ends after ``number`` bytes), "flip" (a byte is another), "silent" (no
            further byte after ``number``), "redirect" (to ``text``), "no-range", "no-etag", "new-etag", "gzip" (sent
            compressed, and said so), "gzip-quiet" (compressed without saying so), "longer".
    """

    kind: str
    number: int = 0
    text: str = ""


Chooser = Callable[[str, int], "Fault | None"]
"""The fault of a path's n-th request."""


@dataclass
class Site:
    """A running server."""

    root: Path
    url: str = ""
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    sent: dict[str, int] = field(default_factory=dict)
    fault: Chooser = lambda path, count: None
    answers: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    patience: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def fetched(self, ending: str) -> int:
        """Bytes of bodies sent for paths that end so."""
        return sum(count for path, count in self.sent.items() if path.endswith(ending))


@contextmanager
def serving(root: Path) -> Iterator[Site]:
    """Serve a folder."""
    site = Site(root)

    class Handler(_Handler):
        here = site

    server = _Server(("127.0.0.1", 0), Handler)
    site.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        site.patience.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that leave are no news."""


class _Handler(BaseHTTPRequestHandler):
    here: Site
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _count(self, path: str, sent: int) -> None:
        with self.here.lock:
            self.here.sent[path] = self.here.sent.get(path, 0) + sent

    def _answer(self, *, body: bool) -> None:
        site = self.here
        path = unquote(urlsplit(self.path).path)
        with site.lock:
            count = sum(one[1] == path and one[0] == self.command for one in site.requests)
            site.requests.append((self.command, path, dict(self.headers.items())))
        fault = site.fault(path, count) if body else None
        if fault is not None and fault.kind == "status":
            self._send(fault.number, {"Retry-After": "0"}, b"no")
            return
        if fault is not None and fault.kind == "redirect":
            self._send(302, {"Location": fault.text}, b"")
            return
        if path in site.answers:
            status, headers, data = site.answers[path]
            self._send(status, headers, data, body=body)
            return
        file = site.root / path.lstrip("/")
        if file.is_dir():
            self._listing(file, path)
        elif file.is_file():
            self._file(file, path, fault, body=body)
        else:
            self._send(404, {}, b"not here", body=body)

    def _listing(self, folder: Path, path: str) -> None:
        if not path.endswith("/"):
            self._send(301, {"Location": path + "/"}, b"")
            return
        names = sorted(one.name + "/" * one.is_dir() for one in folder.iterdir())
        links = "".join(f'<li><a href="{html.escape(name)}">{html.escape(name)}</a></li>' for name in ["../", *names])
        page = f"<!DOCTYPE HTML><html><body><h1>Index</h1><ul>{links}</ul></body></html>"
        self._send(200, {"Content-Type": "text/html"}, page.encode())

    def _file(self, file: Path, path: str, fault: Fault | None, *, body: bool) -> None:
        data = file.read_bytes()
        kind = "" if fault is None else fault.kind
        number = 0 if fault is None else fault.number
        tag = '"' + hashlib.sha256(data).hexdigest()[:16] + '"'
        headers = {"Accept-Ranges": "bytes", "ETag": tag, "Last-Modified": formatdate(1.7e9, usegmt=True)}
        if kind in ("no-etag", "no-range"):
            headers.pop("ETag")
            headers.pop("Last-Modified")
        if kind == "new-etag":
            headers["ETag"] = tag = '"other"'
        if kind in ("gzip", "gzip-quiet"):
            data = gzip.compress(data, 1)
            if kind == "gzip":
                headers["Content-Encoding"] = "gzip"
        if kind == "flip" and data:
            place = number % len(data)
            data = data[:place] + bytes([data[place] ^ 0x40]) + data[place + 1 :]
        if kind == "longer":
            data += b"x" * 1000
        if self.headers.get("If-None-Match") == tag:
            self._send(304, headers, b"")
            return
        start = 0
        wanted = self.headers.get("Range", "")
        condition = self.headers.get("If-Range")
        if wanted.startswith("bytes=") and kind not in ("no-range", "gzip") and condition in (None, tag):
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            if start >= len(data):
                self._send(416, headers | {"Content-Range": f"bytes */{len(data)}"}, b"")
                return
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        status = 206 if start else 200
        stop = None
        if kind in ("cut", "silent"):
            stop = min(start + number, len(data) - 1)
        self._send(status, headers, data[start:], path=path, body=body, stop=None if stop is None else stop - start)
        if kind == "silent":
            self.here.patience.wait(20)

    def _send(
        self,
        status: int,
        headers: dict[str, str],
        data: bytes,
        *,
        path: str = "",
        body: bool = True,
        stop: int | None = None,
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        if stop is not None:
            self.send_header("Connection", "close")
        self.end_headers()
        if not body or status == 304:
            return
        sent = len(data) if stop is None else stop
        if path:  # counted before the client can have it all
            self._count(path, sent)
        try:
            self.wfile.write(data[:sent])
            self.wfile.flush()
        except OSError:
            if path:
                self._count(path, -sent)
            return
        if stop is not None:
            self.close_connection = True
