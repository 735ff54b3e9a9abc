"""A model is fetched into the store, whole or not at all.

    .partial/<name>.lock              held by whoever brings the model: one process at a time
    .partial/<name>/<pin>/fetched/    parts and whole files; stays when something breaks off
    .partial/<name>/<pin>/model/      what becomes the model's folder, made afresh at the end
    <name>/                           by one rename; a former version is moved aside just before

The pin is of what the catalogue says, so that a later attempt, or another process, finds what has come.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import shutil
import threading
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

from dragoman.catalogue.store import (
    FetchedFile,
    StoredFile,
    StoredModel,
    read_record,
    stored_models,
    write_record,
)
from dragoman.errors import DragomanError, HubError
from dragoman.formats.bundle import find_bundle
from dragoman.hub.convert import convert_folder
from dragoman.hub.download import Told, download
from dragoman.hub.inside import languages_inside
from dragoman.hub.lockfile import write_lock
from dragoman.hub.locks import exclusive
from dragoman.hub.offers import Offer, RemoteFile, safe_name
from dragoman.hub.unpack import digest_of, unpack_archive, unpack_file
from dragoman.hub.web import Web, is_web, shown

__all__ = ["Installation", "installed", "remove_model"]

_STORE_LOCK = ".lock"


def installed(store: Path, offer: Offer) -> StoredModel | None:
    """The model of the store that is this very version; None if it is another, or not there."""
    try:
        model = read_record(store / offer.name)
    except HubError:
        return None
    sound = all(_size(model.folder / file.name) == file.size for file in model.files)
    return model if model.pin == offer.pin and sound else None


def remove_model(store: Path, model: StoredModel, pause: Callable[[float], object]) -> None:
    """Take a model out of the store. Who has it open keeps it. Raises OSError."""
    with exclusive(store / _STORE_LOCK, pause):
        aside = store / f".removed.{model.name}.{os.getpid()}"
        os.replace(model.folder, aside)
        write_lock(store, stored_models(store))
    shutil.rmtree(aside, ignore_errors=True)


class Installation:
    """One offer on its way into a store. `fetch` may be called from several threads, `finish` once, by whoever brought
    the last file, `close` at the end whatever happened.

    Args:
        pause: waits so many seconds; may raise to stop.
    """

    def __init__(self, web: Web, store: Path, offer: Offer, pause: Callable[[float], object]) -> None:
        self._web, self._store, self.offer, self._pause = web, store, offer, pause
        self._parent = store / ".partial" / safe_name(offer.name, "a model")
        self._folder = self._parent / offer.pin
        self._whole: list[tuple[Path, FetchedFile]] = []
        self._lock = threading.Lock()
        self._held: contextlib.ExitStack | None = None

    def start(self) -> StoredModel | None:
        """Wait for other processes that bring this model. What they brought, if that is what is wanted. Raises
        OSError."""
        with self._lock:
            if self._held is None:
                held = contextlib.ExitStack()
                held.enter_context(exclusive(self._parent.with_name(f"{self.offer.name}.lock"), self._pause))
                self._held = held
                (self._folder / "fetched").mkdir(parents=True, exist_ok=True)
        return installed(self._store, self.offer)

    def fetch(self, file: RemoteFile, tell: Told) -> bool:
        """Fetch, unpack and check one file; True if it was the last one. Raises HubError, OSError."""
        place = self._folder / "fetched" / safe_name(file.name, "a file")
        found = _recall(place)  # only a whole and checked file has a note
        if found is not None:
            tell(found.size, found.size)
        else:
            part = place.with_name(place.name + ".part")
            for last in (False, True):
                download(self._web, file, part, tell, self._pause)
                try:
                    found = _kept(file, part, place, archive=self.offer.layout == "archive")
                    break
                except HubError:  # perhaps a byte turned on the way
                    part.unlink(missing_ok=True)
                    if last:
                        raise
        assert found is not None
        with self._lock:
            self._whole.append((place, found))
            return len(self._whole) == len(self.offer.files)

    def finish(self) -> StoredModel:
        """Make the model of its files and put it into place. Raises HubError, OSError."""
        target = self._folder / "model"
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()
        try:
            remote = self._make(target)
            offer = self._with_languages(target)
            model = _stored(offer, target, remote)
        except DragomanError as error:
            # What the catalogue said of these bytes holds, or it said nothing: they are of no use.
            shutil.rmtree(self._folder, ignore_errors=True)
            raise HubError(f"{self.offer.name}: {error}") from None
        write_record(model, target)
        _sync(target)
        self._place(target, model)
        shutil.rmtree(self._parent, ignore_errors=True)
        return replace(model, folder=self._store / model.name)

    def close(self) -> None:
        """Let others bring the model."""
        with self._lock:
            if self._held is not None:
                self._held.close()
                self._held = None

    def _make(self, target: Path) -> tuple[FetchedFile, ...]:
        """The model's files in ``target``, and what was fetched for them."""
        if self.offer.layout == "archive":
            for place, file in self._whole:
                unpack_archive(place, target, file.url)
            _refuse_bpe(target)
        elif self.offer.layout == "huggingface":
            convert_folder(self._folder / "fetched", target)
        else:
            for place, _ in self._whole:
                _link(place, target / place.name)
        find_bundle(target)
        return tuple(sorted((file for _, file in self._whole), key=lambda file: file.name))

    def _with_languages(self, target: Path) -> Offer:
        """Where the catalogue names no languages, what the archive says of itself."""
        if self.offer.languages is not None:
            return self.offer
        found = languages_inside(target)
        return replace(self.offer, languages=found) if found else self.offer

    def _place(self, target: Path, model: StoredModel) -> None:
        place = self._store / model.name
        with exclusive(self._store / _STORE_LOCK, self._pause):
            aside = self._store / f".replaced.{model.name}.{os.getpid()}"
            if place.exists():
                shutil.rmtree(aside, ignore_errors=True)
                os.replace(place, aside)
            try:
                os.replace(target, place)
            except OSError:
                if aside.exists():
                    os.replace(aside, place)
                raise
            shutil.rmtree(aside, ignore_errors=True)
            _sync_folder(self._store)
            write_lock(self._store, stored_models(self._store))


