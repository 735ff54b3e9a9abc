"""Two translations, one of the other's result, as one: alignments go through the language between.

As Bergamot composes them (text-semantics 4): with A1[q][s] of the first model over its pieces q of the pivot text, and
A2[t][p] of the second over its own pieces p of the same text, A = A2 M A1, where M[p][q] is the share of p's characters
that are q's. Soft to the end: links made hard in between would lose some.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from dragoman.result import Hypothesis, SoftAlignment, Span, Translation

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["through"]

_MOST_CELLS = 1 << 24
"""Of a matrix; a longer line has no alignment."""


def through(first: Translation, second: Translation) -> Translation:
    """The translation of ``first.source`` that ``second`` makes of ``first.text``.

    Alignments are composed where both are soft, and dropped otherwise. Scores are the second model's.
    """
    return replace(
        second,
        source=first.source,
        source_tokens=first.source_tokens,
        source_spans=first.source_spans,
        n_best=tuple(replace(one, alignment=_composed(first, second, one)) for one in second.n_best),
        warnings=first.warnings + second.warnings,
    )


def _composed(first: Translation, second: Translation, one: Hypothesis) -> SoftAlignment | None:
    pivot = first.n_best[0]
    if not isinstance(pivot.alignment, SoftAlignment) or not isinstance(one.alignment, SoftAlignment):
        return None
    if pivot.spans is None or second.source_spans is None:
        return None
    largest = max(
        len(pivot.alignment) * pivot.alignment.columns,
        len(one.alignment) * one.alignment.columns,
        len(pivot.spans) * len(second.source_spans),
        len(one.alignment) * pivot.alignment.columns,
    )
    if largest > _MOST_CELLS:
        return None
    import numpy as np

    shared = _shares(second.source_spans, pivot.spans)
    rows = (one.alignment.array() @ shared @ pivot.alignment.array()).astype(np.float32)
    rows.flags.writeable = False
    return SoftAlignment(pivot.alignment.columns, ((0, rows),))


def _shares(pieces: Sequence[Span], others: Sequence[Span]) -> NDArray[np.float32]:
    """float32 [pieces, others] of one text: rows sum to 1.

    A piece without characters, as the end symbol or what a normaliser dropped, goes with the other's that has none at
    its place, else with the nearest.
    """
    import numpy as np

    starts, stops = (np.array([span[side] for span in others], np.int64) for side in (0, 1))
    shares = np.zeros((len(pieces), len(others)), np.float32)
    for row, (start, stop) in enumerate(pieces):
        overlap = np.minimum(stops, stop) - np.maximum(starts, start)
        if stop > start and (overlap > 0).any():
            shares[row] = np.maximum(overlap, 0)
            shares[row] /= shares[row].sum()
        else:
            # The last of equals: at the end of a text the end symbol.
            distance = np.maximum(np.maximum(starts - stop, start - stops), 0) * 2 + (stops > starts)
            shares[row, len(others) - 1 - int(distance[::-1].argmin())] = 1
    return shares
