"""Names of people and places: our own lists, and CLDR's names of countries and languages (babel, Unicode licence)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml
from babel import Locale

_FOLDER = Path(__file__).parent / "lists"


@dataclass(frozen=True)
class Name:
    """What something is called in the three languages."""

    en: str
    de: str
    fr: str

    def in_(self, language: str) -> str:
        """The name in ``en``, ``de`` or ``fr``."""
        return str(getattr(self, language))


def _words(file: str) -> list[str]:
    lines = (_FOLDER / file).read_text(encoding="utf-8").splitlines()
    return sorted({word for line in lines if not line.startswith("#") for word in line.split()})


def everyday() -> list[str]:
    """Words of everyday phrases, of all three languages."""
    return _words("everyday.txt")


@cache
def fillers(kind: str) -> list[str]:
    """The words of this kind in slots.yml."""
    words: str = yaml.safe_load((_FOLDER / "slots.yml").read_text(encoding="utf-8"))[kind]
    return words.split()


@cache
def people() -> list[Name]:
    """First names."""
    return [Name(word, word, word) for word in _words("people.txt")]


@cache
def families() -> list[Name]:
    """Family names."""
    return [Name(word, word, word) for word in _words("families.txt")]


@cache
def cities() -> list[Name]:
    """Cities, which need no article."""
    lines = (_FOLDER / "places.tsv").read_text(encoding="utf-8").splitlines()
    return [Name(*line.split("\t")) for line in lines if not line.startswith("#")]


@cache
def countries() -> list[Name]:
    """Countries, without articles."""
    return [Name(*(str(Locale(code).territories[key]) for code in ("en", "de", "fr"))) for key in fillers("countries")]


@cache
def all_territories() -> list[Name]:
    """Every territory of CLDR with a two-letter code."""
    codes = [key for key in Locale("en").territories if len(key) == 2 and key.isalpha()]
    return [Name(*(str(Locale(code).territories.get(key, "")) for code in ("en", "de", "fr"))) for key in sorted(codes)]


@cache
def languages() -> list[Name]:
    """Languages, capitalised as in the middle of a sentence."""
    return [Name(*(str(Locale(code).languages[key]) for code in ("en", "de", "fr"))) for key in fillers("languages")]


def names(other: str) -> list[str]:
    """All names of people and places in English and the other language."""
    everything = people() + families() + cities() + countries() + languages()
    return [name.in_(language) for name in everything for language in ("en", other)]
