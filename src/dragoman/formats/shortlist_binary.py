"""Marian's binary shortlists.

uint64 x 6: magic, checksum, first, best, number of offsets, number of ids
uint64 offsets [source vocabulary + 1] | uint32 ids
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from dragoman.errors import ModelFormatError
from dragoman.formats.bounded import BoundedReader
from dragoman.formats.files import TEXT_LIMIT, read_bytes, write_atomically
from dragoman.formats.shortlist import Shortlist

__all__ = ["MAGIC", "checksum", "read_binary_shortlist", "write_binary_shortlist"]

MAGIC = 0xF11A48D5013417F5
_CHECKED_FROM = 16
_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B9


def read_binary_shortlist(
    path: Path,
    *,
    source_size: int | None = None,
    target_size: int | None = None,
    verify: bool = True,
) -> Shortlist:
    """Read a binary shortlist and check all that the format promises.

    Args:
        path: the file.
        source_size: rows of the source vocabulary, if known: the list must cover exactly these.
        target_size: rows of the target vocabulary, if known: all ids must be below.
        verify: also check the checksum: some 5 ms for 190 KB, 0.2 s for the largest lists of Firefox.

    Raises:
        ModelNotFoundError: there is no such file.
        ModelFormatError: anything of the above fails.
    """
    reader = BoundedReader(read_bytes(path, limit=TEXT_LIMIT), path)
    if reader.u64("the magic number") != MAGIC:
        raise reader.fail("this is not a binary shortlist", offset=0, expected=hex(MAGIC))
    declared = reader.u64("the checksum")
    first, best = reader.u64("firstNum"), reader.u64("bestNum")
    offset_count, id_count = reader.u64("the number of offsets"), reader.u64("the number of ids")
    expected = 8 * offset_count + 4 * id_count
    if reader.remaining != expected:
        raise reader.fail("the counts do not fit the file's size", expected=expected, found=reader.remaining)
    offsets = reader.array("<u8", offset_count, "the offsets")
    ids = reader.array("<u4", id_count, "the ids")
    if verify:
        reader.seek(_CHECKED_FROM, "the checked part")
        found = checksum(reader.take(reader.remaining, "the checked part"))
        if found != declared:
            raise reader.fail("the checksum is wrong", offset=8, expected=hex(declared), found=hex(found))
    _check_offsets(offsets, id_count, source_size, path)
    lists = Shortlist(
        min(first, _MASK >> 1), min(best, _MASK >> 1), offsets.astype(np.int64), ids.astype(np.uint32)
    )
    _check_ids(lists, target_size, path)
    lists.offsets.flags.writeable = False
    lists.ids.flags.writeable = False
    return lists


def write_binary_shortlist(shortlist: Shortlist, path: Path) -> None:
    """Write a shortlist with its checksum, byte for byte as ``marian-conv`` does."""
    body = struct.pack("<4Q", shortlist.first, shortlist.best, len(shortlist.offsets), len(shortlist.ids))
    body += np.asarray(shortlist.offsets, "<u8").tobytes() + np.asarray(shortlist.ids, "<u4").tobytes()

    def write(stream: BinaryIO) -> None:
        stream.write(struct.pack("<2Q", MAGIC, checksum(memoryview(body))))
        stream.write(body)

    write_atomically(path, write)


def checksum(data: memoryview) -> int:
    """Marian's 64-bit hash over little-endian words; a half word at the end does not count.

    Each word depends on all before it through shifts and an exclusive or, so there is no way around the loop.
    """
    words = np.frombuffer(data, "<u8", count=len(data) // 8)
    h = 0
    for word in (words + np.uint64(_GOLDEN)).tolist():
        h ^= (word + (h << 6) + (h >> 2)) & _MASK
    return h


def _check_offsets(offsets: NDArray[np.uint64], id_count: int, source_size: int | None, path: Path) -> None:
    base = 48
    if len(offsets) < 2:
        raise ModelFormatError(path, "the shortlist covers no source id", offset=32, found=len(offsets))
    if source_size is not None and len(offsets) != source_size + 1:
        raise ModelFormatError(
            path,
            "the shortlist was made for another source vocabulary",
            offset=32,
            expected=source_size + 1,
            found=len(offsets),
            advice="Use the shortlist that belongs to this model.",
        )
    if offsets[0] != 0:
        raise ModelFormatError(path, "the first offset is not 0", offset=base, found=int(offsets[0]))
    falling = np.flatnonzero(offsets[1:] < offsets[:-1])
    if len(falling):
        raise ModelFormatError(path, "the offsets decrease", offset=base + 8 * int(falling[0] + 1))
    if int(offsets[-1]) != id_count:
        raise ModelFormatError(
            path,
            "the last offset is not the number of ids",
            offset=base + 8 * (len(offsets) - 1),
            expected=id_count,
            found=int(offsets[-1]),
        )


def _check_ids(lists: Shortlist, target_size: int | None, path: Path) -> None:
    base = 48 + 8 * len(lists.offsets)
    if target_size is not None and len(lists.ids) and int(lists.ids.max()) >= target_size:
        worst = int(np.argmax(lists.ids))
        raise ModelFormatError(
            path,
            "an id is not in the target vocabulary",
            offset=base + 4 * worst,
            expected=f"below {target_size}",
            found=int(lists.ids[worst]),
            advice="Use the shortlist that belongs to this model.",
        )
    not_rising = lists.ids[1:] <= lists.ids[:-1]
    starts = lists.offsets[1:-1]
    not_rising[starts[(starts > 0) & (starts < len(lists.ids))] - 1] = False  # from one list to the next
    places = np.flatnonzero(not_rising)
    if len(places):
        raise ModelFormatError(path, "a list is not sorted", offset=base + 4 * int(places[0] + 1))
