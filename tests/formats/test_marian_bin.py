"""Marian's .bin, read and written."""

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dragoman.errors import ModelFormatError, UnsupportedModelError, WeightsError
from dragoman.formats.marian_bin import read_bin
from dragoman.formats.marian_bin_table import peek_kinds
from dragoman.formats.marian_bin_write import write_bin
from dragoman.formats.parameters import Parameter, ParameterFile, freeze
from dragoman.formats.quantize import quantize

Maker = Callable[..., ParameterFile]


def same(left: ParameterFile, right: ParameterFile) -> None:
    assert list(left.parameters) == list(right.parameters)
    assert dict(left.options) == dict(right.options)
    assert left.alphas.keys() == right.alphas.keys()
    for name, alpha in left.alphas.items():
        assert right.alphas[name] == pytest.approx(alpha, rel=3e-7)
    for name, parameter in left.parameters.items():
        other = right.parameters[name]
        assert (parameter.shape, parameter.transposed) == (other.shape, other.transposed)
        assert parameter.multiplier == other.multiplier
        assert parameter.data.dtype == other.data.dtype
        np.testing.assert_array_equal(parameter.data, other.data)


def item(
    name: bytes, code: int, shape: tuple[int, ...], data: bytes
) -> tuple[bytes, int, tuple[int, ...], bytes]:
    return name + b"\0", code, shape, data


def assemble(*items: tuple[bytes, int, tuple[int, ...], bytes], version: int = 1, yml: bool = True) -> bytes:
    """A .bin file by hand, independent of the writer."""
    rows = list(items)
    if yml:
        rows.append(item(b"special:model.yml", 0x0101, (11,), b"type: s2s\n\0"))
    head = struct.pack("<2Q", version, len(rows))
    for name, code, shape, data in rows:
        head += struct.pack("<4Q", len(name), code, len(shape), len(data))
    head += b"".join(row[0] for row in rows)
    head += b"".join(struct.pack(f"<{len(row[2])}i", *row[2]) for row in rows)
    return head + struct.pack("<Q", 3) + b"xyz" + b"".join(row[3] for row in rows)


@pytest.fixture
def load(tmp_path: Path) -> Callable[[bytes], ParameterFile]:
    def read(data: bytes) -> ParameterFile:
        (tmp_path / "m.bin").write_bytes(data)
        return read_bin(tmp_path / "m.bin")

    return read


Loader = Callable[[bytes], ParameterFile]


@pytest.mark.parametrize("numbering", ["browsermt", "upstream"])
@pytest.mark.parametrize("bits", [0, 8, 16])
def test_round_trip(
    make_float_model: Maker, tmp_path: Path, bits: int, numbering: Literal["browsermt", "upstream"]
) -> None:
    model = make_float_model()
    if bits:
        model = quantize(model, bits=8 if bits == 8 else 16)
    write_bin(model, tmp_path / "m.bin", numbering=numbering)
    same(model, read_bin(tmp_path / "m.bin"))
    same(model, read_bin(tmp_path / "m.bin", mapped=True))
    expected = {0: "float32", 8: "intgemm8", 16: "intgemm16"}[bits]
    assert expected in peek_kinds(tmp_path / "m.bin")


def test_layout_of_the_written_file(make_float_model: Maker, tmp_path: Path) -> None:
    write_bin(quantize(make_float_model()), tmp_path / "m.bin")
    data = (tmp_path / "m.bin").read_bytes()
    _, count = struct.unpack_from("<2Q", data)
    rows = [struct.unpack_from("<4Q", data, 16 + 32 * number) for number in range(count)]
    names, place = [], 16 + 32 * count
    for row in rows:
        names.append(data[place : place + row[0]])
        place += row[0]
    assert names[:-1] == sorted(names[:-1])
    assert names[-1] == b"special:model.yml\0"
    place += 4 * sum(row[2] for row in rows)
    place += 8 + struct.unpack_from("<Q", data, place)[0]
    assert place % 256 == 0
    for name, row in zip(names, rows, strict=True):
        if name == b"Wemb_QuantMultA\0":  # Marian quantises whatever has Wemb in its name
            assert row[1] == 0x4101
            integer, multiplier = struct.unpack_from("<bf", data, place)
            assert (integer, multiplier) == (127, pytest.approx(127 / 17.5))
        elif name == b"none_QuantMultA\0":
            assert row[1] == 0x0404
            assert struct.unpack_from("<f", data, place) == (17.5,)
        place += row[3]
    assert place == len(data)
    assert all(row[3] % 256 == 0 for row in rows[:-1])


