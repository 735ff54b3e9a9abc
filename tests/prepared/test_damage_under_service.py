"""A damaged file under a service: the requests of that batch may fail, nothing else does."""

from __future__ import annotations

import gc
import os
import random
import sys
from pathlib import Path

import pytest
from fleet_tools import make_folders
from prepared_tools import answers, load_private, maps

from dragoman import Fleet, Service
from dragoman.errors import WeightsError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")

TEXTS = ["abc de fghi", "chief beach dice", "hid cab fed aged high"]


@pytest.mark.filterwarnings("ignore")
def test_files_cut_short_under_a_service(
    tmp_path: Path, cache: Path, spm_bytes: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = make_folders(tmp_path / "models", spm_bytes, 3)
    expected = {name: answers(load_private(tmp_path / "models" / name, monkeypatch)) for name in names}
    rng = random.Random(2)
    failed = 0
    with Fleet.from_directory(tmp_path / "models") as fleet, Service(fleet, workers=2) as service:
        for number in range(60):
            name = rng.choice(names)
            if number % 5 == 4:
                for path in cache.glob("*.weights"):
                    os.truncate(path, rng.randrange(path.stat().st_size))
            try:
                found = [(one.text, one.score) for one in service.translate(TEXTS, model=name)]
            except WeightsError:
                failed += 1
            else:
                assert found == expected[name]
    assert failed < 12


def test_an_evicted_model_leaves_nothing_mapped(tmp_path: Path, cache: Path, spm_bytes: bytes) -> None:
    (name,) = make_folders(tmp_path / "models", spm_bytes, 1)
    with Fleet.from_directory(tmp_path / "models") as fleet, Service(fleet, workers=2) as service:
        service.translate(TEXTS, model=name)
        (path,) = cache.glob("*.weights")
        assert maps(path) == 1
        (report,) = service.memory().models
        assert report.file_backed_bytes == report.weights_bytes == path.stat().st_size
        gc.disable()
        try:
            fleet.remove(name)
            assert maps(path) == 0
        finally:
            gc.enable()
