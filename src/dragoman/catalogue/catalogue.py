"""Which models a fleet has: from a folder of folders, or from a fleet.toml. Loads nothing.

weights_budget = "2 GB"            # and other arguments of dragoman.Fleet

[models.ende]
path = "ende-tiny"                 # relative to this file; default: the model's name
pinned = true
languages = ["en", "de"]           # default: what the name says
precision = "int8"                 # and other arguments of dragoman.load
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dragoman.catalogue.store import read_record
from dragoman.errors import DragomanError, HubError, ModelFormatError, ModelNotFoundError, OptionsError
from dragoman.formats.bundle import find_bundle
from dragoman.formats.files import TEXT_LIMIT, read_bytes
from dragoman.formats.folder import model_folders, pair_tag, scan_folder
from dragoman.formats.model_file import stored_precision
from dragoman.languages import languages_of_name
from dragoman.text.vocabularies import estimate_private_bytes

__all__ = [
    "Catalogue",
    "CatalogueModel",
    "estimate_bytes",
    "estimate_vocabulary_bytes",
    "read_directory",
    "read_fleet_file",
]

_SETTINGS = {"weights_budget": (int, str), "idle_s": (int, float), "loaders": (int,)}
_MODEL_KEYS = {
    "path": str,
    "pinned": bool,
    "languages": list,
    "precision": str,
    "shortlist": str,
    "compat": str,
}
_ADVICE = "See `dragoman.catalogue.catalogue` for the form of the file."


@dataclass(frozen=True)
class CatalogueModel:
    """One model by name.

    Attributes:
        path: as `dragoman.load` takes it.
        pinned: stays in memory once it was loaded.
        languages: source and target, or None where nothing says.
        options: other arguments of `dragoman.load`.
    """

    name: str
    path: Any
    pinned: bool = False
    languages: tuple[str, str] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Catalogue:
    """Models, and arguments of `dragoman.Fleet`."""

    models: tuple[CatalogueModel, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)


def read_directory(path: Path | str) -> Catalogue:
    """Every model in a folder: folders with a model file in them, up to three levels deep, and Firefox's files of
    several pairs in one folder.

    A model's name is that of its folder ("ende", also of ``tiny/ende`` and of ``ende/tiny``), or its pair where a
    folder holds several; the whole way ("tiny/ende") where that would be said twice.

    Raises ModelNotFoundError if there is none.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise ModelNotFoundError(folder, "there is no such folder.")
    found = [*_models_in(folder, flat=True), *(model for inner in model_folders(folder) for model in _models_in(inner))]
    if not found:
        raise ModelNotFoundError(folder, "no folder in it holds a model.")
    ways = [_way(folder, model) for model in found]
    short = [_short_name(way) for way in ways]
    names = [one if short.count(one) == 1 else "/".join(way) for one, way in zip(short, ways, strict=True)]
    entries = sorted(zip(names, found, strict=True))
    return Catalogue(tuple(CatalogueModel(name, model, languages=_languages(name, model)) for name, model in entries))


def _models_in(folder: Path, *, flat: bool = False) -> list[Path]:
    """What to load: the folder, or each model of a pair in it. ``flat``: only the latter."""
    try:
        pairs: dict[str, Path] = {}
        for model in scan_folder(folder).models:
            pairs.setdefault(pair_tag(model), model)
    except DragomanError:
        return [] if flat else [folder]  # who names it should hear why, when it is loaded
    tags = [tag for tag in pairs if tag]
    if len(tags) > 1 or (flat and tags):
        return [pairs[tag] for tag in tags]
    return [] if flat else [folder]


def _way(root: Path, model: Path) -> tuple[str, ...]:
    parts = model.relative_to(root).parts
    tag = pair_tag(model)
    return (*parts[:-1], tag) if tag and model.is_file() else parts


def _short_name(way: tuple[str, ...]) -> str:
    """The part of the way that says two languages, else the last."""
    return next((part for part in reversed(way) if languages_of_name(part)), "/".join(way))


