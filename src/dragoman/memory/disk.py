"""Translations in an SQLite file, for any number of processes and threads at once."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from dragoman.errors import TextFormatError
from dragoman.memory.entries import Entry, Key, decode_entry, encode_entry

__all__ = ["DiskEntries"]

_APPLICATION = 0x4452474D  # "DRGM"
_VERSION = 1
_SCHEMA = """
CREATE TABLE scopes (id INTEGER PRIMARY KEY, scope TEXT NOT NULL UNIQUE);
CREATE TABLE entries (
    id INTEGER PRIMARY KEY, scope INTEGER NOT NULL, hash INTEGER NOT NULL, used INTEGER NOT NULL, size INTEGER NOT NULL,
    text TEXT NOT NULL, target TEXT NOT NULL, value BLOB NOT NULL);
CREATE INDEX by_hash ON entries (hash, scope);
CREATE INDEX by_use ON entries (used);
CREATE TABLE total (size INTEGER NOT NULL);
INSERT INTO total VALUES (0);
"""
_WAIT_S = 10.0
_FRESH_S = 3600
"""How old the mark of an entry's last use may be."""
_inherited: list[sqlite3.Connection] = []
"""Connections of a process before its fork: a child must neither use them nor close them."""


class DiskEntries:
    """Entries in a file. Thread-safe; each process has a connection of its own, also after a fork.

    Where the file system has no shared memory for SQLite's write-ahead log (some network file systems), SQLite keeps a
    rollback journal instead.

    Args:
        path: the file; made if it is not there, with its folder.
        limit: most bytes of the entries; those not used for the longest time go first.

    Raises TextFormatError if it is something else than such a file, of a later version, or cannot be opened.
    """

    def __init__(self, path: Path, limit: int) -> None:
        self.path, self._limit = path, limit
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._process = 0
        self.closed = False
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with self._connected():
                pass
        except (sqlite3.Error, OSError) as error:
            raise TextFormatError(path, f"not a translation memory that can be opened: {error}.") from None

    def get(self, keys: Sequence[Key]) -> list[Entry | None]:
        """Entries of keys, in their order. Raises sqlite3.Error if the file cannot be read."""
        now = int(time.time())
        found: list[Entry | None] = []
        stale: list[int] = []
        with self._lock, self._connected() as connection:
            for key in keys:
                row = connection.execute(
                    "SELECT e.id, e.used, e.target, e.value FROM entries e JOIN scopes s ON s.id = e.scope"
                    " WHERE e.hash = ? AND s.scope = ? AND e.text = ?",
                    (_hash(key.text), key.scope, key.text),
                ).fetchone()
                found.append(None if row is None else decode_entry(row[2], row[3]))
                if row is not None and row[1] < now - _FRESH_S:
                    stale.append(row[0])
            if stale:
                with connection:
                    connection.executemany("UPDATE entries SET used = ? WHERE id = ?", [(now, one) for one in stale])
        return found

    def put(self, items: Sequence[tuple[Key, Entry]]) -> None:
        """Keep entries, all or none, in the place of others of their keys. Raises sqlite3.Error if that fails."""
        now = int(time.time())
        with self._lock, self._connected() as connection, connection:
            connection.execute("BEGIN IMMEDIATE")
            added = 0
            for key, entry in items:
                value = encode_entry(entry)
                size = len(key.text.encode()) + len(entry.target.encode()) + len(value) + 64
                if size > self._limit // 8:
                    continue
                scope, digest = self._scope(connection, key.scope), _hash(key.text)
                old = connection.execute(
                    "SELECT id, size FROM entries WHERE hash = ? AND scope = ? AND text = ?", (digest, scope, key.text)
                ).fetchone()
                if old is not None:
                    connection.execute("DELETE FROM entries WHERE id = ?", (old[0],))
                    added -= old[1]
                connection.execute(
                    "INSERT INTO entries (scope, hash, used, size, text, target, value) VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (scope, digest, now, size, key.text, entry.target, value),
                )
                added += size
            connection.execute("UPDATE total SET size = size + ?", (added,))
            self._make_room(connection)

    def items(self) -> Iterator[tuple[Key, Entry]]:
        """All entries, the oldest first. Raises sqlite3.Error if the file cannot be read."""
        last = 0
        while True:
            with self._lock, self._connected() as connection:
                rows = connection.execute(
                    "SELECT e.id, s.scope, e.text, e.target, e.value FROM entries e JOIN scopes s ON s.id = e.scope"
                    " WHERE e.id > ? ORDER BY e.id LIMIT 500",
                    (last,),
                ).fetchall()
            for _, scope, text, target, value in rows:
                entry = decode_entry(target, value)
                if entry is not None:
                    yield Key(scope, text), entry
            if not rows:
                return
            last = rows[-1][0]

    def measure(self) -> tuple[int, int]:
        """Number of entries, and their bytes."""
        with self._lock, self._connected() as connection:
            (count,) = connection.execute("SELECT count(*) FROM entries").fetchone()
            (size,) = connection.execute("SELECT size FROM total").fetchone()
        return count, size

    def close(self) -> None:
        """Close this process's connection. Idempotent."""
        with self._lock:
            self.closed = True
            if self._connection is not None and self._process == os.getpid():
                self._connection.close()
            self._connection = None

    def _make_room(self, connection: sqlite3.Connection) -> None:
        (size,) = connection.execute("SELECT size FROM total").fetchone()
        while size > self._limit:
            rows = connection.execute("SELECT id, size FROM entries ORDER BY used, id LIMIT 64").fetchall()
            if not rows:
                break
            for number, own in rows:
                connection.execute("DELETE FROM entries WHERE id = ?", (number,))
                connection.execute("UPDATE total SET size = size - ?", (own,))
                size -= own
                if size <= self._limit * 9 // 10:  # a tenth at once, so that not every entry must look for its victim
                    return

    def _scope(self, connection: sqlite3.Connection, scope: str) -> int:
        connection.execute("INSERT OR IGNORE INTO scopes (scope) VALUES (?)", (scope,))
        number: int = connection.execute("SELECT id FROM scopes WHERE scope = ?", (scope,)).fetchone()[0]
        return number

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        if self.closed:
            raise sqlite3.ProgrammingError("the translation memory is closed")
        if self._connection is None or self._process != os.getpid():
            if self._connection is not None:
                _inherited.append(self._connection)
            self._connection, self._process = self._open(), os.getpid()
        yield self._connection

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=_WAIT_S, check_same_thread=False, isolation_level=None)
        try:
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if tables and (application != _APPLICATION or version != _VERSION):
                raise sqlite3.DatabaseError("it is another program's, or of another version")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            if not tables:
                self._create(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _create(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        with connection:
            (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if not tables:  # nobody else was faster
                for statement in filter(str.strip, _SCHEMA.split(";")):
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {_APPLICATION}")
                connection.execute(f"PRAGMA user_version = {_VERSION}")


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little", signed=True)
