"""What a translation is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dragoman.errors import DragomanError

__all__ = ["AlignmentLinks", "FailedLine", "Hypothesis", "Translation"]

AlignmentLinks = tuple[tuple[int, int], ...]
"""Pairs (source piece, target piece), sorted; pieces count from 0, the end symbols included."""


@dataclass(frozen=True, eq=False)
class Hypothesis:
    """One translation of one sentence.

    Attributes:
        text: the sentence.
        tokens: target pieces, without the end symbol.
        score: normalised, as Marian prints it.
        path_score: sum of the pieces' scores, the end symbol's included.
        word_scores: float32, a score for each piece and the end symbol; None if not asked for.
        alignment: a float32 matrix [target pieces + EOS, source pieces + EOS] whose rows sum to 1 if "soft" was asked
            for; `AlignmentLinks` for "hard" or a threshold; else None.
        soft_alignment: the matrix, whichever form was asked for; None if none was.
    """

    text: str
    tokens: tuple[str, ...]
    score: float
    path_score: float
    word_scores: NDArray[np.float32] | None = None
    alignment: NDArray[np.float32] | AlignmentLinks | None = None
    soft_alignment: NDArray[np.float32] | None = None


@dataclass(frozen=True, eq=False)
class Translation:
    """The translation of one text; ``str()`` of it is the best text.

    Attributes:
        source: the text that was translated.
        n_best: hypotheses, best first; at least one.
    """

    source: str
    n_best: tuple[Hypothesis, ...]

    @property
    def text(self) -> str:
        return self.n_best[0].text

    @property
    def tokens(self) -> tuple[str, ...]:
        return self.n_best[0].tokens

    @property
    def score(self) -> float:
        return self.n_best[0].score

    @property
    def alignment(self) -> NDArray[np.float32] | AlignmentLinks | None:
        return self.n_best[0].alignment

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class FailedLine:
    """A line of a stream that could not be translated; the others were."""

    source: str
    error: DragomanError
