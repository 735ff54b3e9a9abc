"""Inline text of Markdown in pieces: what is read, what marks it, and what is kept.

CommonMark 0.31 chapter 6 with GitHub's strikethrough and footnotes, and what site generators add (formulas, short
codes, attribute lists). Linear time: each construct is looked for once from where it begins.
"""

from __future__ import annotations

import html
import re
from bisect import bisect_left
from dataclasses import dataclass, replace
from enum import Enum, auto

from dragoman.text.html.elements import OPAQUE, READ_INLINE, VOID
from dragoman.text.markdown.emphasis import Run, find_pairs, run_at
from dragoman.text.markdown.regions import normal_label

__all__ = ["Item", "Kind", "read_inlines"]


class Kind(Enum):
    TEXT = auto()
    REFERENCE = auto()
    """Characters that are spelled in another way; ``shown`` is what they mean."""
    OPEN = auto()
    CLOSE = auto()
    MARK = auto()
    STAND_IN = auto()
    """Kept; the model reads ``shown``."""
    BREAK = auto()


@dataclass(frozen=True, slots=True)
class Item:
    """``text[start:stop]``.

    Attributes:
        pair: of OPEN and CLOSE, what they share.
        raw: what is written for it, if not what is there.
        inset: of a picture, where its description stands.
    """

    kind: Kind
    start: int
    stop: int
    shown: str = ""
    pair: int = -1
    raw: str | None = None
    inset: tuple[int, int] | None = None


_PUNCTUATION = r"""!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~"""
_SPECIAL = re.compile(
    r"(?P<escape>\\["
    + _PUNCTUATION
    + r"])|(?P<hard>(?: {2,}|\\)\r?\n[ \t]*)|(?P<ticks>`+)"
    + r"|(?P<auto><[A-Za-z][A-Za-z0-9+.-]{1,31}:[^\s<>]*+>|<[\w.!#$%&'*+/=?^`{|}~-]{1,200}@[\w.-]{1,200}>)"
    + r"|(?P<tag></?[A-Za-z][A-Za-z0-9-]*+(?:\s++[A-Za-z_:][\w:.-]*+"
    + r"""(?:\s*+=\s*+(?:[^\s"'=<>`]++|'[^']*+'|"[^"]*+"))?+)*+\s*+/?>)"""
    + r"|(?P<comment><(?:!--|\?|!\[CDATA\[))"
    + r"|(?P<reference>&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});)"
    + r"|(?P<code>\{\{[<%]?[^{}\n]{0,500}[>%]?\}\}|\{%[^{}\n]{0,500}%\}|\{[#.:][^{}\n]{1,200}\})"
    + r"|(?P<note>\[\^[^\s\[\]]{1,200}\])"
    + r"|(?P<math>\$\$[^$]{1,1000}\$\$|\$(?=\S)[^$\n]{0,300}(?<=\S)\$(?![0-9]))"
    + r"|(?P<emoji>:[a-z0-9_+-]{2,40}:)"
    + r"|(?P<image>!\[)|(?P<bracket>\[)|(?P<end>\])|(?P<run>\*+|_+|~+)"
)
_TARGET = re.compile(
    r"\(\s*+(?:<[^<>\n]*+>|(?!<)(?:[^\s()\\]++|\\.|\((?:[^\s()\\]++|\\.)*+\))*+)"
    r"""(?:\s++(?:"(?:[^"\\]++|\\.)*+"|'(?:[^'\\]++|\\.)*+'|\((?:[^()\\]++|\\.)*+\)))?+\s*+\)"""
)
_LABEL = re.compile(r"\[([^\[\]]{0,999})\]")
_TAG_NAME = re.compile(r"</?([A-Za-z][A-Za-z0-9-]*)")
_ENDS = {"<!--": "-->", "<?": "?>", "<![CDATA[": "]]>"}
_LONGEST_LABEL = 999
_LONGEST_STAND_IN = 200


@dataclass(slots=True)
class _Bracket:
    start: int
    is_image: bool
    items: int
    runs: int
    active: bool = True


def read_inlines(text: str, labels: frozenset[str]) -> list[Item]:
    """The pieces of an inline text that are not plain text, ascending; between them it stands for itself.

    Args:
        text: without what its lines begin with in lists and quotes.
        labels: of the document's link definitions, from `normal_label`.
    """
    scanner = _Scanner(text, labels)
    scanner.scan()
    return sorted(scanner.items, key=lambda item: (item.start, item.stop))