def _kept(file: RemoteFile, part: Path, place: Path, *, archive: bool) -> FetchedFile:
    """Make a whole file of what came: unpacked (an archive stays as it is), and with a note of what it was."""
    url = shown(file.url) if is_web(file.url) else file.url
    size, digest = part.stat().st_size, digest_of(part)
    inner_size, inner_digest = file.unpacked_size, file.unpacked_sha256
    if not archive:
        unpacked = place.with_name(place.name + ".unpacked")
        unpack_file(part, unpacked, size=inner_size, sha256=inner_digest, what=url)
        inner_size, inner_digest = unpacked.stat().st_size, digest_of(unpacked)
        os.replace(unpacked, place)
    else:
        os.replace(part, place)
    found = FetchedFile(file.name, url, size, digest, inner_size, inner_digest)
    note = place.with_name(place.name + ".note")
    temporary = note.with_name(note.name + ".tmp")
    temporary.write_text(json.dumps(asdict(found)), encoding="utf-8")
    os.replace(temporary, note)
    part.unlink(missing_ok=True)
    part.with_name(part.name + ".json").unlink(missing_ok=True)
    return found


def _recall(place: Path) -> FetchedFile | None:
    """What a whole file was; None if it is not there."""
    try:
        found = FetchedFile(**json.loads(place.with_name(place.name + ".note").read_text(encoding="utf-8")))
        size = place.stat().st_size
    except (OSError, ValueError, TypeError):
        return None
    return found if size in (found.size, found.unpacked_size) else None


def _link(source: Path, target: Path) -> None:
    """The same file by a second name, or a copy where that is not possible: the first stays until all is done."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _refuse_bpe(folder: Path) -> None:
    if (folder / "source.bpe").exists() and not (folder / "source.spm").exists():
        raise HubError("its pieces are made with BPE (source.bpe), which is not supported: take one with .spm files.")


def _stored(offer: Offer, folder: Path, remote: tuple[FetchedFile, ...]) -> StoredModel:
    files = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            name = path.relative_to(folder).as_posix()
            files.append(StoredFile(name, path.stat().st_size, digest_of(path)))
    return StoredModel(
        folder=folder,
        name=offer.name,
        source=offer.source,
        languages=offer.languages,
        architecture=offer.architecture,
        version=offer.version,
        licence=offer.licence,
        origin=shown(offer.origin) if is_web(offer.origin) else offer.origin,
        pin=offer.pin,
        pulled=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        files=tuple(files),
        layout=offer.layout,
        remote=remote,
    )


def _sync(folder: Path) -> None:
    """Get all files of a folder to the disk before it gets its name."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb+") as stream:
                os.fsync(stream.fileno())
    _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # folders cannot be opened there
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1
