"""What is not translated: addresses, names of files, placeholders, emoji, serials, versions, long numbers, and more.

It is found before a model reads the text, and comes through exactly.

Short numbers stay in the text, which needs them for agreement and local form: `dragoman.text.numbers` checks them.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from dragoman.errors import OptionsError
from dragoman.text.codes import Span
from dragoman.text.protected_patterns import PATTERN, Protection

__all__ = ["Keep", "Protected", "Protection", "find_protected", "miscounted", "needs_model"]

_MOST_KEEP = 10_000
_SPECIAL = re.compile(
    "[%$&<@#\\\\_{}\\d:/\u00a9\u00ae\u2022\u2023\u2043\u20e3\u2122\u2190-\u21ff\u2300-\u23ff\u2500-\u27bf\u27f0-\u27ff"
    "\u2900-\u297f\u2b00-\u2bff\u3030\u303d\u3297\u3299\ue000-\uf8ff\U0001f000-\U0001faff]|\\.\\w|\\(\\)|--"
)
"""What a text has that holds anything of `PATTERN`; most have nothing."""

_CLOSERS = {")": "(", "]": "[", "}": "{"}
_TRAILING = ".,;:!?'\u2019\u201d\u00bb*_~"
_CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0eff]")
_IN_ADDRESS = "/=?&#_%-"

_NAME_IN_BRACES = re.compile(r"[ \t]*[$@#:.]?[A-Za-z0-9_][\w.$@:\[\]()|!<>=+*/^ -]{0,80}[ \t]*|[ \t]*")
_TEXT_IN_BRACES = re.compile(r"[A-Za-z]{2,} [A-Za-z]+")
_ICU = re.compile(
    r"\s*[\w.-]{1,60}\s*,\s*(?:plural|select|selectordinal|choice|number|date|time|spellout|ordinal|duration|list)\b"
)


@dataclass(frozen=True, slots=True)
class Protected:
    """One span that is copied. ``kind`` says why."""

    span: Span
    kind: Protection


@dataclass(frozen=True)
class Keep:
    """What a caller wants copied.

    Attributes:
        patterns: a string stands for itself, as a whole word where it begins or ends with a letter or digit; a compiled
            pattern for what it matches.

    Raises OptionsError for anything else, for more than 10 000 of them, for an empty string, and for a pattern in which
    an unbounded repetition holds another: its time may grow with the square of a text, or worse.
    """

    patterns: tuple[str | re.Pattern[str], ...] = ()
    _compiled: tuple[re.Pattern[str], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        given = self.patterns
        if isinstance(given, (str, re.Pattern)) or len(given) > _MOST_KEEP:
            raise OptionsError("keep", type(given).__name__, f"a sequence of at most {_MOST_KEEP} strings and patterns")
        words: set[str] = set()
        compiled: list[re.Pattern[str]] = []
        for number, one in enumerate(given):
            if isinstance(one, str) and one.strip():
                words.add(one.strip())
            elif isinstance(one, re.Pattern) and isinstance(one.pattern, str) and not _nests_repetition(one):
                compiled.append(one)
            else:
                allowed = "a text that is not empty, or a compiled pattern of text without repetition inside repetition"
                raise OptionsError(f"keep[{number}]", getattr(one, "pattern", one), allowed)
        if words:
            longest_first = sorted(words, key=lambda word: (-len(word), word))
            compiled.insert(0, re.compile("|".join(map(_whole, longest_first))))
        object.__setattr__(self, "patterns", tuple(given))
        object.__setattr__(self, "_compiled", tuple(compiled))

    def more(self, pattern: re.Pattern[str]) -> Keep:
        """These and another pattern."""
        return Keep((*self.patterns, pattern))

    def spans(self, text: str) -> list[Span]:
        """Where they are, ascending, without overlap: the earliest first, of those the longest."""
        found = [Span(*match.span()) for one in self._compiled for match in one.finditer(text)]
        return _without_overlap(sorted((span for span in found if span.stop > span.start), key=lambda s: (s[0], -s[1])))


NOTHING = Keep()


def find_protected(text: str, keep: Keep = NOTHING) -> tuple[Protected, ...]:
    """The spans of a text that are copied, ascending, without overlap; what ``keep`` names goes before the rest.

    A span that is only a part of what is protected anyway (a name in an address) changes nothing. Linear time in the
    length of the text, ``keep`` aside.
    """
    found = list(_find(text)) if _SPECIAL.search(text) else []
    kept = keep.spans(text)
    if kept:
        starts = [one.span.start for one in found]
        kept = [span for span in kept if not _holds(found, bisect_right(starts, span.start) - 1, span)]
        stops = [span.stop for span in kept]
        found = [one for one in found if not _overlaps(kept, bisect_right(stops, one.span.start), one.span)]
        found += [Protected(span, Protection.KEEP) for span in kept]
        found.sort(key=lambda one: one.span)
    return tuple(found)


def needs_model(text: str, protected: Sequence[Protected]) -> bool:
    """Whether there is a letter of any script outside of the protected spans; else a text is its own translation."""
    done = 0
    for one in protected:
        if any(map(str.isalpha, text[done : one.span.start])):
            return True
        done = one.span.stop
    return any(map(str.isalpha, text[done:]))


def miscounted(wanted: Iterable[str], target: str) -> tuple[str, ...]:
    """Of spans that a translation must have each as often as they are given, those that are too few or too many in it.

    One that stands inside another counts with both.
    """
    counts = Counter(wanted)
    inside = {
        one: sum(other.count(one) * count for other, count in counts.items() if len(other) > len(one)) for one in counts
    }
    return tuple(one for one, count in counts.items() if target.count(one) != count + inside[one])


def _holds(found: Sequence[Protected], number: int, span: Span) -> bool:
    """Whether the protected span of this number, if there is one, is larger and has ``span`` inside."""
    return number >= 0 and span.stop <= found[number].span.stop and span != found[number].span


def _overlaps(kept: Sequence[Span], number: int, span: Span) -> bool:
    return number < len(kept) and kept[number].start < span.stop


def _find(text: str) -> Iterator[Protected]:
    edges = [0, *(edge for span in _braces(text) for edge in span), len(text)]
    for number, (start, stop) in enumerate(pairwise(edges)):
        if number % 2:
            yield Protected(Span(start, stop), Protection.PLACEHOLDER)
            continue
        place = start
        while match := PATTERN.search(text, place, stop):
            if match.lastgroup == "plain":
                place = match.end()
                continue
            kind = Protection.VERSION if match["bare"] else Protection((match.lastgroup or "").rstrip("0123456789"))
            span = Span(*match.span("bare" if match["bare"] else 0))
            if kind in (Protection.URL, Protection.PATH, Protection.EMAIL):
                span = _trimmed(text, span)
            place = max(span.stop, place + 1)
            if span.stop > span.start:
                yield Protected(span, kind)


def _trimmed(text: str, span: Span) -> Span:
    """An address without the punctuation of its sentence, brackets that it did not open, and words after it without a
    space."""
    start, stop = span
    for match in _CJK.finditer(text, start, stop):
        before = text[match.start() - 1] if match.start() > start else ""
        if before and before not in _IN_ADDRESS and not _CJK.match(before):
            stop = match.start()
            break
    depths = {one: text.count(one, start, stop) - text.count(end, start, stop) for end, one in _CLOSERS.items()}
    while stop > start:
        last = text[stop - 1]
        if last in _CLOSERS and depths[_CLOSERS[last]] < 0:
            depths[_CLOSERS[last]] += 1
        elif last not in _TRAILING:
            break
        stop -= 1
    return Span(start, stop)


def _braces(text: str) -> Iterator[Span]:
    """Placeholders in braces, the outermost: ``{0}``, ``{{ x }}``, ``${x}``, ``%{x}``, ``{% if %}``, ICU messages."""
    opened: list[int] = []
    pairs: list[Span] = []
    for match in re.finditer("[{}]", text):
        if match[0] == "{":
            opened.append(match.start())
        elif opened:
            pairs.append(Span(opened.pop(), match.end()))
    done = 0
    for span in sorted(pairs):
        if span.start >= done and _is_placeholder(text, span):
            start = span.start - (text[max(span.start - 1, 0) : span.start] in ("$", "#", "%") and span.start > done)
            yield Span(start, span.stop)
            done = span.stop


def _is_placeholder(text: str, span: Span) -> bool:
    inner = text[span.start + 1 : min(span.stop - 1, span.start + 400)]
    if (inner[:1] in "{%#" and inner[-1:] in "}%#") or span.stop - span.start > 400:
        return bool(inner) and (inner[0] in "{%#" or bool(_ICU.match(inner)))
    if _ICU.match(inner):
        return True
    return bool(_NAME_IN_BRACES.fullmatch(inner)) and not _TEXT_IN_BRACES.search(inner)


def _whole(word: str) -> str:
    return (r"(?<!\w)" if word[0].isalnum() else "") + re.escape(word) + (r"(?!\w)" if word[-1].isalnum() else "")


def _without_overlap(spans: Sequence[Span]) -> list[Span]:
    kept: list[Span] = []
    for span in spans:
        if not kept or span.start >= kept[-1].stop:
            kept.append(span)
    return kept


def _nests_repetition(pattern: re.Pattern[str]) -> bool:
    """Whether an unbounded repetition holds another, as ``(a+)+`` does."""
    depth_at: list[bool] = []  # of each open group: whether it holds an unbounded repetition
    source, place, held = pattern.pattern, 0, False
    while place < len(source):
        one = source[place]
        if one == "\\":
            place += 2
            continue
        if one == "[":
            place = _behind_class(source, place)
            continue
        if one == "(":
            depth_at.append(held)
            held = False
        elif one == ")" and depth_at:
            repeated = _UNBOUNDED.match(source, place + 1)
            if repeated and held:
                return True
            held = depth_at.pop() or held or bool(repeated)
        elif _UNBOUNDED.match(source, place) and source[max(place - 1, 0)] not in "(":
            held = True
        place += 1
    return False


_UNBOUNDED = re.compile(r"[*+]|\{[0-9]*,(?:[0-9]{3,})?\}")


def _behind_class(source: str, place: int) -> int:
    """Behind a set such as ``[^]a-z]`` that begins at ``place``."""
    place += 2 if source[place + 1 : place + 2] == "^" else 1
    place += source[place : place + 1] == "]"
    while place < len(source) and source[place] != "]":
        place += 2 if source[place] == "\\" else 1
    return place + 1
