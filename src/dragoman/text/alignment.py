"""Soft alignments to links (Marian src/data/alignment.cpp)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dragoman.result import AlignmentLinks

__all__ = ["links"]


def links(matrix: NDArray[np.float32], threshold: float | None = None) -> AlignmentLinks:
    """Pairs (source, target) from a matrix [target, source].

    Without a threshold one for each target piece: its most probable source piece, the first of equals. With one, every
    pair whose probability is greater. Sorted by source, then target; end symbols are pieces like others.
    """
    if threshold is None:
        pairs = [(int(source), target) for target, source in enumerate(matrix.argmax(axis=1))]
    else:
        pairs = [(int(source), int(target)) for target, source in np.argwhere(matrix > threshold)]
    return tuple(sorted(pairs))
