"""Translates texts with one model (or an ensemble) on one or more threads, each with its own workspace."""

from __future__ import annotations

import itertools
import queue
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, NamedTuple, overload

import numpy as np

from dragoman import _native
from dragoman.backends import native
from dragoman.backends.protocol import Batch, RawHypothesis, SearchOptions, target_limit
from dragoman.batching import make_batches
from dragoman.errors import DragomanError, OptionsError, WorkspaceError
from dragoman.model import Model
from dragoman.options import DecodingOptions
from dragoman.result import FailedLine, Translation
from dragoman.text.lines import Line, make_lines, make_translations

__all__ = ["Translator"]

_FIRST_WORKSPACE = 1 << 20
_LINES_AHEAD = 2000


class _Segment(NamedTuple):
    """Ids that one model reads as a sentence, and the target ids that its translation begins with."""

    ids: list[int]
    prefix: tuple[int, ...]


class Translator:
    """Translates with one model, or with several of one target vocabulary as an ensemble.

    Any number of threads may call one translator. A context manager; closing it frees its workspaces.

    Args:
        model: a `Model`, or a sequence of them.
        threads: batches translated at once.
        workspace_limit: most bytes of scratch memory for each thread. It grows as batches need it; a batch that would
            not fit is split before it starts.

    Raises:
        OptionsError: threads out of range, or models that do not share a source and a target vocabulary.
    """

    def __init__(
        self,
        model: Model | Sequence[Model],
        *,
        threads: int = 1,
        workspace_limit: int = 2 << 30,
    ) -> None:
        self.models = (model,) if isinstance(model, Model) else tuple(model)
        if not isinstance(threads, int) or not 1 <= threads <= 1024:
            raise OptionsError("threads", threads, "an integer from 1 to 1024")
        if not self.models or len(self.models) > 16:
            raise OptionsError("model", len(self.models), "1 to 16 models")
        first = self.models[0]
        for other in self.models[1:]:
            if other.vocabularies != first.vocabularies or other.config.right_to_left != first.config.right_to_left:
                raise OptionsError("model", other.files.model.name, f"of the vocabularies of {first.files.model.name}")
        self._workspaces: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for _ in range(threads):
            self._workspaces.put(_native.Workspace(_FIRST_WORKSPACE, workspace_limit))
        self._stop = _native.StopFlag()
        self._pool = ThreadPoolExecutor(threads, "dragoman") if threads > 1 else None

    @overload
    def translate(self, texts: str, options: DecodingOptions | None = None, **changes: Any) -> Translation: ...
    @overload
    def translate(
        self, texts: Sequence[str], options: DecodingOptions | None = None, **changes: Any
    ) -> list[Translation]: ...
    def translate(
        self, texts: str | Sequence[str], options: DecodingOptions | None = None, **changes: Any
    ) -> Translation | list[Translation]:
        """Translate one sentence, or many at once, in the same order.

        Args:
            texts: each string is one sentence.
            options: what it states goes before the model's defaults.
            **changes: single fields of `DecodingOptions`, before both.

        Raises:
            OptionsError: an option is unknown or out of range.
            TextTooLongError: a text is too long, and ``long_lines`` is "refuse".
            WorkspaceError: a sentence needs more scratch memory than allowed even alone.
        """
        chosen = DecodingOptions.of(options, changes, self.models[0].defaults)
        found = self._translate([texts] if isinstance(texts, str) else texts, chosen)
        for result in found:
            if isinstance(result, FailedLine):
                raise result.error
        translations = [result for result in found if isinstance(result, Translation)]
        return translations[0] if isinstance(texts, str) else translations

    def translate_stream(
        self,
        texts: Iterable[str | None],
        options: DecodingOptions | None = None,
        *,
        lines_ahead: int = _LINES_AHEAD,
        **changes: Any,
    ) -> Iterator[Translation | FailedLine]:
        """Translate texts as they come, in order. A line that fails gives a `FailedLine` in its place.

        Args:
            texts: sentences; ``None`` among them means "nothing more for now: answer what you have".
            options, changes: as in `translate`.
            lines_ahead: most texts read before their translations are given out; more make better batches.
        """
        chosen = DecodingOptions.of(options, changes, self.models[0].defaults)
        source = iter(texts)
        while True:
            lines: list[str] = []
            ended = True
            for text in itertools.islice(source, lines_ahead):
                ended = False
                if text is None:
                    break
                lines.append(text)
            yield from self._translate(lines, chosen)
            if ended:
                return

    def close(self) -> None:
        """Stop running batches and free the workspaces."""
        self._stop.set()
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
        while not self._workspaces.empty():
            self._workspaces.get()

    def __enter__(self) -> Translator:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _translate(self, texts: Sequence[str], options: DecodingOptions) -> list[Translation | FailedLine]:
        if not texts:
            return []
        lines = make_lines(texts, self.models[0].pieces, options)
        segments = [_Segment(ids, line.prefix if first else ()) for line in lines for ids, first in _marked(line)]
        results: list[list[RawHypothesis] | DragomanError] = [[] for _ in segments]
        batches = make_batches([len(segment.ids) for segment in segments])
        run = self._pool.map if self._pool is not None else map
        work = run(lambda batch: self._run([segments[number] for number in batch], options), batches)
        for batch, found in zip(batches, work, strict=True):
            for number, result in zip(batch, found, strict=True):
                results[number] = result
        return self._answers(lines, results, options)

    def _answers(
        self, lines: Sequence[Line], results: Sequence[list[RawHypothesis] | DragomanError], options: DecodingOptions
    ) -> list[Translation | FailedLine]:
        """Translations, and a FailedLine where a segment of the line failed."""
        answers: list[Translation | FailedLine | None] = []
        sound: list[Line] = []
        found: list[list[RawHypothesis]] = []
        rest = iter(results)
        for line in lines:
            own = [next(rest) for _ in line.segments]
            error = next((result for result in own if isinstance(result, DragomanError)), None)
            answers.append(None if error is None else FailedLine(line.text, error))
            if error is None:
                sound.append(line)
                found.extend(result for result in own if not isinstance(result, DragomanError))
        translations = iter(make_translations(sound, found, self.models[0].pieces, options))
        return [next(translations) if answer is None else answer for answer in answers]

    def _run(self, segments: list[_Segment], options: DecodingOptions) -> list[list[RawHypothesis] | DragomanError]:
        """Hypotheses of the segments of one batch, longest first; split where it would not fit."""
        workspace = self._workspaces.get()
        try:
            return self._run_in(workspace, segments, options)
        finally:
            self._workspaces.put(workspace)

    def _run_in(
        self, workspace: Any, segments: list[_Segment], options: DecodingOptions
    ) -> list[list[RawHypothesis] | DragomanError]:
        try:
            found = native.run(
                [model.weights for model in self.models],
                workspace,
                _batch(segments, options.max_length_factor),
                _search_options(self.models[0], options, len(self.models)),
                shortlist=self.models[0].native_shortlist,
                stop=self._stop,
            )
        except WorkspaceError as error:
            if len(segments) == 1:
                return [error]
            middle = len(segments) // 2
            return [
                *self._run_in(workspace, segments[:middle], options),
                *self._run_in(workspace, segments[middle:], options),
            ]
        if found is None:
            raise OptionsError("translator", "closed", "open while it translates")
        return list(found)


