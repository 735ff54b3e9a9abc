"""Which words of a translation came from which words of the source: one region for each part of a segment.

A model that was trained to align says for each target token where it looked. Read by rows (of each target word
its source) that loses words and draws neighbours in; read by columns (of each source word, which of the target words
that looked at it most) it does not: docs/decisions/0019-placement.md has the figures. A stretch of several words is
the one that gathers most of their columns and least of the others'.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from dragoman.text.codes import AlignedPart, Span, TokenLinks
from dragoman.text.words import fuse, has_no_spaces, is_word, split_words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_HYPHEN = re.compile(r"(?<=\w\w)[-\u2010\u2011](?=\w\w)")

__all__ = ["Found", "Region", "make_regions"]

_OTHER_CLASS = 0.1
"""Of the weight between a word and a punctuation mark: what is kept."""
_SHORTEST = 0.6
"""Factor of a target word of no letters; 1 from `_LONG` letters on. Of two that looked alike the longer is the noun."""
_LONG = 5
_SAME_WORD = 0.3
"""Weight for words that are equal on both sides, as names are."""
_COPY = 1.0
"""The same for stand-ins, of any length and number."""
_SHORTEST_NAME = 4
_SHARPNESS = 2.0
_OF_PUNCTUATION = 0.3
_OWN = 0.5
_OUTSIDE, _COST = 0.3, 0.1
"""What a target word costs a stretch: of its mass from other source words, and at all."""


@dataclass(frozen=True, slots=True)
class Found:
    """Target words ``first`` to ``last``, half-open.

    Attributes:
        mass: how much of each source word's column they have.
        purity: the same, less what they have of other words' columns.
    """

    first: int
    last: int
    mass: float
    purity: float


@dataclass(frozen=True)
class Region:
    """One part's words. Numbers of words run through the whole segment.

    Attributes:
        source, target: the words' spans in the segment and in its translation.
        source_first, target_first: numbers of the part's first words.
        part: where it stands; without links its words are paired in their order.
        texts: of the segment and of its translation.
        stand_ins: texts that are one unit on both sides.
    """

    source: Sequence[Span]
    target: Sequence[Span]
    source_first: int
    target_first: int
    part: AlignedPart
    texts: tuple[str, str]
    stand_ins: frozenset[str] = frozenset()

    @property
    def source_last(self) -> int:
        return self.source_first + len(self.source)

    @property
    def target_last(self) -> int:
        return self.target_first + len(self.target)

    def find(self, first: int, last: int, low: int, high: int) -> Found | None:
        """The stretch of target words ``low`` to ``high`` that fits best to source words ``first`` to ``last``."""
        low, high = max(low, self.target_first), min(high, self.target_last)
        if low >= high or first >= last or not self.source:
            return None
        if self.part.links is None:
            return self._in_order(first, last, low, high)
        if last - first == 1 and self.is_stand_in(first):
            return self._find_stand_in(first, low, high)
        columns = self.columns[low - self.target_first : high - self.target_first]
        ours = slice(first - self.source_first, last - self.source_first)
        inside = columns[:, ours] @ self._importance[ours]
        outside = columns @ self._importance - inside
        if last - first == 1:
            start = int(inside.argmax())
            stop = start + 1
        else:
            start, stop = _best_stretch((inside - _OUTSIDE * outside - _COST).tolist())
        mass, other = float(inside[start:stop].sum()), float(outside[start:stop].sum())
        return Found(low + start, low + stop, mass / (last - first), (mass - other) / (last - first))

    def _find_stand_in(self, word: int, low: int, high: int) -> Found:
        """Its copy; else the words that tell of it more than of all else. They will be replaced."""
        wanted = self._text(0, word)
        copies = [place for place in range(low, high) if self._text(1, place) == wanted]
        if copies:
            best = max(copies, key=lambda place: self.columns[place - self.target_first, word - self.source_first])
            return Found(best, best + 1, 1.0, 1.0)
        column = self.columns[low - self.target_first : high - self.target_first, word - self.source_first]
        rows = self._own_rows(low, high, word, word + 1)
        start, stop = _best_stretch((rows - _OWN).tolist())
        if rows[start] < _OWN:
            start = int(column.argmax())
            stop = start + 1
        mass = float(column[start:stop].sum())
        return Found(low + start, low + stop, mass, mass)

    @cached_property
    def _rows(self) -> NDArray[np.float32]:
        """[target words][source words]; each row sums to 1, or is zeros."""
        return _of_rows(self.columns)

    def is_stand_in(self, word: int) -> bool:
        """Whether a source word will be replaced."""
        return self._text(0, word) in self.stand_ins

    def _text(self, side: int, word: int) -> str:
        words, first = ((self.source, self.source_first), (self.target, self.target_first))[side]
        return self.texts[side][slice(*words[word - first])]

    def is_own(self, found: Found, first: int, last: int) -> bool:
        """Whether target words tell of nothing else than these source words, so that they may be replaced."""
        if self.part.links is None:
            return True
        rows = self._own_rows(found.first, found.last, first, last)
        return bool(found.mass >= _OWN and rows.sum() >= _OWN * len(rows))

    def _own_rows(self, low: int, high: int, first: int, last: int) -> NDArray[np.float32]:
        """[target words]: how much of each tells of source words and of an ending glued to them (`Buffer`s)."""
        place = last - self.source_first
        if 0 < place < len(self.source) and self.source[place - 1].stop == self.source[place].start:
            last += is_word(self.texts[0], self.source[place])
        rows = self._rows[low - self.target_first : high - self.target_first]
        inside: NDArray[np.float32] = rows[:, first - self.source_first : last - self.source_first].sum(1)
        return inside

    def _in_order(self, first: int, last: int, low: int, high: int) -> Found:
        """Words paired by their place; where the texts are equal that is each with itself."""
        ours, theirs = len(self.source), len(self.target)
        start = self.target_first + (first - self.source_first) * theirs // ours
        stop = self.target_first + (last - self.source_first) * theirs // ours
        wanted = max(1, stop - start)
        start = min(max(start, low), high - 1)
        stop = min(max(start + 1, stop), high)
        return Found(start, stop, (stop - start) / wanted, 1.0)

    @cached_property
    def columns(self) -> NDArray[np.float32]:
        """[target words][source words]; each column sums to 1, or is zeros."""
        import numpy as np

        links = self.part.links
        assert links is not None
        weights = np.asarray(links.weights, np.float32).reshape(len(links.target), len(links.source))
        rows = _shares(self.target, links.target, self.part.target.start)
        rows /= np.maximum(rows.sum(1, keepdims=True), 1e-9)
        mass = (rows @ weights @ _shares(self.source, links.source, self.part.source.start).T).astype(np.float32)
        self._add_equal_words(mass)
        mass *= self._likeness()
        mass **= _SHARPNESS
        total: NDArray[np.float32] = mass / np.maximum(mass.sum(0, keepdims=True), 1e-9)
        return total

    @cached_property
    def _importance(self) -> NDArray[np.float32]:
        """[source words]: a full stop that is marked does not draw the whole sentence in."""
        import numpy as np

        words = [is_word(self.texts[0], word) for word in self.source]
        return np.where(words, 1.0, _OF_PUNCTUATION).astype(np.float32)

    def _add_equal_words(self, mass: NDArray[np.float32]) -> None:
        """Names and numbers often come out as they went in, and stand-ins should."""
        ours, theirs = _distinctive(self.texts[0], self.source), _distinctive(self.texts[1], self.target)
        for word in ours.keys() & theirs.keys():
            mass[theirs[word], ours[word]] += _SAME_WORD
        copies = _places(self.texts[1], self.target, self.stand_ins)
        for text, columns in _places(self.texts[0], self.source, self.stand_ins).items():
            for row in copies.get(text, ()):
                mass[row, columns] += _COPY

    def _likeness(self) -> NDArray[np.float32]:
        """What words alone say about a link, without any weights."""
        import numpy as np

        source_text, target_text = self.texts
        source_words = np.array([is_word(source_text, word) for word in self.source])
        target_words = np.array([is_word(target_text, word) for word in self.target])
        lengths = np.array([min(stop - start, _LONG) / _LONG for start, stop in self.target], np.float32)
        likeness = np.where(source_words == target_words[:, None], 1.0, _OTHER_CLASS).astype(np.float32)
        likeness *= np.where(target_words, _SHORTEST + (1 - _SHORTEST) * lengths, 1.0)[:, None]
        return likeness


def _of_rows(columns: NDArray[np.float32]) -> NDArray[np.float32]:
    import numpy as np

    rows: NDArray[np.float32] = columns / np.maximum(columns.sum(1, keepdims=True), 1e-9)
    return rows


def _distinctive(text: str, words: Sequence[Span]) -> dict[str, int]:
    """Words that stand once, with their places: no short ones, which mean something else in another language."""
    found: dict[str, int] = {}
    twice = set()
    for place, (start, stop) in enumerate(words):
        word = text[start:stop].casefold()
        if stop - start < _SHORTEST_NAME and not any(map(str.isdigit, word)):
            continue
        if word in found:
            twice.add(word)
        found[word] = place
    return {word: place for word, place in found.items() if word not in twice}


def _places(text: str, words: Sequence[Span], wanted: frozenset[str]) -> dict[str, list[int]]:
    """Where words are one of some texts."""
    found: dict[str, list[int]] = {}
    if wanted:
        for place, (start, stop) in enumerate(words):
            if text[start:stop] in wanted:
                found.setdefault(text[start:stop], []).append(place)
    return found


def _best_stretch(gains: Sequence[float]) -> tuple[int, int]:
    """The contiguous stretch, not empty, of the largest sum; of equal ones the first."""
    best, found = float("-inf"), (0, 1)
    total, start = 0.0, 0
    for place, gain in enumerate(gains):
        if total <= 0:
            total, start = 0.0, place
        total += gain
        if total > best:
            best, found = total, (start, place + 1)
    return found


def _shares(words: Sequence[Span], tokens: Sequence[Span], offset: int) -> NDArray[np.float32]:
    """[words][tokens]: of each token's characters, the share that lies in each word. Both ascend."""
    import numpy as np

    shares = np.zeros((len(words), len(tokens)), np.float32)
    first, count = 0, len(words)
    for column, (start, stop) in enumerate(tokens):
        start, stop = start + offset, stop + offset
        while first < count and words[first][1] <= start:
            first += 1
        if first == count:
            break
        if stop <= words[first][1] or first + 1 == count or stop <= words[first + 1][0]:
            shares[first, column] = start < stop and words[first][0] < stop
            continue
        for row in range(first, count):
            begin, end = words[row]
            if begin >= stop:
                break
            shares[row, column] = min(stop, end) - max(start, begin)
        shares[:, column] /= shares[:, column].sum()
    return shares


