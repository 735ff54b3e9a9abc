"""What every request passes: bounds of its body and its time, an id, a log line without users' text, safe headers."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import secrets
import time
from collections import Counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dragoman.server.settings import Settings

__all__ = ["Guard", "Measured"]

_log = logging.getLogger("dragoman.server")
_HEADERS = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"))
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)


class Measured:
    """Counts and times of requests, for /metrics."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, int]] = Counter()
        self.times: dict[str, list[float]] = {}
        self.running = 0

    def add(self, path: str, status: int, seconds: float) -> None:
        self.requests[path, status] += 1
        row = self.times.setdefault(path, [0.0] * (len(_BOUNDS) + 2))
        for number, bound in enumerate(_BOUNDS):
            row[number] += seconds <= bound
        row[-2] += 1
        row[-1] += seconds

    def text(self) -> str:
        """In Prometheus' format."""
        lines = ["# TYPE dragoman_http_requests_total counter"]
        for (path, status), times in sorted(self.requests.items()):
            lines.append(f'dragoman_http_requests_total{{path="{path}",status="{status}"}} {times}')
        lines.append("# TYPE dragoman_http_request_seconds histogram")
        for path, row in sorted(self.times.items()):
            for bound, count in zip(_BOUNDS, row, strict=False):
                lines.append(f'dragoman_http_request_seconds_bucket{{path="{path}",le="{bound}"}} {count:.0f}')
            lines.append(f'dragoman_http_request_seconds_bucket{{path="{path}",le="+Inf"}} {row[-2]:.0f}')
            lines.append(f'dragoman_http_request_seconds_count{{path="{path}"}} {row[-2]:.0f}')
            lines.append(f'dragoman_http_request_seconds_sum{{path="{path}"}} {row[-1]:.6f}')
        lines += ["# TYPE dragoman_http_requests_running gauge", f"dragoman_http_requests_running {self.running}"]
        return "\n".join(lines) + "\n"


class Guard:
    """An ASGI application around another. ``paths``: those that are counted by name; all others are "other"."""

    def __init__(self, app: ASGIApp, settings: Settings, measured: Measured, paths: frozenset[str]) -> None:
        self._app, self._settings, self._measured, self._paths = app, settings, measured, paths
        self._most = settings.body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.monotonic()
        headers = {name.lower(): value for name, value in scope["headers"]}
        given = headers.get(b"x-request-id", b"").decode("latin-1")
        number = given if _ID.fullmatch(given) else secrets.token_hex(8)
        sent = {"status": 0}
        self._measured.running += 1

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                sent["status"] = message["status"]
                message["headers"] = [*message.get("headers", []), (b"x-request-id", number.encode()), *_HEADERS]
            await send(message)

        try:
            length = headers.get(b"content-length", b"")
            if length and (not length.isdigit() or int(length) > self._most):
                await _refuse(answer, 413 if length.isdigit() else 400, "The request is too large.")
                return
            await self._bounded(scope, receive, answer, sent)
        finally:
            self._measured.running -= 1
            seconds = time.monotonic() - started
            path = scope["path"] if scope["path"] in self._paths else "other"
            self._measured.add(path, sent["status"] or 499, seconds)
            row = {"id": number, "method": scope["method"], "path": path, "status": sent["status"] or 499,
                   "ms": round(1000 * seconds, 1)}  # fmt: skip
            _log.info("%s", json.dumps(row))

    async def _bounded(self, scope: Scope, receive: Receive, answer: Send, sent: dict[str, int]) -> None:
        """A body is read whole, within its bound and within time, before anybody works on it."""
        body = bytearray()
        try:
            async with asyncio.timeout(self._settings.request_timeout):
                while True:
                    message = await asyncio.wait_for(receive(), self._settings.idle_timeout)
                    if message["type"] == "http.disconnect":
                        return
                    body += message.get("body", b"")
                    if len(body) > self._most:
                        await _refuse(answer, 413, "The request is too large.")
                        return
                    if not message.get("more_body"):
                        break
        except TimeoutError:
            await _refuse(answer, 408, "The request did not arrive in time.")
            return
        whole: Message | None = {"type": "http.request", "body": bytes(body), "more_body": False}
        del body

        async def replay() -> Message:
            nonlocal whole
            if whole is not None:
                message, whole = whole, None
                return message
            return await receive()

        try:
            await self._app(scope, replay, answer)
        except Exception:
            _log.exception("a request failed")
            if not sent["status"]:
                await _refuse(answer, 500, "An error within the server.")


async def _refuse(send: Send, status: int, message: str) -> None:
    body = json.dumps({"error": message}).encode()
    length = str(len(body)).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", length), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
