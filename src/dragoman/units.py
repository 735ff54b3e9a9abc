"""Sizes in bytes, as people write and read them."""

from __future__ import annotations

import re

from dragoman.errors import OptionsError

__all__ = ["format_bytes", "parse_bytes"]

_UNITS = {"": 1, "b": 1}
for _power, _letter in enumerate("kmgt", 1):
    _UNITS[f"{_letter}b"] = _UNITS[_letter] = 1000**_power
    _UNITS[f"{_letter}ib"] = 1024**_power
_FORM = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)\s*")
_ALLOWED = 'a number of bytes above 0, or a text such as "512 MB" (millions) or "512 MiB" (1024 x 1024)'


def parse_bytes(name: str, value: int | str) -> int:
    """Bytes from a number, or from "512 MB", "1.5 GiB". Raises OptionsError, with ``name`` of the setting."""
    if isinstance(value, int) and not isinstance(value, bool):
        size = value
    else:
        match = _FORM.fullmatch(value) if isinstance(value, str) else None
        if match is None or match[2].lower() not in _UNITS:
            raise OptionsError(name, value, _ALLOWED)
        size = int(float(match[1]) * _UNITS[match[2].lower()])
    if not 0 < size < 1 << 62:
        raise OptionsError(name, value, _ALLOWED)
    return size


def format_bytes(size: int | float) -> str:
    """Three digits and a unit, such as "11.1 MB"; units are powers of 1000."""
    number, unit = float(size), "B"
    for letter in ("kB", "MB", "GB", "TB"):
        if abs(number) < 999.5:
            break
        number, unit = number / 1000, letter
    if unit == "B":
        return f"{number:.0f} B"
    return f"{number:.{max(0, 2 - len(str(int(abs(number)))) + 1)}f} {unit}"
