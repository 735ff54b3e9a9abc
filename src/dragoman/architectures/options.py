"""Marian's options, read with a type and a range (defaults: ``src/common/config_parser.cpp``)."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from dragoman.errors import UnsupportedModelError

__all__ = ["Options"]

_FLAGS = {"true": True, "false": False, "1": True, "0": False, "": False}


class Options:
    """The mapping of ``special:model.yml``. Absent keys are defaults, a bad value is refused by its name."""

    def __init__(self, given: Mapping[str, object]) -> None:
        self._given = given

    def given(self, name: str) -> object:
        """The value as stored, or None."""
        return self._given.get(name)

    def refuse(self, name: str, advice: str = "") -> UnsupportedModelError:
        """The error to raise for the value of option ``name``."""
        return UnsupportedModelError(name, self._given.get(name, "(default)"), advice=advice)

    def flag(self, name: str, default: bool = False) -> bool:
        value = self._given.get(name)
        if value is None:
            return default
        if isinstance(value, bool):
            return value
        if isinstance(value, int | str) and str(value).lower() in _FLAGS:
            return _FLAGS[str(value).lower()]
        raise self.refuse(name, "It must be true or false.")

    def count(self, name: str, default: int, *, least: int = 1, most: int = 1 << 16) -> int:
        """An integer in a range."""
        value = self._given.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise self.refuse(name, f"It must be an integer from {least} to {most}.")
        return value

    def depth(self, name: str, default: int = 1) -> int:
        """A number of layers or cells."""
        return self.count(name, default, most=256)

    def text(self, name: str, default: str, allowed: Collection[str] | None = None) -> str:
        value = self._given.get(name)
        value = default if value is None else value
        if not isinstance(value, str) or (allowed is not None and value not in allowed):
            known = "" if allowed is None else f" Known: {', '.join(sorted(allowed))}."
            raise self.refuse(
                name, f"It must be a text.{known}" if not isinstance(value, str) else known.strip()
            )
        return value

    def operations(self, name: str, default: str, allowed: str) -> str:
        """An op string such as 'dan', without the dropouts, which do nothing at inference."""
        value = self.text(name, default)
        if len(value) > 16 or any(letter not in allowed for letter in value):
            raise self.refuse(name, f"Known operations: {', '.join(allowed)}.")
        return value.replace("d", "")

    def numbers(self, name: str) -> tuple[int, ...]:
        """A list of integers, absent = empty."""
        value = self._given.get(name)
        value = [] if value is None else value
        if not isinstance(value, list | tuple) or any(type(item) is not int for item in value):
            raise self.refuse(name, "It must be a list of integers.")
        return tuple(value)

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts, absent = empty."""
        value = self._given.get(name)
        value = [] if value is None else value
        if not isinstance(value, list | tuple) or any(not isinstance(item, str) for item in value):
            raise self.refuse(name, "It must be a list of texts.")
        return tuple(value)
