"""Damaged files are found, replaced, and never used; a file that shrinks under its map kills nobody."""

from __future__ import annotations

import os
import random
import struct
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from fleet_tools import make_folder
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prepared_tools import answers, load_private, run_python, weights_file

from dragoman import Translator, _native, load
from dragoman.errors import ModelError, WeightsError
from dragoman.formats.prepared import _CHECKSUM, _HEADER

pytestmark = pytest.mark.filterwarnings("ignore")
linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")


def spoil(path: Path, at: int, value: bytes) -> None:
    """Write into a file as another inode, so that maps of it stay whole."""
    data = bytearray(path.read_bytes())
    data[at : at + len(value)] = value
    path.unlink()
    path.write_bytes(data)


@pytest.mark.parametrize("at", range(0, _HEADER.size, 4))
def test_every_header_field(folder: Path, cache: Path, at: int) -> None:
    expected = answers(load(folder))
    path = weights_file(cache)
    whole = path.read_bytes()
    for value in (b"\xff\xff\xff\x7f", b"\0\0\0\0" if whole[at : at + 4] != bytes(4) else b"\1\0\0\0"):
        spoil(path, at, value)
        assert answers(load(folder)) == expected
        assert path.read_bytes() == whole


@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_byte(folder: Path, cache: Path, data: st.DataObject) -> None:
    """Changed, cut off, or added: the file is made again, and is right."""
    expected = answers(load(folder))
    path = weights_file(cache)
    whole = path.read_bytes()
    how = data.draw(st.sampled_from(["change", "cut", "append", "empty"]))
    at = data.draw(st.integers(0, len(whole) - 1))
    if how == "change":
        spoil(path, at, bytes([whole[at] ^ data.draw(st.integers(1, 255))]))
    else:
        path.unlink()
        path.write_bytes({"cut": whole[:at], "append": whole + b"x" * (at + 1), "empty": b""}[how])
    assert answers(load(folder)) == expected
    assert path.read_bytes() == whole


def test_a_plan_that_is_none(folder: Path, cache: Path, caplog: pytest.LogCaptureFixture) -> None:
    """With a right checksum: whoever wrote it, it is checked like any plan."""
    expected = answers(load(folder))
    path = weights_file(cache)
    whole = path.read_bytes()
    payload_at, _, _, plan_at = _HEADER.unpack_from(whole)[9:13]
    head = bytearray(whole[:payload_at])
    head[plan_at] ^= 0xFF
    head[_CHECKSUM] = bytes(8)
    head[_CHECKSUM] = struct.pack("=Q", _native.checksum(np.frombuffer(bytes(head), np.uint8)))
    spoil(path, 0, bytes(head))
    assert answers(load(folder)) == expected
    assert path.read_bytes() == whole
    assert "has no sound plan" in caplog.text


def test_another_models_file_under_this_name(folder: Path, cache: Path) -> None:
    expected = answers(load(folder))
    path = weights_file(cache)
    load(folder, precision="int8")
    (other,) = set(cache.glob("*.weights")) - {path}
    path.write_bytes(other.read_bytes())
    assert answers(load(folder)) == expected


