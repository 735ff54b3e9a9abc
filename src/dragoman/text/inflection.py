"""Simple inflections: the forms under which a word of a text may stand in a glossary. No dictionary, few endings.

A word counts as a form of another if one ending is exchanged for another and enough of the word is left. Languages
whose endings need a grammar (Finnish, Hungarian, Turkish) have none.
"""

from __future__ import annotations

import functools
from importlib.resources import files

from dragoman.errors import OptionsError
from dragoman.languages import canonical_code

__all__ = ["all_endings", "forms"]

_ALIKE = {"no": "nb", "nn": "nb", "be": "uk", "hr": "cs", "sl": "cs", "sr": "cs", "bs": "cs"}
_LEAST_STEM = 4
_LEAST_ENGLISH = 3
_HISSES = ("s", "x", "z", "ch", "sh", "o")
_NO_PLURALS = frozenset(
    ("news", "does", "this", "thus", "plus", "less", "ones", "gas", "bus", "his", "has", "was", "its")
)


@functools.lru_cache(maxsize=65536)
def forms(word: str, language: str) -> tuple[str, ...]:
    """A word and what it may be a form of, itself first.

    Args:
        word: casefolded.
        language: its code; "" where unknown: then English endings.
    """
    base = _language(language)
    if base in ("en", ""):
        found = _english(word)
    elif base in _endings():
        found = _exchanged(word, _endings()[base], 2 if base == "ko" else _LEAST_STEM)
    else:
        return (word,)
    return tuple(dict.fromkeys((word, *found)))


def _english(word: str) -> list[str]:
    found = [word[:-2]] if word.endswith(("'s", "\u2019s")) else []
    if len(word) < _LEAST_ENGLISH or not word[-1:].isalpha() or word in _NO_PLURALS:
        return found
    found.append(f"{word}es" if word.endswith(_HISSES) else f"{word}s")
    if word.endswith("y"):
        found.append(f"{word[:-1]}ies")
    if word.endswith("ies"):
        found.append(f"{word[:-3]}y")
    if word.endswith("es") and word[:-2].endswith(_HISSES) and len(word) - 2 >= _LEAST_ENGLISH:
        found.append(word[:-2])
    if word.endswith("s") and not word.endswith("ss") and len(word) - 1 >= _LEAST_ENGLISH:
        found.append(word[:-1])
    return found


def _exchanged(word: str, endings: tuple[str, ...], least: int) -> list[str]:
    stems = [word.removesuffix(one) for one in endings if word.endswith(one) and len(word) - len(one) >= least]
    return [f"{stem}{ending}" for stem in stems for ending in endings]


@functools.lru_cache(maxsize=256)
def _language(code: str) -> str:
    try:
        base = canonical_code(code).partition("-")[0] if code else ""
    except OptionsError:
        return "?"
    return _ALIKE.get(base, base)


@functools.cache
def all_endings() -> frozenset[str]:
    """The endings of all languages."""
    return frozenset(ending for endings in _endings().values() for ending in endings if ending)


@functools.cache
def _endings() -> dict[str, tuple[str, ...]]:
    table: dict[str, tuple[str, ...]] = {}
    for line in files("dragoman.text").joinpath("inflection.tsv").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            language, endings = line.split("\t")
            table[language] = tuple("" if ending == "-" else ending for ending in endings.split(" "))
    return table
