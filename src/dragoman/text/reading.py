"""How the texts of a call are to be read: what a caller says about them, checked once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from dragoman.arguments import check_choice
from dragoman.languages import canonical_code
from dragoman.options import Split, TextFormat
from dragoman.text.formats import read_format
from dragoman.text.marked_passage import Unmarked, read_marked
from dragoman.text.passage import Passage, read_plain
from dragoman.text.pieces import clean
from dragoman.text.protect import NOTHING, Keep, find_protected

__all__ = ["Reading"]


@dataclass(frozen=True, slots=True)
class Reading:
    """Settings of a call. Raises OptionsError for what is not allowed.

    Attributes:
        split: what lines mean.
        format: what is words and what is marks.
        language: of the texts, for the rules of sentences; "" if unknown.
        keep: what is copied, by the caller's wish.
    """

    split: Split = "paragraph"
    format: TextFormat = "text"
    language: str = ""
    keep: Keep = NOTHING

    def __post_init__(self) -> None:
        check_choice("split", self.split, get_args(Split))
        check_choice("format", self.format, get_args(TextFormat))
        if self.language:
            object.__setattr__(self, "language", canonical_code(self.language))

    @property
    def whole(self) -> bool:
        """A text is what the model reads, and its answer is the translation."""
        return self.split == "none" and self.format == "text" and not self.keep.patterns

    def read(self, text: str) -> Passage:
        """Take a text apart."""
        text = clean(text)
        if self.format == "text" and not (self.split != "none" and find_protected(text, self.keep)):
            return read_plain(text, self.split, self.language)
        marked = Unmarked(text) if self.format == "text" else read_format(text, self.format)
        return read_marked(text, marked, self.split, self.language, self.keep)