@pytest.mark.parametrize("text", ["", "x" * 82, "0" * 40 + " " + "0" * 40 + "\n", "\udcff"])
def test_damaged_keys(folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("dragoman.weights.store._SETTLED_NS", -(1 << 62))
    expected = answers(load(folder))
    (key,) = cache.glob("*.key")
    whole = key.read_bytes()
    key.write_bytes(text.encode("utf-8", "surrogateescape"))
    assert answers(load(folder)) == expected
    assert key.read_bytes() == whole


@linux
@pytest.mark.parametrize("left", [0, 1, 5000, -1, -4096, -5000])
def test_cut_short_between_requests(folder: Path, cache: Path, left: int) -> None:
    """Noticed before the next run, which gets sound weights: nobody notices."""
    model = load(folder)
    expected = answers(model)
    path = weights_file(cache)
    size = path.stat().st_size
    os.truncate(path, left if left >= 0 else size + left)
    assert answers(model) == expected
    assert path.stat().st_size == size


@linux
def test_written_to_between_requests(folder: Path, cache: Path) -> None:
    model = load(folder)
    expected = answers(model)
    path = weights_file(cache)
    with path.open("r+b") as file:
        file.seek(-8192, 2)
        file.write(bytes(4000))
    assert answers(model) == expected


@linux
def test_damage_is_an_error_of_the_request(folder: Path, cache: Path) -> None:
    """Between the start and the end of a run: that run fails, the next is right."""
    model = load(folder)
    expected = answers(model)
    native = model.weights.ready()
    os.truncate(weights_file(cache), 4096)
    with pytest.raises(WeightsError, match="repeat the request"):
        model.weights.check(native)
    assert answers(model) == expected
    assert model.file_backed


@linux
def test_damage_without_the_model(folder: Path, cache: Path) -> None:
    """If the weights cannot be made again, that is the error, each time."""
    model = load(folder)
    os.truncate(weights_file(cache), 4096)
    (folder / "model.npz").unlink()
    for _ in range(2):
        with Translator(model) as translator, pytest.raises(Exception, match="model"):
            translator.translate("abc")


@linux
def test_damage_after_the_model_changed(folder: Path, cache: Path, tmp_path: Path, spm_bytes: bytes) -> None:
    """A loaded model never becomes another."""
    model = load(folder)
    other = make_folder(tmp_path / "other", spm_bytes, seed=9)
    (folder / "model.npz").write_bytes((other / "model.npz").read_bytes())
    os.truncate(weights_file(cache), 4096)
    for _ in range(2):
        with Translator(model) as translator, pytest.raises(ModelError, match="have changed"):
            translator.translate("abc")
    assert answers(load(folder)) == answers(load(other))


@linux
def test_cut_short_while_translating(folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Truncated again and again under running threads: right answers or WeightsError, nothing else."""
    expected = answers(load_private(folder, monkeypatch))
    model = load(folder)
    stop = threading.Event()
    wrong: list[object] = []
    counts = [0, 0]

    def work() -> None:
        while not stop.is_set():
            try:
                if answers(model) != expected:
                    wrong.append("another translation")
                counts[0] += 1
            except WeightsError:
                counts[1] += 1
            except BaseException as error:
                wrong.append(error)
                raise

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    rng = random.Random(3)
    for _ in range(60):
        for path in cache.glob("*.weights"):
            try:
                os.truncate(path, rng.randrange(path.stat().st_size + 1))
            except FileNotFoundError:
                continue
        threading.Event().wait(rng.random() / 50)
    stop.set()
    for thread in threads:
        thread.join()
    assert not wrong and counts[0] > 0
    assert answers(model) == expected


BUS_ERROR = """
import faulthandler, mmap, os, sys
order, sys.path[:0] = sys.argv[1], sys.argv[4:]
from prepared_tools import answers
if order == "before":
    faulthandler.enable()
from dragoman import load
model = load(sys.argv[2])
if order == "after":
    faulthandler.enable()
expected = answers(model)
path = str(model.weights.path)
region = model.weights.ready().region
view = region.view()
os.truncate(path, 0)
total = int(view.sum())  # reads pages that are gone
assert total == 0 and region.damaged, total
assert answers(model) == expected
print("alive", flush=True)
with open(sys.argv[3], "wb") as file:
    file.write(bytes(100000))
with open(sys.argv[3], "rb") as file:
    other = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
os.truncate(sys.argv[3], 0)
print(other[50000])
"""


@linux
@pytest.mark.parametrize("order", ["none", "before", "after"])
def test_bus_errors_of_others_still_kill(folder: Path, tmp_path: Path, cache: Path, order: str) -> None:
    """Ours are survived, with faulthandler or without; those of others end the process as before."""
    done = run_python(BUS_ERROR, order, folder, tmp_path / "mapped", Path(__file__).parent)
    assert done.stdout == "alive\n", done.stderr
    assert done.returncode == -7
    assert ("Bus error" in done.stderr) == (order != "none")


def test_checksum_notices_any_change_of_a_word() -> None:
    from dragoman import _native

    rng = np.random.default_rng(1)
    data = rng.integers(0, 256, 1000, dtype=np.uint8)
    before = _native.checksum(data)
    for at in range(1000):
        for bit in range(8):
            data[at] ^= 1 << bit
            assert _native.checksum(data) != before
            data[at] ^= 1 << bit
    assert _native.checksum(data[:-1]) != before
    assert _native.checksum(np.append(data, np.uint8(0))) != before
