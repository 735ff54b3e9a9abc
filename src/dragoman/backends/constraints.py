"""Phrases that translations must contain, as search gets them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from dragoman.errors import OptionsError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ids = NDArray[np.int32]

__all__ = ["MOST_PHRASES", "MOST_PHRASE_IDS", "MOST_WIDTH", "Constraints", "Phrase"]

MOST_PHRASES = 16
"""Of one sentence."""
MOST_PHRASE_IDS = 64
"""Of all phrases of one sentence together."""
MOST_WIDTH = 16
"""Hypotheses of a sentence with constraints, unless the beam is wider."""


class Phrase(NamedTuple):
    """Target ids that must stand in a translation, one behind the other.

    Attributes:
        ids: not empty.
        begin, end: source positions that it translates: it may begin where attention is on them. Equal: anywhere, as
            where `SearchOptions.alignment` is off, or the model has none.
    """

    ids: tuple[int, ...]
    begin: int = 0
    end: int = 0


@dataclass(frozen=True, eq=False)
class Constraints:
    """Of each sentence of a batch its phrases. Lists lie behind each other: NumPy arrays, or any buffers of int32.

    Attributes:
        ids: int32, of all phrases.
        offsets: int32 [P + 1], phrase p is ``ids[offsets[p]:offsets[p + 1]]``.
        sentences: int32 [S + 1], sentence s has the phrases from ``sentences[s]`` on, up to ``sentences[s + 1]``.
        spans: int32 [2 P], ``begin`` and ``end`` of each.
    """

    ids: Ids
    offsets: Ids
    sentences: Ids
    spans: Ids

    @classmethod
    def of(cls, phrases: Sequence[Sequence[Phrase]]) -> Constraints:
        """From a list for each sentence.

        Raises OptionsError for a phrase without ids, more than 16 phrases or 64 ids of a sentence, or a span that is
        none.
        """
        from array import array
        from itertools import accumulate

        for number, own in enumerate(phrases):
            sizes = [len(phrase.ids) for phrase in own]
            if len(own) > MOST_PHRASES or sum(sizes) > MOST_PHRASE_IDS or 0 in sizes:
                allowed = f"at most {MOST_PHRASES} phrases of at most {MOST_PHRASE_IDS} pieces together, none empty"
                raise OptionsError(f"constraints[{number}]", sizes, allowed)
            if any(not 0 <= phrase.begin <= phrase.end for phrase in own):
                raise OptionsError(f"constraints[{number}]", own, "with spans in the source")
        flat = [phrase for own in phrases for phrase in own]
        arrays = (
            [id_ for phrase in flat for id_ in phrase.ids],
            accumulate((len(phrase.ids) for phrase in flat), initial=0),
            accumulate((len(own) for own in phrases), initial=0),
            [place for phrase in flat for place in (phrase.begin, phrase.end)],
        )
        ids, offsets, sentences, spans = (array("i", numbers) for numbers in arrays)
        return cls(ids, offsets, sentences, spans)  # type: ignore[arg-type]  # arrays of int32, as elsewhere

    @property
    def arrays(self) -> tuple[Ids, Ids, Ids, Ids]:
        """For the native back end."""
        return self.ids, self.offsets, self.sentences, self.spans

    def phrases_of(self, sentence: int) -> list[Phrase]:
        found = []
        for number in range(int(self.sentences[sentence]), int(self.sentences[sentence + 1])):
            own = self.ids[int(self.offsets[number]) : int(self.offsets[number + 1])]
            begin, end = int(self.spans[2 * number]), int(self.spans[2 * number + 1])
            found.append(Phrase(tuple(int(id_) for id_ in own), begin, end))
        return found

    def width(self, sentence: int, beam_size: int) -> int:
        """Hypotheses that are kept for a sentence: one for each number of ids that may be there, where that fits."""
        phrases = range(int(self.sentences[sentence]), int(self.sentences[sentence + 1]))
        ids = sum(int(self.offsets[number + 1]) - int(self.offsets[number]) for number in phrases)
        return max(beam_size, min(ids + 1, MOST_WIDTH)) if ids else beam_size

    def widest(self, beam_size: int) -> int:
        """Of all sentences."""
        return max(self.width(sentence, beam_size) for sentence in range(len(self.sentences) - 1))
