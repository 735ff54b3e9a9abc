"""Vocabularies as a model's files give them: pieces and ids. Making pieces of text is ``dragoman.text``'s
work.

Rules: marian-semantics 7. The file's suffix decides: ``.spm`` SentencePiece; ``.yml``, ``.yaml`` and
``.json`` maps from piece to id; other names one piece a line.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

from dragoman.errors import ModelFormatError, UnsupportedModelError
from dragoman.formats.compression import plain_suffix
from dragoman.formats.files import TEXT_LIMIT, read_bytes
from dragoman.formats.sentencepiece_model import check_sentencepiece_model

__all__ = ["PlainVocabulary", "SentencePieceVocabulary", "Vocabulary", "plain_vocabulary", "read_vocabulary"]

CONTROL_PIECES = tuple(f"<0x{code:02X}>" for code in range(32))
"""What byte fallback (SentencePiece) calls control characters. Marian never writes them since 1.11, unless
``allow-special`` is set (``populateControlChars``)."""
EOS_PIECE, UNK_PIECE = "</s>", "<unk>"
_FACTORED = frozenset({".fsv", ".fm"})
_MAPS = frozenset({".yml", ".yaml", ".json"})


@dataclass(frozen=True, eq=False)
class SentencePieceVocabulary:
    """A SentencePiece model. Equal if the bytes are equal; pickled by its bytes.

    Attributes:
        path: the file it came from.
        size: pieces, that is rows of the embedding.
        eos_id, unk_id: as the model says.
        content_hash: sha256 of the bytes, in hex.
        processor: ``sentencepiece.SentencePieceProcessor``; reading from several threads is safe.
    """

    path: Path
    size: int
    eos_id: int
    unk_id: int
    content_hash: str
    processor: Any = field(repr=False)

    @property
    def proto(self) -> bytes:
        """The model as SentencePiece writes it, a copy; its own files byte for byte."""
        return bytes(self.processor.serialized_model_proto())

    def id_of(self, piece: str) -> int:
        """The id of a piece; ``unk_id`` if there is none."""
        return int(self.processor.piece_to_id(piece))

    @cached_property
    def control_ids(self) -> tuple[int, ...]:
        """Ids of the pieces of control characters, ascending; see `CONTROL_PIECES`."""
        return _known(self.processor.piece_to_id(list(CONTROL_PIECES)), self.unk_id)

    def piece_of(self, id_: int) -> str:
        """The piece of an id. Raises IndexError outside 0 .. size - 1."""
        _check_id(id_, self.size)
        return str(self.processor.id_to_piece(id_))

    def __contains__(self, piece: str) -> bool:
        return self.piece_of(self.id_of(piece)) == piece

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SentencePieceVocabulary) and self.content_hash == other.content_hash

    def __hash__(self) -> int:
        return hash(self.content_hash)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore_sentencepiece, (self.proto, self.path, self.content_hash)


@dataclass(frozen=True, eq=False)
class PlainVocabulary:
    """A list of pieces. Equal if the pieces and ids are equal, whatever the file's format.

    Attributes:
        path: the file it came from.
        ids: id of each piece; ids may have gaps, and several pieces one id.
        size: highest id + 1. The model's ``dim-vocabs`` may be larger.
        eos_id, unk_id: of ``</s>`` and ``<unk>``, or of their old names.
        content_hash: sha256 of the pieces in the order of their ids, in hex.
    """

    path: Path
    ids: Mapping[str, int] = field(repr=False)
    size: int
    eos_id: int
    unk_id: int
    content_hash: str
    _pieces: Mapping[int, str] = field(repr=False)

    def id_of(self, piece: str) -> int:
        """The id of a piece; ``unk_id`` if there is none."""
        return self.ids.get(piece, self.unk_id)

    @cached_property
    def control_ids(self) -> tuple[int, ...]:
        """Ids of the pieces of control characters, ascending; see `CONTROL_PIECES`."""
        return _known(map(self.id_of, CONTROL_PIECES), self.unk_id)

    def cut(self, size: int) -> PlainVocabulary:
        """Without the ids from ``size`` on, as Marian cuts by ``dim-vocabs``: their pieces are unknown then.

        Raises ModelFormatError if the end symbol or the unknown piece goes too.
        """
        for piece, id_ in ((EOS_PIECE, self.eos_id), (UNK_PIECE, self.unk_id)):
            if id_ >= size:
                raise ModelFormatError(
                    self.path, f"{piece} lies beyond the model's rows", expected=f"below {size}", found=id_,
                    advice="Use the vocabulary the model came with.",
                )  # fmt: skip
        kept = {piece: id_ for piece, id_ in self.ids.items() if id_ < size}
        return _plain_vocabulary(kept, self.path, self.eos_id, self.unk_id)

    def piece_of(self, id_: int) -> str:
        """The piece of an id, empty for a gap. Raises IndexError outside 0 .. size - 1."""
        _check_id(id_, self.size)
        return self._pieces.get(id_, "")

    def __contains__(self, piece: str) -> bool:
        return piece in self.ids

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PlainVocabulary) and self.content_hash == other.content_hash

    def __hash__(self) -> int:
        return hash(self.content_hash)

    def __reduce__(self) -> tuple[Any, ...]:
        fields = (self.path, dict(self.ids), self.size, self.eos_id, self.unk_id, self.content_hash)
        return _restore_plain, fields


Vocabulary = SentencePieceVocabulary | PlainVocabulary


def read_vocabulary(path: Path | str) -> SentencePieceVocabulary | PlainVocabulary:
    """Read a vocabulary of any kind that Marian uses, except factored ones.

    Raises:
        ModelNotFoundError: there is no such file.
        ModelFormatError: it is damaged, or has no end symbol or unknown piece.
        UnsupportedModelError: it is a factored vocabulary.
    """
    path = path if isinstance(path, Path) else Path(path)
    suffix = plain_suffix(path)
    if suffix in _FACTORED:
        raise UnsupportedModelError(
            "vocabs", path.name, path=path, advice="Factored vocabularies cannot be used."
        )
    data = bytes(read_bytes(path, limit=TEXT_LIMIT))
    if suffix == ".spm":
        return _sentencepiece_vocabulary(data, path)
    if data[:1] == b"\n" and suffix not in _MAPS:  # the first field of a SentencePiece model
        advice = "If this is a SentencePiece model, its name must end in .spm."
        raise ModelFormatError(path, "the first line is empty", advice=advice)
    from dragoman.formats.vocabulary_text import parse_text  # YAML is slow to import, and SentencePiece lacks nothing

    # Trainings on raw bytes leave pieces that are not UTF-8. yaml-cpp, Marian's reader, replaces what is wrong in them.
    text = data.decode("utf-8", "replace")
    return plain_vocabulary(parse_text(text, path), path, old_names=suffix in _MAPS)


def plain_vocabulary(ids: Mapping[str, int], path: Path, *, old_names: bool = False) -> PlainVocabulary:
    """A vocabulary from pieces and their ids (checked: different, not negative).

    Args:
        ids: id of each piece. Of several pieces with one id, the last in the order of bytes is written.
        path: for messages.
        old_names: as Marian reads YAML and JSON (``DefaultVocab::addRequiredVocabulary``): an id 0 that is unused or
            called ``eos`` goes before ``</s>``, an id 1 that is unused or called ``UNK`` before ``<unk>``.

    Raises:
        ModelFormatError: the end symbol or the unknown piece is missing.
    """
    pieces = _pieces_by_id(ids)
    eos_id = _special(ids, pieces, EOS_PIECE, 0, "eos" if old_names else None, path)
    unk_id = _special(ids, pieces, UNK_PIECE, 1, "UNK" if old_names else None, path)
    return _plain_vocabulary(ids, path, eos_id, unk_id)


def _plain_vocabulary(ids: Mapping[str, int], path: Path, eos_id: int, unk_id: int) -> PlainVocabulary:
    pieces = _pieces_by_id(ids)
    digest = hashlib.sha256(f"{eos_id}\t{unk_id}\n".encode())
    for piece, id_ in sorted(ids.items(), key=lambda entry: (entry[1], entry[0])):
        digest.update(f"{id_}\t{piece}\n".encode())
    return PlainVocabulary(
        path=Path(path),
        ids=MappingProxyType(dict(ids)),
        size=max(max(pieces), eos_id, unk_id) + 1,
        eos_id=eos_id,
        unk_id=unk_id,
        content_hash=digest.hexdigest(),
        _pieces=MappingProxyType(pieces),
    )


def _special(
    ids: Mapping[str, int],
    pieces: Mapping[int, str],
    piece: str,
    place: int,
    old_name: str | None,
    path: Path,
) -> int:
    if old_name is not None and place <= max(pieces) and pieces.get(place, "") in ("", old_name):
        return place
    if piece in ids:
        return ids[piece]
    raise ModelFormatError(
        path,
        f"the vocabulary has no piece {piece}",
        parameter=piece,
        advice="Use the vocabulary the model came with.",
    )


def _pieces_by_id(ids: Mapping[str, int]) -> dict[int, str]:
    """Ascending. Python orders text as UTF-8 orders bytes."""
    return {id_: piece for piece, id_ in sorted(ids.items(), key=lambda entry: (entry[1], entry[0]))}


def _restore_plain(
    path: Path, ids: dict[str, int], size: int, eos_id: int, unk_id: int, content_hash: str
) -> PlainVocabulary:
    pieces = MappingProxyType(_pieces_by_id(ids))
    return PlainVocabulary(path, MappingProxyType(ids), size, eos_id, unk_id, content_hash, pieces)


def _restore_sentencepiece(data: bytes, path: Path, content_hash: str) -> SentencePieceVocabulary:
    return replace(_sentencepiece_vocabulary(data, path), content_hash=content_hash)


def _sentencepiece_vocabulary(data: bytes, path: Path) -> SentencePieceVocabulary:
    import sentencepiece  # slow to import, and not needed by models with plain vocabularies

    check_sentencepiece_model(data, path)
    processor = sentencepiece.SentencePieceProcessor()
    try:
        processor.LoadFromSerializedProto(data)
        size = int(processor.get_piece_size())
        eos_id, unk_id = int(processor.eos_id()), int(processor.unk_id())
    except (RuntimeError, ValueError, IndexError, TypeError, OSError) as error:
        reason = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise ModelFormatError(path, f"SentencePiece cannot use the model: {reason}") from None
    for piece, id_ in ((EOS_PIECE, eos_id), (UNK_PIECE, unk_id)):
        if not 0 <= id_ < size:
            raise ModelFormatError(
                path,
                f"the SentencePiece model has no {piece}",
                parameter=piece,
                found=id_,
                advice="Marian needs it: train the model with an eos_id and an unk_id.",
            )
    return SentencePieceVocabulary(
        path=Path(path),  # an ordinary path: it must not keep a file's contents
        size=size,
        eos_id=eos_id,
        unk_id=unk_id,
        content_hash=hashlib.sha256(data).hexdigest(),
        processor=processor,
    )


def _known(ids: Iterable[int], unk_id: int) -> tuple[int, ...]:
    return tuple(sorted({int(id_) for id_ in ids} - {unk_id}))


def _check_id(id_: int, size: int) -> None:
    if not 0 <= id_ < size:
        raise IndexError(f"id {id_} is not in 0 .. {size - 1}")
