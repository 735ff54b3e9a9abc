"""The models that were pulled: a folder of folders, each with a record of what it is. Reading only; `dragoman.hub`
writes.

``DRAGOMAN_MODELS`` names the folder, else ``models`` in the user's data folder. Names that begin with a dot are what
is not whole. A model's record is ``dragoman.json`` beside its files:

    {"format": 1, "name": ..., "source": ..., "languages": [..., ...], "architecture": ..., "version": ...,
     "licence": ..., "origin": ..., "pin": ..., "pulled": ..., "files": [{"name", "size", "sha256"}],
     "layout": ..., "remote": [{"name", "url", "size", "sha256", "unpacked_size", "unpacked_sha256"}],
     "check": sha256 of all that, as sorted JSON}
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dragoman.errors import HubError
from dragoman.languages import language_distance

__all__ = [
    "RECORD",
    "SOURCES",
    "FetchedFile",
    "StoredFile",
    "StoredModel",
    "check_of",
    "checked_text",
    "find_stored",
    "models_folder",
    "pair_distance",
    "read_record",
    "stored_models",
    "write_record",
]

RECORD = "dragoman.json"
FORMAT = 1
_LIMIT = 4 << 20

SOURCES = ("firefox", "bergamot", "opus-mt", "huggingface", "folder")
"""Of several models of a pair, one of an earlier source goes first."""

_TEXTS = ("source", "architecture", "version", "licence", "origin", "pin", "pulled", "layout")
_ARCHITECTURES = ("base", "base-memory", "tiny")
"""Of several of one source, the better one goes first."""


@dataclass(frozen=True)
class StoredFile:
    """A file of a model, as it was when it was installed. ``name``: its path below the folder, with slashes."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class FetchedFile:
    """What was fetched for a model: address, and what the bytes were as they travelled and when unpacked."""

    name: str
    url: str
    size: int
    sha256: str
    unpacked_size: int | None = None
    unpacked_sha256: str | None = None


@dataclass(frozen=True)
class StoredModel:
    """A model of the store.

    Attributes:
        folder: where its files are.
        name: the folder's.
        source: kind of catalogue it came from.
        languages: source and target, or None where nothing said.
        origin: address of the catalogue.
        pin: digest of what the catalogue said; equal pins are equal models.
        pulled: when, in UTC, ISO 8601.
        files: all of them but the record.
        layout, remote: how they came about (`dragoman.hub.offers`), so that the same can be had again.
    """

    folder: Path
    name: str
    source: str
    languages: tuple[str, str] | None
    architecture: str
    version: str
    licence: str
    origin: str
    pin: str
    pulled: str
    files: tuple[StoredFile, ...]
    layout: str
    remote: tuple[FetchedFile, ...]

    @property
    def pair(self) -> str:
        """Such as "en-cs"; "?" where unknown."""
        return "-".join(self.languages) if self.languages else "?"

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    def facts(self) -> dict[str, Any]:
        """As plain values, for records and programs; without the folder."""
        values = asdict(self)
        del values["folder"]
        values["languages"] = None if self.languages is None else list(self.languages)
        values["files"] = [asdict(file) for file in self.files]
        values["remote"] = [asdict(file) for file in self.remote]
        return values


def models_folder() -> Path:
    """Where pulled models are. Not necessarily there."""
    stated = os.environ.get("DRAGOMAN_MODELS")
    if stated:
        return Path(stated).expanduser()
    import platformdirs

    return platformdirs.user_data_path("dragoman", appauthor=False) / "models"


def stored_models(folder: Path | None = None) -> tuple[StoredModel, ...]:
    """All models of a store, by their languages, the preferred ones of a pair first. What has no sound record is no
    model."""
    place = models_folder() if folder is None else folder
    try:
        names = sorted(one.name for one in place.iterdir() if not one.name.startswith("."))
    except OSError:
        return ()
    found = []
    for name in names:
        try:
            found.append(read_record(place / name))
        except HubError:
            continue
    return tuple(sorted(found, key=_preference))


def find_stored(wanted: str, models: Sequence[StoredModel]) -> StoredModel | None:
    """The model of a name, or the best one of a pair ("en-cs", "en_CS", "zh-Hans-en"). None: there is none."""
    for model in models:
        if model.name == wanted:
            return model
    ranked = [
        (distance, place)
        for place, model in enumerate(models)
        if model.languages and (distance := pair_distance(wanted, model.languages)) is not None
    ]
    return models[min(ranked)[1]] if ranked else None


def pair_distance(wanted: str, languages: tuple[str, str]) -> int | None:
    """How far a text such as "en-zh_Hans" is from a pair of languages, 0 for the same; None: it means others.

    Where both may have regions and scripts, every place where the text can be cut is tried.
    """
    parts = wanted.strip().replace("_", "-").split("-")
    if len(parts) == 1 and len(wanted.strip()) == 4:
        parts = [wanted.strip()[:2], wanted.strip()[2:]]
    best: int | None = None
    for cut in range(1, min(len(parts), 8)):
        first = language_distance("-".join(parts[:cut]), languages[0])
        second = language_distance("-".join(parts[cut:]), languages[1])
        if first is not None and second is not None and (best is None or first + second < best):
            best = first + second
    return best


def read_record(folder: Path) -> StoredModel:
    """The record of a folder. Raises HubError if there is none, or it is damaged."""
    path = folder / RECORD
    try:
        with path.open("rb") as file:
            data = file.read(_LIMIT + 1)
        values = json.loads(data.decode("utf-8")) if len(data) <= _LIMIT else None
        if not isinstance(values, dict) or values.pop("check", None) != check_of(values):
            raise ValueError("it is not what was written")
        if data != checked_text(values):
            raise ValueError("it was changed after it was written")
        return _model(folder, values)
    except OSError as error:
        raise HubError(f"{path}: cannot be read: {error.strerror or error}.") from None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise HubError(f"{path}: the record is damaged: {error}. Remove the model and pull it again.") from None


def _model(folder: Path, values: Mapping[str, Any]) -> StoredModel:
    if values["format"] != FORMAT:
        raise ValueError(f"format {values['format']!r} is not known here")
    if values["name"] != folder.name:
        raise ValueError(f"it is the record of {values['name']!r}")
    texts = {key: str(values[key]) for key in _TEXTS}
    pair = values["languages"]
    return StoredModel(
        folder=folder,
        name=folder.name,
        languages=None if pair is None else (str(pair[0]), str(pair[1])),
        files=tuple(StoredFile(str(one["name"]), int(one["size"]), str(one["sha256"])) for one in values["files"]),
        remote=tuple(FetchedFile(**one) for one in values["remote"]),
        **texts,
    )


def write_record(model: StoredModel, folder: Path) -> None:
    """Write a model's record into a folder that is being made. Raises OSError."""
    (folder / RECORD).write_bytes(checked_text({"format": FORMAT, **model.facts()}))


def checked_text(values: Mapping[str, Any]) -> bytes:
    """Plain values as a file that shows when it was changed."""
    return (json.dumps({**values, "check": check_of(values)}, indent=1, ensure_ascii=False) + "\n").encode()


def check_of(values: Mapping[str, Any]) -> str:
    """sha256 of plain values, the same however they are written."""
    return hashlib.sha256(json.dumps(values, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


def _preference(model: StoredModel) -> tuple[object, ...]:
    source = SOURCES.index(model.source) if model.source in SOURCES else len(SOURCES)
    kinds = _ARCHITECTURES
    architecture = kinds.index(model.architecture) if model.architecture in kinds else len(kinds)
    return (model.languages or ("~", "~"), source, architecture, model.name)
