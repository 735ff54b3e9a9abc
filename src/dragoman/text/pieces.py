"""Text to ids and back, for one model: the only place that calls SentencePiece with users' text.

Three sorts of vocabulary (marian-semantics 7): SentencePiece, words between spaces, and OPUS-MT's, where
SentencePiece models make pieces whose ids a plain vocabulary gives.

Any text is accepted. Halves of surrogate pairs, which SentencePiece refuses with a RuntimeError, become
U+FFFD (`clean`); NUL and other controls reach SentencePiece, which normalises them away or makes them unknown
pieces.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from weakref import WeakValueDictionary

from dragoman.errors import ModelFormatError
from dragoman.formats.bundle import Bundle
from dragoman.formats.files import TEXT_LIMIT, read_bytes
from dragoman.formats.sentencepiece_model import check_sentencepiece_model
from dragoman.formats.vocabulary import PlainVocabulary, SentencePieceVocabulary, Vocabulary
from dragoman.result import Span

__all__ = ["WORD_START", "Pieces", "clean", "segmenter_pieces"]

WORD_START = "\u2581"
"""SentencePiece's mark for a space."""

_processors: WeakValueDictionary[str, Any] = WeakValueDictionary()
"""OPUS-MT's SentencePiece models by the hash of their bytes: equal ones are loaded once."""

_lock = threading.Lock()

_SPACED_WORD = re.compile(r"[^ \r\n]+")
_LANGUAGE = re.compile(r"\s*(>>[^<>\s]+<<)\s?")


def clean(text: str | bytes) -> str:
    """Text that can be encoded: surrogate pairs joined, lone halves and invalid UTF-8 replaced by U+FFFD."""
    if isinstance(text, bytes):
        return text.decode("utf-8", "replace")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


class _Side(Protocol):
    """One side's text: ids without the end symbol. ``decode`` accepts ids with it."""

    def encode(self, texts: Sequence[str]) -> list[list[int]]: ...

    def decode(self, lists: Sequence[list[int]]) -> list[str]: ...

    def encoded_spans(self, text: str) -> list[Span]:
        """Of each piece of a text its characters."""
        ...

    def decoded_spans(self, ids: list[int], text: str) -> list[Span]:
        """Of each id, which may be any, its characters in the text that `decode` made of them."""
        ...


class _SentencePieceSide:
    def __init__(self, processor: Any, size: int) -> None:
        self._processor, self._size = processor, size

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        # One by one: for a list SentencePiece starts a thread, which a system may refuse. It would save a microsecond.
        return [self._processor.encode(text, out_type=int) for text in texts]

    def decode(self, lists: Sequence[list[int]]) -> list[str]:
        try:
            return [self._processor.decode(ids) for ids in lists]
        except (IndexError, RuntimeError):  # models may have more output rows than pieces
            known = [[id_ for id_ in ids if 0 <= id_ < self._size] for ids in lists]
            return [self._processor.decode(ids) for ids in known]

    def encoded_spans(self, text: str) -> list[Span]:
        return _trimmed(text, self._processor.encode(text, return_type="offset_mapping")["offsets"])

    def decoded_spans(self, ids: list[int], text: str) -> list[Span]:
        known = [number for number, id_ in enumerate(ids) if 0 <= id_ < self._size]
        found = self._processor.decode([ids[number] for number in known], return_type="offset_mapping")["offsets"]
        spans = [Span(0, 0)] * len(ids)
        for number, span in zip(known, _trimmed(text, found), strict=True):
            spans[number] = span
        return spans


class _WordSide:
    def __init__(self, vocabulary: PlainVocabulary) -> None:
        self._vocabulary = vocabulary

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        id_of = self._vocabulary.id_of
        return [[id_of(word) for word in _SPACED_WORD.findall(text)] for text in texts]

    def decode(self, lists: Sequence[list[int]]) -> list[str]:
        words = (_pieces_of(self._vocabulary, ids) for ids in lists)
        return [" ".join(word for word in line if word) for line in words]

    def encoded_spans(self, text: str) -> list[Span]:
        return _trimmed(text, [match.span() for match in _SPACED_WORD.finditer(text)])

    def decoded_spans(self, ids: list[int], text: str) -> list[Span]:
        spans, at = [], 0
        for id_ in ids:
            width = sum(map(len, _pieces_of(self._vocabulary, [id_])))
            spans.append((at, at + width))
            at += width + (width > 0)
        return _trimmed(text, spans)