def test_reads_by_the_documented_layout(load: Loader) -> None:
    block = np.arange(6, dtype=np.int8)
    file = load(
        assemble(
            item(b"Wemb", 0x4101, (3, 2), block.tobytes() + struct.pack("<f", 2.0) + b"pad"),
            item(b"x_W", 0x10001, (3, 2), block.tobytes() + struct.pack("<f", 4.0)),
            item(b"x_W_QuantMultA", 0x0404, (1, 1), struct.pack("<f", 8.0)),
            item(b"Wemb_QuantMultA", 0x4101, (1, 1), struct.pack("<bf", 127, 127 / 3)),
            item(b"y_b", 0x0402, (1, 2), np.array([1, 2], "<f2").tobytes()),
        )
    )
    embedding, matrix = file.parameters["Wemb"], file.parameters["x_W"]
    assert embedding.data.tolist() == [[0, 1], [2, 3], [4, 5]]
    assert (embedding.transposed, embedding.multiplier) == (False, 2.0)
    assert matrix.data.tolist() == [[0, 1, 2], [3, 4, 5]], "stored as [cols][rows]"
    assert (matrix.transposed, matrix.shape, matrix.multiplier) == (True, (3, 2), 4.0)
    assert file.alphas == {"Wemb": pytest.approx(3.0), "x_W": 8.0}
    assert file.options == {"type": "s2s"}
    assert file.parameters["y_b"].data.dtype == np.float16
    assert not matrix.data.flags.writeable


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.text("abW_1é", min_size=1, max_size=12),
        hnp.arrays(
            st.sampled_from([np.float32, np.float16]), hnp.array_shapes(min_dims=1, max_dims=3, max_side=5)
        ),
        max_size=4,
    )
)
def test_round_trip_of_any_arrays(tmp_path: Path, arrays: dict[str, np.ndarray]) -> None:
    parameters = {name: Parameter(name, array.shape, array) for name, array in arrays.items()}
    model = freeze(Path("m"), parameters, {"type": "s2s"}, {"W": 2.5})
    write_bin(model, tmp_path / "m.bin")
    same(model, read_bin(tmp_path / "m.bin"))


FLOATS = struct.pack("<4f", 1, 2, 3, 4)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (assemble(version=2), "not a Marian .bin"),
        (struct.pack("<2Q", 1, 2**61), "more items than the file can hold"),
        (assemble(item(b"W", 0x0404, (2, 3), FLOATS)), "too short for its shape"),
        (assemble(item(b"W", 0x0404, (2**31 - 1,) * 8, FLOATS)), "too short for its shape"),
        (assemble(item(b"W", 0x0404, (-2, -2), FLOATS)), "impossible shape"),
        (assemble(item(b"W", 0x0404, (), FLOATS)), "impossible rank"),
        (assemble(item(b"W_QuantMultA", 0x0101, (2, 2), FLOATS)), "unknown type"),
        (assemble(item(b"W", 0x7FFFFFFF, (2, 2), FLOATS)), "unknown type"),
        (assemble(item(b"W\0V", 0x0404, (2, 2), FLOATS)), "does not end where it should"),
        (assemble(*[item(b"W", 0x0404, (2, 2), FLOATS)] * 2), "same name"),
        (assemble(item(b"W", 0x4101, (2, 2, 1), FLOATS)), "not a matrix"),
        (assemble(item(b"W", 0x4101, (2, 2), bytes(8))), "multiplier is impossible"),
        (
            assemble(item(b"W", 0x4101, (2, 2), bytes(4) + struct.pack("<f", float("nan")))),
            "multiplier is impossible",
        ),
        (assemble(item(b"W_QuantMultA", 0x0404, (2, 2), FLOATS)), "one number"),
        (assemble() + b"x", "bytes follow"),
        (assemble()[:-1], "needs 11 bytes, but 10 are left"),
        (assemble(item(b"special:model.yml", 0x0404, (1,), FLOATS), yml=False), "not text"),
    ],
)
def test_refuses(load: Loader, data: bytes, problem: str) -> None:
    with pytest.raises(ModelFormatError, match=problem):
        load(data)


@pytest.mark.parametrize("code", [0x0804, 0x1802, 0x2801, 0x11001, 0x12001, 0x14001, 0x18001])
def test_refuses_packed_matrices_by_name(load: Loader, code: int) -> None:
    with pytest.raises(UnsupportedModelError, match=r"some_W.*intgemm8") as caught:
        load(assemble(item(b"some_W", code, (2, 2), FLOATS)))
    assert caught.value.value == hex(code)


def test_integers_need_a_multiplier(tmp_path: Path) -> None:
    parameter = Parameter("W", (2, 2), np.zeros((2, 2), np.int8))
    with pytest.raises(WeightsError, match="multiplier"):
        write_bin(freeze(Path("m"), {"W": parameter}, {}, {}), tmp_path / "m.bin")


def test_what_trainings_leave_is_not_read(load: Loader) -> None:
    """amun's empty ``decoder_c_tt``, counters, other items of text; and files without options."""
    left = [item(b"decoder_c_tt", 0x0404, (1, 0), b""), item(b"uidx", 0x0108, (1,), bytes(8))]
    left.append(item(b"special:other.yml", 0x0101, (4,), b"a:1\0"))
    file = load(assemble(item(b"W", 0x0404, (2, 2), FLOATS), *left, yml=False))
    assert list(file.parameters) == ["W"] and not file.options
    assert set(file.unread) == {"decoder_c_tt", "uidx", "special:other.yml"}
