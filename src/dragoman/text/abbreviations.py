"""Full stops that do not end a sentence: abbreviations, initials, ordinals. Added to what the library knows itself.

``abbreviations.tsv`` holds the words, language by language, in lower case and without their last full stop.
"""

# ruff: noqa: RUF001
from __future__ import annotations

import functools
import re
from importlib.resources import files

__all__ = ["ends_abbreviation"]

_ORDINAL = re.compile(r"\d{1,3}")
_INITIAL = re.compile(r"(?:[^\W\d_]+[.-])*[^\W\d_a-zà-ÿа-яα-ω]")
_DOTTED = re.compile(r"(?:[^\W\d_]{1,4}\.)+[^\W\d_]{1,4}")
_OPENING = "([{«„“\"'‘’‚‹¿¡"
_BOUNDARY_AFTER = frozenset(("a.m", "p.m"))
_LOOK_BACK = 32


def ends_abbreviation(text: str, end: int, following: str, language: str) -> bool:
    """Whether the single full stop before ``end`` belongs to an abbreviation, an initial or an ordinal.

    Args:
        text: a paragraph.
        end: offset behind the full stop.
        following: the next word, without what opens it.
        language: primary code, such as "de"; others have only what all share.
    """
    token = text[max(0, end - _LOOK_BACK) : end].rpartition(" ")[2].lstrip(_OPENING)
    word = token.removesuffix(".")
    lowered = word.lower()
    if lowered in _BOUNDARY_AFTER or not following:
        return False
    words = _words()
    if lowered in words["", "always"] or lowered in words.get((language, "always"), ()):
        return True
    if following[0].isdigit():
        return lowered in words["", "number"] or lowered in words.get((language, "number"), ())
    if language == "de" and _ORDINAL.fullmatch(word) and following[0].isupper():
        return following.lower() not in words["de", "starts"]
    if _INITIAL.fullmatch(word):
        return not (language == "en" and word == "I")
    return bool(_DOTTED.fullmatch(word)) and word[0].islower()


@functools.cache
def _words() -> dict[tuple[str, str], frozenset[str]]:
    """By language and by when they hold."""
    lines = files("dragoman.text").joinpath("abbreviations.tsv").read_text("utf-8").splitlines()
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    return {(language, when): frozenset(words.split()) for language, when, words in rows}
