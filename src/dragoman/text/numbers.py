"""Whether a translation has the numbers of its source: digits stay, separators follow the language."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from typing import NamedTuple

from dragoman.result import Span

__all__ = ["NumberCheck", "check_numbers", "mended_numbers", "numbers_of"]

_GROUP = "[.,'\u2019\u066c\u00a0\u202f\u2009 ]"
_NUMBER = re.compile(rf"(?<!\d)(?:\d{{1,3}}(?:{_GROUP}\d{{3}})+|\d{{1,2}}(?:,\d{{2}})+,\d{{3}})(?!\d)|\d+")
"""A number with its thousands (also in lakhs), or a run of digits."""

_SPELLED = 12
"""Numbers up to this are often written as words."""


class NumberCheck(NamedTuple):
    """Numbers of a source that its translation lacks, and those that it has besides; as digits, without separators."""

    missing: tuple[str, ...]
    extra: tuple[str, ...]

    @property
    def passed(self) -> bool:
        return not self.missing and not self.extra


def numbers_of(text: str) -> Counter[str]:
    """The whole numbers in a text: ``1,234.50`` has 1234 and 50, a date three. Any script's digits count as ASCII's."""
    return Counter(_digits(match[0]) for match in _NUMBER.finditer(text))


def check_numbers(source: str, target: str) -> NumberCheck:
    """Compare the numbers of a text and its translation as multisets.

    Up to twelve they may be words on one side, and are then let pass.
    """
    wanted, found = numbers_of(source), numbers_of(target)
    return NumberCheck(_above(wanted - found), _above(found - wanted))


def mended_numbers(source: str, target: str) -> list[tuple[Span, str]] | None:
    """Numbers of a translation that are wrong, and what of the source belongs there.

    Only where it is clear: as many are missing as there are besides. None where it is not.
    """
    check = check_numbers(source, target)
    if len(check.missing) != len(check.extra):
        return None
    wanted, wrong = _places(source, Counter(check.missing)), _places(target, Counter(check.extra))
    return [(span, source[found.start : found.stop]) for span, found in zip(wrong, wanted, strict=True)]


def _places(text: str, wanted: Counter[str]) -> list[Span]:
    """Where these numbers stand, the last ones of equals."""
    found: list[Span] = []
    for match in reversed(list(_NUMBER.finditer(text))):
        digits = _digits(match[0])
        if wanted[digits] > 0:
            wanted[digits] -= 1
            found.append(Span(*match.span()))
    return found[::-1]


def _digits(number: str) -> str:
    if number.isascii() and number.isdigit():
        return number.lstrip("0") or "0"
    digits = "".join(str(unicodedata.digit(one)) for one in number if one.isdecimal())
    return digits.lstrip("0") or "0"


def _above(numbers: Counter[str]) -> tuple[str, ...]:
    return tuple(sorted(number for number in numbers.elements() if len(number) > 2 or int(number) > _SPELLED))
