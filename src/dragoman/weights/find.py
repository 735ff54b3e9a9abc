"""From a model's files to weights in a back end: found in the cache where possible, else made, and kept there."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

from dragoman.backends.protocol import Backend, StoringBackend
from dragoman.errors import NativeError
from dragoman.formats.files import MODEL_LIMIT, TEXT_LIMIT, MemoryFile, read_bytes
from dragoman.formats.shortlist import Shortlist
from dragoman.weights.cache_folder import cache_folder
from dragoman.weights.holder import Loaded
from dragoman.weights.recipe import Recipe
from dragoman.weights.store import Key, Opened, Stamp, open_prepared, store

__all__ = ["obtain"]

_log = logging.getLogger("dragoman")


def obtain(recipe: Recipe, backend: Backend) -> tuple[Loaded, Shortlist | None]:
    """Weights and the shortlist. Models of bytes are prepared in private memory, and nothing is written.

    Raises what reading and preparing a model raises: see `dragoman.load`.
    """
    if not isinstance(backend, StoringBackend):
        return _make(recipe, _held(recipe), backend)
    settings = recipe.settings(backend)
    stamp = Stamp.of(recipe.paths, settings)
    folder = None if stamp is None else cache_folder()
    if stamp is not None and folder is not None:
        name = stamp.recall(folder)
        found = None if name is None else _placed(open_prepared(folder, name), backend)
        if found is not None:
            return found
    held = _held(recipe)
    name = Key(tuple(hashlib.sha256(file.contents).hexdigest() for file in held), settings).name
    found = None if folder is None else _placed(open_prepared(folder, name), backend)
    if found is None:
        found = _prepare(recipe, held, backend, name, folder)
    if stamp is not None and folder is not None and found[0].path is not None:
        unchanged = Stamp.of(recipe.paths, settings) == stamp  # while the files were read
        if unchanged:
            stamp.note(folder, name)
    return found


def _held(recipe: Recipe) -> list[MemoryFile]:
    """The files' bytes: what is hashed is what is prepared, whoever writes to the files meanwhile."""
    model = _in_memory(recipe.model, MODEL_LIMIT)
    return [model] if recipe.shortlist is None else [model, _in_memory(recipe.shortlist.path, TEXT_LIMIT)]


def _in_memory(path: Path, limit: int) -> MemoryFile:
    return path if isinstance(path, MemoryFile) else MemoryFile.of(path, read_bytes(path, limit=limit))


def _placed(opened: Opened | None, backend: StoringBackend) -> tuple[Loaded, Shortlist | None] | None:
    """Ready for the back end; None if there is nothing, or nothing sound."""
    if opened is None:
        return None
    head = opened.head
    try:
        placed = backend.place(head.plan, opened.region, head.table)
    except NativeError as error:
        _log.warning("%s has no sound plan: preparing again (%s)", opened.path, error)
        return None
    return Loaded(placed, head.facts, opened.region, opened.path, stamp=opened.stamp), head.shortlist


def _make(recipe: Recipe, held: list[MemoryFile], backend: Backend) -> tuple[Loaded, Shortlist | None]:
    from dragoman.weights.build import read_model

    name = Key(tuple(hashlib.sha256(file.contents).hexdigest() for file in held), {}).name
    return read_model(recipe, held, name).prepare(backend)


def _prepare(
    recipe: Recipe, held: list[MemoryFile], backend: StoringBackend, name: str, folder: Path | None
) -> tuple[Loaded, Shortlist | None]:
    from dragoman.weights.build import read_model  # a load from the cache needs nothing of it

    model = read_model(recipe, held, name)
    region, head = model.region(backend)
    if model.storable and folder is not None:
        stored = _placed(store(folder, name, region), backend)
        if stored is not None:
            return stored
    return Loaded(backend.place(head.plan, region, head.table), head.facts, region), head.shortlist
