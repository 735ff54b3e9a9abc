"""Languages: BCP-47 codes and names to one form, and the one way to find which of those at hand was meant.

Codes come spelled in every way: ``pt_BR``, ``EN-GB``, ``zh-hans``, ``deu``, ``de_DE.UTF-8``, ``German``, ``Deutsch``.
What a tag leaves open is filled in where it matters (``zh-TW`` is written in Hant), so that equals are equal however
spelled (RFC 5646; likely scripts as in Unicode CLDR).
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterable
from importlib.resources import files
from typing import NamedTuple

from dragoman.errors import OptionsError

__all__ = [
    "LanguageTag",
    "canonical_code",
    "closest_language",
    "is_language",
    "language_distance",
    "language_name",
    "languages_of_name",
    "parse_language",
]

_LONGEST = 100
_TAG = re.compile(
    r"(?P<language>[a-z]{2,3})(?:[-_](?P<script>[a-z]{4}))?(?:[-_](?P<region>[a-z]{2}|[0-9]{3}))?"
    r"(?:[-_][a-z0-9]{1,8})*(?:\.[a-z0-9-]+)?(?:@(?P<modifier>[a-z]+))?"
)
"""BCP 47 in lower case, or a POSIX locale. Variants and extensions are read over."""

_MODIFIERS = {"latin": "Latn", "cyrillic": "Cyrl", "devanagari": "Deva", "arabic": "Arab"}
_SCRIPTS = {
    "az": "Latn",
    "bs": "Latn",
    "kk": "Cyrl",
    "mn": "Cyrl",
    "pa": "Guru",
    "sr": "Cyrl",
    "uz": "Latn",
    "zh": "Hans",
}
"""Of languages written in several scripts, the one that is meant if nothing else is said."""
_REGION_SCRIPTS = {
    ("zh", "TW"): "Hant",
    ("zh", "HK"): "Hant",
    ("zh", "MO"): "Hant",
    ("sr", "ME"): "Latn",
    ("pa", "PK"): "Arab",
    ("uz", "AF"): "Arab",
    ("az", "IR"): "Arab",
    ("mn", "CN"): "Mong",
    ("kk", "CN"): "Arab",
}
_RELATIVES = ({"no", "nb"}, {"no", "nn"})
"""Codes of which one serves for the other if there is no better."""


class LanguageTag(NamedTuple):
    """A language; ``script`` and ``region`` are empty where not stated."""

    language: str
    script: str = ""
    region: str = ""

    def __str__(self) -> str:
        return "-".join(part for part in self if part)


def parse_language(text: str) -> LanguageTag:
    """The tag of a code or a name (English, or the language's own).

    Raises OptionsError if it is neither. A well-formed code counts, known or not: models may have any.
    """
    tag = _parse(text) if isinstance(text, str) else None
    if tag is None:
        raise OptionsError("language", text, "a code such as 'de' or 'pt-BR', or a name such as 'German'")
    return tag


def canonical_code(text: str) -> str:
    """``pt_br`` to ``pt-BR``, ``deu`` and ``German`` to ``de``. Raises OptionsError as `parse_language`."""
    return str(parse_language(text))


def is_language(text: str) -> bool:
    """Whether it is the name or the code of a language that has a name."""
    tag = _parse(text)
    return tag is not None and tag.language in _tables().names


def language_name(code: str) -> str:
    """In English: "German", "Portuguese (AO)"; a code without a name is its own.

    Raises OptionsError as `parse_language`.
    """
    tag = parse_language(code)
    names = _tables().names
    if str(tag) in names:
        return names[str(tag)]
    details = ", ".join(part for part in tag[1:] if part)
    return names.get(tag.language, tag.language) + (f" ({details})" if details else "")


def closest_language(wanted: str, available: Iterable[str]) -> str | None:
    """Of the languages at hand the one that is meant, as it is spelled there; None: none is.

    The same tag goes first, then the same language and script with the region unsaid on one side, then another region,
    then a script that only one side states, then a sister (``nb`` for ``no``). Two scripts that both sides state, or
    that their regions imply, never match. The first of equals is taken; what is no language is passed over.

    Raises OptionsError if ``wanted`` is no language, as `parse_language`.
    """
    parse_language(wanted)
    best, least = None, 1 << 30
    for code in available:
        distance = language_distance(wanted, code)
        if distance is not None and distance < least:
            best, least = code, distance
    return best


def language_distance(one: str, other: str) -> int | None:
    """How far apart two codes or names are, 0 for the same; None: they do not serve for each other.

    Something that is no language serves for itself alone, so that models may say ``mul``.
    """
    if one == other:
        return 0
    first, second = _parse(one), _parse(other)
    return None if first is None or second is None else _distance(first, second)


@functools.lru_cache(maxsize=4096)
def _distance(one: LanguageTag, other: LanguageTag) -> int | None:
    steps = 0
    if one.language != other.language:
        if {one.language, other.language} not in _RELATIVES:
            return None
        steps += 16
    if _script(one) != _script(other):
        if _states_script(one) and _states_script(other):
            return None
        steps += 8
    if one.region != other.region:
        steps += 4 if one.region and other.region else 2
    return steps + (one.script != other.script)


def _script(tag: LanguageTag) -> str:
    return tag.script or _REGION_SCRIPTS.get((tag.language, tag.region), _SCRIPTS.get(tag.language, ""))


def _states_script(tag: LanguageTag) -> bool:
    return bool(tag.script or tag.region) and bool(_script(tag))


_PARTS = re.compile(r"[^\W_]+")
_OPUS_MT = re.compile(r"opus[-_. ]?mt")
_SAID = """ansi arch band base beam best beta bias bind both case cast char code cond conn conv cost data date demo deny
    deps desc dest face fast file find fine five form four free from gave hand have hide home host html idle
    kind lang last late line libs list lite live long loss main mind misc miss mono near nest node none norm
    note omit orig past path plan play plug rust sane save scan semi send sets sgml side sign site spam star
    such suit tabs task team term test than then this tiny toml tree user venv void wait your"""
_WORDS = frozenset(_SAID.split())
"""Words of four letters, common in names of models and folders, that look like two languages or codes of one."""
_LOCALES = frozenset(
    f"{language}_{region}"
    for language, regions in {
        "de": ("at", "ch", "de"),
        "en": ("au", "ca", "gb", "us"),
        "es": ("es", "mx"),
        "fr": ("be", "ca", "ch", "fr"),
        "nl": ("be", "nl"),
        "pt": ("br", "pt"),
        "zh": ("cn", "hk", "sg", "tw"),
    }.items()
    for region in regions
)
_SCRIPT_NAMES = frozenset(["arab", "cyrl", "deva", "hans", "hant", "latn"])


def languages_of_name(name: str) -> tuple[str, str] | None:
    """Source and target that a model's name says: "ende", "en-de.tiny", "opus-mt-en-pt_br", "zh_hant-en"; None: none.

    Only codes that have a name are looked for; both of two letters where they are written together.
    """
    text = _OPUS_MT.sub(" ", name[-_LONGEST * 3 :].lower())
    parts = [part for part in _PARTS.findall(text) if part not in _WORDS]
    for start in range(len(parts)):
        first, after = _code_at(parts, start)
        if first:
            second, _ = _code_at(parts, after)
            if second:
                return first, second
        part = parts[start]
        if len(part) == 4 and all(code in _tables().names for code in (part[:2], part[2:])):
            return part[:2], _code_at([part[2:], *parts[start + 1 :]], 0)[0]
    return None


def _code_at(parts: list[str], start: int) -> tuple[str, int]:
    """The code that begins with this part, with a script or region that belongs to it, and where the next begins."""
    if start >= len(parts) or not 2 <= len(parts[start]) <= 3 or not is_language(parts[start]):
        return "", start
    code, after = parts[start], parts[start + 1] if start + 1 < len(parts) else ""
    if after in _SCRIPT_NAMES or (f"{code}_{after}" in _LOCALES and _is_region(parts, start + 1)):
        return canonical_code(f"{code}-{after}"), start + 2
    return canonical_code(code), start + 1


def _is_region(parts: list[str], place: int) -> bool:
    """Whether what could be a region is not the other language ("en-ca"): then that stands on one of its sides."""
    sides = (*parts[max(place - 2, 0) : place - 1], *parts[place + 1 : place + 2])
    return not is_language(parts[place]) or any(len(part) <= 3 and is_language(part) for part in sides)


class _Tables(NamedTuple):
    codes: dict[str, str]
    """Other codes to the one used here."""
    by_name: dict[str, str]
    """Folded names to codes."""
    names: dict[str, str]
    """Codes to their first name."""


@functools.cache
def _tables() -> _Tables:
    tables = _Tables({}, {}, {})
    for line in files("dragoman").joinpath("languages.tsv").read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        code, others, names = line.split("\t")
        tables.codes.update((other, code) for other in others.split(",") if other)
        tables.names[code] = names.partition("|")[0]
        for name in names.split("|"):
            tables.by_name.setdefault(_folded(name), code)
    return tables


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", " ".join(name.split()).casefold())


@functools.lru_cache(maxsize=1024)
def _parse(text: str) -> LanguageTag | None:
    if len(text) > _LONGEST:
        return None
    code = text.strip()
    match = _TAG.fullmatch(code.lower()) if code.isascii() else None
    if match is None:
        named = _tables().by_name.get(_folded(text))
        return None if named is None else _parse(named)
    language = _tables().codes.get(match["language"], match["language"])
    if "-" in language:  # "zt" says zh-Hant
        language, _, more = language.partition("-")
        base = LanguageTag(language, more) if len(more) == 4 else LanguageTag(language, "", more)
    else:
        base = LanguageTag(language)
    script = (match["script"] or "").capitalize() or _MODIFIERS.get(match["modifier"] or "", "") or base.script
    return LanguageTag(base.language, script, (match["region"] or "").upper() or base.region)