def _marked(line: Line) -> list[tuple[list[int], bool]]:
    """The segments of a line, and which is its first."""
    return [(ids, number == 0) for number, ids in enumerate(line.segments)]


def _batch(segments: list[_Segment], max_length_factor: float) -> Batch:
    lengths = [len(segment.ids) for segment in segments]
    forced = any(segment.prefix for segment in segments)
    none = np.zeros(0, np.int32)
    return Batch(
        source=np.array(list(itertools.chain.from_iterable(segment.ids for segment in segments)), np.int32),
        offsets=np.array([0, *itertools.accumulate(lengths)], np.int32),
        limits=np.array([target_limit(length, max_length_factor) for length in lengths], np.int32),
        prefix=np.array(list(itertools.chain.from_iterable(segment.prefix for segment in segments)), np.int32)
        if forced
        else none,
        prefix_offsets=np.array([0, *itertools.accumulate(len(segment.prefix) for segment in segments)], np.int32)
        if forced
        else None,
        candidates=none,
        candidate_offsets=None,
    )


def _search_options(model: Model, options: DecodingOptions, models: int) -> SearchOptions:
    target = model.vocabularies[1]
    if len(options.weights) not in (0, models):
        raise OptionsError("weights", options.weights, f"{models} numbers, one for each model")
    return SearchOptions(
        beam_size=options.beam_size,
        normalize=options.normalize,
        word_penalty=options.word_penalty,
        eos_id=target.eos_id,
        unk_id=target.unk_id,
        allow_unk=options.allow_unk,
        n_best=options.n_best,
        alignment=options.alignment is not None,
        word_scores=options.word_scores,
        skip_cost=options.skip_cost,
        weights=options.weights,
    )
