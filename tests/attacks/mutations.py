"""Damage to files, reproducible from a seed."""

from __future__ import annotations

import random
import struct

INTERESTING = (
    0,
    1,
    0x7F,
    0x80,
    0xFF,
    2**15,
    2**16,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**40,
    2**63 - 1,
    2**63,
    2**64 - 1,
)


def mutate(data: bytes, seed: int) -> bytes:
    """``data`` with one to four defects: bits, bytes, numbers, pieces lost, moved or doubled, an end cut off.

    Half of the defects hit the first 1 KB or the last 256 bytes, where headers and zip directories are.
    """
    rng = random.Random(seed)
    body = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        if not body:
            break
        place = _place(body, rng)
        length = min(len(body) - place, rng.choice((1, 1, 2, 4, 8, 32, 300)))
        kind = rng.randrange(8)
        if kind == 0:
            body[place] ^= 1 << rng.randrange(8)
        elif kind == 1:
            body[place] = rng.choice((0, 1, 0x0A, 0x20, 0x22, 0x7F, 0x80, 0xFF))
        elif kind in (2, 3):
            width, letter = rng.choice(((2, "H"), (4, "I"), (8, "Q")))
            place -= place % width
            value = rng.choice(INTERESTING) & ((1 << 8 * width) - 1)
            body[place : place + width] = struct.pack(f"<{letter}", value)[: len(body) - place]
        elif kind == 4:
            end = len(body) if rng.random() < 0.5 else place + length
            del body[place:end]
        elif kind == 5:
            other = _place(body, rng)
            body[place : place + length] = body[other : other + length]
        elif kind == 6:
            body[place:place] = body[place : place + length]
        else:
            body[place : place + length] = rng.randbytes(length)
    return bytes(body)


def _place(body: bytearray, rng: random.Random) -> int:
    draw = rng.random()
    if draw < 0.35:
        return rng.randrange(min(len(body), 1024))
    if draw < 0.5:
        return len(body) - 1 - rng.randrange(min(len(body), 256))
    return rng.randrange(len(body))
