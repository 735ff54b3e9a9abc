"""The only door to the network: one client, bounded answers, and rules about where a request may go.

Plain http is for loopback, or where asked for. A redirect stays on its scheme. Proxies come from the environment
(``HTTPS_PROXY``, ``HTTP_PROXY``, ``NO_PROXY``). Silence of 30 s ends a request. Nothing is decoded on the way: the
bytes that come are those that are checked.
"""

from __future__ import annotations

import ipaddress
import threading
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any
from urllib.parse import urljoin, urlsplit, urlunsplit

import urllib3

from dragoman.errors import DownloadError, UnavailableError

__all__ = ["DOCUMENT_LIMIT", "Document", "Web", "is_web", "shown"]

SILENCE_S = 30.0
DOCUMENT_LIMIT = 64 << 20
"""Bytes of the largest catalogue read. Mozilla's have about 1 MB."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MAX_REDIRECTS = 8
_MEANING = {
    401: "a login is needed",
    403: "the server refuses it",
    404: "there is no such file",
    410: "it is gone",
    407: "the proxy wants a login",
    429: "too many requests",
}


@dataclass(frozen=True)
class Document:
    """A whole answer. ``url`` is where it came from in the end."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes


def is_web(address: str) -> bool:
    """Whether an address is for the network, and not a path."""
    return "://" in address and not address.lower().startswith("file://")


