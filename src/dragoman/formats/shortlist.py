"""Lexical shortlists: which target ids a sentence may use, by the source ids in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["MULTIPLE", "Shortlist"]

MULTIPLE = 8
"""Lists are filled up to a multiple of this many ids, as Marian's int8 products need."""


@dataclass(frozen=True, eq=False)
class Shortlist:
    """For each source id a list of target ids, all lists in one array.

    Attributes:
        first: the ids 0 .. first - 1, the most frequent ones, are always allowed.
        best: longest list that was kept for a source id. Informative only.
        offsets: int64 [source vocabulary + 1], from 0 to len(ids), not decreasing.
        ids: uint32, ascending within each list. List of source id s: ``ids[offsets[s]:offsets[s + 1]]``.
            Both are NumPy arrays where a file was read, and views of memory where it was prepared before.
    """

    first: int
    best: int
    offsets: Any
    ids: Any

    @property
    def source_size(self) -> int:
        """Source ids that have a list, possibly empty."""
        return len(self.offsets) - 1

    def list_of(self, source_id: int) -> NDArray[np.uint32]:
        """The target ids of one source id, ascending. Raises IndexError if it is not in the source
        vocabulary.
        """
        if not 0 <= source_id < self.source_size:
            raise IndexError(f"source id {source_id} is not in 0 .. {self.source_size - 1}")
        import numpy as np

        lists: NDArray[np.uint32] = np.asarray(self.ids[self.offsets[source_id] : self.offsets[source_id + 1]])
        return lists

    def within(self, source_rows: int, target_rows: int) -> Shortlist:
        """The lists of a model with fewer rows than its vocabularies have pieces: without the ids beyond."""
        import numpy as np

        ids, offsets = np.asarray(self.ids), np.asarray(self.offsets)
        kept = ids < target_rows
        ends = np.concatenate([[0], np.cumsum(kept, dtype=np.int64)])[offsets[: source_rows + 1]]
        return Shortlist(min(self.first, target_rows), self.best, ends, ids[kept][: ends[-1]])

    def candidates(
        self,
        source_ids: Sequence[int] | NDArray[Any],
        *,
        shared_vocabulary: bool,
        vocabulary_size: int,
        eos_id: int | None = None,
        forced: Sequence[int] = (),
    ) -> NDArray[np.int32]:
        """The target ids allowed for one sentence.

        Args:
            source_ids: the sentence's ids including EOS, whose list counts like any other.
            shared_vocabulary: both sides use one vocabulary; then the source ids themselves are allowed.
            vocabulary_size: target ids are below this.
            eos_id: added if given: with ``first`` 0 and separate vocabularies Marian can lack it and never
                stop.
            forced: further ids that are allowed, below vocabulary_size.

        Returns:
            int32, ascending, no repetitions; a multiple of 8 unless the vocabulary has no more ids. Filled
            up with the lowest ids from ``first`` on that are not yet in.

        Raises:
            IndexError: a source id is not in the source vocabulary.

        Rule: marian-semantics 6, for a batch of one sentence.
        """
        import numpy as np

        first = min(self.first, vocabulary_size)
        allowed = np.zeros(vocabulary_size, np.bool_)
        allowed[:first] = True
        for source_id in {int(source_id) for source_id in source_ids}:
            targets = self.list_of(source_id)
            allowed[targets[targets < vocabulary_size]] = True
            if shared_vocabulary and source_id < vocabulary_size:
                allowed[source_id] = True
        if eos_id is not None and 0 <= eos_id < vocabulary_size:
            allowed[eos_id] = True
        allowed[list(forced)] = True
        missing = -int(np.count_nonzero(allowed)) % MULTIPLE
        free = np.flatnonzero(~allowed[first:])[:missing] + first
        allowed[free] = True
        return np.flatnonzero(allowed).astype(np.int32)
