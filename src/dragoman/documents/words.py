"""Whether a value of a file holds words that a person reads."""

from __future__ import annotations

import re

__all__ = ["is_prose"]

_NOT_PROSE = re.compile(
    r"(?:[a-z][a-z0-9+.-]*://\S*|mailto:\S+|[\w.+-]+@[\w-]+\.[\w.-]+"  # addresses
    r"|(?:\.{0,2}/)?[\w.-]+(?:/[\w.-]+)+/?|[\w-]+\.[A-Za-z0-9]{1,5}"  # paths and file names
    r"|\{\{?[^{}]*\}\}?|%(?:\d+\$)?[-+ 0#]*\d*(?:\.\d+)?[a-zA-Z@]|\$\{[^}]*\}"  # placeholders
    r"|#[0-9A-Fa-f]{3,8}|[A-Za-z]*[\d_][\w-]*|[A-Z0-9]+(?:[_-][A-Z0-9]+)+"  # colours, ids, constants
    r"|\d{1,4}[-/.:T]\d{1,2}(?:[-/.:]\d{1,4})?\S*)"
)


def is_prose(text: str) -> bool:
    """False for what holds no letter, and for a single address, path, placeholder, date or identifier."""
    stripped = text.strip()
    return any(map(str.isalpha, stripped)) and _NOT_PROSE.fullmatch(stripped) is None
