"""Everyday lines written for these models: phrases, nouns, other words, and templates with slots. Licence: ours."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import slots

_FOLDER = Path(__file__).parent / "lists"
_SLOT = re.compile(r"\{([a-zA-Z])\}")
_PROTECTED = frozenset("uahs")
STAND_IN = "John"
"""What models read in place of protected text (dragoman.text.coded_block)."""
_ELISIONS = (
    (re.compile(r"\b([Dd])e (?=[AEIOUÉÈÊÎÔHŒ])"), r"\1'"),
    (re.compile(r"\bà Le (?=\w)"), "au "),
    (re.compile(r"\bde Le (?=\w)"), "du "),
    (re.compile(r"\ble (?=(allemand|anglais|espagnol|italien|arabe|hongrois)\b)"), "l'"),
)


@dataclass(frozen=True)
class Line:
    """One line in the three languages, each with the versions that mean the same."""

    en: tuple[str, ...]
    de: tuple[str, ...]
    fr: tuple[str, ...]

    def in_(self, language: str) -> tuple[str, ...]:
        """The versions in ``en``, ``de`` or ``fr``."""
        versions: tuple[str, ...] = getattr(self, language)
        return versions


def _read(name: str) -> list[list[str]]:
    rows = (_FOLDER / name).read_text(encoding="utf-8").splitlines()
    return [row.split("\t") for row in rows if row and not row.startswith("#")]


def _lines(name: str) -> list[Line]:
    return [Line(*(tuple(cell.split(" | ")) for cell in row)) for row in _read(name)]


@cache
def phrases() -> list[Line]:
    """Whole phrases."""
    return _lines("phrases.tsv")


@cache
def words() -> list[Line]:
    """Words other than nouns."""
    return _lines("words.tsv")


def noun(chance: random.Random) -> Line:
    """A noun: bare, with the definite or the indefinite article."""
    english, german, french = chance.choice(nouns())
    article, _, bare = german.partition(" ")
    bracket = re.search(r" \(([mf])\)$", french)
    french = re.sub(r" \([mf]\)$", "", french)
    if french.startswith("l'"):
        word, gender = french[2:], bracket[1] if bracket else "m"
    else:
        first, _, word = french.partition(" ")
        gender = {"le": "m", "la": "f"}.get(first, "")
    plural = not gender
    draw = chance.random()
    if draw < 0.55 or (plural and draw >= 0.8):
        return Line((english,), (bare,), (word,))
    if draw < 0.8:
        return Line((f"the {english}",), (german,), (french,))
    indefinite = {"der": "ein", "die": "eine", "das": "ein"}[article]
    a = "an" if english[0] in "aeio" or english in ("uncle", "underground", "umbrella", "hour") else "a"
    return Line((f"{a} {english}",), (f"{indefinite} {bare}",), (f"{'une' if gender == 'f' else 'un'} {word}",))


@cache
def nouns() -> list[list[str]]:
    """Nouns: English, German and French with articles."""
    return _read("nouns.tsv")


@cache
def templates() -> list[list[str]]:
    """Templates in the three languages."""
    return _read("templates.tsv")


def filled(chance: random.Random) -> dict[str, str]:
    """One template with its slots filled, by language."""
    row = chance.choice(templates())
    fillings = {slot: _filling(slot, chance) for slot in sorted(set(_SLOT.findall(row[0])))}
    return {
        language: _elided(language, _SLOT.sub(lambda one: fillings[one[1]][language], text))  # noqa: B023
        for language, text in zip(slots.LANGUAGES, row, strict=True)
    }


def _filling(slot: str, chance: random.Random) -> dict[str, str]:
    """Mostly dragoman's stand-in where it lets the model see no address, placeholder or code."""
    if slot in _PROTECTED and chance.random() < 0.7:
        return dict.fromkeys(slots.LANGUAGES, STAND_IN)
    return slots.FILLERS[slot](chance)


def _elided(language: str, text: str) -> str:
    if language == "fr":
        for pattern, replacement in _ELISIONS:
            text = pattern.sub(replacement, text)
    return text
