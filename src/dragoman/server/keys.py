"""Keys of an API: stored as hashes, with quotas that survive a restart. One SQLite file, safe for several processes."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dragoman.errors import DragomanError, OptionsError

__all__ = ["Key", "KeyStore"]

_TABLES = """
CREATE TABLE IF NOT EXISTS keys (
    name TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE, char_quota INTEGER, rate INTEGER, created REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS usage (
    name TEXT NOT NULL, month TEXT NOT NULL, characters INTEGER NOT NULL, PRIMARY KEY (name, month)
);
"""


@dataclass(frozen=True, slots=True)
class Key:
    """One key, without its secret.

    Attributes:
        char_quota: characters a month, or None.
        rate: requests a minute, or None: the server's.
        used: characters of this month.
    """

    name: str
    char_quota: int | None
    rate: int | None
    used: int


class KeyStore:
    """Raises DragomanError if the file cannot be used."""

    def __init__(self, path: Path | str, *, create: bool = False) -> None:
        self._path = Path(path)
        self._lock = threading.Lock()
        if not create and not self._path.is_file():
            raise DragomanError(f"{path}: no such file of keys: `dragoman keys add NAME --api-keys {path}` makes one.")
        try:
            if create and not self._path.exists():
                self._path.parent.mkdir(parents=True, exist_ok=True)
                os.close(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            self._database = sqlite3.connect(self._path, timeout=10, check_same_thread=False, isolation_level=None)
            with self._errors():
                self._database.execute("PRAGMA journal_mode=WAL")
                self._database.executescript(_TABLES)
        except OSError as error:
            raise DragomanError(f"{path}: keys cannot be kept there: {error}") from None

    def add(self, name: str, *, char_quota: int | None = None, rate: int | None = None) -> str:
        """A new key: its secret, which is told this once. Raises OptionsError if the name is taken."""
        secret = secrets.token_urlsafe(32)
        self.add_secret(name, secret, char_quota=char_quota, rate=rate)
        return secret

    def add_secret(self, name: str, secret: str, *, char_quota: int | None = None, rate: int | None = None) -> None:
        """A key that exists elsewhere. Errors: `add`."""
        if not name or not name.isprintable() or len(name) > 200:
            raise OptionsError("name", name, "a text of 1 to 200 printable characters")
        with self._errors():
            try:
                self._database.execute(
                    "INSERT INTO keys VALUES (?, ?, ?, ?, ?)", (name, _hash(secret), char_quota, rate, time.time())
                )
            except sqlite3.IntegrityError:
                raise OptionsError("name", name, "new: there is a key of this name, or this very key") from None

    def remove(self, name: str) -> bool:
        """Returns whether there was one."""
        with self._errors():
            self._database.execute("DELETE FROM usage WHERE name = ?", (name,))
            return self._database.execute("DELETE FROM keys WHERE name = ?", (name,)).rowcount > 0

    def all(self) -> list[Key]:
        """By name."""
        with self._errors():
            rows = self._database.execute("SELECT name, char_quota, rate FROM keys ORDER BY name").fetchall()
        return [Key(name, quota, rate, self.used(name)) for name, quota, rate in rows]

    def find(self, secret: str) -> Key | None:
        """By its secret. Hashes are compared, so that time tells nothing of it."""
        with self._errors():
            row = self._database.execute(
                "SELECT name, char_quota, rate FROM keys WHERE hash = ?", (_hash(secret),)
            ).fetchone()
        return None if row is None else Key(row[0], row[1], row[2], self.used(row[0]))

    def used(self, name: str) -> int:
        """Characters of this month."""
        with self._errors():
            row = self._database.execute(
                "SELECT characters FROM usage WHERE name = ? AND month = ?", (name, _month())
            ).fetchone()
        return int(row[0]) if row else 0

    def spend(self, key: Key, characters: int) -> bool:
        """Count characters; False, and nothing is counted, if the key's quota does not hold them."""
        with self._errors():
            most = key.char_quota if key.char_quota is not None else 1 << 62
            self._database.execute("INSERT OR IGNORE INTO usage VALUES (?, ?, 0)", (key.name, _month()))
            changed = self._database.execute(
                "UPDATE usage SET characters = characters + ? WHERE name = ? AND month = ? AND characters + ? <= ?",
                (characters, key.name, _month(), characters, most),
            )
            return changed.rowcount > 0

    def close(self) -> None:
        with self._lock:
            self._database.close()

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        with self._lock:
            try:
                yield
            except sqlite3.IntegrityError:
                raise
            except sqlite3.Error as error:
                raise DragomanError(f"{self._path}: keys cannot be read: {error}") from None


def _hash(secret: str) -> str:
    """Keys are long and random: one round is enough."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _month() -> str:
    return time.strftime("%Y-%m", time.gmtime())
