"""Small models that really translate, on disk, and what each makes of some texts alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fleet_tools import TEXTS, make_folders

from dragoman import Fleet, Service, Translation, Translator, load


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory, spm_bytes: bytes) -> Path:
    """Models m0 to m5 of three architectures, equal vocabularies."""
    folder = tmp_path_factory.mktemp("models")
    make_folders(folder, spm_bytes, 6)
    return folder


@pytest.fixture(scope="session")
def alone(folders: Path) -> dict[tuple[str, str], Translation]:
    """Each text by each model, alone: what every answer must equal."""
    found = {}
    for folder in sorted(folders.iterdir()):
        with Translator(load(folder)) as translator:
            found.update({(folder.name, text): translator.translate(text) for text in TEXTS})
    return found


@pytest.fixture
def fleet(folders: Path) -> Iterator[Fleet]:
    with Fleet.from_directory(folders) as made:
        yield made


@pytest.fixture
def service(fleet: Fleet) -> Iterator[Service]:
    with Service(fleet, workers=3) as made:
        yield made
