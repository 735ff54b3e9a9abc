"""What every back end takes and gives: a batch of sentences, search options, hypotheses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dragoman.backends.constraints import Constraints, Phrase
from dragoman.errors import OptionsError
from dragoman.graph.extents import Extents
from dragoman.planning.batch_extents import GROUP_TOKENS, extents_of_batch, groups

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ids = NDArray[np.int32]

__all__ = [
    "Batch",
    "RawHypothesis",
    "SearchOptions",
    "batch_extents",
    "target_limit",
]


@dataclass(frozen=True, eq=False)
class Batch:
    """Sentences to translate together, longest first. Lists of all sentences lie behind each other ("flat"): NumPy
    arrays, or for the native back end any buffers of int32.

    Attributes:
        source: int32 [T], source ids, each sentence's EOS included.
        offsets: int32 [S + 1], sentence s is ``source[offsets[s]:offsets[s + 1]]``.
        limits: int32 [S], most target ids of each sentence, EOS included; at least 1.
        prefix: int32, target ids that each sentence must begin with (scored, not chosen), without EOS.
        prefix_offsets: int32 [S + 1], or None: nothing is forced.
        candidates: int32, allowed target ids of each sentence, ascending. Should hold EOS and the prefix.
        candidate_offsets: int32 [S + 1], or None: the whole vocabulary is allowed.
        constraints: phrases that translations must contain, behind their prefix, or None.
    """

    source: Ids
    offsets: Ids
    limits: Ids
    prefix: Ids
    prefix_offsets: Ids | None
    candidates: Ids
    candidate_offsets: Ids | None
    constraints: Constraints | None = None

    @classmethod
    def of(
        cls,
        sources: Sequence[Sequence[int] | Ids],
        limits: Sequence[int] | Ids,
        *,
        prefixes: Sequence[Sequence[int] | Ids] | None = None,
        candidates: Sequence[Sequence[int] | Ids] | None = None,
        constraints: Sequence[Sequence[Phrase]] | None = None,
    ) -> Batch:
        """A batch from lists, checked.

        Raises:
            OptionsError: no sentences, an empty one, not longest first, a limit below 1, candidates not
                ascending, or a list for each sentence missing.
        """
        import numpy as np

        source, offsets = _flat(sources)
        prefix, prefix_offsets = _flat(prefixes or [])
        allowed, candidate_offsets = _flat(candidates or [])
        lengths = np.diff(offsets)
        if len(sources) == 0 or lengths.min() < 1 or (np.diff(lengths) > 0).any():
            raise OptionsError("sources", lengths.tolist(), "non-empty sentences, longest first")
        if len(limits) != len(sources) or min(limits) < 1:
            raise OptionsError("limits", list(limits), "at least 1 for each sentence")
        for name, lists in (("prefixes", prefixes), ("candidates", candidates), ("constraints", constraints)):
            if lists is not None and len(lists) != len(sources):
                raise OptionsError(name, len(lists), f"{len(sources)} lists, one for each sentence")
        for ids in candidates or []:
            if len(ids) == 0 or (np.diff(np.asarray(ids, np.int64)) <= 0).any():
                raise OptionsError("candidates", list(ids), "ascending and not empty")
        return cls(
            source,
            offsets,
            np.asarray(limits, np.int32),
            prefix,
            None if prefixes is None else prefix_offsets,
            allowed,
            None if candidates is None else candidate_offsets,
            None if constraints is None else Constraints.of(constraints),
        )

    def phrases_of(self, sentence: int) -> list[Phrase]:
        """What its translation must contain, possibly nothing."""
        return [] if self.constraints is None else self.constraints.phrases_of(sentence)

    def width(self, sentence: int, beam_size: int) -> int:
        """Hypotheses that are kept for a sentence."""
        return beam_size if self.constraints is None else self.constraints.width(sentence, beam_size)

    @property
    def sentences(self) -> int:
        return len(self.offsets) - 1

    def length(self, sentence: int) -> int:
        """Source ids of a sentence, EOS included."""
        return int(self.offsets[sentence + 1] - self.offsets[sentence])

    def source_of(self, sentence: int) -> Ids:
        return self.source[self.offsets[sentence] : self.offsets[sentence + 1]]

    def prefix_of(self, sentence: int) -> Ids:
        """Forced target ids, possibly none."""
        if self.prefix_offsets is None:
            return self.prefix[:0]
        return self.prefix[self.prefix_offsets[sentence] : self.prefix_offsets[sentence + 1]]

    def candidates_of(self, sentence: int) -> Ids | None:
        """Allowed target ids, ascending; None: all."""
        if self.candidate_offsets is None:
            return None
        return self.candidates[self.candidate_offsets[sentence] : self.candidate_offsets[sentence + 1]]


@dataclass(frozen=True)
class SearchOptions:
    """How to search (Marian's src/translator/beam_search.cpp; marian-semantics 5).

    Attributes:
        beam_size: hypotheses kept for each sentence; 1 is greedy search.
        normalize: final score = (path - word_penalty * n) / n ** normalize, n target ids with EOS; 0: no
            division.
        word_penalty: see normalize.
        eos_id: ends source and target sentences.
        unk_id: never chosen unless ``allow_unk``; -1: the vocabulary has none.
        allow_unk: see unk_id.
        never: further ids that are never chosen: pieces of control characters.
        n_best: most hypotheses returned for each sentence, at most ``beam_size`` exist.
        alignment: return the attention of each target id.
        word_scores: return the score of each target id.
        skip_cost: scores are raw logits instead of log-probabilities.
        weights: of the models of an ensemble in the sum of their scores; empty: 1 each.
        group_tokens: sentences are encoded in groups of about so many source ids. Never changes a result.
    """

    beam_size: int = 1
    normalize: float = 0.0
    word_penalty: float = 0.0
    eos_id: int = 0
    unk_id: int = 1
    allow_unk: bool = False
    never: tuple[int, ...] = ()
    n_best: int = 1
    alignment: bool = False
    word_scores: bool = False
    skip_cost: bool = False
    weights: tuple[float, ...] = ()
    group_tokens: int = GROUP_TOKENS

    @property
    def suppressed(self) -> list[int]:
        """All ids that are never chosen, ascending. Their probabilities count among all, as in Marian."""
        unknown = () if self.allow_unk or self.unk_id < 0 else (self.unk_id,)
        return sorted({*self.never, *unknown})

    def __post_init__(self) -> None:
        """Raises OptionsError for a number out of range."""
        for name in ("beam_size", "n_best", "group_tokens"):
            if getattr(self, name) < 1:
                raise OptionsError(name, getattr(self, name), "at least 1")


@dataclass(frozen=True, eq=False)
class RawHypothesis:
    """One translation of one sentence.

    Attributes:
        ids: int32 [n], an array or a view of memory, EOS included unless the limit came first.
        path_score: sum of the scores of its ids (float32 arithmetic, step by step).
        score: see `SearchOptions.normalize`; hypotheses of a sentence are ordered by it.
        word_scores: float32 [n], what each id added to the path score; None if not asked for.
        alignment: float32 [n, source length], rows sum to 1; None if not asked for or the model has none.
        model_scores: the path score by each model of an ensemble, unweighted; empty where a back end does not tell.
    """

    ids: Ids | memoryview
    path_score: float
    score: float
    word_scores: NDArray[np.float32] | None
    alignment: NDArray[np.float32] | None
    model_scores: tuple[float, ...] = ()


def target_limit(source_length: int, max_length_factor: float) -> int:
    """Most target ids for a sentence of ``source_length`` ids with EOS: Marian stops once n >= factor *
    length, where length is that of the batch's longest sentence; here it is the sentence's own."""
    return max(1, math.ceil(max_length_factor * source_length))


def batch_extents(batch: Batch, options: SearchOptions, vocabulary_size: int) -> Extents:
    """The numbers of a batch that a plan's layout depends on; ``vocabulary_size``: rows of the output
    layer."""
    import numpy as np

    lengths = np.diff(batch.offsets).tolist()
    return extents_of_batch(
        lengths,
        groups(lengths, options.group_tokens),
        beam_size=options.beam_size if batch.constraints is None else batch.constraints.widest(options.beam_size),
        target_limits=batch.limits.tolist(),
        vocabulary_size=vocabulary_size,
        union_size=0 if batch.candidate_offsets is None else len(np.unique(batch.candidates)),
        alignment=options.alignment,
    )


def _flat(lists: Sequence[Sequence[int] | Ids]) -> tuple[Ids, Ids]:
    """The lists behind each other, and where each begins."""
    import numpy as np

    offsets = np.zeros(len(lists) + 1, np.int32)
    offsets[1:] = np.cumsum([len(ids) for ids in lists])
    flat = np.concatenate([np.asarray(ids, np.int32) for ids in lists]) if lists else np.zeros(0, np.int32)
    return flat, offsets
