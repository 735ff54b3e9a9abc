"""Encoded pairs in batches of one source length, so that the encoder needs no padding and no mask."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from align import Guide
from data import Pairs
from numpy.typing import NDArray
from sentencepiece import SentencePieceProcessor
from torch import Tensor

EOS = 0


@dataclass(frozen=True)
class Batch:
    """Sentences of one source length.

    Attributes:
        source: [B, S] ids, EOS last.
        target: [B, T] ids, EOS last and beyond.
        real: [B, T], the target positions up to EOS.
        links: [B, T] places in the source, -1 where there is none.
    """

    source: Tensor
    target: Tensor
    real: Tensor
    links: Tensor


@dataclass(frozen=True)
class Batches:
    """How pairs become batches.

    Attributes:
        words: target positions of a batch (sentences times longest target), at most.
        max_length: pieces of a sentence that are used, without EOS; pairs with longer ones are left out.
        guide: makes the links; None: there are none.
    """

    vocabulary: SentencePieceProcessor
    words: int
    max_length: int
    guide: Guide | None

    def of(self, pairs: Pairs, *, seed: int) -> Iterator[Batch]:
        """All pairs once, in an order and with neighbours that depend on the seed."""
        random = np.random.default_rng(seed)
        encoded = zip(self.vocabulary.encode(pairs.sources), self.vocabulary.encode(pairs.targets), strict=True)
        rows = [([*s, EOS], [*t, EOS]) for s, t in encoded if max(len(s), len(t)) <= self.max_length]
        groups = self._groups(rows, random)
        for group in random.permutation(len(groups)):
            yield self._batch([rows[k] for k in groups[group]])

    def _groups(self, rows: list[tuple[list[int], list[int]]], random: np.random.Generator) -> list[NDArray[np.int64]]:
        source = np.array([len(ids) for ids, _ in rows])
        target = np.array([len(ids) for _, ids in rows])
        order = np.lexsort((random.random(len(rows)), target, source))
        groups, start = [], 0
        for end in range(1, len(order) + 1):
            # Targets only get longer within one source length, so the newest one decides the width.
            full = end < len(order) and (end + 1 - start) * target[order[end]] > self.words
            if end == len(order) or full or source[order[end]] != source[order[start]]:
                groups.append(order[start:end])
                start = end
        return groups

    def _batch(self, rows: list[tuple[list[int], list[int]]]) -> Batch:
        width = max(len(ids) for _, ids in rows)
        source = np.array([ids for ids, _ in rows], np.int64)
        target = np.full((len(rows), width), EOS, np.int64)
        for row, (_, ids) in zip(target, rows, strict=True):
            row[: len(ids)] = ids
        real = np.arange(width) < np.array([len(ids) for _, ids in rows])[:, None]
        links = self.guide.links(source, target) if self.guide else np.full(target.shape, -1)
        return Batch(*map(torch.from_numpy, (source, target, real, links)))