def make_regions(text: str, translation: str, parts: Sequence[AlignedPart], stand_ins: Sequence[Span]) -> list[Region]:
    """The words of all parts of a segment.

    Args:
        text, translation: the segment's.
        parts: that follow each other without gaps on both sides.
        stand_ins: stretches of ``text`` that are one unit each, ascending; in a translation they are recognised by
            their text.
    """
    regions: list[Region] = []
    source_first = target_first = turn = 0
    for part in parts:
        here = []
        while turn < len(stand_ins) and stand_ins[turn].start < part.source.stop:
            start, stop = stand_ins[turn]
            here.append(Span(max(start, part.source.start), min(stop, part.source.stop)))
            if stop > part.source.stop:
                break  # its other half stands in the next part
            turn += 1
        wanted: frozenset[str] = frozenset()
        ours, theirs = text[slice(*part.source)], translation[slice(*part.target)]
        if ours == theirs:
            part = AlignedPart(part.source, part.target)
            moved = part.target.start - part.source.start
            source = _units(ours, part.source.start, here)
            target = [Span(start + moved, stop + moved) for start, stop in source]
        else:
            source = _units(ours, part.source.start, here, part.links.source if part.links else ())
            wanted = frozenset(text[slice(*span)] for span in here)
            glued = frozenset(text[slice(*span)] for span in here if _joined(text, span.stop))
            shown = _occurrences(theirs, part.target.start, wanted, glued)
            target = _units(theirs, part.target.start, shown, part.links.target if part.links else ())
            if part.links:
                target = list(_apart(translation, target, source, part))
        regions.append(Region(source, target, source_first, target_first, part, (text, translation), wanted))
        source_first += len(source)
        target_first += len(target)
    return regions


