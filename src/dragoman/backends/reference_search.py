"""Greedy and beam search, sentence by sentence the same whatever else is in the batch.

After Marian's src/translator/beam_search.cpp, history.h and nth_element.cpp (marian-semantics 5), with two
differences: the limit is each sentence's own, and so are its candidates. Phrases that a translation must contain are
`dragoman.backends.reference_constraints`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dragoman.backends.batch import Batch, RawHypothesis, SearchOptions
from dragoman.backends.reference_constraints import LOWEST, NOTHING_MET, Live, Met, extend
from dragoman.backends.reference_frame import Rows
from dragoman.backends.reference_math import log_sum_exp
from dragoman.host import StopFlag

if TYPE_CHECKING:
    from dragoman.backends.batch import Ids

__all__ = ["Decoder", "search"]

Floats = NDArray[np.float32]


class Decoder(Protocol):
    """What search needs of an interpreter whose batch is encoded."""

    def step(self, rows: Rows) -> Floats:
        """Logits [rows, columns]; columns are the union of the batch's candidates, ascending, or the
        vocabulary."""
        ...

    def alignment(self, row: int) -> Floats | None: ...


@dataclass(frozen=True, eq=False)
class _Partial:
    """A hypothesis: a live row of the next step, or one that has ended."""

    sentence: int
    parent: int
    path: np.float32
    ids: tuple[int, ...] = ()
    word_scores: tuple[np.float32, ...] = ()
    attention: tuple[Floats, ...] = ()
    cells: tuple[int, ...] = ()
    met: Met = NOTHING_MET


@dataclass(frozen=True)
class _Choice:
    """An extension of row ``row`` by ``id``, with its path score."""

    row: int
    id: int
    path: np.float32
    met: Met = NOTHING_MET


def search(
    decoders: Sequence[Decoder], batch: Batch, options: SearchOptions, stop: StopFlag | None = None
) -> list[list[RawHypothesis]] | None:
    """Hypotheses of each sentence, best final score first, at most ``n_best``. Several decoders are an
    ensemble. None if the flag was raised."""
    finished: list[list[_Partial]] = [[] for _ in range(batch.sentences)]
    live: list[_Partial] = []
    for sentence in range(batch.sentences):
        start = _Partial(sentence, sentence, np.float32(0))
        if batch.length(sentence) == 1 and len(batch.prefix_of(sentence)) == 0:
            finished[sentence].append(_empty(start, options))
        else:
            live.append(start)
    chooser = _Chooser(batch, options)
    used_cells = 0
    step = 0
    while live:
        if stop is not None and stop.is_set():
            return None
        cells = [(*partial.cells, used_cells + row) for row, partial in enumerate(live)]
        used_cells += len(live)
        rows = Rows(
            step,
            np.array([partial.ids[-1] if partial.ids else -1 for partial in live], np.int32),
            np.array([partial.parent for partial in live], np.int32),
            np.array([partial.sentence for partial in live], np.int32),
            np.array(cells, np.int32),
        )
        logits = [decoder.step(rows) for decoder in decoders]
        following: list[_Partial] = []
        for sentence, numbers in groupby(range(len(live)), key=lambda row: live[row].sentence):
            beam = {row: live[row] for row in numbers}
            phrases = batch.phrases_of(sentence)
            attention = {row: decoders[0].alignment(row) if options.alignment else None for row in beam}
            wanted = batch.width(sentence, options.beam_size) - len(finished[sentence])
            for choice in chooser.choose(sentence, step, beam, logits, wanted, attention):
                before, own = live[choice.row], attention[choice.row]
                after = _Partial(
                    sentence,
                    choice.row,
                    choice.path,
                    (*before.ids, choice.id),
                    (*before.word_scores, choice.path - before.path),
                    before.attention if own is None else (*before.attention, own),
                    cells[choice.row],
                    choice.met,
                )
                if choice.id != options.eos_id and step + 1 < batch.limits[sentence]:
                    following.append(after)
                elif choice.met.complete(phrases) or not finished[sentence]:
                    finished[sentence].append(after)
            if phrases and len(finished[sentence]) >= options.n_best:
                following = [one for one in following if one.sentence != sentence]
        live = following
        step += 1
    return [_ranked(hypotheses, options) for hypotheses in finished]


@dataclass(frozen=True)
class _Chooser:
    """Picks the extensions of one sentence's rows."""

    batch: Batch
    options: SearchOptions

    def choose(
        self,
        sentence: int,
        step: int,
        beam: dict[int, _Partial],
        logits: Sequence[Floats],
        wanted: int,
        attention: dict[int, Floats | None],
    ) -> list[_Choice]:
        """The best ``wanted`` extensions, best first; equal scores in order of row and id. Or the forced
        one."""
        ids, places = self._candidates(sentence, logits[0].shape[1])
        phrases = self.batch.phrases_of(sentence)
        probabilities = bool(phrases) or not self.options.skip_cost  # hypotheses with phrases must compare
        totals = np.stack([own.path + self._scores(row, places, logits, probabilities) for row, own in beam.items()])
        prefix = self.batch.prefix_of(sentence)
        if step < len(prefix):
            return [self._forced(int(prefix[step]), next(iter(beam)), ids, totals[0])]
        totals[:, np.isin(ids, self.options.suppressed)] = LOWEST
        rows = list(beam)
        if phrases:
            live = [Live(row, beam[row].met, totals[number], attention[row]) for number, row in enumerate(rows)]
            found = extend(live, phrases, ids, self.options.eos_id, wanted)
            return [_Choice(*one) for one in found] or [_Choice(rows[0], self.options.eos_id, LOWEST)]
        return [
            _Choice(rows[place // len(ids)], int(ids[place % len(ids)]), totals.flat[place])
            for place in _highest(totals.ravel(), wanted)
        ]

    def _forced(self, id_: int, row: int, ids: Ids, totals: Floats) -> _Choice:
        place = int(np.searchsorted(ids, id_))
        known = place < len(ids) and ids[place] == id_
        return _Choice(row, id_, totals[place] if known else LOWEST)

    def _candidates(self, sentence: int, columns: int) -> tuple[Ids, Any]:
        """Ids that the sentence may use, and their columns of the logits."""
        own = self.batch.candidates_of(sentence)
        if own is None:
            return np.arange(columns, dtype=np.int32), slice(None)
        return own, np.searchsorted(np.unique(self.batch.candidates), own)

    def _scores(self, row: int, places: Any, logits: Sequence[Floats], probabilities: bool) -> Floats:
        """Weighted sum over the models of log-probabilities (or logits) of the sentence's own candidates."""
        total: Any = np.float32(0)
        for number, scores in enumerate(logits):
            own = scores[row, places]
            if probabilities:
                own = own - log_sum_exp(own)
            weight = np.float32(self.options.weights[number] if self.options.weights else 1)
            total = own if len(logits) == 1 and weight == 1 else total + weight * own
        return np.asarray(total, np.float32)


def _highest(scores: Floats, count: int) -> list[int]:
    """Places of the ``count`` highest scores, highest first; equal ones in order of place."""
    threshold = np.partition(scores, -min(count, len(scores)))[-min(count, len(scores))]
    places = np.flatnonzero(scores >= threshold)
    return [int(place) for place in places[np.argsort(-scores[places], kind="stable")][:count]]


def _empty(start: _Partial, options: SearchOptions) -> _Partial:
    """An empty line, that is a source of EOS alone: EOS, with score 0."""
    attention = (np.ones(1, np.float32),) if options.alignment else ()
    return _Partial(start.sentence, start.parent, start.path, (options.eos_id,), (np.float32(0),), attention)


def _ranked(hypotheses: Sequence[_Partial], options: SearchOptions) -> list[RawHypothesis]:
    """Best final score first; equal scores in the order in which they ended."""
    results = []
    for partial in hypotheses:
        count = np.float32(len(partial.ids))
        score = partial.path - np.float32(options.word_penalty) * count
        if options.normalize != 0:
            score = score / count ** np.float32(options.normalize)
        aligned = len(partial.attention) == len(partial.ids)
        results.append(
            RawHypothesis(
                np.array(partial.ids, np.int32),
                float(partial.path),
                float(score),
                np.array(partial.word_scores, np.float32) if options.word_scores else None,
                np.stack(partial.attention) if aligned else None,
            )
        )
    return sorted(results, key=lambda result: -result.score)[: options.n_best]
