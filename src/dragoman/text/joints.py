"""What stands between two pieces of a translation, by the scripts on both sides."""

from __future__ import annotations

import unicodedata

from dragoman.text.words import has_no_spaces

__all__ = ["gap_between", "joint"]


def joint(left: str, right: str) -> str:
    """Between the translations of two parts of one sentence that was cut: a blank, where the script has blanks."""
    return "" if not left or not right or (_dense(left[-1]) and _dense(right[0])) else " "


def gap_between(gap: str, left: str, right: str, *, copied: bool) -> str:
    """Between the translations of two sentences: what stood between the sentences.

    Only nothing, or one blank, gives way to the script of the translation: Chinese and Japanese put nothing between two
    sentences, others a blank.

    Args:
        gap: between the sentences of the source.
        left, right: the translations.
        copied: both are their own translations.
    """
    if copied or gap not in ("", " ") or not left or not right:
        return gap
    dense = _dense(left[-1]) and _dense(right[0])
    if gap == " ":
        return "" if dense else gap
    return gap if dense or not _begins_sentence(right[0]) else " "


def _dense(character: str) -> bool:
    """Of a script whose punctuation brings its own white space. Korean and Thai put blanks between sentences."""
    code = ord(character)
    if 0x3000 <= code <= 0x303F or 0xFF01 <= code <= 0xFF65:  # CJK and full-width punctuation
        return True
    return code >= 0x2E80 and has_no_spaces(character)


def _begins_sentence(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character) in ("Ps", "Pi", "Po")
