"""Hostile sizes: no file makes a reader take much more memory or time than its own size warrants."""

from __future__ import annotations

import io
import os
import struct
import time
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dragoman.errors import ModelError, ModelFormatError, ModelNotFoundError
from dragoman.formats.decoder_yml import read_decoder_config
from dragoman.formats.marian_bin import read_bin
from dragoman.formats.npz import read_npz
from dragoman.formats.shortlist_binary import MAGIC, read_binary_shortlist
from dragoman.formats.vocabulary import read_vocabulary

MEGABYTE = 1 << 20


def refused_within(
    read: Callable[[Path], Any], path: Path, *, limit: int = 4 * MEGABYTE, seconds: float = 2
) -> ModelError:
    """The error of reading ``path``, which must take less than ``limit`` bytes and ``seconds``."""
    tracemalloc.start()
    start = time.perf_counter()
    try:
        with pytest.raises(ModelError) as caught:
            read(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < limit, f"took {peak:,} bytes"
    assert time.perf_counter() - start < seconds
    return caught.value


def npy_header(shape: str, descr: str = "<f4") -> bytes:
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def archive(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name, data in members.items():
            target.writestr(name, data)
    return path


@pytest.mark.parametrize("shape", ["(1099511627776, 1099511627776)", "(4294967295,)", "(" + "9" * 150 + ",)"])
def test_array_of_impossible_shape(shape: str, tmp_path: Path) -> None:
    refused_within(read_npz, archive(tmp_path / "m.npz", W=npy_header(shape) + bytes(64)))


@pytest.mark.parametrize(
    "header",
    [
        b"(" * 4000,
        b"{" * 4000,
        b"{'shape': (" + b"1" * 4000,
        b"{'shape': (" + b"1," * 2000,
        b"{'shape': " + b"-" * 4000 + b"1}",
        b"{" + b"'shape': (1,), " * 200 + b"}",
    ],
)
def test_array_headers_made_to_exhaust_a_parser(header: bytes, tmp_path: Path) -> None:
    data = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header
    refused_within(read_npz, archive(tmp_path / "m.npz", W=data))


def test_array_header_of_four_gigabytes(tmp_path: Path) -> None:
    refused_within(read_npz, archive(tmp_path / "m.npz", W=b"\x93NUMPY\x02\x00\xff\xff\xff\xff{"))


def test_zip_bomb(tmp_path: Path) -> None:
    path = archive(tmp_path / "m.npz", W=npy_header("(16777216,)") + bytes(64 * MEGABYTE))
    assert path.stat().st_size < MEGABYTE
    error = refused_within(read_npz, path)
    assert "unpack to more" in str(error)


def test_zip_bomb_that_lies_about_its_size(tmp_path: Path) -> None:
    """Declares 1000 bytes, unpacks to 64 MB: only 1001 bytes are ever unpacked."""
    data = bytearray(archive(tmp_path / "m.npz", W=bytes(64 * MEGABYTE)).read_bytes())
    directory = data.rindex(b"PK\x01\x02")
    data[directory + 24 : directory + 28] = struct.pack("<I", 1000)
    (tmp_path / "m.npz").write_bytes(data)
    error = refused_within(read_npz, tmp_path / "m.npz")
    assert "another size than declared" in str(error)


def test_overlapping_members(tmp_path: Path) -> None:
    """The one body counted many times, as in bombs without recursion."""
    body = npy_header("(4,)") + bytes(16)
    local = struct.pack("<I5H3I2H", 0x04034B50, 20, 0, 0, 0, 0, zlib.crc32(body), len(body), len(body), 1, 0)
    central = b""
    for name in (b"a", b"b", b"c"):
        central += struct.pack(
            "<I6H3I5H2I",
            0x02014B50,
            20,
            20,
            0,
            0,
            0,
            0,
            zlib.crc32(body),
            len(body),
            len(body),
            1,
            0,
            0,
            0,
            0,
            0,
            0,
        )
        central += name
    start = len(local) + 1 + len(body)
    end = struct.pack("<I4H2IH", 0x06054B50, 0, 0, 3, 3, len(central), start, 0)
    (tmp_path / "m.npz").write_bytes(local + b"a" + body + central + end)
    error = refused_within(read_npz, tmp_path / "m.npz")
    assert "overlap" in str(error)


def test_encrypted_and_unusual_members(tmp_path: Path) -> None:
    data = bytearray(archive(tmp_path / "m.npz", W=npy_header("(4,)") + bytes(16)).read_bytes())
    directory = data.rindex(b"PK\x01\x02")
    for place, value, problem in ((8, 1, "encrypted"), (10, 12, "compression")):
        damaged = bytearray(data)
        damaged[directory + place] = value
        (tmp_path / "m.npz").write_bytes(damaged)
        assert problem in str(refused_within(read_npz, tmp_path / "m.npz"))


def test_bin_of_impossible_counts(tmp_path: Path) -> None:
    path = tmp_path / "m.bin"
    for count in (2**32, 2**61, 2**64 - 1):
        path.write_bytes(struct.pack("<2Q", 1, count) + bytes(64))
        refused_within(read_bin, path)
    for row in ((2**63, 0x404, 1, 4), (2, 0x404, 2**62, 4), (2, 0x404, 1, 2**63)):
        path.write_bytes(struct.pack("<6Q", 1, 1, *row) + b"W\0" + struct.pack("<iQ", 1, 0) + bytes(64))
        refused_within(read_bin, path)
    path.write_bytes(
        struct.pack("<6Q", 1, 1, 2, 0x404, 1, 4) + b"W\0" + struct.pack("<iQ", 1, 2**64 - 1) + bytes(4)
    )
    refused_within(read_bin, path)


def test_shortlist_of_impossible_counts(tmp_path: Path) -> None:
    path = tmp_path / "lex.bin"
    for offsets, ids in ((2**61, 0), (0, 2**62), (2**64 - 1, 2**64 - 1), (2**61, 2**62)):
        path.write_bytes(struct.pack("<6Q", MAGIC, 0, 50, 50, offsets, ids) + bytes(64))
        refused_within(read_binary_shortlist, path)


def test_shortlist_with_endless_first_costs_nothing(tmp_path: Path) -> None:
    path = tmp_path / "lex.bin"
    path.write_bytes(struct.pack("<6Q2QI", MAGIC, 0, 2**64 - 1, 2**64 - 1, 2, 1, 0, 1, 7))
    lists = read_binary_shortlist(path, verify=False)
    assert len(lists.candidates([0], shared_vocabulary=False, vocabulary_size=16)) == 16


def test_vocabulary_with_huge_ids(tmp_path: Path) -> None:
    for name, text in (
        ("v.yml", '"</s>": 0\n"<unk>": 1\n"a": 999999999999\n'),
        ("v.json", '{"</s>": 0, "<unk>": 1, "a": 1e400}'),
        ("v.json", '{"</s>": 0, "<unk>": 1, "a": 99999999999999999999}'),
    ):
        (tmp_path / name).write_text(text)
        refused_within(read_vocabulary, tmp_path / name)


def test_yaml_that_unfolds(tmp_path: Path) -> None:
    levels = "a0: &a0 {x: 1}\n" + "".join(
        f"a{n}: &a{n}\n  <<: [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
    )
    (tmp_path / "decoder.yml").write_text(levels)
    refused_within(read_decoder_config, tmp_path / "decoder.yml")
    refused_within(read_vocabulary, tmp_path / "decoder.yml")


@pytest.mark.parametrize("opening", ["[", "{", "- ", "a:\n ", "? ", "!!x ", "&a ", "{a: "])
def test_yaml_nested_without_end(opening: str, tmp_path: Path) -> None:
    (tmp_path / "decoder.yml").write_text(opening * 50_000)
    refused_within(read_decoder_config, tmp_path / "decoder.yml", limit=16 * MEGABYTE)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_files_that_are_none(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.bin")
    for read, path in (
        (read_bin, tmp_path / "pipe.bin"),
        (read_npz, Path("/dev/zero")),
        (read_vocabulary, tmp_path),
    ):
        assert isinstance(refused_within(read, path), ModelNotFoundError)


def test_sparse_file_of_a_terabyte(tmp_path: Path) -> None:
    for name, read in (("m.bin", read_bin), ("v.yml", read_vocabulary), ("decoder.yml", read_decoder_config)):
        try:
            with open(tmp_path / name, "wb") as file:
                file.truncate(1 << 40)
        except OSError:
            pytest.skip("the file system holds no sparse files of a terabyte")
        assert isinstance(refused_within(read, tmp_path / name), ModelFormatError)


def test_sound_files_take_little_more_than_their_size(tmp_path: Path) -> None:
    body = io.BytesIO()
    np.lib.format.write_array(body, np.random.default_rng(1).standard_normal((1024, 1024)).astype(np.float32))
    yml = npy_header("(12,)", "|i1") + b"type: s2s\n\0\0"
    path = archive(tmp_path / "m.npz", **{"W.npy": body.getvalue(), "special:model.yml.npy": yml})
    tracemalloc.start()
    read_npz(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * path.stat().st_size
