"""What callers may pass: one check for each kind of argument, all with the same error.

Each function returns the value in the form that the rest works with, or raises OptionsError with the argument's name.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import SupportsFloat, SupportsIndex, TypeVar, cast

from dragoman.errors import OptionsError

__all__ = [
    "LONGEST_S",
    "check_call",
    "check_choice",
    "check_integer",
    "check_name",
    "check_seconds",
    "check_texts",
    "chunks_of",
]

LONGEST_S = 1e9
"""More seconds than any system waits; and still few enough that none of its clocks overflows."""

_Function = TypeVar("_Function", bound=Callable[..., object] | None)
_TEXTS = "a str, or an iterable of str"


def check_integer(name: str, value: object, least: int, most: int) -> int:
    """Also NumPy's integers, but neither booleans nor floats."""
    number = None
    if not isinstance(value, bool) and hasattr(value, "__index__"):
        number = cast(SupportsIndex, value).__index__()
    if number is None or not least <= number <= most:
        raise OptionsError(name, value, f"an integer from {least} to {most}")
    return number


def check_seconds(name: str, value: object, *, least: float = 0.0, most: float = LONGEST_S) -> float:
    """A number above ``least`` (from 0 on if that is below 0) and up to ``most``."""
    try:
        seconds = math.nan if isinstance(value, (bool, str, bytes)) else float(cast(SupportsFloat, value))
    except (TypeError, ValueError, OverflowError):
        seconds = math.nan
    if not (least < seconds <= most and seconds >= 0):
        start = "from 0 to" if least < 0 else f"above {least:g} and up to"
        raise OptionsError(name, value, f"a number of seconds {start} {most:g}")
    return seconds


def check_name(name: str, value: object, *, empty: bool = False) -> str:
    """A text, such as the name of a model or of a caller."""
    if not isinstance(value, str) or not (value or empty):
        raise OptionsError(name, value, "a str" if empty else "a str that is not empty")
    return value


def check_choice(name: str, value: object, choices: Sequence[str]) -> str:
    if not isinstance(value, str) or value not in choices:
        raise OptionsError(name, value, "one of " + ", ".join(choices))
    return value


def check_call(name: str, value: _Function) -> _Function:
    """A function, or None."""
    if value is not None and not callable(value):
        raise OptionsError(name, value, "a function, or None")
    return value


def check_texts(texts: object) -> str | Iterable[str]:
    """One text, or what gives several: a list, a generator, an array. Each of them is looked at when it is taken."""
    if isinstance(texts, str):
        return texts
    if isinstance(texts, (bytes, bytearray, memoryview)):
        raise OptionsError("texts", texts, f'{_TEXTS}: decode bytes first, such as by .decode("utf-8")')
    if isinstance(texts, Mapping):
        raise OptionsError("texts", texts, f"{_TEXTS}: take the keys or the values of a mapping")
    try:
        iter(cast(Iterable[str], texts))
    except TypeError:
        raise OptionsError("texts", texts, _TEXTS) from None
    return cast(Iterable[str], texts)


def chunks_of(texts: Iterable[str], most: int) -> Iterator[list[str]]:
    """The texts, at most so many at a time, each one checked; a generator is asked for no more than one chunk ahead."""
    source = iter(texts)
    first = 0
    while chunk := list(itertools.islice(source, most)):
        for number, text in enumerate(chunk, first):
            if not isinstance(text, str):
                raise OptionsError(f"texts[{number}]", text, "a str")
        yield chunk
        first += len(chunk)
