"""Whether the store is what it was when it was filled: every byte of every file, and no file more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from dragoman.catalogue.store import RECORD, StoredModel, read_record
from dragoman.errors import HubError
from dragoman.hub.lockfile import LOCK_FILE, lock_problem, pinned_records
from dragoman.hub.unpack import digest_of

__all__ = ["verify_folder", "verify_store"]


def verify_store(store: Path) -> Iterator[tuple[str, list[str]]]:
    """Name and problems of each folder of a store, and of its lock file."""
    if not store.is_dir():
        return
    pins: dict[str, str] = {}
    lock = store / LOCK_FILE
    if lock.exists():
        problem = lock_problem(lock)
        if problem is not None:
            yield LOCK_FILE, [problem]
        else:
            pins = {name: record.text("pin") for name, record in pinned_records(lock).items()}
    names = {path.name for path in store.iterdir() if path.is_dir() and not path.name.startswith(".")}
    for name in sorted(names | pins.keys()):
        yield name, verify_folder(store / name, pins.get(name))


def verify_folder(folder: Path, pin: str | None = None) -> list[str]:
    """What is wrong with a model's folder, a line each that names the file; empty: nothing is."""
    if not folder.is_dir():
        return [f"{folder}: the lock file names this model, and it is not there"]
    try:
        model = read_record(folder)
    except HubError as error:
        return [str(error)]
    problems = [] if pin is None or pin == model.pin else [f"{folder / RECORD}: the lock file pins another version"]
    problems += [problem for file in model.files if (problem := _problem(folder / file.name, file.size, file.sha256))]
    return problems + [f"{path}: this file does not belong there" for path in _strangers(model)]


def _problem(path: Path, size: int, sha256: str) -> str | None:
    try:
        found = path.stat().st_size
        if found != size:
            return f"{path}: {found:,} bytes, {size:,} were installed"
        if digest_of(path) != sha256:
            return f"{path}: changed since it was installed"
    except OSError as error:
        return f"{path}: cannot be read: {error.strerror or error}"
    return None


def _strangers(model: StoredModel) -> list[Path]:
    known = {file.name for file in model.files} | {RECORD}
    return [
        path
        for path in sorted(model.folder.rglob("*"))
        if not path.is_dir() and path.relative_to(model.folder).as_posix() not in known
    ]
