"""How the texts of a call are to be read: what a caller says about them, checked once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import get_args

from dragoman.arguments import check_choice
from dragoman.errors import OptionsError
from dragoman.languages import canonical_code
from dragoman.options import Split, TextFormat
from dragoman.text.glossary import Glossary, TermFinder
from dragoman.text.protect import NOTHING, Keep
from dragoman.text.scripts import foreign_words
from dragoman.text.terms import GlossaryMethod

__all__ = ["Reading"]


@dataclass(frozen=True, slots=True)
class Reading:
    """Settings of a call.

    Attributes:
        split: what lines mean.
        format: what is words and what is marks.
        language: of the texts, for the rules of sentences; "" if unknown.
        keep: what is copied, by the caller's wish.
        terms: of the glossary, those that hold between the two languages; None: there is no glossary.
        method: how terms are got into a translation.
        copied: ``keep``, and words in letters that the language does not use; nothing is foreign if nothing is split.
    """

    split: Split = "paragraph"
    format: TextFormat = "text"
    language: str = ""
    keep: Keep = NOTHING
    terms: TermFinder | None = None
    method: GlossaryMethod = "auto"
    copied: Keep = field(init=False)

    @classmethod
    def of_call(
        cls,
        split: Split,
        format: TextFormat,
        glossary: Glossary | None,
        glossary_method: GlossaryMethod,
        keep: Sequence[str | re.Pattern[str]],
        source_language: str | None,
        languages: tuple[str, str] | None,
    ) -> Reading:
        """The settings that a caller gave. Raises OptionsError for what is not allowed.

        Args:
            languages: source and target of the model, if it is known.
        """
        check_choice("split", split, get_args(Split))
        check_choice("format", format, get_args(TextFormat))
        check_choice("glossary_method", glossary_method, get_args(GlossaryMethod))
        if glossary is not None and not isinstance(glossary, Glossary):
            raise OptionsError("glossary", glossary, "a Glossary: Glossary.load(path), or Glossary.from_pairs(pairs)")
        source, target = languages or ("", "")
        if source_language is not None:
            source = canonical_code(source_language)
        terms = None if glossary is None else glossary.finder(source, target)
        return cls(split, format, source, Keep(tuple(keep)), terms, glossary_method)

    def __post_init__(self) -> None:
        foreign = None if self.split == "none" else foreign_words(self.language)
        object.__setattr__(self, "copied", self.keep if foreign is None else self.keep.more(foreign))

    def check_constraints(self, constraints: object) -> None:
        """Raises OptionsError for constraints of texts that are not one sentence each: nobody says whose they are."""
        if constraints is not None and not self.whole:
            raise OptionsError("split", self.split, "'none', and without glossary, keep and marks, with constraints")

    @property
    def whole(self) -> bool:
        """A text is what the model reads, and its answer is the translation."""
        return self.split == "none" and self.format == "text" and self.terms is None and not self.keep.patterns
