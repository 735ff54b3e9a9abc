"""Whatever translates, without a model."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any


class Fake:
    """Changes words of a text and leaves its marks. ``calls``: what it was asked."""

    def __init__(self, change: Callable[[str], str]) -> None:
        self.change = change
        self.calls: list[tuple[list[str], dict[str, Any]]] = []

    def translate(self, texts: str | Iterable[str], options: Any = None, **settings: Any) -> Any:
        listed = [texts] if isinstance(texts, str) else list(texts)
        self.calls.append((listed, settings))
        marked = settings.get("format", "text") != "text"
        found = [SimpleNamespace(text=self._changed(text, marked), sentences=(text,), warnings=()) for text in listed]
        return found[0] if isinstance(texts, str) else found

    def _changed(self, text: str, marked: bool) -> str:
        if not marked:
            return self.change(text)
        parts = re.split(r"(<[^>]*>|&[^;]*;)", text)
        return "".join(part if part[:1] in ("<", "&") else self.change(part) for part in parts)


def identity() -> Fake:
    return Fake(str)


def shouting() -> Fake:
    """Upper case: every word changes, and can be told from what was not translated."""
    return Fake(str.upper)