class _OpusSide:
    """Pieces by a SentencePiece model, whose own ids mean nothing; ids by the vocabulary."""

    def __init__(self, processor: Any, vocabulary: PlainVocabulary) -> None:
        self._processor, self._vocabulary = processor, vocabulary

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        if not texts:
            return []
        split = [self._language_token(text) for text in texts]
        lists = [self._processor.encode(text, out_type=str) for _, text in split]
        id_of = self._vocabulary.id_of
        return [
            [id_of(piece) for piece in (tokens + pieces)]
            for (tokens, _), pieces in zip(split, lists, strict=True)
        ]

    def _language_token(self, text: str) -> tuple[list[str], str]:
        """``>>lang<<`` at the start is a piece, which chooses the language, if the vocabulary has it."""
        match = _LANGUAGE.match(text)
        if match and match[1] in self._vocabulary:
            return [match[1]], text[match.end() :]
        return [], text

    def decode(self, lists: Sequence[list[int]]) -> list[str]:
        joined = ("".join(_pieces_of(self._vocabulary, ids)) for ids in lists)
        return [text.replace(WORD_START, " ").strip(" ") for text in joined]

    def encoded_spans(self, text: str) -> list[Span]:
        tokens, rest = self._language_token(text)
        before = len(text) - len(rest)
        found = self._processor.encode(rest, return_type="offset_mapping")["offsets"]
        spans = [(before + start, before + stop) for start, stop in found]
        return _trimmed(text, [(0, before)] * len(tokens) + spans)

    def decoded_spans(self, ids: list[int], text: str) -> list[Span]:
        pieces = ["".join(_pieces_of(self._vocabulary, [id_])) for id_ in ids]
        joined = "".join(pieces).replace(WORD_START, " ")
        at, spans = len(joined.lstrip(" ")) - len(joined), []
        for piece in pieces:
            spans.append((at, at + len(piece)))
            at += len(piece)
        return _trimmed(text, spans)


