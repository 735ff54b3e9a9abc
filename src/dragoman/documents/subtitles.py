"""SubRip (.srt) and WebVTT (.vtt): timing, settings, notes and styles stay; sentences over several cues are one.

WebVTT: https://www.w3.org/TR/webvtt1/. SubRip has no specification; what players read is accepted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from dragoman.documents.encoding import TextFile
from dragoman.documents.inline import InlineText, Mark
from dragoman.documents.unit import Settings, Unit

__all__ = ["Subtitles", "read_subtitles"]

_TIME = r"[ \t]*(?:\d+:)?\d{1,3}:\d{2}(?:[.,]\d{1,3})?"
_TIMING = re.compile(rf"{_TIME}[ \t]*-->{_TIME}.*")
_BLANKS = re.compile(r"(?:[ \t]*(?:\r\n|\n|\r))+")
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r|$)")
_BEGIN = re.compile(r"(?:\{\\[^}\r\n]{0,500}\}|<v[ .][^>\r\n]*>|<c[ .][^>\r\n]*>|[ \t])*")
_MARK = re.compile(r"\{\\[^}\r\n]{0,500}\}|</?[A-Za-z0-9][^<>\r\n]*>")
_CLOSING = re.compile(r"</([A-Za-z0-9]+)")
_DASH = re.compile(r"[ \t]*[-\u2010-\u2015\u2022][ \t]*(?=\S)")
_ENDS = re.compile(r"[.!?:\u2026\u3002\uff01\uff1f\u061f\u0964\u266a][\"'\u201d\u00bb\u2019)\]]*\s*$")
_MOST_JOINED = 8
_NAMELESS = frozenset({"v", "c", "lang"})


@dataclass(frozen=True, slots=True)
class _Line:
    """Words of one cue that are translated together: the whole cue, or one speaker's line.

    Attributes:
        start, stop: in the source.
        break_: what ends a line of the file.
        lines: how many lines it takes.
        text: its words and marks, on one line.
    """

    start: int
    stop: int
    break_: str
    lines: int
    text: str
    joins: bool


class Subtitles:
    """See `dragoman.documents.unit.Document`."""

    def __init__(self, file: TextFile, lines: Sequence[_Line]) -> None:
        self._file = file
        self._groups = _grouped(lines)
        self._read = [_unit_of(group) for group in self._groups]

    @property
    def units(self) -> Sequence[Unit]:
        return [unit for unit, _ in self._read]

    def write(self, translated: Sequence[str | None]) -> bytes:
        source, parts, at = self._file.text, [], 0
        for group, (unit, marks), text in zip(self._groups, self._read, translated, strict=True):
            if text is None or text == unit.text:
                continue
            for line, words in zip(group, _shared_out(group, unit, marks, text), strict=True):
                parts += [source[at : line.start], _wrapped(words, line)]
                at = line.stop
        return self._file.encode("".join([*parts, source[at:]]))


def read_subtitles(file: TextFile, settings: Settings) -> Subtitles:
    """All cues. What is no cue is copied."""
    source, lines, at = file.text, [], 0
    while at < len(source):
        row = _LINE.match(source, at)
        assert row is not None
        following = row.end()
        if _TIMING.match(row[0]):
            end = _end_of_block(source, following)
            lines += _lines_of_cue(source, following, end)
            at = end
        elif re.match(r"(?:NOTE|STYLE|REGION)\b", row[0]):
            at = _end_of_block(source, following)
        else:
            at = following
        if row.end() == row.start():
            break
    return Subtitles(file, lines)


def _end_of_block(source: str, start: int) -> int:
    """Where the text before the next blank line ends, or before a timing: a blank line is sometimes missing, and with
    it the number of a cue stands before."""
    at = numbered = start
    while at < len(source):
        row = _LINE.match(source, at)
        assert row is not None
        if not row[0].strip():
            return at
        if _TIMING.match(row[0]):
            return numbered
        numbered = at if row[0].strip().isdecimal() else row.end()
        at = row.end()
    return at


def _lines_of_cue(source: str, start: int, stop: int) -> list[_Line]:
    rows = [row for row in _LINE.finditer(source, start, stop) if row[0].strip()]
    if not rows:
        return []
    break_ = next((row[0][len(row[0].rstrip("\r\n")) :] for row in rows if row[0].endswith(("\n", "\r"))), "\n")
    if sum(_DASH.match(row[0]) is not None for row in rows) > 1 or (len(rows) == 1 and _DASH.match(rows[0][0])):
        return [line for row in rows if (line := _line(source, row.start(), row.end(), break_, 1, joins=False))]
    line = _line(source, rows[0].start(), rows[-1].end(), break_, len(rows), joins=True)
    return [line] if line else []


def _line(source: str, start: int, stop: int, break_: str, count: int, *, joins: bool) -> _Line | None:
    """Without marks and dashes at its begin and white space at its end; None if no words are left."""
    for pattern in (_BEGIN, _DASH, _BEGIN):
        found = pattern.match(source, start, stop)
        start = start if found is None else found.end()
    stop = start + len(source[start:stop].rstrip())
    text = " ".join(source[start:stop].split())
    if not any(letter.isalnum() for letter in _MARK.sub("", text)):
        return None
    return _Line(start, stop, break_, count, text, joins)


def _grouped(lines: Sequence[_Line]) -> list[list[_Line]]:
    """Cues whose sentence goes on in the next."""
    groups: list[list[_Line]] = []
    for line in lines:
        before = groups[-1][-1] if groups else None
        goes_on = (
            before is not None
            and before.joins
            and line.joins
            and len(groups[-1]) < _MOST_JOINED
            and _ENDS.search(_MARK.sub("", before.text)) is None
            and not _begins_anew(line.text)
        )
        if goes_on:
            groups[-1].append(line)
        else:
            groups.append([line])
    return groups


def _begins_anew(text: str) -> bool:
    """Titles, songs and captions end without a full stop: a capital in a script that has them begins something."""
    letters = _MARK.sub("", text).lstrip("\"'\u201c\u00ab\u2018([ ")
    return letters[:1].isupper() and not letters.startswith(("I ", "I'"))


def _unit_of(group: Sequence[_Line]) -> tuple[Unit, dict[int, str]]:
    """The words of all cues, with marks, and an empty mark where one cue ends."""
    inline = InlineText()
    marks: dict[int, str] = {}
    opened: list[tuple[int, str]] = []
    for number, line in enumerate(group):
        if number:
            marks[-number] = ""
            inline.text(" ")
            inline.alone(-number)
        at = 0
        closed = {found[1].lower(): found.start() for found in _CLOSING.finditer(line.text)}  # the last of each name
        for found in _MARK.finditer(line.text):
            inline.text(line.text[at : found.start()])
            at, raw, key = found.end(), found[0], len(marks) + 1
            name = re.sub(r"[^A-Za-z0-9].*", "", raw.strip("</>")).lower()
            if raw.startswith("</") and opened and opened[-1][1] == name:
                inline.close(opened[-1][0])
                marks[-1000 - opened.pop()[0]] = raw
                continue
            marks[key] = raw
            pairs = raw.startswith("<") and not raw.startswith("</") and closed.get(name, -1) >= at
            if pairs and name not in _NAMELESS:
                opened.append((key, name))
                inline.open(key)
            else:
                inline.alone(key)
        inline.text(line.text[at:])
        while opened:  # a pair stays within its cue
            inline.close(opened.pop()[0])
    return inline.unit(), marks


def _shared_out(group: Sequence[_Line], unit: Unit, marks: dict[int, str], text: str) -> list[str]:
    """The translation cut into as many texts as there are cues, none without words."""
    cues: list[list[str]] = [[]]
    for piece in InlineText.read(unit, text):
        if isinstance(piece, str):
            cues[-1].append(piece)
        elif piece.kind == "alone" and -_MOST_JOINED <= piece.key < 0:
            cues.append([])
        else:
            cues[-1].append(_raw(piece, marks))
    found = [" ".join("".join(cue).split()) for cue in cues]
    if len(found) == len(group) and all(any(map(str.isalnum, _MARK.sub("", cue))) for cue in found):
        return found
    return _by_length(" ".join(cue for cue in found if cue), [len(line.text) for line in group])


def _raw(mark: Mark, marks: dict[int, str]) -> str:
    if mark.kind == "close":
        return marks.get(-1000 - mark.key, "")
    return marks.get(mark.key, "")


def _by_length(text: str, lengths: Sequence[int]) -> list[str]:
    """Cut between words (letters, where there are too few) in the proportion of the source's cues."""
    pieces = text.split(" ")
    joint = " "
    if len(pieces) < len(lengths):
        pieces, joint = list(text), ""
    if len(pieces) < len(lengths):
        pieces += ["\u2026"] * (len(lengths) - len(pieces))
    total, found, taken, size = sum(lengths), [], 0, sum(map(len, pieces))
    reached = aim = 0
    for number, length in enumerate(lengths):
        aim += length
        first = taken
        most = len(pieces) - (len(lengths) - number - 1)
        while taken < most and (taken == first or (reached + len(pieces[taken]) / 2) * total < aim * size):
            reached += len(pieces[taken])
            taken += 1
        if number == len(lengths) - 1:
            taken = len(pieces)
        found.append(joint.join(pieces[first:taken]))
    return found


def _wrapped(text: str, line: _Line) -> str:
    """On as many lines as the cue had, as even as words allow; on fewer where there are too few words."""
    words = text.split(" ")
    if line.lines == 1 or len(words) < line.lines:
        return text
    return line.break_.join(_by_length(text, [1] * line.lines))
