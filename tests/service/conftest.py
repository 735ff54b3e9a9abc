"""A fleet of the small models, and a service on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dragoman import Fleet, Service


@pytest.fixture
def fleet(folders: Path) -> Iterator[Fleet]:
    with Fleet.from_directory(folders) as made:
        yield made


@pytest.fixture
def service(fleet: Fleet) -> Iterator[Service]:
    with Service(fleet, workers=3) as made:
        yield made
