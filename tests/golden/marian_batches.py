"""How marian-decoder cuts a file into batches (``--maxi-batch-sort src``), where its results depend on that.

Marian stops a whole batch at max-length-factor times its longest source sentence (marian-semantics 5), so a line
that never ends is cut where its neighbours decide. To compare such lines the batches must be those of Marian, and
they come out of a binary heap: equal lengths in the order of libstdc++'s ``std::priority_queue``.
"""

from __future__ import annotations

from collections.abc import Sequence

from dragoman.backends.batch import target_limit


def marian_batches(lengths: Sequence[int], mini_batch: int) -> list[list[int]]:
    """Numbers of the lines of each batch, for a file that one maxi-batch holds."""
    heap: list[int] = []
    for number in range(len(lengths)):
        heap.append(number)
        _sift_up(heap, len(heap) - 1, number, lengths)
    order = []
    while heap:
        order.append(heap[0])
        last = heap.pop()
        if heap:
            _sift_down(heap, last, lengths)
    return [order[start : start + mini_batch] for start in range(0, len(order), mini_batch)]


def marian_limits(lengths: Sequence[int], mini_batch: int, max_length_factor: float) -> list[int]:
    """Most target pieces of each line: those of its batch's longest."""
    limits = [0] * len(lengths)
    for batch in marian_batches(lengths, mini_batch):
        longest = max(lengths[number] for number in batch)
        for number in batch:
            limits[number] = target_limit(longest, max_length_factor)
    return limits


def _sift_up(heap: list[int], hole: int, value: int, lengths: Sequence[int]) -> None:
    while hole > 0 and lengths[heap[(hole - 1) // 2]] < lengths[value]:
        heap[hole] = heap[(hole - 1) // 2]
        hole = (hole - 1) // 2
    heap[hole] = value


def _sift_down(heap: list[int], value: int, lengths: Sequence[int]) -> None:
    """Put ``value`` in place of the top: the hole first sinks to a leaf along the longer children."""
    size, hole, child = len(heap), 0, 0
    while child < (size - 1) // 2:
        child = 2 * (child + 1)
        if lengths[heap[child]] < lengths[heap[child - 1]]:
            child -= 1
        heap[hole] = heap[child]
        hole = child
    if size % 2 == 0 and child == (size - 2) // 2:
        heap[hole] = heap[2 * child + 1]
        hole = 2 * child + 1
    _sift_up(heap, hole, value, lengths)
