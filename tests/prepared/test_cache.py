"""The cache of prepared weights: used when right, never when stale, never needed."""

from __future__ import annotations

import gc
import logging
import os
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fleet_tools import make_folder
from prepared_tools import answers, load_private, maps, run_python, weights_file

import dragoman.weights.build
import dragoman.weights.find
import dragoman.weights.store
from dragoman import load
from dragoman.errors import ModelError
from dragoman.formats.model_file import read_parameters

linux = pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs Linux's /proc")


def test_a_model_is_prepared_once(
    folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, settle: Callable[[], None]
) -> None:
    settle()
    expected = answers(load_private(folder, monkeypatch))
    first = load(folder)
    assert first.file_backed and first.weights.path == weights_file(cache)
    assert answers(first) == expected
    monkeypatch.setattr(dragoman.weights.build, "read_parameters", lambda *_: pytest.fail("the model is read again"))
    monkeypatch.setattr(dragoman.weights.find, "read_bytes", lambda *_, **__: pytest.fail("the model is read again"))
    second = load(folder)
    assert answers(second) == expected
    assert (second.parameter_count, second.architecture, second.precision, second.config, second.plan) == (
        first.parameter_count, first.architecture, first.precision, first.config, first.plan,
    )  # fmt: skip


def test_a_new_process_needs_no_model_file_either(folder: Path, cache: Path, settle: Callable[[], None]) -> None:
    expected = answers(load(folder))
    code = """
import sys
sys.path[:0] = sys.argv[2:]
import dragoman.weights.find
from prepared_tools import answers
from dragoman import load
dragoman.weights.find._prepare = None
print(answers(load(sys.argv[1])))
"""
    done = run_python(code, folder, Path(__file__).parent)
    assert done.stdout.strip() == str(expected), done.stderr


def test_other_choices_are_other_files(folder: Path, cache: Path) -> None:
    load(folder)
    load(folder, precision="int8")
    load(folder, compat="browsermt")
    assert len(list(cache.glob("*.weights"))) == 3


def test_another_version_of_planning_is_another_file(
    folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(folder)
    monkeypatch.setattr(dragoman.weights.store, "PLAN_VERSION", -1)
    dragoman.weights.store._versions.cache_clear()
    try:
        load(folder)
        assert len(list(cache.glob("*.weights"))) == 2
    finally:
        dragoman.weights.store._versions.cache_clear()


def test_a_plan_that_would_be_another_today(folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is shown a plan that does not run."""
    load(folder)
    model = load(folder)
    real = dragoman.weights.build.plan_for
    monkeypatch.setattr(dragoman.weights.build, "plan_for", lambda *given: replace(real(*given), signature="another"))
    with pytest.raises(ModelError, match="another plan"):
        _ = model.plan
    assert answers(model)


def test_equal_models_share_a_file(folder: Path, tmp_path: Path, cache: Path) -> None:
    shutil.copytree(folder, tmp_path / "copy")
    first, second = load(folder), load(tmp_path / "copy")
    assert first.weights.path == second.weights.path == weights_file(cache)


@pytest.mark.parametrize("keep_time", [False, True])
def test_a_changed_model_is_never_served_stale(
    folder: Path, tmp_path: Path, spm_bytes: bytes, keep_time: bool, settle: Callable[[], None]
) -> None:
    """Also if size, inode and time of change stay, as after copying with times."""
    settle()
    before = answers(load(folder))
    other = make_folder(tmp_path / "other", spm_bytes, seed=9)
    model, status = folder / "model.npz", (folder / "model.npz").stat()
    assert (other / "model.npz").stat().st_size == status.st_size
    model.write_bytes((other / "model.npz").read_bytes())
    if keep_time:
        os.utime(model, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert answers(load(folder)) == answers(load(other)) != before


def test_a_young_file_is_not_trusted_by_its_times(folder: Path, cache: Path) -> None:
    """It could change again and get the same times. Its contents decide."""
    load(folder)
    assert not list(cache.glob("*.key"))
    assert answers(load(folder)) == answers(load(folder))


@pytest.mark.parametrize("value", ["off", "/proc/nothing/here", "{file}"])
def test_no_cache_is_fine(
    folder: Path, tmp_path: Path, value: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    expected = answers(load(folder))
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DRAGOMAN_CACHE", value.format(file=tmp_path / "file"))
    with caplog.at_level(logging.DEBUG, "dragoman"):
        model = load(folder)
    assert not model.file_backed and model.weights.path is None
    assert answers(model) == expected
    assert all(record.levelno == logging.DEBUG for record in caplog.records)
    assert value == "off" or "private memory" in caplog.text


def test_a_full_disk_leaves_nothing(folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert not load(folder).file_backed
    assert list(cache.iterdir()) == []


def test_a_read_only_cache_is_used(folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load(folder)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "read-only")

    monkeypatch.setattr("dragoman.weights.store._write", lambda *_: False)
    assert load(folder).file_backed
    assert not load(folder, precision="int8").file_backed


@linux
def test_the_mapping_goes_with_the_model(folder: Path, cache: Path) -> None:
    model = load(folder)
    path = weights_file(cache)
    assert maps(path) == 1
    answers(model)
    second = load(folder)
    assert maps(path) == 2
    gc.disable()
    try:
        del model, second
        assert maps(path) == 0
    finally:
        gc.enable()
    links = [path for path in Path("/proc/self/fd").iterdir() if os.path.lexists(path)]
    assert not any(str(cache) in os.path.realpath(link) for link in links)


def test_many_threads_prepare_the_same(folder: Path, cache: Path) -> None:
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(answers(load(folder)))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8 and all(one == found[0] for one in found)
    assert weights_file(cache) and not list(cache.glob(".*"))


def test_file_size(shared: Path, cache: Path) -> None:
    """At most 1.05 times the int8 model."""
    folder = shared / "models" / "ende-tiny-ssru"
    model = load(folder)
    assert model.weights.nbytes == weights_file(cache).stat().st_size
    assert model.weights.nbytes <= 1.05 * (folder / "model.intgemm.alphas.bin").stat().st_size


def test_facts_are_those_of_the_file(folder: Path) -> None:
    weights = load(folder).weights
    details = weights.details()
    file = read_parameters(folder / "model.npz")
    assert details["options"] == file.options
    assert {name: tuple(shape) for name, shape in details["shapes"].items()} == {
        name: parameter.shape for name, parameter in file.parameters.items()
    }
    assert weights.facts.parameter_count == sum(np.prod(one.shape) for one in file.parameters.values())
