"""The batches that a layout is searched for: the usual extremes. A plan is good at these and valid at all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dragoman.graph.extents import Extents
from dragoman.planning.batch_extents import extents_of_batch, groups


@dataclass(frozen=True)
class NominalBatch:
    """A batch by its numbers: ``sentences`` of ``length`` pieces each."""

    sentences: int
    length: int
    beam_size: int
    union_size: int

    def __str__(self) -> str:
        columns = f"shortlist {self.union_size}" if self.union_size else "full vocabulary"
        return f"{self.sentences} x {self.length}, beam {self.beam_size}, {columns}"

    def extents(self, vocabulary_size: int = 32000, alignment: bool = False) -> Extents:
        lengths = [self.length] * self.sentences
        return extents_of_batch(
            lengths,
            groups(lengths),
            beam_size=self.beam_size,
            target_limits=[2 * length for length in lengths],
            vocabulary_size=vocabulary_size,
            union_size=self.union_size,
            alignment=alignment,
        )


def nominal_batches() -> Iterator[NominalBatch]:
    """A short sentence, a full batch, a long sentence; greedy and beam search; with and without shortlist."""
    for sentences, length in ((1, 8), (64, 20), (1, 500)):
        for beam_size in (1, 4):
            for union_size in (0, 512):
                yield NominalBatch(sentences, length, beam_size, union_size)
