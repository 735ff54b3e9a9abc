"""Text to ids and back, for one model's vocabularies.

Three kinds: SentencePiece models; plain vocabularies of space-separated pieces; and OPUS-MT's, whose pieces come from
SentencePiece models and whose ids come from a plain vocabulary.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dragoman.formats.bundle import Bundle
from dragoman.formats.vocabulary import (
    PlainVocabulary,
    SentencePieceVocabulary,
    Vocabulary,
    read_vocabulary,
)

__all__ = ["Pieces", "clean"]

_SPACE = "\u2581"
"""SentencePiece's mark of a preceding space."""
_LANGUAGE_TOKEN = re.compile(r"\s*(>>[^<>\s]{1,40}<<)\s*")
_SURROGATE = re.compile("[\ud800-\udfff]")


def clean(text: str) -> str:
    """Text that every vocabulary can take: lone surrogates become U+FFFD, NUL and line ends become spaces."""
    if not text.isascii():
        text = _SURROGATE.sub("\ufffd", text)
    return text.translate(_BLANKS)


_BLANKS = {0: " ", 10: " ", 11: " ", 12: " ", 13: " "}


@dataclass(frozen=True, eq=False)
class Pieces:
    """Encodes source texts and decodes target ids. Stateless; safe from any thread.

    Attributes:
        source, target: the vocabularies, whose ids the model uses.
        source_spm, target_spm: OPUS-MT's SentencePiece models, which make the pieces; else None.
        right_to_left: the model reads and writes reversed sentences.
    """

    source: Vocabulary
    target: Vocabulary
    source_spm: SentencePieceVocabulary | None = None
    target_spm: SentencePieceVocabulary | None = None
    right_to_left: bool = False

    @classmethod
    def of_model(cls, files: Bundle, source: Vocabulary, target: Vocabulary, *, right_to_left: bool) -> Pieces:
        """The pieces of a model. Raises ModelFormatError if a SentencePiece model is damaged."""
        return cls(source, target, _spm(files.source_spm), _spm(files.target_spm), right_to_left)

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Source ids of each text, without EOS, in reading order."""
        cleaned = [clean(text) for text in texts]
        if self.source_spm is not None:
            return self._encode_opus(cleaned, self.source_spm)
        if isinstance(self.source, SentencePieceVocabulary):
            found: list[list[int]] = self.source.processor.encode(cleaned, num_threads=1)
            return found
        return [[self.source.id_of(piece) for piece in text.split(" ") if piece] for text in cleaned]

    def for_model(self, ids: Sequence[int]) -> list[int]:
        """Ids as the model reads them: reversed for right-to-left models, EOS last."""
        return [*(reversed(ids) if self.right_to_left else ids), self.source.eos_id]

    def encode_target(self, text: str) -> list[int]:
        """Target ids of the beginning of a translation, without EOS."""
        text = clean(text)
        if self.target_spm is not None:
            return [self.target.id_of(piece) for piece in self.target_spm.processor.encode(text, out_type=str)]
        if isinstance(self.target, SentencePieceVocabulary):
            return [int(id_) for id_ in self.target.processor.encode(text)]
        return [self.target.id_of(piece) for piece in text.split(" ") if piece]

    def source_piece(self, id_: int) -> str:
        """The text of a source id."""
        return self.source.piece_of(id_)

    def decode(self, ids: Sequence[Sequence[int]]) -> list[str]:
        """Texts of lists of target ids; EOS means nothing."""
        eos = self.target.eos_id
        kept = [[id_ for id_ in self._ordered(sentence) if id_ != eos] for sentence in ids]
        if isinstance(self.target, SentencePieceVocabulary):
            texts: list[str] = self.target.processor.decode(kept, num_threads=1) if kept else []
            return texts
        joined = [[self.target.piece_of(id_) for id_ in sentence] for sentence in kept]
        if self.target_spm is not None:
            return ["".join(pieces).replace(_SPACE, " ").strip(" ") for pieces in joined]
        return [" ".join(pieces) for pieces in joined]

    def tokens(self, ids: Sequence[int]) -> tuple[str, ...]:
        """Target pieces, without EOS."""
        eos = self.target.eos_id
        return tuple(self.target.piece_of(id_) for id_ in self._ordered(ids) if id_ != eos)

    def _ordered(self, ids: Sequence[int]) -> list[int]:
        numbers = [int(id_) for id_ in ids]
        return numbers[::-1] if self.right_to_left else numbers

    def _encode_opus(self, texts: Sequence[str], spm: SentencePieceVocabulary) -> list[list[int]]:
        """A leading ``>>lang<<`` is one piece of its own; the rest is cut by source.spm."""
        marks: list[list[int]] = []
        rests: list[str] = []
        for text in texts:
            match = _LANGUAGE_TOKEN.match(text)
            if match and match[1] in self.source:
                marks.append([self.source.id_of(match[1])])
                rests.append(text[match.end() :])
            else:
                marks.append([])
                rests.append(text)
        pieces: list[list[Any]] = spm.processor.encode(rests, out_type=str, num_threads=1)
        return [mark + [self.source.id_of(piece) for piece in own] for mark, own in zip(marks, pieces, strict=True)]


def _spm(path: Path | None) -> SentencePieceVocabulary | None:
    if path is None:
        return None
    vocabulary = read_vocabulary(path)
    assert not isinstance(vocabulary, PlainVocabulary)
    return vocabulary
