# ruff: noqa: E501
"""Attacks on a live server, from this machine: others are served meanwhile, and nothing stays open for ever."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from server.conftest import Live

BODY = json.dumps({"q": "Where are you?", "source": "en", "target": "de"})


@pytest.fixture(scope="module")
def server() -> Iterator[Live]:
    live = Live("--idle-timeout", "2", "--queue-limit", "3000", "--drain-timeout", "5")
    yield live
    assert live.stop() == 0


def address(live: Live) -> tuple[str, int]:
    parts = urlsplit(live.url)
    assert parts.hostname and parts.port
    return parts.hostname, parts.port


def ask(live: Live, path: str = "/healthz", body: str | None = None, timeout: float = 10) -> tuple[int, bytes, dict[str, str]]:
    connection = http.client.HTTPConnection(*address(live), timeout=timeout)
    try:
        headers = {"Content-Type": "application/json"} if body else {}
        connection.request("POST" if body else "GET", path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read(), dict(answer.headers)
    finally:
        connection.close()


def slow_sockets(live: Live, count: int) -> list[socket.socket]:
    sockets = []
    for number in range(count):
        made = socket.create_connection(address(live), timeout=10)
        made.sendall(b"POST /translate HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{" if number % 2 else b"GET / HTTP/1.1\r\nHos")
        sockets.append(made)
    return sockets


def closed_by_server(one: socket.socket, deadline: float) -> bool:
    while time.monotonic() < deadline:
        one.settimeout(max(0.01, deadline - time.monotonic()))
        try:
            if one.recv(4096) == b"":
                return True
        except TimeoutError:
            return False
        except OSError:
            return True
    return False


def slow_loris(live: Live, count: int) -> None:
    sockets = slow_sockets(live, count)
    try:
        started = time.monotonic()
        assert ask(live)[0] == 200 and ask(live, "/translate", BODY)[0] == 200
        assert time.monotonic() - started < 5
        deadline = time.monotonic() + 20
        assert all(closed_by_server(one, deadline) for one in sockets)
    finally:
        for one in sockets:
            one.close()


def test_slow_clients_are_cut(server: Live) -> None:
    slow_loris(server, 40)


@pytest.mark.slow
def test_two_thousand_slow_clients(server: Live) -> None:
    slow_loris(server, 2000)


def test_bodies_and_headers_without_end(server: Live) -> None:
    with socket.create_connection(address(server), timeout=10) as one:
        one.sendall(b"POST /translate HTTP/1.1\r\nHost: a\r\nContent-Length: 1073741824\r\n\r\n")
        assert b" 413 " in one.recv(4096).split(b"\r\n")[0]
    with socket.create_connection(address(server), timeout=10) as one:
        one.sendall(b"GET / HTTP/1.1\r\n" + b"X-A: " + b"a" * (128 << 10))
        assert b" 4" in one.recv(4096).split(b"\r\n")[0]
    assert ask(server)[0] == 200


def test_ten_times_too_much(server: Live) -> None:
    """Quick refusals that say when to come back; everything accepted is answered; at once well again."""
    long = json.dumps({"q": "Where are you? " * 40, "source": "en", "target": "de"})
    with ThreadPoolExecutor(40) as pool:
        found = list(pool.map(lambda _: ask(server, "/translate", long, timeout=60), range(120)))
    codes = {status for status, _, _ in found}
    assert codes <= {200, 503} and 200 in codes
    assert all(headers.get("retry-after") for status, _, headers in found if status == 503)
    assert all(json.loads(body)["translatedText"] for status, body, _ in found if status == 200)
    assert ask(server, "/translate", BODY)[0] == 200


def test_clients_that_leave(server: Live) -> None:
    text = json.dumps({"q": "Where are you? " * 100, "source": "en", "target": "de"})
    head = f"POST /translate HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
    for _ in range(60):
        with socket.create_connection(address(server), timeout=10) as one:
            one.sendall((head + text).encode())
    deadline = time.monotonic() + 15
    while b"dragoman_http_requests_running 1\n" not in ask(server, "/metrics")[1]:
        assert time.monotonic() < deadline, "requests of clients that left go on"
        time.sleep(0.1)
    assert ask(server, "/translate", BODY)[0] == 200
