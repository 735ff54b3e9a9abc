"""Several models, one after the other, as one translator: sentences, spans, marks and terms go through all of them."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType

from dragoman.errors import OptionsError
from dragoman.options import DecodingOptions
from dragoman.result import FailedLine, Translation
from dragoman.run.texts import TextTranslator
from dragoman.run.translator import Translator
from dragoman.text.pivoting import through

__all__ = ["OF_OUTPUT", "Route"]

OF_OUTPUT = ("n_best", "alignment", "word_scores", "weights", "target_prefix")
"""Options that only make sense for the last model of a route."""


class Route(TextTranslator):
    """Translates by the first model, then the result by the next, and so on. Alignments are composed.

    Options of the search hold for all of its models, those about the output for the last. A context manager: closing it
    closes its translators.

    Args:
        translators: of the models, in order.
    """

    def __init__(self, translators: Sequence[Translator]) -> None:
        self.translators = tuple(translators)
        if not self.translators:
            raise OptionsError("translators", translators, "at least one Translator")

    @property
    def languages(self) -> tuple[str, str] | None:
        first, last = self.translators[0].languages, self.translators[-1].languages
        return (first[0], last[1]) if first and last else None

    @property
    def _defaults(self) -> DecodingOptions:
        return DecodingOptions()  # each model has its own

    def close(self) -> None:
        """Close the translators."""
        for translator in self.translators:
            translator.close()

    def __enter__(self) -> Route:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<dragoman.Route of {len(self.translators)} models>"

    def _check(self) -> None:
        for translator in self.translators:
            translator._check()

    def _lines(self, texts: Sequence[str], options: DecodingOptions) -> list[Translation | FailedLine]:
        if options.target_prefix is not None and len(self.translators) > 1:
            raise OptionsError("target_prefix", "given", "None for a route of several models")
        early = options.without(OF_OUTPUT)
        if options.alignment is not None:
            early, options = early.replace(alignment="soft"), options.replace(alignment="soft")
        found: list[Translation | FailedLine] = []
        for translator in self.translators:
            chosen = options if translator is self.translators[-1] else early
            found = self._step(translator, texts, found, chosen.over(translator.models[0].defaults))
        return found

    def _step(
        self,
        translator: Translator,
        texts: Sequence[str],
        before: list[Translation | FailedLine],
        options: DecodingOptions,
    ) -> list[Translation | FailedLine]:
        """The next model; lines that failed before go no further."""
        if not before:
            return translator._lines(texts, options)
        sound = [one for one in before if isinstance(one, Translation)]
        following = iter(translator._lines([one.text for one in sound], options))
        return [one if isinstance(one, FailedLine) else _joined(one, next(following)) for one in before]


def _joined(first: Translation, second: Translation | FailedLine) -> Translation | FailedLine:
    return FailedLine(first.source, second.error) if isinstance(second, FailedLine) else through(first, second)
