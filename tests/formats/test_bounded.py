"""The bounded reader: it never leaves its buffer."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.errors import ModelFormatError
from dragoman.formats.bounded import BoundedReader

PATH = Path("file")


@given(st.binary(max_size=64), st.lists(st.integers(-(2**70), 2**70) | st.integers(0, 20), max_size=6))
def test_takes_exactly_or_fails(data: bytes, counts: list[int]) -> None:
    reader = BoundedReader(data, PATH)
    for count in counts:
        before = reader.position
        if 0 <= count <= reader.remaining:
            assert bytes(reader.take(count, "it")) == data[before : before + count]
        else:
            with pytest.raises(ModelFormatError) as caught:
                reader.take(count, "it")
            assert caught.value.offset == before
            assert reader.position == before


def test_array_is_a_read_only_view_and_sizes_do_not_overflow() -> None:
    data = bytearray(np.arange(4, dtype="<f4").tobytes())
    reader = BoundedReader(memoryview(data), PATH)
    array = reader.array("<f4", 4, "it")
    assert array.tolist() == [0, 1, 2, 3]
    assert not array.flags.writeable
    with pytest.raises(ModelFormatError):
        BoundedReader(memoryview(data), PATH).array("<f4", 2**62, "it")


@pytest.mark.parametrize(
    ("data", "value"), [(b"\x00", 0), (b"\xac\x02", 300), (b"\xff" * 9 + b"\x01", 2**64 - 1)]
)
def test_varint(data: bytes, value: int) -> None:
    assert BoundedReader(data, PATH).varint("it") == value


@pytest.mark.parametrize("data", [b"", b"\x80", b"\x80" * 11])
def test_varint_without_end(data: bytes) -> None:
    with pytest.raises(ModelFormatError):
        BoundedReader(data, PATH).varint("it")


def test_text_names_the_byte_that_is_not_utf8() -> None:
    with pytest.raises(ModelFormatError) as caught:
        BoundedReader(b"abc\xffd", PATH, position=1).text(4, "a name")
    assert caught.value.offset == 3
