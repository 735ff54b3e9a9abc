"""Word alignments that guide one attention head: both IBM models 1, near the diagonal, equal pieces together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from lexicon import Lexicon
from numpy.typing import NDArray

_FLOOR = 1e-7
_SAME = 0.5
"""Probability of a piece standing for itself; names and numbers are the same in both languages."""
_SLOPE = 3.0
"""How fast a link's weight falls with its distance from the diagonal, as e to the minus this times a share."""
_LEAST = 1e-4
"""Links below this product of both probabilities are no links."""


@dataclass(frozen=True)
class Guide:
    """Log of the product of both directions' probabilities, for pairs of pieces that were seen together.

    Attributes:
        cells: [E] source * pieces + target, sorted.
        worth: [E] logarithms.
        pieces: size of the vocabulary.
    """

    cells: NDArray[np.int64]
    worth: NDArray[np.float32]
    pieces: int

    @classmethod
    def of(cls, forward: Lexicon, backward: Lexicon, pieces: int) -> Guide:
        """From p(target | source) and p(source | target)."""
        ahead = forward.source * pieces + forward.target
        behind = backward.target * pieces + backward.source
        order = np.argsort(behind)
        cells, place = np.intersect1d(ahead, behind, assume_unique=True, return_indices=True)[0:2]
        back = backward.probability[order][np.searchsorted(behind[order], cells)]
        worth = np.log(forward.probability[place] * back)
        return cls(cells, worth.astype(np.float32), pieces)

    def links(self, source: NDArray[np.int64], target: NDArray[np.int64]) -> NDArray[np.int64]:
        """For each target piece the place of its source piece, or -1.

        Args:
            source: [B, S] ids, EOS last.
            target: [B, T] ids, padded with EOS.
        """
        wide, long = source.shape[1], target.shape[1]
        pairs = source[:, None, :] * self.pieces + target[:, :, None]  # [B, T, S]
        place = np.minimum(np.searchsorted(self.cells, pairs), len(self.cells) - 1)
        worth = np.where(self.cells[place] == pairs, self.worth[place], np.log(_FLOOR))
        worth = np.where(source[:, None, :] == target[:, :, None], np.maximum(worth, np.log(_SAME)), worth)
        lengths = (target != 0).sum(1)[:, None, None] + 1
        distance = np.abs(np.arange(wide) / wide - np.arange(long)[:, None] / lengths)
        worth = worth - _SLOPE * np.minimum(distance, 1.0)
        best = worth.argmax(2)
        strong = np.take_along_axis(worth, best[:, :, None], 2)[:, :, 0] > np.log(_LEAST)
        return np.where(strong & (target != 0), best, -1)
