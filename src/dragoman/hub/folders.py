"""Mirrors that are plain folders: of models, of archives, of another machine's store; nested or flat.

A folder is one model if model files lie in it; else each folder and archive in it is looked at, three levels deep. A
store's own records are used where they are: they name languages, licence and every file's sha256.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from dragoman.catalogue.store import RECORD, check_of
from dragoman.errors import HubError
from dragoman.hub import huggingface, opus
from dragoman.hub.offers import Offer, RemoteFile, safe_name
from dragoman.hub.places import Place
from dragoman.hub.values import Fields, parse_json
from dragoman.languages import languages_of_name

__all__ = ["CATALOGUES", "offers_of_folder"]

CATALOGUES = ("records.json", "models.json", "index.txt")
"""Documents that speak for the folder they lie in."""

_DEPTH = 3
_MAX_FOLDERS = 2000
_LIMIT = 4 << 20
_MODELS = (".npz", ".bin", ".npz.gz", ".npz.zst", ".bin.gz", ".bin.zst")
_ARCHITECTURE = re.compile(r"(?:^|[-_./])(tiny|base-memory|base)(?:[-_./0-9]|$)")
_UNSAFE = re.compile(r"[^A-Za-z0-9+@=]+")


def offers_of_folder(place: Place) -> list[Offer]:
    """All models of a folder. Raises HubError where it cannot be read."""
    found: list[Offer] = []
    visited = 0
    waiting: list[tuple[Place, tuple[str, ...]]] = [(place, ())]
    while waiting:
        here, way = waiting.pop(0)
        visited += 1
        if visited > _MAX_FOLDERS:
            raise HubError(f"{place.address}: more than {_MAX_FOLDERS:,} folders: name one of them.")
        files, folders = here.entries()
        if model := _model(here, files, way, place.address):
            found.append(model)
            continue
        found += _archives(here, files)
        if len(way) < _DEPTH:
            waiting += [(here.inner(name), (*way, name)) for name in folders]
    return _with_names(found)


def _model(here: Place, files: list[str], way: tuple[str, ...], origin: str) -> Offer | None:
    """The model whose files lie here; None if there is none."""
    if RECORD in files and (stored := _stored(here, origin)):
        return stored
    if huggingface.is_model(files):
        return huggingface.offer_of_folder(here, files, origin)
    models = [name for name in files if name.endswith(_MODELS) and not name.startswith("lex.")]
    if not models or not any("vocab" in name or name.endswith((".spm", ".spm.gz", ".spm.zst")) for name in files):
        return None
    path = "/".join(way) or here.name
    names = (*_said(models), *reversed(way), here.name)
    languages = next(filter(None, map(languages_of_name, names)), None)
    kind = _ARCHITECTURE.search(path)
    wanted = [name for name in files if name != RECORD and not name.endswith((".md5", ".sha256", ".html"))]
    return Offer(
        name=_UNSAFE.sub("-", path).strip("-") or "model",
        source="folder",
        languages=languages,
        architecture=kind[1] if kind else "model",
        version="1",
        licence="unknown",
        layout="files",
        files=tuple(_file(here, name) for name in wanted),
        origin=origin,
    )


def _said(models: list[str]) -> Iterator[str]:
    """Parts of Firefox's names of files that say a pair: ``model.ende.intgemm.alphas.bin``."""
    for name in models:
        if name.startswith("model."):
            yield name.split(".")[1]


def _file(here: Place, name: str) -> RemoteFile:
    plain = name.removesuffix(".gz").removesuffix(".zst")
    return RemoteFile(safe_name(plain, f"{here.address}: a file"), here.url(name))


def _stored(here: Place, origin: str) -> Offer | None:
    """A model of another store, by its record; None where that does not hold."""
    try:
        values = parse_json(here.read(RECORD, _LIMIT), here.address)
        if values.pop("check", None) != check_of(values):
            return None
        fields = Fields(values, here.url(RECORD))
        pair = fields.raw("languages")
        files = []
        for one in fields.items("files"):
            entry = Fields(one, here.url(RECORD))
            name = entry.text("name")
            file = RemoteFile(
                safe_name(name, "a file"), here.url(name), size=entry.size("size"), sha256=entry.digest("sha256")
            )
            files.append(file)
        return Offer(
            name=safe_name(fields.text("name"), "a model"),
            source="folder",
            languages=(str(pair[0]), str(pair[1])) if pair else None,
            architecture=fields.text("architecture"),
            version=fields.text("version"),
            licence=fields.text("licence"),
            layout="files",
            files=tuple(files),
            origin=origin,
        )
    except (HubError, AttributeError, TypeError, IndexError, json.JSONDecodeError):
        return None


def _archives(here: Place, files: list[str]) -> Iterator[Offer]:
    for name in files:
        if name.endswith(".zip"):
            yield opus.offer_of_archive(here.url(name), None, "", None)
        elif name.endswith((".tar.gz", ".tgz")):
            yield offer_of_tar(here.url(name), here.address)


def offer_of_tar(url: str, origin: str) -> Offer:
    """The model of one tar archive, which its name describes."""
    stem = url.rstrip("/").rsplit("/", 1)[-1].removesuffix(".gz").removesuffix(".tgz").removesuffix(".tar")
    languages = languages_of_name(stem)
    kind = _ARCHITECTURE.search(stem)
    pair = "-".join(languages) if languages else _UNSAFE.sub("-", stem).strip("-") or "model"
    return Offer(
        name=safe_name(f"{pair}.bergamot.{kind[1] if kind else 'tiny'}", "a model"),
        source="bergamot",
        languages=languages,
        architecture=kind[1] if kind else "tiny",
        version="1",
        licence="CC-BY-SA-4.0",
        layout="archive",
        files=(RemoteFile("archive.tar.gz", url),),
        origin=origin,
    )


def _with_names(offers: list[Offer]) -> list[Offer]:
    """Names that are different, those of languages first: "en-cs.folder.tiny"."""
    from dataclasses import replace

    taken: set[str] = set()
    named = []
    for offer in offers:
        name = offer.name
        if offer.source == "folder" and "." not in name and offer.languages:
            name = f"{offer.pair}.folder.{offer.architecture}"
        if name in taken:
            name = next(f"{name}-{n}" for n in range(2, 10_000) if f"{name}-{n}" not in taken)
        taken.add(name)
        named.append(replace(offer, name=safe_name(name, "a model")))
    return named