def shown(url: str) -> str:
    """An address for messages and records: without a password, query or fragment."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


class Web:
    """A client with its connections. Thread-safe; a context manager.

    Args:
        offline: refuse everything.
        insecure: allow plain http to other machines.
        silence_s: seconds without a byte after which a request fails.

    Every method raises DownloadError where something is refused, or does not come.
    """

    def __init__(self, *, offline: bool = False, insecure: bool = False, silence_s: float = SILENCE_S) -> None:
        self.offline, self.insecure = offline, insecure
        self._timeout = urllib3.Timeout(connect=silence_s, read=silence_s)
        self._managers: dict[str, urllib3.PoolManager] = {}
        self._lock = threading.Lock()
        self._closed = False

    def get(self, url: str, *, limit: int = DOCUMENT_LIMIT, headers: Mapping[str, str] = {}) -> Document:
        """A whole document. Statuses from 400 on are errors; 304 is an answer.

        Raises DownloadError also where it is larger than ``limit`` bytes.
        """
        response, final = self.open(url, headers)
        try:
            if response.status >= 400:
                raise self.refusal(url, response.status)
            body = bytearray()
            while piece := self.read(response, url, 1 << 16):
                body += piece
                if len(body) > limit:
                    raise DownloadError(shown(url), f"the document has more than {limit:,} bytes")
            return Document(final, response.status, dict(response.headers), bytes(body))
        finally:
            response.close()

    def peek(self, url: str, count: int = 1 << 16) -> Document:
        """The first bytes of a document."""
        response, final = self.open(url, {})
        try:
            if response.status >= 400:
                raise self.refusal(url, response.status)
            body = bytearray()
            while len(body) < count and (piece := self.read(response, url, count - len(body))):
                body += piece
            return Document(final, response.status, dict(response.headers), bytes(body))
        finally:
            response.close()

    def open(
        self, url: str, headers: Mapping[str, str], method: str = "GET"
    ) -> tuple[urllib3.BaseHTTPResponse, str]:
        """An answer whose body is still to be read, and its final address. The caller closes it."""
        here = url
        for _ in range(_MAX_REDIRECTS):
            response = self._once(here, headers, method)
            target = response.headers.get("location")
            if response.status not in _REDIRECTS or not target:
                return response, here
            response.close()
            there = urljoin(here, target)
            if urlsplit(there).scheme != urlsplit(here).scheme:
                reason = f"it is redirected to another scheme ({shown(there)}), which is refused"
                raise DownloadError(shown(url), reason)
            here = there
        raise DownloadError(shown(url), f"more than {_MAX_REDIRECTS} redirects")

    def read(self, response: urllib3.BaseHTTPResponse, url: str, count: int) -> bytes:
        """At most ``count`` further bytes as they travel; empty at the end."""
        try:
            piece: bytes = response.read(count, decode_content=False)
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise DownloadError(shown(url), _reason(error), temporary=True) from error
        return piece

    def refusal(self, url: str, status: int) -> DownloadError:
        """The error for a status from 400 on."""
        meaning = _MEANING.get(status, "the server has a fault" if status >= 500 else "the request failed")
        return DownloadError(shown(url), f"{meaning} (HTTP {status})", temporary=status >= 500 or status in (408, 429))

    def _once(self, url: str, headers: Mapping[str, str], method: str) -> urllib3.BaseHTTPResponse:
        parts = self._allowed(url)
        sent = {"User-Agent": "dragoman", "Accept-Encoding": "identity", **headers}
        if parts.username is not None:
            sent |= urllib3.make_headers(basic_auth=f"{parts.username}:{parts.password or ''}")
            url = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
        try:
            return self._manager(parts.scheme, parts.hostname or "").request(
                method, url, headers=sent, preload_content=False, redirect=False, retries=False, timeout=self._timeout
            )
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise DownloadError(shown(url), _reason(error), temporary=True) from error

    def _allowed(self, url: str) -> Any:
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname, parts.port
        except ValueError as error:
            raise DownloadError(url[:200], f"this is no address: {error}") from None
        if self._closed:
            raise DownloadError(shown(url), "the client is closed")
        if self.offline:
            raise DownloadError(shown(url), "nothing is fetched offline")
        if parts.scheme not in ("http", "https") or not host:
            raise DownloadError(shown(url), "only https and http addresses are fetched")
        if parts.scheme == "http" and not (self.insecure or _loopback(host)):
            raise DownloadError(shown(url), "plain http to another machine: use https, or allow it with --insecure")
        return parts

    def _manager(self, scheme: str, host: str) -> urllib3.PoolManager:
        proxies = urllib.request.getproxies()
        proxy = proxies.get(scheme) or proxies.get("all") or ""
        if proxy and urllib.request.proxy_bypass(host):
            proxy = ""
        if proxy and "://" not in proxy:
            proxy = "http://" + proxy
        with self._lock:
            if proxy not in self._managers:
                self._managers[proxy] = _make_manager(proxy)
            return self._managers[proxy]

    def close(self) -> None:
        """Drop all connections."""
        with self._lock:
            self._closed = True
            for manager in self._managers.values():
                manager.clear()
            self._managers.clear()

    def __enter__(self) -> Web:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _make_manager(proxy: str) -> urllib3.PoolManager:
    if not proxy:
        return urllib3.PoolManager(num_pools=16, maxsize=16)
    if proxy.lower().startswith("socks"):
        raise UnavailableError(f"the proxy {shown(proxy)} speaks SOCKS, which is not supported: name an http proxy.")
    parts = urlsplit(proxy)
    login = None if parts.username is None else f"{parts.username}:{parts.password or ''}"
    headers = urllib3.make_headers(proxy_basic_auth=login) if login else None
    return urllib3.ProxyManager(proxy, num_pools=16, maxsize=16, proxy_headers=headers)


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _reason(error: BaseException) -> str:
    """What happened, in words: urllib3's own wrap others several deep."""
    seen = 0
    while (inner := getattr(error, "reason", None)) is not None and isinstance(inner, BaseException) and seen < 8:
        error, seen = inner, seen + 1
    if isinstance(error, (urllib3.exceptions.ReadTimeoutError, urllib3.exceptions.ConnectTimeoutError, TimeoutError)):
        return "the server is silent"
    if isinstance(error, urllib3.exceptions.IncompleteRead):
        return "the connection ended before the file did"
    text = " ".join(str(error).split())[:200]
    return text.rsplit(">: ", 1)[-1] or type(error).__name__
