"""Servers over the models that come along: in process, and on a real socket."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("starlette", reason="needs dragoman[server]")

from starlette.testclient import TestClient

from dragoman import Fleet, Service
from dragoman.server import Settings, create_app


@pytest.fixture(scope="module")
def demo_service() -> Iterator[Service]:
    with Fleet.from_directory() as fleet, Service(fleet, workers=2) as service:
        yield service


@pytest.fixture
def client(demo_service: Service) -> Iterator[Callable[..., TestClient]]:
    """Makes clients of an application with some settings."""
    opened = []

    def make(**settings: object) -> TestClient:
        made = TestClient(create_app(demo_service, Settings(**settings)), raise_server_exceptions=False)  # type: ignore[arg-type]
        opened.append(made)
        return made

    yield make
    for one in opened:
        one.close()


class Live:
    """A server in a process of its own."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        command = [sys.executable, "-m", "dragoman", "serve", "--port", "0", *arguments]
        surroundings = {**os.environ, **environment}
        self._said = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115  (as long as the server)
        self.process = subprocess.Popen(command, stderr=self._said, env=surroundings)
        deadline = time.monotonic() + 60
        found = None
        while found is None:
            assert self.process.poll() is None and time.monotonic() < deadline, self.said()
            time.sleep(0.05)
            found = re.search(r"http://\S+", self.said())
        self.url = found[0]

    def said(self) -> str:
        """What it wrote to its standard error."""
        self._said.seek(0)
        return self._said.read()

    def stop(self) -> int:
        self.process.terminate()
        try:
            return self.process.wait(40)
        finally:
            self._said.close()


@pytest.fixture(scope="session")
def live() -> Iterator[Live]:
    server = Live()
    yield server
    assert server.stop() == 0


@pytest.fixture
def keys_file(tmp_path: Path) -> Path:
    return tmp_path / "keys.db"
