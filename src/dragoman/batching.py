"""Sentences to batches: a pure function of their lengths."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["MAX_BATCH_SENTENCES", "MAX_BATCH_TOKENS", "make_batches"]

MAX_BATCH_SENTENCES = 64
"""Products reach their full speed from about 16 rows up; more sentences only cost workspace."""
MAX_BATCH_TOKENS = 2048
"""Source pieces of a batch."""


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
