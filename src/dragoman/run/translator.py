"""Translates texts with one model (or an ensemble) on one or more threads, each with its own workspace."""

from __future__ import annotations

import itertools
import queue
import re
from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Unpack, overload

from dragoman.errors import OptionsError
from dragoman.model import Model
from dragoman.options import DecodingChanges, DecodingOptions, Split, TextFormat
from dragoman.result import FailedLine, Translation
from dragoman.run.batching import MAX_BATCH_SENTENCES, MAX_BATCH_TOKENS, Segment, make_batches
from dragoman.run.flights import Found, answer_lines, check_ensemble, run_segments, segments_of
from dragoman.run.passages import translate_passages
from dragoman.run.scratch import Scratch
from dragoman.text.lines import make_lines
from dragoman.text.protect import Keep
from dragoman.text.reading import Reading

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

__all__ = ["Translator"]

_LINES_AHEAD = 2000
_LARGE_BATCH = 4
"""Times the usual size: nobody else waits for these threads, and the end of a batch, when few are left, is rarer."""


class Translator:
    """Translates with one model, or with several of one target vocabulary as an ensemble.

    Any number of threads may call one translator. A context manager; closing it frees its workspaces.

    Args:
        model: a `Model`, or a sequence of them.
        threads: batches translated at once.
        workspace_limit: most bytes of scratch memory for each thread. It grows as batches need it; a batch
            that would not fit is split before it starts.

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
        self._threads = threads
        check_ensemble(self.models)
        self._scratch = [Scratch(workspace_limit) for _ in range(threads)]
        self._idle: queue.SimpleQueue[Scratch] = queue.SimpleQueue()
        for scratch in self._scratch:
            self._idle.put(scratch)
        self._pool = _thread_pool(threads) if threads > 1 else None

    @overload
    def translate(  # type: ignore[overload-overlap]  # a str is an iterable of str too: the first one holds
        self,
        texts: str,
        options: DecodingOptions | None = None,
        *,
        split: Split = "paragraph",
        format: TextFormat = "text",
        glossary: None = None,
        keep: Sequence[str | re.Pattern[str]] = (),
        source_language: str | None = None,
        **changes: Unpack[DecodingChanges],
    ) -> Translation: ...
    @overload
    def translate(
        self,
        texts: Iterable[str],
        options: DecodingOptions | None = None,
        *,
        split: Split = "paragraph",
        format: TextFormat = "text",
        glossary: None = None,
        keep: Sequence[str | re.Pattern[str]] = (),
        source_language: str | None = None,
        **changes: Unpack[DecodingChanges],
    ) -> list[Translation]: ...
    def translate(
        self,
        texts: str | Iterable[str],
        options: DecodingOptions | None = None,
        *,
        split: Split = "paragraph",
        format: TextFormat = "text",
        glossary: None = None,
        keep: Sequence[str | re.Pattern[str]] = (),
        source_language: str | None = None,
        **changes: Unpack[DecodingChanges],
    ) -> Translation | list[Translation]:
        """Translate one text, or many at once, in the same order.

        Args:
            texts: each in ``format``.
            options: what it states goes before the model's defaults.
            split: what a line feed means, and whether sentences are looked for; "none": each text is one segment.
            format: what of a text is words, and what is marks.
            glossary: terms that must be translated in one way.
            keep: what is copied, beside addresses, placeholders and the like: texts, or compiled patterns.
            source_language: whose rules split; None: what the model's files say.
            **changes: single fields of `DecodingOptions`, before both.

        Raises:
            OptionsError: an option is unknown or out of range.
            TextTooLongError: a sentence is too long, and ``long_lines`` is "refuse".
            WorkspaceError: a sentence needs more scratch memory than allowed even alone.
        """
        chosen = DecodingOptions.of(options, changes, self.models[0].defaults)
        reading = self._reading(split, format, keep, source_language)
        found = self._translate([texts] if isinstance(texts, str) else list(texts), reading, chosen)
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
        split: Split = "paragraph",
        format: TextFormat = "text",
        glossary: None = None,
        keep: Sequence[str | re.Pattern[str]] = (),
        source_language: str | None = None,
        lines_ahead: int = _LINES_AHEAD,
        **changes: Unpack[DecodingChanges],
    ) -> Iterator[Translation | FailedLine]:
        """Translate texts as they come, in order. A text that fails gives a `FailedLine` in its place.

        Args:
            texts: texts; ``None`` among them means "nothing more for now: answer what you have".
            lines_ahead: most texts read before their translations are given out; more make better batches.
            others: as in `translate`.
        """
        chosen = DecodingOptions.of(options, changes, self.models[0].defaults)
        reading = self._reading(split, format, keep, source_language)
        source = iter(texts)
        while True:
            lines: list[str] = []
            ended = True
            for text in itertools.islice(source, lines_ahead):
                ended = False
                if text is None:
                    break
                lines.append(text)
            yield from self._translate(lines, reading, chosen)
            if ended:
                return

    def close(self) -> None:
        """Stop running batches and free the workspaces."""
        for scratch in self._scratch:
            scratch.stop.set()
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
        for scratch in self._scratch:
            scratch.free()

    def __enter__(self) -> Translator:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _reading(
        self, split: Split, format: TextFormat, keep: Sequence[str | re.Pattern[str]], language: str | None
    ) -> Reading:
        known = self.models[0].languages if language is None else None
        return Reading(split, format, known[0] if known else language or "", Keep(tuple(keep)))

    def _translate(
        self, texts: Sequence[str], reading: Reading, options: DecodingOptions
    ) -> list[Translation | FailedLine]:
        if reading.whole:
            return self._lines(texts, options)
        for number, text in enumerate(texts):
            if not isinstance(text, str):
                raise OptionsError(f"texts[{number}]", text, "a str")
        return translate_passages([reading.read(text) for text in texts], options, self._lines)

    def _lines(self, texts: Sequence[str], options: DecodingOptions) -> list[Translation | FailedLine]:
        if not texts:
            return []
        lines = make_lines(texts, self.models[0].pieces, options)
        segments = segments_of(lines)
        results: list[Found] = [[] for _ in segments]
        batches = make_batches(
            [len(segment.ids) for segment in segments],
            max_sentences=min(
                max(MAX_BATCH_SENTENCES, len(segments) // (2 * self._threads)), MAX_BATCH_SENTENCES * _LARGE_BATCH
            ),
            max_tokens=MAX_BATCH_TOKENS * _LARGE_BATCH,
        )
        run = self._pool.map if self._pool is not None else map
        work = run(lambda batch: self._run([segments[number] for number in batch], options), batches)
        for batch, found in zip(batches, work, strict=True):
            for number, result in zip(batch, found, strict=True):
                results[number] = result
        return answer_lines(lines, results, self.models[0], options)

    def _run(self, segments: list[Segment], options: DecodingOptions) -> list[Found]:
        """Hypotheses of the segments of one batch, longest first."""
        scratch = self._idle.get()
        try:
            found = run_segments(self.models, scratch, segments, options)
        finally:
            self._idle.put(scratch)
        if found is None:
            raise OptionsError("translator", "closed", "open while it translates")
        return found


def _thread_pool(threads: int) -> ThreadPoolExecutor:
    from concurrent.futures import ThreadPoolExecutor  # one thread needs none

    return ThreadPoolExecutor(threads, "dragoman")
