"""Translates texts with one model (or an ensemble) on one or more threads, each with its own workspace."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from dragoman.arguments import check_integer
from dragoman.errors import OptionsError
from dragoman.model import Model
from dragoman.options import DecodingOptions
from dragoman.result import FailedLine, Translation
from dragoman.run.batching import MAX_BATCH_SENTENCES, MAX_BATCH_TOKENS, Segment, make_batches
from dragoman.run.crew import Crew
from dragoman.run.flights import Found, answer_lines, check_ensemble, run_segments, segments_of
from dragoman.run.scratch import Scratch
from dragoman.run.texts import TextTranslator
from dragoman.text.lines import make_lines

if TYPE_CHECKING:
    from dragoman.memory.memory import TranslationMemory

__all__ = ["Translator"]

_MOST_THREADS = 1024
_MOST_WORKSPACE = 1 << 48
_LARGE_BATCH = 4
"""Times the usual size: nobody else waits for these threads, and the end of a batch, when few are left, is rarer."""


class Translator(TextTranslator):
    """Translates with one model, or with several of one target vocabulary as an ensemble.

    Any number of threads may call one translator. A context manager; closing it frees its workspaces. What is
    interrupted, by Ctrl-C or by an exception, stops within a step of the search. A forked child may go on using it.

    Args:
        model: a `Model`, or a sequence of them.
        threads: batches translated at once. The caller's own is one of them; the others begin when they are needed.
        workspace_limit: most bytes of scratch memory for each thread. It grows as batches need it; a batch
            that would not fit is split before it starts.
        memory: sentences that are in it are not translated again, and others go into it. It is not closed with the
            translator.

    Raises:
        OptionsError: not a model, threads out of range, or models that do not share a source and a target vocabulary.
    """

    def __init__(
        self,
        model: Model | Sequence[Model],
        *,
        threads: int = 1,
        workspace_limit: int = 2 << 30,
        memory: TranslationMemory | None = None,
    ) -> None:
        self.models = _models_of(model)
        size = check_integer("threads", threads, 1, _MOST_THREADS)
        limit = check_integer("workspace_limit", workspace_limit, 1, _MOST_WORKSPACE)
        check_ensemble(self.models)
        self._memory = None if memory is None else _checked(memory)
        self._crew = Crew(size, limit)

    @property
    def languages(self) -> tuple[str, str] | None:
        return self.models[0].languages

    @property
    def _defaults(self) -> DecodingOptions:
        return self.models[0].defaults

    def _check(self) -> None:
        self._crew.check()

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

    def _lines(self, texts: Sequence[str], options: DecodingOptions) -> list[Translation | FailedLine]:
        if not texts:
            return []
        lines = make_lines(texts, self.models[0].pieces, options)
        if self._memory is None:
            return answer_lines(lines, self._search(segments_of(lines), options), self.models[0], options)
        from dragoman.run.remembering import LineMemory  # brings SQLite, which few need

        memory = LineMemory(self._memory, self.models, options)
        known = memory.recall(lines)
        others = [line for line, one in zip(lines, known, strict=True) if one is None]
        results = self._search(segments_of(others), options)
        answers = answer_lines(others, results, self.models[0], options)
        memory.keep(others, results, answers)
        fresh = iter(answers)
        return [next(fresh) if one is None else one for one in known]

    def _search(self, segments: Sequence[Segment], options: DecodingOptions) -> list[Found]:
        """Hypotheses of each segment."""
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
        return results


def _checked(memory: TranslationMemory) -> TranslationMemory:
    from dragoman.run.remembering import check_memory

    return check_memory(memory)


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
