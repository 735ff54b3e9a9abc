"""Sentences to batches, and batches to the arrays that a back end reads: pure functions."""

from __future__ import annotations

import itertools
from array import array
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from dragoman.backends.batch import Batch, target_limit
from dragoman.backends.constraints import Constraints, Phrase

__all__ = ["MAX_BATCH_SENTENCES", "MAX_BATCH_TOKENS", "Segment", "make_batch", "make_batches"]

MAX_BATCH_SENTENCES = 64
"""Few of them are under way at a time, so more cost hardly any workspace (native/search/flight.h). But a batch keeps
its worker from other models until it is done."""
MAX_BATCH_TOKENS = 2048
"""Source pieces of a batch."""


class Segment(NamedTuple):
    """Ids that a model reads as one sentence.

    Attributes:
        prefix: target ids that its translation begins with.
        phrases: what its translation must contain.
    """

    ids: list[int]
    prefix: tuple[int, ...] = ()
    phrases: tuple[Phrase, ...] = ()


def make_batches(
    lengths: Sequence[int], *, max_sentences: int = MAX_BATCH_SENTENCES, max_tokens: int = MAX_BATCH_TOKENS
) -> list[list[int]]:
    """Group sentences of similar length, longest first.

    Args:
        lengths: source pieces of each sentence, EOS included.
        max_sentences: most sentences of a batch.
        max_tokens: most source pieces of a batch; a longer sentence is a batch of its own.

    Returns:
        Numbers of sentences, each in exactly one batch; within a batch longest first, equal lengths in order.
    """
    order = sorted(range(len(lengths)), key=lambda number: -lengths[number])
    batches: list[list[int]] = []
    tokens = 0
    for number in order:
        if not batches or len(batches[-1]) == max_sentences or tokens + lengths[number] > max_tokens:
            batches.append([])
            tokens = 0
        batches[-1].append(number)
        tokens += lengths[number]
    return batches


def make_batch(segments: Sequence[Segment], max_length_factor: float) -> Batch:
    """The arrays of a batch.

    Args:
        segments: longest first.
        max_length_factor: most target ids for each source id.
    """
    lengths = [len(segment.ids) for segment in segments]
    forced = any(segment.prefix for segment in segments)
    none = _int32(())
    return Batch(
        source=_flat([segment.ids for segment in segments]),
        offsets=_int32(itertools.accumulate(lengths, initial=0)),
        limits=_int32(target_limit(length, max_length_factor) for length in lengths),
        prefix=_flat([segment.prefix for segment in segments]) if forced else none,
        prefix_offsets=_int32(itertools.accumulate((len(segment.prefix) for segment in segments), initial=0))
        if forced
        else None,
        candidates=none,
        candidate_offsets=None,
        constraints=Constraints.of([one.phrases for one in segments]) if any(one.phrases for one in segments) else None,
    )


def _flat(lists: Sequence[Sequence[int]]) -> Any:
    return _int32(itertools.chain.from_iterable(lists))


def _int32(numbers: Iterable[int]) -> Any:
    """As the native core reads them. NumPy, which is slow to import, would add nothing."""
    return array("i", numbers)
