"""Text shortlists: lines ``target source probability``; and the door to shortlists of either format."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import BinaryIO, Literal, Protocol

import numpy as np

from dragoman.errors import ModelFormatError
from dragoman.formats.files import TEXT_LIMIT, is_file, read_bytes, read_head, write_atomically
from dragoman.formats.shortlist import Shortlist
from dragoman.formats.shortlist_binary import MAGIC, read_binary_shortlist
from dragoman.formats.shortlist_options import ShortlistOptions

__all__ = ["dump_shortlist", "is_binary_shortlist", "read_shortlist", "read_text_shortlist"]

_log = logging.getLogger("dragoman")


class PieceIds(Protocol):
    """What a text shortlist needs of a vocabulary. ``id_of`` gives the unknown id for a piece it lacks."""

    @property
    def size(self) -> int: ...

    def id_of(self, piece: str) -> int: ...


class Pieces(Protocol):
    """What writing a shortlist needs of a vocabulary."""

    @property
    def size(self) -> int: ...

    def piece_of(self, id_: int, /) -> str: ...


def is_binary_shortlist(path: Path) -> bool:
    """Whether a file starts with the magic number of binary shortlists. Errors: `read_head`."""
    return read_head(path, 8) == MAGIC.to_bytes(8, "little")


def read_shortlist(options: ShortlistOptions, source: PieceIds, target: PieceIds) -> Shortlist:
    """Read the shortlist of either format that a configuration asks for, and check it against the
    vocabularies.

    Raises:
        ModelNotFoundError: there is no such file.
        ModelFormatError: it is damaged, or belongs to other vocabularies.
    """
    path = options.path
    if is_file(path) and is_binary_shortlist(path):
        return read_binary_shortlist(
            path, source_size=source.size, target_size=target.size, verify=options.verify
        )
    first, best = options.sizes
    if options.stated_false:
        _log.debug("%s: 'false' says nothing for a text shortlist; first %d, best %d", path, first, best)
    return read_text_shortlist(
        path, source, target, first=first, best=best, threshold=options.threshold, repeated=options.repeated
    )


def read_text_shortlist(
    path: Path,
    source: PieceIds,
    target: PieceIds,
    *,
    first: int,
    best: int,
    threshold: float = 0.0,
    repeated: Literal["highest", "last"] = "highest",
) -> Shortlist:
    """Build a shortlist from text, by the rules of ``marian-conv`` (and of Bergamot).

    Args:
        path: lines ``target source probability``, white space between; lines with the word NULL are skipped,
            pieces that a vocabulary lacks count as its unknown piece.
        source, target: the vocabularies of the model.
        first: most frequent target ids, always allowed.
        best: most target ids kept for a source id: those of highest probability, of equal ones the highest
            ids.
        threshold: pairs whose probability is not above it are left out.
        repeated: which probability counts for a pair given twice: "highest" as ``marian-conv``, "last" as
            ``marian-decoder`` reading text.

    Raises:
        ModelNotFoundError: there is no such file.
        ModelFormatError: a line has other fields, or a probability is not a number, with the number of the
            line.
    """
    raw = bytes(read_bytes(path, limit=TEXT_LIMIT))
    tables: dict[int, dict[int, float]] = {}
    known: tuple[dict[bytes, int], dict[bytes, int]] = ({}, {})
    for number, line in enumerate(raw.split(b"\n"), 1):
        fields = line.split()
        if not fields or b"NULL" in fields:
            continue
        if len(fields) != 3:
            raise _bad_line(path, number, "the line is not 'target source probability'", line)
        try:
            probability = float(fields[2])
            target_id = _cached(known[0], fields[0], target)
            source_id = _cached(known[1], fields[1], source)
        except (ValueError, UnicodeDecodeError):
            raise _bad_line(
                path, number, "the line is not UTF-8 text with a number at its end", line
            ) from None
        if not probability > threshold:
            continue
        row = tables.setdefault(source_id, {})
        if repeated == "last" or probability > row.get(target_id, -1.0):
            row[target_id] = probability
    lists = [_best_ids(tables.get(source_id, {}), best) for source_id in range(source.size)]
    offsets = np.concatenate([[0], np.cumsum([len(ids) for ids in lists])]).astype(np.int64)
    ids = np.array([target_id for ids in lists for target_id in ids], np.uint32)
    offsets.flags.writeable = False
    ids.flags.writeable = False
    return Shortlist(first, best, offsets, ids)


def dump_shortlist(lists: Shortlist, source: Pieces, target: Pieces, prefix: str) -> None:
    """Write what is left of a text shortlist, as ``marian-decoder`` does: ``PREFIX.top`` has the most frequent target
    pieces, ``PREFIX.dic`` a source and a target piece a line. Raises OSError."""
    top = [target.piece_of(id_) for id_ in range(min(lists.first, target.size))]
    pairs = [
        (source.piece_of(number), target.piece_of(int(id_)))
        for number in range(min(lists.source_size, source.size))
        for id_ in lists.list_of(number)
        if id_ < target.size
    ]
    _write_lines(Path(f"{prefix}.top"), top)
    _write_lines(Path(f"{prefix}.dic"), [f"{one}\t{other}" for one, other in pairs])


def _write_lines(path: Path, lines: list[str]) -> None:
    text = "".join(f"{line}\n" for line in lines).encode()

    def write(stream: BinaryIO) -> None:
        stream.write(text)

    write_atomically(path, write)


def _best_ids(row: dict[int, float], best: int) -> list[int]:
    ranked = sorted(row.items(), key=lambda entry: (entry[1], entry[0]), reverse=True)
    return sorted(target_id for target_id, _ in ranked[:best])


def _cached(known: dict[bytes, int], piece: bytes, vocabulary: PieceIds) -> int:
    found = known.get(piece)
    if found is None:
        found = known[piece] = vocabulary.id_of(piece.decode("utf-8"))
    return found


def _bad_line(path: Path, number: int, problem: str, line: bytes) -> ModelFormatError:
    return ModelFormatError(
        path, problem, offset=number, unit="line", found=line[:80].decode("utf-8", "replace")
    )
