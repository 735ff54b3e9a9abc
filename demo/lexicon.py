"""A lexical table p(target piece | source piece) for the shortlist, by IBM model 1.

The shortlist only needs to know which target pieces can follow from a source piece, so the simplest of all
alignment models is enough: expectation maximisation over the encoded training pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sentencepiece import SentencePieceProcessor

EOS = 0
UNKNOWN = 1


@dataclass(frozen=True)
class Lexicon:
    """Probabilities of the (source, target) pairs that occur together, sorted by source, then probability.

    Attributes:
        source: [E] piece ids.
        target: [E] piece ids.
        probability: [E] p(target | source), highest first within a source.
    """

    source: NDArray[np.int64]
    target: NDArray[np.int64]
    probability: NDArray[np.float64]

    def pruned(self, best: int, threshold: float) -> Lexicon:
        """Keep at most ``best`` targets a source, and of those the ones above ``threshold``."""
        first = np.searchsorted(self.source, self.source)  # where the list of this entry's source begins
        rank = np.arange(len(self.source)) - first
        keep = (rank < best) & (self.probability > threshold)
        return Lexicon(self.source[keep], self.target[keep], self.probability[keep])


def _pad(sentences: Sequence[Sequence[int]]) -> NDArray[np.int64]:
    """[S, longest] ids, -1 beyond the end of a sentence."""
    padded = np.full((len(sentences), max(map(len, sentences))), -1, np.int64)
    for row, ids in zip(padded, sentences, strict=True):
        row[: len(ids)] = ids
    return padded


def train(
    sources: Sequence[Sequence[int]],
    targets: Sequence[Sequence[int]],
    *,
    vocabulary_size: int,
    iterations: int = 5,
    block: int = 4096,
) -> Lexicon:
    """Fit IBM model 1 to encoded sentence pairs.

    Args:
        sources: one list of piece ids a sentence, without EOS.
        targets: the same number of lists.
        vocabulary_size: ids are below it, on both sides.
        iterations: rounds of expectation maximisation; the lists hardly change after five.
        block: sentence pairs taken at once; bounds the memory.

    EOS stands at the end of every source as the word that translates to nothing in particular (model 1's
    "null"): it is part of every sentence, so pieces that no single word explains are in every shortlist.
    """
    # Pairs of similar length together, so that blocks are nearly without padding.
    filled = [k for k in range(len(sources)) if targets[k]]
    order = sorted(filled, key=lambda k: (len(sources[k]), len(targets[k])))
    blocks = []
    for start in range(0, len(order), block):
        rows = order[start : start + block]
        source = _pad([[*sources[k], EOS] for k in rows])[:, None, :]  # [S, 1, Ls]
        target = _pad([targets[k] for k in rows])[:, :, None]  # [S, Lt, 1]
        real = (source >= 0) & (target >= 0)  # [S, Lt, Ls]
        token = np.cumsum((target[:, :, 0] >= 0).ravel()).reshape(target.shape) - 1  # counts target tokens
        cell = (source * vocabulary_size + target)[real]
        blocks.append((cell, np.broadcast_to(token, real.shape)[real]))

    # [E], sorted by source, then target
    cells = np.unique(np.concatenate([np.unique(cell) for cell, _ in blocks]))
    entry_source, entry_target = np.divmod(cells, vocabulary_size)
    indexed = [(np.searchsorted(cells, cell), token) for cell, token in blocks]
    probability = np.ones(len(cells))
    for _ in range(iterations):
        count = np.zeros(len(cells))
        for entry, token in indexed:
            weight = probability[entry]
            weight /= np.bincount(token, weight)[token]  # which source piece made this target token
            count += np.bincount(entry, weight, minlength=len(cells))
        probability = count / np.bincount(entry_source, count)[entry_source]
    by_rank = np.lexsort((-probability, entry_source))
    return Lexicon(entry_source[by_rank], entry_target[by_rank], probability[by_rank])


def save(lexicon: Lexicon, path: Path) -> None:
    """Write all of it; appears under its name only when it is complete."""
    temporary = path.with_name(f"part.{path.name}")
    np.savez(temporary, source=lexicon.source, target=lexicon.target, probability=lexicon.probability)
    temporary.replace(path)


def load(path: Path) -> Lexicon:
    """Read what `save` wrote."""
    with np.load(path) as file:
        return Lexicon(file["source"], file["target"], file["probability"])


def write(lexicon: Lexicon, vocabulary: SentencePieceProcessor, path: Path) -> None:
    """Write Marian's text shortlist: ``target source probability`` a line, as pieces."""
    pieces = [vocabulary.id_to_piece(k) for k in range(vocabulary.get_piece_size())]
    with path.open("w", encoding="utf-8") as file:
        for source, target, probability in zip(
            lexicon.source.tolist(), lexicon.target.tolist(), lexicon.probability.tolist(), strict=True
        ):
            # A piece that prints as the unknown one would be read back as it.
            if UNKNOWN not in (source, target):
                file.write(f"{pieces[target]} {pieces[source]} {probability:.6f}\n")


def coverage(
    lexicon: Lexicon, sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]], *, first: int
) -> float:
    """Share of the reference's target pieces that the shortlist of their sentence allows.

    A sentence's list holds the ids below ``first``, the targets of its source pieces and of EOS, and the
    source ids themselves (both languages share the vocabulary).
    """
    lists: dict[int, set[int]] = {}
    for source, target in zip(lexicon.source.tolist(), lexicon.target.tolist(), strict=True):
        lists.setdefault(source, set()).add(target)
    allowed = total = 0
    for source_ids, target_ids in zip(sources, targets, strict=True):
        candidates = set(source_ids).union(*(lists.get(k, set()) for k in [*source_ids, EOS]))
        allowed += sum(k < first or k in candidates for k in target_ids)
        total += len(target_ids)
    return allowed / total
