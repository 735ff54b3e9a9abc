"""What is gone when: models, requests and results, by reference counting alone."""

from __future__ import annotations

import gc
import os
import weakref
from pathlib import Path

import pytest
from fleet_tools import TEXTS, wait_for

from dragoman import FailedLine, Fleet, ModelNotFoundError, Service, Translation, load
from dragoman.service.requests import Request

Alone = dict[tuple[str, str], Translation]
LONG = "abc de fghi " * 600


def test_removing_a_model_frees_it(fleet: Fleet, service: Service, alone: Alone) -> None:
    """Requests that run on it finish; when the last one has its answer, the model is gone."""
    with fleet.lease("m0") as model:
        gone, mapping = weakref.ref(model), weakref.ref(model.weights)
        del model
    gc.disable()
    try:
        futures = [service.submit(TEXTS, model="m0") for _ in range(10)]
        fleet.remove("m0")
        with pytest.raises(ModelNotFoundError):
            service.submit("abc", model="m0")
        for future in futures:
            assert future.result(10) == [alone["m0", text] for text in TEXTS]
        assert gone() is None and mapping() is None
    finally:
        gc.enable()


def test_requests_are_freed_without_the_collector(service: Service) -> None:
    """What a caller drops is gone: requests, futures, results."""
    gc.collect()
    gc.disable()
    try:
        for _ in range(3):
            future = service.submit(TEXTS, model="m0")
            gone = weakref.ref(future)
            assert len(future.result(10)) == len(TEXTS)
            del future
            wait_for(lambda gone=gone: gone() is None)  # type: ignore[misc]
            assert len(list(service.stream(TEXTS, model="m1"))) == len(TEXTS)
        assert service.drain(5)
        wait_for(lambda: not any(isinstance(one, Request) for one in gc.get_objects()))
    finally:
        gc.enable()


def test_failures_do_not_keep_models_alive(fleet: Fleet, service: Service) -> None:
    """An error that a caller keeps has no frames of the worker in it."""
    found = service.translate([LONG], model="m0", failures="keep", long_lines="refuse", max_length=9)
    with fleet.lease("m0") as model:
        gone = weakref.ref(model)
        del model
    fleet.remove("m0")
    assert gone() is None and isinstance(found[0], FailedLine)


def test_small_budgets(folders: Path, alone: Alone) -> None:
    """Room for one or two models, six in use: all answers come, and the budget holds."""
    sizes = {folder.name: load(folder).weights_bytes for folder in folders.iterdir()}
    budget = max(sizes.values()) * 2
    with Fleet.from_directory(folders, weights_budget=budget) as fleet, Service(fleet, workers=3) as service:
        for turn in range(8):
            names = [f"m{(number + turn) % 6}" for number in range(24)]
            futures = [service.submit(TEXTS[turn], model=name) for name in names]
            for name, future in zip(names, futures, strict=True):
                assert future.result(30) == alone[name, TEXTS[turn]]
                assert fleet.resident_bytes <= budget
        assert sum(entry.evictions for entry in fleet.entries()) > 5


def test_prepared_files_that_are_cut_short(
    folders: Path, alone: Alone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody shortens the mapped file of a model that is in use: answers stay right."""
    monkeypatch.setenv("DRAGOMAN_CACHE", str(tmp_path))
    with Fleet.from_directory(folders) as fleet, Service(fleet, workers=2) as service:
        assert service.translate(TEXTS, model="m0") == [alone["m0", text] for text in TEXTS]
        (path,) = tmp_path.rglob("*.weights")
        os.truncate(path, 4096)
        assert service.translate(TEXTS[0], model="m0") == alone["m0", TEXTS[0]]
        assert service.translate(TEXTS, model="m0") == [alone["m0", text] for text in TEXTS]