def _languages(name: str, model: Path) -> tuple[str, str] | None:
    with suppress(HubError):  # a pulled model's record knows best
        if (stated := read_record(model).languages) is not None:
            return stated
    try:
        return find_bundle(model).languages(name)
    except (DragomanError, OSError):
        return languages_of_name(name)


def read_fleet_file(path: Path | str) -> Catalogue:
    """A fleet.toml; see the module.

    Raises:
        ModelNotFoundError: no such file.
        ModelFormatError: it is not TOML, or has keys and values that mean nothing here.
    """
    file = Path(path)
    if not file.is_file():
        raise ModelNotFoundError(file, "there is no such file.")
    try:
        content = tomllib.loads(bytes(read_bytes(file, limit=TEXT_LIMIT)).decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ModelFormatError(file, f"not TOML: {error}", advice=_ADVICE) from None
    models = content.pop("models", {})
    if not isinstance(models, dict) or not models:
        raise ModelFormatError(file, "no models", expected="tables such as [models.ende]", advice=_ADVICE)
    for key, value in content.items():
        _check(file, key, value, _SETTINGS.get(key))
    found = tuple(_model(file, name, entry) for name, entry in models.items())
    return Catalogue(found, content)


def _model(file: Path, name: str, entry: object) -> CatalogueModel:
    if not isinstance(entry, dict):
        raise ModelFormatError(file, "not a table", parameter=f"models.{name}", advice=_ADVICE)
    for key, value in entry.items():
        _check(file, f"models.{name}.{key}", value, _MODEL_KEYS.get(key))
    languages = entry.pop("languages", None)
    if languages is not None and not (len(languages) == 2 and all(isinstance(one, str) for one in languages)):
        raise ModelFormatError(
            file, "not two languages", parameter=f"models.{name}.languages", found=languages, advice=_ADVICE
        )
    return CatalogueModel(
        name,
        file.parent / entry.pop("path", name),
        pinned=entry.pop("pinned", False),
        languages=(languages[0], languages[1]) if languages else languages_of_name(name),
        options=entry,
    )


def _check(file: Path, key: str, value: object, kinds: Any) -> None:
    if kinds is None:
        raise ModelFormatError(file, "no such key", parameter=key, advice=_ADVICE)
    allowed = kinds if isinstance(kinds, tuple) else (kinds,)
    if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
        expected = " or ".join(kind.__name__ for kind in allowed)
        raise ModelFormatError(
            file, "wrong type", parameter=key, expected=expected, found=value, advice=_ADVICE
        )


def estimate_bytes(path: Any, options: Mapping[str, Any]) -> int:
    """About how many bytes of weights a model will have in memory, from its file; 0 if nothing says."""
    try:
        precision = options.get("precision", "auto")
        bundle = find_bundle(path) if precision == "auto" else _bundle(path, precision)
        size = bundle.model.stat().st_size
        stored = stored_precision(bundle.model)
    except (DragomanError, OSError, TypeError, ValueError, AttributeError):
        return 0  # whoever loads it hears what is wrong
    if precision == "int8" and stored == "float32":
        return size // 4
    return size * 4 if precision == "float32" and stored != "float32" else size


def estimate_vocabulary_bytes(path: Any, options: Mapping[str, Any]) -> int:
    """About how many bytes its vocabularies will take; 0 if nothing says. One that other models use too counts with
    each of them."""
    try:
        precision = options.get("precision", "auto")
        bundle = find_bundle(path) if precision == "auto" else _bundle(path, precision)
        return estimate_private_bytes(bundle.vocabularies)
    except (DragomanError, OSError, TypeError, ValueError, AttributeError):
        return 0


def _bundle(path: Any, precision: str) -> Any:
    try:
        return find_bundle(path, precision=precision)  # type: ignore[arg-type]
    except (ModelNotFoundError, OptionsError):
        return find_bundle(path)
