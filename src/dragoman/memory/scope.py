"""What a translation depends on beside its text, as one short string."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from pathlib import Path

from dragoman.formats.files import MODEL_LIMIT, read_bytes
from dragoman.options import DecodingOptions, option_names

__all__ = ["file_fingerprint", "scope_of"]

_lock = threading.Lock()
_known: dict[tuple[str, int, int, int], str] = {}


def file_fingerprint(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes; computed again when its size or time changes.

    Raises ModelNotFoundError or ModelFormatError if it cannot be read.
    """
    try:
        found = path.stat()
        key = (str(path.resolve()), found.st_size, found.st_mtime_ns, found.st_ino)
    except OSError:
        key = ("", 0, 0, 0)  # reading it says why
    with _lock:
        if key in _known:
            return _known[key]
    digest = hashlib.sha256(read_bytes(path, limit=MODEL_LIMIT)).hexdigest()
    if key[0] and key[3]:
        with _lock:
            _known[key] = digest
    return digest


def scope_of(models: Sequence[str], options: DecodingOptions, *others: str) -> str:
    """The scope of a translation: equal for equal results.

    Args:
        models: of each model what tells it from others: fingerprints of its files, and the precision it runs in.
        options: all of them count.
        others: whatever else changes the result: a glossary's fingerprint, the version of the program.
    """
    digest = hashlib.sha256()
    for part in (*models, *(f"{name}={getattr(options, name)!r}" for name in option_names()), *others):
        digest.update(len(part.encode()).to_bytes(8, "little") + part.encode())
    return digest.hexdigest()
