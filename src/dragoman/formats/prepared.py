"""Our own file of prepared weights: written by us, mapped by us, and checked before anything in it is used.

    0    8s magic | u32 version | u32 slots
    16   u64 facts: offset, bytes | u64 slot table: offset
    40   u64 shortlist: offset, offsets, ids
    64   u64 payload: offset, bytes | u64 bytes of the file
    88   u64 plan: offset, bytes
    104  u64 checksum of the payload | u64 checksum of the head, itself counted as 0
    128  facts (`dragoman.formats.prepared_facts`) | plan (native/plan/plan_image.h) | slot table | shortlist: int64
         offsets, uint32 ids | zeros up to a page
         payload: the arrays that the slot table names, each on 64 bytes | zeros up to a page | a page of zeros

The head is all before the payload. Numbers have the byte order of the machine: a file serves the machine that
wrote it, and others with the same order. The last page holds nothing: if it can be read, no byte of the
weights is cut off (native/weights/mapped_file.h).
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dragoman.errors import ModelFormatError
from dragoman.formats.bounded import BoundedReader
from dragoman.formats.prepared_facts import PreparedFacts
from dragoman.formats.shortlist import Shortlist
from dragoman.host import anonymous, checksum

__all__ = [
    "HEADER_BYTES",
    "PAGE",
    "RECORD_BYTES",
    "Head",
    "check_size",
    "decode_head",
    "encode_head",
    "head_size",
    "pages",
]

PAGE = 4096
VERSION = 6
RECORD_BYTES = 128
"""Bytes of a slot in the table: u32 kind, vocabulary | f32 alpha, unquantise | u64 offset, bytes of panels (or a
vector's values), rows, scale, bias, column sums, sketch, overflow lists. Offsets count from the start of the file."""

_MAGIC = b"DRAGOMAN"
_HEADER = struct.Struct("=8s2I3Q3Q3Q2Q2Q")
HEADER_BYTES = 128
_CHECKSUM = slice(_HEADER.size - 8, _HEADER.size)
_MAX_HEAD = 1 << 30


@dataclass(frozen=True, eq=False)
class Head:
    """What a file says besides the weights, all of it copied out of the file.

    Attributes:
        facts: of the model.
        details: JSON of what few need to know of it.
        plan: image of the native plan.
        table: slot table, `RECORD_BYTES` a slot.
        shortlist: or None.
        payload: offset and bytes.
        file_bytes: of the whole.
        checksum: of the payload.
    """

    facts: PreparedFacts
    details: str
    plan: bytes
    table: bytes
    shortlist: Shortlist | None
    payload: tuple[int, int]
    file_bytes: int
    checksum: int


def pages(nbytes: int) -> int:
    """``nbytes`` rounded up to whole pages."""
    return -(-nbytes // PAGE) * PAGE


def _lists(shortlist: Shortlist | None) -> tuple[int, int]:
    return (0, 0) if shortlist is None else (len(shortlist.offsets), len(shortlist.ids))


def _eight(nbytes: int) -> int:
    return -(-nbytes // 8) * 8


def head_size(facts: bytes, plan: bytes, slots: int, shortlist: Shortlist | None) -> int:
    """Bytes of the head, whole pages: where the payload begins."""
    offsets, ids = _lists(shortlist)
    start = HEADER_BYTES + _eight(len(facts)) + _eight(len(plan))
    return pages(start + slots * RECORD_BYTES + 8 * offsets + 4 * ids)


def encode_head(
    facts: bytes, plan: bytes, records: Sequence[bytes], shortlist: Shortlist | None, payload: memoryview
) -> bytes:
    """The head of a file with this payload (whole pages, the last one empty).

    Args:
        facts: from `PreparedFacts.encode`.
        plan: image of the native plan.
        records: the slot table.
        shortlist: or None.
        payload: all bytes behind the head.
    """
    offsets, ids = _lists(shortlist)
    size = head_size(facts, plan, len(records), shortlist)
    plan_at = HEADER_BYTES + _eight(len(facts))
    table_at = plan_at + _eight(len(plan))
    lists_at = table_at + len(records) * RECORD_BYTES
    head = bytearray(size)
    head[HEADER_BYTES : HEADER_BYTES + len(facts)] = facts
    head[plan_at : plan_at + len(plan)] = plan
    head[table_at:lists_at] = b"".join(records)
    if shortlist is not None:
        raw = memoryview(shortlist.offsets).tobytes() + memoryview(shortlist.ids).tobytes()
        head[lists_at : lists_at + len(raw)] = raw
    _HEADER.pack_into(
        head, 0, _MAGIC, VERSION, len(records), HEADER_BYTES, len(facts), table_at, lists_at, offsets, ids,
        size, len(payload), size + len(payload), plan_at, len(plan), checksum(payload), 0,
    )  # fmt: skip
    head[_CHECKSUM] = struct.pack("=Q", checksum(head))
    return bytes(head)


def check_size(header: bytes, size: int, path: Path) -> None:
    """Raises ModelFormatError unless a file's first bytes are ours and speak of its size: before it is mapped."""
    if len(header) < _HEADER.size:
        raise ModelFormatError(path, "the file is too short for prepared weights", found=size)
    values = _HEADER.unpack_from(header)
    if values[0] != _MAGIC or values[1] != VERSION or values[11] != size:
        raise ModelFormatError(path, "not prepared weights of this version and size", found=size)


def decode_head(view: memoryview, path: Path, *, verify_payload: bool = True) -> Head:
    """Read the head of a mapped file and check everything: a file that passes is one of ours, undamaged.

    Args:
        view: the whole file.
        path: for messages.
        verify_payload: also read the payload and compare its checksum: 1 ms for 11 MB.

    Raises:
        ModelFormatError: it is not ours, of another version, cut short, or a checksum is wrong.
    """
    start = BoundedReader(view[:HEADER_BYTES].tobytes(), path)
    values = _HEADER.unpack(start.take(_HEADER.size, "the header"))
    magic, version, slots, facts_at, facts_bytes, table_at, lists_at, offsets, ids = values[:9]
    payload_at, payload_bytes, file_bytes, plan_at, plan_bytes, payload_sum, head_sum = values[9:]
    if magic != _MAGIC or version != VERSION:
        raise start.fail("not prepared weights of this version", offset=0, expected=VERSION, found=version)
    if file_bytes != len(view) or payload_at + payload_bytes != len(view) or payload_at % PAGE:
        raise start.fail("the sizes do not fit the file's", expected=file_bytes, found=len(view))
    if payload_at > _MAX_HEAD:
        raise start.fail("the head is too large", found=payload_at)
    # Pages of its own, not of the heap: they go back to the system with the shortlist.
    region = anonymous(payload_at)
    copy = memoryview(region)
    copy[:] = view[:payload_at]
    copy[_CHECKSUM] = bytes(8)
    found = checksum(copy)
    if found != head_sum:
        raise start.fail("the head's checksum is wrong", expected=hex(head_sum), found=hex(found))
    if verify_payload and checksum(view[payload_at:]) != payload_sum:
        raise start.fail("the checksum of the weights is wrong", offset=payload_at)
    region.seal(payload_at)
    reader = BoundedReader(copy.toreadonly(), path)
    reader.seek(facts_at, "the facts")
    try:
        facts, details = PreparedFacts.decode(bytes(reader.take(facts_bytes, "the facts")))
    except ValueError as error:
        raise reader.fail(str(error), offset=facts_at) from None
    reader.seek(plan_at, "the plan")
    plan = bytes(reader.take(plan_bytes, "the plan"))
    reader.seek(table_at, "the slot table")
    table = bytes(reader.take(slots * RECORD_BYTES, "the slot table"))
    reader.seek(lists_at, "the shortlist")
    shortlist = None
    if offsets:
        numbers = reader.take(8 * offsets, "the offsets").cast("q")
        targets = reader.take(4 * ids, "the ids").cast("I") if ids else memoryview(array("I"))
        first, best = facts.shortlist or (0, 0)
        shortlist = Shortlist(first, best, numbers, targets)
    return Head(facts, details, plan, table, shortlist, (payload_at, payload_bytes), file_bytes, payload_sum)
