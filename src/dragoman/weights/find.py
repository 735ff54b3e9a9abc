"""From a model's files to prepared weights: found in the cache where possible, else made, and kept there."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dragoman.errors import NativeError
from dragoman.formats.files import MODEL_LIMIT, TEXT_LIMIT, MemoryFile, read_bytes
from dragoman.formats.model_options import GivenOptions
from dragoman.formats.shortlist_options import ShortlistOptions
from dragoman.formats.vocabulary import Vocabulary
from dragoman.weights.store import Key, Opened, Stamp, cache_folder, open_prepared, store
from dragoman.weights.weights import native_plan_of

__all__ = ["Recipe", "obtain"]

_log = logging.getLogger("dragoman")


@dataclass(frozen=True)
class Recipe:
    """What to prepare.

    Attributes:
        model: the file.
        precision, compat: as `dragoman.load` takes them.
        shortlist: which one goes into the file, or None: then the output layer is packed for whole use.
        source, target: the model's vocabularies.
        given: options from beside the model file.
    """

    model: Path
    precision: str
    compat: str
    shortlist: ShortlistOptions | None
    source: Vocabulary
    target: Vocabulary
    given: GivenOptions

    @property
    def paths(self) -> tuple[Path, ...]:
        return (self.model,) if self.shortlist is None else (self.model, self.shortlist.path)

    def settings(self) -> dict[str, Any]:
        """What decides the result beside the files' contents."""
        lists = self.shortlist
        return {
            "precision": self.precision,
            "compat": self.compat,
            "shortlist": None
            if lists is None
            else [lists.first, lists.best, lists.threshold, lists.verify, lists.stated_false, lists.path.name,
                  self.source.content_hash, self.target.content_hash],
            "given": [dict(self.given.values), self.given.ignore_file],
        }  # fmt: skip


def obtain(recipe: Recipe) -> tuple[Any, Opened]:
    """Native plan and prepared weights. Models of bytes are prepared in private memory, and nothing is written.

    Raises what reading and preparing a model raises: see `dragoman.load`.
    """
    settings = recipe.settings()
    stamp = Stamp.of(recipe.paths, settings)
    folder = None if stamp is None else cache_folder()
    if stamp is not None and folder is not None:
        name = stamp.recall(folder)
        found = None if name is None else _usable(open_prepared(folder, name))
        if found is not None:
            return found
    model = _in_memory(recipe.model, MODEL_LIMIT)
    lists = recipe.shortlist
    held = [model] if lists is None else [model, _in_memory(lists.path, TEXT_LIMIT)]
    key = Key(tuple(hashlib.sha256(file.contents).hexdigest() for file in held), settings)
    name = key.name
    found = None if folder is None else _usable(open_prepared(folder, name))
    if found is None:
        found = _prepare(recipe, held, name, folder)
    if stamp is not None and folder is not None and found[1].path is not None:
        unchanged = Stamp.of(recipe.paths, settings) == stamp  # while the files were read
        if unchanged:
            stamp.note(folder, name)
    return found


def _in_memory(path: Path, limit: int) -> MemoryFile:
    """The file's bytes: what is hashed is what is prepared, whoever writes to the file meanwhile."""
    return path if isinstance(path, MemoryFile) else MemoryFile.of(path, read_bytes(path, limit=limit))


def _usable(opened: Opened | None) -> tuple[Any, Opened] | None:
    """With its plan; None if that is none."""
    if opened is None:
        return None
    try:
        return native_plan_of(opened.head.plan), opened
    except NativeError as error:
        _log.warning("%s has no sound plan: preparing again (%s)", opened.path, error)
        return None


def _prepare(recipe: Recipe, held: list[MemoryFile], name: str, folder: Path | None) -> tuple[Any, Opened]:
    from dragoman.weights.build import make  # a load from the cache needs nothing of it

    region, head, storable = make(
        held,
        precision=recipe.precision,
        compat=recipe.compat,
        shortlist=recipe.shortlist,
        vocabularies=(recipe.source, recipe.target),
        given=recipe.given,
        made_of=recipe.model,
        name=name,
    )
    opened = store(folder, name, region) if storable and folder is not None else None
    return native_plan_of(head.plan), opened or Opened(region, head, None)
