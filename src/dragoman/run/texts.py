"""What translates lines, as what translates texts: the face that translators and routes of them share."""

from __future__ import annotations

import itertools
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import Unpack, overload

from dragoman.arguments import check_integer, check_texts, chunks_of
from dragoman.errors import OptionsError
from dragoman.options import DecodingChanges, DecodingOptions, Split, TextFormat
from dragoman.result import FailedLine, Translation
from dragoman.run.passages import translate_passages
from dragoman.text.glossary import Glossary
from dragoman.text.reader import read_text
from dragoman.text.reading import Reading
from dragoman.text.terms import GlossaryMethod

__all__ = ["TextTranslator"]

_LINES_AHEAD = 2000
_MOST_AHEAD = 1 << 24


class TextTranslator(ABC):
    """Translates texts, given `_lines` that translates the sentences in them."""

    @property
    @abstractmethod
    def languages(self) -> tuple[str, str] | None:
        """Source and target, if they are known."""

    @property
    @abstractmethod
    def _defaults(self) -> DecodingOptions:
        """What calls do not state."""

    @abstractmethod
    def _check(self) -> None:
        """Raises TranslatorClosedError once it is closed."""

    @abstractmethod
    def _lines(self, texts: Sequence[str], options: DecodingOptions) -> list[Translation | FailedLine]:
        """The translation of each line, or why there is none."""

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
        self._check()
        given = check_texts(texts)
        chosen = DecodingOptions.of(options, changes, self._defaults)
        reading = Reading.of_call(split, format, glossary, glossary_method, keep, source_language, self.languages)
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
        self._check()
        if isinstance(check_texts(texts), str):
            raise OptionsError("texts", texts, "several texts; for one there is `translate`")
        ahead = check_integer("lines_ahead", lines_ahead, 1, _MOST_AHEAD)
        chosen = DecodingOptions.of(options, changes, self._defaults)
        reading = Reading.of_call(split, format, glossary, glossary_method, keep, source_language, self.languages)
        return self._stream(texts, reading, chosen, ahead)

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
        self._check()
        if reading.whole:
            return self._lines(texts, options)
        reading.check_constraints(options.constraints_of(len(texts)))
        for number, text in enumerate(texts):
            if not isinstance(text, str):
                raise OptionsError(f"texts[{number}]", text, "a str")
        return translate_passages([read_text(text, reading) for text in texts], options, self._lines)


def _sound(found: Sequence[Translation | FailedLine]) -> list[Translation]:
    """Raises the error of the first line that failed."""
    for result in found:
        if isinstance(result, FailedLine):
            raise result.error
    return [result for result in found if isinstance(result, Translation)]
