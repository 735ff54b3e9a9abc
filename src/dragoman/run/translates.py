"""What documents, servers and integrations need of whatever translates: a `Translator`, or a `Service`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Protocol, Unpack, overload

from dragoman.options import DecodingChanges, DecodingOptions, Split, TextFormat
from dragoman.result import Translation
from dragoman.text.glossary import Glossary
from dragoman.text.terms import GlossaryMethod

__all__ = ["Translates"]


class Translates(Protocol):
    """Texts in, translations out, in the same order. May be called from any thread."""

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
        """One text, or many at once.

        Args:
            texts: each in ``format``; all are translated together.
            options: what it states goes before the model's defaults.
            split: what ends a sentence within a text.
            format: what of a text is words, and what is marks.
            glossary: terms that must be translated in one way, ``glossary_method`` how they are got there.
            keep: patterns of what is copied.
            source_language: whose rules split; None: the model's.
            **changes: single fields of `DecodingOptions`, before all others.
        """
        ...
