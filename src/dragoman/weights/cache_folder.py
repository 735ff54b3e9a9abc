"""Where prepared weights are kept, whom the folder must belong to, and how much may lie in it.

``DRAGOMAN_CACHE`` names it ("off": none), else it is ``dragoman`` in the user's cache folder (XDG_CACHE_HOME). Whoever
can write there chooses what is translated: so it must be this user's or root's, and nobody else may write to it.
"""

from __future__ import annotations

import functools
import logging
import os
import stat
from pathlib import Path

from dragoman.errors import OptionsError
from dragoman.units import format_bytes, parse_bytes

__all__ = ["DEFAULT_LIMIT", "cache_folder", "distrusted_file", "make_folder", "read_limit", "trim", "write_limit"]

_log = logging.getLogger("dragoman")

DEFAULT_LIMIT = 4_000_000_000
"""Bytes of prepared weights kept; a model's own take about as many as its file."""

_LIMIT = "limit"
_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def cache_folder() -> Path | None:
    """The folder, or None: there is none, or it cannot be trusted, which is said once. Not necessarily there, nor
    writable."""
    stated = os.environ.get("DRAGOMAN_CACHE", "")
    if stated.lower() == "off":
        return None
    try:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dragoman"
    except RuntimeError:  # no home
        base = None
    folder = Path(stated) if stated else base
    if folder is None:
        return None
    found = Path(os.path.realpath(folder)) / "prepared"
    problem = _distrusted(found)
    if problem is not None:
        _say(f"{problem}: prepared weights are not kept. Correct it, or choose another folder by DRAGOMAN_CACHE.")
        return None
    return found


def make_folder(folder: Path) -> None:
    """Make the folder and what is missing above it, for this user alone. Raises OSError."""
    missing = [folder, *folder.parents]
    for path in reversed([path for path in missing if not path.exists()]):
        path.mkdir(mode=0o700, exist_ok=True)


def distrusted_file(descriptor: int) -> str | None:
    """Why an open file of the folder cannot be used, or None."""
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        return "it is not a regular file"
    return _owner(status) or ("others may write to it" if _known() and status.st_mode & _OTHERS else None)


def _distrusted(folder: Path) -> str | None:
    """Why the folder cannot be used: it, or one above it, belongs to or is open to others."""
    for path in (folder, *folder.parents):
        try:
            status = os.stat(path)
        except OSError:
            continue  # made later, or read in vain
        if not _known():
            return None
        own = path in (folder, folder.parent)  # further up, containers show owners of another world
        open_to = _OTHERS if own else stat.S_IWOTH
        problem = _owner(status) if own else None
        if problem is None and status.st_mode & open_to and not status.st_mode & stat.S_ISVTX:
            problem = "others may write to it"
        if problem is not None:
            return f"{path}: {problem}"
    return None


def _known() -> bool:
    """Whether this system has owners and modes as POSIX knows them."""
    return hasattr(os, "getuid")


def _owner(status: os.stat_result) -> str | None:
    own = _known() and status.st_uid not in (0, os.getuid())
    return f"it belongs to another user (number {status.st_uid})" if own else None


@functools.lru_cache(maxsize=16)
def _say(text: str) -> None:
    _log.warning("%s", text)


def read_limit(folder: Path) -> int | None:
    """Most bytes of prepared weights that stay; None: all."""
    try:
        with (folder / _LIMIT).open("r", encoding="ascii") as file:
            text = file.read(40).strip()
    except (OSError, UnicodeDecodeError):
        return DEFAULT_LIMIT
    try:
        return None if text == "off" else parse_bytes("limit", text)
    except OptionsError:
        return DEFAULT_LIMIT


def write_limit(folder: Path, limit: str) -> None:
    """Keep at most so many bytes ("8 GB"), or all ("off"). Raises OptionsError, OSError."""
    text = "off" if limit == "off" else str(parse_bytes("limit", limit))
    make_folder(folder)
    (folder / _LIMIT).write_text(text + "\n", encoding="ascii")
    trim(folder)


def trim(folder: Path, keep: Path | None = None) -> list[Path]:
    """Remove the least recently used weights until the limit is kept; models that are loaded keep their maps.

    A model was used last when it was prepared, or when a load found it by its stamp (the times of ``.key`` files, which
    hold the name of a prepared file).

    Args:
        keep: a file that stays, however large.

    Returns:
        What was removed.
    """
    limit = read_limit(folder)
    if limit is None:
        return []
    try:
        keys = [(key, _named(key), key.stat().st_mtime) for key in _files(folder, ".key")]
        files = [(path, path.stat().st_size, path.stat().st_mtime) for path in _files(folder, ".weights")]
    except OSError:
        return []  # somebody else is at it
    used = {path.stem: time for path, _, time in files}
    for _, name, time in keys:
        used[name] = max(used.get(name, 0.0), time)
    total = sum(size for _, size, _ in files)
    removed = []
    for path, size, _ in sorted(files, key=lambda entry: used[entry[0].stem]):
        if total <= limit:
            break
        if path == keep:
            continue
        for gone in (path, *(key for key, name, _ in keys if name == path.stem)):
            gone.unlink(missing_ok=True)
        total -= size
        removed.append(path)
    if removed:
        _log.info("%s: the %d least recently used models left (limit %s)", folder, len(removed), format_bytes(limit))
    return removed


def _named(key: Path) -> str:
    with key.open("rb") as file:
        return file.read(40).decode("ascii", "replace")


def _files(folder: Path, suffix: str) -> list[Path]:
    return [path for path in folder.iterdir() if path.suffix == suffix and not path.name.startswith(".")]
