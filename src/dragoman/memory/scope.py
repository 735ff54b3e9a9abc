"""What a translation depends on beside its text, as one short string."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from dragoman.languages import is_language, parse_language
from dragoman.options import DecodingOptions, option_names

__all__ = ["pair_of_scope", "people_scope", "scope_of"]


def scope_of(models: Sequence[str], options: DecodingOptions, languages: tuple[str, str] | None) -> str:
    """The scope of models' translations: equal for equal results.

    Args:
        models: their fingerprints.
        options: all of them count.
        languages: of source and target, if they are known.
    """
    digest = hashlib.sha256()
    for part in (*models, *(f"{name}={getattr(options, name)!r}" for name in option_names())):
        digest.update(len(part.encode()).to_bytes(8, "little") + part.encode())
    return f"{_pair(languages)} {digest.hexdigest()}"


def people_scope(languages: tuple[str, str] | None) -> str:
    """The scope of people's translations between two languages, whatever the regions."""
    return f"{_pair(languages, regions=False)} people"


def pair_of_scope(scope: str) -> tuple[str, str] | None:
    """The languages of a scope; None: they are not known."""
    source, _, target = scope.partition(" ")[0].partition(">")
    return (source, target) if source and target else None


def _pair(languages: tuple[str, str] | None, *, regions: bool = True) -> str:
    return ">".join(_code(code, regions) for code in languages or ("", ""))


def _code(code: str, regions: bool) -> str:
    if not is_language(code):
        return "".join(code.split())
    tag = parse_language(code)
    return str(tag if regions else tag._replace(region=""))
