"""Vocabularies of this process: equal ones are loaded once and shared while somebody uses them.

Found by the sha256 of the file's bytes, and by their contents. References are weak: the last model that uses a
vocabulary takes it along. What a vocabulary costs, all of it private memory: SentencePiece's processor, 1.5 to
3.6 MB for 8000 to 32 000 pieces (it holds the file's bytes too; we keep no copy, and no list of pieces).
"""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path
from weakref import WeakValueDictionary

from dragoman.formats.compression import plain_suffix
from dragoman.formats.files import TEXT_LIMIT, MemoryFile, read_bytes
from dragoman.formats.vocabulary import Vocabulary, read_vocabulary
from dragoman.host import check_sentencepiece

__all__ = ["estimate_private_bytes", "private_bytes", "read_pair", "shared_vocabulary"]

_BYTES_A_PIECE = 190
"""Of private memory, measured: 1.48 MB for 8000 pieces; larger vocabularies take less a piece."""

_lock = threading.Lock()
_by_bytes: WeakValueDictionary[tuple[str, str], Vocabulary] = WeakValueDictionary()
_by_contents: WeakValueDictionary[tuple[type, str], Vocabulary] = WeakValueDictionary()


def shared_vocabulary(path: Path) -> Vocabulary:
    """The vocabulary of a file. Its ``path`` may be that of an equal file. Errors: `read_vocabulary`."""
    if plain_suffix(path) in (".fsv", ".fm"):
        return read_vocabulary(path)  # refuses, and says why
    data = read_bytes(path, limit=TEXT_LIMIT)
    key = (plain_suffix(path), hashlib.sha256(data).hexdigest())
    with _lock:
        found = _by_bytes.get(key)
    if found is not None:
        return found
    vocabulary = read_vocabulary(MemoryFile.of(path, data))  # without the lock: two threads may do the same work
    with _lock:
        vocabulary = _by_contents.setdefault((type(vocabulary), vocabulary.content_hash), vocabulary)
        return _by_bytes.setdefault(key, vocabulary)


def read_pair(source: Path, target: Path) -> tuple[Vocabulary, Vocabulary]:
    """Source and target; one object if they are equal."""
    first = shared_vocabulary(source)
    return first, first if source == target else shared_vocabulary(target)


def private_bytes(vocabularies: tuple[Vocabulary, Vocabulary]) -> int:
    """About how many bytes of private memory a model's vocabularies take; one object counts once."""
    return sum(_BYTES_A_PIECE * one.size for one in {id(one): one for one in vocabularies}.values())


def estimate_private_bytes(paths: tuple[Path, Path]) -> int:
    """The same before they are loaded, from their files: exact for SentencePiece models, else rather too much."""
    total = 0
    for path in dict.fromkeys(paths):
        data = bytes(read_bytes(path, limit=TEXT_LIMIT))
        pieces = check_sentencepiece(data)[2] if plain_suffix(path) == ".spm" else len(data) // 4
        total += _BYTES_A_PIECE * pieces
    return total
