"""Translates texts with one model (or an ensemble) on one or more threads, each with its own workspace."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import Unpack, overload

from dragoman.arguments import check_integer, check_texts, chunks_of
from dragoman.errors import OptionsError
from dragoman.model import Model
from dragoman.options import DecodingChanges, DecodingOptions, Split, TextFormat
from dragoman.result import FailedLine, Translation
from dragoman.run.batching import MAX_BATCH_SENTENCES, MAX_BATCH_TOKENS, Segment, make_batches
from dragoman.run.crew import Crew
from dragoman.run.flights import Found, answer_lines, check_ensemble, run_segments, segments_of
from dragoman.run.passages import translate_passages
from dragoman.run.scratch import Scratch
from dragoman.text.glossary import Glossary
from dragoman.text.lines import make_lines
from dragoman.text.reader import read_text
from dragoman.text.reading import Reading
from dragoman.text.terms import GlossaryMethod

__all__ = ["Translator"]

_LINES_AHEAD = 2000
_MOST_AHEAD = 1 << 24
_MOST_THREADS = 1024
_MOST_WORKSPACE = 1 << 48
_LARGE_BATCH = 4
"""Times the usual size: nobody else waits for these threads, and the end of a batch, when few are left, is rarer."""


class Translator:
    """Translates with one model, or with several of one target vocabulary as an ensemble.

    Any number of threads may call one translator. A context manager; closing it frees its workspaces. What is
    interrupted, by Ctrl-C or by an exception, stops within a step of the search. A forked child may go on using it.

    Args:
        model: a `Model`, or a sequence of them.
        threads: batches translated at once. The caller's own is one of them; the others begin when they are needed.
        workspace_limit: most bytes of scratch memory for each thread. It grows as batches need it; a batch
            that would not fit is split before it starts.

    Raises:
        OptionsError: not a model, threads out of range, or models that do not share a source and a target vocabulary.
    """

    def __init__(
        self,
        model: Model | Sequence[Model],
        *,
        threads: int = 1,
        workspace_limit: int = 2 << 30,
    ) -> None:
        self.models = _models_of(model)
        size = check_integer("threads", threads, 1, _MOST_THREADS)
        limit = check_integer("workspace_limit", workspace_limit, 1, _MOST_WORKSPACE)
        check_ensemble(self.models)
        self._crew = Crew(size, limit)

    @overload
    def translate(  # type: ignore[overload-overlap]  # a str is an iterable of str too: the first one holds
        self,
        texts: str,
        options: DecodingOptions | None = None,
        *,
        split: Split = "paragraph",
        format: TextFormat = "text",
        glossary: Glossary | None = None,
        glossary_method: GlossaryMethod = "auto",
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
        glossary: Glossary | None = None,
        glossary_method: GlossaryMethod = "auto",
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
        glossary: Glossary | None = None,
        glossary_method: GlossaryMethod = "auto",
        keep: Sequence[str | re.Pattern[str]] = (),
        source_language: str | None = None,
        **changes: Unpack[DecodingChanges],
    ) -> Translation | list[Translation]:
        """Translate one text, or many at once, in the same order.

        Args:
            texts: each in ``format``. What is no sequence, such as a generator, is read in portions.
            options: what it states goes before the model's defaults.
            split: what a line feed means, and whether sentences are looked for; "none": each text is one segment.
            format: what of a text is words, and what is marks.
            glossary: terms that must be translated in one way.
            glossary_method: "auto" writes terms over the words that translate them, and only where that is not clear
                translates again with placeholders; "placeholder" begins with these.
            keep: what is copied, beside addresses, placeholders and the like: texts, or compiled patterns.
            source_language: whose rules split; None: what the model's files say.
            **changes: single fields of `DecodingOptions`, before both.

        Raises:
            OptionsError: an option is unknown or out of range, or something is not a text.
            TextTooLongError: a sentence is too long, and ``long_lines`` is "refuse".
            WorkspaceError: a sentence needs more scratch memory than allowed even alone.
            TranslatorClosedError: the translator was closed, before or meanwhile.
        """
        self._crew.check()
        given = check_texts(texts)
        chosen = DecodingOptions.of(options, changes, self.models[0].defaults)
        reading = Reading.of_call(
            split, format, glossary, glossary_method, keep, source_language, self.models[0].languages
        )
        if isinstance(given, str):
            return _sound(self._translate([given], reading, chosen))[0]
        if isinstance(given, Sequence) or isinstance(chosen.target_prefix, tuple):
            return _sound(self._translate(list(given), reading, chosen))
        found: list[Translation] = []
        for portion in chunks_of(given, _LINES_AHEAD):
            found += _sound(self._translate(portion, reading, chosen))
        return found

    def translate_stream(
        self,
        texts: Iterable[str | None],
        options: DecodingOptions | None = None,
        *,
        split: Split = "paragraph",
        format: TextFormat = "text",
        glossary: Glossary | None = None,
        glossary_method: GlossaryMethod = "auto",
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

        Raises: as `translate`, but for what concerns single texts.
        """
        self._crew.check()
        if isinstance(check_texts(texts), str):
            raise OptionsError("texts", texts, "several texts; for one there is `translate`")
        ahead = check_integer("lines_ahead", lines_ahead, 1, _MOST_AHEAD)
        chosen = DecodingOptions.of(options, changes, self.models[0].defaults)
        return self._stream(texts, Reading.of_call(
            split, format, glossary, glossary_method, keep, source_language, self.models[0].languages
        ), chosen, ahead)

    def close(self) -> None:
        """Stop running batches and free the workspaces; who waits for them gets a TranslatorClosedError."""
        self._crew.close()

    def __repr__(self) -> str:
        names = "+".join(model.files.model.name for model in self.models)
        state = "closed" if self._crew.closed else f"{self._crew.size} thread{'s' * (self._crew.size > 1)}"
        return f"<dragoman.Translator: {names}, {state}>"

    def __enter__(self) -> Translator:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _stream(
        self, texts: Iterable[str | None], reading: Reading, options: DecodingOptions, ahead: int
    ) -> Iterator[Translation | FailedLine]:
        source = iter(texts)
        while True:
            lines: list[str] = []
            ended = True
            for text in itertools.islice(source, ahead):
                ended = False
                if text is None:
                    break
                lines.append(text)
            yield from self._translate(lines, reading, options)
            if ended:
                return

    def _translate(
        self, texts: Sequence[str], reading: Reading, options: DecodingOptions
    ) -> list[Translation | FailedLine]:
        self._crew.check()
        if reading.whole:
            return self._lines(texts, options)
        for number, text in enumerate(texts):
            if not isinstance(text, str):
                raise OptionsError(f"texts[{number}]", text, "a str")
        return translate_passages([read_text(text, reading) for text in texts], options, self._lines)

    def _lines(self, texts: Sequence[str], options: DecodingOptions) -> list[Translation | FailedLine]:
        if not texts:
            return []
        lines = make_lines(texts, self.models[0].pieces, options)
        segments = segments_of(lines)
        results: list[Found] = [[] for _ in segments]
        batches = make_batches(
            [len(segment.ids) for segment in segments],
            max_sentences=min(
                max(MAX_BATCH_SENTENCES, len(segments) // (2 * self._crew.size)), MAX_BATCH_SENTENCES * _LARGE_BATCH
            ),
            max_tokens=MAX_BATCH_TOKENS * _LARGE_BATCH,
        )

        def run(batch: list[int], scratch: Scratch) -> list[Found] | None:
            own: list[Segment] = [segments[number] for number in batch]
            return run_segments(self.models, scratch, own, options)

        for batch, found in zip(batches, self._crew.run(batches, run), strict=True):
            for number, result in zip(batch, found, strict=True):
                results[number] = result
        return answer_lines(lines, results, self.models[0], options)


def _models_of(model: Model | Sequence[Model]) -> tuple[Model, ...]:
    """Raises OptionsError."""
    if isinstance(model, Model):
        return (model,)
    if isinstance(model, (str, bytes)) or hasattr(model, "__fspath__"):
        raise OptionsError("model", model, "a Model: dragoman.load(path) makes one of a path")
    try:
        models = tuple(model)
    except TypeError:
        models = ()
    if not models or not all(isinstance(one, Model) for one in models):
        raise OptionsError("model", model, "a Model from dragoman.load, or a sequence of them for an ensemble")
    return models


def _sound(found: Sequence[Translation | FailedLine]) -> list[Translation]:
    """Raises the error of the first line that failed."""
    for result in found:
        if isinstance(result, FailedLine):
            raise result.error
    return [result for result in found if isinstance(result, Translation)]
