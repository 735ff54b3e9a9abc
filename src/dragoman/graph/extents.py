"""Symbolic extents: the sizes of a batch that are unknown until it arrives.

A dimension of a value is an ``int`` fixed by the architecture or one `Symbol`. Every formula over them is monotone:
a larger batch never needs fewer bytes.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass


class Symbol(enum.Enum):
    """One size of a batch. Source lengths count the EOS piece."""

    TOKENS = "T"
    """Source pieces whose translations are under way (native/search/flight.h), or of the whole batch."""
    SENTENCES = "S"
    """Sentences of the batch; only encoder groups see them, so room for the largest is enough."""
    GROUP_TOKENS = "Tg"
    """Source pieces of the largest encoder group (the encoder runs over groups of sentences that fit in cache)."""
    GROUP_SENTENCES = "Sg"
    """Sentences of the largest encoder group."""
    PADDED_TOKENS = "Tp"
    """Sum over sentences under way of the source length rounded up to 16: packed cross-attention keys."""
    LONGEST = "L"
    """Length of the longest source sentence, rounded up to 16."""
    ALIGNED = "A"
    """LONGEST if alignments are asked for, else 0."""
    ROWS = "R"
    """Most live hypotheses: sentences under way times beam size."""
    CELLS = "K"
    """Cached decoder positions: sum over sentences under way of beam size times the sentence's target limit."""
    LIMIT = "Y"
    """The largest target limit of the batch, rounded up to 16: positions a row may look back on."""
    CANDIDATES = "C"
    """Columns of the logits that are kept: the union of the batch's shortlists, or the vocabulary; a block of it where
    the native search needs only each row's best column."""
    UNION = "U"
    """CANDIDATES rounded up to 32 when a shortlist selects columns, 0 when the whole vocabulary is used."""

    def __str__(self) -> str:
        return self.value


Dimension = int | Symbol


@dataclass(frozen=True)
class Extents(Mapping[Symbol, int]):
    """The numbers of one batch, a value for every `Symbol`."""

    values_by_symbol: tuple[int, ...]

    @classmethod
    def of(cls, numbers: Mapping[Symbol, int]) -> Extents:
        """Every symbol must be given; values are non-negative."""
        return cls(tuple(int(numbers[symbol]) for symbol in Symbol))

    def __getitem__(self, symbol: Symbol) -> int:
        return self.values_by_symbol[_INDEX[symbol]]

    def __iter__(self):  # type: ignore[no-untyped-def]
        return iter(Symbol)

    def __len__(self) -> int:
        return len(self.values_by_symbol)


_INDEX = {symbol: index for index, symbol in enumerate(Symbol)}


def evaluate(dimension: Dimension, extents: Mapping[Symbol, int]) -> int:
    """The number behind a dimension."""
    return extents[dimension] if isinstance(dimension, Symbol) else dimension
