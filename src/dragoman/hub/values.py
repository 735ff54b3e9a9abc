"""Values out of JSON from strangers: of the expected kind, or an error that says where."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from dragoman.errors import HubError

__all__ = ["Fields", "parse_json"]

_HEX = re.compile(r"[0-9a-f]+")
_MAX_SIZE = 1 << 40


def parse_json(data: bytes, origin: str) -> Any:
    """The value of a JSON text. Raises HubError."""
    try:
        return json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise HubError(f"{origin} is not JSON: {str(error)[:100]}.") from None


class Fields:
    """A JSON object with typed access. Raises HubError where a field is absent or of another kind."""

    def __init__(self, value: object, where: str) -> None:
        if not isinstance(value, Mapping):
            raise HubError(f"{where} is no JSON object but {type(value).__name__}: the catalogue is damaged.")
        self._values, self._where = value, where

    def __contains__(self, key: str) -> bool:
        return self._values.get(key) is not None

    def text(self, key: str, default: str | None = None) -> str:
        """A text, or a number as one."""
        value = self._values.get(key)
        if value is None and default is not None:
            return default
        if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
            return str(value)[:2000]
        raise self._wrong(key, "a text", value)

    def size(self, key: str) -> int | None:
        """A number of bytes; None where absent. Some catalogues write it as a text."""
        value = self._values.get(key)
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 14:
            value = int(value)
        if value is None:
            return None
        if isinstance(value, int) and not isinstance(value, bool) and 0 < value < _MAX_SIZE:
            return value
        raise self._wrong(key, "a number of bytes", value)

    def digest(self, key: str, digits: int = 64) -> str | None:
        """A hash in hex; None where absent or empty."""
        value = self._values.get(key)
        if value is None or value == "":
            return None
        if isinstance(value, str) and len(value) == digits and _HEX.fullmatch(value.lower()):
            return value.lower()
        raise self._wrong(key, f"{digits} hex digits", value)

    def inner(self, key: str) -> Fields:
        """A nested object."""
        return Fields(self._values.get(key), f"{self._where}: {key}")

    def items(self, key: str) -> Sequence[Any]:
        """A list."""
        value = self._values.get(key)
        if isinstance(value, list):
            return value
        raise self._wrong(key, "a list", value)

    def raw(self, key: str) -> Any:
        """Whatever is there, or None."""
        return self._values.get(key)

    def _wrong(self, key: str, expected: str, value: object) -> HubError:
        return HubError(f"{self._where}: {key} must be {expected}, found {repr(value)[:80]}: the catalogue is damaged.")
