"""The character map inside SentencePiece models, made by hand."""

import struct
from pathlib import Path

import numpy as np
import pytest

from dragoman.errors import ModelFormatError
from dragoman.formats.sentencepiece_model import check_sentencepiece_model

PATH = Path("v.spm")
VALUE = 1 << 31


def field(number: int, data: bytes) -> bytes:
    length, tail = len(data), b""
    while length >= 0x80:
        tail += bytes([length & 0x7F | 0x80])
        length >>= 7
    return bytes([number << 3 | 2]) + tail + bytes([length]) + data


def model(
    units: list[int], texts: bytes = b"abc\0", *, trie_bytes: int | None = None, normalizer: int = 3
) -> bytes:
    trie = np.array(units, np.uint32).tobytes()
    charsmap = struct.pack("<I", len(trie) if trie_bytes is None else trie_bytes) + trie + texts
    return field(1, field(1, b"</s>")) + field(normalizer, field(1, b"nfkc") + field(2, charsmap))


def test_a_sound_trie_passes() -> None:
    check_sentencepiece_model(model([0] * 255 + [VALUE | 3]), PATH)


@pytest.mark.parametrize("normalizer", [3, 5])
@pytest.mark.parametrize(
    ("units", "problem"),
    [
        ([0] * 255, "out of itself"),
        ([1 << 10 << 8] + [0] * 255, "out of itself"),
        ([1 << 9 | 1 << 10] + [0] * 255, "out of itself"),
        ([0x7FFFFFFF] + [0] * 255, "out of itself"),
        ([0] * 255 + [VALUE | 4], "out of its texts"),
        ([0] * 255 + [0xFFFFFFFF], "out of its texts"),
    ],
)
def test_a_trie_that_leads_out_is_refused(units: list[int], problem: str, normalizer: int) -> None:
    with pytest.raises(ModelFormatError, match=problem):
        check_sentencepiece_model(model(units, normalizer=normalizer), PATH)


@pytest.mark.parametrize("trie_bytes", [0, 1023, 1032, 2**32 - 4])
def test_a_trie_of_impossible_size_is_refused(trie_bytes: int) -> None:
    with pytest.raises(ModelFormatError, match="impossible trie"):
        check_sentencepiece_model(model([0] * 256, trie_bytes=trie_bytes), PATH)


def test_texts_must_end() -> None:
    with pytest.raises(ModelFormatError, match="do not end"):
        check_sentencepiece_model(model([0] * 256, b"abc"), PATH)


def test_a_model_without_pieces_is_refused() -> None:
    with pytest.raises(ModelFormatError, match="not a SentencePiece model"):
        check_sentencepiece_model(field(3, b""), PATH)


def test_real_models_pass(shared: Path, spm_bytes: bytes) -> None:
    check_sentencepiece_model(spm_bytes, PATH)
    for path in (shared / "models").glob("*/*.spm"):
        check_sentencepiece_model(path.read_bytes(), path)
