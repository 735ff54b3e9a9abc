"""What is kept of a translated line, and its bytes on disk."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dragoman.backends.batch import RawHypothesis

__all__ = ["Entry", "Key", "StoredHypothesis", "decode_entry", "encode_entry"]


class Key(NamedTuple):
    """What a translation depends on; compared, not only hashed.

    Attributes:
        scope: models, options and whatever else changes it: see `dragoman.memory.scope`.
        text: what is translated.
    """

    scope: str
    text: str


@dataclass(frozen=True)
class StoredHypothesis:
    """A back end's hypothesis (`dragoman.backends.batch.RawHypothesis`), number by number.

    Attributes:
        id_bytes: int32 [tokens].
        score_bytes: float32 [tokens], or None.
        rows, weight_bytes: float32 [rows, source tokens]: soft alignment, or None.
    """

    id_bytes: bytes
    path_score: float
    score: float
    model_scores: tuple[float, ...]
    score_bytes: bytes | None = None
    rows: int = 0
    weight_bytes: bytes | None = None

    @classmethod
    def of(cls, raw: RawHypothesis) -> StoredHypothesis:
        """A copy; the back end's memory is free to go."""
        scores, weights = raw.word_scores, raw.alignment
        return cls(
            raw.ids.tobytes(),
            float(raw.path_score),
            float(raw.score),
            tuple(map(float, raw.model_scores)),
            None if scores is None else scores.tobytes(),
            0 if weights is None else len(weights),
            None if weights is None else weights.tobytes(),
        )

    @property
    def ids(self) -> memoryview:
        return memoryview(self.id_bytes).cast("i")

    @cached_property
    def word_scores(self) -> NDArray[np.float32] | None:
        import numpy as np

        return None if self.score_bytes is None else np.frombuffer(self.score_bytes, np.float32)

    @cached_property
    def alignment(self) -> NDArray[np.float32] | None:
        import numpy as np

        if self.weight_bytes is None:
            return None
        flat = np.frombuffer(self.weight_bytes, np.float32)
        return flat.reshape(self.rows, -1 if self.rows else 0)

    @property
    def nbytes(self) -> int:
        kept = (self.id_bytes, self.score_bytes or b"", self.weight_bytes or b"")
        return 200 + sum(map(len, kept)) + 8 * len(self.model_scores)


@dataclass(frozen=True)
class Entry:
    """A translation that was kept.

    Attributes:
        target: the translation's text.
        segments: of each segment of the line its hypotheses, best first; none for a person's translation (TMX).
    """

    target: str
    segments: tuple[tuple[StoredHypothesis, ...], ...] = ()

    @classmethod
    def of(cls, target: str, segments: Sequence[Sequence[RawHypothesis]]) -> Entry:
        """What a back end found for each segment of a line."""
        return cls(target, tuple(tuple(map(StoredHypothesis.of, one)) for one in segments))

    @property
    def nbytes(self) -> int:
        """About how much memory it takes."""
        return 200 + 2 * len(self.target) + sum(raw.nbytes for one in self.segments for raw in one)


_HEAD = struct.Struct("<BI")
_VERSION = 1
_COUNT = struct.Struct("<I")
_SCORES = struct.Struct("<2d")
_SIZES = struct.Struct("<IiiII")
"""Bytes of ids; of word scores and of weights, or -1; rows of weights; number of models' scores."""


def encode_entry(entry: Entry) -> bytes:
    """The segments of an entry; its text is kept beside them. Little-endian, as are the numbers of the back ends."""
    parts = [_HEAD.pack(_VERSION, len(entry.segments))]
    for segment in entry.segments:
        parts.append(_COUNT.pack(len(segment)))
        for one in segment:
            sizes = [-1 if kept is None else len(kept) for kept in (one.score_bytes, one.weight_bytes)]
            parts.append(_SCORES.pack(one.path_score, one.score))
            parts.append(_SIZES.pack(len(one.id_bytes), *sizes, one.rows, len(one.model_scores)))
            parts.append(struct.pack(f"<{len(one.model_scores)}d", *one.model_scores))
            parts += [one.id_bytes, one.score_bytes or b"", one.weight_bytes or b""]
    return b"".join(parts)


def decode_entry(target: str, data: bytes) -> Entry | None:
    """The entry of these bytes; None if they are damaged, or of another version."""
    reader = _Reader(data)
    try:
        version, count = reader.integers(_HEAD)
        if version != _VERSION or count > len(data):
            return None
        segments = tuple(_segment(reader) for _ in range(count))
    except (struct.error, ValueError):
        return None
    return Entry(target, segments) if not reader.left else None


def _segment(reader: _Reader) -> tuple[StoredHypothesis, ...]:
    (count,) = reader.integers(_COUNT)
    if count > reader.left:
        raise ValueError
    return tuple(_hypothesis(reader) for _ in range(count))


def _hypothesis(reader: _Reader) -> StoredHypothesis:
    path_score, score = reader.floats(_SCORES)
    ids, scores, weights, rows, models = reader.integers(_SIZES)
    if models > reader.left or ids % 4 or scores % 4 not in (0, 3) or (rows and weights % (4 * rows)):
        raise ValueError
    return StoredHypothesis(
        path_score=path_score,
        score=score,
        model_scores=tuple(reader.floats(struct.Struct(f"<{models}d"))),
        id_bytes=reader.bytes(ids),
        score_bytes=None if scores < 0 else reader.bytes(scores),
        rows=rows,
        weight_bytes=None if weights < 0 else reader.bytes(weights),
    )


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0

    @property
    def left(self) -> int:
        return len(self._data) - self._place

    def integers(self, form: struct.Struct) -> tuple[int, ...]:
        values: tuple[int, ...] = form.unpack_from(self._data, self._place)
        self._place += form.size
        return values

    def floats(self, form: struct.Struct) -> tuple[float, ...]:
        values: tuple[float, ...] = form.unpack_from(self._data, self._place)
        self._place += form.size
        return values

    def bytes(self, size: int) -> bytes:
        if not 0 <= size <= self.left:
            raise ValueError
        self._place += size
        return self._data[self._place - size : self._place]
