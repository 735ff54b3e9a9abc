"""Translators that need no model, and what a written text must have kept."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

from text.coded import aligned

from dragoman.text.codes import AlignedPart, CodedText, Span
from dragoman.text.format import MarkedText, Written
from dragoman.text.html.elements import VOID
from dragoman.text.html.tokens import Kind, tokenize
from dragoman.text.projection import project
from dragoman.text.verify import problem_of
from dragoman.text.words import split_words

Fake = Callable[[str], tuple[str, str]]
"""A text to its translation, and of each target word the number of its source word."""


def upper(text: str) -> tuple[str, str]:
    words = split_words(text)
    shown = "".join(character.upper() if len(character.upper()) == 1 else character for character in text)
    return shown, " ".join(map(str, range(len(words))))


def backwards(text: str) -> tuple[str, str]:
    """The words in the other order, each with a letter more: whatever can swap does."""
    words = [text[start:stop] for start, stop in split_words(text)]
    shown = " ".join(f"{word}x" if word.isalnum() else word for word in reversed(words))
    if len(split_words(shown)) != len(words):
        return upper(text)
    return shown, " ".join(map(str, reversed(range(len(words)))))


def shuffled(text: str) -> tuple[str, str]:
    """Some words, in some order, from anywhere."""
    chance = random.Random(text)
    words = split_words(text)
    count = chance.randrange(0, 2 * len(words) + 1)
    target = " ".join(chance.choice(("ein", "Wort", "das", "Haus", ",", "l'eau")) for _ in range(count))
    return target, " ".join(str(chance.randrange(len(words))) for _ in split_words(target))


def translate(page: MarkedText, fake: Fake, *, texts_only: bool = False) -> Written:
    """A page with each of its blocks translated, as passages do it; each block's codes verified."""
    translated: list[CodedText | None] = []
    for block in page.blocks:
        if texts_only and block.span not in spans_of_texts(page):
            translated.append(None)
            continue
        target, order = fake(block.coded.text)
        part = AlignedPart(Span(0, len(block.coded.text)), Span(0, len(target)))
        if len(block.coded.text) < 2_000:
            part = aligned(block.coded.text, target, order)
        projected = project(block.coded, target, [part])
        assert problem_of(block.coded, projected.coded) is None
        assert not any("proportion" in warning for warning in projected.warnings)
        translated.append(projected.coded)
    written = page.write(translated)
    for coded, places in zip(translated, written.places, strict=True):
        if coded is not None and places is not None:
            assert len(places.starts) == len(places.stops) == len(coded.text)
            assert all(0 <= at <= len(written.text) for at in (*places.starts, *places.stops))
    return written


def spans_of_texts(page: MarkedText) -> set[Span]:
    attributes = getattr(page, "_attributes", {})
    return {block.span for number, block in enumerate(page.blocks) if number not in attributes}


def identity(page: MarkedText) -> str:
    return page.write([block.coded for block in page.blocks]).text


def marks_of(source: str) -> Counter[str]:
    """Every tag, comment and declaration, and what is raw but for titles, as often as it is there."""
    found: Counter[str] = Counter()
    name = ""
    for token in tokenize(source):
        if token.kind is Kind.START:
            name = token.name
        if token.kind is not Kind.TEXT and not (token.kind is Kind.RAW and name == "title"):
            found[source[token.start : token.stop]] += 1
    return found


def is_well_formed(source: str) -> bool:
    """Whether each start tag has its end tag, in order; void elements have none."""
    stack: list[str] = []
    for token in tokenize(source):
        if token.kind is Kind.START and token.name not in VOID and not token.closed:
            stack.append(token.name)
        elif token.kind is Kind.END and token.name not in VOID and (not stack or stack.pop() != token.name):
            return False
    return not stack


def visible(source: str) -> str:
    """The text of a page, without tags, as written."""
    return "".join(source[token.start : token.stop] for token in tokenize(source) if token.kind is Kind.TEXT)
