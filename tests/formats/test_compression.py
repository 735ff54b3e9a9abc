"""Files compressed as a whole are read as if they were not; damaged ones and bombs are refused, in bounded memory."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.errors import ModelFormatError
from dragoman.formats.compression import packing_of, plain_name, plain_suffix, unpack
from dragoman.formats.files import MemoryFile, read_bytes, read_head
from dragoman.formats.marian_bin_write import write_bin
from dragoman.formats.model_file import file_format, read_parameters, stored_precision
from dragoman.formats.npz import write_npz
from dragoman.formats.parameters import ParameterFile
from dragoman.formats.quantize import quantize

zstd = pytest.importorskip("backports.zstd")

PACK: dict[str, Callable[[bytes], bytes]] = {
    "gz": lambda data: gzip.compress(data, 1),
    "zst": lambda data: bytes(zstd.compress(data)),
}
HERE = Path("made-up")


@pytest.mark.parametrize("kind", PACK)
@given(data=st.binary(min_size=1, max_size=3000), cut=st.integers(0, 3000), padding=st.sampled_from([b"", bytes(7)]))
def test_what_was_packed_comes_out(kind: str, data: bytes, cut: int, padding: bytes) -> None:
    """Also of several members behind each other."""
    data = b"a" + data  # not what looks packed itself
    packed = PACK[kind](data[:cut]) + PACK[kind](data[cut:]) + padding
    assert bytes(unpack(memoryview(packed), HERE, limit=1 << 20)) == data
    assert bytes(read_bytes(MemoryFile.of("x", packed), limit=1 << 20)) == data
    assert read_head(MemoryFile.of("x", packed), 100) == data[:100]


@pytest.mark.parametrize("kind", PACK)
def test_large_files_have_a_start(kind: str, tmp_path: Path) -> None:
    data = np.random.default_rng(0).integers(0, 256, 3 << 20, np.uint8).tobytes()
    path = tmp_path / f"large.{kind}"
    path.write_bytes(PACK[kind](data))
    assert read_head(path, 70_000) == data[:70_000]
    assert bytes(read_bytes(path, limit=4 << 20)) == data
    text = tmp_path / f"text.{kind}"
    text.write_bytes(PACK[kind](b"a piece\n" * 10_000))
    with pytest.raises(ModelFormatError, match="unpacks to more"):
        read_bytes(text, limit=79_999)


@pytest.mark.parametrize("kind", PACK)
def test_bombs_take_no_memory(kind: str) -> None:
    bomb = PACK[kind](bytes(200 << 20))
    tracemalloc.start()
    with pytest.raises(ModelFormatError, match="unpacks to more than any"):
        unpack(memoryview(bomb), HERE, limit=32 << 30)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 << 20


@pytest.mark.parametrize("kind", PACK)
def test_damage_is_named(kind: str) -> None:
    data = np.random.default_rng(1).integers(0, 99, 4000, np.uint8).tobytes()
    packed = PACK[kind](data)
    for length in (4, 12, len(packed) // 2, len(packed) - 1):
        with pytest.raises(ModelFormatError, match=r"ends too early|cannot be unpacked|damaged"):
            unpack(memoryview(packed[:length]), HERE, limit=1 << 20)
    body = bytearray(gzip.compress(data))
    body[len(body) // 2] ^= 0x10
    with pytest.raises(ModelFormatError):
        unpack(memoryview(bytes(body)), HERE, limit=1 << 20)
    many = gzip.compress(b"") * 3000
    with pytest.raises(ModelFormatError, match="more pieces"):
        unpack(memoryview(many), HERE, limit=1 << 20)


def test_other_packings_and_double_ones_are_said(tmp_path: Path) -> None:
    for name, data, said in (
        ("a.xz", b"\xfd7zXZ\0rest of it", "unxz"),
        ("b.bz2", b"BZh91AY&SYrest", "bunzip2"),
        ("c.gz", gzip.compress(gzip.compress(b"x")), "compressed twice"),
        ("d.gz", gzip.compress(b""), "unpacks to nothing"),
    ):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(ModelFormatError, match=said):
            read_bytes(tmp_path / name, limit=1 << 20)
    (tmp_path / "vocab.txt").write_text("BZh91\n</s>\n<unk>\n")
    assert len(read_bytes(tmp_path / "vocab.txt", limit=100)) == 17, "a text that begins with these letters is none"


def test_names() -> None:
    assert plain_name("model.ende.bin.GZ") == "model.ende.bin" and plain_name("vocab.spm") == "vocab.spm"
    assert plain_suffix(Path("vocab.ende.spm.zst")) == ".spm" and plain_suffix(Path("x.yml")) == ".yml"
    assert packing_of(b"\x1f\x8b\x08") == "gzip" and packing_of(zlib.compress(b"x")) is None


@pytest.mark.parametrize("kind", PACK)
def test_models_of_every_storage(kind: str, make_float_model: Callable[..., ParameterFile], tmp_path: Path) -> None:
    model = make_float_model()
    for name, write in (("m.npz", write_npz), ("m.bin", write_bin), ("i.bin", lambda m, p: write_bin(quantize(m), p))):
        write(model, tmp_path / name)
        packed = tmp_path / f"{name}.{kind}"
        packed.write_bytes(PACK[kind]((tmp_path / name).read_bytes()))
        assert file_format(packed) == file_format(tmp_path / name)
        assert stored_precision(packed) == stored_precision(tmp_path / name)
        found, expected = read_parameters(packed), read_parameters(tmp_path / name)
        assert found.options == expected.options and found.alphas == expected.alphas
        for key, parameter in expected.parameters.items():
            np.testing.assert_array_equal(found.parameters[key].data, parameter.data)
