"""Long lines to parts that fit a model, so that no text is lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence

__all__ = ["cut"]

_STRONG = frozenset(".!?;:\u3002\uff01\uff1f\uff1b\u0964\u061f")
_WEAK = frozenset(",)\u3001\uff0c\u060c\u2013\u2014")


def cut(ids: Sequence[int], limit: int, piece_of: Callable[[int], str]) -> list[list[int]]:
    """Cut a sentence into parts of at most ``limit`` ids.

    A part ends, if one of its last two thirds can, after sentence-internal punctuation, the strongest and latest; else
    before a piece that starts a word; else anywhere.

    Args:
        ids: of the sentence, without EOS.
        limit: most ids of a part, at least 1.
        piece_of: the text of an id; only the pieces in reach of a cut are looked at.

    Returns:
        The parts; joined they are ``ids``.
    """
    parts: list[list[int]] = []
    start = 0
    while len(ids) - start > limit:
        end = _best_end(ids, start, limit, piece_of)
        parts.append(list(ids[start:end]))
        start = end
    parts.append(list(ids[start:]))
    return parts


def _best_end(ids: Sequence[int], start: int, limit: int, piece_of: Callable[[int], str]) -> int:
    """Where the part that begins at ``start`` ends."""
    best_end, best_rank = start + limit, 0
    for end in range(start + limit, start + limit // 3, -1):
        last = piece_of(ids[end - 1]).rstrip("\"'\u201d\u201c\u00bb)")[-1:]
        rank = 3 if last in _STRONG and last else 2 if last in _WEAK and last else 0
        if rank == 0 and piece_of(ids[end]).startswith("\u2581"):
            rank = 1
        if rank > best_rank:
            best_end, best_rank = end, rank
        if best_rank == 3:
            break
    return best_end
