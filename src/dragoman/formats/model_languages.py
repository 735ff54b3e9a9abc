"""Which languages a model's files say they translate between."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from dragoman.errors import DragomanError
from dragoman.formats.files import is_file, read_bytes
from dragoman.formats.folder import pair_tag
from dragoman.languages import canonical_code, is_language, languages_of_name

__all__ = ["model_languages"]

_INFO = "model_info.json"
_LIMIT = 1 << 20


def model_languages(model: Path, vocabularies: tuple[Path, Path], name: str | None = None) -> tuple[str, str] | None:
    """Source and target language; None: nothing says.

    Asked in turn: Bergamot's ``model_info.json`` beside the model, Firefox's file names, ``name`` and the names of the
    model's folders, vocabularies that are called by one language each (``vocab.cs.spm``, ``vocab.en.spm``), the model
    file's own name.

    Args:
        model, vocabularies: the files.
        name: what whoever keeps the model calls it.
    """
    for pair in _candidates(model, vocabularies, name):
        if pair is not None and all(map(is_language, pair)):
            return pair
    return None


def _candidates(
    model: Path, vocabularies: tuple[Path, Path], name: str | None
) -> Iterator[tuple[str, str] | None]:
    yield _info(model.parent / _INFO)
    yield languages_of_name(pair_tag(model))
    if name is not None:
        yield languages_of_name(name)
    yield languages_of_name(model.parent.name)
    codes = [[part for part in path.name.split(".")[1:-1] if is_language(part)] for path in vocabularies]
    if vocabularies[0] != vocabularies[1] and all(len(one) == 1 for one in codes):
        yield canonical_code(codes[0][0]), canonical_code(codes[1][0])
    yield languages_of_name(model.parent.parent.name)
    yield languages_of_name(model.name.partition(".")[0])


def _info(path: Path) -> tuple[str, str] | None:
    """Languages of a ``model_info.json`` as translateLocally reads it: tags, else names, else the short name."""
    if not is_file(path):
        return None
    try:
        facts = json.loads(bytes(read_bytes(path, limit=_LIMIT)))
    except (DragomanError, ValueError, RecursionError):
        return None
    if not isinstance(facts, dict):
        return None
    tags = facts.get("srcTags")
    source = next(iter(tags), None) if isinstance(tags, dict) and len(tags) == 1 else facts.get("src")
    target = facts.get("trgTag") or facts.get("trg")
    if all(isinstance(code, str) and is_language(code) for code in (source, target)):
        return canonical_code(str(source)), canonical_code(str(target))
    short = facts.get("shortName")
    return languages_of_name(short) if isinstance(short, str) else None
