"""Choosing extensions of hypotheses that must contain phrases: the oracle of native/search/constraints.h.

Dynamic beam allocation (Post & Vilar 2018) with the round robin of Hu et al. (2019): the hypotheses of a sentence are
told apart by how many ids of its phrases they have (their bank), and every bank gets its turn. A phrase that was begun
is finished at once; it may begin only where attention is on what it translates (Hasler et al. 2018). A sentence ends
with all phrases in it, or at its limit. decision 0021.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dragoman.backends.constraints import Phrase

__all__ = ["LOWEST", "NOTHING_MET", "Extension", "Live", "Met", "extend"]

Floats = NDArray[np.float32]

LOWEST = np.finfo(np.float32).min
"""Score of what may not be chosen."""

TIED = np.float32(0.2)
"""Attention that must be on a phrase's source for it to begin."""


@dataclass(frozen=True, slots=True)
class Met:
    """What a hypothesis has of its sentence's phrases.

    Attributes:
        done: bit n: phrase n is in it.
        phrase: number of the one that was begun, -1: none.
        at: how many ids of that are there.
    """

    done: int = 0
    phrase: int = -1
    at: int = 0

    def covered(self, phrases: Sequence[Phrase]) -> int:
        """Its bank: ids of phrases that it has."""
        return self.at + sum(len(one.ids) for number, one in enumerate(phrases) if self.done >> number & 1)

    def complete(self, phrases: Sequence[Phrase]) -> bool:
        return self.done == (1 << len(phrases)) - 1

    def after(self, phrases: Sequence[Phrase], number: int) -> Met:
        """With one more id of a phrase."""
        at = self.at + 1 if self.phrase == number else 1
        if at == len(phrases[number].ids):
            return Met(self.done | 1 << number)
        return Met(self.done, number, at)


NOTHING_MET = Met()


class Extension(NamedTuple):
    """A row with one more id."""

    row: int
    id: int
    path: np.float32
    met: Met


class Live(NamedTuple):
    """A hypothesis. ``scores``: of its path with each candidate; the lowest float for what may not be chosen."""

    row: int
    met: Met
    scores: Floats
    attention: Floats | None


def extend(
    live: Sequence[Live], phrases: Sequence[Phrase], ids: NDArray[np.int32], eos_id: int, wanted: int
) -> list[Extension]:
    """The extensions of a sentence's hypotheses that are kept, at most ``wanted``."""
    pool = [one for row in live for one in _extensions(row, phrases, ids, eos_id, wanted)]
    pool.sort(key=lambda one: -float(one.path))  # stable
    banks: dict[int, list[Extension]] = {}
    for one in pool:
        banks.setdefault(one.met.covered(phrases), []).append(one)
    order = sorted(banks, reverse=True)
    turns = [banks[bank][turn] for turn in range(len(pool)) for bank in order if turn < len(banks[bank])]
    return turns[:wanted]


def _extensions(
    row: Live, phrases: Sequence[Phrase], ids: NDArray[np.int32], eos_id: int, wanted: int
) -> Iterator[Extension]:
    if row.met.phrase >= 0:
        yield _of_phrase(row, phrases, ids, row.met.phrase)
        return
    scores = row.scores.copy()
    begun: set[tuple[int, ...]] = set()
    for number, phrase in enumerate(phrases):
        if row.met.done >> number & 1 or phrase.ids in begun or not _may_begin(phrase, row.attention):
            continue
        begun.add(phrase.ids)
        extension = _of_phrase(row, phrases, ids, number)
        scores[np.searchsorted(ids, extension.id)] = LOWEST
        yield extension
    if not row.met.complete(phrases):
        scores[ids == eos_id] = LOWEST
    for place in np.argsort(-scores, kind="stable")[:wanted]:
        if scores[place] > LOWEST:
            yield Extension(row.row, int(ids[place]), scores[place], row.met)


def _of_phrase(row: Live, phrases: Sequence[Phrase], ids: NDArray[np.int32], number: int) -> Extension:
    met = row.met.after(phrases, number)
    id_ = phrases[number].ids[row.met.at if row.met.phrase == number else 0]
    score = row.scores[np.searchsorted(ids, id_)]
    return Extension(row.row, id_, LOWEST if np.isnan(score) else score, met)


def _may_begin(phrase: Phrase, attention: Floats | None) -> bool:
    if attention is None or phrase.begin == phrase.end:
        return True
    mass = np.float32(0)
    for weight in attention[phrase.begin : phrase.end]:
        mass += weight
    return bool(mass >= TIED)