def _units(text: str, offset: int, whole: Sequence[Span], tokens: Sequence[Span] = ()) -> list[Span]:
    """Words of one part; of scripts without spaces what the model takes for one."""
    words = split_words(text)
    pieces: list[Span] = []
    if text.isascii():
        tokens = ()
    for start, stop in tokens:
        if stop - start > 1 and has_no_spaces(text[start:stop]) and (not pieces or start >= pieces[-1].stop):
            pieces.append(Span(start, stop))
    words = [Span(start + offset, stop + offset) for start, stop in fuse(words, pieces)]
    return fuse(words, whole)


def _apart(text: str, target: Sequence[Span], source: Sequence[Span], part: AlignedPart) -> Iterator[Span]:
    """Target words, those with a hyphen in two where the halves came from two words (``schwarz-weiß``).

    A half of one letter stays (``T-Shirt``).
    """
    assert part.links is not None
    for word in target:
        start = word.start
        for match in _HYPHEN.finditer(text, word.start, word.stop):
            left, right = Span(start, match.start()), Span(match.end(), word.stop)
            if _origin(left, source, part, part.links) != _origin(right, source, part, part.links):
                yield left
                yield Span(*match.span())
                start = match.end()
        yield Span(start, word.stop)


def _origin(stretch: Span, source: Sequence[Span], part: AlignedPart, links: TokenLinks) -> int:
    """The number of the source word, within the part, that a stretch of the translation looked at most."""
    mass: dict[int, float] = {}
    begin = bisect_left(links.target, stretch.start - part.target.start + 1, key=lambda token: token[1])
    for (start, _), row in zip(links.target[begin:], links.weights[begin:], strict=True):
        if start + part.target.start >= stretch.stop:
            break
        for (first, last), weight in zip(links.source, row, strict=True):
            if first < last:
                word = bisect_left(source, first + part.source.start + 1, key=lambda word: word.stop)
                mass[word] = mass.get(word, 0.0) + weight
    return max(mass, key=lambda word: mass[word]) if mass else -1


def _occurrences(text: str, offset: int, wanted: frozenset[str], glued: frozenset[str]) -> list[Span]:
    """Where some texts stand as whole words, the longest first, ascending. Those ``glued`` may have endings."""
    if not wanted:
        return []
    choices = "|".join(re.escape(one) for one in sorted(wanted, key=len, reverse=True))
    return [
        Span(match.start() + offset, match.end() + offset)
        for match in re.finditer(choices, text)
        if not _joined(text, match.start()) and (match.group() in glued or not _joined(text, match.end()))
    ]


def _joined(text: str, place: int) -> bool:
    """Whether a place is inside a run of letters and digits."""
    return 0 < place < len(text) and text[place - 1].isalnum() and text[place].isalnum()
