"""From the sentences of a batch to its extents, when all of it is under way at once. The native core takes no more
than part of a large batch at a time: native/search/flight.h."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from dragoman.graph.extents import Extents, Symbol

GROUP_TOKENS = 64
"""Source pieces of an encoder group at most: products reach nearly their full speed, the activations of so few stay in
the second-level cache, and small groups fit soon where others were (docs/decisions/0015-in-flight.md)."""

_LANES = 16
_PANEL = 32


def groups(lengths: Sequence[int], target_tokens: int = GROUP_TOKENS) -> tuple[int, ...]:
    """Cuts sentences into encoder groups of consecutive sentences.

    Args:
        lengths: source pieces of each sentence, EOS included, in the order of the batch (longest first).
        target_tokens: most pieces of a group; a longer sentence is a group of its own.

    Returns:
        First sentence of each group, then the number of sentences: group g is sentences [r[g], r[g + 1]).
    """
    bounds, tokens = [0], 0
    for sentence, length in enumerate(lengths):
        if sentence > bounds[-1] and tokens + length > target_tokens:
            bounds.append(sentence)
            tokens = 0
        tokens += length
    if lengths:
        bounds.append(len(lengths))
    return tuple(bounds)


def extents_of_batch(
    lengths: Sequence[int],
    encoder_groups: Sequence[int],
    *,
    beam_size: int,
    target_limits: Sequence[int],
    vocabulary_size: int,
    union_size: int = 0,
    alignment: bool = False,
) -> Extents:
    """The numbers that size a batch's values.

    Args:
        lengths: source pieces of each sentence, EOS included.
        encoder_groups: as `groups` returns them.
        beam_size: most live hypotheses of a sentence.
        target_limits: most target pieces of each sentence, EOS included.
        vocabulary_size: target pieces of the model.
        union_size: columns that the batch's shortlists select together; 0: no shortlist, all columns.
        alignment: whether alignments are asked for.
    """
    pairs = list(pairwise(encoder_groups))
    longest = _round_up(max(lengths, default=0), _LANES)
    return Extents.of(
        {
            Symbol.TOKENS: sum(lengths),
            Symbol.SENTENCES: len(lengths),
            Symbol.GROUP_TOKENS: max((sum(lengths[first:last]) for first, last in pairs), default=0),
            Symbol.GROUP_SENTENCES: max((last - first for first, last in pairs), default=0),
            Symbol.PADDED_TOKENS: sum(_round_up(length, _LANES) for length in lengths),
            Symbol.LONGEST: longest,
            Symbol.ALIGNED: longest if alignment else 0,
            Symbol.ROWS: len(lengths) * beam_size,
            Symbol.CELLS: beam_size * sum(target_limits),
            Symbol.LIMIT: _round_up(max(target_limits, default=0), _LANES),
            Symbol.CANDIDATES: union_size or vocabulary_size,
            Symbol.UNION: _round_up(union_size, _PANEL),
        }
    )


def _round_up(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple
