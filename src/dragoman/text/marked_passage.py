"""A text with marks, or with spans that are copied: its blocks to lines, and their translations into its format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from dragoman.options import DecodingOptions
from dragoman.result import Span, Translation
from dragoman.text.coded_block import CodedBlock, Placed, read_block
from dragoman.text.codes import CodedText
from dragoman.text.composing import Part, compose
from dragoman.text.dialogue import PlannedLine
from dragoman.text.format import Block, MarkedText, Places, Written
from dragoman.text.lines import realigned
from dragoman.text.places import SourcePlace, TargetPlace
from dragoman.text.reading import Reading

__all__ = ["MarkedPassage", "Unmarked", "read_marked"]


@dataclass(frozen=True)
class MarkedPassage:
    """A text of blocks.

    Attributes:
        source: in its format.
        marked: parsed.
        blocks: those of ``marked`` as models read them.
    """

    source: str
    marked: MarkedText
    blocks: tuple[CodedBlock, ...]

    @cached_property
    def lines(self) -> tuple[PlannedLine, ...]:
        return tuple(line for block in self.blocks for line in block.lines if line is not None)

    def write(self, translated: Sequence[Translation], options: DecodingOptions) -> Translation:
        lines = iter(translated)
        done = [block.translate(lines) for block in self.blocks]
        written = self.marked.write([one.restored.coded for one in done])
        parts: list[Part] = []
        for block, coded, one, places in zip(self.marked.blocks, self.blocks, done, written.places, strict=True):
            known = _found(one.restored.coded.text, written.text) if places is None else places
            if known is None:
                continue
            for sentence in one.placed:
                source = SourcePlace(sentence.source.start, coded.substituted, block.places)
                target = TargetPlace(sentence.target.start - sentence.led, one.restored, known)
                parts.append(_part(sentence, source, target, options))
        warnings = [warning for one in done for warning in one.warnings]
        targets = [part.target_place for part in parts if part.line is not None]
        return compose(self.source, parts, [(written.text, targets)], options, [*warnings, *written.warnings])


def _found(text: str, written: str) -> Places | None:
    """Where the translation of a block stands that went along in the marks of another, as an image's ``alt``."""
    start = written.find(text)
    return None if start < 0 else Places.same(len(text), start)


def _part(sentence: Placed, source: SourcePlace, target: TargetPlace, options: DecodingOptions) -> Part:
    width, length = sentence.source.stop - sentence.source.start, sentence.target.stop - sentence.target.start
    return Part(
        source(Span(0, width)),
        target(Span(sentence.led, sentence.led + length)),
        None if sentence.line is None else realigned(sentence.line, options),
        source,
        target,
    )


@dataclass(frozen=True)
class Unmarked:
    """A text without marks as one of one block."""

    text: str

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        return (Block(CodedText(self.text), Places.same(len(self.text)), Span(0, len(self.text))),)

    def write(self, translated: Sequence[CodedText | None]) -> Written:
        (one,) = translated
        text = self.text if one is None else one.text
        return Written(text, (Places.same(len(text)),))


def read_marked(source: str, marked: MarkedText, reading: Reading) -> MarkedPassage:
    """Take a parsed text apart.

    Args:
        source: in its format, clean.
        marked: parsed.
        reading: how.
    """
    return MarkedPassage(
        source, marked, tuple(read_block(block.coded, reading) for block in marked.blocks)
    )
