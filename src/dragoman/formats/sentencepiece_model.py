"""Untrusted SentencePiece models: what must hold before the C++ library may touch one.

The library checks the protocol buffer, but some releases walk the character map, a double-array trie inside
it, without looking at its bounds. So the map is checked here: a file that passes cannot lead the library
astray.

Format: sentencepiece_model.proto (ModelProto: 1 pieces, 3 normalizer_spec, 5 denormalizer_spec;
NormalizerSpec: 2 precompiled_charsmap) and the darts-clone unit layout.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dragoman.errors import ModelFormatError
from dragoman.formats.bounded import BoundedReader

__all__ = ["check_sentencepiece_model"]

_PIECES, _NORMALIZER, _DENORMALIZER = 1, 3, 5
_CHARSMAP = 2
_MAX_PIECES = 1 << 20
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def check_sentencepiece_model(data: bytes, path: Path) -> None:
    """Check the outer structure of a model and the tries in it.

    Raises:
        ModelFormatError: a field leaves the file, there are no pieces or over a million, or a trie leads out
            of itself.
    """
    pieces = 0
    for number, body in _fields(BoundedReader(data, path)):
        if number == _PIECES:
            pieces += 1
        elif number in (_NORMALIZER, _DENORMALIZER) and body is not None:
            for inner, value in _fields(body):
                if inner == _CHARSMAP and value is not None and value.size:
                    _check_charsmap(value)
    if not 0 < pieces <= _MAX_PIECES:
        raise ModelFormatError(
            path, "this is not a SentencePiece model", expected=f"1 to {_MAX_PIECES} pieces", found=pieces
        )


def _fields(reader: BoundedReader) -> list[tuple[int, BoundedReader | None]]:
    """Number and contents of each field of a message; None for numbers, whose value does not matter here."""
    found: list[tuple[int, BoundedReader | None]] = []
    while reader.remaining:
        tag = reader.varint("a field of the SentencePiece model")
        number, wire = tag >> 3, tag & 7
        body = None
        if wire == _VARINT:
            reader.varint("a number of the SentencePiece model")
        elif wire == _BYTES:
            length = reader.varint("the length of a field of the SentencePiece model")
            body = BoundedReader(reader.take(length, "a field of the SentencePiece model"), reader.path)
        elif wire in (_FIXED32, _FIXED64):
            reader.take(4 if wire == _FIXED32 else 8, "a number of the SentencePiece model")
        else:
            raise reader.fail("this is not a SentencePiece model", found=f"wire type {wire}")
        found.append((number, body))
    return found


def _check_charsmap(blob: BoundedReader) -> None:
    """``uint32 trie bytes | trie units, uint32 | replacement texts, NUL-terminated``: no step may leave
    either part.
    """
    trie_bytes = blob.u32("the size of the character map's trie")
    if trie_bytes % 4 or trie_bytes == 0 or trie_bytes > blob.remaining:
        raise blob.fail("the character map has an impossible trie", expected=blob.remaining, found=trie_bytes)
    units = blob.array("<u4", trie_bytes // 4, "the character map's trie").astype(np.int64)
    texts = bytes(blob.take(blob.remaining, "the character map's texts"))
    if not texts.endswith(b"\0"):
        raise blob.fail("the character map's texts do not end")
    is_value = units >> 31 != 0
    # A step goes from unit i to (i ^ offset) ^ byte: the whole block of 256 around it must exist.
    shift = np.where(units & (1 << 9), 8, 0)
    offsets = ((units >> 10) << shift) & ((1 << 30) - 1)
    targets = (np.arange(len(units)) ^ offsets) | 0xFF
    if np.any(targets[~is_value] >= len(units)):
        raise blob.fail("the character map's trie leads out of itself")
    if np.any((units & 0x7FFFFFFF)[is_value] >= len(texts)):
        raise blob.fail("the character map's trie leads out of its texts")