class _Scanner:
    """One way through an inline text, with what is open."""

    def __init__(self, text: str, labels: frozenset[str]) -> None:
        self.items: list[Item] = []
        self._text = text
        self._labels = labels
        self._runs: list[Run] = []
        self._brackets: list[_Bracket] = []
        self._inactive = 0  # brackets below this one begin no links: they would have links in them
        self._tags: dict[str, list[int]] = {}  # items of open tags, by name
        self._pairs = 0
        self._absent: set[str] = set()
        self._ticks: dict[int, list[int]] = {}
        for found in re.finditer("`+", text):
            self._ticks.setdefault(len(found.group()), []).append(found.start())

    def scan(self) -> None:
        place = 0
        while found := _SPECIAL.search(self._text, place):
            place = self._take(str(found.lastgroup), *found.span())
        self._emphasize(0)

    def _take(self, kind: str, start: int, stop: int) -> int:
        """One construct; returns where the next may begin."""
        text = self._text
        match kind:
            case "escape":
                self.items.append(Item(Kind.REFERENCE, start, stop, text[start + 1]))
            case "reference":
                self.items.append(Item(Kind.REFERENCE, start, stop, html.unescape(text[start:stop])))
            case "hard":
                self.items.append(Item(Kind.BREAK, start, stop))
            case "ticks":
                return self._code_span(start, stop)
            case "auto":
                self._keep(start, stop, text[start + 1 : stop - 1])
            case "math":
                self._keep(start, stop, text[start:stop].strip("$"))
            case "emoji" | "code" | "note":
                self.items.append(Item(Kind.MARK, start, stop))
            case "tag":
                return self._tag(start, stop)
            case "comment":
                return self._comment(start, stop)
            case "image" | "bracket":
                self._brackets.append(_Bracket(start, kind == "image", len(self.items), len(self._runs)))
            case "end":
                return self._close_bracket(start, stop)
            case _:
                self._runs.append(run_at(text, start))
        return stop

    def _keep(self, start: int, stop: int, shown: str) -> None:
        shown = " ".join(shown.split())
        kind = Kind.STAND_IN if 0 < len(shown) <= _LONGEST_STAND_IN else Kind.MARK
        self.items.append(Item(kind, start, stop, shown if kind is Kind.STAND_IN else ""))

    def _code_span(self, start: int, stop: int) -> int:
        same = self._ticks.get(stop - start, [])
        turn = bisect_left(same, stop)
        if turn == len(same):
            return stop
        self._keep(start, same[turn] + stop - start, self._text[stop : same[turn]])
        return same[turn] + stop - start

    def _comment(self, start: int, stop: int) -> int:
        end = _ENDS[self._text[start:stop]]
        place = -1 if end in self._absent else self._text.find(end, stop)
        if place < 0:
            self._absent.add(end)
            return stop
        self.items.append(Item(Kind.MARK, start, place + len(end)))
        return place + len(end)

    def _tag(self, start: int, stop: int) -> int:
        found = _TAG_NAME.match(self._text, start)
        assert found is not None
        name = found[1].lower()
        if name == "br":
            self.items.append(Item(Kind.BREAK, start, stop))
        elif name in VOID or self._text[stop - 2] == "/":
            self.items.append(Item(Kind.MARK, start, stop))
        elif self._text[start + 1] == "/":
            begins = self._tags.get(name)
            pair = -1
            if begins:
                begin = begins.pop()
                pair = self._new_pair()
                self.items[begin] = replace(self.items[begin], pair=pair)
            self.items.append(Item(Kind.CLOSE, start, stop, pair=pair))
        elif name in OPAQUE:
            return self._opaque(name, start, stop)
        else:
            self._tags.setdefault(name, []).append(len(self.items))
            self.items.append(Item(Kind.OPEN, start, stop))
        return stop

    def _opaque(self, name: str, start: int, stop: int) -> int:
        end = f"</{name}>"
        place = -1 if end in self._absent else self._text.find(end, stop)
        if place < 0:
            self._absent.add(end)
            self.items.append(Item(Kind.OPEN, start, stop))
            return stop
        shown = self._text[stop:place] if name in READ_INLINE else ""
        self._keep(start, place + len(end), re.sub("<[^<>]*>", "", shown))
        return place + len(end)

    def _new_pair(self) -> int:
        self._pairs += 1
        return self._pairs

    def _close_bracket(self, start: int, stop: int) -> int:
        if not self._brackets:
            return stop
        bracket = self._brackets.pop()
        is_inactive = len(self._brackets) < self._inactive and not bracket.is_image
        self._inactive = min(self._inactive, len(self._brackets))
        end, raw = (stop, None) if is_inactive else self._target(bracket, start, stop)
        if is_inactive or end == 0:
            return stop
        if bracket.is_image:
            # What is open outside stays; what is in the description is plain text.
            del self.items[bracket.items :], self._runs[bracket.runs :]
            self._tags = {name: [one for one in begins if one < bracket.items] for name, begins in self._tags.items()}
            self.items.append(Item(Kind.MARK, bracket.start, end, inset=(bracket.start + 2, start)))
            return end
        self._emphasize(bracket.runs)
        self._inactive = len(self._brackets)
        pair = self._new_pair()
        self.items.append(Item(Kind.OPEN, bracket.start, bracket.start + 1, pair=pair))
        self.items.append(Item(Kind.CLOSE, start, end, pair=pair, raw=raw))
        return end

    def _target(self, bracket: _Bracket, start: int, stop: int) -> tuple[int, str | None]:
        """Where a link or a picture ends, and what is written for its end; 0 if it is none."""
        found = _TARGET.match(self._text, stop)
        if found:
            return found.end(), None
        found = _LABEL.match(self._text, stop)
        if found and normal_label(found[1]) in self._labels:
            return found.end(), None
        begin = bracket.start + 1 + bracket.is_image
        if start - begin <= _LONGEST_LABEL:
            label = self._text[begin:start]
            if normal_label(label) in self._labels:
                return (found.end() if found and not found[1].strip() else stop), f"][{label}]"
        return 0, None

    def _emphasize(self, first: int) -> None:
        for begin, begin_stop, end, end_stop in find_pairs(self._runs[first:]):
            pair = self._new_pair()
            self.items.append(Item(Kind.OPEN, begin, begin_stop, pair=pair))
            self.items.append(Item(Kind.CLOSE, end, end_stop, pair=pair))
        del self._runs[first:]