@dataclass(frozen=True, eq=False)
class Pieces:
    """Text and ids of one model. Safe to use from any number of threads.

    Attributes:
        source, target: the vocabularies.
        right_to_left: ids go backwards on both sides.
        words: source pieces are whole words; else those that start a word begin with U+2581.
    """

    source: Vocabulary
    target: Vocabulary
    right_to_left: bool
    words: bool
    _source_side: _Side = field(repr=False)
    _target_side: _Side = field(repr=False)

    @classmethod
    def of_model(
        cls, files: Bundle, source: Vocabulary, target: Vocabulary, *, right_to_left: bool = False
    ) -> Pieces:
        """The pieces of a model. Raises ModelFormatError if OPUS-MT's SentencePiece models are damaged."""
        source_side = _side(source, files.source_spm)
        same = source is target and files.source_spm == files.target_spm
        return cls(
            source=source,
            target=target,
            right_to_left=right_to_left,
            words=isinstance(source_side, _WordSide),
            _source_side=source_side,
            _target_side=source_side if same else _side(target, files.target_spm),
        )

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Source ids in reading order, without the end symbol: `finish` adds it. Texts must be `clean`."""
        return self._source_side.encode(texts)

    def finish(self, ids: Sequence[int]) -> list[int]:
        """What the model reads: the ids of a segment, reversed if it reads backwards, and the end symbol."""
        return [*(reversed(ids) if self.right_to_left else ids), self.source.eos_id]

    def encode_prefixes(self, texts: Sequence[str]) -> list[list[int]]:
        """Target ids that translations must begin with, without the end symbol. Texts must be `clean`."""
        return self._target_side.encode(texts)

    def decode(self, lists: Sequence[Sequence[int]]) -> list[str]:
        """The texts of target ids as the model wrote them, with or without the end symbol at their end."""
        if not self.right_to_left:
            return self._target_side.decode([list(ids) for ids in lists])
        eos = self.target.eos_id
        return self._target_side.decode([[id_ for id_ in reversed(ids) if id_ != eos] for ids in lists])

    def source_spans(self, text: str) -> list[Span]:
        """Of each of the ids that `encode` makes of a text its characters, without white space around them.

        They ascend and lie within the text, though not all characters belong to a piece: what a normaliser drops does
        not, and of several pieces that it made of one character only one has it.
        """
        return self._source_side.encoded_spans(text)

    def target_spans(self, ids: Sequence[int], text: str) -> tuple[Span, ...]:
        """Of each target id, in the order of the model, its characters in ``text``, which `decode` made of them."""
        reading = list(reversed(ids)) if self.right_to_left else list(ids)
        kept = [id_ for id_ in reading if id_ != self.target.eos_id]
        spans = iter(self._target_side.decoded_spans(kept, text))
        end = Span(len(text), len(text))
        found = [end if id_ == self.target.eos_id else next(spans) for id_ in reading]
        return tuple(reversed(found)) if self.right_to_left else tuple(found)

    def source_tokens(self, ids: Sequence[int]) -> tuple[str, ...]:
        """The pieces of source ids, one for each."""
        return _tokens(self.source, ids)

    def target_tokens(self, ids: Sequence[int]) -> tuple[str, ...]:
        """The pieces of target ids, one for each."""
        return _tokens(self.target, ids)


def _side(vocabulary: Vocabulary, spm: Path | None) -> _Side:
    if isinstance(vocabulary, SentencePieceVocabulary):
        return _SentencePieceSide(vocabulary.processor, vocabulary.size)
    return _WordSide(vocabulary) if spm is None else _OpusSide(_processor(spm), vocabulary)


def _processor(path: Path) -> Any:
    """A SentencePiece model that only makes pieces: it needs no end symbol of its own."""
    import sentencepiece  # slow to import

    data = bytes(read_bytes(path, limit=TEXT_LIMIT))
    key = hashlib.sha256(data).hexdigest()
    with _lock:
        processor = _processors.get(key)
    if processor is not None:
        return processor
    check_sentencepiece_model(data, path)
    processor = sentencepiece.SentencePieceProcessor()
    try:
        processor.LoadFromSerializedProto(data)
        processor.encode("a", out_type=str)
    except (RuntimeError, ValueError, IndexError, TypeError, OSError) as error:
        raise ModelFormatError(path, f"SentencePiece cannot use the model: {str(error)[:120]}") from None
    with _lock:
        return _processors.setdefault(key, processor)


def segmenter_pieces(path: Path, most: int) -> list[str]:
    """Of the pieces that a SentencePiece model can make of text at most so many, evenly spread. Errors:
    `Pieces.of_model`."""
    processor = _processor(path)
    size = int(processor.get_piece_size())
    ids = list(range(0, size, -(-size // most)))
    own = zip(processor.id_to_piece(ids), processor.is_control(ids), processor.is_unknown(ids), strict=True)
    return [piece for piece, control, unknown in own if not (control or unknown)]


def _trimmed(text: str, offsets: Iterable[tuple[int, int]]) -> list[Span]:
    """Spans within the text that ascend, without the white space at their ends."""
    spans: list[Span] = []
    least, most = 0, len(text)
    for start, stop in offsets:
        start = min(max(start, least), most)
        stop = least = min(max(stop, start), most)
        while start < stop and text[start].isspace():
            start += 1
        while start < stop and text[stop - 1].isspace():
            stop -= 1
        spans.append(Span(start, stop))
    return spans


def _pieces_of(vocabulary: PlainVocabulary, ids: Sequence[int]) -> list[str]:
    """Pieces without the end symbol; nothing for ids beyond the vocabulary."""
    size, eos = vocabulary.size, vocabulary.eos_id
    return [vocabulary.piece_of(id_) for id_ in ids if id_ != eos and 0 <= id_ < size]


def _tokens(vocabulary: Vocabulary, ids: Sequence[int]) -> tuple[str, ...]:
    """The pieces of ids, one for each; empty beyond the vocabulary (models may have more output rows)."""
    size = vocabulary.size
    if not isinstance(vocabulary, SentencePieceVocabulary):
        return tuple([vocabulary.piece_of(id_) if 0 <= id_ < size else "" for id_ in ids])
    if not ids:
        return ()
    if min(ids) < 0 or max(ids) >= size:
        return tuple(vocabulary.piece_of(id_) if 0 <= id_ < size else "" for id_ in ids)
    # No table of all pieces: it would cost each model some megabytes.
    return tuple(vocabulary.processor.id_to_piece(list(ids)))
